package lint_test

import (
	"strings"
	"testing"
	"time"

	"lede/compose"
	"lede/compose/lint"
	"lede/templates"
)

// mostPairs is how many features and clients that lack them a letter of ours may
// pair, by family: what a plain letter written by hand has. What only hints (the
// doctype, the colour schemes' meta) is not counted, nor is Gmail's page for old
// telephones, which takes no style at all.
var mostPairs = map[string]int{"gmail": 3, "outlook": 9, "yahoo": 8, "apple-mail": 0}

// whole is an edition with a little of everything.
func whole() (compose.Recipe, compose.Edition) {
	zone := time.FixedZone("WET", 0)
	text := func(s string) compose.Block { return compose.Block{Kind: "paragraph", HTML: s, Text: s} }
	brief := func(title, slug string) compose.Brief {
		return compose.Brief{Title: title, Teaser: "The harbour office said so on Monday, and the boats were out by six.", URL: "https://averne.example/" + slug, Source: "site", Key: slug}
	}
	e := compose.Edition{
		Newsletter: "harbour", Slot: time.Date(2026, 11, 24, 6, 30, 0, 0, zone),
		Subject: "Ferry to Skerrow sails again", Preheader: "The Averne Maid left the north quay at 05:40 with 61 people.",
		Greeting: "Good morning from the quay.", Editor: "Ines Okafor",
		Lead: &compose.Lead{
			Title: "Ferry to Skerrow sails again", URL: "https://averne.example/ferry", Author: "Tomas Wren", Source: "desk", Key: "ferry.md", Cut: true,
			Image: &compose.Figure{Picture: compose.Picture{Name: "quay.png", Width: 1072, Height: 604}, Alt: "A ferry between a lighthouse and the island", HasAlt: true, Caption: "The Averne Maid.", Credit: "Harbour Letter"},
			Body:  []compose.Block{text("The Averne Maid left the north quay with four vans and the post for eleven days."), text("Nobody was left behind."), text("The next one leaves at nine.")},
		},
		Sections: []compose.Section{
			{Title: "In brief", Kind: "briefs", Briefs: []compose.Brief{brief("Oyster beds reopen", "oysters"), brief("A lamp for the mole", "lamp"), brief("Chandlery turns a hundred", "chandler")}},
			{Kind: "sponsor", Briefs: []compose.Brief{brief("Rope by the metre", "rope")}},
		},
	}
	r := compose.Recipe{
		ID: "harbour", Name: "The Harbour Letter", PostalAddress: "14 Chandler Row, Port Averne", BaseURL: "https://news.example.org", Language: "en", Zone: zone,
	}
	return r, e
}

func render(t *testing.T, theme, language string) compose.Letter {
	t.Helper()
	r, e := whole()
	r.Theme, r.Language = theme, language
	set, err := templates.Load(theme, "", templates.Tokens{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := compose.Render(r, e, set, "0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestThemesAskLittleOfClients counts, for every theme there is, the features
// that programs lack.
func TestThemesAskLittleOfClients(t *testing.T) {
	for _, theme := range templates.Names() {
		t.Run(theme, func(t *testing.T) {
			got := map[string][]string{}
			for _, u := range lint.Support(render(t, theme, "en").HTML) {
				if u.Hint() {
					continue
				}
				for _, id := range u.Without {
					family, _, _ := strings.Cut(id, ".")
					if id != "gmail.mobile-webmail" {
						got[family] = append(got[family], u.Title+" in "+id)
					}
				}
			}
			for family, most := range mostPairs {
				if len(got[family]) > most {
					t.Errorf("%s: %d pairs, at most %d:\n  %s", family, len(got[family]), most, strings.Join(got[family], "\n  "))
				}
			}
		})
	}
}

// TestThemesAreSound holds every theme in a language of either direction against
// all rules: nothing but notes is found.
func TestThemesAreSound(t *testing.T) {
	for _, theme := range templates.Names() {
		for _, language := range []string{"en", "ar"} {
			t.Run(theme+" "+language, func(t *testing.T) {
				r, e := whole()
				r.Theme, r.Language = theme, language
				l := render(t, theme, language)
				for _, f := range lint.Check(r, e, l, lint.Facts{}) {
					if f.Severity != lint.Note {
						t.Errorf("%+v", f)
					}
				}
				if depth, line := lint.TableDepth(l.HTML); depth > 2 {
					t.Errorf("line %d: %d tables deep in Outlook's view, at most 2", line, depth)
				}
			})
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	r, e := whole()
	r.Theme = "broadsheet"
	set, err := templates.Load(r.Theme, "", templates.Tokens{})
	if err != nil {
		b.Fatal(err)
	}
	l, err := compose.Render(r, e, set, "0123456789abcdef")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		lint.Check(r, e, l, lint.Facts{})
	}
}
