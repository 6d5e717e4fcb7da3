package compose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"lede/source"
)

// The orders of a section.
const (
	orderWeight  = "weight"   // heavier ones first, then newer ones: the order of Assemble
	orderNewest  = "newest"   // newer ones first, whatever their weight
	orderSources = "sources"  // the sources in the order of from, each as in weight
	orderAsGiven = "as_given" // as the sources have them
	orderOldest  = "oldest"   // chosen as in weight, then told from the oldest on
	orderTitle   = "title"    // chosen as in weight, then by the alphabet
)

// SectionOrders lists the orders of a section.
func SectionOrders() []string {
	return []string{orderWeight, orderNewest, orderSources, orderAsGiven, orderOldest, orderTitle}
}

// choose picks what a section has room for, in the order in which it is told.
// The first ones in the section's order are taken, but those that ask for this
// section have the first call on it; of a source no more than PerSource, and
// with Alternate none right after another of its source while others wait.
func (a *assembly) choose(rule SectionRule, here []*candidate) []*candidate {
	a.sortFor(rule, here)
	for _, c := range here {
		c.arranged = len(rule.Prefer) > 0 || rule.Order == orderOldest || rule.Order == orderTitle
	}
	room := len(here)
	if rule.Max > 0 && room > rule.Max {
		room = rule.Max
		slices.SortStableFunc(here, func(x, y *candidate) int { return cmp.Compare(a.asks(y), a.asks(x)) })
		if isConditional(here) {
			here = fitting(here, rule.Max)
			room = len(here)
			rule.Max = 0
		}
	}
	here = a.withinSource(rule, here)
	room = min(room, len(here))
	if rule.Alternate && !a.bulletin {
		return alternate(here, room)
	}
	here = here[:room]
	a.sortFor(rule, here)
	a.arrange(rule, here)
	return here
}

// asks is 1 for a story that the editor wants to stand where it may.
func (a *assembly) asks(c *candidate) int {
	if c.Lead || a.wish(c) >= 0 {
		return 1
	}
	return 0
}

// withinSource leaves those that a section, or the edition, takes of one
// source. What asks for its place has it in any case, and counts.
func (a *assembly) withinSource(rule SectionRule, here []*candidate) []*candidate {
	if a.bulletin || rule.PerSource <= 0 && (a.recipe.PerSource <= 0 || rule.holds() != sectionBriefs) {
		return here
	}
	var kept []*candidate
	taken := map[string]int{}
	for _, c := range here {
		if rule.Max > 0 && len(kept) == rule.Max && !rule.Alternate {
			break
		}
		why := ""
		if rule.PerSource > 0 && taken[c.Source] >= rule.PerSource {
			why = fmt.Sprintf("no room: %s takes %d of %s at most (per_source)", rule.name(), rule.PerSource, c.Source)
		}
		if most := a.recipe.PerSource; most > 0 && rule.holds() == sectionBriefs && a.stories[c.Source]+taken[c.Source] >= most {
			why = fmt.Sprintf("no room: the edition takes %d of %s at most (per_source)", most, c.Source)
		}
		if why != "" && a.asks(c) == 0 {
			c.passed = why
			continue
		}
		taken[c.Source]++
		kept = append(kept, c)
	}
	return kept
}

// name is what a section is called in a reason.
func (s SectionRule) name() string { return cmp.Or(s.Title, s.kind()) }

// alternate takes up to room stories so that no two of one source follow each
// other while another source has any; each source keeps its order. What comes
// before its turn for that says so.
func alternate(queue []*candidate, room int) []*candidate {
	type line struct {
		source string
		places []int // in the queue
	}
	var lines []*line
	known := map[string]*line{}
	for i, c := range queue {
		of := known[c.Source]
		if of == nil {
			of = &line{source: c.Source}
			known[c.Source] = of
			lines = append(lines, of)
		}
		of.places = append(of.places, i)
	}
	var taken []*candidate
	last := ""
	for len(taken) < room {
		var first, other *line // the next of all, and of those that are another source's
		for _, of := range lines {
			if len(of.places) == 0 {
				continue
			}
			if first == nil || of.places[0] < first.places[0] {
				first = of
			}
			if of.source != last && (other == nil || of.places[0] < other.places[0]) {
				other = of
			}
		}
		next := cmp.Or(other, first)
		c := queue[next.places[0]]
		if next != first {
			c.turn = "ahead of its turn, so that not two of " + last + " follow each other (alternate)"
		}
		next.places = next.places[1:]
		taken = append(taken, c)
		last = c.Source
	}
	return taken
}

// sortFor sorts the stories that compete for a section: what the editor marked
// as lead first, since it would have been one, then preferred tags, then the
// section's order; events by the time at which they start; our own sponsors
// before what a feed labels as sponsored.
func (a *assembly) sortFor(rule SectionRule, here []*candidate) {
	if rule.kind() == sectionEvents {
		slices.SortStableFunc(here, func(x, y *candidate) int {
			return cmp.Or(x.Starts.Compare(y.Starts), ahead(x, y))
		})
		return
	}
	slices.SortStableFunc(here, func(x, y *candidate) int {
		return cmp.Or(
			compareLead(x, y), a.askedOrder(x, y), compareSponsor(x, y),
			comparePreferred(rule, x, y), a.compareBy(rule, x, y), ahead(x, y),
		)
	})
}

// compareBy compares by a section's own order; equal where that is the order of
// Assemble.
func (a *assembly) compareBy(rule SectionRule, x, y *candidate) int {
	switch rule.Order {
	case orderNewest:
		return y.counts.Compare(x.counts)
	case orderSources:
		return cmp.Compare(a.turnOf(rule, x), a.turnOf(rule, y))
	case orderAsGiven:
		return cmp.Or(cmp.Compare(a.turnOf(rule, x), a.turnOf(rule, y)), cmp.Compare(x.Order, y.Order))
	}
	return 0
}

// turnOf is the place of a story's source in from, in the recipe without one.
func (a *assembly) turnOf(rule SectionRule, c *candidate) int {
	if len(rule.From) == 0 {
		return c.rank
	}
	return slices.Index(rule.From, c.Source)
}

// arrange brings what was chosen into the order in which it is told, where that
// is another one.
func (a *assembly) arrange(rule SectionRule, chosen []*candidate) {
	if a.bulletin || rule.kind() == sectionEvents {
		return
	}
	switch rule.Order {
	case orderOldest:
		slices.SortStableFunc(chosen, func(x, y *candidate) int { return x.when.Compare(y.when) })
	case orderTitle:
		tag, err := language.Parse(a.recipe.Language)
		if err != nil {
			tag = language.Und
		}
		by := collate.New(tag, collate.IgnoreCase)
		slices.SortStableFunc(chosen, func(x, y *candidate) int {
			return by.CompareString(oneLine(x.Title), oneLine(y.Title))
		})
	}
}

// comparePreferred puts stories with a preferred tag first.
func comparePreferred(rule SectionRule, x, y *candidate) int {
	if len(rule.Prefer) == 0 {
		return 0
	}
	switch has := firstTag(rule.Prefer, x.Tags) != ""; {
	case has == (firstTag(rule.Prefer, y.Tags) != ""):
		return 0
	case has:
		return -1
	}
	return 1
}

// compareSponsor puts what was written as a sponsor's before the rest.
func compareSponsor(x, y *candidate) int {
	switch own := x.Kind == source.KindSponsor; {
	case own == (y.Kind == source.KindSponsor):
		return 0
	case own:
		return -1
	}
	return 1
}

// whyHere says what of a section's own rules put a story there, behind what
// whyChosen says; empty where none did.
func whyHere(rule SectionRule, c *candidate) string {
	var why []string
	if tag := firstTag(rule.Tags, c.Tags); tag != "" {
		why = append(why, "tagged "+tag)
	}
	if tag := firstTag(rule.Prefer, c.Tags); tag != "" {
		why = append(why, "tagged "+tag+", which goes first (prefer)")
	}
	switch rule.Order {
	case orderSources:
		why = append(why, "sources in their order")
	case orderAsGiven:
		why = append(why, "in its source's order")
	case orderOldest:
		why = append(why, "told from the oldest on")
	case orderTitle:
		why = append(why, "told by the alphabet")
	}
	if c.turn != "" {
		why = append(why, c.turn)
	}
	return strings.Join(why, "; ")
}
