package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lede/audience"
	"lede/compose"
	"lede/newsroom"
	"lede/send"
)

// A disk without room, at every step of an edition: one clear line, nothing
// half done, and it goes on where it was when there is room again.
func TestDiskFull(t *testing.T) {
	ctx := context.Background()
	now := time.Date(2027, 3, 1, 6, 30, 0, 0, time.UTC)
	s, err := Open(ctx, filepath.Join(t.TempDir(), "lede.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	fill := func() { // room for nothing but what is there
		var pages int
		if err := s.writer.QueryRow(`PRAGMA page_count`).Scan(&pages); err != nil {
			t.Fatal(err)
		}
		if _, err := s.writer.Exec(fmt.Sprintf(`PRAGMA max_page_count = %d`, pages)); err != nil {
			t.Fatal(err)
		}
	}
	room := func() {
		if _, err := s.writer.Exec(`PRAGMA max_page_count = 1000000`); err != nil {
			t.Fatal(err)
		}
	}
	count := func(query string) (n int) {
		if err := s.reader.QueryRow(query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	var rows []audience.Row
	for i := range 2000 {
		address := fmt.Sprintf("reader%d@averne.example", i)
		rows = append(rows, audience.Row{Address: address, Key: address, Domain: "averne.example"})
	}
	content := newsroom.Content{
		Edition: compose.Edition{Subject: "Boats", Uses: []compose.Used{{Source: "site", Key: "a"}}},
		Letter:  compose.Letter{HTML: strings.Repeat("<p>Boats</p>", 1000)},
		Lists:   []string{"harbour"},
	}
	ledger := s.Ledger()
	var hand []send.Outcome
	steps := []struct {
		name string
		do   func() error
		half func() int // what must not be there after it failed
	}{
		{"import", func() error {
			_, err := s.ImportRows(ctx, "harbour", "import", rows, false, now)
			return err
		}, func() int {
			return count(`SELECT count(*) FROM subscriber`) + count(`SELECT count(*) FROM subscription`)
		}},
		{"snapshot", func() error {
			_, _, err := s.Open(ctx, newsroom.Record{ID: "ed1", Newsletter: "harbour", Slot: now, Started: now})
			if err != nil {
				return err
			}
			_, err = s.Commit(ctx, "ed1", content, newsroom.Sending, now)
			return err
		}, func() int {
			return count(`SELECT count(*) FROM delivery`) + count(`SELECT count(*) FROM story_use`) +
				count(`SELECT count(*) FROM edition WHERE state <> 'assembling'`)
		}},
		{"outcomes", func() error {
			if len(hand) == 0 { // claiming needs no room: a row moves from one index to another
				c, err := ledger.Commit(ctx, nil, send.Claim{Edition: "ed1", Max: 2000, Now: now})
				if err != nil {
					return fmt.Errorf("claiming: %w", err)
				}
				for _, d := range c.Deliveries {
					hand = append(hand, send.Outcome{
						Edition: "ed1", Pos: d.Pos, State: send.Sent, Reply: strings.Repeat("accepted ", 20), At: now,
					})
				}
			}
			_, err := ledger.Commit(ctx, hand, send.Claim{Edition: "ed1", Now: now})
			return err
		}, func() int { return count(`SELECT count(*) FROM delivery WHERE state <> 'sending'`) }},
	}
	for _, step := range steps {
		fill()
		err := step.do()
		if err == nil || !strings.HasSuffix(err.Error(), "lede.db: the disk is full; make room, nothing is lost") || strings.Contains(err.Error(), "\n") {
			t.Fatalf("%s on a full disk: %v", step.name, err)
		}
		if n := step.half(); n != 0 {
			t.Fatalf("%s: half done: %d", step.name, n)
		}
		room()
		if err := step.do(); err != nil {
			t.Fatalf("%s, with room again: %v", step.name, err)
		}
	}
	sums, err := s.Sums(ctx, "ed1")
	if err != nil || sums.Sent != 2000 {
		t.Errorf("%+v, %v", sums, err)
	}
}

// Another program that keeps the file locked: the line names the file, and
// reading goes on.
func TestLocked(t *testing.T) {
	ctx := context.Background()
	file := filepath.Join(t.TempDir(), "lede.db")
	s, err := Open(ctx, file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if _, err := s.writer.Exec(`PRAGMA busy_timeout = 20`); err != nil { // instead of 10 s
		t.Fatal(err)
	}
	other, err := sql.Open("sqlite", file+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Looked(ctx, "harbour", time.Now()); err == nil || !strings.Contains(err.Error(), file+": another program has kept it locked") {
		t.Errorf("%v", err)
	}
	if _, err := s.LastLooked(ctx, "harbour"); err != nil {
		t.Error(err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := s.Looked(ctx, "harbour", time.Now()); err != nil {
		t.Error(err)
	}
}

// The settings of the connections that the promises hang on.
func TestConnections(t *testing.T) {
	s, err := Open(context.Background(), filepath.Join(t.TempDir(), "lede.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for pragma, want := range map[string]string{
		"synchronous": "2", "foreign_keys": "1", "journal_mode": "wal", "busy_timeout": "10000",
	} {
		var got string
		if err := s.writer.QueryRow(`PRAGMA ` + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, want %s; %v", pragma, got, want, err)
		}
	}
	if _, err := s.reader.Exec(`DELETE FROM token_key`); err == nil {
		t.Error("a reader can write")
	}
}

// The statements of the hot path find rows by index, whatever the size.
func TestPlans(t *testing.T) {
	s, err := Open(context.Background(), filepath.Join(t.TempDir(), "lede.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for name, query := range map[string]string{
		"mailing": sqlMailing, "outcomes": sqlOutcomes(s.dialect), "heads": sqlHeads, "batched": sqlBatched,
		"later": sqlLater, "claim of a range": sqlClaimRange, "claim of each": sqlClaimEach,
		"advance": sqlAdvance, "used": sqlUsed, "next": sqlNextDue,
	} {
		args := make([]any, len(dollars(query)))
		for i := range args {
			args[i] = "[]"
		}
		rows, err := s.reader.Query(`EXPLAIN QUERY PLAN `+query, args...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		plan, err := scanAll(rows, scanPlan)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range plan {
			// b and l are subqueries of one row.
			scans := strings.HasPrefix(line, "SCAN") && !strings.Contains(line, "json_each") && !strings.Contains(line, "LIST SUBQUERY") &&
				line != "SCAN b" && line != "SCAN l" && line != "SCAN heads" && line != "SCAN o"
			if scans || strings.Contains(line, "TEMP B-TREE") {
				t.Errorf("%s: %s\n%s", name, line, strings.Join(plan, "\n"))
			}
		}
	}
}

// dollars are the different parameters of a statement.
func dollars(query string) []string {
	var found []string
	for i := 1; strings.Contains(query, fmt.Sprintf("$%d", i)); i++ {
		found = append(found, fmt.Sprintf("$%d", i))
	}
	return found
}

func scanPlan(rows *sql.Rows) (string, error) {
	var id, parent, unused int
	var detail string
	return detail, rows.Scan(&id, &parent, &unused, &detail)
}
