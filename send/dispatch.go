package send

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

// Job is one edition to deliver.
type Job struct {
	Edition string
	Message *Message
	Date    time.Time // of every mail: the edition's, so that each attempt is the same mail
	Hold    bool      // a mail that may have arrived is not sent again
}

// Status is how an edition stands after Deliver.
type Status struct {
	Open    bool      // still to be sent: not paused, cancelled or done
	Next    time.Time // when to deliver again: the earliest due time of what is left, or when the relay may be tried again; zero: nothing is left
	Trouble error     // why the relay took nothing, a *Trouble; nil if it works
}

// Dispatcher sends through one relay. It lives as long as the process; editions
// that are sent at the same time share its connections and its rate.
type Dispatcher struct {
	// Dial opens the connection to the relay. It may be set before first use.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// TLS is the configuration for the relay's TLS; nil for the usual one. It
	// may be set before first use.
	TLS *tls.Config
	// Timeouts may be changed before first use.
	Timeouts Timeouts

	ledger Ledger
	relay  Relay
	log    *slog.Logger
	seats  *seats
	pace   *pace

	mu       sync.Mutex
	cooling  time.Time         // the relay is left alone until then
	trouble  *Trouble          // why
	troubles int               // rounds that ended in trouble, in a row
	failures int               // connections that came to nothing, in a row
	refusals int               // mails whose sender was refused, in a row
	lastTake int               // mails that a connection had taken when the relay closed it
	limit    int               // mails a connection, learned; 0: none known
	brakes   map[string]*brake // by edition, while there is something left of it
}

// NewDispatcher returns a dispatcher for one relay. log may be nil.
func NewDispatcher(ledger Ledger, relay Relay, log *slog.Logger) *Dispatcher {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	relay.Lanes = max(1, relay.Lanes)
	if relay.Depth <= 0 {
		relay.Depth = 8
	}
	relay.Depth = min(relay.Depth, 16)
	relay.Retry = relay.Retry.withDefaults()
	return &Dispatcher{
		Dial: (&net.Dialer{}).DialContext,
		Timeouts: Timeouts{
			Dial:    30 * time.Second,
			Command: 5 * time.Minute,
			Dot:     10 * time.Minute,
			Grace:   6 * time.Second,
			Idle:    30 * time.Second,
		},
		ledger: ledger,
		relay:  relay,
		log:    log,
		seats:  newSeats(relay.Lanes),
		pace:   newPace(relay.Rate),
		brakes: map[string]*brake{},
	}
}

// Deliver sends an edition until nothing of it is due now, it is paused or
// cancelled, the relay takes nothing, or ctx ends. When ctx ends nothing new is
// claimed, what is in hand is finished within Timeouts.Grace, and what was
// claimed goes back. An error is a fault of the store or of the message; what
// the relay does is never one.
//
// A relay that has taken no mail of the edition and refused 20 recipients for
// good in the same words refuses everybody: that is the Trouble, and nobody
// fails by it.
func (d *Dispatcher) Deliver(ctx context.Context, j Job) (status Status, err error) {
	g := d.seats.enter()
	defer func() { d.seats.leave(g, d.farewell(ctx)) }()
	b := d.brake(j.Edition)
	defer func() {
		if err == nil && (!status.Open || status.Next.IsZero()) {
			d.forget(j.Edition)
		}
	}()
	for {
		status, err = d.look(ctx, j)
		if err != nil || ctx.Err() != nil || !status.Open || status.Next.IsZero() || status.Next.After(time.Now()) {
			return status, err
		}
		if status.Trouble != nil {
			return status, nil
		}
		r := &round{d: d, job: j, guest: g, brake: b}
		if err := r.run(ctx); err != nil {
			return Status{Open: true, Next: status.Next}, err
		}
		if r.gaveUp && ctx.Err() == nil {
			d.cool(r.trouble)
			return d.look(ctx, j)
		}
	}
}

// brake returns the edition's brake.
func (d *Dispatcher) brake(edition string) *brake {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := d.brakes[edition]
	if b == nil {
		b = newBrake()
		d.brakes[edition] = b
	}
	return b
}

// forget lets go of an edition of which nothing is left to be sent.
func (d *Dispatcher) forget(edition string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.brakes, edition)
}

// look asks the ledger how the edition stands, claiming nothing.
func (d *Dispatcher) look(ctx context.Context, j Job) (Status, error) {
	now := time.Now()
	claimed, err := d.ledger.Commit(context.WithoutCancel(ctx), nil, Claim{Edition: j.Edition, Now: now})
	if err != nil {
		return Status{}, fmt.Errorf("edition %s: reading its deliveries: %w", j.Edition, err)
	}
	status := Status{Open: claimed.Open, Next: claimed.Next}
	if !status.Open || status.Next.IsZero() {
		return status, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cooling.After(now) {
		status.Trouble = d.trouble
		if status.Next.Before(d.cooling) {
			status.Next = d.cooling
		}
	}
	return status, nil
}

// cool leaves the relay alone for a while, longer each time.
func (d *Dispatcher) cool(t *Trouble) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.troubles++
	d.trouble = t
	first, longest := 5*time.Second, time.Minute
	if t.Lasting {
		// Some relays lock an account after a few wrong logins.
		first, longest = 30*time.Second, 5*time.Minute
	}
	d.cooling = time.Now().Add(jitter(double(first, d.troubles-1, longest)))
	d.log.Warn("relay takes no mail", "relay", d.relay.ID, "until", d.cooling, "err", t)
}

// works notes that the relay deals with mail.
func (d *Dispatcher) works() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failures, d.troubles, d.trouble, d.cooling = 0, 0, nil, time.Time{}
}

// failed counts connections in a row that came to nothing.
func (d *Dispatcher) failed() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failures++
	return d.failures
}

// senderRefused counts mails in a row whose sender was refused.
func (d *Dispatcher) senderRefused() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refusals++
	return d.refusals
}

func (d *Dispatcher) senderWorks() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refusals = 0
}

// asTrouble wraps err as the relay's trouble, if it is not yet.
func (d *Dispatcher) asTrouble(err error) *Trouble {
	var t *Trouble
	if errors.As(err, &t) {
		return t
	}
	return &Trouble{Relay: d.relay.ID, err: err}
}

// mostMails is how many mails a connection takes: what is configured, or less
// if the relay showed so.
func (d *Dispatcher) mostMails() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.limit > 0 && (d.relay.Messages <= 0 || d.limit < d.relay.Messages) {
		return d.limit
	}
	return d.relay.Messages
}

// limited learns from a connection that the relay closed after so many mails:
// twice the same number is its limit.
func (d *Dispatcher) limited(taken int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if taken == d.lastTake {
		d.limit = taken
	}
	d.lastTake = taken
}

// farewell is how long an answer to QUIT is waited for.
func (d *Dispatcher) farewell(ctx context.Context) time.Duration {
	if ctx.Err() != nil {
		return 500 * time.Millisecond
	}
	return 2 * time.Second
}
