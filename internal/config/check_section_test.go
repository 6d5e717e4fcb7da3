package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lede/compose"
)

// TestSectionsAndLinks: what the rules of sections and links are read as.
func TestSectionsAndLinks(t *testing.T) {
	cfg := load(t, small+`
    per_source: 3
    preheader: "{lead_teaser}"
    own_hosts: [Harbour.Example]
    link_params: {utm_Source: "{newsletter}", b: "${WHO}", a: "{date}"}
    sections:
      - {kind: headlines, tags: [Ferries, tides], category: Council, author: Marit Sele, lang: pt, min_words: 50, max_words: 900,
         max_age: 1d, order: sources, prefer: [storm], alternate: true, per_source: 2, empty: say, say: Nothing.}
      - {kind: archive, ago: 6m}
`, "WHO=harbour")
	n := cfg.Newsletters[0]
	want := Section{
		Kind: "headlines", Max: 6, Teaser: 240, Tags: []string{"Ferries", "tides"}, Category: "Council", Author: "Marit Sele", Lang: "pt",
		MinWords: 50, MaxWords: 900, MaxAge: Duration(24 * time.Hour), Order: "sources", Prefer: []string{"storm"}, Alternate: true, PerSource: 2,
		Empty: "say", Say: "Nothing.",
	}
	if diff := cmp.Diff(want, n.Sections[0]); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := n.Sections[1].Ago.Ago; got != (compose.Ago{Months: 6}) {
		t.Errorf("ago: %+v", got)
	}
	params := []Param{{"utm_Source", "{newsletter}"}, {"b", "harbour"}, {"a", "{date}"}}
	if diff := cmp.Diff(params, n.LinkParams); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if n.PerSource != 3 || n.Preheader != "{lead_teaser}" || !cmp.Equal(n.OwnHosts, []string{"harbour.example"}) {
		t.Errorf("%d, %q, %v", n.PerSource, n.Preheader, n.OwnHosts)
	}
}
