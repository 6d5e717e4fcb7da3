package compose

import (
	"html/template"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// inline returns a block's HTML as it may stand in a letter. Blocks are made
// by compose from sanitised stories; that they hold a[href], em, strong, code,
// br, sup and sub and nothing else is made sure of here once more, where the
// template stops escaping. Other elements leave their text; links that lead
// nowhere lose their tags. Elements left open are closed.
func inline(source string) template.HTML {
	var out strings.Builder
	var open []string
	tokens := html.NewTokenizerFragment(strings.NewReader(strings.ToValidUTF8(source, "\ufffd")), "p")
	for {
		switch tokens.Next() {
		case html.ErrorToken: // the end: reading from a string does not fail
			for i := len(open) - 1; i >= 0; i-- {
				out.WriteString("</" + open[i] + ">")
			}
			return template.HTML(out.String()) // every byte of it was written or escaped here
		case html.TextToken:
			out.WriteString(escape(string(tokens.Text())))
		case html.StartTagToken, html.SelfClosingTagToken:
			token := tokens.Token()
			switch token.DataAtom {
			case atom.Br:
				out.WriteString("<br>")
			case atom.A:
				if address := href(token); address != "" && !contains(open, "a") {
					out.WriteString(`<a href="` + escape(address) + `">`)
					open = append(open, "a")
				}
			case atom.Em, atom.Strong, atom.Code, atom.Sup, atom.Sub:
				out.WriteString("<" + token.Data + ">")
				open = append(open, token.Data)
			case atom.Script, atom.Style, atom.Textarea, atom.Title, atom.Xmp, atom.Iframe, atom.Noembed, atom.Noframes, atom.Plaintext, atom.Noscript:
				tokens.NextIsNotRawText() // what is in it is shown as text
			}
		case html.EndTagToken:
			name, _ := tokens.TagName()
			if !contains(open, string(name)) {
				continue
			}
			for last := ""; last != string(name); {
				last = open[len(open)-1]
				open = open[:len(open)-1]
				out.WriteString("</" + last + ">")
			}
		}
	}
}

func href(token html.Token) string {
	for _, a := range token.Attr {
		if a.Key == "href" {
			return link(a.Val)
		}
	}
	return ""
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// escape writes text for HTML, closing the directions of writing that it
// opens.
func escape(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r <= 0x9f {
			return -1
		}
		return r
	}, s)
	return htmlEscaper.Replace(closeDirections(s))
}

var htmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;")
