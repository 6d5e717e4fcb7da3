package compose_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/clipperhouse/displaywidth"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v3"
	"golang.org/x/net/html"

	"lede/compose"
	"lede/templates"
)

// TestGoldenLanguages sets an edition in each language that has words, from
// testdata/languages: case.yaml (as for TestAssemble) gives html.txt, what the
// HTML says, a line an element, and text.txt, the text part. -update writes them
// anew.
func TestGoldenLanguages(t *testing.T) {
	for _, tag := range templates.Languages() {
		t.Run(tag, func(t *testing.T) {
			file := filepath.Join("testdata", "languages", tag+".txtar")
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatalf("every language has a golden edition: %v", err)
			}
			wanted := map[string]string{}
			for _, f := range archive.Files {
				wanted[f.Name] = string(f.Data)
			}
			var m morning
			decode := yaml.NewDecoder(bytes.NewReader([]byte(wanted["case.yaml"])))
			decode.KnownFields(true)
			if err := decode.Decode(&m); err != nil {
				t.Fatal(err)
			}
			if m.Recipe.Zone, err = time.LoadLocation(m.Zone); err != nil {
				t.Fatal(err)
			}
			if m.Recipe.Language != tag {
				t.Fatalf("%s is in %q", file, m.Recipe.Language)
			}
			in := m.input()
			in.Number = 212
			l := render(t, m.Recipe, compose.Assemble(m.Recipe, in))
			got := map[string]string{"html.txt": spoken(t, l.HTML), "text.txt": l.Text}
			if *update {
				archive.Files = append(archive.Files[:1], txtar.File{Name: "html.txt", Data: []byte(got["html.txt"])}, txtar.File{Name: "text.txt", Data: []byte(got["text.txt"])})
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			for name, text := range got {
				if diff := cmp.Diff(wanted[name], text); diff != "" {
					t.Errorf("%s: %s (-want +got)\n%s", file, name, diff)
				}
			}
		})
	}
}

// Wherever addresses stand in the text part, in every theme it has each link of
// the HTML, every line fits, and the HTML is the same.
func TestTextLinks(t *testing.T) {
	for _, name := range templates.Names() {
		theme, err := templates.Load(name, "")
		if err != nil {
			t.Fatal(err)
		}
		htmlOf := map[string]string{}
		for _, links := range []string{"inline", "footnotes"} {
			r := harbourRecipe()
			r.TextLinks = links
			l, err := compose.Render(r, harbourEdition(), theme, nonce)
			if err != nil {
				t.Fatalf("%s, %s: %v", name, links, err)
			}
			htmlOf[links] = l.HTML
			for _, link := range regexp.MustCompile(`<a [^>]*href="([^"]+)"`).FindAllStringSubmatch(l.HTML, -1) {
				if address := html.UnescapeString(link[1]); !strings.Contains(l.Text, address) {
					t.Errorf("%s, %s: the text part has no %s", name, links, address)
				}
			}
			for line := range strings.SplitSeq(l.Text, "\n") {
				if displaywidth.String(line) > 72 && !strings.Contains(line, "://") {
					t.Errorf("%s, %s: a line is too wide: %q", name, links, line)
				}
				if strings.ContainsFunc(line, func(r rune) bool { return r >= '\ufdd0' && r <= '\ufdef' }) {
					t.Errorf("%s, %s: a mark is left: %q", name, links, line)
				}
			}
			if list := strings.Contains(l.Text, "\nLinks\n[1] http"); list != (links == "footnotes") {
				t.Errorf("%s, %s: a list of addresses: %t", name, links, list)
			}
		}
		if htmlOf["inline"] != htmlOf["footnotes"] {
			t.Errorf("%s: the HTML differs", name)
		}
	}
}

// spoken is what an HTML letter says: the language and direction that it is in,
// and the text of each block on a line.
func spoken(t *testing.T, letter string) string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(letter))
	if err != nil {
		t.Fatal(err)
	}
	var out, line strings.Builder
	flush := func() {
		if text := strings.Join(strings.Fields(line.String()), " "); text != "" {
			out.WriteString(text + "\n")
		}
		line.Reset()
	}
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		switch {
		case n.Type == html.TextNode:
			line.WriteString(n.Data)
			return
		case n.Type == html.CommentNode, n.Data == "style":
			return
		case n.Data == "html":
			for _, a := range n.Attr {
				if a.Key == "lang" || a.Key == "dir" {
					line.WriteString(" " + a.Key + "=" + a.Val)
				}
			}
			flush()
		}
		for child := n.FirstChild; child != nil; child = child.NextSibling {
			walk(child)
		}
		switch n.Data {
		case "p", "h1", "h2", "h3", "td", "div", "title", "br", "li":
			flush()
		}
	}
	walk(doc)
	flush()
	return out.String()
}
