package segment

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error says where an expression is wrong, what was expected, and what to do.
type Error struct {
	Source   string
	From, To int    // bytes of Source
	What     string // one line
	Hint     string // one line; may be empty
}

// Error is the complaint in one line, without the expression.
func (e *Error) Error() string {
	line, column := e.place()
	at := fmt.Sprintf("column %d", column)
	if strings.Contains(strings.TrimSpace(e.Source), "\n") {
		at = fmt.Sprintf("line %d, column %d", line, column)
	}
	return at + ": " + e.What
}

// place is where it is, counted from 1, columns in characters.
func (e *Error) place() (line, column int) {
	before := e.Source[:e.From]
	line = 1 + strings.Count(before, "\n")
	return line, 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
}

// widest is how many characters of a line are shown.
const widest = 100

// Caret shows the line that is wrong, and in a second one marks the place.
func (e *Error) Caret() string {
	start := strings.LastIndexByte(e.Source[:e.From], '\n') + 1
	line := e.Source[start:]
	if end := strings.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	}
	runes := []rune(strings.Map(visible, line))
	column := utf8.RuneCountInString(e.Source[start:e.From])
	marks := max(1, utf8.RuneCountInString(e.Source[e.From:min(e.To, start+len(line))]))
	if from := column - widest*2/3; from > 0 {
		runes = append([]rune{'…'}, runes[from:]...)
		column -= from - 1
	}
	if len(runes) > widest {
		runes = append(runes[:widest:widest], '…')
	}
	marks = max(1, min(marks, widest-column))
	return string(runes) + "\n" + strings.Repeat(" ", column) + strings.Repeat("^", marks)
}

// visible maps what would move the mark, or a terminal, to a blank.
func visible(r rune) rune {
	if r < ' ' || 0x7f <= r && r < 0xa0 {
		return ' '
	}
	return r
}
