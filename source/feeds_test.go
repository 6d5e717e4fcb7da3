package source

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// realFeeds are feeds as real sites served them, kept beside the project.
func realFeeds(t *testing.T) []string {
	t.Helper()
	dir, err := filepath.Abs("../../shared/data/feeds")
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.*"))
	if len(files) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s: no feeds", dir)
		}
		t.Skipf("%s: no feeds", dir)
	}
	return files
}

var (
	markup   = regexp.MustCompile(`(?i)</?(?:p|br|a|b|i|em|strong|div|span|img|ul|li|table|script|style)\b|&(?:#\d+|#x[0-9a-f]+|[a-z]{2,8});|<!\[CDATA`)
	mojibake = regexp.MustCompile("Ã[\u0080-\u00bf]|â€|\uFFFD|Â[\u00a0-\u00bf]")
	relative = regexp.MustCompile(`(?:href)="(?:[^hm]|h[^t]|m[^a])`)
	endCut   = regexp.MustCompile(`(?:…|\.\.\.|\[…\]|Read more|Continue reading)\W*$`)
)

func TestRealFeeds(t *testing.T) {
	want := map[string]struct {
		stories int
		title   string
		first   string
		images  int // at least
	}{
		"content-encoded.rss": {7, "Food in Invironment on Medium", "THE CREATIVE FORAGER", 7},
		"craigslist.rss":      {25, "craigslist SF bay area | apts/housing for rent search", "Bright, Spacious Beautiful Victorian (oakland north / temescal) $4300 3bd 1930ft2", 0},
		"encoding.rss":        {40, "Jornal de Notícias - Últimas Notícias", "Mãe de utente é a nova presidente da Raríssimas", 0},
		"feedburner.atom":     {25, "Google Ads Developer Blog", "AdWords and DFP Java client library will soon require Java 7+", 6},
		"guardian.rss":        {55, "The Guardian", "Trump State of the Union address promised unity but emphasized discord", 50},
		"heise.atom":          {15, "heise developer neueste Meldungen", "Java-Anwendungsserver: Red Hat gibt WildFly 10 frei", 6},
		"reddit-atom.rss":     {24, "reddit: the front page of the internet", "The Difficulties in Space", 10},
		"rss-1.rss":           {69, "Science", "Food for fungi", 0},
	}
	files := realFeeds(t)
	if len(files) != len(want) {
		t.Errorf("got %d feeds, want %d", len(files), len(want))
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			g := &Gatherer{}
			r := g.Gather(t.Context(), []Spec{{ID: "real", Feed: file}}, time.UTC)[0]
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			w := want[filepath.Base(file)]
			if len(r.Stories) != w.stories || r.Title != w.title || len(r.Stories) > 0 && r.Stories[0].Title != w.first {
				t.Errorf("got %d stories, title %q, first %q", len(r.Stories), r.Title, r.Stories[0].Title)
			}
			images := 0
			for _, s := range r.Stories {
				if s.Image != nil {
					images++
				}
				checkStory(t, s)
			}
			if images < w.images {
				t.Errorf("got %d images, want at least %d", images, w.images)
			}
		})
	}
}

// checkStory holds a story to what the package promises of every story.
func checkStory(t *testing.T, s Story) {
	t.Helper()
	text := PlainText(s.Body)
	for what, v := range map[string]string{"title": s.Title, "summary": s.Summary, "author": s.Author, "publication": s.Publication, "text": text} {
		if what != "text" && markup.MatchString(v) {
			t.Errorf("%s: markup in the %s: %q", s.Key, what, v)
		}
		if m := mojibake.FindString(v); m != "" || !utf8.ValidString(v) {
			t.Errorf("%s: mojibake %q in the %s", s.Key, m, what)
		}
		if what != "summary" && what != "text" && (strings.ContainsAny(v, "\n\r\t") || v != strings.TrimSpace(v) || utf8.RuneCountInString(v) > maxTitle) {
			t.Errorf("%s: the %s is not one short line: %q", s.Key, what, v)
		}
	}
	if s.Title == "" {
		t.Errorf("%s: no title", s.Key)
	}
	if endCut.MatchString(s.Summary) || endCut.MatchString(text) {
		t.Errorf("%s: a cut mark is left: %q", s.Key, s.Summary+text[max(0, len(text)-80):])
	}
	if relative.MatchString(s.Body) {
		t.Errorf("%s: a relative link: %s", s.Key, relative.FindString(s.Body))
	}
	if !webAddress(s.URL) || s.Canonical == "" || s.Canonical != Canonical(s.Canonical) {
		t.Errorf("%s: url %q, canonical %q", s.Key, s.URL, s.Canonical)
	}
	if s.Image != nil && !webAddress(s.Image.URL) {
		t.Errorf("%s: picture %q", s.Key, s.Image.URL)
	}
	if s.Key == "" || s.Published.IsZero() || s.Published.Location() != time.UTC {
		t.Errorf("%s: published %v", s.Key, s.Published)
	}
	if again := Sanitise(s.Body, ""); again != s.Body {
		t.Errorf("%s: sanitising again changes the text:\n%s\n%s", s.Key, s.Body, again)
	}
}
