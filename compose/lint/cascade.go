package lint

import (
	"strconv"
	"strings"
)

// A scheme is a way in which a letter is shown.
type scheme int

const (
	lightScheme scheme = iota
	darkScheme
)

// maxMatches bounds how often rules are held against elements; a letter needs
// some thousands.
const maxMatches = 1_000_000

// look is how an element is shown, as far as rules ask: inherited values
// resolved.
type look struct {
	ink, ground    colour
	inkUnknown     bool    // a value that can't be judged stands in its way: var(), a gradient
	groundUnknown  bool    // likewise, or a picture without a colour under it
	size           float64 // font size in CSS pixels
	bold           bool
	hidden         bool
	uncertain      bool    // a selector that is not understood may change its colours
	opacity        float64 // of itself and what is around it
	ownSize, inked bool    // it sets its font size, its colour
}

// applied is a declaration with its place in the cascade.
type applied struct {
	value     string
	important bool
	weight    int // specificity; a style attribute beats all
	order     int
}

func (a applied) beats(b applied) bool {
	if a.important != b.important {
		return a.important
	}
	if a.weight != b.weight {
		return a.weight > b.weight
	}
	return a.order >= b.order
}

const inlineWeight = 1 << 30

// asked are the properties that matter here.
var asked = map[string]bool{
	"color": true, "background": true, "background-color": true, "background-image": true, "display": true,
	"font": true, "font-size": true, "font-weight": true, "visibility": true, "opacity": true,
}

// styled is a style rule made ready to be matched.
type styled struct {
	selector selector
	decls    []declaration
	order    int
}

// cascade computes the looks of a page's elements in a scheme. ok is false when
// there are too many rules for so many elements; then nothing is known.
func cascade(p *page, sheets []sheet, in scheme) (looks []look, ok bool) {
	rules, uncertain := chosenRules(sheets, in)
	keyed := map[string][]styled{}
	for _, r := range rules {
		last := &r.selector.parts[len(r.selector.parts)-1]
		key := "*"
		switch {
		case last.id != "":
			key = "#" + last.id
		case len(last.classes) > 0:
			key = "." + last.classes[0]
		case last.tag != "":
			key = last.tag
		}
		keyed[key] = append(keyed[key], r)
	}
	looks = make([]look, len(p.elements))
	canvas := look{ink: black, ground: white, size: 16, opacity: 1, uncertain: uncertain}
	if in == darkScheme && p.declaresDark() {
		// What a program shows where a letter sets nothing.
		canvas.ink, canvas.ground = white, colour{0.07, 0.07, 0.07, 1}
	}
	tries := 0
	for i := range p.elements {
		e := &p.elements[i]
		values := map[string]applied{}
		set := func(d declaration, weight, order int) {
			if !asked[d.property] {
				return
			}
			a := applied{d.value, d.important, weight, order}
			if was, there := values[d.property]; !there || a.beats(was) {
				values[d.property] = a
			}
			if d.property == "background" { // sets the colour and the picture, too
				for _, part := range []string{"background-color", "background-image"} {
					if was, there := values[part]; !there || a.beats(was) {
						delete(values, part)
					}
				}
			}
		}
		keys := append([]string{"*", e.tag, "#" + e.value("id")}, classKeys(e)...)
		for _, key := range keys {
			for _, r := range keyed[key] {
				if tries++; tries > maxMatches {
					return nil, false
				}
				if r.selector.matches(p, i) {
					for _, d := range r.decls {
						set(d, r.selector.weight, r.order)
					}
				}
			}
		}
		for n, d := range readStyle(e.value("style")) {
			set(d, inlineWeight, n)
		}
		looks[i] = p.look(i, values, looks, canvas)
	}
	return looks, true
}

func classKeys(e *element) []string {
	var keys []string
	for _, class := range strings.Fields(e.value("class")) {
		if keys = append(keys, "."+class); len(keys) == 32 {
			break
		}
	}
	return keys
}

// chosenRules are the rules that hold in a scheme on a desktop. uncertain says
// that one of them has a selector that is not understood and sets colours.
func chosenRules(sheets []sheet, in scheme) (rules []styled, uncertain bool) {
	order := 0
	for _, s := range sheets {
		for _, r := range s.rules {
			if !holds(r.media, in) {
				continue
			}
			for _, text := range r.selectors {
				order++
				sel, ok := readSelector(text)
				if ok {
					rules = append(rules, styled{sel, r.decls, order})
					continue
				}
				// What stands only while a pointer is over it is no state to judge.
				if !strings.Contains(text, ":hover") && !strings.Contains(text, ":focus") && !strings.Contains(text, ":active") {
					uncertain = uncertain || colours(r.decls)
				}
			}
		}
	}
	return rules, uncertain
}

func colours(decls []declaration) bool {
	for _, d := range decls {
		if d.property == "color" || strings.HasPrefix(d.property, "background") {
			return true
		}
	}
	return false
}

// holds says whether all conditions hold on a desktop in a scheme.
func holds(media []string, in scheme) bool {
	for _, m := range media {
		any := false
		for alternative := range strings.SplitSeq(m, ",") {
			words := strings.ReplaceAll(alternative, " ", "")
			switch {
			case strings.Contains(words, "prefers-color-scheme:dark"):
				any = any || in == darkScheme && !narrow(words)
			case strings.Contains(words, "prefers-color-scheme:light"):
				any = any || in == lightScheme && !narrow(words)
			case words == "all" || words == "screen" || words == "onlyscreen" || words == "":
				any = true
			case strings.Contains(words, "min-width") && !narrow(words):
				any = true
			}
		}
		if !any {
			return false
		}
	}
	return true
}

func narrow(words string) bool {
	return strings.Contains(words, "max-width") || strings.Contains(words, "print") || strings.Contains(words, "orientation") || strings.Contains(words, "not")
}

// look resolves the values of an element over those of its parent.
func (p *page) look(i int, values map[string]applied, looks []look, canvas look) look {
	e := &p.elements[i]
	l := canvas
	if e.parent >= 0 {
		l = looks[e.parent]
		l.ownSize, l.inked = false, false
	}
	if e.hidden || values["display"].value == "none" || values["visibility"].value == "hidden" {
		l.hidden = true
	}
	p.ground(e, values, &l)
	if v, ok := values["color"]; ok && v.value != "inherit" {
		l.inked = true
		if c, ok := readColour(v.value); ok {
			l.ink, l.inkUnknown = c, false
		} else if v.value != "currentcolor" {
			l.inkUnknown = true
		}
	} else if c, ok := readColour(e.value("color")); ok && e.tag == "font" {
		l.ink, l.inkUnknown, l.inked = c, false, true
	} else if _, link := e.attribute("href"); link && e.tag == "a" && v.value == "" {
		l.ink, l.inkUnknown, l.inked = colour{0, 0, 238.0 / 255, 1}, false, true // HTML's rendering, 15.3
		if canvas.ink == white {
			l.ink = colour{158.0 / 255, 158.0 / 255, 1, 1}
		}
	}
	if v, ok := values["opacity"]; ok {
		if n, err := strconv.ParseFloat(v.value, 64); err == nil {
			l.opacity *= unit(n)
		}
	}
	p.font(e, values, &l)
	return l
}

// ground resolves what an element's text stands on.
func (p *page) ground(e *element, values map[string]applied, l *look) {
	lay := func(c colour) {
		if c.a == 1 {
			l.groundUnknown = false
		}
		l.ground = c.over(l.ground)
	}
	if c, ok := readColour(e.value("bgcolor")); ok {
		lay(c)
	}
	for _, property := range []string{"background", "background-color", "background-image"} {
		v, ok := values[property]
		if !ok {
			continue
		}
		known := false
		for _, word := range splitOutside(v.value, ' ') {
			if c, ok := readColour(word); ok {
				lay(c)
				known = true
			}
		}
		if lower := strings.ToLower(v.value); strings.Contains(lower, "url(") && !known && property != "background-image" ||
			strings.Contains(lower, "gradient(") || strings.Contains(lower, "var(") {
			l.groundUnknown = true
		}
	}
}

// font resolves the font's size and weight.
func (p *page) font(e *element, values map[string]applied, l *look) {
	switch e.tag {
	case "b", "strong", "th", "h1", "h2", "h3", "h4", "h5", "h6":
		l.bold = true
	}
	if factor, ok := headingSizes[e.tag]; ok {
		l.size *= factor
	}
	size, bySize := values["font-size"]
	font, byFont := values["font"]
	if byFont {
		for _, word := range strings.Fields(font.value) {
			l.bold = word == "bold" || l.bold && word != "normal" && !strings.HasPrefix(word, "400")
			word, _, _ = strings.Cut(word, "/")
			if px, ok := pixels(word, l.size); ok && strings.TrimLeft(word, "0123456789") != "" {
				l.size, l.ownSize = px, true
				break
			}
		}
	}
	if bySize && (!byFont || size.beats(font)) {
		if px, ok := pixels(size.value, l.size); ok {
			l.size, l.ownSize = px, true
		}
	}
	if w, ok := values["font-weight"]; ok {
		n, _ := strconv.Atoi(w.value)
		l.bold = w.value == "bold" || w.value == "bolder" || n >= 600
	}
}

var headingSizes = map[string]float64{"h1": 2, "h2": 1.5, "h3": 1.17, "h5": 0.83, "h6": 0.67, "small": 0.83}

// pixels reads a length as CSS pixels; em and percent are of the size around.
func pixels(text string, around float64) (float64, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	end := strings.LastIndexAny(text, "0123456789.") + 1
	n, err := strconv.ParseFloat(text[:end], 64)
	if err != nil {
		named := map[string]float64{"xx-small": 9, "x-small": 10, "small": 13, "medium": 16, "large": 18, "x-large": 24, "xx-large": 32}
		px, ok := named[text]
		return px, ok
	}
	switch text[end:] {
	case "px":
		return n, true
	case "pt":
		return n * 4 / 3, true
	case "em":
		return n * around, true
	case "rem":
		return n * 16, true
	case "%":
		return n * around / 100, true
	case "":
		return n, n == 0
	}
	return 0, false
}

// declaresDark says whether the letter tells programs that it has colours for
// dark mode.
func (p *page) declaresDark() bool {
	for i := range p.elements {
		e := &p.elements[i]
		if e.tag == "meta" && e.value("name") == "color-scheme" {
			return strings.Contains(e.value("content"), "dark")
		}
		if e.tag == "body" {
			break
		}
	}
	return false
}
