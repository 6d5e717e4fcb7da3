package compose

import (
	"unicode"
	"unicode/utf8"
)

// quotation is one quotation or bracket of a text.
type quotation struct {
	open   int    // byte offset of its opening mark
	close  int    // byte offset of its closing mark; -1 when the text ends inside it
	closer string // what closes it, with a space before it where its kind has one
}

// quotations finds the quotations and brackets of text, in the order of their
// opening marks. Apostrophes are none, nor are marks that close nothing. An
// opening mark that is never closed is a slip and is left out, unless
// unfinished says that the text goes on where we can't see it.
func quotations(text string, unfinished bool) []quotation {
	var all []quotation
	var slips []bool // by index in all
	var stack []int  // indices of those that are open
	before := ' '
	for i, r := range text {
		size := utf8.RuneLen(r)
		if r == utf8.RuneError {
			size = 1
		}
		after, _ := utf8.DecodeRuneInString(text[i+size:])
		if i+size == len(text) {
			after = ' '
		}
		if at := closes(all, stack, r, before, after); at >= 0 {
			for _, above := range stack[at+1:] {
				slips[above] = true
			}
			q := &all[stack[at]]
			q.close = i
			if q.closer == "“" || q.closer == "‘" {
				q.closer = string(r) // as this language writes it
			}
			stack = stack[:at]
		} else if closer := opens(r, before, after); closer != "" && !goesOn(all, stack, closer) {
			all = append(all, quotation{open: i, close: -1, closer: closer})
			slips = append(slips, false)
			stack = append(stack, len(all)-1)
		}
		before = r
	}
	if !unfinished {
		for _, open := range stack {
			slips[open] = true
		}
	}
	kept := all[:0]
	for i, q := range all {
		if !slips[i] {
			kept = append(kept, q)
		}
	}
	return kept
}

// deepest is how many quotations and brackets may stand in one another; what
// is opened beyond that is not looked at.
const deepest = 16

// closes returns the place in the stack of the innermost quotation that r
// closes, -1 for none.
func closes(all []quotation, stack []int, r, before, after rune) int {
	switch r {
	case '’', '‘':
		// Between letters it is an apostrophe.
		if unicode.IsLetter(after) || unicode.IsDigit(after) {
			return -1
		}
	case '“', '«', '»':
		// Each of them opens in one language and closes in another; what opens
		// follows a space.
		if unicode.IsSpace(before) && !unicode.IsSpace(after) && !unicode.IsPunct(after) {
			return -1
		}
	}
	for at := len(stack) - 1; at >= 0; at-- {
		closer := all[stack[at]].closer
		last, _ := utf8.DecodeLastRuneInString(closer)
		if last == r || last == '“' && r == '”' || last == '‘' && r == '’' {
			return at
		}
	}
	return -1
}

// opens returns what closes the quotation or bracket that r opens, empty when
// it opens none.
func opens(r, before, after rune) string {
	free := !unicode.IsLetter(before) && !unicode.IsDigit(before)
	ahead := !unicode.IsSpace(after)
	switch r {
	case '“':
		return "”"
	case '„':
		return "“"
	case '‘':
		if free && ahead {
			return "’"
		}
	case '‚':
		if free && ahead && (unicode.IsLetter(after) || unicode.IsDigit(after)) {
			return "‘"
		}
	case '”':
		if unicode.IsSpace(before) && ahead { // Swedish, Finnish
			return "”"
		}
	case '"':
		if free && ahead {
			return `"`
		}
	case '«':
		if unicode.IsSpace(after) {
			return "\u00a0»"
		}
		return "»"
	case '»':
		if unicode.IsSpace(before) && ahead { // Danish
			return "«"
		}
	case '‹':
		return "›"
	case '(':
		return ")"
	case '[':
		return "]"
	case '{':
		return "}"
	case '「':
		return "」"
	case '『':
		return "』"
	case '（':
		return "）"
	case '【':
		return "】"
	case '《':
		return "》"
	case '〈':
		return "〉"
	}
	return ""
}

// goesOn says that an opening quotation mark only takes up the quotation that
// is open already, as each paragraph of a long one does, or that the nesting is
// too deep to follow.
func goesOn(all []quotation, stack []int, closer string) bool {
	if len(stack) == 0 {
		return false
	}
	switch closer {
	case ")", "]", "}", "）", "】", "》", "〉":
		return len(stack) >= deepest
	}
	return all[stack[len(stack)-1]].closer == closer || len(stack) >= deepest
}

// openAt returns the quotations that are open after text[:end], outermost
// first.
func openAt(quotes []quotation, end int) []quotation {
	var open []quotation
	for _, q := range quotes {
		if q.open >= end {
			break
		}
		if q.close < 0 || q.close >= end {
			open = append(open, q)
		}
	}
	return open
}
