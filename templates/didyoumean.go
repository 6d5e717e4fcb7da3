package templates

import "lede/internal/spelling"

// didYouMean is the hint that follows an unknown word, or nothing.
func didYouMean(prefix, word string, known []string) string {
	if near := spelling.Nearest(word, known); near != "" {
		return ", did you mean " + prefix + near + "?"
	}
	return ""
}
