package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lede/audience"
	"lede/audience/segment"
	"lede/compose"
	"lede/newsroom"
	"lede/send"
)

// proof is a letter as one reader would get it, with links that change nothing.
type proof struct {
	draft   newsroom.Draft
	slot    time.Time
	message *send.Message // nil when the edition is empty
	reader  send.Delivery
	as      string // as whom it is seen, as it was asked for
	own     int    // the variant that the reader gets
	variant int    // the variant that this is
	subject int    // of a test, from 1; 0: the first
	html    string
	text    string
	eml     []byte
}

// wanted says which letter of an edition is looked at, and as whom.
type wanted struct {
	as      string // a subscriber's address, the name of a made-up reader, or empty
	variant string // its number or name; empty: the one that the reader gets
	subject int    // of a test, from 1; 0: the first
}

// madeUp is the reader as whom a proof is seen when nobody is named.
const madeUp = "reader@example.org"

// proof drafts the edition for a slot and fills in one of its letters.
func (h *house) proof(ctx context.Context, n newsroom.Newsletter, slot time.Time, w wanted) (proof, error) {
	d, err := h.draft(ctx, n, slot, nil)
	if err != nil {
		return proof{}, err
	}
	return h.fill(ctx, n, proof{draft: d, slot: slot}, w)
}

// draft drafts the edition for a slot, as it would be made now; known is an
// earlier draft's.
func (h *house) draft(ctx context.Context, n newsroom.Newsletter, slot time.Time, known map[string]compose.Picture) (newsroom.Draft, error) {
	waits, err := h.room.Waits(ctx, n, slot)
	if err != nil {
		return newsroom.Draft{}, err
	}
	return h.room.Draft(ctx, n, newsroom.Order{Slot: slot, Remake: waits, Known: known})
}

// storedProof is the proof of an edition that is in the store.
func (h *house) storedProof(ctx context.Context, id string, w wanted) (newsroom.Newsletter, proof, error) {
	rec, err := h.store.Edition(ctx, id)
	if errors.Is(err, newsroom.ErrNotFound) {
		return newsroom.Newsletter{}, proof{}, fmt.Errorf("edition %s: no such edition\nhint: lede editions list", id)
	}
	if err != nil {
		return newsroom.Newsletter{}, proof{}, err
	}
	n, err := h.newsletter([]string{rec.Newsletter})
	if err != nil {
		return n, proof{}, err
	}
	if rec.Content == nil {
		return n, proof{}, fmt.Errorf("edition %s was %s before it had a letter: %s", rec.ID, rec.State, rec.Why)
	}
	d := newsroom.Draft{Edition: *rec.Content, Letter: *rec.Letter, Variants: rec.Variants}
	d.Findings = h.room.Lint(n, d.Edition, d.Letter)
	p, err := h.fill(ctx, n, proof{draft: d, slot: rec.Slot}, w)
	return n, p, err
}

// fill fills in one of a draft's letters.
func (h *house) fill(ctx context.Context, n newsroom.Newsletter, p proof, w wanted) (proof, error) {
	as, attributes := w.as, map[string]string(nil)
	p.as, p.reader = w.as, send.Delivery{Edition: "proof", Address: madeUp}
	switch {
	case as == "":
	case !strings.Contains(as, "@"):
		p.reader.Name = as // a made-up reader with a name
	default:
		_, key, _, err := audience.ParseAddress(as)
		if err != nil {
			return p, usageError("--as %s: %v", as, err)
		}
		person, err := h.store.Person(ctx, key)
		if errors.Is(err, audience.ErrNobody) {
			return p, fmt.Errorf("--as %s: no such subscriber", as)
		}
		if err != nil {
			return p, err
		}
		p.reader.Subscriber, p.reader.Salt = person.ID, person.Salt
		p.reader.Address, p.reader.Name = person.Address, person.Name
		attributes = person.Attributes
	}
	if p.draft.Edition.Empty != "" {
		return p, nil
	}
	var err error
	if v := p.draft.Variants; v != nil {
		p.own = v.Split.Variant(func(name string) string { return attributes[name] }, func(where string) bool {
			var in bool
			in, err = h.inSegment(ctx, where, p.reader.Subscriber, err)
			return in
		})
		if err != nil {
			return p, err
		}
	}
	p.variant, p.subject = p.own, w.subject
	if w.variant != "" {
		if p.variant, err = p.draft.Variants.Named(w.variant); err != nil {
			return p, usageError("--variant: %v", err)
		}
	}
	letter, err := p.draft.Variants.LetterOf(p.draft.Letter, p.variant, p.subject)
	if err != nil {
		return p, usageError("%v", err)
	}
	sender, err := h.room.Carrying(ctx, n, p.draft.Pictures, letter)
	if err != nil {
		return p, fmt.Errorf("newsletter %s: %w", n.ID, err)
	}
	if p.message, err = send.Compile(letter, sender); err != nil {
		return p, fmt.Errorf("newsletter %s: %w", n.ID, err)
	}
	p.html, p.text = p.message.HTML(p.reader, true), p.message.Text(p.reader, true)
	p.eml, err = p.message.Proof(p.reader, p.slot)
	return p, err
}

// stops says why the letter must not be sent: it is empty, or lint found
// errors.
func (p proof) stops() string {
	if p.draft.Edition.Empty != "" {
		return p.draft.Edition.Empty
	}
	return p.draft.Stops()
}

func jsonFile(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing JSON: %w", err)
	}
	return append(data, '\n'), nil
}

// replaceFile writes a file as a whole, or takes it away when data is nil.
func replaceFile(name string, data []byte) error {
	if data == nil {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), ".lede-*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	defer os.Remove(tmp.Name()) // gone already when all went well
	_, err = tmp.Write(data)
	if err := errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return os.Rename(tmp.Name(), name)
}

// mail sends the proof through the newsletter's relay. Its pictures are stored
// first, so that the daemon serves them.
func (h *house) mailProof(ctx context.Context, n newsroom.Newsletter, p proof, to string) error {
	address, _, _, err := audience.ParseAddress(to)
	if err != nil {
		return usageError("--to %s: %v", to, err)
	}
	if p.message == nil {
		return fmt.Errorf("nothing to prove: %s", p.draft.Edition.Empty)
	}
	for _, picture := range p.draft.Pictures {
		if err := h.store.SavePicture(ctx, picture); err != nil {
			return fmt.Errorf("storing a picture: %w", err)
		}
	}
	reader := p.reader
	reader.Address = address
	mail, err := p.message.Proof(reader, h.app.now())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return h.dispatcher.Post(ctx, n.Relay, n.Sender.Envelope(), []string{address}, mail)
}

// inSegment says whether an expression means a subscriber; 0 is nobody. An
// earlier error is passed on.
func (h *house) inSegment(ctx context.Context, where string, subscriber int64, earlier error) (bool, error) {
	if earlier != nil || subscriber == 0 {
		return false, earlier
	}
	e, err := segment.Parse(where)
	if err != nil {
		return false, err
	}
	return h.store.InSegment(ctx, e, subscriber, h.app.now())
}
