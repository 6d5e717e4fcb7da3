package web_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"golang.org/x/net/html"

	"lede/audience"
	"lede/internal/browsertest"
	"lede/templates"
)

// speaks makes all newsletters of the site speak a language.
func (s *site) speaks(lang string) {
	for i := range s.Newsletters {
		s.Newsletters[i].Language = lang
	}
}

// asked gets a page as a browser that asks for languages.
func (s *site) asked(t *testing.T, path, languages string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest("GET", s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Language", languages)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	doc, err := html.Parse(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Data == "html" && n.Type == html.ElementNode {
			return res, attr(n, "lang") + " " + attr(n, "dir")
		}
	}
	return res, ""
}

// flat writes every space as one plain space, as contains does.
func flat(text string) string { return strings.Join(strings.Fields(text), " ") }

// englishOnly are the words of English pages that a language has otherwise.
func englishOnly(own templates.Words) []string {
	english, _ := templates.WordsFor("en")
	var texts []string
	mine := reflect.ValueOf(own.Pages)
	for i, v := 0, reflect.ValueOf(english.Pages); i < v.NumField(); i++ {
		if v.Field(i).Kind() != reflect.String || v.Field(i).String() == mine.Field(i).String() {
			continue
		}
		for _, text := range regexp.MustCompile(`\{\w+\}`).Split(v.Field(i).String(), -1) {
			if text = strings.Trim(text, " .,:?"); len(text) > 6 {
				texts = append(texts, text)
			}
		}
	}
	return texts
}

// Every page speaks every language: its tag and direction, no English word, no
// place that nothing was put into.
func TestPagesSpeakEveryLanguage(t *testing.T) {
	for _, lang := range templates.Languages() {
		t.Run(lang, func(t *testing.T) {
			s := shelf(t)
			s.speaks(lang)
			own, _ := templates.WordsFor(lang)
			dir := "ltr"
			if lang == "ar" || lang == "he" {
				dir = "rtl"
			}
			token := s.token(t, 1, audience.PurposeUnsubscribe)
			pages := map[string]string{}
			get := func(path string) {
				_, _, pages[path] = s.do(t, "GET", path, "", "")
			}
			for _, path := range []string{
				"/", "/archive/harbour/", "/archive/harbour/2026/", "/archive/harbour/?q=eel", "/archive/harbour/?q=nothing", "/archive/harbour/?q=no+thing",
				"/archive/tide/", "/u/broken", "/e/nothing", "/nowhere", "/u/" + token, "/u/" + s.token(t, 1, audience.PurposeProof), "/e/" + s.token(t, 1, audience.PurposeProof),
				"/archive/harbour/atom.xml",
			} {
				get(path)
			}
			_, pages["left"] = s.form(t, "/u/"+token, "scope=all")
			_, pages["back"] = s.form(t, "/u/"+token+"/undo", undoBody(t, pages["left"]))
			_, pages["left one"] = s.form(t, "/u/"+token, "scope=one")
			s.Newsletters[0].Visibility = "off"
			get("/e/edition1")
			s.Newsletters[0].Visibility = "public"
			s.People = failing{}
			_, _, pages["fault"] = s.do(t, "GET", "/u/"+token, "", "")
			s.Archive = brokenArchive{}
			_, _, pages["fault of a newsletter"] = s.do(t, "GET", "/archive/harbour/", "", "")
			for name, page := range pages {
				if !strings.HasSuffix(name, ".xml") && !strings.Contains(page, `<html lang="`+lang+`" dir="`+dir+`">`) {
					t.Errorf("%s: not %s, %s:\n%.300s", name, lang, dir, page)
				}
				if strings.ContainsAny(page, "{}") || strings.Contains(page, "<no value>") {
					t.Errorf("%s: a place was left:\n%s", name, page)
				}
				for _, text := range englishOnly(own) {
					if !strings.HasPrefix(lang, "en") && regexp.MustCompile(`\b`+regexp.QuoteMeta(text)+`\b`).MatchString(page) {
						t.Errorf("%s: has the English %q", name, text)
					}
				}
			}
			contains(t, pages["/archive/harbour/"], own.MonthHeading(time.Date(2024, 12, 31, 0, 0, 0, 0, time.UTC)), flat(own.CountLetters(7)), own.Pages.FindLabel)
			contains(t, pages["/u/"+token], own.Unsubscribe, own.Privacy)
			contains(t, pages["left"], own.Pages.Spoken.With("local", "o", "domain", "n"))
			contains(t, pages["/archive/harbour/atom.xml"], flat(own.Pages.DescriptionLine.With("newsletter", "The Harbour Letter", "line", s.Newsletters[0].Line)))
		})
	}
}

// A page that belongs to no newsletter answers as the browser asks.
func TestPagesOfNoNewsletter(t *testing.T) {
	s := newSite(t)
	s.public()
	s.Newsletters[0].Language, s.Newsletters[1].Language = "de", "da"
	danish, _ := templates.WordsFor("nl") // stands for a folder of words
	s.Newsletters[1].Words = &danish
	for _, c := range []struct{ name, header, want string }{
		{"nothing asked", "", "de ltr"},
		{"one that we have", "fr", "fr ltr"},
		{"a region", "fr-CA,fr;q=0.9", "fr ltr"},
		{"by weight", "en;q=0.3,he;q=0.8", "he rtl"},
		{"the first that we have", "sw,cy;q=0.9,ja;q=0.1", "ja ltr"},
		{"a script by its region", "zh-TW", "zh-Hant ltr"},
		{"a newsletter's own", "da,en;q=0.5", "da ltr"},
		{"none that we have", "sw,cy", "de ltr"},
		{"any", "*", "de ltr"},
		{"not wanted", "fr;q=0,it;q=0.2", "it ltr"},
		{"hostile", `"><script>alert(1)</script>`, "de ltr"},
		{"endless", strings.Repeat("xx-", 4000), "de ltr"},
		{"private use", "x-whatever, ar-x-y", "ar rtl"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, path := range []string{"/", "/u/broken", "/nowhere", "/e/nothing"} {
				res, got := s.asked(t, path, c.header)
				if got != c.want || res.Header.Get("Vary") != "Accept-Language" {
					t.Errorf("%s: %q, want %q; Vary %q", path, got, c.want, res.Header.Get("Vary"))
				}
			}
			if res, got := s.asked(t, "/archive/harbour/", c.header); got != "de ltr" || res.Header.Get("Vary") != "" {
				t.Errorf("the archive of a German newsletter: %s, Vary %q", got, res.Header.Get("Vary"))
			}
		})
	}
	s.Newsletters = s.Newsletters[:1]
	if res, got := s.asked(t, "/", "fr"); got != "de ltr" || res.Header.Get("Vary") != "" {
		t.Errorf("the list of a single newsletter: %s, Vary %q", got, res.Header.Get("Vary"))
	}
}

func TestPagesWithOwnWords(t *testing.T) {
	s := shelf(t)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"de.yaml": "unsubscribe: Abbestellen\npages:\n  archive: Frühere Briefe\n",
		"pl.yaml": "pages:\n  letters: {one: \"{n} list\", few: \"{n} listy\", many: \"{n} listów\", other: \"{n} listu\"}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	book, err := templates.LoadWords(dir)
	if err != nil {
		t.Fatal(err)
	}
	for lang, wants := range map[string][]string{
		"de": {"<h1>Frühere Briefe</h1>", "7 Ausgaben seit März 2024", "<h2>November 2026</h2>", "Di., 24. November"},
		"pl": {"7 listów od marca 2024", "<h2>listopad 2026</h2>", "wt., 24 listopada", "Nowsze wydania"},
	} {
		words, _ := book.For(lang)
		s.speaks(lang)
		s.Newsletters[0].Words = &words
		_, _, page := s.do(t, "GET", "/archive/harbour/", "", "")
		_, _, year := s.do(t, "GET", "/archive/harbour/2024/", "", "")
		contains(t, page+year, wants...)
	}
	german, _ := book.For("de")
	s.Newsletters[0].Words, s.Newsletters[0].Language = &german, "de-AT"
	_, _, page := s.do(t, "GET", "/u/"+s.token(t, 1, audience.PurposeUnsubscribe), "", "")
	contains(t, page, "<button>Abbestellen</button>", `<html lang="de-AT" dir="ltr">`)

	// Words for letters alone: the pages are English, whole, and say so.
	letters := german
	letters.Pages = templates.PageWords{}
	s.Newsletters[0].Words, s.Newsletters[0].Language = &letters, "tlh"
	_, _, page = s.do(t, "GET", "/archive/harbour/", "", "")
	contains(t, page, `<html lang="en" dir="ltr">`, "<h1>Archive</h1>", "Tue 24 November", `<div lang="tlh" dir="ltr">`)
}

// A name of the other direction is set apart, so that a mark behind it does not
// jump to its wrong side; one of the page's own is not.
func TestPagesSetNamesApart(t *testing.T) {
	s := newSite(t)
	s.public()
	path := "/u/" + s.token(t, 1, audience.PurposeUnsubscribe)
	s.speaks("he")
	_, _, page := s.do(t, "GET", path, "", "")
	contains(t, page, "<h1 id=\"leave\">לבטל את המינוי ל־<bdi>The Harbour Letter</bdi>?</h1>", `<span class="address" dir="ltr" aria-hidden="true">o•••••@n•••••.example</span>`)
	s.Newsletters[0].Name = "מכתב <הנמל>"
	_, _, page = s.do(t, "GET", path, "", "")
	contains(t, page, "<h1 id=\"leave\">לבטל את המינוי ל־מכתב &lt;הנמל&gt;?</h1>")
	s.speaks("en")
	_, _, page = s.do(t, "GET", path, "", "")
	contains(t, page, "<h1 id=\"leave\">Leave <bdi>מכתב &lt;הנמל&gt;</bdi>?</h1>", "<title>Leave מכתב &lt;הנמל&gt;?")
}

// Who shows a link to a page is told its language and region.
func TestPagesTellTheirLocale(t *testing.T) {
	s := shelf(t)
	for lang, want := range map[string]string{
		"": "en_GB", "en": "en_GB", "en-US": "en_US", "de": "de_DE", "de-AT": "de_AT", "pt": "pt_PT", "pt-BR": "pt_BR",
		"zh": "zh_CN", "zh-Hant": "zh_TW", "ja": "ja_JP", "he": "he_IL", "ar": "ar_EG", "hi": "hi_IN",
	} {
		s.speaks(lang)
		for _, path := range []string{"/archive/harbour/", "/e/edition7"} {
			_, _, page := s.do(t, "GET", path, "", "")
			contains(t, page, `<meta property="og:locale" content="`+want+`">`)
		}
	}
}

// No word of pages is there for nothing.
func TestEveryWordOfPagesIsUsed(t *testing.T) {
	var all strings.Builder
	for _, pattern := range []string{"*.go", "pages/*.html", "../templates/pagewords.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[templates.PageWords]()) {
		if !regexp.MustCompile(`(Pages|words)\.` + f.Name + `\b`).MatchString(all.String()) {
			t.Errorf("%s is used nowhere", f.Name)
		}
	}
}

func TestPagesOfOtherLanguagesInABrowser(t *testing.T) {
	b := browsertest.Open(t)
	s := shelf(t)
	for _, c := range []struct{ lang, name, line string }{
		{"de", "Der Hafenbrief", "Port Averne, werktags um halb sieben"},
		{"ar", "رسالة الميناء", "بورت أفيرن، أيام العمل"},
		{"ja", "港だより", "ポート・アヴェルン、平日の朝"},
	} {
		s.speaks(c.lang)
		s.Newsletters[0].Name, s.Newsletters[0].Line = c.name, c.line
		b.Do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.Call(ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": c.lang}})
			return err
		}))
		token := s.token(t, 1, audience.PurposeUnsubscribe)
		for _, page := range []struct{ name, path string }{
			{"archive", "/archive/harbour/?as=" + c.lang},
			{"year", "/archive/harbour/2024/?as=" + c.lang},
			{"search", "/archive/harbour/?q=nothing&as=" + c.lang}, // as: past the browser's cache
			{"leave", "/u/" + token},
			{"left", "/u/" + s.token(t, 3, audience.PurposeUnsubscribe)},
			{"broken", "/u/broken"},
			{"front", "/"},
		} {
			for _, size := range sizes {
				b.Window(size.width, size.height, "light")
				b.Visit(s.url + page.path)
				b.Fits(c.lang + " " + page.name + " at " + size.name)
			}
			if got := browsertest.Eval[string](b, `document.documentElement.lang`); got != c.lang {
				t.Errorf("%s speaks %s, not %s", page.name, got, c.lang)
			}
			b.Picture("pages-" + c.lang + "-" + page.name)
			axe(t, b)
			b.Window(390, 844, "dark")
			b.Visit(s.url + page.path)
			b.Picture("pages-" + c.lang + "-" + page.name + "-phone-dark")
			axe(t, b)
		}
	}
}
