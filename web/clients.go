package web

import (
	"strconv"
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// Where inboxes cut, in columns: a wide character (Chinese, Japanese, Korean,
// most pictographs) takes two.
const (
	gmailLine        = 100 // subject and preheader together, on a desktop
	outlookSubject   = 36
	outlookPreheader = 39
	phoneSubject     = 41
	phoneLine        = 41 // of the preheader, which has two
)

// inboxView is the letter as a row of three mail programs' lists.
type inboxView struct {
	Subject   int // columns of the whole subject
	Preheader int
	Sender    string
	Time      string
	Gmail     clientRow
	Outlook   clientRow
	Phone     clientRow
	SecondRow string // of the phone's preheader
}

// clientRow is what one program shows, and where it cut.
type clientRow struct{ Subject, Preheader, Cut string }

// inboxOf cuts subject and preheader as the programs do.
func inboxOf(p Proof) inboxView {
	subject, preheader := p.Subject, p.Edition.Preheader
	v := inboxView{Subject: displaywidth.String(subject), Preheader: displaywidth.String(preheader), Sender: p.Sender}
	if !p.Slot.IsZero() {
		v.Time = p.Slot.Format("15:04")
	}

	var cut bool
	v.Gmail.Subject, cut = cutAt(subject, gmailLine)
	if cut {
		v.Gmail.Cut = "subject cut at " + strconv.Itoa(gmailLine)
	} else {
		left := max(0, gmailLine-v.Subject-4) // " - " stands between, an ellipsis behind
		v.Gmail.Preheader, cut = cutAt(preheader, left)
		v.Gmail.Cut = where("preheader", left, cut)
	}

	v.Outlook.Subject, cut = cutAt(subject, outlookSubject)
	v.Outlook.Cut = where("subject", outlookSubject, cut)
	if v.Outlook.Preheader, cut = cutAt(preheader, outlookPreheader); cut && v.Outlook.Cut == whole {
		v.Outlook.Cut = where("preheader", outlookPreheader, cut)
	}

	v.Phone.Subject, cut = cutAt(subject, phoneSubject)
	v.Phone.Cut = where("subject", phoneSubject, cut)
	first, rest := line(preheader, phoneLine)
	v.Phone.Preheader = first
	if v.SecondRow, cut = cutAt(rest, phoneLine); cut && v.Phone.Cut == whole {
		v.Phone.Cut = where("preheader", 2*phoneLine, cut)
	}
	return v
}

const whole = "whole"

func where(what string, at int, cut bool) string {
	if !cut {
		return whole
	}
	return what + " cut at " + strconv.Itoa(at)
}

// cutAt returns as much of a text as fits into max columns, with an ellipsis
// behind it when that is not all.
func cutAt(text string, max int) (string, bool) {
	head, rest := fit(text, max)
	if rest == "" {
		return text, false
	}
	return head + "…", true
}

// line takes a line of at most max columns off a text, at a space if there is
// one.
func line(text string, max int) (first, rest string) {
	head, rest := fit(text, max)
	if rest == "" || strings.HasPrefix(rest, " ") {
		return head, strings.TrimPrefix(rest, " ")
	}
	if space := strings.LastIndexByte(head, ' '); space > 0 {
		return head[:space], head[space+1:] + rest
	}
	return head, rest
}

// fit parts a text after max columns, never inside a combined character.
func fit(text string, max int) (head, rest string) {
	used, at := 0, 0
	characters := displaywidth.StringGraphemes(text)
	for characters.Next() {
		used += characters.Width()
		if used > max {
			return text[:at], text[at:]
		}
		at += len(characters.Value())
	}
	return text, ""
}
