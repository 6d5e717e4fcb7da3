package templates

import "html/template"

// PageLook is how the pages of a newsletter on the web look: its theme's tokens
// where the pages have a use for them. Every value is safe in a style sheet.
type PageLook struct {
	Light, Dark             PageColours
	Display, Reading, Small template.CSS // fonts
	RTL                     template.CSS // all of them in Arabic, Hebrew …
	Logo                    *Logo        // nil for none
}

// PageColours are the colours of pages by role. Text on what is behind it has a
// contrast of 4.5 at least, the edge of a field one of 3 (WCAG 2.2, 1.4.3 and
// 1.4.11).
type PageColours struct {
	Paper, Ink, Muted, Accent template.CSS
	OnAccent                  template.CSS // text on a button
	Line                      template.CSS // rules
	Edge                      template.CSS // of fields
	Sunk                      template.CSS // behind notices
	Bad, BadWash              template.CSS // errors, and what is behind them
	Band, BandInk             template.CSS // behind the name, and its text; empty: none
}

// Pages is the look of pages that goes with a theme's. What pages need and a
// theme does not have is chosen so that it can be read.
func (l Look) Pages() PageLook {
	return PageLook{
		Light:   pageColours(l.Palette, "#737d80", "#b02318", "#fcebe9"),
		Dark:    pageColours(l.Dark, "#7f8a8e", "#f59a90", "#391b18"),
		Display: l.Fonts.Display, Reading: l.Fonts.Reading, Small: l.Fonts.Small, RTL: l.Fonts.RTL,
		Logo: l.Logo,
	}
}

// leastEdge is what WCAG 2.2 asks of the edge of a control (1.4.11).
const leastEdge = 3

// pageColours are a palette's. edge, bad and wash are ours, for where they can be
// told from the palette's.
func pageColours(p Palette[template.CSS], edge, bad, wash template.CSS) PageColours {
	c := PageColours{
		Paper: firstCSS(p.Paper, p.Ground), Ink: p.Ink, Muted: p.Muted, Accent: p.Accent,
		Line: firstCSS(p.Hairline, p.Strip, p.Tint), Sunk: p.Tint, Band: p.Band, BandInk: p.BandInk,
	}
	c.OnAccent = readable(c.Accent, leastContrast, c.Paper, "#fff", "#000")
	c.Edge = readable(c.Paper, leastEdge, edge, c.Muted)
	c.Bad = readable(c.Paper, leastContrast, bad, c.Ink)
	c.BadWash = wash
	if contrast(string(c.Ink), string(wash)) < leastContrast || contrast(string(c.Bad), string(wash)) < leastContrast {
		c.BadWash = c.Sunk
	}
	return c
}

// readable is the first of some colours that stands out from what is behind it,
// or the last.
func readable(behind template.CSS, least float64, of ...template.CSS) template.CSS {
	for _, c := range of {
		if contrast(string(c), string(behind)) >= least {
			return c
		}
	}
	return of[len(of)-1]
}

func firstCSS(of ...template.CSS) template.CSS {
	for _, c := range of {
		if c != "" {
			return c
		}
	}
	return ""
}
