package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"lede/audience/segment"
	"lede/internal/config"
	"lede/internal/spelling"
	"lede/store"
)

// shownPeople is how many people of a segment are shown.
const shownPeople = 10

func newSegmentsCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "segments",
		Short: "Whom a condition means: list the segments, show one, try one out",
		Long: `Segments are groups of people, told by a condition on what is known of them.
docs/segments.md has the language. Nobody gets mail for being in one: what people
agreed to is asked first.`,
		Example: `  lede segments list
  lede segments show regulars
  lede segments test 'plan = "paid" and not tag "press"' --list daily`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSegmentsListCommand(a), newSegmentsShowCommand(a), newSegmentsTestCommand(a))
	return cmd
}

// segmentLine is a segment of the configuration as `segments list` shows it.
type segmentLine struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Where       string   `json:"where"`
	Newsletters []string `json:"newsletters"` // that go to it or leave it out
	Count       int      `json:"count"`
}

func newSegmentsListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "The segments of the configuration, with how many people are in each",
		Example: "  lede segments list",
		Args:    arguments(0, 0, "nothing"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(cfg *config.Config, st *store.Store) error {
				lines := []segmentLine{}
				for _, s := range cfg.Segments {
					n, err := st.CountSegment(cmd.Context(), s.Means, "", a.now())
					if err != nil {
						return err
					}
					lines = append(lines, segmentLine{s.ID, s.Name, s.Means.String(), segmentUsers(cfg, s.ID), n})
				}
				if a.json {
					return a.printJSON(lines)
				}
				if len(lines) == 0 {
					a.say("no segments; they stand in %s: segments: [{id: …, where: …}]", cfg.Path)
					return nil
				}
				w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "SEGMENT\tPEOPLE\tWHERE")
				for _, l := range lines {
					fmt.Fprintf(w, "%s\t%s\t%s\n", l.ID, humanize.Comma(int64(l.Count)), l.Where)
				}
				return w.Flush()
			})
		},
	}
}

// segmentUsers are the newsletters that name a segment.
func segmentUsers(cfg *config.Config, id string) []string {
	users := []string{}
	for _, n := range cfg.Newsletters {
		if n.Segment == id || slices.Contains(n.Exclude, id) {
			users = append(users, n.ID)
		}
	}
	return users
}

func newSegmentsShowCommand(a *app) *cobra.Command {
	list := ""
	cmd := &cobra.Command{
		Use:     "show ID",
		Short:   "A segment of the configuration: its condition, its count, ten of its people",
		Example: "  lede segments show regulars --list daily",
		Args:    arguments(1, 1, "one ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(cmd.Context(), func(cfg *config.Config, st *store.Store) error {
				i := slices.IndexFunc(cfg.Segments, func(s config.Segment) bool { return s.ID == args[0] })
				if i < 0 {
					var ids []string
					for _, s := range cfg.Segments {
						ids = append(ids, s.ID)
					}
					return usageError("no segment %q; there is: %s", args[0], strings.Join(ids, ", "))
				}
				s := cfg.Segments[i]
				return showSegment(cmd.Context(), a, cfg, st, s.Means, segmentShown{ID: s.ID, Name: s.Name, Newsletters: segmentUsers(cfg, s.ID), List: list})
			})
		},
	}
	cmd.Flags().StringVar(&list, "list", "", "only those who get the mail of this `LIST`")
	return cmd
}

func newSegmentsTestCommand(a *app) *cobra.Command {
	list := ""
	cmd := &cobra.Command{
		Use:   "test EXPR",
		Short: "How many people a condition means, and ten of them",
		Long: `Count the people whom a condition means, and show ten of them. Without --list all
that are known count, whatever they get; with it those who get the mail of that
list. Nothing is changed.`,
		Example: `  lede segments test 'plan = "paid" and country in ("DE", "AT")'
  lede segments test 'subscribed since 30 days ago' --list daily --json`,
		Args: arguments(1, 1, "one EXPR, in quotation marks"),
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := segment.Parse(args[0])
			if err != nil {
				return wrongSegment(err)
			}
			return a.withStore(cmd.Context(), func(cfg *config.Config, st *store.Store) error {
				return showSegment(cmd.Context(), a, cfg, st, e, segmentShown{List: list})
			})
		},
	}
	cmd.Flags().StringVar(&list, "list", "", "only those who get the mail of this `LIST`")
	return cmd
}

// wrongSegment is what is said of a wrong expression: what, and where.
func wrongSegment(err error) error {
	e, ok := errors.AsType[*segment.Error](err)
	if !ok {
		return err
	}
	text := e.Error() + "\n" + e.Caret()
	if e.Hint != "" {
		text += "\nhint: " + e.Hint
	}
	return &exitError{exitUsage, errors.New(text)}
}

// segmentShown is what `segments show` and `segments test` say.
type segmentShown struct {
	ID          string          `json:"id,omitempty"`
	Name        string          `json:"name,omitempty"`
	Newsletters []string        `json:"newsletters,omitempty"`
	Where       string          `json:"where"`
	List        string          `json:"list"`
	Count       int             `json:"count"`
	People      []segmentPerson `json:"people"` // the first ten
}

type segmentPerson struct {
	Address string `json:"address"`
	Name    string `json:"name"`
}

// showSegment counts whom an expression means, and shows the first of them.
func showSegment(ctx context.Context, a *app, cfg *config.Config, st *store.Store, e *segment.Expression, out segmentShown) error {
	if out.List != "" {
		if err := knownList(ctx, cfg, st, out.List, false); err != nil {
			return err
		}
	}
	if err := checkNames(ctx, a, cfg, st, e); err != nil {
		return err
	}
	var err error
	if out.Count, err = st.CountSegment(ctx, e, out.List, a.now()); err != nil {
		return err
	}
	people, err := st.SegmentPeople(ctx, e, out.List, shownPeople, a.now())
	if err != nil {
		return err
	}
	out.Where, out.People = e.String(), []segmentPerson{}
	for _, p := range people {
		out.People = append(out.People, segmentPerson{p.Address, p.Name})
	}
	if a.json {
		return a.printJSON(out)
	}
	if out.ID != "" {
		a.say("Segment  %s", strings.TrimSuffix(out.ID+", "+out.Name, ", "))
	}
	if len(out.Newsletters) > 0 {
		a.say("Used by  %s", strings.Join(out.Newsletters, ", "))
	}
	a.say("Where    %s", out.Where)
	of := "of all that are known"
	if out.List != "" {
		of = "who get the mail of " + out.List
	}
	a.say("People   %s %s", humanize.Comma(int64(out.Count)), of)
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, p := range out.People {
		fmt.Fprintf(w, "  %s\t%s\n", p.Address, p.Name)
	}
	if more := out.Count - len(out.People); more > 0 {
		fmt.Fprintf(w, "  and %s more\n", humanize.Comma(int64(more)))
	}
	return w.Flush()
}

// checkNames refuses lists that there are not and attributes that are compared
// with what they are not, and warns of attributes that nobody has: a mistyped one means nobody, or with not everybody.
func checkNames(ctx context.Context, a *app, cfg *config.Config, st *store.Store, e *segment.Expression) error {
	known := segment.Known{Lists: []string{}, Newsletters: []string{}, Types: cfg.Declared()}
	for _, n := range cfg.Newsletters {
		known.Lists = append(known.Lists, n.Lists...)
		known.Newsletters = append(known.Newsletters, n.ID)
	}
	counts, err := st.Lists(ctx)
	if err != nil {
		return err
	}
	for _, c := range counts {
		known.Lists = append(known.Lists, c.List)
	}
	slices.Sort(known.Lists)
	known.Lists = slices.Compact(known.Lists)
	if err := e.Check(known); err != nil {
		return wrongSegment(err)
	}
	names, err := st.AttributeNames(ctx)
	if err != nil {
		return err
	}
	for _, name := range e.Attributes() {
		if _, declared := known.Types.Find(name); declared || slices.Contains(names, name) {
			continue
		}
		has := &segment.Expression{Root: segment.Set{Field: segment.Field{Kind: segment.Attribute, Name: name}}}
		n, err := st.CountSegment(ctx, has, "", a.now())
		if err != nil {
			return err
		}
		if n == 0 {
			hint := ""
			if near := spelling.Nearest(name, names); near != "" {
				hint = fmt.Sprintf(": did you mean %s?", near)
			}
			a.note("lede: warning: nobody has the attribute %q%s", name, hint)
		}
	}
	return nil
}
