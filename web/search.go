package web

import (
	"context"
	"strconv"
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
// not change, so each is read once, and again when it is corrected. Anybody may
// search, so one search at a time asks the store, and the next ones find what
// it read.
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
	a.Heading, a.Search, a.Searched, a.Query, a.Newest = v.Words.Pages.Archive, true, true, query, l.Archive(n.ID)
	switch len(hits) {
	case 0:
		a.Empty = v.Words.Pages.NoWord
		if len(words) > 1 {
			a.Empty = v.Words.Pages.NoWords
		}
	case maxFound:
		a.Count = v.Words.Pages.NewestFound.With("n", strconv.Itoa(maxFound))
	default:
		a.Count = v.Words.CountFound(len(hits))
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

// text is what an edition's page says: the letter, and what was corrected of it
// since. The caller holds the lock, and asks for newer editions first: one that
// corrects others makes them be read anew.
func (h site) text(ctx context.Context, p newsroom.Published) (string, error) {
	if text, known := h.words.texts[p.ID]; known {
		return text, nil
	}
	record, err := h.Editions.Edition(ctx, p.ID)
	if err != nil {
		return "", err
	}
	said := newSaying()
	said.say(p.Subject, p.Preheader)
	if record.Content != nil {
		said.edition(record.Content.OnTheWeb())
		h.words.forgetCorrected(*record.Content)
	}
	if h.Corrections != nil {
		corrections, err := h.Corrections(ctx, p.ID)
		if err != nil {
			return "", err
		}
		said.left = maxWords // whatever the letter's length, its corrections are found
		for _, c := range corrections {
			said.brief(c.Brief)
		}
	}
	if len(h.words.texts) >= 2*maxSought {
		clear(h.words.texts)
	}
	text := said.text.String()
	h.words.texts[p.ID] = text
	return text, nil
}

// forgetCorrected makes the editions that one corrects be read again. A
// correction may name its edition by the start of its id.
func (i *wordIndex) forgetCorrected(e compose.Edition) {
	for _, section := range e.Sections {
		for _, b := range section.Briefs {
			if b.Corrects == "" {
				continue
			}
			for id := range i.texts {
				if strings.HasPrefix(id, b.Corrects) {
					delete(i.texts, id)
				}
			}
		}
	}
}

// saying collects what is said, in lower case, up to a limit in bytes.
type saying struct {
	text strings.Builder
	left int
}

func newSaying() *saying { return &saying{left: maxWords} }

func (s *saying) say(texts ...string) {
	for _, text := range texts {
		if text != "" && s.left > 0 {
			text = strings.ToLower(text)
			s.text.WriteString(text + "\n")
			s.left -= len(text)
		}
	}
}

func (s *saying) blocks(body []compose.Block) {
	for _, b := range body {
		s.say(b.Text)
	}
}

func (s *saying) brief(b compose.Brief) {
	s.say(b.Title, b.Teaser)
	s.blocks(b.Body)
}

// edition says an edition's stories, the lead's text last since it is long.
func (s *saying) edition(e compose.Edition) {
	if l := e.Lead; l != nil {
		s.say(l.Title, l.Standfirst)
	}
	for _, section := range e.Sections {
		for _, b := range section.Briefs {
			s.brief(b)
		}
	}
	if e.Lead != nil {
		s.blocks(e.Lead.Body)
	}
}
