package source

import (
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

const (
	// What is longer is cut there: no newsletter tells a megabyte.
	maxHTML = 1 << 20
	// What is nested deeper is read as plain text; browsers stop at 512.
	maxNesting = 200
)

// document is HTML from outside, read.
type document struct {
	blocks []*block
	images []htmlImage
	// Of the links: how many there are, and how many say rel="sponsored".
	links, sponsored int
}

// htmlImage is an <img> of a document.
type htmlImage struct {
	url, alt, caption string
	hasAlt            bool
	width, height     string // attributes as written
}

// parseHTML reads HTML into blocks. Elements whose content is no text for
// readers are dropped whole; unknown ones only lose their tags. Addresses are
// resolved against base, which may be nil.
func parseHTML(s string, base *url.URL) document {
	if len(s) > maxHTML {
		s = strings.ToValidUTF8(s[:maxHTML], "")
	}
	s = strings.ReplaceAll(s, "\x00", "")
	if !deep(s) {
		context := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
		if nodes, err := html.ParseFragment(strings.NewReader(s), context); err == nil {
			return build(nodes, base)
		}
	}
	var text []*html.Node
	for _, p := range flatText(s) {
		n := &html.Node{Type: html.ElementNode, Data: "p"}
		n.AppendChild(&html.Node{Type: html.TextNode, Data: p})
		text = append(text, n)
	}
	return build(text, base)
}

// deep says whether elements are nested too deeply to be parsed: the parser
// and whoever walks its tree recurse.
func deep(s string) bool {
	z := html.NewTokenizer(strings.NewReader(s))
	depth := 0
	for {
		switch z.Next() {
		case html.ErrorToken:
			return false
		case html.StartTagToken:
			name, _ := z.TagName()
			if !unnested(string(name)) {
				depth++
			}
			if depth > maxNesting {
				return true
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			if !unnested(string(name)) && depth > 0 {
				depth--
			}
		}
	}
}

// unnested: void elements, and those that end where the next of them starts.
func unnested(name string) bool {
	switch name {
	case "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
		"p", "li", "dt", "dd", "option", "tr", "td", "th", "tbody", "thead", "tfoot":
		return true
	}
	return false
}

// flatText is the text of HTML that is too deep to be parsed.
func flatText(s string) []string {
	var out []string
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(s))
	hidden := false
	for {
		switch z.Next() {
		case html.ErrorToken:
			return append(out, b.String())
		case html.TextToken:
			if !hidden {
				b.Write(z.Text())
			}
		case html.StartTagToken:
			name, _ := z.TagName()
			hidden = dropped(string(name))
			if !inlineTag(string(name)) && b.Len() > 0 {
				out = append(out, b.String())
				b.Reset()
			}
		case html.EndTagToken:
			hidden = false
		}
	}
}

// dropped: elements whose content is not text for readers.
func dropped(name string) bool {
	switch name {
	case "script", "style", "iframe", "svg", "math", "noscript", "noembed", "noframes", "frameset", "frame", "object",
		"embed", "applet", "audio", "video", "canvas", "template", "form", "textarea", "select", "button", "input",
		"datalist", "head", "title", "meta", "link", "base", "xmp", "plaintext", "dialog", "map", "progress", "meter":
		return true
	}
	return false
}

// builder collects blocks while the tree is walked.
type builder struct {
	base  *url.URL
	doc   document
	open  []*block // containers, outermost first
	leaf  string   // kind of the leaf that text goes into; empty: p
	text  []chunk
	marks []mark
}

func build(nodes []*html.Node, base *url.URL) document {
	root := &block{kind: "root"}
	b := &builder{base: base, open: []*block{root}}
	for _, n := range nodes {
		b.node(n)
	}
	b.end()
	b.doc.blocks = root.kids
	return b.doc
}

func (b *builder) node(n *html.Node) {
	switch n.Type {
	case html.TextNode:
		b.write(n.Data)
		return
	case html.ElementNode:
	default:
		return
	}
	if n.Namespace != "" || dropped(n.Data) || hidden(n) {
		return
	}
	switch n.Data {
	case "br":
		b.text = append(b.text, chunk{"\n", b.marks})
	case "img":
		b.image(n)
	case "a":
		b.link(n)
	case "em", "i", "cite", "var", "dfn":
		b.mark(n, mark{tag: "em"})
	case "strong", "b":
		b.mark(n, mark{tag: "strong"})
	case "code", "kbd", "samp", "tt":
		b.mark(n, mark{tag: "code"})
	case "sup", "sub":
		b.mark(n, mark{tag: n.Data})
	case "q":
		b.write("“")
		b.kids(n)
		b.write("”")
	case "h1", "h2", "h3", "h4", "h5", "h6", "pre":
		b.leafBlock(n)
	case "ul", "ol", "blockquote":
		b.container(n, n.Data)
	case "menu", "dir":
		b.container(n, "ul")
	case "li":
		b.item(n)
	case "td", "th":
		b.write(" ")
		b.kids(n)
		b.write(" ")
	case "figure":
		b.figure(n)
	default:
		if inlineTag(n.Data) || n.Data == "label" {
			b.kids(n)
			return
		}
		b.part()
		b.kids(n)
		b.part()
	}
}

// part keeps what follows apart from what came before: in a block of its own,
// or inside a heading by a space.
func (b *builder) part() {
	if b.leaf != "" {
		b.write(" ")
	} else {
		b.end()
	}
}

func (b *builder) kids(n *html.Node) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.node(c)
	}
}

func (b *builder) write(s string) {
	if b.leaf == "pre" {
		s = strings.ReplaceAll(s, "\t", "    ")
	} else {
		s = strings.ReplaceAll(s, "\n", " ")
	}
	if s = clean(s); s != "" {
		b.text = append(b.text, chunk{s, b.marks})
	}
}

// mark puts a mark on the text inside n. A mark is never put on twice: the
// HTML parser would undo a link in a link.
func (b *builder) mark(n *html.Node, m mark) {
	before := b.marks
	if b.leaf != "pre" && !slices.ContainsFunc(before, func(o mark) bool { return o.tag == m.tag }) {
		b.marks = append(slices.Clip(before), m)
	}
	b.kids(n)
	b.marks = before
}

func (b *builder) link(n *html.Node) {
	href := ""
	if a := attr(n, "href"); a != nil {
		href = linkTarget(*a, b.base)
	}
	if href == "" {
		b.kids(n)
		return
	}
	b.doc.links++
	if rel := attr(n, "rel"); rel != nil && slices.Contains(strings.Fields(strings.ToLower(*rel)), "sponsored") {
		b.doc.sponsored++
	}
	b.mark(n, mark{"a", href})
}

// linkTarget is where a link leads if it may stay: http, https or mailto.
func linkTarget(href string, base *url.URL) string {
	u := parseURL(href, base)
	if u == nil {
		return ""
	}
	if u.Scheme == "mailto" {
		if u.Opaque == "" || !strings.Contains(u.Opaque, "@") {
			return ""
		}
		return stableURL(u)
	}
	if u = webURL(href, base); u == nil {
		return ""
	}
	return stableURL(u)
}

// stableURL writes an address such that reading and writing it again changes
// nothing; empty if there is no such form.
func stableURL(u *url.URL) string {
	s := u.String()
	again, err := url.Parse(s)
	if err != nil || again.String() != s {
		return ""
	}
	return s
}

func (b *builder) leafBlock(n *html.Node) {
	if b.leaf != "" { // a heading in a heading
		b.part()
		b.kids(n)
		b.part()
		return
	}
	b.end()
	before := b.marks
	b.leaf, b.marks = n.Data, nil
	b.kids(n)
	b.end()
	b.leaf, b.marks = "", before
}

func (b *builder) container(n *html.Node, kind string) {
	if b.leaf != "" {
		b.part()
		b.kids(n)
		b.part()
		return
	}
	b.end()
	top := b.open[len(b.open)-1].kind
	beside := top == "ul" || top == "ol" // a list holds items only
	if beside {
		b.push("li")
	}
	b.push(kind)
	b.kids(n)
	b.end()
	b.pop()
	if beside {
		b.pop()
	}
}

func (b *builder) item(n *html.Node) {
	if b.leaf != "" {
		b.part()
		b.kids(n)
		return
	}
	list := b.open[len(b.open)-1].kind
	loose := list != "ul" && list != "ol"
	b.end()
	if loose {
		b.push("ul")
	}
	b.push("li")
	b.kids(n)
	b.end()
	b.pop()
	if loose {
		b.pop()
	}
}

// figure reads a picture with its caption. The caption belongs to the picture
// and is no part of the running text; of a quotation or a table it is.
func (b *builder) figure(n *html.Node) {
	caption := find(n, "figcaption")
	if caption == nil || (find(n, "img") == nil && find(n, "video") == nil && find(n, "iframe") == nil) {
		b.part()
		b.kids(n)
		b.part()
		return
	}
	first := len(b.doc.images)
	caption.Parent.RemoveChild(caption)
	b.part()
	b.kids(n)
	b.part()
	text := strings.Join(paragraphs(build([]*html.Node{caption}, b.base).blocks), " ")
	for i := first; i < len(b.doc.images); i++ {
		b.doc.images[i].caption = text
	}
}

func (b *builder) image(n *html.Node) {
	var img htmlImage
	get := func(name string) string {
		if a := attr(n, name); a != nil {
			return *a
		}
		return ""
	}
	img.alt, img.width, img.height = oneLine(get("alt"), maxTitle), get("width"), get("height")
	img.hasAlt = img.alt != ""
	if class := get("class"); strings.Contains(class, "emoji") || strings.Contains(class, "wp-smiley") {
		b.write(img.alt)
		return
	}
	for _, name := range []string{"src", "data-src", "data-lazy-src"} {
		if src := get(name); src != "" && !strings.HasPrefix(src, "data:") {
			img.url = src
			break
		}
	}
	if img.url != "" {
		b.doc.images = append(b.doc.images, img)
	}
}

func (b *builder) push(kind string) {
	c := &block{kind: kind}
	top := b.open[len(b.open)-1]
	top.kids = append(top.kids, c)
	b.open = append(b.open, c)
}

// pop closes a container; one that holds nothing goes.
func (b *builder) pop() {
	c := b.open[len(b.open)-1]
	b.open = b.open[:len(b.open)-1]
	if len(c.kids) == 0 {
		top := b.open[len(b.open)-1]
		top.kids = top.kids[:len(top.kids)-1]
	}
}

// end closes the text that was being written and makes leaves of it.
func (b *builder) end() {
	text := b.text
	b.text = nil
	if len(text) == 0 {
		return
	}
	top := b.open[len(b.open)-1]
	add := func(leaf *block) {
		if leaf.plain() == "" {
			return
		}
		if top.kind == "ul" || top.kind == "ol" {
			leaf = &block{kind: "li", kids: []*block{leaf}}
		}
		top.kids = append(top.kids, leaf)
	}
	switch {
	case b.leaf == "pre":
		var s strings.Builder
		for _, c := range text {
			s.WriteString(c.text)
		}
		add(&block{kind: "pre", text: []chunk{{text: strings.Trim(s.String(), "\n")}}})
	case b.leaf != "":
		for i, c := range text {
			text[i].text = strings.ReplaceAll(c.text, "\n", " ")
		}
		for _, part := range splitLines(text) {
			add(&block{kind: b.leaf, text: part})
		}
	default:
		for _, part := range splitLines(text) {
			add(&block{kind: "p", text: part})
		}
	}
}

// hidden says whether browsers would not show an element.
func hidden(n *html.Node) bool {
	if attr(n, "hidden") != nil {
		return true
	}
	style := attr(n, "style")
	return style != nil && strings.Contains(strings.ToLower(strings.ReplaceAll(*style, " ", "")), "display:none")
}

func attr(n *html.Node, name string) *string {
	for i := range n.Attr {
		if n.Attr[i].Key == name && n.Attr[i].Namespace == "" {
			return &n.Attr[i].Val
		}
	}
	return nil
}

func find(n *html.Node, name string) *html.Node {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && d.Data == name {
			return d
		}
	}
	return nil
}
