package newsroom

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"lede/compose"
)

// rereadLimit bounds the time in which sources are read again before an edition
// leaves that waited.
const rereadLimit = 30 * time.Second

// tend does what the clock wants of an edition that waits: its proof is mailed,
// and at its slot it leaves, unless it needs an approval that it does not have.
// Then somebody is reminded, and at its deadline what the newsletter says is
// done. What can't be done now is tried again at the next look.
func (r *Room) tend(ctx context.Context, n Newsletter, rec Record) {
	now := r.Now()
	notes, err := r.Drafts.Notes(ctx, rec.ID)
	if err != nil {
		r.Log.Error("an edition that waits", "newsletter", n.ID, "edition", rec.ID, "err", err)
		return
	}
	noted := func(what string) bool {
		return slices.ContainsFunc(notes, func(note Note) bool { return note.What == what })
	}
	if !now.Before(rec.StaleAt) {
		r.endWaiting(ctx, n, rec)
		return
	}
	if len(n.Proof.To) > 0 && !noted(NoteProof) {
		r.mailProof(ctx, n, rec)
	}
	free := n.Approval != "required" || noted(NoteApproved)
	deadline := rec.Slot.Add(n.Deadline)
	switch {
	case free && !now.Before(rec.Slot):
		if noted(NoteApproved) {
			r.release(ctx, n, rec, "its slot came, and it was approved")
			return
		}
		switch pass, err := r.passOver(ctx, n, rec.Slot, now); {
		case err != nil: // the next look tries again
		case pass != "":
			if r.Editions.Move(ctx, rec.ID, []State{Waiting}, Skipped, r.By, pass, time.Time{}, now) == nil {
				r.tellOf(ctx, n, rec.ID)
			}
		default:
			r.release(ctx, n, rec, "its slot came")
		}
	case free:
	case n.Deadline > 0 && !now.Before(deadline) && !noted(NoteDeadline):
		r.atDeadline(ctx, n, rec)
	case !now.Before(rec.Slot) && rec.Stored.Before(rec.Slot) && !noted(NoteReminded):
		r.remind(ctx, n, rec, NoteReminded, "its slot has come, and nobody has approved it")
	}
}

// atDeadline does what the newsletter wants done with an edition that nobody
// approved.
func (r *Room) atDeadline(ctx context.Context, n Newsletter, rec Record) {
	why := fmt.Sprintf("nobody approved it within %s of its slot", Span(n.Deadline))
	switch n.AtDeadline {
	case "send":
		r.release(ctx, n, rec, why+" (at_deadline: send)")
	case "skip":
		if err := r.Editions.Move(ctx, rec.ID, []State{Waiting}, Skipped, r.By, why+" (at_deadline: skip)", time.Time{}, r.Now()); err != nil {
			return // somebody was faster
		}
		r.Log.Warn("edition skipped", "newsletter", n.ID, "edition", rec.ID, "why", why)
		r.tellOf(ctx, n, rec.ID)
	default:
		r.remind(ctx, n, rec, NoteDeadline, why)
	}
}

// release lets an edition go that waited. Of stories that changed at their
// source, or were taken back, since it was made, the desk hears; with changed:
// hold it waits for a person.
func (r *Room) release(ctx context.Context, n Newsletter, rec Record, why string) {
	said := r.changedSince(ctx, n, rec)
	to := Sending
	if said != "" {
		why += "; " + said
		if n.Changed == "hold" {
			to, why = Paused, said+" (changed: hold)"
		}
		r.Log.Warn("stories changed since the edition was made", "newsletter", n.ID, "edition", rec.ID, "what", said)
	}
	if err := r.Editions.Move(ctx, rec.ID, []State{Waiting}, to, r.By, why, time.Time{}, r.Now()); err != nil {
		return // cancelled, say, or let go by hand meanwhile
	}
	if said != "" {
		r.tellOf(ctx, n, rec.ID)
	}
}

// tellOf mails the desk how an edition stands.
func (r *Room) tellOf(ctx context.Context, n Newsletter, id string) {
	if rep, err := r.Report(ctx, id); err == nil {
		r.notify(ctx, n, rep)
	}
}

// changedSince says which of an edition's stories read otherwise at their source
// than when it was made, or are gone from it. Empty: none.
func (r *Room) changedSince(ctx context.Context, n Newsletter, rec Record) string {
	ctx, cancel := context.WithTimeout(ctx, rereadLimit)
	defer cancel()
	uses, err := r.Drafts.Uses(ctx, rec.ID)
	if err != nil || len(uses) == 0 {
		return ""
	}
	memory, err := r.Memory.MemoryWithout(ctx, n.ID, rec.Slot.Add(-memoryTime), rec.ID)
	if err != nil {
		return ""
	}
	folders := map[string]bool{}
	for _, s := range n.Sources {
		folders[s.ID] = s.Folder != ""
	}
	changed, gone := compose.Changed(n.Recipe, compose.Input{
		Slot: rec.Slot, Memory: memory, Readings: r.Gatherer.Gather(ctx, n.Sources, n.Recipe.Zone),
	}, uses, folders)
	var said []string
	for _, u := range changed {
		said = append(said, fmt.Sprintf("“%s” changed at its source", u.Title))
	}
	for _, u := range gone {
		said = append(said, fmt.Sprintf("“%s” was taken back at its source", u.Title))
	}
	return strings.Join(said, "; ")
}
