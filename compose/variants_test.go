package compose_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lede/compose"
	"lede/source"
	"lede/templates"
)

// askingTheme is the broadsheet with more at the end of its small print and of
// its text part.
func askingTheme(tb testing.TB, html, text string) *templates.Theme {
	tb.Helper()
	files, err := templates.Files("broadsheet")
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	for name, more := range map[string]string{"smallprint.html": html, "text.txt": text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(files[name]+more), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	theme, err := templates.Load("broadsheet", dir)
	if err != nil {
		tb.Fatal(err)
	}
	return theme
}

// nobody is in no segment.
func nobody(string) bool { return false }

var (
	paid    = []compose.Condition{{Attribute: "plan", Values: []string{"paid"}}}
	notPaid = []compose.Condition{{Attribute: "plan", Values: []string{"paid"}, Not: true}}
	islands = []compose.Condition{{Attribute: "place", Values: []string{"Skerry", "Holm"}}}
)

func TestRenderAll(t *testing.T) {
	section := func(title string, when []compose.Condition, briefs ...compose.Brief) compose.Section {
		return compose.Section{Title: title, Kind: "briefs", Briefs: briefs, When: when}
	}
	brief := func(title string, when []compose.Condition) compose.Brief {
		return compose.Brief{Title: title, URL: "https://harbour.example/x", Teaser: "It is so.", When: when}
	}
	const nested = `{{if recipient "plan" "paid"}}<p>Paid{{if recipient "place" "Holm"}} on Holm{{end}}</p>{{else}}<p>Unpaid</p>{{end}}`
	tests := []struct {
		name     string
		sections []compose.Section
		html     string
		text     string
		variants int
		who      map[string]string
		has      []string // in HTML, or in the text
		hasNot   []string
	}{
		{"no conditions", []compose.Section{section("Town", nil, brief("Roof", nil))}, "", "", 1, nil, []string{"Roof"}, nil},
		{"a section, those who meet it", []compose.Section{section("Town", paid, brief("Roof", nil))}, "", "", 2, map[string]string{"plan": "paid"}, []string{"Town", "Roof"}, nil},
		{"a section, the others", []compose.Section{section("Town", paid, brief("Roof", nil))}, "", "", 2, map[string]string{"plan": "free"}, nil, []string{"Town", "Roof"}},
		{"a section of which nothing is left", []compose.Section{section("Town", nil, brief("Roof", paid))}, "", "", 2, nil, nil, []string{"Town", "Roof"}},
		{"a brief among others", []compose.Section{section("Town", nil, brief("Roof", paid), brief("Pier", nil))}, "", "", 2, nil, []string{"Town", "Pier"}, []string{"Roof"}},
		{"is_not, with nothing known", []compose.Section{section("Town", notPaid, brief("Roof", nil))}, "", "", 2, nil, []string{"Roof"}, nil},
		{"two that must hold, one does", []compose.Section{section("Town", slices.Concat(paid, islands), brief("Roof", nil))}, "", "", 4, map[string]string{"plan": "paid"}, nil, []string{"Roof"}},
		{"two that must hold, both do", []compose.Section{section("Town", slices.Concat(paid, islands), brief("Roof", nil))}, "", "", 4, map[string]string{"plan": "paid", "place": "Holm"}, []string{"Roof"}, nil},
		{"values beside each other", []compose.Section{section("Town", islands, brief("Roof", nil))}, "", "", 2, map[string]string{"place": "Skerry"}, []string{"Roof"}, nil},
		{"a value in other letters is another", []compose.Section{section("Town", islands, brief("Roof", nil))}, "", "", 2, map[string]string{"place": "holm"}, nil, []string{"Roof"}},
		{"the theme's, yes", nil, `{{if recipient "plan" "paid" "gift"}}<p>Thank you</p>{{end}}`, "", 2, map[string]string{"plan": "gift"}, []string{"Thank you"}, nil},
		{"the theme's, no", nil, `{{if recipient "plan" "paid" "gift"}}<p>Thank you</p>{{end}}`, "", 2, nil, nil, []string{"Thank you"}},
		{"in the text part alone", nil, "", `{{if recipient "plan" "paid"}}Thank you{{end}}`, 2, map[string]string{"plan": "paid"}, []string{"Thank you"}, nil},
		{"one within another", nil, nested, "", 4, map[string]string{"plan": "paid", "place": "Holm"}, []string{"Paid on Holm"}, []string{"Unpaid"}},
		{"one within another, not asked", nil, nested, "", 4, map[string]string{"place": "Holm"}, []string{"Unpaid"}, nil},
		{"in a pipeline", nil, `{{if and (recipient "plan" "paid") (not (recipient "place" "Holm"))}}<p>Both</p>{{end}}`, "", 4, map[string]string{"plan": "paid"}, []string{"Both"}, nil},
		{"what the edition asks already", []compose.Section{section("Town", paid, brief("Roof", nil))}, `{{if recipient "plan" "paid"}}<p>Paid</p>{{end}}`, "", 2, map[string]string{"plan": "paid"}, []string{"Roof", "Paid"}, nil},
		{"parts of what the edition asks", []compose.Section{section("Town", islands, brief("Roof", nil))}, `{{if recipient "place" "Holm"}}<p>Holm</p>{{end}}`, "", 3, map[string]string{"place": "Skerry"}, []string{"Roof"}, []string{"Holm"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := harbourEdition()
			e.Sections = tt.sections
			all, err := compose.RenderAll(harbourRecipe(), e, askingTheme(t, tt.html, tt.text), nonce)
			if err != nil {
				t.Fatal(err)
			}
			if got := 1 + len(all.Variants); got != tt.variants || got != all.Split.Count() {
				t.Errorf("%d variants, the split counts %d, want %d", got, all.Split.Count(), tt.variants)
			}
			l := all.Variant(all.Split.Variant(func(attribute string) string { return tt.who[attribute] }, nobody))
			both := l.HTML + l.Text
			for _, has := range tt.has {
				if !strings.Contains(both, has) {
					t.Errorf("%q is not there", has)
				}
			}
			for _, not := range tt.hasNot {
				if strings.Contains(both, not) {
					t.Errorf("%q is there", not)
				}
			}
			for i, v := range all.Variants {
				if v.Subject != all.Letter.Subject || !slices.Equal(v.Fields, all.Letter.Fields) || v.Web != "" {
					t.Errorf("variant %d has another subject, other fields or a web page", i+1)
				}
			}
			nobody, err := compose.Render(harbourRecipe(), e, askingTheme(t, tt.html, tt.text), nonce)
			if err != nil || nobody.HTML != all.Letter.HTML || nobody.Web != all.Letter.Web {
				t.Errorf("Render gives another letter than variant 0: %v", err)
			}
		})
	}
}

func TestRenderAllRefuses(t *testing.T) {
	many := func(attribute string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `{{if recipient %q "v%d"}}<p>%d</p>{{end}}`, attribute, i, i)
		}
		return b.String()
	}
	tests := []struct {
		name  string
		html  string
		tests []string // further subjects
		want  string
	}{
		{"too many values", many("plan", 64), nil, "too many variants: conditions on plan make more than 64"},
		{"too many attributes", many("plan", 7) + many("place", 7) + many("age", 1), nil, "conditions on plan, place, age make more than 64"},
		{"too many with the subjects", many("plan", 39), []string{"One", "Two"}, "40 by plan, each with 3 subjects, make more than 64"},
		{"an attribute that the letter gives", `{{if recipient .Address "x"}}<p>x</p>{{end}}`, nil, "the name of the attribute is missing"},
		{"a variant that is not well formed", `{{if recipient "plan" "paid"}}</p>{{end}}`, nil, "load"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.want == "load" {
				files, err := templates.Files("broadsheet")
				if err != nil {
					t.Fatal(err)
				}
				dir := t.TempDir()
				if err := os.WriteFile(filepath.Join(dir, "smallprint.html"), []byte(files["smallprint.html"]+tt.html), 0o644); err != nil {
					t.Fatal(err)
				}
				if _, err := templates.Load("broadsheet", dir); err == nil {
					t.Error("the theme loads")
				}
				return
			}
			r, e := harbourRecipe(), harbourEdition()
			if len(tt.tests) > 0 {
				r.SubjectTest, e.Subjects = tt.tests, append([]string{e.Subject}, tt.tests...)
			}
			files, err := templates.Files("broadsheet")
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "smallprint.html"), []byte(files["smallprint.html"]+tt.html), 0o644); err != nil {
				t.Fatal(err)
			}
			theme, err := templates.Load("broadsheet", dir)
			if err == nil {
				_, err = compose.RenderAll(r, e, theme, nonce)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestSubjectTest(t *testing.T) {
	story := source.Story{Key: "a", Kind: source.KindStory, Title: "Roof of the fish market sold", URL: "https://harbour.example/a", Body: "<p>The roof was sold on Monday, as the board said.</p>", Published: chooseSlot}
	tests := []struct {
		name   string
		test   []string
		only   []string
		edited string
		want   []string // as read; the letters have the same with tokens
		token  int      // the subject that has one; 0: none
	}{
		{"none", nil, nil, "", nil, 0},
		{"one", []string{"{newsletter}: {lead}"}, nil, "", []string{"Roof of the fish market sold", "The Harbour Letter: Roof of the fish market sold"}, 0},
		{"with a field", []string{"{name|Reader}, the roof is sold"}, nil, "", []string{"Roof of the fish market sold", "Reader, the roof is sold"}, 2},
		{"the same as the first", []string{"{lead}", "Sold"}, nil, "", []string{"Roof of the fish market sold", "Sold"}, 0},
		{"an emoji makes another", []string{"🌊 {lead}"}, nil, "", []string{"Roof of the fish market sold", "🌊 Roof of the fish market sold"}, 0},
		{"all the same", []string{"{lead}"}, nil, "", nil, 0},
		{"a bulletin", []string{"Sold"}, []string{"desk\x00a"}, "", nil, 0},
		{"a subject by hand", []string{"Sold", "By hand"}, nil, "By hand", []string{"By hand", "Sold"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := harbourRecipe()
			r.Subject, r.SubjectTest, r.Min = "{lead}", tt.test, 0
			r.Sources, r.Lead = []compose.SourceRule{{ID: "desk"}}, compose.LeadRule{IfNone: "promote"}
			in := compose.Input{Slot: chooseSlot, Readings: []source.Reading{{Source: "desk", Stories: []source.Story{story}}}, Only: tt.only}
			if tt.edited != "" {
				in.Edits = &compose.Edits{Subject: tt.edited}
			}
			e := compose.Assemble(r, in)
			all, err := compose.RenderAll(r, e, theme(t), nonce)
			if err != nil {
				t.Fatal(err)
			}
			var read []string
			for i, s := range all.Subjects {
				if has := strings.Contains(s, "LF"+nonce); has != (i+1 == tt.token) {
					t.Errorf("subject %d: %q", i+1, s)
				}
				for _, f := range all.Letter.Fields {
					s = strings.ReplaceAll(s, f.Token, f.Fallback)
				}
				read = append(read, s)
			}
			if !slices.Equal(read, tt.want) {
				t.Errorf("got %q, want %q", read, tt.want)
			}
			if len(read) > 0 && all.Subjects[0] != all.Letter.Subject {
				t.Errorf("the first is %q, the letter's %q", all.Subjects[0], all.Letter.Subject)
			}
		})
	}
}

// TestConditionalStories: what assembling makes of stories and sections that are
// not for everybody.
func TestConditionalStories(t *testing.T) {
	when := func(attribute, value string, not bool) []source.Condition {
		return []source.Condition{{Attribute: attribute, Values: []string{value}, Not: not}}
	}
	of := func(segment string, not bool) []source.Condition {
		return []source.Condition{{Segment: segment, Not: not}}
	}
	story := func(key string, kind source.Kind, title string, when []source.Condition) source.Story {
		return source.Story{
			Key: key, Kind: kind, Title: title, File: key, When: when, Published: chooseSlot,
			Body: "<p>" + title + ", as the harbour board said on Monday; nobody had expected it so soon.</p>", URL: "https://harbour.example/" + key, Canonical: "harbour.example/" + key,
		}
	}
	roof, pier := story("roof", source.KindStory, "Roof of the fish market sold", nil), story("traps", source.KindStory, "Eel traps moved from the north pier", nil)
	forPaid, forFree := story("p", source.KindSponsor, "Holm & Vane", when("plan", "paid", false)), story("f", source.KindSponsor, "Sail Loft", when("plan", "paid", true))
	briefs := compose.SectionRule{Title: "In brief", Max: 3}
	tests := []struct {
		name     string
		stories  []source.Story
		sections []compose.SectionRule
		min      int
		lead     string
		stand    []string
		empty    string
		subject  string
	}{
		{"a story with when never leads", []source.Story{story("x", source.KindStory, "Secret", when("plan", "paid", false)), roof}, []compose.SectionRule{briefs}, 1, roof.Title, []string{"Secret"}, "", roof.Title},
		{"two sponsors in one place", []source.Story{roof, forPaid, forFree}, []compose.SectionRule{{Kind: "sponsor", Max: 1}}, 1, roof.Title, []string{"Holm & Vane", "Sail Loft"}, "", roof.Title},
		{"two sponsors of the same people", []source.Story{roof, forPaid, story("q", source.KindSponsor, "Sail Loft", when("plan", "paid", false))}, []compose.SectionRule{{Kind: "sponsor", Max: 1}}, 1, roof.Title, []string{"Holm & Vane"}, "", roof.Title},
		{"min counts what everybody gets", []source.Story{roof, pier}, []compose.SectionRule{{Title: "In brief", Max: 3, When: paid}}, 2, roof.Title, []string{pier.Title}, "1 new story for everybody else, at least 2 wanted (min: 2)", roof.Title},
		{"nothing for some", []source.Story{story("x", source.KindStory, "Secret", when("plan", "paid", false))}, []compose.SectionRule{briefs}, 0, "", []string{"Secret"}, "nothing new for everybody else", "The Harbour Letter"},
		{"two sponsors, of a segment and of the others", []source.Story{roof, story("r", source.KindSponsor, "Holm & Vane", of("regulars", false)), story("o", source.KindSponsor, "Sail Loft", of("regulars", true))}, []compose.SectionRule{{Kind: "sponsor", Max: 1}}, 1, roof.Title, []string{"Holm & Vane", "Sail Loft"}, "", roof.Title},
		{"a segment that nobody defined", []source.Story{roof, story("r", source.KindSponsor, "Holm & Vane", of("regular", true))}, []compose.SectionRule{{Kind: "sponsor", Max: 1}}, 1, roof.Title, nil, "", roof.Title},
		{"a story stands in one section", []source.Story{roof, pier}, []compose.SectionRule{{Title: "A", Max: 1, When: paid}, {Title: "B", Max: 1, When: notPaid}}, 1, roof.Title, []string{pier.Title}, "", roof.Title},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := harbourRecipe()
			r.Subject, r.Min, r.Sections = "{lead}", tt.min, tt.sections
			r.Sources, r.Lead = []compose.SourceRule{{ID: "desk", AsGiven: true}}, compose.LeadRule{IfNone: "promote"}
			r.Segments = map[string]string{"regulars": `subscribed before 30 days ago`}
			e := compose.Assemble(r, compose.Input{Slot: chooseSlot, Readings: []source.Reading{{Source: "desk", Stories: tt.stories}}})
			lead := ""
			if e.Lead != nil {
				lead = e.Lead.Title
			}
			var stand []string
			for _, s := range e.Sections {
				for _, b := range s.Briefs {
					stand = append(stand, b.Title)
					if (len(b.When) > 0 || len(s.When) > 0) != strings.Contains(b.Why, "only where ") {
						t.Errorf("%s: why %q", b.Title, b.Why)
					}
				}
			}
			for _, c := range e.Conditions() {
				if c.Where != r.Segments[c.Segment] {
					t.Errorf("%v means %q", c, c.Where)
				}
			}
			slices.Sort(stand)
			if lead != tt.lead || !slices.Equal(stand, tt.stand) || e.Empty != tt.empty || e.Subject != tt.subject {
				t.Errorf("lead %q, %q, empty %q, subject %q\nwant %q, %q, %q, %q", lead, stand, e.Empty, e.Subject, tt.lead, tt.stand, tt.empty, tt.subject)
			}
			if strings.Contains(e.Subject+e.Preheader, "Secret") {
				t.Errorf("the inbox tells what only some get: %q, %q", e.Subject, e.Preheader)
			}
		})
	}
}

// TestEmptySectionOfAVariant: who sees none of a section's stories reads its
// sentence, the others read the stories.
func TestEmptySectionOfAVariant(t *testing.T) {
	e := harbourEdition()
	e.Sections = []compose.Section{{Title: "Town", Kind: "briefs", Text: "Nothing today.", Briefs: []compose.Brief{{Title: "Roof", URL: "https://harbour.example/x", When: paid}}}}
	all, err := compose.RenderAll(harbourRecipe(), e, theme(t), nonce)
	if err != nil {
		t.Fatal(err)
	}
	for variant, want := range []string{"Nothing today.", "Roof"} {
		other := []string{"Roof", "Nothing today."}[variant]
		if l := all.Variant(variant); !strings.Contains(l.Text, want) || strings.Contains(l.Text, other) {
			t.Errorf("variant %d:\n%s", variant, l.Text)
		}
	}
}

// BenchmarkVariants assembles an edition of 200 candidates and makes its letters.
func BenchmarkVariants(b *testing.B) {
	r := harbourRecipe()
	r.Lead = compose.LeadRule{Length: 700, MinWords: 20, IfNone: "promote"}
	for f := range 10 {
		r.Sources = append(r.Sources, compose.SourceRule{ID: fmt.Sprintf("feed%d", f)})
	}
	for _, variants := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(variants), func(b *testing.B) {
			set := askingTheme(b, "", "")
			r.Sections = []compose.SectionRule{{Title: "In brief", Max: 6, Teaser: 240, PerSource: 2}, {Title: "Also today", Kind: "links", Max: 20}}
			for i := 1; i < variants; i *= 2 {
				when := []compose.Condition{{Attribute: fmt.Sprintf("a%d", i), Values: []string{"x"}}}
				r.Sections = append(r.Sections, compose.SectionRule{Title: fmt.Sprintf("Section %d", i), Max: 2, Teaser: 240, When: when})
			}
			in := crowdedMorning(200)
			for b.Loop() {
				e := compose.Assemble(r, in)
				all, err := compose.RenderAll(r, e, set, nonce)
				if err != nil || e.Empty != "" || 1+len(all.Variants) != variants {
					b.Fatalf("%v, %q, %d variants", err, e.Empty, 1+len(all.Variants))
				}
			}
		})
	}
}
