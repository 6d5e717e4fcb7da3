package templates

import (
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// Every language has every word, and the library has the names of every day
// and month.
func TestEveryLanguageIsWhole(t *testing.T) {
	for tag, w := range allWords() {
		v := reflect.ValueOf(w)
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && strings.TrimSpace(v.Field(i).String()) == "" {
				t.Errorf("%s: %s is empty", tag, f.Name)
			}
		}
		for pattern, places := range map[string][]string{
			w.DatePattern: {"{weekday}", "{day}", "{month}", "{year}"}, w.EventDayPattern: {"{weekday}", "{day}", "{month}"},
			w.NumberPattern: {"{number}"}, w.ReasonPattern: {"{newsletter}"},
		} {
			for _, place := range places {
				if !strings.Contains(pattern, place) {
					t.Errorf("%s: %q has no %s", tag, pattern, place)
				}
			}
		}
		seen := map[string]time.Time{}
		for day := range 366 {
			at := time.Date(2028, 1, 1, 19, 5, 0, 0, time.UTC).AddDate(0, 0, day)
			for _, text := range []string{w.Date(at), w.EventTime(at, false)} {
				if strings.Contains(text, "{") || strings.Contains(text, "  ") {
					t.Errorf("%s: %s gives %q", tag, at.Format(time.DateOnly), text)
				}
				if other, double := seen[text]; double {
					t.Errorf("%s: %q is said of %s and %s", tag, text, other.Format(time.DateOnly), at.Format(time.DateOnly))
				}
				seen[text] = at
			}
		}
	}
}

func TestWordsFor(t *testing.T) {
	for _, test := range []struct {
		tag, view string
		ok        bool
	}{
		{"en", "Read this edition in a browser", true},
		{"en-US", "Read this edition in a browser", true},
		{"EN_gb", "Read this edition in a browser", true},
		{"de", "Diese Ausgabe im Browser lesen", true},
		{"de-Latn-CH-1996", "Diese Ausgabe im Browser lesen", true},
		{"fr-CA", "Lire ce numéro dans un navigateur", true},
		{"iw", "קריאת הגיליון בדפדפן", true},
		{"tlh", "Read this edition in a browser", false},
		{"", "Read this edition in a browser", false},
		{"not a tag", "Read this edition in a browser", false},
		{"x-private", "Read this edition in a browser", false},
	} {
		if w, ok := WordsFor(test.tag); w.View != test.view || ok != test.ok {
			t.Errorf("%q: got %q, %t; want %q, %t", test.tag, w.View, ok, test.view, test.ok)
		}
	}
}

func TestRightToLeft(t *testing.T) {
	for tag, want := range map[string]bool{
		"ar": true, "he": true, "iw": true, "fa-IR": true, "ur": true, "yi": true, "ps": true, "dv": true, "az-Arab": true, "ku-Arab": true,
		"en": false, "de": false, "az": false, "ar-Latn": false, "": false, "not a tag": false,
	} {
		if got := RightToLeft(tag); got != want {
			t.Errorf("%q: got %t", tag, got)
		}
	}
}

func TestTimes(t *testing.T) {
	for tag, want := range map[string]string{"en": "Sun 3 Sept, 00:05", "en-US": "Sun, Sep 3, 12:05 AM", "de": "So., 3. Sept., 00:05"} {
		w, _ := WordsFor(tag)
		got := w.EventTime(time.Date(2028, 9, 3, 0, 5, 0, 0, time.UTC), false)
		if strings.Replace(got, "Sep ", "Sept ", 1) != strings.Replace(want, "Sep ", "Sept ", 1) && got != strings.Replace(want, "Sept", "Sep", 1) {
			t.Errorf("%s: got %q, want %q", tag, got, want)
		}
		if got := w.EventTime(time.Date(2028, 9, 3, 0, 0, 0, 0, time.UTC), true); strings.Contains(got, ":") {
			t.Errorf("%s: all day at %q", tag, got)
		}
	}
}

func TestLabels(t *testing.T) {
	w, _ := WordsFor("de")
	for label, want := range map[string]string{"sponsored": "Anzeige", "opinion": "Meinung", "analysis": "Analyse", "live": "Live", "update": "Aktualisiert", "correction": "Korrektur", "Podcast": "Podcast", "": ""} {
		if got := w.Label(label); got != want {
			t.Errorf("%q: got %q, want %q", label, got, want)
		}
	}
}

func TestReadWordsRefuses(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"unknown key":          {"words/en.yaml": {Data: []byte("unsubscripe: x")}},
		"region without base":  {"words/en.yaml": {Data: []byte("by: By")}, "words/fr-CA.yaml": {Data: []byte("by: Par")}},
		"no calendar":          {"words/en.yaml": {Data: []byte("by: By")}, "words/tlh.yaml": {Data: []byte("by: x")}},
		"no English":           {"words/de.yaml": {Data: []byte("by: Von")}},
		"not YAML, or nothing": {"words/en.yaml": {Data: []byte("\t{")}},
	} {
		if _, err := readWords(files); err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
}
