package store_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"lede/audience"
	"lede/newsroom"
	"lede/send"
	"lede/store"
)

// raw is the database without the store.
func (d database) raw(t testing.TB) *sql.DB {
	t.Helper()
	driver, dsn := "sqlite", "file:"+d.dsn+"?_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)"
	if strings.HasPrefix(d.dsn, "postgres") {
		driver, dsn = "pgx", d.dsn
	}
	db, err := sql.Open(driver, dsn)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// consistent holds what must be true of an edition's rows at every instant: the
// counts are those of the deliveries, and whatever is to be sent is due in one
// place, and nothing else is.
func consistent(t testing.TB, db database, s *store.Store, edition string) {
	t.Helper()
	raw := db.raw(t)
	defer func() { _ = raw.Close() }()
	ask := func(query string) (n int) {
		t.Helper()
		must(t, raw.QueryRow(query, edition).Scan(&n))
		return n
	}
	const of = ` FROM delivery d JOIN mailing m ON m.id = d.mailing WHERE m.edition = $1 `
	got := sums(t, s, edition)
	want := newsroom.Sums{Audience: ask(`SELECT count(*)` + of)}
	for state, n := range map[string]*int{
		"'pending', 'sending'": &want.Pending, "'sent'": &want.Sent, "'deferred'": &want.Deferred,
		"'failed'": &want.Failed, "'in_doubt'": &want.InDoubt, "'skipped'": &want.Skipped,
	} {
		*n = ask(`SELECT count(*)` + of + `AND d.state IN (` + state + `)`)
	}
	if got != want {
		t.Fatalf("counted %+v, there are %+v", got, want)
	}
	if counted, there := ask(`SELECT sending FROM mailing WHERE edition = $1`), ask(`SELECT count(*)`+of+`AND d.state = 'sending'`); counted != there {
		t.Fatalf("counted %d as being sent, there are %d", counted, there)
	}
	const places = `
		(SELECT count(*) FROM later l WHERE l.mailing = d.mailing AND l.delivery = d.id)
		+ (SELECT count(*) FROM batch b WHERE b.mailing = d.mailing AND d.id - d.mailing * 4294967296 BETWEEN b.next AND b.last)`
	if n := ask(`SELECT count(*)` + of + `AND d.state IN ('pending', 'deferred') AND 1 <>` + places); n > 0 {
		t.Fatalf("%d are to be sent and not due in one place", n)
	}
	if n := ask(`SELECT count(*)` + of + `AND d.state NOT IN ('pending', 'deferred') AND 0 <>` + places); n > 0 {
		t.Fatalf("%d are due and not to be sent", n)
	}
}

// Whatever takes a consent back, in whatever way, is known to the next claim.
// The ways are statements here: code of the store to come must not be able to
// forget it.
func TestWithdrawals(t *testing.T) {
	ways := []struct{ name, before, statement, then string }{
		{name: "leaves the newsletter", statement: `INSERT INTO opt_out (newsletter, subscriber, at) VALUES ('harbour', $1, 'now')`},
		{name: "leaves everything", statement: `INSERT INTO opt_out (newsletter, subscriber, at) VALUES ('', $1, 'now')`},
		{
			name:      "has an opt-out that was noted for another",
			before:    `INSERT INTO opt_out (newsletter, subscriber, at) SELECT 'market', id + 1, 'now' FROM subscriber WHERE id = $1`,
			statement: `UPDATE opt_out SET newsletter = 'harbour', subscriber = subscriber - 1 WHERE subscriber - 1 = $1`,
		},
		{name: "unsubscribes", statement: `UPDATE subscription SET state = 'unsubscribed' WHERE subscriber = $1`},
		{name: "is to confirm again", statement: `UPDATE subscription SET state = 'pending' WHERE subscriber = $1`},
		{name: "moves to another list", statement: `UPDATE subscription SET list = 'market' WHERE subscriber = $1`},
		{name: "is taken off the list", statement: `DELETE FROM subscription WHERE subscriber = $1`},
		{
			name: "is unsubscribed by an import",
			statement: `INSERT INTO subscription (list, subscriber, state, changed) VALUES ('harbour', $1, 'unsubscribed', 'now')
				ON CONFLICT (list, subscriber) DO UPDATE SET state = excluded.state`,
		},
		{name: "is suppressed", statement: `INSERT INTO suppression (key, address, reason, at) SELECT key, address, 'complaint', 'now' FROM subscriber WHERE id = $1`},
		{
			name:      "is who a suppression is corrected to",
			before:    `INSERT INTO suppression (key, address, reason, at) SELECT 'x' || key, address, 'complaint', 'now' FROM subscriber WHERE id = $1`,
			statement: `UPDATE suppression SET key = (SELECT key FROM subscriber WHERE id = $1) WHERE key = (SELECT 'x' || key FROM subscriber WHERE id = $1)`,
		},
		{
			name:      "changes to a suppressed address",
			before:    `INSERT INTO suppression (key, address, reason, at) SELECT 'y' || key, address, 'complaint', 'now' FROM subscriber WHERE id = $1`,
			statement: `UPDATE subscriber SET key = 'y' || key WHERE id = $1`,
		},
		{name: "is erased", statement: `DELETE FROM subscriber WHERE id = $1`},
		{
			name:      "is erased, and somebody new has the id",
			statement: `DELETE FROM subscriber WHERE id = $1`,
			then: `INSERT INTO subscriber (id, key, address, domain, salt, created)
				SELECT $1, 'new@averne.example', 'new@averne.example', 'averne.example', 1, 'now'`,
		},
	}
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		raw := db.raw(t)
		subscribe(t, s, "harbour", readers(0, 2*len(ways))...)
		ids := make([]int64, len(ways))
		for i, way := range ways {
			ids[i] = id(t, s, reader(2*i).Key)
			if way.before != "" {
				_, err := raw.Exec(way.before, ids[i])
				must(t, err)
			}
		}
		if n := publish(t, s, "ed1", now); n != 2*len(ways) {
			t.Fatalf("audience %d", n)
		}
		for i, way := range ways {
			for _, statement := range []string{way.statement, way.then} {
				if statement == "" {
					continue
				}
				if _, err := raw.Exec(statement, ids[i]); err != nil {
					t.Fatalf("%s: %v", way.name, err)
				}
			}
		}
		mailed := map[int64]bool{}
		for _, d := range claim(t, s, "ed1", 1000, now).Deliveries {
			mailed[d.Subscriber] = true
		}
		for i, way := range ways {
			if mailed[ids[i]] {
				t.Errorf("mailed, who %s", way.name)
			}
		}
		if len(mailed) != len(ways) {
			t.Errorf("%d are mailed, want the %d that did nothing", len(mailed), len(ways))
		}
		consistent(t, db, s, "ed1")
	})
}

// Whatever happens in whatever order, the sums add up, nobody is mailed twice
// without a doubt, and in the end nothing is left.
func TestAnyOrder(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		const people, steps = 120, 150
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 1))
		t.Logf("seed %d", seed)
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, people)...)
		c := content("Boats")
		c.Spread = 100 * time.Second
		commit(t, s, "ed1", now, c)
		at := now
		hand := map[int64]send.Delivery{}
		taken := map[int64]bool{}
		states := []send.State{send.Sent, send.Sent, send.Sent, send.Deferred, send.Deferred, send.Failed, send.InDoubt, send.Skipped, send.Pending}
		for step := range steps {
			at = at.Add(time.Duration(random.IntN(2000)) * time.Millisecond)
			switch random.IntN(12) {
			case 0:
				p, err := s.Person(ctx(), reader(random.IntN(people)).Key)
				must(t, err)
				must(t, s.Leave(ctx(), p.ID, "harbour", nil, "button", at))
			case 1:
				address := reader(random.IntN(people)).Address
				must(t, s.Suppress(ctx(), audience.Suppression{Address: address, Reason: "complaint", At: at}))
			case 2:
				_, err := s.Ledger().Recover(ctx(), "ed1", random.IntN(4) == 0, at)
				must(t, err)
				if random.IntN(2) == 0 { // the sender died; else it tells what it has in hand
					clear(hand)
				}
			default:
				var done []send.Outcome
				for pos, d := range hand {
					if random.IntN(3) > 0 {
						continue
					}
					o := outcome(d, states[random.IntN(len(states))])
					o.Due, o.Code, o.Doubt = at.Add(time.Duration(random.IntN(5000))*time.Millisecond), random.IntN(2)*250, random.IntN(5) == 0
					o.At = at
					if random.IntN(20) == 0 {
						o.Suppress = "unknown-user"
					}
					taken[pos] = taken[pos] || o.State == send.Sent
					done = append(done, o)
					delete(hand, pos)
				}
				ask := send.Claim{Edition: "ed1", Max: random.IntN(20), Now: at}
				if random.IntN(2) == 0 {
					ask.Place = func(*send.Delivery) (time.Time, bool) {
						return at.Add(time.Duration(random.IntN(3000)) * time.Millisecond), random.IntN(2) == 0
					}
				}
				claimed, err := s.Ledger().Commit(ctx(), done, ask)
				must(t, err)
				if len(claimed.Deliveries) > ask.Max {
					t.Fatalf("claimed %d, asked for %d", len(claimed.Deliveries), ask.Max)
				}
				for _, d := range claimed.Deliveries {
					if taken[d.Pos] {
						t.Fatalf("delivery %d is claimed after it was sent", d.Pos)
					}
					hand[d.Pos] = d
				}
			}
			if step%10 == 0 {
				consistent(t, db, s, "ed1")
			}
		}
		_, err := s.Ledger().Recover(ctx(), "ed1", false, at)
		must(t, err)
		for range 100 {
			at = at.Add(time.Hour)
			claimed := claim(t, s, "ed1", 50, at)
			var done []send.Outcome
			for _, d := range claimed.Deliveries {
				done = append(done, sent(d))
			}
			report(t, s, "ed1", done...)
		}
		consistent(t, db, s, "ed1")
		done, err := s.Finish(ctx(), "ed1", at)
		must(t, err)
		if got := sums(t, s, "ed1"); !done || got.Pending+got.Deferred > 0 || got.Audience != people {
			t.Errorf("done %t: %+v", done, got)
		}
	})
}

func TestTallies(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		rows := readers(0, 40)
		for i := range rows {
			rows[i].Domain = fmt.Sprintf("averne%d.example", min(i, 24))
		}
		subscribe(t, s, "harbour", rows...)
		publish(t, s, "ed1", now)
		d := claim(t, s, "ed1", 10, now).Deliveries
		done := []send.Outcome{sent(d[0]), sent(d[1]), sent(d[2]), outcome(d[3], send.Deferred), outcome(d[4], send.Failed)}
		done[1].Relay, done[4].Relay, done[4].Code = "spare", "spare", 550
		report(t, s, "ed1", done...)
		got, err := s.Tallies(ctx(), "ed1")
		must(t, err)
		if len(got.Domains) != 20 || got.Domains[0] != (newsroom.Tally{Name: "averne24.example", Pending: 16}) ||
			got.Domains[1] != (newsroom.Tally{Name: "averne0.example", Sent: 1}) {
			t.Errorf("domains %+v", got.Domains)
		}
		if len(got.Relays) != 2 || got.Relays[0] != (newsroom.Tally{Name: "main", Sent: 2, Deferred: 1}) ||
			got.Relays[1] != (newsroom.Tally{Name: "spare", Sent: 1, Failed: 1}) {
			t.Errorf("relays %+v", got.Relays)
		}
		if fmt.Sprint(got.Answers) != "[{250 3} {450 1} {550 1}]" {
			t.Errorf("answers %v", got.Answers)
		}
		if got, err := s.Tallies(ctx(), "none"); err != nil || len(got.Domains)+len(got.Relays)+len(got.Answers) > 0 {
			t.Errorf("of no edition: %+v, %v", got, err)
		}
	})
}
