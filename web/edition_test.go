package web_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"lede/audience"
	"lede/compose"
	"lede/newsroom"
	"lede/web"
)

func TestVisibility(t *testing.T) {
	for _, c := range []struct {
		visibility                 web.Visibility
		letter, archive, ownLetter int
		robots                     string
	}{
		{web.Public, 200, 200, 200, ""},
		{web.Unlisted, 200, 404, 200, "noindex, nofollow"},
		{"", 200, 404, 200, "noindex, nofollow"},
		{web.Off, 404, 404, 200, "noindex, nofollow"},
	} {
		t.Run(string(c.visibility), func(t *testing.T) {
			s := shelf(t)
			s.Newsletters[0].Visibility = c.visibility
			status, header, page := s.do(t, "GET", "/e/edition7", "", "")
			if status != c.letter || header.Get("X-Robots-Tag") != c.robots {
				t.Errorf("the letter: %d, robots %q", status, header.Get("X-Robots-Tag"))
			}
			if status == 200 && strings.Contains(page, "noindex") != (c.robots != "") {
				t.Error("the page says another thing than its header")
			}
			if status == 404 {
				contains(t, page, "This letter is not on the web", "Its readers have it in their mailboxes.")
				if strings.Contains(page, "Ferry") || strings.Contains(page, "The post is coming") {
					t.Error("the letter is shown")
				}
			}
			for _, path := range []string{"/archive/harbour/", "/archive/harbour/2026/", "/archive/harbour/rss.xml", "/archive/harbour/atom.xml", "/archive/harbour/feed.json", "/sitemap.xml"} {
				if status, _, _ := s.do(t, "GET", path, "", ""); status != c.archive {
					t.Errorf("%s: %d", path, status)
				}
			}
			_, _, robots := s.do(t, "GET", "/robots.txt", "", "")
			if listed := strings.Contains(robots, "Sitemap: https://news.example.org/sitemap.xml"); listed != (c.visibility == web.Public) || !strings.Contains(robots, "Disallow: /u/") {
				t.Errorf("robots.txt: %s", robots)
			}
			_, _, front := s.do(t, "GET", "/", "", "")
			if strings.Contains(front, "archive/harbour") != (c.visibility == web.Public) {
				t.Error("the front page and the archive disagree")
			}

			own := audience.Token{Purpose: audience.PurposeView, Newsletter: "harbour", Subscriber: 1, Salt: s.person(t, 1).Salt, Edition: "edition7"}
			status, header, page = s.do(t, "GET", "/e/"+s.Keys.Sign(own), "", "")
			if status != c.ownLetter || !strings.Contains(page, "The post is coming") || header.Get("Cache-Control") != "private, no-store" || header.Get("X-Robots-Tag") == "" {
				t.Errorf("a reader's own link: %d %v", status, header)
			}
			for name, change := range map[string]func(*audience.Token){
				"to an unsubscribe page": func(t *audience.Token) { t.Purpose = audience.PurposeUnsubscribe },
				"of a person erased":     func(t *audience.Token) { t.Subscriber = 99 },
				"of somebody else":       func(t *audience.Token) { t.Salt++ },
				"to an unsent letter":    func(t *audience.Token) { t.Edition = "unsent1" },
				"to the start of an id":  func(t *audience.Token) { t.Edition = "edit" },
			} {
				token := own
				change(&token)
				if status, _, page := s.do(t, "GET", "/e/"+s.Keys.Sign(token), "", ""); status != 404 || strings.Contains(page, "The post is coming") {
					t.Errorf("a link %s: %d", name, status)
				}
			}
		})
	}
}

func TestEditionPage(t *testing.T) {
	s := shelf(t)
	_, _, page := s.do(t, "GET", "/e/edition7", "", "")
	contains(t, page, `<link rel="canonical" href="https://news.example.org/e/edition7">`,
		`<meta name="description" content="Fish market roof to a second vote; eel traps cut; a lamp for swimmers">`,
		`<meta property="og:type" content="article">`, `<meta property="og:title" content="Ferry to Skerrow sails again after eleven days">`,
		`<meta property="og:url" content="https://news.example.org/e/edition7">`, `<meta property="og:site_name" content="The Harbour Letter">`,
		`<meta property="og:image" content="https://news.example.org/p/0123456789abcdef0123456789abcdef.png">`, `<meta property="og:image:alt" content="The pier">`,
		`<meta property="article:published_time" content="2026-11-24T06:30:00Z">`,
		`title="The Harbour Letter (RSS)" href="https://news.example.org/archive/harbour/rss.xml"`,
		`<html lang="en" dir="ltr">`, `href="../archive/harbour/"`)
	for _, personal := range []string{"/u/", "unsubscribe", "odile", "secret reason", "Council budget"} {
		if strings.Contains(page, personal) {
			t.Errorf("the page holds %q", personal)
		}
	}

	// A hostile subject stays text, wherever it stands.
	_, _, page = s.do(t, "GET", "/e/edition6", "", "")
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Data == "script" || n.Type == html.ElementNode && slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return strings.HasPrefix(a.Key, "on") }) {
			t.Errorf("the page holds <%s> %v", n.Data, n.Attr)
		}
		if n.Data == "meta" && attr(n, "property") == "og:title" && attr(n, "content") != `<script>alert(1)</script> & "so" on ]]>` {
			t.Errorf("title: %s", attr(n, "content"))
		}
	}

	// A newsletter that is not published any more keeps its pages.
	s.Newsletters = s.Newsletters[1:]
	if status, header, page := s.do(t, "GET", "/e/edition7", "", ""); status != 200 || header.Get("X-Robots-Tag") == "" || strings.Contains(page, "this newsletter") {
		t.Errorf("%d %v", status, header)
	}
}

// A correction stands above the letter that was wrong, which stays as it was.
func TestEditionPageWithCorrections(t *testing.T) {
	s := shelf(t)
	_, before, plain := s.do(t, "GET", "/e/edition6", "", "")
	s.Corrections = func(_ context.Context, edition string) ([]newsroom.Correction, error) {
		if edition != "edition6" {
			return nil, nil
		}
		return []newsroom.Correction{
			{Edition: "edition7", Slot: time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC), Brief: compose.Brief{
				Title: "Fourteen, not forty", Body: []compose.Block{{Kind: "paragraph", HTML: "It was <em>14</em> boats.", Text: "It was 14 boats."}},
			}},
			{Edition: "edition8", Slot: time.Date(2026, 11, 25, 6, 30, 0, 0, time.UTC), Brief: compose.Brief{Title: "<b>", Teaser: "a < b"}},
		}, nil
	}
	_, after, page := s.do(t, "GET", "/e/edition6", "", "")
	contains(t, page, `<body><aside aria-label="Correction"`, `<a href="../e/edition7">Tuesday 24 November 2026</a>: Fourteen, not forty</strong></p> <p>It was <em>14</em> boats.</p>`,
		"&lt;b&gt;</strong>", "<p>a &lt; b</p>")
	if before.Get("ETag") == after.Get("ETag") || after.Get("Last-Modified") != "Wed, 25 Nov 2026 06:30:00 GMT" {
		t.Errorf("validators: %v", after)
	}
	start, _, _ := strings.Cut(page, "<aside")
	_, end, _ := strings.Cut(page, "</aside>\n")
	if start+end != plain {
		t.Error("the letter changed")
	}
	s.Corrections = func(context.Context, string) ([]newsroom.Correction, error) { return nil, errors.New("disk is gone") }
	if status, _, page := s.do(t, "GET", "/e/edition6", "", ""); status != 500 || strings.Contains(page, "disk") {
		t.Errorf("a store that is down: %d", status)
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// editions is the store's with one edition in any state.
type editions struct {
	record newsroom.Record
	sums   newsroom.Sums
}

func (e *editions) Edition(_ context.Context, id string) (newsroom.Record, error) {
	if len(id) < 4 || !strings.HasPrefix(e.record.ID, id) {
		return newsroom.Record{}, newsroom.ErrNotFound
	}
	return e.record, nil
}

func (e *editions) Sums(context.Context, string) (newsroom.Sums, error) { return e.sums, nil }

func TestEdition(t *testing.T) {
	s := newSite(t)
	letter := &compose.Letter{Web: "<!doctype html><title>x</title><p>Eel traps</p>"}
	for _, c := range []struct {
		name   string
		state  newsroom.State
		sums   newsroom.Sums
		letter *compose.Letter
		id     string
		status int
	}{
		{"done", newsroom.Done, newsroom.Sums{}, letter, "0123456789abcdef", 200},
		{"sending", newsroom.Sending, newsroom.Sums{}, letter, "0123456789abcdef", 200},
		{"paused", newsroom.Paused, newsroom.Sums{}, letter, "0123456789abcdef", 200},
		{"only the start of its id", newsroom.Done, newsroom.Sums{}, letter, "01234567", 404},
		{"assembling", newsroom.Assembling, newsroom.Sums{}, nil, "0123456789abcdef", 404},
		{"waiting for approval", newsroom.Waiting, newsroom.Sums{}, letter, "0123456789abcdef", 404},
		{"skipped", newsroom.Skipped, newsroom.Sums{}, letter, "0123456789abcdef", 404},
		{"cancelled before the first mail", newsroom.Cancelled, newsroom.Sums{Skipped: 9}, letter, "0123456789abcdef", 404},
		{"cancelled after the first mail", newsroom.Cancelled, newsroom.Sums{Sent: 1, Skipped: 8}, letter, "0123456789abcdef", 200},
		{"unknown", newsroom.Done, newsroom.Sums{}, letter, "fedcba9876543210", 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.Editions = &editions{newsroom.Record{ID: "0123456789abcdef", State: c.state, Letter: c.letter}, c.sums}
			status, header, page := s.do(t, "GET", "/e/"+c.id, "", "")
			if status != c.status {
				t.Fatalf("status %d, want %d", status, c.status)
			}
			if status != 200 {
				if strings.Contains(page, "Eel traps") {
					t.Error("the letter is shown")
				}
				return
			}
			csp := header.Get("Content-Security-Policy")
			if page != letter.Web || !strings.Contains(csp, "sandbox allow-popups") || strings.Contains(csp, "allow-scripts") ||
				!strings.Contains(csp, "img-src 'self' data: https://news.example.org;") {
				t.Errorf("policy %s, page %s", csp, page)
			}
		})
	}
}
