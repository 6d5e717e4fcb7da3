package tool

import (
	"strconv"
	"strings"
)

// Pin is a mark in a framed letter, at something that a check found.
type Pin struct {
	Number int
	Color  string // of the disc, #rrggbb
	Line   int    // of the tag that it stands at, from 1; 0: of the first
	Tag    string // its element: "img"
	Anchor int    // instead of a tag: the index of one of the Anchors, from 1; 0: none
}

// ID is the fragment that a pin has.
func (p Pin) ID() string { return "pin-" + strconv.Itoa(p.Number) }

// html is a numbered disc in the letter's margin. It takes no room.
func (p Pin) html() string {
	return `<span id="` + p.ID() + `" role="img" aria-label="Check ` + strconv.Itoa(p.Number) + `" style="position:absolute;left:6px;width:18px;height:18px;` +
		`margin:0;border-radius:50%;background:` + p.Color + `;color:#fff;font:600 11px/18px system-ui,sans-serif;letter-spacing:0;text-align:center;text-indent:0;z-index:9">` +
		strconv.Itoa(p.Number) + `</span>`
}

// pinned are the pins that stand at a tag on a line, each once.
func (w *framer) pinned(line int, tag string) []Pin {
	var here []Pin
	for i, p := range w.Pins {
		if p.Anchor == 0 && !w.pins[i] && p.Tag == tag && (p.Line == line || p.Line == 0) {
			w.pins[i] = true
			here = append(here, p)
		}
	}
	return here
}

// atAnchor writes the pins of an anchor.
func (w *framer) atAnchor(i int) {
	for n, p := range w.Pins {
		if p.Anchor == i+1 && !w.pins[n] {
			w.pins[n] = true
			w.out.WriteString(p.html())
		}
	}
}

// around writes a start tag with its pins: before an element that is nothing but
// its tag, else inside, and for a table's parts inside the next cell, where
// alone something may stand.
func (w *framer) around(pins []Pin, tag string, write func()) {
	switch tag {
	case "table", "thead", "tbody", "tfoot", "tr", "ul", "ol", "html", "head", "colgroup", "col", "meta", "link", "style", "title":
		w.waiting = append(w.waiting, pins...)
		write()
		return
	}
	w.waiting = append(w.waiting, pins...)
	void := strings.Contains(" img hr br input ", " "+tag+" ")
	if !void {
		write()
	}
	for _, p := range w.waiting {
		w.out.WriteString(p.html())
	}
	w.waiting = nil
	if void {
		write()
	}
}
