package send

import (
	"time"
)

// window is what one lane has claimed of the edition.
type window struct {
	desk   *desk
	round  *round
	ready  []Delivery // claimed, not begun
	done   []Outcome  // answered, not committed
	held   int        // claimed, outcome not committed
	wished int        // asked for in the commit that runs
	hand   int        // begun, not answered
	taking bool       // the lane can send
	asks   bool       // the lane waits for a delivery
	gone   bool       // the lane left
	busy   time.Time  // since when an answer is waited for; zero: none is
	asked  time.Time  // since when the lane waits for a delivery
	news   chan struct{}
}

func (r *round) window() *window {
	k := r.desk
	k.mu.Lock()
	defer k.mu.Unlock()
	w := &window{desk: k, round: r, news: make(chan struct{}, 1)}
	k.windows = append(k.windows, w)
	return w
}

// poll gives the next delivery, if there is one. more says that one may still
// come, and w.news tells when to ask again; it is false when the edition is
// closed or has nothing due, or the lane is to make room.
func (w *window) poll() (d Delivery, ok, more bool) {
	k := w.desk
	k.mu.Lock()
	defer k.mu.Unlock()
	if d, ok = w.pop(); ok {
		return d, true, true
	}
	if len(w.ready) == 0 && (w.round.ended || !w.taking) {
		w.asks = false
		return Delivery{}, false, false
	}
	if !w.asks {
		w.asks, w.asked = true, time.Now()
		k.ring()
	}
	return Delivery{}, false, true
}

// pop takes the first delivery that is ready. The desk is locked.
func (w *window) pop() (Delivery, bool) {
	k := w.desk
	if len(w.ready) == 0 || k.failing || k.closed || k.stopping || w.round.stopping || k.err != nil {
		return Delivery{}, false
	}
	d := w.ready[0]
	w.ready = w.ready[1:]
	d.begun = time.Now()
	if w.hand++; w.hand == 1 {
		w.busy = d.begun
	}
	w.asks = false
	k.endIfDry()
	return d, true
}

// begin lets deliveries come to the window.
func (w *window) begin() {
	w.desk.mu.Lock()
	defer w.desk.mu.Unlock()
	w.taking = true
}

// drain lets no more come. With back, what is not begun is given back.
func (w *window) drain(back bool) {
	w.desk.mu.Lock()
	defer w.desk.mu.Unlock()
	w.taking = false
	if back {
		w.giveBack()
	}
}

// put hands in the outcome of a delivery that was taken.
func (w *window) put(d Delivery, o Outcome) {
	k := w.desk
	now := time.Now()
	o.domain, o.took = d.Domain, now.Sub(d.begun)
	k.chart.settle(w.round.g, d, o)
	k.mu.Lock()
	w.done = append(w.done, o)
	if o.State == Pending && o.Code != 0 {
		k.turns, k.dry = true, false
	}
	if w.hand--; w.hand > 0 {
		w.busy = now
	} else {
		w.busy = time.Time{}
	}
	first := !k.some
	k.some = true
	hungry := w.hungry()
	k.mu.Unlock()
	switch {
	case hungry:
		k.ring()
	case first:
		select {
		case k.first <- struct{}{}:
		default:
		}
	}
}

// hungry says that the lane has so little left to do that more is to be
// claimed. The desk is locked.
func (w *window) hungry() bool { return w.hand+len(w.ready) <= w.round.depth/2 }

// leave notes that the lane is gone.
func (w *window) leave() {
	w.desk.mu.Lock()
	defer w.desk.mu.Unlock()
	w.taking, w.gone = false, true
	w.giveBack()
}

// settle waits until every outcome of the window is committed.
func (w *window) settle() {
	k := w.desk
	for {
		k.mu.Lock()
		settled := w.held+w.wished == 0 || k.err != nil
		k.mu.Unlock()
		if settled {
			return
		}
		k.ring()
		<-w.news
	}
}

// giveBack turns what is claimed and not begun into outcomes: pending. The
// desk is locked.
func (w *window) giveBack() {
	if len(w.ready) == 0 {
		return
	}
	now := time.Now()
	for _, d := range w.ready {
		o := Outcome{Edition: d.Edition, Pos: d.Pos, State: Pending, Due: now, Relay: d.LastRelay, At: now, domain: d.Domain}
		w.desk.chart.settle(w.round.g, d, o)
		w.done = append(w.done, o)
	}
	w.desk.dry, w.desk.again = false, time.Time{}
	w.ready = nil
}

// idle is closed when w's lane need not wait any longer to send: nothing more
// is begun, or, if w has nothing, nothing more comes.
func (w *window) idle() <-chan struct{} {
	w.desk.mu.Lock()
	defer w.desk.mu.Unlock()
	if len(w.ready) > 0 {
		return w.round.halt
	}
	return w.round.over
}

// vain says that a lane waits for deliveries that come too slowly to keep it:
// its seat is wanted, or its relay has none. The desk is locked.
func (w *window) vain() bool {
	k, r := w.desk, w.round
	if len(k.rounds) == 1 && k.again.IsZero() {
		return false
	}
	return time.Since(w.asked) > linger || r.g.seats.wanted(r.guest)
}

// tell lets the lane look again.
func (w *window) tell() {
	select {
	case w.news <- struct{}{}:
	default:
	}
}
