package store

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lede/audience"
	"lede/compose"
	"lede/internal/smtptest"
	"lede/newsroom"
	"lede/send"
)

// The disk fills up while an edition is sent: no mail goes out whose intent is
// not stored, one line says why nothing goes on, and it goes on by itself when
// there is room.
func TestDiskFullInMidSend(t *testing.T) {
	t.Run("no more pages", func(t *testing.T) {
		disk := func(s *Store, pages int) {
			if _, err := s.writer.Exec(fmt.Sprintf(`PRAGMA max_page_count = %d`, pages)); err != nil {
				t.Error(err)
			}
		}
		sendOnFullDisk(t, t.TempDir(),
			func(s *Store) { disk(s, 1) }, // SQLite takes it as the pages that there are
			func(s *Store) { disk(s, 1<<30) })
	})
	t.Run("a real disk", func(t *testing.T) {
		dir := t.TempDir()
		if err := unix.Mount("none", dir, "tmpfs", 0, "size=24m"); err != nil {
			t.Skipf("no right to mount: %v", err)
		}
		t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
		filler := filepath.Join(dir, "filler")
		sendOnFullDisk(t, dir, func(*Store) {
			if err := os.WriteFile(filler, make([]byte, 25<<20), 0o600); err == nil {
				t.Error("the disk took more than it has")
			}
		}, func(*Store) {
			if err := os.Remove(filler); err != nil {
				t.Error(err)
			}
		})
	})
}

func sendOnFullDisk(t *testing.T, dir string, fill, room func(*Store)) {
	const n = 600
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := Open(ctx, filepath.Join(dir, "lede.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	now := time.Now()
	message := editionFor(ctx, t, s, n, now)

	var fullAt atomic.Int64 // dots when the disk became full
	server := &smtptest.Server{Forget: true}
	server.Script = func(step smtptest.Step) smtptest.Reply {
		if step.Verb == smtptest.Rcpt && !s.intends(t, step.To) {
			t.Errorf("RCPT %s without a stored intent", step.To)
		}
		if step.Verb != smtptest.Dot {
			return smtptest.Reply{}
		}
		if step.Nth == 100 {
			fill(s)
			fullAt.Store(int64(step.Nth))
		}
		// Rows grow by what is answered, so that storing it needs room.
		return smtptest.Reply{Text: "250 2.0.0 " + strings.Repeat("taken ", 60)}
	}
	host, port := smtptest.Start(t, server)
	var log lockedBuffer
	relay := send.Relay{ID: "main", Host: host, Port: port, TLS: "none", Lanes: 4, Depth: 8}
	d := send.NewDispatcher(s.Ledger(), send.Plan{Relays: []send.Relay{relay}}, slog.New(slog.NewTextHandler(&log, nil)))
	done := make(chan error, 1)
	go func() {
		_, err := d.Deliver(ctx, send.Job{Edition: "ed1", Relay: "main", Message: message, Date: now})
		done <- err
	}()
	for fullAt.Load() == 0 || !strings.Contains(log.String(), "level=ERROR") {
		select {
		case err := <-done:
			t.Fatalf("it ended while the disk was full: %v\n%s", err, log.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
	time.Sleep(300 * time.Millisecond) // what was in hand ends
	before := server.Count(smtptest.Dot)
	time.Sleep(500 * time.Millisecond)
	if after := server.Count(smtptest.Dot); after != before {
		t.Errorf("%d mails went out though nothing could be stored", after-before)
	}
	sums, err := s.Sums(ctx, "ed1")
	if err != nil || sums.Audience != n || before-sums.Sent > relay.Lanes*relay.Depth {
		t.Errorf("%d were taken, stored is %+v, %v", before, sums, err)
	}
	room(s)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if sums, err = s.Sums(ctx, "ed1"); err != nil || sums != (newsroom.Sums{Audience: n, Sent: n}) {
		t.Errorf("%+v, %v", sums, err)
	}
	copies := server.Copies()
	for to, ids := range copies {
		if len(ids) != 1 {
			t.Errorf("%s has %d copies", to, len(ids))
		}
	}
	if len(copies) != n {
		t.Errorf("%d people have the mail", len(copies))
	}
	if lines := strings.Count(log.String(), "level=ERROR"); lines != 1 || !strings.Contains(log.String(), "the disk is full; make room, nothing is lost") {
		t.Errorf("%d lines say what is wrong:\n%s", lines, log.String())
	}
}

// editionFor stores an edition for n readers that is being sent.
func editionFor(ctx context.Context, t *testing.T, s *Store, n int, now time.Time) *send.Message {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var rows []audience.Row
	for i := range n {
		address := fmt.Sprintf("reader%d@averne.example", i)
		rows = append(rows, audience.Row{Line: i + 2, Address: address, Key: address, Domain: "averne.example"})
	}
	_, err := s.ImportRows(ctx, "harbour", "import", rows, false, now)
	must(err)
	letter := compose.Letter{
		Subject: "Boats", HTML: "<p>Boats LF00x0Z</p>", Text: "Boats LF00x0Z\n",
		Fields: []compose.Field{{Token: "LF00x0Z", Name: compose.FieldUnsubscribe}},
	}
	_, _, err = s.Open(ctx, newsroom.Record{ID: "ed1", Newsletter: "harbour", Slot: now, Started: now, StaleAt: now.Add(time.Hour)})
	must(err)
	_, err = s.Commit(ctx, "ed1", newsroom.Content{Letter: letter, Lists: []string{"harbour"}}, newsroom.Sending, now)
	must(err)
	keys, err := s.Keyring(ctx)
	must(err)
	message, err := send.Compile(letter, send.Sender{
		Newsletter: "harbour", Name: "Harbour", From: mail.Address{Address: "letter@averne.example"},
		ListID: "harbour.averne.example", BaseURL: "https://averne.example", Lists: []string{"harbour"}, Keys: keys,
	})
	must(err)
	return message
}

// intends says whether the file has the delivery to an address between intent
// and outcome.
func (s *Store) intends(t *testing.T, address string) bool {
	var n int
	err := s.reader.QueryRow(`
		SELECT count(*) FROM delivery d JOIN subscriber s ON s.id = d.subscriber
		WHERE s.address = $1 AND d.state = 'sending'`, address).Scan(&n)
	if err != nil {
		t.Error(err)
	}
	return n == 1
}

// lockedBuffer is a buffer that is written and read at the same time.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
