package compose_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"lede/compose"
	"lede/source"
)

// TestFeeds makes an edition of each feed that a real site served.
func TestFeeds(t *testing.T) {
	folder, err := filepath.Abs("../../shared/data/feeds")
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("the feeds are not there")
		}
		t.Skip("the feeds are not there")
	}
	markup := regexp.MustCompile(`</?[a-zA-Z][^>]*>|&[a-z]+;|&#[0-9]+;`)
	for _, file := range files {
		t.Run(file.Name(), func(t *testing.T) {
			slot := time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC)
			g := &source.Gatherer{Now: func() time.Time { return slot }, Timeout: time.Minute}
			readings := g.Gather(t.Context(), []source.Spec{{ID: "site", Feed: filepath.Join(folder, file.Name())}}, time.UTC)
			if readings[0].Err != nil || len(readings[0].Stories) == 0 {
				t.Fatalf("%d stories, %v", len(readings[0].Stories), readings[0].Err)
			}
			e := compose.Assemble(compose.Recipe{
				ID: "feeds", Name: "Feeds", Language: "en", Zone: time.UTC, Min: 1,
				Sources:  []compose.SourceRule{{ID: "site", MaxAge: 72 * time.Hour, Updates: "mark", Leftovers: "drop"}},
				Lead:     compose.LeadRule{Length: 700, MinWords: 80, IfNone: "promote"},
				Sections: []compose.SectionRule{{Title: "In brief", Max: 20, Teaser: 240}},
			}, compose.Input{Slot: slot, Readings: readings})
			if e.Empty != "" || e.Lead == nil || e.Lead.Title == "" || e.Subject == "" {
				t.Fatalf("no edition: %s", e.Empty)
			}
			t.Logf("lead: %s | %s | %s | cut %v, %d blocks", e.Lead.Title, e.Lead.Standfirst, e.Lead.Why, e.Lead.Cut, len(e.Lead.Body))
			t.Logf("preheader: %s", e.Preheader)
			for _, b := range e.Sections[0].Briefs {
				t.Logf("brief: %s%s | %s | %s", b.Title, b.Opening, b.Teaser, b.Why)
				if b.Title == "" && b.Opening == "" {
					t.Errorf("an empty headline: %+v", b)
				}
				for _, text := range []string{b.Title, b.Teaser, b.Opening} {
					if markup.MatchString(text) {
						t.Errorf("markup: %q", text)
					}
				}
				if strings.Contains(b.Teaser, "Continue reading") || strings.HasSuffix(b.Teaser, "Read more") {
					t.Errorf("the source's own cut mark: %q", b.Teaser)
				}
			}
			all, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			for _, mojibake := range []string{"Ã¤", "Ã©", "â€", "\ufffd"} {
				if strings.Contains(string(all), mojibake) {
					t.Errorf("mojibake %q", mojibake)
				}
			}
			if !utf8.Valid(all) {
				t.Error("invalid UTF-8")
			}
			for _, block := range e.Lead.Body {
				for _, href := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(block.HTML, -1) {
					if !strings.HasPrefix(href[1], "http") && !strings.HasPrefix(href[1], "mailto:") {
						t.Errorf("a relative link: %s", href[1])
					}
				}
			}
		})
	}
}
