package compose_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"

	"lede/compose"
	"lede/source"
)

// inbox assembles an edition with that lead and those briefs.
func inbox(t *testing.T, change func(*compose.Recipe), lead, body string, briefs ...string) compose.Edition {
	t.Helper()
	slot := time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC)
	reading := source.Reading{Source: "desk"}
	if lead != "" || body != "" {
		reading.Stories = append(reading.Stories, source.Story{Key: "lead", Title: lead, Body: body, Lead: true})
	}
	for i, title := range briefs {
		reading.Stories = append(reading.Stories, source.Story{Key: title, Title: title, Weight: -i, Order: i + 1})
	}
	r := compose.Recipe{
		ID: "harbour", Name: "The Harbour Letter", Language: "en", Zone: time.UTC, Sources: []compose.SourceRule{{ID: "desk"}},
		Lead: compose.LeadRule{IfNone: "without", MinWords: 500}, Sections: []compose.SectionRule{{Max: 9}},
	}
	change(&r)
	return compose.Assemble(r, compose.Input{Slot: slot, Readings: []source.Reading{reading}, Number: 212})
}

// TestPreheader: it follows its template, is never empty, and never the subject.
func TestPreheader(t *testing.T) {
	const body = "<p>The ferry left at dawn. It rained.</p>"
	for _, test := range []struct {
		name, template, subject, greeting string
		lead, body                        string
		briefs                            []string
		want                              string
	}{
		{name: "the first sentence", lead: "Ferry sails", body: body, want: "The ferry left at dawn."},
		{name: "a template", template: "{lead_teaser} Also: {headlines}", lead: "Ferry sails", body: body, briefs: []string{"Lamp fails"}, want: "The ferry left at dawn. Also: Lamp fails"},
		{name: "its number", template: "No. {number} of {newsletter}", lead: "Ferry sails", body: body, want: "No. 212 of The Harbour Letter"},
		{name: "a template that gives nothing", template: "{headlines}", lead: "Ferry sails", body: body, want: "The ferry left at dawn."},
		{name: "a template that says the subject", template: "{lead}!", lead: "Ferry sails", body: body, want: "The ferry left at dawn."},
		{name: "a fallback for nothing", template: "{headlines|Read on}", lead: "Ferry sails", body: body, want: "Read on"},
		{name: "a lead that says its headline again", lead: "The ferry left at dawn", body: "<p>The ferry left at dawn.</p>", briefs: []string{"Lamp fails", "Eels"}, want: "Lamp fails · Eels"},
		{name: "one brief alone, and a greeting", greeting: "Good morning, {name|reader}.", briefs: []string{"Lamp fails"}, want: "Good morning, reader."},
		{name: "one brief alone", briefs: []string{"Lamp fails"}, want: "The Harbour Letter · Tuesday 24 November 2026"},
		{name: "the subject is the name", subject: "{newsletter}", greeting: "The Harbour Letter", briefs: []string{""}, want: "Tuesday 24 November 2026"},
		{name: "the subject is name and date", subject: "{newsletter} · {date}", briefs: []string{""}, want: "Tuesday 24 November 2026"},
		{name: "field syntax in a headline", template: "{headlines}", lead: "Ferry sails", body: body, briefs: []string{"{name|x} {{.}}"}, want: "{name|x} {{.}}"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := inbox(t, func(r *compose.Recipe) {
				r.Preheader, r.Subject, r.Greeting = test.template, test.subject, test.greeting
			}, test.lead, test.body, test.briefs...)
			if e.Preheader != test.want {
				t.Errorf("got %q, want %q (subject %q)", e.Preheader, test.want, e.Subject)
			}
			if e.Preheader == "" || strings.EqualFold(e.Preheader, e.Subject) {
				t.Errorf("preheader %q beside subject %q", e.Preheader, e.Subject)
			}
		})
	}
}

// TestSubjectsAreCutWhole: a subject that is too long never ends within what a
// reader sees as one character.
func TestSubjectsAreCutWhole(t *testing.T) {
	for _, character := range []string{"👩‍🚒", "🇵🇹", "👍🏽", "e\u0301\u0323", "नि", "각", "☀️", "1️⃣"} {
		for _, gap := range []string{"", " "} {
			for pad := range 4 {
				title := strings.Repeat("a", pad) + strings.Repeat(character+gap, 400)
				for _, got := range []string{
					inbox(t, func(*compose.Recipe) {}, title, "<p>Text.</p>").Subject,
					inbox(t, func(r *compose.Recipe) { r.Preheader = "{headlines}" }, "Lead", "<p>Text.</p>", title).Preheader,
				} {
					if !utf8.ValidString(got) || got == "" {
						t.Fatalf("%q", got)
					}
					for it := graphemes.FromString(strings.TrimLeft(strings.TrimSuffix(got, "…"), "a")); it.Next(); {
						if part := strings.TrimSpace(it.Value()); part != "" && part != character {
							t.Errorf("%q × 400 is cut to %q", character, part)
						}
					}
				}
			}
		}
	}
}
