package newsroom

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	lateBy   = time.Minute      // a slot that begins later than that is a missed one
	lookUp   = 15 * time.Second // the longest sleep: a clock that was set is noticed within it
	busyWait = 5 * time.Second  // until a delivery that failed for the store's sake is tried again
)

// Serve is the daemon: it goes on with unfinished editions, makes an edition at
// each slot of each newsletter, and delivers whatever is stored as sending, by
// itself or by a `lede send` beside it. It ends when ctx does, with what is in
// hand finished.
func (r *Room) Serve(ctx context.Context, newsletters []Newsletter) error {
	if err := r.Settle(ctx, newsletters); err != nil {
		return err
	}
	if err := r.sayOrphans(ctx, newsletters); err != nil {
		return err
	}
	var wg sync.WaitGroup
	for _, n := range newsletters {
		wg.Go(func() { r.keepSchedule(ctx, n) })
	}
	wg.Go(func() { r.keepLists(ctx) })
	if !r.Retention.None() {
		wg.Go(func() { r.keepRetention(ctx) })
	}
	wg.Go(func() { r.keepDelivering(ctx, newsletters) })
	if r.SignUps != nil {
		wg.Go(func() { r.keepWriting(ctx) })
	}
	wg.Wait()
	return nil
}

// Settle deals with what a dead sender left in flight of editions that are not
// being sent: in a cancelled one it is in doubt for good, in a paused one it
// waits or is in doubt as in_doubt says. Only the one sender of the store may
// call it, before it sends.
func (r *Room) Settle(ctx context.Context, newsletters []Newsletter) error {
	holds := map[string]bool{}
	for _, n := range newsletters {
		holds[n.ID] = n.InDoubt == "hold"
	}
	recs, err := r.Editions.List(ctx, "", 50, Cancelled, Paused)
	if err != nil {
		return fmt.Errorf("looking for unfinished editions: %w", err)
	}
	for _, rec := range recs {
		if _, err := r.Ledger.Recover(ctx, rec.ID, holds[rec.Newsletter], r.Now()); err != nil {
			return fmt.Errorf("edition %s: %w", rec.ID, err)
		}
	}
	return nil
}

// sayOrphans warns of unfinished editions whose newsletter is not among those
// of the configuration: nothing goes on with them.
func (r *Room) sayOrphans(ctx context.Context, newsletters []Newsletter) error {
	recs, err := r.Editions.List(ctx, "", 0, Assembling, Waiting, Sending, Paused)
	if err != nil {
		return fmt.Errorf("looking for unfinished editions: %w", err)
	}
	for _, rec := range recs {
		if !slices.ContainsFunc(newsletters, func(n Newsletter) bool { return n.ID == rec.Newsletter }) {
			r.Log.Warn("an unfinished edition stays as it is: its newsletter is not in the configuration",
				"newsletter", rec.Newsletter, "edition", rec.ID, "state", string(rec.State),
				"remedy", "put the newsletter back, or end it: lede editions cancel "+rec.ID)
		}
	}
	return nil
}

// keepSchedule makes an edition at each slot of one newsletter.
func (r *Room) keepSchedule(ctx context.Context, n Newsletter) {
	defer r.noteTime(context.WithoutCancel(ctx), n)
	for ctx.Err() == nil {
		r.goOn(ctx, n)
		if err := r.Look(ctx, n); err != nil && ctx.Err() == nil {
			r.Log.Error("schedule", "newsletter", n.ID, "err", err)
		}
		pause := lookUp
		if n.Schedule != nil {
			// Two things are done by the clock: an edition is made, maybe ahead of
			// its slot, and one that waits leaves at its slot.
			for _, ahead := range []time.Duration{0, n.Proof.Before} {
				if following := NextSlot(n.Schedule, r.Now().Add(ahead), n.Recipe.Zone, n.NotOn); !following.IsZero() {
					pause = min(pause, max(following.Add(-ahead).Sub(r.Now()), time.Millisecond))
				}
			}
		}
		if !sleep(ctx, pause) {
			return
		}
	}
}

// noteTime keeps, when the daemon stops, that the schedule was followed up to
// now: a schedule that is changed before the next start has no slots before it.
func (r *Room) noteTime(ctx context.Context, n Newsletter) {
	now := r.Now()
	looked, err := r.Agenda.LastLooked(ctx, n.ID)
	if err != nil || !looked.Before(now) || looked.IsZero() {
		return
	}
	if n.Schedule != nil && len(slotsSince(n, looked, now)) > 0 {
		return // the next start makes up for it
	}
	if err := r.Agenda.Looked(ctx, n.ID, now); err != nil {
		r.Log.Error("schedule", "newsletter", n.ID, "err", err)
	}
}

// goOn sees to the editions of a newsletter that are not stored as sending yet.
func (r *Room) goOn(ctx context.Context, n Newsletter) {
	recs, err := r.Editions.List(ctx, n.ID, 0, Assembling, Waiting)
	if err != nil {
		return // Look says it
	}
	for _, rec := range recs {
		if rec.State == Waiting {
			r.tend(ctx, n, rec)
		} else {
			r.goOnAssembling(ctx, n, rec)
		}
	}
}

// endWaiting pauses an edition that nobody approved in its time.
func (r *Room) endWaiting(ctx context.Context, n Newsletter, rec Record) {
	if r.pauseUnapproved(ctx, rec) != nil {
		return
	}
	r.Log.Warn("edition paused", "newsletter", n.ID, "edition", rec.ID, "why", unapproved)
	if rep, err := r.Report(ctx, rec.ID); err == nil {
		r.notify(ctx, n, rep)
	}
}

// goOnAssembling takes up the edition of a slot that was being assembled when
// the last daemon stopped, or that the store or the pages' address held up. One
// by hand is not the daemon's: its command may be at work on it, and alone knows
// which stories were asked for. It is ended when that command must be dead.
func (r *Room) goOnAssembling(ctx context.Context, n Newsletter, rec Record) {
	if !rec.ByHand {
		r.makeAndTell(ctx, n, Order{Slot: rec.Slot})
		return
	}
	if r.Now().Sub(rec.Started) <= assembleLimit+time.Minute {
		return
	}
	why := "the command that assembled it died"
	if err := r.Editions.Move(ctx, rec.ID, []State{Assembling}, Skipped, r.By, why, time.Time{}, r.Now()); err == nil {
		r.Log.Warn("no edition", "newsletter", n.ID, "edition", rec.ID, "why", why)
	}
}

// Look does what is due on a newsletter's schedule since it was last looked at:
// at most one edition, for the newest slot; older slots that were missed are
// logged as skipped, and the desk hears of them in one mail.
func (r *Room) Look(ctx context.Context, n Newsletter) error {
	if n.Schedule == nil {
		return nil
	}
	now := r.Now()
	looked, err := r.Agenda.LastLooked(ctx, n.ID)
	if err != nil {
		return fmt.Errorf("reading the agenda: %w", err)
	}
	if looked.IsZero() {
		return r.Agenda.Looked(ctx, n.ID, now)
	}
	until := now.Add(n.Proof.Before) // the newest slot of which an edition is made by now
	if looked.After(until.Add(lateBy)) {
		r.Log.Warn("the clock was set back; slots that had their edition make no other", "newsletter", n.ID, "looked", looked)
		return r.Agenda.Looked(ctx, n.ID, now)
	}
	due := slotsSince(n, looked, until)
	if len(due) == 0 {
		return nil
	}
	last := due[len(due)-1]
	if due, err = r.unmade(ctx, n, due); err != nil {
		return err
	}
	if len(due) == 0 {
		return r.Agenda.Looked(ctx, n.ID, last)
	}
	var missed []Report
	for _, slot := range due[:len(due)-1] {
		rep, err := r.skip(ctx, n, slot, "missed: nothing ran at its time, and a newer slot is due")
		if err != nil {
			return err
		}
		missed = append(missed, rep)
	}
	slot := due[len(due)-1]
	why, err := r.passOver(ctx, n, slot, now)
	if errors.Is(err, ErrBusy) {
		return nil // the next look tries again
	}
	if err != nil {
		return err
	}
	if why != "" {
		rep, err := r.skip(ctx, n, slot, why)
		if err != nil {
			return err
		}
		r.notify(ctx, n, rep)
	} else if !r.makeAndTell(ctx, n, Order{Slot: slot}) {
		return nil // not made: the next look tries again
	}
	if err := r.Agenda.Looked(ctx, n.ID, last); err != nil {
		return err
	}
	if count := len(missed); count > 0 {
		rep := missed[count-1]
		if count > 1 {
			rep.Why += fmt.Sprintf(" (and %d more before it)", count-1)
		}
		r.notify(ctx, n, rep)
	}
	return nil
}

// unmade leaves out the slots that have their edition already: one that goes on
// being assembled, or any after a clock was set back.
func (r *Room) unmade(ctx context.Context, n Newsletter, due []time.Time) ([]time.Time, error) {
	recs, err := r.Editions.List(ctx, n.ID, 200)
	if err != nil {
		return nil, fmt.Errorf("looking for the editions of the slots: %w", err)
	}
	return slices.DeleteFunc(due, func(slot time.Time) bool {
		return slices.ContainsFunc(recs, func(rec Record) bool { return rec.Slot.Equal(slot) })
	}), nil
}

// slotsSince lists the slots after looked up to now, at most the last hundred.
func slotsSince(n Newsletter, looked, now time.Time) []time.Time {
	due := Slots(n.Schedule, looked, now, n.Recipe.Zone, n.NotOn)
	return due[max(0, len(due)-100):]
}

// passOver says why a due slot makes no edition, or nothing. ErrBusy: an edition
// by hand that may stand for the slot is being assembled. Open would say so, too,
// but by then it may be stored, and the slot would make another one.
func (r *Room) passOver(ctx context.Context, n Newsletter, slot, now time.Time) (string, error) {
	if late := now.Sub(slot); late > lateBy {
		switch {
		case n.Missed == "skip":
			return "missed: nothing ran at its time (missed: skip)", nil
		case late > n.Grace:
			return fmt.Sprintf("missed by %s, more than its grace of %s", Span(late), Span(n.Grace)), nil
		}
	}
	if n.MinGap > 0 {
		recs, err := r.Editions.List(ctx, n.ID, 20, Assembling, Waiting, Sending, Paused, Done)
		if err != nil {
			return "", err
		}
		for _, rec := range recs {
			gap := slot.Sub(rec.Slot)
			if !rec.ByHand || gap < 0 || gap >= n.MinGap {
				continue
			}
			if rec.State != Assembling {
				return fmt.Sprintf("edition %s went by hand %s before (min_gap: %s)", rec.ID, Span(gap), Span(n.MinGap)), nil
			}
			if now.Sub(rec.Started) <= assembleLimit {
				r.Log.Info("the slot waits: an edition by hand is being assembled", "newsletter", n.ID, "slot", slot, "edition", rec.ID)
				return "", ErrBusy
			}
		}
	}
	return "", nil
}

// skip logs a slot that makes no edition.
func (r *Room) skip(ctx context.Context, n Newsletter, slot time.Time, why string) (Report, error) {
	now := r.Now()
	rec := Record{ID: r.NewID(), Newsletter: n.ID, Slot: slot, State: Skipped, Why: why, Started: now, Finished: now, StaleAt: now}
	if err := r.Editions.Log(ctx, rec); err != nil {
		return Report{}, fmt.Errorf("noting a skipped slot: %w", err)
	}
	r.Log.Warn("slot skipped", "newsletter", n.ID, "slot", slot, "why", why)
	return Report{Edition: rec.ID, Newsletter: n.ID, State: Skipped, Slot: slot, Why: why}, nil
}

// makeAndTell makes the edition for a slot, and tells the desk when nothing of
// it will be delivered. It says false when there is no edition yet: the slot is
// tried again.
func (r *Room) makeAndTell(ctx context.Context, n Newsletter, o Order) bool {
	rec, err := r.Make(ctx, n, o)
	switch {
	case errors.Is(err, ErrBusy):
		r.Log.Info("the slot waits: another edition is being assembled", "newsletter", n.ID, "slot", o.Slot)
		return false
	case err != nil:
		if ctx.Err() == nil {
			r.Log.Error("no edition yet; trying again", "newsletter", n.ID, "slot", o.Slot, "err", err)
		}
		return false
	}
	if rec.State == Skipped || rec.State == Failed || rec.State == Waiting {
		if rep, err := r.Report(ctx, rec.ID); err == nil {
			r.notify(ctx, n, rep)
		}
	}
	return true
}

// keepDelivering takes in hand every edition that is stored as sending.
func (r *Room) keepDelivering(ctx context.Context, newsletters []Newsletter) {
	byID := map[string]Newsletter{}
	for _, n := range newsletters {
		byID[n.ID] = n
	}
	var mu sync.Mutex
	inHand := map[string]bool{}
	var wg sync.WaitGroup
	defer wg.Wait()
	poll := r.PollEvery
	if poll == 0 {
		poll = time.Second
	}
	for {
		recs, err := r.Editions.List(ctx, "", 0, Sending)
		if err != nil && ctx.Err() == nil {
			r.Log.Error("looking for editions to deliver", "err", err)
		}
		for _, rec := range recs {
			n, known := byID[rec.Newsletter]
			mu.Lock()
			take := known && !inHand[rec.ID]
			if take {
				inHand[rec.ID] = true
			}
			mu.Unlock()
			if !take {
				continue
			}
			wg.Go(func() {
				r.deliverAndTell(ctx, n, rec.ID)
				mu.Lock()
				delete(inHand, rec.ID)
				mu.Unlock()
			})
		}
		if !sleep(ctx, poll) {
			return
		}
	}
}

// deliverAndTell delivers an edition and tells the desk once how it went, and
// once more if it then stops short of its end.
func (r *Room) deliverAndTell(ctx context.Context, n Newsletter, id string) {
	// An edition whose first pass is over when it is taken in hand was told of by
	// whoever had it before.
	sums, err := r.Editions.Sums(ctx, id)
	told := false
	if err == nil && sums.Pending < sums.Audience {
		span := quiet
		if n.Timing.LocalTime {
			span = 0 // told when the slot's own zone had it; the others follow one by one
		}
		ahead, err := r.ahead(ctx, id)
		told = err == nil && !ahead.Within(span, r.Now())
	}
	tell := func(trouble error) {
		rep, err := r.Report(ctx, id)
		if err != nil {
			r.Log.Error("report", "edition", id, "err", err)
			return
		}
		if trouble != nil {
			rep.Why = "no mail is taken: " + trouble.Error()
		}
		if !told || rep.State == Paused {
			r.notify(ctx, n, rep)
		}
		told = trouble == nil
	}
	err = r.Deliver(ctx, n, id, 0, tell)
	switch {
	case ctx.Err() != nil: // the next start goes on, and tells
	case err != nil:
		r.Log.Error("delivering; trying again", "newsletter", n.ID, "edition", id, "err", err)
		sleep(ctx, busyWait)
	default:
		tell(nil)
	}
}

// sleep waits; it says false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// Span writes a duration in a person's words: "2 days", "6 h", "5 min", "12 s".
func Span(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d/(24*time.Hour)))
	case d >= time.Hour:
		if m := int(d/time.Minute) % 60; m != 0 {
			return fmt.Sprintf("%d h %d min", int(d/time.Hour), m)
		}
		return fmt.Sprintf("%d h", int(d/time.Hour))
	case d >= time.Minute:
		return fmt.Sprintf("%d min", int(d/time.Minute))
	}
	return fmt.Sprintf("%d s", int(d/time.Second))
}
