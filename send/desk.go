package send

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

const (
	// company is how long an outcome may wait for others to be committed with:
	// a commit costs the same for one mail as for many.
	company = 20 * time.Millisecond
	// heartbeat is how often the ledger is asked whether the edition is still
	// to be sent while nothing else is to be said: a pause works at once even
	// when the relay is slow.
	heartbeat = 500 * time.Millisecond
	// stuckAfter is how long a mail may take before the ones behind it are
	// given back for others to send.
	stuckAfter = 5 * time.Second
	// Waits between tries to reach a ledger that fails.
	firstTry   = 100 * time.Millisecond
	longestTry = 5 * time.Second
	// mostEmpty is how many claims in a row may give nothing though something
	// is due.
	mostEmpty = 100
	// How often a ledger is tried when nothing could get lost, and when
	// sending is to stop.
	fewTries  = 4
	lastTries = 6
	// linger is how long lanes wait for what is due soon, or for a turn.
	linger = 5 * time.Second
)

// desk is where the lanes of one edition meet the ledger. Outcomes and claims
// of all lanes go into one commit (group commit), at the latest when a lane has
// done half of what it may claim, so that none ever waits for more.
type desk struct {
	ledger  Ledger
	edition string
	log     *slog.Logger
	tallies []*tally // that count its outcomes
	chart   *chart
	more    func(*gateway) // called when there seems to be work for another lane to a relay
	wake    chan struct{}  // something is to be looked at now
	first   chan struct{}  // the first outcome since the last commit is there

	mu       sync.Mutex
	rounds   []*round
	windows  []*window
	again    time.Time // what is left is due then, soon
	some     bool      // outcomes wait to be committed
	turns    bool      // a delivery went back to come round again soon
	dry      bool      // nothing more was due at the last claim
	ended    bool      // nothing more will be claimed
	closed   bool      // the edition is no longer to be sent
	stopping bool      // ctx ended, or we are at fault: what is claimed goes back
	failing  bool      // the ledger fails: nothing is begun
	err      error
	empty    int      // claims in a row that gave nothing though something was due
	why      *Trouble // why all that the last claim looked at has to wait
}

// round returns a new round of a relay; nil when nothing more will be claimed.
func (k *desk) round(g *gateway) *round {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended {
		return nil
	}
	depth := min(g.relay.Depth, max(1, g.pace.within(time.Second)/g.relay.Lanes))
	r := &round{g: g, desk: k, depth: depth, eager: depth > 1, began: time.Now(), over: make(chan struct{}), halt: make(chan struct{})}
	k.rounds = slices.DeleteFunc(k.rounds, func(old *round) bool { return old.g == g })
	k.rounds = append(k.rounds, r)
	return r
}

func (k *desk) ring() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// stop lets nothing more be claimed or begun.
func (k *desk) stop() {
	k.mu.Lock()
	k.stopping = true
	k.end(true)
	k.mu.Unlock()
	k.ring()
}

// fail is stop for a fault that is ours.
func (k *desk) fail(err error) {
	k.mu.Lock()
	k.broke(err)
	k.mu.Unlock()
	k.ring()
}

// broke notes the first fault. The desk is locked.
func (k *desk) broke(err error) {
	if k.err == nil {
		k.err = err
	}
	k.stopping = true
	k.end(true)
}

// end marks that nothing more will be claimed, and, at once, that nothing more
// will be begun. The desk is locked.
func (k *desk) end(atOnce bool) {
	k.ended = true
	for _, r := range k.rounds {
		r.end(atOnce)
	}
}

// endIfDry ends the round when nothing was due at the last claim and nothing
// is left that a lane might give back. The desk is locked.
func (k *desk) endIfDry() {
	if !k.dry || k.ended {
		return
	}
	for _, w := range k.windows {
		if len(w.ready) > 0 {
			return
		}
	}
	k.end(false)
	for _, w := range k.windows {
		w.tell()
	}
}

// run commits until lanesGone is closed and everything is committed.
func (k *desk) run(ctx context.Context, lanesGone <-chan struct{}) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	stop := context.AfterFunc(ctx, k.stop)
	defer stop()
	gone := false
	var batch batch
	for {
		if !gone && k.patient() {
			select {
			case <-k.wake:
			case <-time.After(company):
			case <-lanesGone:
				gone = true
			}
		}
		soon := k.gather(&batch)
		if len(batch.outcomes) > 0 || batch.want > 0 {
			k.commit(ctx, &batch)
			continue
		}
		if gone {
			return
		}
		var again <-chan time.Time
		if soon > 0 {
			again = time.After(soon)
		}
		select {
		case <-k.wake:
		case <-k.first:
		case <-again:
		case <-lanesGone:
			gone = true
		case <-beat.C:
			if k.waiting() {
				batch.want = 0
				k.commit(ctx, &batch)
			}
		}
	}
}

// patient says that there are outcomes to commit, and that they can wait for
// more: no lane has too little to do, or waits for them to be stored.
func (k *desk) patient() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.some || k.ended || k.stopping || k.closed {
		return false
	}
	for _, w := range k.windows {
		if w.gone || w.asks || !w.taking || w.round.stopping || w.hungry() && k.wish(w, len(w.done)) > 0 {
			return false
		}
	}
	return true
}

// waiting says that claimed deliveries wait for their turn; those behind a mail
// that takes too long are given back. Lanes that wait in vain leave: their
// seats and connections are for others.
func (k *desk) waiting() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	found := false
	for _, w := range k.windows {
		if w.asks && w.taking && len(w.ready) == 0 && w.held == 0 && w.vain() {
			w.taking = false
			w.tell()
		}
		if len(w.ready) == 0 {
			continue
		}
		found = true
		if !w.busy.IsZero() && time.Since(w.busy) > stuckAfter {
			w.giveBack()
		}
	}
	return found
}
