package send_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"lede/internal/smtptest"
	"lede/send"
)

// meanwhile counts mails between RCPT and the end of the answer to the dot, by
// domain.
type meanwhile struct {
	mu    sync.Mutex
	now   map[string]int
	most  map[string]int
	times map[string][]time.Time // of RCPT
}

func newMeanwhile() *meanwhile {
	return &meanwhile{now: map[string]int{}, most: map[string]int{}, times: map[string][]time.Time{}}
}

func (m *meanwhile) step(s smtptest.Step) {
	m.mu.Lock()
	defer m.mu.Unlock()
	group := strings.TrimPrefix(to(s), "also-")
	switch s.Verb {
	case smtptest.Rcpt:
		m.now[group]++
		m.most[group] = max(m.most[group], m.now[group])
		m.times[group] = append(m.times[group], time.Now())
	case smtptest.Dot:
		m.now[group]--
	}
}

// inAny returns the most that came in any span of time.
func (m *meanwhile) inAny(domain string, span time.Duration) (most int) {
	times := m.times[domain]
	first := 0
	for i, at := range times {
		for at.Sub(times[first]) >= span {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// A domain's rate and concurrency hold, and a big one in front does not slow the
// others.
func TestBigDomainInFront(t *testing.T) {
	for name, domain := range map[string]send.Domain{
		"rate":        {Rate: send.Rate{Count: 20, Per: time.Second}},
		"concurrency": {Concurrency: 2},
		"both":        {Concurrency: 3, Rate: send.Rate{Count: 20, Per: time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			domain.ID, domain.Domains = "big", []string{"big.example", "also-big.example"}
			plan := send.Plan{Relays: []send.Relay{{ID: "main", Lanes: 4, Depth: 8}}, Domains: []send.Domain{domain}}
			seen := newMeanwhile()
			says := func(_ string, s smtptest.Step) smtptest.Reply {
				seen.step(s)
				if s.Verb == smtptest.Dot {
					return smtptest.Reply{Wait: 100 * time.Millisecond}
				}
				return smtptest.Reply{}
			}
			const big, small = 2000, 400
			inHarbour(t, big+small, plan, says, nil, func(h *harbour) {
				l := h.ledgers["ed1"]
				for i, r := range l.rows {
					if r.Domain = "quay.example"; i < big {
						r.Domain = []string{"big.example", "also-big.example"}[i%2]
					}
					r.Address = fmt.Sprintf("r%d@%s", i, r.Domain)
					l.byAddr[r.Address] = r
				}
				start := time.Now()
				if troubles := h.finish(); len(troubles) > 0 {
					t.Errorf("troubles %v", troubles)
				}
				took := time.Since(start)
				h.want(map[send.State]int{send.Sent: big + small})
				h.once()
				others := time.Duration(0)
				for i, r := range l.rows {
					if i >= big {
						others = max(others, r.last.At.Sub(start))
					}
					if r.Attempt != 1 {
						t.Fatalf("delivery %d took %d attempts", i, r.Attempt)
					}
				}
				// 400 by four lanes, 100 ms each: ten seconds by themselves.
				if others > 25*time.Second {
					t.Errorf("the others took %s", others)
				}
				if most := seen.most["big.example"]; domain.Concurrency > 0 && most > domain.Concurrency {
					t.Errorf("%d at a time", most)
				}
				if domain.Rate.Count > 0 {
					// In ten seconds 200, what half a second may catch up, and
					// what waited in the windows.
					if n := seen.inAny("big.example", 10*time.Second); n > 230 {
						t.Errorf("%d in ten seconds", n)
					}
					if took > 130*time.Second {
						t.Errorf("it took %s at 20 a second", took)
					}
				} else if took > 130*time.Second { // 2 at a time, 100 ms each
					t.Errorf("it took %s", took)
				}
				if l.writes > 8*big {
					t.Errorf("%d times a delivery was put off", l.writes)
				}
				t.Logf("%s, the others %s, put off %d times in %d commits", took, others, l.writes, l.commits)
			})
		})
	}
}

// A domain that wants less gets less, without any settings, and more again in
// time; the others don't wait for it.
func TestDomainWantsLess(t *testing.T) {
	plan := send.Plan{Relays: []send.Relay{{ID: "main", Lanes: 4, Depth: 8, Retry: send.Retry{First: 30 * time.Second}}}}
	var last []time.Time
	refused := 0
	says := func(_ string, s smtptest.Step) smtptest.Reply {
		if s.Verb != smtptest.Rcpt || to(s) != "big.example" {
			return smtptest.Reply{Wait: time.Millisecond}
		}
		// Ten in ten seconds are enough.
		now := time.Now()
		for len(last) > 0 && now.Sub(last[0]) > 10*time.Second {
			last = last[1:]
		}
		if len(last) >= 10 {
			refused++
			return smtptest.Reply{Text: "450 4.7.28 too many mails, slow down"}
		}
		last = append(last, now)
		return smtptest.Reply{}
	}
	inHarbour(t, 600, plan, says, []string{"big.example", "quay.example"}, func(h *harbour) {
		start := time.Now()
		slowed := false
		for {
			status := h.deliver()
			if status.Trouble != nil {
				t.Errorf("trouble %v", status.Trouble)
			}
			for _, d := range h.d.Stats().Domains {
				slowed = slowed || d.ID == "big.example" && d.Slowed > 0 && strings.Contains(d.Why, "slow down")
			}
			if status.Next.IsZero() {
				break
			}
			time.Sleep(time.Until(status.Next))
		}
		h.want(map[send.State]int{send.Sent: 600})
		h.once()
		if !slowed {
			t.Error("the statistics don't say that the domain is slowed")
		}
		others := time.Duration(0)
		attempts := 0
		for _, r := range h.ledgers["ed1"].rows {
			if r.Domain == "quay.example" {
				others = max(others, r.last.At.Sub(start))
			}
			attempts += r.Attempt
		}
		if others > 10*time.Second {
			t.Errorf("the others took %s", others)
		}
		took := time.Since(start)
		t.Logf("%s (at best 5m), %d refused, others %s", took, refused, others)
		if took > 25*time.Minute || refused > 300 {
			t.Errorf("it took %s, %d times it was too much", took, refused)
		}
	})
}

// Greylisting and full mailboxes slow nobody.
func TestOthersAreNotSlowed(t *testing.T) {
	plan := send.Plan{Relays: []send.Relay{{ID: "main", Lanes: 2}}}
	says := func(_ string, s smtptest.Step) smtptest.Reply {
		var i int
		fmt.Sscanf(s.To, "r%d@", &i)
		if s.Verb != smtptest.Rcpt || i%2 == 0 {
			return smtptest.Reply{}
		}
		return smtptest.Reply{Text: []string{"450 4.7.1 Greylisted, see you later", "452 4.2.2 mailbox full", "451 4.3.0 greylisting in action"}[i/2%3]}
	}
	inHarbour(t, 300, plan, says, nil, func(h *harbour) {
		start := time.Now()
		h.deliver()
		h.want(map[send.State]int{send.Sent: 150, send.Deferred: 150})
		if took := time.Since(start); took > time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// A relay that puts off connections while others are open gets fewer, and more
// again in time.
func TestFewerLanes(t *testing.T) {
	plan := send.Plan{Relays: []send.Relay{{ID: "main", Lanes: 8, Depth: 2}}}
	var mu sync.Mutex
	open, most, turned := 0, 2, 0
	says := func(_ string, s smtptest.Step) smtptest.Reply {
		mu.Lock()
		defer mu.Unlock()
		switch s.Verb {
		case smtptest.Greeting:
			if open == most {
				turned++
				return smtptest.Reply{Text: "421 4.7.0 too many connections", Hangup: true}
			}
			open++
		case smtptest.Quit:
			open--
		case smtptest.Dot:
			return smtptest.Reply{Wait: time.Second}
		}
		return smtptest.Reply{}
	}
	inHarbour(t, 5000, plan, says, nil, func(h *harbour) {
		done := make(chan struct{})
		go func() {
			h.finish()
			close(done)
		}()
		time.Sleep(30 * time.Second)
		if r := h.d.Stats().Relays[0]; r.MaxLanes > 2 || r.Lanes > 3 || r.Failures == 0 {
			t.Errorf("stats %+v", r)
		}
		mu.Lock()
		most = 8
		mu.Unlock()
		time.Sleep(9 * time.Minute)
		if r := h.d.Stats().Relays[0]; r.MaxLanes != 8 || r.Lanes != 8 {
			t.Errorf("after nine minutes: %+v", r)
		}
		<-done
		h.want(map[send.State]int{send.Sent: 5000})
		h.once()
		if turned > 20 {
			t.Errorf("%d connections were turned away", turned)
		}
	})
}
