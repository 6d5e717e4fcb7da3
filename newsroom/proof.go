package newsroom

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"lede/send"
)

// proofMail is the letter of a stored edition as a proof for one reader: its
// links work and change nothing.
func (r *Room) proofMail(ctx context.Context, n Newsletter, id, to string) ([]byte, error) {
	rec, err := r.Editions.Edition(ctx, id)
	if err != nil {
		return nil, err
	}
	if rec.Letter == nil {
		return nil, fmt.Errorf("edition %s has no letter", rec.ID)
	}
	sender, err := r.Carrying(ctx, n, nil, *rec.Letter)
	if err != nil {
		return nil, fmt.Errorf("edition %s: %w", rec.ID, err)
	}
	message, err := send.Compile(*rec.Letter, sender)
	if err != nil {
		return nil, fmt.Errorf("edition %s: %w", rec.ID, err)
	}
	return message.Proof(send.Delivery{Edition: "proof", Address: to}, r.Now())
}

// mailProof mails the proof of an edition that waits, with a word on what
// becomes of it, and notes that it did.
func (r *Room) mailProof(ctx context.Context, n Newsletter, rec Record) {
	slot := rec.Slot.In(n.Recipe.Zone).Format("15:04 on Monday 2 January")
	what := "It is sent at " + slot + "."
	if n.Approval == "required" {
		what = "It is for " + slot + ", and waits for approval."
	}
	if r.mailWithProof(ctx, n, rec, n.Proof.To, n.Name+": proof for "+slot, what) {
		r.noteMailed(ctx, n, rec, NoteProof, "proof mailed to "+strings.Join(n.Proof.To, ", "))
	}
}

// remind mails those who read proofs, else the desk, that an edition waits for
// them, with its proof attached.
func (r *Room) remind(ctx context.Context, n Newsletter, rec Record, what, why string) {
	to := n.Proof.To
	if len(to) == 0 {
		to = n.Notify
	}
	text := "Edition " + rec.ID + ": " + why + "."
	if len(to) == 0 || r.mailWithProof(ctx, n, rec, to, n.Name+": waits for approval", text) {
		r.Log.Warn("the edition waits for approval", "newsletter", n.ID, "edition", rec.ID, "why", why)
		r.noteMailed(ctx, n, rec, what, why)
	}
}

func (r *Room) noteMailed(ctx context.Context, n Newsletter, rec Record, what, why string) {
	if _, err := r.Drafts.Note(ctx, rec.ID, what, r.By, why, r.Now()); err != nil && !errors.Is(err, ErrState) {
		r.Log.Error("noting that it was mailed; it may be mailed again", "newsletter", n.ID, "edition", rec.ID, "err", err)
	}
}

// mailWithProof mails a short text with the proof attached, and says whether
// all had it taken.
func (r *Room) mailWithProof(ctx context.Context, n Newsletter, rec Record, to []string, subject, text string) bool {
	ctx, cancel := context.WithTimeout(ctx, noticeLimit)
	defer cancel()
	text += fmt.Sprintf("\n\nThe letter is attached, as readers get it; its links change nothing.\n\n"+
		"To change it:  lede editions draft %s -o edition.yaml\n"+
		"               lede editions apply edition.yaml\n", n.ID)
	if n.Approval == "required" {
		text += "To approve it: lede editions approve " + rec.ID + "\n"
	}
	text += "To stop it:    lede editions cancel " + rec.ID
	for _, address := range to {
		letter, err := r.proofMail(ctx, n, rec.ID, address)
		if err == nil {
			letter, err = send.NoticeWithMail(n.Sender, address, subject, text, letter, r.Now(), r.NewID())
		}
		if err == nil {
			err = r.Dispatcher.Post(ctx, n.Relay, n.Sender.Envelope(), []string{address}, letter)
		}
		if err != nil {
			r.Log.Error("mailing a proof; trying again", "newsletter", n.ID, "edition", rec.ID, "err", err)
			return false
		}
	}
	return true
}
