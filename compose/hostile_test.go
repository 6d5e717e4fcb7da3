package compose_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"lede/compose"
	"lede/templates"
)

// hostile are texts that somebody might put into a headline. Each is shown as
// it was typed, or as shown says where it is not.
var hostile = []struct{ text, shown string }{
	{text: `<script>alert(1)</script>`},
	{text: `</title><script>alert(1)</script>`},
	{text: `</style><script>alert(1)</script>`},
	{text: `</td></tr></table><h1>ours now</h1>`},
	{text: `</div></div></body></html><p>after the end`},
	{text: `"><img src=x onerror=alert(1)>`},
	{text: `'><img src=x onerror=alert(1)>`},
	{text: `" onmouseover="alert(1)`},
	{text: `' onmouseover='alert(1)`},
	{text: `" style="position:fixed;inset:0`},
	{text: "` onmouseover=`alert(1)"},
	{text: `<img src=x onerror=alert(1)//`},
	{text: `<svg/onload=alert(1)>`},
	{text: `<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>`},
	{text: `<noscript><p title="</noscript><img src=x onerror=alert(1)>">`},
	{text: `<a href="javascript:alert(1)">x</a>`},
	{text: `<base href="https://evil.example/">`},
	{text: `<meta http-equiv="refresh" content="0;url=https://evil.example/">`},
	{text: `<link rel="stylesheet" href="https://evil.example/x.css">`},
	{text: `<form action="https://evil.example/"><input name=password>`},
	{text: `<style>*{display:none}</style>`},
	{text: `<plaintext>`},
	{text: `<textarea>`},
	{text: `<xmp>`},
	{text: `<template><p>`},
	{text: `<!-- a comment`},
	{text: `-->`},
	{text: `<!-->`},
	{text: `--!>`},
	{text: `<![CDATA[ x ]]>`},
	{text: `<?xml version="1.0"?>`},
	{text: `<!doctype html>`},
	{text: `<!--[if mso]>`},
	{text: `<!--[if mso]><table><![endif]-->`},
	{text: `<![endif]-->`},
	{text: `<!--<![endif]-->`},
	{text: `<!--[if !mso]><!-->`},
	{text: `<![if !mso]>`},
	{text: `<![endif]-->"><script>alert(1)</script><!--[if mso]>`},
	{text: `<o:OfficeDocumentSettings>`},
	{text: `<v:rect href="https://evil.example/">`},
	{text: `{{.}}`},
	{text: `{{env "HOME"}}`},
	{text: `{{template "layout" .}}`},
	{text: `{{end}}{{range .Sections}}`},
	{text: `{{define "footer"}}{{end}}`},
	{text: `{{conditional "<!--[if mso]>"}}`},
	{text: `}}{{`},
	{text: `{name}`},
	{text: `{name|friend}`},
	{text: `{lead}`},
	{text: `{{name}}`},
	{text: `${HOME}`},
	{text: `$(id)`},
	{text: `<%= 7*7 %>`},
	{text: `#{7*7}`},
	{text: `%s%d%n%!v(MISSING)`},
	{text: `%7B%22x%22%7D`},
	{text: `[[${7*7}]]`},
	{text: `*|FNAME|*`},
	{text: `LF`},
	{text: `LFfedcba9876543210x0Z`},
	{text: `LF0123456789abcdeex0Z`},
	{text: `ZgotmplX`},
	{text: `&lt;script&gt;`},
	{text: `&#60;script&#62;`},
	{text: `&amp;amp;`},
	{text: `\u003cscript\u003e`},
	{text: `+ADw-script+AD4-alert(1)+ADw-/script+AD4-`},
	{text: "\u202eevil\u202c"},
	{text: "\u202edlrow", shown: "\u202edlrow\u202c"},
	{text: "\u2067\u2067open twice", shown: "\u2067\u2067open twice\u2069\u2069"},
	{text: "\u202cends nothing\u2069", shown: "ends nothing"},
	{text: "zero\u200bwidth\u200djoined"},
	{text: "a\x00b\x1b[31mred\x07", shown: "ab[31mred"},
	{text: "broken \xff\xfe utf-8", shown: "broken \ufffd utf-8"},
	{text: "two\r\nlines\u2028and\u2029more", shown: "two lines and more"},
	{text: "Bcc: victim@example.org\r\n\r\nbody", shown: "Bcc: victim@example.org body"},
	{text: "  too   much\t white \n space ", shown: "too much white space"},
	{text: "Ångström — “quoted” … 日本語 العربية 👩‍👩‍👧"},
	{text: strings.Repeat("very long ", 200) + "end"},
	{text: strings.Repeat("unbroken", 60)},
	{text: `.`},
	{text: "\r.\r", shown: "."},
}

// withText is the edition with text in every place that a story fills.
func withText(text string) (compose.Recipe, compose.Edition) {
	r, e := harbourRecipe(), harbourEdition()
	r.Subject = ""
	e.Subject, e.Preheader, e.Editor = text, text, text
	l := e.Lead
	l.Title, l.Kicker, l.Standfirst, l.Author, l.Publication = text, text, text, text, text
	l.Image.Alt, l.Image.Caption, l.Image.Credit = text, text, text
	l.Body = []compose.Block{{Kind: "paragraph", HTML: html.EscapeString(text), Text: text}}
	fill := compose.Brief{
		Title: text, Teaser: text, URL: "https://example.org/", Publication: text, Author: text, Kicker: text, Place: text,
		Starts: time.Date(2026, 11, 27, 19, 0, 0, 0, time.UTC),
	}
	bare := compose.Brief{Opening: text, Teaser: text + " and more", URL: "https://example.org/", Label: text}
	whole := compose.Brief{Title: text, Author: text, URL: "https://example.org/", Label: "correction", Corrects: text, Body: l.Body}
	number, ran := fill, fill
	number.Number, ran.Ran = text, time.Date(2025, 11, 27, 6, 30, 0, 0, time.UTC)
	e.Sections = []compose.Section{
		{Title: text, Kind: "briefs", Briefs: []compose.Brief{fill, bare}},
		{Title: text, Kind: "sponsor", Briefs: []compose.Brief{fill}},
		{Title: text, Kind: "events", Briefs: []compose.Brief{fill}},
		{Title: text, Kind: "note", Briefs: []compose.Brief{fill}},
		{Title: text, Kind: "headlines", Briefs: []compose.Brief{fill, bare}},
		{Title: text, Kind: "links", Briefs: []compose.Brief{fill, bare}},
		{Title: text, Kind: "most_read", Briefs: []compose.Brief{fill, bare}},
		{Title: text, Kind: "quotation", Briefs: []compose.Brief{fill, whole}},
		{Title: text, Kind: "numbers", Briefs: []compose.Brief{number, bare}},
		{Title: text, Kind: "archive", Briefs: []compose.Brief{ran}},
		{Title: text, Kind: "corrections", Briefs: []compose.Brief{whole}},
		{Title: text, Kind: "events", Text: text},
	}
	return r, e
}

func TestHostileTextIsShownAndChangesNothing(t *testing.T) {
	eachTheme(t, hostileTextIn)
}

func hostileTextIn(t *testing.T, th *templates.Theme) {
	want := render1(t, th, "harmless")
	wantSkeleton, wantOutlook := skeleton(t, want.HTML), skeleton(t, asOutlook(want.HTML))
	for _, h := range hostile {
		t.Run(h.text[:min(len(h.text), 40)], func(t *testing.T) {
			shown := h.shown
			if shown == "" {
				shown = h.text
			}
			got := render1(t, th, h.text)
			if s := skeleton(t, got.HTML); !slices.Equal(s, wantSkeleton) {
				t.Errorf("the HTML has another skeleton:\ngot  %v\nwant %v", s, wantSkeleton)
			}
			if s := skeleton(t, asOutlook(got.HTML)); !slices.Equal(s, wantOutlook) {
				t.Errorf("Outlook sees another skeleton")
			}
			if s := skeleton(t, got.Web); len(s) == 0 {
				t.Error("no web page")
			}
			if len(conditional.FindAllString(got.HTML, -1)) != len(conditional.FindAllString(want.HTML, -1)) {
				t.Error("another number of conditional comments")
			}
			if strings.TrimSpace(shown) == "" || shown == "." {
				return // nothing to look for
			}
			if text := spaced(visible(t, got.HTML)); !strings.Contains(text, spaced(shown)) {
				t.Errorf("the HTML does not show %q", shown)
			}
			if len(shown) < 60 && !strings.Contains(spaced(got.Text), spaced(shown)) {
				t.Errorf("the text part does not show %q:\n%s", shown, got.Text)
			}
			if got.Subject != shown {
				t.Errorf("subject: got %q, want %q", got.Subject, shown)
			}
			if strings.ContainsAny(got.Subject+got.Preheader, "\r\n\x00") {
				t.Error("subject or preheader hold control characters")
			}
		})
	}
}

func render1(t *testing.T, th *templates.Theme, text string) compose.Letter {
	t.Helper()
	r, e := withText(text)
	return setIn(t, th, r, e)
}

var conditional = regexp.MustCompile(`<!--\[if [^\]]*\]>|<!\[endif\]-->`)

// asOutlook is a letter as Word's engine reads it: conditional comments open.
func asOutlook(letter string) string { return conditional.ReplaceAllString(letter, "") }

// skeleton lists elements with their attributes; values too, but those that a
// story may fill.
func skeleton(t *testing.T, page string) []string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for n := range root.Descendants() {
		switch n.Type {
		case html.ElementNode:
			line := n.Data
			for _, a := range n.Attr {
				switch a.Key {
				case "href", "alt", "aria-label":
					line += " " + a.Key
				case "style": // a long word lets words be broken
					line += " style=" + strings.ReplaceAll(a.Val, ";word-break:break-word", "")
				default:
					line += " " + a.Key + "=" + a.Val
				}
			}
			out = append(out, line)
		case html.CommentNode:
			out = append(out, "<!--"+n.Data)
		}
	}
	return out
}

func visible(t *testing.T, page string) string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for n := range root.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "style" {
			out.WriteString(n.Data + " ")
		}
	}
	return out.String()
}

// spaced makes texts comparable that differ in white space alone.
func spaced(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "\u00a0", " ")), " ")
}

func TestHostileAddressesAreNoLinks(t *testing.T) {
	eachTheme(t, hostileAddressesIn)
}

// eventLink is a letter's link to an event's calendar file: our own address.
var eventLink = regexp.MustCompile(`^(LF` + nonce + `x1Z/)?event-[0-9a-f]{8}\.ics$`)

func hostileAddressesIn(t *testing.T, th *templates.Theme) {
	for _, address := range []string{
		"javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)", "data:text/html,x", "vbscript:x",
		"//evil.example/", "/relative", "relative", "#", "", "http://", "https:///x", "mailto:x@example.org", "ftp://example.org/", "file:///etc/passwd", "http:evil",
		"https://exa mple.org/", "https://[::1", "%68ttps://example.org/", "\x00https://example.org/",
	} {
		r, e := harbourRecipe(), harbourEdition()
		e.Lead.URL, r.Imprint, r.Privacy = address, address, address
		for i := range e.Sections {
			for j := range e.Sections[i].Briefs {
				e.Sections[i].Briefs[j].URL = address
				e.Sections[i].Briefs[j].Body = []compose.Block{{Kind: "paragraph", HTML: `See <a href="` + html.EscapeString(address) + `">this</a>.`, Text: "See this."}}
			}
		}
		l := setIn(t, th, r, e)
		got := slices.DeleteFunc(hrefs(t, l.HTML), func(link string) bool { return eventLink.MatchString(link) })
		if !slices.Equal(got, []string{"LF" + nonce + "x0Z", "LF" + nonce + "x1Z"}) {
			t.Errorf("%q: links %q", address, got)
		}
		if strings.Contains(l.HTML, "Continue reading") || strings.Contains(l.Text, "Continue reading") {
			t.Errorf("%q: there is nothing to continue at", address)
		}
	}
}

func TestAddressesSurvive(t *testing.T) {
	for _, test := range []struct{ given, want string }{
		{"https://example.org/a?b=c&d=e#f", "https://example.org/a?b=c&d=e#f"},
		{"http://example.org/{name}", "http://example.org/%7bname%7d"},
		{"https://example.org/LFx0Z", "https://example.org/LFx0Z"},
		{"https://пример.example/страница", "https://%d0%bf%d1%80%d0%b8%d0%bc%d0%b5%d1%80.example/%d1%81%d1%82%d1%80%d0%b0%d0%bd%d0%b8%d1%86%d0%b0"},
		{`https://example.org/"><script>`, "https://example.org/%22%3E%3Cscript%3E"},
		{"https://example.org/a b", "https://example.org/a%20b"},
	} {
		e := harbourEdition()
		e.Lead.URL = test.given
		e.Sections = nil
		got := hrefs(t, render(t, harbourRecipe(), e).HTML)
		if len(got) == 0 || got[0] != test.want {
			t.Errorf("%s: got %q, want %q", test.given, got, test.want)
		}
	}
}

func hrefs(t *testing.T, page string) []string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for n := range root.Descendants() {
		for _, a := range n.Attr {
			if n.Data == "a" && a.Key == "href" {
				out = append(out, a.Val)
			}
		}
	}
	return out
}

// FuzzBlockHTML: whatever stands in a block, a letter holds only the few
// inline elements, and links to http and https.
func FuzzBlockHTML(f *testing.F) {
	for _, h := range hostile {
		f.Add(h.text)
	}
	f.Add(`<a href="https://example.org/"><em>x</a></em><b onclick=x>y</b><br/><a href="javascript:x">z</a>`)
	f.Add(`<a href="https://a.example/"><a href="https://b.example/">nested</a></a></p></td>`)
	th := theme(f)
	f.Fuzz(func(t *testing.T, source string) {
		e := harbourEdition()
		e.Lead.Body = []compose.Block{{Kind: "paragraph", HTML: source, Text: "text"}}
		e.Sections = nil
		l, err := compose.Render(harbourRecipe(), e, th, nonce)
		if err != nil {
			if strings.Contains(source, "LF"+nonce[:4]) {
				return
			}
			t.Fatal(err)
		}
		for _, line := range skeleton(t, l.HTML) {
			name, _, _ := strings.Cut(line, " ")
			if !allowed[name] && !strings.HasPrefix(name, "<!--") {
				t.Fatalf("%q gives %q", source, line)
			}
			if strings.Contains(line, " on") {
				t.Fatalf("%q gives %q", source, line)
			}
		}
		for _, href := range hrefs(t, l.HTML) {
			if !strings.HasPrefix(href, "http://") && !strings.HasPrefix(href, "https://") && !strings.HasPrefix(strings.ToLower(href), "http") && !strings.HasPrefix(href, "LF"+nonce) {
				t.Fatalf("%q links to %q", source, href)
			}
		}
	})
}

var allowed = map[string]bool{
	"html": true, "head": true, "body": true, "meta": true, "title": true, "style": true, "div": true, "table": true, "tbody": true, "tr": true, "td": true,
	"h1": true, "h2": true, "p": true, "b": true, "img": true,
	"a": true, "em": true, "strong": true, "code": true, "br": true, "sup": true, "sub": true,
}
