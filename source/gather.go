package source

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"lede/internal/fetch"
)

const (
	atATime        = 8
	defaultTimeout = 20 * time.Second
)

// Gatherer reads sources. Use a pointer; it is safe for concurrent use.
type Gatherer struct {
	HTTP    *fetch.Client    // needed for feeds and pictures with a web address
	Cache   Cache            // may be nil: then feeds are always read whole
	Now     func() time.Time // nil: time.Now
	Settle  time.Duration    // files younger than this are passed over; 0 = none
	Timeout time.Duration    // of a whole source; 0: 20 s
	Shelf   *Shelf           // story files that were read; nil: all are read each time

	articles articleShelf

	// Pictures take up to 200 MB while they are decoded: one at a time.
	decoding sync.Mutex
}

// Gather reads all sources at once and returns one Reading for each, in their
// order. What goes wrong with one stays in its Reading. Dates without a zone
// are in zone.
func (g *Gatherer) Gather(ctx context.Context, specs []Spec, zone *time.Location) []Reading {
	if zone == nil {
		zone = time.UTC
	}
	readings := make([]Reading, len(specs))
	turns := make(chan struct{}, atATime)
	var wg sync.WaitGroup
	for i, spec := range specs {
		wg.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			readings[i] = g.read(ctx, spec, zone)
		})
	}
	wg.Wait()
	return readings
}

// read reads one source within its time. A panic in a parser is that source's
// error.
func (g *Gatherer) read(ctx context.Context, spec Spec, zone *time.Location) (r Reading) {
	limit := g.Timeout
	if limit <= 0 {
		limit = defaultTimeout
	}
	whole := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not read whole within %s", limit))
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			r = Reading{Err: fmt.Errorf("could not be read: its reader failed: %s", oneLine(fmt.Sprint(p), 200))}
		}
		r.Source = spec.ID
		if r.Fetched.IsZero() {
			r.Fetched = g.now()
		}
		if r.Err != nil {
			r.Stories = nil
		}
		for i := range r.Stories {
			r.Stories[i].Source, r.Stories[i].Order = spec.ID, i
			if r.Stories[i].Kind == "" {
				r.Stories[i].Kind = KindStory
			}
		}
	}()
	switch {
	case spec.Folder != "":
		return g.readFolder(ctx, spec, zone)
	case spec.Feed != "":
		r = g.readFeed(ctx, spec)
		if spec.Own && spec.Full && r.Err == nil {
			g.readArticles(whole, spec, r.Stories) // in a time of its own
		}
		return r
	}
	return Reading{Err: errors.New("names neither a folder nor a feed")}
}

func (g *Gatherer) now() time.Time {
	if g.Now != nil {
		return g.Now().UTC()
	}
	return time.Now().UTC()
}
