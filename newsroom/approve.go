package newsroom

import (
	"context"
	"fmt"
	"time"
)

// ChangedError says that stories of an edition read otherwise at their source
// than when it was made, and that the newsletter holds it then (changed: hold).
type ChangedError struct {
	Edition string
	Said    string // which, in words
}

func (e *ChangedError) Error() string {
	return fmt.Sprintf("edition %s: %s (changed: hold); it was not approved, and waits", e.Edition, e.Said)
}

// Approve lets an edition that waits for approval be sent. Before its slot that
// is only noted: it leaves when the slot comes, and its sources are looked at
// then. From the slot on they are looked at here: said tells what changed since
// the edition was made, and where the newsletter holds such an edition it goes
// on waiting (ChangedError) unless asIs lets it go as it was read. One whose time
// is over is a person's decision of another kind: Resume.
func (r *Room) Approve(ctx context.Context, n Newsletter, id string, asIs bool) (said string, err error) {
	rec, err := r.Editions.Edition(ctx, id)
	if err != nil {
		return "", err
	}
	if rec.State == Waiting && !r.Now().Before(rec.StaleAt) {
		if err := r.pauseUnapproved(ctx, rec); err != nil {
			return "", err
		}
		rec.State, rec.Why = Paused, unapproved
	}
	switch rec.State {
	case Waiting:
		if r.Now().Before(rec.Slot) {
			_, err := r.Drafts.Note(ctx, rec.ID, NoteApproved, r.By, "approved; it leaves at its slot", r.Now())
			return "", err
		}
	case Paused:
		return "", fmt.Errorf("edition %s is paused (%s)\nhint: `lede editions resume %s` sends it all the same, `lede editions cancel %s` ends it", rec.ID, rec.Why, rec.ID, rec.ID)
	default:
		return "", fmt.Errorf("edition %s is %s and does not wait for approval: %w", rec.ID, rec.State, ErrState)
	}
	why := "approved"
	if said = r.changedSince(ctx, n, rec); said != "" {
		if n.Changed == "hold" && !asIs {
			return said, &ChangedError{rec.ID, said}
		}
		why += "; " + said
	}
	return said, r.Editions.Move(ctx, rec.ID, []State{Waiting}, Sending, r.By, why, time.Time{}, r.Now())
}

const unapproved = "nobody approved it in its time"

// pauseUnapproved ends the time in which a waiting edition could be approved.
func (r *Room) pauseUnapproved(ctx context.Context, rec Record) error {
	return r.Editions.Move(ctx, rec.ID, []State{Waiting}, Paused, r.By, unapproved, time.Time{}, r.Now())
}
