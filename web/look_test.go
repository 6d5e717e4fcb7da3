package web_test

import (
	"slices"
	"strings"
	"testing"

	"lede/audience"
	"lede/internal/browsertest"
	"lede/templates"
	"lede/web"
)

// pageLook is the look of pages in a theme with tokens of its own.
func pageLook(t *testing.T, theme string, tokens templates.Tokens) *templates.PageLook {
	t.Helper()
	loaded, err := templates.Load(theme, "", tokens)
	if err != nil {
		t.Fatal(err)
	}
	look := loaded.Look.Pages()
	return &look
}

// themedSite has two newsletters: one in the broadsheet theme with an accent of
// its own, one in the bulletin's.
func themedSite(t *testing.T) (*site, *signUps) {
	t.Helper()
	s, fake := openSite(t)
	s.Newsletters[0].Look = pageLook(t, "broadsheet", templates.Tokens{
		Light: templates.Palette[string]{Accent: "#0a4f7a"}, Dark: templates.Palette[string]{Accent: "#9cc9ea"},
	})
	s.Newsletters[1].Look = pageLook(t, "bulletin", templates.Tokens{})
	s.Newsletters[1].SignUp = &web.SignUp{}
	return s, fake
}

func TestPagesLookAsTheNewsletter(t *testing.T) {
	s, _ := themedSite(t)
	for path, want := range map[string]string{
		"/subscribe/harbour": `<link rel="stylesheet" href="../look/harbour.css">`,
		"/subscribe/tide":    `<link rel="stylesheet" href="../look/tide.css">`,
		"/u/" + s.token(t, 1, audience.PurposeUnsubscribe):                                                            `<link rel="stylesheet" href="../look/harbour.css">`,
		"/c/" + s.Keys.Sign(audience.Token{Purpose: audience.PurposeConfirm, Newsletter: "harbour", Edition: "code"}): `<link rel="stylesheet" href="../look/harbour.css">`,
	} {
		if _, _, page := s.do(t, "GET", path, "", ""); !strings.Contains(page, want) {
			t.Errorf("%s: no %s in %s", path, want, page)
		}
	}
	for _, path := range []string{"/", "/u/broken"} { // of no newsletter
		if _, _, page := s.do(t, "GET", path, "", ""); strings.Contains(page, "look/") {
			t.Errorf("%s: %s", path, page)
		}
	}
	status, header, css := s.do(t, "GET", "/look/harbour.css", "", "")
	if status != 200 || header.Get("Content-Type") != "text/css; charset=utf-8" || header.Get("ETag") == "" {
		t.Errorf("%d %v", status, header)
	}
	contains(t, css, "--accent: #0a4f7a;", "--accent: #9cc9ea;", "--paper: #fcfaf5;", "--display: Times New Roman,serif;", "prefers-color-scheme: dark")
	if strings.Contains(css, "band") {
		t.Error("the broadsheet has a band")
	}
	_, _, css = s.do(t, "GET", "/look/tide.css", "", "")
	contains(t, css, "--accent: #139;", "--paper: #fff;", "--band: #139;", "header { ")
	for _, path := range []string{"/look/nobody.css", "/look/harbour", "/look/harbour.css.css"} {
		if status, _, _ := s.do(t, "GET", path, "", ""); status != 404 {
			t.Errorf("%s: %d", path, status)
		}
	}
}

// The pages of a newsletter with a logo load it from where it is, and only they.
func TestPagesWithALogo(t *testing.T) {
	s, _ := themedSite(t)
	s.Newsletters[0].Look = pageLook(t, "letter", templates.Tokens{Logo: templates.Logo{URL: "https://pictures.example.org/logo.png", Width: 200, Height: 48}})
	_, header, page := s.do(t, "GET", "/subscribe/harbour", "", "")
	contains(t, page, `<img src="https://pictures.example.org/logo.png" alt="The Harbour Letter" width="200" height="48">`)
	if policy := header.Get("Content-Security-Policy"); !strings.Contains(policy, "img-src data: https://pictures.example.org;") {
		t.Errorf("policy %q", policy)
	}
	if _, header, _ := s.do(t, "GET", "/subscribe/tide", "", ""); strings.Contains(header.Get("Content-Security-Policy"), "pictures.example.org") {
		t.Error("another newsletter's pages may load it")
	}
	// The address of a page, with a reader's token, is told to nobody.
	_, header, _ = s.do(t, "GET", "/u/"+s.token(t, 1, audience.PurposeUnsubscribe), "", "")
	if header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("referrer policy %q", header.Get("Referrer-Policy"))
	}
}

func TestFilesLookAsTheNewsletter(t *testing.T) {
	s := shelf(t)
	s.Newsletters = slices.Clone(s.Newsletters)
	s.Newsletters[0].Look = pageLook(t, "letter", templates.Tokens{})
	out := shelfFolder{}
	if _, err := s.Files(t.Context(), []string{"harbour"}, out); err != nil {
		t.Fatal(err)
	}
	contains(t, string(out["archive/harbour/index.html"]), `href="../../look/harbour.css"`)
	contains(t, string(out["look/harbour.css"]), "--accent: #154;")
}

func TestThemedPagesInABrowser(t *testing.T) {
	b := browsertest.Open(t)
	s, _ := themedSite(t)
	accents := map[string]bool{}
	for _, scheme := range []string{"light", "dark"} {
		for _, n := range []string{"harbour", "tide"} {
			for name, path := range map[string]string{
				"subscribe": "/subscribe/" + n, "leave": "/u/" + s.token(t, 1, audience.PurposeUnsubscribe), "confirm": "/c/" + s.Keys.Sign(audience.Token{Purpose: audience.PurposeConfirm, Newsletter: n, Edition: "code"}),
			} {
				b.Window(390, 900, scheme)
				b.Visit(s.url + path)
				b.Fits(name + " " + n)
				axe(t, b)
				b.Picture("pages-themed-" + name + "-" + n + "-" + scheme)
				if name == "subscribe" {
					accents[browsertest.Eval[string](b, `getComputedStyle(document.querySelector(".give > button")).backgroundColor`)] = true
					b.Click(".give > button")
					b.Wait(`document.querySelector(".wrong") !== null`)
					axe(t, b)
					b.Window(1280, 900, scheme)
					b.Picture("pages-themed-wrong-" + n + "-" + scheme)
				}
			}
		}
	}
	archive := shelf(t)
	archive.Newsletters = slices.Clone(archive.Newsletters)
	for _, theme := range templates.Names() {
		archive.Newsletters[0].Look = pageLook(t, theme, templates.Tokens{})
		for _, scheme := range []string{"light", "dark"} {
			b.Window(1000, 900, scheme)
			b.Visit(archive.url + "/archive/harbour/")
			b.Fits("archive " + theme)
			axe(t, b)
			b.Picture("pages-themed-archive-" + theme + "-" + scheme)
		}
	}
	prefers := chooses(t)
	prefers.Newsletters = slices.Clone(prefers.Newsletters)
	for _, theme := range templates.Names() {
		for i := range prefers.Newsletters {
			prefers.Newsletters[i].Look = pageLook(t, theme, templates.Tokens{})
		}
		for _, scheme := range []string{"light", "dark"} {
			b.Window(390, 1400, scheme)
			b.Visit(prefers.url + prefers.choices(t, 1))
			b.Fits("preferences " + theme)
			axe(t, b)
			b.Picture("pages-themed-preferences-" + theme + "-" + scheme)
		}
	}
	if len(accents) != 4 {
		t.Errorf("the accents are %v", accents)
	}
}
