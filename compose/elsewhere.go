package compose

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"lede/source"
)

// isRanked says that a section of kind most_read takes a story.
func (a *assembly) isRanked(c *candidate) bool {
	return !a.bulletin && c.sectionKind() == sectionBriefs && slices.ContainsFunc(a.sections, func(s SectionRule) bool {
		return s.kind() == sectionMostRead && takes(s.From, c.Source)
	})
}

// standing knows what stands in an edition, by source and key and by link.
type standing struct {
	keys  map[[2]string]bool
	links map[string]bool
}

func (a *assembly) standing() standing {
	s := standing{keys: map[[2]string]bool{}, links: map[string]bool{}}
	for _, c := range a.placed {
		s.add(c.Source, c.Key, c.Canonical)
	}
	return s
}

func (s standing) add(src, key, link string) {
	s.keys[[2]string{src, key}] = true
	if link != "" {
		s.links[link] = true
	}
}

func (s standing) has(src, key, link string) bool {
	return s.keys[[2]string{src, key}] || link != "" && s.links[link]
}

// mostRead tells a section of kind most_read: its sources' stories in their own
// order, whatever ran before, without those that this edition tells anyway. It
// uses nothing up: what many read may be news elsewhere, and be read again.
func (a *assembly) mostRead(rule SectionRule) []Brief {
	briefs := []Brief{}
	here := a.standing()
	queue := slices.Clone(a.ranked)
	slices.SortStableFunc(queue, func(x, y *candidate) int {
		return cmp.Or(cmp.Compare(a.turnOf(rule, x), a.turnOf(rule, y)), cmp.Compare(x.Order, y.Order))
	})
	for _, c := range queue {
		if !takes(rule.From, c.Source) {
			continue
		}
		filtered := a.filtered(rule, c)
		why := ""
		switch {
		case here.has(c.Source, c.Key, c.Canonical):
			why = "stands in this edition already"
		case filtered != "":
			why = rule.name() + " " + filtered
		case rule.Max > 0 && len(briefs) == rule.Max:
			why = fmt.Sprintf("no room: %s takes %d at most", rule.name(), rule.Max)
		default:
			here.add(c.Source, c.Key, c.Canonical)
			a.listed[[2]string{c.Source, c.Key}] = true
			b := a.brief(rule, c)
			b.Why = fmt.Sprintf("%s: place %d in its order", c.Source, c.Order+1)
			briefs = append(briefs, b)
			continue
		}
		if !a.canPlace(c) && !c.placed && c.passed == "" {
			c.passed = why
			a.leave(c.Story, why)
		}
	}
	return briefs
}

// fromArchive tells a section of kind archive: the lead and the briefs of the
// edition that ran so long ago, without what this edition tells.
func (a *assembly) fromArchive(rule SectionRule) []Brief {
	briefs := []Brief{}
	slots := make([]time.Time, len(a.in.Earlier))
	for i, e := range a.in.Earlier {
		slots[i] = e.Slot
	}
	i := rule.Ago.Nearest(a.slot, slots)
	if i < 0 || a.bulletin {
		return briefs
	}
	past := a.in.Earlier[i]
	here := a.standing()
	for _, b := range toldBy(past, rule.Teaser) {
		if rule.Max > 0 && len(briefs) == rule.Max {
			break
		}
		link := source.Canonical(b.URL)
		switch {
		case here.has("", "", link), !takes(rule.From, b.Source),
			rule.Author != "" && !containsWords(foldedWords(b.Author), foldedWords(rule.Author)),
			rule.Lang != "" && !speaks(cmp.Or(b.Lang, a.recipe.Language), rule.Lang):
			continue
		}
		b.Ran = past.Slot.In(a.recipe.Zone)
		b.Why = fmt.Sprintf("ran on %s (ago: %s)", a.day(past.Slot), rule.Ago)
		briefs = append(briefs, b)
	}
	return briefs
}

// toldBy returns the lead and the briefs of an edition as briefs.
func toldBy(e Edition, limit int) []Brief {
	var all []Brief
	if l := e.Lead; l != nil {
		text := l.Standfirst
		for _, block := range l.Body {
			if passages := blocks(block.HTML); text == "" && block.Kind == blockParagraph && len(passages) > 0 {
				text = passages[0].plain
			}
		}
		short, _ := teaser(text, l.Lang, limit, false)
		all = append(all, Brief{
			Title: l.Title, Teaser: short, URL: l.URL, Source: l.Source, Publication: l.Publication, Author: l.Author,
			Lang: l.Lang, Key: l.Key, When: l.When,
		})
	}
	for _, s := range e.Sections {
		if !tellsNews(s.Kind) {
			continue
		}
		for _, b := range s.Briefs {
			b.Label, b.Kicker = "", ""
			b.When = slices.Concat(s.When, b.When) // it is told to no others than then
			all = append(all, b)
		}
	}
	return all
}
