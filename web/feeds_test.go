package web_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mmcdole/gofeed"
)

func TestFeeds(t *testing.T) {
	s := shelf(t)
	for _, c := range []struct{ file, kind, format string }{
		{"rss.xml", "application/rss+xml; charset=utf-8", "rss"},
		{"atom.xml", "application/atom+xml; charset=utf-8", "atom"},
		{"feed.json", "application/feed+json; charset=utf-8", "json"},
	} {
		t.Run(c.file, func(t *testing.T) {
			status, header, body := s.do(t, "GET", "/archive/harbour/"+c.file, "", "")
			if status != 200 || header.Get("Content-Type") != c.kind || header.Get("X-Robots-Tag") != "" {
				t.Fatalf("%d %v", status, header)
			}
			if c.format == "json" {
				if !json.Valid([]byte(body)) {
					t.Error("no JSON")
				}
			} else {
				wellFormed(t, body)
			}
			feed, err := gofeed.NewParser().ParseString(body)
			if err != nil {
				t.Fatal(err)
			}
			if feed.FeedType != c.format || feed.Title != "The Harbour Letter" || feed.Link != "https://news.example.org/archive/harbour/" ||
				feed.FeedLink != "https://news.example.org/archive/harbour/"+c.file || len(feed.Items) != 7 {
				t.Fatalf("%s %q %s %s, %d items", feed.FeedType, feed.Title, feed.Link, feed.FeedLink, len(feed.Items))
			}
			for i, item := range feed.Items {
				id := fmt.Sprintf("edition%d", 7-i)
				if item.GUID != "tag:harbour.example.org,2026:"+id || item.Link != "https://news.example.org/e/"+id || item.PublishedParsed == nil {
					t.Errorf("item %d: %s %s %s", i, item.GUID, item.Link, item.Published)
				}
				content := item.Content
				if !strings.Contains(content, `<a href="https://example.org/ferry">`) || !strings.Contains(content, "The <em>post</em> is coming.") ||
					!strings.Contains(content, "<ul>\n<li>eggs</li>\n</ul>") || !strings.Contains(content, `src="https://news.example.org/p/`+pictureOf+`"`) ||
					!strings.Contains(content, "At Low Sluice. (Quay News)") || !strings.Contains(content, `<p><a href="https://example.org/none">No headline here.</a></p>`) ||
					!strings.Contains(content, "<p>Thu 26 Nov, 19:00</p>\n<p>Sail Loft</p>") {
					t.Errorf("content: %s", content)
				}
				for _, hidden := range []string{"secret reason", "Council budget", "<script", "javascript:"} {
					if strings.Contains(content, hidden) {
						t.Errorf("content holds %q", hidden)
					}
				}
			}
			if !feed.Items[0].PublishedParsed.Equal(time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC)) {
				t.Errorf("published: %v", feed.Items[0].PublishedParsed)
			}
			if got := feed.Items[1].Title; got != `<script>alert(1)</script> & "so" on ]]>` {
				t.Errorf("a hostile title came back as %q", got)
			}
		})
	}
	// Ids stay when base_url changes.
	s.BaseURL = "https://letters.example.net/sub"
	_, _, body := s.do(t, "GET", "/archive/harbour/atom.xml", "", "")
	feed, err := gofeed.NewParser().ParseString(body)
	if err != nil {
		t.Fatal(err)
	}
	if i := feed.Items[0]; i.GUID != "tag:harbour.example.org,2026:edition7" || i.Link != "https://letters.example.net/sub/e/edition7" {
		t.Errorf("after a move: %s %s", i.GUID, i.Link)
	}
}

// What XML can't hold never breaks a feed.
func TestFeedsHoldWhatXMLCannot(t *testing.T) {
	s := newSite(t)
	s.public()
	slot := time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC)
	s.publish(t, "edition1", slot, letter("bell \a escape \x1b \ufffe end", "tab\tline\nend \x01", slot), true)
	for _, file := range []string{"rss.xml", "atom.xml", "feed.json"} {
		_, _, body := s.do(t, "GET", "/archive/harbour/"+file, "", "")
		if _, err := gofeed.NewParser().ParseString(body); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if file != "feed.json" {
			wellFormed(t, body)
		}
	}
}

func wellFormed(t *testing.T, document string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(document))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("not well formed: %v in\n%s", err, document)
		}
	}
}

func TestSitemap(t *testing.T) {
	s := shelf(t)
	_, header, body := s.do(t, "GET", "/sitemap.xml", "", "")
	var set struct {
		XMLName xml.Name `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 urlset"`
		URLs    []struct {
			Loc      string `xml:"loc"`
			Modified string `xml:"lastmod"`
		} `xml:"url"`
	}
	if err := xml.Unmarshal([]byte(body), &set); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range set.URLs {
		got = append(got, strings.TrimPrefix(u.Loc, "https://news.example.org/"))
		if _, err := time.Parse(time.RFC3339, u.Modified); err != nil {
			t.Error(err)
		}
	}
	want := "archive/harbour/ archive/harbour/2026/ e/edition7 e/edition6 e/edition5 e/edition4 e/edition3 archive/harbour/2024/ e/edition2 e/edition1"
	if strings.Join(got, " ") != want || header.Get("Content-Type") != "application/xml; charset=utf-8" {
		t.Errorf("%s: %s", header.Get("Content-Type"), strings.Join(got, " "))
	}
}

func TestPagesAreKept(t *testing.T) {
	s := shelf(t)
	newest := time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC).Format(http.TimeFormat)
	for path, keep := range map[string]string{
		"/archive/harbour/": "public, max-age=300", "/archive/harbour/2026/": "public, max-age=300", "/archive/harbour/rss.xml": "public, max-age=300",
		"/archive/harbour/atom.xml": "public, max-age=300", "/archive/harbour/feed.json": "public, max-age=300", "/sitemap.xml": "public, max-age=300",
		"/e/edition7": "public, max-age=60",
	} {
		status, header, body := s.do(t, "GET", path, "", "")
		if status != 200 || header.Get("Cache-Control") != keep || header.Get("ETag") == "" || header.Get("Last-Modified") != newest || header.Get("Content-Length") == "" {
			t.Errorf("%s: %d %v", path, status, header)
		}
		ask := func(method, name, value string) (int, string) {
			r, _ := http.NewRequest(method, s.url+path, nil)
			r.Header.Set(name, value)
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			text, _ := io.ReadAll(res.Body)
			return res.StatusCode, string(text)
		}
		for name, value := range map[string]string{"If-None-Match": header.Get("ETag"), "If-Modified-Since": newest} {
			if status, text := ask("GET", name, value); status != 304 || text != "" {
				t.Errorf("%s with %s: %d", path, name, status)
			}
		}
		if status, _ := ask("GET", "If-None-Match", `"other"`); status != 200 {
			t.Errorf("%s with another's ETag: %d", path, status)
		}
		if status, text := ask("GET", "Range", "bytes=0-9"); status != 206 || text != body[:10] {
			t.Errorf("%s, its first bytes: %d %q", path, status, text)
		}
		if status, text := ask("HEAD", "Accept", "*/*"); status != 200 || text != "" {
			t.Errorf("HEAD %s: %d", path, status)
		}
	}
	// A new letter changes the list.
	_, header, _ := s.do(t, "GET", "/archive/harbour/", "", "")
	slot := time.Date(2026, 11, 26, 6, 30, 0, 0, time.UTC)
	s.publish(t, "edition8", slot, letter("A new one", "", slot), true)
	if _, now, _ := s.do(t, "GET", "/archive/harbour/", "", ""); now.Get("ETag") == header.Get("ETag") || now.Get("Last-Modified") == header.Get("Last-Modified") {
		t.Error("the list has its old validators after a new letter")
	}
}
