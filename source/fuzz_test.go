package source

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// What comes out is safe, and stays as it is when it goes in again.
func FuzzSanitise(f *testing.F) {
	for _, p := range payloads {
		f.Add(p)
	}
	for _, s := range []string{"<ul>a<li>b<ul><p>c", "<pre>\n\n a<br>b", "<b><i>x</b>y</i>", "a<br> <br>b", "<a href=x><a href=y>z", "<h1><pre>x", "<b>x</b><br><br><b>y</b><br>z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		const base = "https://quay.example/news/"
		out := Sanitise(in, base)
		checkSafe(t, out)
		if again := Sanitise(out, base); again != out {
			t.Errorf("not stable:\nin    %q\nonce  %q\ntwice %q", in, out, again)
		}
		if !utf8.ValidString(out) || !utf8.ValidString(PlainText(in)) {
			t.Errorf("not UTF-8: %q", out)
		}
		if l := oneLine(in, maxTitle); strings.ContainsAny(l, "\n\r\t\u202e\x00") || utf8.RuneCountInString(l) > maxTitle {
			t.Errorf("not one line: %q", l)
		}
	})
}

// A canonical address is its own canonical address, and what only differs in
// tracking is the same.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{
		"http://www.quay.example:80/a/?utm_source=x&b=2&a=1#top", "https://quay.example/%7Eines/ü?q=a%26b", "//quay.example", "http://[::1]:8080/",
		"https://WWW.www.example./", "https://bücher.example/", "https://a.example?;=&&", "mailto:x@y.example", "https://x.example/a//", "http://a.example:443",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		c := Canonical(in)
		if c == "" {
			return
		}
		if again := Canonical(c); again != c {
			t.Errorf("%q: once %q, twice %q", in, c, again)
		}
		if !strings.HasPrefix(c, "https://") || strings.Contains(c, "#") || strings.Contains(c, "?utm_source=") || strings.Contains(c, "&utm_source=") {
			t.Errorf("%q: %q", in, c)
		}
	})
}

// Whatever a feed is, reading it ends, and each of its stories is clean.
func FuzzFeed(f *testing.F) {
	f.Add([]byte(`<rss version="2.0"><channel><title>Quay</title><link>https://quay.example/</link><item><title>A &amp;amp; B</title><guid>1</guid><description>&lt;p&gt;x…&lt;/p&gt;</description><pubDate>Mon, 23 Nov 2026 06:30:00 GMT</pubDate></item></channel></rss>`), "")
	f.Add([]byte(`<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://quay.example/"><title>Quay</title><entry><id>a</id><title type="html">&lt;b&gt;x</title><link href="/x"/><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>y</p></div></content></entry></feed>`), "application/atom+xml")
	f.Add([]byte(`{"version":"https://jsonfeed.org/version/1.1","title":"Quay","items":[{"id":1,"url":"https://quay.example/1","content_text":"a < b\n\nc"}]}`), "application/json; charset=utf-8")
	f.Add([]byte("<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" xmlns=\"http://purl.org/rss/1.0/\"><channel><title>Caf\xe9</title></channel><item><title>\xe9</title></item></rdf:RDF>"), "text/xml; charset=iso-8859-1")
	f.Add([]byte("<!DOCTYPE x [<!ENTITY a \"&b;&b;\">]><rss><channel/></rss>"), "")
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		feed, err := parseFeed(rawFeed{body: body, typ: contentType, at: "https://quay.example/feed"})
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("not one line: %q", err)
			}
			return
		}
		for _, s := range readItems(feed, "https://quay.example/feed", false).Stories {
			checkSafe(t, s.Body)
			for _, v := range []string{s.Title, s.Author, s.Publication, s.Label} {
				if strings.ContainsAny(v, "\n\r\t\x00\u202e") || !utf8.ValidString(v) {
					t.Errorf("not one line: %q", v)
				}
			}
			if s.Key == "" || s.URL != "" && !webAddress(s.URL) || !utf8.ValidString(s.Summary) {
				t.Errorf("key %q, url %q, summary %q", s.Key, s.URL, s.Summary)
			}
		}
	})
}

// Whatever a story file holds, reading it gives a clean story or one line that
// names file and line.
func FuzzFrontMatter(f *testing.F) {
	for _, s := range []string{
		"---\ntitle: Tide\ndate: 2026-11-23 06:30\ntags: [a, b]\nlead: true\n---\n# Tide\n\nText ![x](y.png)\n", "---\ntitel: x\n---\n", "---\ntitle: [a\n---\n",
		"---\n&a a: *a\n---\nx", "---\n", "# Only a heading", "> > > x", "---\nkind: event\nstarts: 2026-11-23\n---\nx", "\ufeff---\r\ntitle: x\r\n---\r\ny",
		"---\nimage: ../../etc/passwd\n---\nx", "---\n? a\n: b\n---\n", "---\ntitle: !!binary aGk=\n<<: {a: b}\n---\n", "-----\ntitle: x\n-----\n",
	} {
		f.Add([]byte(s))
	}
	root := &folder{path: "stories", zone: time.UTC}
	f.Fuzz(func(t *testing.T, src []byte) {
		r := *root
		r.root = noFiles(t)
		s, err := r.story("a/tide.md", src, time.Unix(0, 0))
		if err != nil {
			if msg := err.Error(); strings.ContainsAny(msg, "\n\r") || !errors.Is(err, errDraft) && !strings.HasPrefix(msg, "stories/a/tide.md:") {
				t.Errorf("%q", msg)
			}
			return
		}
		checkSafe(t, s.Body)
		if strings.ContainsAny(s.Title+s.Author+s.Place+s.Section, "\n\r\t\u202e") || s.Image != nil && s.Image.Path != "" {
			t.Errorf("%+v", s)
		}
	})
}

// Whatever a title holds, setting it in the house's style leaves valid text in
// one line that is no longer, and something of it.
func FuzzPrint(f *testing.F) {
	for _, seed := range []string{"FERRY SAILS | COURIER", "Ã¢â‚¬â„¢Ã", "ðŸš¢â€", "A. B. C.", " | | | ", "İI\u0307 ŞHOUT NOW", "É” â€™ &acirc;&#128;", "\xff\xfe - x"} {
		f.Add(seed, "tr", "Courier sails at dawn.")
	}
	f.Fuzz(func(t *testing.T, title, lang, text string) {
		line := oneLine(title, maxTitle)
		house := newHouseStyle(text, []string{line, title}, []string{title, "https://courier.example/"})
		set := house.title(line, []string{text}, lang, text)
		if !utf8.ValidString(set) || strings.ContainsAny(set, "\n\r\t") || set == "" && line != "" {
			t.Errorf("%q becomes %q", line, set)
		}
		if len(mendMojibake(title)) > len(title) {
			t.Errorf("%q grows to %q", title, mendMojibake(title))
		}
		kept, _ := trimText(line)
		if len(kept) > len(line) {
			t.Errorf("%q grows to %q", line, kept)
		}
	})
}
