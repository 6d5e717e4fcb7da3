package newsroom

import (
	"context"
	"errors"
	"fmt"
	"strings"
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
	if rec.State == Paused && rec.Undecided() && strings.HasPrefix(rec.Why, heldForChoice) {
		return fmt.Errorf("edition %s is paused: %s\nhint: `lede editions choose %s N` sends it on; `lede editions show %s` lists the subjects", rec.ID, rec.Why, rec.ID, rec.ID)
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
