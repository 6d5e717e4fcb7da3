package compose_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"lede/compose"
	"lede/source"
)

// TestSeed splits a real edition, as a careless pipeline left it, into stories
// again and assembles it: the same anatomy, none of its faults.
func TestSeed(t *testing.T) {
	files, _ := filepath.Glob("../../shared/seed/*.txt")
	if len(files) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("the seed is not there")
		}
		t.Skip("the seed is not there")
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	slot := time.Date(2025, 8, 15, 22, 0, 0, 0, time.UTC)
	var body strings.Builder
	var greeting, headline string
	var stories []source.Story
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		cut := strings.HasSuffix(line, "…")
		switch {
		case line == "":
		case strings.HasPrefix(line, "Welcome to"):
			greeting = line
		case greeting == "":
			body.WriteString("<p>" + line + "</p>\n")
		case !cut:
			headline = line
		default:
			n := len(stories)
			stories = append(stories, source.Story{
				Source: "site", Key: string(rune('a' + n)), Kind: source.KindStory, Title: headline, URL: "https://example.org/" + string(rune('a'+n)),
				Published: slot.Add(-time.Duration(n) * time.Hour), Summary: strings.TrimSpace(strings.TrimSuffix(line, "…")), Cut: true, Order: n,
			})
			headline = ""
		}
	}
	if len(stories) != 5 || stories[4].Title == "" || strings.Count(body.String(), "<p>") < 12 {
		t.Fatalf("the seed is not what its README describes: %d briefs, headline %q", len(stories), headline)
	}
	lead := source.Story{
		Source: "desk", Key: "lead.md", Kind: source.KindStory, Title: "No deal until there is a deal", URL: "https://example.org/lead",
		Body: body.String(), Published: slot.Add(-time.Hour), Lead: true, File: "lead.md",
	}
	e := compose.Assemble(compose.Recipe{
		ID: "seed", Name: "Seed", Language: "en", Zone: time.UTC, Editor: "The editor", Min: 1,
		Sources:  []compose.SourceRule{{ID: "desk", MaxAge: 72 * time.Hour}, {ID: "site", MaxAge: 72 * time.Hour}},
		Lead:     compose.LeadRule{Length: 700, MinWords: 80, IfNone: "promote"},
		Sections: []compose.SectionRule{{Title: "In brief", From: []string{"site"}, Max: 6, Teaser: 240}},
	}, compose.Input{Slot: slot, Greeting: greeting, Readings: []source.Reading{
		{Source: "desk", Stories: []source.Story{lead}}, {Source: "site", Stories: stories},
	}})

	if e.Empty != "" || e.Lead == nil || e.Lead.Key != "lead.md" || len(e.Lead.Body) < 12 || e.Lead.Cut {
		t.Fatalf("the lead is not told whole: %q %+v", e.Empty, e.Lead)
	}
	if e.Greeting != greeting || e.Editor == "" {
		t.Errorf("greeting %q", e.Greeting)
	}
	if len(e.Sections) != 1 || len(e.Sections[0].Briefs) != 5 {
		t.Fatalf("sections: %+v", e.Sections)
	}
	for _, b := range e.Sections[0].Briefs {
		t.Log(b.Title, "|", b.Opening, "|", b.Teaser)
		if (b.Title == "") == (b.Opening == "") {
			t.Errorf("link words: title %q, opening %q", b.Title, b.Opening)
		}
		if utf8.RuneCountInString(b.Teaser) > 240 || b.Teaser == "" {
			t.Errorf("%d characters: %q", utf8.RuneCountInString(b.Teaser), b.Teaser)
		}
		if strings.Count(b.Teaser, "“") != strings.Count(b.Teaser, "”") {
			t.Errorf("a quotation is left open: %q", b.Teaser)
		}
		whole := ""
		for _, s := range stories {
			if s.Key == b.Key {
				whole = s.Summary
			}
		}
		kept := strings.TrimRight(strings.TrimSuffix(strings.TrimRight(b.Teaser, "”"), "…"), " ")
		if !strings.HasPrefix(whole, kept) {
			t.Errorf("not the beginning of the story: %q", b.Teaser)
		}
		if next, _ := utf8.DecodeRuneInString(whole[len(kept):]); unicode.IsLetter(next) {
			t.Errorf("ends inside a word: %q", b.Teaser)
		}
		if !strings.Contains(b.Teaser, "…") && !strings.ContainsAny(b.Teaser[len(b.Teaser)-4:], ".?!") {
			t.Errorf("ends neither a sentence nor with an ellipsis: %q", b.Teaser)
		}
	}
	if e.Preheader == "" || e.Preheader == e.Subject {
		t.Errorf("preheader %q", e.Preheader)
	}
}
