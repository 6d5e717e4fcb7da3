package source

import (
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"
	nethtml "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// How long one line from outside may be, in characters.
const (
	maxTitle = 300
	maxName  = 120
)

// oneLine makes plain text in one line of what may hold markup, entities (even
// escaped twice) and characters that nobody sees. It is never longer than
// limit characters and is cut at a word.
func oneLine(s string, limit int) string {
	if len(s) > 64*limit {
		s = s[:64*limit]
	}
	s = dropDangling(s)
	// Twice: what one system escaped, the next one often escapes again.
	for range 2 {
		before := s
		s = html.UnescapeString(stripTags(s))
		if s == before {
			break
		}
	}
	s = fold(clean(mendMojibake(stripTags(s))))
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	s = beginning(s, limit-1)
	if i := strings.LastIndexByte(s, ' '); i > len(s)/2 {
		s = strings.TrimRight(s[:i], " ,;:-–—")
	}
	return s + "…"
}

// beginning returns the first characters of a text, at most limit code points and
// none that readers see cut in two (grapheme clusters, UAX #29): no accent
// without its letter, no half of an emoji. A cluster that is longer than limit by
// itself is no character of any script, and is cut.
func beginning(s string, limit int) string {
	n, end := 0, 0
	for g := graphemes.FromString(s); g.Next(); end = g.End() {
		if n += utf8.RuneCountInString(g.Value()); n > limit {
			break
		}
	}
	if end > 0 {
		return s[:end]
	}
	for i := range s {
		if limit == 0 {
			return s[:i]
		}
		limit--
	}
	return s
}

// stripTags takes out HTML tags and the contents of scripts and styles. What
// only looks like a tag ("Vec<T>", "5 < 6") stays.
func stripTags(s string) string {
	if !strings.Contains(s, "<") {
		return s
	}
	var b strings.Builder
	z := nethtml.NewTokenizer(strings.NewReader(s))
	z.SetMaxBuf(1 << 20)
	hidden := ""
	for {
		tt := z.Next()
		if tt == nethtml.ErrorToken {
			break
		}
		raw := string(z.Raw())
		switch tt {
		case nethtml.TextToken:
			if hidden == "" {
				b.WriteString(raw)
			}
		case nethtml.StartTagToken, nethtml.SelfClosingTagToken, nethtml.EndTagToken:
			nameBytes, attrs := z.TagName()
			name := string(nameBytes)
			switch {
			case hidden != "":
				if tt == nethtml.EndTagToken && name == hidden {
					hidden = ""
				}
			case !knownTag(name) && !attrs && !strings.ContainsAny(name, "-:/"):
				b.WriteString(raw)
			case tt == nethtml.StartTagToken && (name == "script" || name == "style"):
				hidden = name
			case tt == nethtml.StartTagToken && !inlineTag(name), name == "br":
				b.WriteByte(' ')
			}
		}
	}
	return b.String()
}

func knownTag(name string) bool {
	return atom.Lookup([]byte(name)) != 0 && !attributeOnly[name]
}

// Names that the HTML table of atoms knows only as attributes or events.
var attributeOnly = map[string]bool{
	"accept": true, "action": true, "align": true, "alt": true, "async": true, "charset": true, "color": true,
	"content": true, "default": true, "defer": true, "for": true, "height": true, "href": true, "id": true, "is": true,
	"kind": true, "lang": true, "list": true, "loop": true, "max": true, "method": true, "min": true, "name": true,
	"open": true, "rel": true, "scope": true, "size": true, "sorted": true, "start": true, "step": true,
	"target": true, "type": true, "value": true, "width": true, "class": true, "updated": true, "typemustmatch": true,
}

func inlineTag(name string) bool {
	switch name {
	case "a", "abbr", "b", "bdi", "bdo", "cite", "code", "del", "dfn", "em", "font", "i", "ins", "kbd", "mark",
		"q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr", "img":
		return true
	}
	return false
}

// clean takes out characters that are not text: controls, the marks that turn
// the direction of what follows, and those without width. Joiners stay where
// they join: inside emoji and in scripts that need them.
func clean(s string) string {
	if isPlainASCII(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	prev := rune(0)
	for i, r := range s {
		switch {
		case r == utf8.RuneError:
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				continue
			}
		case r == '\n':
		case r == '\t', r == '\r', r == '\f', r == '\u2028', r == '\u2029', r == '\u0085':
			r = ' '
		case r == '\u200d' || r == '\u200c':
			next, _ := utf8.DecodeRuneInString(s[i+utf8.RuneLen(r):])
			if !joins(prev) || !joins(next) {
				continue
			}
		case unicode.Is(unicode.Cc, r), invisible(r):
			continue
		}
		b.WriteRune(r)
		prev = r
	}
	return b.String()
}

func isPlainASCII(s string) bool {
	for i := range len(s) {
		if (s[i] < ' ' && s[i] != '\n') || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// invisible: soft hyphens, zero-width marks, bidirectional controls (Trojan
// Source), interlinear marks, the byte order mark and tags used to smuggle text.
// Variation selectors and the tags of flags are left to emoji.
func invisible(r rune) bool {
	switch {
	case r == '\u00ad', r == '\u034f', r == '\u061c', r == '\u180e', r == '\ufeff', r == '\ufffe', r == '\uffff',
		r == '\u115f', r == '\u1160', r == '\u3164', r == '\uffa0',
		r >= '\u200b' && r <= '\u200f', r >= '\u202a' && r <= '\u202e', r >= '\u2060' && r <= '\u206f',
		r >= '\ufff9' && r <= '\ufffc', r >= 0xe0000 && r <= 0xe0fff, unicode.Is(unicode.Co, r):
		return true
	}
	return false
}

// joins: letters and marks of scripts in which a joiner changes how words are
// written, and the parts of an emoji.
func joins(r rune) bool {
	return unicode.In(r, unicode.Arabic, unicode.Syriac, unicode.Mongolian, unicode.Nko, unicode.Devanagari, unicode.Bengali,
		unicode.Gurmukhi, unicode.Gujarati, unicode.Oriya, unicode.Tamil, unicode.Telugu, unicode.Kannada, unicode.Malayalam,
		unicode.Sinhala, unicode.Khmer, unicode.Myanmar, unicode.Tibetan) ||
		unicode.Is(unicode.So, r) || r == '\ufe0f' || (r >= 0x1f3fb && r <= 0x1f3ff) || r == '\u2640' || r == '\u2642'
}

// fold makes single spaces of every run of white space.
func fold(s string) string { return strings.Join(strings.Fields(s), " ") }

// hasTag says whether a text is HTML: whether it holds a tag or comment that
// stripTags would take out.
func hasTag(s string) bool {
	if !strings.Contains(s, "<") {
		return false
	}
	z := nethtml.NewTokenizer(strings.NewReader(s))
	for {
		switch z.Next() {
		case nethtml.ErrorToken:
			return false
		case nethtml.CommentToken, nethtml.DoctypeToken:
			return true
		case nethtml.StartTagToken, nethtml.SelfClosingTagToken, nethtml.EndTagToken:
			name, attrs := z.TagName()
			if knownTag(string(name)) || attrs || strings.ContainsAny(string(name), "-:/") {
				return true
			}
		}
	}
}

var dangling = regexp.MustCompile(`<(?:/|/?([a-zA-Z][a-zA-Z0-9]*)(?:\s[^<>]*)?)$`)

// dropDangling takes off a tag that was cut in two, which is how systems leave
// HTML that they shortened as if it were text.
func dropDangling(s string) string {
	if m := dangling.FindStringSubmatchIndex(s); m != nil && (m[2] < 0 || knownTag(strings.ToLower(s[m[2]:m[3]]))) {
		return s[:m[0]]
	}
	return s
}
