package main

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"lede/compose"
	"lede/newsroom"
	"lede/source"
	"lede/templates"
)

// recently is for how long what came over the net stands for itself: a preview
// that redraws at every save must not ask other people's servers each time.
const recently = 5 * time.Minute

// shelf is a gatherer that reads again only what changed: files by their size
// and time, feeds and pictures from the net after a while.
type shelf struct {
	newsroom.Gatherer
	stories source.Shelf
	now     func() time.Time

	mu       sync.Mutex
	feeds    map[source.Spec]kept[source.Reading]
	pictures map[pictureOf]kept[source.Picture]
}

// kept is what was read of a feed or a picture.
type kept[T any] struct {
	value T
	file  fs.FileInfo // nil: from the net
	at    time.Time
}

type pictureOf struct {
	folder string
	image  source.Image
}

// maxKeptPictures bounds the pictures that are kept; a letter has one or a few.
const maxKeptPictures = 64

func newShelf(now func() time.Time) *shelf {
	s := &shelf{now: now}
	s.forget()
	return s
}

// behind puts the shelf before another gatherer.
func (s *shelf) behind(g newsroom.Gatherer) {
	if files, ok := g.(*source.Gatherer); ok {
		files.Shelf = &s.stories
	}
	s.Gatherer = g
}

// forget makes the shelf ask for everything from the net again.
func (s *shelf) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feeds, s.pictures = map[source.Spec]kept[source.Reading]{}, map[pictureOf]kept[source.Picture]{}
}

// fresh says whether something that was kept still is what is there; name is its
// file, empty when it came from the net.
func (k kept[T]) fresh(name string, now time.Time) bool {
	if name == "" {
		return k.file == nil && !k.at.IsZero() && now.Sub(k.at) <= recently
	}
	info, err := os.Stat(name)
	return err == nil && source.Unchanged(k.file, info) && k.at.Sub(info.ModTime()) >= source.Settled
}

// fileOf is a file's size and time, nil without one.
func fileOf(name string) fs.FileInfo {
	if name == "" {
		return nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil
	}
	return info
}

// feedFile is the file of a feed that is one.
func feedFile(s source.Spec) string {
	if strings.HasPrefix(strings.ToLower(s.Feed), "http") {
		return ""
	}
	return s.Feed
}

// Gather reads what is not kept. Folders keep their own files.
func (s *shelf) Gather(ctx context.Context, specs []source.Spec, zone *time.Location) []source.Reading {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	readings := make([]source.Reading, len(specs))
	var ask []source.Spec
	var places []int
	var files []fs.FileInfo
	for i, spec := range specs {
		if k, ok := s.feeds[spec]; ok && k.fresh(feedFile(spec), now) {
			readings[i] = k.value
			continue
		}
		ask, places, files = append(ask, spec), append(places, i), append(files, fileOf(feedFile(spec)))
	}
	for i, reading := range s.Gatherer.Gather(ctx, ask, zone) {
		readings[places[i]] = reading
		if spec := ask[i]; spec.Folder == "" && reading.Err == nil && (files[i] != nil || feedFile(spec) == "") {
			s.feeds[spec] = kept[source.Reading]{reading, files[i], now}
		}
	}
	return readings
}

// Picture reads a picture that is not kept.
func (s *shelf) Picture(ctx context.Context, spec source.Spec, image source.Image) (source.Picture, error) {
	name, now, key := "", s.now(), pictureOf{spec.Folder, image}
	if image.Path != "" {
		name = filepath.Join(spec.Folder, filepath.FromSlash(image.Path))
	}
	s.mu.Lock()
	k, ok := s.pictures[key]
	s.mu.Unlock()
	if ok && k.fresh(name, now) {
		return k.value, nil
	}
	file := fileOf(name)
	p, err := s.Gatherer.Picture(ctx, spec, image)
	if err == nil && (file != nil || name == "") {
		s.mu.Lock()
		if len(s.pictures) >= maxKeptPictures {
			clear(s.pictures)
		}
		s.pictures[key] = kept[source.Picture]{p, file, now}
		s.mu.Unlock()
	}
	return p, err
}

// themeShelf keeps themes as they were read, until a file of theirs or the
// configuration changes.
type themeShelf struct {
	mu   sync.Mutex
	kept map[string]loadedTheme // by newsletter
}

type loadedTheme struct {
	stamp int64 // of the theme's folder
	theme *templates.Theme
	err   error
}

func newThemeShelf() *themeShelf { return &themeShelf{kept: map[string]loadedTheme{}} }

// forget makes all themes be read again.
func (s *themeShelf) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.kept)
}

// theme is a newsletter's theme.
func (s *themeShelf) theme(n newsroom.Newsletter) (*templates.Theme, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var stamp int64
	if n.ThemeDir != "" {
		stamp = stampOf([]string{n.ThemeDir})
	}
	if k, ok := s.kept[n.ID]; ok && k.stamp == stamp {
		return k.theme, k.err
	}
	theme, err := templates.Load(n.Recipe.Theme, n.ThemeDir, n.Tokens)
	s.kept[n.ID] = loadedTheme{stamp: stamp, theme: theme, err: err}
	return theme, err
}

// render sets an edition in the newsletter's theme.
func (s *themeShelf) render(n newsroom.Newsletter, e compose.Edition) (compose.Rendered, error) {
	theme, err := s.theme(n)
	if err != nil {
		return compose.Rendered{}, err
	}
	return compose.RenderAll(n.Recipe, e, theme, randomHex(8))
}
