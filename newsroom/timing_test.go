package newsroom_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lede/audience"
	"lede/newsroom"
)

// readersIn puts a reader on the list for each zone; an empty one has none.
func (d *desk) readersIn(t *testing.T, zones ...string) {
	t.Helper()
	var rows []audience.Row
	for i, zone := range zones {
		address := fmt.Sprintf("r%d@northpost.example", i)
		row := audience.Row{Line: i + 2, Address: address, Key: address, Domain: "northpost.example"}
		if zone != "" {
			row.Attributes = map[string]string{"timezone": zone}
		}
		rows = append(rows, row)
	}
	if _, err := d.store.ImportRows(context.Background(), "harbour", "test", rows, false, time.Now()); err != nil {
		t.Fatal(err)
	}
}

// sentBy counts the mails of each edition that went until now.
func (d *desk) sentBy(id string) int {
	d.sink.mu.Lock()
	defer d.sink.mu.Unlock()
	return d.sink.mails[id]
}

// TestSpread: the mails of a slot leave evenly over the window, the desk hears
// of it once, when the last has left.
func TestSpread(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		at(t, "2026-11-24T06:29:00Z")
		d := newDesk(t, filepath.Join(dir, "lede.db"), "30 6 * * *", "Europe/Lisbon")
		d.n.Timing.Spread = 2 * time.Hour
		d.subscribe(t, 120)
		for _, c := range []struct {
			until string
			want  int
		}{
			{"2026-11-24T06:45:00Z", 15}, {"2026-11-24T07:30:00Z", 60}, {"2026-11-24T08:15:00Z", 105}, {"2026-11-24T08:31:00Z", 120},
		} {
			until, _ := time.Parse(time.RFC3339, c.until)
			if n := len(d.sink.notices); n > 0 {
				t.Errorf("the desk was told before %s", c.until)
			}
			d.runFor(time.Until(until)) // a restart each time
			id := d.editions(t)[0].ID
			if got := d.sentBy(id); got < c.want-2 || got > c.want+2 {
				t.Errorf("%s: %d mails, want about %d", c.until, got, c.want)
			}
		}
		if recs := d.editions(t); len(recs) != 1 || recs[0].State != newsroom.Done {
			t.Errorf("editions %q", slots(recs))
		}
		if len(d.sink.notices) != 1 || !strings.Contains(d.sink.notices[0], "sent to 120 of 120") {
			t.Errorf("notices %q", d.sink.notices)
		}
	})
}

// TestSpreadOfALateSlot: a slot that begins late has its whole window, and is
// not old before it is over.
func TestSpreadOfALateSlot(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		at(t, "2026-11-24T06:00:00Z")
		d := newDesk(t, filepath.Join(dir, "lede.db"), "30 6 * * *", "Europe/Lisbon")
		d.n.Timing.Spread, d.n.StaleAfter = 4*time.Hour, 4*time.Hour
		d.subscribe(t, 40)
		d.runFor(time.Minute)
		at(t, "2026-11-24T09:30:00Z")
		d.runFor(2 * time.Hour)
		recs := d.editions(t)
		if got := d.sentBy(recs[0].ID); got < 18 || got > 22 {
			t.Errorf("%d of 40 mails after half of the window", got)
		}
		d.runFor(3 * time.Hour)
		if recs = d.editions(t); recs[0].State != newsroom.Done || d.sentBy(recs[0].ID) != 40 {
			t.Errorf("editions %q, %d mails", slots(recs), d.sentBy(recs[0].ID))
		}
	})
}

// TestLocalTime: each reader has the mail at the slot's time on their own
// clock, and never before the slot.
func TestLocalTime(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		at(t, "2026-11-24T06:29:00Z")
		d := newDesk(t, filepath.Join(dir, "lede.db"), "30 6 * * *", "Europe/Lisbon")
		d.n.Timing.LocalTime = true
		// At the slot: no zone, no such zone, Lisbon and all that is east of it.
		d.readersIn(t, "", "Atlantis/Capital", "Europe/Lisbon", "Pacific/Auckland", "Local", "../etc/passwd",
			"Atlantic/Azores", "America/New_York", "America/Los_Angeles", " Pacific/Honolulu ", "Etc/GMT+12")
		for _, c := range []struct {
			until string
			want  int
		}{
			{"2026-11-24T06:31:00Z", 6},
			{"2026-11-24T07:29:00Z", 6},
			{"2026-11-24T07:31:00Z", 7}, // Azores
			{"2026-11-24T11:29:00Z", 7},
			{"2026-11-24T11:31:00Z", 8},  // New York
			{"2026-11-24T14:31:00Z", 9},  // Los Angeles
			{"2026-11-24T16:31:00Z", 10}, // Honolulu
			{"2026-11-24T18:29:00Z", 10},
			{"2026-11-24T18:31:00Z", 11}, // the last place on Earth
		} {
			until, _ := time.Parse(time.RFC3339, c.until)
			d.runFor(time.Until(until))
			if got := d.sentBy(d.editions(t)[0].ID); got != c.want {
				t.Errorf("%s: %d mails, want %d", c.until, got, c.want)
			}
		}
		if recs := d.editions(t); recs[0].State != newsroom.Done {
			t.Errorf("editions %q", slots(recs))
		}
		if len(d.sink.notices) != 1 || !strings.Contains(d.sink.notices[0], "sent to 6 of 11 readers, 5 are due later") {
			t.Errorf("notices %q, want one, when the slot's own readers have it", d.sink.notices)
		}
	})
}

// TestLocalTimeOverTheNextSlot: an edition of which mails are due for more than
// a day neither holds up the next slot nor becomes old before its last mail.
func TestLocalTimeOverTheNextSlot(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		at(t, "2026-11-23T17:29:00Z") // 06:29 on the 24th in Auckland
		d := newDesk(t, filepath.Join(dir, "lede.db"), "30 6 * * *", "Pacific/Auckland")
		d.n.Timing.LocalTime = true
		d.readersIn(t, "Pacific/Auckland", "Etc/GMT+12")
		d.runFor(2 * time.Minute)
		at(t, "2026-11-24T17:29:00Z")
		d.runFor(2 * time.Minute) // the second slot: both are being sent
		recs := d.editions(t)
		if got, want := slots(recs), []string{"2026-11-23T17:30Z sending", "2026-11-24T17:30Z sending"}; !slices.Equal(got, want) {
			t.Fatalf("editions\n got %q\nwant %q", got, want)
		}
		rep, err := d.Report(context.Background(), recs[1].ID)
		if err != nil || rep.Last == nil || !rep.Last.Equal(recs[1].Slot.Add(25*time.Hour)) || !rep.Next.Equal(*rep.Last) {
			t.Errorf("%v, next %v, last %v", err, rep.Next, rep.Last)
		}
		// A send by hand is a new edition: what is due later does not stand for it.
		if rec, old, err := d.Unfinished(context.Background(), d.n); rec.ID != "" || old != nil || err != nil {
			t.Errorf("unfinished %s, %v, %v", rec.ID, old, err)
		}
		for _, when := range []string{"2026-11-24T18:29:00Z", "2026-11-25T17:29:00Z", "2026-11-25T18:29:00Z"} {
			at(t, when)
			d.runFor(2 * time.Minute)
		}
		if got, want := slots(d.editions(t))[:2], []string{"2026-11-23T17:30Z done", "2026-11-24T17:30Z done"}; !slices.Equal(got, want) {
			t.Errorf("editions\n got %q\nwant %q", got, want)
		}
	})
}

// TestLocalTimeOverClockChanges: where the slot's time does not exist on a
// reader's clock the mail leaves at the gap's end, and where it comes twice at
// the first.
func TestLocalTimeOverClockChanges(t *testing.T) {
	for _, c := range []struct {
		name, slot, schedule string
		want                 string // the hour in UTC at which New York's reader has it
	}{
		{"gap", "2027-03-14T02:30:00Z", "30 2 * * *", "2027-03-14T07:00:00Z"},
		{"fold", "2026-11-01T01:30:00Z", "30 1 * * *", "2026-11-01T05:30:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				slot, _ := time.Parse(time.RFC3339, c.slot)
				time.Sleep(time.Until(slot.Add(-time.Minute)))
				d := newDesk(t, filepath.Join(dir, "lede.db"), c.schedule, "UTC")
				d.n.Timing.LocalTime = true
				d.readersIn(t, "America/New_York")
				want, _ := time.Parse(time.RFC3339, c.want)
				d.runFor(time.Until(want.Add(-time.Minute)))
				id := d.editions(t)[0].ID
				if d.sentBy(id) != 0 {
					t.Error("the mail left before its time")
				}
				d.runFor(2 * time.Minute)
				if d.sentBy(id) != 1 {
					t.Error("the mail did not leave at its time")
				}
			})
		})
	}
}

// TestLeftBeforeTheirTime: whoever leaves the newsletter while the mail waits
// for their time gets none.
func TestLeftBeforeTheirTime(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		at(t, "2026-11-24T06:29:00Z")
		d := newDesk(t, filepath.Join(dir, "lede.db"), "30 6 * * *", "UTC")
		d.n.Timing.LocalTime = true
		d.readersIn(t, "", "America/New_York")
		d.runFor(2 * time.Minute)
		if err := d.store.Suppress(context.Background(), audience.Suppression{Address: "r1@northpost.example", Reason: "by hand", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		at(t, "2026-11-24T11:29:00Z")
		d.runFor(2 * time.Minute)
		if s := sums(t, d, d.editions(t)[0].ID); s.Sent != 1 || s.Skipped != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// TestByHandIsNow: a send by hand leaves at once whatever the newsletter's
// slots do, or as its own order says; it does not wait for what is due in hours.
func TestByHandIsNow(t *testing.T) {
	for _, c := range []struct {
		name   string
		timing newsroom.Timing
		wait   time.Duration
		sent   int
		took   time.Duration // at most
	}{
		{"now", newsroom.Timing{}, 15 * time.Minute, 20, time.Second},
		{"spread", newsroom.Timing{Spread: 30 * time.Minute}, 15 * time.Minute, 20, 31 * time.Minute},
		{"spread over longer gaps than it waits", newsroom.Timing{Spread: 20 * time.Hour}, 15 * time.Minute, 1, time.Second},
		{"local time", newsroom.Timing{LocalTime: true}, 15 * time.Minute, 20, time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				at(t, "2026-11-24T06:29:00Z")
				d := newDesk(t, filepath.Join(dir, "lede.db"), "", "UTC")
				d.n.Timing.Spread = 3 * time.Hour
				d.subscribe(t, 20)
				start := time.Now()
				rep, err := d.Publish(context.Background(), d.n, newsroom.Order{Slot: start, ByHand: true, Timing: c.timing}, c.wait)
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); rep.Sent != c.sent || took > c.took {
					t.Errorf("%d mails in %s, want %d in %s", rep.Sent, took, c.sent, c.took)
				}
				if left := rep.State == newsroom.Sending; left != (c.sent < 20) || left != (rep.Last != nil) {
					t.Errorf("%s, last %v", rep.State, rep.Last)
				}
			})
		})
	}
}

// TestTroubleOfASpread: a relay that stops taking mail in the middle is told of,
// once, and the rest goes when it works again.
func TestTroubleOfASpread(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		at(t, "2026-11-24T06:29:00Z")
		d := newDesk(t, filepath.Join(dir, "lede.db"), "30 6 * * *", "UTC")
		d.n.Timing.Spread = 30 * time.Minute
		d.subscribe(t, 60)
		go func() {
			time.Sleep(10 * time.Minute)
			d.sink.breaks(errors.New("connection refused"))
			time.Sleep(40 * time.Minute)
			d.sink.breaks(nil)
		}()
		d.runFor(time.Hour)
		if len(d.sink.notices) != 1 || !strings.Contains(d.sink.notices[0], "sent to 60 of 60") {
			t.Errorf("notices %q", d.sink.notices)
		}
		if recs := d.editions(t); recs[0].State != newsroom.Done || d.sentBy(recs[0].ID) != 60 {
			t.Errorf("editions %q, %d mails", slots(recs), d.sentBy(recs[0].ID))
		}
	})
}
