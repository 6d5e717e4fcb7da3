package templates

import (
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Limits that our themes keep, and that a theme is measured by.
const (
	mostBytes  = 13_000 // of the letter that Sample makes
	mostTables = 2      // in one another, as Outlook for Windows sees them
	leastText  = 14     // CSS pixels
)

// Remark is what an inspection found in a theme.
type Remark struct {
	Severity string `json:"severity"` // error | warning | note
	What     string `json:"what"`
}

// Inspection is what a theme costs, and what can be said against it.
type Inspection struct {
	Theme   string   `json:"theme"`
	Bytes   int      `json:"bytes"`  // of the sample: a lead of five paragraphs, six briefs, a sponsor, two events
	Brief   int      `json:"brief"`  // bytes of one more brief
	Tables  int      `json:"tables"` // in one another in Outlook's view
	Remarks []Remark `json:"remarks"`
}

var (
	tableTag = regexp.MustCompile(`</?table`)
	textSize = regexp.MustCompile(`font(?:-size)?:[^;"}]*?(\d+)px`)
)

// Inspect sets sample letters in a loaded theme, left to right and right to
// left, with a lead and without, and measures them.
func (t *Theme) Inspect() Inspection {
	in := Inspection{Theme: t.Name, Remarks: []Remark{}}
	say := func(severity, format string, args ...any) {
		if r := (Remark{severity, fmt.Sprintf(format, args...)}); !slices.Contains(in.Remarks, r) {
			in.Remarks = append(in.Remarks, r)
		}
	}
	render := func(what string, l *Letter) string {
		l.Look = t.Look
		l.Count()
		var page, text strings.Builder
		if err := t.HTML.ExecuteTemplate(&page, "layout", l); err != nil {
			say("error", "%s: %v", what, err)
			return ""
		}
		if err := t.Text.ExecuteTemplate(&text, "text", l); err != nil {
			say("error", "%s: text part: %v", what, err)
		}
		html := page.String()
		if err := WellFormed(html); err != nil {
			say("error", "%s: %v", what, err)
		}
		if strings.Contains(html, "ZgotmplZ") {
			say("error", "%s: a value stands where it can't be made safe", what)
		}
		if !strings.Contains(html, l.Footer.Unsubscribe) || !strings.Contains(text.String(), l.Footer.Unsubscribe) {
			say("error", "%s: no unsubscribe link: nothing would be sent", what)
		}
		if n := strings.Count(html, "<h1"); n != 1 {
			say("warning", "%s: %d h1, it needs one: the newsletter's name", what, n)
		}
		for _, m := range textSize.FindAllStringSubmatch(html, -1) {
			if px, _ := strconv.Atoi(m[1]); px < leastText {
				say("warning", "text of %d px: %d is the least that can be read on a phone", px, leastText)
			}
		}
		return html
	}
	whole := render("letter", Sample("en", 6))
	in.Bytes, in.Brief, in.Tables = len(whole), len(render("letter", Sample("en", 7)))-len(whole), tablesDeep(whole)
	if rtl := render("letter from right to left", Sample("ar", 6)); strings.Contains(rtl, "italic") {
		say("warning", "letter from right to left: italics, which Arabic and Hebrew don't have")
	}
	bare := Sample("en", 6)
	bare.Lead = nil
	render("letter without a lead", bare)
	if in.Bytes > mostBytes {
		say("warning", "the sample letter has %d bytes, our themes keep below %d", in.Bytes, mostBytes)
	}
	if in.Tables > mostTables {
		say("warning", "tables stand %d deep in Outlook's view, our themes keep to %d", in.Tables, mostTables)
	}
	for _, c := range t.Tokens.Contrasts() {
		if c.Ratio < c.Good {
			say("note", "%s: contrast %.1f, our themes keep to %.0f", c, c.Ratio, c.Good)
		}
	}
	return in
}

// tablesDeep is how deep tables stand in one another, conditional ones too.
func tablesDeep(page string) (deepest int) {
	depth := 0
	for _, tag := range tableTag.FindAllString(page, -1) {
		if tag == "</table" {
			depth--
			continue
		}
		depth++
		deepest = max(deepest, depth)
	}
	return deepest
}

// Sample is a letter to look at a theme with: a lead of five paragraphs, some
// briefs, a sponsor and two events. In the layout's own words it is in the
// language; its stories are in English.
func Sample(language string, briefs int) *Letter {
	words, _ := WordsFor(language)
	p := &Page{Newsletter: "The Harbour Letter", Lang: language, Dir: "ltr", Words: words}
	if RightToLeft(language) {
		p.Dir, p.RTL = "rtl", true
	}
	const site = "https://harbour.example/212/"
	l := &Letter{
		Page: p, Subject: "Nine nights without the light", Preheader: "Until then the harbour steers by memory.",
		Place: "Port Averne", Date: "Thursday 26 November 2026", Issue: "No. 212", Dateline: "Port Averne, Thursday 26 November 2026. No. 212",
		Greeting: "Good morning from the quay. The ferry is on time, and the light has three nights left.",
		Lead: &Lead{
			Page: p, Title: "Nine nights without the light", URL: site + "nine-nights", Kicker: "Carrow Head", Author: "Marit Sele",
			Standfirst: "The lamp of 1871 is to be lifted out, cleaned and hung again.", Cut: true,
			Picture: &Picture{URL: "https://news.example.org/p/lead.png", Alt: "A pilot boat off a headland at dusk.", Width: 508, Height: 286, Caption: "The pilot boat lies off the bar from four."},
		},
		Footer: &Footer{
			Page: p, Reason: "You get The Harbour Letter because you signed up for it.", Unsubscribe: "https://news.example.org/u/x",
			View: "https://news.example.org/e/212", Address: "The Harbour Letter, 14 Chandler Row, Port Averne",
		},
	}
	for i := range 5 {
		text := "Four fitters will turn the lens by quarter degrees until the brass ring lets go, then lower it through the floor of the lantern room on a hoist last used in 1954. The harbour board has chosen the quietest days of the year to lift it out."
		l.Lead.Body = append(l.Lead.Body, &Block{Page: p, Kind: "paragraph", First: i == 0, HTML: template.HTML(text), Text: text}) // ours, and without a sign of markup
	}
	town := &Section{Page: p, Title: "Town", Kind: "briefs"}
	for i := range briefs {
		b := &Brief{
			Page: p, Title: "Causeway to close from four on Friday", URL: site + "causeway", Label: words.Update, Publication: "Harbour\u00a0Office",
			Text: "A surge of 60 centimetres will cover the road until eight. The last bus leaves the island at 15:20.",
		}
		if i%3 == 1 {
			b.Label, b.Opinion = words.Opinion, true
		}
		town.Briefs = append(town.Briefs, b)
	}
	l.Sections = []*Section{
		town,
		{Page: p, Kind: "sponsor", Briefs: []*Brief{{
			Page: p, Title: "Holm & Vane, sailmakers", URL: "https://holmvane.example/loft", Sponsored: true, Label: words.Sponsored,
			Text: "Winter is when sails are mended. Bring yours to the loft before 12 December.",
		}}},
		{Page: p, Title: "On the quay", Kind: "events", Briefs: []*Brief{
			{Page: p, When: "Fri 27 Nov, 19:00", Title: "Shanty night at the Net Loft", Text: ". Free; bring a chair."},
			{Page: p, When: "Sat 28 Nov, 10:00", Title: "Knots for beginners", Text: ", the Old Lifeboat House."},
		}},
	}
	return l
}

// About is the first sentence of a theme's tokens.yaml: what it is for.
func About(name string) string {
	files, err := embedded(name)
	if err != nil {
		return ""
	}
	comment := strings.TrimPrefix(files[tokensFile].text, "# ")
	first, _, _ := strings.Cut(comment, ". ")
	return strings.Join(strings.Fields(strings.ReplaceAll(first, "\n#", "\n")), " ")
}

// Files returns a theme's own files by name, those that all themes have in
// common too.
func Files(name string) (map[string]string, error) {
	files, err := embedded(name)
	if err != nil {
		return nil, err
	}
	texts := make(map[string]string, len(files))
	for n, f := range files {
		texts[n] = f.text
	}
	return texts, nil
}
