package compose_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lede/compose"
	"lede/source"
	"lede/templates"
)

var chooseSlot = time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC)

// told is a story of a test: its age in hours counts from the slot.
type told struct {
	source, title string
	hours, weight int
	tags          []string
	author, lang  string
	words         int
	section       string
}

// choosing assembles an edition of one section out of stories, without a lead.
func choosing(t *testing.T, rule compose.SectionRule, change func(*compose.Recipe), stories ...told) compose.Edition {
	t.Helper()
	var ids []string
	readings := map[string]*source.Reading{}
	for _, s := range stories {
		if readings[s.source] == nil {
			readings[s.source] = &source.Reading{Source: s.source}
			ids = append(ids, s.source)
		}
		r := readings[s.source]
		body := "<p>" + s.title + strings.Repeat(" word", max(s.words, 1)) + ".</p>"
		r.Stories = append(r.Stories, source.Story{
			Source: s.source, Key: s.title, Title: s.title, Body: body, Published: chooseSlot.Add(-time.Duration(s.hours) * time.Hour),
			Weight: s.weight, Tags: s.tags, Author: s.author, Lang: s.lang, Order: len(r.Stories), Section: s.section,
		})
	}
	recipe := compose.Recipe{ID: "harbour", Name: "The Harbour Letter", Language: "en", Zone: time.UTC, Lead: compose.LeadRule{From: []string{"nobody"}}, Sections: []compose.SectionRule{rule}}
	in := compose.Input{Slot: chooseSlot, Memory: compose.Memory{Read: map[string]bool{}}}
	for _, id := range ids {
		recipe.Sources = append(recipe.Sources, compose.SourceRule{ID: id, Updates: "mark", Leftovers: "drop"})
		in.Readings = append(in.Readings, *readings[id])
		in.Memory.Read[id] = true
	}
	if change != nil {
		change(&recipe)
	}
	return compose.Assemble(recipe, in)
}

func titles(e compose.Edition) string {
	var all []string
	for _, s := range e.Sections {
		for _, b := range s.Briefs {
			all = append(all, b.Title)
		}
	}
	return strings.Join(all, " ")
}

// TestChoosing holds each rule of choosing to what it takes, in which order,
// and to the reason of what it leaves.
func TestChoosing(t *testing.T) {
	// Of two sources, a's are the newer ones.
	stories := []told{
		{source: "a", title: "Eel", hours: 1},
		{source: "a", title: "Cod", hours: 2, weight: 5, tags: []string{"Fish", "Town"}},
		{source: "a", title: "Bream", hours: 3, author: "Marit Sele and Tomas Wren"},
		{source: "b", title: "Dab", hours: 4, tags: []string{"town"}, lang: "pt-BR"},
		{source: "b", title: "Anchovy", hours: 5, words: 60},
	}
	for _, test := range []struct {
		name   string
		rule   compose.SectionRule
		change func(*compose.Recipe)
		want   string
		left   string // "title: reason" of one that is left out
		why    string // "title: reason" of one that is in
	}{
		{name: "by weight, then the newest", want: "Cod Eel Bream Dab Anchovy", why: "Cod: a: weight 5"},
		{name: "the newest", rule: compose.SectionRule{Order: "newest"}, want: "Eel Cod Bream Dab Anchovy"},
		{name: "sources in their order", rule: compose.SectionRule{From: []string{"b", "a"}, Order: "sources"}, want: "Dab Anchovy Cod Eel Bream", why: "Dab: sources in their order"},
		{name: "as given", rule: compose.SectionRule{From: []string{"b", "a"}, Order: "as_given"}, want: "Dab Anchovy Eel Cod Bream", why: "Eel: in its source's order"},
		{name: "the oldest of the newest", rule: compose.SectionRule{Order: "oldest", Max: 3}, want: "Bream Cod Eel", left: "Dab: no room: briefs takes 3 at most", why: "Bream: a: 03:30; told from the oldest on"},
		{name: "by the alphabet", rule: compose.SectionRule{Order: "title", Max: 4}, want: "Bream Cod Dab Eel", left: "Anchovy: no room", why: "Dab: told by the alphabet"},
		{name: "preferred tags first", rule: compose.SectionRule{Prefer: []string{"TOWN"}}, want: "Cod Dab Eel Bream Anchovy", why: "Dab: tagged TOWN, which goes first (prefer)"},
		{name: "one story a source in a row", rule: compose.SectionRule{Alternate: true}, want: "Cod Dab Eel Anchovy Bream", why: "Dab: not two of a follow each other"},
		{name: "alternating within the room", rule: compose.SectionRule{Alternate: true, Max: 2}, want: "Cod Dab", left: "Eel: no room: briefs takes 2 at most"},
		{name: "two a source", rule: compose.SectionRule{PerSource: 2}, want: "Cod Eel Dab Anchovy", left: "Bream: no room: briefs takes 2 of a at most (per_source)"},
		{name: "one a source, in one room", rule: compose.SectionRule{PerSource: 1, Max: 3, Title: "In brief"}, want: "Cod Dab", left: "Eel: no room: In brief takes 1 of a at most"},
		{name: "one a source of the edition", change: func(r *compose.Recipe) { r.PerSource = 1 }, want: "Cod Dab", left: "Eel: no room: the edition takes 1 of a at most"},
		{name: "tags", rule: compose.SectionRule{Tags: []string{"town", "fish"}, Title: "Town"}, want: "Cod Dab", left: "Eel: Town wants tags: town, fish", why: "Dab: tagged town"},
		{name: "the first tag", rule: compose.SectionRule{Category: "town"}, want: "Dab", left: "Cod: briefs wants category: town"},
		{name: "a name in the byline", rule: compose.SectionRule{Author: "tomas wren"}, want: "Bream", left: "Eel: briefs wants author: tomas wren"},
		{name: "no part of a name", rule: compose.SectionRule{Author: "Tom"}, want: ""},
		{name: "a language", rule: compose.SectionRule{Lang: "pt"}, want: "Dab", left: "Eel: wants lang: pt"},
		{name: "the newsletter's language", rule: compose.SectionRule{Lang: "en"}, want: "Cod Eel Bream Anchovy"},
		{name: "long ones", rule: compose.SectionRule{MinWords: 50}, want: "Anchovy", left: "Eel: wants 50 words at least, these are 2"},
		{name: "short ones", rule: compose.SectionRule{MaxWords: 50}, want: "Cod Eel Bream Dab", left: "Anchovy: wants 50 words at most, these are 61"},
		{name: "new ones", rule: compose.SectionRule{MaxAge: 2 * time.Hour}, want: "Cod Eel", left: "Bream: wants nothing older than 2 hours"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := choosing(t, test.rule, test.change, stories...)
			if got := titles(e); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if placed := len(strings.Fields(titles(e))); placed+len(e.LeftOut) != len(stories) {
				t.Errorf("%d stand, %d are left out, of %d", placed, len(e.LeftOut), len(stories))
			}
			title, why, _ := strings.Cut(test.left, ": ")
			if test.left != "" && !slices.ContainsFunc(e.LeftOut, func(l compose.LeftOut) bool { return l.Title == title && strings.Contains(l.Why, why) }) {
				t.Errorf("no %q in %+v", test.left, e.LeftOut)
			}
			if title, why, _ = strings.Cut(test.why, ": "); test.why != "" && !slices.ContainsFunc(e.Sections[0].Briefs, func(b compose.Brief) bool { return b.Title == title && strings.Contains(b.Why, why) }) {
				t.Errorf("no %q in %+v", test.why, e.Sections[0].Briefs)
			}
		})
	}
}

// TestAskingComesFirst: what asks for its section stands in it, whatever else
// the section's rules say.
func TestAskingComesFirst(t *testing.T) {
	e := choosing(t, compose.SectionRule{Title: "In brief", Max: 2, PerSource: 1}, nil,
		told{source: "a", title: "New", hours: 1}, told{source: "a", title: "Asked", hours: 9, section: "in BRIEF"}, told{source: "b", title: "Other", hours: 2})
	if got := titles(e); got != "Other Asked" {
		t.Errorf("got %q", got)
	}
}

// TestEmptySections: what becomes of a section with nothing in it.
func TestEmptySections(t *testing.T) {
	for _, test := range []struct{ empty, say, text, stops string }{
		{empty: "", text: "-"},
		{empty: "drop", text: "-"},
		{empty: "say", say: "Nothing on\nthe quay.", text: "Nothing on the quay."},
		{empty: "skip", text: "-", stops: "nothing for On the quay (empty: skip)"},
	} {
		e := choosing(t, compose.SectionRule{}, func(r *compose.Recipe) {
			r.Sections = append(r.Sections, compose.SectionRule{Title: "On the quay", Kind: "events", Empty: test.empty, Say: test.say})
		}, told{source: "a", title: "Eel", hours: 1})
		text := "-"
		if len(e.Sections) == 2 {
			text = e.Sections[1].Text
		}
		if text != test.text || e.Empty != test.stops {
			t.Errorf("empty: %s gives %q and stops %q", test.empty, text, e.Empty)
		}
	}
}

// TestCorrectionsWait: a correction runs whatever its date, without a section
// of its own, and once.
func TestCorrectionsWait(t *testing.T) {
	correction := source.Story{Source: "desk", Key: "c.md", File: "c.md", Kind: source.KindCorrection, Body: "<p>It has 164 steps.</p>", Published: chooseSlot.AddDate(0, -2, 0)}
	r := compose.Recipe{
		ID: "harbour", Name: "The Harbour Letter", Zone: time.UTC, Sources: []compose.SourceRule{{ID: "desk", MaxAge: time.Hour}},
		Sections: []compose.SectionRule{{Kind: "briefs"}},
	}
	in := compose.Input{Slot: chooseSlot, Readings: []source.Reading{{Source: "desk", Stories: []source.Story{correction}}}, Memory: compose.Memory{
		Read: map[string]bool{"desk": true}, Seen: map[string]map[string]bool{"desk": {"c.md": true}},
	}}
	e := compose.Assemble(r, in)
	if len(e.Sections) != 1 || e.Sections[0].Kind != "corrections" || e.Sections[0].Briefs[0].Label != "correction" {
		t.Fatalf("%+v, %+v", e.Sections, e.LeftOut)
	}
	in.Memory.Used = e.Uses
	if again := compose.Assemble(r, in); len(again.Sections) != 0 {
		t.Errorf("twice: %+v", again.Sections)
	}
}

// crowdedMorning is a morning of n stories in ten feeds.
func crowdedMorning(n int) compose.Input {
	in := compose.Input{Slot: chooseSlot, Memory: compose.Memory{Read: map[string]bool{}}}
	places := []string{"Carrow Head", "the north pier", "Chandler Row", "Low Sluice", "the Sail Loft", "Skerrow", "the fish market", "the causeway"}
	things := []string{"lamp", "ferry", "roof", "oyster bed", "timetable", "lifeboat", "regatta", "bakery", "tide table", "harbour board", "eel trap"}
	verbs := []string{"fails", "returns", "is sold", "opens", "moves", "is mended", "sinks", "waits"}
	for f := range 10 {
		r := source.Reading{Source: fmt.Sprintf("feed%d", f)}
		for i := f; i < n; i += 10 {
			title := fmt.Sprintf("The %s of %s %s for the %d. time in %d", things[i%11], places[i/3%8], verbs[i/7%8], i, 1700+i%300)
			r.Stories = append(r.Stories, source.Story{
				Source: r.Source, Key: fmt.Sprint(i), Kind: source.KindStory, Title: title, URL: fmt.Sprintf("https://harbour.example/%d", i), Canonical: fmt.Sprintf("harbour.example/%d", i),
				Body:      fmt.Sprintf("<p>%s, as the board heard on Monday of case %d. Nobody had expected it so soon, and least of all the pilots.</p><p>“We will see,” said keeper %d.</p>", title, i, i*7),
				Published: chooseSlot.Add(-time.Duration(i) * time.Second), Tags: []string{things[i%11]}, Order: i / 10,
			})
		}
		in.Readings = append(in.Readings, r)
	}
	return in
}

// BenchmarkEdition assembles and renders an edition of many candidates. The time
// a candidate is told: it stays as their number grows.
func BenchmarkEdition(b *testing.B) {
	theme, err := templates.Load("broadsheet", "")
	if err != nil {
		b.Fatal(err)
	}
	r := harbourRecipe()
	r.Lead = compose.LeadRule{Length: 700, MinWords: 20, IfNone: "promote"}
	for f := range 10 {
		r.Sources = append(r.Sources, compose.SourceRule{ID: fmt.Sprintf("feed%d", f), MaxAge: 72 * time.Hour})
	}
	r.Sections = []compose.SectionRule{
		{Title: "In brief", Max: 6, Teaser: 240, Alternate: true, PerSource: 2},
		{Title: "Lamps", Max: 6, Teaser: 240, Tags: []string{"lamp"}, Order: "title", MinWords: 10},
		{Title: "Also today", Kind: "links", Max: 20, Prefer: []string{"ferry"}},
		{Title: "Most read", Kind: "most_read", Max: 5, From: []string{"feed9"}},
	}
	for _, n := range []int{200, 2000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			in := crowdedMorning(n)
			for b.Loop() {
				e := compose.Assemble(r, in)
				if e.Empty != "" || len(e.Sections) != 4 {
					b.Fatalf("%q, %d sections", e.Empty, len(e.Sections))
				}
				if _, err := compose.Render(r, e, theme, "0123456789abcdef"); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "µs/candidate")
		})
	}
}

// TestCorrectionMailedAhead: a correction that went to the readers of the wrong
// edition stands in the next edition all the same, once; the mail goes once too.
func TestCorrectionMailedAhead(t *testing.T) {
	correction := source.Story{Source: "desk", Key: "c.md", File: "c.md", Kind: source.KindCorrection, Corrects: "aaaa1", Body: "<p>It has 164 steps, not 146.</p>"}
	const text = "It has 164 steps, not 146."
	changed := correction
	changed.Body = "<p>What we wrote of the lighthouse yesterday was all wrong: the tower of Port Averne was never open to anybody.</p>"
	repeated := correction
	repeated.Repeat = true
	mailed := compose.Used{Source: "desk", Key: "c.md", Text: text, Version: -1, Slot: chooseSlot.Add(-time.Hour)}
	ran := compose.Used{Source: "desk", Key: "c.md", Text: text, Slot: chooseSlot.Add(-time.Hour)}
	tests := []struct {
		name    string
		story   source.Story
		used    []compose.Used // newest first
		mail    bool
		want    bool // it stands there
		version int
		why     string
	}{
		{"first mail", correction, nil, true, true, -1, "correction of edition aaaa1"},
		{"mail again", correction, []compose.Used{mailed}, true, false, 0, "was mailed on"},
		{"mail again, changed", changed, []compose.Used{mailed}, true, true, -2, ""},
		{"mail again, marked so", repeated, []compose.Used{mailed}, true, true, -2, "repeat: true"},
		{"mail of what everybody had", correction, []compose.Used{ran}, true, false, 0, "ran on"},
		{"edition", correction, nil, false, true, 0, ""},
		{"edition after the mail", correction, []compose.Used{mailed}, false, true, 0, "mailed on"},
		{"edition after mail and edition", correction, []compose.Used{ran, mailed}, false, false, 0, "ran on"},
		{"edition after edition and mail", correction, []compose.Used{mailed, ran}, false, false, 0, "ran on"},
		{"edition after both, changed", changed, []compose.Used{ran, mailed}, false, true, 1, "changed since"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := compose.Input{
				Slot: chooseSlot, Readings: []source.Reading{{Source: "desk", Stories: []source.Story{tt.story}}},
				Memory: compose.Memory{Read: map[string]bool{"desk": true}, Used: tt.used}, Correction: tt.mail,
			}
			if tt.mail {
				in.Only = []string{"desk\x00c.md"}
			}
			e := compose.Assemble(compose.Recipe{Sources: []compose.SourceRule{{ID: "desk"}}}, in)
			stands := len(e.Sections) == 1
			if stands != tt.want {
				t.Fatalf("stands: %t; left out %+v", stands, e.LeftOut)
			}
			why := ""
			if stands {
				why = e.Sections[0].Briefs[0].Why
				if len(e.Uses) != 1 || e.Uses[0].Version != tt.version {
					t.Errorf("uses %+v, want version %d", e.Uses, tt.version)
				}
			} else {
				why = e.LeftOut[0].Why
			}
			if !strings.Contains(why, tt.why) {
				t.Errorf("why %q, want %q in it", why, tt.why)
			}
		})
	}
}
