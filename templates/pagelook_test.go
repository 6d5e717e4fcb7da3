package templates

import (
	"html/template"
	"testing"
)

// What pages make of a theme's colours can be read, in light and dark, also with
// colours that ours do not go with.
func TestPageLook(t *testing.T) {
	for name, tokens := range map[string]Tokens{
		"as it is": {},
		"black on a strong yellow": {
			Light: Palette[string]{Ground: "#fc0", Paper: "#fc0", Ink: "#000", Muted: "#222", Accent: "#401000", Tint: "#fd5", Strip: "#fd5"},
			Dark:  Palette[string]{Ground: "#210", Paper: "#210", Ink: "#fc0", Muted: "#da0", Accent: "#ff0", Tint: "#320", Strip: "#320"},
		},
		"dark in the light": {
			Light: Palette[string]{Ground: "#101418", Paper: "#101418", Ink: "#fff", Muted: "#ccc", Accent: "#ff8", Tint: "#1c2228", Strip: "#1c2228"},
			Dark:  Palette[string]{Ground: "#000", Paper: "#000", Ink: "#fff", Muted: "#ccc", Accent: "#ff8", Tint: "#111", Strip: "#111"},
		},
		"grey": {
			Light: Palette[string]{Ground: "#ccc", Paper: "#ccc", Ink: "#000", Muted: "#333", Accent: "#333", Tint: "#ddd", Strip: "#ddd"},
			Dark:  Palette[string]{Ground: "#444", Paper: "#444", Ink: "#fff", Muted: "#eee", Accent: "#eee", Tint: "#333", Strip: "#333"},
		},
	} {
		for _, theme := range Names() {
			loaded, err := Load(theme, "", tokens)
			if err != nil {
				t.Fatalf("%s, %s: %v", theme, name, err)
			}
			look := loaded.Look.Pages()
			for scheme, c := range map[string]PageColours{"light": look.Light, "dark": look.Dark} {
				for what, pair := range map[string]struct {
					of, behind template.CSS
					least      float64
				}{
					"ink on paper": {c.Ink, c.Paper, leastContrast}, "muted on paper": {c.Muted, c.Paper, leastContrast},
					"accent on paper": {c.Accent, c.Paper, leastContrast}, "a button": {c.OnAccent, c.Accent, leastContrast},
					"a notice": {c.Ink, c.Sunk, leastContrast}, "an error": {c.Bad, c.Paper, leastContrast},
					"an error's summary": {c.Ink, c.BadWash, leastContrast}, "a field's edge": {c.Edge, c.Paper, leastEdge},
				} {
					if got := contrast(string(pair.of), string(pair.behind)); got < pair.least {
						t.Errorf("%s, %s, %s: %s is %s on %s, contrast %.1f", theme, name, scheme, what, pair.of, pair.behind, got)
					}
				}
				if c.Band != "" && contrast(string(c.BandInk), string(c.Band)) < leastContrast || c.Line == "" {
					t.Errorf("%s, %s, %s: band %s on %s, line %q", theme, name, scheme, c.BandInk, c.Band, c.Line)
				}
			}
			if name == "as it is" && (look.Light.Accent != loaded.Look.Accent || look.Dark.Ink != loaded.Look.Dark.Ink || look.Display != loaded.Look.Fonts.Display) {
				t.Errorf("%s: the pages do not look as the letters: %+v", theme, look)
			}
		}
	}
}
