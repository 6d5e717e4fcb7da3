package templates

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode"
)

// Every language has every word, every category of numbers, and the names of
// every day and month; no two days are written alike.
func TestEveryLanguageIsWhole(t *testing.T) {
	for tag, w := range builtIn() {
		for _, p := range w.problems() {
			t.Errorf("%s: %s: %s", tag, p.key, p.what)
		}
		seen := map[string]time.Time{}
		for day := range 366 {
			at := time.Date(2028, 1, 1, 19, 5, 0, 0, time.UTC).AddDate(0, 0, day)
			for _, text := range []string{w.Date(at), w.EventTime(at, false)} {
				if strings.ContainsAny(text, "{}") || strings.Contains(text, "  ") {
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

// The languages that Lede promises.
func TestLanguages(t *testing.T) {
	want := "ar de en en-US es fr he hi it ja nl pl pt pt-BR tr zh zh-Hant"
	if got := strings.Join(Languages(), " "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Every category that the CLDR has for a language is in its files, and no
// other but those of an older edition of its rules.
func TestPluralsAreWhole(t *testing.T) {
	names := []string{"", "zero", "one", "two", "few", "many", "other"}
	for tag, w := range builtIn() {
		base, _, _ := strings.Cut(tag, "-")
		for _, c := range calendarOf(base).PluralsCardinal() {
			for key, p := range map[string]Plural{"stories": w.Stories, "minutes": w.Minutes} {
				if p[names[c]] == "" {
					t.Errorf("%s: %s has nothing for %q", tag, key, names[c])
				}
			}
		}
	}
}

func TestPlurals(t *testing.T) {
	for _, test := range []struct {
		tag  string
		n    int
		want string
	}{
		{"en", 0, "0 stories"},
		{"en", 1, "1 story"},
		{"en-US", 2, "2 stories"},
		{"de", 1, "1 Artikel"},
		{"fr", 0, "0 article"},
		{"fr", 1, "1 article"},
		{"fr", 2, "2 articles"},
		{"es", 1, "1 noticia"},
		{"es", 2, "2 noticias"},
		{"it", 1, "1 notizia"},
		{"nl", 5, "5 berichten"},
		{"pt", 1, "1 notícia"},
		{"pt-BR", 2, "2 notícias"},
		{"pl", 1, "1 artykuł"},
		{"pl", 2, "2 artykuły"},
		{"pl", 4, "4 artykuły"},
		{"pl", 5, "5 artykułów"},
		{"pl", 12, "12 artykułów"},
		{"pl", 22, "22 artykuły"},
		{"pl", 0, "0 artykułów"},
		{"tr", 1, "1 haber"},
		{"tr", 3, "3 haber"},
		{"hi", 0, "0 ख़बर"},
		{"hi", 1, "1 ख़बर"},
		{"hi", 2, "2 ख़बरें"},
		{"ja", 7, "記事7本"},
		{"zh", 7, "7篇文章"},
		{"zh-Hant", 1, "1篇文章"},
		{"ar", 0, "لا أخبار"},
		{"ar", 1, "خبر واحد"},
		{"ar", 2, "خبران"},
		{"ar", 3, "3 أخبار"},
		{"ar", 11, "11 خبرا"},
		{"ar", 100, "100 خبر"},
		{"ar", 103, "103 أخبار"},
		{"he", 1, "כתבה אחת"},
		{"he", 2, "שתי כתבות"},
		{"he", 20, "20 כתבות"},
	} {
		if w, _ := WordsFor(test.tag); w.CountStories(test.n) != test.want {
			t.Errorf("%s, %d: got %q, want %q", test.tag, test.n, w.CountStories(test.n), test.want)
		}
	}
}

// A day, an event and the line under the masthead as each language writes them.
func TestDates(t *testing.T) {
	day := time.Date(2026, 3, 6, 7, 5, 0, 0, time.UTC)
	for tag, want := range map[string][3]string{
		"en":      {"Friday 6 March 2026", "Fri 6 Mar, 07:05", "P, Friday 6 March 2026. No. 212"},
		"en-US":   {"Friday, March 6, 2026", "Fri, Mar 6, 7:05 AM", "P, Friday, March 6, 2026. No. 212"},
		"de":      {"Freitag, 6. März 2026", "Fr., 6. März, 07:05 Uhr", "P, Freitag, 6. März 2026. Nr. 212"},
		"fr":      {"vendredi 6 mars 2026", "ven. 6 mars, 07h05", "P, vendredi 6 mars 2026. Nᵒ 212"},
		"es":      {"viernes, 6 de marzo de 2026", "vie, 6 mar, 07:05", "P, viernes, 6 de marzo de 2026. N.º 212"},
		"it":      {"venerdì 6 marzo 2026", "ven 6 mar, ore 07:05", "P, venerdì 6 marzo 2026. N. 212"},
		"nl":      {"vrijdag 6 maart 2026", "vr 6 mrt, 07:05 uur", "P, vrijdag 6 maart 2026. Nr. 212"},
		"pt":      {"sexta-feira, 6 de março de 2026", "sexta, 6 de mar., 07h05", "P, sexta-feira, 6 de março de 2026. N.º 212"},
		"pt-BR":   {"sexta-feira, 6 de março de 2026", "sex., 6 de mar., 07h05", "P, sexta-feira, 6 de março de 2026. Nº 212"},
		"pl":      {"piątek, 6 marca 2026", "pt., 6 mar, godz. 07:05", "P, piątek, 6 marca 2026. Nr 212"},
		"tr":      {"6 Mart 2026 Cuma", "6 Mar Cum, 07:05", "P, 6 Mart 2026 Cuma. Sayı 212"},
		"hi":      {"शुक्रवार, 6 मार्च 2026", "शुक्र, 6 मार्च, 07:05 बजे", "P, शुक्रवार, 6 मार्च 2026। अंक 212"},
		"ja":      {"2026年3月6日金曜日", "3月6日(金) 07:05", "P 2026年3月6日金曜日 第212号"},
		"zh":      {"2026年3月6日星期五", "3月6日周五 07:05", "P 2026年3月6日星期五 第212期"},
		"zh-Hant": {"2026年3月6日 星期五", "3月6日 週五 07:05", "P 2026年3月6日 星期五 第212期"},
		"ar":      {"الجمعة، 6 مارس 2026", "الجمعة، 6 مارس، 07:05", "P، الجمعة، 6 مارس 2026. العدد 212"},
		"he":      {"יום שישי, 6 במרץ 2026", "יום ו׳, 6 במרץ, 07:05", "P, יום שישי, 6 במרץ 2026. גיליון 212"},
	} {
		w, ok := WordsFor(tag)
		got := [3]string{w.Date(day), w.EventTime(day, false), w.Dateline("P", w.Date(day), w.Number(212))}
		if !ok || got != want {
			t.Errorf("%s:\ngot  %q\nwant %q", tag, got, want)
		}
	}
}

func TestEventHours(t *testing.T) {
	from := time.Date(2026, 3, 6, 19, 0, 0, 0, time.UTC)
	for tag, want := range map[string]string{
		"en":    "Fri 6 Mar, 19:00–21:30",
		"en-US": "Fri, Mar 6, 7:00 PM–9:30 PM",
		"de":    "Fr., 6. März, 19:00–21:30 Uhr",
		"nl":    "vr 6 mrt, 19:00–21:30 uur",
		"it":    "ven 6 mar, ore 19:00–21:30",
		"ja":    "3月6日(金) 19:00–21:30",
	} {
		w, _ := WordsFor(tag)
		if got := w.EventHours(from, from.Add(150*time.Minute)); got != want {
			t.Errorf("%s: got %q, want %q", tag, got, want)
		}
	}
}

func TestDateline(t *testing.T) {
	w, _ := WordsFor("en")
	for _, test := range []struct{ place, date, number, want string }{
		{"", "", "", ""}, {"P", "", "", "P"}, {"", "D", "", "D"}, {"", "", "N", "N"}, {"P", "D", "", "P, D"}, {"", "D", "N", "D. N"}, {"P", "D", "N", "P, D. N"},
	} {
		if got := w.Dateline(test.place, test.date, test.number); got != test.want {
			t.Errorf("%q, %q, %q: got %q, want %q", test.place, test.date, test.number, got, test.want)
		}
	}
}

// No language has a word that was left in English, but for those that are its
// own words too.
func TestNoLeftoverEnglish(t *testing.T) {
	shared := map[string]string{
		"de": "Live Links", "fr": "Image Opinion By", "it": "Privacy", "nl": "Live Update Privacy Links", "pt-BR": "Links",
	}
	english := reflect.ValueOf(builtIn()["en"])
	for tag, w := range builtIn() {
		if base, _, _ := strings.Cut(tag, "-"); base == "en" {
			continue
		}
		v := reflect.ValueOf(w)
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.Type.Kind() != reflect.String || !strings.ContainsFunc(v.Field(i).String(), unicode.IsLetter) || f.Name == "Clock" || strings.HasPrefix(v.Field(i).String(), "{") {
				continue
			}
			text := v.Field(i).String()
			if text == english.Field(i).String() && !slices.Contains(strings.Fields(shared[tag]), text) {
				t.Errorf("%s: %s is English: %q", tag, f.Name, text)
			}
			bare := regexp.MustCompile(`\{[a-z_]+\}`).ReplaceAllString(text, "")
			if ascii := regexp.MustCompile(`[A-Za-z]{2,}`).FindString(bare); ascii != "" && !slices.Contains([]string{"de", "fr", "es", "it", "nl", "pt", "pt-BR", "pl", "tr"}, tag) {
				t.Errorf("%s: %s has Latin letters: %q", tag, f.Name, text)
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
		{"pt-AO", "Ler esta edição no navegador", true},
		{"zh-CN", "在浏览器中阅读本期", true},
		{"zh-TW", "在瀏覽器中閱讀本期", true},
		{"zh-HK", "在瀏覽器中閱讀本期", true},
		{"zh-Hant-MO", "在瀏覽器中閱讀本期", true},
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

// An event that takes all day has no time.
func TestAllDay(t *testing.T) {
	for tag, w := range builtIn() {
		if got := w.EventTime(time.Date(2028, 9, 3, 0, 0, 0, 0, time.UTC), true); strings.Contains(got, "00") {
			t.Errorf("%s: all day at %q", tag, got)
		}
	}
}

func TestPhrases(t *testing.T) {
	w, _ := WordsFor("en")
	if got := w.AlsoIn("Averne Courier", "", "Harbour Office"); got != "Also in Averne Courier, Harbour Office" {
		t.Errorf("got %q", got)
	}
	if got := w.AlsoIn(""); got != "" {
		t.Errorf("nobody: got %q", got)
	}
	if got := w.Corrects(time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)); got != "Correction to the edition of Tuesday 24 November 2026" {
		t.Errorf("got %q", got)
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

// A folder of words changes a language, key by key, and adds another.
func TestLoadWords(t *testing.T) {
	dir := t.TempDir()
	english, err := wordFiles.ReadFile("words/en.yaml")
	if err != nil {
		t.Fatal(err)
	}
	danish := strings.NewReplacer("Unsubscribe\"", "Afmeld\"", "{n} stories", "{n} historier").Replace(string(english)) +
		"weekdays: [søndag, mandag, tirsdag, onsdag, torsdag, fredag, lørdag]\nweekdays_short: [søn., man., tirs., ons., tors., fre., lør.]\n" +
		"months: [januar, februar, marts, april, maj, juni, juli, august, september, oktober, november, december]\n" +
		"months_short: [jan., feb., mar., apr., maj, jun., jul., aug., sep., okt., nov., dec.]\n"
	for name, text := range map[string]string{
		"de.yaml": "unsubscribe: Abbestellen\n", "en.yaml": "unsubscribe: Leave\n", "en-US.yaml": "view: Open in a browser\n", "fr-CA.yaml": "live: En ondes\n",
		"zh.yaml": "live: 正在直播\n", "zh-TW.yaml": "view: 用瀏覽器看\n",
		"da.yaml": danish, ".da.yaml.swp": "x", "de.yaml~": "x",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	book, err := LoadWords(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ tag, what, got, want string }{
		{"de", "changed", must(book.For("de")).Unsubscribe, "Abbestellen"},
		{"de", "kept", must(book.For("de")).By, "Von"},
		{"en-US", "follows its language", must(book.For("en-US")).Unsubscribe, "Leave"},
		{"en-US", "its own", must(book.For("en-US")).Clock, "3:04 PM"},
		{"en-US", "changed", must(book.For("en-US")).View, "Open in a browser"},
		{"fr-CA", "a new region", must(book.For("fr-CA")).Live + must(book.For("fr-CA")).By, "En ondesPar"},
		{"zh-Hant", "its own", must(book.For("zh-Hant")).Live, "直播"},
		{"zh-TW", "stands on its script", must(book.For("zh-TW")).View + must(book.For("zh-TW")).Privacy, "用瀏覽器看隱私權"},
		{"zh-HK", "has its script's", must(book.For("zh-HK")).View, "在瀏覽器中閱讀本期"},
		{"fr", "untouched", must(book.For("fr")).Live, "En direct"},
		{"da", "added", must(book.For("da")).Date(time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)), "tirsdag 24 november 2026"},
		{"da", "counts", must(book.For("da")).CountStories(2), "2 historier"},
	} {
		if test.got != test.want {
			t.Errorf("%s, %s: got %q, want %q", test.tag, test.what, test.got, test.want)
		}
	}
	if w, ok := WordsFor("de"); !ok || w.Unsubscribe != "Abmelden" {
		t.Error("the built-in words changed")
	}
}

func must(w Words, known bool) Words {
	if !known {
		return Words{}
	}
	return w
}

func TestLoadWordsRefuses(t *testing.T) {
	for _, test := range []struct{ name, file, text, want string }{
		{"unknown word", "de.yaml", "by: Von\nunsubscripe: x\n", `de.yaml:2: unknown word "unsubscripe", did you mean unsubscribe?`},
		{"no name of a language", "german-language.yaml", "by: Von\n", "name the file after its language"},
		{"not YAML's ending", "de.txt", "by: Von\n", "name the file after its language"},
		{"a new language in part", "da.yaml", "by: Af\n", "da.yaml: date: is missing or empty"},
		{"a lost place", "de.yaml", "\nreason: Sie wissen warum.\n", `de.yaml:2: reason: "Sie wissen warum." has no {newsletter}`},
		{"a place that nothing fills", "de.yaml", "view: \"{link} öffnen\"\n", `nothing is filled in for {link}`},
		{"empty", "de.yaml", "by: ' '\n", "de.yaml:1: by: is missing or empty"},
		{"not a mapping", "de.yaml", "- by\n", "holds no words"},
		{"nothing", "de.yaml", "", "holds no words"},
		{"not YAML", "de.yaml", "\t{", "de.yaml"},
		{"a list for a word", "de.yaml", "by: [a]\n", "de.yaml"},
		{"a line break", "de.yaml", "by: \"a\\nb\"\n", "line break"},
		{"a direction", "de.yaml", "by: \"a\\u202eb\"\n", "direction"},
		{"too long", "de.yaml", "by: " + strings.Repeat("x", 500) + "\n", "longer than"},
		{"six days", "de.yaml", "weekdays: [a, b, c, d, e, f]\n", "needs 7 names, has 6"},
		{"no minutes", "de.yaml", "clock: abc\n", "shows no minutes"},
		{"order of the dateline", "de.yaml", "dateline: \"{date} {place} {number}\"\n", "in this order"},
		{"a category too few", "pl.yaml", "stories: {one: x, other: \"{n} x\"}\n", `stories: has no words for "many"`},
		{"no such category", "de.yaml", "stories: {one: x, some: x, other: \"{n} x\"}\n", `"some" is no category`},
		{"no number", "de.yaml", "stories: {one: x, other: x}\n", "has no {n}"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, test.file), []byte(test.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadWords(dir); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
	if _, err := LoadWords(filepath.Join(t.TempDir(), "nowhere")); err == nil {
		t.Error("a folder that is not there was taken")
	}
}

func TestReadWordsRefuses(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"in part":    {"words/en.yaml": {Data: []byte("by: By")}},
		"no English": {},
	} {
		if _, err := readWords(files); err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
}

// docs/languages.md shows the whole English file.
func TestLanguagesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/languages.md")
	if err != nil {
		t.Fatal(err)
	}
	from := strings.Index(string(page), "```yaml\ndate:")
	if from < 0 {
		t.Fatal("the file is not there")
	}
	text, _, _ := strings.Cut(string(page[from+len("```yaml\n"):]), "```")
	var shown Words
	if err := shown.read(wordFile{path: "docs/languages.md", tag: "en", text: text}); err != nil {
		t.Fatal(err)
	}
	if want := builtIn()["en"]; !reflect.DeepEqual(shown, want) {
		t.Errorf("got %+v\nwant %+v", shown, want)
	}
	for _, tag := range Languages() {
		if !strings.Contains(string(page), "`"+tag+"` ") {
			t.Errorf("%s is not listed", tag)
		}
	}
}
