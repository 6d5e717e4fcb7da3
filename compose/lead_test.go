package compose

import (
	"strings"
	"testing"

	"lede/source"
)

func TestTell(t *testing.T) {
	p := func(words int, end string) string {
		return "<p>" + strings.Repeat("word ", words-1) + "word" + end + "</p>"
	}
	const link = "https://harbour.example/"
	for _, c := range []struct {
		name, url, body string
		length          int
		blocks          int
		cut             bool
	}{
		{"as long as it may be", link, p(10, ".") + p(10, "."), 20, 2, false},
		{"no link to go on at", "", p(10, ".") + p(10, ".") + p(10, ".") + p(10, "."), 20, 4, false},
		{"after the last paragraph within the length", link, p(10, ".") + p(10, ".") + p(10, ".") + p(10, "."), 20, 2, true},
		{"two paragraphs stay behind", link, p(10, ".") + p(10, ".") + p(10, "."), 20, 1, true},
		{"fewer would stay behind: told whole", link, p(30, ".") + p(10, "."), 20, 2, false},
		{"not after a colon", link, p(10, ".") + p(5, ":") + "<ul><li>a</li></ul>" + p(10, ".") + p(10, "."), 16, 1, true},
		{"not in a list", link, p(10, ".") + "<ul><li>One.</li><li>Two.</li></ul>" + p(10, ".") + p(10, ".") + p(10, "."), 12, 1, true},
		{"not after a heading", link, p(10, ".") + "<h3>Tides.</h3>" + p(10, ".") + p(10, "."), 12, 1, true},
		{"nowhere within the length: after the first that ends a sentence", link, p(30, ":") + p(30, ".") + p(10, ".") + p(10, "."), 20, 2, true},
		{"no length", link, p(900, ".") + p(900, ".") + p(900, "."), 0, 3, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newAssembly(Recipe{Lead: LeadRule{Length: c.length}}, Input{})
			story := &candidate{Story: source.Story{URL: c.url, Body: c.body}}
			shown, cut := a.tell(story, story.passages())
			if len(shown) != c.blocks || cut != c.cut {
				t.Errorf("%d blocks, cut %v; want %d, %v", len(shown), cut, c.blocks, c.cut)
			}
		})
	}
}

func TestTellWhatItsSourceCut(t *testing.T) {
	const first = "The ferry sails again."
	for _, c := range []struct{ name, summary, want string }{
		{"whole sentences", first + " It is late.", first + " It is late."},
		{"half a sentence", first + " It is late, said the master of", first},
		{"half a paragraph", first + "\n\n“On the eve of the", first},
		{"half a quotation alone", "“On the eve of the lighting of the lamp, nobody ca", "“On the eve of the lighting of the lamp, nobody …”"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newAssembly(Recipe{Lead: LeadRule{Length: 700}}, Input{})
			story := &candidate{Story: source.Story{URL: "https://harbour.example/", Summary: c.summary, Cut: true}}
			shown, cut := a.tell(story, story.passages())
			var text []string
			for _, b := range shown {
				text = append(text, b.Text)
			}
			if got := strings.Join(text, "\n\n"); got != c.want || !cut {
				t.Errorf("got %q, cut %v\nwant %q", got, cut, c.want)
			}
		})
	}
}

func TestStandfirst(t *testing.T) {
	const body = "<p>The Averne Maid left the north quay at 05:40 with 61 people and the post.</p>"
	for _, c := range []struct {
		name  string
		story source.Story
		want  string
	}{
		{"of a story file", source.Story{File: "a.md", Summary: "Eleven days without flour.", Body: body}, "Eleven days without flour."},
		{"without a body it is the text", source.Story{File: "a.md", Summary: "Eleven days without flour."}, ""},
		{"the text's beginning", source.Story{File: "a.md", Summary: "The Averne Maid left the north quay at 05:40", Body: body}, ""},
		{"the headline again", source.Story{File: "a.md", Title: "Ferry sails again", Summary: "Ferry sails again.", Body: body}, ""},
		{"of a feed, short", source.Story{Summary: "Eleven days without flour.", Body: body}, "Eleven days without flour."},
		{"of a feed, cut", source.Story{Summary: "Eleven days without", Cut: true, Body: body}, ""},
		{"of a feed, long", source.Story{Summary: strings.Repeat("flour ", 41), Body: body}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			story := &candidate{Story: c.story}
			if got := standfirst(story, story.passages()); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
