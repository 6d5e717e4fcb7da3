package templates

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// Plural is a phrase with a number, {n}, for each category that the language
// counts in (CLDR: zero, one, two, few, many, other). "other" is always there.
type Plural map[string]string

// categories are the names of plural.Form, in its order.
var categories = []string{"other", "zero", "one", "two", "few", "many"}

// category returns the category that a whole number of things falls into.
func category(tag language.Tag, n int) string {
	n = max(n, -n)
	return categories[plural.Cardinal.MatchPlural(tag, n, 0, 0, 0, 0)]
}

// with writes the phrase for n. A category that is left out has "other".
func (p Plural) with(tag language.Tag, n int) string {
	phrase, ok := p[category(tag, n)]
	if !ok {
		phrase = p["other"]
	}
	return strings.ReplaceAll(phrase, "{n}", strconv.Itoa(n))
}

// counted lists the categories that whole numbers of things fall into in a
// language, in the order of the numbers. Every category of CLDR's rules comes
// up among these numbers; the million is what French and Spanish count
// otherwise.
func counted(tag language.Tag) []string {
	var found []string
	for n := range 202 {
		if n == 201 {
			n = 1_000_000
		}
		if c := category(tag, n); !slices.Contains(found, c) {
			found = append(found, c)
		}
	}
	return found
}
