package send

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"
)

// Job is one edition to deliver.
type Job struct {
	Edition    string
	Newsletter string
	Lists      []string // that it goes to
	Relay      string   // takes what no route claims
	Message    *Message // of all deliveries; with Messages, that of variant 0
	// Messages are by the delivery's variant, and then by its subject. In a test
	// of subjects there is none for subject 0: what has no subject yet must not
	// be sent. nil: Message is for all.
	Messages [][]*Message
	Date     time.Time // of every mail: the edition's, so that each attempt is the same mail
	Hold     bool      // a mail that may have arrived is not sent again
}

// message returns the message that a delivery is to get, nil when there is none.
func (j *Job) message(d *Delivery) *Message {
	switch {
	case j.Messages == nil && d.Variant == 0 && d.Subject == 0:
		return j.Message
	case d.Variant < 0 || d.Variant >= len(j.Messages) || d.Subject < 0 || d.Subject >= len(j.Messages[d.Variant]):
		return nil
	}
	return j.Messages[d.Variant][d.Subject]
}

// Status is how an edition stands after Deliver.
type Status struct {
	Open    bool      // still to be sent: not paused, cancelled or done
	Next    time.Time // when to deliver again: the earliest due time of what is left, or when a relay may be tried again; zero: nothing is left
	Trouble error     // why no relay takes anything now, a *Trouble; nil if one works
}

// Dispatcher sends through the relays of a plan. It lives as long as the
// process; editions that are sent at the same time share its connections, its
// rates and its quotas.
type Dispatcher struct {
	outside

	ledger   Ledger
	log      *slog.Logger
	order    []*gateway
	gateways map[string]*gateway // by relay id
	routes   []route
	alone    map[string]*group // each relay by itself
	gates    *gates
	broken   error // why the plan does not hold together
	tally    *tally

	mu       sync.Mutex
	brakes   map[string]map[*gateway]*brake // by edition, while there is something left of it
	editions []editionTally                 // the latest last
}

type editionTally struct {
	edition string
	tally   *tally
}

// NewDispatcher returns a dispatcher for the relays of a plan. log may be nil.
// A route that names a relay that the plan lacks is an error of each Deliver.
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
		log:      log,
		gateways: map[string]*gateway{},
		alone:    map[string]*group{},
		gates:    newGates(plan.Domains, log),
		tally:    newTally(),
		brakes:   map[string]map[*gateway]*brake{},
	}
	for _, r := range plan.Relays {
		g := newGateway(r, &d.outside, log)
		d.order = append(d.order, g)
		d.gateways[r.ID] = g
		d.alone[r.ID] = newGroup([]*gateway{g}, nil)
	}
	d.routes, d.broken = routes(plan, d.gateways)
	return d
}

// Stats returns what was done since the process began, and how relays and
// domains stand.
func (d *Dispatcher) Stats() Stats { return d.stats(d.tally, d.order) }

// EditionStats is Stats of one edition: what was done for it since this process
// took it up, by the relays that had part in it. Of editions that have ended
// only the latest few are known.
func (d *Dispatcher) EditionStats(edition string) Stats {
	t := d.editionTally(edition, false)
	if t == nil {
		return Stats{}
	}
	t.mu.Lock()
	var part []*gateway
	for _, g := range d.order {
		if t.relays[g.relay.ID] != nil {
			part = append(part, g)
		}
	}
	t.mu.Unlock()
	return d.stats(t, part)
}

// editionTally returns what is counted of an edition.
func (d *Dispatcher) editionTally(edition string, begin bool) *tally {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.editions {
		if e.edition == edition {
			return e.tally
		}
	}
	if !begin {
		return nil
	}
	if len(d.editions) >= lastTallies {
		ended := slices.IndexFunc(d.editions, func(e editionTally) bool { return d.brakes[e.edition] == nil })
		if ended >= 0 {
			d.editions = slices.Delete(d.editions, ended, ended+1)
		}
	}
	t := newTally()
	d.editions = append(d.editions, editionTally{edition, t})
	return t
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
// cancelled, the relays take nothing, or ctx ends. When ctx ends nothing new is
// claimed, what is in hand is finished within Timeouts.Grace, and what was
// claimed goes back. An error is a fault of the store, of the plan or of the
// message; what a relay does is never one.
//
// Each delivery goes by the relays of the first route that fits it, else by
// Job.Relay. A relay that takes nothing, that refused 20 mails in a row in the
// same words, or whose mails of the day are used up, is left alone for a while,
// and nobody fails by it; the others go on.
func (d *Dispatcher) Deliver(ctx context.Context, j Job) (status Status, err error) {
	v, err := d.visit(j)
	if err != nil {
		return Status{}, fmt.Errorf("edition %s: %w", j.Edition, err)
	}
	defer v.leave(ctx)
	defer func() {
		if err == nil && (!status.Open || status.Next.IsZero()) {
			d.forget(j.Edition)
		}
	}()
	if err := v.chart.load(ctx, d.ledger); err != nil {
		return Status{}, fmt.Errorf("edition %s: %w", j.Edition, err)
	}
	for {
		status, err = d.look(ctx, v.chart)
		if err != nil || ctx.Err() != nil || !status.Open || status.Next.IsZero() || status.Next.After(time.Now()) {
			return status, err
		}
		if status.Trouble != nil {
			return status, nil
		}
		t := &tour{d: d, visit: v, job: j}
		if err := t.run(ctx); err != nil {
			return Status{Open: true, Next: status.Next}, err
		}
		if why := t.desk.why; why != nil && ctx.Err() == nil {
			// All that is due waits for relays that take nothing; the others
			// have nothing to do.
			status, err := d.look(ctx, v.chart)
			if status.Trouble == nil && status.Next.After(time.Now()) {
				status.Trouble = why
			}
			if err != nil || status.Trouble != nil || !status.Open || status.Next.IsZero() {
				return status, err
			}
		}
	}
}

// visit is one Deliver at the relays that it may need.
type visit struct {
	chart   *chart
	guests  map[*gateway]*guest
	brakes  map[*gateway]*brake
	tallies []*tally
}

func (d *Dispatcher) visit(j Job) (*visit, error) {
	c, err := d.chart(j)
	if err != nil {
		return nil, err
	}
	v := &visit{chart: c, guests: map[*gateway]*guest{}, brakes: map[*gateway]*brake{}}
	for _, g := range c.relays {
		v.guests[g] = g.seats.enter()
		v.brakes[g] = d.brake(j.Edition, g)
	}
	v.tallies = []*tally{d.tally, d.editionTally(j.Edition, true)}
	return v, nil
}

// leave closes connections that nobody else needs.
func (v *visit) leave(ctx context.Context) {
	var wg sync.WaitGroup
	for g, guest := range v.guests {
		wg.Go(func() { g.seats.leave(guest, g.farewell(ctx)) })
	}
	wg.Wait()
}

// brake returns the edition's brake at a relay.
func (d *Dispatcher) brake(edition string, g *gateway) *brake {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.brakes[edition] == nil {
		d.brakes[edition] = map[*gateway]*brake{}
	}
	b := d.brakes[edition][g]
	if b == nil {
		b = newBrake()
		d.brakes[edition][g] = b
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
func (d *Dispatcher) look(ctx context.Context, c *chart) (Status, error) {
	now := time.Now()
	claimed, err := d.ledger.Commit(context.WithoutCancel(ctx), nil, Claim{Edition: c.edition, Now: now})
	if err != nil {
		return Status{}, fmt.Errorf("edition %s: reading its deliveries: %w", c.edition, err)
	}
	status := Status{Open: claimed.Open, Next: claimed.Next}
	if !status.Open || status.Next.IsZero() {
		return status, nil
	}
	if trouble, until := c.trouble(now); trouble != nil {
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
