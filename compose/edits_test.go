package compose_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lede/compose"
	"lede/source"
)

var editSlot = time.Date(2027, 3, 1, 6, 30, 0, 0, time.UTC)

func editRecipe() compose.Recipe {
	return compose.Recipe{
		ID: "harbour", Name: "The Harbour Letter", Language: "en", Zone: time.UTC, Greeting: "Good morning.", Min: 1,
		Sources: []compose.SourceRule{{ID: "desk", MaxAge: 72 * time.Hour, Updates: "mark", Leftovers: "drop"}},
		Lead:    compose.LeadRule{Length: 700, MinWords: 20, IfNone: "promote"},
		Sections: []compose.SectionRule{
			{Title: "In brief", Kind: "briefs", Max: 3, Teaser: 200},
			{Title: "A word", Kind: "note"},
		},
	}
}

// boats are so many stories, the first the newest.
func boats(names ...string) []source.Story {
	var stories []source.Story
	for i, name := range names {
		stories = append(stories, source.Story{
			Source: "desk", Key: name, Kind: source.KindStory, Title: "The " + name + " came in", URL: "https://example.org/" + name, File: "/stories/" + name + ".md",
			Published: editSlot.Add(-time.Duration(i+1) * time.Hour), Order: i,
			Body: "<p>" + strings.Repeat("The "+name+" lies at the "+name+" quay of Port Averne. ", 6) + "</p>",
		})
	}
	return stories
}

func editInput(stories []source.Story, edits *compose.Edits) compose.Input {
	return compose.Input{
		Slot: editSlot, Sheet: true, Edits: edits, Readings: []source.Reading{{Source: "desk", Stories: stories}},
		Memory: compose.Memory{Read: map[string]bool{"desk": true}},
	}
}

// outline is an edition in a few words.
func outline(e compose.Edition) string {
	var b strings.Builder
	if e.Lead != nil {
		fmt.Fprintf(&b, "[%s]", e.Lead.Title)
	}
	for _, s := range e.Sections {
		for _, brief := range s.Briefs {
			fmt.Fprintf(&b, " %s;", brief.Title)
		}
	}
	return b.String()
}

// edit draws the edition, lets change edit its file, and returns the edits.
func edit(t *testing.T, stories []source.Story, before *compose.Edits, change func(string) string) compose.Edits {
	t.Helper()
	e := compose.Assemble(editRecipe(), editInput(stories, before))
	if e.Sheet == nil {
		t.Fatalf("no sheet: %s", e.Empty)
	}
	data, err := compose.WriteEditionFile(*e.Sheet, "harbour", "The Harbour Letter", editSlot, 1)
	if err != nil {
		t.Fatal(err)
	}
	text := change(string(data))
	file, err := compose.ReadEditionFile("edition.yaml", strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	edits, err := compose.CompareEdits("edition.yaml", *e.Sheet, file)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return edits
}

func swap(pairs ...string) func(string) string {
	return func(s string) string { return strings.NewReplacer(pairs...).Replace(s) }
}

// entry cuts the entry of a story out of a file.
func entry(text, id string) (without, cut string) {
	lines := strings.SplitAfter(text, "\n")
	var kept, out []string
	in := false
	for _, line := range lines {
		trimmed := strings.TrimLeft(line, " ")
		if strings.HasPrefix(trimmed, "- ") || !strings.HasPrefix(line, "     ") {
			in = strings.HasPrefix(trimmed, "- story: "+id+"\n")
		}
		if in {
			out = append(out, line)
		} else {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, ""), strings.Join(out, "")
}

// What the editor did stays when new stories come in, and what nobody touched
// follows the rules.
func TestEditsStay(t *testing.T) {
	first := boats("Adder", "Bream", "Cutter", "Dory", "Eider")
	later := append(boats("Felucca"), first...)
	later[0].Published = editSlot.Add(-time.Minute)
	tests := []struct {
		name   string
		change func(string) string
		after  []source.Story
		want   string
		said   string
	}{
		{"nothing", swap(), later, "[The Felucca came in] The Adder came in; The Bream came in; The Cutter came in;", ""},
		{
			"a headline", swap("headline: The Bream came in", "headline: Bream, at last"), later,
			"[The Felucca came in] Bream, at last; The Adder came in; The Cutter came in;", "new: “The Felucca came in” (desk) came in",
		},
		{
			"the lead's headline holds the lead", swap("headline: The Adder came in", "headline: Adder first"), later,
			"[Adder first] The Felucca came in; The Bream came in; The Cutter came in;", "new: “The Felucca",
		},
		{
			"dropped", func(s string) string { s, _ = entry(s, "desk:Cutter"); return s }, later,
			"[The Felucca came in] The Bream came in; The Dory came in;", "",
		},
		{
			"reordered", func(s string) string {
				s, cut := entry(s, "desk:Dory")
				return strings.Replace(s, "      - story: desk:Bream\n", cut+"      - story: desk:Bream\n", 1)
			}, first, "[The Adder came in] The Dory came in; The Bream came in; The Cutter came in;", "",
		},
		{
			"no lead", func(s string) string {
				from, to := strings.Index(s, "lead:\n"), strings.Index(s, "sections:\n")
				return s[:from] + "lead: none\n" + s[to:]
			}, first, " The Bream came in; The Cutter came in; The Dory came in;", "",
		},
		{
			"an own brief", swap("  - title: A word\n    kind: note\n    stories: []", "  - title: A word\n    kind: note\n    stories:\n      - headline: Closed on Monday\n        text: |\n          The office is closed.\n\n          Come on Tuesday.\n"), first,
			"[The Adder came in] The Bream came in; The Cutter came in; The Dory came in; Closed on Monday;", "",
		},
		{
			"what comes later is left", swap("new_stories: add", "new_stories: leave", "headline: The Adder came in", "headline: Adder first"), later,
			"[Adder first] The Bream came in; The Cutter came in; The Dory came in;", "is there and not in the edition (new_stories: leave)",
		},
		{
			"taken back at its source", swap("headline: The Bream came in", "headline: Bream, at last"), boats("Adder", "Cutter", "Dory"),
			"[The Adder came in] The Cutter came in; The Dory came in;", "“The Bream came in” was taken back at its source",
		},
		{
			"pinned", func(s string) string {
				return strings.Replace(s, "      - story: desk:Bream\n", "      - story: desk:Bream\n        pin: true\n", 1)
			}, boats("Adder", "Cutter", "Dory"),
			"[The Adder came in] The Bream came in; The Cutter came in; The Dory came in;", "it is pinned, and stands",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			edits := edit(t, first, nil, tt.change)
			e := compose.Assemble(editRecipe(), editInput(tt.after, &edits))
			if got := outline(e); got != tt.want {
				t.Errorf("got  %s\nwant %s\n%s", got, tt.want, strings.Join(edits.Says(), "\n"))
			}
			if tt.said != "" && !strings.Contains(strings.Join(e.Remarks, "\n"), tt.said) {
				t.Errorf("said %q", e.Remarks)
			}
			// Drawn again and handed back as it is, nothing is lost.
			again := edit(t, tt.after, &edits, swap())
			if got := outline(compose.Assemble(editRecipe(), editInput(tt.after, &again))); got != tt.want {
				t.Errorf("the second time\ngot  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestRewrittenStoryChanged(t *testing.T) {
	first := boats("Adder", "Bream", "Cutter")
	edits := edit(t, first, nil, swap("headline: The Bream came in", "headline: Bream, at last"))
	changed := boats("Adder", "Bream", "Cutter")
	changed[1].Body = "<p>" + strings.Repeat("The Bream went down off the mole. ", 8) + "</p>"
	e := compose.Assemble(editRecipe(), editInput(changed, &edits))
	if got := strings.Join(e.Remarks, "\n"); !strings.Contains(got, "“The Bream came in” changed at its source after the editor rewrote it") {
		t.Errorf("said %q", got)
	}
	if got := outline(e); !strings.Contains(got, "Bream, at last") {
		t.Error(got)
	}
}

func TestEditionFileFaults(t *testing.T) {
	tests := []struct{ name, old, new, want string }{
		{"unknown field", "        headline: The Bream", "        hedline: The Bream", "edition.yaml:35: sections[0].stories[0].hedline: unknown field; did you mean headline?"},
		{"unknown story", "story: desk:Bream", "story: desk:Braem", "there was no story \"desk:Braem\" in this file; did you mean desk:Bream?"},
		{"twice", "story: desk:Cutter", "story: desk:Bream", "desk:Bream stands in sections[0].stories[0] already"},
		{"unknown section", "title: In brief", "title: In breif", "did you mean In brief?"},
		{"greeting", "greeting: Good morning.", "greeting: Good morning {nmae}.", "edition.yaml:24: greeting: "},
		{"new_stories", "new_stories: add", "new_stories: maybe", "new_stories: \"maybe\" is not add or leave"},
		{"anchor", "headline: The Bream", "headline: &a The Bream", "anchors and aliases"},
		{"script as a link", "stories: []", "stories: [{text: x, link: 'javascript:alert(1)'}]", "is no web address"},
		{"no subject", "subject: The Adder came in", "subject: ''", "edition.yaml:22: subject: empty"},
		{"kind", "stories: []", "stories: [{story: 'desk:Dory'}]", "a story of kind briefs does not stand in a section of kind note"},
		{"slot", "slot: ", "slot: some ", "leave this line as it was written"},
		{"not YAML", "sections:", "sections: [", "edition.yaml: line"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := compose.Assemble(editRecipe(), editInput(boats("Adder", "Bream", "Cutter", "Eider", "Dory"), nil))
			data, err := compose.WriteEditionFile(*e.Sheet, "harbour", "The Harbour Letter", editSlot, 1)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Replace(string(data), tt.old, tt.new, 1)
			if text == string(data) {
				t.Fatalf("nothing to replace in\n%s", text)
			}
			file, err := compose.ReadEditionFile("edition.yaml", strings.NewReader(text))
			if err == nil {
				_, err = compose.CompareEdits("edition.yaml", *e.Sheet, file)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func FuzzReadEditionFile(f *testing.F) {
	f.Add("newsletter: harbour\nslot: 2027-03-01T06:30:00Z\nrevision: 1\nlead: none\nsections: []\n")
	f.Add("a: &a [*a, *a]\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := compose.ReadEditionFile("x", strings.NewReader(text))
		if err == nil {
			_, _ = compose.CompareEdits("x", compose.Sheet{}, file)
		}
	})
}
