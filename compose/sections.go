package compose

import (
	"cmp"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/cases"

	"lede/source"
)

// sectionRules are the sections that an edition may have: the recipe's, for a
// bulletin its own. Corrections come first, and run without a section of theirs
// too: nobody may be able to forget them.
func (a *assembly) sectionRules() []SectionRule {
	rules := a.recipe.Sections
	if a.bulletin {
		rules = a.bulletinSections()
	}
	isCorrections := func(s SectionRule) bool { return s.kind() == sectionCorrections }
	if i := slices.IndexFunc(rules, isCorrections); i >= 0 {
		return slices.Concat(rules[i:i+1], rules[:i], rules[i+1:])
	}
	return append([]SectionRule{{Kind: sectionCorrections}}, rules...)
}

// fillSections fills the sections in their order, each from its sources and up
// to its room. A story that asks for a section stands in that one if it may,
// else where it can. What tells of other editions' stories comes last, since it
// leaves out what stands in this one.
func (a *assembly) fillSections() {
	filled := make([]Section, len(a.sections))
	for i, rule := range a.sections {
		filled[i] = Section{Title: rule.Title, Kind: rule.kind(), Briefs: []Brief{}, When: rule.When}
		var here []*candidate
		beside, room := a.besideHeld(i, rule)
		for _, c := range a.offered {
			if !room || !a.mayJoin(i, c) {
				continue
			}
			wish := a.wish(c)
			if (a.bulletin && rule.holds() == c.sectionKind() || a.admits(rule, c)) && (wish < 0 || wish == i) {
				here = append(here, c)
			}
		}
		for _, c := range a.choose(beside, here) {
			filled[i].Briefs = append(filled[i].Briefs, a.brief(rule, c))
			a.place(c)
		}
		filled[i].Briefs = a.withHeld(i, filled[i].Briefs)
		a.show(i, filled[i].Briefs)
		a.offered = slices.DeleteFunc(a.offered, func(c *candidate) bool { return c.placed })
	}
	for i, rule := range a.sections {
		switch rule.kind() {
		case sectionMostRead:
			filled[i].Briefs = a.mostRead(rule)
		case sectionArchive:
			filled[i].Briefs = a.fromArchive(rule)
		}
	}
	for _, i := range a.edited.order {
		if rule := a.sections[i]; rule.Empty == "say" && !a.bulletin && !slices.ContainsFunc(filled[i].Briefs, func(b Brief) bool { return len(b.When) == 0 }) {
			filled[i].Text = oneLine(rule.Say) // for who sees none of them
		}
		if len(filled[i].Briefs) > 0 || a.saysEmpty(a.sections[i], &filled[i]) {
			a.edition.Sections = append(a.edition.Sections, filled[i])
		}
	}
	for _, c := range a.offered {
		a.leave(c.Story, a.whyNoRoom(c))
	}
}

// saysEmpty does what a section wants done when nothing stands in it, and says
// whether it stays in the letter with its sentence.
func (a *assembly) saysEmpty(rule SectionRule, section *Section) bool {
	switch {
	case a.bulletin:
	case rule.Empty == "say":
		section.Text = oneLine(rule.Say)
		return section.Text != ""
	case rule.Empty == "skip" && a.emptySection == "":
		a.emptySection = "nothing for " + rule.name() + " (empty: skip)"
	}
	return false
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
	for _, kind := range []string{sectionBriefs, sectionQuotation, sectionNumbers, sectionSponsor, sectionEvents, sectionNote} {
		rules = append(rules, SectionRule{Kind: kind, Teaser: length})
	}
	return rules
}

// wish returns the place of the section that a story asks for by its title, -1
// when it asks for none that would take it.
func (a *assembly) wish(c *candidate) int {
	if c.Section == "" {
		return -1
	}
	if c.wished == 0 {
		fold := cases.Fold()
		wish := fold.String(oneLine(c.Section))
		c.wished = 2 + slices.IndexFunc(a.sections, func(s SectionRule) bool {
			return fold.String(oneLine(s.Title)) == wish && a.admits(s, c)
		})
	}
	return c.wished - 2
}

func (a *assembly) whyNoRoom(c *candidate) string {
	full := slices.IndexFunc(a.sections, func(s SectionRule) bool { return a.admits(s, c) })
	if wish := a.wish(c); wish >= 0 {
		full = wish
	}
	switch {
	case full < 0:
		return "not chosen as lead, and " + a.whyNoSection(c)
	case c.passed != "":
		return c.passed
	}
	return fmt.Sprintf("no room: %s takes %d at most", a.sections[full].name(), a.sections[full].Max)
}

// brief tells a story in a section.
func (a *assembly) brief(rule SectionRule, c *candidate) Brief {
	b := Brief{
		Title: oneLine(c.Title), URL: c.URL, Source: c.Source, Publication: oneLine(c.Publication), Author: oneLine(c.Author),
		Label: c.Label, Kicker: kicker(c), Lang: c.Lang, Place: oneLine(c.Place), AlsoIn: c.alsoIn, Key: c.Key, Why: a.whyChosen(c),
		When: a.conditionsOf(c.Story),
	}
	if b.Pictured = rule.Pictures && c.Image != nil; b.Pictured {
		b.Image = a.figure(c)
	}
	c.to = slices.Concat(rule.When, b.When)
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
	case sectionNote, sectionQuotation:
		b.Body = told(wholeText(c))
		b.Why = c.Source + ": " + string(c.Kind)
	case sectionCorrections:
		b.Label, b.Corrects = labelCorrection, c.Corrects
		b.Body = told(wholeText(c))
		b.Why = c.Source + ": correction"
		if c.Corrects != "" {
			b.Why += " of edition " + c.Corrects
		}
	case sectionNumbers:
		b.Number = oneLine(c.Number)
		b.Teaser, how = teaserOf(c, a.language(c), rule.Teaser)
		b.Why = c.Source + ": number"
	case sectionEvents:
		b.Starts, b.Ends, b.AllDay = inZone(c.Starts, a.recipe.Zone), inZone(c.Ends, a.recipe.Zone), c.AllDay
		if !a.bulletin {
			b.Why = fmt.Sprintf("%s: starts within %d days", c.Source, eventsAhead)
			if !c.Ends.IsZero() && c.Starts.Before(a.in.Slot) {
				b.Why = c.Source + ": runs until " + a.day(c.Ends)
			}
		}
		b.Teaser, how = teaserOf(c, a.language(c), rule.Teaser)
	case sectionHeadlines, sectionLinks, sectionMostRead:
		if b.Title == "" {
			b.Teaser, _ = teaserOf(c, a.language(c), rule.Teaser)
		}
	default:
		b.Teaser, how = teaserOf(c, a.language(c), rule.Teaser)
	}
	if b.Title == "" && b.Teaser != "" {
		b.Opening = opening(b.Teaser, a.language(c))
	}
	if isHeadlineOnly(rule.kind()) {
		b.Teaser = ""
	}
	if here := whyHere(rule, c); here != "" && !a.bulletin {
		b.Why += "; " + here
	}
	if c.reason != "" && !strings.Contains(b.Why, c.reason) {
		b.Why += "; " + c.reason
	}
	if len(c.to) > 0 {
		b.Why += "; only where " + inWords(c.to)
	}
	if how != toldWhole {
		b.Why += "; " + how
	}
	return b
}

// isHeadlineOnly says that a kind of section tells headlines without teasers.
func isHeadlineOnly(kind string) bool {
	return kind == sectionHeadlines || kind == sectionLinks || kind == sectionMostRead
}

// inZone is an instant in a zone; the zero time stays what it is, and so does
// any without a zone.
func inZone(t time.Time, zone *time.Location) time.Time {
	if t.IsZero() || zone == nil {
		return t
	}
	return t.In(zone)
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
	if c.arranged && c.reason == "" && c.Weight == 0 {
		if c.first {
			return c.Source + ": first reading" + a.oddDate(c)
		}
		return c.Source + ": " + cmp.Or(strings.TrimPrefix(a.oddDate(c), ", "), a.clock(c.when))
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
