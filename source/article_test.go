package source

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lede/internal/fetch"
)

const pageText = "The Averne Maid left the north quay at 05:40 with sixty-one people, four vans and the post for eleven days."

// page is a web page around an article.
func page(article string) string {
	return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Ferry sails | Courier</title>
<meta property="og:image" content="/ferry.jpg"><script>alert(1)</script></head>
<body><nav><ul><li><a href="/">Home</a><li><a href="/town">Town</a></ul></nav>
<article><h1>Ferry sails</h1>` + article + `</article>
<aside><p>Subscribe to our letter for more news of the harbour, every day at seven.</p></aside>
<footer><p>© Courier</p></footer></body></html>`
}

// The stubs of an own feed are told whole from their pages, and where a page
// can't be had the stub stays with the reason.
func TestFullStories(t *testing.T) {
	whole := strings.Repeat("<p>"+pageText+"</p>", 5)
	for name, c := range map[string]struct {
		answer   func(w http.ResponseWriter)
		item     string // the story's description and content
		own      bool
		body     string // what the body holds; empty for no body
		stub     string // what Stub says
		summary  string
		requests int
	}{
		"whole": {own: true, body: pageText, requests: 1, answer: func(w http.ResponseWriter) { fmt.Fprint(w, page(whole)) }},
		"a link of the page": {
			own: true, body: `<a href="URL/tides">tides</a>`, requests: 1,
			answer: func(w http.ResponseWriter) { fmt.Fprint(w, page(whole+`<p>See the <a href="/tides">tides</a>.</p>`)) },
		},
		"hostile": {
			own: true, body: pageText, requests: 1, answer: func(w http.ResponseWriter) {
				fmt.Fprint(w, page(whole+`<p onclick="alert(1)">`+pageText+`<a href="javascript:alert(1)">x</a><img src=x onerror=alert(1)><svg onload=alert(1)><iframe src="//evil.example"></iframe></p>`))
			},
		},
		"furniture": {own: true, body: pageText, requests: 1, answer: func(w http.ResponseWriter) { fmt.Fprint(w, page(whole+"<p>Share this</p><p>Read more</p>")) }},
		"windows-1252": {
			own: true, body: "caf\u00e9", requests: 1,
			answer: func(w http.ResponseWriter) {
				w.Header().Set("Content-Type", "text/html")
				fmt.Fprint(w, strings.Replace(page(whole+"<p>The caf\xe9 was open.</p>"), "utf-8", "windows-1252", 1))
			},
		},
		"missing":     {own: true, stub: "404", summary: "The boat is back.", requests: 1, answer: func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) }},
		"no article":  {own: true, stub: "no text that stands out", summary: "The boat is back.", requests: 1, answer: func(w http.ResponseWriter) { fmt.Fprint(w, page("")) }},
		"no page":     {own: true, stub: "is no page but application/pdf", summary: "The boat is back.", requests: 1, answer: func(w http.ResponseWriter) { w.Header().Set("Content-Type", "application/pdf") }},
		"too large":   {own: true, stub: "too large", summary: "The boat is back.", requests: 1, answer: func(w http.ResponseWriter) { fmt.Fprint(w, strings.Repeat(" ", maxArticleBytes+1)) }},
		"too deep":    {own: true, stub: "nested deeper", summary: "The boat is back.", requests: 1, answer: func(w http.ResponseWriter) { fmt.Fprint(w, strings.Repeat("<div>", 400)+pageText) }},
		"too many":    {own: true, stub: "more than 20000 elements", summary: "The boat is back.", requests: 1, answer: func(w http.ResponseWriter) { fmt.Fprint(w, strings.Repeat("<p>x", 30_000)) }},
		"tells less":  {own: true, item: "<description>" + strings.Repeat("Many words of the feed itself. ", 90) + "…</description>", stub: "no more than the feed", requests: 1, answer: func(w http.ResponseWriter) { fmt.Fprint(w, page(whole)) }},
		"not ours":    {summary: "The boat is back.", answer: func(w http.ResponseWriter) { fmt.Fprint(w, page(whole)) }},
		"no stub":     {own: true, body: "Whole already.", item: "<content:encoded>&lt;p&gt;Whole already.&lt;/p&gt;&lt;p&gt;" + strings.Repeat("More words. ", 60) + "&lt;/p&gt;</content:encoded>", answer: func(w http.ResponseWriter) { fmt.Fprint(w, page(whole)) }},
		"paid for":    {own: true, item: "<description>Rope.</description><category>Advertorial</category>", summary: "Rope.", answer: func(w http.ResponseWriter) { fmt.Fprint(w, page(whole)) }},
		"a good stub": {own: true, body: pageText, item: "<description>What the crew say of it.</description>", summary: "What the crew say of it.", requests: 1, answer: func(w http.ResponseWriter) { fmt.Fprint(w, page(whole)) }},
	} {
		t.Run(name, func(t *testing.T) {
			requests := 0
			var at string
			if c.item == "" {
				c.item = "<description>The boat is back. […]</description>"
			}
			at, g := quay(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/feed" {
					fmt.Fprint(w, rssOf("<item><title>Ferry sails</title><link>"+at+"/ferry</link>"+c.item+"</item>"))
					return
				}
				requests++
				c.answer(w)
			})
			spec := Spec{ID: "site", Feed: at + "/feed", Private: true, Own: c.own, Full: true}
			var s Story
			for range 2 { // the second reading asks for no page again
				r := g.Gather(t.Context(), []Spec{spec}, time.UTC)[0]
				if r.Err != nil || len(r.Stories) != 1 {
					t.Fatalf("%v, %d stories", r.Err, len(r.Stories))
				}
				s = r.Stories[0]
				if c.stub != "" {
					break
				}
			}
			if requests != c.requests {
				t.Errorf("%d requests, want %d", requests, c.requests)
			}
			if (s.Stub == "") != (c.stub == "") || !strings.Contains(s.Stub, c.stub) || strings.Contains(s.Stub, "\n") {
				t.Errorf("stub: %q, want %q", s.Stub, c.stub)
			}
			if c.body == "" && s.Body != "" && c.item == "" || !strings.Contains(s.Body, strings.Replace(c.body, "URL", at, 1)) {
				t.Errorf("body: %q, want %q", s.Body, c.body)
			}
			if c.summary != "" && s.Summary != c.summary {
				t.Errorf("summary: %q, want %q", s.Summary, c.summary)
			}
			for _, bad := range []string{"Subscribe", "Home", "alert", "evil", "onclick", "Share", "Read more", "<h1>", "©"} {
				if strings.Contains(s.Body, bad) {
					t.Errorf("%s in the body: %s", bad, s.Body)
				}
			}
			if c.body == pageText && (s.Image == nil || s.Image.URL != at+"/ferry.jpg" || s.Cut) {
				t.Errorf("picture %+v, cut %v", s.Image, s.Cut)
			}
		})
	}
}

// A page on a private address is not read for a feed that may not be there.
func TestArticleGuard(t *testing.T) {
	at, g := quay(t, func(w http.ResponseWriter, _ *http.Request) { t.Error("asked"); fmt.Fprint(w, page(pageText)) })
	stories := []Story{{URL: at + "/x", Summary: "Stub."}}
	g.readArticles(t.Context(), Spec{Own: true, Full: true}, stories)
	if !strings.Contains(stories[0].Stub, fetch.ErrRefused.Error()) || stories[0].Body != "" {
		t.Errorf("%+v", stories[0])
	}
}

// Only so many pages are asked for, and what stands on the shelf is asked for
// again after an hour.
func TestArticleLimits(t *testing.T) {
	requests := make(chan string, 200)
	at, g := quay(t, func(w http.ResponseWriter, r *http.Request) {
		requests <- r.URL.Path
		fmt.Fprint(w, page(strings.Repeat("<p>"+pageText+"</p>", 4)))
	})
	now := time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC)
	g.Now = func() time.Time { return now }
	stubs := func() []Story {
		var stories []Story
		for i := range maxArticles + 5 {
			stories = append(stories, Story{URL: fmt.Sprintf("%s/%d", at, i), Summary: "Stub."})
		}
		return stories
	}
	stories := stubs()
	g.readArticles(t.Context(), Spec{Private: true}, stories)
	if len(requests) != maxArticles || !strings.Contains(stories[maxArticles].Stub, "only the first 30") || stories[0].Stub != "" {
		t.Errorf("%d requests, %q, %q", len(requests), stories[maxArticles].Stub, stories[0].Stub)
	}
	g.readArticles(t.Context(), Spec{Private: true}, stubs())
	if len(requests) != maxArticles {
		t.Errorf("%d requests after a second reading", len(requests))
	}
	now = now.Add(2 * time.Hour)
	g.readArticles(t.Context(), Spec{Private: true}, stubs()[:1])
	if len(requests) != maxArticles+1 {
		t.Errorf("%d requests after two hours", len(requests))
	}
}

// A page that is made to cost time ends, and gives no more than may come in. What
// it cost is said, not judged: a run that is quadratic does not end in time.
func TestHostileArticles(t *testing.T) {
	for name, hostile := range map[string]string{
		"flat":       strings.Repeat("<div>a, b, c", 19_000),
		"nested":     strings.Repeat(strings.Repeat("<div>", 150)+"a, b"+strings.Repeat("</div>", 150), 120),
		"links":      strings.Repeat(`<p><a href="/x">x</a>`, 9_000),
		"breaks":     strings.Repeat("<br>", 19_000),
		"one word":   strings.Repeat("x", maxArticleBytes),
		"attributes": "<div " + strings.Repeat("a=b ", 100_000) + ">",
		"tables":     strings.Repeat("<table><tr><td>", 60) + strings.Repeat("<p>a, b", 15_000),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			text, _ := extract([]byte(hostile), "text/html", "https://quay.example/x", "")
			if len(text.body) > 2*maxArticleBytes {
				t.Errorf("%d bytes", len(text.body))
			}
			t.Log(time.Since(start))
		})
	}
}

// The shelf forgets after an hour.
func TestArticleShelf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s articleShelf
		s.put("a", article{body: "x", read: time.Now()})
		if _, found := s.get("a", time.Now().Add(59*time.Minute)); !found {
			t.Error("forgotten")
		}
		if _, found := s.get("a", time.Now().Add(time.Hour)); found {
			t.Error("kept")
		}
	})
}
