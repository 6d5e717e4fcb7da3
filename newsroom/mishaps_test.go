package newsroom_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lede/newsroom"
	"lede/source"
)

// TestTwoProcessesOneSlot: two processes that both find the slot due make one
// edition of it, and it has one snapshot.
func TestTwoProcessesOneSlot(t *testing.T) {
	slot := time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC)
	if file := os.Getenv("LEDE_TEST_SLOT"); file != "" { // a child: make the slot's edition
		d := newDesk(t, file, "", "UTC")
		d.n.StaleAfter = 24 * time.Hour
		d.NewID = func() string { return fmt.Sprintf("p%d", os.Getpid()) }
		d.Now = func() time.Time { return slot.Add(time.Second) }
		stories := onePerHour(slot.Add(-5 * time.Hour))(slot)
		d.Gatherer = wire(func(time.Time) []source.Story { return stories })
		fmt.Println("ready")
		_, _ = os.Stdin.Read(make([]byte, 1)) // the start, for both
		rec, err := d.Make(context.Background(), d.n, newsroom.Order{Slot: slot})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("edition", rec.ID, rec.State)
		return
	}
	for round := range 3 {
		dir := t.TempDir()
		file := filepath.Join(dir, "lede.db")
		d := newDesk(t, file, "", "UTC")
		d.subscribe(t, 200)
		var outs [2]bytes.Buffer
		var children [2]*exec.Cmd
		gate, open, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		for i := range children {
			children[i] = exec.Command(os.Args[0], "-test.run=^TestTwoProcessesOneSlot$") //nolint:noctx // the test waits for it
			children[i].Env = append(os.Environ(), "LEDE_TEST_SLOT="+file)
			children[i].Stdin, children[i].Stdout, children[i].Stderr = gate, &outs[i], &outs[i]
			if err := children[i].Start(); err != nil {
				t.Fatal(err)
			}
		}
		gate.Close()
		time.Sleep(time.Duration(200+round*50) * time.Millisecond) // both at the gate, or nearly
		if _, err := open.Write([]byte("go")); err != nil {
			t.Fatal(err)
		}
		open.Close()
		for i := range children {
			if err := children[i].Wait(); err != nil {
				t.Fatalf("child %d: %v\n%s", i, err, &outs[i])
			}
		}
		recs := d.editions(t)
		if len(recs) != 1 || recs[0].State != newsroom.Sending {
			t.Fatalf("editions %q, want one that is being sent\n%s%s", slots(recs), &outs[0], &outs[1])
		}
		if s := sums(t, d, recs[0].ID); s.Audience != 200 || s.Pending != 200 {
			t.Errorf("%+v, want one snapshot of 200", s)
		}
		for i := range outs {
			if !strings.Contains(outs[i].String(), "edition "+recs[0].ID) {
				t.Errorf("child %d has another edition than %s:\n%s", i, recs[0].ID, &outs[i])
			}
		}
	}
}

// TestNewsletterRemoved: an unfinished edition of a newsletter that is no longer
// in the configuration is said at the start, with what to do, and left alone.
func TestNewsletterRemoved(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, filepath.Join(dir, "lede.db"), "", "UTC")
		d.subscribe(t, 3)
		rec, err := d.Make(t.Context(), d.n, newsroom.Order{Slot: time.Now(), ByHand: true})
		if err != nil || rec.State != newsroom.Sending {
			t.Fatalf("%+v, %v", rec, err)
		}
		var log bytes.Buffer
		d.Log = slog.New(slog.NewTextHandler(&log, nil))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := d.Serve(ctx, nil); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"level=WARN", "newsletter=harbour", "edition=" + rec.ID, "state=sending", "lede editions cancel " + rec.ID} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log lacks %q:\n%s", want, log.String())
			}
		}
		if s := sums(t, d, rec.ID); s.Pending != 3 {
			t.Errorf("it was touched: %+v", s)
		}
	})
}

// TestClockSetBack: a clock that is put right makes no slot twice, and loses
// none.
func TestClockSetBack(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		at(t, "2026-11-24T06:00:00Z")
		d := newDesk(t, filepath.Join(dir, "lede.db"), "30 * * * *", "Europe/Lisbon")
		d.n.MinGap = 0
		d.subscribe(t, 2)
		ahead := 3 * time.Hour
		d.Now = func() time.Time { return time.Now().Add(ahead) }
		d.sink.now = d.Now
		d.runFor(100 * time.Minute) // its clock says 09:00 to 10:40: two slots
		ahead = 0
		d.runFor(4 * time.Hour) // 07:40 to 11:40, right: the slots of 09:30 and 10:30 have their editions
		want := []string{"2026-11-24T08:30Z done", "2026-11-24T09:30Z done", "2026-11-24T10:30Z done", "2026-11-24T11:30Z done"}
		if got := slots(d.editions(t)); !slices.Equal(got, want) {
			t.Errorf("editions\n got %q\nwant %q", got, want)
		}
		if len(d.sink.notices) != 4 {
			t.Errorf("the desk heard %q, want one mail a slot", d.sink.notices)
		}
		for id, n := range d.sink.mails {
			if n != 2 {
				t.Errorf("edition %s: %d mails, want 2", id, n)
			}
		}
	})
}

// TestScheduleChanged: a schedule that is changed between a stop and a start has
// no missed slots from before the stop.
func TestScheduleChanged(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		at(t, "2026-11-24T06:00:00Z")
		d := newDesk(t, filepath.Join(dir, "lede.db"), "30 6 * * *", "Europe/Lisbon")
		d.subscribe(t, 2)
		d.runFor(5 * time.Hour)
		var err error
		if d.n.Schedule, err = newsroom.ParseSchedule("0 9 * * *"); err != nil {
			t.Fatal(err)
		}
		d.runFor(time.Hour) // 11:00: 09:00 was no slot when its time came
		want := []string{"2026-11-24T06:30Z done"}
		if got := slots(d.editions(t)); !slices.Equal(got, want) {
			t.Errorf("editions %q, want %q", got, want)
		}
	})
}

// TestManyMissed: after a long time down the slots that nobody wants any more
// are one mail, not one each.
func TestManyMissed(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		at(t, "2026-11-24T06:05:00Z")
		d := newDesk(t, filepath.Join(dir, "lede.db"), "*/15 * * * *", "Europe/Lisbon")
		d.n.MinGap = 0
		d.subscribe(t, 2)
		d.runFor(time.Minute)
		time.Sleep(10 * time.Hour)
		d.runFor(time.Minute)
		recs := d.editions(t)
		if last := recs[len(recs)-1]; len(recs) != 40 || last.State != newsroom.Done {
			t.Errorf("%d editions, the last %s; want 39 skipped and one sent late", len(recs), last.State)
		}
		if len(d.sink.notices) != 2 {
			t.Errorf("the desk heard %q, want one mail of what was missed and one of what was sent", d.sink.notices)
		}
	})
}

// TestUnapproved: an edition that nobody approves in its time is paused, the
// desk hears of it, and a late approval does not send old news.
func TestUnapproved(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		at(t, "2026-11-24T06:00:00Z")
		d := newDesk(t, filepath.Join(dir, "lede.db"), "30 6 * * *", "Europe/Lisbon")
		d.n.Approval, d.n.StaleAfter = "required", 4*time.Hour
		d.subscribe(t, 2)
		d.runFor(6 * time.Hour)
		recs := d.editions(t)
		if len(recs) != 1 || recs[0].State != newsroom.Paused {
			t.Fatalf("editions %q, want one that is paused", slots(recs))
		}
		if want := []string{"The Harbour Letter: waits for approval", "The Harbour Letter: paused after 0 of 2 readers"}; !slices.Equal(d.sink.notices, want) {
			t.Errorf("the desk heard %q, want %q", d.sink.notices, want)
		}
		if _, err := d.Approve(t.Context(), d.n, recs[0].ID, false); err == nil || !strings.Contains(err.Error(), "lede editions resume") {
			t.Errorf("a late approval: %v, want what to do", err)
		}
		if err := d.Resume(t.Context(), d.n, recs[0].ID); err != nil {
			t.Fatal(err)
		}
		d.runFor(time.Minute)
		if s := sums(t, d, recs[0].ID); s.Sent != 2 {
			t.Errorf("resumed by hand: %+v", s)
		}
	})
}

// TestLateApproval: the same without a daemon in between.
func TestLateApproval(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, filepath.Join(dir, "lede.db"), "", "UTC")
		d.n.Approval = "required"
		d.subscribe(t, 2)
		rec, err := d.Make(t.Context(), d.n, newsroom.Order{Slot: time.Now(), ByHand: true})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(25 * time.Hour)
		if _, err := d.Approve(t.Context(), d.n, rec.ID, false); err == nil {
			t.Error("a late approval was taken")
		}
		if got := d.editions(t)[0]; got.State != newsroom.Paused {
			t.Errorf("%s, want paused", got.State)
		}
	})
}

// TestDeadCommand: an edition that a killed `lede send` left assembling is not
// made by the daemon, which does not know what was asked for; it holds up the
// schedule for minutes at most.
func TestDeadCommand(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		at(t, "2026-11-24T06:25:00Z")
		d := newDesk(t, filepath.Join(dir, "lede.db"), "30 6 * * *", "Europe/Lisbon")
		d.n.MinGap = 0
		d.subscribe(t, 2)
		dead := newsroom.Record{ID: "dead0001", Newsletter: "harbour", Slot: time.Now(), ByHand: true, Started: time.Now(), StaleAt: time.Now().Add(time.Hour)}
		if _, _, err := d.store.Open(t.Context(), dead); err != nil {
			t.Fatal(err)
		}
		_, err := d.Make(t.Context(), d.n, newsroom.Order{Slot: time.Now().Add(time.Second), ByHand: true, New: true})
		if !errors.Is(err, newsroom.ErrBusy) || !strings.Contains(err.Error(), "lede editions cancel dead0001") {
			t.Errorf("another by hand: %v, want what to do", err)
		}
		d.runFor(30 * time.Minute)
		want := []string{"2026-11-24T06:25Z skipped", "2026-11-24T06:30Z done"}
		if got := slots(d.editions(t)); !slices.Equal(got, want) {
			t.Errorf("editions %q, want %q", got, want)
		}
	})
}

// TestBulletinAtTheSlot: an edition by hand that is still being assembled when
// the slot comes stands for it, too.
func TestBulletinAtTheSlot(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		at(t, "2026-11-24T06:29:30Z")
		d := newDesk(t, filepath.Join(dir, "lede.db"), "30 6 * * *", "Europe/Lisbon")
		d.subscribe(t, 2)
		hand := *d.Room
		hand.Gatherer = slow{d.Gatherer, time.Minute}
		made := make(chan error)
		go func() {
			_, err := hand.Make(t.Context(), d.n, newsroom.Order{Slot: time.Now(), ByHand: true})
			made <- err
		}()
		go func() { d.runFor(time.Hour); close(made) }()
		if err := <-made; err != nil {
			t.Fatal(err)
		}
		<-made
		recs := d.editions(t)
		if want := []string{"2026-11-24T06:29Z done", "2026-11-24T06:30Z skipped"}; !slices.Equal(slots(recs), want) {
			t.Errorf("editions %q, want %q", slots(recs), want)
		}
		if why := recs[len(recs)-1].Why; !strings.Contains(why, "went by hand") {
			t.Errorf("why %q", why)
		}
	})
}

// slow takes a while to gather.
type slow struct {
	newsroom.Gatherer
	takes time.Duration
}

func (s slow) Gather(ctx context.Context, specs []source.Spec, zone *time.Location) []source.Reading {
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
	}
	return s.Gatherer.Gather(ctx, specs, zone)
}

// TestInterrupted: what is stopped by hand while it is assembled never goes on
// by itself; a slot's edition does.
func TestInterrupted(t *testing.T) {
	for _, byHand := range []bool{true, false} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, filepath.Join(dir, "lede.db"), "", "UTC")
			d.subscribe(t, 2)
			quick := d.Gatherer
			d.Gatherer = slow{quick, time.Minute}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			stop, cancelNow := context.WithCancel(ctx)
			go func() { time.Sleep(500 * time.Millisecond); cancelNow() }()
			if _, err := d.Make(stop, d.n, newsroom.Order{Slot: time.Now(), ByHand: byHand}); err == nil {
				t.Error("no error")
			}
			d.Gatherer = quick
			d.runFor(time.Minute)
			want := map[bool]newsroom.State{true: newsroom.Cancelled, false: newsroom.Done}[byHand]
			if got := d.editions(t)[0].State; got != want {
				t.Errorf("by hand %v: %s, want %s", byHand, got, want)
			}
		})
	}
}

// TestPagesAwayForAMoment: at a slot the pages may be coming up just then, as
// after a reboot; they are asked again before the edition has failed.
func TestPagesAwayForAMoment(t *testing.T) {
	for _, c := range []struct {
		away time.Duration
		want newsroom.State
	}{{2 * time.Minute, newsroom.Done}, {time.Hour, newsroom.Failed}} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			at(t, "2026-11-24T06:29:00Z")
			d := newDesk(t, filepath.Join(dir, "lede.db"), "30 6 * * *", "Europe/Lisbon")
			d.subscribe(t, 2)
			d.LocalRelay = nil
			d.n.Recipe.BaseURL = "https://news.example.org"
			back := time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC).Add(c.away)
			d.Reachable = func(context.Context, newsroom.Newsletter) error {
				if time.Now().Before(back) {
					return errors.New("base_url https://news.example.org: connection refused")
				}
				return nil
			}
			d.runFor(30 * time.Minute)
			recs := d.editions(t)
			if len(recs) != 1 || recs[0].State != c.want {
				t.Errorf("away for %s: %q (%s), want %s", c.away, slots(recs), recs[0].Why, c.want)
			}
			if len(d.sink.notices) != 1 {
				t.Errorf("away for %s: the desk heard %q", c.away, d.sink.notices)
			}
		})
	}
}

// TestDeadSourcesAreNamed: a slot that is skipped because its sources failed
// says which, and why.
func TestDeadSourcesAreNamed(t *testing.T) {
	d := newDesk(t, filepath.Join(t.TempDir(), "lede.db"), "", "UTC")
	d.subscribe(t, 2)
	d.Gatherer = dead{}
	rec, err := d.Make(t.Context(), d.n, newsroom.Order{Slot: time.Now(), ByHand: true})
	if err != nil || rec.State != newsroom.Skipped || !strings.Contains(rec.Why, "source desk failed: status 502") {
		t.Errorf("%s (%s), %v; want skipped, and the source named", rec.State, rec.Why, err)
	}
}

// dead is sources that all fail.
type dead struct{ newsroom.Gatherer }

func (dead) Gather(_ context.Context, specs []source.Spec, _ *time.Location) []source.Reading {
	var readings []source.Reading
	for _, s := range specs {
		readings = append(readings, source.Reading{Source: s.ID, Err: errors.New("status 502")})
	}
	return readings
}

// TestRelayDownTillStale: an edition that became old because the relay took
// nothing says so where it says that it is paused.
func TestRelayDownTillStale(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		at(t, "2026-11-24T06:29:00Z")
		d := newDesk(t, filepath.Join(dir, "lede.db"), "30 6 * * *", "Europe/Lisbon")
		d.n.StaleAfter = time.Hour
		d.subscribe(t, 6)
		d.sink.breaks(errors.New("relay main: connection refused"))
		d.runFor(2 * time.Hour)
		rec := d.editions(t)[0]
		if rec.State != newsroom.Paused || !strings.Contains(rec.Why, "connection refused") {
			t.Errorf("%s (%s), want paused, and the relay's fault in it", rec.State, rec.Why)
		}
	})
}

// TestToldOnce: the desk gets one mail for an edition whose put-off mails go on
// with the next daemon.
func TestToldOnce(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		at(t, "2026-11-24T06:29:00Z")
		d := newDesk(t, filepath.Join(dir, "lede.db"), "30 6 * * *", "Europe/Lisbon")
		d.subscribe(t, 10)
		d.sink.limit = 4
		d.runFor(5 * time.Minute)
		d.runFor(time.Hour)
		id := d.editions(t)[0].ID
		if s := sums(t, d, id); s.Sent != 10 {
			t.Fatalf("%+v", s)
		}
		if len(d.sink.notices) != 1 {
			t.Errorf("the desk was told %d times: %q", len(d.sink.notices), d.sink.notices)
		}
	})
}
