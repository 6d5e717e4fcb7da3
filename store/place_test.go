package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lede/newsroom"
	"lede/send"
)

// TestPlace: who is asked for, in which order, what is put off.
func TestPlace(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 12)...)
		publish(t, s, "ed1", now)
		must(t, s.Leave(ctx(), id(t, s, reader(1).Key), "harbour", nil, "button", now))
		until := now.Add(time.Hour)
		var asked []int64
		ask := send.Claim{Edition: "ed1", Max: 3, Now: now, Place: func(d *send.Delivery) (time.Time, bool) {
			asked = append(asked, d.Pos)
			if d.Attempt != 1 || d.Domain != "averne.example" || d.Address == "" || d.Lists != nil {
				t.Errorf("asked for %+v", d)
			}
			d.Relay = "spare"
			return until, d.Pos%3 != 0
		}}
		c, err := s.Ledger().Commit(ctx(), nil, ask)
		must(t, err)
		if diff := cmp.Diff([]int64{1, 3, 4, 5}, asked); diff != "" {
			t.Errorf("asked for: %s", diff)
		}
		if diff := cmp.Diff([]int64{1, 4, 5}, positions(c)); diff != "" || c.Deliveries[0].Relay != "spare" {
			t.Errorf("claimed %+v: %s", c.Deliveries, diff)
		}
		if got := sums(t, s, "ed1"); got != (newsroom.Sums{Audience: 12, Pending: 11, Skipped: 1}) {
			t.Errorf("%+v", got)
		}
		// All that is left is put off.
		ask.Max, ask.Place = 20, func(*send.Delivery) (time.Time, bool) { return until, false }
		c, err = s.Ledger().Commit(ctx(), nil, ask)
		must(t, err)
		if len(c.Deliveries) > 0 || !c.Open || c.More || !c.Next.Equal(until) {
			t.Errorf("%+v", c)
		}
		consistent(t, db, s, "ed1")
		// What was put off comes in its time, and none of it had an attempt.
		asked = nil
		c = claim(t, s, "ed1", 20, until)
		if diff := cmp.Diff([]int64{3, 6, 7, 8, 9, 10, 11, 12}, positions(c)); diff != "" || c.More {
			t.Errorf("later: %s", diff)
		}
		for _, d := range c.Deliveries {
			if d.Attempt != 1 || !d.First.Equal(until) {
				t.Errorf("put off and claimed: %+v", d)
			}
		}
		consistent(t, db, s, "ed1")
	})
}

// What was put off first is asked for first; what had no turn yet is before
// what was put off to the same time or a later one.
func TestLongestDueFirst(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 8)...)
		c := content("Boats")
		c.Start, c.Spread = now, 8*time.Hour // one an hour
		assemble(t, s, "ed1", now)
		_, err := s.Commit(ctx(), "ed1", c, newsroom.Sending, now)
		must(t, err)
		first := claim(t, s, "ed1", 9, now.Add(2*time.Hour)).Deliveries // 1, 2, 3
		if len(first) != 3 {
			t.Fatalf("claimed %d, want those of three hours", len(first))
		}
		var back []send.Outcome
		for i, due := range []time.Duration{5 * time.Hour, 3*time.Hour + time.Minute, 4 * time.Hour} {
			o := outcome(first[i], send.Deferred)
			o.Due = now.Add(due)
			back = append(back, o)
		}
		report(t, s, "ed1", back...)
		var asked []int64
		_, err = s.Ledger().Commit(ctx(), nil, send.Claim{
			Edition: "ed1", Max: 9, Now: now.Add(6 * time.Hour),
			Place: func(d *send.Delivery) (time.Time, bool) {
				asked = append(asked, d.Pos)
				return time.Time{}, true
			},
		})
		must(t, err)
		if diff := cmp.Diff([]int64{4, 2, 5, 3, 6, 1, 7}, asked); diff != "" {
			t.Error(diff)
		}
		consistent(t, db, s, "ed1")
	})
}

// A claim looks at a bounded number of deliveries, and says that there are more.
func TestClaimsAreBounded(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		const people = 1000
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, people)...)
		publish(t, s, "ed1", now)
		asked := 0
		ask := send.Claim{Edition: "ed1", Max: 10, Now: now, Place: func(d *send.Delivery) (time.Time, bool) {
			asked++
			return now.Add(time.Minute), d.Pos > 900
		}}
		var claimed []int64
		for range people {
			before := asked
			c, err := s.Ledger().Commit(ctx(), nil, ask)
			must(t, err)
			if n := asked - before; n > 4*ask.Max+256 {
				t.Fatalf("one claim looked at %d", n)
			}
			claimed = append(claimed, positions(c)...)
			if len(c.Deliveries) == 0 && !c.More {
				if !c.Next.Equal(now.Add(time.Minute)) {
					t.Errorf("next due %s", c.Next)
				}
				break
			}
		}
		if asked != people || len(claimed) != 100 || claimed[0] != 901 {
			t.Errorf("asked for %d, claimed %d", asked, len(claimed))
		}
		consistent(t, db, s, "ed1")
	})
}

func TestListsOfADelivery(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 3)...)
		subscribe(t, s, "market", readers(1, 3)...)
		subscribe(t, s, "press", readers(0, 3)...)
		must(t, s.LeaveList(ctx(), id(t, s, reader(2).Key), "market", "desk", now))
		publish(t, s, "ed1", now)
		got := map[int64][]string{}
		_, err := s.Ledger().Commit(ctx(), nil, send.Claim{
			Edition: "ed1", Max: 9, Now: now, Lists: []string{"harbour", "market"},
			Place: func(d *send.Delivery) (time.Time, bool) {
				got[d.Pos] = slices.Clone(d.Lists)
				return time.Time{}, true
			},
		})
		must(t, err)
		want := map[int64][]string{1: {"harbour"}, 2: {"harbour", "market"}, 3: {"harbour"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// An answer that suppresses does so at once: the person's other mails stay.
func TestOutcomeThatSuppresses(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 2)...)
		publish(t, s, "ed1", now)
		publish(t, s, "ed2", now.Add(time.Hour))
		o := outcome(claim(t, s, "ed1", 1, now).Deliveries[0], send.Failed)
		o.Code, o.Reply, o.Suppress = 550, "5.1.1 no such user", "unknown-user"
		claimed, err := s.Ledger().Commit(ctx(), []send.Outcome{o}, send.Claim{Edition: "ed2", Max: 9, Now: now.Add(time.Hour)})
		must(t, err)
		if diff := cmp.Diff([]int64{2}, positions(claimed)); diff != "" {
			t.Errorf("of the other edition: %s", diff)
		}
		p, err := s.Person(ctx(), reader(0).Key)
		if err != nil || p.Suppressed != "unknown-user" {
			t.Errorf("%+v, %v", p, err)
		}
		// The first reason stays.
		o.Suppress, o.Reply = "something else", "5.1.1 again"
		report(t, s, "ed1", o)
		if p, err = s.Person(ctx(), reader(0).Key); err != nil || p.Suppressed != "unknown-user" {
			t.Errorf("%+v, %v", p, err)
		}
		consistent(t, db, s, "ed1")
	})
}

func TestAccepted(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 6)...)
		publish(t, s, "ed1", now)
		d := claim(t, s, "ed1", 6, now).Deliveries
		night := time.Date(2027, 3, 1, 23, 59, 59, 999999000, time.UTC)
		done := []send.Outcome{sent(d[0]), sent(d[1]), sent(d[2]), sent(d[3]), outcome(d[4], send.Failed), outcome(d[5], send.Deferred)}
		done[1].Relay = "spare"
		done[2].At, done[3].At = night, night.Add(time.Microsecond)
		report(t, s, "ed1", done...)
		report(t, s, "ed1", done[0]) // told twice
		for _, c := range []struct {
			relay string
			at    time.Time
			want  int
		}{
			{"main", now, 2},
			{"spare", now, 1},
			{"main", night.Add(time.Hour), 1},
			{"spare", night.Add(time.Hour), 0},
			{"main", night.Add(time.Minute).In(time.FixedZone("", -3600)), 1},
			{"none", now, 0},
		} {
			if n, err := s.Ledger().Accepted(ctx(), c.relay, c.at); err != nil || n != c.want {
				t.Errorf("%s took %d on the day of %s, want %d; %v", c.relay, n, c.at, c.want, err)
			}
		}
	})
}
