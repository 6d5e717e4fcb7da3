package templates

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
)

// Every language has every word of pages, and none that was left in English.
func TestPageWordsAreWhole(t *testing.T) {
	shared := map[string]string{
		"de": "Feeds:", "nl": "Feeds:", "pt": "Feeds:", "pt-BR": "Feeds:",
	}
	english := reflect.ValueOf(builtIn()["en"].Pages)
	for tag, w := range builtIn() {
		if lack := w.PagesLack(); len(lack) > 0 {
			t.Errorf("%s lacks %s", tag, strings.Join(lack, ", "))
		}
		base, _, _ := strings.Cut(tag, "-")
		latin := slices.Contains([]string{"de", "en", "es", "fr", "it", "nl", "pl", "pt", "tr"}, base)
		v := reflect.ValueOf(w.Pages)
		for i := range v.NumField() {
			name, text := v.Type().Field(i).Name, v.Field(i)
			if text.Kind() != reflect.String {
				continue
			}
			bare := regexp.MustCompile(`\{[a-z_]+\}`).ReplaceAllString(text.String(), "")
			if base != "en" && strings.ContainsFunc(bare, unicode.IsLetter) && text.String() == english.Field(i).String() &&
				!slices.Contains(strings.Fields(shared[tag]), text.String()) {
				t.Errorf("%s: %s is English: %q", tag, name, text)
			}
			if ascii := regexp.MustCompile(`[A-Za-z]+`).FindString(bare); ascii != "" && !latin {
				t.Errorf("%s: %s has Latin letters: %q", tag, name, text)
			}
			if strings.HasPrefix(text.String(), " ") || strings.HasSuffix(text.String(), " ") || strings.Contains(text.String(), "  ") {
				t.Errorf("%s: %s has a space too much: %q", tag, name, text)
			}
		}
	}
}

// Days and months as the pages of each language write them.
func TestPageDates(t *testing.T) {
	day := time.Date(2026, 11, 4, 6, 30, 0, 0, time.UTC)
	for tag, want := range map[string][4]string{
		"en":      {"November 2026", "4 November 2026", "Wed 4 November", "Wednesday 4 November"},
		"en-US":   {"November 2026", "November 4, 2026", "Wed, November 4", "Wednesday, November 4"},
		"de":      {"November 2026", "4. November 2026", "Mi., 4. November", "Mittwoch, dem 4. November"},
		"fr":      {"novembre 2026", "4 novembre 2026", "mer. 4 novembre", "mercredi 4 novembre"},
		"es":      {"noviembre de 2026", "4 de noviembre de 2026", "mié, 4 de noviembre", "miércoles 4 de noviembre"},
		"it":      {"novembre 2026", "4 novembre 2026", "mer 4 novembre", "mercoledì 4 novembre"},
		"nl":      {"november 2026", "4 november 2026", "wo 4 november", "woensdag 4 november"},
		"pt":      {"novembro de 2026", "4 de novembro de 2026", "quarta, 4 de novembro", "quarta-feira, 4 de novembro"},
		"pt-BR":   {"novembro de 2026", "4 de novembro de 2026", "qua., 4 de novembro", "quarta-feira, 4 de novembro"},
		"pl":      {"listopad 2026", "4 listopada 2026", "śr., 4 listopada", "środa, 4 listopada"},
		"tr":      {"Kasım 2026", "4 Kasım 2026", "4 Kasım Çar", "4 Kasım Çarşamba"},
		"hi":      {"नवंबर 2026", "4 नवंबर 2026", "बुध, 4 नवंबर", "बुधवार, 4 नवंबर"},
		"ja":      {"2026年11月", "2026年11月4日", "11月4日(水)", "11月4日水曜日"},
		"zh":      {"2026年11月", "2026年11月4日", "11月4日周三", "11月4日星期三"},
		"zh-Hant": {"2026年11月", "2026年11月4日", "11月4日 週三", "11月4日 星期三"},
		"ar":      {"نوفمبر 2026", "4 نوفمبر 2026", "الأربعاء، 4 نوفمبر", "الأربعاء، 4 نوفمبر"},
		"he":      {"נובמבר 2026", "4 בנובמבר 2026", "יום ד׳, 4 בנובמבר", "יום רביעי, 4 בנובמבר"},
	} {
		w, _ := WordsFor(tag)
		if got := [4]string{w.MonthHeading(day), w.ShortDate(day), w.ListDay(day), w.FirstDay(day, false)}; got != want {
			t.Errorf("%s:\ngot  %q\nwant %q", tag, got, want)
		}
		if got := w.FirstDay(day, true); got != w.Weekdays[3] {
			t.Errorf("%s: soon: %q", tag, got)
		}
	}
	if w, _ := WordsFor("pl"); w.InMonth(day) != "listopada 2026" {
		t.Errorf("in a sentence: %q", w.InMonth(day))
	}
}

func TestPageCounts(t *testing.T) {
	for _, test := range []struct {
		tag         string
		n           int
		want, found string
	}{
		{"en", 1, "1 letter", "1 letter found"},
		{"en-US", 7, "7 letters", "7 letters found"},
		{"fr", 0, "0 numéro", "0 numéro trouvé"},
		{"pl", 3, "3 wydania", "Znaleziono 3 wydania"},
		{"pl", 25, "25 wydań", "Znaleziono 25 wydań"},
		{"ar", 2, "عددان", "عُثر على عددين"},
		{"ar", 7, "7 أعداد", "عُثر على 7 أعداد"},
		{"ar", 100, "100 عدد", "عُثر على 100 عدد"},
		{"he", 1, "גיליון אחד", "נמצא גיליון אחד"},
		{"ja", 5, "5通", "5通見つかりました"},
	} {
		w, _ := WordsFor(test.tag)
		if got, found := w.CountLetters(test.n), w.CountFound(test.n); got != test.want || found != test.found {
			t.Errorf("%s, %d: got %q and %q, want %q and %q", test.tag, test.n, got, found, test.want, test.found)
		}
	}
}

func TestJoin(t *testing.T) {
	for _, test := range []struct {
		tag   string
		names []string
		want  string
	}{
		{"en", nil, ""},
		{"en", []string{"A"}, "A"},
		{"en", []string{"A", "B"}, "A and B"},
		{"de", []string{"A", "B", "C"}, "A, B und C"},
		{"zh", []string{"A", "B", "C"}, "A，B和C"},
		{"ar", []string{"A", "B", "C"}, "A، B وC"},
	} {
		if w, _ := WordsFor(test.tag); w.Join(test.names) != test.want {
			t.Errorf("%s, %v: got %q, want %q", test.tag, test.names, w.Join(test.names), test.want)
		}
	}
}

// A user's file changes single words of pages; a new language may have none of
// them, and what it lacks is said.
func TestLoadPageWords(t *testing.T) {
	dir := t.TempDir()
	english, err := wordFiles.ReadFile("words/en.yaml")
	if err != nil {
		t.Fatal(err)
	}
	letters, _, _ := strings.Cut(string(english), "\npages:")
	names := "\nweekdays: [a, b, c, d, e, f, g]\nweekdays_short: [a, b, c, d, e, f, g]\nmonths: [a, b, c, d, e, f, g, h, i, j, k, l]\nmonths_short: [a, b, c, d, e, f, g, h, i, j, k, l]\n"
	for name, text := range map[string]string{
		"de.yaml": "pages: {find: Los, letters: {one: ein Brief, other: \"{n} Briefe\"}}\n",
		"da.yaml": letters + names,
		"sv.yaml": letters + names + "pages: {find: Sök}\n",
		"nb.yaml": string(english) + names,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	book, err := LoadWords(dir)
	if err != nil {
		t.Fatal(err)
	}
	german, all := book["de"], len(fieldNames(reflect.TypeFor[PageWords]()))-1 // months_alone may be empty
	if german.Pages.Find != "Los" || german.CountLetters(1) != "ein Brief" || german.Pages.Archive != "Archiv" || len(german.PagesLack()) != 0 {
		t.Errorf("German: %+v", german.Pages)
	}
	if n := len(book["da"].PagesLack()); n != all {
		t.Errorf("Danish lacks %d words, want all %d", n, all)
	}
	if lack := book["sv"].PagesLack(); len(lack) != all-1 || slices.Contains(lack, "find") {
		t.Errorf("Swedish lacks %v", lack)
	}
	if lack := book["nb"].PagesLack(); len(lack) != 0 {
		t.Errorf("Norwegian lacks %v", lack)
	}
	if w, _ := WordsFor("de"); w.Pages.Find != "Suchen" || w.CountLetters(1) != "1 Ausgabe" {
		t.Error("the built-in words changed")
	}
}

func TestLoadPageWordsRefuses(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"unknown word", "pages:\n  fimd: Los\n", `de.yaml:2: unknown word "pages.fimd", did you mean find?`},
		{"a word of letters", "pages:\n  by: Von\n", `unknown word "pages.by"`},
		{"not a mapping", "pages: Los\n", "de.yaml:1: pages: holds no words"},
		{"empty", "pages:\n  find: ''\n", "de.yaml:2: pages.find: is missing or empty"},
		{"a lost place", "pages:\n\n  leave: Weg damit\n", `de.yaml:3: pages.leave: "Weg damit" has no {address}`},
		{"a place that nothing fills", "pages:\n  find: \"{n} suchen\"\n", "nothing is filled in for {n}"},
		{"a category too few", "pages:\n  letters: {other: \"{n} Briefe\"}\n", `de.yaml:2: pages.letters: has no words for "one"`},
		{"eleven months", "pages:\n  months_alone: [a, b, c, d, e, f, g, h, i, j, k]\n", "pages.months_alone: needs 12 names, has 11"},
		{"a direction", "pages:\n  find: \"a\\u202eb\"\n", "direction"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "de.yaml"), []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadWords(dir); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

func TestPhraseWith(t *testing.T) {
	if got := Phrase("{a} and {b}, {a}").With("a", "{b}", "b", "2"); got != "{b} and 2, {b}" {
		t.Errorf("got %q", got)
	}
}
