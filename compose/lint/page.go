package lint

import (
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/net/html"
)

// Limits on the HTML that is looked at: what is deeper is taken as a child of
// the deepest, what is more is not looked at, and either is said.
const (
	maxDepth    = 256
	maxElements = 200_000
)

// page is a letter's HTML as the rules see it: a flat list of elements, each of
// which knows its parent, and the runs of text between the tags. It is read by
// one pass over the tokens, so that the time grows with the bytes alone, however
// they are nested.
type page struct {
	elements []element
	runs     []run
	styles   []block // each <style>
	links    []address
	words    int  // words that a reader sees
	doctype  bool // <!doctype html>
	deep     int  // line where the nesting passed maxDepth; 0: it did not
	cut      bool // more than maxElements
}

type element struct {
	tag    string
	attrs  []html.Attribute
	parent int // index, -1 for none; always less than the element's own
	line   int
	hidden bool // by display:none in its own style, or in one around it
	inBody bool
}

// run is text as it stands, entities resolved.
type run struct {
	element int // it stands in; -1 for none
	line    int
	text    string
}

// block is the text of a <style>.
type block struct {
	element int
	line    int
	text    string
}

// address is a link: a[href] or area[href].
type address struct {
	element int
	href    string
	text    string // what a reader sees of it, the alt of pictures with it
}

// attribute returns an attribute's value; ok says whether it is there.
func (e *element) attribute(name string) (value string, ok bool) {
	for _, a := range e.attrs {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func (e *element) value(name string) string {
	v, _ := e.attribute(name)
	return v
}

// place names an element for a person.
func (p *page) place(i int) string {
	if i < 0 || i >= len(p.elements) {
		return "HTML"
	}
	return fmt.Sprintf("line %d, <%s>", p.elements[i].line, p.elements[i].tag)
}

// reader builds a page.
type reader struct {
	page
	open   []int // indices of the open elements
	beyond int   // open elements deeper than maxDepth
	body   bool
	link   int // index of the open link, -1 for none
}

// readPage reads a letter's HTML once for all rules.
func readPage(source string) page {
	r := &reader{link: -1}
	line := 1
	tokens := html.NewTokenizer(strings.NewReader(source))
	for !r.cut {
		kind := tokens.Next()
		if kind == html.ErrorToken { // the end: reading from a string does not fail
			break
		}
		lines := bytes.Count(tokens.Raw(), []byte{'\n'})
		switch kind {
		case html.DoctypeToken:
			r.doctype = true
		case html.TextToken:
			r.text(line, string(tokens.Text()))
		case html.StartTagToken, html.SelfClosingTagToken:
			r.start(line, tokens.Token())
		case html.EndTagToken:
			name, _ := tokens.TagName()
			r.end(string(name))
		}
		line += lines
	}
	return r.page
}

// top is the innermost open element, -1 for none.
func (r *reader) top() int {
	if len(r.open) == 0 {
		return -1
	}
	return r.open[len(r.open)-1]
}

func (r *reader) text(line int, text string) {
	top := r.top()
	if top >= 0 && r.elements[top].tag == "style" {
		r.styles[len(r.styles)-1].text += text
		return
	}
	if r.link >= 0 {
		r.links[r.link].text += text
	}
	if strings.TrimSpace(text) == "" {
		return
	}
	r.runs = append(r.runs, run{element: top, line: line, text: text})
	if r.seen(top) {
		r.words += len(strings.Fields(text))
	}
}

// seen says whether text in an element is a reader's to see.
func (p *page) seen(i int) bool {
	if i < 0 {
		return false
	}
	e := &p.elements[i]
	return e.inBody && !e.hidden && e.tag != "script" && e.tag != "title" && e.tag != "noscript"
}

func (r *reader) start(line int, token html.Token) {
	if len(r.elements) >= maxElements {
		r.cut = true
		return
	}
	tag := token.Data
	r.imply(tag)
	parent := r.top()
	e := element{tag: tag, attrs: token.Attr, parent: parent, line: line}
	r.body = r.body || tag == "body"
	e.inBody = r.body
	if parent >= 0 {
		e.hidden = r.elements[parent].hidden
	}
	if style := e.value("style"); style != "" {
		e.hidden = e.hidden || strings.Contains(strings.ReplaceAll(strings.ToLower(style), " ", ""), "display:none")
	}
	i := len(r.elements)
	r.elements = append(r.elements, e)
	switch tag {
	case "style":
		r.styles = append(r.styles, block{element: i, line: line})
	case "a", "area":
		if href, ok := e.attribute("href"); ok {
			r.links = append(r.links, address{element: i, href: href, text: e.value("alt")})
			if tag == "a" {
				r.link = len(r.links) - 1
			}
		}
	case "img":
		if r.link >= 0 {
			r.links[r.link].text += " " + e.value("alt")
		}
	}
	if isVoid(tag) || token.Type == html.SelfClosingTagToken && strings.Contains(tag, ":") {
		return
	}
	if len(r.open) >= maxDepth {
		r.beyond++
		if r.deep == 0 {
			r.deep = line
		}
		return
	}
	r.open = append(r.open, i)
}

// closedBy lists the elements that a start tag ends, whose end tags may be left
// out (HTML, 13.1.2.4); it ends them no further out than the fence.
var closedBy = map[string]struct {
	ends  []string
	fence string
}{
	"td": {[]string{"td", "th"}, "table"},
	"th": {[]string{"td", "th"}, "table"},
	"tr": {[]string{"tr", "td", "th"}, "table"},
	"li": {[]string{"li"}, "ul"},
}

func (r *reader) imply(tag string) {
	rule, ok := closedBy[tag]
	for ok && r.beyond == 0 && len(r.open) > 0 {
		at := -1
		for i := len(r.open) - 1; i >= 0 && at < 0; i-- {
			open := r.elements[r.open[i]].tag
			if open == rule.fence || open == "ol" {
				return
			}
			for _, end := range rule.ends {
				if open == end {
					at = i
				}
			}
		}
		if at < 0 {
			return
		}
		r.open = r.open[:at]
	}
}

func (r *reader) end(tag string) {
	if tag == "a" {
		r.link = -1
	}
	if r.beyond > 0 {
		r.beyond--
		return
	}
	for i := len(r.open) - 1; i >= 0; i-- {
		if r.elements[r.open[i]].tag == tag {
			r.open = r.open[:i]
			return
		}
	}
}

func isVoid(tag string) bool {
	switch tag {
	case "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr":
		return true
	}
	return false
}

// in says whether an element stands in one of that tag.
func (p *page) in(i int, tag string) bool {
	for i >= 0 {
		if p.elements[i].tag == tag {
			return true
		}
		i = p.elements[i].parent
	}
	return false
}

// shown returns what a reader sees of the text, a run a line.
func (p *page) shown() string {
	var b strings.Builder
	for _, r := range p.runs {
		if p.seen(r.element) {
			b.WriteString(r.text)
			b.WriteByte('\n')
		}
	}
	return b.String()
}
