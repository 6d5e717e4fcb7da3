package send

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// mostDomains is how many domains are counted; of more, those with the
	// fewest mails are forgotten.
	mostDomains = 4096
	// topDomains is how many are shown.
	topDomains = 25
	// lastTallies is how many editions are kept that have ended.
	lastTallies = 8
	// mostAnswers is how many different answers a relay's tally keeps apart.
	mostAnswers = 500
)

// waitBounds are the upper ends of the histogram of answers.
var waitBounds = []time.Duration{
	time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2500 * time.Millisecond,
	5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 10 * time.Minute,
}

// counts are what a gateway counts beside the mails.
type counts struct {
	connections, failures, inFlight atomic.Int64
}

// tally counts what became of mails: of all, or of one edition. It is added to
// once a commit.
type tally struct {
	mu      sync.Mutex
	relays  map[string]*relayTally
	domains map[string]*Tally
}

type relayTally struct {
	Tally
	answers map[answerKey]int64
	waits   []int64
	sum     time.Duration
}

// answerKey is a reply's code and enhanced code.
type answerKey struct {
	code     int
	enhanced enhanced
}

func (k answerKey) String() string {
	if k.enhanced == (enhanced{}) {
		return fmt.Sprint(k.code)
	}
	return fmt.Sprintf("%d %d.%d.%d", k.code, k.enhanced.class, k.enhanced.subject, k.enhanced.detail)
}

func newTally() *tally {
	return &tally{relays: map[string]*relayTally{}, domains: map[string]*Tally{}}
}

// add counts outcomes of one relay.
func (t *tally) add(relay string, outcomes []Outcome, gates *gates) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.relays[relay]
	if r == nil {
		r = &relayTally{answers: map[answerKey]int64{}, waits: make([]int64, len(waitBounds)+1)}
		t.relays[relay] = r
	}
	for i := range outcomes {
		o := &outcomes[i]
		if o.Code != 0 {
			key := answerKey{code: o.Code}
			key.enhanced, _ = enhancedCode(o.Reply)
			if _, known := r.answers[key]; known || len(r.answers) < mostAnswers {
				r.answers[key]++
			}
			at, _ := slices.BinarySearch(waitBounds, o.took)
			r.waits[at]++
			r.sum += o.took
		}
		if o.State == Pending {
			continue
		}
		r.count(o.State)
		t.domain(gates.name(o.domain)).count(o.State)
	}
}

// domain returns the tally of a domain. t is locked.
func (t *tally) domain(name string) *Tally {
	d := t.domains[name]
	if d != nil {
		return d
	}
	if len(t.domains) >= mostDomains {
		for _, least := range t.order()[mostDomains/2:] {
			delete(t.domains, least)
		}
	}
	d = &Tally{}
	t.domains[name] = d
	return d
}

// order returns the domains, those with the most mails first. t is locked.
func (t *tally) order() []string {
	names := make([]string, 0, len(t.domains))
	for name := range t.domains {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(t.domains[b].all(), t.domains[a].all()), cmp.Compare(a, b))
	})
	return names
}

func (t *Tally) count(s State) {
	switch s {
	case Sent:
		t.Sent++
	case Deferred:
		t.Deferred++
	case Failed:
		t.Failed++
	case InDoubt:
		t.InDoubt++
	}
}

func (t *Tally) all() int64 { return t.Sent + t.Deferred + t.Failed + t.InDoubt }

// tally counts the outcomes of a commit. The desk is locked.
func (k *desk) tally(b *batch) {
	rest := b.outcomes
	for _, p := range b.from {
		for _, t := range k.tallies {
			t.add(p.w.round.g.relay.ID, rest[:p.n], k.chart.gates)
		}
		p.w.round.g.counts.inFlight.Add(-int64(p.n))
		rest = rest[p.n:]
	}
}

// stats returns a tally with how relays and domains stand now.
func (d *Dispatcher) stats(t *tally, gateways []*gateway) Stats {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	var s Stats
	for _, g := range gateways {
		r := g.stats(now)
		if had := t.relays[r.ID]; had != nil {
			r.Tally = had.Tally
			for key, n := range had.answers {
				r.Answers[key.String()] = n
			}
			r.Waits.Counts, r.Waits.Sum = slices.Clone(had.waits), had.sum
		}
		s.Relays = append(s.Relays, r)
	}
	domains := map[string]*DomainStats{}
	for i, name := range t.order() {
		if i == topDomains {
			break
		}
		domains[name] = &DomainStats{ID: name, Tally: *t.domains[name]}
	}
	d.gates.stats(now, domains)
	for name, ds := range domains {
		if had := t.domains[name]; had != nil {
			ds.Tally = *had
		}
		s.Domains = append(s.Domains, *ds)
	}
	slices.SortFunc(s.Domains, func(a, b DomainStats) int {
		return cmp.Or(cmp.Compare(b.all(), a.all()), cmp.Compare(a.ID, b.ID))
	})
	return s
}

// stats says how the relay stands.
func (g *gateway) stats(now time.Time) RelayStats {
	r := RelayStats{
		ID: g.relay.ID, State: "working", Answers: map[string]int64{},
		Lanes: g.seats.open(), InFlight: int(g.counts.inFlight.Load()),
		Connections: g.counts.connections.Load(), Failures: g.counts.failures.Load(),
		Waits: Histogram{Bounds: waitBounds, Counts: make([]int64, len(waitBounds)+1)},
	}
	r.Today, r.Quota = g.quota.today(now)
	r.MaxLanes = g.lanes()
	if why, until := g.closed(now); why != nil {
		r.State, r.Why, r.Until = "trouble", why.Error(), until
		if why.Spent {
			r.State = "spent"
		}
	}
	return r
}
