package compose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"lede/source"
)

// chooseLead picks the story at the top, out of the sources that the recipe
// takes leads from: what the editor marked (of several the heaviest, then the
// newest), else the first, in the order of Assemble, that passes the recipe's
// filters for it. Never a sponsor, and a column that ran before as it is only when
// marked; and never what is not for everybody (When). A bulletin is led by what the editor marked, else by the first story
// asked for, however long.
func (a *assembly) chooseLead() {
	if a.leadByHand() {
		return
	}
	able := slices.DeleteFunc(slices.Clone(a.offered), func(c *candidate) bool {
		return c.Kind != source.KindStory || c.isSponsored() || len(c.When) > 0 || !a.bulletin && (!takes(a.recipe.Lead.From, c.Source) || c.stale && !c.Lead)
	})
	slices.SortStableFunc(able, func(x, y *candidate) int {
		return cmp.Or(compareLead(x, y), a.askedOrder(x, y), ahead(x, y))
	})
	for _, c := range able {
		switch {
		case a.bulletin:
			a.lead(c, "bulletin: chosen by hand")
		case c.Lead:
			a.lead(c, c.Source+": marked lead: true")
		case c.Title != "" && a.filtered(a.recipe.Lead.filters(), c) == "":
			a.lead(c, a.whyLeads(c))
		default:
			continue
		}
		return
	}
	if a.bulletin {
		return
	}
	switch a.recipe.Lead.IfNone {
	case "without":
	case "skip":
		a.noLead = "no story for the lead: it " + a.recipe.Lead.wants() + " (if_none: skip)"
	default:
		a.promote(able)
	}
}

// promote makes a story the lead though none passes the filters: the first of
// another length, else the first of all; one with a headline and a text before
// what lacks one.
func (a *assembly) promote(able []*candidate) {
	if len(able) == 0 {
		return
	}
	anyLength := a.recipe.Lead.filters()
	anyLength.MinWords, anyLength.MaxWords = 0, 0
	chosen := able[0]
	for _, rule := range []SectionRule{anyLength, {}} {
		i := slices.IndexFunc(able, func(c *candidate) bool {
			return c.Title != "" && len(c.passages()) > 0 && a.filtered(rule, c) == ""
		})
		if i >= 0 {
			chosen = able[i]
			break
		}
	}
	misfit := "without a headline"
	switch why := a.filtered(a.recipe.Lead.filters(), chosen); {
	case a.filtered(anyLength, chosen) != "":
		misfit = "the lead " + why
	case wordCount(chosen.passages()) < a.recipe.Lead.MinWords:
		misfit = "short"
	case why != "":
		misfit = "long"
	}
	a.lead(chosen, a.whyChosen(chosen)+"; "+misfit+", but no other fits (if_none: promote)")
}

// filters are the filters of the lead as those of a section.
func (r LeadRule) filters() SectionRule {
	return SectionRule{
		Tags: r.Tags, Category: r.Category, Author: r.Author, Lang: r.Lang,
		MinWords: r.MinWords, MaxWords: r.MaxWords, MaxAge: r.MaxAge,
	}
}

// wants says in words what a lead must be.
func (r LeadRule) wants() string {
	wants := fmt.Sprintf("wants at least %d words", r.MinWords)
	if r.MaxWords > 0 {
		wants += fmt.Sprintf(" and at most %d", r.MaxWords)
	}
	for _, filter := range []struct{ name, value string }{
		{"tags", strings.Join(r.Tags, " or ")}, {"category", r.Category}, {"author", r.Author}, {"lang", r.Lang},
	} {
		if filter.value != "" {
			wants += ", " + filter.name + ": " + filter.value
		}
	}
	if r.MaxAge > 0 {
		wants += ", nothing older than " + span(r.MaxAge)
	}
	return wants
}

// whyLeads says what put a story at the top.
func (a *assembly) whyLeads(c *candidate) string {
	why := a.whyChosen(c)
	if tag := firstTag(a.recipe.Lead.Tags, c.Tags); tag != "" {
		why += "; tagged " + tag
	}
	return why
}

// askedOrder is the order in which a bulletin's stories were asked for.
func (a *assembly) askedOrder(x, y *candidate) int {
	if !a.bulletin {
		return 0
	}
	return cmp.Compare(a.only[x.Source+"\x00"+x.Key], a.only[y.Source+"\x00"+y.Key])
}

// takes says that a list of sources, all when empty, has one.
func takes(from []string, id string) bool {
	return len(from) == 0 || slices.Contains(from, id)
}

func wordCount(passages []passage) int {
	n := 0
	for _, p := range passages {
		n += countWords(p.plain)
	}
	return n
}

// countWords counts words as a person does; in scripts without spaces, two
// characters are about one.
func countWords(text string) int {
	n := 0
	for word := range strings.FieldsSeq(text) {
		unspaced := 0
		for _, r := range word {
			if isUnspaced(r) {
				unspaced++
			}
		}
		n += max(1, (unspaced+1)/2)
	}
	return n
}

// lead tells a story at the top.
func (a *assembly) lead(c *candidate, why string) {
	if c.reason != "" && !strings.Contains(why, c.reason) {
		why += "; " + c.reason
	}
	l := &Lead{
		Title: oneLine(c.Title), URL: c.URL, Author: oneLine(c.Author), Source: c.Source, Publication: oneLine(c.Publication),
		Label: c.Label, Kicker: kicker(c), Lang: c.Lang, Image: a.figure(c), AlsoIn: c.alsoIn, Key: c.Key,
		When: a.conditionsOf(c.Story),
	}
	if c.to = l.When; len(c.to) > 0 {
		why += "; only where " + inWords(c.to)
	}
	passages := c.passages()
	if len(passages) > 1 && slices.Equal(foldedWords(passages[0].plain), foldedWords(l.Title)) {
		passages = passages[1:] // the headline stands above it already
	}
	l.Standfirst = standfirst(c, passages)
	shown, cut := a.tell(c, passages)
	if l.Title == "" && len(shown) > 0 {
		l.Title = firstWords(shown[0].plain, 8)
	}
	l.Body, l.Cut = told(shown), cut
	if cut && len(shown) < len(passages) {
		why += "; cut after a paragraph"
	}
	l.Why = why
	a.edition.Lead = l
	a.place(c)
	a.offered = slices.DeleteFunc(a.offered, func(o *candidate) bool { return o.placed })
}

// tell returns what the letter tells of a lead, and whether more stands behind
// its link. A story is told whole when it is no longer than the recipe's
// length, or has no link to go on at. Else it is cut after a paragraph that
// ends a sentence, the last one within the length that leaves at least two
// paragraphs for the reader who goes on; a paragraph that ends in a colon
// promises what follows and is none.
func (a *assembly) tell(c *candidate, passages []passage) ([]passage, bool) {
	if c.Cut && (c.Body == "" || c.Summary == "") {
		// The text is the source's own cut. Its end is mended first.
		passages = mendEnd(passages, c.Lang)
		if shown, _ := a.cutLead(c, passages); len(shown) > 0 {
			return shown, c.URL != ""
		}
		return passages, c.URL != ""
	}
	return a.cutLead(c, passages)
}

func (a *assembly) cutLead(c *candidate, passages []passage) ([]passage, bool) {
	length := a.recipe.Lead.Length
	if c.URL == "" || length <= 0 || wordCount(passages) <= length {
		return passages, false
	}
	behind := 0 // paragraphs after the one looked at
	for _, p := range passages {
		if p.Kind == blockParagraph {
			behind++
		}
	}
	end, words := 0, 0
	for i, p := range passages {
		words += countWords(p.plain)
		if p.Kind == blockParagraph {
			behind--
		}
		if words > length && end > 0 || behind < 2 {
			break
		}
		if p.Kind == blockParagraph && endsSentence(p.plain) {
			end = i + 1
		}
	}
	if end == 0 {
		return passages, false // nowhere to cut it well
	}
	return passages[:end], true
}

// mendEnd lets a text that its source cut end well: its last paragraph by the
// rules for teasers, or the paragraph before when no sentence of the last one
// is whole.
func mendEnd(passages []passage, lang string) []passage {
	if len(passages) == 0 {
		return passages
	}
	last := passages[len(passages)-1]
	text, how := teaser(last.plain, lang, max(1, displayWidth(last.plain)), true)
	switch {
	case how == toldWhole && text == last.plain:
		return passages
	case how == cutWord && len(passages) > 1 && endsSentence(passages[len(passages)-2].plain), text == "" && len(passages) > 1:
		return passages[:len(passages)-1]
	}
	mended := plainBlock(last.Kind, text)
	return append(slices.Clone(passages[:len(passages)-1]), mended)
}

// longestStandfirst is the length in words up to which a feed's summary stands
// above its story.
const longestStandfirst = 40

// standfirst returns the summary that stands between headline and text: the
// one that the author of a story file wrote; of a feed only a short, whole one.
// Never one that says what the text begins with.
func standfirst(c *candidate, passages []passage) string {
	summary := oneLine(c.Summary)
	if summary == "" || c.Body == "" || len(passages) == 0 {
		return ""
	}
	if c.File == "" && (c.Cut || countWords(summary) > longestStandfirst) {
		return ""
	}
	words := foldedWords(summary)
	if len(words) == 0 || isPrefixOf(words, foldedWords(oneLine(c.Title))) {
		return ""
	}
	// A dozen words tell; the end of a summary is often its own.
	if first := words[:min(12, len(words))]; isPrefixOf(first, foldedWords(c.memo())) {
		return ""
	}
	return summary
}

// longestKicker is how long a tag may be to stand above a headline, in
// characters.
const longestKicker = 20

// kicker returns the word or two above a headline: the story's place, else, of
// a story file, its first tag if that is short. A label takes its place.
func kicker(c *candidate) string {
	if c.Label != "" || c.Kind != source.KindStory {
		return ""
	}
	if place := oneLine(c.Place); place != "" {
		return place
	}
	if c.File == "" || len(c.Tags) == 0 {
		return ""
	}
	tag := oneLine(c.Tags[0])
	if len(strings.Fields(tag)) > 2 || displayWidth(tag) > longestKicker {
		return ""
	}
	r, size := utf8.DecodeRuneInString(tag)
	return strings.ToUpper(string(r)) + tag[size:]
}

// figure returns a story's picture when it can be reached.
func (a *assembly) figure(c *candidate) *Figure {
	if c.Image == nil {
		return nil
	}
	picture, found := a.in.Pictures[c.Image.URL]
	if !found || c.Image.URL == "" {
		picture, found = a.in.Pictures[c.Source+"\x00"+c.Image.Path]
	}
	if !found {
		return nil
	}
	return &Figure{
		Picture: picture, Alt: oneLine(c.Image.Alt), HasAlt: c.Image.HasAlt,
		Caption: oneLine(c.Image.Caption), Credit: oneLine(c.Image.Credit),
	}
}
