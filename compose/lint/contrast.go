package lint

import (
	"fmt"
	"strings"
)

// The least contrast of text and ground by WCAG 2.2, 1.4.3 (AA), and how large
// text is that is held to the lower one, in CSS pixels.
const (
	leastContrast      = 4.5
	leastContrastLarge = 3
	largeSize          = 24
	largeBold          = 18.66
)

// tooPale is text that does not stand out, by its two colours.
type tooPale struct {
	ink, ground colour
	ratio       float64
	needs       float64
	first       run
	count       int
}

// paleness collects what is too pale in the order in which it is met.
type paleness struct {
	found []*tooPale
	by    map[string]*tooPale
	told  map[string]bool // said of another scheme already
}

func (c *paleness) add(ink, ground colour, needs float64, r run) {
	ratio := contrast(ink, ground)
	if ratio >= needs-0.005 {
		return
	}
	key := ink.String() + ground.String() + fmt.Sprint(needs)
	if c.told[key] {
		return
	}
	if f, ok := c.by[key]; ok {
		f.count++
		return
	}
	if c.by == nil {
		c.by = map[string]*tooPale{}
	}
	f := &tooPale{ink, ground, ratio, needs, r, 1}
	c.by[key] = f
	c.found = append(c.found, f)
}

// contrastRule judges every text against what it stands on: as it is, in dark
// mode by the letter's own rules, and where a program turns light and dark
// around by itself.
func contrastRule(in letter) []Finding {
	var out []Finding
	told := map[string]bool{}
	unknown := 0
	var where run
	for _, s := range []struct {
		scheme scheme
		rule   string
		clause string
		whom   string
	}{
		{lightScheme, "contrast-light", "", "all"},
		{darkScheme, "contrast-dark", " in dark mode", "Apple Mail, Outlook for Mac, Thunderbird"},
	} {
		looks, ok := cascade(&in.page, in.sheets, s.scheme)
		if !ok {
			return []Finding{{
				Rule: "contrast-unknown", Place: "<style>", Clients: "all",
				Message: "There are too many style rules for so many elements: contrast was not computed.",
				Remedy:  "Write fewer rules.",
			}}
		}
		pale, turned := paleness{told: told}, paleness{}
		for _, r := range in.page.runs {
			if !in.page.seen(r.element) || !wordy(r.text) {
				continue
			}
			l := looks[r.element]
			switch {
			case l.hidden || l.size < 2 || l.opacity == 0: // nobody's to read
				continue
			case l.inkUnknown || l.groundUnknown || l.uncertain:
				if unknown++; unknown == 1 {
					where = r
				}
				continue
			}
			needs := float64(leastContrast)
			if l.size >= largeSize || l.bold && l.size >= largeBold {
				needs = leastContrastLarge
			}
			ink := l.ink
			ink.a *= l.opacity
			pale.add(ink.over(l.ground), l.ground, needs, r)
			if s.scheme == lightScheme {
				turn(&turned, ink.over(l.ground), l.ground, needs, r)
			}
		}
		for key := range pale.by {
			told[key] = true
		}
		out = append(out, pale.findings(in, s.rule, s.clause, s.whom)...)
		out = append(out, turned.findings(in, "contrast-inverted", " where the program turns light and dark around", "Gmail, Outlook (dark mode)")...)
	}
	if unknown > 0 {
		out = append(out, Finding{
			Rule: "contrast-unknown", Place: in.page.placeOf(where), Clients: "all",
			Message: fmt.Sprintf("The contrast of %s can't be computed: a variable, a gradient, a picture or a selector that is not understood sets its colours.", counted(unknown/2+unknown%2, "text", "texts")),
			Remedy:  "Set a plain background colour under pictures and gradients, and colours by classes; look at it in the programs themselves.",
		})
	}
	return out
}

// turn judges the two ways in which programs recolour: all colours turned
// around, or only light grounds and dark text.
func turn(c *paleness, ink, ground colour, needs float64, r run) {
	if contrast(ink, ground) < needs {
		return // said already
	}
	c.add(ink.inverted(), ground.inverted(), needs, r)
	partly := func(c colour, turn bool) colour {
		if turn {
			return c.inverted()
		}
		return c
	}
	c.add(partly(ink, !ink.light()), partly(ground, ground.light()), needs, r)
}

// mostPale is how many pairs of colours are told one by one.
const mostPale = 8

func (c *paleness) findings(in letter, rule, clause, whom string) []Finding {
	var out []Finding
	for i, f := range c.found {
		if i == mostPale {
			break
		}
		also := ""
		if f.count > 1 {
			also = fmt.Sprintf(" (and %s more)", counted(f.count-1, "place", "places"))
		}
		out = append(out, Finding{
			Rule: rule, Place: in.page.placeOf(f.first), Clients: whom,
			Message: fmt.Sprintf("“%s” is hard to read%s: %s on %s has a contrast of %.1f, and %.1f is the least%s.", cut(f.first.text, 40), clause, f.ink, f.ground, f.ratio, f.needs, also),
			Remedy:  "Choose a darker text or a lighter ground; in dark mode the other way round.",
		})
	}
	return out
}

// placeOf names the place of a run of text.
func (p *page) placeOf(r run) string {
	if r.element < 0 {
		return fmt.Sprintf("line %d", max(1, r.line))
	}
	return fmt.Sprintf("line %d, <%s>", r.line, p.elements[r.element].tag)
}

// wordy says whether a text has anything to read.
func wordy(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool {
		return r > ' ' && r != 0xa0 && r != 0x200c && r != 0xfeff && r != 0xad && r != 0x34f
	})
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// cut shortens a text for a message, and puts it on one line.
func cut(text string, most int) string {
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > most {
		return strings.TrimSpace(string(r[:most])) + "…"
	}
	return text
}
