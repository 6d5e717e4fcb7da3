package compose_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lede/compose"
	"lede/source"
)

// BenchmarkAssembleTellings assembles editions of stories of which each third is
// told by all three sources, in the same words under another headline. The time
// a story is reported: it stays as the number of stories grows.
func BenchmarkAssembleTellings(b *testing.B) {
	for _, n := range []int{200, 1_000, 5_000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			in := threeTellings(n)
			for b.Loop() {
				compose.Assemble(tellingsRecipe(), in)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "µs/story")
		})
	}
}

// Of nine thousand stories each third is told three times, and is found to be.
func TestThreeTellings(t *testing.T) {
	const n = 9_000
	e := compose.Assemble(tellingsRecipe(), threeTellings(n))
	joined := 0
	for _, o := range e.LeftOut {
		if strings.HasPrefix(o.Why, "same story as ") {
			joined++
		}
	}
	if joined < n/3*2*98/100 || joined > n/3*2 {
		t.Errorf("%d of %d tellings are joined to another", joined, n/3*2)
	}
}

func tellingsRecipe() compose.Recipe {
	return compose.Recipe{
		ID: "harbour", Name: "The Harbour Letter", Language: "en", Zone: time.UTC, Lead: compose.LeadRule{Length: 700, MinWords: 20},
		Sources:  []compose.SourceRule{{ID: "desk", Own: true}, {ID: "courier"}, {ID: "radio"}},
		Sections: []compose.SectionRule{{Title: "In brief", Max: 10, Teaser: 240}},
	}
}

// threeTellings are n stories by three sources, each story told by all of them.
func threeTellings(n int) compose.Input {
	slot := time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC)
	in := compose.Input{Slot: slot, Memory: compose.Memory{Read: map[string]bool{}}}
	for s, id := range []string{"desk", "courier", "radio"} {
		r := source.Reading{Source: id}
		for i := range n / 3 {
			told := words(i, 60, 0)
			if s == 2 {
				told = "PORT AVERNE (CN) — " + told
			}
			r.Stories = append(r.Stories, source.Story{
				Source: id, Key: fmt.Sprint(i), Kind: source.KindStory, Title: words(i, 7, s+1), Publication: id,
				Canonical: fmt.Sprintf("https://%s.example/%d", id, i), URL: fmt.Sprintf("https://%s.example/%d", id, i),
				Body: "<p>" + told + "</p><p>" + words(i, 80, s+10) + "</p>", Published: slot.Add(-time.Duration(i) * time.Second), Order: i,
			})
		}
		in.Readings = append(in.Readings, r)
	}
	return in
}

// words returns count words; another number or sort gives others.
func words(number, count, sort int) string {
	syllables := strings.Fields("ba der fin go har lin mo nes qua rol sit tor ul ven wick yar")
	state := uint64(number)*2654435761 + uint64(sort)*40503 + 12345
	next := func(n int) int {
		state = state*6364136223846793005 + 1442695040888963407
		return int(state>>33) % n
	}
	var all []string
	for range count {
		word := ""
		for range 2 + next(2) {
			word += syllables[next(len(syllables))]
		}
		all = append(all, word)
	}
	return strings.Join(all, " ") + "."
}
