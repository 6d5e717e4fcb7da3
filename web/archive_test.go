package web_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mmcdole/gofeed"

	"lede/internal/browsertest"
	"lede/newsroom"
)

func TestArchive(t *testing.T) {
	s := shelf(t)
	status, header, page := s.do(t, "GET", "/archive/harbour/", "", "")
	if status != 200 {
		t.Fatalf("%d: %s", status, page)
	}
	contains(t, page, "<h1>Archive</h1>", "7 letters since March 2024", "<h2>November 2026</h2>", "<h2>October 2026</h2>",
		`<time datetime="2026-11-24">Tue 24 November</time>`, `<a href="../../e/edition7">Ferry to Skerrow sails again after eleven days</a>`,
		"Fish market roof to a second vote; eel traps cut; a lamp for swimmers", "&lt;script&gt;alert(1)&lt;/script&gt;",
		`<link rel="canonical" href="https://news.example.org/archive/harbour/">`, `type="application/atom&#43;xml"`,
		`<a href="../../archive/harbour/rss.xml">RSS</a>`, `<label for="q">Find a word</label>`)
	if strings.Contains(page, "Nobody has seen this") || strings.Contains(page, "<script") || strings.Contains(page, "Older letters") {
		t.Error("it lists what nobody got, has a script, or goes on though all is there")
	}
	if robots := header.Get("X-Robots-Tag"); robots != "" || strings.Contains(page, "noindex") {
		t.Errorf("robots: %q", robots)
	}
	if strings.Index(page, "Tue 24 November") > strings.Index(page, "Mon 23 November") {
		t.Error("the newest is not first")
	}

	_, _, page = s.do(t, "GET", "/archive/harbour/2024/", "", "")
	contains(t, page, "<h1>2024</h1>", "2 letters", "The year on the quay", `<a href="../../../archive/harbour/2026/" rel="prev">Newer letters</a>`)
	if strings.Contains(page, "Older letters") || strings.Contains(page, "Ferry") {
		t.Error("2024 holds another year, or something older")
	}
	_, _, page = s.do(t, "GET", "/archive/harbour/2026/", "", "")
	contains(t, page, "5 letters", `<a href="../../../archive/harbour/2024/" rel="next">Older letters</a>`)

	for _, bad := range []string{"/archive/harbour/2025/", "/archive/harbour/02024/", "/archive/harbour/x/", "/archive/tide/", "/archive/nobody/", "/archive/harbour/feed.rss", "/archive/harbour/99999/", "/archive/tide/rss.xml"} {
		if status, _, page := s.do(t, "GET", bad, "", ""); status != 404 || strings.Contains(page, "Ferry") {
			t.Errorf("%s: %d", bad, status)
		}
	}
	if status, header, _ := s.do(t, "GET", "/archive/harbour", "", ""); status != 308 || header.Get("Location") != "harbour/" {
		t.Errorf("without a slash: %d %s", status, header.Get("Location"))
	}
	_, _, front := s.do(t, "GET", "/", "", "")
	contains(t, front, `<a href="./archive/harbour/">The Harbour Letter</a>`, "<b>The Tide Table</b>")
}

func TestArchiveGoesOnWithOlder(t *testing.T) {
	s := newSite(t)
	s.public()
	start := time.Date(2026, 1, 30, 6, 30, 0, 0, time.UTC)
	for i := range 51 {
		slot := start.AddDate(0, 0, -i)
		s.publish(t, fmt.Sprintf("edition%d", i), slot, letter(fmt.Sprint("Day ", i), "", slot), true)
	}
	_, _, page := s.do(t, "GET", "/archive/harbour/", "", "")
	contains(t, page, "51 letters", "Day 49", `<a href="../../archive/harbour/2025/" rel="next">Older letters</a>`)
	if strings.Contains(page, "Day 50") {
		t.Error("the first page has more than 50 letters")
	}
}

func TestArchiveEmpty(t *testing.T) {
	s := newSite(t)
	s.public()
	for _, c := range []struct {
		name string
		next func(time.Time) time.Time
		want string
	}{
		{"no schedule", nil, "No letter was sent yet."},
		{"soon", func(now time.Time) time.Time { return now.AddDate(0, 0, 1) }, "The first letter comes on Wednesday."},
		{"later", func(now time.Time) time.Time { return now.AddDate(0, 0, 13) }, "The first letter comes on Monday 7 December."},
	} {
		s.Newsletters[0].Next = c.next
		_, _, page := s.do(t, "GET", "/archive/harbour/", "", "")
		contains(t, page, c.want)
		if strings.Contains(page, "Find a word") {
			t.Error("there is nothing to search")
		}
	}
	for _, file := range []string{"rss.xml", "atom.xml", "feed.json"} {
		status, _, body := s.do(t, "GET", "/archive/harbour/"+file, "", "")
		if _, err := gofeed.NewParser().ParseString(body); status != 200 || err != nil {
			t.Errorf("%s: %d %v", file, status, err)
		}
	}
}

// A store that is down is our fault, and nothing that may be kept.
func TestArchiveOurFault(t *testing.T) {
	s := shelf(t)
	s.Archive = brokenArchive{}
	for _, path := range []string{"/archive/harbour/", "/archive/harbour/2026/", "/archive/harbour/rss.xml", "/archive/harbour/?q=x", "/sitemap.xml"} {
		status, header, page := s.do(t, "GET", path, "", "")
		if status != 500 || strings.Contains(page, "disk") || header.Get("Cache-Control") != "no-store" || header.Get("ETag") != "" {
			t.Errorf("%s: %d %v", path, status, header)
		}
	}
}

type brokenArchive struct{}

func (brokenArchive) Published(context.Context, string, time.Time, time.Time, int) ([]newsroom.Published, error) {
	return nil, errors.New("disk is gone")
}

func (brokenArchive) Extent(context.Context, string, time.Time, time.Time) (newsroom.Extent, error) {
	return newsroom.Extent{}, errors.New("disk is gone")
}

func TestArchiveInABrowser(t *testing.T) {
	b := browsertest.Open(t)
	s := shelf(t)
	drawn, _ := proof(t, "")
	c := letter("Swimmers ask for a lamp", "On the north steps", time.Date(2026, 11, 26, 6, 30, 0, 0, time.UTC))
	c.Letter.Web = drawn.HTML
	s.publish(t, "edition8", c.Edition.Slot, c, true)
	long := letter(strings.Repeat("Donaudampfschifffahrtsgesellschaft", 8), strings.Repeat("x", 300), time.Date(2026, 11, 27, 6, 30, 0, 0, time.UTC))
	s.publish(t, "edition9", long.Edition.Slot, long, true)
	for _, size := range sizes {
		for _, scheme := range []string{"light", "dark"} {
			b.Window(size.width, size.height, scheme)
			for _, address := range []string{"/archive/harbour/", "/archive/harbour/2024/", "/archive/harbour/?q=ferry", "/archive/harbour/?q=nothing", "/", "/e/edition8"} {
				b.Visit(s.url + address)
				b.Fits(address + " at " + size.name)
			}
		}
	}
	for _, scheme := range []string{"light", "dark"} {
		b.Window(1280, 1183, scheme)
		b.Visit(s.url + "/archive/harbour/")
		b.Picture("pages-archive-" + scheme)
		axe(t, b)
		b.Window(390, 1183, scheme)
		b.Visit(s.url + "/archive/harbour/")
		b.Picture("pages-archive-phone-" + scheme)
		axe(t, b)
	}
	b.Visit(s.url + "/e/edition8")
	if got := browsertest.Eval[string](b, `document.title`); got == "" {
		t.Error("the edition has no title")
	}
	b.Window(1280, 1183, "light")
	b.Visit(s.url + "/archive/harbour/")
	b.Do()
	browsertest.Eval[bool](b, `(document.getElementById("q").value = "lifeboat", true)`)
	b.Click(".find button")
	b.Wait(`document.querySelector(".hint").textContent === "1 letter found"`)
	b.Picture("pages-archive-search")
}

// axe fails the test for what the accessibility checker finds in the page.
func axe(t *testing.T, b *browsertest.Browser) {
	t.Helper()
	t.Run("axe", func(t *testing.T) {
		script, err := os.ReadFile(filepath.Join(browsertest.Checkers(t), "axe-core", "axe.min.js"))
		if err != nil {
			t.Fatal(err)
		}
		b.Wait(`document.readyState === "complete"`) // with its style sheet
		browsertest.Eval[bool](b, "(() => {"+string(script)+"\nreturn true})()")
		browsertest.Eval[bool](b, `(axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}).then(r => { window.found = r.violations.map(v => v.id + ": " + v.nodes.map(n => n.html).join(" ")) }), true)`)
		b.Wait(`Array.isArray(window.found)`)
		if found := browsertest.Eval[[]string](b, `window.found`); len(found) > 0 {
			t.Errorf("axe: %s", strings.Join(found, "\n"))
		}
	})
}
