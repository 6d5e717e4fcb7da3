package send_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"lede/send"
)

// ledger is a strict ledger in memory: it holds whoever uses it to the
// contract, and every test to the sums.
type ledger struct {
	t     testing.TB
	bound int           // deliveries that may be between intent and outcome
	slow  time.Duration // a commit takes this long
	born  time.Time

	mu      sync.Mutex
	rows    []*row
	byAddr  map[string]*row
	ended   int // the first rows that are sent or failed
	closed  bool
	fail    func(outcomes, claims int) error
	commits int
	most    int // deliveries between intent and outcome at the same time
	sending int
	looks   int                // deliveries that a claim asked Place about
	writes  int                // of these, how many were put off
	gone    map[string]string  // suppressed addresses, and why
	onLists map[int64][]string // lists by subscriber
	taken   map[string]int     // accepted, by relay and day
}

// mostLooked is how many deliveries one claim looks at beyond those wanted.
const mostLooked = 256

type row struct {
	send.Delivery
	state  send.State
	due    time.Time
	doubts int
	last   send.Outcome
	tries  int // claims, also those that were given back
}

// newLedger returns a ledger with n deliveries due now, to r0@quay.example and
// so on.
func newLedger(t testing.TB, n, bound int) *ledger {
	l := &ledger{t: t, bound: bound, born: time.Now(), byAddr: map[string]*row{}, gone: map[string]string{}, taken: map[string]int{}}
	for i := range n {
		r := &row{state: send.Pending, due: time.Now(), Delivery: send.Delivery{
			Edition: "ed1", Pos: int64(i), Subscriber: int64(1000 + i), Salt: 5,
			Address: fmt.Sprintf("r%d@quay.example", i), Name: fmt.Sprintf("Reader %d", i), First: time.Now(),
			Domain: "quay.example",
		}}
		l.rows = append(l.rows, r)
		l.byAddr[r.Address] = r
	}
	return l
}

func (l *ledger) Commit(_ context.Context, done []send.Outcome, ask send.Claim) (send.Claimed, error) {
	edition, most, now := ask.Edition, ask.Max, ask.Now
	if l.slow > 0 {
		time.Sleep(l.slow)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.commits++
	if l.fail != nil {
		if err := l.fail(len(done), most); err != nil {
			return send.Claimed{}, err
		}
	}
	for _, o := range done {
		r := l.rows[o.Pos]
		if r.state != send.Sending || o.Edition != edition {
			l.t.Errorf("outcome %s for delivery %d, which is %s", o.State, o.Pos, r.state)
		}
		if o.At.IsZero() || o.State != send.Pending && o.Relay == "" {
			l.t.Errorf("outcome %+v lacks its time or relay", o)
		}
		if (o.State == send.Pending || o.State == send.Deferred) && o.Due.IsZero() {
			l.t.Errorf("outcome %s for delivery %d without due time", o.State, o.Pos)
		}
		r.state, r.due, r.last = o.State, o.Due, o
		if o.State == send.Pending {
			r.Attempt--
		}
		if o.Doubt {
			r.doubts++
		}
		if r.LastRelay = o.Relay; o.State == send.Sent {
			l.taken[o.Relay+o.At.UTC().Format(" 2006-01-02")]++
		}
		if o.Suppress != "" {
			if o.State != send.Failed {
				l.t.Errorf("outcome %s suppresses delivery %d", o.State, o.Pos)
			}
			l.gone[r.Address] = o.Suppress
		}
		l.sending--
	}
	claimed := send.Claimed{Open: !l.closed}
	if l.closed {
		return claimed, nil
	}
	for l.ended < len(l.rows) && (l.rows[l.ended].state == send.Sent || l.rows[l.ended].state == send.Failed) {
		l.ended++
	}
	looked := 0
	full := func() bool {
		if looked >= most+mostLooked {
			claimed.More = true
		}
		return len(claimed.Deliveries) == most || claimed.More
	}
	var late []*row // due again after the ledger was made
	for _, r := range l.rows[l.ended:] {
		if r.state != send.Pending && r.state != send.Deferred {
			continue
		}
		if r.due.After(l.born) {
			late = append(late, r)
			continue
		}
		if full() {
			claimed.Next = r.due
			break
		}
		l.offer(&claimed, r, ask, &looked)
		if r.state != send.Sending {
			late = append(late, r)
		}
	}
	slices.SortStableFunc(late, func(a, b *row) int { return a.due.Compare(b.due) })
	if claimed.Next.IsZero() {
		for _, r := range late {
			if r.due.After(now) || full() {
				break
			}
			l.offer(&claimed, r, ask, &looked)
		}
		for _, r := range late {
			if r.state != send.Sending && (claimed.Next.IsZero() || r.due.Before(claimed.Next)) {
				claimed.Next = r.due
			}
		}
	}
	if len(claimed.Deliveries) > 0 {
		claimed.Next = time.Time{}
	}
	if l.most = max(l.most, l.sending); l.most > l.bound {
		l.t.Errorf("%d deliveries between intent and outcome, at most %d may be", l.sending, l.bound)
	}
	return claimed, nil
}

// offer claims a delivery, unless Place has it wait.
func (l *ledger) offer(c *send.Claimed, r *row, ask send.Claim, looked *int) {
	d := r.Delivery
	d.Attempt++
	for _, list := range l.onLists[d.Subscriber] {
		if slices.Contains(ask.Lists, list) {
			d.Lists = append(d.Lists, list)
		}
	}
	if ask.Place != nil {
		*looked++
		l.looks++
		until, ok := ask.Place(&d)
		if !ok {
			if until.IsZero() {
				l.t.Errorf("delivery %d waits for ever", d.Pos)
			}
			l.writes++
			r.due = until
			return
		}
		if d.Relay == "" {
			l.t.Errorf("delivery %d was placed nowhere", d.Pos)
		}
	}
	r.state = send.Sending
	r.Attempt++
	r.tries++
	c.Deliveries = append(c.Deliveries, d)
	l.sending++
}

func (l *ledger) Recover(context.Context, string, bool, time.Time) (int, error) { return 0, nil }

func (l *ledger) Accepted(_ context.Context, relay string, at time.Time) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.taken[relay+at.UTC().Format(" 2006-01-02")], nil
}

// intent says whether the delivery to an address is between intent and outcome.
func (l *ledger) intent(address string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.byAddr[address]
	return r != nil && r.state == send.Sending
}

func (l *ledger) close(closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = closed
}

// sums counts by state.
func (l *ledger) sums() map[send.State]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	sums := map[send.State]int{}
	for _, r := range l.rows {
		sums[r.state]++
	}
	return sums
}

func (l *ledger) row(i int) row {
	l.mu.Lock()
	defer l.mu.Unlock()
	return *l.rows[i]
}

// positions returns the places of the deliveries in a state.
func (l *ledger) positions(state send.State) []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []int64
	for _, r := range l.rows {
		if r.state == state {
			found = append(found, r.Pos)
		}
	}
	slices.Sort(found)
	return found
}
