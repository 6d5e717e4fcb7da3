package newsroom_test

import (
	"context"
	"errors"
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

// proofDesk is a desk whose edition of 07:00 is made at 06:30 and proved. Fake
// time begins at midnight.
func proofDesk(t *testing.T) *desk {
	d := newDesk(t, filepath.Join(t.TempDir(), "lede.db"), "0 7 * * *", "UTC")
	d.subscribe(t, 3)
	d.n.Proof = newsroom.Proof{To: []string{"ines@example.org"}, Before: 30 * time.Minute}
	d.n.AtDeadline, d.n.Changed = "remind", "send"
	return d
}

// at runs the daemon until a time of the first day.
func (d *desk) until(hour, minute int) {
	end := time.Date(2000, 1, 1, hour, minute, 0, 0, time.UTC)
	d.runFor(time.Until(end))
}

// edited edits and applies the file of the first slot.
func (d *desk) edited(t *testing.T, replace ...string) error {
	t.Helper()
	return d.editedFor(t, time.Date(2000, 1, 1, 7, 0, 0, 0, time.UTC), replace...)
}

func (d *desk) editedFor(t *testing.T, slot time.Time, replace ...string) error {
	t.Helper()
	file, _, err := d.DraftFile(t.Context(), d.n, slot)
	if err != nil {
		return err
	}
	text := strings.NewReplacer(replace...).Replace(string(file))
	_, err = d.ApplyFile(t.Context(), func(string) (newsroom.Newsletter, error) { return d.n, nil }, "edition.yaml", strings.NewReader(text), false)
	return err
}

// last is the newest edition, whole.
func (d *desk) last(t *testing.T) newsroom.Record {
	t.Helper()
	recs := d.editions(t)
	if len(recs) == 0 {
		t.Fatal("no edition")
	}
	rec, err := d.store.Edition(context.Background(), recs[len(recs)-1].ID)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func (d *desk) mailed(id string) int {
	d.sink.mu.Lock()
	defer d.sink.mu.Unlock()
	return d.sink.mails[id]
}

func (d *desk) noticed(subject string) int {
	d.sink.mu.Lock()
	defer d.sink.mu.Unlock()
	n := 0
	for _, s := range d.sink.notices {
		if strings.Contains(s, subject) {
			n++
		}
	}
	return n
}

func TestProofAheadOfSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := proofDesk(t)
		d.until(6, 45)
		rec := d.last(t)
		if rec.State != newsroom.Waiting || rec.Stored.After(time.Date(2000, 1, 1, 6, 31, 0, 0, time.UTC)) {
			t.Fatalf("at 6:45 it is %s, made at %s", rec.State, rec.Stored)
		}
		if n := d.noticed("proof for 07:00"); n != 1 {
			t.Errorf("%d proofs", n)
		}
		if err := d.edited(t, "subject: ", "subject: The editor's "); err != nil {
			t.Fatal(err)
		}
		d.until(6, 59)
		if n := d.noticed("proof for 07:00"); n != 2 {
			t.Errorf("%d proofs after a change", n)
		}
		if n := d.mailed(rec.ID); n != 0 {
			t.Errorf("%d mails before the slot", n)
		}
		d.until(7, 10)
		rec = d.last(t)
		if rec.State != newsroom.Done || d.mailed(rec.ID) != 3 || !strings.HasPrefix(rec.Content.Subject, "The editor's") {
			t.Errorf("%s, %d mails, %q", rec.State, d.mailed(rec.ID), rec.Content.Subject)
		}
		history, err := d.store.History(t.Context(), rec.ID)
		if err != nil || !slices.ContainsFunc(history, func(c newsroom.Change) bool { return c.To == newsroom.Sending && c.Why == "its slot came" }) {
			t.Errorf("%+v, %v", history, err)
		}
		d.runFor(24 * time.Hour)
		if recs := d.editions(t); len(recs) != 2 {
			t.Errorf("%d editions on two days", len(recs))
		}
	})
}

func TestProofCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := proofDesk(t)
		d.until(6, 45)
		if err := d.Cancel(t.Context(), d.last(t).ID, "not today"); err != nil {
			t.Fatal(err)
		}
		d.until(9, 0)
		if recs := d.editions(t); len(recs) != 1 || recs[0].State != newsroom.Cancelled || d.mailed(recs[0].ID) != 0 {
			t.Errorf("%+v", recs)
		}
	})
}

func TestApprovalDeadline(t *testing.T) {
	tests := []struct {
		name, at string
		approve  bool // at 6:50
		want     newsroom.State
		mails    int
		reminded int // mails "waits for approval" with the proof
	}{
		{"approved ahead leaves at its slot", "skip", true, newsroom.Done, 3, 0},
		{"send", "send", false, newsroom.Done, 3, 1},
		{"skip", "skip", false, newsroom.Skipped, 0, 1},
		{"remind", "remind", false, newsroom.Waiting, 0, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := proofDesk(t)
				d.n.Notify = nil
				d.n.Approval, d.n.Deadline, d.n.AtDeadline = "required", time.Hour, tt.at
				d.until(6, 50)
				if tt.approve {
					if _, err := d.Approve(t.Context(), d.n, d.last(t).ID, false); err != nil {
						t.Fatal(err)
					}
					if err := d.edited(t); !errors.Is(err, newsroom.ErrState) || !strings.Contains(err.Error(), "was approved by test") {
						t.Errorf("an approved edition is edited: %v", err)
					}
				}
				d.until(6, 59)
				if n := d.mailed(d.last(t).ID); n != 0 {
					t.Errorf("%d mails before the slot", n)
				}
				d.until(8, 30)
				rec := d.last(t)
				if rec.State != tt.want || d.mailed(rec.ID) != tt.mails || d.noticed("waits for approval") != tt.reminded {
					t.Errorf("%s, %d mails, reminded %d times", rec.State, d.mailed(rec.ID), d.noticed("waits for approval"))
				}
			})
		})
	}
}

// A daemon that dies between draft, apply and slot changes nothing: the next one
// makes the edited edition, once.
func TestKilledBetweenDraftApplyAndSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := proofDesk(t)
		d.n.Proof = newsroom.Proof{}
		d.until(5, 0)
		if err := d.edited(t, "subject: ", "subject: The editor's ", "new_stories: add", "new_stories: leave"); err != nil {
			t.Fatal(err)
		}
		d.until(6, 0) // and dies
		time.Sleep(70 * time.Minute)
		next := newDesk(t, d.store.Name(), "0 7 * * *", "UTC")
		next.Gatherer = d.Gatherer
		next.until(8, 0)
		recs := next.editions(t)
		if len(recs) != 1 || recs[0].State != newsroom.Done || next.mailed(recs[0].ID) != 3 {
			t.Fatalf("%+v", recs)
		}
		if rec := next.last(t); !strings.HasPrefix(rec.Content.Subject, "The editor's") || len(rec.Content.Remarks) == 0 {
			t.Errorf("%q, said %q", rec.Content.Subject, rec.Content.Remarks)
		}
	})
}

// An edition file that is applied while the daemon makes the edition is in it.
func TestAppliedWhileAssembling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := proofDesk(t)
		d.n.Proof = newsroom.Proof{}
		d.until(6, 0)
		render, applied := d.Render, false
		time.Sleep(time.Hour)
		d.Render = func(n newsroom.Newsletter, e compose.Edition) (compose.Rendered, error) {
			if !applied {
				applied = true
				if err := d.edited(t, "subject: ", "subject: The editor's "); err != nil {
					t.Error(err)
				}
			}
			return render(n, e)
		}
		rec, err := d.Make(t.Context(), d.n, newsroom.Order{Slot: time.Date(2000, 1, 1, 7, 0, 0, 0, time.UTC)})
		if err != nil || rec.State != newsroom.Sending || !strings.HasPrefix(rec.Content.Subject, "The editor's") {
			t.Errorf("%s, %v", rec.State, err)
		}
	})
}

// Approved by hand after its slot, an edition's sources are looked at too.
func TestStoryChangedBeforeApproval(t *testing.T) {
	tests := []struct {
		name, changed string
		asIs          bool
		held          bool
	}{{"said", "send", false, false}, {"held", "hold", false, true}, {"held, sent as it is", "hold", true, false}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := proofDesk(t)
				d.n.Approval, d.n.Changed = "required", tt.changed
				d.until(7, 30)
				rec := d.last(t)
				if said, err := d.Approve(t.Context(), d.n, rec.ID[:6], true); rec.State != newsroom.Waiting || err != nil || said != "" {
					t.Errorf("nothing changed: %s, %q, %v", rec.State, said, err)
				}
				d.until(7, 40)
				if rec = d.last(t); rec.State != newsroom.Done {
					t.Fatalf("approved, and %s", rec.State)
				}

				d.runFor(24 * time.Hour) // the next day's waits
				before := d.Gatherer.(wire)
				d.Gatherer = wire(func(now time.Time) []source.Story {
					stories := before(now)
					for i := range stories {
						stories[i].Body = "<p>" + strings.Repeat("It never came in. ", 20) + "</p>"
					}
					return stories
				})
				rec = d.last(t)
				said, err := d.Approve(t.Context(), d.n, rec.ID, tt.asIs)
				held, isHeld := errors.AsType[*newsroom.ChangedError](err)
				if !strings.Contains(said, "changed at its source") || isHeld != tt.held || isHeld && held.Edition != rec.ID || !isHeld && err != nil {
					t.Errorf("said %q, %v", said, err)
				}
				d.runFor(10 * time.Minute)
				want := newsroom.Done
				if tt.held {
					want = newsroom.Waiting
				}
				if now, err := d.store.Edition(t.Context(), rec.ID); err != nil || now.State != want {
					t.Errorf("it is %s, want %s: %v", now.State, want, err)
				}
				if !tt.held {
					return
				}
				// Drawn and handed back as it is, it has the new text, and goes.
				if err := d.editedFor(t, rec.Slot); err != nil {
					t.Fatal(err)
				}
				if said, err := d.Approve(t.Context(), d.n, rec.ID, false); err != nil || said != "" {
					t.Errorf("made anew: %q, %v", said, err)
				}
			})
		})
	}
}

// The audience of an edition is taken when it is made. Who leaves until its slot
// gets no mail; who subscribes until then gets the next one.
func TestAudienceBetweenProofAndSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := proofDesk(t)
		d.until(6, 45)
		rec := d.last(t)
		leaving, err := d.store.Person(t.Context(), "reader1@northpost.example")
		if err != nil {
			t.Fatal(err)
		}
		if err := d.store.Leave(t.Context(), leaving.ID, d.n.ID, nil, "button", time.Now()); err != nil {
			t.Fatal(err)
		}
		d.subscribe(t, 5)
		d.until(7, 10)
		sums, err := d.store.Sums(t.Context(), rec.ID)
		if want := (newsroom.Sums{Audience: 3, Sent: 2, Skipped: 1}); err != nil || sums != want {
			t.Errorf("%+v, %v; want %+v", sums, err, want)
		}
		d.runFor(24 * time.Hour)
		if n := d.mailed(d.last(t).ID); n != 4 {
			t.Errorf("the next edition went to %d, want 4", n)
		}
	})
}

func TestStoryChangedAfterProof(t *testing.T) {
	tests := []struct {
		changed string
		want    newsroom.State
		mails   int
	}{{"send", newsroom.Done, 3}, {"hold", newsroom.Paused, 0}}
	for _, tt := range tests {
		t.Run(tt.changed, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := proofDesk(t)
				d.n.Changed = tt.changed
				d.until(6, 45)
				before := d.Gatherer.(wire)
				d.Gatherer = wire(func(now time.Time) []source.Story {
					stories := before(now)
					for i := range stories {
						stories[i].Body = "<p>" + strings.Repeat("It never came in. ", 20) + "</p>"
					}
					return stories
				})
				d.until(7, 10)
				rec := d.last(t)
				history, _ := d.store.History(t.Context(), rec.ID)
				said := slices.ContainsFunc(history, func(c newsroom.Change) bool { return strings.Contains(c.Why, "changed at its source") })
				if rec.State != tt.want || d.mailed(rec.ID) != tt.mails || !said {
					t.Errorf("%s, %d mails, %+v", rec.State, d.mailed(rec.ID), history)
				}
			})
		})
	}
}
