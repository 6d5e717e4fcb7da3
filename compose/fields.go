package compose

import (
	"fmt"
	"regexp"
	"sort"
	"strings"

	"lede/internal/spelling"
)

// Expand fills in the words of an editor's text: {lead}, {newsletter} and
// {date} from values, {name|fallback} by the function fields, which gives what
// is to stand there: a field's token in a letter, the fallback where nobody is
// addressed. With {word|fallback} the fallback stands in for an empty value
// too. "{{" is a literal brace, and so is a "}" that closes nothing. A word
// that is neither in values nor "name" is an error, as is a brace that is not
// closed. Without fields, {name} is unknown.
func Expand(text string, values map[string]string, fields func(name, fallback string) string) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		if strings.HasPrefix(rest, "{") {
			out.WriteByte('{')
			text = rest[1:]
			continue
		}
		inside, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", fmt.Errorf("%q: the brace is not closed; a literal brace is written {{", "{"+short(rest))
		}
		word, fallback, _ := strings.Cut(inside, "|")
		word, fallback = strings.TrimSpace(word), strings.TrimSpace(fallback)
		value, isValue := values[word]
		switch {
		case isValue && value == "":
			out.WriteString(fallback)
		case isValue:
			out.WriteString(value)
		case word == string(FieldSubscriberName) && fields != nil:
			out.WriteString(fields(word, fallback))
		default:
			return "", unknownWord(inside, word, values, fields != nil)
		}
		text = after
	}
}

func unknownWord(inside, word string, values map[string]string, fields bool) error {
	var known []string
	for v := range values {
		known = append(known, v)
	}
	if fields {
		known = append(known, string(FieldSubscriberName))
	}
	sort.Strings(known)
	hint := "there is " + "{" + strings.Join(known, "}, {") + "}"
	if len(known) == 0 {
		hint = "nothing can be filled in here"
	}
	if near := spelling.Nearest(word, known); near != "" {
		hint = "did you mean {" + near + "}?"
	}
	return fmt.Errorf("{%s}: unknown word, %s; a literal brace is written {{", short(inside), hint)
}

// short keeps a quotation in a message to one short line.
func short(s string) string {
	s = clean(s)
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// fieldSet collects the fields of one letter and makes their tokens.
//
// A token is LF, the letter's nonce, x, the field's index and Z: letters and
// digits only, so that no escaping of text, attribute, address or header
// touches it, and with 64 random bits, so that no story holds it by chance or
// by guessing.
type fieldSet struct {
	nonce  string
	fields []Field
}

var nonceForm = regexp.MustCompile(`^[0-9a-f]{16}$`)

func newFieldSet(nonce string) (*fieldSet, error) {
	if !nonceForm.MatchString(nonce) {
		return nil, fmt.Errorf("rendering: the nonce %q is not 16 hexadecimal digits", nonce)
	}
	f := &fieldSet{nonce: nonce}
	f.token(FieldUnsubscribe, "")
	f.token(FieldView, "")
	return f, nil
}

// token returns the token of a field: the same for the same name and fallback.
func (f *fieldSet) token(name FieldName, fallback string) string {
	for _, field := range f.fields {
		if field.Name == name && field.Fallback == fallback {
			return field.Token
		}
	}
	token := fmt.Sprintf("LF%sx%dZ", f.nonce, len(f.fields))
	f.fields = append(f.fields, Field{Token: token, Name: name, Fallback: fallback})
	return token
}

// name is the function that Expand asks for tokens.
func (f *fieldSet) name(name, fallback string) string {
	return f.token(FieldName(name), clean(fallback))
}

var tokenTail = regexp.MustCompile(`^x[0-9]+Z`)

// verify holds a rendered text against the fields: each token in it is whole
// and known, and none was set in other letters.
func (f *fieldSet) verify(where, text string) error {
	known := map[string]bool{}
	for _, field := range f.fields {
		known[field.Token] = true
	}
	mark := "LF" + f.nonce
	if strings.Count(strings.ToLower(text), strings.ToLower(mark)) != strings.Count(text, mark) {
		return fmt.Errorf("%s holds a field's token in capitals or small letters: the theme changes it", where)
	}
	for _, after, found := strings.Cut(text, mark); found; _, after, found = strings.Cut(after, mark) {
		if token := mark + tokenTail.FindString(after); !known[token] {
			return fmt.Errorf("%s holds %q, which is not the token of a field: the theme changes or cuts it", where, token)
		}
	}
	return nil
}
