package send

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
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

// lane is one connection at a time, sending an edition's mails in order, as
// many at once as the connection has room for. It waits for answers, for
// deliveries and for its pace all at once.
type lane struct {
	round    *round
	g        *gateway
	window   *window
	conn     *conn
	unhurry  func() bool   // ends that the connection hurries when sending is to stop
	flying   []letter      // on the connection, in order
	again    []letter      // to be sent before any other, on a new connection
	pause    time.Duration // before the next connection
	place    time.Time     // when the pace lets the next mail go; zero: it was not asked
	begins   bool          // deliveries may come to the window
	sent     int           // mails begun since the seat was taken
	timer    *time.Timer
	from     []byte
	debug    bool     // somebody reads what is logged about each delivery
	failures int      // connections that could not be made or took nothing, in a row
	trouble  *Trouble // why the last one failed
}

// errNoMessage is a delivery of a variant or a subject that the edition has no
// message for: a fault of ours, and nothing of it is sent.
var errNoMessage = errors.New("the edition has no such letter")

// letter is a delivery in the hands of a lane.
type letter struct {
	Delivery
	losses int // connections lost with it in hand
	utf8   bool
}

func (l *lane) run(ctx context.Context) {
	l.debug = l.g.log.Enabled(ctx, slog.LevelDebug)
	l.timer = time.NewTimer(time.Hour)
	defer l.timer.Stop()
	for {
		c, ok := l.g.seats.take(ctx, l.round.guest, l.round.over)
		if !ok {
			return
		}
		l.trouble = nil
		l.use(ctx, c)
		again := l.serve(ctx)
		l.window.settle()
		c = l.conn
		l.use(ctx, nil)
		if c != nil && c.over() {
			c.close()
			c = nil
		}
		l.g.seats.put(l.round.guest, c)
		if l.trouble != nil {
			again = l.rest(ctx)
		}
		if !again {
			return
		}
	}
}

// use makes c the lane's connection. When ctx ends, what is in hand on it has a
// little while left.
func (l *lane) use(ctx context.Context, c *conn) {
	if l.unhurry != nil {
		l.unhurry()
		l.unhurry = nil
	}
	if l.conn = c; c != nil {
		l.unhurry = context.AfterFunc(ctx, func() { c.hurry(time.Now().Add(l.g.outside.Timeouts.Grace)) })
	}
}

// serve sends mail until there is none, the relay takes none, or somebody else
// wants the seat; then it returns true. Nothing is in flight when it returns.
func (l *lane) serve(ctx context.Context) (moving bool) {
	defer l.windUp()
	l.begins, l.sent = false, 0
	for ending := false; ; {
		more := l.collect(ctx)
		if !moving && l.sent >= l.g.relay.Depth && l.g.seats.wanted(l.round.guest) {
			moving = true
			l.window.drain(false)
		}
		next := need{}
		if !ending {
			next = l.fill(ctx, moving)
			ending = next.nothing
		}
		if ending && len(l.flying) == 0 {
			return moving && l.trouble == nil && ctx.Err() == nil
		}
		if !more {
			ending = l.wait(ctx, next) || ending
		}
	}
}

// windUp gives back what is claimed and not begun.
func (l *lane) windUp() {
	l.unplace()
	for _, m := range l.again {
		l.hand(m.Delivery, Outcome{State: Pending})
	}
	l.again = l.again[:0]
	l.window.drain(true)
}

// need is what a lane needs, beside answers, to begin another mail.
type need struct {
	nothing  bool // there is none, or it cannot be sent
	delivery bool
	turn     time.Duration // its turn by the pace, so long from now
}

// fill begins mails while the connection has room for them.
func (l *lane) fill(ctx context.Context, moving bool) need {
	for {
		if ctx.Err() != nil || l.trouble != nil {
			return need{nothing: true}
		}
		if l.conn != nil && !l.conn.usable(l.g.mostMails()) {
			if len(l.flying) > 0 {
				return need{}
			}
			l.part(ctx)
		}
		if l.conn != nil && l.conn.room() == 0 {
			return need{}
		}
		if turn := l.turn(); turn > 0 {
			return need{turn: turn}
		}
		if !l.begins && !moving {
			// Nothing is claimed until there is a connection to send it on.
			if l.conn == nil && !l.connect(ctx) {
				return need{nothing: true}
			}
			l.begins = true
			l.window.begin()
		}
		m, ok, more := l.pick()
		if !ok {
			return need{nothing: !more, delivery: more}
		}
		if l.conn == nil && !l.connect(ctx) {
			l.again = slices.Insert(l.again, 0, m)
			return need{nothing: true}
		}
		l.begin(m)
		if l.conn.heard() { // an outcome is handed in right after its answer
			l.collect(ctx)
		}
	}
}

// turn asks the pace for the next mail's place, and returns how long it is
// until then.
func (l *lane) turn() time.Duration {
	if l.place.IsZero() {
		l.place = l.g.pace.reserve()
	}
	return max(0, time.Until(l.place))
}

// unplace returns a place that is not used.
func (l *lane) unplace() {
	if !l.place.IsZero() {
		l.place = time.Time{}
		l.g.pace.giveBack()
	}
}

// pick returns the next mail to send.
func (l *lane) pick() (m letter, ok, more bool) {
	if len(l.again) > 0 {
		m = l.again[0]
		l.again = l.again[:copy(l.again, l.again[1:])]
		return m, true, true
	}
	m.Delivery, ok, more = l.window.poll()
	return m, ok, more
}

// begin sends one mail, or says why it cannot be sent; its place by the pace is
// then there for the next.
func (l *lane) begin(m letter) {
	c := l.conn
	l.sent++
	to, err := checkAddress(m.Address)
	data := c.buffer()
	message := l.round.job.message(&m.Delivery)
	if message == nil {
		err = fmt.Errorf("%w: variant %d, subject %d", errNoMessage, m.Variant, m.Subject)
	}
	if err == nil {
		data, err = message.appendTo(data, &m.Delivery, to, l.round.job.Date)
	}
	if err == nil {
		m.utf8 = message.needsUTF8(to)
		if o := c.offers; m.utf8 && !o.utf8 {
			err = fmt.Errorf("%w: it needs SMTPUTF8 (RFC 6531), which the relay does not offer", errRecipient)
		} else if size := len(data) - headRoom; o.most > 0 && size > o.most {
			c.giveBack(data)
			l.hand(m.Delivery, l.refused(m, reply{552, fmt.Sprintf("5.3.4 the mail has %d bytes, the relay takes %d at most (SIZE, RFC 1870)", size, o.most)}))
			return
		}
	}
	if err != nil {
		c.giveBack(data)
		out := Outcome{State: Failed, Reply: err.Error()}
		if !errors.Is(err, errRecipient) {
			l.round.fail(fmt.Errorf("edition %s: writing a mail: %w", m.Edition, err))
			out = Outcome{State: Pending}
		}
		l.hand(m.Delivery, out)
		return
	}
	l.place = time.Time{} // used
	l.flying = append(l.flying, m)
	l.from = message.appendEnvelope(l.from[:0], &m.Delivery)
	c.push(l.from, to, m.utf8, false, data)
}

// hand completes an outcome and hands it in.
func (l *lane) hand(d Delivery, o Outcome) {
	o.Edition, o.Pos, o.Relay, o.At = d.Edition, d.Pos, l.g.relay.ID, time.Now()
	if o.State == Pending && o.Due.IsZero() {
		o.Due = o.At
	}
	if l.debug {
		l.g.log.Debug("delivery", "edition", d.Edition, "delivery", d.Pos, "relay", o.Relay,
			"attempt", d.Attempt, "state", o.State, "code", o.Code, "reply", o.Reply)
	}
	l.window.put(d, o)
}

// wait waits until an answer comes, or what is needed. It returns true when that
// will not come. A connection that has nothing to do meanwhile is kept alive
// until it was unused for too long.
func (l *lane) wait(ctx context.Context, next need) (over bool) {
	var answers, news, end <-chan struct{}
	most := next.turn
	if len(l.flying) == 0 && l.conn != nil {
		if !l.conn.usable(0) {
			// Without it the lane needs something else: it may have waited for
			// room on this connection alone.
			l.part(ctx)
			return false
		}
		if again := l.conn.keep(); most == 0 || again < most {
			most = again
		}
	}
	if l.conn != nil {
		if len(l.flying) > 0 {
			l.conn.await() // what was gathered goes out
		}
		answers = l.conn.news
	}
	if next.delivery {
		news = l.window.news
	} else if next.turn > 0 && len(l.flying) == 0 {
		end = l.window.idle()
	}
	var ring <-chan time.Time
	if most > 0 {
		l.timer.Reset(most)
		ring = l.timer.C
	}
	select {
	case <-answers:
	case <-news:
	case <-ring:
	case <-end:
		return true
	}
	return false
}

// connect makes a connection.
func (l *lane) connect(ctx context.Context) bool {
	if l.pause > 0 && !sleep(ctx, l.pause, nil) {
		return false
	}
	l.pause = 0
	c, err := l.g.open(ctx)
	if err != nil {
		if ctx.Err() == nil {
			l.failed(l.g.asTrouble(err))
		}
		return false
	}
	l.use(ctx, c)
	return true
}

// part takes leave of the connection.
func (l *lane) part(ctx context.Context) {
	c := l.conn
	l.use(ctx, nil)
	c.quit(l.g.farewell(ctx))
}

// failed notes that a connection came to nothing.
func (l *lane) failed(t *Trouble) {
	if l.trouble == nil {
		l.trouble = t
		l.failures = max(l.failures+1, l.g.failed())
	}
}

// rest waits, without seat or claim, before the relay is tried again. It
// returns false when the round ended. A lane that tried often enough, or in
// vain, rests long; when all do, the round ends with the trouble.
func (l *lane) rest(ctx context.Context) bool {
	t := l.trouble
	if !t.Lasting && l.failures < patience {
		return sleep(ctx, jitter(double(time.Second, l.failures-1, time.Minute)), l.round.halt)
	}
	return l.round.rest(ctx, t, jitter(double(10*time.Second, l.failures-patience, 5*time.Minute)))
}
