package web_test

import (
	"testing"
	"time"
)

// Whoever gives a day but leaves the choice above it as it was means the day:
// nothing is to come against their will.
func TestPauseByDayAlone(t *testing.T) {
	s := chooses(t)
	path := s.choices(t, 1)
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	s.form(t, path, "timezone=UTC&pause=")
	for _, c := range []struct {
		name, body string
		status     int
		want       time.Time
	}{
		{"no pause chosen", "pause=&until=2026-12-24", 200, day(2026, 12, 24)},
		{"the pause that there is", "pause=kept&until=2026-12-28", 200, day(2026, 12, 28)},
		{"a day that was", "pause=kept&until=2026-11-01", 422, day(2026, 12, 28)},
		{"no day, and it ends", "pause=&until=", 200, time.Time{}},
	} {
		status, page := s.form(t, path, c.body)
		if got := s.person(t, 1).Paused; status != c.status || !got.Equal(c.want) {
			t.Errorf("%s: %d, paused until %s, want %s:\n%s", c.name, status, got, c.want, page)
		}
	}
}
