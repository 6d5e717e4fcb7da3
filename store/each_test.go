package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"lede/audience"
	"lede/compose"
	"lede/internal/pgtest"
	"lede/newsroom"
	"lede/send"
	"lede/store"
)

// These tests say what every engine must do. They know only store.Open, so that
// another engine joins by a line in engines.

// engines make the name of an empty database.
var engines = map[string]func(t testing.TB) string{
	"sqlite":   func(t testing.TB) string { return filepath.Join(t.TempDir(), "lede.db") },
	"postgres": server.Database,
}

// server is the PostgreSQL of these tests; TestMain ends it.
var server = &pgtest.Server{Prepare: openOnce}

// durable is one whose commits are on disk when it says so, as SQLite's are.
var durable = &pgtest.Server{Durable: true, Prepare: openOnce}

// onDisk are engines that are compared with each other.
var onDisk = map[string]func(t testing.TB) string{
	"sqlite":   engines["sqlite"],
	"postgres": durable.Database,
}

// each runs a test on an empty database of every engine.
func each(t *testing.T, f func(t *testing.T, db database)) {
	for name, make := range engines {
		t.Run(name, func(t *testing.T) { f(t, database{dsn: make(t)}) })
	}
}

// database is where a test opens as many stores as it wants.
type database struct{ dsn string }

func (d database) open(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), d.dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// now is the time of these tests: the slot of a Monday's edition.
var now = time.Date(2027, 3, 1, 6, 30, 0, 123456000, time.UTC)

func ctx() context.Context { return context.Background() }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// reader is the i-th made-up reader.
func reader(i int) audience.Row {
	address := fmt.Sprintf("reader%d@averne.example", i)
	return audience.Row{Line: i + 2, Address: address, Key: address, Domain: "averne.example", Name: fmt.Sprintf("Reader %d", i)}
}

func readers(from, to int) []audience.Row {
	var rows []audience.Row
	for i := from; i < to; i++ {
		rows = append(rows, reader(i))
	}
	return rows
}

// subscribe puts readers on a list.
func subscribe(t testing.TB, s *store.Store, list string, rows ...audience.Row) {
	t.Helper()
	for len(rows) > 0 {
		n := min(len(rows), 5000)
		_, err := s.ImportRows(ctx(), list, "import readers.csv", rows[:n], false, now)
		must(t, err)
		rows = rows[n:]
	}
}

func id(t testing.TB, s *store.Store, key string) int64 {
	t.Helper()
	p, err := s.Person(ctx(), key)
	must(t, err)
	return p.ID
}

// assemble opens an edition of the newsletter harbour.
func assemble(t testing.TB, s *store.Store, id string, slot time.Time) newsroom.Record {
	t.Helper()
	r, isNew, err := s.Open(ctx(), newsroom.Record{
		ID: id, Newsletter: "harbour", Slot: slot, Started: slot, StaleAt: slot.Add(24 * time.Hour),
	})
	must(t, err)
	if !isNew {
		t.Fatalf("edition %s: there is one for %s", id, slot)
	}
	return r
}

// content is an edition with its letter, for the list harbour.
func content(subject string, uses ...compose.Used) newsroom.Content {
	e := compose.Edition{Newsletter: "harbour", Slot: now, Subject: subject, Uses: uses}
	for _, u := range uses {
		e.Seen = append(e.Seen, compose.Seen{Source: u.Source, Key: u.Key})
		if u.Canonical != "" {
			e.Seen = append(e.Seen, compose.Seen{Source: u.Source, Key: "link:" + u.Canonical})
		}
	}
	return newsroom.Content{Edition: e, Letter: compose.Letter{Subject: subject, HTML: "<p>Boats</p>"}, Lists: []string{"harbour"}}
}

// publish makes an edition that is being sent, and returns its audience's size.
func publish(t testing.TB, s *store.Store, id string, slot time.Time, uses ...compose.Used) int {
	t.Helper()
	assemble(t, s, id, slot)
	n, err := s.Commit(ctx(), id, content("Boats", uses...), newsroom.Sending, slot)
	must(t, err)
	return n
}

// claim claims deliveries, with no outcomes.
func claim(t testing.TB, s *store.Store, edition string, n int, at time.Time) send.Claimed {
	t.Helper()
	c, err := s.Ledger().Commit(ctx(), nil, send.Claim{Edition: edition, Max: n, Now: at})
	must(t, err)
	return c
}

// report stores outcomes and claims nothing.
func report(t testing.TB, s *store.Store, edition string, done ...send.Outcome) {
	t.Helper()
	_, err := s.Ledger().Commit(ctx(), done, send.Claim{Edition: edition, Now: now})
	must(t, err)
}

func sums(t testing.TB, s *store.Store, edition string) newsroom.Sums {
	t.Helper()
	sums, err := s.Sums(ctx(), edition)
	must(t, err)
	if got := sums.Pending + sums.Sent + sums.Deferred + sums.Failed + sums.InDoubt + sums.Skipped; got != sums.Audience {
		t.Fatalf("the sums don't add up: %+v", sums)
	}
	return sums
}

func positions(c send.Claimed) []int64 {
	var pos []int64
	for _, d := range c.Deliveries {
		pos = append(pos, d.Pos)
	}
	return pos
}

func sent(d send.Delivery) send.Outcome {
	return send.Outcome{Edition: d.Edition, Pos: d.Pos, State: send.Sent, Relay: "main", Code: 250, Reply: "2.0.0 ok", At: now}
}
