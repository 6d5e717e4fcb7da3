package templates

import "strings"

// Nearest returns the known word that is most like the given one, for "did you
// mean …?", or an empty string when none is near. Case does not count.
func Nearest(word string, known []string) string {
	best, bestDistance := "", 1+max(1, len([]rune(word))/3)
	for _, candidate := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(candidate)); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// distance is the Levenshtein distance, with a swap of neighbours counted as
// one (optimal string alignment).
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	before := make([]int, len(t)+1)
	row := make([]int, len(t)+1)
	next := make([]int, len(t)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(s); i++ {
		next[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row, next = row, next, before
	}
	return row[len(t)]
}

// didYouMean is the hint that follows an unknown word, or nothing.
func didYouMean(prefix, word string, known []string) string {
	if near := Nearest(word, known); near != "" {
		return ", did you mean " + prefix + near + "?"
	}
	return ""
}
