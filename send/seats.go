package send

import (
	"context"
	"sync"
	"time"
)

// seats are the connections that a relay allows at a time, shared between all
// who have mail for it. A connection that nobody uses stays with them.
type seats struct {
	mu      sync.Mutex
	most    int // seats there are
	free    int // negative when there are fewer than are taken
	idle    []*conn
	guests  map[*guest]struct{}
	turn    int           // seats taken so far
	changed chan struct{} // closed when a seat was taken or freed
}

// guest is one edition, or one single mail, that shares the seats.
type guest struct {
	held, waiting int
	turn          int // when it last took a seat
}

func newSeats(n int) *seats {
	return &seats{most: n, free: n, guests: map[*guest]struct{}{}, changed: make(chan struct{})}
}

func (s *seats) enter() *guest {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &guest{}
	s.guests[g] = struct{}{}
	return g
}

// leave ends g's visit. The last to leave closes the connections.
func (s *seats) leave(g *guest, patience time.Duration) {
	s.mu.Lock()
	delete(s.guests, g)
	var idle []*conn
	if len(s.guests) == 0 {
		idle, s.idle = s.idle, nil
	}
	s.mu.Unlock()
	var wg sync.WaitGroup
	for _, c := range idle {
		wg.Go(func() { c.quit(patience) })
	}
	wg.Wait()
}

// take waits for a seat, and brings a connection with it if there is one to
// spare. It returns false when
// ctx or over ended first.
func (s *seats) take(ctx context.Context, g *guest, over <-chan struct{}) (*conn, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g.waiting++
	defer func() { g.waiting-- }()
	s.announce() // somebody may have to make room
	for {
		if ctx.Err() != nil {
			return nil, false
		}
		if s.free > 0 && !s.before(g) {
			s.free--
			g.held++
			s.turn++
			g.turn = s.turn
			s.announce()
			if n := len(s.idle); n > 0 {
				c := s.idle[n-1]
				s.idle = s.idle[:n-1]
				return c, true
			}
			return nil, true
		}
		changed := s.changed
		s.mu.Unlock()
		ended := false
		select {
		case <-changed:
		case <-ctx.Done():
		case <-over:
			ended = true
		}
		s.mu.Lock()
		if ended {
			return nil, false
		}
	}
}

// wanted says that somebody who has fewer seats than g waits for one.
func (s *seats) wanted(g *guest) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for other := range s.guests {
		if s.free <= 0 && other.waiting > 0 && other.held < g.held {
			return true
		}
	}
	return false
}

// before says that a free seat is due to another guest than g: to the one who
// has fewest, and of those to the one who took none for the longest time.
func (s *seats) before(g *guest) bool {
	for other := range s.guests {
		if other == g || other.waiting == 0 {
			continue
		}
		if other.held < g.held || other.held == g.held && other.turn < g.turn {
			return true
		}
	}
	return false
}

// put frees a seat; c, if any, is left for the next.
func (s *seats) put(g *guest, c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free++
	g.held--
	if c != nil {
		s.idle = append(s.idle, c)
	}
	s.announce()
}

// resize changes how many seats there are. Who has one keeps it for now.
func (s *seats) resize(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free += n - s.most
	s.most = n
	s.announce()
}

// open returns how many connections there are, or are being made.
func (s *seats) open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most - s.free + len(s.idle)
}

func (s *seats) announce() {
	close(s.changed)
	s.changed = make(chan struct{})
}
