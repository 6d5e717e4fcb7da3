package compose

import (
	"bytes"
	"html"
	"net/url"
	"slices"
	"strings"
	"unicode"

	xhtml "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// The kinds of Block.
const (
	blockParagraph = "paragraph"
	blockHeading   = "heading"
	blockQuote     = "quote"
	blockBullet    = "bullet"
	blockNumber    = "number"
	blockPre       = "pre"
)

// blocks reads a story's body (HTML that has passed the sanitiser) into blocks
// of running text. It keeps links, emphasis, code, line breaks, superscripts
// and subscripts; everything else is dropped or becomes a paragraph. The HTML
// of a block is written here from plain text and checked addresses, so that no
// markup of the source gets through whatever the sanitiser let pass.
//
// It reads a stream of tags, not a tree: a body of any depth costs what its
// length costs.
func blocks(body string) []passage {
	r := blockReader{}
	z := xhtml.NewTokenizer(strings.NewReader(body))
	for {
		kind := z.Next()
		switch kind {
		case xhtml.ErrorToken:
			r.flush()
			return r.done
		case xhtml.TextToken:
			r.text(string(z.Text())) // Text has undone the entities
		case xhtml.StartTagToken, xhtml.SelfClosingTagToken:
			name, more := z.TagName()
			tag := atom.Lookup(name)
			href := ""
			for more {
				var key, value []byte
				key, value, more = z.TagAttr()
				if string(key) == "href" {
					href = string(value)
				}
			}
			if r.start(tag, href); kind == xhtml.SelfClosingTagToken && tag == r.skipped {
				r.end(tag) // <svg/> has nothing in it to pass over
			}
		case xhtml.EndTagToken:
			name, _ := z.TagName()
			r.end(atom.Lookup(name))
		}
	}
}

// plainBlocks makes paragraphs of plain text in which blank lines part them.
func plainBlocks(text string) []passage {
	var all []passage
	for paragraph := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		if line := oneLine(paragraph); line != "" {
			all = append(all, plainBlock(blockParagraph, line))
		}
	}
	return all
}

func plainBlock(kind, line string) passage {
	return passage{Block: Block{Kind: kind, HTML: html.EscapeString(line), Text: line}, plain: line}
}

// passage is a block together with its words alone, without the addresses of
// its links.
type passage struct {
	Block
	plain string
}

// told returns the blocks of passages.
func told(passages []passage) []Block {
	all := make([]Block, len(passages))
	for i, p := range passages {
		all[i] = p.Block
	}
	return all
}

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

// blockReader gathers the runs of the block that is open and knows in which
// lists, quotes and headings it stands.
type blockReader struct {
	done    []passage
	runs    []run
	style   style
	inside  []atom.Atom // open ul, ol, li, blockquote, pre, h1 to h6; bounded
	item    bool        // the next block is the first of a list item
	skipped atom.Atom   // the element whose content is passed over, 0 for none
	depth   int         // how deep in elements of that name
}

// deepestBlock is how many lists and quotes may stand in one another before
// further ones are read as plain paragraphs.
const deepestBlock = 32

func (r *blockReader) start(tag atom.Atom, href string) {
	if r.skipped != 0 {
		if tag == r.skipped {
			r.depth++
		}
		return
	}
	switch tag {
	case atom.Script, atom.Style, atom.Template, atom.Head, atom.Title, atom.Textarea, atom.Iframe, atom.Noscript,
		atom.Svg, atom.Math, atom.Select, atom.Button, atom.Object, atom.Video, atom.Audio, atom.Figcaption:
		r.skipped, r.depth = tag, 1
	case atom.A:
		r.style.href = linkAddress(href)
	case atom.Em, atom.I, atom.Cite, atom.Dfn, atom.Var:
		r.style.em++
	case atom.Strong, atom.B:
		r.style.strong++
	case atom.Code, atom.Kbd, atom.Samp, atom.Tt:
		r.style.code++
	case atom.Sup:
		r.style.super++
	case atom.Sub:
		r.style.sub++
	case atom.Q:
		r.text("“")
	case atom.Br:
		r.runs = append(r.runs, run{br: true})
	case atom.Td, atom.Th:
		r.text(" ")
	default:
		if isBlockTag(tag) {
			r.flush()
		}
		switch tag {
		case atom.Ul, atom.Ol, atom.Li, atom.Blockquote, atom.Pre, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
			if len(r.inside) < deepestBlock {
				r.inside = append(r.inside, tag)
			}
			r.item = tag == atom.Li
		}
	}
}

func (r *blockReader) end(tag atom.Atom) {
	if r.skipped != 0 {
		if tag == r.skipped {
			if r.depth--; r.depth == 0 {
				r.skipped = 0
			}
		}
		return
	}
	switch tag {
	case atom.A:
		r.style.href = ""
	case atom.Em, atom.I, atom.Cite, atom.Dfn, atom.Var:
		r.style.em = max(0, r.style.em-1)
	case atom.Strong, atom.B:
		r.style.strong = max(0, r.style.strong-1)
	case atom.Code, atom.Kbd, atom.Samp, atom.Tt:
		r.style.code = max(0, r.style.code-1)
	case atom.Sup:
		r.style.super = max(0, r.style.super-1)
	case atom.Sub:
		r.style.sub = max(0, r.style.sub-1)
	case atom.Q:
		r.text("”")
	default:
		if !isBlockTag(tag) {
			return
		}
		r.flush()
		for i, open := range slices.Backward(r.inside) {
			if open == tag {
				r.inside = r.inside[:i]
				break
			}
		}
	}
}

// isBlockTag reports tags at which running text breaks.
func isBlockTag(tag atom.Atom) bool {
	switch tag {
	case atom.P, atom.Div, atom.Ul, atom.Ol, atom.Li, atom.Blockquote, atom.Pre, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6,
		atom.Hr, atom.Table, atom.Thead, atom.Tbody, atom.Tfoot, atom.Tr, atom.Caption, atom.Dl, atom.Dt, atom.Dd, atom.Figure,
		atom.Section, atom.Article, atom.Header, atom.Footer, atom.Main, atom.Aside, atom.Nav, atom.Address, atom.Details, atom.Summary,
		atom.Form, atom.Fieldset, atom.Center, atom.Body, atom.Html:
		return true
	}
	return false
}

func (r *blockReader) text(s string) {
	if r.skipped != 0 {
		return
	}
	s = strings.Map(func(c rune) rune {
		if isDropped(c) {
			return -1
		}
		return c
	}, s)
	if s != "" {
		r.runs = append(r.runs, run{style: r.style, text: s})
	}
}

// kind says what the open block is, by the innermost list, quote or heading
// that it stands in.
func (r *blockReader) kind() string {
	first := r.item
	r.item = false
	for i, tag := range slices.Backward(r.inside) {
		switch tag {
		case atom.Pre:
			return blockPre
		case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
			return blockHeading
		case atom.Blockquote:
			return blockQuote
		case atom.Li:
			if !first {
				return blockParagraph // a further paragraph of the item
			}
			for _, list := range slices.Backward(r.inside[:i]) {
				if list == atom.Ol {
					return blockNumber
				}
				if list == atom.Ul {
					break
				}
			}
			return blockBullet
		}
	}
	return blockParagraph
}

// flush ends the open block. Two line breaks in a row part paragraphs, as in
// bodies that know no other.
func (r *blockReader) flush() {
	if !slices.ContainsFunc(r.runs, func(run run) bool { return isVisible(run.text) }) {
		r.runs = r.runs[:0]
		return
	}
	if kind := r.kind(); kind == blockPre {
		r.add(kind, trimRuns(r.runs))
	} else {
		for _, part := range splitAtBreaks(collapseSpace(r.runs)) {
			r.add(kind, part)
			if kind == blockBullet || kind == blockNumber {
				kind = blockParagraph
			}
		}
	}
	r.runs = r.runs[:0]
}

func (r *blockReader) add(kind string, runs []run) {
	if len(runs) > 0 {
		b := Block{Kind: kind, HTML: runsHTML(runs), Text: runsText(runs, true)}
		r.done = append(r.done, passage{Block: b, plain: runsText(runs, false)})
	}
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
