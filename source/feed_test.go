package source

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"lede/internal/fetch"
)

// quay serves one body under every path and counts requests.
func quay(t *testing.T, h http.HandlerFunc) (url string, g *Gatherer) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL, &Gatherer{HTTP: fetch.New(fetch.Options{})}
}

func one(t *testing.T, g *Gatherer, feed string) Reading {
	t.Helper()
	return g.Gather(t.Context(), []Spec{{ID: "quay", Feed: feed, Private: true}}, time.UTC)[0]
}

func rssOf(items string) string {
	return `<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/" xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0"><channel><title>The Quay RSS Feed</title><link>https://quay.example/</link><language>en_us</language>` + items + `</channel></rss>`
}

// readString reads a feed that is text.
func readString(t *testing.T, feed string) Reading {
	t.Helper()
	f, err := parseFeed(rawFeed{body: []byte(feed), at: "https://quay.example/feed.xml"})
	if err != nil {
		t.Fatal(err)
	}
	return readItems(f, "https://quay.example/feed.xml", false)
}

func TestItems(t *testing.T) {
	long := strings.Repeat("The ferry was late again this morning. ", 20)
	for name, c := range map[string]struct {
		item  string
		check func(s Story) bool
	}{
		"guid is the key": {`<guid>a1</guid><title>T</title><link>/x?utm_source=rss</link>`, func(s Story) bool {
			return s.Key == "a1" && s.URL == "https://quay.example/x?utm_source=rss" && s.Canonical == "https://quay.example/x"
		}},
		"link is the key":          {`<title>T</title><link>https://www.quay.example/x/?fbclid=1</link>`, func(s Story) bool { return s.Key == "https://quay.example/x" }},
		"hash is the key":          {`<title>T</title><description>d</description>`, func(s Story) bool { return strings.HasPrefix(s.Key, "sha256:") && s.URL == "" && s.Published.IsZero() }},
		"permalink is the link":    {`<title>T</title><guid>https://quay.example/p</guid>`, func(s Story) bool { return s.URL == "https://quay.example/p" }},
		"guid that is no link":     {`<title>T</title><guid isPermaLink="false">https://quay.example/p</guid>`, func(s Story) bool { return s.URL == "" && s.Key == "https://quay.example/p" }},
		"publisher's own address":  {`<title>T</title><link>https://feeds.example/~r/1</link><feedburner:origLink>https://quay.example/own</feedburner:origLink>`, func(s Story) bool { return s.URL == "https://quay.example/own" }},
		"no title":                 {`<description>Only words.</description>`, func(s Story) bool { return s.Title == "" && s.Summary == "Only words." }},
		"stand-in title":           {`<title>(untitled)</title><description>Words.</description>`, func(s Story) bool { return s.Title == "" }},
		"title with markup":        {`<title>&lt;b&gt;Fish&lt;/b&gt; &amp;amp; chips &amp;#8217; &lt;script&gt;x&lt;/script&gt;</title>`, func(s Story) bool { return s.Title == "Fish & chips ’" }},
		"title that looks like it": {`<title><![CDATA[Vec<T> and 5 < 6 in AT&T]]></title>`, func(s Story) bool { return s.Title == "Vec<T> and 5 < 6 in AT&T" }},
		"title escaped twice":      {`<title>Q&amp;amp;A &amp;lt;i&amp;gt;x&amp;lt;/i&amp;gt;</title>`, func(s Story) bool { return s.Title == "Q&A x" }},
		"title with tricks":        {"<title>Tide\u202e elbat\u200b\n\tnow\u00a0 here \U000e0041</title>", func(s Story) bool { return s.Title == "Tide elbat now here" }},
		"title too long":           {`<title>` + long + `</title>`, func(s Story) bool { return len([]rune(s.Title)) <= 300 && strings.HasSuffix(s.Title, "…") }},
		"future":                   {`<title>T</title><pubDate>Thu, 01 Jan 2099 00:00:00 +0100</pubDate>`, func(s Story) bool { return s.Published.Equal(time.Date(2098, 12, 31, 23, 0, 0, 0, time.UTC)) }},
		"bad date":                 {`<title>T</title><pubDate>the other day</pubDate>`, func(s Story) bool { return s.Published.IsZero() }},
		"body and summary":         {`<title>T</title><description>A summary.</description><content:encoded>&lt;p&gt;The text.&lt;/p&gt;</content:encoded>`, func(s Story) bool { return s.Body == "<p>The text.</p>" && s.Summary == "A summary." && !s.Cut }},
		"summary is the beginning": {`<title>T</title><description>The text […]</description><content:encoded>&lt;p&gt;The text is long.&lt;/p&gt;</content:encoded>`, func(s Story) bool { return s.Body == "<p>The text is long.</p>" && s.Summary == "" && !s.Cut }},
		"long description is body": {`<title>T</title><description>` + long + `</description>`, func(s Story) bool { return s.Summary == "" && len(s.Body) > 700 }},
		"long and cut is summary":  {`<title>T</title><description>` + long + ` Then it …</description>`, func(s Story) bool { return s.Body == "" && s.Cut && strings.HasSuffix(s.Summary, "Then it") }},
		"the same twice, long":     {`<title>T</title><description>` + long + `</description><content:encoded>` + long + `</content:encoded>`, func(s Story) bool { return s.Summary == "" && s.Body != "" }},
		"the same twice, short":    {`<title>T</title><description>Short.</description><content:encoded>Short.</content:encoded>`, func(s Story) bool { return s.Summary == "Short." && s.Body == "" }},
		"summary is the title":     {`<title>T</title><description>T</description>`, func(s Story) bool { return s.Summary == "" }},
		"markup alone": {`<title>T</title><description>&lt;img src="/a.jpg" alt="A pier"&gt;</description>`, func(s Story) bool {
			return s.Summary == "" && s.Image.URL == "https://quay.example/a.jpg" && s.Image.Alt == "A pier"
		}},
		"description escaped twice":   {`<title>T</title><description>&amp;lt;p&amp;gt;Hi &amp;amp;amp; bye&amp;lt;/p&amp;gt;</description>`, func(s Story) bool { return s.Summary == "Hi & bye" }},
		"paragraphs of plain text":    {"<title>T</title><description>One.\n\nTwo.</description>", func(s Story) bool { return s.Summary == "One.\n\nTwo." }},
		"tag cut in two":              {`<title>A &lt; B</title><description>Fish &lt;a href="https://quay.example/a</description>`, func(s Story) bool { return s.Summary == "Fish" && s.Title == "A < B" }},
		"pixel is no picture":         {`<title>T</title><description>&lt;img src="https://feeds.feedburner.com/~r/q/~4/x" height="1" width="1"&gt;Text&lt;img src="https://quay.example/b.png"&gt;</description>`, func(s Story) bool { return s.Image.URL == "https://quay.example/b.png" }},
		"widest picture":              {`<title>T</title><media:content url="https://quay.example/s.jpg" medium="image" width="140"/><media:content url="https://quay.example/l.jpg" type="image/jpeg" width="460"><media:credit>T. Reis</media:credit></media:content>`, func(s Story) bool { return s.Image.URL == "https://quay.example/l.jpg" && s.Image.Credit == "T. Reis" }},
		"smallest wide picture":       {`<title>T</title><media:content url="https://quay.example/h.jpg" medium="image" width="4000"/><media:content url="https://quay.example/m.jpg" medium="image" width="1300"/>`, func(s Story) bool { return s.Image.URL == "https://quay.example/m.jpg" }},
		"video is no picture":         {`<title>T</title><media:content url="https://quay.example/v.mp4" medium="video"><media:thumbnail url="https://quay.example/t.jpg"/></media:content><enclosure url="https://quay.example/e.png" type="image/png" length="1"/>`, func(s Story) bool { return s.Image.URL == "https://quay.example/e.png" }},
		"caption of the figure":       {`<title>T</title><content:encoded>&lt;figure&gt;&lt;img src="/f.jpg"&gt;&lt;figcaption&gt;The pier&lt;/figcaption&gt;&lt;/figure&gt;&lt;p&gt;Text.&lt;/p&gt;</content:encoded>`, func(s Story) bool { return s.Image.Caption == "The pier" && s.Body == "<p>Text.</p>" }},
		"relative links":              {`<title>T</title><link>https://quay.example/a/b.html</link><content:encoded>&lt;a href="c.html"&gt;c&lt;/a&gt;</content:encoded>`, func(s Story) bool { return strings.Contains(s.Body, `href="https://quay.example/a/c.html"`) }},
		"authors":                     {`<title>T</title><dc:creator>By Ines Okafor</dc:creator><dc:creator>Tomas Reis</dc:creator>`, func(s Story) bool { return s.Author == "Ines Okafor, Tomas Reis" }},
		"address is no author":        {`<title>T</title><author>desk@quay.example</author>`, func(s Story) bool { return s.Author == "" }},
		"opinion":                     {`<title>Opinion: Bring back the ferry</title>`, func(s Story) bool { return s.Label == "opinion" && s.Title == "Bring back the ferry" }},
		"analysis":                    {`<title>Analysis | Why the crane stopped</title>`, func(s Story) bool { return s.Label == "analysis" && s.Title == "Why the crane stopped" }},
		"live":                        {`<title>Storm on the coast – as it happened</title>`, func(s Story) bool { return s.Label == "live" && s.Title == "Storm on the coast – as it happened" }},
		"no label":                    {`<title>Harbour: live music returns</title><category>Live</category><category>Advertising</category>`, func(s Story) bool { return s.Label == "" && s.Title == "Harbour: live music returns" }},
		"advertisement by category":   {`<title>Buy rope</title><category>Sponsored Content</category>`, func(s Story) bool { return s.Label == "sponsored" && s.Kind == "" }},
		"advertisement by title":      {`<title>[Anzeige] Tauwerk</title>`, func(s Story) bool { return s.Label == "sponsored" && s.Title == "Tauwerk" }},
		"advertisement before all":    {`<title>Opinion: Buy rope</title><category>advertorial</category>`, func(s Story) bool { return s.Label == "sponsored" }},
		"advertisement by its link":   {`<title>Rope</title><description>&lt;a rel="noopener sponsored" href="https://rope.example/"&gt;Buy&lt;/a&gt; rope.</description>`, func(s Story) bool { return s.Label == "sponsored" }},
		"tags and language":           {`<title>T</title><category>Harbour</category><category>Harbour</category><category>&lt;b&gt;Work&lt;/b&gt;</category>`, func(s Story) bool { return strings.Join(s.Tags, "|") == "Harbour|Work" && s.Lang == "en-US" }},
		"publication of an aggregate": {`<title>T</title><source url="https://pier.example/feed">The Pier</source>`, func(s Story) bool { return s.Publication == "The Pier" }},
		"publication":                 {`<title>T</title>`, func(s Story) bool { return s.Publication == "The Quay" }},
	} {
		t.Run(name, func(t *testing.T) {
			r := readString(t, rssOf("<item>"+c.item+"</item>"))
			if len(r.Stories) != 1 {
				t.Fatalf("got %+v", r)
			}
			if !c.check(r.Stories[0]) {
				t.Errorf("got %+v, image %+v", r.Stories[0], r.Stories[0].Image)
			}
		})
	}
}

func TestItemsTogether(t *testing.T) {
	r := readString(t, rssOf(`<item><guid>https://quay.example/</guid><link>/a</link><title>A</title></item>
		<item><guid>https://quay.example/</guid><link>/b</link><title>B</title></item>
		<item><guid>c</guid><title>C</title></item><item><guid>c</guid><title>C</title></item><item></item>`))
	var keys []string
	for _, s := range r.Stories {
		keys = append(keys, s.Key)
	}
	if got := strings.Join(keys, " "); got != "https://quay.example/a https://quay.example/b c" {
		t.Errorf("keys: %s", got)
	}
	if len(r.Passed) != 2 || r.Passed[0].Why != "stands in the feed twice" {
		t.Errorf("passed over: %+v", r.Passed)
	}
}

func TestOtherFormats(t *testing.T) {
	for name, feed := range map[string]string{
		"RSS 0.91":   `<?xml version="1.0"?><!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://my.netscape.com/publish/formats/rss-0.91.dtd"><rss version="0.91"><channel><title>Q</title><link>https://quay.example/</link><item><title>Tide &amp; time</title><link>/t</link><description>High&nbsp;water.</description></item></channel></rss>`,
		"RDF":        `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><channel rdf:about="https://quay.example/"><title>Q</title><link>https://quay.example/</link></channel><item rdf:about="x"><title>Tide &amp; time</title><link>https://quay.example/t</link><description>High water.</description></item></rdf:RDF>`,
		"Atom":       `<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://quay.example/"><title>Q</title><id>q</id><entry><id>t</id><title type="html">Tide &amp;amp; time</title><link rel="alternate" href="t"/><summary>High water.</summary><updated>2026-11-23T06:30:00Z</updated></entry></feed>`,
		"Atom XHTML": `<feed xmlns="http://www.w3.org/2005/Atom"><title>Q</title><id>q</id><link href="https://quay.example/"/><entry><id>t</id><title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">Tide <b>&amp;</b> time</div></title><link href="/t"/><summary type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>High water.</p></div></summary></entry></feed>`,
		"JSON Feed":  `{"version":"https://jsonfeed.org/version/1.1","title":"Q","home_page_url":"https://quay.example/","items":[{"id":"t","title":"Tide & time","url":"/t","content_text":"High water."}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			r := readString(t, feed)
			if len(r.Stories) != 1 {
				t.Fatalf("got %+v", r)
			}
			s := r.Stories[0]
			if text := s.Summary + PlainText(s.Body); s.Title != "Tide & time" || s.URL != "https://quay.example/t" || text != "High water." {
				t.Errorf("title %q, url %q, text %q", s.Title, s.URL, text)
			}
		})
	}
	s := readString(t, `{"version":"https://jsonfeed.org/version/1","items":[{"id":1,"content_text":"a <b>c</b>\n\nd"}]}`).Stories[0]
	if s.Body != "<p>a &lt;b&gt;c&lt;/b&gt;</p><p>d</p>" || s.Key != "1" {
		t.Errorf("plain text of a JSON Feed: %+v", s)
	}
}

func TestCutMarks(t *testing.T) {
	for in, c := range map[string]struct {
		want string
		cut  bool
	}{
		"The ferry left.":                                      {"The ferry left.", false},
		"The ferry left early and …":                           {"The ferry left early and", true},
		"The ferry left early and...":                          {"The ferry left early and", true},
		"The ferry [...]":                                      {"The ferry", true},
		"The ferry [&hellip;]":                                 {"The ferry", true},
		"The ferry (…)":                                        {"The ferry", true},
		"The ferry […] Read more…":                             {"The ferry", true},
		"<p>The ferry.</p><a>Continue reading...</a>":          {"The ferry.", true},
		"<p>The ferry.</p><p>Continue reading The ferry →</p>": {"The ferry.", true},
		"The ferry left early. Read more":                      {"The ferry left early.", true},
		"The ferry left early. Read more »":                    {"The ferry left early.", true},
		"The ferry left early … mehr":                          {"The ferry left early", true},
		"Die Fähre fuhr ab. Weiterlesen":                       {"Die Fähre fuhr ab.", true},
		"Die Fähre fuhr … [mehr]":                              {"Die Fähre fuhr", true},
		"The ferry (more…)":                                    {"The ferry", true},
		"This is where you can read more":                      {"This is where you can read more", false},
		"We want more.":                                        {"We want more.", false},
		"We want more":                                         {"We want more", false},
		"Nothing more":                                         {"Nothing more", false},
		"The ferry.<br>Leserkommentare 12":                     {"The ferry. Leserkommentare 12", false},
		"<p>The ferry.</p><p>Leserkommentare 12</p>":           {"The ferry.", false},
		"<p>The ferry.</p><p>12 comments</p>":                  {"The ferry.", false},
		"<p>The ferry.</p><p>Share on Facebook | Tweet</p>":    {"The ferry.", false},
		"<p>The ferry.</p><p>The post <a>The ferry</a> appeared first on <a>The Quay</a>.</p>": {"The ferry.", false},
		"The post office is shut. The post Shut appeared first on Quay.":                       {"The post office is shut.", false},
		"<p>A ferry.</p><p>Der Beitrag Fähre erschien zuerst auf Kai.</p>":                     {"A ferry.", false},
		"<p>Look.</p> submitted by <a>/u/ines</a> <br/> <a>[link]</a> <a>[12 comments]</a>":    {"Look.", false},
		"<p>The ferry.</p><p>Advertisement</p><p>It left.</p>":                                 {"The ferry.\n\nIt left.", false},
		"<p>The ferry.</p><p>Read more: The crane stops</p>":                                   {"The ferry.", false},
		"<p>The ferry.</p><ul><li>Share</li><li>Tweet</li></ul>":                               {"The ferry.", false},
		"She said “Wait…”": {"She said “Wait…”", false},
		"Read more":        {"", true},
		"…":                {"", true},
	} {
		blocks, cut := trimEnd(readMarkup(in, false, nil).blocks)
		if got := strings.Join(paragraphs(blocks), "\n\n"); got != c.want || cut != c.cut {
			t.Errorf("%q: got %q, %v", in, got, cut)
		}
	}
	blocks, _ := trimEnd(readMarkup(`<p>One <b>two <i>three</i></b> [...]</p>`, false, nil).blocks)
	if got := render(blocks); got != "<p>One <strong>two <em>three</em></strong></p>" {
		t.Errorf("marks after a cut: %s", got)
	}
}

func TestCharsets(t *testing.T) {
	const words = "Ferry à Ílhavo: “crème” – 40 €"
	feed := func(label string) string {
		return `<?xml version="1.0"` + label + `?>` + rssOf("<item><title>"+words+"</title></item>")
	}
	windows := func(s string) []byte { b, _ := charmap.Windows1252.NewEncoder().Bytes([]byte(s)); return b }
	utf16 := func(e unicode.Endianness, b unicode.BOMPolicy, s string) []byte {
		out, _ := unicode.UTF16(e, b).NewEncoder().Bytes([]byte(s))
		return out
	}
	mixed := append([]byte(rssOf("<item><title>" + words + "</title><description>")[:0]), []byte(strings.Replace(feed(""), "</item>", "<description>caf\xe9</description></item>", 1))...)
	for name, c := range map[string]struct {
		body []byte
		typ  string
	}{
		"declared in XML":            {windows(feed(` encoding="windows-1252"`)), ""},
		"Latin-1 means Windows":      {windows(feed(` encoding="ISO-8859-1"`)), ""},
		"declared by HTTP":           {windows(feed("")), "text/xml; charset=windows-1252"},
		"declared by nobody":         {windows(feed("")), ""},
		"wrong in XML":               {windows(feed(` encoding="utf-8"`)), "application/rss+xml"},
		"wrong by HTTP":              {windows(feed(` encoding="windows-1252"`)), "text/xml; charset=utf-8"},
		"UTF-8 said to be Latin-1":   {[]byte(feed(` encoding="ISO-8859-1"`)), "text/xml; charset=iso-8859-1"},
		"UTF-8":                      {[]byte(feed(` encoding="UTF-8"`)), ""},
		"UTF-8 with a mark":          {[]byte("\ufeff" + feed(` encoding="ISO-8859-1"`)), "text/xml; charset=iso-8859-1"},
		"UTF-16 little with a mark":  {utf16(unicode.LittleEndian, unicode.UseBOM, feed(` encoding="UTF-16"`)), ""},
		"UTF-16 big with a mark":     {utf16(unicode.BigEndian, unicode.UseBOM, feed(` encoding="UTF-16"`)), ""},
		"UTF-16 without a mark":      {utf16(unicode.LittleEndian, unicode.IgnoreBOM, feed(` encoding="UTF-16LE"`)), ""},
		"some bytes of Windows-1252": {mixed, ""},
		"unknown name":               {[]byte(feed(` encoding="x-harbour"`)), ""},
		"control characters":         {[]byte(strings.Replace(feed(""), "Ferry", "Fer\x08ry", 1)), ""},
	} {
		t.Run(name, func(t *testing.T) {
			at, g := quay(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.typ)
				_, _ = w.Write(c.body)
			})
			r := one(t, g, at)
			if r.Err != nil || r.Stories[0].Title != words {
				t.Errorf("got %+v", r)
			}
			if s := r.Stories[0].Summary; s != "" && s != "café" {
				t.Errorf("got %q", s)
			}
		})
	}
	for name, enc := range map[string]interface{ Bytes([]byte) ([]byte, error) }{
		"iso-2022-jp": japanese.ISO2022JP.NewEncoder(), "shift_jis": japanese.ShiftJIS.NewEncoder(), "euc-jp": japanese.EUCJP.NewEncoder(),
	} {
		body, err := enc.Bytes([]byte(`<?xml version="1.0" encoding="` + name + `"?>` + rssOf("<item><title>港のニュース</title></item>")))
		if err != nil {
			t.Fatal(err)
		}
		f, err := parseFeed(rawFeed{body: body})
		if err != nil || f.Items[0].Title != "港のニュース" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFeedErrors(t *testing.T) {
	bomb := `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol1 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]><rss><channel><title>&lol1;</title></channel></rss>`
	for name, c := range map[string]struct{ body, want string }{
		"page":         {`<!DOCTYPE html><html><head><link rel="stylesheet" href="/s.css"><link rel="alternate" type="application/rss+xml" href="/feed.xml"></head></html>`, "is a web page, not a feed; its page names the feed http://127.0.0.1"},
		"bare page":    {"\n<!-- x --><HTML><body>Hi", "is a web page, not a feed"},
		"empty":        {"  \n", "is empty"},
		"text":         {"hello", "is not a feed: neither RSS, Atom nor JSON Feed"},
		"other XML":    {`<?xml version="1.0"?><sitemap/>`, "is not a feed"},
		"other JSON":   {`{"name":"quay"}`, "not a JSON Feed"},
		"broken JSON":  {`{"version":"https://jsonfeed.org/version/1","items":[`, "is not valid JSON"},
		"broken XML":   {`<rss><channel><title>x</title`, "is not valid XML at line 1"},
		"cut off":      {`<rss version="2.0"><channel><title>x</title><item><title>y`, "could not be read as a feed"},
		"entity bomb":  {bomb, `its entity "lol1" stands for other entities`},
		"XXE":          {`<!DOCTYPE r [<!ENTITY xxe SYSTEM "file:///etc/passwd">]><rss><channel><title>&xxe;</title></channel></rss>`, `its entity "xxe" names a file`},
		"XXE by HTTP":  {`<!DOCTYPE r [<!ENTITY xxe PUBLIC "a" "http://127.0.0.1/">]><rss><channel><title>&xxe;</title></channel></rss>`, `its entity "xxe" names a file`},
		"nesting":      {"<rss>" + strings.Repeat("<a>", 100_000), "is nested deeper than 200"},
		"JSON nesting": {`{"items":` + strings.Repeat("[", 100_000), "is nested deeper than 200"},
		"too large":    {"<rss>" + strings.Repeat(" ", maxFeedBytes), "too large"},
	} {
		t.Run(name, func(t *testing.T) {
			at, g := quay(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, c.body) })
			start := time.Now()
			r := one(t, g, strings.Replace(at, "http://", "http://ines:SECRET@", 1)+"/feed?key=SECRET")
			if r.Err == nil || !strings.Contains(r.Err.Error(), c.want) || !strings.Contains(r.Err.Error(), "/feed") {
				t.Errorf("got %v, want %q", r.Err, c.want)
			}
			if r.Err != nil && (strings.Contains(r.Err.Error(), "SECRET") || strings.Contains(r.Err.Error(), "\n")) {
				t.Errorf("%v", r.Err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestGzipBomb(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	fmt.Fprint(z, "<rss>")
	spaces := bytes.Repeat([]byte(" "), 1<<20)
	for range 100 {
		_, _ = z.Write(spaces)
	}
	z.Close()
	at, g := quay(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(b.Bytes())
	})
	if r := one(t, g, at); !errors.Is(r.Err, fetch.ErrTooLarge) {
		t.Errorf("got %v", r.Err)
	}
}

// shelf is a Cache in memory.
type shelf map[string]Cached

func (s shelf) Feed(_ context.Context, url string) (Cached, error) { return s[url], nil }
func (s shelf) SaveFeed(_ context.Context, url string, c Cached) error {
	s[url] = c
	return nil
}

func TestConditionalRequests(t *testing.T) {
	body, full := rssOf("<item><guid>1</guid><title>One</title></item>"), 0
	at, g := quay(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") == `"v1"` && r.Header.Get("If-Modified-Since") == "Mon, 23 Nov 2026 06:30:00 GMT" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		full++
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Last-Modified", "Mon, 23 Nov 2026 06:30:00 GMT")
		fmt.Fprint(w, body)
	})
	kept := shelf{}
	g.Cache = kept
	for range 3 {
		r := one(t, g, at)
		if r.Err != nil || len(r.Stories) != 1 || r.Stories[0].Title != "One" || r.Fetched.IsZero() {
			t.Fatalf("got %+v", r)
		}
	}
	if full != 1 {
		t.Errorf("%d whole answers, want 1", full)
	}
	// What is no feed is not kept: it would be asked for conditionally for ever.
	delete(kept, at)
	body = "<html>maintenance"
	if r := one(t, g, at); r.Err == nil || len(kept) != 0 {
		t.Errorf("kept %d, %v", len(kept), r.Err)
	}
}

func TestOneBrokenSourceHarmsNoOther(t *testing.T) {
	at, g := quay(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/good":
			fmt.Fprint(w, rssOf("<item><title>Good</title></item>"))
		case "/slow":
			for {
				select {
				case <-r.Context().Done():
					return
				case <-time.After(20 * time.Millisecond):
				}
				fmt.Fprint(w, " ")
				_ = http.NewResponseController(w).Flush()
			}
		default:
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	g.Timeout = 300 * time.Millisecond
	file := filepath.Join(t.TempDir(), "feed.xml")
	if err := os.WriteFile(file, []byte(rssOf("<item><title>Filed</title></item>")), 0o644); err != nil {
		t.Fatal(err)
	}
	specs := []Spec{{ID: "slow", Feed: at + "/slow", Private: true}, {ID: "good", Feed: at + "/good", Private: true, Own: true}, {ID: "dead", Feed: at + "/dead", Private: true}, {ID: "public", Feed: at + "/good"}, {ID: "file", Feed: file}, {ID: "gone", Feed: file + "x"}}
	start := time.Now()
	rs := g.Gather(t.Context(), specs, nil)
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("took %s", took)
	}
	for i, want := range []string{"not read whole within 300ms", "", "answered 500", "private: true", "", "no such file"} {
		r := rs[i]
		if r.Source != specs[i].ID {
			t.Errorf("reading %d is of %s", i, r.Source)
		}
		if want == "" && (r.Err != nil || len(r.Stories) != 1 || r.Stories[0].Source != r.Source || r.Stories[0].Kind != KindStory) {
			t.Errorf("%s: %+v", r.Source, r)
		}
		if want != "" && (r.Err == nil || !strings.Contains(r.Err.Error(), want) || r.Stories != nil) {
			t.Errorf("%s: got %v, want %q", r.Source, r.Err, want)
		}
	}
	if rs[1].Stories[0].Publication != "" {
		t.Error("an own story names a publication")
	}
}

// A cache that panics stands for any bug in a parser.
type broken struct{ shelf }

func (broken) Feed(context.Context, string) (Cached, error) { panic("out of rope\nand of luck") }

func TestPanicsStayInTheirSource(t *testing.T) {
	g := &Gatherer{HTTP: fetch.New(fetch.Options{}), Cache: broken{}}
	r := one(t, g, "https://quay.example/")
	if r.Err == nil || r.Err.Error() != "could not be read: its reader failed: out of rope and of luck" || r.Source != "quay" {
		t.Errorf("got %+v", r)
	}
}

func TestHostileFeed(t *testing.T) {
	var items strings.Builder
	for i, p := range payloads {
		esc := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(p)
		fmt.Fprintf(&items, "<item><guid>%d</guid><title>Story %d %s</title><description>%s</description><content:encoded><![CDATA[Text %s]]></content:encoded><dc:creator>%s</dc:creator><category>%s</category><link>%s</link></item>",
			i, i, esc, esc, strings.ReplaceAll(p, "]]>", ""), esc, esc, `javascript:alert(1)`)
	}
	r := readString(t, rssOf(items.String()))
	if len(r.Stories) != len(payloads) {
		t.Errorf("got %d stories of %d", len(r.Stories), len(payloads))
	}
	for _, s := range r.Stories {
		checkSafe(t, s.Body)
		if s.URL != "" || s.Image != nil && !webAddress(s.Image.URL) {
			t.Errorf("%s: url %q, image %+v", s.Key, s.URL, s.Image)
		}
		for _, v := range append([]string{s.Title, s.Author, s.Publication}, s.Tags...) {
			if stripTags(v) != v || strings.ContainsAny(v, "\n\t\x00") {
				t.Errorf("%s: %q", s.Key, v)
			}
		}
		if markup.MatchString(s.Summary) {
			t.Logf("%s: text that looks like markup: %q", s.Key, s.Summary)
		}
	}
}

func TestCanonical(t *testing.T) {
	for in, want := range map[string]string{
		"http://www.Quay.example:80/Pier/?utm_source=rss&b=2&a=1&fbclid=x#top": "https://quay.example/Pier?a=1&b=2",
		"https://quay.example":        "https://quay.example",
		"https://quay.example/":       "https://quay.example",
		"https://quay.example/?":      "https://quay.example",
		"https://quay.example:8443/x": "https://quay.example:8443/x",
		"https://Bücher.example/x":    "https://xn--bcher-kva.example/x",
		"https://quay.example/x?ref_src=a&at_medium=b&CMP=c&wt_mc=d&ito=e&igshid=f&mc_cid=g&gclid=h&id=7": "https://quay.example/x?id=7",
		"https://user:pass@quay.example/x": "https://quay.example/x",
		"https://www.com/x":                "https://www.com/x",
		"mailto:ines@quay.example":         "",
		"/relative":                        "",
		"javascript:alert(1)":              "",
		"https://":                         "",
	} {
		if got := Canonical(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}
