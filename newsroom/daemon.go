package newsroom

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	lateBy   = time.Minute      // a slot that begins later than that is a missed one
	lookUp   = 15 * time.Second // the longest sleep: a clock that was set is noticed within it
	busyWait = 5 * time.Second  // until a slot is tried again while another edition is assembled
)

// Serve is the daemon: it goes on with unfinished editions, makes an edition at
// each slot of each newsletter, and delivers whatever is stored as sending, by
// itself or by a `lede send` beside it. It ends when ctx does, with what is in
// hand finished.
func (r *Room) Serve(ctx context.Context, newsletters []Newsletter) error {
	if err := r.settle(ctx); err != nil {
		return err
	}
	var wg sync.WaitGroup
	for _, n := range newsletters {
		wg.Go(func() { r.keepSchedule(ctx, n) })
	}
	wg.Go(func() { r.keepDelivering(ctx, newsletters) })
	wg.Wait()
	return nil
}

// settle puts in doubt what a dead sender left in flight of editions that will
// not go on.
func (r *Room) settle(ctx context.Context) error {
	recs, err := r.Editions.List(ctx, "", 50, Cancelled)
	if err != nil {
		return fmt.Errorf("looking for unfinished editions: %w", err)
	}
	for _, rec := range recs {
		if _, err := r.Ledger.Recover(ctx, rec.ID, true, r.Now()); err != nil {
			return fmt.Errorf("edition %s: %w", rec.ID, err)
		}
	}
	return nil
}

// keepSchedule makes an edition at each slot of one newsletter.
func (r *Room) keepSchedule(ctx context.Context, n Newsletter) {
	r.goOnAssembling(ctx, n)
	for ctx.Err() == nil {
		if err := r.Look(ctx, n); err != nil && ctx.Err() == nil {
			r.Log.Error("schedule", "newsletter", n.ID, "err", err)
		}
		pause := lookUp
		if n.Schedule != nil {
			if following := NextSlot(n.Schedule, r.Now(), n.Recipe.Zone, n.NotOn); !following.IsZero() {
				pause = min(pause, max(following.Sub(r.Now()), time.Millisecond))
			}
		}
		if !sleep(ctx, pause) {
			return
		}
	}
}

// goOnAssembling takes up the edition that was being assembled when the last
// daemon stopped.
func (r *Room) goOnAssembling(ctx context.Context, n Newsletter) {
	recs, err := r.Editions.List(ctx, n.ID, 0, Assembling)
	if err != nil {
		r.Log.Error("looking for unfinished editions", "newsletter", n.ID, "err", err)
		return
	}
	for _, rec := range recs {
		r.makeAndTell(ctx, n, Order{Slot: rec.Slot, ByHand: rec.ByHand, New: true})
	}
}

// Look does what is due on a newsletter's schedule since it was last looked at:
// at most one edition, for the newest slot; older slots that were missed are
// logged as skipped.
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
	due := slotsSince(n, looked, now)
	if len(due) == 0 {
		return nil
	}
	for _, slot := range due[:len(due)-1] {
		if err := r.skip(ctx, n, slot, "missed: nothing ran at its time, and a newer slot is due"); err != nil {
			return err
		}
	}
	slot := due[len(due)-1]
	why, err := r.passOver(ctx, n, slot, now)
	if err != nil {
		return err
	}
	if why != "" {
		if err := r.skip(ctx, n, slot, why); err != nil {
			return err
		}
	} else if !r.makeAndTell(ctx, n, Order{Slot: slot}) {
		return nil // not even begun: the next look tries again
	}
	return r.Agenda.Looked(ctx, n.ID, slot)
}

// slotsSince lists the slots after looked up to now, at most the last hundred.
func slotsSince(n Newsletter, looked, now time.Time) []time.Time {
	var due []time.Time
	for slot := looked; ; {
		slot = NextSlot(n.Schedule, slot, n.Recipe.Zone, n.NotOn)
		if slot.IsZero() || slot.After(now) {
			return due
		}
		due = append(due, slot)
		if len(due) > 100 {
			due = due[1:]
		}
	}
}

// passOver says why a due slot makes no edition, or nothing.
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
		recs, err := r.Editions.List(ctx, n.ID, 20, Waiting, Sending, Paused, Done)
		if err != nil {
			return "", err
		}
		for _, rec := range recs {
			if gap := slot.Sub(rec.Slot); rec.ByHand && gap >= 0 && gap < n.MinGap {
				return fmt.Sprintf("edition %s went by hand %s before (min_gap: %s)", rec.ID, Span(gap), Span(n.MinGap)), nil
			}
		}
	}
	return "", nil
}

func (r *Room) skip(ctx context.Context, n Newsletter, slot time.Time, why string) error {
	now := r.Now()
	rec := Record{ID: r.NewID(), Newsletter: n.ID, Slot: slot, State: Skipped, Why: why, Started: now, Finished: now, StaleAt: now}
	if err := r.Editions.Log(ctx, rec); err != nil {
		return fmt.Errorf("noting a skipped slot: %w", err)
	}
	r.Log.Warn("slot skipped", "newsletter", n.ID, "slot", slot, "why", why)
	r.notify(ctx, n, Report{Edition: rec.ID, Newsletter: n.ID, State: Skipped, Slot: slot, Why: why})
	return nil
}

// makeAndTell makes the edition for a slot, and tells the desk when nothing of
// it will be delivered. It says whether the slot was claimed.
func (r *Room) makeAndTell(ctx context.Context, n Newsletter, o Order) bool {
	for {
		rec, err := r.Make(ctx, n, o)
		switch {
		case errors.Is(err, ErrBusy):
			r.freeDead(ctx, n)
			if !sleep(ctx, busyWait) {
				return false
			}
			continue
		case err != nil:
			r.Log.Error("edition", "newsletter", n.ID, "slot", o.Slot, "err", err)
			return rec.ID != "" && ctx.Err() == nil
		}
		if rec.State == Skipped || rec.State == Failed || rec.State == Waiting {
			if rep, err := r.Report(ctx, rec.ID); err == nil {
				r.notify(ctx, n, rep)
			}
		}
		return true
	}
}

// freeDead ends an assembling edition whose process died.
func (r *Room) freeDead(ctx context.Context, n Newsletter) {
	recs, err := r.Editions.List(ctx, n.ID, 0, Assembling)
	if err != nil {
		return
	}
	for _, rec := range recs {
		if r.Now().Sub(rec.Started) > assembleLimit+time.Minute {
			_ = r.Editions.Move(ctx, rec.ID, []State{Assembling}, Skipped, r.By, "the process that assembled it died", time.Time{}, r.Now())
		}
	}
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
	told := false
	tell := func(trouble error) {
		rep, err := r.Report(ctx, id)
		if err != nil {
			r.Log.Error("report", "edition", id, "err", err)
			return
		}
		if trouble != nil {
			rep.Why = "relay " + n.Relay + " takes no mail: " + trouble.Error()
		}
		if !told || rep.State == Paused {
			r.notify(ctx, n, rep)
		}
		told = trouble == nil
	}
	err := r.Deliver(ctx, n, id, 0, tell)
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
