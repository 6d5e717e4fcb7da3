package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lede/audience/segment"
	"lede/compose"
	"lede/newsroom"
	"lede/store"
)

func newEditionsCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "editions",
		Short: "What was sent, is being sent, and was not",
		Example: `  lede editions list harbour
  lede editions report 3f2a
  lede editions pause 3f2a       # at once, also while it is being sent`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError("%s: unknown command %q\nhint: %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	limit := 20
	list := &cobra.Command{
		Use:     "list [NEWSLETTER]",
		Short:   "Editions, newest first",
		Example: "  lede editions list harbour --json",
		Args:    arguments(0, 1, "at most one NEWSLETTER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRoom(cmd.Context(), func(ctx context.Context, h *house) error {
				return listEditions(ctx, a, h, args, limit)
			})
		},
	}
	list.Flags().IntVar(&limit, "limit", limit, "at most so many, 0 for all")
	cmd.AddCommand(list, newWatchCommand(a), newDraftCommand(a), newApplyCommand(a),
		a.editionCommand("show", "The edition as it was assembled, with every reason", showEdition),
		a.editionCommand("report", "What became of an edition", func(ctx context.Context, a *app, h *house, id string) error {
			rep, err := h.room.Report(ctx, id)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(rep)
			}
			printReport(a, rep)
			return nil
		}),
		a.changeCommand("pause", "Stop an edition at once; it never goes on by itself", pauseEdition, "Paused. To go on: lede editions resume %s"),
		a.changeCommand("cancel", "End an edition: what is not sent yet is never sent", cancelEdition, "Cancelled %s."),
		a.editionCommand("resume", "Send the rest of a paused or old edition", resumeEdition),
		newApproveCommand(a), newChooseCommand(a))
	return cmd
}

// withRoom opens the house for one piece of work.
func (a *app) withRoom(ctx context.Context, work func(context.Context, *house) error) error {
	h, err := a.open(ctx, wiring{by: a.person()})
	if err != nil {
		return err
	}
	defer h.close()
	return work(ctx, h)
}

func (a *app) editionCommand(verb, short string, work func(context.Context, *app, *house, string) error) *cobra.Command {
	return &cobra.Command{
		Use:     verb + " ID",
		Short:   short,
		Example: "  lede editions " + verb + " 3f2a     # the start of an id will do",
		Args:    arguments(1, 1, "one ID (see `lede editions list`)"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRoom(cmd.Context(), func(ctx context.Context, h *house) error {
				return noSuchEdition(args[0], work(ctx, a, h, args[0]))
			})
		},
	}
}

// noSuchEdition words the error of a store that does not know an edition; every
// other it leaves as it is.
func noSuchEdition(id string, err error) error {
	if errors.Is(err, newsroom.ErrNotFound) {
		return fmt.Errorf("edition %s: no such edition\nhint: lede editions list", id)
	}
	return err
}

func (a *app) changeCommand(verb, short string, change func(ctx context.Context, h *house, id, why string) error, done string) *cobra.Command {
	why := ""
	cmd := a.editionCommand(verb, short, func(ctx context.Context, a *app, h *house, id string) error {
		if why == "" {
			why = verb + " by hand"
		}
		if err := change(ctx, h, id, why); err != nil {
			return err
		}
		return said(ctx, a, h, id, done)
	})
	cmd.Flags().StringVar(&why, "why", "", "the reason, kept with the edition")
	return cmd
}

func pauseEdition(ctx context.Context, h *house, id, why string) error {
	return h.room.Pause(ctx, id, why)
}

// cancelEdition ends an edition. When nobody is sending, what a killed sender
// left in flight of it is settled too, so that nothing of it stays pending.
func cancelEdition(ctx context.Context, h *house, id, why string) error {
	if err := h.room.Cancel(ctx, id, why); err != nil {
		return err
	}
	ctx, release, err := h.store.AcquireSender(ctx)
	var other store.ErrSender
	if errors.As(err, &other) {
		return nil // the sender sees it at once, and finishes what is in hand
	}
	if err != nil {
		return err
	}
	defer release()
	return h.room.Settle(ctx, h.newsletters)
}

// said confirms a change: a line, or the report.
func said(ctx context.Context, a *app, h *house, id, format string) error {
	rep, err := h.room.Report(ctx, id)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(rep)
	}
	a.say(format, rep.Edition)
	return nil
}

func resumeEdition(ctx context.Context, a *app, h *house, id string) error {
	rec, err := h.store.Edition(ctx, id)
	if err != nil {
		return err
	}
	n, err := h.newsletter([]string{rec.Newsletter})
	if err != nil {
		return err
	}
	if err := h.room.Resume(ctx, n, rec.ID); err != nil {
		return err
	}
	return said(ctx, a, h, rec.ID, "Edition %s goes on: the daemon sends the rest, or `lede send "+n.ID+"`.")
}

func listEditions(ctx context.Context, a *app, h *house, args []string, limit int) error {
	id := ""
	if len(args) == 1 {
		n, err := h.newsletter(args)
		if err != nil {
			return err
		}
		id = n.ID
	}
	reports, err := h.room.Reports(ctx, id, limit)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(reports)
	}
	if len(reports) == 0 {
		a.say("No edition yet. `lede schedule` says when the first comes, `lede preview` shows it.")
		return nil
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "EDITION\tNEWSLETTER\tSLOT\tSTATE\tSENT\tOF\tWHY")
	for _, r := range reports {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%d\t%s\n", r.Edition, r.Newsletter, h.local(r.Newsletter, r.Slot), r.State, r.Sent, r.Audience, r.Why)
	}
	return w.Flush()
}

func showEdition(ctx context.Context, a *app, h *house, id string) error {
	rec, err := h.store.Edition(ctx, id)
	if err != nil {
		return err
	}
	if rec.Content == nil {
		if a.json {
			return a.printJSON(struct {
				Edition string         `json:"edition"`
				State   newsroom.State `json:"state"`
				Why     string         `json:"why"`
			}{rec.ID, rec.State, rec.Why})
		}
		a.say("Edition %s of %s was %s: %s", rec.ID, h.local(rec.Newsletter, rec.Slot), rec.State, rec.Why)
		changes, err := h.store.History(ctx, rec.ID)
		sayChanges(a, h, rec, changes)
		return err
	}
	changes, err := h.store.History(ctx, rec.ID)
	if err != nil {
		return err
	}
	variants, test, err := h.room.GroupsOf(ctx, rec)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(struct {
			*compose.Edition
			To       segment.Choice         `json:"to,omitzero"` // of those on the lists; left out for all
			Changes  []newsroom.Change      `json:"changes"`
			Variants []newsroom.VariantSums `json:"variants,omitempty"`
			Test     *newsroom.TestReport   `json:"test,omitempty"`
		}{rec.Content, rec.Choice, changes, variants, test})
	}
	e := rec.Content
	a.say("Edition    %s, %s, %s", rec.ID, rec.State, h.local(rec.Newsletter, rec.Slot))
	a.say("Subject    %s\nPreheader  %s", e.Subject, e.Preheader)
	if rec.Choice.Where != "" {
		a.say("To         %s: %s", rec.Choice, rec.Choice.Where)
	}
	sayGroups(a, func(t time.Time) string { return h.local(rec.Newsletter, t) }, variants, test)
	if e.Lead != nil {
		a.say("\nLead\n  %s\n  %s", orUntitled(e.Lead.Title), e.Lead.Why)
	}
	for _, s := range e.Sections {
		a.say("\n%s", strings.TrimSpace(s.Title+" ("+s.Kind+")"))
		for _, b := range s.Briefs {
			a.say("  %s\n  %s", orUntitled(b.Title), b.Why)
		}
	}
	if len(e.LeftOut) > 0 {
		a.say("\nLeft out")
	}
	for _, l := range e.LeftOut {
		a.say("  %s\n  %s: %s", orUntitled(l.Title), l.Source, l.Why)
	}
	for _, s := range e.Sources {
		if s.Error != "" {
			a.say("\nSource %s failed: %s", s.ID, s.Error)
		}
	}
	if len(e.Remarks) > 0 {
		a.say("\nEdited")
	}
	for _, remark := range e.Remarks {
		a.say("  %s", remark)
	}
	sayChanges(a, h, rec, changes)
	return nil
}

// sayChanges prints who changed an edition's state when.
func sayChanges(a *app, h *house, rec newsroom.Record, changes []newsroom.Change) {
	if len(changes) > 0 {
		a.say("\nWhat happened")
	}
	for _, c := range changes {
		step := string(c.To)
		if c.From != "" && c.From != c.To {
			step = string(c.From) + " → " + string(c.To)
		}
		line := fmt.Sprintf("  %s  %-10s  %s", h.local(rec.Newsletter, c.At), c.By, step)
		if c.Why != "" {
			line += ": " + c.Why
		}
		a.say("%s", line)
	}
}

// mostReasons is how many reasons a person reads; some relays word each refusal
// anew.
const mostReasons = 15

// printReport prints the sums as a person reads them.
func printReport(a *app, r newsroom.Report) {
	a.say("Edition %s of %s: %s", r.Edition, r.Newsletter, r.State)
	if r.Subject != "" {
		a.say("Subject: %s", r.Subject)
	}
	if r.Why != "" {
		a.say("Why: %s", r.Why)
	}
	a.say("%8d sent\n%8d put off\n%8d failed\n%8d in doubt\n%8d skipped\n%8d pending\n%8d = audience",
		r.Sent, r.Deferred, r.Failed, r.InDoubt, r.Skipped, r.Pending, r.Audience)
	for i, reason := range r.Reasons {
		if i == mostReasons {
			a.say("  and %s; --json lists them all", numbered(len(r.Reasons)-i, "other reason", "other reasons"))
			break
		}
		a.say("  %d %s: %s", reason.Count, reason.State, reason.Why)
	}
	sayGroups(a, func(t time.Time) string { return t.UTC().Format("2 January 15:04 UTC") }, r.Variants, r.Test)
	if r.State == newsroom.Sending && r.Pending+r.Deferred > 0 {
		a.say("What is left goes on with the daemon or the next `lede send %s`.", r.Newsletter)
	}
}
