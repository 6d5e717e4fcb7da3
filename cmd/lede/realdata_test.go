package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// shared returns a folder of real data beside the project. Its words belong to
// others, so it is used by path and never copied.
func shared(t *testing.T, name string) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", "..", "shared", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("real data is not there: %v", err)
		}
		t.Skipf("real data is not there: %v", err)
	}
	return dir
}

// previewFiles writes a newsroom of these sources, previews it, and returns the
// folder with its files.
func previewFiles(t *testing.T, dir, sources, more string) string {
	t.Helper()
	config := fmt.Sprintf(`data: lede.db
base_url: http://127.0.0.1:9000
relays:
  - {id: main, host: 127.0.0.1, port: 1025, tls: none}
newsletters:
  - id: harbour
    name: The Harbour Letter
    from: The Harbour Letter <letter@example.org>
    postal_address: 14 Chandler Row, Port Averne
    lists: [harbour]
    sources: %s
%s`, sources, more)
	if err := os.WriteFile(filepath.Join(dir, "lede.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "letter")
	var stdout, stderr bytes.Buffer
	if code := run(context.Background(), []string{"preview", "--config", filepath.Join(dir, "lede.yaml"), "--out", out}, strings.NewReader(""), &stdout, &stderr); code != 0 {
		t.Fatalf("preview: exit %d\n%s%s", code, stdout.String(), stderr.String())
	}
	return out
}

type previewed struct {
	Subject, Preheader string
	Lead               *struct{ Title, URL, Why string }
	Sections           []struct {
		Title  string
		Briefs []struct{ Title, Teaser, URL string }
	}
	Sources []struct {
		ID, Error string
		Stories   int
	}
}

func readEdition(t *testing.T, dir string) previewed {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "edition.json"))
	if err != nil {
		t.Fatal(err)
	}
	var e previewed
	if err := json.Unmarshal(data, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

var (
	mojibake = regexp.MustCompile("\uFFFD|Ã[\u0080-\u00BF]|â€|Â[\u00A0-\u00BF]")
	markup   = regexp.MustCompile(`</?[a-zA-Z][a-zA-Z0-9]*(?:\s[^>]*)?/?>|&(?:amp|lt|gt|quot|nbsp|#\d+|#x[0-9a-f]+);`)
)

// TestRealFeeds makes an edition of each feed as real sites served them.
func TestRealFeeds(t *testing.T) {
	feeds, err := filepath.Glob(filepath.Join(shared(t, "data/feeds"), "*.*"))
	if err != nil || len(feeds) < 8 {
		t.Fatalf("%d feeds: %v", len(feeds), err)
	}
	for _, feed := range feeds {
		t.Run(filepath.Base(feed), func(t *testing.T) {
			out := previewFiles(t, t.TempDir(), fmt.Sprintf("[{id: site, feed: %q}]", feed), "    sections: [{title: In brief, max: 20}]\n")
			e := readEdition(t, out)
			if e.Lead == nil || e.Subject == "" || e.Preheader == "" || len(e.Sections) == 0 || len(e.Sections[0].Briefs) < 3 {
				t.Fatalf("not much of an edition: %+v", e)
			}
			for _, b := range e.Sections[0].Briefs {
				if strings.TrimSpace(b.Title) == "" {
					t.Errorf("a brief without headline: %+v", b)
				}
				if !strings.HasPrefix(b.URL, "http") {
					t.Errorf("link %q of %q", b.URL, b.Title)
				}
				for _, text := range []string{b.Title, b.Teaser} {
					if m := mojibake.FindString(text); m != "" {
						t.Errorf("mojibake %q in %q", m, text)
					}
					if m := markup.FindString(text); m != "" {
						t.Errorf("markup %q in %q", m, text)
					}
				}
				checkTeaser(t, b.Teaser, 240)
			}
			checkLetter(t, out)
		})
	}
}

// checkTeaser holds a teaser to what no reader should see.
func checkTeaser(t *testing.T, s string, most int) {
	t.Helper()
	if n := len([]rune(s)); n > most+20 { // combined characters count once in a teaser
		t.Errorf("%d characters: %q", n, s)
	}
	if strings.Count(s, "…") > 1 || strings.Contains(s, ".…") || strings.Contains(s, ". …") || strings.Contains(s, "...") {
		t.Errorf("ellipses: %q", s)
	}
	if strings.Count(s, "“") != strings.Count(s, "”") && strings.Contains(s, "“") {
		t.Errorf("an open quotation: %q", s)
	}
	if regexp.MustCompile(`(?i)(read more|continue reading|weiterlesen)\W*$`).MatchString(s) {
		t.Errorf("a source's own words: %q", s)
	}
}

// checkLetter walks the letter's links and texts.
func checkLetter(t *testing.T, dir string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "edition.html"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		for _, a := range n.Attr {
			if (a.Key == "href" || a.Key == "src") && !strings.HasPrefix(a.Val, "http") && !strings.HasPrefix(a.Val, "mailto:") {
				t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
			}
			if strings.HasPrefix(a.Key, "on") {
				t.Errorf("<%s %s>", n.Data, a.Key)
			}
		}
		if n.Type == html.ElementNode && (n.Data == "script" || n.Data == "iframe" || n.Data == "form") {
			t.Errorf("<%s> in a letter", n.Data)
		}
		if n.Type == html.TextNode && n.Parent.Data != "style" {
			if m := mojibake.FindString(n.Data); m != "" {
				t.Errorf("mojibake %q in %q", m, n.Data)
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "edition.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if m := markup.Find(text); m != nil {
		t.Errorf("markup %q in the text part", m)
	}
}

// TestSeed makes the newsletter that was given as the example: its lead as a
// story file, its briefs as a feed. The letter has its anatomy and none of its
// faults.
func TestSeed(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared(t, "seed"), "*.txt"))
	if err != nil || len(files) != 1 {
		t.Fatalf("seed: %v, %v", files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	lead, rest, _ := strings.Cut(string(data), "\nWelcome to ")
	welcome, rest, _ := strings.Cut(rest, "\n")
	lines := strings.Split(strings.TrimSpace(rest), "\n")
	if len(lines) != 6 {
		t.Fatalf("the seed has %d lines after its welcome, want 4 briefs, a headline and its brief", len(lines))
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "stories"), 0o755); err != nil {
		t.Fatal(err)
	}
	story := "---\ntitle: Two presidents speak after three hours\nurl: https://example.org/lead\nlead: true\n---\n\n" + strings.ReplaceAll(lead, "\n", "\n\n") + "\n"
	if err := os.WriteFile(filepath.Join(dir, "stories", "lead.md"), []byte(story), 0o644); err != nil {
		t.Fatal(err)
	}
	var feed bytes.Buffer
	feed.WriteString(`<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>Elsewhere</title><link>https://example.org/</link><description>x</description>`)
	item := func(i int, title, text string) {
		fmt.Fprintf(&feed, "<item><link>https://example.org/%d</link><guid>https://example.org/%d</guid><title>", i, i)
		xml.EscapeText(&feed, []byte(title))
		feed.WriteString("</title><description>")
		xml.EscapeText(&feed, []byte(text))
		feed.WriteString("</description></item>")
	}
	for i, text := range lines[:4] {
		item(i, "", text)
	}
	item(4, lines[4], lines[5])
	feed.WriteString("</channel></rss>")
	if err := os.WriteFile(filepath.Join(dir, "feed.xml"), feed.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}

	out := previewFiles(t, dir, "[{id: desk, folder: stories, own: true}, {id: wire, feed: feed.xml}]", fmt.Sprintf(`    editor: {name: The editor, greeting: %q}
    lead: {from: [desk]}
    sections: [{title: Also today, from: [wire], max: 6, teaser: 300}]
`, "Welcome to "+welcome))
	e := readEdition(t, out)
	if e.Lead == nil || len(e.Sections) != 1 || len(e.Sections[0].Briefs) != 5 {
		t.Fatalf("the anatomy is not the seed's: %+v", e)
	}
	for _, b := range e.Sections[0].Briefs {
		checkTeaser(t, b.Teaser, 300)
		t.Logf("%q: %s", b.Title, b.Teaser)
	}
	if got := e.Sections[0].Briefs[4].Title; got != lines[4] {
		t.Errorf("last brief's headline %q, want %q", got, lines[4])
	}
	checkLetter(t, out)
	letter, err := os.ReadFile(filepath.Join(out, "edition.html"))
	if err != nil {
		t.Fatal(err)
	}
	page := html.UnescapeString(string(letter))
	if hi, lo := strings.Index(page, "Welcome to "), strings.LastIndex(page, "took the stage"); hi < 0 || lo < 0 || hi > lo {
		t.Errorf("the greeting (at %d) does not stand above the lead (at %d)", hi, lo)
	}
}
