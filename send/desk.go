package send

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
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
)

// desk is where the lanes of one edition meet the ledger. Outcomes and claims
// of all lanes go into one commit (group commit): whatever arrived while the
// last one ran goes into the next, without any wait.
type desk struct {
	ledger  Ledger
	edition string
	log     *slog.Logger
	depth   int           // deliveries a window may hold
	eager   bool          // claim ahead of need
	more    func()        // called when there seems to be work for another lane
	over    chan struct{} // closed when nothing more will be claimed
	halt    chan struct{} // closed when nothing more will be begun
	wake    chan struct{}

	mu       sync.Mutex
	windows  []*window
	dry      bool // nothing more was due at the last claim
	ended    bool // over is closed
	halted   bool // halt is closed
	closed   bool // the edition is no longer to be sent
	stopping bool // ctx ended, or the relay takes nothing: what is claimed goes back
	failing  bool // the ledger fails: nothing is begun
	err      error
	empty    int // claims in a row that gave nothing though something was due
}

// window is what one lane has claimed of the edition.
type window struct {
	desk   *desk
	ready  []Delivery // claimed, not begun
	done   []Outcome  // answered, not committed
	held   int        // claimed, outcome not committed
	wished int        // asked for in the commit that runs
	taking bool       // the lane can send
	asks   bool       // the lane waits for a delivery
	busy   time.Time  // since when the mail in hand is sent; zero: none is
	news   chan struct{}
}

func (k *desk) window() *window {
	k.mu.Lock()
	defer k.mu.Unlock()
	w := &window{desk: k, news: make(chan struct{}, 1)}
	k.windows = append(k.windows, w)
	return w
}

// take waits for the next delivery. It returns false when none will come: the
// edition is closed or has nothing due, or the lane is to make room.
func (w *window) take() (Delivery, bool) {
	k := w.desk
	for {
		k.mu.Lock()
		if len(w.ready) > 0 && !k.failing && !k.closed && !k.stopping && k.err == nil {
			d := w.ready[0]
			w.ready = w.ready[1:]
			w.busy = time.Now()
			k.endIfDry()
			k.mu.Unlock()
			return d, true
		}
		if len(w.ready) == 0 && (k.ended || !w.taking) {
			w.asks = false
			k.mu.Unlock()
			return Delivery{}, false
		}
		w.asks = true
		k.mu.Unlock()
		k.ring()
		<-w.news
	}
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

// put hands in the outcome of the delivery in hand.
func (w *window) put(o Outcome) {
	k := w.desk
	k.mu.Lock()
	w.done = append(w.done, o)
	w.busy = time.Time{}
	k.mu.Unlock()
	k.ring()
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
	now := time.Now()
	for _, d := range w.ready {
		w.done = append(w.done, Outcome{Edition: d.Edition, Pos: d.Pos, State: Pending, Due: now, At: now})
	}
	if len(w.ready) > 0 {
		w.desk.dry = false
	}
	w.ready = nil
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
	if !k.ended {
		k.ended = true
		close(k.over)
	}
	if atOnce && !k.halted {
		k.halted = true
		close(k.halt)
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

// idle is closed when w's lane need not wait any longer to send: nothing more
// is begun, or, if w has nothing, nothing more comes.
func (w *window) idle() <-chan struct{} {
	w.desk.mu.Lock()
	defer w.desk.mu.Unlock()
	if len(w.ready) > 0 {
		return w.desk.halt
	}
	return w.desk.over
}

// run commits until lanesGone is closed and everything is committed.
func (k *desk) run(ctx context.Context, lanesGone <-chan struct{}) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	stop := context.AfterFunc(ctx, k.stop)
	defer stop()
	gone := false
	for {
		outcomes, taken, want := k.gather()
		if len(outcomes) > 0 || want > 0 {
			k.commit(ctx, outcomes, taken, want)
			continue
		}
		if gone {
			return
		}
		select {
		case <-k.wake:
		case <-lanesGone:
			gone = true
		case <-beat.C:
			if k.waiting() {
				k.commit(ctx, nil, nil, 0)
			}
		}
	}
}

// gather collects what is to be committed: outcomes, how many of them each
// window has, and how many deliveries are wanted.
func (k *desk) gather() (outcomes []Outcome, taken []int, want int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	taken = make([]int, len(k.windows))
	for i, w := range k.windows {
		if k.stopping || k.closed {
			w.giveBack()
		}
		outcomes = append(outcomes, w.done...)
		taken[i] = len(w.done)
		w.done = w.done[len(w.done):]
		w.wished = k.wish(w, taken[i])
		want += w.wished
	}
	return outcomes, taken, want
}

// wish returns how many deliveries w may get with the commit that stores
// committed of its outcomes. The desk is locked.
func (k *desk) wish(w *window, committed int) int {
	if k.ended || k.dry || !w.taking || !k.eager && !w.asks {
		return 0
	}
	return k.depth - (w.held - committed)
}

// waiting says that claimed deliveries wait for their turn; those behind a mail
// that takes too long are given back.
func (k *desk) waiting() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	found := false
	for _, w := range k.windows {
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

// commit brings outcomes and wishes to the ledger and deals out what it gives.
func (k *desk) commit(ctx context.Context, outcomes []Outcome, taken []int, want int) {
	claimed, err := k.tryCommit(ctx, outcomes, want)
	more := false
	k.mu.Lock()
	defer func() {
		k.mu.Unlock()
		if more && k.more != nil {
			k.more()
		}
	}()
	k.failing = false
	if err != nil {
		k.broke(err)
		for _, w := range k.windows {
			w.wished = 0
			w.tell()
		}
		return
	}
	for i, n := range taken {
		k.windows[i].held -= n
	}
	if !claimed.Open {
		k.closed = true
		k.end(true)
	}
	more = want > 0 && len(claimed.Deliveries) >= want && !k.ended
	switch {
	case want == 0 || len(claimed.Deliveries) > 0:
		k.empty = 0
	case claimed.Next.IsZero() || claimed.Next.After(time.Now()):
		k.dry = true
	default: // came due meanwhile; a ledger that goes on like this is broken
		if k.empty++; k.empty > mostEmpty {
			k.broke(fmt.Errorf("edition %s: the ledger says that deliveries are due and gives none", k.edition))
		}
	}
	k.deal(claimed.Deliveries)
	k.endIfDry()
	for _, w := range k.windows {
		w.wished = 0
		w.tell()
	}
}

// deal gives deliveries to the windows that wished for some, to the emptiest
// first. The desk is locked.
func (k *desk) deal(deliveries []Delivery) {
	for _, d := range deliveries {
		var best *window
		for _, w := range k.windows {
			if w.wished > 0 && (best == nil || w.held < best.held) {
				best = w
			}
		}
		if best == nil {
			k.err = fmt.Errorf("edition %s: the ledger gave more deliveries than were asked for", k.edition)
			return
		}
		best.wished--
		best.held++
		best.ready = append(best.ready, d)
		best.asks = false
		if !best.taking { // the lane left while the claim ran
			best.giveBack()
			k.ring()
		}
	}
}

// tell lets the lane look again.
func (w *window) tell() {
	select {
	case w.news <- struct{}{}:
	default:
	}
}

// tryCommit commits, and tries again while the ledger fails: outcomes must not
// get lost while the process lives. Meanwhile nothing is begun. It gives up
// when ctx has ended, or when there is nothing to lose.
func (k *desk) tryCommit(ctx context.Context, outcomes []Outcome, want int) (Claimed, error) {
	afterStop := 0
	for try := 1; ; try++ {
		if ctx.Err() != nil {
			want = 0
			afterStop++
		}
		claimed, err := k.ledger.Commit(context.WithoutCancel(ctx), outcomes, Claim{Edition: k.edition, Max: want, Now: time.Now()})
		if err == nil {
			if try > 1 {
				k.log.Info("ledger works again", "edition", k.edition, "outcomes", len(outcomes))
			}
			return claimed, nil
		}
		if try == 1 {
			k.log.Error("ledger cannot be written; nothing is sent until it can", "edition", k.edition, "outcomes", len(outcomes), "err", err)
			k.mu.Lock()
			k.failing = true
			k.mu.Unlock()
		}
		if len(outcomes) == 0 && try >= fewTries {
			return Claimed{}, fmt.Errorf("edition %s: claiming deliveries: %w", k.edition, err)
		}
		if afterStop >= lastTries {
			return Claimed{}, fmt.Errorf("edition %s: storing %d outcomes: %w", k.edition, len(outcomes), err)
		}
		wait := double(firstTry, try-1, longestTry)
		if ctx.Err() != nil {
			time.Sleep(min(wait, time.Second))
		} else {
			sleep(ctx, wait, nil)
		}
	}
}
