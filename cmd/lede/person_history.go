package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lede/audience"
	"lede/internal/config"
	"lede/store"
)

// newHistoryCommand makes `lede subscribers history`.
func newHistoryCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "history ADDRESS",
		Short: "What a person agreed to and left, and when",
		Long: `All that a person agreed to and left: each state of each subscription, opt-out
and suppression, since when, by which way, from which network address and to
which words. Nothing in it can be changed; it goes with the person
(lede subscribers forget).`,
		Example: "  lede subscribers history ines@example.org --json",
		Args:    arguments(1, 1, "an ADDRESS"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withPerson(cmd.Context(), args[0], func(ctx context.Context, _ *config.Config, st *store.Store, key string) error {
				entries, err := history(ctx, st, args[0], key)
				if err != nil {
					return err
				}
				if a.json {
					return a.printJSON(entries)
				}
				return printHistory(a, entries)
			})
		},
	}
}

// newPersonExportCommand makes `lede subscribers export`.
func newPersonExportCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "export ADDRESS",
		Short: "All that is kept about a person, as JSON",
		Long: `All that is kept about a person, as one JSON document to hand to that person:
address, name, attributes, tags, lists and states, their whole history, and
every letter that was sent to them.`,
		Example: "  lede subscribers export ines@example.org > ines.json",
		Args:    arguments(1, 1, "an ADDRESS"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withPerson(cmd.Context(), args[0], func(ctx context.Context, _ *config.Config, st *store.Store, key string) error {
				kept, err := keptOf(ctx, st, args[0], key)
				if err != nil {
					return err
				}
				return a.printJSON(kept)
			})
		},
	}
}

// newForgetCommand makes `lede subscribers forget`.
func newForgetCommand(a *app) *cobra.Command {
	var yes bool
	work := people{a: a, did: "erased"}
	cmd := &cobra.Command{
		Use:   "forget [ADDRESS] --yes",
		Short: "Erase a person, for good",
		Long: `Erase all that is kept about a person: name, attributes, subscriptions, history,
and what receivers answered about the address. What stays is a keyed hash of the
address, so that no import brings the person back; only the person can, or
lede subscribers add --again. The sums of editions stay what they were.

This can't be undone. Copies that you made (backups, exports) are yours to erase.`,
		Example: `  lede subscribers forget ines@example.org --yes
  lede subscribers forget --file asked-to-be-erased.txt --yes`,
		Args: work.args,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !yes {
				return usageError("%s: it can't be undone; --yes does it\nhint: lede subscribers export ADDRESS shows what is kept", cmd.CommandPath())
			}
			return work.run(cmd.Context(), args, func(_ *config.Config, st *store.Store) (action, error) {
				return func(ctx context.Context, row audience.Row) (string, error) {
					return "erased", st.Forget(ctx, row.Key, a.now())
				}, nil
			})
		},
	}
	work.flags(cmd)
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "erase them")
	return cmd
}

// withPerson runs f with the store and the key of an address.
func (a *app) withPerson(ctx context.Context, address string, f func(ctx context.Context, cfg *config.Config, st *store.Store, key string) error) error {
	_, key, _, err := audience.ParseAddress(address)
	if err != nil {
		return usageError("%s %w", shown(address), err)
	}
	return a.withStore(ctx, func(cfg *config.Config, st *store.Store) error { return f(ctx, cfg, st, key) })
}

// historyJSON is a line of a history as other programs read it.
type historyJSON struct {
	At    time.Time `json:"at"`
	Ended time.Time `json:"ended,omitzero"`
	What  string    `json:"what"`
	About string    `json:"about,omitempty"`
	State string    `json:"state,omitempty"`
	How   string    `json:"how,omitempty"`
	IP    string    `json:"ip,omitempty"`
	Text  string    `json:"agreed_to,omitempty"`
}

func history(ctx context.Context, st *store.Store, address, key string) ([]historyJSON, error) {
	entries, err := st.PersonHistory(ctx, key)
	if errors.Is(err, audience.ErrNobody) {
		return nil, fmt.Errorf("%s %s", address, nobody)
	}
	lines := make([]historyJSON, len(entries))
	for i, e := range entries {
		lines[i] = historyJSON(e)
	}
	return lines, err
}

// printHistory prints a history for people.
func printHistory(a *app, entries []historyJSON) error {
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, e := range entries {
		what := e.What
		switch e.What {
		case audience.EntrySubscription:
			what = "list " + e.About + ": " + e.State
		case audience.EntryOptOut:
			what = "newsletter " + e.About + ": left"
			if e.About == "" {
				what = "every newsletter: left"
			}
		case audience.EntrySuppression:
			what = "suppressed: " + e.State
		case audience.EntryReturn:
			what = "newsletter " + e.About + ": came back"
		}
		until := ""
		if !e.Ended.IsZero() {
			until = "until " + e.Ended.UTC().Format("2006-01-02 15:04")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", e.At.UTC().Format("2006-01-02 15:04"), what, until, howOf(e))
	}
	return w.Flush()
}

// howOf is the way of an entry in words.
func howOf(e historyJSON) string {
	how := e.How
	if e.IP != "" {
		how += ", from " + e.IP
	}
	if e.Text != "" {
		how += fmt.Sprintf(", agreed to %q", e.Text)
	}
	return how
}
