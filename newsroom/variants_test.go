package newsroom_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lede/compose"
	"lede/newsroom"
)

// testDesk is a desk with a daily newsletter that tests two subjects with a
// share of 20 of 40 readers, for two hours.
func testDesk(t *testing.T, otherwise string) *desk {
	d := newDesk(t, filepath.Join(t.TempDir(), "lede.db"), "0 7 * * *", "UTC")
	d.subscribe(t, 40)
	d.n.Recipe.SubjectTest = []string{"Another"}
	d.n.SubjectTest = newsroom.Test{Share: 50, Wait: 2 * time.Hour, Otherwise: otherwise}
	d.n.StaleAfter = time.Hour // the wait counts all the same
	render := d.Render
	d.Render = func(n newsroom.Newsletter, e compose.Edition) (compose.Rendered, error) {
		all, err := render(n, e)
		all.Subjects = []string{all.Letter.Subject, "Another"}
		return all, err
	}
	return d
}

// The others get the first subject when the wait is over, at once when somebody
// chose before, and nothing while the newsletter wants a person for it.
func TestSubjectTest(t *testing.T) {
	const hour = time.Hour
	for _, c := range []struct {
		name, otherwise    string
		choose             time.Duration // after the slot; 0: nobody does
		early, late, chose int           // sent half an hour after the choice or the slot, and three hours after the slot; the subject
		state              newsroom.State
	}{
		{"nobody chooses", newsroom.OtherwiseFirst, 0, 20, 40, 1, newsroom.Done},
		{"chosen in time", newsroom.OtherwiseFirst, hour, 40, 40, 2, newsroom.Done},
		{"nobody chooses, and it is held", newsroom.OtherwiseHold, 0, 20, 20, 0, newsroom.Paused},
		{"held, and chosen in time", newsroom.OtherwiseHold, hour, 40, 40, 2, newsroom.Done},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				at(t, "2026-03-02T06:59:00Z")
				d := testDesk(t, c.otherwise)
				d.runFor(31 * time.Minute)
				rec := d.editions(t)[0]
				if c.choose > 0 {
					d.runFor(c.choose - 30*time.Minute)
					if warning, err := d.Choose(t.Context(), d.n, rec.ID, 2); err != nil || warning != "" {
						t.Errorf("choosing: %q, %v", warning, err)
					}
					d.runFor(time.Minute)
				}
				if rep, err := d.Report(t.Context(), rec.ID); err != nil || rep.Sent != c.early || rep.Audience != 40 {
					t.Errorf("early: %+v, %v", rep.Sums, err)
				}
				d.runFor(3 * hour)
				rep, err := d.Report(t.Context(), rec.ID)
				if err != nil || rep.Sent != c.late || rep.State != c.state || rep.Test.Chosen != c.chose {
					t.Fatalf("late: %s (%s), %+v, chosen %d, %v", rep.State, rep.Why, rep.Sums, rep.Test.Chosen, err)
				}
				if rep.Test.Subjects[0].Sent != 10 || rep.Test.Subjects[1].Sent != 10 || rep.Test.Rest.Sent != c.late-20 {
					t.Errorf("%+v", rep.Test)
				}
				if c.state != newsroom.Paused {
					if _, err := d.Choose(t.Context(), d.n, rec.ID, 1); !errors.Is(err, newsroom.ErrChosen) {
						t.Errorf("chosen again: %v", err)
					}
					return
				}
				if err := d.Resume(t.Context(), d.n, rec.ID); err == nil || !strings.Contains(err.Error(), "lede editions choose") {
					t.Errorf("resumed without a choice: %v", err)
				}
				_, text := newsroom.NoticeText(d.n, rep)
				if !strings.Contains(text, "To choose: lede editions choose") {
					t.Errorf("the notice: %s", text)
				}
				if _, err := d.Choose(t.Context(), d.n, rec.ID, 2); err != nil {
					t.Fatal(err)
				}
				d.runFor(hour)
				if rep, err := d.Report(t.Context(), rec.ID); err != nil || rep.Sent != 40 || rep.State != newsroom.Done {
					t.Errorf("after the choice: %s, %+v, %v", rep.State, rep.Sums, err)
				}
			})
		})
	}
}

// A choice before the test's mails are sent is taken, and said to be blind.
func TestChosenBlind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at(t, "2026-03-02T06:59:00Z")
		d := testDesk(t, newsroom.OtherwiseFirst)
		d.n.Approval = "required"
		d.runFor(2 * time.Minute)
		rec := d.editions(t)[0]
		for _, n := range []int{0, 3} {
			if _, err := d.Choose(t.Context(), d.n, rec.ID, n); err == nil || !strings.Contains(err.Error(), "subjects 1 to 2") {
				t.Errorf("subject %d: %v", n, err)
			}
		}
		warning, err := d.Choose(t.Context(), d.n, rec.ID, 2)
		if err != nil || warning != "20 of the 20 mails of the test are not sent yet" {
			t.Errorf("%q, %v", warning, err)
		}
	})
}
