package fetch

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// polite lets only so many requests at a time through to one host, and none
// while the host asked to be left alone.
type polite struct {
	perHost int

	mu    sync.Mutex
	hosts map[string]*host
}

type host struct {
	slots chan struct{}
	users int       // who holds or waits for a slot
	until time.Time // Retry-After
}

func newPolite(perHost int) *polite {
	return &polite{perHost: perHost, hosts: map[string]*host{}}
}

// enter waits for a turn and returns what ends it.
func (p *polite) enter(ctx context.Context, name string) (leave func(), err error) {
	name = strings.ToLower(name)
	p.mu.Lock()
	p.forget()
	h := p.hosts[name]
	if h == nil {
		h = &host{slots: make(chan struct{}, p.perHost)}
		p.hosts[name] = h
	}
	if wait := time.Until(h.until); wait > 0 {
		p.mu.Unlock()
		return nil, fmt.Errorf("asked to be left alone for another %s", max(wait.Round(time.Second), time.Second))
	}
	h.users++
	p.mu.Unlock()

	done := func() {
		p.mu.Lock()
		h.users--
		p.mu.Unlock()
	}
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots; done() }, nil
	case <-ctx.Done():
		done()
		return nil, ctx.Err()
	}
}

// hold keeps requests away from a host until then.
func (p *polite) hold(name string, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h := p.hosts[strings.ToLower(name)]; h != nil && until.After(h.until) {
		h.until = until
	}
}

// forget drops hosts that nobody uses, so that a long life does not collect
// them. The caller holds the lock.
func (p *polite) forget() {
	if len(p.hosts) < 256 {
		return
	}
	now := time.Now()
	for name, h := range p.hosts {
		if h.users == 0 && !now.Before(h.until) {
			delete(p.hosts, name)
		}
	}
}
