package newsroom

import (
	"context"
	"errors"
	"fmt"
	"html"
	"strings"
	"time"

	"lede/compose"
	"lede/send"
)

// ErrChosen says that the subject of an edition was chosen already.
var ErrChosen = errors.New("its subject was chosen already")

// ErrNoTest says that an edition tests no subjects.
var ErrNoTest = errors.New("it tests no subjects")

// Variants is what an edition has beside one letter for all.
type Variants struct {
	Split    compose.Split    `json:"split"`              // who gets which variant
	Letters  []compose.Letter `json:"letters,omitempty"`  // of the variants 1 and up, in order
	Subjects []string         `json:"subjects,omitempty"` // of a test, with field tokens; the first is the letter's. None without a test
	Test     *Test            `json:"test,omitempty"`     // nil without a test
}

// Test says how the subjects of an edition are tested: a share of its readers
// gets them at its slot, in equal parts; the others wait for the choice.
type Test struct {
	Share     int           `json:"share"`     // percent of the readers, 1 to 100
	Wait      time.Duration `json:"wait"`      // from when the last of the test's mails is due; with local time from when the first is
	Otherwise string        `json:"otherwise"` // when nobody chose by then: first | hold
	Until     time.Time     `json:"until"`     // the end of the wait; set by Commit, and later when the first mails leave later
}

// What becomes of a test when nobody chose.
const (
	OtherwiseFirst = "first" // the newsletter's own subject is chosen
	OtherwiseHold  = "hold"  // the edition is paused
)

// Undecided says whether some of the edition's readers wait for the choice of a
// subject.
func (r Record) Undecided() bool {
	return r.Variants != nil && r.Variants.Test != nil && r.Chosen == 0
}

// Group is the deliveries of an edition that have the same variant and the same
// place in its test.
type Group struct {
	Variant int
	Subject int // in the test, from 1; 0: not in it
	Sums
}

// variants are those of an edition's letters; nil where there is one for all.
func variants(n Newsletter, all compose.Rendered) *Variants {
	v := Variants{Split: all.Split, Letters: all.Variants}
	if len(all.Subjects) > 1 {
		test := n.SubjectTest
		v.Subjects, v.Test = all.Subjects, &test
	}
	if len(v.Letters) == 0 && v.Test == nil {
		return nil
	}
	return &v
}

// compileError is a letter that can't be sent as it is.
type compileError struct{ error }

// messages compiles the letters of an edition: first is that of variant 0, and
// all are by variant and subject, nil where there is one for all. A letter that
// does not compile is a *compileError.
func (r *Room) messages(ctx context.Context, n Newsletter, rec Record) (first *send.Message, all [][]*send.Message, err error) {
	v := Variants{}
	if rec.Variants != nil {
		v = *rec.Variants
	}
	for variant, letter := range append([]compose.Letter{*rec.Letter}, v.Letters...) {
		sender, err := r.Carrying(ctx, n, nil, letter)
		if err != nil {
			return nil, nil, err
		}
		subjects, row := []string{letter.Subject}, []*send.Message{}
		if v.Test != nil {
			subjects, row = v.Subjects, append(row, nil) // who has no subject yet gets nothing
		}
		for _, subject := range subjects {
			m, err := send.Compile(withSubject(letter, subject), sender)
			if err != nil && len(v.Letters) > 0 {
				err = fmt.Errorf("variant %d (%s): %w", variant, v.Split.Name(variant), err)
			}
			if err != nil {
				return nil, nil, &compileError{err}
			}
			row = append(row, m)
		}
		all = append(all, row)
	}
	first = all[0][min(1, len(all[0])-1)]
	if rec.Variants == nil {
		all = nil
	}
	return first, all, nil
}

// withSubject is a letter with another subject, in its title too.
func withSubject(l compose.Letter, subject string) compose.Letter {
	if subject == l.Subject {
		return l
	}
	l.Subject = subject
	before, rest, ok := strings.Cut(l.HTML, "<title>")
	if _, after, closed := strings.Cut(rest, "</title>"); ok && closed {
		l.HTML = before + "<title>" + html.EscapeString(subject) + "</title>" + after
	}
	return l
}

// chosen is the record with the subject that was chosen by now.
func (r *Room) chosen(ctx context.Context, rec Record) (Record, error) {
	if !rec.Undecided() {
		return rec, nil
	}
	now, err := r.Editions.Edition(ctx, rec.ID)
	if err != nil {
		return rec, fmt.Errorf("edition %s: looking which subject was chosen: %w", rec.ID, err)
	}
	return now, nil
}

// heldForChoice begins why an edition is paused that nobody chose a subject for.
const heldForChoice = "nobody chose a subject within "

// endTest does what the newsletter wants done when nobody chose a subject in
// time. It says whether the edition goes on.
func (r *Room) endTest(ctx context.Context, n Newsletter, rec Record) (open bool, err error) {
	test := rec.Variants.Test
	why := heldForChoice + Span(test.Wait)
	if test.Otherwise != OtherwiseHold {
		why += " (otherwise: first): all others get subject 1"
		err := r.Editions.Choose(ctx, rec.ID, 1, r.By, why, r.Now())
		if errors.Is(err, ErrChosen) || errors.Is(err, ErrState) {
			return true, nil // somebody was faster
		}
		if err == nil {
			r.Log.Info("subject chosen", "newsletter", n.ID, "edition", rec.ID, "subject", 1, "why", why)
		}
		return err == nil, err
	}
	why += " (otherwise: hold); `lede editions choose " + rec.ID + " N` sends it to the others"
	err = r.Editions.Move(ctx, rec.ID, []State{Sending}, Paused, r.By, why, time.Time{}, r.Now())
	if errors.Is(err, ErrState) {
		return true, nil
	}
	if err == nil {
		r.Log.Warn("edition paused", "newsletter", n.ID, "edition", rec.ID, "why", why)
	}
	return false, err
}

// Choose ends the test of an edition's subjects: whoever waits gets the chosen
// one (from 1), now, or when they are due. An edition that is paused for want of
// the choice goes on. warning says what the choice could not be founded on.
func (r *Room) Choose(ctx context.Context, n Newsletter, id string, subject int) (warning string, err error) {
	rec, err := r.Editions.Edition(ctx, id)
	if err != nil {
		return "", err
	}
	switch {
	case rec.Letter == nil:
		return "", fmt.Errorf("edition %s is %s and has no letter yet: %w", rec.ID, rec.State, ErrState)
	case rec.Variants == nil || rec.Variants.Test == nil:
		return "", fmt.Errorf("edition %s: %w: all its readers get “%s”\nhint: subject_test in the newsletter's configuration makes a test", rec.ID, ErrNoTest, rec.Letter.Subject)
	case rec.Chosen > 0:
		return "", fmt.Errorf("edition %s: %w: %d, “%s”", rec.ID, ErrChosen, rec.Chosen, rec.SubjectAsRead(rec.Chosen))
	case subject < 1 || subject > len(rec.Variants.Subjects):
		return "", fmt.Errorf("edition %s tests subjects 1 to %d, there is no %d\nhint: `lede editions show %s` lists them", rec.ID, len(rec.Variants.Subjects), subject, rec.ID)
	case rec.State.Ended():
		return "", fmt.Errorf("edition %s is %s, and nobody waits for a subject: %w", rec.ID, rec.State, ErrState)
	}
	groups, err := r.Editions.Groups(ctx, rec.ID)
	if err != nil {
		return "", err
	}
	unsent, tested := 0, 0
	for _, g := range groups {
		if g.Subject > 0 {
			tested += g.Audience
			unsent += g.Pending + g.Deferred
		}
	}
	if unsent > 0 {
		warning = fmt.Sprintf("%d of the %d mails of the test are not sent yet", unsent, tested)
	}
	why := fmt.Sprintf("subject %d chosen: “%s”", subject, rec.SubjectAsRead(subject))
	if err := r.Editions.Choose(ctx, rec.ID, subject, r.By, why, r.Now()); err != nil {
		return warning, err
	}
	if rec.State == Paused && strings.HasPrefix(rec.Why, heldForChoice) {
		return warning, r.Resume(ctx, n, rec.ID)
	}
	return warning, nil
}
