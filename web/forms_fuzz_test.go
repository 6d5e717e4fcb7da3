package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"

	"lede/audience"
	"lede/web"
)

// fuzzed is a site whose pages are asked without a network.
func fuzzed(f *testing.F) (*site, *signUps, http.Handler) {
	f.Helper()
	s := chooses(f)
	fake := s.SignUps.(*signUps)
	s.Newsletters[0].SignUp = &web.SignUp{Good: 72 * time.Hour}
	return s, fake, s.Handler()
}

// answers posts a body and checks what holds for every answer.
func answers(t *testing.T, h http.Handler, path, kind, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	page := w.Body.String()
	if w.Code >= 500 || w.Code < 200 {
		t.Fatalf("%s answers %d to %q\n%s", path, w.Code, body, page)
	}
	if strings.Contains(page, "<script") || strings.Contains(page, "ZgotmplZ") || strings.ContainsRune(page, 0) {
		t.Errorf("%s shows to %q\n%s", path, body, page)
	}
	return w.Code, page
}

const formKind = "application/x-www-form-urlencoded"

// Whatever stands in the form of the subscribe page: an answer that is no fault,
// nothing hostile on the page, and nothing passed on that can't be stored.
func FuzzSubscribeForm(f *testing.F) {
	s, fake, h := fuzzed(f)
	for _, add := range [][3]string{
		{"ona@northpost.example", "Ona", ""},
		{"ona@gmial.com", "O\x00na\u202e", "&meant=yes"},
		{"ona@gmial.com", "", "&meant=no"},
		{"<script>@x.example", `"><script>alert(1)</script>`, "&address=a@b.example"},
		{strings.Repeat("a", 5000) + "@x.example", strings.Repeat("é", 200), "&website=x"},
		{"\xff@\xfe", "\u2028{{.}}", "&meant=maybe&%zz"},
		{"", "", ";=&&&"},
	} {
		f.Add(add[0], add[1], add[2])
	}
	f.Fuzz(func(t *testing.T, address, name, more string) {
		s.clock = s.clock.Add(24 * time.Hour) // nobody is asked to wait
		get := httptest.NewRecorder()
		h.ServeHTTP(get, httptest.NewRequest("GET", "/subscribe/harbour", nil))
		form := url.Values{"stamp": {stampField.FindStringSubmatch(get.Body.String())[1]}, "address": {address}, "name": {name}}
		s.clock = s.clock.Add(time.Minute)
		fake.asked = nil
		status, _ := answers(t, h, "/subscribe/harbour", formKind, form.Encode()+more)
		if len(fake.asked) > 1 || len(fake.asked) == 1 && status != 200 {
			t.Fatalf("%d, and %d sign-ups", status, len(fake.asked))
		}
		for _, u := range fake.asked {
			if _, _, _, err := audience.ParseAddress(u.Address); err != nil || u.Newsletter != "harbour" {
				t.Errorf("passed on: %+v, %v", u, err)
			}
			if strings.ContainsFunc(u.Name, unicode.IsControl) || len([]rune(u.Name)) > 100 {
				t.Errorf("passed on: %q", u.Name)
			}
			if _, err := u.Clean(); err != nil {
				t.Errorf("passed on: %+v, %v", u, err)
			}
		}
	})
}

// Whatever comes as JSON, likewise.
func FuzzSubscribeJSON(f *testing.F) {
	s, fake, h := fuzzed(f)
	for _, body := range []string{
		`{"address": "ona@northpost.example", "name": "Ona"}`, `{"address": "ona@gmial.com", "sure": true}`, `{"address": 7}`, `[]`, `{"address": "\u0000@x.example"}`,
		`{"address":"a@b.example","name":"\ud800"}{}`, `{"website": "x"}`, strings.Repeat(`{"a":`, 2000),
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s.clock = s.clock.Add(24 * time.Hour)
		fake.asked = nil
		status, _ := answers(t, h, "/subscribe/harbour.json", "application/json", body)
		if len(fake.asked) > 1 || len(fake.asked) == 1 && status != 202 {
			t.Fatalf("%d, and %d sign-ups", status, len(fake.asked))
		}
		for _, u := range fake.asked {
			if _, err := u.Clean(); err != nil || strings.ContainsFunc(u.Name, unicode.IsControl) {
				t.Errorf("passed on: %+v, %v", u, err)
			}
		}
	})
}

// Whatever stands in the form of the preferences, by the link in a letter: no
// newsletter comes that did not, and what is stored is what the page could say.
func FuzzPreferencesForm(f *testing.F) {
	s, _, h := fuzzed(f)
	for _, body := range []string{
		allOffered + "&get=tide&get=council&get=desk&timezone=Atlantic/Azores&pause=2&until=&language=de&name=Mallory",
		"timezone=../../etc/passwd", "timezone=Local", "pause=until&until=2026-12-24", "pause=900", "pause=-3", "pause=until&until=9999-99-99",
		"language=xx", "offered=harbour", "get=harbour&get=harbour&offered=%00", "name=%00&pause=kept&pause=1",
	} {
		f.Add(body)
	}
	path := s.choices(f, 1)
	f.Fuzz(func(t *testing.T, body string) {
		before := s.person(t, 1)
		status, _ := answers(t, h, path, formKind, body)
		after := s.person(t, 1)
		if status != 200 && (after.Paused != before.Paused || s.state(t, 1) != stateOf(before)) {
			t.Errorf("%d, and %+v became %+v", status, before, after)
		}
		was := map[string]bool{}
		for _, sub := range before.Subscriptions {
			was[sub.List] = sub.State == audience.Active
		}
		for _, sub := range after.Subscriptions {
			if sub.State == audience.Active && !was[sub.List] {
				t.Errorf("%q joined %s", body, sub.List)
			}
		}
		if len(after.OptedOut) < len(before.OptedOut) {
			t.Errorf("%q brought back: %v, %v", body, before.OptedOut, after.OptedOut)
		}
		if zone := after.Attributes[audience.AttributeTimezone]; zone != "" {
			if _, err := time.LoadLocation(zone); err != nil || zone == "Local" {
				t.Errorf("%q stored the zone %q", body, zone)
			}
		}
		if after.Name != before.Name || after.Paused.Sub(s.clock) > 400*24*time.Hour {
			t.Errorf("%q stored %+v", body, after)
		}
	})
}
