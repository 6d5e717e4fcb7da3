package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lede/audience"
	"lede/newsroom"
	"lede/send"
)

func TestClaim(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 5)...)
		if n := publish(t, s, "ed1", now); n != 5 {
			t.Fatalf("audience %d, want 5", n)
		}
		c := claim(t, s, "ed1", 3, now)
		if diff := cmp.Diff([]int64{1, 2, 3}, positions(c)); diff != "" || !c.Open {
			t.Fatalf("claimed (open %t): %s", c.Open, diff)
		}
		p, err := s.Person(ctx(), reader(0).Key)
		must(t, err)
		want := send.Delivery{
			Edition: "ed1", Pos: 1, Subscriber: p.ID, Salt: p.Salt, Address: reader(0).Address,
			Name: "Reader 0", Domain: "averne.example", Attempt: 1, First: now,
		}
		if diff := cmp.Diff(want, c.Deliveries[0], cmpopts.IgnoreUnexported(send.Delivery{})); diff != "" {
			t.Error(diff)
		}
		if c := claim(t, s, "ed1", 10, now); len(c.Deliveries) != 2 {
			t.Errorf("claimed %v, want the other two", positions(c))
		}
		c = claim(t, s, "ed1", 10, now)
		if len(c.Deliveries) != 0 || !c.Open || !c.Next.IsZero() {
			t.Errorf("nothing is left: %+v", c)
		}
		if got := sums(t, s, "ed1"); got != (newsroom.Sums{Audience: 5, Pending: 5}) {
			t.Errorf("deliveries in hand count as pending: %+v", got)
		}
	})
}

func TestClaimsOfAnEditionThatIsNotSent(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 2)...)
		publish(t, s, "ed1", now)
		must(t, s.Move(ctx(), "ed1", []newsroom.State{newsroom.Sending}, newsroom.Paused, "desk", "a wrong picture", time.Time{}, now))
		for _, id := range []string{"ed1", "there is none", ""} {
			if c := claim(t, s, id, 5, now); c.Open || len(c.Deliveries) > 0 {
				t.Errorf("%q: %+v", id, c)
			}
		}
	})
}

// Each outcome against each state that the delivery may be in by then.
func TestOutcomes(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 1)...)
		subscribe(t, s, "harbour", audience.Row{Address: "b@averne.example", Key: "b@averne.example"})
		later := now.Add(time.Hour)
		ready := map[send.State]func(id string, d send.Delivery){
			send.Sending:  func(string, send.Delivery) {},
			send.Pending:  func(id string, d send.Delivery) { _, err := s.Ledger().Recover(ctx(), id, false, now); must(t, err) },
			send.InDoubt:  func(id string, d send.Delivery) { _, err := s.Ledger().Recover(ctx(), id, true, now); must(t, err) },
			send.Sent:     func(id string, d send.Delivery) { report(t, s, id, sent(d)) },
			send.Failed:   func(id string, d send.Delivery) { report(t, s, id, outcome(d, send.Failed)) },
			send.Skipped:  func(id string, d send.Delivery) { report(t, s, id, outcome(d, send.Skipped)) },
			send.Deferred: func(id string, d send.Delivery) { report(t, s, id, outcome(d, send.Deferred)) },
		}
		slot := now
		for from, make := range ready {
			for _, o := range []send.State{send.Sent, send.Deferred, send.Failed, send.InDoubt, send.Skipped, send.Pending} {
				slot = slot.Add(time.Hour)
				id := string(from) + " " + string(o)
				publish(t, s, id, slot)
				d := claim(t, s, id, 1, slot).Deliveries[0]
				make(id, d)
				done := outcome(d, o)
				done.Due, done.Reply = later, "as told"
				report(t, s, id, done)
				want := from
				if from == send.Sending || o == send.Sent {
					want = o
				}
				records, err := s.Deliveries(ctx(), d.Subscriber, 1)
				must(t, err)
				got := records[0]
				if got.State != want {
					t.Errorf("%s, then outcome %s: now %s, want %s", from, o, got.State, want)
				}
				if from == send.Sending && (got.Reply != "as told" || !got.At.Equal(now)) {
					t.Errorf("%s: reply %q at %s", o, got.Reply, got.At)
				}
				sums(t, s, id)
				must(t, s.Move(ctx(), id, []newsroom.State{newsroom.Sending}, newsroom.Cancelled, "test", "over", time.Time{}, slot))
			}
		}
	})
}

func outcome(d send.Delivery, state send.State) send.Outcome {
	return send.Outcome{Edition: d.Edition, Pos: d.Pos, State: state, Due: now.Add(time.Minute), Relay: "main", Code: 450, Reply: "4.2.0 later", At: now}
}

func TestOutcomeThatIsNone(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 1)...)
		publish(t, s, "ed1", now)
		d := claim(t, s, "ed1", 1, now).Deliveries[0]
		if _, err := s.Ledger().Commit(ctx(), []send.Outcome{{Edition: "ed1", Pos: d.Pos}}, send.Claim{Edition: "ed1", Max: 1, Now: now}); err == nil {
			t.Error("an empty state was taken for an outcome")
		}
	})
}

func TestRetry(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 2)...)
		publish(t, s, "ed1", now)
		start := now.Add(time.Minute) // approved a minute later: the time to give up counts from here
		c := claim(t, s, "ed1", 2, start)
		if !c.Deliveries[0].First.Equal(start) {
			t.Errorf("first due %s, want %s", c.Deliveries[0].First, start)
		}
		due := now.Add(10 * time.Minute)
		put := outcome(c.Deliveries[0], send.Deferred)
		put.Due, put.At = due, start
		back := outcome(c.Deliveries[1], send.Pending)
		back.Due = due.Add(time.Second)
		report(t, s, "ed1", put, back)
		if got := sums(t, s, "ed1"); got != (newsroom.Sums{Audience: 2, Deferred: 1, Pending: 1}) {
			t.Errorf("%+v", got)
		}
		c = claim(t, s, "ed1", 2, due.Add(-time.Microsecond))
		if len(c.Deliveries) != 0 || !c.Next.Equal(due) {
			t.Errorf("claimed %v before their time, next %s", positions(c), c.Next)
		}
		c = claim(t, s, "ed1", 2, due.Add(time.Minute))
		if len(c.Deliveries) != 2 {
			t.Fatalf("claimed %v, want both", positions(c))
		}
		if d := c.Deliveries[0]; d.Attempt != 2 || !d.First.Equal(start) {
			t.Errorf("put off: attempt %d, first %s", d.Attempt, d.First)
		}
		if d := c.Deliveries[1]; d.Attempt != 1 {
			t.Errorf("nothing of it was sent: attempt %d, want 1 again", d.Attempt)
		}
		report(t, s, "ed1", outcome(c.Deliveries[0], send.Deferred))
		d := claim(t, s, "ed1", 1, due.Add(time.Hour)).Deliveries[0]
		if d.Attempt != 3 || !d.First.Equal(start) {
			t.Errorf("put off again: attempt %d, first %s", d.Attempt, d.First)
		}
	})
}

func TestWhoLeftIsPassedOver(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 8)...)
		subscribe(t, s, "market", readers(6, 7)...)
		publish(t, s, "ed1", now)
		who := func(i int) int64 { return id(t, s, reader(i).Key) }
		must(t, s.Leave(ctx(), who(0), "harbour", nil, "button", now))
		must(t, s.Leave(ctx(), who(1), "harbour", []string{"harbour"}, "button", now))
		must(t, s.LeaveList(ctx(), who(2), "harbour", "desk", now))
		must(t, s.LeaveAll(ctx(), who(3), []string{"harbour"}, "page", now))
		must(t, s.Suppress(ctx(), audience.Suppression{Address: "Reader4@Averne.example", Reason: "complaint", At: now}))
		must(t, s.Leave(ctx(), who(5), "market", nil, "button", now))                // another newsletter
		must(t, s.LeaveList(ctx(), who(6), "market", "desk", now))                   // another list
		must(t, s.Leave(ctx(), who(7), "harbour", []string{"harbour"}, "slip", now)) // and back
		must(t, s.Return(ctx(), who(7), "harbour", "slip", now, now))                //
		c := claim(t, s, "ed1", 3, now)
		if diff := cmp.Diff([]int64{6, 7, 8}, positions(c)); diff != "" {
			t.Errorf("a batch that skipping used up goes on: %s", diff)
		}
		if got := sums(t, s, "ed1"); got != (newsroom.Sums{Audience: 8, Pending: 3, Skipped: 5}) {
			t.Errorf("%+v", got)
		}
		reasons, err := s.Undelivered(ctx(), "ed1")
		must(t, err)
		want := []newsroom.Reason{
			{State: "skipped", Why: "unsubscribed since the snapshot", Count: 4},
			{State: "skipped", Why: "suppressed: complaint", Count: 1},
		}
		if diff := cmp.Diff(want, reasons); diff != "" {
			t.Error(diff)
		}
	})
}

func TestPutOffMailsOfWhoLeft(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 1)...)
		publish(t, s, "ed1", now)
		d := claim(t, s, "ed1", 1, now).Deliveries[0]
		must(t, s.Leave(ctx(), d.Subscriber, "harbour", []string{"harbour"}, "button", now))
		report(t, s, "ed1", outcome(d, send.Deferred))
		if c := claim(t, s, "ed1", 1, now.Add(time.Hour)); len(c.Deliveries) > 0 {
			t.Error("a retry went to somebody who left")
		}
	})
}

func TestCancelledWhileInHand(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 6)...)
		publish(t, s, "ed1", now)
		c := claim(t, s, "ed1", 4, now)
		must(t, s.Move(ctx(), "ed1", []newsroom.State{newsroom.Sending}, newsroom.Cancelled, "desk", "the wrong harbour", time.Time{}, now))
		if got := sums(t, s, "ed1"); got != (newsroom.Sums{Audience: 6, Pending: 4, Skipped: 2}) {
			t.Errorf("%+v", got)
		}
		claimed, err := s.Ledger().Commit(ctx(), []send.Outcome{
			sent(c.Deliveries[0]), outcome(c.Deliveries[1], send.Deferred), outcome(c.Deliveries[2], send.Pending),
		}, send.Claim{Edition: "ed1", Max: 5, Now: now.Add(time.Hour)})
		must(t, err)
		if claimed.Open || len(claimed.Deliveries) > 0 {
			t.Errorf("a cancelled edition goes on: %+v", claimed)
		}
		n, err := s.Ledger().Recover(ctx(), "ed1", false, now)
		must(t, err)
		if got := sums(t, s, "ed1"); n != 1 || got != (newsroom.Sums{Audience: 6, Sent: 1, Skipped: 4, InDoubt: 1}) {
			t.Errorf("recovered %d: %+v", n, got)
		}
		reasons, err := s.Undelivered(ctx(), "ed1")
		must(t, err)
		if reasons[0] != (newsroom.Reason{State: "skipped", Why: "the wrong harbour", Count: 4}) {
			t.Errorf("%+v", reasons)
		}
	})
}

// A relay that repeats the address says the same to everybody.
func TestReasonsAreCounted(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 5)...)
		publish(t, s, "ed1", now)
		for _, d := range claim(t, s, "ed1", 5, now).Deliveries {
			o := outcome(d, send.Failed)
			o.Reply = "5.1.1 <" + d.Address + ">: unknown"
			report(t, s, "ed1", o)
		}
		reasons, err := s.Undelivered(ctx(), "ed1")
		must(t, err)
		if diff := cmp.Diff([]newsroom.Reason{{State: "failed", Why: "5.1.1 <…>: unknown", Count: 5}}, reasons); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRecover(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 3)...)
		for i, hold := range []bool{false, true} {
			slot := now.Add(time.Duration(i) * time.Hour)
			ed := map[bool]string{false: "resend", true: "hold"}[hold]
			publish(t, s, ed, slot)
			claim(t, s, ed, 2, slot)
			n, err := s.Ledger().Recover(ctx(), ed, hold, slot.Add(time.Minute))
			must(t, err)
			if n != 2 {
				t.Errorf("%s: %d were in doubt, want 2", ed, n)
			}
			c := claim(t, s, ed, 9, slot.Add(time.Minute))
			if hold {
				if diff := cmp.Diff([]int64{3}, positions(c)); diff != "" {
					t.Errorf("hold: %s", diff)
				}
				reasons, err := s.Undelivered(ctx(), ed)
				must(t, err)
				want := []newsroom.Reason{{State: "in_doubt", Why: "no answer was recorded before the sender stopped", Count: 2}}
				if diff := cmp.Diff(want, reasons); diff != "" {
					t.Error(diff)
				}
				continue
			}
			if diff := cmp.Diff([]int64{1, 2, 3}, positions(c)); diff != "" || c.Deliveries[0].Attempt != 2 {
				t.Errorf("resend: %s", diff)
			}
		}
	})
}

// An outcome is stored even by a sender whose time is over.
func TestOutcomesAfterTheEnd(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 2)...)
		publish(t, s, "ed1", now)
		d := claim(t, s, "ed1", 1, now).Deliveries[0]
		over, cancel := context.WithCancel(ctx())
		cancel()
		_, err := s.Ledger().Commit(over, []send.Outcome{sent(d)}, send.Claim{Edition: "ed1", Now: now})
		must(t, err)
		if got := sums(t, s, "ed1"); got.Sent != 1 {
			t.Errorf("%+v", got)
		}
		if _, err := s.Ledger().Commit(over, nil, send.Claim{Edition: "ed1", Max: 1, Now: now}); !errors.Is(err, context.Canceled) {
			t.Errorf("a claim after the end: %v", err)
		}
	})
}

// Two handles on one database, one sending, one unsubscribing: nobody is
// claimed after the answer to the unsubscribe.
func TestUnsubscribesDuringClaims(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		const people = 300
		s, other := db.open(t), db.open(t)
		subscribe(t, s, "harbour", readers(0, people)...)
		publish(t, s, "ed1", now)
		var ids []int64
		for i := range people {
			ids = append(ids, id(t, s, reader(i).Key))
		}
		var mu sync.Mutex
		left := map[int64]bool{}
		var pages sync.WaitGroup
		for page := range 3 {
			pages.Go(func() {
				for i := people - 1 - page; i > 0; i -= 9 {
					if err := other.Leave(ctx(), ids[i], "harbour", []string{"harbour"}, "button", now); err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					left[ids[i]] = true
					mu.Unlock()
				}
			})
		}
		var done []send.Outcome
		mailed := 0
		for {
			mu.Lock()
			before := make(map[int64]bool, len(left))
			for id := range left {
				before[id] = true
			}
			mu.Unlock()
			c, err := s.Ledger().Commit(ctx(), done, send.Claim{Edition: "ed1", Max: 7, Now: now})
			must(t, err)
			if len(c.Deliveries) == 0 {
				break
			}
			done = done[:0]
			for _, d := range c.Deliveries {
				if before[d.Subscriber] {
					t.Errorf("subscriber %d is mailed after leaving", d.Subscriber)
				}
				mailed++
				done = append(done, sent(d))
			}
		}
		pages.Wait()
		if got := sums(t, s, "ed1"); got.Sent != mailed || got.Sent+got.Skipped != people {
			t.Errorf("%d mailed: %+v", mailed, got)
		}
		finished, err := s.Finish(ctx(), "ed1", now)
		must(t, err)
		if !finished {
			t.Error("nothing is left, and it is not done")
		}
	})
}
