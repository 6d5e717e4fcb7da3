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
	"lede/compose/lint"
	"lede/newsroom"
	"lede/send"
)

// proof is a letter as one reader would get it, with links that change nothing.
type proof struct {
	draft   newsroom.Draft
	slot    time.Time
	message *send.Message // nil when the edition is empty
	reader  send.Delivery
	html    string
	text    string
	eml     []byte
}

// madeUp is the reader as whom a proof is seen when nobody is named.
const madeUp = "reader@example.org"

// proof drafts the edition for a slot and fills it in for the reader as: a
// subscriber's address, the name of a made-up reader, or nobody in particular
// when as is empty.
func (h *house) proof(ctx context.Context, n newsroom.Newsletter, slot time.Time, as string) (proof, error) {
	waits, err := h.room.Waits(ctx, n, slot)
	if err != nil {
		return proof{}, err
	}
	d, err := h.room.Draft(ctx, n, newsroom.Order{Slot: slot, Remake: waits})
	if err != nil {
		return proof{}, err
	}
	return h.fill(ctx, n, proof{draft: d, slot: slot}, as)
}

// storedProof is the proof of an edition that is in the store.
func (h *house) storedProof(ctx context.Context, id, as string) (newsroom.Newsletter, proof, error) {
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
	d := newsroom.Draft{Edition: *rec.Content, Letter: *rec.Letter}
	d.Findings = h.room.Lint(n, d.Edition, d.Letter)
	p, err := h.fill(ctx, n, proof{draft: d, slot: rec.Slot}, as)
	return n, p, err
}

func (h *house) fill(ctx context.Context, n newsroom.Newsletter, p proof, as string) (proof, error) {
	p.reader = send.Delivery{Edition: "proof", Address: madeUp}
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
	}
	if p.draft.Edition.Empty != "" {
		return p, nil
	}
	var err error
	if p.message, err = send.Compile(p.draft.Letter, n.Sender); err != nil {
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

// write writes the files that other programs read. Each is whole or not there;
// an edition without a letter leaves no letter of an earlier run behind.
func (p proof) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	edition, err := jsonFile(p.draft.Edition)
	if err != nil {
		return err
	}
	findings := p.draft.Findings
	if findings == nil {
		findings = []lint.Finding{}
	}
	lints, err := jsonFile(findings)
	if err != nil {
		return err
	}
	files := map[string][]byte{"edition.json": edition, "lint.json": lints, "edition.html": nil, "edition.txt": nil, "edition.eml": nil}
	if p.message != nil {
		files["edition.html"], files["edition.txt"], files["edition.eml"] = []byte(p.html), []byte(p.text), p.eml
	}
	for name, data := range files {
		if err := replaceFile(filepath.Join(dir, name), data); err != nil {
			return err
		}
	}
	return nil
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
