package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"lede/audience"
	"lede/store"
)

// syncText syncs list harbour with a CSV file of these lines.
func syncText(t testing.TB, s *store.Store, at time.Time, o audience.SyncOptions, dry bool, lines ...string) (audience.Result, audience.SyncSurvey, int64, error) {
	t.Helper()
	var entry int64
	if !dry {
		var err error
		entry, err = s.BeginImport(ctx(), audience.ImportEntry{List: "harbour", File: "readers.csv", By: "ines", Started: at})
		must(t, err)
	}
	text := strings.Join(lines, "\n") + "\n"
	part := audience.Part{Name: "readers.csv", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
	survey := new(audience.Survey)
	io := audience.ImportOptions{
		List: "harbour", Store: s, Name: "readers.csv", Entry: entry, DryRun: dry, Survey: survey, ChunkRows: 3,
		Now: func() time.Time { return at },
	}
	res, err := audience.Sync(ctx(), []audience.Part{part}, s, io, o)
	if survey.Sync == nil {
		survey.Sync = &audience.SyncSurvey{}
	}
	return res, *survey.Sync, entry, err
}

func fileOf(readers ...int) []string {
	lines := []string{"email,name"}
	for _, i := range readers {
		lines = append(lines, reader(i).Address+","+reader(i).Name)
	}
	return lines
}

func until(n int) (all []int) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

func importActive(t testing.TB, s *store.Store, readers ...int) {
	t.Helper()
	_, add := begin(t, s, "")
	for _, i := range readers {
		add(reader(i))
	}
}

var fifth = audience.SyncOptions{MaxGone: 0.2}

func TestSync(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		importActive(t, s, until(10)...)
		_, add := begin(t, s, "")
		add(as(reader(20), audience.Pending, ""))
		later := now.Add(time.Hour)

		_, found, _, err := syncText(t, s, later, fifth, true, fileOf(0, 1, 2, 3, 4, 5, 6, 7, 8, 30)...)
		must(t, err)
		if found.Gone != 1 || found.Active != 10 || !slices.Equal(found.Who, []string{reader(9).Address}) || standing(t, s, 9) != "active " {
			t.Errorf("dry run: %+v, %s", found, standing(t, s, 9))
		}

		res, found, entry, err := syncText(t, s, later, fifth, false, fileOf(0, 1, 2, 3, 4, 5, 6, 7, 8, 30)...)
		must(t, err)
		if res.New != 1 || res.Unchanged != 9 || found.Gone != 1 {
			t.Errorf("%+v %+v", res, found)
		}
		for i, want := range map[int]string{8: "active ", 9: "unsubscribed ", 20: "pending ", 30: "active "} {
			if got := standing(t, s, i); got != want {
				t.Errorf("reader %d: %s, want %s", i, got, want)
			}
		}
		past, err := s.PersonHistory(ctx(), reader(9).Key)
		must(t, err)
		if !slices.ContainsFunc(past, func(e audience.Entry) bool { return e.How == "by sync, readers.csv: not in it" && e.At.Equal(later) }) {
			t.Errorf("the history does not say it: %+v", past)
		}

		_, err = s.UndoImport(ctx(), entry, "ines", later)
		must(t, err)
		if got := standing(t, s, 9) + standing(t, s, 30); got != "active nobody " {
			t.Errorf("after the undo: %s", got)
		}
	})
}

// Whom only a sync took off comes back with the file, with the consent of
// before; who left by itself, before or after, does not.
func TestSyncBack(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		importActive(t, s, until(10)...)
		id := func(i int) int64 {
			p, err := s.Person(ctx(), reader(i).Key)
			must(t, err)
			return p.ID
		}
		all := audience.SyncOptions{MaxGone: 1}
		must(t, s.LeaveList(ctx(), id(1), "harbour", "link in a mail", now))
		_, found, _, err := syncText(t, s, now, all, false, fileOf(0, 1)...)
		must(t, err)
		if found.Gone != 8 {
			t.Fatalf("%d gone", found.Gone)
		}
		must(t, s.LeaveList(ctx(), id(2), "harbour", "link in a mail", now))
		must(t, s.LeaveAll(ctx(), id(3), []string{"letter"}, "link in a mail", now))
		must(t, s.Leave(ctx(), id(4), "letter", []string{"harbour"}, "link in a mail", now))
		must(t, s.Suppress(ctx(), audience.Suppression{Address: reader(5).Address, Reason: "complaint", At: now}))
		_, add := begin(t, s, "")
		add(as(reader(6), audience.Unsubscribed, ""))

		dry, dryFound, _, err := syncText(t, s, now, all, true, fileOf(until(10)...)...)
		must(t, err)
		res, found, back, err := syncText(t, s, now, all, false, fileOf(until(10)...)...)
		must(t, err)
		if res != dry || found.Back != 3 || dryFound.Back != 3 || res.Updated != 3 || res.KeptOut != 6 || res.Unchanged != 1 {
			t.Errorf("%+v, dry %+v, back %d and %d", res, dry, found.Back, dryFound.Back)
		}
		for i := range 10 {
			want := "active "
			switch i {
			case 1, 2, 3, 4, 6:
				want = "unsubscribed "
			case 5:
				want = "unsubscribed complaint"
			}
			if got := standing(t, s, i); got != want {
				t.Errorf("reader %d: %s, want %s", i, got, want)
			}
		}
		p, err := s.Person(ctx(), reader(7).Key)
		must(t, err)
		if got := p.Subscriptions[0].Consent; got != "import readers.csv, line 9" {
			t.Errorf("consent: %q", got)
		}
		_, err = s.UndoImport(ctx(), back, "ines", now)
		must(t, err)
		if got := standing(t, s, 7); got != "unsubscribed " {
			t.Errorf("after the undo: %s", got)
		}
		_, found, _, err = syncText(t, s, now, all, false, fileOf(until(10)...)...)
		must(t, err)
		if found.Back != 3 {
			t.Errorf("%d back after the undo", found.Back)
		}
	})
}

func TestSyncGuard(t *testing.T) {
	broken := "\"never closed," + strings.Repeat("x", 2000)
	tests := []struct {
		name    string
		lines   []string
		options audience.SyncOptions
		says    string // empty: it goes through
		gone    int
	}{
		{"emptied", fileOf(), fifth, "10 of 10 active", 0},
		{"no bytes", nil, fifth, "the file is empty", 0},
		{"another file", fileOf(40, 41, 42, 43, 44, 45, 46, 47, 48, 49), fifth, "10 of 10 active", 0},
		{"cut", fileOf(0, 1, 2, 3, 4, 5, 6), fifth, "3 of 10 active people are not in the file and would be unsubscribed, more than 20%", 0},
		{"at the share", fileOf(until(8)...), fifth, "", 2},
		{"none may go", fileOf(until(9)...), audience.SyncOptions{}, "1 of 10", 0},
		{"forced", fileOf(0, 1), audience.SyncOptions{MaxGone: 0.2, Force: "new season"}, "", 8},
		{"damaged", append(fileOf(until(10)...), broken), fifth, "1 row is damaged", 0},
		{"damaged, forced", append(fileOf(until(9)...), broken), audience.SyncOptions{MaxGone: 0.2, Force: "old line"}, "", 1},
		{"rejected but readable", append(fileOf(until(9)...), reader(9).Address+",Ann,too,many,fields"), audience.SyncOptions{}, "", 0},
		{"no such address", append(fileOf(until(9)...), "nobody@@averne.example,Ann"), fifth, "", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			each(t, func(t *testing.T, db database) {
				s := db.open(t)
				importActive(t, s, until(10)...)
				_, found, _, err := syncText(t, s, now, test.options, false, test.lines...)
				if test.says == "" {
					must(t, err)
					if found.Gone != test.gone || found.Forced != test.options.Force {
						t.Errorf("%+v", found)
					}
					return
				}
				if !errors.Is(err, audience.ErrGuard) || !strings.Contains(err.Error(), test.says) {
					t.Fatalf("error %v, want %s", err, test.says)
				}
				for i := range 50 {
					want := "nobody "
					if i < 10 {
						want = "active "
					}
					if got := standing(t, s, i); got != want {
						t.Errorf("reader %d: %s, want %s", i, got, want)
					}
				}
			})
		})
	}
}

// dying is a store that stops at its n-th call.
type dying struct {
	*store.Store
	calls int
}

var errDied = errors.New("killed")

func (d *dying) ImportChunk(c context.Context, in audience.Intake, rows []audience.Row, at time.Time) (audience.Result, error) {
	if d.calls--; d.calls < 0 {
		return audience.Result{}, errDied
	}
	return d.Store.ImportChunk(c, in, rows, at)
}

func (d *dying) MarkPresent(c context.Context, run int64, keys []string) error {
	if d.calls--; d.calls < 0 {
		return errDied
	}
	return d.Store.MarkPresent(c, run, keys)
}

func (d *dying) LeaveAbsent(c context.Context, run int64, in audience.Intake, at time.Time) (int, error) {
	if d.calls--; d.calls < 0 {
		return 0, errDied
	}
	return d.Store.LeaveAbsent(c, run, in, at)
}

func (d *dying) EndSync(c context.Context, run int64) error {
	if d.calls < 0 {
		return nil // a process that was killed cleans nothing up
	}
	return d.Store.EndSync(c, run)
}

// A sync that is killed at any call and run again ends as one that was not.
func TestSyncKilled(t *testing.T) {
	for calls := range 12 {
		each(t, func(t *testing.T, db database) {
			s := db.open(t)
			importActive(t, s, until(10)...)
			lines := fileOf(0, 1, 2, 3, 4, 5, 6, 7, 8, 30, 31, 32, 33)
			entry, err := s.BeginImport(ctx(), audience.ImportEntry{List: "harbour", File: "readers.csv", By: "ines", Started: now})
			must(t, err)
			text := strings.Join(lines, "\n") + "\n"
			part := audience.Part{Name: "readers.csv", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
			d := &dying{s, calls}
			_, err = audience.Sync(ctx(), []audience.Part{part}, d, audience.ImportOptions{
				List: "harbour", Store: d, Name: "readers.csv", Entry: entry, ChunkRows: 3, Now: func() time.Time { return now },
			}, fifth)
			died := err != nil
			if died && !errors.Is(err, errDied) {
				t.Fatal(err)
			}
			_, found, _, err := syncText(t, s, now, fifth, false, lines...)
			must(t, err)
			if gone := 1; died && found.Gone != gone {
				t.Errorf("killed at call %d: %d gone", calls, found.Gone)
			}
			for _, i := range []int{0, 8, 30, 33} {
				if got := standing(t, s, i); got != "active " {
					t.Errorf("killed at call %d: reader %d is %s", calls, i, got)
				}
			}
			if got := standing(t, s, 9); got != "unsubscribed " {
				t.Errorf("killed at call %d: reader 9 is %s", calls, got)
			}
			if !died && calls < 6 || died && calls == 11 {
				t.Errorf("call %d of the sync: stopped %v", calls, died)
			}
		})
	}
}

// A later sync of a list ends the one before it, which takes nobody off.
func TestSyncOvertaken(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		importActive(t, s, 1, 2)
		first, err := s.BeginSync(ctx(), "harbour", false, now)
		must(t, err)
		must(t, s.MarkPresent(ctx(), first, []string{reader(1).Key}))
		dry, err := s.BeginSync(ctx(), "harbour", true, now)
		must(t, err)
		must(t, s.EndSync(ctx(), dry))
		if _, err := s.Absent(ctx(), first, 1); err != nil {
			t.Fatalf("a dry run ended it: %v", err)
		}
		second, err := s.BeginSync(ctx(), "harbour", false, now)
		must(t, err)
		if _, err := s.LeaveAbsent(ctx(), first, audience.Intake{List: "harbour", Entry: 1}, now); err == nil || !strings.Contains(err.Error(), "another sync") {
			t.Errorf("the first goes on: %v", err)
		}
		found, err := s.Absent(ctx(), second, 5)
		must(t, err)
		if fmt.Sprint(found.Gone, found.Active) != "2 2" {
			t.Errorf("marks of another run count: %+v", found)
		}
	})
}
