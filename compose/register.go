package compose

import (
	"cmp"
	"html"
	"slices"
	"strings"
	"time"

	"lede/source"
)

// repeatWithin is how near in time two stories with near-same titles or texts
// are one.
const repeatWithin = 72 * time.Hour

// entry is a story as the register knows it. What is costly to work out is
// worked out when first asked for.
type entry struct {
	source, key, link, title string
	publication              string
	when                     time.Time
	version                  int
	telling                  *telling // of this edition's stories
	standing                 bool     // the text stands under other headlines of its source too
	text                     func() string
	begins                   func() string // the beginning of text, where it is had for less; may be nil
	head                     *headline
	words, start             *wording
	wordings                 *Wordings // that keep start
}

func entryOf(c *candidate) *entry {
	e := &entry{source: c.Source, key: c.Key, title: oneLine(c.Title), publication: c.Publication, when: c.when, text: c.memo, begins: c.beginning}
	if c.Kind == source.KindStory {
		e.link = c.Canonical
	}
	return e
}

func (e *entry) headline() headline {
	if e.head == nil {
		h := readHeadline(e.title, e.publication)
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

// startLength is how much of a text, in bytes, tells which story it is.
const startLength = 1200

// opening is the wording of the text's beginning: where two tell one story in
// the same words, they begin so.
func (e *entry) opening() *wording {
	if e.start == nil {
		begins := e.begins
		if begins == nil {
			begins = e.text
		}
		e.start = e.wordings.read(firstBytes(begins(), startLength))
	}
	return e.start
}

// beginning returns the first words of a story's text, read off its sanitised
// HTML as it stands: thousands of stories are compared, and few are told.
func (c *candidate) beginning() string {
	body := c.Body
	if body == "" {
		return c.Summary
	}
	var b strings.Builder
	for body != "" && b.Len() < startLength {
		text, rest, found := strings.Cut(body, "<")
		b.WriteString(text)
		tag, rest, _ := strings.Cut(rest, ">")
		if found && strings.IndexAny(strings.TrimPrefix(tag, "/"), "aesc") != 0 { // a, em, strong, sup, sub and code stand inside words
			b.WriteByte(' ')
		}
		body = rest
	}
	return html.UnescapeString(b.String())
}

// firstBytes returns at most n bytes of a text, whole characters.
func firstBytes(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for i := range text {
		if i > n-4 {
			return text[:i]
		}
	}
	return text
}

// register finds stories by key, by link, by title and by text. It looks at a
// bounded number of others for each story, so that the cost grows with the
// number of stories and not with its square.
type register struct {
	keys   map[[2]string]*entry
	links  map[string]*entry
	titles map[string][]*entry // by two neighbouring words, or all of them
	texts  map[uint64][]*entry // by some of the triples at its beginning
	ran    bool                // its stories ran: what ran yesterday ran, whatever date the other one bears
}

const (
	// lookedAt is how many stories with the same pair or triple of words are
	// compared; those that more stories share tell little.
	lookedAt = 12
	// oneTripleOf is how many triples there are for each that a text is looked
	// up by. It depends on the triple alone, so that a short text finds the
	// long one that holds it.
	oneTripleOf = 4
)

func newRegister(size int) *register {
	return &register{
		keys: make(map[[2]string]*entry, size), links: make(map[string]*entry, size),
		titles: map[string][]*entry{}, texts: map[uint64][]*entry{},
	}
}

// registerUsed registers what earlier editions ran, newest first; by title and
// text only those near enough to the slot.
func registerUsed(used []Used, slot time.Time) *register {
	r := newRegister(len(used))
	r.ran = true
	for _, u := range used {
		if u.Version < 0 { // it went ahead to some, and is still to run
			continue
		}
		e := &entry{
			source: u.Source, key: u.Key, link: u.Canonical, title: oneLine(u.Title), when: u.Slot, version: u.Version,
			text: func() string { return u.Text },
		}
		r.index(e)
		if slot.Sub(u.Slot).Abs() <= repeatWithin {
			r.indexWords(e)
		}
	}
	return r
}

func (r *register) add(e *entry) {
	r.index(e)
	r.indexWords(e)
}

func (r *register) index(e *entry) {
	if id := [2]string{e.source, e.key}; r.keys[id] == nil {
		r.keys[id] = e
	}
	if e.link != "" && r.links[e.link] == nil {
		r.links[e.link] = e
	}
}

func (r *register) indexWords(e *entry) {
	for _, pair := range e.headline().pairs() {
		if list := r.titles[pair]; len(list) < lookedAt {
			r.titles[pair] = append(list, e)
		}
	}
	for _, triple := range e.opening().triples {
		if triple%oneTripleOf != 0 {
			continue
		}
		if list := r.texts[triple]; len(list) < lookedAt {
			r.texts[triple] = append(list, e)
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

// alike returns a story with a near-same title or text that is the same story,
// nil for none.
func (r *register) alike(e *entry) *entry {
	tried := map[*entry]bool{e: true}
	for _, pair := range e.headline().pairs() {
		for _, known := range r.titles[pair] {
			if tried[known] {
				continue
			}
			tried[known] = true
			if r.near(e, known) && sameStory(e, known) {
				return known
			}
		}
	}
	return r.alikeByText(e, tried)
}

// alikeByText looks among the stories that share most triples.
func (r *register) alikeByText(e *entry, tried map[*entry]bool) *entry {
	var found []*entry
	shares := map[*entry]int{}
	for _, triple := range e.opening().triples {
		if triple%oneTripleOf != 0 {
			continue
		}
		for _, known := range r.texts[triple] {
			if tried[known] {
				continue
			}
			if shares[known]++; shares[known] == 1 {
				found = append(found, known)
			}
		}
	}
	slices.SortStableFunc(found, func(x, y *entry) int { return cmp.Compare(shares[y], shares[x]) })
	for _, known := range found[:min(len(found), lookedAt)] {
		if r.near(e, known) && sameStory(e, known) {
			return known
		}
	}
	return nil
}

// near says that two stories are near enough in time to be one.
func (r *register) near(e, known *entry) bool {
	return r.ran || known.when.Sub(e.when).Abs() <= repeatWithin
}

// tellingText is how many words a text has at least to tell a story by itself,
// below another headline.
const tellingText = 12

// sameStory judges two stories by their titles, and by their texts where titles
// alone don't tell: within one source, where they are short, and where only
// most of their words agree or none do. Texts of two sources that agree make
// one story of them under any headlines but contrary ones.
func sameStory(a, b *entry) bool {
	switch near := compare(a.headline(), b.headline()); {
	case near == contrary:
		return false
	case near == unlike:
		return a.source != b.source && !a.standing && !b.standing && sameText(a.opening(), b.opening())
	case a.opening().sameForm(b.opening()):
		return false
	case near >= alike && a.source != b.source && a.headline().telling() && b.headline().telling():
		return true
	}
	return a.opening().words > 0 && a.opening().near(b.opening(), 0.7)
}

// sameText says that two texts tell one story in the same words: the shorter one
// is in the other, or the beginning of one of them is.
func sameText(a, b *wording) bool {
	const share = 0.8
	return min(a.words, b.words) >= tellingText && a.near(b, share) || a.beginsIn(b, share) || b.beginsIn(a, share)
}
