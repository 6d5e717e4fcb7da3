package send_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"lede/internal/smtptest"
	"lede/send"
)

// TestRandomHarbour lets relays and domains answer at random: the sums add up,
// no limit is exceeded, nobody has the mail twice, and everything ends.
func TestRandomHarbour(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			domains := []string{"big.example", "quay.example", "pier.example", "mole.example"}
			relays := []string{"a", "b", "c"}
			plan := send.Plan{}
			for _, id := range relays {
				plan.Relays = append(plan.Relays, send.Relay{
					ID: id, Lanes: 1 + rnd.IntN(4), Depth: 1 + rnd.IntN(16), Weight: rnd.IntN(4),
					Quota: []int{0, 150, 700}[rnd.IntN(3)], Messages: []int{0, 50}[rnd.IntN(2)],
					Retry: send.Retry{GiveUpAfter: 24 * 20 * time.Hour},
				})
			}
			plan.Routes = []send.Route{
				{Domains: []string{"big.example"}, Relays: relays[:1+rnd.IntN(2)], Failover: relays[2:]},
				{Relays: relays[rnd.IntN(3):]},
			}[rnd.IntN(2):]
			limit := 1 + rnd.IntN(5)
			plan.Domains = []send.Domain{{ID: "large", Domains: []string{"big.example"}, Concurrency: limit, Rate: send.Rate{Count: 50, Per: time.Second}}}
			var mu sync.Mutex
			bad := map[string]float64{"a": rnd.Float64() / 20, "b": rnd.Float64() / 20, "c": rnd.Float64() / 20}
			dots, flying, most := 0, map[string]bool{}, 0
			says := func(relay string, s smtptest.Step) smtptest.Reply {
				mu.Lock()
				defer mu.Unlock()
				odds := rnd.Float64()
				if to(s) == "big.example" {
					switch s.Verb {
					case smtptest.Rcpt:
						flying[s.To] = true
						most = max(most, len(flying))
					case smtptest.Dot:
						delete(flying, s.To)
					}
				}
				if s.Verb == smtptest.Dot && odds < bad[relay]/4 {
					dots++
				}
				if odds > bad[relay] {
					return smtptest.Reply{Wait: time.Duration(rnd.IntN(3)) * time.Millisecond}
				}
				if s.Verb == smtptest.Rcpt || s.Verb == smtptest.Dot || odds < bad[relay]/4 {
					delete(flying, s.To)
				}
				switch {
				case odds < bad[relay]/4:
					return smtptest.Reply{Drop: true}
				case s.Verb == smtptest.Greeting || s.Verb == smtptest.Ehlo || s.Verb == smtptest.MailFrom:
					return smtptest.Reply{Text: "421 4.3.2 not now", Hangup: true}
				case s.Verb == smtptest.Rcpt || s.Verb == smtptest.Dot:
					answers := []string{"450 4.7.1 too much", "451 4.7.1 greylisted, try again in 2 minutes", "550 5.1.1 no such user", "554 5.7.1 spam", "452 4.2.2 full", "550 what"}
					return smtptest.Reply{Text: answers[rnd.IntN(len(answers))]}
				}
				return smtptest.Reply{}
			}
			const n = 1000
			inHarbour(t, n, plan, says, domains, func(h *harbour) {
				h.job.Relay = "c"
				start := time.Now()
				h.finish()
				took := time.Since(start)
				sums := h.ledgers["ed1"].sums()
				if sums[send.Sent]+sums[send.Failed]+sums[send.InDoubt] != n || sums[send.Sent] < n*8/10 {
					t.Errorf("sums %v", sums)
				}
				h.once()
				if most > limit {
					t.Errorf("%d at a time for the large domain, at most %d may be", most, limit)
				}
				var s, all send.Tally
				for _, r := range h.d.Stats().Relays {
					s.Sent, s.Failed, s.InDoubt = s.Sent+r.Sent, s.Failed+r.Failed, s.InDoubt+r.InDoubt
					if r.InFlight != 0 || r.Lanes != 0 {
						t.Errorf("after all: %+v", r)
					}
				}
				for _, d := range h.d.Stats().Domains {
					all.Sent, all.Failed, all.InDoubt = all.Sent+d.Sent, all.Failed+d.Failed, all.InDoubt+d.InDoubt
					if d.InFlight != 0 {
						t.Errorf("after all: %+v", d)
					}
				}
				if want := (send.Tally{Sent: int64(sums[send.Sent]), Failed: int64(sums[send.Failed]), InDoubt: int64(sums[send.InDoubt])}); s != want || all != want {
					t.Errorf("counted %+v by relay, %+v by domain, want %+v", s, all, want)
				}
				for _, r := range plan.Relays {
					if r.Quota == 0 {
						continue
					}
					for key, taken := range h.ledgers["ed1"].taken {
						if key[:1] == r.ID && taken > r.Quota {
							t.Errorf("%d by relay %s, its quota is %d", taken, key, r.Quota)
						}
					}
					if days := int(took/(24*time.Hour)) + 1; h.accepted(r.ID) > r.Quota*(days+1) {
						t.Errorf("%d by relay %s in %d days, its quota is %d", h.accepted(r.ID), r.ID, days, r.Quota)
					}
				}
			})
		})
	}
}

// Two editions share a domain's gate: the small one does not wait for the large
// one.
func TestEditionsShareADomain(t *testing.T) {
	for name, domain := range map[string]send.Domain{
		"rate":        {Rate: send.Rate{Count: 20, Per: time.Second}},
		"concurrency": {Concurrency: 2},
	} {
		t.Run(name, func(t *testing.T) {
			domain.ID, domain.Domains = "quay", []string{"quay.example"}
			plan := send.Plan{Relays: []send.Relay{{ID: "main", Lanes: 4}}, Domains: []send.Domain{domain}}
			says := func(_ string, s smtptest.Step) smtptest.Reply {
				if s.Verb == smtptest.Dot {
					return smtptest.Reply{Wait: 100 * time.Millisecond}
				}
				return smtptest.Reply{}
			}
			inHarbour(t, 1500, plan, says, nil, func(h *harbour) {
				h.ledgers["ed2"] = newLedger(t, 100, 4*8)
				done := make(chan struct{})
				go func() {
					h.finish()
					close(done)
				}()
				time.Sleep(20 * time.Second)
				start := time.Now()
				job := h.job
				job.Edition = "ed2"
				for {
					status, err := h.d.Deliver(h.t.Context(), job)
					if err != nil {
						t.Error(err)
					}
					if status.Next.IsZero() || err != nil {
						break
					}
					time.Sleep(time.Until(status.Next))
				}
				if sums := h.ledgers["ed2"].sums(); sums[send.Sent] != 100 {
					t.Errorf("sums %v", sums)
				}
				// Half of 20 a second is its: ten seconds.
				if took := time.Since(start); took > 25*time.Second {
					t.Errorf("the small one took %s", took)
				} else {
					t.Logf("the small one took %s", took)
				}
				<-done
				h.want(map[send.State]int{send.Sent: 1500})
			})
		})
	}
}
