package web_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lede/compose"
	"lede/web"
)

func TestPreviewDifference(t *testing.T) {
	d := newDesk(t)
	if _, page := d.get(t, "/"); strings.Contains(page, "Difference from") {
		t.Error("a difference from nothing is offered")
	}
	_, page := d.get(t, "/?view=difference")
	contains(t, page, "Nothing to compare with.")

	fresh, _ := proof(t, "")
	last, _ := harbour(t)
	last.Subject = "Ferry to Skerrow is late after ten days"
	last.Lead.Title = last.Subject
	section := last.Sections[0]
	section.Briefs = append([]compose.Brief{{Title: "Gone since <Monday>", Teaser: "It ran.", Key: "gone", Source: "site"}}, section.Briefs[1:]...)
	last.Sections = append([]compose.Section{section}, last.Sections[1:]...)
	fresh.Earlier = &web.Earlier{Edition: last, Slot: last.Slot.AddDate(0, 0, -1)}
	d.set(func(d *desk) { d.proof = fresh })
	_, page = d.get(t, "/")
	contains(t, page, `<a href="/?newsletter=harbour&amp;view=difference">Difference from Monday’s</a>`)
	_, page = d.get(t, "/?view=difference")
	for _, hint := range []string{`<span class="unseen">added: </span>`, `<span class="unseen">removed: </span>`, `<span class="unseen"> (end)</span>`} {
		page = strings.ReplaceAll(page, hint, "")
	}
	contains(t, page, "<h2>Difference from Monday 23 November</h2>", "words added,", "blocks are the same",
		`<h3>Subject</h3><p>Ferry to Skerrow <del>is late</del><ins>sails again</ins> after <del>ten</del><ins>eleven</ins> days</p>`,
		`<h3>In brief</h3><p><ins>Fish market roof goes to a second vote The council counts again on Thursday.</ins></p>`,
		`<h3>In brief</h3><p><del>Gone since &lt;Monday&gt; It ran.</del></p>`, `aria-current="page">Difference from Monday’s`)
	if strings.Contains(page, "Eel traps cut at Low Sluice Eleven") || strings.Contains(page, "<iframe") {
		t.Error("what is the same is told, or a letter is shown")
	}
}

// Two long texts that share nothing cost no more than a look at each.
func TestPreviewDifferenceOfLongTexts(t *testing.T) {
	d := newDesk(t)
	fresh, _ := proof(t, "")
	last, _ := harbour(t)
	long := func(word string) []compose.Block {
		var out strings.Builder
		for i := range 20_000 {
			fmt.Fprintf(&out, "%s%d ", word, i)
		}
		return []compose.Block{{Kind: "paragraph", Text: out.String()}}
	}
	last.Lead.Body, fresh.Edition.Lead = long("eel"), &compose.Lead{Title: "x", Body: long("ferry")}
	fresh.Earlier = &web.Earlier{Edition: last, Slot: last.Slot.AddDate(0, 0, -9)}
	d.set(func(d *desk) { d.proof = fresh })
	start := time.Now()
	_, page := d.get(t, "/?view=difference")
	contains(t, page, "Difference from 15 November’s")
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	if !strings.Contains(page, "ferry19999") || !strings.Contains(page, "eel19999") {
		t.Error("one of the texts is missing")
	}
}
