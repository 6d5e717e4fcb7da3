package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mmcdole/gofeed"
	"golang.org/x/net/html"

	"lede/audience"
	"lede/compose"
	"lede/internal/browsertest"
	"lede/newsroom"
	"lede/send"
	"lede/source"
	"lede/web"
)

const webPage = `<!doctype html><html lang="en" dir="ltr"><head><meta charset="utf-8"><title>%s</title></head>` +
	`<body><p>The post is coming.</p><img alt="" src="https://news.example.org/p/0123456789abcdef0123456789abcdef.png"></body></html>`

const pictureOf = "0123456789abcdef0123456789abcdef.png"

// public makes the site's first newsletter public.
func (s *site) public() {
	s.Newsletters = slices.Clone(newsletters)
	s.Newsletters[0].Visibility = web.Public
	s.Newsletters[0].ListID = "harbour.example.org"
	s.Newsletters[0].Language = "en"
}

// letter is an edition with a web page.
func letter(subject, preheader string, slot time.Time) newsroom.Content {
	e := compose.Edition{
		Newsletter: "harbour", Slot: slot, Subject: subject, Preheader: preheader,
		Lead: &compose.Lead{
			Title: subject, URL: "https://example.org/ferry", Image: &compose.Figure{Picture: compose.Picture{Name: pictureOf, Width: 536, Height: 240}, Alt: "The pier"},
			Body: []compose.Block{{Kind: "paragraph", HTML: "The <em>post</em> is coming.", Text: "The post is coming."}, {Kind: "bullet", HTML: "eggs", Text: "eggs"}},
		},
		Sections: []compose.Section{{Title: "In brief", Kind: "briefs", Briefs: []compose.Brief{{
			Title: "Eel traps cut", Teaser: "At Low Sluice.", URL: "https://example.org/eels", Publication: "Quay News", Why: "secret reason",
		}, {Teaser: "No headline here.", URL: "https://example.org/none"}, {Title: "Not a link", URL: "javascript:alert(1)"}}}, {
			Title: "On the quay", Kind: "events",
			Briefs: []compose.Brief{{Title: "Net mending", Starts: time.Date(2026, 11, 26, 19, 0, 0, 0, time.UTC), Place: "Sail Loft"}},
		}},
		LeftOut: []compose.LeftOut{{Title: "Council budget", Why: "older"}},
	}
	return newsroom.Content{
		Edition: e, Lists: []string{"harbour"},
		Letter: compose.Letter{Subject: subject, Preheader: preheader, HTML: "<p>x</p>", Web: fmt.Sprintf(webPage, html.EscapeString(subject))},
	}
}

// publish sends an edition to the first of its readers; sent false leaves it
// before its first mail.
func (s *site) publish(t *testing.T, id string, slot time.Time, c newsroom.Content, sent bool) {
	t.Helper()
	ctx := context.Background()
	if _, _, err := s.store.Open(ctx, newsroom.Record{ID: id, Newsletter: "harbour", Slot: slot, Started: slot, StaleAt: slot.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	to := newsroom.Sending
	if !sent {
		to = newsroom.Waiting
	}
	if _, err := s.store.Commit(ctx, id, c, to, slot); err != nil {
		t.Fatal(err)
	}
	if !sent {
		return
	}
	claimed, err := s.store.Ledger().Commit(ctx, nil, send.Claim{Edition: id, Max: 1, Now: slot})
	if err != nil || len(claimed.Deliveries) != 1 {
		t.Fatalf("claimed %d: %v", len(claimed.Deliveries), err)
	}
	d := claimed.Deliveries[0]
	out := send.Outcome{Edition: id, Pos: d.Pos, State: send.Sent, Relay: "main", Code: 250, Reply: "2.0.0 ok", At: slot}
	if _, err := s.store.Ledger().Commit(ctx, []send.Outcome{out}, send.Claim{Edition: id, Now: slot}); err != nil {
		t.Fatal(err)
	}
}

// shelf is an archive of seven letters in three years, and one that nobody got.
func shelf(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.public()
	if err := s.store.SavePicture(context.Background(), source.Picture{Name: pictureOf, Type: "image/png", Width: 1, Height: 1, Data: []byte("pixels")}); err != nil {
		t.Fatal(err)
	}
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 6, 30, 0, 0, time.UTC) }
	for i, l := range []struct {
		slot               time.Time
		subject, preheader string
	}{
		{day(2024, 3, 4), "A harbour master for eleven months, and counting", "Clocks; the last swim of the year; apples for the asking"},
		{day(2024, 12, 31), "The year on the quay", ""},
		{day(2026, 10, 30), "Nine to nine: the fish market roof", "What the storm took; a ship in quarantine; school play moved"},
		{day(2026, 11, 19), "Bus 9 no longer stops at the hospital", "A petition at the kiosk; mussels are safe again"},
		{day(2026, 11, 20), "Lifeboat station opens its doors", "Six volunteers in a year; net store to let; rain until Sunday"},
		{day(2026, 11, 23), `<script>alert(1)</script> & "so" on ]]>`, "</title><img src=x onerror=alert(1)> a < b"},
		{day(2026, 11, 24), "Ferry to Skerrow sails again after eleven days", "Fish market roof to a second vote; eel traps cut; a lamp for swimmers"},
	} {
		s.publish(t, fmt.Sprintf("edition%d", i+1), l.slot, letter(l.subject, l.preheader, l.slot), true)
	}
	s.publish(t, "unsent1", day(2026, 11, 25), letter("Nobody has seen this", "", day(2026, 11, 25)), false)
	return s
}

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

func TestArchiveSearch(t *testing.T) {
	s := shelf(t)
	for query, want := range map[string]string{
		"FERRY":                  "1 letter found",
		"eel":                    "7 letters found", // in a brief of each
		"storm roof":             "1 letter found",
		"the post is coming":     "7 letters found",
		"council":                "No letter has this word.", // left out of the letter
		"secret":                 "No letter has this word.",
		"nobody":                 "No letter has this word.", // not sent
		"<script>":               "1 letter found",
		"ferry  lifeboat":        "No letter has these words.",
		strings.Repeat("é", 300): "No letter has this word.",
	} {
		_, header, page := s.do(t, "GET", "/archive/harbour/?q="+url.QueryEscape(query), "", "")
		contains(t, page, want, `<a href="../../archive/harbour/">The newest letters</a>`)
		if header.Get("X-Robots-Tag") == "" || strings.Contains(page, "<script") {
			t.Errorf("%s: may be listed by search engines, or holds the query as HTML", query)
		}
	}
}

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

// shelfFolder keeps what Files puts.
type shelfFolder map[string][]byte

func (f shelfFolder) Has(name string) bool { _, ok := f[name]; return ok }

func (f shelfFolder) Put(name string, data []byte) error {
	f[name] = bytes.Clone(data)
	return nil
}

func TestFiles(t *testing.T) {
	s := shelf(t)
	out := shelfFolder{}
	letters, err := s.Files(context.Background(), []string{"harbour", "tide", "nobody"}, out)
	if err != nil || letters != 7 {
		t.Fatalf("%d letters: %v", letters, err)
	}
	want := []string{
		"archive/harbour/2024/index.html", "archive/harbour/2026/index.html", "archive/harbour/atom.xml", "archive/harbour/feed.json",
		"archive/harbour/index.html", "archive/harbour/rss.xml", "index.html", "p/" + pictureOf, "reader.css", "robots.txt", "sitemap.xml",
	}
	for i := range 7 {
		want = append(want, fmt.Sprintf("e/edition%d/index.html", i+1))
	}
	slices.Sort(want)
	var got []string
	for name := range out {
		got = append(got, name)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("files: %v", got)
	}
	// Every relative address leads to a file.
	for name, data := range out {
		if !strings.HasSuffix(name, ".html") {
			continue
		}
		doc, err := html.Parse(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		for n := range doc.Descendants() {
			for _, key := range []string{"href", "src"} {
				to := attr(n, key)
				if to == "" || strings.Contains(to, ":") {
					continue
				}
				if _, there := out[path.Join(path.Dir(name), to)]; !there {
					t.Errorf("%s: %s leads nowhere", name, to)
				}
			}
		}
	}
	if page := string(out["e/edition7/index.html"]); strings.Contains(page, `src="https://news.example.org/p/`) || !strings.Contains(page, `src="../../p/`+pictureOf) {
		t.Error("the letter's picture does not come from the files")
	}
	if strings.Contains(string(out["archive/harbour/index.html"]), "Find a word") {
		t.Error("files can't search")
	}

	s.Newsletters[0].Visibility = web.Unlisted
	out = shelfFolder{}
	if letters, err := s.Files(context.Background(), []string{"harbour"}, out); err != nil || letters != 7 {
		t.Fatalf("unlisted: %d letters, %v", letters, err)
	}
	if out.Has("archive/harbour/index.html") || out.Has("sitemap.xml") || !strings.Contains(string(out["e/edition7/index.html"]), "noindex") {
		t.Error("an unlisted newsletter is listed")
	}
	s.Newsletters[0].Visibility = web.Off
	out = shelfFolder{}
	if letters, err := s.Files(context.Background(), []string{"harbour"}, out); err != nil || letters != 0 || out.Has("e/edition7/index.html") {
		t.Errorf("off: %d letters, %v", letters, err)
	}
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
		browsertest.Eval[bool](b, "(() => {"+string(script)+"\nreturn true})()")
		browsertest.Eval[bool](b, `(axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}).then(r => { window.found = r.violations.map(v => v.id + ": " + v.nodes.map(n => n.html).join(" ")) }), true)`)
		b.Wait(`Array.isArray(window.found)`)
		if found := browsertest.Eval[[]string](b, `window.found`); len(found) > 0 {
			t.Errorf("axe: %s", strings.Join(found, "\n"))
		}
	})
}
