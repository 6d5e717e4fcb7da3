package compose_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"lede/compose"
	"lede/templates"
)

// Each word that a reader of the HTML sees, and each link, stands in the text
// part too, in every theme and kind of section; so does what stands under a
// picture.
func TestTextTellsWhatTheHTMLTells(t *testing.T) {
	for _, name := range templates.Names() {
		th, err := templates.Load(name, "")
		if err != nil {
			t.Fatal(err)
		}
		for variant, e := range map[string]compose.Edition{"letter": arranged(name), "measured": measured(), "kinds": everyKind()} {
			t.Run(name+"/"+variant, func(t *testing.T) {
				letter := setIn(t, th, harbourRecipe(), e)
				words, links := seen(t, letter.HTML)
				if len(words) < 100 || len(links) < 8 {
					t.Fatalf("%d words, %d links", len(words), len(links))
				}
				text := wordsOf(letter.Text)
				for _, w := range words {
					if !slices.Contains(text, w) {
						t.Errorf("the text part lacks the word %q", w)
					}
				}
				for _, l := range links {
					if !strings.Contains(letter.Text, l) {
						t.Errorf("the text part lacks the link %s", l)
					}
				}
			})
		}
	}
}

// seen are the words that show in a letter, and its links.
func seen(t *testing.T, doc string) (words, links []string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type == html.TextNode && shows(n) {
			words = append(words, wordsOf(n.Data)...)
		}
		if n.DataAtom != atom.A {
			continue
		}
		for _, a := range n.Attr {
			if a.Key == "href" {
				links = append(links, a.Val)
			}
		}
	}
	return words, links
}

func shows(n *html.Node) bool {
	for p := range n.Ancestors() {
		if p.DataAtom == atom.Head {
			return false
		}
		for _, a := range p.Attr {
			if a.Key == "style" && strings.Contains(a.Val, "display:none") {
				return false
			}
		}
	}
	return true
}

// wordsOf are a text's words, in lower case, without what is around them.
func wordsOf(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r)
	})
}
