package newsroom

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Pause stops a sending or waiting edition at once; what is in flight is
// finished. It never goes on by itself.
func (r *Room) Pause(ctx context.Context, id, why string) error {
	return r.move(ctx, id, Paused, why, time.Time{})
}

// Cancel ends an edition: what is not sent yet is skipped with why as the
// reason. Mail that left stays sent.
func (r *Room) Cancel(ctx context.Context, id, why string) error {
	return r.move(ctx, id, Cancelled, why, time.Time{})
}

// Resume lets a paused edition go on, and one that is too old to go on by
// itself: from now it has its time once more.
func (r *Room) Resume(ctx context.Context, n Newsletter, id string) error {
	rec, err := r.Editions.Edition(ctx, id)
	if err != nil {
		return err
	}
	ahead, err := r.ahead(ctx, rec.ID)
	if err != nil {
		return err
	}
	stale := later(r.Now().Add(24*time.Hour), ahead.Last.Add(lastGrace))
	if rec.State == Sending {
		// Old, but not paused yet: by way of paused, so that the record shows it.
		if err := r.Editions.Move(ctx, rec.ID, []State{Sending}, Paused, r.By, "resumed by hand", time.Time{}, r.Now()); err != nil {
			return err
		}
	} else if rec.State != Paused {
		return r.impossible(rec, Sending)
	}
	return r.Editions.Move(ctx, rec.ID, []State{Paused}, Sending, r.By, "resumed by hand", stale, r.Now())
}

// Approve lets an edition that waits for approval be sent. One whose time is
// over is a person's decision of another kind: Resume.
func (r *Room) Approve(ctx context.Context, id string) error {
	rec, err := r.Editions.Edition(ctx, id)
	if err != nil {
		return err
	}
	if rec.State == Waiting && !r.Now().Before(rec.StaleAt) {
		if err := r.pauseUnapproved(ctx, rec); err != nil {
			return err
		}
		rec.State, rec.Why = Paused, unapproved
	}
	switch rec.State {
	case Waiting:
		if r.Now().Before(rec.Slot) { // it leaves at its slot, when a look at its sources was had
			_, err := r.Drafts.Note(ctx, rec.ID, NoteApproved, r.By, "approved; it leaves at its slot", r.Now())
			return err
		}
		return r.Editions.Move(ctx, rec.ID, []State{Waiting}, Sending, r.By, "approved", time.Time{}, r.Now())
	case Paused:
		return fmt.Errorf("edition %s is paused (%s)\nhint: `lede editions resume %s` sends it all the same, `lede editions cancel %s` ends it", rec.ID, rec.Why, rec.ID, rec.ID)
	}
	return fmt.Errorf("edition %s is %s and does not wait for approval: %w", rec.ID, rec.State, ErrState)
}

const unapproved = "nobody approved it in its time"

// pauseUnapproved ends the time in which a waiting edition could be approved.
func (r *Room) pauseUnapproved(ctx context.Context, rec Record) error {
	return r.Editions.Move(ctx, rec.ID, []State{Waiting}, Paused, r.By, unapproved, time.Time{}, r.Now())
}

func (r *Room) move(ctx context.Context, id string, to State, why string, stale time.Time) error {
	rec, err := r.Editions.Edition(ctx, id)
	if err != nil {
		return err
	}
	if !CanBecome(rec.State, to) {
		return r.impossible(rec, to)
	}
	err = r.Editions.Move(ctx, rec.ID, before(to), to, r.By, why, stale, r.Now())
	if errors.Is(err, ErrState) {
		if now, err := r.Editions.Edition(ctx, rec.ID); err == nil {
			rec = now
		}
		return r.impossible(rec, to)
	}
	return err
}

// impossible says in a person's words why an edition can't become to.
func (r *Room) impossible(rec Record, to State) error {
	doing := map[State]string{Paused: "paused", Cancelled: "cancelled", Sending: "resumed"}[to]
	return fmt.Errorf("edition %s is %s and can't be %s: %w", rec.ID, rec.State, doing, ErrState)
}
