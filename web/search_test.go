package web_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"lede/compose"
	"lede/newsroom"
)

func TestArchiveSearch(t *testing.T) {
	s := shelf(t)
	for query, want := range map[string]string{
		"FERRY":                  "1 letter found",
		"eel":                    "7 letters found", // in a brief of each
		"storm roof":             "1 letter found",
		"the post is coming":     "7 letters found",
		"council":                "No letter has this word.", // left out of the letter
		"secret":                 "No letter has this word.",
		"nobody":                 "No letter has this word.", // not sent
		"<script>":               "1 letter found",
		"ferry  lifeboat":        "No letter has these words.",
		strings.Repeat("é", 300): "No letter has this word.",
	} {
		_, header, page := s.do(t, "GET", "/archive/harbour/?q="+url.QueryEscape(query), "", "")
		contains(t, page, want, `<a href="../../archive/harbour/">The newest letters</a>`)
		if header.Get("X-Robots-Tag") == "" || strings.Contains(page, "<script") {
			t.Errorf("%s: may be listed by search engines, or holds the query as HTML", query)
		}
	}
}

// A search finds what was corrected of a letter, also when it was read before.
func TestArchiveSearchAfterACorrection(t *testing.T) {
	s := shelf(t)
	s.Corrections = s.store.Corrections
	search := func(word string) string {
		t.Helper()
		_, _, page := s.do(t, "GET", "/archive/harbour/?q="+word, "", "")
		return page
	}
	contains(t, search("fourteen"), "No letter has this word.")
	contains(t, search("lifeboat"), "1 letter found", "Lifeboat station opens its doors")

	slot := time.Date(2026, 11, 26, 6, 30, 0, 0, time.UTC)
	c := letter("Swimmers ask for a lamp", "", slot)
	c.Edition.Sections = append([]compose.Section{{Kind: "corrections", Briefs: []compose.Brief{{
		Title: "Volunteers", Label: "correction", Corrects: "edition5", Source: "desk", Key: "volunteers",
		Body: []compose.Block{{Kind: "paragraph", HTML: "There are <em>fourteen</em>.", Text: "There are Fourteen."}},
	}}}}, c.Edition.Sections...)
	s.publish(t, "edition8", slot, c, true)
	s.clock = s.clock.Add(2 * time.Minute) // lists of letters are kept for one

	page := search("fourteen")
	contains(t, page, "2 letters found", "Swimmers ask for a lamp", "Lifeboat station opens its doors")
	contains(t, search("lifeboat+fourteen"), "1 letter found", `href="../../e/edition5"`)
	_, _, shown := s.do(t, "GET", "/e/edition5", "", "")
	contains(t, shown, "<em>fourteen</em>")
}

// What a later correction can't tell is our fault.
func TestArchiveSearchWithoutCorrections(t *testing.T) {
	s := shelf(t)
	s.Corrections = func(context.Context, string) ([]newsroom.Correction, error) { return nil, errors.New("disk is gone") }
	if status, _, page := s.do(t, "GET", "/archive/harbour/?q=eel", "", ""); status != 500 || strings.Contains(page, "disk") {
		t.Errorf("%d", status)
	}
}
