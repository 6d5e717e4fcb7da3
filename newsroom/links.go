package newsroom

import (
	"context"
	"errors"
	"sync"
	"time"

	"lede/compose/lint"
	"lede/internal/fetch"
)

// Bounds of following a letter's links.
const (
	mostLinks   = 200 // what is beyond is not asked
	linkLanes   = 8   // requests at a time; those to one host are fewer
	linksWithin = 90 * time.Second
)

// prober is the part of fetch.Client that is needed.
type prober interface {
	Probe(ctx context.Context, address string) (fetch.Probed, error)
}

// FollowLinks asks for the links and pictures of a letter's HTML, each address
// once, under the guard of client: several at a time, at most 200, within 90
// seconds. What was not asked by then is not in the answer.
func FollowLinks(ctx context.Context, client prober, html string) map[string]lint.Visit {
	ctx, cancel := context.WithTimeout(ctx, linksWithin)
	defer cancel()
	links, pictures := lint.Addresses(html)
	addresses := append(pictures, links...)
	addresses = addresses[:min(mostLinks, len(addresses))]

	visits := make([]lint.Visit, len(addresses))
	asked := make([]bool, len(addresses))
	var wait sync.WaitGroup
	turns := make(chan struct{}, linkLanes)
	for i, address := range addresses {
		select {
		case <-ctx.Done():
		case turns <- struct{}{}:
			wait.Go(func() {
				defer func() { <-turns }()
				visits[i], asked[i] = visit(ctx, client, address)
			})
		}
	}
	wait.Wait()
	out := map[string]lint.Visit{}
	for i, address := range addresses {
		if asked[i] {
			out[address] = visits[i]
		}
	}
	return out
}

// visit asks for one address; ok is false when there was no time for an answer.
func visit(ctx context.Context, client prober, address string) (v lint.Visit, ok bool) {
	found, err := client.Probe(ctx, address)
	switch {
	case errors.Is(err, fetch.ErrRefused):
		return lint.Visit{Inside: true}, true
	case err != nil && ctx.Err() != nil:
		return v, false
	case err != nil:
		return lint.Visit{Err: err.Error()}, true
	}
	v = lint.Visit{Status: found.Status, Bytes: found.Bytes}
	if found.URL != address {
		v.Final = found.URL
	}
	return v, true
}
