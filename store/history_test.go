package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lede/audience"
)

// shorten writes a history in short lines: what held, since when, and whether it
// does still.
func shorten(entries []audience.Entry) []string {
	var lines []string
	for _, e := range entries {
		line := strings.Join(strings.Fields(fmt.Sprint(e.At.Sub(now), " ", e.What, " ", e.About, " ", e.State, " (", e.How, ")")), " ")
		if !e.Ended.IsZero() {
			line += ", over"
		}
		lines = append(lines, line)
	}
	return lines
}

// Each state that a person was in stays known after the next.
func TestPersonHistory(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		at := func(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }
		row := reader(1)
		subscribe(t, s, "harbour", row)
		who := id(t, s, row.Key)
		must(t, s.Leave(ctx(), who, "harbour", []string{"harbour"}, "button", at(1)))
		must(t, s.Return(ctx(), who, "harbour", "button", at(1), at(2)))
		must(t, s.Suppress(ctx(), audience.Suppression{Address: row.Address, Reason: "bounce", Note: "550 5.1.1", At: at(3)}))
		must(t, s.Suppress(ctx(), audience.Suppression{Address: row.Address, Reason: "complaint", Note: "by telephone", At: at(4)}))
		must(t, s.NoteAct(ctx(), who, audience.Act{At: at(5), What: "download", How: "preferences page", IP: "192.0.2.7", Text: "Your data."}))
		got, err := s.PersonHistory(ctx(), row.Key)
		must(t, err)
		want := []string{
			"0s subscription harbour active (import readers.csv, line 3), over",
			"1m0s opt_out harbour opted out (button), over",
			"1m0s subscription harbour unsubscribed (button), over",
			"2m0s return harbour (button)",
			"2m0s subscription harbour active (import readers.csv, line 3)",
			"3m0s suppression bounce (550 5.1.1), over",
			"4m0s suppression complaint (by telephone)",
			"5m0s download (preferences page)",
		}
		if diff := cmp.Diff(want, shorten(got)); diff != "" {
			t.Error(diff)
		}
		if last := got[len(got)-1]; last.IP != "192.0.2.7" || last.Text != "Your data." {
			t.Errorf("%+v", last)
		}
		if _, err := s.PersonHistory(ctx(), "nobody@averne.example"); !errors.Is(err, audience.ErrNobody) {
			t.Error(err)
		}
	})
}

// Who was erased leaves nothing behind that names it, and no import, whoever
// erased it, brings it back; only a person can.
func TestForget(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		gone, stays := reader(1), reader(2)
		subscribe(t, s, "harbour", gone, stays)
		must(t, s.Leave(ctx(), id(t, s, gone.Key), "harbour", nil, "button", now))
		must(t, s.Suppress(ctx(), audience.Suppression{Address: "stranger@averne.example", Reason: "complaint", At: now}))
		must(t, s.Forget(ctx(), gone.Key, now))
		must(t, s.Forget(ctx(), "stranger@averne.example", now))
		elsewhere := reader(3)
		_, err := s.ImportErased(ctx(), audience.Intake{List: "harbour"}, []audience.Erased{{Scheme: audience.SchemeMailtrain, Hash: audience.MailtrainHash(elsewhere.Address)}}, now)
		must(t, err)

		for _, key := range []string{gone.Key, "stranger@averne.example"} {
			p, err := s.Person(ctx(), key)
			if !errors.Is(err, audience.ErrNobody) || p.Address != "" || p.Suppressed != "" {
				t.Errorf("%s: %+v, %v", key, p, err)
			}
			if _, err := s.PersonHistory(ctx(), key); !errors.Is(err, audience.ErrNobody) {
				t.Errorf("%s: %v", key, err)
			}
			if err := s.Forget(ctx(), key, now); !errors.Is(err, audience.ErrNobody) {
				t.Errorf("%s erased twice: %v", key, err)
			}
		}
		stranger := audience.Row{Line: 9, Address: "stranger@averne.example", Key: "stranger@averne.example", Domain: "averne.example"}
		for i, row := range []audience.Row{gone, stranger, elsewhere} {
			subscribe(t, s, "harbour", row)
			if _, err := s.Person(ctx(), row.Key); !errors.Is(err, audience.ErrNobody) {
				t.Errorf("an import brought %d back: %v", i, err)
			}
			if found, err := s.Add(ctx(), "harbour", row, "by hand", false, now); err != nil || found != "erased" {
				t.Errorf("added again without a word: %q, %v", found, err)
			}
		}
		if found, err := s.Add(ctx(), "harbour", gone, "by hand", true, now); err != nil || found != "added" {
			t.Errorf("a person wants one back: %q, %v", found, err)
		}
		subscribe(t, s, "harbour", gone)
		if p, err := s.Person(ctx(), gone.Key); err != nil || len(p.Subscriptions) != 1 || p.Subscriptions[0].State != audience.Active {
			t.Errorf("back again: %+v, %v", p, err)
		}
		if p, err := s.Person(ctx(), stays.Key); err != nil || len(p.Subscriptions) != 1 {
			t.Errorf("somebody else: %+v, %v", p, err)
		}
	})
}

// Not even somebody with the database open changes what was.
func TestHistoryIsKept(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", reader(1))
		must(t, s.Leave(ctx(), id(t, s, reader(1).Key), "harbour", []string{"harbour"}, "button", now))
		driver := "sqlite"
		if strings.HasPrefix(db.dsn, "postgres") {
			driver = "pgx"
		}
		raw, err := sql.Open(driver, db.dsn)
		must(t, err)
		defer raw.Close()
		for _, statement := range []string{
			`UPDATE history SET state = 'active'`, `UPDATE history SET ip = '192.0.2.1'`, `UPDATE history SET ip = '', at = ''`,
			`UPDATE history SET ip = '', ended = NULL`, `DELETE FROM history`,
		} {
			if _, err := raw.ExecContext(ctx(), statement); err == nil || !strings.Contains(err.Error(), "the history of people") {
				t.Errorf("%s: %v", statement, err)
			}
		}
		if got, err := s.PersonHistory(ctx(), reader(1).Key); err != nil || len(got) != 3 {
			t.Errorf("%v, %v", got, err)
		}
	})
}
