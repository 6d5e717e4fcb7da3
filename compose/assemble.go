package compose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"lede/source"
)

// Assemble chooses an edition from what the sources gave: which stories are
// news, which of them is the lead, what stands in which section, and how each
// is told. Every choice and every omission carries its reason.
//
// It asks nothing of the world: the same recipe and input give the same
// edition. Edition.Empty says why there is nothing to send; the rest of the
// edition is filled in all the same, so that it can be explained.
//
// Stories stand in this order wherever several compete, for the lead as in a
// section: heavier ones first, then newer ones. A source whose order is an
// editor's choice (AsGiven) keeps it among stories of one weight: its first
// story counts as new as the newest of them all, and none counts as newer than
// the one before it. Equally new ones stand in the order of the recipe's
// sources, then of the source.
func Assemble(r Recipe, in Input) Edition {
	a := newAssembly(r, in)
	a.gather()
	a.once()
	a.takeEdited()
	a.chooseLead()
	a.fillSections()
	a.judge()
	a.address()
	a.finishEdited()
	return a.finished()
}

// assembly is an edition in the making.
type assembly struct {
	recipe   Recipe
	in       Input
	slot     time.Time // in the recipe's zone
	bulletin bool      // Input.Only says which stories
	only     map[string]int
	sections []SectionRule // in the letter's order
	rules    map[string]SourceRule
	ranks    map[string]int // place of a source in the recipe
	used     *register
	mailed   map[[2]string]*mailing // corrections that went ahead, by source and key
	seen     map[Seen]bool

	offered      []*candidate       // what is news, later what isn't placed yet
	listed       map[[2]string]bool // source and key of what is told as most read
	ranked       []*candidate       // of the sources that a section of kind most_read takes
	placed       []*candidate       // what the edition uses, in its order
	taken        map[string]int     // stories placed, by source
	stories      map[string]int     // the same, without sponsors, events and the like
	noLead       string             // why there must be a lead and is none
	emptySection string             // why a section must not be empty and is
	left         []omission
	edition      Edition
	edited       *edited // what the editor decided
}

// candidate is a story that is news.
type candidate struct {
	source.Story
	rank     int       // place of its source in the recipe
	when     time.Time // Published as it counts
	counts   time.Time // when, so that a source's own order is kept
	first    bool      // offered by the first reading of its source
	asGiven  bool
	reason   string // why it is offered, where that needs saying
	version  int
	to       []Condition // whom it is told to, where it stands; none: everybody
	stale    bool        // a column that ran before as it is: no reason for an edition
	alsoIn   []AlsoIn
	placed   bool
	wished   int       // two more than the place of the section that it asks for, 0 when not looked up; see wish
	arranged bool      // its place in a section says nothing of how new it is
	passed   string    // why a section with room passed it over
	turn     string    // why it stands before its turn
	opened   []passage // its text; see passages
	read     bool
}

// omission is a LeftOut with its place among the others.
type omission struct {
	LeftOut
	rank, order int
	key         string // of the story
}

func newAssembly(r Recipe, in Input) *assembly {
	if r.Zone == nil {
		r.Zone = time.UTC
	}
	a := &assembly{
		recipe: r, in: in, slot: in.Slot.In(r.Zone), bulletin: len(in.Only) > 0,
		only: map[string]int{}, rules: map[string]SourceRule{}, ranks: map[string]int{}, taken: map[string]int{}, stories: map[string]int{}, listed: map[[2]string]bool{}, seen: map[Seen]bool{},
	}
	for i, key := range in.Only {
		if _, twice := a.only[key]; !twice {
			a.only[key] = i
		}
	}
	for i, rule := range r.Sources {
		a.rules[rule.ID] = rule
		a.ranks[rule.ID] = i
	}
	a.sections = a.sectionRules()
	a.used = registerUsed(in.Memory.Used, in.Slot)
	a.mailed = mailings(in.Memory.Used)
	a.edition = Edition{
		Newsletter: r.ID, Slot: a.slot, Number: in.Number, Greeting: cmp.Or(in.Greeting, r.Greeting), Editor: r.Editor,
		Sections: []Section{}, LeftOut: []LeftOut{}, Sources: []SourceReport{},
	}
	return a
}

// leave leaves a story out.
func (a *assembly) leave(s source.Story, why string) {
	title := oneLine(s.Title)
	if title == "" {
		title = firstWords(oneLine(s.Summary), 8)
	}
	if title == "" {
		title = s.Key
	}
	a.left = append(a.left, omission{LeftOut{Title: title, Source: s.Source, Why: why}, a.rank(s.Source), s.Order, s.Key})
}

// rank is the place of a source in the recipe; unknown ones stand last.
func (a *assembly) rank(id string) int {
	if rank, known := a.ranks[id]; known {
		return rank
	}
	return len(a.recipe.Sources)
}

// judge says whether there is anything to send.
func (a *assembly) judge() {
	e := &a.edition
	stories, told, whom := a.fewest()
	if whom != "" {
		whom = " for " + whom
	}
	switch {
	case a.bulletin && stories == 0 && told == 0:
		e.Empty = "none of the bulletin's stories can run"
	case !a.bulletin && stories < a.recipe.Min:
		noun := "stories"
		if stories == 1 {
			noun = "story"
		}
		e.Empty = fmt.Sprintf("%d new %s%s, at least %d wanted (min: %d)", stories, noun, whom, a.recipe.Min, a.recipe.Min)
	case stories == 0 && told == 0:
		e.Empty = "nothing new" + whom
	default:
		e.Empty = cmp.Or(a.noLead, a.emptySection)
	}
	if dead := a.unread(); e.Empty != "" && dead != "" {
		e.Empty += "; could not be read: " + dead
	}
}

// unread names the sources that could not be read.
func (a *assembly) unread() string {
	var ids []string
	for _, s := range a.edition.Sources {
		if s.Error != "" {
			ids = append(ids, s.ID)
		}
	}
	return strings.Join(ids, ", ")
}

// finished returns the edition with what it uses up and what it left out.
func (a *assembly) finished() Edition {
	for _, c := range a.placed {
		a.edition.Uses = append(a.edition.Uses, a.use(c))
	}
	// What is no news can be most read all the same.
	a.left = slices.DeleteFunc(a.left, func(o omission) bool { return a.listed[[2]string{o.Source, o.key}] })
	slices.SortStableFunc(a.left, func(x, y omission) int {
		return cmp.Or(cmp.Compare(x.rank, y.rank), strings.Compare(x.Source, y.Source), cmp.Compare(x.order, y.order))
	})
	for _, o := range a.left {
		a.edition.LeftOut = append(a.edition.LeftOut, o.LeftOut)
	}
	return a.edition
}

// place takes a story into the edition.
func (a *assembly) place(c *candidate) {
	c.placed = true
	a.placed = append(a.placed, c)
	a.taken[c.Source]++
	if c.sectionKind() == sectionBriefs {
		a.stories[c.Source]++
	}
}

// ahead is the order in which stories compete.
func ahead(x, y *candidate) int {
	return cmp.Or(
		cmp.Compare(y.Weight, x.Weight),
		y.counts.Compare(x.counts),
		cmp.Compare(x.rank, y.rank),
		cmp.Compare(x.Order, y.Order),
		strings.Compare(x.Key, y.Key),
	)
}

// passages returns the story's text: its body, else its summary.
func (c *candidate) passages() []passage {
	if !c.read {
		c.read = true
		if c.opened = blocks(c.Body); len(c.opened) == 0 {
			c.opened = plainBlocks(c.Summary)
		}
	}
	return c.opened
}

// memoLength is how much of a story's text is remembered, in characters.
const memoLength = 2000

// memo is what is remembered of the story's text, and of an event first of all
// when it is.
func (c *candidate) memo() string {
	text := beginning(c.passages(), memoLength)
	if c.Kind == source.KindEvent {
		return c.Starts.UTC().Format(time.RFC3339) + " " + text
	}
	return text
}

// beginning returns the first characters (runes) of a text in one line.
func beginning(passages []passage, limit int) string {
	var b strings.Builder
	for _, p := range passages {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(p.plain)
		if b.Len() > utf8.UTFMax*limit {
			break
		}
	}
	text := oneLine(b.String())
	n := 0
	for i := range text {
		if n == limit {
			return text[:i]
		}
		n++
	}
	return text
}

// hasWords says that a story can be told at all.
func hasWords(s source.Story) bool {
	return oneLine(s.Title) != "" || oneLine(s.Summary) != "" || s.Body != "" && len(blocks(s.Body)) > 0
}

// isSponsored says that a story is paid for, by its kind or by its label.
func (c *candidate) isSponsored() bool {
	return c.Kind == source.KindSponsor || c.Label == labelSponsored
}

// The labels that choosing knows.
const (
	labelSponsored  = "sponsored"
	labelUpdate     = "update"
	labelCorrection = "correction"
)
