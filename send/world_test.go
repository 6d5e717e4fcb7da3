package send_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lede/internal/smtptest"
	"lede/send"
)

// harbour is several relays in memory, a ledger and a dispatcher, in a bubble.
type harbour struct {
	t       *testing.T
	relays  map[string]*pier
	ledgers map[string]*ledger // by edition
	d       *send.Dispatcher
	job     send.Job
}

// pier is one relay.
type pier struct {
	server *smtptest.Server
	pipe   *smtptest.Pipe
}

// script answers at a relay. One step at a time is asked.
type script = func(relay string, s smtptest.Step) smtptest.Reply

// inHarbour runs f in a bubble with n deliveries due, at the domains in turn.
func inHarbour(t *testing.T, n int, plan send.Plan, says script, domains []string, f func(*harbour)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &harbour{t: t, relays: map[string]*pier{}, ledgers: map[string]*ledger{}}
		bound := 0
		var saying sync.Mutex
		for i := range plan.Relays {
			r := &plan.Relays[i]
			r.Host, r.Port, r.TLS = r.ID+".example", 25, "none"
			r.Lanes = max(1, r.Lanes)
			if r.Depth == 0 {
				r.Depth = 8
			}
			bound += r.Lanes * r.Depth
			p := &pier{pipe: smtptest.NewPipe()}
			p.server = &smtptest.Server{Script: func(s smtptest.Step) smtptest.Reply {
				if says == nil {
					return smtptest.Reply{}
				}
				saying.Lock()
				defer saying.Unlock()
				return says(r.ID, s)
			}}
			h.relays[r.ID] = p
		}
		h.ledgers["ed1"] = newLedger(t, n, bound)
		h.at("ed1", domains)
		h.d = send.NewDispatcher(h, plan, nil)
		h.d.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			return h.relays[strings.TrimSuffix(addr, ".example:25")].pipe.Dial(ctx, network, addr)
		}
		h.job = send.Job{Edition: "ed1", Newsletter: "harbour", Relay: plan.Relays[0].ID, Message: compile(t, testLetter(), testSender()), Date: editionDate}
		var served sync.WaitGroup
		for _, p := range h.relays {
			served.Go(func() { p.server.Serve(p.pipe) })
		}
		f(h)
		for name, p := range h.relays {
			p.pipe.Close()
			p.server.Close()
			for _, fault := range p.server.Faults() {
				t.Errorf("on the wire to %s: %s", name, fault)
			}
		}
		served.Wait()
	})
}

// at spreads the deliveries of an edition over domains.
func (h *harbour) at(edition string, domains []string) {
	l := h.ledgers[edition]
	for i, r := range l.rows {
		if len(domains) > 0 {
			r.Domain = domains[i%len(domains)]
		}
		r.Address = fmt.Sprintf("r%d@%s", i, r.Domain)
		l.byAddr[r.Address] = r
	}
}

func (h *harbour) Commit(ctx context.Context, done []send.Outcome, c send.Claim) (send.Claimed, error) {
	l, edition := h.ledgers[c.Edition], c.Edition
	if edition != "ed1" { // as its rows say
		c.Edition = "ed1"
		for i := range done {
			done[i].Edition = "ed1"
		}
	}
	claimed, err := l.Commit(ctx, done, c)
	for i := range claimed.Deliveries {
		claimed.Deliveries[i].Edition = edition
	}
	return claimed, err
}

func (h *harbour) Recover(context.Context, string, bool, time.Time) (int, error) { return 0, nil }

func (h *harbour) Accepted(ctx context.Context, relay string, at time.Time) (int, error) {
	n := 0
	for _, l := range h.ledgers {
		of, _ := l.Accepted(ctx, relay, at)
		n += of
	}
	return n, nil
}

// deliver calls Deliver once.
func (h *harbour) deliver() send.Status {
	h.t.Helper()
	status, err := h.d.Deliver(h.t.Context(), h.job)
	if err != nil {
		h.t.Fatal(err)
	}
	return status
}

// finish calls Deliver until nothing is left, as the daemon does.
func (h *harbour) finish() (troubles []error) {
	h.t.Helper()
	for range 20000 {
		status := h.deliver()
		if status.Trouble != nil {
			troubles = append(troubles, status.Trouble)
		}
		if !status.Open || status.Next.IsZero() {
			return troubles
		}
		time.Sleep(time.Until(status.Next))
	}
	h.t.Error("the edition never ends")
	return troubles
}

func (h *harbour) want(want map[send.State]int) {
	h.t.Helper()
	if got := h.ledgers["ed1"].sums(); !maps.Equal(got, want) {
		h.t.Errorf("sums %v, want %v", got, want)
	}
}

// accepted counts the mails that a relay took.
func (h *harbour) accepted(relay string) int { return len(h.relays[relay].server.Received()) }

// once checks that nobody has two copies, and everybody sent has one.
func (h *harbour) once() {
	h.t.Helper()
	copies := map[string]int{}
	for _, p := range h.relays {
		for to, ids := range p.server.Copies() {
			copies[to] += len(ids)
		}
	}
	for _, r := range h.ledgers["ed1"].rows {
		if n := copies[r.Address]; n > 1 && r.doubts == 0 || r.state == send.Sent && n == 0 {
			h.t.Errorf("%s is %s and has %d copies", r.Address, r.state, n)
		}
	}
}

// to says at which domain a step's recipient is.
func to(s smtptest.Step) string {
	_, domain, _ := strings.Cut(s.To, "@")
	return domain
}
