package compose

import (
	"slices"
	"strings"
	"testing"
	"time"

	"lede/source"
	"lede/templates"
)

// Of several tellings of a story the best runs, and the others are named.
func TestBestTelling(t *testing.T) {
	slot := time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC)
	const title = "Ferry to Skerrow sails again after eleven days"
	long := "<p>" + strings.Repeat("The Averne Maid left the north quay at dawn with post and passengers. ", 12) + "</p>"
	story := func(src string, change func(*source.Story)) source.Story {
		s := source.Story{
			Source: src, Key: src, Kind: source.KindStory, Title: title, Published: slot.Add(-time.Hour), Summary: "The boat is back.",
			URL: "https://" + src + ".example/ferry", Canonical: "https://" + src + ".example/ferry", Publication: strings.ToUpper(src),
		}
		if change != nil {
			change(&s)
		}
		return s
	}
	for _, c := range []struct {
		name   string
		a, b   func(*source.Story)
		own    string // source that is ours
		winner string
		also   []string
	}{
		{"all equal: the earlier source", nil, nil, "", "first", []string{"SECOND"}},
		{"our own", nil, func(s *source.Story) { s.Publication = "" }, "second", "second", []string{"FIRST"}},
		{"our own, shorter and second", func(s *source.Story) { s.Body = long }, nil, "second", "second", []string{"FIRST"}},
		{"fuller text", nil, func(s *source.Story) { s.Body = long }, "", "second", []string{"FIRST"}},
		{"a picture", nil, func(s *source.Story) { s.Image = &source.Image{URL: "https://second.example/p.jpg"} }, "", "second", []string{"FIRST"}},
		{"fuller text before a picture", func(s *source.Story) { s.Body = long }, func(s *source.Story) { s.Image = &source.Image{URL: "https://second.example/p.jpg"} }, "", "first", []string{"SECOND"}},
		{"marked as lead", func(s *source.Story) { s.Lead = true }, func(s *source.Story) { s.Body = long }, "second", "first", []string{"SECOND"}},
		{"paid for", nil, func(s *source.Story) { s.Body, s.Label = long, "sponsored" }, "", "first", nil},
		{"without a link", nil, func(s *source.Story) { s.URL, s.Canonical = "", "" }, "", "first", nil},
		{"the same page", nil, func(s *source.Story) { s.Canonical = "https://first.example/ferry" }, "", "first", nil},
		{"the same publication", nil, func(s *source.Story) { s.Publication = "FIRST" }, "", "first", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			recipe := Recipe{
				ID: "harbour", Language: "en", Zone: time.UTC, Lead: LeadRule{From: []string{"none"}, IfNone: "without"},
				Sources:  []SourceRule{{ID: "first", Own: c.own == "first"}, {ID: "second", Own: c.own == "second"}},
				Sections: []SectionRule{{Title: "In brief", Max: 5}, {Kind: "sponsor", Max: 5}},
			}
			e := Assemble(recipe, Input{Slot: slot, Readings: []source.Reading{
				{Source: "first", Stories: []source.Story{story("first", c.a)}}, {Source: "second", Stories: []source.Story{story("second", c.b)}},
			}})
			if len(e.Sections) != 1 || len(e.Sections[0].Briefs) != 1 {
				t.Fatalf("not one brief: %+v", e.Sections)
			}
			b := e.Sections[0].Briefs[0]
			var also []string
			for _, a := range b.AlsoIn {
				also = append(also, a.Publication)
				if !strings.HasPrefix(a.URL, "https://") {
					t.Errorf("no address: %+v", a)
				}
			}
			if b.Source != c.winner || !slices.Equal(also, c.also) {
				t.Errorf("got %s, also in %v, want %s, also in %v", b.Source, also, c.winner, c.also)
			}
			if len(e.LeftOut) != 1 || !strings.Contains(e.LeftOut[0].Why, "same story as "+c.winner) {
				t.Errorf("left out: %+v", e.LeftOut)
			}
		})
	}
}

// A text under many headlines of one source tells no story.
func TestStandingText(t *testing.T) {
	slot := time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC)
	const standing = "Each week we talk with people who work on the water. Listen wherever you get your podcasts, and write to us at any time."
	story := func(src, title string) source.Story {
		return source.Story{
			Source: src, Key: title, Kind: source.KindStory, Title: title, Summary: standing, Published: slot,
			URL: "https://" + src + ".example/" + title[:4], Canonical: "https://" + src + ".example/" + title[:4],
		}
	}
	e := Assemble(Recipe{
		Language: "en", Zone: time.UTC, Lead: LeadRule{From: []string{"none"}, IfNone: "without"},
		Sources: []SourceRule{{ID: "a"}, {ID: "b"}}, Sections: []SectionRule{{Max: 9}},
	}, Input{Slot: slot, Readings: []source.Reading{
		{Source: "a", Stories: []source.Story{story("a", "Who owns the sea wall?"), story("a", "A life under sail")}},
		{Source: "b", Stories: []source.Story{story("b", "Nets by hand, and why")}},
	}})
	if len(e.Sections) != 1 || len(e.Sections[0].Briefs) != 3 {
		t.Errorf("%+v", e.LeftOut)
	}
}

// The letter names who else tells a story, in HTML and text.
func TestAlsoInShown(t *testing.T) {
	theme, err := templates.Load("broadsheet", "")
	if err != nil {
		t.Fatal(err)
	}
	also := []AlsoIn{{Publication: "Harbour News", URL: "https://news.example/f"}, {Publication: "<b>Coast & Radio", URL: "https://radio.example/f"}}
	e := Edition{
		Slot: time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC), Subject: "Ferry", Preheader: "The ferry sails.",
		Lead:     &Lead{Title: "Ferry sails", URL: "https://courier.example/f", AlsoIn: also[:1], Body: []Block{{Kind: "paragraph", HTML: "Text.", Text: "Text."}}},
		Sections: []Section{{Kind: "briefs", Briefs: []Brief{{Title: "Bell found", Teaser: "A bell.", URL: "https://courier.example/b", Publication: "Averne Courier", AlsoIn: also}}}},
	}
	letter, err := Render(Recipe{Name: "The Harbour Letter", Language: "en", BaseURL: "https://news.example", Zone: time.UTC}, e, theme, "0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	for name, part := range map[string]string{"HTML": letter.HTML, "text": letter.Text, "web": letter.Web} {
		part = strings.ReplaceAll(part, "\u00a0", " ")
		for _, want := range []string{"Also in Harbour News", "Averne Courier. Also in Harbour News, "} {
			if !strings.Contains(strings.Join(strings.Fields(part), " "), want) {
				t.Errorf("%s: no %q", name, want)
			}
		}
		if name != "text" && strings.Contains(part, "<b>Coast") {
			t.Errorf("%s: markup of a publication's name", name)
		}
	}
}
