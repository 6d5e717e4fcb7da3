package compose

import (
	"cmp"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/text/cases"

	"lede/source"
)

// The kinds of section.
const (
	sectionBriefs  = "briefs"
	sectionSponsor = "sponsor"
	sectionEvents  = "events"
	sectionNote    = "note"
)

// sectionKind is the kind of section in which a story may stand. Sponsors,
// events and notes stand only in their own; what a source labels as sponsored
// only among the sponsors.
func (c *candidate) sectionKind() string {
	switch {
	case c.isSponsored():
		return sectionSponsor
	case c.Kind == source.KindEvent:
		return sectionEvents
	case c.Kind == source.KindNote:
		return sectionNote
	}
	return sectionBriefs
}

func (s SectionRule) kind() string { return cmp.Or(s.Kind, sectionBriefs) }

// admits says that a section takes stories of that kind and source.
func (s SectionRule) admits(c *candidate) bool {
	return s.kind() == c.sectionKind() && takes(s.From, c.Source)
}

// canPlace says that the letter has a place for a story, if there is room.
func (a *assembly) canPlace(c *candidate) bool {
	if c.sectionKind() == sectionBriefs && takes(a.recipe.Lead.From, c.Source) {
		return true
	}
	return slices.ContainsFunc(a.recipe.Sections, func(s SectionRule) bool { return s.admits(c) })
}

func (a *assembly) whyNoSection(c *candidate) string {
	switch kind := c.sectionKind(); {
	case kind == sectionSponsor && c.Kind != source.KindSponsor:
		return "labelled sponsored, and no sponsor section takes stories of " + c.Source
	case kind == sectionBriefs:
		return "no section takes stories of " + c.Source
	default:
		return "no section of kind " + kind + " takes stories of " + c.Source
	}
}

// fillSections fills the recipe's sections in their order, each from its
// sources and up to its room. A story that asks for a section stands in that
// one if it may, else where it can; sections that stay empty vanish.
func (a *assembly) fillSections() {
	rules := a.recipe.Sections
	if a.bulletin {
		rules = a.bulletinSections()
	}
	for i, rule := range rules {
		var here []*candidate
		for _, c := range a.offered {
			wish := wishedSection(rules, c)
			if (a.bulletin && rule.kind() == c.sectionKind() || rule.admits(c)) && (wish < 0 || wish == i) {
				here = append(here, c)
			}
		}
		a.sortSection(rule, here)
		if rule.Max > 0 && len(here) > rule.Max {
			here = withRoom(here, rule, rules)
			a.sortSection(rule, here)
		}
		section := Section{Title: rule.Title, Kind: rule.kind(), Briefs: []Brief{}}
		for _, c := range here {
			section.Briefs = append(section.Briefs, a.brief(rule, c))
			a.place(c)
		}
		if len(here) > 0 {
			a.edition.Sections = append(a.edition.Sections, section)
		}
		a.offered = slices.DeleteFunc(a.offered, func(c *candidate) bool { return c.placed })
	}
	for _, c := range a.offered {
		a.leave(c.Story, a.whyNoRoom(c))
	}
}

// withRoom returns the stories that a section has room for: the first ones, but
// those that ask for this section have the first call on it.
func withRoom(here []*candidate, rule SectionRule, rules []SectionRule) []*candidate {
	var asking, others []*candidate
	for _, c := range here {
		if c.Lead || wishedSection(rules, c) >= 0 {
			asking = append(asking, c)
		} else {
			others = append(others, c)
		}
	}
	return append(asking, others...)[:rule.Max]
}

// bulletinSections are those of a bulletin: its briefs, and what can stand only
// by itself, each without a title.
func (a *assembly) bulletinSections() []SectionRule {
	length := 0
	for _, rule := range a.recipe.Sections {
		if rule.kind() == sectionBriefs {
			length = rule.Teaser
			break
		}
	}
	var rules []SectionRule
	for _, kind := range []string{sectionBriefs, sectionSponsor, sectionEvents, sectionNote} {
		rules = append(rules, SectionRule{Kind: kind, Teaser: length})
	}
	return rules
}

// wishedSection returns the place of the section that a story asks for by its
// title, -1 when it asks for none that would take it.
func wishedSection(rules []SectionRule, c *candidate) int {
	if c.Section == "" {
		return -1
	}
	fold := cases.Fold()
	wish := fold.String(oneLine(c.Section))
	return slices.IndexFunc(rules, func(s SectionRule) bool {
		return s.admits(c) && fold.String(oneLine(s.Title)) == wish
	})
}

// sortSection sorts the stories of a section: what the editor marked as lead
// first, since it would have been one; events by the time at which they start.
func (a *assembly) sortSection(rule SectionRule, here []*candidate) {
	slices.SortStableFunc(here, func(x, y *candidate) int {
		if rule.kind() == sectionEvents {
			return cmp.Or(x.Starts.Compare(y.Starts), ahead(x, y))
		}
		return cmp.Or(compareLead(x, y), a.askedOrder(x, y), ahead(x, y))
	})
}

func (a *assembly) whyNoRoom(c *candidate) string {
	full := slices.IndexFunc(a.recipe.Sections, func(s SectionRule) bool { return s.admits(c) })
	if wish := wishedSection(a.recipe.Sections, c); wish >= 0 {
		full = wish
	}
	if full < 0 {
		return "not chosen as lead, and " + a.whyNoSection(c)
	}
	rule := a.recipe.Sections[full]
	return fmt.Sprintf("no room: %s takes %d at most", cmp.Or(rule.Title, rule.kind()), rule.Max)
}

// brief tells a story in a section.
func (a *assembly) brief(rule SectionRule, c *candidate) Brief {
	b := Brief{
		Title: oneLine(c.Title), URL: c.URL, Source: c.Source, Publication: oneLine(c.Publication), Author: oneLine(c.Author),
		Label: c.Label, Kicker: kicker(c), Lang: c.Lang, Place: oneLine(c.Place), Key: c.Key, Why: a.whyChosen(c),
	}
	if c.Lead {
		b.Why = c.Source + ": marked lead: true, after the lead"
	}
	if a.bulletin {
		b.Why = "bulletin: chosen by hand"
	}
	how := toldWhole
	switch rule.kind() {
	case sectionSponsor:
		b.Label = labelSponsored
		b.Why = c.Source + ": labelled “Sponsored”"
		b.Body = sponsorBlocks(c)
	case sectionNote:
		b.Body = told(wholeText(c))
		b.Why = c.Source + ": note"
	case sectionEvents:
		b.Starts, b.AllDay = c.Starts.In(a.recipe.Zone), c.AllDay
		if c.Starts.IsZero() {
			b.Starts = c.Starts
		}
		if !a.bulletin {
			b.Why = fmt.Sprintf("%s: starts within %d days", c.Source, eventsAhead)
		}
		b.Teaser, how = teaserOf(c, a.language(c), rule.Teaser)
	default:
		b.Teaser, how = teaserOf(c, a.language(c), rule.Teaser)
	}
	if b.Title == "" && b.Teaser != "" {
		b.Opening = opening(b.Teaser, a.language(c))
	}
	if c.reason != "" && !strings.Contains(b.Why, c.reason) {
		b.Why += "; " + c.reason
	}
	if how != toldWhole {
		b.Why += "; " + how
	}
	return b
}

// language is a story's language, the newsletter's where it says none.
func (a *assembly) language(c *candidate) string {
	return cmp.Or(c.Lang, a.recipe.Language)
}

// whyChosen says what put a story where it stands.
func (a *assembly) whyChosen(c *candidate) string {
	order := "newest"
	if c.asGiven {
		order = "first in its order"
	}
	if a.taken[c.Source] > 0 {
		order = "next newest"
		if c.asGiven {
			order = "next in its order"
		}
	}
	switch {
	case c.version > 0 && c.Label == labelUpdate:
		return c.Source + ": " + c.reason + ", marked so"
	case c.version > 0:
		return c.Source + ": " + c.reason
	case c.Weight != 0:
		return fmt.Sprintf("%s: weight %d", c.Source, c.Weight)
	case c.first:
		return "first reading of " + c.Source + ": " + order
	case c.Published.IsZero():
		return c.Source + ": " + order + ", without a date"
	case c.asGiven:
		return c.Source + ": " + order
	}
	return c.Source + ": " + order + ", " + a.clock(c.when)
}

// wholeText returns all of a story's text; one that its source cut ends well.
func wholeText(c *candidate) []passage {
	if c.Cut {
		return mendEnd(c.passages(), c.Lang)
	}
	return c.passages()
}

// sponsorBlocks tells a sponsor whole. Without a headline and without a link of
// its own, the text would lead nowhere: the site's name then stands behind it.
func sponsorBlocks(c *candidate) []Block {
	all := told(wholeText(c))
	if oneLine(c.Title) != "" || c.URL == "" || len(all) == 0 ||
		slices.ContainsFunc(all, func(b Block) bool { return strings.Contains(b.HTML, "<a href=") }) {
		return all
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		return all
	}
	name := strings.TrimPrefix(u.Hostname(), "www.")
	last := &all[len(all)-1]
	last.HTML += ` <a href="` + html.EscapeString(c.URL) + `">` + html.EscapeString(name) + `</a>`
	last.Text += " " + name + " <" + c.URL + ">"
	return all
}

// teaserOf cuts a brief's teaser from the story's summary, else from its body.
func teaserOf(c *candidate, lang string, limit int) (string, string) {
	if limit <= 0 {
		limit = defaultTeaser
	}
	return teaser(teaserText(c, lang, 4*limit+memoLength), lang, limit, c.Cut)
}

// teaserText is the running text that a teaser is cut from, without the
// headline said again at its beginning; at most limit characters (runes) of it.
func teaserText(c *candidate, lang string, limit int) string {
	passages := plainBlocks(c.Summary)
	if len(passages) == 0 {
		passages = c.passages()
	}
	passages = runningText(passages)
	title := foldedWords(c.Title)
	if len(passages) > 1 && slices.Equal(foldedWords(passages[0].plain), title) {
		passages = passages[1:]
	}
	text := beginning(passages, limit)
	if len(title) == 0 {
		return text
	}
	if slices.Equal(foldedWords(text), title) {
		return ""
	}
	if ends := sentenceEnds(text, lang); len(ends) > 0 && slices.Equal(foldedWords(text[:ends[0]]), title) {
		text = strings.TrimSpace(text[ends[0]:])
	}
	return text
}

// fewWords is what a byline or a place has at most, in words.
const fewWords = 8

// farthestStart is how many paragraphs are looked at for one that begins a
// teaser well.
const farthestStart = 5

// runningText returns the paragraphs that a teaser can begin with: without
// headings and code, without lists where there is other text, and without what
// comes before the first sentence, such as a byline or a list of points made
// of paragraphs, which would run on into one another.
func runningText(passages []passage) []passage {
	var running []passage
	for _, p := range passages {
		if p.Kind == blockParagraph || p.Kind == blockQuote {
			running = append(running, p)
		}
	}
	if len(running) == 0 {
		return slices.DeleteFunc(slices.Clone(passages), func(p passage) bool { return p.Kind == blockPre })
	}
	for i, p := range running[:min(len(running), farthestStart)] {
		if endsSentence(p.plain) {
			return running[i:]
		}
	}
	for i, p := range running {
		if countWords(p.plain) >= fewWords {
			return running[i:]
		}
	}
	return running
}
