package send

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

// Job is one edition to deliver.
type Job struct {
	Edition    string
	Newsletter string
	Lists      []string // that it goes to
	Relay      string   // takes what no route claims
	Message    *Message
	Date       time.Time // of every mail: the edition's, so that each attempt is the same mail
	Hold       bool      // a mail that may have arrived is not sent again
}

// Status is how an edition stands after Deliver.
type Status struct {
	Open    bool      // still to be sent: not paused, cancelled or done
	Next    time.Time // when to deliver again: the earliest due time of what is left, or when the relay may be tried again; zero: nothing is left
	Trouble error     // why the relay took nothing, a *Trouble; nil if it works
}

// Dispatcher sends through the relays of a plan. It lives as long as the
// process; editions that are sent at the same time share its connections and its
// rates.
type Dispatcher struct {
	outside

	ledger   Ledger
	plan     Plan
	log      *slog.Logger
	gateways map[string]*gateway // by relay id

	mu     sync.Mutex
	brakes map[string]*brake // by edition, while there is something left of it
}

// NewDispatcher returns a dispatcher for the relays of a plan. log may be nil.
func NewDispatcher(ledger Ledger, plan Plan, log *slog.Logger) *Dispatcher {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	d := &Dispatcher{
		outside: outside{
			Dial: (&net.Dialer{}).DialContext,
			Timeouts: Timeouts{
				Dial:    30 * time.Second,
				Command: 5 * time.Minute,
				Dot:     10 * time.Minute,
				Grace:   6 * time.Second,
				Idle:    30 * time.Second,
			},
		},
		ledger:   ledger,
		plan:     plan,
		log:      log,
		gateways: map[string]*gateway{},
		brakes:   map[string]*brake{},
	}
	for _, r := range plan.Relays {
		d.gateways[r.ID] = newGateway(r, &d.outside, log)
	}
	return d
}

// gateway returns a relay by its id.
func (d *Dispatcher) gateway(relay string) (*gateway, error) {
	g, ok := d.gateways[relay]
	if !ok {
		return nil, fmt.Errorf("no relay %q", relay)
	}
	return g, nil
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
	g, err := d.gateway(j.Relay)
	if err != nil {
		return Status{}, fmt.Errorf("edition %s: %w", j.Edition, err)
	}
	guest := g.seats.enter()
	defer func() { g.seats.leave(guest, g.farewell(ctx)) }()
	b := d.brake(j.Edition)
	defer func() {
		if err == nil && (!status.Open || status.Next.IsZero()) {
			d.forget(j.Edition)
		}
	}()
	for {
		status, err = d.look(ctx, g, j)
		if err != nil || ctx.Err() != nil || !status.Open || status.Next.IsZero() || status.Next.After(time.Now()) {
			return status, err
		}
		if status.Trouble != nil {
			return status, nil
		}
		r := &round{d: d, g: g, job: j, guest: guest, brake: b}
		if err := r.run(ctx); err != nil {
			return Status{Open: true, Next: status.Next}, err
		}
		if r.gaveUp && ctx.Err() == nil {
			g.cool(r.trouble)
			return d.look(ctx, g, j)
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
func (d *Dispatcher) look(ctx context.Context, g *gateway, j Job) (Status, error) {
	now := time.Now()
	claimed, err := d.ledger.Commit(context.WithoutCancel(ctx), nil, Claim{Edition: j.Edition, Now: now})
	if err != nil {
		return Status{}, fmt.Errorf("edition %s: reading its deliveries: %w", j.Edition, err)
	}
	status := Status{Open: claimed.Open, Next: claimed.Next}
	if !status.Open || status.Next.IsZero() {
		return status, nil
	}
	if trouble, until := g.closed(now); trouble != nil {
		status.Trouble = trouble
		status.Next = later(status.Next, until)
	}
	return status, nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
