package tool

import (
	"strings"
	"testing"
)

func TestFrame(t *testing.T) {
	const doc = `<!DOCTYPE html><html><HEAD><title>Eels &amp; traps</title><style>@media ( prefers-color-scheme : dark ){p{color:red}}</style></HEAD>` +
		`<body><!--[if mso]><table><![endif]--><h2>Eels &amp; traps</h2><p Class=x><a href="https://a.example/?x=1&amp;y=2">More</a> <img src='https://b.example/p/1.png'></p></body></html>`
	got := Frame(doc, Framing{
		Scheme:  "dark",
		Source:  func(s string) string { return strings.TrimPrefix(s, "https://b.example") },
		Anchors: []Anchor{{ID: "s1", Title: "Eels & traps"}, {ID: "s2", URL: "https://a.example/?x=1&y=2", Title: "no such"}},
	})
	for _, want := range []string{
		`<HEAD><base target="_blank"><style>:root{color-scheme:dark!important}</style><title>Eels &amp; traps</title>`,
		`@media (min-width:0px){p{color:red}}`, `<!--[if mso]><table><![endif]-->`, `<p Class=x>`,
		`<h2><span id="s1"></span>Eels &amp; traps</h2>`, `<span id="s2"></span><a href="https://a.example/?x=1&amp;y=2">`, `<img src="/p/1.png">`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %s in\n%s", want, got)
		}
	}
	if light := Frame(doc, Framing{Scheme: "light"}); !strings.Contains(light, "(max-width:0px)") {
		t.Error("the dark rules hold in the light view")
	}
}

// Whatever is framed, links open outside, a doctype stays first, and nothing
// but that changes.
func FuzzFrame(f *testing.F) {
	f.Add("<p>hello")
	f.Add("<!doctype html><body>x")
	f.Add("<header>x</header>")
	f.Add("<HEAD a=b><title><a href=x></title>")
	f.Fuzz(func(t *testing.T, doc string) {
		got := Frame(doc, Framing{})
		if !strings.Contains(got, `<base target="_blank">`) {
			t.Errorf("no base in %q", got)
		}
		if back := strings.Replace(got, `<base target="_blank">`, "", 1); back != doc && !strings.Contains(doc, "<base") {
			t.Errorf("%q became %q", doc, back)
		}
	})
}

func TestKnownHost(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST:1": true, "a.localhost": true, "127.0.0.1": true, "192.168.1.7:80": true, "[::1]:80": true,
		"box.lan": true, "box.lan:80": true, "evil.example": false, "": false, "localhost.evil.example": false, "127.0.0.1.nip.example": false,
	} {
		if got := knownHost(host, []string{"box.lan"}); got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
}
