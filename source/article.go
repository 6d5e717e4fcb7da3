package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"codeberg.org/readeck/go-readability/v2"
	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"

	"lede/internal/fetch"
)

const (
	maxArticleBytes    = 2 << 20
	maxArticleElements = 20_000
	// How many pages of one feed are read, the first in its order.
	maxArticles    = 30
	articlesAtOnce = 4
	// What is shorter, in bytes, is more likely a notice about cookies.
	minArticle     = 200
	articleTimeout = 10 * time.Second // of one page
	articlesWithin = 45 * time.Second // of all pages of a feed, beside the feed's own time
	articleKept    = time.Hour
	acceptPages    = "text/html, application/xhtml+xml;q=0.9"
)

// articleShelf keeps texts for an hour, so that a preview that renders again and
// a slot that is tried again don't ask for the same pages. Use a pointer; it is
// safe for concurrent use.
type articleShelf struct {
	mu   sync.Mutex
	kept map[string]article
}

// article is the text of a story's page.
type article struct {
	body    string // sanitised
	lang    string
	picture string
	read    time.Time
}

func (s *articleShelf) get(address string, now time.Time) (article, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, found := s.kept[address]
	return a, found && now.Sub(a.read).Abs() < articleKept
}

func (s *articleShelf) put(address string, a article) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept == nil || len(s.kept) >= 10*maxArticles {
		s.kept = map[string]article{}
	}
	s.kept[address] = a
}

// readArticles reads the pages of those of our own stories of which the feed
// gives only a stub, and takes the whole text from there. A page that can't be
// had leaves its story as the feed tells it, with the reason in Stub.
func (g *Gatherer) readArticles(ctx context.Context, spec Spec, stories []Story) {
	ctx, cancel := context.WithTimeoutCause(ctx, articlesWithin, fmt.Errorf("the pages of the feed were not read within %s", articlesWithin))
	defer cancel()
	turns := make(chan struct{}, articlesAtOnce)
	var wg sync.WaitGroup
	asked := 0
	for i := range stories {
		s := &stories[i]
		if !s.isStub() {
			continue
		}
		if asked++; asked > maxArticles {
			s.Stub = fmt.Sprintf("only the first %d pages of a feed are read", maxArticles)
			continue
		}
		wg.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			if err := g.readArticle(ctx, spec, s); err != nil {
				s.Stub = oneLine(err.Error(), maxTitle)
			}
		})
	}
	wg.Wait()
}

// isStub says that the feed gave a beginning or a summary, and where there is
// more.
func (s *Story) isStub() bool {
	return s.Kind != KindSponsor && s.Label != "sponsored" && s.URL != "" && (s.Body == "" || s.Cut && s.Summary == "")
}

// readArticle puts the text of its page into a story.
func (g *Gatherer) readArticle(ctx context.Context, spec Spec, s *Story) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("its page could not be read: its reader failed: %v", p)
		}
	}()
	a, found := g.articles.get(s.URL, g.now())
	if !found {
		if a, err = g.fetchArticle(ctx, spec, s); err != nil {
			return err
		}
		a.read = g.now()
		g.articles.put(s.URL, a)
	}
	stub := fold(firstOf(s.Summary, PlainText(s.Body)))
	text := fold(PlainText(a.body))
	if utf8.RuneCountInString(text) <= utf8.RuneCountInString(stub) {
		return errors.New("its page tells no more than the feed")
	}
	s.Body = a.body
	if s.Cut || strings.HasPrefix(text, stub) {
		s.Summary = ""
	}
	s.Cut = false
	s.Lang = firstOf(s.Lang, a.lang)
	if s.Image == nil && a.picture != "" {
		s.Image = &Image{URL: a.picture}
	}
	return nil
}

// fetchArticle reads a page under the guard and finds its text.
func (g *Gatherer) fetchArticle(ctx context.Context, spec Spec, s *Story) (article, error) {
	if g.HTTP == nil {
		return article{}, errors.New("there is no HTTP client")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, articleTimeout, fmt.Errorf("its page was not read within %s", articleTimeout))
	defer cancel()
	r, err := g.HTTP.Get(ctx, s.URL, fetch.GetOptions{Private: spec.Private, MaxBytes: maxArticleBytes, Accept: acceptPages})
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return article{}, err
	}
	typ := r.Header.Get("Content-Type")
	if media, _, err := mime.ParseMediaType(typ); err == nil && media != "text/html" && media != "application/xhtml+xml" {
		return article{}, fmt.Errorf("%s: is no page but %s", fetch.Redact(s.URL), media)
	}
	a, err := extract(r.Body, typ, r.URL, s.Title)
	if err != nil {
		return article{}, fmt.Errorf("%s: %w", fetch.Redact(s.URL), err)
	}
	return a, nil
}

// extract finds the text of a page: its article, sanitised as a feed's HTML is,
// without the headline above it and the furniture below.
func extract(page []byte, contentType, address, title string) (article, error) {
	at := baseURL(address)
	if at == nil {
		return article{}, errors.New("has no web address")
	}
	doc, err := html.Parse(bytes.NewReader(pageUTF8(page, contentType)))
	if err != nil {
		return article{}, errors.New("is not HTML")
	}
	if err := checkPage(doc); err != nil {
		return article{}, err
	}
	parser := readability.NewParser()
	parser.MaxElemsToParse = maxArticleElements
	parser.CharThresholds = 200 // short news are stories too
	found, err := parser.ParseAndMutate(doc, at)
	if err != nil || found.Node == nil {
		return article{}, errors.New("has no text that stands out as an article")
	}
	var text bytes.Buffer
	if err := found.RenderHTML(&text); err != nil {
		return article{}, errors.New("has no text that can be told apart")
	}
	blocks, _ := trimEnd(readMarkup(text.String(), false, at).blocks)
	if len(blocks) > 0 && title != "" && blocks[0].leaf() && fold(blocks[0].plain()) == fold(title) {
		blocks = blocks[1:]
	}
	a := article{body: render(blocks), lang: languageTag(found.Language()), picture: absolute(found.ImageURL(), at)}
	if len(PlainText(a.body)) < minArticle {
		return article{}, errors.New("has no text that stands out as an article")
	}
	return a, nil
}

// pageUTF8 decodes a page by what its header, its first bytes and its meta
// elements say.
func pageUTF8(page []byte, contentType string) []byte {
	if utf8.Valid(page) {
		return page
	}
	enc, name, _ := charset.DetermineEncoding(page, contentType)
	if out, err := enc.NewDecoder().Bytes(page); err == nil && name != "utf-8" {
		return out
	}
	return repair(page) // it says UTF-8 and is not quite
}

// checkPage bounds what the search for the article may cost: it goes over the
// page many times, and down it at each element.
func checkPage(doc *html.Node) error {
	elements, depth := 0, 0
	for n := doc; n != nil; {
		if n.Type == html.ElementNode {
			elements++
		}
		if elements > maxArticleElements {
			return fmt.Errorf("has more than %d elements", maxArticleElements)
		}
		if n.FirstChild != nil {
			n = n.FirstChild
			if depth++; depth > maxNesting {
				return fmt.Errorf("is nested deeper than %d", maxNesting)
			}
			continue
		}
		for n != nil && n.NextSibling == nil {
			n = n.Parent
			depth--
		}
		if n != nil {
			n = n.NextSibling
		}
	}
	return nil
}
