package compose

import (
	"cmp"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

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
// first, since it would have been one; events by the time at which they start;
// our own sponsors before what a feed labels as sponsored.
func (a *assembly) sortSection(rule SectionRule, here []*candidate) {
	slices.SortStableFunc(here, func(x, y *candidate) int {
		if rule.kind() == sectionEvents {
			return cmp.Or(x.Starts.Compare(y.Starts), ahead(x, y))
		}
		return cmp.Or(compareLead(x, y), a.askedOrder(x, y), compareSponsor(x, y), ahead(x, y))
	})
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
		text := wholeText(c)
		if c.Kind != source.KindSponsor { // nobody here agreed to its length
			var short string
			short, how = teaserOf(c, a.language(c), rule.Teaser)
			text = plainBlocks(short)
		}
		b.Body = sponsorBlocks(c, text)
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
	case c.Repeat:
		return c.Source + ": " + c.reason
	case c.version > 0 && c.Label == labelUpdate:
		return c.Source + ": " + c.reason + ", marked so"
	case c.version > 0:
		return c.Source + ": " + c.reason
	case c.Weight != 0:
		return fmt.Sprintf("%s: weight %d", c.Source, c.Weight)
	case c.first:
		return "first reading: " + order + a.oddDate(c)
	case a.oddDate(c) != "":
		return c.Source + ": " + order + a.oddDate(c)
	case c.asGiven:
		return c.Source + ": " + order
	}
	return c.Source + ": " + order + ", " + a.clock(c.when)
}

// oddDate says that a story counts as new as the slot, since its date tells
// nothing; empty where its date does.
func (a *assembly) oddDate(c *candidate) string {
	switch {
	case c.Published.IsZero():
		return ", without a date"
	case c.Published.After(a.in.Slot):
		return ", dated ahead (" + a.moment(c.Published) + ")"
	}
	return ""
}

// wholeText returns all of a story's text; one that its source cut ends well.
func wholeText(c *candidate) []passage {
	if c.Cut {
		return mendEnd(c.passages(), c.Lang)
	}
	return c.passages()
}

// sponsorBlocks tells a sponsor's text. Without a headline and without a link of
// its own, it would lead nowhere: the site's name then stands behind it.
func sponsorBlocks(c *candidate, text []passage) []Block {
	all := told(text)
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
	title := foldedWords(c.Title)
	if len(passages) > 1 && slices.Equal(foldedWords(passages[0].plain), title) {
		passages = passages[1:]
	}
	text := beginning(runningText(c, passages, lang, limit), limit)
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

// fewWords is what a paragraph that ends no sentence has at least if it tells
// something, in words. A byline, a time or an entry of a list has fewer.
const fewWords = 10

// runningText returns the paragraphs that a teaser can be cut from: without
// headings and code, and without lists where there is other text; about limit
// characters of them. Paragraphs that end no sentence would run on into the
// next one. One that promises a list or goes on in a line of its own goes back
// to its last whole sentence, others get a full stop, as a standfirst does. Of a
// feed, what is too short to tell something is left out, such as bylines. The
// last paragraph stays as it is, since nothing follows it.
func runningText(c *candidate, passages []passage, lang string, limit int) []passage {
	running := slices.DeleteFunc(slices.Clone(passages), func(p passage) bool { return p.Kind != blockParagraph && p.Kind != blockQuote })
	if len(running) == 0 {
		return slices.DeleteFunc(slices.Clone(passages), func(p passage) bool { return p.Kind == blockPre })
	}
	var kept, short []passage
	length := 0
	for i, p := range running {
		whole := wholeSentences(p.plain, lang)
		tells := countWords(p.plain[len(whole):]) >= fewWords && (c.Author == "" || !strings.Contains(p.plain, c.Author)) || c.File != ""
		promises := endsInColon(p.plain)
		switch last := i == len(running)-1; {
		case endsSentence(p.plain), last && !promises && (len(kept) > 0 || len(short) == 0):
		case whole != "" && (promises || !tells):
			p = plainBlock(p.Kind, whole)
		case promises || !tells:
			short = append(short, p)
			continue
		default:
			p = plainBlock(p.Kind, withStop(p.plain))
		}
		kept = append(kept, p)
		if length += len(p.plain); length > utf8.UTFMax*limit {
			break
		}
	}
	if len(kept) > 0 {
		return kept
	}
	for i, p := range short[:len(short)-1] {
		short[i] = plainBlock(p.Kind, withStop(p.plain))
	}
	return short
}

func endsInColon(paragraph string) bool {
	return strings.HasSuffix(paragraph, ":") || strings.HasSuffix(paragraph, "：")
}

// wholeSentences returns a paragraph up to its last sentence that ends outside
// of quotations; empty when none does.
func wholeSentences(paragraph, lang string) string {
	quotes := quotations(paragraph, true)
	for _, end := range slices.Backward(sentenceEnds(paragraph, lang)) {
		if len(openAt(quotes, end)) == 0 {
			return paragraph[:end]
		}
	}
	return ""
}

// withStop ends a paragraph as a sentence.
func withStop(paragraph string) string {
	switch r, _ := utf8.DecodeLastRuneInString(paragraph); {
	case isUnspaced(r):
		return paragraph + "。"
	case isWordRune(r) || isCloser(r):
		return paragraph + "."
	}
	return paragraph
}
