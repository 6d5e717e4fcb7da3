package newsroom

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"lede/compose"
)

// DraftFile writes the edition of a slot as a file for an editor, and keeps what
// it was written from. The edition is the one that waits for that slot, or what
// the slot would make now; what editors did before is in it. It comes back with
// the draft, whose remarks say what they should know.
func (r *Room) DraftFile(ctx context.Context, n Newsletter, slot time.Time) ([]byte, Draft, error) {
	rec, err := r.ofSlot(ctx, n, slot)
	if err != nil {
		return nil, Draft{}, err
	}
	if err := r.changeable(ctx, rec); err != nil {
		return nil, Draft{}, err
	}
	d, err := r.Draft(ctx, n, Order{Slot: slot, Sheet: true, Remake: rec.ID})
	if err != nil {
		return nil, d, err
	}
	if d.Edition.Sheet == nil {
		return nil, d, fmt.Errorf("newsletter %s: there is no edition to edit: %s", n.ID, emptyWords(d.Edition))
	}
	number, err := r.Drafts.Lay(ctx, Revision{Newsletter: n.ID, Slot: slot, At: r.Now(), By: r.By, Sheet: *d.Edition.Sheet})
	if err != nil {
		return nil, d, err
	}
	file, err := compose.WriteEditionFile(*d.Edition.Sheet, n.ID, n.Name, slot.In(n.Recipe.Zone), number)
	return file, d, err
}

// ofSlot is the edition that a slot has; without an id when it has none yet.
func (r *Room) ofSlot(ctx context.Context, n Newsletter, slot time.Time) (Record, error) {
	recs, err := r.Editions.List(ctx, n.ID, 0)
	if err != nil {
		return Record{}, fmt.Errorf("newsletter %s: looking for the edition of the slot: %w", n.ID, err)
	}
	for _, rec := range recs {
		if rec.Slot.Equal(slot) {
			return rec, nil
		}
	}
	return Record{}, nil
}

// Waits is the id of the edition that waits for a slot; empty when none does.
// What it used is no news to a draft of that slot unless Order.Remake names it.
func (r *Room) Waits(ctx context.Context, n Newsletter, slot time.Time) (string, error) {
	recs, err := r.Editions.List(ctx, n.ID, 0, Waiting)
	if err != nil {
		return "", fmt.Errorf("newsletter %s: looking for the edition that waits: %w", n.ID, err)
	}
	for _, rec := range recs {
		if rec.Slot.Equal(slot) {
			return rec.ID, nil
		}
	}
	return "", nil
}

// changeable says why an editor can't change an edition any more, nil when one can.
func (r *Room) changeable(ctx context.Context, rec Record) error {
	switch rec.State {
	case "", Assembling:
		return nil
	case Waiting:
		notes, err := r.Drafts.Notes(ctx, rec.ID)
		if err != nil {
			return err
		}
		for _, note := range notes {
			if note.What == NoteApproved {
				return fmt.Errorf("edition %s was approved by %s meanwhile: it leaves as it is: %w\nhint: `lede editions cancel %s` stops it", rec.ID, note.By, ErrState, rec.ID)
			}
		}
		return nil
	}
	return fmt.Errorf("edition %s of this slot is %s and can't be changed any more: %w", rec.ID, rec.State, ErrState)
}

// Applied is what came of an edition file that was handed back.
type Applied struct {
	Newsletter string    `json:"newsletter"`
	Slot       time.Time `json:"slot"`
	Edition    string    `json:"edition,omitempty"` // that waits and was changed; empty: its slot is to come
	Revision   int       `json:"revision"`          // of the file from now on
	Same       bool      `json:"unchanged"`         // it was handed back before as it is
	Edits      []string  `json:"edits"`             // what the editor did, in words
	Remarks    []string  `json:"remarks"`           // what the editor should know
	Subject    string    `json:"subject"`
}

// ErrSlot says that an edition file is of another newsletter or no slot of it.
var ErrSlot = errors.New("no such slot")

// ApplyFile takes an edition file back. It changes the edition that waits for
// its slot, or is kept until the slot makes one. With dryRun it says what it
// would do, and does nothing. An edition that could not be sent as it then is
// (lint, rendering) is an error, and nothing is changed.
func (r *Room) ApplyFile(ctx context.Context, newsletter func(id string) (Newsletter, error), name string, file io.Reader, dryRun bool) (Applied, error) {
	f, err := compose.ReadEditionFile(name, file)
	if err != nil {
		return Applied{}, err
	}
	n, err := newsletter(f.Newsletter)
	if err != nil {
		return Applied{}, fmt.Errorf("%s: newsletter: %w", name, err)
	}
	base, err := r.Drafts.Sheet(ctx, n.ID, f.Slot, f.Revision)
	if errors.Is(err, ErrNotFound) {
		return Applied{}, fmt.Errorf("%s: slot, revision: nobody drew revision %d for %s here: %w\nhint: `lede editions draft %s` writes the file anew", name, f.Revision, f.Slot.In(n.Recipe.Zone).Format("2 January 15:04"), ErrSlot, n.ID)
	}
	if err != nil {
		return Applied{}, err
	}
	edits, err := compose.CompareEdits(name, base.Sheet, f)
	if err != nil {
		return Applied{}, err
	}
	out := Applied{Newsletter: n.ID, Slot: f.Slot, Revision: f.Revision, Edits: edits.Says(), Remarks: []string{}}
	newest, err := r.Drafts.Applied(ctx, n.ID, f.Slot)
	if err != nil {
		return out, err
	}
	switch {
	case newest.Number >= f.Revision && sameEdits(newest.Edits, &edits):
		out.Same, out.Revision = true, newest.Number
		return out, nil
	case newest.Number > f.Revision:
		return out, older(name, f, newest)
	}
	rec, err := r.ofSlot(ctx, n, f.Slot)
	if err == nil {
		err = r.changeable(ctx, rec)
	}
	if err != nil {
		return out, err
	}
	d, err := r.Draft(ctx, n, Order{Slot: f.Slot, Edits: &edits, Remake: rec.ID})
	if err != nil {
		return out, err
	}
	out.Subject = d.Edition.Subject
	out.Remarks = append(out.Remarks, d.Edition.Remarks...)
	if d.Edition.Empty != "" {
		return out, fmt.Errorf("%s: so there is nothing to send: %s", name, emptyWords(d.Edition))
	}
	if stops := d.Stops(); stops != "" {
		return out, fmt.Errorf("%s: this letter would not be sent: %s", name, stops)
	}
	if dryRun {
		return out, nil
	}
	return out, r.apply(ctx, n, f, edits, d, base, rec, name, &out)
}

// apply stores an editor's edits, with the letter that they make where an
// edition waits for it.
func (r *Room) apply(ctx context.Context, n Newsletter, f compose.EditionFile, edits compose.Edits, d Draft, base Revision, rec Record, name string, out *Applied) error {
	var c *Content
	if rec.State == Waiting {
		for _, p := range d.Pictures {
			if err := r.Pictures.SavePicture(ctx, p); err != nil {
				return fmt.Errorf("storing a picture: %w", err)
			}
		}
		c = &Content{Edition: d.Edition, Letter: d.Letter, Variants: d.Variants, Lists: n.Lists}
		out.Edition = rec.ID
	}
	number, err := r.Drafts.Apply(ctx, Revision{
		Newsletter: n.ID, Slot: f.Slot, At: r.Now(), By: r.By, Sheet: base.Sheet, Edits: &edits,
	}, f.Revision, c)
	switch {
	case errors.Is(err, ErrOlder):
		newest, e := r.Drafts.Applied(ctx, n.ID, f.Slot)
		if e != nil {
			return e
		}
		return older(name, f, newest)
	case err != nil:
		return err
	}
	out.Revision = number
	return nil
}

// sameEdits compares edits as they are kept.
func sameEdits(a, b *compose.Edits) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

func older(name string, f compose.EditionFile, newest Revision) error {
	return fmt.Errorf("%s: revision: %w: this one is revision %d, %s applied revision %d at %s\nhint: `lede editions draft %s` writes the file with what holds now",
		name, ErrOlder, f.Revision, newest.By, newest.Number, newest.At.UTC().Format("2006-01-02 15:04 UTC"), f.Newsletter)
}
