package segment

import (
	"strings"
	"unicode"
)

// Fold makes texts that differ in case the same. Letters of ASCII fold among
// themselves alone, as lower() of a database does it; others to the first of
// those that unicode.SimpleFold has for one.
func Fold(s string) string { return strings.Map(fold, s) }

func fold(r rune) rune {
	if r < 128 {
		return unicode.ToLower(r)
	}
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		if other < 128 {
			return r
		}
		least = min(least, other)
	}
	return least
}

// Variants returns, for a folded text, which letters beside those of ASCII fold
// to one of its letters: pairs of a letter and what it folds to. Who replaces
// these in a text, and puts ASCII in lower case, finds the folded text in it
// exactly where Fold would.
func Variants(folded string) [][2]string {
	var pairs [][2]string
	seen := map[rune]bool{}
	for _, r := range folded {
		if r < 128 || seen[r] || fold(r) != r {
			continue
		}
		seen[r] = true
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			if fold(other) == r {
				pairs = append(pairs, [2]string{string(other), string(r)})
			}
		}
	}
	return pairs
}
