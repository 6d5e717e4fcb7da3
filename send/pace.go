package send

import (
	"context"
	"sync"
	"time"
)

// pace keeps a relay's rate. It spaces mails evenly: a relay that allows 3,600
// an hour gets one a second, not all at once.
type pace struct {
	interval time.Duration // 0: no limit
	mu       sync.Mutex
	next     time.Time // when the next mail may be sent
}

// slack is what may be caught up after a pause, so that a rate is reached
// though mails take their time.
const slack = 100 * time.Millisecond

func newPace(r Rate) *pace {
	if r.Count <= 0 || r.Per <= 0 {
		return &pace{}
	}
	return &pace{interval: r.Per / time.Duration(r.Count)}
}

// within returns how many mails are allowed in a time, one at least.
func (p *pace) within(t time.Duration) int {
	if p.interval == 0 {
		return 1 << 30
	}
	return max(1, int(t/p.interval))
}

// take waits for leave to send one mail. It returns false, having taken
// nothing, when ctx or over ended first.
func (p *pace) take(ctx context.Context, over <-chan struct{}) bool {
	if p.interval == 0 {
		return ctx.Err() == nil
	}
	wait := time.Until(p.reserve())
	if wait <= 0 {
		return true
	}
	if sleep(ctx, wait, over) {
		return true
	}
	p.giveBack()
	return false
}

// reserve takes the next place without waiting for it.
func (p *pace) reserve() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if earliest := time.Now().Add(-slack); p.next.Before(earliest) {
		p.next = earliest
	}
	at := p.next
	p.next = p.next.Add(p.interval)
	return at
}

// giveBack returns a place: its mail was not accepted.
func (p *pace) giveBack() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = p.next.Add(-p.interval)
}

// sleep waits; it returns false when ctx or over ended first.
func sleep(ctx context.Context, t time.Duration, over <-chan struct{}) bool {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	case <-over:
		return false
	}
}
