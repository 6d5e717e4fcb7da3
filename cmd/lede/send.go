package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lede/compose/lint"
	"lede/newsroom"
	"lede/store"
)

type sendOptions struct {
	dryRun         bool
	yes            bool
	stories        []string
	greeting       string
	wait           time.Duration
	fresh          bool
	resume         bool
	pagesElsewhere bool
}

func newSendCommand(a *app) *cobra.Command {
	var o sendOptions
	cmd := &cobra.Command{
		Use:   "send [NEWSLETTER]",
		Short: "Assemble and deliver an edition now",
		Long: `Assemble an edition now and deliver it to every subscriber of its lists, once.

An edition of this newsletter that is unfinished is gone on with instead; an old
or paused one only with --resume. As stories run once, the same command again
sends nothing. Mails that the relay puts off are waited for (--wait); what is
left then, the daemon or the next send goes on with, and the exit status is 3.

Beside a running daemon the edition is handed to it, and its progress shown.`,
		Example: `  lede send harbour
  lede send harbour --dry-run
  lede send harbour --story stories/storm.md --yes     # a bulletin of one story`,
		Args: arguments(0, 1, "at most one NEWSLETTER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runSend(cmd.Context(), a, args, o)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&o.dryRun, "dry-run", "n", false, "say what would happen, and do nothing")
	f.BoolVarP(&o.yes, "yes", "y", false, "don't ask")
	f.StringArrayVar(&o.stories, "story", nil, "send a bulletin of this story alone: a `FILE|URL` of one of the sources (may be repeated)")
	f.StringVar(&o.greeting, "greeting", "", "the editor's greeting of this edition")
	f.DurationVar(&o.wait, "wait", 15*time.Minute, "how long to wait for mails that are put off")
	f.BoolVar(&o.fresh, "new", false, "make a new edition though an old one is unfinished")
	f.BoolVar(&o.resume, "resume", false, "go on with the unfinished edition however old it is")
	f.BoolVar(&o.pagesElsewhere, "pages-elsewhere", false, "don't ask whether base_url answers as this instance (a proxy hides it)")
	cmd.MarkFlagsMutuallyExclusive("new", "resume")
	return cmd
}

func runSend(ctx context.Context, a *app, args []string, o sendOptions) error {
	h, err := a.open(ctx, wiring{by: "send", quiet: !a.verbose, pagesElsewhere: o.pagesElsewhere})
	if err != nil {
		return err
	}
	defer h.close()
	n, err := h.newsletter(args)
	if err != nil {
		return err
	}
	order := newsroom.Order{
		Slot: a.now().UTC().Truncate(time.Microsecond), ByHand: true,
		Only: o.stories, Greeting: o.greeting, New: o.fresh || len(o.stories) > 0, Resume: o.resume,
	}
	if o.dryRun {
		return dryRun(ctx, a, h, n, order)
	}
	if !o.yes && isTerminal(a.stdin) && a.terminal() {
		if sure, err := ask(ctx, a, h, n, order); err != nil || !sure {
			return err
		}
	}

	release, err := store.AcquireSender(h.cfg.Data)
	var other store.ErrSender
	beside := errors.As(err, &other)
	if err != nil && !beside {
		return err
	}
	if !beside {
		defer release()
	}
	rec, err := h.room.Make(ctx, n, order)
	if err != nil {
		return err
	}
	show := newProgress(a)
	if rec.State == newsroom.Sending {
		a.note("Edition %s: “%s”", rec.ID, rec.Letter.Subject)
		h.room.Progress = show.sums
		if beside {
			a.note("The daemon (pid %d) delivers it.", other.PID)
			err = follow(ctx, h, n, rec.ID, o.wait)
		} else {
			err = h.room.Deliver(ctx, n, rec.ID, o.wait, nil)
		}
		show.end()
		if err != nil {
			var trouble *newsroom.TroubleError
			if errors.As(err, &trouble) {
				err = fmt.Errorf("%w\nhint: nothing is lost; `lede send %s` again goes on with edition %s, and `lede check` tests the relay", err, n.ID, rec.ID)
			}
			return h.withReport(ctx, rec.ID, err)
		}
	}
	if !beside {
		if err := deliverRest(ctx, h, n, rec.ID); err != nil {
			return err
		}
	}
	return finishSend(ctx, a, h, rec)
}

// deliverRest sends what has become due of other editions of the newsletter.
func deliverRest(ctx context.Context, h *house, n newsroom.Newsletter, except string) error {
	recs, err := h.store.List(ctx, n.ID, 0, newsroom.Sending)
	if err != nil {
		return err
	}
	for _, rec := range recs {
		if rec.ID == except {
			continue
		}
		if err := h.room.Deliver(ctx, n, rec.ID, time.Millisecond, nil); err != nil {
			return err
		}
	}
	return nil
}

// finishSend reports and chooses the exit status.
func finishSend(ctx context.Context, a *app, h *house, rec newsroom.Record) error {
	rep, err := h.room.Report(context.WithoutCancel(ctx), rec.ID)
	if err != nil {
		return err
	}
	if a.json {
		if err := a.printJSON(rep); err != nil {
			return err
		}
	}
	switch rep.State {
	case newsroom.Skipped:
		a.say("Nothing new to send: %s.", strings.TrimSuffix(rep.Why, "."))
		return nil
	case newsroom.Failed:
		return fmt.Errorf("edition %s was not sent: %s", rep.Edition, rep.Why)
	case newsroom.Waiting:
		a.say("Edition %s waits for approval: lede editions approve %s", rep.Edition, rep.Edition)
		return nil
	}
	if !a.json {
		printReport(a, rep)
	}
	switch {
	case rep.State == newsroom.Cancelled, rep.State == newsroom.Paused, rep.Left():
		return &exitError{code: exitPart}
	}
	return nil
}

// withReport keeps the report on standard output though the command fails.
func (h *house) withReport(ctx context.Context, id string, err error) error {
	if !h.app.json {
		return err
	}
	if rep, e := h.room.Report(context.WithoutCancel(ctx), id); e == nil {
		if e := h.app.printJSON(rep); e != nil {
			return e
		}
	}
	return err
}

// follow watches an edition that the daemon delivers; should the daemon die,
// it delivers itself.
func follow(ctx context.Context, h *house, n newsroom.Newsletter, id string, wait time.Duration) error {
	ticker := time.NewTicker(300 * time.Millisecond)
	defer ticker.Stop()
	var since time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		rep, err := h.room.Report(ctx, id)
		if err != nil {
			return err
		}
		h.room.Progress(rep.Sums)
		if rep.State != newsroom.Sending {
			return nil
		}
		if rep.Pending == 0 && since.IsZero() {
			since = time.Now()
		}
		if !since.IsZero() && time.Since(since) >= wait {
			return nil
		}
		release, err := store.AcquireSender(h.cfg.Data)
		if err == nil {
			defer release()
			return h.room.Deliver(ctx, n, id, wait, nil)
		}
	}
}

// dryRun says what a send would do.
func dryRun(ctx context.Context, a *app, h *house, n newsroom.Newsletter, order newsroom.Order) error {
	d, err := h.room.Draft(ctx, n, order)
	if err != nil {
		return err
	}
	count, err := h.store.Audience(ctx, n.ID, n.Lists)
	if err != nil {
		return err
	}
	if a.json {
		if err := a.printJSON(struct {
			Newsletter string `json:"newsletter"`
			Audience   int    `json:"audience"`
			Relay      string `json:"relay"`
			Edition    any    `json:"edition"`
		}{n.ID, count, h.relayName(n), d.Edition}); err != nil {
			return err
		}
	} else {
		printDraft(a, h, n, d, count)
	}
	if stops := d.Stops(); stops != "" {
		return fmt.Errorf("this letter must not be sent: %s", stops)
	}
	return nil
}

func printDraft(a *app, h *house, n newsroom.Newsletter, d newsroom.Draft, count int) {
	if d.Edition.Empty != "" {
		a.say("Nothing new to send: %s.", strings.TrimSuffix(d.Edition.Empty, "."))
	} else {
		a.say("Subject   %s", d.Letter.Subject)
		if l := d.Edition.Lead; l != nil {
			a.say("Lead      %s (%s)", orUntitled(l.Title), l.Why)
		}
		for _, s := range d.Edition.Sections {
			for _, b := range s.Briefs {
				a.say("%-9s %s (%s)", s.Kind, orUntitled(b.Title), b.Why)
			}
		}
	}
	for _, l := range d.Edition.LeftOut {
		a.say("left out  %s (%s: %s)", orUntitled(l.Title), l.Source, l.Why)
	}
	for _, s := range d.Edition.Sources {
		if s.Error != "" {
			a.say("source    %s failed: %s", s.ID, s.Error)
		}
	}
	for _, f := range d.Findings {
		if f.Severity != lint.Note {
			a.say("%-9s %s: %s %s", f.Severity, f.Place, f.Message, f.Remedy)
		}
	}
	a.say("Readers   %d on %s", count, strings.Join(n.Lists, ", "))
	a.say("Relay     %s", h.relayName(n))
}

func orUntitled(title string) string {
	if title == "" {
		return "(no headline)"
	}
	return title
}

// ask shows what would be sent and wants a yes.
func ask(ctx context.Context, a *app, h *house, n newsroom.Newsletter, order newsroom.Order) (bool, error) {
	d, err := h.room.Draft(ctx, n, order)
	if err != nil {
		return false, err
	}
	count, err := h.store.Audience(ctx, n.ID, n.Lists)
	if err != nil {
		return false, err
	}
	if d.Edition.Empty == "" {
		a.note("Subject  %s", d.Letter.Subject)
		if d.Edition.Lead != nil {
			a.note("Lead     %s", d.Edition.Lead.Title)
		}
		a.note("Readers  %d on %s", count, strings.Join(n.Lists, ", "))
		a.note("Relay    %s", h.relayName(n))
		fmt.Fprint(a.stderr, "Send it now? [y/N] ")
		line, _ := bufio.NewReader(a.stdin).ReadString('\n')
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			return true, nil
		}
		a.note("Nothing was sent.")
		return false, nil
	}
	return true, nil // nothing new, or an unfinished edition: the send says which
}
