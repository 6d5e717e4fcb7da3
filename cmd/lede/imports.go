package main

import (
	"errors"
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lede/audience"
	"lede/internal/config"
	"lede/store"
)

// importEntryJSON is an import as other programs read it.
type importEntryJSON struct {
	Import   int64     `json:"import"`
	List     string    `json:"list"`
	File     string    `json:"file"`
	Hash     string    `json:"hash"`
	By       string    `json:"by"`
	Force    string    `json:"force_status,omitempty"`
	State    string    `json:"state"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished,omitzero"`
	audience.Result
	audience.Survey
	Error  string `json:"error,omitempty"`
	Undone string `json:"undone,omitempty"`
}

func entryJSON(e audience.ImportEntry) importEntryJSON {
	return importEntryJSON{
		Import: e.ID, List: e.List, File: e.File, Hash: e.Hash, By: e.By, Force: e.Force, State: string(e.State),
		Started: e.Started, Finished: e.Finished, Result: e.Result, Survey: e.Survey, Error: e.Error, Undone: e.Undone,
	}
}

func newImportsCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "imports",
		Short: "What imports did, and undoing them",
		Example: `  lede imports list
  lede imports show 3
  lede imports undo 3`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError("%s: unknown command %q\nhint: %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newImportsListCommand(a), newImportsShowCommand(a), newImportsUndoCommand(a))
	return cmd
}

func newImportsListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "The newest hundred imports",
		Example: "  lede imports list --json",
		Args:    arguments(0, 0, "nothing"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(_ *config.Config, st *store.Store) error {
				entries, err := st.Imports(cmd.Context(), 100)
				if err != nil {
					return err
				}
				if a.json {
					out := make([]importEntryJSON, 0, len(entries))
					for _, e := range entries {
						out = append(out, entryJSON(e))
					}
					return a.printJSON(out)
				}
				if len(entries) == 0 {
					a.say("Nothing was imported yet.")
					return nil
				}
				w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "IMPORT\tSTARTED\tLIST\tFILE\tBY\tSTATE\tNEW\tUPDATED\tKEPT OUT\tREJECTED")
				for _, e := range entries {
					fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\n", e.ID, e.Started.UTC().Format("2006-01-02 15:04"), e.List,
						shown(e.File), shown(e.By), importStateWord(e), e.Result.New, e.Result.Updated, e.Result.KeptOut, e.Result.Rejected)
				}
				return w.Flush()
			})
		},
	}
}

// importStateWord is the state of an import for people.
func importStateWord(e audience.ImportEntry) string {
	switch e.State {
	case audience.ImportRunning:
		return "running or killed"
	case audience.ImportUndoing:
		return "undo not finished"
	default:
		return string(e.State)
	}
}

// importID reads the number of an import.
func importID(s string) (int64, error) {
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil || id < 1 {
		return 0, usageError("%q: expected the number of an import, as lede imports list shows it", s)
	}
	return id, nil
}

func newImportsShowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Short:   "One import: what was understood, counted, rejected",
		Example: "  lede imports show 3 --json",
		Args:    arguments(1, 1, "the ID of an import"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := importID(args[0])
			if err != nil {
				return err
			}
			return a.withStore(cmd.Context(), func(_ *config.Config, st *store.Store) error {
				e, err := st.ImportByID(cmd.Context(), id)
				if errors.Is(err, audience.ErrNoImport) {
					return fmt.Errorf("%w: %d; lede imports list shows them", err, id)
				}
				if err != nil {
					return err
				}
				if a.json {
					return a.printJSON(entryJSON(e))
				}
				showImport(a, e)
				return nil
			})
		},
	}
}

// showImport prints an import for people.
func showImport(a *app, e audience.ImportEntry) {
	a.say("Import %d: %s into %s, %s", e.ID, shown(e.File), e.List, importStateWord(e))
	a.say("  by %s, %s", shown(e.By), e.Started.UTC().Format("2006-01-02 15:04:05 UTC"))
	a.say("  SHA-256 %s", e.Hash)
	if e.Force != "" {
		a.say("  stronger states were overwritten: %s", shown(e.Force))
	}
	if e.Undone != "" {
		a.say("  undone %s", shown(e.Undone))
	}
	if e.Error != "" {
		a.say("  %s", shown(e.Error))
	}
	r := e.Result
	a.say("  %s: %d new, %d updated, %d unchanged, %d kept out, %d rejected", rowCount(r.Rows), r.New, r.Updated, r.Unchanged, r.KeptOut, r.Rejected)
	if y := e.Survey.Sync; y != nil {
		a.say("  by sync: %d of %d active people unsubscribed, %d back", y.Gone, y.Active, y.Back)
		if y.Forced != "" {
			a.say("  the sync's guard was passed: %s", shown(y.Forced))
		}
	}
	a.say("  states: %s", counts(e.Survey.States))
	for _, f := range e.Survey.Files {
		a.say("%s: %s, %s", shown(f.Name), f.Format, rowCount(f.Rows))
		w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
		for _, c := range f.Columns {
			fmt.Fprintf(w, "  %s\t→ %s\n", shown(c.Heading), c.Meaning)
		}
		_ = w.Flush() // standard output
	}
	for _, x := range e.Survey.Rejects {
		a.say("%s:%d: %s", shown(x.File), x.Line, shown(x.Reason))
	}
	for _, x := range e.Survey.Flagged {
		a.say("%s:%d: %s %s", shown(x.File), x.Line, shown(x.Address), x.Flag)
	}
}

func newImportsUndoCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "undo ID",
		Short: "Put back what an import changed",
		Long: `Put back what an import changed, but for what was changed since: people whom it
brought in go, others are as they were, and whoever left meanwhile stays away. An
undo that was stopped goes on when it is run again.`,
		Example: "  lede imports undo 3",
		Args:    arguments(1, 1, "the ID of an import"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := importID(args[0])
			if err != nil {
				return err
			}
			return a.withStore(cmd.Context(), func(_ *config.Config, st *store.Store) error {
				done, err := st.UndoImport(cmd.Context(), id, a.person(), a.now())
				if errors.Is(err, audience.ErrNoImport) {
					return fmt.Errorf("%w: %d; lede imports list shows them", err, id)
				}
				if err != nil {
					return err
				}
				if a.json {
					return a.printJSON(done)
				}
				a.say("Import %d is undone: %s removed (%s forgotten), %s as before, %d changed since and left as they are",
					id, numbered(done.Removed, "subscription", "subscriptions"), peopleCount(done.People), peopleCount(done.Restored), done.Kept)
				return nil
			})
		},
	}
}
