package compose_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"lede/compose"
	"lede/source"
)

// orderRecipe has sections that can be told apart, two that can't, and one that
// no edition file shows.
func orderRecipe() compose.Recipe {
	r := editRecipe()
	r.Lead.IfNone = "without"
	r.Lead.MinWords, r.Lead.From = 5000, []string{"desk"}
	r.Sections = []compose.SectionRule{
		{Title: "Council", Kind: "briefs", Max: 1, Teaser: 200, Tags: []string{"council"}},
		{Title: "In brief", Kind: "briefs", Max: 2, Teaser: 200, Tags: []string{"boats"}},
		{Title: "Most read", Kind: "most_read", From: []string{"top"}, Max: 3},
		{Title: "A word", Kind: "note"},
		{Title: "In brief", Kind: "briefs", From: []string{"desk"}, Max: 3, Teaser: 200},
	}
	r.Sources = append(r.Sources, compose.SourceRule{ID: "top"})
	return r
}

func orderInput(edits *compose.Edits, more ...source.Story) compose.Input {
	stories := boats("Adder", "Bream", "Cutter", "Dory")
	stories[0].Tags = []string{"council"}
	stories[1].Tags, stories[2].Tags = []string{"boats"}, []string{"boats"}
	in := editInput(append(stories, more...), edits)
	top := boats("Topsail")
	top[0].Source = "top"
	in.Readings = append(in.Readings, source.Reading{Source: "top", Stories: top})
	in.Memory.Read["top"] = true
	return in
}

// told lists the sections of an edition with what is in them.
func toldSections(e compose.Edition) string {
	var all []string
	for _, s := range e.Sections {
		var titles []string
		for _, b := range s.Briefs {
			titles = append(titles, strings.TrimSuffix(strings.TrimPrefix(b.Title, "The "), " came in"))
		}
		all = append(all, s.Title+": "+strings.Join(titles, " "))
	}
	return strings.Join(all, "; ")
}

// orderedBy draws an edition's file, lets change move its sections, and says
// what is wrong with that.
func orderedBy(t *testing.T, r compose.Recipe, in compose.Input, change func([]string) []string) (compose.Edits, error) {
	t.Helper()
	e := compose.Assemble(r, in)
	if e.Sheet == nil {
		t.Fatalf("no sheet: %s", e.Empty)
	}
	data, err := compose.WriteEditionFile(*e.Sheet, r.ID, r.Name, editSlot, 1)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(data), "sections:\n")
	middle, tail, _ := strings.Cut(rest, "left_out:")
	parts := strings.SplitAfter(middle, "\n  - title:")
	for i := range parts { // each section from its "  - title:" on
		if i > 0 {
			parts[i] = "  - title:" + parts[i]
		}
		parts[i] = strings.TrimSuffix(parts[i], "  - title:")
	}
	file, err := compose.ReadEditionFile("edition.yaml", strings.NewReader(head+"sections:\n"+strings.Join(change(parts), "")+"left_out:"+tail))
	if err != nil {
		t.Fatal(err)
	}
	return compose.CompareEdits("edition.yaml", *e.Sheet, file)
}

// places puts sections into another order, by their places in the file.
func places(order ...int) func([]string) []string {
	return func(parts []string) []string {
		var moved []string
		for _, i := range order {
			moved = append(moved, parts[i])
		}
		return moved
	}
}

// TestSectionOrder: an editor moves whole sections. What stands in them stays as
// the rules have it, the order holds when new stories come in, and a section
// that the file does not show goes with the one before it.
func TestSectionOrder(t *testing.T) {
	tests := []struct {
		name   string
		change func([]string) []string
		want   string
	}{
		{"as it is", places(0, 1, 2, 3), "Council: Adder; In brief: Bream Cutter; Most read: Topsail; In brief: Dory"},
		{"the second first", places(1, 0, 2, 3), "In brief: Bream Cutter; Most read: Topsail; Council: Adder; In brief: Dory"},
		{"the first last", places(1, 2, 3, 0), "In brief: Bream Cutter; Most read: Topsail; In brief: Dory; Council: Adder"},
		{"one taken out with its stories", places(1, 0, 2), "In brief: Bream Cutter; Most read: Topsail; Council: Adder"},
	}
	late := boats("Felucca")[0]
	late.Tags, late.Published = []string{"council"}, editSlot.Add(-time.Minute)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			edits, err := orderedBy(t, orderRecipe(), orderInput(nil), tt.change)
			if err != nil {
				t.Fatal(err)
			}
			if got := toldSections(compose.Assemble(orderRecipe(), orderInput(&edits))); got != tt.want {
				t.Errorf("got  %s\nwant %s\n%q", got, tt.want, edits.Says())
			}
			with := strings.Replace(tt.want, "Council: Adder", "Council: Felucca", 1)
			if got := toldSections(compose.Assemble(orderRecipe(), orderInput(&edits, late))); !strings.HasPrefix(got, strings.Split(with, " Dory")[0]) {
				t.Errorf("with a new story\ngot  %s\nwant %s …", got, with)
			}
			// Drawn again and handed back as it is, the order stays.
			again, err := orderedBy(t, orderRecipe(), orderInput(&edits), func(parts []string) []string { return parts })
			if err != nil {
				t.Fatal(err)
			}
			if got := toldSections(compose.Assemble(orderRecipe(), orderInput(&again))); got != tt.want {
				t.Errorf("the second time\ngot  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestSectionOrderClashes(t *testing.T) {
	in := orderInput(nil, source.Story{Key: "c.md", File: "c.md", Kind: source.KindCorrection, Title: "It was blue", Body: "<p>It was blue.</p>"})
	_, err := orderedBy(t, orderRecipe(), in, places(1, 0, 2, 3, 4))
	if err == nil || !strings.Contains(err.Error(), `edition.yaml:34: sections[1]: corrections stand first, above the lead: move "corrections" back to the top of sections`) {
		t.Errorf("corrections below: %v", err)
	}
	edits, err := orderedBy(t, orderRecipe(), orderInput(nil), places(1, 0, 2, 3))
	if err != nil {
		t.Fatal(err)
	}
	if got := edits.Says(); !slices.Contains(got, "sections in this order: In brief, Council, A word, In brief") {
		t.Errorf("says %q", got)
	}
	less := orderRecipe()
	less.Sections = less.Sections[1:]
	e := compose.Assemble(less, orderInput(&edits))
	if got := strings.Join(e.Remarks, "\n"); !strings.Contains(got, `there is no section "Council" (briefs) any more`) {
		t.Errorf("of a section that is gone: %q", got)
	}
	if got := toldSections(e); !strings.HasPrefix(got, "In brief: Bream Cutter; Most read: Topsail") {
		t.Error(got)
	}
}

// TestSameSections: of two sections with one kind and title each has its own
// edits.
func TestSameSections(t *testing.T) {
	edits, err := orderedBy(t, orderRecipe(), orderInput(nil), func(parts []string) []string {
		parts[3] = strings.Replace(parts[3], "headline: The Dory came in", "headline: Dory, at last", 1)
		return parts
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "Council: Adder; In brief: Bream Cutter; Most read: Topsail; In brief: Dory, at last"
	if got := toldSections(compose.Assemble(orderRecipe(), orderInput(&edits))); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
