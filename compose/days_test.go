package compose_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lede/compose"
	"lede/source"
)

// TestDays lets a newsletter run for days over sources that add, change, date
// anew and drop stories as they please, and holds every edition to what is
// promised of it.
func TestDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		recipe := compose.Recipe{
			ID: "harbour", Name: "The Harbour Letter", Language: "en", Zone: time.UTC,
			Sources: []compose.SourceRule{
				{ID: "desk", MaxAge: 72 * time.Hour, Updates: "mark", Leftovers: rapid.SampledFrom([]string{"keep", "drop"}).Draw(t, "leftovers")},
				{ID: "site", MaxAge: 48 * time.Hour, Updates: rapid.SampledFrom([]string{"mark", "drop"}).Draw(t, "updates"), AsGiven: rapid.Bool().Draw(t, "as given")},
			},
			Lead: compose.LeadRule{Length: 40, MinWords: 12, IfNone: rapid.SampledFrom([]string{"promote", "without", "skip"}).Draw(t, "if none")},
			Sections: []compose.SectionRule{
				{
					Title: "In brief", Max: rapid.IntRange(1, 4).Draw(t, "max"), Teaser: 60, Order: rapid.SampledFrom(compose.SectionOrders()).Draw(t, "order"),
					PerSource: rapid.IntRange(0, 2).Draw(t, "per source"), Alternate: rapid.Bool().Draw(t, "alternate"),
					Tags: rapid.SampledFrom([][]string{nil, {"Sea"}}).Draw(t, "tags"), MinWords: rapid.SampledFrom([]int{0, 5}).Draw(t, "words"),
				},
				{Title: "Most read", Kind: "most_read", From: []string{"popular"}, Max: 2},
				{Title: "Headlines", Kind: "headlines", Max: rapid.IntRange(1, 3).Draw(t, "headlines"), MaxAge: 24 * time.Hour},
				{Title: "Also", Kind: "links", Max: 1, Prefer: []string{"sea"}},
				{Title: "Said", Kind: "quotation", Max: 1},
				{Title: "Numbers", Kind: "numbers", Max: 1},
				{Title: "Sponsor", Kind: "sponsor", Max: 1},
				{Title: "On the quay", Kind: "events", Max: 3},
				{Title: "Note", Kind: "note", Max: 1},
			},
			Min: 1, PerSource: rapid.SampledFrom([]int{0, 2}).Draw(t, "per source of all"),
		}
		memory := compose.Memory{Read: map[string]bool{}, Seen: map[string]map[string]bool{"desk": {}, "site": {}, "popular": {}}}
		ran := map[string]int{} // source and key → versions
		slot := time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC)
		for range rapid.IntRange(1, 6).Draw(t, "days") {
			in := compose.Input{Slot: slot, Memory: memory, Readings: []source.Reading{drawReading(t, "desk", slot), drawReading(t, "site", slot), drawReading(t, "popular", slot)}}
			e := compose.Assemble(recipe, in)
			if diff := cmp.Diff(asJSON(t, e), asJSON(t, compose.Assemble(recipe, in))); diff != "" {
				t.Fatalf("the same input gives another edition:\n%s", diff)
			}
			checkEdition(t, recipe, in, e)
			for _, u := range e.Uses {
				id := fmt.Sprintf("%s %s %d", u.Source, u.Key, u.Version)
				if ran[id]++; ran[id] > 1 {
					t.Fatalf("%s ran twice", id)
				}
				memory.Used = append([]compose.Used{u}, memory.Used...)
			}
			for _, s := range e.Seen {
				memory.Seen[s.Source][s.Key] = true
			}
			memory.Read["desk"], memory.Read["site"], memory.Read["popular"] = true, true, true
			slot = slot.AddDate(0, 0, 1)
		}
	})
}

func drawReading(t *rapid.T, id string, slot time.Time) source.Reading {
	titles := []string{
		"Ferry to Skerrow sails again after eleven days", "Ferry sails again after eleven days to Skerrow", "Oyster beds reopen on Monday", "Council will not raise the dues",
		"Council will raise the dues", "Ferry times, 24 November", "Ferry times, 25 November", "Weather", "", "船は今朝、北の埠頭を出た",
	}
	bodies := []string{
		"", "<p>Short.</p>", "<p>The Averne Maid left the north quay at 05:40 with 61 people, four vans and the post for eleven days.</p>",
		"<p>The company had hired a smaller boat for medicine and school children.</p><p>It carried no freight, and the shop ran out:</p><ul><li>flour</li><li>eggs</li></ul><p>“We had eggs on Friday and nobody to sell them to,” said Halla Brandt.</p><p>She was first off the boat and bought the crew breakfast.</p><p>It rained.</p><p>It stopped.</p>",
	}
	labels := []string{"", "", "", "opinion", "sponsored", "correction"}
	kinds := []source.Kind{source.KindStory, source.KindStory, source.KindStory, source.KindStory, source.KindSponsor, source.KindEvent, source.KindNote, source.KindQuotation, source.KindNumber, source.KindCorrection}
	r := source.Reading{Source: id}
	keys := map[string]bool{}
	for range rapid.IntRange(0, 8).Draw(t, "stories") {
		s := source.Story{
			Source: id, Key: rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"}).Draw(t, "key"),
			Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Title: rapid.SampledFrom(titles).Draw(t, "title"),
			Body: rapid.SampledFrom(bodies).Draw(t, "body"), Label: rapid.SampledFrom(labels).Draw(t, "label"),
			Cut: rapid.IntRange(0, 4).Draw(t, "cut") == 0, Lead: rapid.IntRange(0, 9).Draw(t, "lead") == 0,
			Weight: rapid.IntRange(0, 1).Draw(t, "weight"), Order: len(r.Stories),
		}
		if keys[s.Key] {
			continue
		}
		keys[s.Key] = true
		if n := rapid.IntRange(0, 5).Draw(t, "link"); n > 0 {
			s.Canonical = fmt.Sprintf("harbour.example/%d", n)
			s.URL = "https://" + s.Canonical
		}
		if n := rapid.IntRange(-100, 30).Draw(t, "hours"); n%7 != 0 {
			s.Published = slot.Add(time.Duration(n) * time.Hour)
		}
		if s.Kind == source.KindEvent {
			s.Starts = slot.Add(time.Duration(rapid.IntRange(-30, 200).Draw(t, "starts")) * time.Hour)
			s.AllDay = rapid.Bool().Draw(t, "all day")
		}
		if rapid.IntRange(0, 9).Draw(t, "embargo") == 0 {
			s.From = slot.Add(time.Hour)
		}
		r.Stories = append(r.Stories, s)
	}
	return r
}

func checkEdition(t *rapid.T, recipe compose.Recipe, in compose.Input, e compose.Edition) {
	total, fate := 0, map[string]int{}
	for _, r := range in.Readings {
		total += len(r.Stories)
	}
	stories := map[string]source.Story{}
	for _, r := range in.Readings {
		for _, s := range r.Stories {
			stories[s.Source+" "+s.Key] = s
		}
	}
	placed := 0
	place := func(src, key, why string) {
		placed++
		if fate[src+" "+key]++; fate[src+" "+key] > 1 {
			t.Fatalf("%s %s stands twice", src, key)
		}
		if why == "" {
			t.Fatalf("%s %s: no reason", src, key)
		}
		s, known := stories[src+" "+key]
		if !known || s.From.After(in.Slot) {
			t.Fatalf("%s %s must not be there", src, key)
		}
		if !slices.Contains(asKeys(e.Seen), src+" "+key) {
			t.Fatalf("%s %s runs and is not seen", src, key)
		}
	}
	briefs := 0
	if l := e.Lead; l != nil {
		place(l.Source, l.Key, l.Why)
		s := stories[l.Source+" "+l.Key]
		if s.Kind != source.KindStory || s.Label == "sponsored" || l.Title == "" {
			t.Fatalf("such a lead: %+v", l)
		}
		briefs++
		if n := len(l.Body); l.Cut && !s.Cut {
			if l.Body[n-1].Kind != "paragraph" || strings.HasSuffix(l.Body[n-1].Text, ":") || l.URL == "" {
				t.Fatalf("cut badly: %+v", l)
			}
		}
	}
	for _, section := range e.Sections {
		if len(section.Briefs) == 0 {
			t.Fatalf("an empty section")
		}
		for _, b := range section.Briefs {
			place(b.Source, b.Key, b.Why)
			s := stories[b.Source+" "+b.Key]
			want := map[source.Kind][]string{
				source.KindStory: {"briefs", "headlines", "links", "most_read"}, source.KindSponsor: {"sponsor"}, source.KindEvent: {"events"},
				source.KindNote: {"note"}, source.KindQuotation: {"quotation"}, source.KindNumber: {"numbers"}, source.KindCorrection: {"corrections"},
			}[s.Kind]
			if s.Label == "sponsored" {
				want = []string{"sponsor"}
			}
			if !slices.Contains(want, section.Kind) {
				t.Fatalf("%s of kind %s stands in %s", b.Key, s.Kind, section.Kind)
			}
			switch section.Kind {
			case "headlines", "links":
				briefs++
				fallthrough
			case "most_read":
				if b.Title == "" && b.Opening == "" || b.Teaser != "" {
					t.Fatalf("no headline alone: %+v", b)
				}
			case "briefs":
				briefs++
				if b.Title == "" && (b.Opening == "" || !strings.HasPrefix(b.Teaser, b.Opening)) {
					t.Fatalf("no words for the link: %+v", b)
				}
			}
			if b.Label != "" && b.Kicker != "" {
				t.Fatalf("a kicker beside a label: %+v", b)
			}
		}
	}
	for _, o := range e.LeftOut {
		if o.Why == "" || o.Title == "" || strings.Contains(o.Why, "\n") {
			t.Fatalf("left out without words: %+v", o)
		}
	}
	if placed+len(e.LeftOut) != total {
		t.Fatalf("%d stories, %d placed, %d left out", total, placed, len(e.LeftOut))
	}
	if e.Empty == "" && briefs < recipe.Min {
		t.Fatalf("%d stories, and it would be sent", briefs)
	}
	if e.Subject == "" || e.Preheader == "" || e.Preheader == e.Subject {
		t.Fatalf("subject %q, preheader %q", e.Subject, e.Preheader)
	}
}

func asKeys(seen []compose.Seen) []string {
	var all []string
	for _, s := range seen {
		all = append(all, s.Source+" "+s.Key)
	}
	return all
}

func asJSON(t *rapid.T, e compose.Edition) string {
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + fmt.Sprint(e.Uses, e.Seen)
}

// manyStories is a feed of n stories, some of which repeat each other.
func manyStories(n int, title func(i int) string) compose.Input {
	slot := time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC)
	in := compose.Input{Slot: slot, Memory: compose.Memory{Read: map[string]bool{"site": true, "desk": true}}}
	body := strings.Repeat("<p>The Averne Maid left the <a href=\"https://harbour.example/\">north quay</a> at 05:40 with 61 people, four vans and the post for eleven days.</p>", 6)
	for _, id := range []string{"desk", "site"} {
		r := source.Reading{Source: id}
		for i := range n / 2 {
			r.Stories = append(r.Stories, source.Story{
				Source: id, Key: fmt.Sprint(i), Kind: source.KindStory, Title: title(i), Canonical: fmt.Sprintf("%s.example/%d", id, i),
				URL: fmt.Sprintf("https://%s.example/%d", id, i), Body: body, Published: slot.Add(-time.Duration(i) * time.Second), Order: i,
			})
		}
		in.Readings = append(in.Readings, r)
	}
	for i := range n {
		in.Memory.Used = append(in.Memory.Used, compose.Used{
			Source: "mail", Key: fmt.Sprint(i), Title: title(i + 12_345), Text: "The ferry sails again.", Slot: slot.Add(-24 * time.Hour),
		})
	}
	return in
}

func variedTitle(i int) string {
	words := []string{"ferry", "lamp", "quay", "bell", "storm", "oyster", "council", "bridge", "pilot", "market", "island", "tower", "school"}
	n := len(words)
	i = max(i, -i)
	return fmt.Sprintf("The %s and the %s near the %s of %s", words[i%n], words[i/n%n], words[i/n/n%n], words[i/n/n/n%n])
}

func bigRecipe() compose.Recipe {
	return compose.Recipe{
		ID: "harbour", Name: "The Harbour Letter", Language: "en", Zone: time.UTC,
		Sources:  []compose.SourceRule{{ID: "desk", MaxAge: 72 * time.Hour}, {ID: "site", MaxAge: 72 * time.Hour}},
		Lead:     compose.LeadRule{Length: 700, MinWords: 80},
		Sections: []compose.SectionRule{{Title: "In brief", Max: 6, Teaser: 240}},
	}
}

// The cost grows with the number of stories, not with its square, even when
// they all have much the same title.
func TestTenThousandStories(t *testing.T) {
	for name, c := range map[string]struct {
		stories int
		title   func(int) string
	}{
		"varied": {10_000, variedTitle},
		"alike":  {10_000, func(i int) string { return fmt.Sprintf("Ferry to the island sails again after %d days", i) }},
		"equal":  {2_000, func(int) string { return "Ferry times" }},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			e := compose.Assemble(bigRecipe(), manyStories(c.stories, c.title))
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
			if e.Lead == nil {
				t.Error("no lead")
			}
		})
	}
}

func BenchmarkAssemble200(b *testing.B)   { benchmarkAssemble(b, 200) }
func BenchmarkAssemble10000(b *testing.B) { benchmarkAssemble(b, 10_000) }

func benchmarkAssemble(b *testing.B, n int) {
	in := manyStories(n, variedTitle)
	for b.Loop() {
		compose.Assemble(bigRecipe(), in)
	}
}
