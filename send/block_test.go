package send_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lede/internal/smtptest"
	"lede/send"
)

const listed = "554 5.7.1 Service unavailable; client [192.0.2.1] blocked using a list"

// A block in mid-send fails nobody: sending stops, and goes on when it is over.
func TestBlockInMidSend(t *testing.T) {
	for _, verb := range []string{smtptest.Rcpt, smtptest.Dot} {
		for _, domains := range [][]string{{"quay.example"}, {"quay.example", "pier.example", "mole.example"}} {
			t.Run(fmt.Sprint(verb, " ", len(domains)), func(t *testing.T) {
				var blocked atomic.Bool
				says := func(_ string, s smtptest.Step) smtptest.Reply {
					if s.Verb == verb && blocked.Load() {
						return smtptest.Reply{Text: listed}
					}
					return smtptest.Reply{Wait: time.Millisecond}
				}
				plan := send.Plan{Relays: []send.Relay{{ID: "main", Lanes: 4}}}
				inHarbour(t, 2000, plan, says, domains, func(h *harbour) {
					time.AfterFunc(time.Second, func() { blocked.Store(true) })
					status := h.deliver()
					if status.Trouble == nil || !strings.Contains(status.Trouble.Error(), "refuses every") {
						t.Fatalf("status %+v", status)
					}
					before := h.relays["main"].server.Count(verb)
					sums := h.ledgers["ed1"].sums()
					if sums[send.Failed] > 0 || sums[send.Sent] < 100 || sums[send.Sent]+sums[send.Pending] != 2000 {
						t.Errorf("sums %v", sums)
					}
					// Six hours of it.
					start := time.Now()
					for time.Since(start) < 6*time.Hour {
						time.Sleep(time.Until(status.Next))
						if status = h.deliver(); status.Trouble == nil {
							t.Fatalf("status %+v", status)
						}
					}
					if n := h.relays["main"].server.Count(verb) - before; n > 6*60*20 {
						t.Errorf("%d tries in six hours of block", n)
					}
					blocked.Store(false)
					h.finish()
					h.want(map[send.State]int{send.Sent: 2000})
					h.once()
				})
			})
		}
	}
}

// The failover takes over from a relay that is blocked in mid-send.
func TestBlockFailsOver(t *testing.T) {
	n := 0
	says := func(relay string, s smtptest.Step) smtptest.Reply {
		if relay == "main" && s.Verb == smtptest.Rcpt {
			if n++; n > 300 {
				return smtptest.Reply{Text: listed}
			}
		}
		return smtptest.Reply{}
	}
	plan := send.Plan{
		Relays: []send.Relay{{ID: "main", Lanes: 2}, {ID: "spare", Lanes: 2}},
		Routes: []send.Route{{Relays: []string{"main"}, Failover: []string{"spare"}}},
	}
	inHarbour(t, 2000, plan, says, []string{"quay.example", "pier.example"}, func(h *harbour) {
		start := time.Now()
		if troubles := h.finish(); len(troubles) > 0 {
			t.Errorf("troubles %v", troubles)
		}
		h.want(map[send.State]int{send.Sent: 2000})
		h.once()
		if took := time.Since(start); took > time.Minute {
			t.Errorf("it took %s", took)
		}
		if main := h.accepted("main"); main != 300 {
			t.Errorf("main took %d", main)
		}
	})
}

// One domain that blocks us is left alone; the others have their mail, and it
// fails nobody of its own before their time is up.
func TestDomainBlocks(t *testing.T) {
	var over atomic.Bool
	var tries atomic.Int64
	says := func(_ string, s smtptest.Step) smtptest.Reply {
		if s.Verb == smtptest.Rcpt && to(s) == "big.example" && !over.Load() {
			tries.Add(1)
			return smtptest.Reply{Text: "550 5.7.1 our system has detected that this message is likely unsolicited"}
		}
		return smtptest.Reply{Wait: time.Millisecond}
	}
	plan := send.Plan{Relays: []send.Relay{{ID: "main", Lanes: 3}}}
	inHarbour(t, 900, plan, says, []string{"quay.example", "big.example", "pier.example"}, func(h *harbour) {
		start := time.Now()
		held := false
		for time.Since(start) < 5*time.Hour {
			status := h.deliver()
			if status.Trouble != nil {
				t.Fatalf("trouble %v", status.Trouble)
			}
			if status.Next.IsZero() {
				break
			}
			for _, d := range h.d.EditionStats("ed1").Domains {
				held = held || d.ID == "big.example" && time.Until(d.Until) > 10*time.Minute && strings.Contains(d.Why, "unsolicited")
			}
			time.Sleep(time.Until(status.Next))
		}
		h.want(map[send.State]int{send.Sent: 600, send.Pending: 300})
		if !held {
			t.Errorf("domains %+v", h.d.EditionStats("ed1").Domains)
		}
		if n := tries.Load(); n > 600 {
			t.Errorf("%d tries in five hours", n)
		}
		over.Store(true)
		h.finish()
		h.want(map[send.State]int{send.Sent: 900})
		h.once()
	})
}

// Single refusals among mails that are taken fail at the second try, and
// unknown mailboxes are suppressed at the first.
func TestRefusalsAmongOthers(t *testing.T) {
	// Until a mail is taken, a refusal comes round again: the first, which is
	// taken, is answered before all others.
	const after = time.Millisecond
	says := func(_ string, s smtptest.Step) smtptest.Reply {
		var i int
		fmt.Sscanf(s.To, "r%d@", &i)
		switch {
		case s.Verb != smtptest.Rcpt || i == 0:
		case i%5 == 0:
			return smtptest.Reply{Wait: after, Text: "554 5.7.1 this looks like spam"}
		case i%5 == 1:
			return smtptest.Reply{Wait: after, Text: "550 5.1.1 no such user"}
		case i%5 == 2:
			return smtptest.Reply{Wait: after, Text: "552 5.2.2 mailbox full"}
		}
		return smtptest.Reply{}
	}
	plan := send.Plan{Relays: []send.Relay{{ID: "main", Lanes: 3}}}
	inHarbour(t, 500, plan, says, []string{"quay.example", "pier.example", "mole.example"}, func(h *harbour) {
		if troubles := h.finish(); len(troubles) > 0 {
			t.Errorf("troubles %v", troubles)
		}
		h.want(map[send.State]int{send.Sent: 201, send.Failed: 299})
		l := h.ledgers["ed1"]
		for i, r := range l.rows {
			if want := i%5 == 1; (l.gone[r.Address] != "") != want {
				t.Errorf("delivery %d: suppressed %q", i, l.gone[r.Address])
			}
		}
		s := h.d.EditionStats("ed1")
		if len(s.Relays) != 1 || s.Relays[0].Sent != 201 || s.Relays[0].Failed != 299 ||
			s.Relays[0].Answers["550 5.1.1"] != 100 || s.Relays[0].Answers["552 5.2.2"] != 100 {
			t.Errorf("stats %+v", s.Relays)
		}
		sent, failed := int64(0), int64(0)
		for _, d := range s.Domains {
			sent, failed = sent+d.Sent, failed+d.Failed
		}
		if sent != 201 || failed != 299 {
			t.Errorf("domains %+v", s.Domains)
		}
		waits := int64(0)
		for _, n := range s.Relays[0].Waits.Counts {
			waits += n
		}
		if waits < 500 {
			t.Errorf("%d answers measured", waits)
		}
	})
}

// A dead domain's readers, all in a row, are no block.
func TestManyUnknownInARow(t *testing.T) {
	says := func(_ string, s smtptest.Step) smtptest.Reply {
		var i int
		fmt.Sscanf(s.To, "r%d@", &i)
		if s.Verb == smtptest.Rcpt && i > 10 && i < 300 {
			return smtptest.Reply{Text: "550 5.1.1 no such user"}
		}
		return smtptest.Reply{}
	}
	inHarbour(t, 400, send.Plan{Relays: []send.Relay{{ID: "main"}}}, says, nil, func(h *harbour) {
		if troubles := h.finish(); len(troubles) > 0 {
			t.Errorf("troubles %v", troubles)
		}
		h.want(map[send.State]int{send.Sent: 111, send.Failed: 289})
	})
}
