package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lede/audience"
	"lede/store"
)

// begin opens an import's entry and returns how to import rows under it.
func begin(t testing.TB, s *store.Store, force string) (int64, func(rows ...audience.Row) audience.Result) {
	t.Helper()
	id, err := s.BeginImport(ctx(), audience.ImportEntry{List: "harbour", File: "readers.csv", By: "ines", Force: force, Started: now})
	must(t, err)
	return id, func(rows ...audience.Row) audience.Result {
		t.Helper()
		res, err := s.ImportChunk(ctx(), audience.Intake{List: "harbour", Consent: "import readers.csv", Entry: id, Force: force}, rows, now)
		must(t, err)
		return res
	}
}

func as(row audience.Row, state audience.SubscriptionState, suppress string) audience.Row {
	row.State, row.Suppress = state, suppress
	return row
}

// standing is what is known of a reader: the state on the list, suppressed or
// not.
func standing(t testing.TB, s *store.Store, i int) string {
	t.Helper()
	p, err := s.Person(ctx(), reader(i).Key)
	if errors.Is(err, audience.ErrNobody) {
		return "nobody " + p.Suppressed
	}
	must(t, err)
	state := "none"
	for _, x := range p.Subscriptions {
		if x.List == "harbour" {
			state = string(x.State)
		}
	}
	return state + " " + p.Suppressed
}

// The stronger state stays, whichever comes first.
func TestImportStrength(t *testing.T) {
	rows := []audience.Row{
		as(reader(1), audience.Pending, ""), as(reader(1), audience.Active, ""), as(reader(1), audience.Unsubscribed, ""),
		as(reader(1), audience.Unsubscribed, audience.ReasonComplaint),
	}
	want := []string{"pending ", "active ", "unsubscribed ", "unsubscribed complaint"}
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		for first := range rows {
			for second := range rows {
				key := fmt.Sprintf("r%d-%d@averne.example", first, second)
				for _, i := range []int{first, second} {
					row := rows[i]
					row.Address, row.Key = key, key
					_, err := s.ImportChunk(ctx(), audience.Intake{List: "harbour"}, []audience.Row{row}, now)
					must(t, err)
				}
				p, err := s.Person(ctx(), key)
				must(t, err)
				if got := string(p.Subscriptions[0].State) + " " + p.Suppressed; got != want[max(first, second)] {
					t.Errorf("%s, then %s: %s", want[first], want[second], got)
				}
			}
		}
	})
}

func TestImportForced(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		_, take := begin(t, s, "")
		take(as(reader(1), audience.Unsubscribed, ""), as(reader(2), audience.Unsubscribed, audience.ReasonBounce), reader(3))
		must(t, s.LeaveAll(ctx(), id(t, s, reader(3).Key), []string{"letter"}, "page", now))
		entry, forced := begin(t, s, "the old list was wrong")
		if res := forced(reader(1), reader(2), reader(3)); res.Updated != 3 {
			t.Errorf("%+v", res)
		}
		for i, want := range map[int]string{1: "active ", 2: "active ", 3: "active "} {
			if got := standing(t, s, i); got != want {
				t.Errorf("reader %d is %s, want %s", i, got, want)
			}
		}
		// Who left everything by a page of ours gets nothing all the same.
		if n, err := s.Audience(ctx(), "letter", []string{"harbour"}); err != nil || n != 2 {
			t.Errorf("audience %d, %v", n, err)
		}
		e, err := s.ImportByID(ctx(), entry)
		must(t, err)
		if e.Force != "the old list was wrong" {
			t.Errorf("the reason is %q", e.Force)
		}
		_, err = s.UndoImport(ctx(), entry, "ines", now)
		must(t, err)
		for i, want := range map[int]string{1: "unsubscribed ", 2: "unsubscribed bounce", 3: "unsubscribed "} {
			if got := standing(t, s, i); got != want {
				t.Errorf("undone: reader %d is %s, want %s", i, got, want)
			}
		}
	})
}

func TestUndoImport(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		was := reader(1)
		was.Attributes = map[string]string{"town": "Averne"}
		was.Tags = []string{"early"}
		subscribe(t, s, "harbour", was, reader(2), reader(3), reader(8))
		subscribe(t, s, "market", reader(5))
		entry, take := begin(t, s, "")
		changed := reader(1)
		changed.Attributes = map[string]string{"town": "Skerrow", "berth": "4"}
		changed.Tags = []string{"late"}
		take(changed, as(reader(2), audience.Unsubscribed, ""), as(reader(3), audience.Unsubscribed, audience.ReasonComplaint), reader(4), reader(5),
			as(reader(6), audience.Unsubscribed, audience.ReasonBounce), reader(7), as(reader(8), audience.Unsubscribed, ""), reader(9))
		later := now.Add(time.Hour)
		// Since then: 7 left, 8 left again of its own, 9 left everything.
		must(t, s.LeaveList(ctx(), id(t, s, reader(7).Key), "harbour", "page", later))
		must(t, s.LeaveList(ctx(), id(t, s, reader(8).Key), "harbour", "page", later))
		must(t, s.LeaveAll(ctx(), id(t, s, reader(9).Key), []string{"letter"}, "page", later))
		done, err := s.UndoImport(ctx(), entry, "ines", later)
		must(t, err)
		for i, want := range map[int]string{
			1: "active ", 2: "active ", 3: "active ", 4: "nobody ", 5: "none ", 6: "nobody ",
			7: "unsubscribed ", 8: "unsubscribed ", 9: "unsubscribed ",
		} {
			if got := standing(t, s, i); got != want {
				t.Errorf("reader %d is %q, want %q", i, got, want)
			}
		}
		p, err := s.Person(ctx(), reader(1).Key)
		must(t, err)
		if fmt.Sprint(p.Attributes, p.Tags) != "map[town:Averne] [early]" {
			t.Errorf("%v %v", p.Attributes, p.Tags)
		}
		if done.People != 2 || done.Removed != 2 || done.Restored != 4 {
			t.Errorf("%+v", done)
		}
		if _, err := s.UndoImport(ctx(), entry, "ines", later); err == nil {
			t.Error("it was undone twice")
		}
		if _, err := s.UndoImport(ctx(), entry+100, "ines", later); !errors.Is(err, audience.ErrNoImport) {
			t.Error(err)
		}
	})
}

// Whatever imports, leavings and undos follow each other: nobody who left by
// hand is ever active again.
func TestUndoRevivesNobody(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		s, err := store.Open(ctx(), filepath.Join(dir, fmt.Sprintf("%d.db", n)))
		if err != nil {
			rt.Fatal(err)
		}
		defer s.Close()
		left := map[int]bool{}
		var entries []int64
		at := now
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			at = at.Add(time.Minute)
			switch rapid.SampledFrom([]string{"import", "import", "leave", "undo"}).Draw(rt, "step") {
			case "import":
				id, err := s.BeginImport(ctx(), audience.ImportEntry{List: "harbour", Started: at})
				if err != nil {
					rt.Fatal(err)
				}
				entries = append(entries, id)
				for range rapid.IntRange(1, 4).Draw(rt, "rows") {
					row := reader(rapid.IntRange(0, 3).Draw(rt, "who"))
					row.State = rapid.SampledFrom([]audience.SubscriptionState{audience.Active, audience.Pending, audience.Unsubscribed}).Draw(rt, "state")
					if row.State == audience.Unsubscribed {
						row.Suppress = rapid.SampledFrom([]string{"", audience.ReasonBounce}).Draw(rt, "suppress")
					}
					row.Name = rapid.SampledFrom([]string{"", "A", "B"}).Draw(rt, "name")
					if _, err := s.ImportChunk(ctx(), audience.Intake{List: "harbour", Entry: id}, []audience.Row{row}, at); err != nil {
						rt.Fatal(err)
					}
				}
			case "leave":
				i := rapid.IntRange(0, 3).Draw(rt, "who")
				p, err := s.Person(ctx(), reader(i).Key)
				if err != nil || len(p.Subscriptions) == 0 {
					continue
				}
				if err := s.LeaveList(ctx(), p.ID, "harbour", "page", at); err != nil {
					rt.Fatal(err)
				}
				left[i] = true
			case "undo":
				if len(entries) == 0 {
					continue
				}
				i := rapid.IntRange(0, len(entries)-1).Draw(rt, "entry")
				if _, err := s.UndoImport(ctx(), entries[i], "ines", at); err != nil {
					rt.Fatal(err)
				}
				entries = append(entries[:i], entries[i+1:]...)
			}
			for i := range left {
				p, err := s.Person(ctx(), reader(i).Key)
				if err != nil {
					rt.Fatalf("reader %d, who left, is forgotten: %v", i, err)
				}
				for _, x := range p.Subscriptions {
					if x.State != audience.Unsubscribed {
						rt.Fatalf("reader %d, who left, is %s", i, x.State)
					}
				}
			}
		}
	})
}

// An import that was killed has an entry that says what it did, and can be
// undone.
func TestEntryOfKilledImport(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		_, err := s.ImportRows(ctx(), "harbour", "", []audience.Row{reader(1)}, false, now)
		must(t, err)
		id, take := begin(t, s, "")
		take(reader(1), reader(2), reader(3))
		take(reader(4), as(reader(5), audience.Unsubscribed, ""))
		e, err := s.ImportByID(ctx(), id)
		must(t, err)
		if want := (audience.Result{Rows: 5, New: 3, Unchanged: 1, KeptOut: 1}); e.Result != want || e.State != audience.ImportRunning {
			t.Errorf("got %+v, %s", e.Result, e.State)
		}
		_, err = s.UndoImport(ctx(), id, "ines", now)
		must(t, err)
		for i, want := range []string{1: "active ", 2: "nobody ", 3: "nobody ", 4: "nobody "} {
			if got := standing(t, s, i); i > 0 && got != want {
				t.Errorf("reader %d: %s", i, got)
			}
		}
	})
}
