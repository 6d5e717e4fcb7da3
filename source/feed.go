package source

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"strings"
	"syscall"

	"github.com/mmcdole/gofeed"
	"golang.org/x/net/html"

	"lede/internal/fetch"
)

const acceptFeeds = "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.1"

// rawFeed is a feed before it is parsed.
type rawFeed struct {
	body []byte
	typ  string // Content-Type
	at   string // address after redirects; empty for a file
	// What to keep once the feed has proved to be one; nil for nothing.
	keep *Cached
}

// readFeed reads a feed from its address or file.
func (g *Gatherer) readFeed(ctx context.Context, spec Spec) Reading {
	raw, err := g.rawFeed(ctx, spec)
	if err != nil {
		return Reading{Err: err}
	}
	feed, err := parseFeed(raw)
	if err != nil {
		return Reading{Err: fmt.Errorf("%s: %w", fetch.Redact(spec.Feed), err)}
	}
	if err := ctx.Err(); err != nil {
		return Reading{Err: fmt.Errorf("%s: %w", fetch.Redact(spec.Feed), context.Cause(ctx))}
	}
	r := readItems(feed, raw.at, spec.Own)
	if raw.keep != nil && g.Cache != nil {
		// A cache that fails costs a whole reading next time, not this one.
		_ = g.Cache.SaveFeed(ctx, spec.Feed, *raw.keep)
	}
	return r
}

func (g *Gatherer) rawFeed(ctx context.Context, spec Spec) (rawFeed, error) {
	if !webAddress(spec.Feed) {
		body, err := readFile(spec.Feed, maxFeedBytes)
		return rawFeed{body: body}, err
	}
	if g.HTTP == nil {
		return rawFeed{}, fmt.Errorf("%s: there is no HTTP client", fetch.Redact(spec.Feed))
	}
	var kept Cached
	if g.Cache != nil {
		if c, err := g.Cache.Feed(ctx, spec.Feed); err == nil && len(c.Body) > 0 {
			kept = c
		}
	}
	r, err := g.HTTP.Get(ctx, spec.Feed, fetch.GetOptions{
		Private: spec.Private, ETag: kept.ETag, LastModified: kept.LastModified, MaxBytes: maxFeedBytes, Accept: acceptFeeds,
	})
	if err != nil {
		return rawFeed{}, err
	}
	if r.NotModified {
		return rawFeed{body: kept.Body, typ: kept.Type, at: r.URL}, nil
	}
	raw := rawFeed{body: r.Body, typ: r.Header.Get("Content-Type"), at: r.URL}
	raw.keep = &Cached{
		ETag: r.Header.Get("ETag"), LastModified: r.Header.Get("Last-Modified"),
		Type: raw.typ, Body: r.Body, Fetched: g.now(),
	}
	return raw, nil
}

func webAddress(s string) bool {
	return strings.HasPrefix(strings.ToLower(s), "http://") || strings.HasPrefix(strings.ToLower(s), "https://")
}

// readFile reads a plain file of limited size. Opening without blocking keeps
// a pipe from holding the reader up.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fileError(path, err)
	}
	defer f.Close()
	return readOpen(f, path, limit)
}

func readOpen(f *os.File, name string, limit int64) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fileError(name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: is not a file", name)
	}
	body, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fileError(name, err)
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("%s: is larger than %d MB", name, limit>>20)
	}
	return body, nil
}

// fileError says in one line what is wrong with a file.
func fileError(path string, err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%s: no such file or folder", path)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%s: may not be read (permissions)", path)
	}
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// parseFeed decodes, checks and parses a feed.
func parseFeed(raw rawFeed) (*gofeed.Feed, error) {
	body, err := toUTF8(raw.body, raw.typ)
	if err != nil {
		return nil, err
	}
	body = bytes.TrimSpace(legalXML(body))
	if len(body) == 0 {
		return nil, errors.New("is empty")
	}
	switch {
	case body[0] == '{':
		if err := checkJSON(body); err != nil {
			return nil, err
		}
	case looksLikePage(body):
		return nil, pageError(body, raw.at)
	case body[0] == '<':
		if body, err = checkXML(body); err != nil {
			return nil, err
		}
	default:
		return nil, errors.New("is not a feed: neither RSS, Atom nor JSON Feed")
	}
	parser := gofeed.NewParser()
	parser.KeepOriginalFeed = true
	parser.RSSTranslator = &gofeed.DefaultRSSTranslator{DisableContentImageScan: true} // readItems looks for pictures itself
	feed, err := parser.Parse(bytes.NewReader(body))
	switch {
	case errors.Is(err, gofeed.ErrFeedTypeNotDetected):
		return nil, errors.New("is not a feed: neither RSS, Atom nor JSON Feed")
	case err != nil:
		return nil, fmt.Errorf("could not be read as a feed: %s", oneLine(err.Error(), 200))
	case feed == nil:
		return nil, errors.New("could not be read as a feed")
	}
	return feed, nil
}

var pageStart = regexp.MustCompile(`(?is)^(?:\s*<\?xml[^>]*>)?(?:\s*<!--.*?-->)*\s*<(?:!doctype\s+html|html|head|body)\b`)

func looksLikePage(body []byte) bool { return pageStart.Match(body[:min(len(body), 8192)]) }

// pageError says that an address leads to a web page, and what feed the page
// names.
func pageError(body []byte, at string) error {
	base := baseURL(at)
	z := html.NewTokenizer(bytes.NewReader(body[:min(len(body), 1<<20)]))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return errors.New("is a web page, not a feed")
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			if t.Data == "base" {
				if u := webURL(tokenAttr(t, "href"), base); u != nil {
					base = u
				}
			}
			if t.Data == "link" && strings.Contains(strings.ToLower(tokenAttr(t, "rel")), "alternate") && feedType(tokenAttr(t, "type")) {
				if u := absolute(tokenAttr(t, "href"), base); u != "" {
					return fmt.Errorf("is a web page, not a feed; its page names the feed %s", u)
				}
			}
		}
	}
}

func tokenAttr(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return strings.TrimSpace(a.Val)
		}
	}
	return ""
}

func feedType(t string) bool {
	t, _, _ = strings.Cut(strings.ToLower(t), ";")
	switch strings.TrimSpace(t) {
	case "application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml", "application/json":
		return true
	}
	return false
}

// checkJSON bounds the depth of a JSON document and says that it is a feed.
func checkJSON(body []byte) error {
	depth, inString := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxFeedDepth {
				return fmt.Errorf("is nested deeper than %d", maxFeedDepth)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	var head struct {
		Version string          `json:"version"`
		Items   json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(body, &head); err != nil {
		return fmt.Errorf("is not valid JSON: %w", err)
	}
	if !strings.Contains(head.Version, "jsonfeed.org") && head.Items == nil {
		return errors.New("is JSON, but not a JSON Feed")
	}
	return nil
}

// feedBase is what a feed's relative addresses are resolved against.
func feedBase(feed *gofeed.Feed, at string) *url.URL {
	base := baseURL(at)
	for _, link := range []string{feed.Link, feed.FeedLink} {
		if u := webURL(link, base); u != nil {
			return u
		}
	}
	return base
}
