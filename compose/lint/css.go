package lint

import (
	"strings"
)

// Limits of a style sheet: more is not read.
const (
	maxRules   = 4000
	maxNesting = 8
)

// sheet is a style block taken apart.
type sheet struct {
	rules    []cssRule
	at       []atRule
	nestedAt int  // line of the first at-rule within another; 0: none
	nesting  int  // line of the first rule within a rule; 0: none
	broken   bool // a brace or a string stays open
}

type cssRule struct {
	media     []string // conditions of the @media around it
	selectors []string
	decls     []declaration
	line      int
}

type atRule struct {
	name    string // with @, lower case
	prelude string
	line    int
}

type declaration struct {
	property  string // lower case
	value     string // without !important
	important bool
}

// readSheet takes a style block apart as CSS Syntax 3 does, as far as a letter
// needs: comments, strings, rules, at-rules with rules inside. It reads once
// from front to end.
func readSheet(text string, line int) sheet {
	s := &sheetReader{text: text, line: line}
	s.list(nil, 0, false)
	return s.sheet
}

type sheetReader struct {
	sheet
	text string
	at   int
	line int
}

// list reads rules up to a closing brace or the end.
func (s *sheetReader) list(media []string, depth int, inAt bool) {
	for len(s.rules) < maxRules {
		prelude, end := s.until("{};")
		head := strings.TrimSpace(strings.NewReplacer("<!--", "", "-->", "").Replace(prelude))
		line := s.line
		if strings.HasPrefix(head, "@") {
			name, rest := splitWord(head)
			rule := atRule{name: strings.ToLower(name), prelude: strings.TrimSpace(rest), line: line}
			s.sheet.at = append(s.sheet.at, rule)
			if inAt && s.nestedAt == 0 {
				s.nestedAt = line
			}
			if end == '{' {
				s.inAt(rule, media, depth)
			}
		} else if end == '{' {
			s.rule(head, media, line, depth)
		}
		switch {
		case end == 0:
			return
		case end == '}' && depth > 0:
			return
		}
	}
}

// inAt reads the block of an at-rule.
func (s *sheetReader) inAt(rule atRule, media []string, depth int) {
	switch {
	case depth >= maxNesting:
		s.skip()
	case rule.name == "@media":
		s.list(append(media[:len(media):len(media)], strings.ToLower(rule.prelude)), depth+1, true)
	case rule.name == "@supports", rule.name == "@layer", rule.name == "@container":
		s.list(append(media[:len(media):len(media)], rule.name), depth+1, true)
	default: // @font-face, @keyframes, @page: no rules that elements match
		s.skip()
	}
}

// rule reads the declarations of a style rule.
func (s *sheetReader) rule(head string, media []string, line, depth int) {
	r := cssRule{media: media, line: line}
	for _, selector := range splitOutside(head, ',') {
		r.selectors = append(r.selectors, strings.Join(strings.Fields(selector), " "))
	}
	for {
		text, end := s.until("{};")
		if end == '{' {
			if s.nesting == 0 {
				s.nesting = s.line
			}
			if depth >= maxNesting {
				s.skip()
			} else {
				s.rule("&", media, s.line, depth+1)
			}
			continue
		}
		if d, ok := readDeclaration(text); ok {
			r.decls = append(r.decls, d)
		}
		if end != ';' {
			break
		}
	}
	if head != "&" {
		s.rules = append(s.rules, r)
	}
}

// until reads up to one of the stops outside of strings, comments and brackets
// and returns what stood before without comments, and the stop; 0 at the end.
func (s *sheetReader) until(stops string) (string, byte) {
	var b strings.Builder
	round := 0
	for s.at < len(s.text) {
		c := s.text[s.at]
		switch {
		case c == '\n':
			s.line++
		case strings.HasPrefix(s.text[s.at:], "/*"):
			end := strings.Index(s.text[s.at+2:], "*/")
			if end < 0 {
				s.broken = true
				s.at = len(s.text)
				return b.String(), 0
			}
			s.line += strings.Count(s.text[s.at:s.at+2+end], "\n")
			s.at += end + 4
			b.WriteByte(' ')
			continue
		case c == '\\' && s.at+1 < len(s.text):
			b.WriteByte(c)
			s.at++
			c = s.text[s.at]
		case c == '"' || c == '\'':
			end := closing(s.text[s.at:], c)
			b.WriteString(s.text[s.at : s.at+end])
			s.line += strings.Count(s.text[s.at:s.at+end], "\n")
			s.at += end
			continue
		case c == '(':
			round++
		case c == ')':
			round = max(0, round-1)
		case strings.IndexByte(stops, c) >= 0 && (round == 0 || c == '}'):
			s.at++
			return b.String(), c
		}
		b.WriteByte(c)
		s.at++
	}
	return b.String(), 0
}

// skip reads over a block and all within.
func (s *sheetReader) skip() {
	for depth := 1; depth > 0; {
		_, end := s.until("{}")
		switch end {
		case '{':
			depth++
		case '}':
			depth--
		default:
			s.broken = true
			return
		}
	}
}

// closing is where a string that begins with quote ends, behind its last byte:
// at its quote or, as CSS has it, at the end of the line.
func closing(text string, quote byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case quote:
			return i + 1
		case '\n':
			return i
		}
	}
	return len(text)
}

// readDeclaration reads "property: value !important".
func readDeclaration(text string) (declaration, bool) {
	property, value, ok := strings.Cut(text, ":")
	property = strings.TrimSpace(property)
	if !ok || property == "" || strings.ContainsAny(property, " \t\n{}") {
		return declaration{}, false
	}
	d := declaration{property: property, value: strings.TrimSpace(value)}
	if !strings.HasPrefix(property, "--") {
		d.property = strings.ToLower(property)
	}
	if bang := strings.LastIndexByte(d.value, '!'); bang >= 0 && strings.EqualFold(strings.TrimSpace(d.value[bang+1:]), "important") {
		d.important, d.value = true, strings.TrimSpace(d.value[:bang])
	}
	return d, true
}

// readStyle reads a style attribute.
func readStyle(text string) []declaration {
	if text == "" {
		return nil
	}
	var out []declaration
	s := &sheetReader{text: text}
	for {
		part, end := s.until(";")
		if d, ok := readDeclaration(part); ok {
			out = append(out, d)
		}
		if end == 0 {
			return out
		}
	}
}

func splitWord(text string) (word, rest string) {
	if i := strings.IndexAny(text, " \t\r\n("); i >= 0 {
		return text[:i], text[i:]
	}
	return text, ""
}

// splitOutside splits at a byte that stands in no brackets and no string.
func splitOutside(text string, at byte) []string {
	var out []string
	depth, from := 0, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		case c == '"' || c == '\'':
			i += closing(text[i:], c) - 1
		case c == at && depth <= 0:
			out = append(out, text[from:i])
			from = i + 1
		}
	}
	return append(out, text[from:])
}
