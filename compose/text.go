package compose

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"lede/templates"
)

// textPart sets a letter's text part: with the same data as the HTML, its links
// where the newsletter wants them, its lines in the direction of its language.
func textPart(r Recipe, e Edition, t *templates.Theme, view *templates.Letter) (string, error) {
	var notes *footnotes
	if r.TextLinks == linksFootnotes {
		// A letter of its own, since the marks are for the text part alone.
		s := newSetting(r, e, false)
		s.page.Look = t.Look
		view = s.letter(view.Subject, view.Preheader, view.Greeting, addresses{unsubscribe: view.Footer.Unsubscribe, view: view.Footer.View})
		notes = &footnotes{}
		notes.mark(view)
	}
	text, err := execute(t.Text.ExecuteTemplate, "text", view)
	if err != nil {
		return "", err
	}
	text = tidy(text)
	if notes != nil {
		text = notes.list(text, view)
	}
	if view.RTL {
		text = fromTheRight(text)
	}
	return text, nil
}

// clean makes a text of one line safe to stand beside other text: broken
// UTF-8 becomes U+FFFD, control characters go, white space and line breaks
// become single spaces, and directions of writing that the text opens are
// closed, so that they can't turn round what follows.
func clean(s string) string {
	if plain(s) {
		return s
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\u00a0' || r == '\u202f': // no-break spaces stay
			return r
		case unicode.IsSpace(r) || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r) || r == '\ufeff':
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	return closeDirections(strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }), " "))
}

// plain says whether clean has nothing to do: printable ASCII with single
// spaces inside, which most texts are.
func plain(s string) bool {
	last := byte(' ')
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < ' ' || c > '~' || c == ' ' && last == ' ' {
			return false
		}
		last = c
	}
	return len(s) == 0 || last != ' '
}

// cleanLines is clean for text of several lines, which stay lines.
func cleanLines(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i, line := range lines {
		lines[i] = clean(line)
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// cleanSpaced is cleanLines for text whose spaces mean something.
func cleanSpaced(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i, line := range lines {
		line = strings.ReplaceAll(strings.TrimRight(line, " \t"), "\t", "    ")
		words := strings.TrimLeft(line, " ")
		indent := line[:len(line)-len(words)]
		parts := strings.Split(words, " ")
		for j, part := range parts {
			parts[j] = clean(part)
		}
		lines[i] = indent + strings.Join(parts, " ")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// closeDirections ends the embeddings, overrides and isolates (UAX #9, 3.3)
// that a text leaves open, and drops ends that end nothing.
func closeDirections(s string) string {
	if !strings.ContainsFunc(s, isDirection) {
		return s
	}
	var out strings.Builder
	var open []rune // what closes each of those that are open
	for _, r := range s {
		switch r {
		case '\u202a', '\u202b', '\u202d', '\u202e': // LRE, RLE, LRO, RLO
			open = append(open, '\u202c')
		case '\u2066', '\u2067', '\u2068': // LRI, RLI, FSI
			open = append(open, '\u2069')
		case '\u202c', '\u2069': // PDF, PDI
			if len(open) == 0 || open[len(open)-1] != r {
				continue
			}
			open = open[:len(open)-1]
		}
		out.WriteRune(r)
	}
	for i := len(open) - 1; i >= 0; i-- {
		out.WriteRune(open[i])
	}
	return out.String()
}

func isDirection(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// link returns an address that a letter may link to: absolute, http or https,
// with a host and without white space. Any other gives an empty text: no link
// at all rather than one that leads nowhere.
func link(address string) string {
	address = strings.TrimSpace(address)
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	if !utf8.ValidString(address) || strings.ContainsFunc(address, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || isDirection(r) || strings.ContainsRune(`<>"\`+"`", r)
	}) {
		return u.String() // escapes all of these
	}
	return address
}

// together joins the words of a short name by no-break spaces. A long one may
// break: it would stick out of a phone's screen.
func together(s string) string {
	if utf8.RuneCountInString(s) > 30 {
		return s
	}
	return strings.ReplaceAll(s, " ", "\u00a0")
}

// tidy ends a text part: no spaces at the ends of lines, never more than two
// empty lines, no line break but the newline, one at the end.
func tidy(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	out := lines[:0]
	empty := 0
	for _, line := range lines {
		line = strings.TrimRight(line, " \t\r")
		if line == "" {
			if empty++; empty > 2 || len(out) == 0 {
				continue
			}
		} else {
			empty = 0
		}
		out = append(out, line)
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n") + "\n"
}
