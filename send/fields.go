package send

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"lede/compose"
)

// longestName is how many characters of a subscriber's name are used. Nobody's
// name is longer; what is longer is an accident or an attack.
const longestName = 200

// part is a text cut at its fields: a literal, a field, a literal, and so on.
// There is always one literal more than there are fields.
type part struct {
	literals []string
	fields   []compose.Field
}

// values is what fills the fields for one recipient.
type values struct {
	name        string // cleaned; may be empty
	unsubscribe []byte // URL
	view        []byte // URL
}

// append appends what fills f.
func (v *values) append(dst []byte, f *compose.Field) []byte {
	switch f.Name {
	case compose.FieldUnsubscribe:
		return append(dst, v.unsubscribe...)
	case compose.FieldView:
		return append(dst, v.view...)
	default:
		return append(dst, v.nameOr(f.Fallback)...)
	}
}

// appendHTML is append, escaped for HTML.
func (v *values) appendHTML(dst []byte, f *compose.Field) []byte {
	switch f.Name {
	case compose.FieldUnsubscribe:
		return appendEscaped(dst, v.unsubscribe)
	case compose.FieldView:
		return appendEscaped(dst, v.view)
	default:
		return appendEscaped(dst, v.nameOr(f.Fallback))
	}
}

func (v *values) nameOr(fallback string) string {
	if v.name != "" {
		return v.name
	}
	return fallback
}

// anyToken is what a field token looks like whatever its nonce.
var anyToken = regexp.MustCompile(`LF[0-9a-f]{16}x[0-9]+Z`)

// cut cuts text at the tokens of fields. It refuses a text in which a token is
// left that no field explains: that mail would show it to everybody.
func cut(text string, fields []compose.Field) (part, error) {
	var p part
	for {
		at, found := len(text), -1
		for i, f := range fields {
			j := strings.Index(text, f.Token)
			if j < 0 {
				continue
			}
			// Of two tokens at one place the longer is meant.
			if j < at || j == at && found >= 0 && len(f.Token) > len(fields[found].Token) {
				at, found = j, i
			}
		}
		p.literals = append(p.literals, text[:at])
		if found < 0 {
			break
		}
		p.fields = append(p.fields, fields[found])
		text = text[at+len(fields[found].Token):]
	}
	for _, literal := range p.literals {
		if left := leftover(literal, fields); left != "" {
			return part{}, fmt.Errorf("field token %s is filled by no field", left)
		}
	}
	return p, nil
}

// leftover finds a token in text. A letter's tokens share a random nonce, so
// that only it counts and no story can stop an edition by looking like one.
func leftover(text string, fields []compose.Field) string {
	if !strings.Contains(text, "LF") {
		return ""
	}
	for _, token := range anyToken.FindAllString(text, -1) {
		if len(fields) == 0 {
			return token
		}
		for _, f := range fields {
			if len(f.Token) >= 18 && strings.HasPrefix(token, f.Token[:18]) {
				return token
			}
		}
	}
	return ""
}

// checkFields refuses fields that could not be filled, and makes the fallbacks
// as harmless as names are.
func checkFields(fields []compose.Field) ([]compose.Field, error) {
	fields = slices.Clone(fields)
	for i, f := range fields {
		if f.Token == "" {
			return nil, errors.New("a field without a token")
		}
		switch f.Name {
		case compose.FieldSubscriberName, compose.FieldUnsubscribe, compose.FieldView:
		default:
			return nil, fmt.Errorf("unknown field %q", f.Name)
		}
		fields[i].Fallback = clean(f.Fallback, longestName)
	}
	return fields, nil
}

// fill returns the part with its fields filled, as write appends them; nil: as
// they are.
func (p *part) fill(v *values, write func([]byte, *compose.Field) []byte) string {
	if len(p.fields) == 0 {
		return p.literals[0]
	}
	if write == nil {
		write = v.append
	}
	var b []byte
	for i, literal := range p.literals {
		b = append(b, literal...)
		if i < len(p.fields) {
			b = write(b, &p.fields[i])
		}
	}
	return string(b)
}

// appendEscaped appends s escaped for HTML text and for attributes in either
// kind of quotes, as html.EscapeString does.
func appendEscaped[T string | []byte](dst []byte, s T) []byte {
	for i := range len(s) {
		switch c := s[i]; c {
		case '&':
			dst = append(dst, "&amp;"...)
		case '<':
			dst = append(dst, "&lt;"...)
		case '>':
			dst = append(dst, "&gt;"...)
		case '"':
			dst = append(dst, "&#34;"...)
		case '\'':
			dst = append(dst, "&#39;"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// clean makes one harmless line of s: no control characters, no line ends of
// any kind, nothing that turns the direction of what follows, single spaces,
// valid UTF-8, at most limit characters (0: any number).
func clean(s string, limit int) string {
	if isClean(s, limit) {
		return s
	}
	var b strings.Builder
	n, space := 0, false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r) || r == '\u2028' || r == '\u2029' || r == '\u0085':
			space = b.Len() > 0
			continue
		case unicode.IsControl(r) || turns(r):
			continue
		}
		if space {
			n++
		}
		if n++; limit > 0 && n > limit {
			break
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// isClean says, without allocating, that clean would change nothing.
func isClean(s string, limit int) bool {
	if limit > 0 && len(s) > limit {
		return false
	}
	space := true
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == ' ' && space || c < ' ' || c == 0x7f {
			return false
		}
		space = c == ' '
		if c >= utf8.RuneSelf {
			return isCleanUnicode(s)
		}
	}
	return s == "" || !space
}

// isCleanUnicode is isClean for a text that is not ASCII alone.
func isCleanUnicode(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	space := true
	for _, r := range s {
		if r != ' ' && unicode.IsSpace(r) || r == ' ' && space || unicode.IsControl(r) || turns(r) || r == '\u2028' || r == '\u2029' {
			return false
		}
		space = r == ' '
	}
	return !space
}

// turns says that r changes the direction of the text after it, is no
// character at all, or is a byte order mark.
func turns(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == '\ufeff' || r&0xfffe == 0xfffe
}
