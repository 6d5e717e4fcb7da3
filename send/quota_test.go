package send_test

import (
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lede/internal/smtptest"
	"lede/send"
)

// A day's quota is never exceeded, whatever is in flight; then others take over,
// and at midnight it goes on.
func TestQuota(t *testing.T) {
	for _, lanes := range []int{1, 4} {
		t.Run(fmt.Sprint(lanes, " lanes"), func(t *testing.T) {
			plan := send.Plan{Relays: []send.Relay{{ID: "main", Lanes: lanes, Quota: 100, Retry: send.Retry{GiveUpAfter: 96 * time.Hour}}}}
			var n atomic.Int64
			says := func(_ string, s smtptest.Step) smtptest.Reply {
				if s.Verb == smtptest.Rcpt && n.Add(1)%4 == 0 { // what is not taken does not count
					return smtptest.Reply{Text: "450 4.2.0 busy"}
				}
				return smtptest.Reply{Wait: time.Millisecond}
			}
			inHarbour(t, 250, plan, says, nil, func(h *harbour) {
				day := time.Now().UTC().Truncate(24 * time.Hour)
				time.Sleep(23 * time.Hour)
				status := h.deliver()
				for status.Trouble == nil {
					time.Sleep(time.Until(status.Next))
					status = h.deliver()
				}
				if n := h.accepted("main"); n != 100 {
					t.Errorf("%d on the first day", n)
				}
				want := "relay main: its 100 mails of " + day.Format(time.DateOnly) + " are used up; goes on at 00:00 UTC"
				if status.Trouble.Error() != want || !status.Next.Equal(day.Add(24*time.Hour)) {
					t.Errorf("status %+v, want %s", status, want)
				}
				if relays := h.d.Stats().Relays; relays[0].State != "spent" || relays[0].Today != 100 || relays[0].Quota != 100 {
					t.Errorf("stats %+v", relays)
				}
				h.finish()
				h.want(map[send.State]int{send.Sent: 250})
				h.once()
				days := map[string]int{}
				for _, r := range h.ledgers["ed1"].rows {
					days[r.last.At.UTC().Format(time.DateOnly)]++
				}
				if len(days) != 3 {
					t.Errorf("days %v", days)
				}
				for day, n := range days {
					if n > 100 {
						t.Errorf("%d on %s", n, day)
					}
				}
			})
		})
	}
}

// What was sent before the process began counts.
func TestQuotaOfEarlier(t *testing.T) {
	plan := send.Plan{Relays: []send.Relay{{ID: "main", Quota: 100}}}
	inHarbour(t, 100, plan, nil, nil, func(h *harbour) {
		h.ledgers["ed1"].taken["main"+time.Now().UTC().Format(" 2006-01-02")] = 90
		if status := h.deliver(); status.Trouble == nil {
			t.Errorf("status %+v", status)
		}
		if n := h.accepted("main"); n != 10 {
			t.Errorf("%d taken, want 10", n)
		}
		if n := h.ledgers["ed1"].writes; n > 0 {
			t.Errorf("%d deliveries put off for nothing", n)
		}
	})
}

func TestQuotaFailsOver(t *testing.T) {
	plan := send.Plan{
		Relays: []send.Relay{{ID: "main", Lanes: 3, Quota: 50}, {ID: "second", Lanes: 3, Quota: 30}, {ID: "spare", Lanes: 3}},
		Routes: []send.Route{{Relays: []string{"main", "second"}, Failover: []string{"spare"}}},
	}
	inHarbour(t, 200, plan, nil, nil, func(h *harbour) {
		if troubles := h.finish(); len(troubles) > 0 {
			t.Errorf("troubles %v", troubles)
		}
		h.want(map[send.State]int{send.Sent: 200})
		h.once()
		for relay, want := range map[string]int{"main": 50, "second": 30, "spare": 120} {
			if got := h.accepted(relay); got != want {
				t.Errorf("%s took %d, want %d", relay, got, want)
			}
		}
	})
}

func TestWarmUp(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 12, n, 13, 0, 0, 0, time.UTC) }
	plan := &send.WarmUp{From: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), First: 500, Factor: 1.5, Last: 2000}
	for _, test := range []struct {
		name string
		plan *send.WarmUp
		day  time.Time
		want int
	}{
		{"no plan", nil, day(1), math.MaxInt},
		{"before", plan, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), 500},
		{"first day", plan, day(1), 500},
		{"its last second", plan, time.Date(2026, 12, 1, 23, 59, 59, 0, time.UTC), 500},
		{"second day", plan, time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC), 750},
		{"in another zone", plan, time.Date(2026, 12, 2, 1, 0, 0, 0, time.FixedZone("", 7200)), 500},
		{"third day", plan, day(3), 1125},
		{"fourth day", plan, day(4), 1687},
		{"over", plan, day(5), math.MaxInt},
		{"long over", plan, time.Date(2090, 12, 2, 0, 0, 0, 0, time.UTC), math.MaxInt},
		{"does not grow", &send.WarmUp{From: plan.From, First: 10, Factor: 0.5, Last: 20}, day(9), 10},
	} {
		if got := test.plan.Ceiling(test.day); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
	relays := send.Plan{Relays: []send.Relay{{ID: "main", Quota: 1000, WarmUp: &send.WarmUp{From: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), First: 20, Factor: 2, Last: 100}}}}
	inHarbour(t, 200, relays, nil, nil, func(h *harbour) {
		troubles := h.finish()
		if len(troubles) == 0 || !strings.Contains(troubles[0].Error(), "its 20 mails of 2000-01-01 are used up") {
			t.Errorf("troubles %v", troubles)
		}
		days := map[string]int{}
		for _, r := range h.ledgers["ed1"].rows {
			days[r.last.At.UTC().Format(time.DateOnly)]++
		}
		if got := fmt.Sprint(days); got != "map[2000-01-01:20 2000-01-02:40 2000-01-03:80 2000-01-04:60]" {
			t.Errorf("days %v", got)
		}
	})
}
