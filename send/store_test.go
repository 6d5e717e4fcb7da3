//go:build !race

// The SQLite driver is 19 times slower under the race detector, which sees the
// same code with the ledger of ledger_test.go.
package send_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"lede/audience"
	"lede/compose"
	"lede/internal/smtptest"
	"lede/newsroom"
	"lede/send"
	"lede/store"
)

// An edition through the real store and real TCP: a sender dies between intent
// and outcome, the next one recovers; somebody is unknown, somebody leaves
// while it is sent.
func TestThroughTheStore(t *testing.T) {
	const n = 300
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s, err := store.Open(ctx, filepath.Join(t.TempDir(), "lede.db"))
	must(err)
	defer s.Close()
	var rows []audience.Row
	for i := range n {
		address := fmt.Sprintf("r%d@quay.example", i)
		rows = append(rows, audience.Row{Line: i + 2, Address: address, Key: address, Domain: "quay.example", Name: fmt.Sprint("Reader ", i)})
	}
	now := time.Now()
	_, err = s.ImportRows(ctx, "harbour", "import", rows, false, now)
	must(err)
	record := newsroom.Record{ID: "ed1", Newsletter: "harbour", Slot: now, Started: now, State: newsroom.Assembling, StaleAt: now.Add(time.Hour)}
	_, _, err = s.Open(ctx, record)
	must(err)
	size, err := s.Commit(ctx, "ed1", newsroom.Content{Edition: compose.Edition{Newsletter: "harbour"}, Letter: testLetter(), Lists: []string{"harbour"}}, newsroom.Sending, now)
	must(err)
	if size != n {
		t.Fatalf("audience %d, want %d", size, n)
	}

	// The sender that died.
	dead, err := s.Ledger().Commit(ctx, nil, send.Claim{Edition: "ed1", Max: 5, Now: time.Now()})
	must(err)
	if len(dead.Deliveries) != 5 {
		t.Fatalf("claimed %d", len(dead.Deliveries))
	}
	if recovered, err := s.Ledger().Recover(ctx, "ed1", false, time.Now()); err != nil || recovered != 5 {
		t.Fatalf("recovered %d, %v", recovered, err)
	}

	leaver, err := s.Person(ctx, "r299@quay.example")
	must(err)
	server := &smtptest.Server{Script: func(step smtptest.Step) smtptest.Reply {
		if step.Verb == smtptest.Dot && step.Nth == 20 {
			if err := s.Leave(context.Background(), leaver.ID, "harbour", []string{"harbour"}, "one-click", time.Now()); err != nil {
				t.Error(err)
			}
		}
		if step.Verb == smtptest.Rcpt && step.To == "r7@quay.example" {
			return smtptest.Reply{Text: "550 5.1.1 no such user"}
		}
		return smtptest.Reply{}
	}}
	host, port := smtptest.Start(t, server)
	keys, err := s.Keyring(ctx)
	must(err)
	sender := testSender()
	sender.Keys = keys
	d := send.NewDispatcher(s.Ledger(), send.Plan{Relays: []send.Relay{{ID: "main", Host: host, Port: port, TLS: "none", Lanes: 4}}}, nil)
	status, err := d.Deliver(ctx, send.Job{Edition: "ed1", Relay: "main", Message: compile(t, testLetter(), sender), Date: now})
	must(err)
	if !status.Open || !status.Next.IsZero() || status.Trouble != nil {
		t.Errorf("status %+v", status)
	}
	sums, err := s.Sums(ctx, "ed1")
	must(err)
	if want := (newsroom.Sums{Audience: n, Sent: n - 2, Failed: 1, Skipped: 1}); sums != want {
		t.Errorf("sums %+v, want %+v", sums, want)
	}
	copies := server.Copies()
	if len(copies) != n-2 || len(copies["r299@quay.example"]) > 0 {
		t.Errorf("%d people have the mail", len(copies))
	}
	if faults := server.Faults(); len(faults) > 0 {
		t.Errorf("on the wire: %q", faults)
	}
	if finished, err := s.Finish(ctx, "ed1", time.Now()); err != nil || !finished {
		t.Errorf("finished %t, %v", finished, err)
	}
}
