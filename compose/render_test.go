package compose_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/clipperhouse/displaywidth"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"lede/compose"
	"lede/templates"
)

var update = flag.Bool("update", false, "write the golden letters anew")

const nonce = "0123456789abcdef"

func theme(t testing.TB) *templates.Theme {
	t.Helper()
	theme, err := templates.Load("broadsheet", "")
	if err != nil {
		t.Fatal(err)
	}
	return theme
}

func render(t testing.TB, r compose.Recipe, e compose.Edition) compose.Letter {
	t.Helper()
	l, err := compose.Render(r, e, theme(t), nonce)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "letters", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; `go test -run %s -update` writes it", err, t.Name())
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}

func TestGoldenLetters(t *testing.T) {
	l := render(t, harbourRecipe(), harbourEdition())
	golden(t, "harbour.html", l.HTML)
	golden(t, "harbour.txt", l.Text)
	golden(t, "harbour.web.html", l.Web)
}

// The letter's size is part of the look: Gmail clips at 102 KB, and a reader
// on a slow line pays for each.
func TestByteBudget(t *testing.T) {
	e := harbourEdition()
	l := render(t, harbourRecipe(), e)
	if len(l.HTML) > 13*1000 {
		t.Errorf("the letter has %d bytes, its budget is 13,000", len(l.HTML))
	}
	styles := 0
	for _, s := range regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindAllStringSubmatch(l.HTML, -1) {
		styles += len(s[1])
	}
	if styles == 0 || styles >= 2000 {
		t.Errorf("the styles have %d bytes, their budget is 2,000", styles)
	}
	for i, b := range e.Sections[0].Briefs {
		more := harbourEdition()
		more.Sections[0].Briefs = append(more.Sections[0].Briefs, b)
		if cost := len(render(t, harbourRecipe(), more).HTML) - len(l.HTML); cost > 600 {
			t.Errorf("one more brief like number %d costs %d bytes, its budget is 600", i+1, cost)
		}
	}
}

func TestAnatomy(t *testing.T) {
	l := render(t, harbourRecipe(), harbourEdition())
	for _, want := range []string{
		`<html lang="en" dir="ltr">`, `<body class="b" lang="en" dir="ltr"`, `role="article" aria-label="Nine nights without the light" lang="en" dir="ltr"`,
		`<title>Nine nights without the light</title>`, `<meta name="color-scheme" content="light dark">`,
		`<meta name="supported-color-schemes" content="light dark">`, `<meta name="x-apple-disable-message-reformatting" content="">`,
		`<meta name="format-detection"`, `<o:PixelsPerInch>96</o:PixelsPerInch>`, `mso-line-height-rule:exactly`,
		`<!--[if mso]><table role="presentation" align="center" width="536"`, `<!--[if mso]></td></tr></table><![endif]-->`,
		`[data-ogsc] .w`, `[data-ogsb] .b`, `prefers-color-scheme:dark`,
		`src="https://news.example.org/p/3fa9c1d2e4b5a6978812345678901234.png"`, `width="536"`,
		`href="LF0123456789abcdefx0Z"`, `href="LF0123456789abcdefx1Z"`,
		`Averne` + "\u00a0" + `Courier`,
	} {
		if !strings.Contains(l.HTML, want) {
			t.Errorf("the letter has no %s", want)
		}
	}
	if n := strings.Count(l.HTML, "<h1"); n != 1 {
		t.Errorf("%d h1, want 1", n)
	}
	if n, m := strings.Count(l.HTML, "<table"), strings.Count(l.HTML, `<table role="presentation"`); n != 2 || m != 2 {
		t.Errorf("%d tables, %d of them for presentation, want 2 and 2", n, m)
	}
	_, body, _ := strings.Cut(l.HTML, "<body")
	if text := regexp.MustCompile(`>\s*([^<\s][^<]*)`).FindStringSubmatch(body); text == nil || text[1] != harbourEdition().Preheader {
		t.Errorf("the body's first text is %q, not the preheader", text)
	}
	if strings.Contains(l.HTML, "ZgotmplZ") {
		t.Error("html/template could not make a value safe")
	}
	for _, small := range regexp.MustCompile(`font:[^;"]*?(\d+)px/`).FindAllStringSubmatch(l.HTML, -1) {
		if small[1] < "14" {
			t.Errorf("text of %s px", small[1])
		}
	}
}

func TestTextPart(t *testing.T) {
	e := harbourEdition()
	long := "https://harbour.example/" + strings.Repeat("a-long-way/", 20)
	e.Lead.URL = long
	e.Lead.Body = append(e.Lead.Body,
		compose.Block{Kind: "heading", HTML: "What it costs", Text: "What it costs"},
		compose.Block{Kind: "bullet", HTML: "one", Text: "one " + strings.Repeat("word ", 30)},
		compose.Block{Kind: "bullet", HTML: "two", Text: "two"},
		compose.Block{Kind: "number", HTML: "first", Text: "first"},
		compose.Block{Kind: "number", HTML: "second", Text: "second"},
		compose.Block{Kind: "quote", HTML: "said", Text: "said " + strings.Repeat("at length ", 20)},
		compose.Block{Kind: "pre", HTML: "a  b\n  c", Text: "a  b\n  c"},
		compose.Block{Kind: "paragraph", HTML: "see", Text: "See the plan <" + long + "> of the board. " + strings.Repeat("日本語の長い文章です。", 12)},
	)
	text := render(t, harbourRecipe(), e).Text
	golden(t, "blocks.txt", text)
	for i, line := range strings.Split(text, "\n") {
		if strings.TrimRight(line, " \t") != line {
			t.Errorf("line %d ends in a space: %q", i+1, line)
		}
		if displaywidth.String(line) > 72 && !strings.Contains(line, "://") {
			t.Errorf("line %d has %d columns: %q", i+1, displaywidth.String(line), line)
		}
	}
	if !strings.Contains(text, "\n"+long+"\n") {
		t.Error("the long address is broken or not alone on its line")
	}
	if strings.Contains(text, "\n\n\n\n") || !strings.HasSuffix(text, "\n") || strings.HasSuffix(text, "\n\n") {
		t.Error("too many empty lines, or not one line break at the end")
	}
}

func TestFieldsBecomeTokens(t *testing.T) {
	r, e := harbourRecipe(), harbourEdition()
	r.Subject = "{name|Reader}, {lead} ({date}) {{x}"
	e.Subject = "Reader, Nine nights without the light (Thursday 26 November 2026) {x}"
	e.Greeting = "Good morning, {name|friend}. {newsletter} is {{braced}. Yours, {name}; again {name|friend}."
	l := render(t, r, e)
	want := []compose.Field{
		{Token: "LF0123456789abcdefx0Z", Name: compose.FieldUnsubscribe},
		{Token: "LF0123456789abcdefx1Z", Name: compose.FieldView},
		{Token: "LF0123456789abcdefx2Z", Name: compose.FieldSubscriberName, Fallback: "Reader"},
		{Token: "LF0123456789abcdefx3Z", Name: compose.FieldSubscriberName, Fallback: "friend"},
		{Token: "LF0123456789abcdefx4Z", Name: compose.FieldSubscriberName},
	}
	if diff := cmp.Diff(want, l.Fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if want := "LF0123456789abcdefx2Z, Nine nights without the light (Thursday 26 November 2026) {x}"; l.Subject != want {
		t.Errorf("subject: got %q, want %q", l.Subject, want)
	}
	greeting := "Good morning, LF0123456789abcdefx3Z. The Harbour Letter is {braced}. Yours, LF0123456789abcdefx4Z; again LF0123456789abcdefx3Z."
	if !strings.Contains(l.HTML, greeting) || !strings.Contains(spaced(l.Text), greeting) {
		t.Errorf("the greeting is not %q", greeting)
	}
	if !strings.Contains(l.HTML, "<title>"+l.Subject+"</title>") {
		t.Error("the title is not the subject")
	}
	for _, want := range []string{"<title>Reader, Nine nights", "Good morning, friend. The Harbour Letter is {braced}. Yours, ; again friend."} {
		if !strings.Contains(l.Web, want) {
			t.Errorf("the web page has no %q", want)
		}
	}
}

func TestSubjectAsTheEditionHasIt(t *testing.T) {
	r, e := harbourRecipe(), harbourEdition()
	for _, test := range []struct{ template, edition, want string }{
		{"", "Nine nights without the light", "Nine nights without the light"},
		{"{lead}", "Changed by hand, {name}", "Changed by hand, {name}"},
		{"{newsletter}: {lead}", "The Harbour Letter: Nine nights without the light", "The Harbour Letter: Nine nights without the light"},
		{"{newsletter}: {lead}", "", "The Harbour Letter: Nine nights without the light"},
	} {
		r.Subject, e.Subject = test.template, test.edition
		if got := render(t, r, e).Subject; got != test.want {
			t.Errorf("%q, %q: got %q, want %q", test.template, test.edition, got, test.want)
		}
	}
}

// Without a lead the first brief's headline is the subject, and the reader is
// addressed all the same.
func TestSubjectWithoutALead(t *testing.T) {
	r, e := harbourRecipe(), harbourEdition()
	r.Subject, e.Subject, e.Lead = "{name|Reader}: {lead}", "Reader: Oyster beds reopen after six clean weeks", nil
	if got, want := render(t, r, e).Subject, "LF0123456789abcdefx2Z: Oyster beds reopen after six clean weeks"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWebPageIsNobodys(t *testing.T) {
	l := render(t, harbourRecipe(), harbourEdition())
	for _, not := range []string{"LF" + nonce, "Unsubscribe", "Read this edition", "display:none", "because you signed up"} {
		if strings.Contains(l.Web, not) {
			t.Errorf("the web page holds %q", not)
		}
	}
	for _, link := range hrefs(t, l.Web) {
		if !strings.HasPrefix(link, "https://") && !eventLink.MatchString(link) {
			t.Errorf("the web page links to %q", link)
		}
	}
	if !strings.Contains(l.Web, "14 Chandler Row, Port Averne") {
		t.Error("the web page has no postal address")
	}
}

func TestFooterLinksOnlyWhereSet(t *testing.T) {
	r := harbourRecipe()
	if l := render(t, r, harbourEdition()); strings.Contains(l.HTML, "Imprint") || strings.Contains(l.Text, "Privacy") {
		t.Error("a link without an address")
	}
	r.Imprint, r.Privacy = "https://harbour.example/imprint", "https://harbour.example/privacy"
	l := render(t, r, harbourEdition())
	for _, want := range []string{`href="https://harbour.example/imprint" style="color:#554">Imprint</a>`, `href="https://harbour.example/privacy" style="color:#554">Privacy</a>`} {
		if !strings.Contains(l.HTML, want) {
			t.Errorf("no %s", want)
		}
	}
	if !strings.Contains(l.Text, "Imprint:\nhttps://harbour.example/imprint\n") {
		t.Error("no imprint in the text part")
	}
}

func TestBareEditions(t *testing.T) {
	slot := harbourEdition().Slot
	brief := compose.Brief{Title: "Oyster beds reopen", URL: "https://example.org/"}
	for name, e := range map[string]compose.Edition{
		"nothing":           {Slot: slot},
		"no lead":           {Slot: slot, Sections: []compose.Section{{Title: "Harbour", Kind: "briefs", Briefs: []compose.Brief{brief}}}},
		"untitled section":  {Slot: slot, Sections: []compose.Section{{Kind: "briefs", Briefs: []compose.Brief{brief}}}},
		"empty section":     {Slot: slot, Sections: []compose.Section{{Title: "Harbour", Kind: "briefs"}}},
		"lead of one word":  {Slot: slot, Lead: &compose.Lead{Title: "Fog"}},
		"lead, no headline": {Slot: slot, Lead: &compose.Lead{URL: "https://example.org/", Body: []compose.Block{{Kind: "paragraph", HTML: "Fog.", Text: "Fog."}}}},
		"brief of a link":   {Slot: slot, Sections: []compose.Section{{Kind: "briefs", Briefs: []compose.Brief{{URL: "https://www.example.org/x"}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			l := render(t, harbourRecipe(), e)
			root, err := html.Parse(strings.NewReader(l.HTML))
			if err != nil {
				t.Fatal(err)
			}
			for n := range root.Descendants() {
				if n.Data == "a" && n.FirstChild == nil || strings.HasPrefix(n.Data, "h") && len(n.Data) == 2 && n.FirstChild == nil {
					t.Errorf("an empty <%s>", n.Data)
				}
			}
			if strings.Contains(l.HTML, "Continue reading") {
				t.Error("nothing is continued")
			}
		})
	}
	l := render(t, harbourRecipe(), compose.Edition{Slot: slot, Sections: []compose.Section{{Kind: "briefs", Briefs: []compose.Brief{{URL: "https://www.example.org/x"}}}}})
	if !strings.Contains(l.HTML, ">example.org</a>") {
		t.Error("a link without any words does not name where it leads")
	}
}

func TestPictures(t *testing.T) {
	figure := func(w, h int, caption, credit string) *compose.Figure {
		return &compose.Figure{Picture: compose.Picture{Name: "a.jpg", Width: w, Height: h}, Caption: caption, Credit: credit}
	}
	for _, test := range []struct {
		name   string
		figure *compose.Figure
		want   []string
	}{
		{"wide", figure(1200, 675, "", ""), []string{`alt="" width="536"`, `margin:0 0 20px`}},
		{"tall", figure(600, 1200, "", ""), []string{`width="536"`}},
		{"small", figure(200, 101, "Fog.", ""), []string{`width="200"`, `max-width:200px`, `margin:0 0 7px`, `>Fog.</p>`}},
		{"flat", figure(5000, 1, "", ""), []string{`width="536"`}},
		{"credit", figure(1200, 675, "Fog", "Oda Farrant"), []string{`>Fog. Picture: Oda Farrant</p>`}},
		{"credit with its own word", figure(1200, 675, "Fog.", "Photo: Oda Farrant"), []string{`>Fog. Photo: Oda Farrant</p>`}},
		{"credit alone", figure(1200, 675, "", "Oda Farrant"), []string{`>Picture: Oda Farrant</p>`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := harbourEdition()
			e.Lead.Image = test.figure
			l := render(t, harbourRecipe(), e)
			for _, want := range test.want {
				if !strings.Contains(l.HTML, want) {
					t.Errorf("no %s", want)
				}
			}
		})
	}
	e := harbourEdition()
	e.Lead.Image = nil
	if l := render(t, harbourRecipe(), e); strings.Contains(l.HTML, "<img") || strings.Contains(l.HTML, "pilot boat lies") {
		t.Error("without a picture there is neither picture nor caption")
	}
}

func TestLabels(t *testing.T) {
	for _, test := range []struct {
		name  string
		brief compose.Brief
		want  string
	}{
		{"opinion", compose.Brief{Title: "T", Label: "opinion", Kicker: "K"}, ">Opinion</p>\n<h3 style=\"margin:0 0 4px;font:italic 24px/28px"},
		{"live", compose.Brief{Title: "T", Label: "live"}, ">Live</p>\n"},
		{"one of their own", compose.Brief{Title: "T", Label: "Podcast"}, ">Podcast</p>\n"},
		{"correction", compose.Brief{Title: "T", Label: "correction", Teaser: "It is 25."}, ">Correction</b>&nbsp; It is 25."},
		{"sponsored among briefs", compose.Brief{Title: "T", Label: "sponsored", Kicker: "K", Teaser: "Buy."}, "background:#f4efe4;font:16px/24px Arial,sans-serif\">\n<p class=\"m\" style=\"margin:0 0 8px;color:#554;font:14px/20px Arial,sans-serif\">Sponsored</p>"},
		{"no headline", compose.Brief{URL: "https://example.org/", Opening: "A bell came up.", Teaser: "A bell came up. Whose?"}, ">A bell came up.</a> Whose?</td>"},
		{"no headline, no opening", compose.Brief{URL: "https://example.org/", Teaser: "A bell came up."}, ">A bell came up.</a></td>"},
		{"no link", compose.Brief{Title: "T", Teaser: "Text."}, "serif\">T</h3>\nText.</td>"},
		{"another language", compose.Brief{Title: "T", Lang: "fr"}, `<td class="r" lang="fr" style=`},
		{"another direction", compose.Brief{Title: "T", Lang: "he"}, `<td class="r" lang="he" dir="rtl" style=`},
		{"the letter's language", compose.Brief{Title: "T", Lang: "EN"}, `<td class="r" style=`},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := compose.Edition{Slot: harbourEdition().Slot, Sections: []compose.Section{{Kind: "briefs", Briefs: []compose.Brief{test.brief}}}}
			l := render(t, harbourRecipe(), e)
			if !strings.Contains(l.HTML, test.want) {
				t.Errorf("no %s in\n%s", test.want, l.HTML[strings.Index(l.HTML, "<table role"):])
			}
			if test.brief.Label != "" && strings.Contains(l.HTML, ">K<") {
				t.Error("a label and a kicker")
			}
		})
	}
}

func TestLanguages(t *testing.T) {
	r, e := harbourRecipe(), harbourEdition()
	e.Sections[3].Briefs[0].AllDay = true
	for _, test := range []struct {
		language string
		want     []string
	}{
		{"", []string{"Port Averne, Thursday 26 November 2026. No. 212", "Sat 28 Nov, 10:00", ">Fri 27 Nov</b>", `lang="en" dir="ltr"`}},
		{"en-US", []string{"Thursday, November 26, 2026. No. 212", "Sat, Nov 28, 10:00 AM", "Sun, Nov 29, 4:10 PM"}},
		{"de-AT", []string{"Donnerstag, 26. November 2026. Nr. 212", "Sa., 28. Nov., 10:00", "Weiterlesen: Nine", ">Abmelden</a>", "Von <b>Marit", `lang="de-AT" dir="ltr"`}},
		{"fr", []string{"jeudi 26 novembre 2026. Nᵒ 212", "sam. 28 nov., 10h00", "Lire la suite", ">Se désabonner</a>"}},
		{"es", []string{"jueves, 26 de noviembre de 2026"}},
		{"it", []string{"giovedì 26 novembre 2026"}},
		{"nl", []string{"donderdag 26 november 2026"}},
		{"tlh", []string{"Thursday 26 November 2026", `lang="tlh" dir="ltr"`, ">Unsubscribe</a>"}},
	} {
		t.Run(test.language, func(t *testing.T) {
			r.Language = test.language
			l := render(t, r, e)
			for _, want := range test.want {
				if !strings.Contains(l.HTML, want) {
					t.Errorf("no %s", want)
				}
			}
		})
	}
}

func TestRightToLeft(t *testing.T) {
	for _, language := range []string{"ar", "he", "fa", "ur-PK"} {
		r := harbourRecipe()
		r.Language = language
		l := render(t, r, harbourEdition())
		for _, want := range []string{`<html lang="` + language + `" dir="rtl">`, `<body class="b" lang="` + language + `" dir="rtl"`, "Tahoma,Arial,sans-serif"} {
			if !strings.Contains(l.HTML, want) {
				t.Errorf("%s: no %s", language, want)
			}
		}
		for _, not := range []string{"italic", "letter-spacing", "Georgia", "Times", "text-align:left", "text-align:right", "padding-left", "margin-left", "float"} {
			if strings.Contains(l.HTML, not) {
				t.Errorf("%s: the letter holds %q", language, not)
			}
		}
	}
	r := harbourRecipe()
	r.Language = "ar"
	golden(t, "arabic.html", render(t, r, harbourEdition()).HTML)
}

// A theme that cuts a token, leaves an element open or says nothing makes no
// letter.
func TestBrokenThemesMakeNoLetter(t *testing.T) {
	for _, test := range []struct{ name, file, text, want string }{
		{"a changed token", "footer.html", `<tr><td>{{if .Unsubscribe}}{{slice .Unsubscribe 0 20}}{{end}}</td></tr>`, "not the token of a field"},
		{"an open cell", "footer.html", `<tr><td>{{.Address}}</tr>`, "</tr> stands where </td> is expected"},
		{"an open table", "footer.html", `<tr><td>x</td></tr><table>`, "</table>"},
		{"no words", "layout.html", `<!doctype html><html lang="en"><body><br></body></html>`, "not a word"},
		{"nothing", "layout.html", ``, "not a word"},
		{"no text", "text.txt", "\n\n", "text part is empty"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, test.file), []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			// What any letter shows is found when the theme is loaded.
			theme, err := templates.Load("broadsheet", dir)
			if err == nil {
				_, err = compose.Render(harbourRecipe(), harbourEdition(), theme, nonce)
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestRenderRefuses(t *testing.T) {
	th := theme(t)
	r, e := harbourRecipe(), harbourEdition()
	for _, bad := range []string{"", "0123", "0123456789ABCDEF", "0123456789abcdeg", nonce + "0"} {
		if _, err := compose.Render(r, e, th, bad); err == nil {
			t.Errorf("nonce %q was taken", bad)
		}
	}
	e.Greeting = "Good morning, {nmae|friend}."
	if _, err := compose.Render(r, e, th, nonce); err == nil || !strings.Contains(err.Error(), "greeting: {nmae|friend}: unknown word, did you mean {name}?") {
		t.Errorf("got %v", err)
	}
	e = harbourEdition()
	r.Subject = "{laed}"
	if _, err := compose.Render(r, e, th, nonce); err == nil || !strings.Contains(err.Error(), "subject: {laed}: unknown word, did you mean {lead}?") {
		t.Errorf("got %v", err)
	}
}

func TestRenderIsRepeatable(t *testing.T) {
	th := theme(t)
	var wait sync.WaitGroup
	letters := make([]compose.Letter, 8)
	for i := range letters {
		wait.Go(func() { letters[i], _ = compose.Render(harbourRecipe(), harbourEdition(), th, nonce) })
	}
	wait.Wait()
	for _, l := range letters {
		if diff := cmp.Diff(letters[0], l); diff != "" || l.HTML == "" {
			t.Fatalf("two renderings differ:\n%s", diff)
		}
	}
}

// BenchmarkRender renders the letter of a lead of five paragraphs, six briefs, a
// sponsor and two events in each theme, and tells the bytes of its HTML.
func BenchmarkRender(b *testing.B) {
	for _, name := range templates.Names() {
		b.Run(name, func(b *testing.B) {
			th, err := templates.Load(name, "")
			if err != nil {
				b.Fatal(err)
			}
			r, e := harbourRecipe(), measured()
			b.ReportAllocs()
			var l compose.Letter
			for b.Loop() {
				if l, err = compose.Render(r, e, th, nonce); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(l.HTML)), "HTML-bytes")
			b.ReportMetric(float64(len(l.Text)), "text-bytes")
		})
	}
}
