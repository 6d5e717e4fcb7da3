package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lede/audience"
	"lede/compose"
	"lede/internal/pgtest"
	"lede/newsroom"
	"lede/send"
	"lede/source"
	"lede/store"
)

// onPostgres makes an empty database on the server for everybody.
func onPostgres(t testing.TB) database { return database{server.Database(t)} }

// with changes a part of a database's address.
func with(t testing.TB, dsn string, change func(*url.URL)) string {
	t.Helper()
	u, err := url.Parse(dsn)
	must(t, err)
	change(u)
	return u.String()
}

func TestPostgresOpenErrors(t *testing.T) {
	db := onPostgres(t)
	name := strings.TrimPrefix(with(t, db.dsn, func(*url.URL) {})[strings.LastIndex(db.dsn, "/"):], "/")
	other, newer, latin, closed := server.Empty(t), server.Database(t), server.Empty(t), server.Empty(t)
	base := func(dsn string) string { return dsn[strings.LastIndex(dsn, "/")+1:] }
	server.SQL(t, base(other), `CREATE TABLE boat (name text)`)
	server.SQL(t, base(newer), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9000, true)`)
	server.SQL(t, "postgres", `DROP DATABASE `+base(latin))
	server.SQL(t, "postgres", `CREATE DATABASE `+base(latin)+` OWNER lede ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`)
	server.SQL(t, base(closed), `ALTER SCHEMA public OWNER TO postgres; REVOKE CREATE ON SCHEMA public FROM PUBLIC`)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	nobody := free.Addr().String()
	must(t, free.Close())
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer func() { _ = silent.Close() }()
	go func() {
		for {
			conn, err := silent.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
			_ = conn.Close()
		}
	}()

	for what, c := range map[string]struct{ dsn, want string }{
		"no server":        {with(t, db.dsn, func(u *url.URL) { u.Host = nobody }), "cannot be reached: connect: connection refused; is PostgreSQL running there?"},
		"no host":          {with(t, db.dsn, func(u *url.URL) { u.Host = "db.invalid" }), "cannot be reached: there is no host db.invalid"},
		"not PostgreSQL":   {with(t, db.dsn, func(u *url.URL) { u.Host = silent.Addr().String() }), "cannot be reached: "},
		"wrong password":   {with(t, db.dsn, func(u *url.URL) { u.User = url.UserPassword("lede", "open sesame") }), "the server refuses the user or the password"},
		"no such user":     {with(t, db.dsn, func(u *url.URL) { u.User = url.UserPassword("ines", "open sesame") }), "the server refuses the user or the password"},
		"no such database": {with(t, db.dsn, func(u *url.URL) { u.Path = "/nowhere" }), "/nowhere: there is no such database; make it with createdb"},
		"TLS wanted":       {with(t, db.dsn, func(u *url.URL) { u.RawQuery = "sslmode=require" }), "cannot be reached: "},
		"no address":       {"postgres://lede:ses%ame@db/lede", "write postgres://user:password@host:5432/database"},
		"a bad setting":    {with(t, db.dsn, func(u *url.URL) { u.RawQuery = "sslmode=perhaps" }), "no address of a PostgreSQL database"},
		"another's tables": {other, "has tables of another program in schema public"},
		"newer":            {newer, "was made by a newer Lede (schema 9000, this one knows "},
		"not UTF-8":        {latin, "keeps text as LATIN1; make a database with ENCODING 'UTF8'"},
		"no right":         {closed, "does not let lede make tables"},
		"reads only":       {with(t, db.dsn, func(u *url.URL) { u.RawQuery = "default_transaction_read_only=on" }), "cannot be written: the server only reads"},
	} {
		s, err := store.Open(ctx(), c.dsn)
		if err == nil {
			_ = s.Close()
			t.Errorf("%s: no error, want %q", what, c.want)
			continue
		}
		if text := err.Error(); !strings.Contains(text, c.want) || strings.Contains(text, "\n") || strings.Contains(text, "ses%") || strings.Contains(text, "sesame") {
			t.Errorf("%s: %q, want %q", what, text, c.want)
		}
	}
	if tables := server.SQL(t, base(other), `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`); tables != "1" {
		t.Errorf("another program's database was changed: %s tables", tables)
	}
	if got, want := db.open(t).Name(), "/"+name; !strings.HasPrefix(got, "postgres://lede@127.0.0.1:") || !strings.HasSuffix(got, want) {
		t.Errorf("it calls itself %s", got)
	}
}

// Two newsrooms in one database, each in a schema of its own, and nobody is in
// the other's way.
func TestSchemas(t *testing.T) {
	dsn := server.Empty(t)
	base := dsn[strings.LastIndex(dsn, "/")+1:]
	for i, schema := range []string{"one", "two"} {
		server.SQL(t, base, `CREATE SCHEMA `+schema+` AUTHORIZATION lede`)
		s := database{dsn + "?search_path=" + schema}.open(t)
		subscribe(t, s, "harbour", readers(0, i+1)...)
		if n := publish(t, s, "ed1", now); n != i+1 {
			t.Errorf("audience %d", n)
		}
		if c := claim(t, s, "ed1", 9, now); len(c.Deliveries) != i+1 {
			t.Errorf("claimed %v", positions(c))
		}
		_, release, err := s.AcquireSender(ctx())
		must(t, err)
		defer release()
	}
}

// A commit is on disk whatever is set for the user, and text is compared by its
// bytes whatever the database's language is.
func TestPostgresSettings(t *testing.T) {
	db := onPostgres(t)
	base := db.dsn[strings.LastIndex(db.dsn, "/")+1:]
	server.SQL(t, "postgres", `ALTER DATABASE `+base+` SET synchronous_commit = off`)
	server.SQL(t, base, `
		CREATE TABLE seen (setting text);
		GRANT ALL ON seen TO lede;
		CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS
			$$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit') || ' ' || current_setting('application_name')); RETURN NULL; END $$;
		CREATE TRIGGER look AFTER UPDATE OR INSERT ON delivery EXECUTE FUNCTION look();
		CREATE TRIGGER look AFTER UPDATE OR INSERT ON subscription EXECUTE FUNCTION look()`)
	s := db.open(t)
	subscribe(t, s, "harbour", readers(0, 3)...)
	publish(t, s, "ed1", now)
	d := claim(t, s, "ed1", 1, now).Deliveries[0]
	must(t, s.Leave(ctx(), d.Subscriber, "harbour", []string{"harbour"}, "button", now))
	report(t, s, "ed1", sent(d))
	if got := server.SQL(t, base, `SELECT DISTINCT setting FROM seen`); got != "on lede" {
		t.Errorf("it wrote with synchronous_commit and name %q", got)
	}
	loose := server.SQL(t, base, `
		SELECT table_name || '.' || column_name FROM information_schema.columns
		WHERE table_schema = 'public' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C' AND table_name <> 'seen'`)
	if loose != "" {
		t.Errorf("these compare by a language: %s", loose)
	}
}

// Texts that PostgreSQL has no place for come from strangers: both engines keep
// the same.
func TestTextsThatNoColumnKeeps(t *testing.T) {
	const bad, kept = "a\x00b\xffc", "ab\uFFFDc"
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		row := reader(0)
		row.Name, row.Attributes, row.Tags = bad, map[string]string{"town": bad, "path": `C:\u0000`}, []string{bad}
		_, err := s.ImportRows(ctx(), "harbour", bad, []audience.Row{row}, false, now)
		must(t, err)
		p, err := s.Person(ctx(), row.Key)
		must(t, err)
		if p.Name != kept || p.Attributes["town"] != kept || p.Attributes["path"] != `C:\u0000` || p.Tags[0] != kept || !strings.HasPrefix(p.Subscriptions[0].Consent, kept) {
			t.Errorf("%+v", p)
		}
		must(t, s.LeaveList(ctx(), p.ID, "harbour", bad, now))
		must(t, s.Return(ctx(), p.ID, "harbour", bad, now, now))
		if p, err = s.Person(ctx(), row.Key); err != nil || p.Subscriptions[0].State != audience.Active {
			t.Errorf("%+v, %v", p, err)
		}
		must(t, s.Suppress(ctx(), audience.Suppression{Address: "x@averne.example", Reason: bad, Note: bad, At: now}))
		assemble(t, s, "ed1", now)
		c := content(bad, compose.Used{Source: "site", Key: bad, Canonical: bad, Title: bad, Text: bad})
		c.Letter.HTML = bad
		_, err = s.Commit(ctx(), "ed1", c, newsroom.Sending, now)
		must(t, err)
		m, err := s.Memory(ctx(), "harbour", time.Time{})
		must(t, err)
		if len(m.Used) != 1 || m.Used[0].Key != kept || m.Used[0].Title != kept || m.Subjects[0] != kept || !m.Seen["site"][kept] {
			t.Errorf("%+v", m)
		}
		o := sent(claim(t, s, "ed1", 1, now).Deliveries[0])
		o.Reply = bad
		report(t, s, "ed1", o)
		must(t, s.Move(ctx(), "ed1", []newsroom.State{newsroom.Sending}, newsroom.Paused, bad, bad, time.Time{}, now))
		history, err := s.History(ctx(), "ed1")
		must(t, err)
		if last := history[len(history)-1]; last.By != kept || last.Why != kept {
			t.Errorf("%+v", last)
		}
		if _, err := s.Edition(ctx(), bad); !errors.Is(err, newsroom.ErrNotFound) {
			t.Error(err)
		}
		must(t, s.SaveFeed(ctx(), "https://averne.example/"+bad, source.Cached{ETag: bad, LastModified: bad, Type: bad, Body: []byte(bad)}))
		feed, err := s.Feed(ctx(), "https://averne.example/"+bad)
		must(t, err)
		if feed.ETag != kept || string(feed.Body) != bad {
			t.Errorf("%+v", feed)
		}
		if _, err := s.Picture(ctx(), bad); err == nil {
			t.Error("a picture of no name")
		}
	})
}

// Everything at once from several processes' worth of connections: nobody waits
// for ever, nothing is lost, and a deadlock is nobody's error.
func TestManyWriters(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		const people = 400
		s := db.open(t)
		others := []*store.Store{db.open(t), db.open(t), db.open(t)}
		subscribe(t, s, "harbour", readers(0, people)...)
		var wg sync.WaitGroup
		for i, other := range others {
			wg.Go(func() {
				rows := readers(people/2, people+200)
				rand.Shuffle(len(rows), func(a, b int) { rows[a], rows[b] = rows[b], rows[a] })
				for j := range rows {
					rows[j].Attributes = map[string]string{fmt.Sprint("from", i): "yes"}
				}
				if _, err := other.ImportRows(ctx(), "harbour", "import", rows, false, now); err != nil {
					t.Error("import:", err)
				}
			})
			wg.Go(func() {
				for j := range 40 {
					p, err := other.Person(ctx(), reader(j).Key)
					if err == nil {
						err = other.Leave(ctx(), p.ID, "harbour", []string{"harbour"}, "button", now)
					}
					if err == nil && j%2 == 0 {
						err = other.Return(ctx(), p.ID, "harbour", "button", now, now)
					}
					if err != nil {
						t.Error("leaving:", err)
					}
				}
			})
			wg.Go(func() {
				for j := range 20 {
					slot := now.Add(time.Duration(j) * time.Hour)
					r, isNew, err := other.Open(ctx(), newsroom.Record{ID: fmt.Sprintf("ed%d-%d", i, j), Newsletter: "harbour", Slot: slot, Started: slot})
					if errors.Is(err, newsroom.ErrBusy) {
						continue
					}
					if err == nil && isNew {
						_, err = other.Commit(ctx(), r.ID, content("Boats", compose.Used{Source: "site", Key: fmt.Sprint(j)}), newsroom.Sending, slot)
					}
					if err == nil && isNew {
						err = other.Move(ctx(), r.ID, []newsroom.State{newsroom.Sending}, newsroom.Cancelled, "test", "over", time.Time{}, slot)
					}
					if err != nil {
						t.Error("edition:", err)
					}
				}
			})
		}
		wg.Wait()
		for j := people / 2; j < people+200; j++ {
			p, err := s.Person(ctx(), reader(j).Key)
			must(t, err)
			if len(p.Attributes) != len(others) || len(p.Subscriptions) != 1 {
				t.Fatalf("%s lost what an import said: %+v", p.Address, p)
			}
		}
		records, err := s.List(ctx(), "harbour", 0)
		must(t, err)
		slots := map[time.Time]bool{}
		for _, r := range records {
			if slots[r.Slot] || r.State != newsroom.Cancelled {
				t.Errorf("edition %s of %s is %s", r.ID, r.Slot, r.State)
			}
			slots[r.Slot] = true
			if got := sums(t, s, r.ID); got.Skipped != got.Audience {
				t.Errorf("%s: %+v", r.ID, got)
			}
		}
	})
}

// line is a connection to the server that is cut when a test says so.
type line struct {
	to   string
	ln   net.Listener
	cut  func() (before, after bool) // asked at each COMMIT: cut before it arrives, or after
	cuts atomic.Int64
}

// throughLine puts a line before a database's server.
func throughLine(t *testing.T, dsn string, cut func() (before, after bool)) (string, *line) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	l := &line{ln: ln, cut: cut}
	dsn = with(t, dsn, func(u *url.URL) { l.to, u.Host = u.Host, ln.Addr().String() })
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { l.carry(conn) })
		}
	})
	t.Cleanup(func() { _ = ln.Close(); conns.Wait() })
	return dsn + "?sslmode=disable", l
}

func (l *line) carry(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", l.to)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	var deaf atomic.Bool // the answer does not arrive
	back := make(chan struct{})
	go func() {
		defer close(back)
		defer func() { _ = client.Close() }()
		b := make([]byte, 64<<10)
		for {
			n, err := server.Read(b)
			if err != nil || deaf.Load() {
				return
			}
			if _, err := client.Write(b[:n]); err != nil {
				return
			}
		}
	}()
	b := make([]byte, 64<<10)
	for {
		n, err := client.Read(b)
		if err != nil {
			break
		}
		if bytes.Contains(b[:n], []byte("Q\x00\x00\x00\x0bcommit\x00")) {
			before, after := l.cut()
			if before || after {
				l.cuts.Add(1)
			}
			if before {
				break
			}
			deaf.Store(after)
		}
		if _, err := server.Write(b[:n]); err != nil {
			break
		}
	}
	_ = server.(*net.TCPConn).CloseWrite()
	<-back
}

// The connection is cut at a third of the commits, before or after the server
// had them. A sender that goes on mails everybody once: what a lost commit
// claimed is neither forgotten nor sent unheld.
func TestLostCommits(t *testing.T) {
	const people = 600
	direct := onPostgres(t)
	var on atomic.Bool
	dsn, line := throughLine(t, direct.dsn, func() (before, after bool) {
		if !on.Load() {
			return false, false
		}
		n := rand.IntN(6)
		return n == 0, n == 1
	})
	s, look := database{dsn}.open(t), direct.open(t)
	subscribe(t, look, "harbour", readers(0, people)...)
	publish(t, look, "ed1", now)
	on.Store(true)
	got := map[int64]int{}
	tries := 0
	mail := func(max int) {
		var done []send.Outcome
		for {
			c, err := s.Ledger().Commit(ctx(), done, send.Claim{Edition: "ed1", Max: max, Now: now})
			if err != nil {
				if strings.Contains(err.Error(), pgtest.Password) || strings.Contains(err.Error(), "\n") {
					t.Fatal(err)
				}
				if tries++; tries > 1000 {
					t.Fatal(err)
				}
				continue
			}
			if len(c.Deliveries) == 0 {
				return
			}
			done = done[:0]
			for _, d := range c.Deliveries {
				got[d.Pos]++
				o := sent(d)
				if got[d.Pos] == 1 && d.Pos%7 == 0 {
					o.State, o.Due = send.Deferred, now // comes again
				}
				done = append(done, o)
			}
		}
	}
	mail(8)
	on.Store(false)
	for pos := int64(1); pos <= people; pos++ {
		if want := map[bool]int{true: 2, false: 1}[pos%7 == 0]; got[pos] != want {
			t.Errorf("delivery %d was sent %d times, want %d", pos, got[pos], want)
		}
	}
	if sum := sums(t, look, "ed1"); sum.Sent != people {
		t.Errorf("%+v", sum)
	}
	accepted, err := look.Ledger().Accepted(ctx(), "main", now)
	must(t, err)
	if accepted != people {
		t.Errorf("%d are counted as accepted", accepted)
	}
	if line.cuts.Load() < 20 {
		t.Errorf("%d cuts prove nothing", line.cuts.Load())
	}
	t.Logf("%d cuts, %d tries again", line.cuts.Load(), tries)
}

// The server is stopped, or crashes, and starts again while a sender sends: it
// goes on by itself, everybody has the mail once, and nothing stays in doubt.
func TestServerRestarts(t *testing.T) {
	const people = 3000
	db := database{durable.Database(t)}
	s := db.open(t)
	subscribe(t, s, "harbour", readers(0, people)...)
	publish(t, s, "ed1", now)
	sending, release, err := s.AcquireSender(ctx())
	must(t, err)
	defer release()
	restarts := make(chan struct{})
	var mailed atomic.Int64
	go func() {
		defer close(restarts)
		for i, stop := range []func(){durable.Stop, durable.Kill} {
			for mailed.Load() < int64((i+1)*people/4) {
				time.Sleep(time.Millisecond)
			}
			stop()
			time.Sleep(300 * time.Millisecond)
			if err := durable.Run(); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	got := map[int64]int{}
	var done []send.Outcome
	failing, longest := time.Time{}, time.Duration(0)
	for {
		c, err := s.Ledger().Commit(ctx(), done, send.Claim{Edition: "ed1", Max: batch, Now: now})
		if err != nil {
			if failing.IsZero() {
				failing = time.Now()
			}
			if time.Since(failing) > 30*time.Second {
				t.Fatal("it does not come back: ", err)
			}
			if strings.Contains(err.Error(), pgtest.Password) || strings.Contains(err.Error(), "\n") {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Millisecond)
			continue
		}
		if !failing.IsZero() {
			longest = max(longest, time.Since(failing))
		}
		failing = time.Time{}
		if len(c.Deliveries) == 0 {
			break
		}
		done = done[:0]
		for _, d := range c.Deliveries {
			got[d.Pos]++
			mailed.Add(1)
			done = append(done, sent(d))
		}
		if mailed.Load() > people/2+people/4 { // both restarts are to come in mid-send
			<-restarts
		}
	}
	<-restarts
	for pos := int64(1); pos <= people; pos++ {
		if got[pos] != 1 {
			t.Errorf("delivery %d was sent %d times", pos, got[pos])
		}
	}
	if sum := sums(t, s, "ed1"); sum.Sent != people {
		t.Errorf("%+v", sum)
	}
	if sending.Err() != nil {
		t.Errorf("it is the sender no longer: %v", context.Cause(sending))
	}
	t.Logf("back after at most %s", longest)
}

// The lock's transaction is open for as long as something is sent: a snapshot
// held in it would keep every version of each row, and sending would get slower
// with each mail.
func TestLockHoldsNoSnapshot(t *testing.T) {
	db := onPostgres(t)
	base := db.dsn[strings.LastIndex(db.dsn, "/")+1:]
	s := db.open(t)
	_, release, err := s.AcquireSender(ctx())
	must(t, err)
	defer release()
	subscribe(t, s, "harbour", readers(0, 9)...) // transactions after it
	held := server.SQL(t, base, `SELECT count(*) || ' ' || count(backend_xmin) FROM pg_stat_activity WHERE datname = '`+base+`' AND application_name LIKE 'lede sender %'`)
	if strings.TrimSpace(held) != "1 0" {
		t.Errorf("connections, and snapshots held: %q", held)
	}
}

// The lock is lost with its connection. Until it is had again nothing is
// claimed; when another process was faster, this one is told to end.
func TestSenderLosesItsLock(t *testing.T) {
	db := onPostgres(t)
	base := db.dsn[strings.LastIndex(db.dsn, "/")+1:]
	s, other := db.open(t), db.open(t)
	subscribe(t, s, "harbour", readers(0, 9)...)
	publish(t, s, "ed1", now)
	running, release, err := s.AcquireSender(ctx())
	must(t, err)
	defer release()
	cut := func() {
		server.SQL(t, base, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '`+base+`' AND application_name LIKE 'lede sender %'`)
	}
	try := func() error {
		_, err := s.Ledger().Commit(ctx(), nil, send.Claim{Edition: "ed1", Max: 1, Now: now})
		return err
	}
	until := func(what string, holds func() bool) {
		t.Helper()
		for start := time.Now(); !holds(); time.Sleep(2 * time.Millisecond) {
			if time.Since(start) > 20*time.Second {
				t.Fatalf("it takes too long until %s", what)
			}
		}
	}
	must(t, try())
	cut()
	until("the loss is noticed", func() bool { return try() != nil })
	until("the lock is back", func() bool { return try() == nil })
	if _, _, err := other.AcquireSender(ctx()); err == nil {
		t.Fatal("two senders")
	}
	cut()
	var theirs func()
	until("the other has the lock", func() bool {
		_, theirs, err = other.AcquireSender(ctx())
		if err != nil && try() == nil { // ours was faster
			cut()
		}
		return err == nil
	})
	defer theirs()
	until("we are told", func() bool { return running.Err() != nil })
	var busy store.ErrSender
	if cause := context.Cause(running); !errors.As(cause, &busy) || busy.PID != os.Getpid() || busy.Host == "" {
		t.Errorf("%v", cause)
	}
	if err := try(); !errors.As(err, &busy) {
		t.Errorf("claiming without the lock: %v", err)
	}
}

// A page that is asked to unsubscribe waits for a claim, and a claim for the
// page, whatever order they come in.
func TestGate(t *testing.T) {
	db := onPostgres(t)
	base := db.dsn[strings.LastIndex(db.dsn, "/")+1:]
	s := db.open(t)
	subscribe(t, s, "harbour", readers(0, 2)...)
	publish(t, s, "ed1", now)
	first := id(t, s, reader(0).Key)
	// A transaction that takes away a right, and has not ended.
	server.SQL(t, base, `CREATE TABLE done (n int); GRANT ALL ON done TO lede`)
	claimed := make(chan send.Claimed, 1)
	slow := make(chan struct{})
	go func() {
		defer close(slow)
		if _, err := io.WriteString(io.Discard, server.SQL(t, base, fmt.Sprintf(`
			BEGIN; SELECT pass_gate('revoke', '', 0);
			INSERT INTO opt_out (newsletter, subscriber, at, why) VALUES ('harbour', %d, '2027-03-01T06:30:00.000000Z', 'button');
			SELECT pg_sleep(1); COMMIT`, first))); err != nil {
			t.Error(err)
		}
	}()
	for server.SQL(t, base, `SELECT count(*) FROM pg_locks WHERE relation = 'gate'::regclass`) == "0" {
		time.Sleep(10 * time.Millisecond)
	}
	go func() { claimed <- claim(t, s, "ed1", 2, now) }()
	select {
	case c := <-claimed:
		t.Errorf("claimed past an unsubscribe: %v", positions(c))
	case <-slow:
		if c := <-claimed; len(c.Deliveries) != 1 || c.Deliveries[0].Pos != 2 {
			t.Errorf("claimed %v", positions(c))
		}
	}
}

// Plans that the server made while there were few deliveries are not kept when
// there are many.
func TestPostgresPlans(t *testing.T) {
	direct := onPostgres(t)
	base := direct.dsn[strings.LastIndex(direct.dsn, "/")+1:]
	s, err := store.Open(ctx(), direct.dsn)
	must(t, err)
	mail := func(edition string, group int) {
		var done []send.Outcome
		for {
			c, err := s.Ledger().Commit(ctx(), done, send.Claim{Edition: edition, Max: group, Now: now})
			must(t, err)
			if len(c.Deliveries) == 0 {
				return
			}
			done = done[:0]
			for _, d := range c.Deliveries {
				done = append(done, sent(d))
			}
		}
	}
	subscribe(t, s, "harbour", readers(0, 40)...)
	publish(t, s, "few", now.Add(-time.Hour))
	mail("few", 2)
	subscribe(t, s, "harbour", readers(40, 8000)...)
	publish(t, s, "many", now)
	mail("many", 20)
	must(t, s.Close()) // which the server's statistics wait for
	read, err := strconv.Atoi(server.SQL(t, base, `SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'delivery'`))
	must(t, err)
	if read > 10*8000 {
		t.Errorf("sending reads all deliveries again and again: %d rows", read)
	}
}
