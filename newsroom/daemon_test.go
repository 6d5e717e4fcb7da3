package newsroom_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lede/compose"
	"lede/newsroom"
	"lede/source"
)

// at moves the bubble's clock to an instant.
func at(t *testing.T, when string) {
	t.Helper()
	to, err := time.Parse(time.RFC3339, when)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Until(to)) // fake time: instant
}

func slots(recs []newsroom.Record) []string {
	var s []string
	for _, r := range recs {
		s = append(s, r.Slot.UTC().Format("2006-01-02T15:04Z")+" "+string(r.State))
	}
	return s
}

// TestClockChanges runs the daemon over both changes: 02:30 in New York does
// not exist on 8 March 2026 and comes once, at the gap's end; 01:30 comes twice
// on 1 November 2026 and is used once.
func TestClockChanges(t *testing.T) {
	for _, c := range []struct {
		name, schedule, start string
		want                  []string
	}{
		{"spring", "30 2 * * *", "2026-03-07T12:00:00Z", []string{
			"2026-03-08T07:00Z done", "2026-03-09T06:30Z done", "2026-03-10T06:30Z done",
		}},
		{"autumn", "30 1 * * *", "2026-10-31T12:00:00Z", []string{
			"2026-11-01T05:30Z done", "2026-11-02T06:30Z done", "2026-11-03T06:30Z done",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				at(t, c.start)
				d := newDesk(t, filepath.Join(dir, "lede.db"), c.schedule, "America/New_York")
				d.subscribe(t, 3)
				d.runFor(72 * time.Hour)
				if got := slots(d.editions(t)); !slices.Equal(got, c.want) {
					t.Errorf("editions\n got %q\nwant %q", got, c.want)
				}
				for id, n := range d.sink.mails {
					if n != 3 {
						t.Errorf("edition %s: %d mails, want 3", id, n)
					}
				}
			})
		})
	}
}

// TestMissedSlots: what was due while nothing ran follows missed and grace.
func TestMissedSlots(t *testing.T) {
	for _, c := range []struct {
		name, missed string
		down         time.Duration
		want         []string
		why          string
	}{
		{"within grace it runs late", "run", 3 * time.Hour, []string{"2026-11-24T06:30Z done"}, ""},
		{"beyond grace it is skipped", "run", 8 * time.Hour, []string{"2026-11-24T06:30Z skipped"}, "grace of 6 h"},
		{"missed: skip", "skip", time.Hour, []string{"2026-11-24T06:30Z skipped"}, "missed: skip"},
		{"two days: one late at most, the others are told", "run", 50 * time.Hour, []string{"2026-11-24T06:30Z skipped", "2026-11-25T06:30Z skipped", "2026-11-26T06:30Z done"}, "newer slot"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				at(t, "2026-11-24T06:00:00Z")
				d := newDesk(t, filepath.Join(dir, "lede.db"), "30 6 * * *", "Europe/Lisbon")
				d.n.Missed = c.missed
				d.subscribe(t, 2)
				d.runFor(time.Minute) // it looks at its agenda, and stops
				time.Sleep(30*time.Minute + c.down)
				d.runFor(time.Minute)
				recs := d.editions(t)
				if got := slots(recs); !slices.Equal(got, c.want) {
					t.Fatalf("editions\n got %q\nwant %q", got, c.want)
				}
				if !strings.Contains(recs[0].Why, c.why) {
					t.Errorf("why %q, want %q in it", recs[0].Why, c.why)
				}
			})
		})
	}
}

// TestDownForTwoDays: an edition that was being sent when the machine went down
// is old news two days later; it is paused and says so, and only a person's
// resume sends the rest.
func TestDownForTwoDays(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		at(t, "2026-11-24T06:29:00Z")
		d := newDesk(t, filepath.Join(dir, "lede.db"), "30 6 * * *", "Europe/Lisbon")
		d.n.StaleAfter = 24 * time.Hour
		d.n.Missed = "skip"
		d.subscribe(t, 20)
		d.sink.limit = 5
		d.runFor(2 * time.Minute) // five are sent, fifteen are put off
		id := d.editions(t)[0].ID
		if s := sums(t, d, id); s.Sent != 5 || s.Deferred != 15 {
			t.Fatalf("before: %+v", s)
		}
		time.Sleep(48 * time.Hour)
		d.runFor(time.Minute)
		rec, err := d.store.Edition(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		if s := sums(t, d, id); rec.State != newsroom.Paused || s.Sent != 5 {
			t.Fatalf("after two days: %s (%s), %+v; want paused and nothing more sent", rec.State, rec.Why, s)
		}
		if !slices.ContainsFunc(d.sink.notices, func(s string) bool { return strings.Contains(s, "paused after 5 of 20") }) {
			t.Errorf("the desk was not told: %q", d.sink.notices)
		}
		time.Sleep(24 * time.Hour)
		d.runFor(time.Minute)
		if s := sums(t, d, id); s.Sent != 5 {
			t.Fatalf("it went on by itself: %+v", s)
		}
		if err := d.Resume(context.Background(), d.n, id); err != nil {
			t.Fatal(err)
		}
		d.runFor(30 * time.Minute)
		if s := sums(t, d, id); s.Sent != 20 || s.Audience != 20 {
			t.Errorf("after the resume: %+v", s)
		}
	})
}

func sums(t *testing.T, d *desk, id string) newsroom.Sums {
	t.Helper()
	s, err := d.store.Sums(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	if sum := s.Pending + s.Sent + s.Deferred + s.Failed + s.InDoubt + s.Skipped; sum != s.Audience {
		t.Errorf("the sums do not add up: %+v", s)
	}
	return s
}

// TestBulletinBeforeSlot: an edition by hand shortly before the slot stands for
// it; the slot is skipped and says so.
func TestBulletinBeforeSlot(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		at(t, "2026-11-24T05:30:00Z")
		d := newDesk(t, filepath.Join(dir, "lede.db"), "30 6 * * *", "Europe/Lisbon")
		d.subscribe(t, 4)
		rep, err := d.Publish(context.Background(), d.n, newsroom.Order{Slot: time.Now(), ByHand: true}, time.Minute)
		if err != nil || rep.Sent != 4 {
			t.Fatalf("by hand: %+v, %v", rep, err)
		}
		d.runFor(2 * time.Hour)
		recs := d.editions(t)
		if len(recs) != 2 || recs[1].State != newsroom.Skipped || !strings.Contains(recs[1].Why, "by hand 1 h before") {
			t.Fatalf("editions %q, why %q", slots(recs), recs[len(recs)-1].Why)
		}
		d.runFor(24 * time.Hour)
		if recs = d.editions(t); len(recs) != 3 || recs[2].State != newsroom.Done {
			t.Errorf("the next day: %q", slots(recs))
		}
	})
}

// TestNothingNew: a slot without news is skipped, the desk is told, and the
// stories that come later are news then.
func TestNothingNew(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		at(t, "2026-11-24T06:00:00Z")
		d := newDesk(t, filepath.Join(dir, "lede.db"), "30 6 * * *", "Europe/Lisbon")
		d.subscribe(t, 2)
		one := onePerHour(time.Now())(time.Now())
		d.Gatherer = wire(func(time.Time) []source.Story { return one })
		d.runFor(48 * time.Hour)
		want := []string{"2026-11-24T06:30Z done", "2026-11-25T06:30Z skipped"}
		if got := slots(d.editions(t)); !slices.Equal(got, want) {
			t.Fatalf("editions %q, want %q", got, want)
		}
		if !slices.ContainsFunc(d.sink.notices, func(s string) bool { return strings.Contains(s, "skipped") }) {
			t.Errorf("the desk was not told: %q", d.sink.notices)
		}
	})
}

// TestRelayDown: while the relay takes nothing the desk hears it by
// notify_command, nothing is lost, and the edition goes on
// when the relay does.
func TestRelayDown(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		at(t, "2026-11-24T06:29:00Z")
		d := newDesk(t, filepath.Join(dir, "lede.db"), "30 6 * * *", "Europe/Lisbon")
		d.subscribe(t, 6)
		d.sink.breaks(errors.New("connection refused"))
		told := filepath.Join(dir, "told")
		d.n.NotifyCommand = []string{"tee", told}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = d.Serve(ctx, []newsroom.Newsletter{d.n})
		}()
		time.Sleep(30 * time.Minute)
		id := d.editions(t)[0].ID
		if s := sums(t, d, id); s.Pending != 6 {
			t.Errorf("while down: %+v", s)
		}
		if text, err := os.ReadFile(told); err != nil || !strings.Contains(string(text), "connection refused") {
			t.Errorf("notify_command got %q, %v; want the relay's fault", text, err)
		}
		d.sink.breaks(nil)
		time.Sleep(3 * time.Minute)
		if s := sums(t, d, id); s.Sent != 6 {
			t.Errorf("after: %+v", s)
		}
		cancel()
		<-done
	})
}

// TestSameSlotTwice: Publish for the same slot goes on with the same edition
// and mails nobody again, whoever calls it.
func TestSameSlotTwice(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lede.db")
	a := newDesk(t, file, "", "UTC")
	a.subscribe(t, 10)
	slot := time.Now().Truncate(time.Second)
	first, err := a.Publish(context.Background(), a.n, newsroom.Order{Slot: slot}, time.Second)
	if err != nil || first.Sent != 10 {
		t.Fatalf("first: %+v, %v", first, err)
	}
	b := newDesk(t, file, "", "UTC")
	second, err := b.Publish(context.Background(), b.n, newsroom.Order{Slot: slot}, time.Second)
	if err != nil || second.Edition != first.Edition || second.Sent != 10 {
		t.Fatalf("second: %+v, %v", second, err)
	}
	if len(b.sink.mails) != 0 {
		t.Errorf("mailed again: %v", b.sink.mails)
	}
}

// TestCancelledGivesBack: an edition that is cancelled before anything was sent
// gives its stories back.
func TestCancelledGivesBack(t *testing.T) {
	d := newDesk(t, filepath.Join(t.TempDir(), "lede.db"), "", "UTC")
	d.subscribe(t, 3)
	d.n.Approval = "required"
	ctx := context.Background()
	rec, err := d.Make(ctx, d.n, newsroom.Order{Slot: time.Now(), ByHand: true})
	if err != nil || rec.State != newsroom.Waiting {
		t.Fatalf("%+v, %v", rec, err)
	}
	if err := d.Cancel(ctx, rec.ID, "wrong day"); err != nil {
		t.Fatal(err)
	}
	if s := sums(t, d, rec.ID); s.Skipped != 3 {
		t.Errorf("cancelled: %+v", s)
	}
	d.n.Approval = "none"
	rep, err := d.Publish(ctx, d.n, newsroom.Order{Slot: time.Now(), ByHand: true}, time.Second)
	if err != nil || rep.Sent != 3 {
		t.Errorf("again: %+v, %v", rep, err)
	}
	if err := d.Pause(ctx, rep.Edition, ""); !errors.Is(err, newsroom.ErrState) {
		t.Errorf("pausing what is done: %v, want ErrState", err)
	}
}

// TestHalfSaved: the daemon passes over a story that was being saved when the
// slot came, says so, and takes it at the next; a story under embargo waits for
// its time.
func TestHalfSaved(t *testing.T) {
	dir, folder := t.TempDir(), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		at(t, "2026-11-24T06:29:57Z")
		write := func(name, text string) {
			file := filepath.Join(folder, name)
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(file, time.Now(), time.Now()); err != nil { // the machine's clock is not the bubble's
				t.Fatal(err)
			}
		}
		d := newDesk(t, filepath.Join(dir, "lede.db"), "30 6 * * *", "Europe/Lisbon")
		d.Gatherer = &source.Gatherer{Now: time.Now, Settle: 10 * time.Second, Timeout: 20 * time.Second}
		d.n.Sources[0].Folder = folder
		d.subscribe(t, 2)
		write("old.md", "---\ntitle: Ferry sails again\n---\n\nThe Averne Maid left the quay.\n")
		if err := os.Chtimes(filepath.Join(folder, "old.md"), time.Now(), time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		write("half.md", "---\ntitle: Storm closes the causeway\n---\n\nA surge of sixty centi")
		write("fees.md", "---\ntitle: Pilot fees go up\nfrom: 2026-11-25T09:00\n---\n\nBy a tenth.\n")
		d.runFor(time.Minute)
		first := content(t, d, 0)
		if first.Lead.Title != "Ferry sails again" || !leftOut(first, "half.md", "saved") && !leftOut(first, "Storm closes the causeway", "saved") {
			t.Errorf("first edition: %+v, left out %+v", first.Lead, first.LeftOut)
		}
		d.runFor(24 * time.Hour)
		if second := content(t, d, 1); second.Lead.Title != "Storm closes the causeway" || !leftOut(second, "Pilot fees go up", "EMBARGOED") {
			t.Errorf("second edition: %+v, left out %+v", second.Lead, second.LeftOut)
		}
		d.runFor(24 * time.Hour)
		if third := content(t, d, 2); third.Lead.Title != "Pilot fees go up" {
			t.Errorf("third edition: %+v", third.Lead)
		}
	})
}

// content is the i-th edition as it was assembled.
func content(t *testing.T, d *desk, i int) *compose.Edition {
	t.Helper()
	recs := d.editions(t)
	if i >= len(recs) {
		t.Fatalf("%d editions", len(recs))
	}
	rec, err := d.store.Edition(context.Background(), recs[i].ID)
	if err != nil || rec.Content == nil || rec.Content.Lead == nil {
		t.Fatalf("edition %d: %s (%s), %v", i, rec.State, rec.Why, err)
	}
	return rec.Content
}

func leftOut(e *compose.Edition, title, why string) bool {
	return slices.ContainsFunc(e.LeftOut, func(l compose.LeftOut) bool {
		return l.Title == title && strings.Contains(l.Why, why)
	})
}
