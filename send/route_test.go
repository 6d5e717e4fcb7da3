package send_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"lede/internal/smtptest"
	"lede/send"
)

// Shares hold by weight, also when a relay is much faster than the other.
func TestWeights(t *testing.T) {
	for name, slow := range map[string]time.Duration{"alike": 0, "one is slow": 20 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			plan := send.Plan{
				Relays: []send.Relay{{ID: "main", Weight: 3, Lanes: 2}, {ID: "second", Lanes: 2}},
				Routes: []send.Route{{Relays: []string{"main", "second"}}},
			}
			says := func(relay string, s smtptest.Step) smtptest.Reply {
				if relay == "main" && s.Verb == smtptest.Dot {
					return smtptest.Reply{Wait: slow}
				}
				return smtptest.Reply{}
			}
			inHarbour(t, 400, plan, says, nil, func(h *harbour) {
				if status := h.deliver(); !status.Next.IsZero() || status.Trouble != nil {
					t.Errorf("status %+v", status)
				}
				h.want(map[send.State]int{send.Sent: 400})
				h.once()
				if n := h.accepted("second"); n < 90 || n > 110 {
					t.Errorf("the second took %d of 400, want a quarter", n)
				}
				if l := h.ledgers["ed1"]; l.writes > 40 {
					t.Errorf("%d deliveries were put off", l.writes)
				}
			})
		})
	}
}

// A relay that takes mails and is silent holds up those mails, and no others.
func TestSilentRelay(t *testing.T) {
	plan := send.Plan{
		Relays: []send.Relay{{ID: "main", Lanes: 2}, {ID: "second", Lanes: 2}},
		Routes: []send.Route{{Relays: []string{"main", "second"}}},
	}
	var last time.Time // that the second took
	says := func(relay string, s smtptest.Step) smtptest.Reply {
		if s.Verb == smtptest.Dot && relay == "main" {
			return smtptest.Reply{Wait: 5 * time.Minute}
		}
		if s.Verb == smtptest.Dot {
			last = time.Now()
		}
		return smtptest.Reply{}
	}
	inHarbour(t, 400, plan, says, nil, func(h *harbour) {
		start := time.Now()
		h.deliver()
		h.want(map[send.State]int{send.Sent: 400})
		h.once()
		if n := h.accepted("main"); n > 2*2*8 {
			t.Errorf("%d mails waited for the silent one", n)
		}
		if took := last.Sub(start); took > time.Minute {
			t.Errorf("the last of the others went after %s", took)
		}
	})
}

// The first route that fits holds: by newsletter, domain and list; the rest goes
// by the job's relay.
func TestRoutes(t *testing.T) {
	plan := send.Plan{
		Relays: []send.Relay{{ID: "main"}, {ID: "big", Lanes: 2}, {ID: "club"}, {ID: "other"}},
		Routes: []send.Route{
			{Newsletters: []string{"another"}, Relays: []string{"other"}},
			{Domains: []string{"big.example"}, Relays: []string{"big"}},
			{Lists: []string{"club"}, Relays: []string{"club"}},
		},
	}
	inHarbour(t, 900, plan, nil, []string{"big.example", "quay.example", "pier.example"}, func(h *harbour) {
		l := h.ledgers["ed1"]
		l.onLists = map[int64][]string{}
		for i, r := range l.rows {
			if i < 300 {
				l.onLists[r.Subscriber] = []string{"club", "harbour"}
			}
		}
		if status := h.deliver(); !status.Next.IsZero() || status.Trouble != nil {
			t.Errorf("status %+v", status)
		}
		h.want(map[send.State]int{send.Sent: 900})
		h.once()
		for relay, want := range map[string]int{"big": 300, "club": 200, "main": 400, "other": 0} {
			if got := h.accepted(relay); got != want {
				t.Errorf("%s took %d, want %d", relay, got, want)
			}
		}
		if n := h.relays["other"].server.Count(smtptest.Greeting); n > 0 {
			t.Error("a relay was connected to that nothing goes by")
		}
		if l.writes > 4*900 {
			t.Errorf("%d times a delivery was put off", l.writes)
		}
	})
}

// When a relay goes away in mid-send the failover takes over, and it comes back.
func TestFailover(t *testing.T) {
	plan := send.Plan{
		Relays: []send.Relay{{ID: "main", Lanes: 2, Rate: send.Rate{Count: 10, Per: time.Second}}, {ID: "spare", Lanes: 2, Rate: send.Rate{Count: 10, Per: time.Second}}, {ID: "third"}},
		Routes: []send.Route{{Relays: []string{"main"}, Failover: []string{"spare", "third"}}},
	}
	var h *harbour
	var until time.Time
	says := func(relay string, s smtptest.Step) smtptest.Reply {
		if relay == "main" && s.Verb == smtptest.MailFrom && s.Nth == 101 {
			until = time.Now().Add(10 * time.Second)
			h.relays["main"].pipe.Refuse(errors.New("connection refused"))
			time.AfterFunc(10*time.Second, func() { h.relays["main"].pipe.Refuse(nil) })
		}
		return smtptest.Reply{Drop: relay == "main" && s.Verb == smtptest.MailFrom && time.Now().Before(until)}
	}
	inHarbour(t, 1000, plan, says, nil, func(in *harbour) {
		h = in
		if troubles := h.finish(); len(troubles) > 0 {
			t.Errorf("troubles %v", troubles)
		}
		h.want(map[send.State]int{send.Sent: 1000})
		h.once()
		main, spare := h.accepted("main"), h.accepted("spare")
		if main+spare != 1000 || main < 300 || spare < 50 {
			t.Errorf("main took %d, the spare %d", main, spare)
		}
		for i := range 1000 {
			if n := h.ledgers["ed1"].row(i).Attempt; n > 2 {
				t.Errorf("delivery %d took %d attempts", i, n)
			}
		}
	})
}

// All relays down: that is the trouble, nothing is claimed, and it goes on.
func TestAllRelaysDown(t *testing.T) {
	plan := send.Plan{
		Relays: []send.Relay{{ID: "main"}, {ID: "spare"}, {ID: "big"}},
		Routes: []send.Route{
			{Domains: []string{"big.example"}, Relays: []string{"big"}},
			{Relays: []string{"main"}, Failover: []string{"spare"}},
		},
	}
	inHarbour(t, 60, plan, nil, []string{"quay.example", "big.example"}, func(h *harbour) {
		for _, p := range h.relays {
			p.pipe.Refuse(errors.New("connection refused"))
		}
		var status send.Status
		for range 20 {
			if status = h.deliver(); status.Trouble != nil {
				break
			}
			time.Sleep(time.Until(status.Next))
		}
		if status.Trouble == nil || !strings.Contains(status.Trouble.Error(), "connection refused") {
			t.Errorf("status %+v", status)
		}
		h.want(map[send.State]int{send.Pending: 60})
		for i := range 60 {
			if n := h.ledgers["ed1"].row(i).tries; n > 0 {
				t.Fatalf("delivery %d was claimed without a relay", i)
			}
		}
		for _, p := range h.relays {
			p.pipe.Refuse(nil)
		}
		h.finish()
		h.want(map[send.State]int{send.Sent: 60})
		h.once()
	})
}

// One route's relay is down: the others go on, and its mails wait without
// losing an attempt.
func TestOneRouteIsDown(t *testing.T) {
	plan := send.Plan{
		Relays: []send.Relay{{ID: "main"}, {ID: "big"}},
		Routes: []send.Route{{Domains: []string{"big.example"}, Relays: []string{"big"}}},
	}
	inHarbour(t, 2000, plan, nil, []string{"big.example", "quay.example"}, func(h *harbour) {
		h.relays["big"].pipe.Refuse(errors.New("connection refused"))
		start := time.Now()
		var status send.Status
		for h.ledgers["ed1"].sums()[send.Sent] < 1000 && time.Since(start) < time.Minute {
			status = h.deliver()
			time.Sleep(time.Until(status.Next))
		}
		h.want(map[send.State]int{send.Sent: 1000, send.Pending: 1000})
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("the others took %s", took)
		}
		for status.Trouble == nil && time.Since(start) < 10*time.Minute {
			time.Sleep(time.Until(status.Next))
			status = h.deliver()
		}
		if status.Trouble == nil || !strings.Contains(status.Trouble.Error(), "relay big") {
			t.Errorf("status %+v: all that is left waits for the relay", status)
		}
		h.relays["big"].pipe.Refuse(nil)
		h.finish()
		h.want(map[send.State]int{send.Sent: 2000})
		for i := range 2000 {
			if n := h.ledgers["ed1"].row(i).Attempt; n != 1 {
				t.Fatalf("delivery %d took %d attempts", i, n)
			}
		}
		if n := h.ledgers["ed1"].writes; n > 10*1000 {
			t.Errorf("%d times a delivery was put off", n)
		}
	})
}

// What a receiver greylisted stays with the relay that it knows.
func TestGreylistedStays(t *testing.T) {
	plan := send.Plan{
		Relays: []send.Relay{{ID: "main"}, {ID: "second"}},
		Routes: []send.Route{{Relays: []string{"main", "second"}}},
	}
	first := map[string]string{}
	says := func(relay string, s smtptest.Step) smtptest.Reply {
		if s.Verb != smtptest.Rcpt || first[s.To] == relay {
			return smtptest.Reply{}
		}
		if first[s.To] == "" {
			first[s.To] = relay
		}
		return smtptest.Reply{Text: "451 4.7.1 greylisted, try again in 300 seconds"}
	}
	inHarbour(t, 100, plan, says, nil, func(h *harbour) {
		start := time.Now()
		h.finish()
		h.want(map[send.State]int{send.Sent: 100})
		for i := range 100 {
			if r := h.ledgers["ed1"].row(i); r.Attempt != 2 {
				t.Errorf("delivery %d took %d attempts", i, r.Attempt)
			}
		}
		if took := time.Since(start); took < 5*time.Minute || took > 6*time.Minute {
			t.Errorf("it took %s", took)
		}
	})
}

func TestPlanNamesNoRelay(t *testing.T) {
	plan := send.Plan{Relays: []send.Relay{{ID: "main"}}, Routes: []send.Route{{Relays: []string{"amin"}}}}
	inHarbour(t, 1, plan, nil, nil, func(h *harbour) {
		if _, err := h.d.Deliver(t.Context(), h.job); err == nil || !strings.Contains(err.Error(), `no relay "amin"`) {
			t.Errorf("error %v", err)
		}
	})
}
