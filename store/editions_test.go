package store_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lede/audience"
	"lede/compose"
	"lede/newsroom"
	"lede/send"
)

func TestOneEditionASlot(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s, other := db.open(t), db.open(t)
		first := assemble(t, s, "aaaa1", now)
		want := newsroom.Record{
			ID: "aaaa1", Newsletter: "harbour", Slot: now, State: newsroom.Assembling, Started: now, StaleAt: now.Add(24 * time.Hour),
		}
		if diff := cmp.Diff(want, first); diff != "" {
			t.Error(diff)
		}
		again, isNew, err := other.Open(ctx(), newsroom.Record{ID: "bbbb1", Newsletter: "harbour", Slot: now.In(time.FixedZone("", 3600)), Started: now})
		must(t, err)
		if isNew || again.ID != "aaaa1" {
			t.Errorf("the same slot again: %s, new %t", again.ID, isNew)
		}
		_, _, err = other.Open(ctx(), newsroom.Record{ID: "bbbb1", Newsletter: "harbour", Slot: now.Add(time.Hour), Started: now})
		if !errors.Is(err, newsroom.ErrBusy) {
			t.Errorf("another slot while one is assembled: %v", err)
		}
		_, isNew, err = other.Open(ctx(), newsroom.Record{ID: "bbbb1", Newsletter: "market", Slot: now, Started: now, ByHand: true})
		must(t, err)
		if !isNew {
			t.Error("another newsletter is held up")
		}
		_, err = s.Commit(ctx(), "aaaa1", content("Boats"), newsroom.Sending, now)
		must(t, err)
		assemble(t, s, "cccc1", now.Add(time.Hour))
		kept, _, err := s.Open(ctx(), newsroom.Record{ID: "dddd1", Newsletter: "harbour", Slot: now, Started: now})
		must(t, err)
		if kept.State != newsroom.Sending || kept.Letter == nil || kept.Letter.HTML != "<p>Boats</p>" || kept.Content.Subject != "Boats" || !kept.Stored.Equal(now) {
			t.Errorf("the edition of the slot, whole: %+v", kept)
		}
	})
}

func TestManyDaemonsOneSlot(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for i := range 6 {
			s := db.open(t)
			wg.Go(func() {
				_, isNew, err := s.Open(ctx(), newsroom.Record{ID: fmt.Sprint("daemon", i), Newsletter: "harbour", Slot: now, Started: now})
				if err != nil {
					t.Error(err)
				}
				if isNew {
					mu.Lock()
					won++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Errorf("%d daemons won the slot", won)
		}
	})
}

func TestLog(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		r := newsroom.Record{ID: "aaaa1", Newsletter: "harbour", Slot: now, State: newsroom.Skipped, Why: "an edition by hand an hour before", Started: now}
		must(t, s.Log(ctx(), r))
		r.ID, r.Why = "bbbb1", "something else"
		must(t, s.Log(ctx(), r))
		got, err := s.List(ctx(), "", 0)
		must(t, err)
		if len(got) != 1 || got[0].ID != "aaaa1" || got[0].State != newsroom.Skipped || got[0].Why != "an edition by hand an hour before" || got[0].Finished.IsZero() {
			t.Errorf("%+v", got)
		}
	})
}

func TestSnapshot(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 6)...)
		subscribe(t, s, "guests", readers(4, 8)...)
		subscribe(t, s, "elsewhere", readers(8, 9)...)
		who := func(i int) int64 { return id(t, s, reader(i).Key) }
		must(t, s.Leave(ctx(), who(0), "harbour", nil, "button", now))
		must(t, s.LeaveList(ctx(), who(1), "harbour", "desk", now))
		must(t, s.Suppress(ctx(), audience.Suppression{Address: reader(2).Address, Reason: "by-hand", At: now}))
		must(t, s.LeaveList(ctx(), who(4), "harbour", "desk", now)) // still a guest
		lists := []string{"harbour", "guests"}
		n, err := s.Audience(ctx(), "harbour", lists)
		must(t, err)
		if n != 5 {
			t.Errorf("audience %d, want 5", n)
		}
		assemble(t, s, "ed1", now)
		c := content("Boats")
		c.Lists = lists
		stored, err := s.Commit(ctx(), "ed1", c, newsroom.Sending, now)
		must(t, err)
		if stored != n {
			t.Errorf("snapshot of %d, counted %d", stored, n)
		}
		subscribe(t, s, "harbour", readers(10, 12)...) // too late
		var got []string
		for _, d := range claim(t, s, "ed1", 99, now).Deliveries {
			got = append(got, strings.TrimSuffix(d.Address, "@averne.example"))
		}
		if diff := cmp.Diff([]string{"reader3", "reader4", "reader5", "reader6", "reader7"}, got); diff != "" {
			t.Error(diff)
		}
		if _, err := s.Commit(ctx(), "ed1", c, newsroom.Sending, now); !errors.Is(err, newsroom.ErrState) {
			t.Errorf("a second commit: %v", err)
		}
		if _, err := s.Commit(ctx(), "none", c, newsroom.Sending, now); !errors.Is(err, newsroom.ErrNotFound) {
			t.Errorf("a commit of nothing: %v", err)
		}
	})
}

// Every pair of states: the table that Move is given decides, and nothing else.
func TestMoveWalksTheTable(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		states := []newsroom.State{
			newsroom.Assembling, newsroom.Waiting, newsroom.Sending, newsroom.Paused,
			newsroom.Done, newsroom.Skipped, newsroom.Cancelled, newsroom.Failed,
		}
		slot := now
		for _, from := range states {
			for _, to := range states {
				if to == newsroom.Assembling {
					continue
				}
				slot = slot.Add(time.Hour)
				ed := string(from) + " " + string(to)
				assemble(t, s, ed, slot)
				if from != newsroom.Assembling {
					must(t, s.Move(ctx(), ed, []newsroom.State{newsroom.Assembling}, from, "test", "", time.Time{}, slot))
				}
				others := func(yes func(newsroom.State) bool) (chosen []newsroom.State) {
					for _, s := range states {
						if yes(s) {
							chosen = append(chosen, s)
						}
					}
					return chosen
				}
				err := s.Move(ctx(), ed, others(func(s newsroom.State) bool { return s != from }), to, "desk", "why", time.Time{}, slot)
				if !errors.Is(err, newsroom.ErrState) || !strings.Contains(err.Error(), string(from)) {
					t.Errorf("%s: not allowed, yet %v", ed, err)
				}
				stale := slot.Add(time.Hour)
				must(t, s.Move(ctx(), ed, []newsroom.State{from}, to, "desk", "why", stale, slot.Add(time.Minute)))
				r, err := s.Edition(ctx(), ed)
				must(t, err)
				if r.State != to || r.Why != "why" || !r.StaleAt.Equal(stale) || r.Finished.IsZero() == to.Ended() {
					t.Errorf("%s: %+v", ed, r)
				}
				history, err := s.History(ctx(), ed)
				must(t, err)
				last := newsroom.Change{At: slot.Add(time.Minute), From: from, To: to, By: "desk", Why: "why"}
				if diff := cmp.Diff(last, history[len(history)-1]); diff != "" {
					t.Error(diff)
				}
			}
		}
		if err := s.Move(ctx(), "none", states, newsroom.Paused, "desk", "", time.Time{}, now); !errors.Is(err, newsroom.ErrNotFound) {
			t.Errorf("no such edition: %v", err)
		}
	})
}

func TestFinish(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 1)...)
		publish(t, s, "ed1", now)
		not := func(when string) {
			t.Helper()
			if done, err := s.Finish(ctx(), "ed1", now); err != nil || done {
				t.Errorf("%s: done %t, %v", when, done, err)
			}
		}
		not("pending")
		d := claim(t, s, "ed1", 1, now).Deliveries[0]
		not("in hand")
		report(t, s, "ed1", outcome(d, send.Deferred))
		not("deferred")
		d = claim(t, s, "ed1", 1, now.Add(time.Hour)).Deliveries[0]
		report(t, s, "ed1", outcome(d, send.Failed))
		done, err := s.Finish(ctx(), "ed1", now.Add(time.Hour))
		must(t, err)
		r, err := s.Edition(ctx(), "ed1")
		must(t, err)
		if !done || r.State != newsroom.Done || !r.Finished.Equal(now.Add(time.Hour)) {
			t.Errorf("done %t: %+v", done, r)
		}
		not("again")
	})
}

func TestEditionByItsBeginning(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		for i, id := range []string{"abcd1", "abcd2", "abxy", "abxyz"} {
			must(t, s.Log(ctx(), newsroom.Record{ID: id, Newsletter: "harbour", Slot: now.Add(time.Duration(i) * time.Hour), State: newsroom.Skipped, Started: now}))
		}
		for id, want := range map[string]string{"abcd1": "abcd1", "abxy": "abxy", "abxyz": "abxyz", "abcd": "several", "abx": "at least 4", "zzzz": "no such edition", "ab%1": "no such edition", "": "at least 4"} {
			r, err := s.Edition(ctx(), id)
			if err != nil {
				if !errors.Is(err, newsroom.ErrNotFound) || !strings.Contains(err.Error(), want) {
					t.Errorf("%q: %v, want %q", id, err, want)
				}
				continue
			}
			if r.ID != want {
				t.Errorf("%q: %s, want %s", id, r.ID, want)
			}
		}
		must(t, s.Log(ctx(), newsroom.Record{ID: "mnop99", Newsletter: "market", Slot: now, State: newsroom.Failed, Started: now}))
		if r, err := s.Edition(ctx(), "mnop"); err != nil || r.ID != "mnop99" {
			t.Errorf("%s, %v", r.ID, err)
		}
		list := func(newsletter string, limit int, states ...newsroom.State) (ids string) {
			recs, err := s.List(ctx(), newsletter, limit, states...)
			must(t, err)
			for _, r := range recs {
				ids += r.ID + " "
			}
			return ids
		}
		if got := list("harbour", 0); got != "abxyz abxy abcd2 abcd1 " {
			t.Error(got)
		}
		if got := list("harbour", 1, newsroom.Skipped, newsroom.Done); got != "abxyz " {
			t.Error(got)
		}
		if got := list("", 0, newsroom.Failed); got != "mnop99 " {
			t.Error(got)
		}
	})
}

func used(key string) compose.Used {
	return compose.Used{Source: "site", Key: key, Canonical: "https://averne.example/" + key, Title: "Story " + key, Text: "Text."}
}

func TestStoriesAreUsedUp(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 1)...)
		publish(t, s, "ed1", now, used("a"), used("b"), used("b"))
		must(t, s.Move(ctx(), "ed1", []newsroom.State{newsroom.Sending}, newsroom.Paused, "test", "", time.Time{}, now))
		assemble(t, s, "ed2", now.Add(time.Hour))
		_, err := s.Commit(ctx(), "ed2", content("Boats", used("c"), used("a")), newsroom.Sending, now)
		if err == nil || !strings.Contains(err.Error(), "Story a") || !strings.Contains(err.Error(), "ed1") {
			t.Fatalf("a story twice: %v", err)
		}
		r, err := s.Edition(ctx(), "ed2")
		must(t, err)
		if r.State != newsroom.Assembling || r.Content != nil || sums(t, s, "ed2").Audience != 0 {
			t.Errorf("half done: %+v", r)
		}
		update := used("a")
		update.Version, update.Text = 1, strings.Repeat("quay ", 400)
		_, err = s.Commit(ctx(), "ed2", content("More boats", update), newsroom.Sending, now.Add(time.Hour))
		must(t, err)

		m, err := s.Memory(ctx(), "harbour", now.Add(-time.Hour))
		must(t, err)
		want := []compose.Used{update, used("a"), used("b")}
		want[0].Slot, want[1].Slot, want[2].Slot = now.Add(time.Hour), now, now
		if diff := cmp.Diff(want, m.Used); diff != "" {
			t.Error(diff)
		}
		if !m.Read["site"] || m.Read["desk"] || !m.Seen["site"]["a"] || !m.Seen["site"]["link:https://averne.example/b"] || m.Seen["site"]["c"] {
			t.Errorf("%+v", m)
		}
		if diff := cmp.Diff([]string{"More boats", "Boats"}, m.Subjects); diff != "" {
			t.Error(diff)
		}
		// What ran long ago ran; of its text the beginning is enough.
		if m, err = s.Memory(ctx(), "harbour", now.Add(2*time.Hour)); err != nil || len(m.Used) != 3 || len(m.Used[0].Text) != 600 || !m.Seen["site"]["b"] {
			t.Errorf("long ago: %+v, %v", m, err)
		}
		if m, err = s.Memory(ctx(), "market", time.Time{}); err != nil || len(m.Used)+len(m.Seen)+len(m.Read)+len(m.Subjects) > 0 {
			t.Errorf("another newsletter's: %+v, %v", m, err)
		}
	})
}

func TestGiveBack(t *testing.T) {
	cases := []struct {
		name  string
		state send.State // of the one delivery that was in hand; empty: none was
		to    newsroom.State
		back  bool
	}{
		{"nothing was sent", "", newsroom.Cancelled, true},
		{"nothing was sent, failed", "", newsroom.Failed, true},
		{"nothing was sent, skipped", "", newsroom.Skipped, true},
		{"only stopped for a while", "", newsroom.Paused, false},
		{"refused", send.Failed, newsroom.Cancelled, true},
		{"put off", send.Deferred, newsroom.Cancelled, true},
		{"sent", send.Sent, newsroom.Cancelled, false},
		{"in hand", send.Sending, newsroom.Cancelled, false},
		{"in doubt", send.InDoubt, newsroom.Cancelled, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, db database) {
				s := db.open(t)
				subscribe(t, s, "harbour", readers(0, 2)...)
				publish(t, s, "ed1", now, used("a"))
				if c.state != "" {
					d := claim(t, s, "ed1", 1, now).Deliveries[0]
					if c.state != send.Sending {
						report(t, s, "ed1", outcome(d, c.state))
					}
				}
				must(t, s.Move(ctx(), "ed1", []newsroom.State{newsroom.Sending}, c.to, "desk", "wrong", time.Time{}, now))
				m, err := s.Memory(ctx(), "harbour", time.Time{})
				must(t, err)
				want := newsroom.Sums{Audience: 2, Skipped: 2}
				if c.to == newsroom.Paused {
					want = newsroom.Sums{Audience: 2, Pending: 2}
				}
				if got := sums(t, s, "ed1"); c.state == "" && got != want {
					t.Errorf("%+v, want %+v", got, want)
				}
				if back := len(m.Used) == 0 && !m.Seen["site"]["a"] && !m.Read["site"]; back != c.back {
					t.Errorf("given back %t, want %t", back, c.back)
				}
				if known := len(m.Subjects) == 1; known != (c.to == newsroom.Paused) {
					t.Errorf("subjects %v", m.Subjects)
				}
				n, err := s.Count(ctx(), "harbour")
				must(t, err)
				if counts := n == 1; counts != (c.to == newsroom.Paused) {
					t.Errorf("%d editions count", n)
				}
			})
		})
	}
}

// A delivery that was in doubt once may have arrived, whatever became of it.
func TestNoGiveBackAfterADoubt(t *testing.T) {
	for _, recovered := range []bool{false, true} {
		each(t, func(t *testing.T, db database) {
			s := db.open(t)
			subscribe(t, s, "harbour", readers(0, 1)...)
			publish(t, s, "ed1", now, used("a"))
			d := claim(t, s, "ed1", 1, now).Deliveries[0]
			if recovered {
				_, err := s.Ledger().Recover(ctx(), "ed1", false, now)
				must(t, err)
			} else {
				doubt := outcome(d, send.Deferred)
				doubt.Doubt = true
				report(t, s, "ed1", doubt)
			}
			must(t, s.Move(ctx(), "ed1", []newsroom.State{newsroom.Sending}, newsroom.Cancelled, "desk", "wrong", time.Time{}, now))
			m, err := s.Memory(ctx(), "harbour", time.Time{})
			must(t, err)
			if len(m.Used) != 1 {
				t.Errorf("recovered %t: a story that somebody may have got is news again", recovered)
			}
		})
	}
}

// What a later edition passed over stays known when an earlier one is undone.
func TestGiveBackAfterALaterEdition(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 1)...)
		assemble(t, s, "ed1", now)
		c := content("Boats", used("a"))
		c.Edition.Seen = append(c.Edition.Seen, compose.Seen{Source: "site", Key: "old"})
		_, err := s.Commit(ctx(), "ed1", c, newsroom.Sending, now)
		must(t, err)
		publish(t, s, "ed2", now.Add(time.Hour), used("b"))
		must(t, s.Move(ctx(), "ed1", []newsroom.State{newsroom.Sending}, newsroom.Cancelled, "desk", "wrong", time.Time{}, now))
		m, err := s.Memory(ctx(), "harbour", time.Time{})
		must(t, err)
		want := map[string]bool{"old": true, "b": true, "link:https://averne.example/b": true}
		if diff := cmp.Diff(want, m.Seen["site"]); diff != "" {
			t.Error(diff)
		}
	})
}
