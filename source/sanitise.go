package source

import (
	"html"
	"net/url"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
)

// Sanitise makes HTML from outside safe and even: paragraphs, headings, lists,
// quotations and preformatted text with emphasis, code, links, superior and
// inferior text. There is no attribute but the href of a link, which is an
// absolute http, https or mailto address; links that lead elsewhere lose their
// tag and keep their text. Scripts, styles, frames, forms and foreign markup
// go with their contents. Running text always stands in a block, and two line
// breaks part paragraphs.
//
// base is what relative links are resolved against; if it is empty they lose
// their tag. Sanitise is idempotent for what is shorter than a megabyte;
// longer HTML is cut there.
func Sanitise(html, base string) string {
	return render(parseHTML(html, baseURL(base)).blocks)
}

// PlainText returns the text of HTML, its paragraphs parted by a blank line.
func PlainText(html string) string {
	return strings.Join(paragraphs(parseHTML(html, nil).blocks), "\n\n")
}

func baseURL(s string) *url.URL { return webURL(s, nil) }

// render writes blocks as HTML. The policy has the last word on it, so that a
// mistake in reading or writing lets nothing through.
func render(blocks []*block) string {
	var b strings.Builder
	for _, c := range blocks {
		writeBlock(&b, c)
	}
	return policy().Sanitize(b.String())
}

// policy lets through what Sanitise promises and nothing else.
var policy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "em", "strong", "ul", "ol", "li", "blockquote",
		"h1", "h2", "h3", "h4", "h5", "h6", "code", "pre", "sup", "sub")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(false)
	return p
})

func writeBlock(b *strings.Builder, c *block) {
	switch {
	case c.kind == "li":
		writeItem(b, c)
	case c.leaf():
		b.WriteString("<" + c.kind + ">")
		writeText(b, c)
		b.WriteString("</" + c.kind + ">")
	default:
		b.WriteString("<" + c.kind + ">")
		for _, k := range c.kids {
			writeBlock(b, k)
		}
		b.WriteString("</" + c.kind + ">")
	}
}

// writeItem writes a list item; its text needs no paragraph of its own if
// there is only one.
func writeItem(b *strings.Builder, c *block) {
	count := 0
	for _, k := range c.kids {
		if k.leaf() {
			count++
		}
	}
	b.WriteString("<li>")
	for i, k := range c.kids {
		if i == 0 && count == 1 && k.kind == "p" {
			writeText(b, k)
			continue
		}
		writeBlock(b, k)
	}
	b.WriteString("</li>")
}

func writeText(b *strings.Builder, leaf *block) {
	newline := "<br>"
	if leaf.kind == "pre" {
		newline = "\n"
	}
	var open []mark
	shut := func(n int) {
		for i := len(open) - 1; i >= n; i-- {
			b.WriteString("</" + open[i].tag + ">")
		}
		open = open[:n:n]
	}
	for _, c := range leaf.text {
		shut(len(common(open, c.marks)))
		for _, m := range c.marks[len(open):] {
			if m.tag == "a" {
				b.WriteString(`<a href="` + html.EscapeString(m.href) + `">`)
			} else {
				b.WriteString("<" + m.tag + ">")
			}
			open = append(open, m)
		}
		b.WriteString(strings.ReplaceAll(html.EscapeString(c.text), "\n", newline))
	}
	shut(0)
}
