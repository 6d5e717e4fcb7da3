package newsroom_test

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"lede/compose"
	"lede/newsroom"
)

// TestArchive: a section of kind archive tells what the edition ran that is
// nearest to as long ago as it says, and nothing while there is none.
func TestArchive(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		at(t, "2026-11-24T06:00:00Z")
		d := newDesk(t, filepath.Join(dir, "lede.db"), "", "Europe/Lisbon")
		d.n.Recipe.Sections = append(d.n.Recipe.Sections, compose.SectionRule{Title: "Two weeks ago", Kind: "archive", Max: 1, Ago: compose.Ago{Days: 14}})
		d.subscribe(t, 1)
		ctx := context.Background()
		publish := func() *compose.Edition {
			t.Helper()
			if _, err := d.Publish(ctx, d.n, newsroom.Order{Slot: time.Now(), ByHand: true}, time.Minute); err != nil {
				t.Fatal(err)
			}
			recs := d.editions(t)
			rec, err := d.store.Edition(ctx, recs[len(recs)-1].ID)
			if err != nil {
				t.Fatal(err)
			}
			return rec.Content
		}
		archived := func(e *compose.Edition) string {
			for _, s := range e.Sections {
				if s.Kind == "archive" {
					return s.Briefs[0].Title
				}
			}
			return ""
		}
		first := publish()
		if first.Lead == nil || archived(first) != "" {
			t.Fatalf("the first edition: %+v", first.Sections)
		}
		time.Sleep(3 * 24 * time.Hour)
		if got := archived(publish()); got != "" {
			t.Errorf("after three days: %q", got)
		}
		time.Sleep(11 * 24 * time.Hour)
		if got := archived(publish()); got != first.Lead.Title {
			t.Errorf("after two weeks: %q, want %q", got, first.Lead.Title)
		}
	})
}
