package lint

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// page is what the rules ask of a letter's HTML.
type page struct {
	styles []int     // bytes of each <style>
	links  []address // of a[href] and area[href], in order
	words  int       // words that a reader sees
}

type address struct {
	href string
	text string
}

// readPage reads a letter's HTML once for all rules. What is hidden
// (display:none) or stands outside of the body counts for no words.
func readPage(source string) page {
	var p page
	var hidden int // depth inside a hidden element
	var inBody, inStyle, inLink bool
	tokens := html.NewTokenizer(strings.NewReader(source))
	for {
		kind := tokens.Next()
		switch kind {
		case html.ErrorToken: // the end: reading from a string does not fail
			return p
		case html.TextToken:
			text := string(tokens.Text())
			switch {
			case inStyle:
				p.styles[len(p.styles)-1] += len(text)
			case inBody && hidden == 0:
				p.words += len(strings.Fields(text))
			}
			if inLink {
				p.links[len(p.links)-1].text += text
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			token := tokens.Token()
			void := kind == html.SelfClosingTagToken || isVoid(token.DataAtom)
			switch {
			case hidden > 0 && !void:
				hidden++
			case strings.Contains(strings.ReplaceAll(attribute(token, "style"), " ", ""), "display:none") && !void:
				hidden = 1
			}
			switch token.DataAtom {
			case atom.Body:
				inBody = true
			case atom.Style:
				inStyle = true
				p.styles = append(p.styles, 0)
			case atom.A, atom.Area:
				if has(token, "href") {
					p.links = append(p.links, address{href: attribute(token, "href")})
					inLink = token.DataAtom == atom.A
				}
			}
		case html.EndTagToken:
			name, _ := tokens.TagName()
			hidden = max(0, hidden-1)
			switch atom.Lookup(name) {
			case atom.Style:
				inStyle = false
			case atom.A:
				inLink = false
			}
		}
	}
}

func attribute(token html.Token, name string) string {
	for _, a := range token.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(token html.Token, name string) bool {
	for _, a := range token.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func isVoid(a atom.Atom) bool {
	switch a {
	case atom.Area, atom.Base, atom.Br, atom.Col, atom.Embed, atom.Hr, atom.Img, atom.Input, atom.Link, atom.Meta, atom.Source, atom.Track, atom.Wbr:
		return true
	}
	return false
}
