package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"lede/audience"
	"lede/internal/config"
	"lede/store"
)

func newSubscribersCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "subscribers",
		Short: "Look people up, add them, and let them go",
		Example: `  lede subscribers show ines@example.org
  lede subscribers add ines@example.org --list harbour --name "Ines Okafor"
  lede subscribers unsubscribe ines@example.org`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError("%s: unknown command %q\nhint: %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newShowCommand(a), newHistoryCommand(a), newPersonExportCommand(a), newAddCommand(a),
		newInviteCommand(a), newUnsubscribeCommand(a), newSuppressCommand(a), newForgetCommand(a), newRetainCommand(a))
	return cmd
}

// newAddCommand makes `lede subscribers add`.
func newAddCommand(a *app) *cobra.Command {
	var list, name string
	var again, newList bool
	work := people{a: a, did: "added"}
	cmd := &cobra.Command{
		Use:   "add [ADDRESS] --list LIST",
		Short: "Subscribe people to a list",
		Long: `Subscribe a person, or everyone in a file, to a list. Who unsubscribed from it
is only subscribed again with --again; who is suppressed never.`,
		Example: `  lede subscribers add ines@example.org --list harbour --name "Ines Okafor"
  lede subscribers add --list harbour --file addresses.txt`,
		Args: work.args,
		RunE: func(cmd *cobra.Command, args []string) error {
			if list == "" {
				return usageError("%s: which list? --list LIST\nhint: %s --help", cmd.CommandPath(), cmd.CommandPath())
			}
			if name != "" && work.file != "" {
				return usageError("--name is for one ADDRESS; lede import takes names from a file")
			}
			name, err := audience.CleanName(name)
			if err != nil {
				return usageError("--name: %w", err)
			}
			return work.run(cmd.Context(), args, func(cfg *config.Config, st *store.Store) (action, error) {
				if err := knownList(cmd.Context(), cfg, st, list, newList); err != nil {
					return nil, err
				}
				return func(ctx context.Context, row audience.Row) (string, error) {
					row.Name = name
					found, err := st.Add(ctx, list, row, work.consent(), again, a.now())
					switch {
					case err != nil:
						return "", err
					case found == "suppressed":
						return "", refusal("is suppressed and gets no mail; not added")
					case found == "left before":
						return "", refusal("unsubscribed from " + list + " before; not added (--again subscribes it again)")
					case found == "erased":
						return "", refusal("was erased; not added (--again adds it, if the person wants that)")
					case found == "already active":
						return "is already on " + list, nil
					}
					return found + " to " + list, nil
				}, nil
			})
		},
	}
	work.flags(cmd)
	cmd.Flags().StringVar(&list, "list", "", "`LIST` to subscribe to")
	cmd.Flags().StringVar(&name, "name", "", "the person's `NAME`")
	cmd.Flags().BoolVar(&again, "again", false, "also who unsubscribed before, and now asks to come back")
	cmd.Flags().BoolVar(&newList, "new-list", false, "LIST may be one that no newsletter goes to yet")
	return cmd
}

// newUnsubscribeCommand makes `lede subscribers unsubscribe`.
func newUnsubscribeCommand(a *app) *cobra.Command {
	var list, newsletter string
	work := people{a: a, did: "unsubscribed"}
	cmd := &cobra.Command{
		Use:   "unsubscribe [ADDRESS]",
		Short: "End what people get: everything, a list, or a newsletter",
		Long: `End what a person, or everyone in a file, gets: everything, or with --list one
list, or with --newsletter one newsletter. It works at once, also while an
edition is being sent, and no import undoes it.`,
		Example: `  lede subscribers unsubscribe ines@example.org
  lede subscribers unsubscribe ines@example.org --newsletter harbour
  lede subscribers unsubscribe --list harbour --file left.txt`,
		Args: work.args,
		RunE: func(cmd *cobra.Command, args []string) error {
			if list != "" && newsletter != "" {
				return usageError("--list or --newsletter, not both")
			}
			return work.run(cmd.Context(), args, func(cfg *config.Config, st *store.Store) (action, error) {
				leave, what, err := leaving(cmd.Context(), cfg, st, list, newsletter)
				if err != nil {
					return nil, err
				}
				return func(ctx context.Context, row audience.Row) (string, error) {
					p, err := st.Person(ctx, row.Key)
					if err != nil {
						return "", err
					}
					if err := leave(ctx, p.ID, a.now()); err != nil {
						return "", err
					}
					return "unsubscribed from " + what, nil
				}, nil
			})
		},
	}
	work.flags(cmd)
	cmd.Flags().StringVar(&list, "list", "", "only this `LIST`")
	cmd.Flags().StringVar(&newsletter, "newsletter", "", "only this `NEWSLETTER`")
	return cmd
}

// leaving returns what ends a person's subscriptions, and its words.
func leaving(ctx context.Context, cfg *config.Config, st *store.Store, list, newsletter string) (func(context.Context, int64, time.Time) error, string, error) {
	const why = "by hand"
	var ids []string
	for _, n := range cfg.Newsletters {
		ids = append(ids, n.ID)
	}
	switch {
	case list != "":
		if err := knownList(ctx, cfg, st, list, false); err != nil {
			return nil, "", err
		}
		return func(ctx context.Context, id int64, now time.Time) error {
			return st.LeaveList(ctx, id, list, why, now)
		}, "list " + list, nil
	case newsletter != "":
		at := slices.Index(ids, newsletter)
		if at < 0 {
			return nil, "", usageError("no newsletter %q; there is: %s", newsletter, strings.Join(ids, ", "))
		}
		own := ownLists(cfg.Newsletters, at)
		return func(ctx context.Context, id int64, now time.Time) error {
			return st.Leave(ctx, id, newsletter, own, why, now)
		}, "newsletter " + newsletter, nil
	}
	return func(ctx context.Context, id int64, now time.Time) error {
		return st.LeaveAll(ctx, id, ids, why, now)
	}, "everything", nil
}

// ownLists returns the lists of a newsletter that no other newsletter goes to.
func ownLists(all []config.Newsletter, at int) []string {
	return slices.DeleteFunc(slices.Clone(all[at].Lists), func(list string) bool {
		return slices.ContainsFunc(all, func(n config.Newsletter) bool {
			return n.ID != all[at].ID && slices.Contains(n.Lists, list)
		})
	})
}

// newSuppressCommand makes `lede subscribers suppress`.
func newSuppressCommand(a *app) *cobra.Command {
	var reason string
	work := people{a: a, did: "suppressed"}
	cmd := &cobra.Command{
		Use:   "suppress [ADDRESS]",
		Short: "Keep addresses, known or not, from all mail",
		Example: `  lede subscribers suppress ines@example.org --reason complaint
  lede subscribers suppress --file never.txt --reason "asked by letter"`,
		Args: work.args,
		RunE: func(cmd *cobra.Command, args []string) error {
			kind, note := reason, ""
			if !slices.Contains([]string{"unknown-user", "complaint", "by-hand"}, reason) {
				kind, note = "by-hand", strings.Join(strings.Fields(reason), " ")
			}
			return work.run(cmd.Context(), args, func(_ *config.Config, st *store.Store) (action, error) {
				return func(ctx context.Context, row audience.Row) (string, error) {
					err := st.Suppress(ctx, audience.Suppression{Address: row.Address, Reason: kind, Note: note, At: a.now()})
					return "suppressed (" + kind + ")", err
				}, nil
			})
		},
	}
	work.flags(cmd)
	cmd.Flags().StringVar(&reason, "reason", "by-hand", "`REASON`: unknown-user, complaint, by-hand, or in your own words")
	return cmd
}

// action does one thing with one person and says what it did, or why it did not
// (audience.ErrNobody, a refusal). Any other error stops the command.
type action func(ctx context.Context, row audience.Row) (string, error)

// refusal is why a person is left as it is: words behind the address.
type refusal string

func (r refusal) Error() string { return string(r) }

// people runs an action for one address or for those in a file.
type people struct {
	a    *app
	file string
	did  string // the word for what is done
}

// outcome is what became of one address.
type outcome struct {
	Address string `json:"address"`
	Result  string `json:"result,omitempty"`
	Error   string `json:"error,omitempty"`
}

func (p *people) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.file, "file", "", "everyone in `FILE`, - for standard input: one address a line, or a CSV file")
}

func (p *people) args(cmd *cobra.Command, args []string) error {
	if p.file != "" {
		return arguments(0, 0, "an ADDRESS or --file, not both")(cmd, args)
	}
	return arguments(1, 1, "an ADDRESS, or --file FILE")(cmd, args)
}

// consent says how someone came in.
func (p *people) consent() string {
	switch p.file {
	case "":
		return "added by hand"
	case "-":
		return "added by hand, from standard input"
	}
	return "added by hand, from " + p.file
}

// run prepares the action and applies it.
func (p *people) run(ctx context.Context, args []string, prepare func(*config.Config, *store.Store) (action, error)) error {
	return p.a.withStore(ctx, func(cfg *config.Config, st *store.Store) error {
		act, err := prepare(cfg, st)
		if err != nil {
			return err
		}
		if p.file == "" {
			return p.one(ctx, args[0], act)
		}
		return p.all(ctx, act)
	})
}

// one applies the action to one address.
func (p *people) one(ctx context.Context, address string, act action) error {
	out, err := apply(ctx, 0, address, act)
	if err != nil {
		return err
	}
	if p.a.json {
		if err := p.a.printJSON(out); err != nil {
			return err
		}
	}
	if out.Error != "" {
		return fmt.Errorf("%s %s", shown(out.Address), out.Error)
	}
	if !p.a.json {
		p.a.say("%s: %s", out.Address, out.Result)
	}
	return nil
}

// all applies the action to everyone in the file. One who can't be dealt with
// stops nobody else.
func (p *people) all(ctx context.Context, act action) error {
	in, name, _, err := p.a.openInput(p.file)
	if err != nil {
		return err
	}
	defer in.Close()
	outs := []outcome{}
	failed := 0
	err = audience.Addresses(in, func(line int, address, reason string) error {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("stopped before line %d; run it again to go on: %w", line, err)
		}
		out := outcome{Address: address, Error: reason}
		if reason == "" {
			var err error
			if out, err = apply(ctx, line, address, act); err != nil {
				return fmt.Errorf("line %d: %w", line, err)
			}
		}
		switch {
		case out.Error != "":
			failed++
			p.a.note("%s:%d: %s", name, line, strings.TrimSpace(shown(out.Address)+" "+out.Error))
		case !p.a.json:
			p.a.say("%s: %s", out.Address, out.Result)
		}
		outs = append(outs, out)
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if p.a.json {
		if err := p.a.printJSON(outs); err != nil {
			return err
		}
	}
	if failed == 0 {
		return nil
	}
	code := exitPart
	if failed == len(outs) {
		code = exitFailed
	}
	return &exitError{code, fmt.Errorf("%d of %s not %s", failed, rowCount(len(outs)), p.did)}
}

// apply checks an address and applies the action. Its error is one that should
// stop everything; what is wrong with this person alone stands in the outcome.
func apply(ctx context.Context, line int, address string, act action) (outcome, error) {
	normal, key, domain, err := audience.ParseAddress(address)
	if err != nil {
		return outcome{Address: strings.TrimSpace(address), Error: err.Error()}, nil
	}
	result, err := act(ctx, audience.Row{Line: line, Address: normal, Key: key, Domain: domain})
	var refused refusal
	switch {
	case errors.Is(err, audience.ErrNobody):
		return outcome{Address: normal, Error: nobody}, nil
	case errors.As(err, &refused):
		return outcome{Address: normal, Error: refused.Error()}, nil
	case err != nil:
		return outcome{}, err
	}
	return outcome{Address: normal, Result: result}, nil
}

// nobody stands behind an address that no subscriber has.
const nobody = "is nobody's: no subscriber has this address"

// shown makes what stands in a file fit for a terminal.
func shown(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 100 {
		s = string(r[:100]) + "…"
	}
	return s
}
