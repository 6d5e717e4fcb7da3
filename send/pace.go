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
	slack    time.Duration // what may be caught up after a pause
	mu       sync.Mutex
	next     time.Time // when the next mail may be sent
}

// usualSlack is what may be caught up where no burst is set, so that a rate is
// reached though mails take their time.
const usualSlack = 100 * time.Millisecond

// newPace returns the pace of a relay; burst mails may go at once, 0 for the
// usual slack.
func newPace(r Rate, burst int) *pace {
	if r.Count <= 0 || r.Per <= 0 {
		return &pace{}
	}
	p := &pace{interval: r.Per / time.Duration(r.Count), slack: usualSlack}
	if burst > 0 {
		p.slack = time.Duration(burst-1) * p.interval
	}
	return p
}

// within returns how many mails are allowed in a time, one at least.
func (p *pace) within(t time.Duration) int {
	if p.interval == 0 {
		return 1 << 30
	}
	return max(1, int(t/p.interval))
}

// reserve takes the next place without waiting for it.
func (p *pace) reserve() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if earliest := time.Now().Add(-p.slack); p.next.Before(earliest) {
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
