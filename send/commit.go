package send

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// batch is what goes into one commit.
type batch struct {
	outcomes []Outcome
	from     []portion // whose outcomes they are
	want     int       // deliveries wanted
	scout    bool      // only to see which relays are needed
}

// portion is how many of a batch's outcomes one window has.
type portion struct {
	w *window
	n int
}

// gather collects what is to be committed. It returns how soon what is left is
// due, zero if that does not matter.
func (k *desk) gather(b *batch) (soon time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	b.outcomes, b.from, b.want = b.outcomes[:0], b.from[:0], 0
	k.some = false
	for _, r := range k.rounds {
		r.room, r.got = 0, 0
	}
	if !k.again.IsZero() {
		if soon = time.Until(k.again); soon <= 0 {
			k.again, soon = time.Time{}, 0
		}
	}
	left := false
	for _, w := range k.windows {
		if k.stopping || k.closed || w.round.stopping {
			w.giveBack()
		}
		n := len(w.done)
		if n > 0 {
			b.outcomes = append(b.outcomes, w.done...)
			b.from = append(b.from, portion{w, n})
			w.done = w.done[:0]
		}
		w.wished = k.wish(w, n)
		w.round.room += w.wished
		left = left || w.gone && w.held == n
	}
	if left {
		k.windows = slices.DeleteFunc(k.windows, func(w *window) bool { return w.gone && w.held == 0 })
	}
	b.want = k.limit(time.Now())
	return soon
}

// wish returns how many deliveries w may get with the commit that stores
// committed of its outcomes. The desk is locked.
func (k *desk) wish(w *window, committed int) int {
	if k.ended || k.dry || !k.again.IsZero() || w.round.ended || !w.taking || !w.round.eager && !w.asks {
		return 0
	}
	if !w.busy.IsZero() && time.Since(w.busy) > stuckAfter {
		return 0 // it would give them back
	}
	return max(0, w.round.depth-(w.held-committed))
}

// scout looks at some deliveries that are due, without claiming any, to see
// which relays they need.
func (k *desk) scout(ctx context.Context) {
	k.commit(ctx, &batch{want: 1, scout: true})
	k.mu.Lock()
	k.dry, k.again, k.empty = false, time.Time{}, 0
	k.mu.Unlock()
}

// commit brings outcomes and wishes to the ledger and deals out what it gives.
func (k *desk) commit(ctx context.Context, b *batch) {
	claimed, p, err := k.tryCommit(ctx, b)
	var more []*gateway
	k.mu.Lock()
	defer func() {
		k.mu.Unlock()
		for _, g := range more {
			k.more(g)
		}
	}()
	k.failing = false
	if err != nil {
		k.broke(err)
		k.wishesEnd()
		return
	}
	for _, s := range b.from {
		s.w.held -= s.n
		s.w.round.pulse.add(s.n, time.Now())
	}
	k.tally(b)
	if p != nil {
		k.why = nil
		if len(claimed.Deliveries) == 0 {
			k.why = p.why
		}
	}
	if !claimed.Open {
		k.closed = true
		k.end(true)
	}
	switch {
	case b.want == 0 || len(claimed.Deliveries) > 0:
		k.empty = 0
	case p != nil && claimed.More: // it looked at many, and there are others
	case !claimed.Next.IsZero() && (k.turns || p != nil) && time.Until(claimed.Next) < linger:
		// What waits for its turn will have it soon.
		k.again, k.turns = claimed.Next, false
	case claimed.Next.IsZero() || claimed.Next.After(time.Now()):
		k.dry = true
	default: // came due meanwhile; a ledger that goes on like this is broken
		if k.empty++; k.empty > mostEmpty {
			k.broke(fmt.Errorf("edition %s: the ledger says that deliveries are due and gives none", k.edition))
		}
	}
	k.deal(claimed.Deliveries)
	if !k.ended {
		full := b.want > 0 && len(claimed.Deliveries) >= b.want
		for _, r := range k.rounds {
			if full && r.room > 0 && r.got >= r.room {
				more = append(more, r.g)
			}
		}
		more = append(more, p.needs()...)
	}
	k.endIfDry()
	k.wishesEnd()
}

// wishesEnd ends what a commit began. The desk is locked.
func (k *desk) wishesEnd() {
	for _, w := range k.windows {
		w.wished = 0
		w.tell()
	}
}

// deal gives deliveries to the windows that wished for some, to the emptiest
// of the relay first. The desk is locked.
func (k *desk) deal(deliveries []Delivery) {
	for _, d := range deliveries {
		var best *window
		for _, w := range k.windows {
			if w.wished > 0 && (d.Relay == "" || d.Relay == w.round.g.relay.ID) && (best == nil || w.held < best.held) {
				best = w
			}
		}
		if best == nil {
			k.broke(fmt.Errorf("edition %s: the ledger gave more deliveries than were asked for", k.edition))
			return
		}
		best.wished--
		best.held++
		best.round.got++
		best.round.g.counts.inFlight.Add(1)
		best.ready = append(best.ready, d)
		best.asks = false
		if !best.taking { // the lane left while the claim ran
			best.giveBack()
			k.ring()
		}
	}
}

// tryCommit commits, and tries again while the ledger fails: outcomes must not
// get lost while the process lives. Meanwhile nothing is begun. It gives up
// when ctx has ended, or when there is nothing to lose.
func (k *desk) tryCommit(ctx context.Context, b *batch) (Claimed, *placing, error) {
	afterStop := 0
	for try := 1; ; try++ {
		if ctx.Err() != nil {
			b.want = 0
			afterStop++
		}
		claim := Claim{Edition: k.edition, Max: b.want, Now: time.Now()}
		var p *placing
		if b.want > 0 {
			if p = k.placing(claim.Now, b.scout); p != nil {
				claim.Place, claim.Lists = p.place, k.chart.lists
			}
		}
		claimed, err := k.ledger.Commit(context.WithoutCancel(ctx), b.outcomes, claim)
		if err == nil {
			if try > 1 {
				k.log.Info("ledger works again", "edition", k.edition, "outcomes", len(b.outcomes))
			}
			return claimed, p, nil
		}
		p.undo()
		if try == 1 {
			k.log.Error("ledger cannot be written; nothing is sent until it can", "edition", k.edition, "outcomes", len(b.outcomes), "err", err)
			k.mu.Lock()
			k.failing = true
			k.mu.Unlock()
		}
		if len(b.outcomes) == 0 && try >= fewTries {
			return Claimed{}, nil, fmt.Errorf("edition %s: claiming deliveries: %w", k.edition, err)
		}
		if afterStop >= lastTries {
			return Claimed{}, nil, fmt.Errorf("edition %s: storing %d outcomes: %w", k.edition, len(b.outcomes), err)
		}
		wait := double(firstTry, try-1, longestTry)
		if ctx.Err() != nil {
			time.Sleep(min(wait, time.Second))
		} else {
			sleep(ctx, wait, nil)
		}
	}
}
