package compose

import (
	"cmp"
	"slices"
	"strings"

	"lede/source"
)

// once joins the stories that tell the same and leaves out those that the last
// editions told. Of each telling in this edition one runs, the best of them (see
// better); the others of other publications can be named beside it.
//
// Two stories are one when they have the same key or link, or near-same titles
// or texts within 72 hours; see sameStory.
func (a *assembly) once() {
	queue := slices.Clone(a.offered)
	slices.SortStableFunc(queue, func(x, y *candidate) int {
		return cmp.Or(compareLead(x, y), a.askedOrder(x, y), cmp.Compare(x.rank, y.rank), ahead(x, y))
	})
	a.in.Wordings.turn()
	entries := entriesOf(queue, a.in.Wordings)
	here := newRegister(len(queue))
	var tellings []*telling
	for i, c := range queue {
		e := entries[i]
		same := func(known *entry) bool {
			return known != nil && !apart(conditionsOf(c.Story), conditionsOf(known.telling.of[0].Story))
		}
		if known := here.identical(e); same(known) {
			known.telling.of = append(known.telling.of, c)
			continue
		}
		if !c.Repeat && c.Kind == source.KindStory {
			if known := a.used.alike(e); known != nil && c.version == 0 {
				a.leave(c.Story, "ran on "+a.day(known.when)+" as "+known.source+"’s “"+known.title+"”")
				continue
			}
			if known := here.alike(e); same(known) {
				known.telling.of = append(known.telling.of, c)
				continue
			}
		}
		e.telling = &telling{of: []*candidate{c}}
		tellings = append(tellings, e.telling)
		here.add(e)
	}
	a.offered = a.offered[:0]
	for _, t := range tellings {
		a.offered = append(a.offered, a.best(t))
	}
}

// entriesOf prepares the stories for comparing. It marks texts that stand under
// several headlines of one source, which say what a podcast is about or that a
// reader should subscribe: they tell no story.
func entriesOf(queue []*candidate, wordings *Wordings) []*entry {
	type text struct {
		source string
		sum    uint64
	}
	entries, first := make([]*entry, len(queue)), make(map[text]*entry, len(queue))
	for i, c := range queue {
		e := entryOf(c)
		entries[i], e.wordings = e, wordings
		if c.Kind != source.KindStory {
			continue
		}
		id := text{e.source, e.opening().sum()}
		switch known := first[id]; {
		case known == nil:
			first[id] = e
		case known.title != e.title:
			known.standing, e.standing = true, true
		}
	}
	return entries
}

// telling is one story as this edition's sources tell it, in the order in which
// they compete.
type telling struct {
	of []*candidate
}

// best returns the telling that runs and leaves the others out. Of each source
// only the first competes: it is the newest.
func (a *assembly) best(t *telling) *candidate {
	if len(t.of) == 1 {
		return t.of[0]
	}
	competing := map[string]bool{}
	best := t.of[0]
	for _, c := range t.of {
		if !competing[c.Source] && a.better(c, best) {
			best = c
		}
		competing[c.Source] = true
	}
	for _, c := range t.of {
		if c != best {
			best.alsoTold(c)
			a.leave(c.Story, "same story as "+best.Source+"’s “"+oneLine(best.Title)+"”")
		}
	}
	return best
}

// better says that a telling is better than one that comes before it: it is of
// our own where the other is not, tells clearly more, or has a picture where all
// else is equal. What the editor marked as lead or asked for comes first, and
// nothing that is paid for takes the place of what is not.
func (a *assembly) better(c, than *candidate) bool {
	return cmp.Or(
		compareLead(c, than), a.askedOrder(c, than), compareTruth(c.isSponsored(), than.isSponsored()),
		-compareTruth(a.rules[c.Source].Own, a.rules[than.Source].Own), cmp.Compare(than.fullness(), c.fullness()),
		-compareTruth(c.Image != nil, than.Image != nil),
	) < 0
}

// compareTruth puts false before true.
func compareTruth(x, y bool) int {
	switch {
	case x == y:
		return 0
	case y:
		return -1
	}
	return 1
}

// fullness is how much a story tells, in steps: each is three times the text of
// the one before, so that a sentence more makes no difference.
func (c *candidate) fullness() int {
	step := 0
	for n := max(len(c.Body), len(c.Summary)); n >= 100; n /= 3 {
		step++
	}
	return step
}

// alsoNamed is how many other publications are named beside a story.
const alsoNamed = 3

// alsoTold keeps where a story is told too: by another publication, at an
// address of its own, once each, and by none that is paid for it.
func (c *candidate) alsoTold(other *candidate) {
	name := oneLine(other.Publication)
	if name == "" || other.URL == "" || other.Canonical == c.Canonical || name == oneLine(c.Publication) || other.isSponsored() || len(c.alsoIn) == alsoNamed {
		return
	}
	if !slices.ContainsFunc(c.alsoIn, func(a AlsoIn) bool { return a.Publication == name }) {
		c.alsoIn = append(c.alsoIn, AlsoIn{Publication: name, URL: other.URL})
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
