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
}

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
	l := &ledger{t: t, bound: bound, born: time.Now(), byAddr: map[string]*row{}}
	for i := range n {
		r := &row{state: send.Pending, due: time.Now(), Delivery: send.Delivery{
			Edition: "ed1", Pos: int64(i), Subscriber: int64(1000 + i), Salt: 5,
			Address: fmt.Sprintf("r%d@quay.example", i), Name: fmt.Sprintf("Reader %d", i), First: time.Now(),
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
		l.sending--
	}
	claimed := send.Claimed{Open: !l.closed}
	if l.closed {
		return claimed, nil
	}
	for l.ended < len(l.rows) && (l.rows[l.ended].state == send.Sent || l.rows[l.ended].state == send.Failed) {
		l.ended++
	}
	full := false
	var late []*row // due again after the ledger was made
	for _, r := range l.rows[l.ended:] {
		switch {
		case r.state != send.Pending && r.state != send.Deferred:
		case r.due.After(l.born):
			late = append(late, r)
		case len(claimed.Deliveries) == most:
			claimed.Next, full = r.due, true
		default:
			l.claim(&claimed, r)
		}
		if full {
			break
		}
	}
	slices.SortStableFunc(late, func(a, b *row) int { return a.due.Compare(b.due) })
	for _, r := range late {
		if full || r.due.After(now) || len(claimed.Deliveries) == most {
			if !full {
				claimed.Next = r.due
			}
			break
		}
		l.claim(&claimed, r)
	}
	if len(claimed.Deliveries) > 0 {
		claimed.Next = time.Time{}
	}
	if l.most = max(l.most, l.sending); l.most > l.bound {
		l.t.Errorf("%d deliveries between intent and outcome, at most %d may be", l.sending, l.bound)
	}
	return claimed, nil
}

func (l *ledger) claim(c *send.Claimed, r *row) {
	r.state = send.Sending
	r.Domain = "quay.example"
	r.Attempt++
	r.tries++
	c.Deliveries = append(c.Deliveries, r.Delivery)
	l.sending++
}

func (l *ledger) Recover(context.Context, string, bool, time.Time) (int, error) { return 0, nil }

func (l *ledger) Accepted(context.Context, string, time.Time) (int, error) { return 0, nil }

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
