// Package spelling finds the word that a mistyped one was meant to be, for
// "did you mean …?".
package spelling

import "strings"

// longest is the length up to which a word may be a mistyped one; longer ones
// are something else and are not compared.
const longest = 60

// Nearest returns the known word that is most like the given one, or an empty
// string when none is near: a third of its letters may differ. Case does not
// count.
func Nearest(word string, known []string) string {
	if len(word) > longest {
		return ""
	}
	best, least := "", 1+max(1, len([]rune(word))/3)
	for _, candidate := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(candidate)); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// distance counts the letters to insert, take out, replace or swap with their
// neighbour to make b of a (optimal string alignment).
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	before, row, next := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
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
