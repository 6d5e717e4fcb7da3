package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"lede/audience"
	"lede/internal/config"
	"lede/internal/fetch"
	"lede/newsroom"
	"lede/store"
)

// settleTime is how long a file of a watched folder must have been left alone.
const settleTime = 10 * time.Second

// lists builds the lists that are filled from sources.
func (h *house) lists() ([]newsroom.List, error) {
	var all []newsroom.List
	for _, c := range h.cfg.Lists {
		schedule, err := newsroom.ParseSchedule(c.Schedule)
		if err != nil {
			return nil, fmt.Errorf("list %s: schedule: %w", c.ID, err)
		}
		l := newsroom.List{
			ID: c.ID, Source: h.peopleSource(c), Schedule: schedule, Zone: c.Timezone.Location,
			Sync: c.Sync, MaxGone: float64(c.MaxGone), Format: c.Format, State: c.State, Ignore: c.Ignore, Map: map[string]string{},
		}
		if c.Source.SQL.Driver != "" {
			l.Format = "csv" // as its rows are written
		}
		for _, p := range c.Map {
			l.Map[p.Name] = p.Value
		}
		for _, n := range h.newsletters {
			if slices.Contains(n.Lists, c.ID) && len(n.Notify) > 0 {
				l.Tell = append(l.Tell, n)
			}
		}
		all = append(all, l)
	}
	return all, nil
}

// peopleSource is where the people of a list come from.
func (h *house) peopleSource(c config.List) newsroom.PeopleSource {
	s := c.Source
	most := int64(s.MaxSize) << 20
	switch {
	case s.Folder != "":
		return &newsroom.FolderSource{Folder: s.Folder, DoneTo: s.DoneTo, Newest: c.Sync, Settle: settleTime, Now: h.app.now, Memory: h.store}
	case s.URL != "":
		client := fetch.New(fetch.Options{Version: version, About: h.cfg.BaseURL, Timeout: time.Duration(s.Timeout)})
		return &newsroom.URLSource{URL: s.URL, Authorization: string(s.Authorization), Private: s.Private, MaxBytes: most, Client: client}
	}
	query := store.PeopleQuery{Driver: s.SQL.Driver, DSN: string(s.SQL.DSN), Query: s.SQL.Query}
	return &newsroom.SQLSource{
		Database: query.Where(), Timeout: time.Duration(s.Timeout),
		Rows: func(ctx context.Context, out io.Writer) error { return query.WriteCSV(ctx, out, most) },
	}
}

func newListsCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lists",
		Short: "Lists, and filling them from their sources",
		Example: `  lede lists list
  lede lists run members --dry-run`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError("%s: unknown command %q\nhint: %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newListsListCommand(a), newListsRunCommand(a))
	return cmd
}

// listJSON is a list as other programs read it.
type listJSON struct {
	List    string    `json:"list"`
	Active  int       `json:"active"`
	Source  string    `json:"source,omitempty"`
	Sync    bool      `json:"sync,omitzero"`
	Next    time.Time `json:"next,omitzero"`
	Trouble string    `json:"trouble,omitempty"`
}

func newListsListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "All lists: how many are active, where they come from, when next, what is wrong",
		Example: "  lede lists list --json",
		Args:    arguments(0, 0, "nothing"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.open(cmd.Context(), wiring{by: a.person(), quiet: true})
			if err != nil {
				return err
			}
			defer h.close()
			all, err := h.allLists(cmd.Context())
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(all)
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "LIST\tACTIVE\tSOURCE\tSYNC\tNEXT (UTC)\tTROUBLE")
			for _, l := range all {
				sync, next := "", ""
				if l.Sync {
					sync = "sync"
				}
				if !l.Next.IsZero() {
					next = l.Next.UTC().Format("2006-01-02 15:04")
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", l.List, humanize.Comma(int64(l.Active)), shown(l.Source), sync, next, shown(l.Trouble))
			}
			return w.Flush()
		},
	}
}

// allLists are those that newsletters go to, that have people, or a source.
func (h *house) allLists(ctx context.Context) ([]listJSON, error) {
	byID := map[string]listJSON{}
	for _, n := range h.newsletters {
		for _, id := range n.Lists {
			byID[id] = listJSON{List: id}
		}
	}
	sizes, err := h.store.Lists(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range sizes {
		byID[s.List] = listJSON{List: s.List, Active: s.Active}
	}
	for _, l := range h.room.Filled {
		state, err := h.store.ListSource(ctx, l.ID)
		if err != nil {
			return nil, err
		}
		one := byID[l.ID]
		one.List, one.Source, one.Sync, one.Trouble = l.ID, l.Source.Where(), l.Sync, state.Trouble
		one.Next = newsroom.NextSlot(l.Schedule, h.app.now(), l.Zone, nil)
		byID[l.ID] = one
	}
	all := make([]listJSON, 0, len(byID))
	for _, one := range byID {
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b listJSON) int { return strings.Compare(a.List, b.List) })
	return all, nil
}

func newListsRunCommand(a *app) *cobra.Command {
	var o newsroom.RunOptions
	cmd := &cobra.Command{
		Use:   "run LIST",
		Short: "Fill a list from its source now, also if the source did not change",
		Long: `Fill a list from its source now, also if the source did not change. What is
done stands in "lede imports", which can undo it. The exit status is 3 if rows were
rejected.`,
		Example: `  lede lists run members --dry-run
  lede lists run members --force-gone "the club halved its members"`,
		Args: arguments(1, 1, "LIST"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.open(cmd.Context(), wiring{by: a.person(), quiet: true})
			if err != nil {
				return err
			}
			defer h.close()
			o.Again, o.Force = true, strings.Join(strings.Fields(o.Force), " ")
			return h.runList(cmd.Context(), args[0], o)
		},
	}
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "say what would happen and change nothing")
	cmd.Flags().StringVar(&o.Force, "force-gone", "", "let a sync take off more than max_gone, for this `REASON`, which is kept")
	return cmd
}

func (h *house) runList(ctx context.Context, id string, o newsroom.RunOptions) error {
	a := h.app
	var ids []string
	for _, l := range h.room.Filled {
		ids = append(ids, l.ID)
	}
	i := slices.Index(ids, id)
	if i < 0 {
		hint := "the configuration has none: lists: [{id: …, source: …, schedule: …}]"
		if len(ids) > 0 {
			hint = "there is: " + strings.Join(ids, ", ")
		}
		return usageError("no list %q with a source; %s", id, hint)
	}
	runs, err := h.room.RunList(ctx, h.room.Filled[i], o)
	if errors.Is(err, newsroom.ErrNotYet) {
		return fmt.Errorf("%w; run it again when it is whole", err)
	}
	rejected := 0
	for _, run := range runs {
		options := audience.ImportOptions{Name: run.File, List: id, DryRun: o.DryRun, Survey: &run.Survey}
		rejected += run.Result.Rejected
		tellSurvey(a, options, nil)
		if !a.json {
			a.say("%s", importSummary(options, run.Result))
		}
	}
	switch {
	case a.json:
		if runs == nil {
			runs = []newsroom.ListRun{}
		}
		err = errors.Join(err, a.printJSON(runs))
	case err == nil && len(runs) == 0:
		a.say("%s: nothing is there to be taken", id)
	}
	if err != nil || rejected == 0 {
		return err
	}
	return &exitError{exitPart, fmt.Errorf("%s rejected", rowCount(rejected))}
}
