package compose

import (
	"bytes"
	"html"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// style is what inline tags make of a run of text.
type style struct {
	href                         string
	em, strong, code, super, sub int
}

// run is text of one style; a line break is a run of its own.
type run struct {
	style style
	text  string
	br    bool
}

// isVisible says that a text has something to see.
func isVisible(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsGraphic(r) && !unicode.IsSpace(r) && r != '\u2800' && r != '\u3164'
	})
}

// collapseSpace makes each run of white space one space, across styles, and
// drops spaces beside line breaks.
func collapseSpace(runs []run) []run {
	var kept []run
	space := true // nothing yet, or a space stands before
	for _, in := range runs {
		if in.br {
			if len(kept) > 0 && !kept[len(kept)-1].br {
				kept[len(kept)-1].text = strings.TrimRight(kept[len(kept)-1].text, " ")
			}
			kept = append(kept, run{br: true})
			space = true
			continue
		}
		var b strings.Builder
		for _, c := range in.text {
			switch {
			case c == '\u00a0' || c == '\u202f':
				b.WriteRune(c)
				space = false
			case unicode.IsSpace(c):
				if !space {
					b.WriteByte(' ')
				}
				space = true
			default:
				b.WriteRune(c)
				space = false
			}
		}
		if b.Len() > 0 {
			kept = append(kept, run{style: in.style, text: b.String()})
		}
	}
	return trimRuns(kept)
}

// isDropped reports characters that have no place in running text: controls,
// and the marks that turn the direction of all that follows.
func isDropped(r rune) bool {
	return unicode.IsControl(r) && !unicode.IsSpace(r) || r == '\ufeff' || r == unicode.ReplacementChar ||
		r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// splitAtBreaks parts runs where two line breaks or more stand together.
func splitAtBreaks(runs []run) [][]run {
	var parts [][]run
	from := 0
	for i := 0; i < len(runs); i++ {
		if !runs[i].br {
			continue
		}
		to := i
		for to < len(runs) && runs[to].br {
			to++
		}
		if to-i > 1 {
			parts = append(parts, trimRuns(runs[from:i]))
			from = to
		}
		i = to
	}
	parts = append(parts, trimRuns(runs[from:]))
	return slices.DeleteFunc(parts, func(p []run) bool { return !isVisible(runsText(p, false)) })
}

// trimRuns takes spaces and line breaks off both ends.
func trimRuns(runs []run) []run {
	runs = slices.Clone(runs)
	for len(runs) > 0 {
		if runs[0].text = strings.TrimLeftFunc(runs[0].text, unicode.IsSpace); runs[0].text != "" {
			break
		}
		runs = runs[1:]
	}
	for len(runs) > 0 {
		last := &runs[len(runs)-1]
		if last.text = strings.TrimRightFunc(last.text, unicode.IsSpace); last.text != "" {
			break
		}
		runs = runs[:len(runs)-1]
	}
	return runs
}

// linkAddress returns an address that a letter may link to, empty for others.
func linkAddress(href string) string {
	u, err := url.Parse(strings.TrimSpace(href))
	if err != nil {
		return ""
	}
	switch {
	case (u.Scheme == "http" || u.Scheme == "https") && u.Host != "", u.Scheme == "mailto" && u.Opaque != "":
		return u.String()
	}
	return ""
}

// runsHTML writes runs as inline HTML: one link around all that it spans, the
// other tags inside it.
func runsHTML(runs []run) string {
	var b strings.Builder
	href := ""
	for _, run := range runs {
		if run.br {
			b.WriteString("<br>")
			continue
		}
		if run.style.href != href {
			if href != "" {
				b.WriteString("</a>")
			}
			if href = run.style.href; href != "" {
				b.WriteString(`<a href="` + html.EscapeString(href) + `">`)
			}
		}
		var tags []string
		for _, tag := range []struct {
			name string
			on   int
		}{{"strong", run.style.strong}, {"em", run.style.em}, {"code", run.style.code}, {"sup", run.style.super}, {"sub", run.style.sub}} {
			if tag.on > 0 {
				tags = append(tags, tag.name)
				b.WriteString("<" + tag.name + ">")
			}
		}
		// Only preformatted text still has lines of its own.
		b.WriteString(strings.ReplaceAll(html.EscapeString(run.text), "\n", "<br>"))
		for _, tag := range slices.Backward(tags) {
			b.WriteString("</" + tag + ">")
		}
	}
	if href != "" {
		b.WriteString("</a>")
	}
	return b.String()
}

// runsText writes runs as plain text. With addresses, a link's address follows
// its words in angle brackets, unless the words are the address.
func runsText(runs []run, addresses bool) string {
	var b []byte
	href, from := "", 0
	leave := func() {
		words := string(bytes.TrimSpace(b[from:]))
		shown := strings.TrimPrefix(href, "mailto:")
		if href == "" || !addresses || words == "" || bareAddress(words) == bareAddress(shown) {
			return
		}
		bare := bytes.TrimRight(b, " ")
		space := len(b) > len(bare)
		b = append(bare, " <"+shown+">"...)
		if space {
			b = append(b, ' ')
		}
	}
	for _, run := range runs {
		if run.br {
			b = append(b, '\n')
			continue
		}
		if run.style.href != href {
			leave()
			href, from = run.style.href, len(b)
		}
		b = append(b, run.text...)
	}
	leave()
	return string(b)
}

// bareAddress is an address as people write it in a text.
func bareAddress(s string) string {
	s = strings.ToLower(s)
	for _, prefix := range []string{"https://", "http://", "www."} {
		s = strings.TrimPrefix(s, prefix)
	}
	return strings.TrimSuffix(s, "/")
}
