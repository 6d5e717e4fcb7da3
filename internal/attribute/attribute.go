// Package attribute says what a condition by recipient may ask about, wherever
// one is written: in the configuration, in a story file, in a theme.
package attribute

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The limits of a condition: values in it, and characters (runes) of a name and
// of a value.
const (
	mostValues   = 50
	longestName  = 100
	longestValue = 200
)

// Check says what is wrong with a condition that asks whether an attribute of a
// recipient has one of some values; nil for nothing.
func Check(name string, values []string) error {
	switch {
	case name == "":
		return errors.New("the name of the attribute is missing")
	case utf8.RuneCountInString(name) > longestName || !isName(name):
		return fmt.Errorf("%s is no name of an attribute: letters, digits, blanks and _ - . : / only, a letter or digit first", quoted(name))
	case len(values) == 0:
		return fmt.Errorf("the values of %s are missing", name)
	case len(values) > mostValues:
		return fmt.Errorf("%d values of %s, at most %d", len(values), name, mostValues)
	}
	seen := map[string]bool{}
	for _, v := range values {
		switch {
		case v == "":
			return fmt.Errorf("an empty value of %s: that is the same as not set, which is_not asks for", name)
		case utf8.RuneCountInString(v) > longestValue || strings.TrimSpace(v) != v || strings.ContainsFunc(v, unicode.IsControl):
			return fmt.Errorf("%s is no value of %s: one line of up to %d characters, without blanks at its ends", quoted(v), name, longestValue)
		case seen[v]:
			return fmt.Errorf("%s stands twice among the values of %s", quoted(v), name)
		}
		seen[v] = true
	}
	return nil
}

// isName says whether an attribute may be called so.
func isName(s string) bool {
	for i, r := range s {
		letter := unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || i > 0 && unicode.IsMark(r)
		if !letter && (i == 0 || !strings.ContainsRune(" -.:/", r)) {
			return false
		}
	}
	return strings.TrimSpace(s) == s
}

// quoted keeps what strangers wrote from filling a message.
func quoted(s string) string {
	if r := []rune(s); len(r) > 40 {
		s = string(r[:40]) + "…"
	}
	return strconv.Quote(s)
}
