package store_test

import (
	"testing"
	"time"

	"lede/newsroom"
	"lede/send"
)

// TestAhead: what is pending counts, wherever it stands; what was put off, sent
// or is of another edition does not.
func TestAhead(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 10)...)
		look := func(at time.Time) newsroom.Ahead {
			t.Helper()
			ahead, err := s.Ahead(ctx(), "spread", at)
			must(t, err)
			return ahead
		}
		if got := look(now); got != (newsroom.Ahead{}) {
			t.Errorf("of no edition: %+v", got)
		}
		c := content("Boats")
		c.Start, c.Spread = now, 10*time.Hour
		assemble(t, s, "spread", now)
		if got := look(now); got != (newsroom.Ahead{}) {
			t.Errorf("before the snapshot: %+v", got)
		}
		_, err := s.Commit(ctx(), "spread", c, newsroom.Sending, now)
		must(t, err)
		publish(t, s, "other", now.Add(time.Hour))

		due := now.Truncate(time.Microsecond)
		if got := look(now); !got.Next.Equal(due) || !got.Last.Equal(due.Add(9*time.Hour)) {
			t.Errorf("spread: %+v", got)
		}
		claimed := claim(t, s, "spread", 1, now)
		if got := look(now.Add(time.Minute)); !got.Next.Equal(now.Add(time.Minute)) || !got.Last.Equal(due.Add(9*time.Hour)) {
			t.Errorf("one in flight: %+v", got)
		}
		off := sent(claimed.Deliveries[0])
		off.State, off.Code, off.Due = send.Deferred, 451, now.Add(20*time.Hour)
		report(t, s, "spread", off)
		if got := look(now); !got.Next.Equal(due.Add(time.Hour)) || !got.Last.Equal(due.Add(9*time.Hour)) {
			t.Errorf("one put off: %+v", got)
		}
		// One that was not begun goes back, to be tried later than all.
		claimed = claim(t, s, "spread", 1, now.Add(time.Hour))
		back := sent(claimed.Deliveries[0])
		back.State, back.Code, back.Due = send.Pending, 0, now.Add(12*time.Hour)
		report(t, s, "spread", back)
		if got := look(now); !got.Next.Equal(due.Add(2*time.Hour)) || !got.Last.Equal(due.Add(12*time.Hour)) {
			t.Errorf("one not begun: %+v", got)
		}
		for {
			claimed := claim(t, s, "spread", 100, now.Add(30*time.Hour))
			if len(claimed.Deliveries) == 0 {
				break
			}
			for _, d := range claimed.Deliveries {
				report(t, s, "spread", sent(d))
			}
		}
		if got := look(now); got != (newsroom.Ahead{}) {
			t.Errorf("all sent: %+v", got)
		}
	})
}
