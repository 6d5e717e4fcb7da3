package audience

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// How long the parts of a row may be, in characters. Whatever is longer is a
// mistake: a column shifted, a file of another kind.
const (
	maxName  = 200
	maxValue = 1000
	maxTags  = 1000
	// A list of tags as JSON writes it can't be a column shifted.
	maxTagList = 50_000
)

// CleanName makes a name fit for one line of a header or greeting: blanks
// become single ones, invisible characters go. A line break or another control
// character is an error: it has no honest place in a name, and headers are
// smuggled so.
func CleanName(s string) (string, error) {
	s = strings.TrimSpace(s)
	if !plain(s) {
		var b strings.Builder
		for _, r := range s {
			switch {
			case r == '\t' || unicode.Is(unicode.Zs, r):
				r = ' '
			case unicode.IsControl(r) || r == '\u2028' || r == '\u2029':
				return "", fmt.Errorf("has a name with a line break or control character (%U)", r)
			case hidden(r):
				continue
			}
			if r != ' ' || !strings.HasSuffix(b.String(), " ") {
				b.WriteRune(r)
			}
		}
		s = strings.TrimSpace(b.String())
	}
	if tooLong(s, maxName) {
		return "", fmt.Errorf("has a name longer than %d characters", maxName)
	}
	return s, nil
}

// cleanValue makes an attribute fit for one line: line breaks and tabs become
// blanks, other control and invisible characters go.
func cleanValue(s string) string {
	s = undefuse(strings.TrimSpace(s))
	if plain(s) {
		return s
	}
	return strings.TrimSpace(strings.Map(printable, strings.ReplaceAll(s, "\r\n", "\n")))
}

// printable maps what breaks a line to a blank, and drops what doesn't show.
func printable(r rune) rune {
	switch {
	case unicode.IsSpace(r) || r == '\u2028' || r == '\u2029':
		return ' '
	case unicode.IsControl(r) || hidden(r):
		return -1
	}
	return r
}

// hidden says whether r has no business in text: format characters, but for
// the joiners (U+200C, U+200D) that Persian, Indic scripts and emoji need.
func hidden(r rune) bool {
	return r != '\u200c' && r != '\u200d' && unicode.Is(unicode.Cf, r)
}

// plain says whether s is printable ASCII with single blanks: most cells are.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == ' ' && i > 0 && s[i-1] == ' ' {
			return false
		}
	}
	return true
}

// tooLong says whether s has more than most characters.
func tooLong(s string, most int) bool {
	return len(s) > most && utf8.RuneCountInString(s) > most
}
