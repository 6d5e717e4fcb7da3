package compose

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/clipperhouse/uax29/v2/words"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"lede/source"
)

// repeatWithin is how near in time two stories with near-same titles are one.
const repeatWithin = 72 * time.Hour

// once leaves out what other stories of this edition, or of the last ones,
// tell already. Among the stories of one edition what the editor marked as lead
// comes first, then the order of the recipe's sources, then heavier and newer
// ones: the later story is left out.
//
// Two stories are one when they have the same key or link, or near-same titles
// within 72 hours and either come from different sources or have near-same
// texts; see compare for titles.
func (a *assembly) once() {
	queue := slices.Clone(a.offered)
	slices.SortStableFunc(queue, func(x, y *candidate) int {
		return cmp.Or(compareLead(x, y), a.askedOrder(x, y), cmp.Compare(x.rank, y.rank), ahead(x, y))
	})
	here := newRegister(len(queue))
	a.offered = a.offered[:0]
	for _, c := range queue {
		e := entryOf(c)
		if known := here.identical(e); known != nil {
			a.leave(c.Story, "same story as "+known.source+"’s “"+known.title+"”")
			continue
		}
		if !c.Repeat && c.Kind == source.KindStory && c.version == 0 {
			if known := a.used.alike(e); known != nil {
				a.leave(c.Story, "ran on "+a.day(known.when)+" as "+known.source+"’s “"+known.title+"”")
				continue
			}
			if known := here.alike(e); known != nil {
				a.leave(c.Story, "same story as "+known.source+"’s “"+known.title+"”")
				continue
			}
		}
		here.add(e)
		a.offered = append(a.offered, c)
	}
}

// compareLead puts what the editor marked as lead first.
func compareLead(x, y *candidate) int {
	switch {
	case x.Lead == y.Lead:
		return 0
	case x.Lead:
		return -1
	}
	return 1
}

// ranBefore says why a story that an earlier edition ran does not run again,
// and whether one ran it at all. A story whose headline and text both changed
// much becomes an update. Of sponsors, events and notes, which often have the
// same headline or none, the text alone decides, and they are no updates but
// new. An event on another day is another one.
func (a *assembly) ranBefore(c *candidate, rule SourceRule) (why string, ran bool) {
	e := entryOf(c)
	known := a.used.identical(e)
	if known == nil {
		return "", false
	}
	day := a.day(known.when)
	textKept := e.wording().near(known.wording(), 0.5) && (c.Kind != source.KindEvent || firstWord(e.text()) == firstWord(known.text()))
	if c.Kind != source.KindStory {
		if textKept {
			return "ran on " + day + ", text unchanged", true
		}
		c.version, c.reason = known.version+1, "changed since "+day
		return "", true
	}
	headKept := headlineKept(e.headline(), known.headline())
	switch {
	case headKept && textKept:
		return "ran on " + day + ", text unchanged", true
	case headKept:
		return "ran on " + day + ", headline unchanged", true
	case textKept:
		return "ran on " + day + ", only the headline changed", true
	case rule.Updates == "drop":
		return "ran on " + day + ", changed since (updates: drop)", true
	}
	c.version, c.reason = known.version+1, "update of "+day
	switch c.Label {
	case labelSponsored, "opinion", "correction": // what it is matters more than that it is newer
	default:
		c.Label = labelUpdate
	}
	return "", true
}

func firstWord(text string) string {
	word, _, _ := strings.Cut(text, " ")
	return word
}

// headlineKept says that a headline has not changed much: most of its words
// are still there.
func headlineKept(a, b headline) bool {
	if len(a.words) == 0 || len(b.words) == 0 {
		return len(a.words) == len(b.words)
	}
	shared := 0
	for word := range a.set {
		if b.has(word) {
			shared++
		}
	}
	return 3*2*shared >= 2*(len(a.set)+len(b.set))
}

// entry is a story as the register knows it. What is costly to work out is
// worked out when first asked for.
type entry struct {
	source, key, link, title string
	when                     time.Time
	version                  int
	text                     func() string
	head                     *headline
	words                    *wording
}

func entryOf(c *candidate) *entry {
	e := &entry{source: c.Source, key: c.Key, title: oneLine(c.Title), when: c.when, text: c.memo}
	if c.Kind == source.KindStory {
		e.link = c.Canonical
	}
	return e
}

func (e *entry) headline() headline {
	if e.head == nil {
		h := readHeadline(e.title)
		e.head = &h
	}
	return *e.head
}

func (e *entry) wording() *wording {
	if e.words == nil {
		e.words = readWording(e.text())
	}
	return e.words
}

// register finds stories by key, by link and by title. It looks at a bounded
// number of titles for each story, so that the cost grows with the number of
// stories and not with its square.
type register struct {
	keys   map[[2]string]*entry
	links  map[string]*entry
	titles map[string][]*entry // by two neighbouring words, or all of them
	ran    bool                // its stories ran: what ran yesterday ran, whatever date the other one bears
}

// titlesLookedAt is how many stories with the same pair of words are compared;
// pairs that more stories share tell little.
const titlesLookedAt = 12

func newRegister(size int) *register {
	return &register{keys: make(map[[2]string]*entry, size), links: make(map[string]*entry, size), titles: map[string][]*entry{}}
}

// registerUsed registers what earlier editions ran, newest first; by title only
// those near enough to the slot.
func registerUsed(used []Used, slot time.Time) *register {
	r := newRegister(len(used))
	r.ran = true
	for _, u := range used {
		e := &entry{
			source: u.Source, key: u.Key, link: u.Canonical, title: oneLine(u.Title), when: u.Slot, version: u.Version,
			text: func() string { return u.Text },
		}
		r.index(e)
		if slot.Sub(u.Slot).Abs() <= repeatWithin {
			r.indexTitle(e)
		}
	}
	return r
}

func (r *register) add(e *entry) {
	r.index(e)
	r.indexTitle(e)
}

func (r *register) index(e *entry) {
	if id := [2]string{e.source, e.key}; r.keys[id] == nil {
		r.keys[id] = e
	}
	if e.link != "" && r.links[e.link] == nil {
		r.links[e.link] = e
	}
}

func (r *register) indexTitle(e *entry) {
	for _, pair := range e.headline().pairs() {
		if list := r.titles[pair]; len(list) < titlesLookedAt {
			r.titles[pair] = append(list, e)
		}
	}
}

// identical returns the story with the same key or link, nil for none.
func (r *register) identical(e *entry) *entry {
	if known := r.keys[[2]string{e.source, e.key}]; known != nil {
		return known
	}
	if e.link != "" {
		return r.links[e.link]
	}
	return nil
}

// alike returns a story with a near-same title that is the same story, nil for
// none.
func (r *register) alike(e *entry) *entry {
	h := e.headline()
	tried := map[*entry]bool{e: true}
	for _, pair := range h.pairs() {
		for _, known := range r.titles[pair] {
			if tried[known] {
				continue
			}
			tried[known] = true
			if (r.ran || known.when.Sub(e.when).Abs() <= repeatWithin) && sameStory(e, known) {
				return known
			}
		}
	}
	return nil
}

// sameStory judges two stories by their titles, and by their texts where titles
// alone don't tell: within one source, where they are short, and where only
// most of their words agree.
func sameStory(a, b *entry) bool {
	near := compare(a.headline(), b.headline())
	switch {
	case near == unlike:
		return false
	case near >= alike && a.source != b.source && a.headline().telling() && b.headline().telling():
		return true
	}
	return a.wording().words > 0 && a.wording().near(b.wording(), 0.7)
}

// wording is a text prepared for comparing.
type wording struct {
	triples map[uint64]struct{} // of neighbouring words
	numbers map[string]struct{}
	words   int
	whole   string // folded, for texts too short to have triples
}

// shortText is the length, in words, up to which texts that differ in a number
// are two: timetables and tides.
const shortText = 80

func readWording(text string) *wording {
	w := &wording{triples: map[uint64]struct{}{}, numbers: map[string]struct{}{}}
	text = cases.Fold().String(norm.NFKC.String(text))
	var last [3]string
	var all strings.Builder
	for it := words.FromString(text); it.Next(); {
		word := it.Value()
		if !strings.ContainsFunc(word, isWordRune) {
			continue
		}
		w.words++
		if numberOf(word) != "" {
			w.numbers[word] = struct{}{}
		}
		last = [3]string{last[1], last[2], word}
		if w.words >= 3 {
			w.triples[tripleHash(last)] = struct{}{}
		}
		if w.words < 3 {
			all.WriteString(word + " ")
		}
	}
	w.whole = all.String()
	return w
}

// tripleHash is FNV-1a over three words; the same in every run.
func tripleHash(triple [3]string) uint64 {
	h := uint64(14695981039346656037)
	for _, word := range triple {
		for i := range len(word) {
			h = (h ^ uint64(word[i])) * 1099511628211
		}
		h = (h ^ ' ') * 1099511628211
	}
	return h
}

// near says that two texts are much the same: at least that share of the
// shorter one's triples of words stands in the other too. Short texts must
// agree in their numbers. Two stories without any text are the same.
func (w *wording) near(other *wording, share float64) bool {
	short, long := w, other
	if len(short.triples) > len(long.triples) {
		short, long = long, short
	}
	if len(short.triples) == 0 {
		return w.words == other.words && w.whole == other.whole
	}
	if max(w.words, other.words) <= shortText && !sameKeys(w.numbers, other.numbers) {
		return false
	}
	shared := 0
	for t := range short.triples {
		if _, in := long.triples[t]; in {
			shared++
		}
	}
	return float64(shared) >= share*float64(len(short.triples))
}

func sameKeys(a, b map[string]struct{}) bool {
	if len(a) != len(b) {
		return false
	}
	for key := range a {
		if _, in := b[key]; !in {
			return false
		}
	}
	return true
}
