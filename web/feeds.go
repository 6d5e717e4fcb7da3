package web

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"lede/newsroom"
)

// inFeed is how many letters a feed holds, the newest.
const inFeed = 20

// feedFormat is one way to write a feed.
type feedFormat struct {
	name, file, kind string
	write            func(feedOf) ([]byte, error)
}

func feeds() []feedFormat {
	return []feedFormat{
		{"RSS", "rss.xml", "application/rss+xml", feedOf.rss},
		{"Atom", "atom.xml", "application/atom+xml", feedOf.atom},
		{"JSON", "feed.json", "application/feed+json", feedOf.json},
	}
}

// feedOf is a newsletter's feed before it is written. Every address in it is
// absolute.
type feedOf struct {
	newsletter Newsletter
	id         string // a tag URI (RFC 4151)
	home       string
	self       string
	about      string
	updated    time.Time
	entries    []feedEntry
}

type feedEntry struct {
	id, url, title, summary, html, picture string
	slot, stored                           time.Time
}

// feed serves one of a newsletter's feeds.
func (h site) feed(w http.ResponseWriter, r *http.Request) {
	n, public := h.publicNewsletter(r.PathValue("newsletter"))
	for _, f := range feeds() {
		if !public || f.file != r.PathValue("feed") {
			continue
		}
		body, updated, err := h.writeFeed(r.Context(), n, f)
		if err != nil {
			h.ourFault(w, r, n, err)
			return
		}
		w.Header().Del("X-Robots-Tag")
		serveKept(w, r, f.kind+"; charset=utf-8", keepList, body, updated)
		return
	}
	h.noEdition(w, r)
}

// writeFeed writes a feed of the newsletter's newest letters.
func (h site) writeFeed(ctx context.Context, n Newsletter, f feedFormat) ([]byte, time.Time, error) {
	found, err := h.Archive.Published(ctx, n.ID, time.Time{}, time.Time{}, inFeed)
	if err != nil {
		return nil, time.Time{}, err
	}
	feed := feedOf{
		newsletter: n, id: tagURI(n, "archive"), home: h.BaseURL + "/archive/" + n.ID + "/", self: h.feedURL(n, f.file),
		about: description(n), updated: changed(found),
	}
	for _, p := range found {
		entry, err := h.entry(ctx, n, p)
		if err != nil {
			return nil, time.Time{}, err
		}
		feed.entries = append(feed.entries, entry)
	}
	body, err := f.write(feed)
	return body, feed.updated, err
}

// entry is one edition in a feed, told whole.
func (h site) entry(ctx context.Context, n Newsletter, p newsroom.Published) (feedEntry, error) {
	record, err := h.Editions.Edition(ctx, p.ID)
	if err != nil {
		return feedEntry{}, err
	}
	e := feedEntry{
		id: tagURI(n, p.ID), url: h.BaseURL + "/e/" + p.ID, title: titleOf(p, n), summary: p.Preheader,
		slot: p.Slot.In(n.zone()), stored: p.Stored,
	}
	if record.Content != nil {
		if e.html, err = told(record.Content.OnTheWeb(), h.BaseURL, n.letterWords()); err != nil {
			return feedEntry{}, err
		}
		if lead := record.Content.OnTheWeb().Lead; lead != nil && lead.Image != nil && pictureName.MatchString(lead.Image.Name) {
			e.picture = h.BaseURL + "/p/" + lead.Image.Name
		}
	}
	return e, nil
}

// tagURI names something of a newsletter for good, also when base_url changes:
// by its List-Id, which is kept for readers' filters.
func tagURI(n Newsletter, what string) string {
	authority := n.ListID
	if authority == "" {
		authority = n.ID + ".invalid"
	}
	return "tag:" + strings.ToLower(authority) + ",2026:" + what
}

type rssLink struct {
	Href string `xml:"href,attr"`
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr"`
}

// rss writes RSS 2.0, with the link to itself that its Best Practices Profile
// asks for and the whole text in content:encoded.
func (f feedOf) rss() ([]byte, error) {
	type guid struct {
		ID        string `xml:",chardata"`
		Permalink bool   `xml:"isPermaLink,attr"`
	}
	type item struct {
		Title       string `xml:"title"`
		Link        string `xml:"link"`
		GUID        guid   `xml:"guid"`
		Date        string `xml:"pubDate"`
		Description string `xml:"description,omitempty"`
		Content     string `xml:"content:encoded,omitempty"`
	}
	type channel struct {
		Title       string  `xml:"title"`
		Link        string  `xml:"link"`
		Description string  `xml:"description"`
		Language    string  `xml:"language"`
		Built       string  `xml:"lastBuildDate,omitempty"`
		Generator   string  `xml:"generator"`
		Self        rssLink `xml:"atom:link"`
		Items       []item  `xml:"item"`
	}
	c := channel{
		Title: f.newsletter.Name, Link: f.home, Description: f.about, Language: f.newsletter.language(), Generator: "Lede",
		Self: rssLink{f.self, "self", "application/rss+xml"},
	}
	if !f.updated.IsZero() {
		c.Built = f.updated.UTC().Format(time.RFC1123Z)
	}
	for _, e := range f.entries {
		c.Items = append(c.Items, item{
			Title: e.title, Link: e.url, GUID: guid{ID: e.id}, Date: e.slot.Format(time.RFC1123Z),
			Description: asHTML(e.summary), Content: e.html,
		})
	}
	return writeXML(struct {
		XMLName xml.Name `xml:"rss"`
		Version string   `xml:"version,attr"`
		Atom    string   `xml:"xmlns:atom,attr"`
		Content string   `xml:"xmlns:content,attr"`
		Channel channel  `xml:"channel"`
	}{Version: "2.0", Atom: "http://www.w3.org/2005/Atom", Content: "http://purl.org/rss/1.0/modules/content/", Channel: c})
}

// asHTML writes plain text as HTML. A description in RSS is HTML, unlike a title
// (RSS Best Practices Profile): "a < b" would lose its end.
func asHTML(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// atom writes Atom (RFC 4287).
func (f feedOf) atom() ([]byte, error) {
	type text struct {
		Type string `xml:"type,attr"`
		Text string `xml:",chardata"`
	}
	type person struct {
		Name string `xml:"name"`
	}
	type entry struct {
		Title     text      `xml:"title"`
		ID        string    `xml:"id"`
		Link      []rssLink `xml:"link"`
		Published string    `xml:"published"`
		Updated   string    `xml:"updated"`
		Summary   *text     `xml:"summary,omitempty"`
		Content   *text     `xml:"content,omitempty"`
	}
	feed := struct {
		XMLName   xml.Name  `xml:"http://www.w3.org/2005/Atom feed"`
		Lang      string    `xml:"xml:lang,attr"`
		Title     text      `xml:"title"`
		Subtitle  text      `xml:"subtitle"`
		ID        string    `xml:"id"`
		Link      []rssLink `xml:"link"`
		Updated   string    `xml:"updated"`
		Author    person    `xml:"author"`
		Generator string    `xml:"generator"`
		Entries   []entry   `xml:"entry"`
	}{
		Lang: f.newsletter.language(), Title: text{"text", f.newsletter.Name}, Subtitle: text{"text", f.about}, ID: f.id,
		Link:    []rssLink{{f.self, "self", "application/atom+xml"}, {f.home, "alternate", "text/html"}},
		Updated: f.updatedOrEpoch().Format(time.RFC3339), Author: person{f.newsletter.Name}, Generator: "Lede",
	}
	for _, e := range f.entries {
		one := entry{
			Title: text{"text", e.title}, ID: e.id, Link: []rssLink{{e.url, "alternate", "text/html"}},
			Published: e.slot.Format(time.RFC3339), Updated: e.stored.UTC().Format(time.RFC3339),
		}
		if e.summary != "" {
			one.Summary = &text{"text", e.summary}
		}
		if e.html != "" {
			one.Content = &text{"html", e.html}
		}
		feed.Entries = append(feed.Entries, one)
	}
	return writeXML(feed)
}

// updatedOrEpoch is when the feed changed last; Atom wants a time though there
// is no entry.
func (f feedOf) updatedOrEpoch() time.Time {
	if f.updated.IsZero() {
		return time.Unix(0, 0).UTC()
	}
	return f.updated.UTC()
}

// writeXML writes an XML document. encoding/xml puts U+FFFD for what XML can't
// hold.
func writeXML(v any) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString(xml.Header)
	enc := xml.NewEncoder(&out)
	enc.Indent("", " ")
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// json writes JSON Feed 1.1 (jsonfeed.org).
func (f feedOf) json() ([]byte, error) {
	type author struct {
		Name string `json:"name"`
	}
	type item struct {
		ID        string `json:"id"`
		URL       string `json:"url"`
		Title     string `json:"title"`
		Summary   string `json:"summary,omitempty"`
		HTML      string `json:"content_html,omitempty"`
		Text      string `json:"content_text,omitempty"`
		Image     string `json:"image,omitempty"`
		Published string `json:"date_published"`
		Modified  string `json:"date_modified"`
	}
	feed := struct {
		Version     string   `json:"version"`
		Title       string   `json:"title"`
		Home        string   `json:"home_page_url"`
		Self        string   `json:"feed_url"`
		Description string   `json:"description"`
		Language    string   `json:"language"`
		Authors     []author `json:"authors"`
		Items       []item   `json:"items"`
	}{
		Version: "https://jsonfeed.org/version/1.1", Title: f.newsletter.Name, Home: f.home, Self: f.self,
		Description: f.about, Language: f.newsletter.language(), Authors: []author{{f.newsletter.Name}}, Items: []item{},
	}
	for _, e := range f.entries {
		one := item{
			ID: e.id, URL: e.url, Title: e.title, Summary: e.summary, HTML: e.html, Image: e.picture,
			Published: e.slot.Format(time.RFC3339), Modified: e.stored.UTC().Format(time.RFC3339),
		}
		if one.HTML == "" { // one of the two must be there
			one.Text = e.title
		}
		feed.Items = append(feed.Items, one)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(feed); err != nil {
		return nil, err
	}
	if !utf8.Valid(out.Bytes()) {
		return bytes.ToValidUTF8(out.Bytes(), []byte("\uFFFD")), nil
	}
	return out.Bytes(), nil
}
