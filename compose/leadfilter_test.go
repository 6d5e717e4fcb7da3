package compose_test

import (
	"strings"
	"testing"
	"time"

	"lede/compose"
	"lede/source"
)

// TestLeadFilters: what leads passes the lead's filters, unless its file says
// that it leads.
func TestLeadFilters(t *testing.T) {
	words := func(n int) string { return "<p>" + strings.Repeat("harbour ", n-1) + "again.</p>" }
	story := func(key string, hours int, change func(*source.Story)) source.Story {
		s := source.Story{
			Key: key, File: key, Kind: source.KindStory, Title: "Of " + key, Body: "<p>" + strings.Repeat(key+key+" ", 99) + "quay.</p>", Author: "Marit Sele",
			Published: chooseSlot.Add(-time.Duration(hours) * time.Hour), Tags: []string{"Council"},
		}
		change(&s)
		return s
	}
	same := func(*source.Story) {}
	tests := []struct {
		name    string
		rule    compose.LeadRule
		stories []source.Story
		want    string // key of the lead
		why     string // in its reason, or in Empty
	}{
		{"none set", compose.LeadRule{}, []source.Story{story("a", 1, same), story("b", 2, same)}, "a", "newest"},
		{
			"tags, whatever their case",
			compose.LeadRule{Tags: []string{"harbour", "council"}},
			[]source.Story{story("sport", 1, func(s *source.Story) { s.Tags = []string{"Sport"} }), story("b", 2, same)},
			"b", "tagged council",
		},
		{
			"category is the first tag",
			compose.LeadRule{Category: "council"},
			[]source.Story{story("a", 1, func(s *source.Story) { s.Tags = []string{"Sport", "Council"} }), story("b", 2, same)},
			"b", "",
		},
		{
			"author",
			compose.LeadRule{Author: "Sele"},
			[]source.Story{story("a", 1, func(s *source.Story) { s.Author = "Ben Selem" }), story("b", 2, same)},
			"b", "",
		},
		{
			"language",
			compose.LeadRule{Lang: "pt"},
			[]source.Story{story("a", 1, same), story("b", 2, func(s *source.Story) { s.Lang = "pt-BR" })},
			"b", "",
		},
		{
			"too long",
			compose.LeadRule{MaxWords: 100},
			[]source.Story{story("a", 1, func(s *source.Story) { s.Body = words(101) }), story("b", 2, same)},
			"b", "",
		},
		{
			"too old",
			compose.LeadRule{MaxAge: 3 * time.Hour},
			[]source.Story{story("a", 4, func(s *source.Story) { s.Weight = 5 }), story("b", 2, same)},
			"b", "",
		},
		{
			"marked lead: true",
			compose.LeadRule{Tags: []string{"harbour"}, MaxWords: 10},
			[]source.Story{story("a", 1, same), story("b", 2, func(s *source.Story) { s.Lead = true })},
			"b", "marked lead: true",
		},
		{
			"promote: another length before another tag",
			compose.LeadRule{Tags: []string{"council"}, MinWords: 80, IfNone: "promote"},
			[]source.Story{
				story("a", 1, func(s *source.Story) { s.Tags = nil }),
				story("b", 2, func(s *source.Story) { s.Body = words(20) }),
			},
			"b", "short, but no other fits",
		},
		{
			"promote: too long",
			compose.LeadRule{MaxWords: 50, IfNone: "promote"},
			[]source.Story{story("a", 1, same)},
			"a", "long, but no other fits",
		},
		{
			"promote: none passes",
			compose.LeadRule{Tags: []string{"harbour"}, IfNone: "promote"},
			[]source.Story{story("a", 1, same)},
			"a", "the lead wants tags: harbour, but no other fits",
		},
		{"without", compose.LeadRule{Tags: []string{"harbour"}, IfNone: "without"}, []source.Story{story("a", 1, same)}, "", ""},
		{
			"skip",
			compose.LeadRule{Tags: []string{"harbour"}, MinWords: 80, MaxAge: 24 * time.Hour, IfNone: "skip"},
			[]source.Story{story("a", 1, same)},
			"", "no story for the lead: it wants at least 80 words, tags: harbour, nothing older than 24 hours (if_none: skip)",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := compose.Assemble(
				compose.Recipe{Language: "en", Sources: []compose.SourceRule{{ID: "desk"}}, Lead: tt.rule, Sections: []compose.SectionRule{{Max: 9}}},
				compose.Input{Slot: chooseSlot, Readings: []source.Reading{{Source: "desk", Stories: tt.stories}}},
			)
			lead, why := "", e.Empty
			if e.Lead != nil {
				lead, why = e.Lead.Key, e.Lead.Why
			}
			if lead != tt.want || !strings.Contains(why, tt.why) {
				t.Errorf("lead %q: %s; want %q: %s", lead, why, tt.want, tt.why)
			}
		})
	}
}
