package audience

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Leaver is one person on one list, with all of it that an export carries.
type Leaver struct {
	Subscriber                     // ID 0: an address that is suppressed and nobody's
	List         string            // empty: on none
	State        SubscriptionState // empty: on none
	Changed      time.Time         // since when the state holds
	Consent      string            // how the subscription came about
	Why          string            // of an unsubscribed one: how it ended
	IP           string            // from where the state was asked for
	Agreed       string            // the words agreed to
	Suppressed   string            // the reason; empty: not suppressed
	SuppressedAt time.Time
	OptedOut     []string // newsletters left that the export minds; "" for all
	Ended        bool     // Export sets it: the opt-outs end the subscription, as the format sees it
}

// ExportQuery says whom to export.
type ExportQuery struct {
	List       string   // empty: every list, a person once for each
	Where      string   // a segment's condition; empty: everybody
	OptOuts    []string // newsletters whose opt-outs count; who left every newsletter always does
	Suppressed bool     // also addresses that are suppressed and nobody's
}

// Exporter reads people out.
type Exporter interface {
	// ExportPeople calls f with a function that goes through the people of a
	// query in the order in which they came, as often as f likes, always with
	// the same people as they were when it began. It holds a page of them at a
	// time. A Leaver is good until the next. The first error ends it.
	ExportPeople(ctx context.Context, q ExportQuery, now time.Time, f func(each EachLeaver) error) error
}

// EachLeaver goes through people once.
type EachLeaver func(yield func(*Leaver) error) error

// ExportOptions say what to export and how.
type ExportOptions struct {
	ExportQuery
	// Newsletters are, by list, those that go to it, of those that the export
	// minds. Our own formats say of somebody who left some of them which, and of
	// somebody who left all of them that they are unsubscribed.
	Newsletters map[string][]string
	Store       Exporter
	Format      string            // one of ExportFormats; empty: csv
	States      []string          // only people of these: active, pending, unsubscribed, bounced, complained; empty: all
	Now         time.Time         // days of Where count from it, and files in an archive have it
	Progress    func(written int) // called every few thousand people; may be nil
}

// Exported counts what an export did. Rows, LeftOut and, of those, each reason
// count people by list.
type Exported struct {
	Format  string         `json:"format"`
	Rows    int            `json:"rows"`     // written
	States  map[string]int `json:"states"`   // written, by state
	LeftOut map[string]int `json:"left_out"` // not written though asked for, by the reason
	Files   []string       `json:"files"`    // in the archive, if it is one
	Notes   []string       `json:"notes"`    // what the person should know
}

// Missing is how many people were asked for and are not in the file.
func (e *Exported) Missing() int {
	n := 0
	for _, count := range e.LeftOut {
		n += count
	}
	return n
}

// exportStep is after how many people an export tells how far it is.
const exportStep = 5000

// ExportFormats are the values of ExportOptions.Format, our own first.
func ExportFormats() []string {
	var names []string
	for i := range exportFormats {
		names = append(names, exportFormats[i].name)
	}
	return names
}

// ExportsArchive says whether an export is a zip archive of a file for each
// state, since the other tool's import takes a file's people in one state.
func ExportsArchive(format string, states []string) bool {
	f := exportFormatNamed(format)
	return f != nil && f.split && len(f.filesOf(states)) != 1
}

// Export writes people to out: states, consent, suppressions, tags, attributes
// and dates, as the format has them. Nothing in a CSV file is a formula to a
// spreadsheet. Memory is bounded whatever the size.
//
// Who left a newsletter that counts (ExportQuery.OptOuts) is written as
// unsubscribed in another service's format, which has one state for a list; our
// own say which newsletters were left. A suppressed address never stands as one
// that wants mail. Where a
// format has no word for a state, the people in it are left out and counted.
func Export(ctx context.Context, out io.Writer, o ExportOptions) (Exported, error) {
	if o.Format == "" {
		o.Format = "csv"
	}
	f := exportFormatNamed(o.Format)
	if f == nil {
		return Exported{}, fmt.Errorf("format %q: expected one of %s", o.Format, strings.Join(ExportFormats(), ", "))
	}
	for _, s := range o.States {
		if err := ParseState(s); err != nil {
			return Exported{}, fmt.Errorf("state %w", err)
		}
	}
	e := &exporting{
		o: o, f: f,
		done: Exported{Format: f.name, States: map[string]int{}, LeftOut: map[string]int{}, Files: []string{}, Notes: []string{}},
	}
	err := o.Store.ExportPeople(ctx, o.ExportQuery, o.Now, func(each EachLeaver) error { return e.all(ctx, out, each) })
	e.notes()
	if err != nil {
		return e.done, fmt.Errorf("exporting: %w", err)
	}
	return e.done, nil
}

// exporting is an export on its way.
type exporting struct {
	o    ExportOptions
	f    *exportFormat
	keys attributeColumns
	done Exported
	lost map[string]bool // what of people the format has no place for
	n    int
	part int // people who left some of a list's newsletters and stand as unsubscribed
}

// all writes everybody: once through for the names of attributes where they make
// columns, then once for each file.
func (e *exporting) all(ctx context.Context, out io.Writer, each EachLeaver) error {
	if e.f.attributes == asColumns {
		if err := e.keys.gather(each, e.f); err != nil {
			return err
		}
	}
	files := e.f.filesOf(e.o.States)
	if len(files) == 1 {
		return e.file(ctx, out, each, files[0], true)
	}
	archive := newZipFile(out, e.o.Now)
	for i, file := range files {
		name := file.name(e.o.List)
		in, err := archive.begin(name)
		if err != nil {
			return err
		}
		if err := e.file(ctx, in, each, file, i == 0); err != nil {
			return err
		}
		e.done.Files = append(e.done.Files, name)
	}
	return archive.end()
}

// file writes the people of one file. counts says that whoever is in none of
// them is counted on this way through.
func (e *exporting) file(ctx context.Context, out io.Writer, each EachLeaver, file exportFile, counts bool) error {
	w, err := e.f.writer(out, e)
	if err != nil {
		return err
	}
	err = each(func(p *Leaver) error {
		if e.n++; e.n%exportStep == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			if e.o.Progress != nil {
				e.o.Progress(e.done.Rows)
			}
		}
		some := p.mind(e.o.Newsletters, e.f.words == nil)
		state := p.standing()
		if len(e.o.States) > 0 && !slices.Contains(e.o.States, state) {
			return nil
		}
		if why := e.f.leftOut(state); why != "" {
			if counts {
				e.done.LeftOut[why]++
			}
			return nil
		}
		if len(file.states) > 0 && !slices.Contains(file.states, state) {
			return nil
		}
		e.done.Rows++
		e.done.States[cmp.Or(state, "on no list")]++
		if some && state == standingWords[gone] && p.Suppressed == "" {
			e.part++
		}
		e.lose(p)
		return w.person(p, state)
	})
	return errors.Join(err, w.end())
}

// lose notes what of a person the format has no place for.
func (e *exporting) lose(p *Leaver) {
	if e.lost == nil {
		e.lost = map[string]bool{}
	}
	for what, lost := range map[string]bool{
		"attributes": len(p.Attributes) > 0 && (e.f.attributes == nowhere || e.f.words != nil && e.keys.rest),
		"tags":       e.f.noTags && len(p.Tags) > 0,
		"names":      e.f.noNames && p.Name != "",
	} {
		if lost {
			e.lost[what] = true
		}
	}
}

// notes says what the person should know.
func (e *exporting) notes() {
	if len(e.lost) > 0 {
		e.done.Notes = append(e.done.Notes, fmt.Sprintf("%s has no place for all %s; they are in --format csv and jsonl",
			e.f.title, strings.Join(slices.Sorted(maps.Keys(e.lost)), " and ")))
	}
	if e.part > 0 && e.f.words != nil {
		e.done.Notes = append(e.done.Notes, fmt.Sprintf("%s left some of the list's newsletters and not others: unsubscribed, as %s has one state for a list; --newsletter ID minds one alone, --format csv and jsonl say which",
			count(e.part, "person"), e.f.title))
	}
	if e.f.note != "" {
		e.done.Notes = append(e.done.Notes, e.f.note)
	}
}

// standing is the state of a person in one word: active, pending, unsubscribed,
// bounced or complained; empty for somebody on no list.
func (p *Leaver) standing() string {
	switch {
	case p.Suppressed == ReasonComplaint:
		return standingWords[complained]
	case p.Suppressed == ReasonBounce || p.Suppressed == reasonUnknownUser:
		return standingWords[bounced]
	case p.Suppressed != "" || p.Ended:
		return standingWords[gone]
	}
	return string(p.State)
}

// mind notes which opt-outs belong to the person's list, and whether they end the
// subscription: in our own files when no newsletter is left that goes to it, in
// others' when one was left. It says whether some were left and not others.
func (p *Leaver) mind(newsletters map[string][]string, own bool) (some bool) {
	p.Ended = len(p.OptedOut) > 0
	going := newsletters[p.List]
	if !p.Ended || len(going) == 0 || slices.Contains(p.OptedOut, "") {
		return false
	}
	p.OptedOut = slices.DeleteFunc(slices.Clone(p.OptedOut), func(n string) bool { return !slices.Contains(going, n) })
	some = len(p.OptedOut) > 0 && len(p.OptedOut) < len(going)
	p.Ended = len(p.OptedOut) > 0 && !(own && some)
	return some
}

// reasonUnknownUser is for which a delivery's answer suppresses an address.
const reasonUnknownUser = "unknown-user"

// leftOut says why a person can't be written; empty if they can.
func (f *exportFormat) leftOut(state string) string {
	switch {
	case f.words == nil || f.words[state] != "":
		return ""
	case state == "":
		return "on no list"
	}
	return fmt.Sprintf("%s: %s has no word for it", state, f.title)
}
