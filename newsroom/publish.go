package newsroom

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"lede/compose"
)

// assembleLimit bounds the time from a slot's claim to its snapshot. An edition
// that is assembling for longer was left behind by a process that died.
const assembleLimit = 10 * time.Minute

// Publish makes the edition for a slot and has it delivered: slot → gather →
// assemble → render → check → snapshot → deliver. Called again for the same
// slot it goes on where it was and sends nothing twice. deliver is Deliver, or
// what waits for the daemon that delivers; it is called for an edition that is
// being sent, and its error comes back with that edition.
func (r *Room) Publish(ctx context.Context, n Newsletter, o Order, deliver func(context.Context, Record) error) (Record, error) {
	rec, err := r.Make(ctx, n, o)
	if err != nil || rec.State != Sending {
		return rec, err
	}
	return rec, deliver(ctx, rec)
}

// Make goes as far as the snapshot: the edition that it returns is ready to be
// delivered, waits for approval, or was skipped or failed for the reason that
// it carries. After an error of the store a slot's edition is still assembling,
// and Make for the same slot goes on with it.
func (r *Room) Make(ctx context.Context, n Newsletter, o Order) (Record, error) {
	rec, err := r.open(ctx, n, o)
	if err != nil || rec.State != Assembling {
		return rec, err
	}
	ctx, cancel := context.WithTimeout(ctx, assembleLimit)
	defer cancel()
	to, why, err := r.assemble(ctx, n, rec, o)
	for range 3 {
		if errors.Is(err, ErrEdited) { // an editor was faster: once more, with the edits
			o.Draft = nil
			to, why, err = r.assemble(ctx, n, rec, o)
		}
	}
	switch {
	case errors.Is(err, ErrState): // another process made it, or somebody ended it
		return r.Editions.Edition(context.WithoutCancel(ctx), rec.ID)
	case errors.Is(err, context.Canceled) && rec.ByHand:
		to, why = Cancelled, "stopped before it was assembled"
		err = r.Editions.Move(context.WithoutCancel(ctx), rec.ID, []State{Assembling}, to, r.By, why, time.Time{}, r.Now())
		return rec, errors.Join(fmt.Errorf("edition %s: %s; nothing was sent", rec.ID, why), err)
	case err != nil: // the next try, or the next start, goes on
		return rec, err
	}
	if to == Skipped || to == Failed {
		why = strings.ReplaceAll(why, "\nhint: ", "; ") // one line
		r.Log.Warn("no edition", "newsletter", n.ID, "slot", rec.Slot, "state", string(to), "why", why)
		if err := r.Editions.Move(context.WithoutCancel(ctx), rec.ID, []State{Assembling}, to, r.By, why, time.Time{}, r.Now()); err != nil {
			return rec, fmt.Errorf("edition %s: noting that it was %s: %w", rec.ID, to, err)
		}
	}
	return r.Editions.Edition(context.WithoutCancel(ctx), rec.ID)
}

// open claims the slot, or finds the edition that has it.
func (r *Room) open(ctx context.Context, n Newsletter, o Order) (Record, error) {
	if o.ByHand && !o.New {
		rec, found, err := r.unfinished(ctx, n, o)
		if err != nil || found {
			return rec, err
		}
	}
	now := r.Now()
	rec, _, err := r.Editions.Open(ctx, Record{
		ID: r.NewID(), Newsletter: n.ID, Slot: o.Slot, ByHand: o.ByHand, By: r.By, State: Assembling,
		Started: now, StaleAt: staleAt(n, o, now),
	})
	if errors.Is(err, ErrBusy) {
		return Record{}, r.busy(ctx, n, err)
	}
	if err != nil {
		return Record{}, fmt.Errorf("newsletter %s: %w", n.ID, err)
	}
	if rec.State == Assembling && !now.Before(rec.StaleAt) {
		why := "its time was over before it was assembled"
		if err := r.Editions.Move(ctx, rec.ID, []State{Assembling}, Skipped, r.By, why, time.Time{}, now); err != nil {
			return rec, err
		}
		rec.State, rec.Why = Skipped, why
	}
	return rec, nil
}

// busy names the edition that is being assembled, and says how to end it.
func (r *Room) busy(ctx context.Context, n Newsletter, err error) error {
	err = fmt.Errorf("newsletter %s: %w", n.ID, err)
	recs, e := r.Editions.List(ctx, n.ID, 1, Assembling)
	if e != nil || len(recs) == 0 {
		return err
	}
	return fmt.Errorf("%w, %s\nhint: it takes a minute; if what assembled it was killed, `lede editions cancel %s` ends it", err, recs[0].ID, recs[0].ID)
}

// unfinished finds the edition that a send by hand goes on with. An old or
// paused one is a person's decision.
func (r *Room) unfinished(ctx context.Context, n Newsletter, o Order) (Record, bool, error) {
	now := r.Now()
	recs, err := r.Editions.List(ctx, n.ID, 0, Assembling)
	if err != nil {
		return Record{}, false, fmt.Errorf("newsletter %s: looking for unfinished editions: %w", n.ID, err)
	}
	for _, rec := range recs {
		if now.Before(rec.StaleAt) {
			continue
		}
		if err := r.Editions.Move(ctx, rec.ID, []State{Assembling}, Skipped, r.By, "its time was over before it was assembled", time.Time{}, now); err != nil {
			return Record{}, false, err
		}
	}
	rec, old, err := r.Unfinished(ctx, n)
	if err != nil || rec.ID == "" {
		return Record{}, false, err
	}
	if old != nil {
		if !o.Resume {
			return Record{}, false, old
		}
		if err := r.Resume(ctx, n, rec.ID); err != nil {
			return Record{}, false, err
		}
	}
	rec, err = r.Editions.Edition(ctx, rec.ID)
	return rec, err == nil, err
}

// Unfinished returns the edition that a send by hand would go on with: one that
// is assembling, paused, or sending with pending mails that are due; without an id
// when there is none. old is the error that a person gets who has not said --resume, nil
// when the edition goes on by itself. Nothing is changed.
func (r *Room) Unfinished(ctx context.Context, n Newsletter) (rec Record, old, err error) {
	recs, err := r.Editions.List(ctx, n.ID, 0, Assembling, Sending, Paused)
	if err != nil {
		return Record{}, nil, fmt.Errorf("newsletter %s: looking for unfinished editions: %w", n.ID, err)
	}
	for _, rec := range recs {
		late := !r.Now().Before(rec.StaleAt)
		if rec.State == Assembling && late {
			continue
		}
		if rec.State == Sending {
			ahead, err := r.ahead(ctx, rec.ID)
			if err != nil {
				return Record{}, nil, err
			}
			if !ahead.Within(soon, r.Now()) {
				continue
			}
		}
		if late || rec.State == Paused {
			old = fmt.Errorf("edition %s of %s is unfinished and %s\nhint: --resume sends the rest of it, --new makes another one, `lede editions cancel %s` ends it",
				rec.ID, rec.Slot.In(n.Recipe.Zone).Format("2 January 15:04"), oldWords(rec), rec.ID)
		}
		return rec, old, nil
	}
	return Record{}, nil, nil
}

func oldWords(rec Record) string {
	if rec.State == Paused {
		return "paused (" + rec.Why + ")"
	}
	return "too old to go on by itself"
}

// draftOf is the draft that a person was shown for this edition, or a new one.
func (r *Room) draftOf(ctx context.Context, n Newsletter, rec Record, o Order) (Draft, error) {
	if o.Draft != nil && o.Slot.Equal(rec.Slot) {
		return *o.Draft, nil
	}
	o.Slot = rec.Slot
	return r.Draft(ctx, n, o)
}

// assemble makes the letter and commits it with its snapshot. It says in which
// state the edition is then, and why when it is skipped or failed. An error is
// for what another try may find mended.
func (r *Room) assemble(ctx context.Context, n Newsletter, rec Record, o Order) (State, string, error) {
	d, err := r.draftOf(ctx, n, rec, o)
	switch {
	case errors.Is(err, context.Canceled):
		return "", "", err
	case err != nil:
		return Failed, err.Error(), nil
	case d.Edition.Empty != "":
		return Skipped, emptyWords(d.Edition), nil
	}
	if stops := d.Stops(); stops != "" {
		return Failed, stops, nil
	}
	aim := n.Aim(o)
	audience, err := r.Memory.Reach(ctx, aim, r.Now())
	if err != nil {
		return "", "", fmt.Errorf("counting the audience: %w", err)
	}
	if audience == 0 && aim.CorrectionOf != "" {
		return Failed, "nobody to send to: no active subscriber on " + aim.String(), nil
	}
	if audience == 0 && aim.Choice.Where != "" {
		return Failed, fmt.Sprintf("nobody to send to: no active subscriber on %s; `lede segments test` shows whom a segment means", aim), nil
	}
	if audience == 0 {
		return Failed, fmt.Sprintf("nobody to send to: no active subscriber on %s; `lede import` brings them in", listNames(n.Lists)), nil
	}
	if r.Reachable != nil && !r.Local(n) {
		if err := r.Reachable(ctx, n); err != nil {
			err = fmt.Errorf("the pages that mails link to do not answer: %w", err)
			if !rec.ByHand && r.Now().Sub(rec.Started) < assembleLimit {
				return "", "", err // a proxy may just be starting
			}
			return Failed, err.Error(), ctx.Err()
		}
	}
	for _, p := range d.Pictures {
		if err := r.Pictures.SavePicture(ctx, p); err != nil {
			return "", "", fmt.Errorf("storing a picture: %w", err)
		}
	}
	to := Sending
	now := r.Now()
	if n.Approval == "required" || n.Proof.Before > 0 && !rec.ByHand && now.Before(rec.Slot) {
		to = Waiting
	}
	content := Content{Edition: d.Edition, Letter: d.Letter, Variants: d.Variants, Lists: aim.Lists, Choice: aim.Choice, Revision: d.Revision, By: r.By, CorrectionOf: aim.CorrectionOf}
	o.timing(n).due(&content, rec.Slot, now, n.Recipe.Zone)
	count, err := r.Editions.Commit(ctx, rec.ID, content, to, now)
	if err != nil {
		return "", "", fmt.Errorf("storing the edition: %w", err)
	}
	for _, remark := range d.Edition.Remarks {
		r.Log.Warn("the editor's edition", "newsletter", n.ID, "edition", rec.ID, "remark", remark)
	}
	r.Log.Info("edition stored", "newsletter", n.ID, "edition", rec.ID, "subject", d.Edition.Subject, "audience", count)
	return to, "", nil
}

// emptyWords says why an edition is empty, and which sources are why.
func emptyWords(e compose.Edition) string {
	why := e.Empty
	for _, s := range e.Sources {
		if s.Error != "" {
			why += fmt.Sprintf("; source %s failed: %s", s.ID, s.Error)
		}
	}
	return why
}

func listNames(lists []string) string {
	switch len(lists) {
	case 0:
		return "any list"
	case 1:
		return "list " + lists[0]
	}
	names := "lists "
	for i, l := range lists {
		if i > 0 {
			names += ", "
		}
		names += l
	}
	return names
}
