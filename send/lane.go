package send

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// mostLosses is how often one mail may lose its connection before it was
	// sent until it has to wait like any mail that was put off.
	mostLosses = 3
	// mostRefusals is how many mails in a row a relay may refuse to take from
	// our sender until that counts as its trouble.
	mostRefusals = 3
	// patience is how often a lane tries to connect before it rests.
	patience = 3
)

// round is one run of lanes through what is due of an edition.
type round struct {
	d     *Dispatcher
	g     *gateway
	job   Job
	guest *guest
	brake *brake
	desk  *desk

	mu      sync.Mutex
	wg      sync.WaitGroup
	lanes   int // started
	alive   int
	resting int
	trouble *Trouble // why a lane rests, or why the round gave up
	gaveUp  bool     // all lanes rested, or the brake was pulled
}

// run sends what is due until nothing is, the edition is closed, the relay
// takes nothing, or ctx ends.
func (r *round) run(ctx context.Context) error {
	d, g := r.d, r.g
	r.desk = &desk{
		ledger: d.ledger, edition: r.job.Edition, log: d.log,
		depth: min(g.relay.Depth, max(1, g.pace.within(time.Second)/g.relay.Lanes)),
		over:  make(chan struct{}), halt: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	r.desk.eager = r.desk.depth > 1
	// One lane feels its way; each further one starts when there is more to do
	// than the ones before it took.
	r.desk.more = func() { r.start(ctx) }
	r.start(ctx)
	gone := make(chan struct{})
	go func() {
		r.wg.Wait()
		close(gone)
	}()
	r.desk.run(ctx, gone)
	return r.desk.err
}

// start starts another lane unless there are as many as the relay allows.
func (r *round) start(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lanes == r.g.relay.Lanes || r.lanes > 0 && r.alive == 0 {
		return
	}
	r.lanes++
	r.alive++
	l := &lane{round: r, g: r.g, window: r.desk.window()}
	r.wg.Go(func() {
		l.run(ctx)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.alive--
		r.check()
	})
}

// check ends the round when every lane that is left rests: the relay takes
// nothing. The round is locked.
func (r *round) check() {
	if r.alive > 0 && r.resting == r.alive {
		r.gaveUp = true
		r.desk.stop()
	}
}

// pull ends the round: the relay refuses everybody.
func (r *round) pull(t *Trouble) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.gaveUp {
		r.gaveUp, r.trouble = true, t
	}
	r.desk.stop()
}

// lane is one connection at a time, sending an edition's mails one after the
// other.
type lane struct {
	round    *round
	g        *gateway
	window   *window
	conn     *conn
	buf      []byte
	failures int      // connections that could not be made or took nothing, in a row
	trouble  *Trouble // why the last one failed
}

func (l *lane) run(ctx context.Context) {
	over := l.round.desk.over
	for {
		c, ok := l.g.seats.take(ctx, l.round.guest, over)
		if !ok {
			return
		}
		l.conn, l.trouble = c, nil
		again := l.serve(ctx)
		l.window.settle()
		if l.conn != nil && l.conn.dead {
			l.conn = nil
		}
		l.g.seats.put(l.round.guest, l.conn)
		l.conn = nil
		if l.trouble != nil {
			again = l.rest(ctx)
		}
		if !again {
			return
		}
	}
}

// serve sends mail until there is none, the relay takes none, or somebody else
// wants the seat; then it returns true.
func (l *lane) serve(ctx context.Context) bool {
	defer l.window.drain(true)
	for n := 0; ; n++ {
		if !l.g.pace.take(ctx, l.window.idle()) {
			return false
		}
		if !l.connected(ctx) {
			l.g.pace.giveBack()
			return false
		}
		moving := n >= l.g.relay.Depth && l.g.seats.wanted(l.round.guest)
		if moving {
			l.window.drain(false)
		} else {
			l.window.begin()
		}
		delivery, ok := l.window.take()
		if !ok {
			l.g.pace.giveBack()
			return moving
		}
		outcome := l.deliver(ctx, delivery)
		if outcome.State != Sent {
			l.g.pace.giveBack()
		}
		l.hand(delivery, outcome)
		if l.trouble != nil {
			return false
		}
	}
}

// hand completes an outcome and hands it in.
func (l *lane) hand(d Delivery, o Outcome) {
	o.Edition, o.Pos, o.Relay, o.At = d.Edition, d.Pos, l.g.relay.ID, time.Now()
	if o.State == Pending && o.Due.IsZero() {
		o.Due = o.At
	}
	l.g.log.Debug("delivery", "edition", d.Edition, "delivery", d.Pos, "relay", o.Relay,
		"attempt", d.Attempt, "state", o.State, "code", o.Code, "reply", o.Reply)
	l.window.put(o)
}

// connected makes sure of a connection that another mail can be tried on.
func (l *lane) connected(ctx context.Context) bool {
	if l.conn != nil && !l.conn.usable(l.g.mostMails()) {
		l.conn.quit(l.g.farewell(ctx))
		l.conn = nil
	}
	if l.conn != nil {
		return true
	}
	c, err := l.g.dial(ctx)
	if err != nil {
		if ctx.Err() == nil {
			l.failed(l.g.asTrouble(err))
		}
		return false
	}
	l.conn = c
	return true
}

// failed notes that a connection came to nothing.
func (l *lane) failed(t *Trouble) {
	l.trouble = t
	l.failures = max(l.failures+1, l.g.failed())
}

// works notes that the relay deals with mail.
func (l *lane) works() {
	l.failures = 0
	l.g.works()
}

// rest waits, without seat or claim, before the relay is tried again. It
// returns false when the round ended. A lane that tried often enough, or in
// vain, rests long; when all do, the round ends with the trouble.
func (l *lane) rest(ctx context.Context) bool {
	over := l.round.desk.over
	t := l.trouble
	if !t.Lasting && l.failures < patience {
		return sleep(ctx, jitter(double(time.Second, l.failures-1, time.Minute)), l.round.desk.halt)
	}
	r := l.round
	r.mu.Lock()
	r.resting++
	if !r.gaveUp {
		r.trouble = t
	}
	r.check()
	r.mu.Unlock()
	again := sleep(ctx, jitter(double(10*time.Second, l.failures-patience, 5*time.Minute)), over)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.resting--
	return again
}

// deliver sends one mail and says what became of it.
func (l *lane) deliver(ctx context.Context, d Delivery) Outcome {
	m := l.round.job.Message
	to, err := checkAddress(d.Address)
	if err == nil {
		l.buf, err = m.Append(l.buf[:0], d, l.round.job.Date)
	}
	if err != nil {
		if errors.Is(err, errRecipient) {
			return Outcome{State: Failed, Reply: err.Error()}
		}
		l.round.desk.fail(fmt.Errorf("edition %s: writing a mail: %w", d.Edition, err))
		return Outcome{State: Pending}
	}
	for losses := 0; ; {
		if !l.connected(ctx) {
			return Outcome{State: Pending}
		}
		if m.needsUTF8(to) && !l.conn.utf8 {
			return Outcome{State: Failed, Reply: "the address needs SMTPUTF8 (RFC 6531), which the relay does not offer"}
		}
		taken := l.conn.taken
		answer, at, err := l.send(ctx, to, m.needsUTF8(to))
		switch {
		case err != nil || answer.closing():
			out, again := l.broken(ctx, d, attempt{answer, at, err, taken}, &losses)
			if !again {
				return out
			}
		case at == atMail:
			return l.refused(d, answer, m.needsUTF8(to))
		default:
			return l.answered(d, answer, at)
		}
	}
}

// send sends the mail in l.buf. When ctx ends, the mail in hand has a little
// while left.
func (l *lane) send(ctx context.Context, to address, utf8 bool) (reply, step, error) {
	c := l.conn
	stop := context.AfterFunc(ctx, func() { c.net.hurry(time.Now().Add(l.g.outside.Timeouts.Grace)) })
	defer stop()
	answer, at, err := c.mail(l.round.job.Message.envelope.String(), to.String(), utf8, l.buf)
	if err != nil || answer.closing() {
		c.close()
	}
	if c.dead {
		l.conn = nil
	}
	return answer, at, err
}

// answered is the outcome of an answer that is about this mail.
func (l *lane) answered(d Delivery, answer reply, at step) Outcome {
	l.g.senderWorks()
	if answer.permanent() && !l.g.relay.Retry.over(d, time.Now()) {
		stop := func() { l.round.pull(l.g.refusesAll(answer, at)) }
		if l.round.brake.holds(d, answer, stop) {
			l.failures = 0
			return Outcome{State: Pending, Due: time.Now().Add(turn), Code: answer.code, Reply: answer.text}
		}
	}
	l.works()
	switch {
	case at == atDot && answer.positive():
		l.round.brake.release()
		return Outcome{State: Sent, Code: answer.code, Reply: answer.text}
	case answer.permanent():
		return Outcome{State: Failed, Code: answer.code, Reply: answer.text}
	default:
		return l.g.relay.Retry.later(d, answer, time.Now())
	}
}

// refused is the outcome of an answer to MAIL. It is about our sender, not about
// the recipient: nobody fails by it. One such answer puts its mail off; several
// in a row are the relay's trouble.
func (l *lane) refused(d Delivery, answer reply, utf8 bool) Outcome {
	if utf8 && answer.permanent() {
		return Outcome{State: Failed, Code: answer.code, Reply: answer.text}
	}
	if n := l.g.senderRefused(); n >= mostRefusals || answer.code == 530 {
		t := l.g.asTrouble(fmt.Errorf("sender %s is refused: %s", l.round.job.Message.envelope, answer))
		t.Lasting = answer.permanent()
		l.failed(t)
		if answer.code == 530 { // authentication required (RFC 4954)
			return Outcome{State: Pending}
		}
	}
	return l.g.relay.Retry.later(d, answer, time.Now())
}

// attempt is how far one try of a mail got.
type attempt struct {
	answer reply
	at     step
	err    error
	taken  int // mails that the connection had taken before
}

// broken deals with a connection that was lost or closed by a 421. It says
// whether the mail is to be tried again at once, or what became of it.
func (l *lane) broken(ctx context.Context, d Delivery, a attempt, losses *int) (Outcome, bool) {
	answer, at, err := a.answer, a.at, a.err
	fresh := a.taken == 0
	why := answer.String()
	if err != nil {
		why = oneLine(err.Error())
	}
	if err != nil && at == atDot {
		if fresh {
			l.failed(l.g.asTrouble(err))
		}
		return l.g.relay.Retry.doubtful(d, l.round.job.Hold, why, time.Now()), false
	}
	if ctx.Err() != nil {
		return Outcome{State: Pending}, false
	}
	if !fresh {
		// It took mail and then enough of it: the connection's limit, or it was
		// unused for too long. The mail loses nothing.
		if answer.closing() {
			l.g.limited(a.taken)
		}
		return Outcome{}, true
	}
	if err == nil {
		l.failed(l.g.asTrouble(fmt.Errorf("closed the connection at %s: %s", at, answer)))
		if at == atMail {
			return Outcome{State: Pending}, false
		}
		return l.g.relay.Retry.later(d, answer, time.Now()), false
	}
	if *losses++; *losses < mostLosses {
		if sleep(ctx, jitter(double(100*time.Millisecond, *losses-1, time.Second)), nil) {
			return Outcome{}, true
		}
		return Outcome{State: Pending}, false
	}
	l.failed(l.g.asTrouble(err))
	return l.g.relay.Retry.later(d, reply{text: why}, time.Now()), false
}
