package newsroom

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"time"

	"lede/compose"
	"lede/compose/lint"
	"lede/source"
)

// Order says what edition is wanted.
type Order struct {
	Slot         time.Time
	ByHand       bool
	Only         []string                   // file paths or URLs of a bulletin's stories; empty for an edition
	Greeting     string                     // this edition's own greeting
	Timing       Timing                     // of an edition by hand; those of slots have the newsletter's
	New          bool                       // make a new edition though an old one is unfinished
	Resume       bool                       // go on with an unfinished edition however old
	CorrectionOf string                     // id of the edition whose readers alone get this one; empty: everybody
	Sheet        bool                       // lay Draft.Edition.Sheet before an editor
	Remake       string                     // id of the waiting edition that is made anew; what it used is news to it
	Edits        *compose.Edits             // instead of those that are kept for the slot
	Known        map[string]compose.Picture // Draft.Known of an earlier draft, which spares assembling a second time; nil will do
	Draft        *Draft                     // what was shown for this slot, to be sent as it is; nil: drafted when it is made
}

// Draft is an edition that nobody has been sent: nothing of it is stored.
type Draft struct {
	Edition  compose.Edition
	Letter   compose.Letter // zero when the edition is empty; that of variant 0
	Variants *Variants      // nil: one letter for all
	Findings []lint.Finding
	Pictures []source.Picture
	Known    map[string]compose.Picture // the pictures, as compose.Input names them
	Took     time.Duration
	Revision int // of the editor's edits that it was made with; 0: none
}

// Draft gathers, assembles and renders the edition for a slot. It changes
// nothing but the cache of feeds, so that previews may call it at will.
func (r *Room) Draft(ctx context.Context, n Newsletter, o Order) (Draft, error) {
	start := r.Now()
	memory, err := r.Memory.MemoryWithout(ctx, n.ID, o.Slot.Add(-memoryTime), o.Remake)
	if err != nil {
		return Draft{}, fmt.Errorf("newsletter %s: reading what earlier editions used: %w", n.ID, err)
	}
	revision, err := r.Drafts.Applied(ctx, n.ID, o.Slot)
	if err != nil {
		return Draft{}, err
	}
	if o.Edits != nil {
		revision.Edits = o.Edits
	}
	in := compose.Input{
		Slot:       o.Slot,
		Greeting:   o.Greeting,
		Readings:   r.Gatherer.Gather(ctx, n.Sources, n.Recipe.Zone),
		Memory:     memory,
		Edits:      revision.Edits,
		Sheet:      o.Sheet,
		Correction: o.CorrectionOf != "",
		Pictures:   o.Known,
		Wordings:   r.Wordings,
	}
	if err := ctx.Err(); err != nil {
		return Draft{}, err
	}
	if in.Earlier, err = r.earlier(ctx, n, o.Slot); err != nil {
		return Draft{}, err
	}
	for _, reading := range in.Readings {
		if reading.Err != nil {
			r.Log.Warn("source failed, going on without it", "newsletter", n.ID, "source", reading.Source, "err", reading.Err)
		}
	}
	if n.Numbered {
		count, err := r.Memory.Count(ctx, n.ID)
		if err != nil {
			return Draft{}, fmt.Errorf("newsletter %s: counting editions: %w", n.ID, err)
		}
		in.Number = count + 1
	}
	if o.Remake != "" && in.Number > 1 {
		in.Number-- // it was counted
	}
	if o.CorrectionOf != "" && len(o.Only) == 0 {
		if in.Only = compose.Corrects(in.Readings, func(id string) bool { return len(id) >= 4 && strings.HasPrefix(o.CorrectionOf, id) }); len(in.Only) == 0 {
			return Draft{}, fmt.Errorf("newsletter %s: no story corrects edition %s\nhint: a story file with `kind: correction` and `corrects: %s`, or name one with --story", n.ID, o.CorrectionOf, o.CorrectionOf)
		}
	}
	if len(o.Only) > 0 {
		if in.Only, err = chosen(o.Only, in.Readings); err != nil {
			return Draft{}, fmt.Errorf("newsletter %s: %w", n.ID, err)
		}
	}

	// Assembling is pure: what it chooses without pictures it chooses with
	// them, so only pictures that are shown are ever read.
	d := Draft{Edition: compose.Assemble(n.Recipe, in), Revision: revision.Number}
	if d.Edition.Empty != "" {
		d.Took = r.Now().Sub(start)
		return d, nil
	}
	var noPicture error
	in.Pictures = map[string]compose.Picture{}
	d.Pictures, noPicture = r.pictures(ctx, n, d.Edition, &in)
	d.Known = in.Pictures
	if !maps.Equal(in.Pictures, o.Known) {
		d.Edition = compose.Assemble(n.Recipe, in)
	}
	all, err := r.Render(n, d.Edition)
	if err != nil {
		return Draft{}, fmt.Errorf("newsletter %s: rendering: %w", n.ID, err)
	}
	if o.CorrectionOf != "" { // it is the same for all
		all = compose.Rendered{Letter: all.Letter}
	}
	d.Letter, d.Variants = all.Letter, variants(n, all)
	facts := r.facts(n, memory.Subjects)
	weigh(&facts, n, d.Pictures, noPicture)
	if r.Spamd != "" {
		verdict := r.spamVerdict(ctx, n, d, o.Slot)
		facts.Spam = &verdict
	}
	d.Findings = lint.CheckAll(n.Recipe, d.Edition, all, facts)
	d.Took = r.Now().Sub(start)
	return d, nil
}

// facts is what lint can't see in a letter.
func (r *Room) facts(n Newsletter, subjects []string) lint.Facts {
	f := lint.Facts{Loopback: r.Local(n), Subjects: subjects, Folders: map[string]string{}, Levels: n.Lint}
	for _, s := range n.Sources {
		if s.Folder != "" {
			f.Folders[s.ID] = s.Folder
		}
	}
	return f
}

// Lint checks a letter that is stored already.
func (r *Room) Lint(n Newsletter, e compose.Edition, l compose.Letter) []lint.Finding {
	return lint.Check(n.Recipe, e, l, r.facts(n, nil))
}

func find(readings []source.Reading, id, key string) (source.Story, bool) {
	for _, r := range readings {
		if r.Source != id {
			continue
		}
		for _, s := range r.Stories {
			if s.Key == key {
				return s, true
			}
		}
	}
	return source.Story{}, false
}

// chosen turns the files and URLs that a person named into story keys.
func chosen(names []string, readings []source.Reading) ([]string, error) {
	var keys []string
	var missing []error
	for _, name := range names {
		key := ""
		canonical := source.Canonical(name)
		for _, r := range readings {
			for _, s := range r.Stories {
				if s.File != "" && sameFile(s.File, name) || canonical != "" && s.Canonical == canonical {
					key = s.Source + "\x00" + s.Key
				}
			}
			for _, p := range r.Passed {
				if p.File != "" && sameFile(p.File, name) {
					missing = append(missing, fmt.Errorf("story %s: %s", name, p.Why))
				}
			}
		}
		if key == "" && len(missing) == 0 {
			missing = append(missing, fmt.Errorf("story %s: in none of its sources; a story is named by its file's path or by its URL", name))
		}
		keys = append(keys, key)
	}
	return keys, errors.Join(missing...)
}

// Stops says why a draft must not be sent: the errors that lint found, or an
// empty text.
func (d Draft) Stops() string {
	var errs []string
	for _, f := range d.Findings {
		if f.Severity == lint.Error {
			errs = append(errs, strings.TrimSuffix(f.Message, "."))
		}
	}
	return strings.Join(errs, "; ")
}

func sameFile(a, b string) bool {
	x, err1 := filepath.Abs(a)
	y, err2 := filepath.Abs(b)
	return err1 == nil && err2 == nil && x == y
}
