package lint_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"lede/compose"
	"lede/compose/lint"
)

const (
	leave = "LF0123456789abcdefx0Z"
	view  = "LF0123456789abcdefx1Z"
)

// sound is a letter in which there is nothing to find.
func sound() (compose.Recipe, compose.Edition, compose.Letter, lint.Facts) {
	text := strings.Repeat("The ferry is on time. ", 20)
	r := compose.Recipe{Name: "The Harbour Letter", PostalAddress: "14 Chandler Row", BaseURL: "https://news.example.org"}
	e := compose.Edition{Lead: &compose.Lead{Source: "desk", Key: "lamp/nights.md", Image: &compose.Figure{HasAlt: true}}}
	l := compose.Letter{
		Subject: "Nine nights without the light", Preheader: "Nobody will light the lamp tonight.", Language: "en",
		HTML: `<!doctype html><html lang="en"><head><title>x</title><style>.a{color:red}</style></head><body><div style="display: none">Nobody</div><p>` + text +
			`</p><a href="` + leave + `">Unsubscribe</a> <a href="` + view + `">View</a></body></html>`,
		Text:   text + "\nUnsubscribe:\n" + leave + "\nView:\n" + view + "\n",
		Fields: []compose.Field{{Token: leave, Name: compose.FieldUnsubscribe}, {Token: view, Name: compose.FieldView}},
	}
	return r, e, l, lint.Facts{Folders: map[string]string{"desk": "stories"}, Subjects: []string{"Oyster beds reopen"}}
}

func TestSoundLetterHasNoFindings(t *testing.T) {
	if got := lint.Check(sound()); len(got) != 0 {
		t.Errorf("got %+v, want none", got)
	}
	data, err := json.Marshal(lint.Check(sound()))
	if err != nil || string(data) != "[]" {
		t.Errorf("as JSON: %s, %v; want []", data, err)
	}
}

func TestRules(t *testing.T) {
	type change func(*compose.Recipe, *compose.Edition, *compose.Letter, *lint.Facts)
	pad := func(n int) change {
		return func(_ *compose.Recipe, _ *compose.Edition, l *compose.Letter, _ *lint.Facts) {
			l.HTML = strings.Replace(l.HTML, "<p>", "<p title='"+strings.Repeat("x", n-len(l.HTML)-9)+"'>", 1)
		}
	}
	body := func(old, new string) change {
		return func(_ *compose.Recipe, _ *compose.Edition, l *compose.Letter, _ *lint.Facts) {
			l.HTML = strings.Replace(l.HTML, old, new, 1)
		}
	}
	base := func(url string, loopback bool) change {
		return func(r *compose.Recipe, _ *compose.Edition, _ *compose.Letter, f *lint.Facts) {
			r.BaseURL, f.Loopback = url, loopback
		}
	}
	of := func(f func(l *compose.Letter)) change {
		return func(_ *compose.Recipe, _ *compose.Edition, l *compose.Letter, _ *lint.Facts) { f(l) }
	}
	for _, test := range []struct {
		name   string
		change change
		want   string // "severity rule" of each finding, joined by comma
		says   string // in message or remedy of the first
	}{
		{"90 KB", pad(90 << 10), "warning html-size", "92160"},
		{"just under 90 KB", pad(90<<10 - 1), "", ""},
		{"102,400 bytes", pad(102400), "error html-size", "Gmail clips"},
		{"no HTML", of(func(l *compose.Letter) { l.HTML = "" }), "error html-missing,error unsubscribe-html", ""},
		{"long style", body(".a{color:red}", strings.Repeat(".a{color:red}", 700)), "warning style-size", "9100"},
		{"two styles of which none is long", body("</style>", "</style><style>"+strings.Repeat(".a{color:red}", 600)+"</style>"), "", ""},
		{"no alt, of a file", func(_ *compose.Recipe, e *compose.Edition, _ *compose.Letter, _ *lint.Facts) {
			e.Lead.Image.HasAlt = false
		}, "warning picture-alt", "Add image_alt to stories/lamp/nights.md"},
		{"no alt, of a feed", func(_ *compose.Recipe, e *compose.Edition, _ *compose.Letter, _ *lint.Facts) {
			e.Lead.Source, e.Lead.Image.HasAlt = "site", false
		}, "warning picture-alt", "source"},
		{"no lead", func(_ *compose.Recipe, e *compose.Edition, _ *compose.Letter, _ *lint.Facts) { e.Lead = nil }, "", ""},
		{"empty subject", of(func(l *compose.Letter) { l.Subject = " " }), "error subject-empty", ""},
		{"long subject", of(func(l *compose.Letter) { l.Subject = strings.Repeat("Causeway ", 8) }), "note subject-length", "71 characters"},
		{"a subject that is long by its token alone", of(func(l *compose.Letter) {
			token := "LF0123456789abcdefx2Z"
			l.Fields = append(l.Fields, compose.Field{Token: token, Name: compose.FieldSubscriberName, Fallback: "reader"})
			l.Subject = "Causeway closed on Friday, " + token
		}), "", ""},
		{"as wide as a phone", of(func(l *compose.Letter) { l.Subject = "The causeway closes at four, Friday" }), "", ""},
		{"wider than a phone", of(func(l *compose.Letter) { l.Subject = "The causeway closes at four on Friday" }), "note subject-phone", "37 characters wide"},
		{"wider than a phone in Japanese", of(func(l *compose.Letter) { l.Subject = strings.Repeat("灯", 18) }), "note subject-phone", "“" + strings.Repeat("灯", 17) + "”"},
		{"ten short words", of(func(l *compose.Letter) { l.Subject = "On or off: is it to be as it was?" }), "note subject-phone", "10 words"},
		{"subject of the last edition", func(_ *compose.Recipe, _ *compose.Edition, l *compose.Letter, f *lint.Facts) {
			f.Subjects = []string{strings.ToUpper(l.Subject)}
		}, "warning subject-repeated", ""},
		{"subject of the one before", func(_ *compose.Recipe, _ *compose.Edition, l *compose.Letter, f *lint.Facts) {
			f.Subjects = []string{"Oyster beds reopen", l.Subject}
		}, "warning subject-repeated", "last seven"},
		{"subject of the eighth before", func(_ *compose.Recipe, _ *compose.Edition, l *compose.Letter, f *lint.Facts) {
			f.Subjects = append(slices.Repeat([]string{"Oyster beds reopen"}, 7), l.Subject)
		}, "", ""},
		{"no preheader", of(func(l *compose.Letter) { l.Preheader = "" }), "warning preheader-empty", ""},
		{"preheader is the subject", of(func(l *compose.Letter) { l.Preheader = l.Subject }), "warning preheader-repeats-subject", ""},
		{"no postal address", func(r *compose.Recipe, _ *compose.Edition, _ *compose.Letter, _ *lint.Facts) { r.PostalAddress = "\n" }, "warning postal-address", "CAN-SPAM"},
		{"no unsubscribe link in the HTML", body(leave, "https://example.org/"), "error unsubscribe-html,warning text-links", "footer.html"},
		{"unsubscribe as text, not as a link", body(`<a href="`+leave+`">Unsubscribe</a>`, leave), "error unsubscribe-html", ""},
		{"none in the text", of(func(l *compose.Letter) { l.Text = strings.ReplaceAll(l.Text, leave, "") }), "error unsubscribe-text", "text.txt"},
		{"no fields at all", of(func(l *compose.Letter) { l.Fields = nil }), "error unsubscribe-html,error unsubscribe-text,error field-left,error field-left", ""},
		{"http", base("http://news.example.org", false), "error base-url", "https"},
		{"loopback, relay elsewhere", base("https://localhost:9000", false), "error base-url", ""},
		{"loopback, relay on loopback", base("http://127.0.0.1:9000", true), "note base-url", ""},
		{"no base", base("", false), "error base-url", ""},
		{"empty link", body(view, ""), "error dead-link", "View"},
		{"hash link", body(view, "#"), "error dead-link", ""},
		{"#ZgotmplZ", body(view, "#ZgotmplZ"), "error dead-link,note client-support", ""},
		{"an anchor that is no link", body("<p>", `<a id="top"></a><p>`), "", ""},
		{"plain http, twice", body("<p>", `<a href="http://a.example/x">A</a><a href="http://a.example/x">B</a><p>`), "warning text-links,note http-link", "http://a.example/x"},
		{"no text", of(func(l *compose.Letter) { l.Text = "" }), "error unsubscribe-text,warning text-missing", ""},
		{"short text", of(func(l *compose.Letter) { l.Text = "Look at the HTML. " + leave }), "warning text-short", "5 words"},
		{"unknown language", of(func(l *compose.Letter) { l.Language = "tlh" }), "warning language", "tlh"},
		{"unknown language with words of its own", of(func(l *compose.Letter) { l.Language, l.OwnWords = "tlh", true }), "", ""},
		{"no language", of(func(l *compose.Letter) { l.Language = "not a tag" }), "warning language", ""},
		{"region of a known language", of(func(l *compose.Letter) { l.Language = "de-AT" }), "", ""},
		{"strange token", of(func(l *compose.Letter) { l.Subject = "Oysters LF0123456789abcdefx7Z" }), "error field-left", "LF0123456789abcdefx7Z"},
		{"a story that looks like a token", of(func(l *compose.Letter) { l.Text += " LFfedcba9876543210x7Z" }), "", ""},
		{"cut token", of(func(l *compose.Letter) { l.Text += " LF0123456789abcdefx0" }), "error field-left", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, e, l, f := sound()
			test.change(&r, &e, &l, &f)
			findings := lint.Check(r, e, l, f)
			var got []string
			for _, x := range findings {
				got = append(got, x.Severity+" "+x.Rule)
				if x.Place == "" || x.Clients == "" || x.Message == "" || x.Remedy == "" {
					t.Errorf("%+v: something is left empty", x)
				}
			}
			if strings.Join(got, ",") != test.want {
				t.Fatalf("got %q, want %q", strings.Join(got, ","), test.want)
			}
			if test.says != "" && !strings.Contains(fmt.Sprint(findings[0]), test.says) {
				t.Errorf("%+v does not say %q", findings[0], test.says)
			}
		})
	}
}

func TestErrorsComeFirst(t *testing.T) {
	r, e, l, f := sound()
	l.Subject, l.Language, l.Preheader = strings.Repeat("Ferry ", 20), "tlh", ""
	l.HTML = strings.Replace(l.HTML, view, "#", 1)
	var got []string
	for _, x := range lint.Check(r, e, l, f) {
		got = append(got, x.Severity)
	}
	if want := []string{"error", "warning", "warning", "note"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestJSONKeys(t *testing.T) {
	r, e, l, f := sound()
	l.Preheader = ""
	data, err := json.Marshal(lint.Check(r, e, l, f)[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"rule", "severity", "place", "clients", "message", "remedy"} {
		if !strings.Contains(string(data), `"`+key+`":`) {
			t.Errorf("%s has no key %q", data, key)
		}
	}
}
