package tool

import (
	"regexp"
	"strings"
	"testing"
)

var disc = regexp.MustCompile(`<span id="pin-(\d)"[^>]*>\d</span>`)

func TestFramePins(t *testing.T) {
	const doc = "<html><head><title>x</title></head>\n<body>\n<table><tr>\n<td><p>a</p></td></tr></table>\n<img src=\"x.png\"><img src=\"y.png\">\n<h2>Eels</h2><p>b</p></body></html>"
	for _, c := range []struct {
		name, want string
		pin        Pin
	}{
		{"inside an element", "<td><p>#1a</p>", Pin{Line: 4, Tag: "p"}},
		{"before a picture", "\n#1<img src=\"x.png\">", Pin{Line: 5, Tag: "img"}},
		{"the first picture", "\n#1<img src=\"x.png\">", Pin{Tag: "img"}},
		{"of a row, in its cell", "<tr>\n<td>#1<p>a", Pin{Line: 3, Tag: "tr"}},
		{"of a table, in its cell", "<table><tr>\n<td>#1<p>a", Pin{Line: 3, Tag: "table"}},
		{"at a story", `<h2><span id="s1"></span>#1Eels</h2>`, Pin{Anchor: 1}},
		{"nowhere", "<p>b</p></body>", Pin{Line: 99, Tag: "p"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.pin.Number, c.pin.Color = 1, "#855000"
			got := Frame(doc, Framing{Anchors: []Anchor{{ID: "s1", Title: "Eels"}}, Pins: []Pin{c.pin}})
			short := disc.ReplaceAllString(got, "#$1")
			if !strings.Contains(short, c.want) {
				t.Errorf("lacks %s in\n%s", c.want, short)
			}
			if n := len(disc.FindAllString(got, -1)); n != strings.Count(c.want, "#1") {
				t.Errorf("%d pins", n)
			}
		})
	}
}
