package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"lede/compose"
	"lede/internal/config"
	"lede/newsroom"
	"lede/source"
	"lede/web"
)

// previewPage serves the editor's page until ctx ends.
func previewPage(ctx context.Context, a *app, h *house, args []string, o previewOptions) error {
	chosen, err := h.newsletter(args)
	if err != nil && len(args) > 0 {
		return err
	}
	if err != nil {
		chosen = h.newsletters[0] // the page has a list of all
	}
	host, _, err := net.SplitHostPort(o.listen)
	if err != nil || !loopback(host) {
		return usageError("--listen %s: the preview page is shown on loopback only, such as 127.0.0.1:9010", o.listen)
	}
	ln, err := listen(o.listen)
	if err != nil {
		return err
	}
	page := newLive(a, h).page(chosen)
	a.say("Preview of %s on http://%s (Ctrl-C ends)", chosen.Name, ln.Addr())
	server := web.NewServer("", page.Handler())
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(ln); ctx.Err() == nil {
		return fmt.Errorf("serving the preview: %w", err)
	}
	return nil
}

// live keeps the house behind a preview page up to date with the configuration.
type live struct {
	shelf    *shelf
	themes   *themeShelf
	wordings compose.Wordings

	mu       sync.Mutex
	house    *house
	stamp    int64 // of the configuration that house was made from
	pictures map[string]source.Picture

	edits      int64 // what editors handed back; see edited
	askedEdits time.Time

	drafting sync.Mutex
	drafts   map[string]drafted // the last of each newsletter
}

// drafted is a draft, and from what it was made.
type drafted struct {
	draft   newsroom.Draft
	slot    time.Time
	version int64
	at      time.Time
}

// newLive begins a preview of a house.
func newLive(a *app, h *house) *live {
	l := &live{house: h, pictures: map[string]source.Picture{}, drafts: map[string]drafted{}, themes: newThemeShelf(), shelf: newShelf(a.now)}
	l.take(h)
	return l
}

// page is the preview's page, which begins with the chosen newsletter.
func (l *live) page(chosen newsroom.Newsletter) *web.Preview {
	page := &web.Preview{
		Newsletters: func() []web.PreviewNewsletter { return l.newsletters(chosen.ID) },
		Render:      l.render, Find: l.find, Send: l.send, Version: l.version, Picture: l.picture, Now: l.house.app.now, Log: l.house.log,
	}
	if len(chosen.Notify) > 0 {
		page.ProofTo = chosen.Notify[0]
	}
	return page
}

// take puts a house to work. The caller holds the lock, or is alone.
func (l *live) take(h *house) {
	l.shelf.behind(h.room.Gatherer)
	h.room.Gatherer, h.room.Theme, h.room.Render, h.room.Wordings = l.shelf, l.themes.theme, l.themes.render, &l.wordings
	l.themes.forget() // their names and tokens are the configuration's
	l.house, l.stamp = h, stampOf(configuredBy(h))
}

// newsletters lists those of the last good configuration, the chosen one first
// while there is one of that id.
func (l *live) newsletters(chosen string) []web.PreviewNewsletter {
	_, _ = l.current() // while it is broken the page says so
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []web.PreviewNewsletter
	for _, n := range l.house.newsletters {
		entry := web.PreviewNewsletter{ID: n.ID, Name: n.Name}
		if n.ID == chosen {
			list = slices.Insert(list, 0, entry)
			continue
		}
		list = append(list, entry)
	}
	return list
}

// current returns the house, made anew when the configuration changed. While
// that is broken its problems are the error.
func (l *live) current() (*house, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if stampOf(configuredBy(l.house)) == l.stamp {
		return l.house, nil
	}
	cfg, err := config.Load(l.house.cfg.Path, l.house.app.environ)
	if err != nil {
		return nil, err
	}
	next := *l.house
	next.cfg = cfg
	if next.plan, err = planOf(cfg); err != nil {
		return nil, err
	}
	if next.newsletters, err = next.app.newsletters(cfg); err != nil {
		return nil, err
	}
	for i := range next.newsletters {
		next.newsletters[i].Sender.Keys = next.keys
	}
	next.wireRoom(wiring{by: "preview"})
	l.take(&next)
	return l.house, nil
}

func (l *live) render(ctx context.Context, r web.Request) (web.Proof, error) {
	h, err := l.current()
	if err != nil {
		return web.Proof{}, err
	}
	n, err := h.newsletter([]string{r.Newsletter})
	if err != nil {
		return web.Proof{}, err
	}
	if _, err := l.themes.theme(n); err != nil {
		return web.Proof{Error: err.Error()}, nil
	}
	p, err := l.proof(ctx, h, n, r)
	if err != nil {
		return web.Proof{}, err
	}
	out := web.Proof{
		Edition: p.draft.Edition, Sender: n.Sender.From.Name, HTML: p.html, Text: p.text, Source: p.eml,
		Findings: p.draft.Findings, Min: n.Recipe.Min, Slot: p.slot.In(n.Recipe.Zone), BaseURL: n.Recipe.BaseURL,
		Variant: p.variant, Own: p.own, Drawn: h.app.now().In(n.Recipe.Zone), Took: p.draft.Took,
	}
	if p.message != nil {
		out.Subject = p.message.Subject(p.reader)
	}
	if out.Earlier, err = h.earlier(ctx, n); err != nil {
		return out, err
	}
	listed, err := h.listed(ctx, n, p)
	if err != nil {
		return out, err
	}
	out.Subjects = listed.Subjects
	for _, v := range listed.Variants {
		out.Variants = append(out.Variants, web.Variant{Name: v.Name, Readers: v.Readers})
	}
	out.Audience, err = h.store.Reach(ctx, n.Aim(newsroom.Order{}), h.app.now())
	return out, err
}

// proof is the letter that a page asks for. All letters of a newsletter are
// filled in from one draft, until something changes.
func (l *live) proof(ctx context.Context, h *house, n newsroom.Newsletter, r web.Request) (proof, error) {
	slot, version := nextSlot(n, h.app.now()), l.version()
	l.drafting.Lock()
	last, ok := l.drafts[n.ID]
	if r.Fetch {
		l.shelf.forget()
	}
	if !ok || r.Fetch || last.version != version || !last.slot.Equal(slot) || h.app.now().Sub(last.at) > recently {
		d, err := h.draft(ctx, n, slot, last.draft.Known)
		if err != nil {
			l.drafting.Unlock()
			return proof{}, err
		}
		last = drafted{d, slot, version, h.app.now()}
		l.drafts[n.ID] = last
	}
	l.drafting.Unlock()
	l.mu.Lock()
	for _, picture := range last.draft.Pictures {
		l.pictures[picture.Name] = picture
	}
	l.mu.Unlock()
	w := wanted{as: r.As, subject: r.Subject}
	if v := last.draft.Variants; r.Subject > 0 && (v == nil || r.Subject > len(v.Subjects)) {
		w.subject = 0 // a test that an edit took away
	}
	if v := last.draft.Variants; r.Variant >= 0 && v != nil && r.Variant <= len(v.Letters) {
		w.variant = strconv.Itoa(r.Variant)
	}
	return h.fill(ctx, n, proof{draft: last.draft, slot: slot}, w)
}

// earlier is the last edition of the newsletter that somebody got; nil when
// there is none.
func (h *house) earlier(ctx context.Context, n newsroom.Newsletter) (*web.Earlier, error) {
	last, err := h.store.Published(ctx, n.ID, time.Time{}, time.Time{}, 1)
	if err != nil || len(last) == 0 {
		return nil, err
	}
	rec, err := h.store.Edition(ctx, last[0].ID)
	if err != nil || rec.Content == nil {
		return nil, err
	}
	return &web.Earlier{Edition: *rec.Content, Slot: rec.Slot.In(n.Recipe.Zone)}, nil
}

// send mails a proof.
func (l *live) send(ctx context.Context, r web.Request, to string) (string, error) {
	h, err := l.current()
	if err != nil {
		return "", err
	}
	n, err := h.newsletter([]string{r.Newsletter})
	if err != nil {
		return "", err
	}
	p, err := l.proof(ctx, h, n, r)
	if err != nil {
		return "", err
	}
	if err := h.mailProof(ctx, n, p, to); err != nil {
		return "", err
	}
	return "250", nil
}

// readersOffered is how many subscribers a search in the preview lists.
const readersOffered = 8

// find lists subscribers for the page.
func (l *live) find(ctx context.Context, text string) ([]web.PreviewReader, error) {
	h, err := l.current()
	if err != nil {
		return nil, err
	}
	people, err := h.store.Find(ctx, text, readersOffered)
	var found []web.PreviewReader
	for _, p := range people {
		found = append(found, web.PreviewReader{Address: p.Address, Name: p.Name})
	}
	return found, err
}

// picture finds a picture of a letter that was drawn.
func (l *live) picture(ctx context.Context, name string) (source.Picture, error) {
	l.mu.Lock()
	p, ok := l.pictures[name]
	h := l.house
	l.mu.Unlock()
	if ok {
		return p, nil
	}
	return h.store.Picture(ctx, name)
}

// version changes whenever a story, a template or the configuration did, or an
// editor handed a file back.
func (l *live) version() int64 {
	l.mu.Lock()
	h := l.house
	edited := l.edited(h)
	l.mu.Unlock()
	paths := []string{h.cfg.Path}
	for _, n := range h.newsletters {
		paths = append(paths, madeFrom(n)...)
	}
	return stampOf(paths) + edited
}

// askEdited is how often the store is asked what editors handed back.
const askEdited = time.Second

// edited changes whenever an editor handed back a file of a coming edition. The
// caller holds the lock. What the store can't tell stays as it was: the drawing
// says what is wrong with it.
func (l *live) edited(h *house) int64 {
	now := h.app.now()
	if now.Sub(l.askedEdits) < askEdited && !now.Before(l.askedEdits) {
		return l.edits
	}
	l.askedEdits = now
	edits := fnv.New64a()
	for _, n := range h.newsletters {
		number, err := h.store.AppliedRevision(context.Background(), n.ID, nextSlot(n, now))
		if err != nil {
			return l.edits
		}
		fmt.Fprint(edits, n.ID, " ", number, "\n")
	}
	l.edits = int64(edits.Sum64()) //nolint:gosec // any number will do
	return l.edits
}

// configuredBy lists what a house is made from: the configuration, and the words
// that its newsletters were built with.
func configuredBy(h *house) []string {
	paths := []string{h.cfg.Path}
	for _, n := range h.newsletters {
		if n.WordsDir != "" {
			paths = append(paths, n.WordsDir)
		}
	}
	return paths
}

// madeFrom lists the folders and files that a newsletter's letter is made from.
func madeFrom(n newsroom.Newsletter) []string {
	var paths []string
	for _, s := range n.Sources {
		if s.Folder != "" {
			paths = append(paths, s.Folder)
		} else if filepath.IsAbs(s.Feed) {
			paths = append(paths, s.Feed)
		}
	}
	if n.ThemeDir != "" {
		paths = append(paths, n.ThemeDir)
	}
	if n.WordsDir != "" {
		paths = append(paths, n.WordsDir)
	}
	return paths
}

// stampOf is a hash of the names, sizes and times of files and of everything in
// folders.
func stampOf(paths []string) int64 {
	h := fnv.New64a()
	var numbers [16]byte
	for _, p := range paths {
		_ = filepath.WalkDir(p, func(name string, entry fs.DirEntry, err error) error {
			if err != nil {
				return nil //nolint:nilerr // what can't be read is no part of the stamp
			}
			if info, err := entry.Info(); err == nil && !entry.IsDir() {
				_, _ = io.WriteString(h, name)                                                // a hash takes everything
				binary.LittleEndian.PutUint64(numbers[:], uint64(info.Size()))                //nolint:gosec // any number will do
				binary.LittleEndian.PutUint64(numbers[8:], uint64(info.ModTime().UnixNano())) //nolint:gosec // any number will do
				_, _ = h.Write(numbers[:])
			}
			return nil
		})
	}
	return int64(h.Sum64()) //nolint:gosec // any number will do
}
