package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"lede/newsroom"
	"lede/send"
)

// An edition that is being sent while the program is upgraded goes on: each
// delivery stays what it is, whoever left meanwhile gets nothing.
func TestUpgradeInMidSend(t *testing.T) {
	ctx := context.Background()
	now := time.Date(2027, 3, 1, 6, 30, 0, 0, time.UTC)
	file := filepath.Join(t.TempDir(), "lede.db")
	if err := makeFile(file); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", sqliteWriting(file))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, migrationsIn(sqliteMigrations, "migrations/sqlite"),
		goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(ctx, 1); err != nil {
		t.Fatal(err)
	}
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	states := []string{"pending", "pending", "sending", "sent", "deferred", "failed", "in_doubt", "skipped", "pending"}
	for i, id := range []string{"ed1", "ed2"} {
		exec(`INSERT INTO edition (id, newsletter, slot, state, lists, started, stored) VALUES ($1, 'harbour', $2, 'sending', '[["harbour"]]', $2, $2)`,
			id, stamp(now.Add(time.Duration(i)*time.Hour)))
	}
	exec(`INSERT INTO edition (id, newsletter, slot, state, started) VALUES ('ed3', 'harbour', $1, 'assembling', $1)`, stamp(now.Add(-time.Hour)))
	for i, state := range states {
		address := fmt.Sprintf("reader%d@averne.example", i)
		exec(`INSERT INTO subscriber (id, key, address, domain, salt, created) VALUES ($1, $2, $2, 'averne.example', 1, $3)`, 100+i, address, stamp(now))
		exec(`INSERT INTO subscription (list, subscriber, state, changed) VALUES ('harbour', $1, 'active', $2)`, 100+i, stamp(now))
		for _, id := range []string{"ed1", "ed2"} {
			exec(`INSERT INTO delivery (edition, pos, subscriber, domain, state, first, due, attempt, relay, code, reply)
				VALUES ($1, $2, $3, 'averne.example', $4, $5, $5, $6, 'main', $7, 'as told')`,
				id, i+1, 100+i, state, stamp(now.Add(time.Duration(i)*time.Minute)), asInt(state != "pending"), 250+i)
		}
	}
	exec(`INSERT INTO opt_out (newsletter, subscriber, at) VALUES ('harbour', 101, 'now')`)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	s, err := Open(ctx, file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	sums, err := s.Sums(ctx, "ed1")
	if err != nil || sums != (newsroom.Sums{Audience: 9, Pending: 4, Sent: 1, Deferred: 1, Failed: 1, InDoubt: 1, Skipped: 1}) {
		t.Errorf("%+v, %v", sums, err)
	}
	if n, err := s.Ledger().Recover(ctx, "ed1", false, now.Add(time.Hour)); err != nil || n != 1 {
		t.Errorf("recovered %d, %v", n, err)
	}
	claimed, err := s.Ledger().Commit(ctx, nil, send.Claim{Edition: "ed1", Max: 100, Now: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, d := range claimed.Deliveries {
		got += fmt.Sprintf("%d:%d:%d ", d.Pos, d.Subscriber, d.Attempt)
	}
	if want := "1:100:1 3:102:2 5:104:2 9:108:1 "; got != want {
		t.Errorf("claimed %s, want %s", got, want)
	}
	if first := claimed.Deliveries[2].First; !first.Equal(now.Add(4 * time.Minute)) {
		t.Errorf("the time to give up counts from %s", first)
	}
	traces, err := s.Deliveries(ctx, 103, 0)
	if err != nil || len(traces) != 2 || traces[0].State != send.Sent || traces[0].Code != 253 || traces[0].Reply != "as told" {
		t.Errorf("%+v, %v", traces, err)
	}
	if sums, err := s.Sums(ctx, "ed2"); err != nil || sums.Audience != 9 {
		t.Errorf("the other edition: %+v, %v", sums, err)
	}
}
