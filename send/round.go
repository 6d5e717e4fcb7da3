package send

import (
	"context"
	"sync"
	"time"
)

// tour is one run of lanes through what is due of an edition, by all relays
// that its deliveries need.
type tour struct {
	d      *Dispatcher
	visit  *visit
	job    Job
	desk   *desk
	lanes  sync.WaitGroup
	mu     sync.Mutex
	alive  int
	rounds map[*gateway]*round
	gaveUp bool // a relay took nothing
}

// run sends what is due until nothing is, the edition is closed, no relay takes
// anything, or ctx ends.
func (t *tour) run(ctx context.Context) error {
	t.rounds = map[*gateway]*round{}
	t.desk = &desk{
		ledger: t.d.ledger, edition: t.job.Edition, log: t.d.log, tallies: t.visit.tallies,
		chart: t.visit.chart, wake: make(chan struct{}, 1), first: make(chan struct{}, 1),
		more: func(g *gateway) { t.start(ctx, g) },
	}
	first := t.visit.chart.first(time.Now())
	if first == nil {
		// Which relays are needed is known when the deliveries were looked at.
		t.desk.scout(ctx)
	}
	for _, g := range first {
		t.start(ctx, g)
	}
	gone := make(chan struct{})
	go func() {
		t.lanes.Wait()
		close(gone)
	}()
	t.desk.run(ctx, gone)
	return t.desk.err
}

// start starts a lane to a relay, unless there are as many as may be. One lane
// feels its way; each further one starts when there is more to do than the ones
// before it took.
func (t *tour) start(ctx context.Context, g *gateway) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.rounds[g]
	if r == nil || r.alive == 0 && r.gaveUp {
		if why, _ := g.closed(time.Now()); r != nil && why != nil {
			return
		}
		if r = t.desk.round(g); r == nil {
			return
		}
		r.tour, r.d, r.job = t, t.d, t.job
		r.guest, r.brake = t.visit.guests[g], t.visit.brakes[g]
		t.rounds[g] = r
	}
	if r.gaveUp || r.alive >= g.lanes() || t.alive == 0 && r.started {
		return
	}
	r.started = true
	r.alive++
	t.alive++
	l := &lane{round: r, g: g, window: r.window()}
	t.lanes.Go(func() {
		l.run(ctx)
		r.left(ctx, l.window)
	})
}

// round is one relay's part of a tour. Its lanes know it alone:
//
//   - over is closed when nothing more will come, halt when nothing more is to
//     be begun;
//   - window, at the start, is where a lane's deliveries come from and its
//     outcomes go to;
//   - answered turns an answer about a mail into its outcome;
//   - rest, fail and pull say that the relay takes nothing, that we are at
//     fault, and that the relay refuses everybody.
type round struct {
	tour  *tour
	d     *Dispatcher
	g     *gateway
	job   Job
	guest *guest
	brake *brake
	desk  *desk

	depth int  // deliveries a window may hold
	eager bool // claim ahead of need
	over  chan struct{}
	halt  chan struct{}

	// Under the desk's lock.
	ended    bool // over is closed
	halted   bool // halt is closed
	stopping bool // what is claimed goes back
	room     int  // deliveries that its windows wished for in the commit that runs
	got      int  // of these, how many came
	pulse    meter
	line     line // of deliveries that wait for room
	began    time.Time
	joined   bool // a lane of it could send

	// Under the tour's lock.
	started bool
	alive   int
	resting int
	trouble *Trouble // why a lane rests, or why the round gave up
	gaveUp  bool     // all lanes rested, or the brake was pulled
}

// left notes that a lane is done.
func (r *round) left(ctx context.Context, w *window) {
	w.leave()
	t := r.tour
	t.mu.Lock()
	defer t.mu.Unlock()
	r.alive--
	t.alive--
	r.check()
	if r.gaveUp && r.alive == 0 && ctx.Err() == nil {
		t.gaveUp = true
		r.g.cool(r.trouble)
	}
}

// check ends the round when every lane that is left rests: the relay takes
// nothing. The tour is locked.
func (r *round) check() {
	if r.alive > 0 && r.resting == r.alive {
		r.gaveUp = true
		r.stop()
	}
}

// rest lets a lane wait. It returns false when the round ended: because nothing
// is left to be sent, or because all its lanes rest, so that the relay takes
// nothing; t says why.
func (r *round) rest(ctx context.Context, t *Trouble, long time.Duration) bool {
	mu := &r.tour.mu
	mu.Lock()
	r.resting++
	if !r.gaveUp {
		r.trouble = t
	}
	r.check()
	mu.Unlock()
	again := sleep(ctx, long, r.over)
	mu.Lock()
	defer mu.Unlock()
	r.resting--
	return again
}

// pull ends the round: the relay refuses everybody.
func (r *round) pull(t *Trouble) {
	r.tour.mu.Lock()
	defer r.tour.mu.Unlock()
	if !r.gaveUp {
		r.gaveUp, r.trouble = true, t
	}
	r.stop()
}

// fail ends the whole tour by a fault that is ours.
func (r *round) fail(err error) { r.desk.fail(err) }

// stop lets nothing more be claimed for the relay, or begun.
func (r *round) stop() {
	r.desk.mu.Lock()
	r.stopping = true
	r.end(true)
	r.desk.mu.Unlock()
	r.desk.ring()
}

// end marks that nothing more will be claimed, and, at once, that nothing more
// will be begun. The desk is locked.
func (r *round) end(atOnce bool) {
	if !r.ended {
		r.ended = true
		close(r.over)
	}
	if atOnce && !r.halted {
		r.halted = true
		close(r.halt)
	}
}

// answered is the outcome of an answer that is about this mail, not about our
// sender or the connection.
func (r *round) answered(d Delivery, answer reply, at step) Outcome {
	now := time.Now()
	r.g.senderWorks()
	if at == atDot && answer.positive() {
		r.g.works()
		r.brake.release(d)
		r.d.gates.took(d.Domain, now)
		return Outcome{State: Sent, Code: answer.code, Reply: answer.text}
	}
	about := judge(answer)
	if answer.permanent() && !r.g.relay.Retry.over(d, now) {
		stop := func() { r.pull(r.g.refusesAll(answer, at)) }
		what, wait := r.brake.holds(d, answer, about, stop)
		back := Outcome{State: Pending, Due: now.Add(wait), Code: answer.code, Reply: answer.text}
		switch what {
		case held:
			return back
		case domainBlocks:
			back.Due = r.d.gates.blocked(d.Domain, answer, now)
			return back
		}
	}
	r.g.works()
	if answer.permanent() {
		if !about.blames() {
			r.d.gates.took(d.Domain, now) // it deals with mail
		}
		return Outcome{State: Failed, Code: answer.code, Reply: answer.text, Suppress: about.suppress()}
	}
	out := r.g.relay.Retry.told(d, answer, now)
	r.d.gates.putOff(d, about, answer, now)
	return out
}
