package compose

import (
	"strings"

	"golang.org/x/text/unicode/bidi"
)

// rightToLeftMark is what a line begins with that is to be set from the right
// whatever its first word.
const rightToLeftMark = "\u200f"

// fromTheRight sets the lines of a text part that is written from right to left.
// Mail programs set a plain line by its first letter: one of an Arabic sentence
// that begins with a Latin name, or has no letter at all but a time or a number,
// would be set from the left. Such lines get a mark in front. Lines in Latin
// letters throughout, addresses and rules stay as they are.
func fromTheRight(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if turns(line) {
			lines[i] = rightToLeftMark + line
		}
	}
	return strings.Join(lines, "\n")
}

// turns says that a line would be set from the left and should not be.
func turns(line string) bool {
	if addressAlone.MatchString(line) || isRule(line) {
		return false
	}
	first, right, number := bidi.ON, false, false
	for i := 0; i < len(line); {
		properties, size := bidi.LookupString(line[i:])
		if size == 0 {
			break
		}
		class := properties.Class()
		switch class {
		case bidi.L, bidi.R, bidi.AL:
			if first == bidi.ON {
				first = class
			}
			right = right || class != bidi.L
		case bidi.EN, bidi.AN:
			number = true
		}
		i += size
	}
	switch first {
	case bidi.L:
		return right
	case bidi.ON:
		return number
	}
	return false
}
