package web

import (
	"context"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"lede/compose"
	"lede/newsroom"
)

const (
	maxFound  = 100 // letters that a search lists
	maxQuery  = 100 // characters of a search
	maxSought = 2000
	maxWords  = 8 << 10     // bytes of a letter that are searched
	keepNewly = time.Minute // that a new letter may be missing in searches
)

// wordIndex keeps what letters say, in lower case. A letter that was sent does
// not change, so each is read once. Anybody may search, so one search at a time
// asks the store, and the next ones find what it read.
type wordIndex struct {
	mu    sync.Mutex
	texts map[string]string       // by edition
	lists map[string]searchedList // by newsletter
}

type searchedList struct {
	at    time.Time
	found []newsroom.Published
}

func newWordIndex() *wordIndex {
	return &wordIndex{texts: map[string]string{}, lists: map[string]searchedList{}}
}

// sought lists the letters that a search looks at. The caller holds the lock.
func (h site) sought(ctx context.Context, newsletter string) ([]newsroom.Published, error) {
	now, list := h.Now(), h.words.lists[newsletter]
	if age := now.Sub(list.at); age >= 0 && age < keepNewly {
		return list.found, nil
	}
	found, err := h.Archive.Published(ctx, newsletter, time.Time{}, time.Time{}, maxSought)
	if err == nil {
		h.words.lists[newsletter] = searchedList{now, found}
	}
	return found, err
}

// found lays out the letters that hold every word of a search, among the newest
// maxSought.
func (h site) found(ctx context.Context, n Newsletter, query string, l links) (view, time.Time, error) {
	if utf8.RuneCountInString(query) > maxQuery {
		query = string([]rune(query)[:maxQuery])
	}
	words := strings.Fields(strings.ToLower(query))
	hits, err := h.hits(ctx, n.ID, words)
	if err != nil {
		return view{}, time.Time{}, err
	}
	v := h.archiveView(n, l, hits)
	v.Title = query + " – " + n.Name
	a := v.Archive
	a.Heading, a.Search, a.Searched, a.Query, a.Newest = "Archive", true, true, query, l.Archive(n.ID)
	switch len(hits) {
	case 0:
		a.Empty = "No letter has this word."
		if len(words) > 1 {
			a.Empty = "No letter has these words."
		}
	case maxFound:
		a.Count = "The newest " + counted(maxFound, "letter", "letters") + " with these words"
	default:
		a.Count = counted(len(hits), "letter", "letters") + " found"
	}
	return v, changed(hits), nil
}

// hits are the newest letters that hold every one of some words.
func (h site) hits(ctx context.Context, newsletter string, words []string) ([]newsroom.Published, error) {
	h.words.mu.Lock()
	defer h.words.mu.Unlock()
	all, err := h.sought(ctx, newsletter)
	if err != nil {
		return nil, err
	}
	var hits []newsroom.Published
	for _, p := range all {
		if len(hits) == maxFound {
			break
		}
		text, err := h.text(ctx, p)
		if err != nil {
			return nil, err
		}
		if hasAll(text, words) {
			hits = append(hits, p)
		}
	}
	return hits, nil
}

func hasAll(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// text is what an edition says. The caller holds the lock.
func (h site) text(ctx context.Context, p newsroom.Published) (string, error) {
	if text, known := h.words.texts[p.ID]; known {
		return text, nil
	}
	record, err := h.Editions.Edition(ctx, p.ID)
	if err != nil {
		return "", err
	}
	text := strings.ToLower(p.Subject + "\n" + p.Preheader)
	if record.Content != nil {
		text += "\n" + saidIn(*record.Content)
	}
	if len(h.words.texts) >= 2*maxSought {
		clear(h.words.texts)
	}
	h.words.texts[p.ID] = text
	return text, nil
}

// saidIn is the text of an edition's stories, in lower case.
func saidIn(e compose.Edition) string {
	var out strings.Builder
	say := func(text string) {
		if text != "" && out.Len() < maxWords {
			out.WriteString(strings.ToLower(text))
			out.WriteByte('\n')
		}
	}
	blocks := func(body []compose.Block) {
		for _, b := range body {
			say(b.Text)
		}
	}
	if l := e.Lead; l != nil {
		say(l.Title)
		say(l.Standfirst)
	}
	for _, section := range e.Sections {
		for _, b := range section.Briefs {
			say(b.Title)
			say(b.Teaser)
			blocks(b.Body)
		}
	}
	if e.Lead != nil {
		blocks(e.Lead.Body)
	}
	return out.String()
}
