package segment

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of an expression.
const (
	maxSource = 4000 // bytes
	maxDepth  = 40   // parentheses and nots within each other
	maxTerms  = 100  // conditions
	maxValues = 100  // of one list
	maxText   = 200  // characters of a text
	maxDigits = 15   // of a number: as many as each engine compares exactly
)

type kind int

const (
	end    kind = iota
	word        // and, tag, plan
	text        // "paid"
	number      // 30, -1.5
	date        // 2026-03-01
	symbol      // = != < <= > >= ( ) ,
)

// token is a piece of an expression: bytes from to to of the source.
type token struct {
	kind     kind
	value    string // of a text what it says, of a word as it was written
	from, to int
}

// String names the token in an error.
func (t token) String() string {
	switch t.kind {
	case end:
		return "the end"
	case text:
		return "the text " + quote(t.value)
	}
	return t.value
}

// is says whether the token is this keyword or symbol.
func (t token) is(words ...string) bool {
	if t.kind != word && t.kind != symbol {
		return false
	}
	for _, w := range words {
		if strings.EqualFold(t.value, w) {
			return true
		}
	}
	return false
}

// lex cuts the source into tokens; the last one is the end.
func lex(source string) ([]token, *Error) {
	if len(source) > maxSource {
		return nil, &Error{Source: source, From: 0, To: 1, What: fmt.Sprintf("longer than %d characters", maxSource), Hint: "make several segments of it, and exclude those that must not get it"}
	}
	if !utf8.ValidString(source) {
		return nil, &Error{Source: strings.ToValidUTF8(source, "?"), What: "this is no UTF-8", To: 1}
	}
	var tokens []token
	for at := 0; at < len(source); {
		r, size := utf8.DecodeRuneInString(source[at:])
		if unicode.IsSpace(r) {
			at += size
			continue
		}
		t, err := next(source, at, r)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
		at = t.to
	}
	return append(tokens, token{kind: end, from: len(source), to: len(source)}), nil
}

// next reads the token that begins at a byte.
func next(source string, at int, r rune) (token, *Error) {
	rest := source[at:]
	switch {
	case r == '"' || r == '\'':
		return lexText(source, at, byte(r))
	case strings.ContainsRune("“”„«»‘’", r):
		return token{}, &Error{source, at, at + utf8.RuneLen(r), fmt.Sprintf("%c is a typographer's quotation mark", r), `write text in straight ones: "paid"`}
	case dateAt(rest):
		return token{date, rest[:10], at, at + 10}, nil
	case '0' <= r && r <= '9' || r == '-' && len(rest) > 1 && '0' <= rest[1] && rest[1] <= '9':
		n := 1 + span(rest[1:], "0123456789.")
		if !IsNumber(rest[:n]) {
			return token{}, &Error{source, at, at + n, rest[:n] + " is no number", fmt.Sprintf("write it like 30 or -1.5, with at most %d digits; a day like 2026-03-01; a postcode or a number of digits that is a name in quotation marks", maxDigits)}
		}
		return token{number, rest[:n], at, at + n}, nil
	case wordStart(r):
		n := strings.IndexFunc(rest, func(r rune) bool { return !wordStart(r) && r != '-' && !unicode.IsDigit(r) })
		if n < 0 {
			n = len(rest)
		}
		return token{word, rest[:n], at, at + n}, nil
	}
	for _, s := range []string{"!=", "<=", ">=", "<", ">", "=", "(", ")", ","} {
		if strings.HasPrefix(rest, s) {
			n := len(s)
			if s == "=" && strings.HasPrefix(rest, "==") {
				n = 2
			}
			return token{symbol, s, at, at + n}, nil
		}
	}
	size := utf8.RuneLen(r)
	e := &Error{source, at, at + size, fmt.Sprintf("%q means nothing here", r), ""}
	for _, other := range [][2]string{{"<>", "write !="}, {"!", "write not"}, {"&", "write and"}, {"|", "write or"}, {"[", "write lists in round brackets: (\"DE\", \"AT\")"}} {
		if strings.HasPrefix(rest, other[0]) {
			e.Hint = other[1]
			break
		}
	}
	return token{}, e
}

func wordStart(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.Is(unicode.Mn, r) }

// span is how many bytes at the beginning are of a set.
func span(s, set string) int { return len(s) - len(strings.TrimLeft(s, set)) }

// dateAt says whether a day begins the text, and ends there.
func dateAt(s string) bool {
	return IsDate(s) && (len(s) == 10 || !strings.ContainsRune("0123456789-", rune(s[10])))
}

// lexText reads a text in quotation marks, in which a backslash stands before a
// quotation mark or another backslash.
func lexText(source string, from int, mark byte) (token, *Error) {
	var b strings.Builder
	for at := from + 1; at < len(source); at++ {
		switch c := source[at]; {
		case c == mark:
			t := token{text, b.String(), from, at + 1}
			if utf8.RuneCountInString(t.value) > maxText {
				return token{}, &Error{source, from, at + 1, fmt.Sprintf("a text of more than %d characters", maxText), ""}
			}
			if i := strings.IndexFunc(t.value, unprintable); i >= 0 {
				return token{}, &Error{source, from, at + 1, "a line break or control character in a text", "close the quotation mark in the line where it begins"}
			}
			return t, nil
		case c == '\\':
			if at++; at == len(source) || source[at] != '"' && source[at] != '\'' && source[at] != '\\' {
				return token{}, &Error{source, at - 1, min(at+1, len(source)), `a backslash that stands before no quotation mark`, `write \\ for one backslash`}
			}
			b.WriteByte(source[at])
		default:
			b.WriteByte(c)
		}
	}
	return token{}, &Error{source, from, from + 1, "the quotation mark is not closed", ""}
}

// unprintable are the characters that no stored text has, or that JSON writers
// write in several ways.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError
}

// IsNumber says whether a text is a number: digits, maybe with a sign before and
// a decimal point among them, at most fifteen.
func IsNumber(s string) bool {
	body := strings.TrimPrefix(s, "-")
	whole, part, point := strings.Cut(body, ".")
	return digits(whole) && (!point || digits(part)) && len(whole)+len(part) <= maxDigits
}

// IsDate says whether a text begins with a day as in 2026-03-01. Whether there
// is such a day is not asked.
func IsDate(s string) bool {
	return len(s) >= 10 && digits(s[:4]) && s[4] == '-' && digits(s[5:7]) && s[7] == '-' && digits(s[8:10])
}

func digits(s string) bool { return s != "" && span(s, "0123456789") == len(s) }
