package source

import (
	"crypto/sha256"
	"encoding/hex"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mmcdole/gofeed"
	"github.com/mmcdole/gofeed/atom"
	jsonfeed "github.com/mmcdole/gofeed/json"
	"github.com/mmcdole/gofeed/rss"
	"golang.org/x/text/language"
)

const (
	maxItems = 2000
	maxTags  = 20
	// A text of fewer words that stands alone or twice in an item is a
	// summary, not the story.
	bodyWords = 80
)

// readItems turns a parsed feed into stories.
func readItems(feed *gofeed.Feed, at string, own bool) Reading {
	r := Reading{Title: feedTitle(feed)}
	base := feedBase(feed, at)
	feedLang := languageTag(feed.Language)
	items := feed.Items
	if len(items) > maxItems {
		items = items[:maxItems]
	}
	unsure := sharedGUIDs(items, base)
	seen := map[string]bool{}
	for i, item := range items {
		if item == nil {
			continue
		}
		o := original(feed, i)
		s := readItem(item, o, base)
		if s.Title == "" && s.Body == "" && s.Summary == "" {
			r.Passed = append(r.Passed, Passed{Title: oneLine(s.URL, maxTitle), Why: "has neither a headline nor a text"})
			continue
		}
		s.Key = key(item, s, unsure)
		if seen[s.Key] {
			r.Passed = append(r.Passed, Passed{Title: s.Title, Why: "stands in the feed twice"})
			continue
		}
		seen[s.Key] = true
		if s.Lang == "" {
			s.Lang = feedLang
		}
		if !own {
			s.Publication = firstOf(oneLine(o.publication, maxName), r.Title)
		}
		r.Stories = append(r.Stories, s)
	}
	if own {
		r.setTitles()
	}
	return r
}

// setTitles puts the titles of our own stories in the house's style.
func (r *Reading) setTitles() {
	var titles, addresses []string
	for _, s := range r.Stories {
		titles, addresses = append(titles, s.Title), append(addresses, s.URL)
	}
	house := newHouseStyle(r.Title, titles, addresses)
	for i := range r.Stories {
		s := &r.Stories[i]
		text := s.Summary
		if shouts(s.Title) {
			text += " " + PlainText(s.Body)
		}
		s.Title = house.title(s.Title, s.Tags, s.Lang, text)
	}
}

// originalItem is what the universal form of an item leaves out.
type originalItem struct {
	guidIsNoLink bool   // RSS: isPermaLink="false"
	text         bool   // JSON Feed: the content is plain text
	publication  string // the title of the feed that the item comes from
	lang         string
	links        []string // all its addresses, best first
}

func original(feed *gofeed.Feed, i int) originalItem {
	var o originalItem
	switch f := feed.OriginalFeed().(type) {
	case *rss.Feed:
		if i >= len(f.Items) || f.Items[i] == nil {
			break
		}
		item := f.Items[i]
		o.guidIsNoLink = item.GUID == nil || strings.EqualFold(strings.TrimSpace(item.GUID.IsPermalink), "false")
		if item.Source != nil {
			o.publication = item.Source.Title
		}
		if item.DublinCoreExt != nil && len(item.DublinCoreExt.Language) > 0 {
			o.lang = item.DublinCoreExt.Language[0]
		}
	case *atom.Feed:
		o.guidIsNoLink = true
		if i >= len(f.Entries) || f.Entries[i] == nil {
			break
		}
		if f.Entries[i].Source != nil {
			o.publication = f.Entries[i].Source.Title
		}
		for _, l := range f.Entries[i].Links {
			if l.Rel == "" || l.Rel == "alternate" {
				o.links = append(o.links, l.Href)
			}
		}
	case *jsonfeed.Feed:
		if i >= len(f.Items) || f.Items[i] == nil {
			break
		}
		item := f.Items[i]
		o.text = item.ContentHTML == "" && item.ContentText != ""
		o.lang = item.Language
		o.links = []string{item.URL, item.ExternalURL}
	}
	return o
}

func readItem(item *gofeed.Item, o originalItem, base *url.URL) Story {
	var s Story
	s.URL = itemURL(item, o, base)
	s.Canonical = Canonical(s.URL)
	s.Published = published(item)
	s.Author = author(item)
	s.Lang = languageTag(o.lang)
	s.Tags = tags(item.Categories)

	within := base
	if u := webURL(s.URL, nil); u != nil {
		within = u
	}
	content, description := readMarkup(item.Content, o.text, within), readMarkup(item.Description, false, within)
	s.setText(content, description)

	s.Label, s.Title = labelOf(headline(item.Title, s.URL), s.Tags)
	if s.Label != "sponsored" && (onlySponsored(content) || onlySponsored(description)) {
		s.Label = "sponsored"
	}
	if fold(s.Summary) == s.Title {
		s.Summary = ""
	}
	s.Image = pickImage(item, within, content.images, description.images)
	return s
}

// setText decides what is the story and what its summary. Feeds give a text
// and a summary, either of them alone, the same text twice, or a text and its
// own beginning: then the summary is left out, since a teaser made of the text
// can end at a whole sentence.
func (s *Story) setText(content, description document) {
	body, bodyCut := trimEnd(content.blocks)
	brief, briefCut := trimEnd(description.blocks)
	bodyText, briefText := paragraphs(body), paragraphs(brief)
	whole, short := strings.Join(bodyText, " "), strings.Join(briefText, " ")
	switch {
	case whole == short || (whole != "" && len(short) > len(whole) && strings.HasPrefix(short, whole)):
		body, bodyCut = nil, bodyCut && whole == short
	case short != "" && strings.HasPrefix(whole, short):
		brief, briefText, briefCut = nil, nil, false
	}
	switch {
	case len(body) > 0:
		s.Body = render(body)
		s.Summary = strings.Join(briefText, "\n\n")
		s.Cut = briefCut || (len(brief) == 0 && bodyCut)
	case len(strings.Fields(short)) >= bodyWords && !briefCut && !bodyCut:
		s.Body = render(brief)
	default:
		s.Summary = strings.Join(briefText, "\n\n")
		s.Cut = briefCut || bodyCut
	}
}

var (
	blankLine     = regexp.MustCompile(`\n[ \t\r]*\n\s*`)
	escapedBlock  = regexp.MustCompile(`(?is)&lt;(?:!--|(?:p|div)(?:\s|&gt;)).*&lt;/(?:p|div)&gt;`)
	quotedCode    = regexp.MustCompile(`(?i)<(?:code|pre|kbd|samp)\b`)
	doubleEscaped = regexp.MustCompile(`&amp;(#\d{2,7}|#[xX][0-9a-fA-F]{2,6}|[a-zA-Z]{2,12}\d{0,2});`)
)

// readMarkup reads what should be HTML and may as well be plain text, or HTML
// that was escaped once too often.
func readMarkup(s string, text bool, base *url.URL) document {
	s = mendMarkup(strings.TrimSpace(s))
	if !text {
		s = dropDangling(s)
	}
	if len(s) > maxHTML {
		s = strings.ToValidUTF8(s[:maxHTML], "")
	}
	switch {
	case text:
		s = html.EscapeString(s)
	case hasTag(s):
		if escapedBlock.MatchString(s) && !quotedCode.MatchString(s) {
			s = html.UnescapeString(s) // HTML in HTML, escaped once too often
		}
		s = doubleEscaped.ReplaceAllStringFunc(s, onceEscaped)
		return parseHTML(s, base)
	case strings.Contains(s, "&") && hasTag(html.UnescapeString(s)):
		return parseHTML(html.UnescapeString(s), base)
	default:
		s = strings.ReplaceAll(doubleEscaped.ReplaceAllStringFunc(s, onceEscaped), "<", "&lt;")
	}
	return parseHTML("<p>"+blankLine.ReplaceAllString(s, "</p><p>")+"</p>", base)
}

// onceEscaped takes one escape off an entity that was escaped twice, except
// those that make markup.
func onceEscaped(s string) string {
	name := s[len("&amp;"):]
	switch name {
	case "lt;", "gt;", "amp;", "#60;", "#62;", "#38;":
		return s
	}
	if html.UnescapeString("&"+name) == "&"+name {
		return s
	}
	return "&" + name
}

func onlySponsored(d document) bool { return d.links > 0 && d.sponsored == d.links }

var noHeadline = map[string]bool{"untitled": true, "(untitled)": true, "[untitled]": true, "no title": true, "(no title)": true, "[no title]": true}

// headline cleans a title; what only stands in for one is none.
func headline(title, address string) string {
	t := oneLine(title, maxTitle)
	if noHeadline[strings.ToLower(t)] || t == address || (webAddress(t) && !strings.Contains(t, " ")) {
		return ""
	}
	return t
}

// itemURL is where the story is read. FeedBurner keeps the publisher's own
// address beside its counting one.
func itemURL(item *gofeed.Item, o originalItem, base *url.URL) string {
	var candidates []string
	for _, e := range item.Extensions["feedburner"]["origLink"] {
		candidates = append(candidates, e.Value)
	}
	candidates = append(candidates, item.Link)
	candidates = append(candidates, o.links...)
	if !o.guidIsNoLink && webAddress(strings.TrimSpace(item.GUID)) {
		candidates = append(candidates, item.GUID)
	}
	for _, c := range candidates {
		if strings.TrimSpace(c) == "" {
			continue
		}
		if u := absolute(c, base); u != "" {
			return u
		}
	}
	return ""
}

// published is when the item came out, in UTC; zero when it does not say so in
// a way that can be read. Dates in the future stay as they are.
func published(item *gofeed.Item) time.Time {
	for _, t := range []*time.Time{item.PublishedParsed, item.UpdatedParsed} {
		if t != nil && t.Year() >= 1970 && t.Year() < 9999 {
			return t.UTC()
		}
	}
	return time.Time{}
}

func author(item *gofeed.Item) string {
	var names []string
	add := func(name string) {
		name = oneLine(name, maxName)
		if len(name) > 3 && strings.EqualFold(name[:3], "by ") {
			name = name[3:]
		}
		if name != "" && !strings.Contains(name, "@") && !slices.Contains(names, name) && len(names) < 4 {
			names = append(names, name)
		}
	}
	for _, p := range item.Authors {
		if p != nil {
			add(p.Name)
		}
	}
	if item.DublinCoreExt != nil && len(item.DublinCoreExt.Creator) > 1 {
		for _, c := range item.DublinCoreExt.Creator {
			add(c)
		}
	}
	return strings.Join(names, ", ")
}

func tags(categories []string) []string {
	var out []string
	for _, c := range categories {
		if c = oneLine(c, maxName); c != "" && !slices.Contains(out, c) && len(out) < maxTags {
			out = append(out, c)
		}
	}
	return out
}

var feedWords = regexp.MustCompile(`(?i)(?:\s*[-–—|:»]\s*|\s+)(?:rss|rss feed|atom feed|news feed|feed)$`)

// feedTitle is the publication's name. Journals give theirs beside the title of
// the feed.
func feedTitle(feed *gofeed.Feed) string {
	for _, e := range feed.Extensions["prism"]["publicationName"] {
		if t := oneLine(e.Value, maxName); t != "" {
			return t
		}
	}
	t := oneLine(feed.Title, maxName)
	if short := feedWords.ReplaceAllString(t, ""); short != "" {
		return short
	}
	return t
}

// sharedGUIDs finds guids that a feed gives to several stories, such as the
// address of its site: they tell nothing apart.
func sharedGUIDs(items []*gofeed.Item, base *url.URL) map[string]bool {
	first := map[string]string{}
	shared := map[string]bool{}
	for _, item := range items {
		if item == nil {
			continue
		}
		guid, link := strings.TrimSpace(item.GUID), Canonical(absolute(item.Link, base))
		if other, ok := first[guid]; ok && other != link {
			shared[guid] = true
		} else if !ok {
			first[guid] = link
		}
	}
	return shared
}

// key is the identity of a story within its feed.
func key(item *gofeed.Item, s Story, unsure map[string]bool) string {
	guid := strings.TrimSpace(item.GUID)
	switch {
	case guid != "" && !unsure[guid]:
		if k := clean(guid); len(k) <= 500 {
			return k
		}
		return digest(guid)
	case s.Canonical != "":
		return s.Canonical
	}
	return digest(s.Title, s.Body, s.Summary)
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return "sha256:" + hex.EncodeToString(sum[:16])
}

// languageTag checks and straightens a language ("en_us" is en-US); empty for
// what is none.
func languageTag(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 40 {
		return ""
	}
	t, err := language.Parse(s)
	if err != nil || t == language.Und {
		return ""
	}
	return t.String()
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
