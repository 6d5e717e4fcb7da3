package compose

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/language"

	"lede/source"
)

// admits says that a section takes a story.
func (a *assembly) admits(s SectionRule, c *candidate) bool {
	return s.holds() == c.sectionKind() && takes(s.From, c.Source) && a.filtered(s, c) == ""
}

// filtered says which of a section's filters a story does not pass, empty when
// it passes all.
func (a *assembly) filtered(s SectionRule, c *candidate) string {
	switch {
	case len(s.Tags) > 0 && firstTag(s.Tags, c.Tags) == "":
		return "wants tags: " + strings.Join(s.Tags, ", ")
	case s.Category != "" && (len(c.Tags) == 0 || !strings.EqualFold(c.Tags[0], s.Category)):
		return "wants category: " + s.Category
	case s.Author != "" && !containsWords(foldedWords(c.Author), foldedWords(s.Author)):
		return "wants author: " + s.Author
	case s.Lang != "" && !speaks(a.language(c), s.Lang):
		return "wants lang: " + s.Lang
	case s.MaxAge > 0 && !c.waits() && c.when.Before(a.in.Slot.Add(-s.MaxAge)):
		return "wants nothing older than " + span(s.MaxAge)
	case s.MinWords == 0 && s.MaxWords == 0:
		return ""
	}
	switch words := wordCount(c.passages()); {
	case words < s.MinWords:
		return fmt.Sprintf("wants %d words at least, these are %d", s.MinWords, words)
	case s.MaxWords > 0 && words > s.MaxWords:
		return fmt.Sprintf("wants %d words at most, these are %d", s.MaxWords, words)
	}
	return ""
}

// firstTag returns the first of the wanted tags that a story has, whatever its
// case; empty for none.
func firstTag(wanted, has []string) string {
	for _, want := range wanted {
		if slices.ContainsFunc(has, func(tag string) bool { return strings.EqualFold(tag, want) }) {
			return want
		}
	}
	return ""
}

// containsWords says that some words stand among others, side by side.
func containsWords(all, some []string) bool {
	for i := 0; len(some) > 0 && i+len(some) <= len(all); i++ {
		if slices.Equal(all[i:i+len(some)], some) {
			return true
		}
	}
	return false
}

// speaks says that a language is the wanted one, or a regional form of it.
func speaks(tag, want string) bool {
	if strings.EqualFold(tag, want) {
		return true
	}
	has, err := language.Parse(tag)
	if err != nil {
		return false
	}
	base, _ := has.Base()
	return strings.EqualFold(base.String(), want)
}

// canPlace says that the letter has a place for a story, if there is room.
func (a *assembly) canPlace(c *candidate) bool {
	if c.sectionKind() == sectionBriefs && takes(a.recipe.Lead.From, c.Source) {
		return true
	}
	return slices.ContainsFunc(a.sections, func(s SectionRule) bool { return a.admits(s, c) })
}

// whyNoSection says why no section takes a story.
func (a *assembly) whyNoSection(c *candidate) string {
	kind := c.sectionKind()
	for _, s := range a.sections {
		if s.holds() == kind && takes(s.From, c.Source) {
			if why := a.filtered(s, c); why != "" {
				return s.name() + " " + why
			}
		}
	}
	switch {
	case kind == sectionSponsor && c.Kind != source.KindSponsor:
		return "labelled sponsored, and no sponsor section takes stories of " + c.Source
	case kind == sectionBriefs:
		return "no section takes stories of " + c.Source
	default:
		return "no section of kind " + kind + " takes stories of " + c.Source
	}
}
