package compose

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

func TestBlocks(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       []Block
	}{
		{"paragraphs", "<p>The ferry sails.</p>\n<p>  It is\nlate. </p>", []Block{
			{"paragraph", "The ferry sails.", "The ferry sails."}, {"paragraph", "It is late.", "It is late."},
		}},
		{"bare text", "The ferry <em>sails</em>.<p>It is late.</p>At last.", []Block{
			{"paragraph", "The ferry <em>sails</em>.", "The ferry sails."}, {"paragraph", "It is late.", "It is late."}, {"paragraph", "At last.", "At last."},
		}},
		{"empty paragraphs vanish", "<p> </p><p>&nbsp;</p><p><br></p><p>&#8203;</p><div></div><p>It is late.</p>", []Block{{"paragraph", "It is late.", "It is late."}}},
		{"a link and its address", `<p>See <a href="https://harbour.example/a?b=1&amp;c=2">the <b>whole</b> table</a>, now.</p>`, []Block{
			{"paragraph", `See <a href="https://harbour.example/a?b=1&amp;c=2">the <strong>whole</strong> table</a>, now.`, "See the whole table <https://harbour.example/a?b=1&c=2>, now."},
		}},
		{"a link that shows its address", `<p><a href="https://www.harbour.example/">harbour.example</a> and <a href="mailto:desk@example.org">desk@example.org</a></p>`, []Block{
			{"paragraph", `<a href="https://www.harbour.example/">harbour.example</a> and <a href="mailto:desk@example.org">desk@example.org</a>`, "harbour.example and desk@example.org"},
		}},
		{"links that lead nowhere", `<p><a href="javascript:alert(1)">a</a> <a href="/b">b</a> <a>c</a></p>`, []Block{{"paragraph", "a b c", "a b c"}}},
		{"lists flatten", "<ul><li>One</li><li><p>Two</p><p>more of two</p><ol><li>Two A</li></ol></li></ul><ol><li>Three</li></ol>", []Block{
			{"bullet", "One", "One"}, {"bullet", "Two", "Two"}, {"paragraph", "more of two", "more of two"}, {"number", "Two A", "Two A"}, {"number", "Three", "Three"},
		}},
		{"quote, heading, code", "<h3>Tides</h3><blockquote><p>We had eggs.</p><p>Nobody came.</p></blockquote><pre>a  b\n  c</pre>", []Block{
			{"heading", "Tides", "Tides"}, {"quote", "We had eggs.", "We had eggs."}, {"quote", "Nobody came.", "Nobody came."}, {"pre", "a  b<br>  c", "a  b\n  c"},
		}},
		{"line breaks", "<p>14 Chandler Row<br>Port Averne</p>One<br><br>Two<br/> <br/>Three", []Block{
			{"paragraph", "14 Chandler Row<br>Port Averne", "14 Chandler Row\nPort Averne"}, {"paragraph", "One", "One"}, {"paragraph", "Two", "Two"}, {"paragraph", "Three", "Three"},
		}},
		{"figures and captions are passed over", "<figure><img src=x><figcaption>The quay.</figcaption></figure><p>Text.</p>", []Block{{"paragraph", "Text.", "Text."}}},
		{"scripts and styles are passed over", "<p>A<script>alert('<p>')</script>B<style>p{}</style></p>", []Block{{"paragraph", "AB", "AB"}}},
		{"markup in text stays text", "<p>&lt;b&gt;5 &amp; 6&lt;/b&gt; {{.}}</p>", []Block{{"paragraph", "&lt;b&gt;5 &amp; 6&lt;/b&gt; {{.}}", "<b>5 & 6</b> {{.}}"}}},
		{"unbalanced tags", "<p>A <em>b <strong>c</p></div></em><p>d</p></blockquote>", []Block{
			{"paragraph", "A <em>b </em><strong><em>c</em></strong>", "A b c"}, {"paragraph", "<strong>d</strong>", "d"},
		}},
		{"table", "<table><tr><td>Skerrow</td><td>05:40</td></tr><tr><td>Lowholm</td><td>06:10</td></tr></table>", []Block{
			{"paragraph", "Skerrow 05:40", "Skerrow 05:40"}, {"paragraph", "Lowholm 06:10", "Lowholm 06:10"},
		}},
		{"no body", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []Block
			for _, p := range blocks(c.body) {
				got = append(got, p.Block)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error("(-want +got)", diff)
			}
		})
	}
}

func TestBlocksOfAnyDepth(t *testing.T) {
	deep := strings.Repeat("<div><ul><li><blockquote><em>", 50_000)
	got := blocks(deep + "It is late.")
	if len(got) != 1 || got[0].plain != "It is late." {
		t.Fatalf("got %d blocks", len(got))
	}
	if len(got[0].HTML) > 100 {
		t.Errorf("the depth of the source came through: %d bytes", len(got[0].HTML))
	}
}

// FuzzBlocks holds what blocks writes to the elements that it promises.
func FuzzBlocks(f *testing.F) {
	for _, seed := range []string{
		"<p>The <a href='https://a.example'>ferry</a></p>", "<ul><li>a<ol><li>b", "<pre>\n a\n</pre>", "a<br><br>b", "<a href='javascript:x'>x",
		"<svg><a xlink:href=x>", "<!--", "<p title=\"</p><script>\">", "<sup><sub><code>x", "<q>a</q>", "<noscript><p>x", "&lt;script&gt;", "<a href=\"https://a.example/\"onclick=x>",
	} {
		f.Add(seed)
	}
	allowed := map[string]bool{"a": true, "em": true, "strong": true, "code": true, "br": true, "sup": true, "sub": true}
	f.Fuzz(func(t *testing.T, body string) {
		for _, p := range blocks(body) {
			if strings.TrimSpace(p.Text) == "" {
				t.Errorf("an empty block: %+v", p)
			}
			var open []string
			z := html.NewTokenizer(strings.NewReader(p.HTML))
			for z.Next() != html.ErrorToken {
				token := z.Token()
				switch token.Type {
				case html.TextToken:
				case html.StartTagToken:
					if !allowed[token.Data] {
						t.Errorf("<%s> in %q", token.Data, p.HTML)
					}
					for _, a := range token.Attr {
						if token.Data != "a" || a.Key != "href" || linkAddress(a.Val) == "" {
							t.Errorf("%s=%q in %q", a.Key, a.Val, p.HTML)
						}
					}
					if token.Data != "br" {
						open = append(open, token.Data)
					}
				case html.EndTagToken:
					if len(open) == 0 || open[len(open)-1] != token.Data {
						t.Errorf("</%s> out of place in %q", token.Data, p.HTML)
						return
					}
					open = open[:len(open)-1]
				default:
					t.Errorf("%v in %q", token, p.HTML)
				}
			}
			if len(open) > 0 {
				t.Errorf("%v left open in %q", open, p.HTML)
			}
		}
	})
}
