package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lede/newsroom"
	"lede/store"
)

// commit stores an edition that is being sent.
func commit(t testing.TB, s *store.Store, id string, slot time.Time, c newsroom.Content) int {
	t.Helper()
	assemble(t, s, id, slot)
	n, err := s.Commit(ctx(), id, c, newsroom.Sending, slot)
	must(t, err)
	return n
}

// dueBy is how many deliveries are due at a time, of those that were not yet.
func dueBy(t testing.TB, s *store.Store, edition string, at time.Time) []int64 {
	t.Helper()
	return positions(claim(t, s, edition, 1000, at))
}

func TestStart(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 3)...)
		for name, c := range map[string]struct{ start, want time.Time }{
			"now":   {time.Time{}, now},
			"ahead": {now.Add(time.Hour), now.Add(time.Hour)},
			"past":  {now.Add(-time.Hour), now},
		} {
			content := content("Boats")
			content.Start = c.start
			slot := now.Add(-time.Duration(len(name)) * time.Hour)
			assemble(t, s, name, slot)
			_, err := s.Commit(ctx(), name, content, newsroom.Sending, now)
			must(t, err)
			if early := claim(t, s, name, 9, c.want.Add(-time.Microsecond)); len(early.Deliveries) > 0 || !early.Next.Equal(c.want) {
				t.Errorf("%s: %+v", name, early)
			}
			if due := dueBy(t, s, name, c.want); len(due) != 3 {
				t.Errorf("%s: %v are due", name, due)
			}
		}
	})
}

func TestSpread(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 100)...)
		c := content("Boats")
		c.Start, c.Spread = now.Add(time.Hour), 40*time.Second
		if n := commit(t, s, "ed1", now, c); n != 100 {
			t.Fatalf("audience %d", n)
		}
		seen := 0
		for second := range 40 {
			at := c.Start.Add(time.Duration(second) * time.Second)
			if due := dueBy(t, s, "ed1", at.Add(-time.Microsecond)); len(due) > 0 {
				t.Errorf("%d are due before %s", len(due), at)
			}
			seen += len(dueBy(t, s, "ed1", at))
			if want := 100 * (second + 1) / 40; seen != want {
				t.Errorf("after %d s %d are due, want %d", second, seen, want)
			}
		}
		consistent(t, db, s, "ed1")

		// Fewer people than steps, and nobody.
		c.Spread = 3 * time.Hour
		subscribe(t, s, "small", readers(0, 3)...)
		c.Lists = []string{"small"}
		commit(t, s, "ed2", now.Add(time.Minute), c)
		for i := range 3 {
			if due := dueBy(t, s, "ed2", c.Start.Add(time.Duration(i)*time.Hour)); len(due) != 1 || due[0] != int64(i+1) {
				t.Errorf("hour %d: %v", i, due)
			}
		}
		c.Lists = []string{"none"}
		if n := commit(t, s, "ed3", now.Add(2*time.Minute), c); n != 0 {
			t.Errorf("audience %d", n)
		}
		if done, err := s.Finish(ctx(), "ed3", now); err != nil || !done {
			t.Errorf("an edition to nobody is not done: %v", err)
		}
	})
}

// Who left before their mail's time gets none.
func TestSpreadAsksAgain(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 4)...)
		c := content("Boats")
		c.Spread = 4 * time.Hour
		commit(t, s, "ed1", now, c)
		if due := dueBy(t, s, "ed1", now); len(due) != 1 {
			t.Fatalf("%v are due", due)
		}
		must(t, s.Leave(ctx(), id(t, s, reader(2).Key), "harbour", []string{"harbour"}, "button", now.Add(time.Hour)))
		if diff := cmp.Diff([]int64{2, 4}, dueBy(t, s, "ed1", now.Add(4*time.Hour))); diff != "" {
			t.Error(diff)
		}
	})
}

func TestLocalTime(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		zones := []string{"Asia/Tokyo", "", "Europe/Lisbon", "America/New_York", "Port Averne", "Europe/London", "Asia/Tokyo"}
		rows := readers(0, len(zones)+1)
		for i, zone := range zones {
			rows[i].Attributes = map[string]string{"timezone": zone, "town": "Port Averne"}
		}
		subscribe(t, s, "harbour", rows...)
		asked := map[string]int{}
		c := content("Boats")
		c.Start = now.Add(time.Minute)
		c.Local = func(zone string) time.Time {
			asked[zone]++
			switch zone {
			case "Asia/Tokyo":
				return now.Add(-9 * time.Hour) // over already
			case "Europe/Lisbon", "Europe/London":
				return now.Add(time.Hour)
			case "America/New_York":
				return now.Add(5 * time.Hour)
			}
			return time.Time{}
		}
		if n := commit(t, s, "ed1", now, c); n != len(rows) {
			t.Fatalf("audience %d", n)
		}
		if diff := cmp.Diff(map[string]int{"": 1, "Asia/Tokyo": 1, "Europe/Lisbon": 1, "Europe/London": 1, "America/New_York": 1, "Port Averne": 1}, asked); diff != "" {
			t.Errorf("asked: %s", diff)
		}
		consistent(t, db, s, "ed1")
		who := func(at time.Time) (names []string) {
			for _, d := range claim(t, s, "ed1", 100, at).Deliveries {
				names = append(names, d.Name)
			}
			return names
		}
		for _, step := range []struct {
			at   time.Duration
			want string
		}{
			{0, "[]"},
			{time.Minute, "[Reader 0 Reader 1 Reader 4 Reader 6 Reader 7]"},
			{time.Hour - time.Microsecond, "[]"},
			{time.Hour, "[Reader 2 Reader 5]"},
			{5*time.Hour - time.Microsecond, "[]"},
			{5 * time.Hour, "[Reader 3]"},
		} {
			if got := fmt.Sprint(who(now.Add(step.at))); got != step.want {
				t.Errorf("after %s: %s, want %s", step.at, got, step.want)
			}
		}
	})
}
