package store_test

import (
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lede/audience"
	"lede/newsroom"
	"lede/send"
)

const year = 365 * 24 * time.Hour

// Who left everything long ago goes, and nobody else; and does not come back.
func TestForgetUnsubscribed(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		long, short := now.Add(-4*year), now.Add(-2*year)
		left := func(row audience.Row, list string, at time.Time) {
			t.Helper()
			must(t, s.Leave(ctx(), id(t, s, row.Key), list, []string{list}, "button", at))
		}
		people := map[string]audience.Row{}
		for i, name := range []string{"gone", "lately", "elsewhere", "pending", "suppressed", "outside"} {
			people[name] = reader(i)
			subscribe(t, s, "harbour", people[name])
		}
		for name, row := range people {
			switch name {
			case "lately":
				left(row, "harbour", short)
			case "outside": // is active, and was suppressed by nobody
			default:
				left(row, "harbour", long)
			}
		}
		subscribe(t, s, "tides", people["elsewhere"])
		pending := people["pending"]
		pending.State = audience.Pending
		_, err := s.ImportChunk(ctx(), audience.Intake{List: "tides", Consent: "import"}, []audience.Row{pending}, now)
		must(t, err)
		must(t, s.Suppress(ctx(), audience.Suppression{Address: people["suppressed"].Address, Reason: "complaint", At: long}))

		rules := audience.Retention{Unsubscribed: 3 * year}
		for range 2 {
			count, err := rules.Count(ctx(), s, now)
			must(t, err)
			if diff := cmp.Diff(audience.Expired{Unsubscribed: 1}, count); diff != "" {
				t.Error(diff)
			}
		}
		done, err := rules.Remove(ctx(), s, now)
		must(t, err)
		if diff := cmp.Diff(audience.Expired{Unsubscribed: 1}, done); diff != "" {
			t.Error(diff)
		}
		for name, row := range people {
			_, err := s.Person(ctx(), row.Key)
			if gone := errors.Is(err, audience.ErrNobody); gone != (name == "gone") {
				t.Errorf("%s: gone %t, %v", name, gone, err)
			}
		}
		if done, err := rules.Remove(ctx(), s, now); err != nil || done != (audience.Expired{}) {
			t.Errorf("again: %+v, %v", done, err)
		}
		subscribe(t, s, "harbour", people["gone"])
		if _, err := s.Person(ctx(), people["gone"].Key); !errors.Is(err, audience.ErrNobody) {
			t.Errorf("an import brought them back: %v", err)
		}
	})
}

// Many at once go in several transactions, all of them.
func TestForgetMany(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		const many = 120
		subscribe(t, s, "harbour", readers(0, many+1)...)
		for i := range many {
			must(t, s.Leave(ctx(), id(t, s, reader(i).Key), "harbour", []string{"harbour"}, "button", now.Add(-2*year)))
		}
		n, err := s.ForgetUnsubscribed(ctx(), now.Add(-year), now)
		if err != nil || n != many {
			t.Errorf("%d, %v", n, err)
		}
		if _, err := s.Person(ctx(), reader(many).Key); err != nil {
			t.Error(err)
		}
	})
}

// What each got of an old edition goes; its sums stay.
func TestDropDeliveries(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 3)...)
		who := id(t, s, reader(0).Key)
		for _, e := range []struct {
			id   string
			slot time.Time
			done bool
		}{{"old", now.Add(-3 * year), true}, {"open", now.Add(-3*year + time.Hour), false}, {"new", now.Add(-year), true}} {
			commit(t, s, e.id, e.slot, newsroom.Content{Lists: []string{"harbour"}})
			if !e.done {
				continue
			}
			var sent []send.Outcome
			for _, d := range claim(t, s, e.id, 10, e.slot).Deliveries {
				sent = append(sent, send.Outcome{Edition: e.id, Pos: d.Pos, State: send.Sent, Code: 250, Reply: "2.0.0 ok", At: e.slot, Relay: "main"})
			}
			report(t, s, e.id, sent...)
			if ended, err := s.Finish(ctx(), e.id, e.slot); err != nil || !ended {
				t.Fatal(ended, err)
			}
		}
		rules := audience.Retention{Deliveries: 2 * year}
		count, err := rules.Count(ctx(), s, now)
		must(t, err)
		done, err := rules.Remove(ctx(), s, now)
		must(t, err)
		if want := (audience.Expired{Deliveries: 3}); count != want || done != want {
			t.Errorf("counted %+v, removed %+v, want %+v", count, done, want)
		}
		sums, err := s.Sums(ctx(), "old")
		if err != nil || sums.Sent != 3 {
			t.Errorf("%+v, %v", sums, err)
		}
		traces, err := s.Deliveries(ctx(), who, 0)
		must(t, err)
		var editions []string
		for _, trace := range traces {
			editions = append(editions, trace.Edition)
		}
		if diff := cmp.Diff([]string{"new", "open"}, editions); diff != "" {
			t.Error(diff)
		}
		if n, err := s.CountDeliveries(ctx(), now.Add(-2*year)); err != nil || n != 0 {
			t.Errorf("%d are left, %v", n, err)
		}
	})
}

// A network address goes after its time, from what is and from what was, and
// nothing else of the history does.
func TestDropIPs(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		old, fresh := reader(1), reader(2)
		old.IP, fresh.IP = "192.0.2.7", "192.0.2.8"
		_, err := s.ImportChunk(ctx(), audience.Intake{List: "harbour", Consent: "form"}, []audience.Row{old}, now.Add(-year))
		must(t, err)
		_, err = s.ImportChunk(ctx(), audience.Intake{List: "harbour", Consent: "form"}, []audience.Row{fresh}, now)
		must(t, err)
		for _, row := range []audience.Row{old, fresh} {
			must(t, s.NoteAct(ctx(), id(t, s, row.Key), audience.Act{At: now.Add(-year), What: "download", How: "page", IP: "192.0.2.9"}))
		}
		was, err := s.PersonHistory(ctx(), old.Key)
		must(t, err)
		rules := audience.Retention{IP: 90 * 24 * time.Hour}
		count, err := rules.Count(ctx(), s, now)
		must(t, err)
		done, err := rules.Remove(ctx(), s, now)
		must(t, err)
		if want := (audience.Expired{IP: 3}); count != want || done != want {
			t.Errorf("counted %+v, removed %+v, want %+v", count, done, want)
		}
		for i := range was {
			was[i].IP = ""
		}
		is, err := s.PersonHistory(ctx(), old.Key)
		must(t, err)
		if diff := cmp.Diff(was, is); diff != "" {
			t.Errorf("more than the address went: %s", diff)
		}
		is, err = s.PersonHistory(ctx(), fresh.Key)
		must(t, err)
		var ips []string
		for _, e := range is {
			ips = append(ips, e.IP)
		}
		if diff := cmp.Diff([]string{"", "192.0.2.8"}, ips); diff != "" {
			t.Error(diff)
		}
	})
}

// Of who is erased nothing stays for an import's undo either.
func TestForgetImported(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		row := reader(1)
		subscribe(t, s, "harbour", row)
		row.Attributes = map[string]string{"town": "Skerrow"}
		_, run := begin(t, s, "")
		run(row, reader(2))
		driver := "sqlite"
		if strings.HasPrefix(db.dsn, "postgres") {
			driver = "pgx"
		}
		raw, err := sql.Open(driver, db.dsn)
		must(t, err)
		defer raw.Close()
		kept := func() (n int) {
			t.Helper()
			must(t, raw.QueryRowContext(ctx(), `SELECT count(*) FROM import_change WHERE name = 'Reader 1'`).Scan(&n))
			return n
		}
		if n := kept(); n != 1 {
			t.Fatalf("an undo knows of %d", n)
		}
		must(t, s.Forget(ctx(), row.Key, now))
		if n := kept(); n != 0 {
			t.Errorf("%d stay", n)
		}
	})
}
