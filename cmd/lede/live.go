package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"io/fs"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"lede/internal/config"
	"lede/newsroom"
	"lede/source"
	"lede/templates"
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
	l := &live{house: h, pictures: map[string]source.Picture{}, feeds: &recentFeeds{kept: map[source.Spec]source.Reading{}, now: a.now}}
	l.take(h)
	page := &web.Preview{
		Newsletters: func() []web.PreviewNewsletter { return l.newsletters(chosen.ID) },
		Render:      l.render, Find: l.find, Send: l.send, Version: l.version, Picture: l.picture, Now: a.now, Log: h.log,
	}
	if len(chosen.Notify) > 0 {
		page.ProofTo = chosen.Notify[0]
	}
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
	feeds *recentFeeds

	mu       sync.Mutex
	house    *house
	stamp    int64 // of the configuration that house was made from
	pictures map[string]source.Picture
}

// take puts a house to work. The caller holds the lock, or is alone.
func (l *live) take(h *house) {
	l.feeds.Gatherer = h.room.Gatherer
	h.room.Gatherer = l.feeds
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
	if r.Fetch {
		l.feeds.forget()
	}
	if _, err := templates.Load(n.Recipe.Theme, n.ThemeDir, n.Tokens); err != nil {
		return web.Proof{Error: err.Error()}, nil
	}
	p, err := h.proof(ctx, n, nextSlot(n, h.app.now()), r.As)
	if err != nil {
		return web.Proof{}, err
	}
	l.mu.Lock()
	for _, picture := range p.draft.Pictures {
		l.pictures[picture.Name] = picture
	}
	l.mu.Unlock()
	out := web.Proof{
		Edition: p.draft.Edition, Sender: n.Sender.From.Name, HTML: p.html, Text: p.text, Source: p.eml,
		Findings: p.draft.Findings, Min: n.Recipe.Min, Slot: p.slot.In(n.Recipe.Zone), BaseURL: n.Recipe.BaseURL,
		Drawn: h.app.now().In(n.Recipe.Zone), Took: p.draft.Took,
	}
	if p.message != nil {
		out.Subject = p.message.Subject(p.reader)
	}
	if out.Earlier, err = h.earlier(ctx, n); err != nil {
		return out, err
	}
	out.Audience, err = h.store.Audience(ctx, n.ID, n.Lists)
	return out, err
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
	p, err := h.proof(ctx, n, nextSlot(n, h.app.now()), r.As)
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

// version changes whenever a story, a template or the configuration did.
func (l *live) version() int64 {
	l.mu.Lock()
	h := l.house
	l.mu.Unlock()
	paths := []string{h.cfg.Path}
	for _, n := range h.newsletters {
		paths = append(paths, madeFrom(n)...)
	}
	return stampOf(paths)
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
	for _, p := range paths {
		_ = filepath.WalkDir(p, func(name string, entry fs.DirEntry, err error) error {
			if err != nil {
				return nil //nolint:nilerr // what can't be read is no part of the stamp
			}
			if info, err := entry.Info(); err == nil && !entry.IsDir() {
				fmt.Fprintln(h, name, info.Size(), info.ModTime().UnixNano())
			}
			return nil
		})
	}
	return int64(h.Sum64()) //nolint:gosec // any number will do
}

// feedsKept is for how long a feed that was read stands for itself: a preview
// that redraws at every save must not ask other people's servers each time.
const feedsKept = 5 * time.Minute

// recentFeeds remembers feeds from the net for a while. Folders and files are
// read anew each time.
type recentFeeds struct {
	newsroom.Gatherer
	now func() time.Time

	mu   sync.Mutex
	kept map[source.Spec]source.Reading
}

func (f *recentFeeds) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.kept)
}

// Gather reads what is not kept.
func (f *recentFeeds) Gather(ctx context.Context, specs []source.Spec, zone *time.Location) []source.Reading {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ask []source.Spec
	for _, s := range specs {
		if kept, ok := f.kept[s]; !ok || f.now().Sub(kept.Fetched) > feedsKept {
			ask = append(ask, s)
		}
	}
	fresh := map[string]source.Reading{}
	for i, reading := range f.Gatherer.Gather(ctx, ask, zone) {
		fresh[reading.Source] = reading
		if strings.HasPrefix(ask[i].Feed, "http") && reading.Err == nil {
			f.kept[ask[i]] = reading
		}
	}
	readings := make([]source.Reading, len(specs))
	for i, s := range specs {
		reading, ok := fresh[s.ID]
		if !ok {
			reading = f.kept[s]
		}
		readings[i] = reading
	}
	return readings
}
