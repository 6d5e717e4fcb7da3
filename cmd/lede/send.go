package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lede/newsroom"
	"lede/store"
)

// daemonStarts is how long a daemon may take to begin with what it was handed.
const daemonStarts = 5 * time.Second

// daemonRestarts is how long a send beside a daemon that stopped leaves it the
// time to come back, before it delivers by itself.
const daemonRestarts = 20 * time.Second

type sendOptions struct {
	dryRun         bool
	yes            bool
	stories        []string
	greeting       string
	wait           time.Duration
	fresh          bool
	resume         bool
	timing         newsroom.Timing
	pagesElsewhere bool
	slot           string
	correctionOf   string
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

Now is now: spread and local_time of the newsletter hold for its slots, and
--spread and --local-time for this edition.

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
	f.DurationVar(&o.timing.Spread, "spread", 0, "let the mails leave evenly over this time, such as 2h")
	f.BoolVar(&o.timing.LocalTime, "local-time", false, "let each mail leave when the reader's clock (attribute timezone) shows what the newsletter's shows now")
	f.BoolVar(&o.fresh, "new", false, "make a new edition though an old one is unfinished")
	f.BoolVar(&o.resume, "resume", false, "go on with the unfinished edition however old it is")
	f.StringVar(&o.slot, "slot", "", "make the edition of this slot, a `TIME` such as 2027-03-01T06:30: as its edition file was applied")
	f.StringVar(&o.correctionOf, "correction-of", "", "send only to those who got the edition `ID`: what its --story tells, else the stories that correct it")
	f.BoolVar(&o.pagesElsewhere, "pages-elsewhere", false, "don't ask whether base_url answers as this instance (a proxy hides it)")
	return cmd
}

func runSend(ctx context.Context, a *app, args []string, o sendOptions) error {
	switch {
	case o.fresh && o.resume:
		return usageError("--resume goes on with an edition, --new makes another one: choose")
	case o.resume && len(o.stories) > 0:
		return usageError("--story makes a new edition, which --resume does not go on with: choose")
	case o.timing.Spread < 0 || o.timing.Spread > 24*time.Hour:
		return usageError("--spread %s: expected a time up to 24h, such as 2h", o.timing.Spread)
	case o.timing.Spread > 0 && o.timing.LocalTime:
		return usageError("--spread and --local-time: choose")
	case o.resume && o.timing != newsroom.Timing{}:
		return usageError("--resume goes on with an edition, whose mails have their times: no --spread and no --local-time")
	case o.resume && (o.slot != "" || o.correctionOf != ""):
		return usageError("--resume goes on with an edition, which --slot and --correction-of make: choose")
	case o.slot != "" && (o.correctionOf != "" || len(o.stories) > 0):
		return usageError("--slot makes the edition of a slot, --story and --correction-of a bulletin: choose")
	case o.wait < 0:
		return usageError("--wait %s: expected a time, such as 15m", o.wait)
	}
	o.wait = max(o.wait, time.Millisecond) // no time at all would be no limit
	h, err := a.open(ctx, wiring{by: a.person(), quiet: !a.verbose, pagesElsewhere: o.pagesElsewhere})
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
		Only: o.stories, Greeting: o.greeting, Timing: o.timing, New: o.fresh || len(o.stories) > 0, Resume: o.resume,
	}
	if o.slot != "" {
		if order.Slot, err = parseSlot(n, o.slot); err != nil {
			return err
		}
		order.New = true
	}
	if o.correctionOf != "" {
		if order.CorrectionOf, err = corrected(ctx, h, n, o.correctionOf); err != nil {
			return err
		}
		order.New = true
	}
	rest, err := unfinished(ctx, h, n, order)
	if err != nil {
		return err
	}
	if rest != nil && o.timing != (newsroom.Timing{}) {
		return usageError("edition %s is unfinished and goes on, and its mails have their times: no --spread and no --local-time\nhint: --new makes another edition", rest.ID)
	}
	if o.dryRun && rest != nil {
		return dryRunRest(ctx, a, h, n, rest)
	}
	if o.dryRun {
		return dryRun(ctx, a, h, n, order)
	}
	if !o.yes && isTerminal(a.stdin) && a.terminal() {
		if sure, err := ask(ctx, a, h, n, &order, rest); err != nil || !sure {
			return err
		}
	}

	sending, release, err := h.store.AcquireSender(ctx)
	var other store.ErrSender
	beside := errors.As(err, &other)
	if err != nil && !beside {
		return err
	}
	if !beside {
		defer release()
		ctx = sending
		if err := h.room.Settle(ctx, h.newsletters); err != nil {
			return err
		}
	}
	rec, err := h.room.Publish(ctx, n, order, func(ctx context.Context, rec newsroom.Record) error {
		a.note("Edition %s: “%s”", rec.ID, rec.Content.Subject)
		show := newProgress(a)
		defer show.end()
		h.room.Progress = show.sums
		if beside {
			where := ""
			if other.Host != "" {
				where = " on " + other.Host
			}
			a.note("The daemon (pid %d%s) delivers it.", other.PID, where)
			return follow(ctx, h, n, rec.ID, o.wait)
		}
		return h.room.Deliver(ctx, n, rec.ID, o.wait, nil)
	})
	var trouble *newsroom.TroubleError
	switch {
	case errors.As(err, &trouble):
		err = fmt.Errorf("%w\nhint: nothing is lost; `lede send %s` again goes on with edition %s, and `lede check` tests the relay", err, n.ID, rec.ID)
		return h.withReport(ctx, rec.ID, err)
	case err != nil && rec.State == newsroom.Sending:
		return h.withReport(ctx, rec.ID, err)
	case err != nil:
		return err
	}
	if !beside && ctx.Err() == nil {
		err = deliverRest(ctx, h, n, rec.ID)
	}
	if finished := finishSend(ctx, a, h, rec); err == nil {
		err = finished
	}
	if errors.As(context.Cause(ctx), &other) {
		return fmt.Errorf("stopped: %w\nhint: nothing is lost; that one goes on with edition %s", other, rec.ID)
	}
	return err
}

// corrected is the id of an edition that somebody got and that a correction may
// be sent of.
func corrected(ctx context.Context, h *house, n newsroom.Newsletter, id string) (string, error) {
	rec, err := h.store.Edition(ctx, id)
	if err != nil {
		return "", noSuchEdition(id, err)
	}
	if rec.Newsletter != n.ID {
		return "", usageError("--correction-of %s: that is an edition of %s", rec.ID, rec.Newsletter)
	}
	sums, err := h.store.Sums(ctx, rec.ID)
	if err == nil && sums.Sent+sums.InDoubt == 0 {
		err = fmt.Errorf("--correction-of %s: nobody got that edition (%s)", rec.ID, rec.State)
	}
	return rec.ID, err
}

// deliverRest sends what has become due of other editions of the newsletter,
// and says so.
func deliverRest(ctx context.Context, h *house, n newsroom.Newsletter, except string) error {
	recs, err := h.store.List(ctx, n.ID, 0, newsroom.Sending)
	if err != nil {
		return err
	}
	h.room.Progress = nil
	for _, rec := range recs {
		if rec.ID == except {
			continue
		}
		before, err := h.store.Sums(ctx, rec.ID)
		if err != nil {
			return err
		}
		failed := h.room.Deliver(ctx, n, rec.ID, time.Millisecond, nil)
		after, err := h.store.Sums(context.WithoutCancel(ctx), rec.ID)
		if err := errors.Join(failed, err); err != nil {
			return err
		}
		h.app.note("Edition %s: of %d mails that were left %d are sent now, %d come later", rec.ID,
			before.Pending+before.Deferred, after.Sent-before.Sent, after.Pending+after.Deferred)
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
		h.sayLater(rep)
	}
	switch {
	case rep.State == newsroom.Cancelled, rep.State == newsroom.Paused, rep.Left():
		return &exitError{code: exitPart}
	}
	return nil
}

// sayLater says when the mails are due that are not due yet.
func (h *house) sayLater(rep newsroom.Report) {
	if rep.State != newsroom.Sending || rep.Last == nil || !rep.Last.After(rep.At) {
		return
	}
	next, last := h.local(rep.Newsletter, later(*rep.Next, rep.At)), h.local(rep.Newsletter, *rep.Last)
	if next == last {
		h.app.say("Those pending are due at %s.", last)
		return
	}
	h.app.say("Of those pending the next is due at %s, the last at %s.", next, last)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
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

// follow watches an edition that the daemon delivers, until it is sent or
// stopped, or nothing moved for as long as wait; should the daemon die, it
// delivers itself.
func follow(ctx context.Context, h *house, n newsroom.Newsletter, id string, wait time.Duration) error {
	ticker := time.NewTicker(300 * time.Millisecond)
	defer ticker.Stop()
	pending, moved := -1, time.Now()
	var free time.Time // since when nobody is the sender; a daemon that is started anew must find it so
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		open, err := h.store.List(ctx, n.ID, 0, newsroom.Sending)
		if err != nil {
			return err
		}
		sums, err := h.store.Sums(ctx, id)
		if err != nil {
			return err
		}
		h.room.Progress(sums)
		if !slices.ContainsFunc(open, func(rec newsroom.Record) bool { return rec.ID == id }) {
			return nil
		}
		if sums.Pending != pending {
			pending, moved = sums.Pending, time.Now()
		}
		if time.Since(moved) >= max(wait, daemonStarts) {
			return nil
		}
		if sums.Pending > 0 && sums.Deferred == 0 && time.Since(moved) >= daemonStarts {
			// The rest may have its time only when nobody waits any more.
			ahead, err := h.store.Ahead(ctx, id, h.app.now())
			if err != nil {
				return err
			}
			if !ahead.Within(wait, h.app.now()) {
				return nil
			}
		}
		sending, release, err := h.store.AcquireSender(ctx)
		switch {
		case err != nil:
			free = time.Time{}
		case free.IsZero():
			free = time.Now()
			release()
		case time.Since(free) < daemonRestarts:
			release()
		default:
			defer release()
			return h.room.Deliver(sending, n, id, wait, nil)
		}
	}
}
