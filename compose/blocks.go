package compose

import (
	"html"
	"slices"
	"strings"

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
