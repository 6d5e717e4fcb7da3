package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lede/newsroom"
	"lede/send"
)

func TestPublished(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 3)...)
		day := func(n int) time.Time { return now.AddDate(0, 0, n) }
		commit := func(id string, slot time.Time, subject string, to newsroom.State) {
			t.Helper()
			assemble(t, s, id, slot)
			c := content(subject)
			c.Edition.Preheader = "Also: " + subject
			_, err := s.Commit(ctx(), id, c, to, slot)
			must(t, err)
		}
		finish := func(id string, slot time.Time) {
			t.Helper()
			for _, d := range claim(t, s, id, 8, slot).Deliveries {
				report(t, s, id, sent(d))
			}
		}

		commit("done1", day(-400), `Eel "traps" <cut>`, newsroom.Sending)
		finish("done1", day(-400))
		_, err := s.Finish(ctx(), "done1", day(-400))
		must(t, err)
		commit("part1", day(-2), "Ferry", newsroom.Sending)
		one := claim(t, s, "part1", 1, day(-2))
		report(t, s, "part1", sent(one.Deliveries[0]))
		must(t, s.Move(ctx(), "part1", []newsroom.State{newsroom.Sending}, newsroom.Cancelled, "test", "enough", time.Time{}, day(-2)))
		commit("flight1", day(-1), "Lamp", newsroom.Sending)
		claim(t, s, "flight1", 1, day(-1))

		// Nobody got these.
		commit("wait1", day(0), "Draft", newsroom.Waiting)
		commit("none1", day(1), "Cancelled", newsroom.Sending)
		must(t, s.Move(ctx(), "none1", []newsroom.State{newsroom.Sending}, newsroom.Cancelled, "test", "no", time.Time{}, day(1)))
		commit("fail1", day(2), "Refused", newsroom.Sending)
		for _, d := range claim(t, s, "fail1", 8, day(2)).Deliveries {
			report(t, s, "fail1", send.Outcome{Edition: d.Edition, Pos: d.Pos, State: send.Failed, Relay: "main", Code: 550, Reply: "no", At: now})
		}
		assemble(t, s, "half1", day(3))

		list := func(from, to time.Time, limit int) []string {
			t.Helper()
			found, err := s.Published(ctx(), "harbour", from, to, limit)
			must(t, err)
			ids := []string{}
			for _, p := range found {
				ids = append(ids, p.ID)
			}
			return ids
		}
		for _, c := range []struct {
			name     string
			from, to time.Time
			limit    int
			want     []string
		}{
			{"all", time.Time{}, time.Time{}, 9, []string{"flight1", "part1", "done1"}},
			{"newest", time.Time{}, time.Time{}, 1, []string{"flight1"}},
			{"from is within", day(-2), time.Time{}, 9, []string{"flight1", "part1"}},
			{"to is not", time.Time{}, day(-1), 9, []string{"part1", "done1"}},
			{"none", day(5), day(6), 9, []string{}},
		} {
			if diff := cmp.Diff(c.want, list(c.from, c.to, c.limit)); diff != "" {
				t.Errorf("%s: %s", c.name, diff)
			}
		}
		found, err := s.Published(ctx(), "harbour", time.Time{}, day(-100), 1)
		must(t, err)
		want := []newsroom.Published{{
			ID: "done1", Newsletter: "harbour", Slot: day(-400), Stored: day(-400),
			Subject: `Eel "traps" <cut>`, Preheader: `Also: Eel "traps" <cut>`,
		}}
		if diff := cmp.Diff(want, found); diff != "" {
			t.Error(diff)
		}
		for newsletter, want := range map[string]newsroom.Extent{
			"harbour": {Count: 3, First: day(-400), Last: day(-1)}, "tide": {},
		} {
			got, err := s.Extent(ctx(), newsletter, time.Time{}, time.Time{})
			must(t, err)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", newsletter, diff)
			}
		}
	})
}
