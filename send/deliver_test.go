package send_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lede/internal/smtptest"
	"lede/send"
)

// world is a relay in memory, a ledger and a dispatcher, in a bubble.
type world struct {
	t      *testing.T
	server *smtptest.Server
	pipe   *smtptest.Pipe
	ledger *ledger
	d      *send.Dispatcher
	job    send.Job
	intent func(address string) bool // is it between intent and outcome?
}

// inWorld runs f in a bubble with n deliveries due.
func inWorld(t *testing.T, n int, relay send.Relay, server *smtptest.Server, f func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if relay.Lanes == 0 {
			relay.Lanes = 1
		}
		if relay.Depth == 0 {
			relay.Depth = 8
		}
		if relay.Host == "" {
			relay.ID, relay.Host, relay.Port = "main", "relay.example", 25
		}
		if relay.TLS == "" {
			relay.TLS = "none"
		}
		w := &world{t: t, server: server, pipe: smtptest.NewPipe(), ledger: newLedger(t, n, relay.Lanes*relay.Depth)}
		w.intent = w.ledger.intent
		script := server.Script
		server.Script = func(s smtptest.Step) smtptest.Reply {
			if s.Verb == smtptest.Rcpt && !w.intent(s.To) {
				t.Errorf("RCPT %s without a committed intent", s.To)
			}
			if script == nil {
				return smtptest.Reply{}
			}
			return script(s)
		}
		w.d = send.NewDispatcher(w.ledger, send.Plan{Relays: []send.Relay{relay}}, nil)
		w.d.Dial = w.pipe.Dial
		w.job = send.Job{Edition: "ed1", Relay: "main", Message: compile(t, testLetter(), testSender()), Date: editionDate}
		served := make(chan struct{})
		go func() {
			server.Serve(w.pipe)
			close(served)
		}()
		f(w)
		w.pipe.Close()
		server.Close()
		<-served
		for _, fault := range server.Faults() {
			t.Errorf("on the wire: %s", fault)
		}
	})
}

// wireMode is a way to speak to a relay, which follows from what it offers.
type wireMode struct {
	name   string
	offers []string
	flight int    // mails that a lane may have under way with Depth 8
	data   string // the verb before a mail
}

// inModes runs a test in every mode.
func inModes(t *testing.T, f func(*testing.T, wireMode)) {
	t.Helper()
	for _, m := range []wireMode{
		{"plain", []string{"8BITMIME", "SIZE 10000000"}, 1, smtptest.Data},
		{"pipelining", []string{"PIPELINING", "8BITMIME"}, 2, smtptest.Data},
		{"chunking", []string{"PIPELINING", "CHUNKING", "SIZE 10000000"}, 8, smtptest.Bdat},
	} {
		t.Run(m.name, func(t *testing.T) { f(t, m) })
	}
}

// deliver calls Deliver once.
func (w *world) deliver() send.Status {
	w.t.Helper()
	status, err := w.d.Deliver(w.t.Context(), w.job)
	if err != nil {
		w.t.Fatal(err)
	}
	return status
}

// finish calls Deliver until nothing is left, as the daemon does.
func (w *world) finish() (troubles []error) {
	w.t.Helper()
	for range 2000 {
		status := w.deliver()
		if status.Trouble != nil {
			troubles = append(troubles, status.Trouble)
		}
		if !status.Open || status.Next.IsZero() {
			return troubles
		}
		time.Sleep(time.Until(status.Next))
	}
	w.t.Fatal("the edition never ends")
	return nil
}

// want checks the sums.
func (w *world) want(want map[send.State]int) {
	w.t.Helper()
	if got := w.ledger.sums(); !maps.Equal(got, want) {
		w.t.Errorf("sums %v, want %v", got, want)
	}
}

// copies checks that everybody whose delivery is sent has the mail, and nobody
// more than most copies, all with one Message-ID. It returns how many have more
// than one.
func (w *world) copies(most int) (doubled int) {
	w.t.Helper()
	copies := w.server.Copies()
	for i := range w.ledger.rows {
		r := w.ledger.row(i)
		ids := copies[r.Address]
		if r.state == send.Sent && len(ids) == 0 {
			w.t.Errorf("%s is sent and has no mail", r.Address)
		}
		if len(ids) > most {
			w.t.Errorf("%s has %d copies", r.Address, len(ids))
		}
		if len(ids) > 1 {
			doubled++
			if r.doubts == 0 {
				w.t.Errorf("%s has %d copies and was never in doubt", r.Address, len(ids))
			}
		}
		for _, id := range ids {
			if id != ids[0] {
				w.t.Errorf("%s has copies with different Message-IDs", r.Address)
			}
		}
	}
	return doubled
}

func TestDeliver(t *testing.T) { inModes(t, testDeliver) }

func testDeliver(t *testing.T, m wireMode) {
	for _, test := range []struct{ n, lanes, depth int }{{0, 1, 1}, {1, 4, 8}, {7, 1, 1}, {100, 1, 8}, {1000, 4, 8}, {1000, 8, 16}, {64, 4, 16}} {
		t.Run(fmt.Sprintf("%d by %d lanes of %d", test.n, test.lanes, test.depth), func(t *testing.T) {
			inWorld(t, test.n, send.Relay{Lanes: test.lanes, Depth: test.depth}, &smtptest.Server{Extensions: m.offers}, func(w *world) {
				w.ledger.slow = time.Millisecond
				status := w.deliver()
				if !status.Open || !status.Next.IsZero() || status.Trouble != nil {
					t.Errorf("status %+v", status)
				}
				if test.n > 0 {
					w.want(map[send.State]int{send.Sent: test.n})
				}
				w.copies(1)
				if most := w.server.Most(); most > test.lanes {
					t.Errorf("%d connections, at most %d may be", most, test.lanes)
				}
				if w.server.Count(smtptest.Quit) != w.server.Count(smtptest.Greeting) {
					t.Errorf("%d connections, %d ended by QUIT", w.server.Count(smtptest.Greeting), w.server.Count(smtptest.Quit))
				}
				if test.n == 1000 && test.lanes == 4 && w.ledger.commits > 900 {
					t.Errorf("%d commits for %d mails: they are not grouped", w.ledger.commits, test.n)
				}
			})
		})
	}
}

func TestManyDeliveries(t *testing.T) {
	inWorld(t, 10000, send.Relay{Lanes: 4, Depth: 8}, &smtptest.Server{Forget: true}, func(w *world) {
		w.finish()
		w.want(map[send.State]int{send.Sent: 10000})
		w.copies(1)
	})
}

// A receiver that greylists puts everybody off for ten minutes.
func TestGreylisting(t *testing.T) {
	first := map[string]time.Time{}
	server := &smtptest.Server{Script: func(s smtptest.Step) smtptest.Reply {
		if s.Verb != smtptest.Rcpt {
			return smtptest.Reply{}
		}
		if first[s.To].IsZero() {
			first[s.To] = time.Now()
		}
		if time.Since(first[s.To]) < 10*time.Minute {
			return smtptest.Reply{Text: "451 4.7.1 greylisted, come back in ten minutes"}
		}
		return smtptest.Reply{}
	}}
	inWorld(t, 50, send.Relay{Retry: send.Retry{First: time.Minute, Longest: time.Hour, GiveUpAfter: 24 * time.Hour}}, server, func(w *world) {
		status := w.deliver()
		w.want(map[send.State]int{send.Deferred: 50})
		if wait := time.Until(status.Next); wait < 40*time.Second || wait > 80*time.Second {
			t.Errorf("the first retry is in %s", wait)
		}
		if r := w.ledger.row(3); r.last.Code != 451 || !strings.HasPrefix(r.last.Reply, "4.7.1 greylisted") {
			t.Errorf("outcome %+v", r.last)
		}
		w.finish()
		w.want(map[send.State]int{send.Sent: 50})
		w.copies(1)
		if n := w.ledger.row(0).Attempt; n < 3 || n > 6 {
			t.Errorf("%d attempts in ten minutes", n)
		}
	})
}

func TestGivesUp(t *testing.T) {
	server := &smtptest.Server{Script: func(s smtptest.Step) smtptest.Reply {
		if s.Verb == smtptest.Rcpt && s.To == "r1@quay.example" {
			return smtptest.Reply{Text: "452 4.2.2 mailbox full"}
		}
		return smtptest.Reply{}
	}}
	inWorld(t, 3, send.Relay{}, server, func(w *world) {
		start := time.Now()
		w.finish()
		w.want(map[send.State]int{send.Sent: 2, send.Failed: 1})
		if r := w.ledger.row(1); r.last.Reply != "gave up after 24h: 4.2.2 mailbox full" || r.last.Code != 452 {
			t.Errorf("outcome %+v", r.last)
		}
		if took := time.Since(start); took < 24*time.Hour || took > 25*time.Hour {
			t.Errorf("it took %s", took)
		}
		if n := w.ledger.row(1).Attempt; n < 20 || n > 45 {
			t.Errorf("%d attempts", n)
		}
	})
}

func TestRefusals(t *testing.T) { inModes(t, testRefusals) }

func testRefusals(t *testing.T, m wireMode) {
	server := &smtptest.Server{Extensions: m.offers, Script: func(s smtptest.Step) smtptest.Reply {
		switch s.Verb + " " + s.To {
		case "RCPT r1@quay.example":
			return smtptest.Reply{Text: "550 5.1.1 no such\n550 5.1.1 user here"}
		case m.data + " r3@quay.example":
			return smtptest.Reply{Text: "554 5.7.1 not now, not ever"}
		case "DOT r5@quay.example":
			return smtptest.Reply{Text: "552 5.3.4 too much news"}
		}
		return smtptest.Reply{}
	}}
	inWorld(t, 8, send.Relay{}, server, func(w *world) {
		w.finish()
		w.want(map[send.State]int{send.Sent: 5, send.Failed: 3})
		for i, want := range map[int]string{1: "550 5.1.1 no such 5.1.1 user here", 3: "554 5.7.1 not now, not ever", 5: "552 5.3.4 too much news"} {
			o := w.ledger.row(i).last
			if got := fmt.Sprintf("%d %s", o.Code, o.Reply); got != want {
				t.Errorf("outcome %q, want %q", got, want)
			}
		}
		w.copies(1)
		if n := w.server.Count(smtptest.Greeting); n != 1 {
			t.Errorf("%d connections: a refusal cost one", n)
		}
	})
}

// A lost connection costs only its own mail, wherever it is lost.
func TestDrops(t *testing.T) { inModes(t, testDrops) }

func testDrops(t *testing.T, m wireMode) {
	for _, verb := range []string{smtptest.Greeting, smtptest.Ehlo, smtptest.MailFrom, smtptest.Rcpt, m.data, smtptest.Body, smtptest.Dot, smtptest.Rset, smtptest.Quit} {
		for _, every := range []int{1, 3, 7} {
			t.Run(fmt.Sprintf("%s %d", verb, every), func(t *testing.T) {
				var dropped atomic.Int64
				server := &smtptest.Server{Extensions: m.offers, Script: func(s smtptest.Step) smtptest.Reply {
					// Always at first, later every so often.
					if s.Verb == verb && s.Nth <= 40 && s.Nth%every == 0 {
						dropped.Add(1)
						return smtptest.Reply{Drop: true}
					}
					return smtptest.Reply{}
				}}
				inWorld(t, 60, send.Relay{Lanes: 2, Depth: 4}, server, func(w *world) {
					w.finish()
					doubled := w.copies(5)
					sums := w.ledger.sums()
					if verb != smtptest.Dot && sums[send.Sent] != 60 || sums[send.Sent]+sums[send.InDoubt] != 60 {
						t.Errorf("sums %v", sums)
					}
					if verb == smtptest.Dot && int64(doubled) > dropped.Load() {
						t.Errorf("%d doubled by %d drops", doubled, dropped.Load())
					}
					if verb != smtptest.Dot && doubled > 0 {
						t.Errorf("%d doubled though no dot was lost", doubled)
					}
				})
			})
		}
	}
}

// After the final dot silence is doubt: hold sends nothing twice.
func TestHold(t *testing.T) { inModes(t, testHold) }

func testHold(t *testing.T, m wireMode) {
	server := &smtptest.Server{Extensions: m.offers, Script: func(s smtptest.Step) smtptest.Reply {
		return smtptest.Reply{Drop: s.Verb == smtptest.Dot && s.Nth%5 == 0}
	}}
	inWorld(t, 40, send.Relay{Lanes: 2, Depth: 4}, server, func(w *world) {
		w.job.Hold = true
		w.finish()
		w.want(map[send.State]int{send.Sent: 32, send.InDoubt: 8})
		w.copies(1)
		for _, pos := range w.ledger.positions(send.InDoubt) {
			if r := w.ledger.row(int(pos)); r.doubts != 1 || !strings.Contains(r.last.Reply, "may have arrived") {
				t.Errorf("outcome %+v", r.last)
			}
		}
	})
}

// A relay that takes mails and never says so must not be fed for ever.
func TestDoubtIsBounded(t *testing.T) { inModes(t, testDoubtIsBounded) }

func testDoubtIsBounded(t *testing.T, m wireMode) {
	server := &smtptest.Server{Extensions: m.offers, Script: func(s smtptest.Step) smtptest.Reply {
		return smtptest.Reply{Drop: s.Verb == smtptest.Dot}
	}}
	inWorld(t, 3, send.Relay{}, server, func(w *world) {
		if troubles := w.finish(); len(troubles) == 0 {
			t.Error("no trouble was reported")
		}
		w.want(map[send.State]int{send.InDoubt: 3})
		w.copies(5)
	})
}

// 421 on a connection that took mail is its limit: no attempt is lost, and it
// is learnt.
func TestMessageLimit(t *testing.T) { inModes(t, testMessageLimit) }

func testMessageLimit(t *testing.T, m wireMode) {
	server := &smtptest.Server{Extensions: m.offers, Script: func(s smtptest.Step) smtptest.Reply {
		if s.Verb == smtptest.MailFrom && s.Taken >= 10 {
			return smtptest.Reply{Text: "421 4.7.0 ten mails are enough", Hangup: true}
		}
		return smtptest.Reply{}
	}}
	inWorld(t, 100, send.Relay{}, server, func(w *world) {
		start := time.Now()
		if status := w.deliver(); status.Trouble != nil || !status.Next.IsZero() {
			t.Errorf("status %+v", status)
		}
		w.want(map[send.State]int{send.Sent: 100})
		if took := time.Since(start); took > time.Second {
			t.Errorf("redialling waited %s", took)
		}
		for i := range 100 {
			if n := w.ledger.row(i).Attempt; n != 1 {
				t.Errorf("delivery %d took %d attempts", i, n)
			}
		}
		if n := w.server.Count(smtptest.MailFrom); n != 102 {
			t.Errorf("%d MAIL for 100 mails: the limit was not learnt", n)
		}
	})
}

// 421 before anything was taken means back off.
func TestBackOff(t *testing.T) { inModes(t, testBackOff) }

func testBackOff(t *testing.T, m wireMode) {
	for _, verb := range []string{smtptest.Greeting, smtptest.Ehlo, smtptest.MailFrom} {
		t.Run(verb, func(t *testing.T) {
			var until time.Time
			server := &smtptest.Server{Extensions: m.offers, Script: func(s smtptest.Step) smtptest.Reply {
				if s.Verb == verb && time.Now().Before(until) {
					return smtptest.Reply{Text: "421 4.3.2 closing for half an hour", Hangup: true}
				}
				return smtptest.Reply{}
			}}
			inWorld(t, 20, send.Relay{Lanes: 4}, server, func(w *world) {
				until = time.Now().Add(30 * time.Minute)
				status := w.deliver()
				if status.Trouble == nil || !strings.Contains(status.Trouble.Error(), "421") || !status.Open {
					t.Fatalf("status %+v", status)
				}
				if wait := time.Until(status.Next); wait < time.Second || wait > time.Minute {
					t.Errorf("tried again in %s", wait)
				}
				w.want(map[send.State]int{send.Pending: 20})
				w.finish()
				w.want(map[send.State]int{send.Sent: 20})
				for i := range 20 {
					if n := w.ledger.row(i).Attempt; n != 1 {
						t.Errorf("delivery %d took %d attempts", i, n)
					}
				}
				if n := w.server.Count(verb); n > 250 {
					t.Errorf("%d connections in half an hour", n)
				}
			})
		})
	}
}

// A relay that allows fewer connections than there are lanes is used as far as
// it allows, and is no trouble.
func TestFewerConnections(t *testing.T) { inModes(t, testFewerConnections) }

func testFewerConnections(t *testing.T, m wireMode) {
	server := &smtptest.Server{Extensions: m.offers, Script: func(s smtptest.Step) smtptest.Reply {
		if s.Verb == smtptest.Greeting && s.Connection > 2 {
			return smtptest.Reply{Text: "421 4.7.0 too many connections", Hangup: true}
		}
		return smtptest.Reply{Wait: time.Second / 2}
	}}
	inWorld(t, 400, send.Relay{Lanes: 6}, server, func(w *world) {
		if troubles := w.finish(); len(troubles) > 0 {
			t.Errorf("troubles %v", troubles)
		}
		w.want(map[send.State]int{send.Sent: 400})
		for i := range 400 {
			if n := w.ledger.row(i).tries; n != 1 {
				t.Errorf("delivery %d was claimed %d times", i, n)
			}
		}
		if n := w.server.Count(smtptest.Greeting); n > 300 {
			t.Errorf("%d connections tried in %d mails", n, 400)
		}
	})
}

func TestRelayIsDown(t *testing.T) {
	inWorld(t, 10, send.Relay{Lanes: 4}, &smtptest.Server{}, func(w *world) {
		w.pipe.Refuse(errors.New("connection refused"))
		status := w.deliver()
		if status.Trouble == nil || !strings.Contains(status.Trouble.Error(), "relay main: relay.example:25: ") {
			t.Errorf("status %+v", status)
		}
		// Whoever calls at once is answered at once, and nothing is dialled.
		start := time.Now()
		if status = w.deliver(); status.Trouble == nil || time.Since(start) > 0 {
			t.Errorf("status %+v after %s", status, time.Since(start))
		}
		if w.ledger.row(0).tries != 0 {
			t.Error("something was claimed without a relay")
		}
		w.pipe.Refuse(nil)
		w.finish()
		w.want(map[send.State]int{send.Sent: 10})
	})
}

// Answers to MAIL are about the sender: nobody fails by them.
func TestSenderRefused(t *testing.T) { inModes(t, testSenderRefused) }

func testSenderRefused(t *testing.T, m wireMode) {
	for _, answer := range []string{"550 5.7.1 sender unknown", "530 5.7.0 log in first", "451 4.3.0 try later"} {
		t.Run(answer, func(t *testing.T) {
			refuse := true
			server := &smtptest.Server{Extensions: m.offers, Script: func(s smtptest.Step) smtptest.Reply {
				if s.Verb == smtptest.MailFrom && refuse {
					return smtptest.Reply{Text: answer}
				}
				return smtptest.Reply{}
			}}
			inWorld(t, 40, send.Relay{}, server, func(w *world) {
				status := w.deliver()
				if status.Trouble == nil || !strings.Contains(status.Trouble.Error(), answer[4:]) {
					t.Errorf("status %+v", status)
				}
				if sums := w.ledger.sums(); sums[send.Failed] > 0 || sums[send.Pending] < 25 {
					t.Errorf("sums %v", sums)
				}
				refuse = false
				w.finish()
				w.want(map[send.State]int{send.Sent: 40})
			})
		})
	}
}

func TestHostileReplies(t *testing.T) { inModes(t, testHostileReplies) }

func testHostileReplies(t *testing.T, m wireMode) {
	for name, reply := range map[string]smtptest.Reply{
		"endless":     {Text: "250 x", Endless: true},
		"long line":   {Text: "250 " + strings.Repeat("x", 100000)},
		"not SMTP":    {Text: "HTTP/1.1 400 Bad Request"},
		"odd code":    {Text: "999 what"},
		"many lines":  {Text: strings.TrimSuffix(strings.Repeat("250 x\n", 1000), "\n")},
		"mixed codes": {Text: "250-x\r\n550 y"},
		"a tarpit":    {Text: "250 2.0.0 a very slow answer", Trickle: time.Minute},
		"silence":     {Text: "250 x", Wait: 11 * time.Minute},
	} {
		for _, verb := range []string{smtptest.Greeting, smtptest.MailFrom, smtptest.Rcpt, m.data, smtptest.Dot} {
			t.Run(name+" at "+verb, func(t *testing.T) {
				server := &smtptest.Server{Extensions: m.offers, Script: func(s smtptest.Step) smtptest.Reply {
					if s.Verb == verb && s.Nth == 2 {
						return reply
					}
					return smtptest.Reply{}
				}}
				inWorld(t, 12, send.Relay{Lanes: 2, Depth: 2}, server, func(w *world) {
					w.finish()
					w.want(map[send.State]int{send.Sent: 12})
					if doubled := w.copies(2); doubled > 1 {
						t.Errorf("%d doubled", doubled)
					}
				})
			})
		}
	}
}

// An answer that comes late, but within the time that RFC 5321 gives, is waited
// for: giving up early doubles mail.
func TestLateAnswer(t *testing.T) { inModes(t, testLateAnswer) }

func testLateAnswer(t *testing.T, m wireMode) {
	server := &smtptest.Server{Extensions: m.offers, Script: func(s smtptest.Step) smtptest.Reply {
		if s.Verb == smtptest.Dot && s.Nth == 3 {
			return smtptest.Reply{Wait: 9*time.Minute + 50*time.Second}
		}
		return smtptest.Reply{}
	}}
	inWorld(t, 20, send.Relay{Lanes: 2, Depth: 4}, server, func(w *world) {
		w.deliver()
		w.want(map[send.State]int{send.Sent: 20})
		w.copies(1)
		// What waited behind the slow mail was given to the other lane.
		late := 0
		for i := range 20 {
			if r := w.ledger.row(i); r.last.At.Sub(r.First) > time.Minute {
				late++
			}
		}
		if late < 1 || late > m.flight {
			t.Errorf("%d mails were late, of %d that may be under way", late, m.flight)
		}
	})
}

func TestPause(t *testing.T) { inModes(t, testPause) }

func testPause(t *testing.T, m wireMode) {
	inWorld(t, 500, send.Relay{Lanes: 4, Rate: send.Rate{Count: 100, Per: time.Second}}, &smtptest.Server{Extensions: m.offers}, func(w *world) {
		go func() {
			time.Sleep(time.Second)
			w.ledger.close(true)
		}()
		start := time.Now()
		status := w.deliver()
		if status.Open {
			t.Error("still open")
		}
		if took := time.Since(start); took > 1700*time.Millisecond {
			t.Errorf("the pause took %s", took-time.Second)
		}
		sums := w.ledger.sums()
		if n := sums[send.Sent]; n < 80 || n > 170 || sums[send.Pending] != 500-n {
			t.Errorf("sums %v", sums)
		}
		w.ledger.close(false)
		w.finish()
		w.want(map[send.State]int{send.Sent: 500})
		w.copies(1)
	})
}

// A pause works at once even when the relay takes minutes over a mail.
func TestPauseBehindSlowMail(t *testing.T) { inModes(t, testPauseBehindSlowMail) }

func testPauseBehindSlowMail(t *testing.T, m wireMode) {
	server := &smtptest.Server{Extensions: m.offers, Script: func(s smtptest.Step) smtptest.Reply {
		if s.Verb == smtptest.Dot && s.Nth == 2 {
			return smtptest.Reply{Wait: 5 * time.Minute}
		}
		return smtptest.Reply{}
	}}
	inWorld(t, 30, send.Relay{}, server, func(w *world) {
		go func() {
			time.Sleep(time.Second)
			w.ledger.close(true)
			time.Sleep(time.Second)
			if n := w.ledger.sums()[send.Sending]; n < 1 || n > m.flight {
				t.Errorf("%d deliveries still claimed a second after the pause, %d may be under way", n, m.flight)
			}
		}()
		w.deliver()
		sums := w.ledger.sums()
		if n := sums[send.Sent]; n < 2 || n > 1+m.flight || sums[send.Pending] != 30-n {
			t.Errorf("sums %v", sums)
		}
	})
}

func TestCancel(t *testing.T) { inModes(t, testCancel) }

func testCancel(t *testing.T, m wireMode) {
	for name, test := range map[string]struct {
		slow time.Duration
		want map[send.State]int
		took time.Duration
	}{
		"finishes what is in hand":  {2 * time.Second, map[send.State]int{send.Sent: 1, send.Pending: 19}, 2 * time.Second},
		"but does not wait forever": {time.Hour, map[send.State]int{send.Deferred: 1, send.Pending: 19}, 7 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			server := &smtptest.Server{Extensions: m.offers, Script: func(s smtptest.Step) smtptest.Reply {
				if s.Verb == smtptest.Dot {
					return smtptest.Reply{Wait: test.slow}
				}
				return smtptest.Reply{}
			}}
			inWorld(t, 20, send.Relay{}, server, func(w *world) {
				ctx, cancel := context.WithTimeout(w.t.Context(), 500*time.Millisecond)
				defer cancel()
				start := time.Now()
				status, err := w.d.Deliver(ctx, w.job)
				if err != nil || !status.Open {
					t.Errorf("%+v, %v", status, err)
				}
				if took := time.Since(start); took > test.took {
					t.Errorf("it took %s", took)
				}
				w.want(test.want)
			})
		})
	}
}

func TestLedgerFails(t *testing.T) { inModes(t, testLedgerFails) }

func testLedgerFails(t *testing.T, m wireMode) {
	inWorld(t, 200, send.Relay{Lanes: 2}, &smtptest.Server{Extensions: m.offers}, func(w *world) {
		full := errors.New("database or disk is full")
		n := 0
		var since time.Time
		w.ledger.fail = func(outcomes, _ int) error {
			n++
			if since.IsZero() && outcomes > 0 && n > 10 {
				since = time.Now()
			}
			if !since.IsZero() && time.Since(since) < time.Minute {
				return full
			}
			return nil
		}
		status := w.deliver()
		if !status.Next.IsZero() {
			t.Errorf("status %+v", status)
		}
		w.want(map[send.State]int{send.Sent: 200})
		w.copies(1)
	})
}

func TestLedgerFailsForGood(t *testing.T) { inModes(t, testLedgerFailsForGood) }

func testLedgerFailsForGood(t *testing.T, m wireMode) {
	inWorld(t, 200, send.Relay{Lanes: 2}, &smtptest.Server{Extensions: m.offers}, func(w *world) {
		full := errors.New("database or disk is full")
		w.ledger.fail = func(outcomes, _ int) error {
			if outcomes > 0 && w.ledger.commits > 10 {
				return full
			}
			return nil
		}
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Hour)
		defer cancel()
		if _, err := w.d.Deliver(ctx, w.job); !errors.Is(err, full) {
			t.Errorf("error %v", err)
		}
		if sent, accepted := w.ledger.sums()[send.Sent], len(w.server.Received()); accepted-sent > 16 {
			t.Errorf("%d accepted, %d known: more than the windows hold", accepted, sent)
		}
	})
}

func TestRate(t *testing.T) {
	for _, test := range []struct {
		rate send.Rate
		n    int
		want time.Duration
	}{
		{send.Rate{Count: 50, Per: time.Second}, 500, 10 * time.Second},
		{send.Rate{Count: 2, Per: time.Second}, 20, 10 * time.Second},
		{send.Rate{Count: 60, Per: time.Hour}, 30, 30 * time.Minute},
	} {
		t.Run(fmt.Sprint(test.rate), func(t *testing.T) {
			inWorld(t, test.n, send.Relay{Lanes: 4, Rate: test.rate}, &smtptest.Server{}, func(w *world) {
				start := time.Now()
				w.deliver()
				took := time.Since(start)
				if took < test.want*9/10 || took > test.want*11/10 {
					t.Errorf("%d mails took %s, want %s", test.n, took, test.want)
				}
				w.want(map[send.State]int{send.Sent: test.n})
				if test.rate.Per == time.Hour && w.ledger.most > 4 {
					t.Errorf("%d claimed ahead at a mail a minute", w.ledger.most)
				}
			})
		})
	}
}

// Two editions share the relay's connections fairly.
func TestEditionsShare(t *testing.T) {
	for _, lanes := range []int{1, 2, 3, 4} {
		t.Run(fmt.Sprint(lanes), func(t *testing.T) {
			server := &smtptest.Server{Script: func(s smtptest.Step) smtptest.Reply {
				return smtptest.Reply{Wait: time.Millisecond}
			}}
			inWorld(t, 2000, send.Relay{Lanes: lanes, Depth: 8}, server, func(w *world) {
				other := newLedger(t, 200, lanes*8)
				both := &twoLedgers{w.ledger, other}
				w.intent = func(a string) bool { return w.ledger.intent(a) || other.intent(a) }
				w.d = send.NewDispatcher(both, send.Plan{Relays: []send.Relay{{ID: "main", Host: "relay.example", Port: 25, TLS: "none", Lanes: lanes, Depth: 8}}}, nil)
				w.d.Dial = w.pipe.Dial
				done := make(chan struct{})
				go func() {
					w.deliver()
					close(done)
				}()
				time.Sleep(time.Second)
				before := w.ledger.sums()[send.Sent]
				job := w.job
				job.Edition = "ed2"
				if _, err := w.d.Deliver(w.t.Context(), job); err != nil {
					t.Error(err)
				}
				// While the second was sent, the first went on.
				if got := w.ledger.sums()[send.Sent] - before; got < 100 || got > 400 {
					t.Errorf("while the second sent 200, the first sent %d", got)
				}
				<-done
				w.want(map[send.State]int{send.Sent: 2000})
				if most := w.server.Most(); most > lanes {
					t.Errorf("%d connections, at most %d may be", most, lanes)
				}
			})
		})
	}
}

// twoLedgers keeps two editions.
type twoLedgers struct{ first, second *ledger }

func (l *twoLedgers) Commit(ctx context.Context, done []send.Outcome, ask send.Claim) (send.Claimed, error) {
	if ask.Edition == "ed2" {
		ask.Edition = "ed1"
		for i := range done {
			done[i].Edition = "ed1"
		}
		c, err := l.second.Commit(ctx, done, ask)
		for i := range c.Deliveries {
			c.Deliveries[i].Edition = "ed2"
		}
		return c, err
	}
	return l.first.Commit(ctx, done, ask)
}

func (l *twoLedgers) Recover(context.Context, string, bool, time.Time) (int, error) { return 0, nil }

func (l *twoLedgers) Accepted(context.Context, string, time.Time) (int, error) { return 0, nil }

func TestUTF8Addresses(t *testing.T) {
	for _, offered := range []bool{true, false} {
		t.Run(fmt.Sprint("offered ", offered), func(t *testing.T) {
			server := &smtptest.Server{Extensions: []string{"8BITMIME"}}
			if offered {
				server.Extensions = append(server.Extensions, "SMTPUTF8")
			}
			inWorld(t, 3, send.Relay{}, server, func(w *world) {
				delete(w.ledger.byAddr, "r1@quay.example")
				w.ledger.rows[1].Address = "jörg@fähre.example"
				w.ledger.byAddr["jörg@xn--fhre-loa.example"] = w.ledger.rows[1]
				w.finish()
				if offered {
					w.want(map[send.State]int{send.Sent: 3})
				} else {
					w.want(map[send.State]int{send.Sent: 2, send.Failed: 1})
					if reply := w.ledger.row(1).last.Reply; !strings.Contains(reply, "SMTPUTF8") {
						t.Errorf("reason %q", reply)
					}
				}
				for _, m := range w.server.Mails() {
					if utf8 := strings.Contains(m.Parameters, "SMTPUTF8"); utf8 != strings.HasPrefix(m.To[0], "jörg") {
						t.Errorf("MAIL for %s with %q", m.To[0], m.Parameters)
					}
				}
			})
		})
	}
}

// An address that no mail can be written to fails alone.
func TestBadAddressFailsAlone(t *testing.T) {
	inWorld(t, 3, send.Relay{}, &smtptest.Server{}, func(w *world) {
		w.ledger.rows[1].Address = "a>\r\nRCPT TO:<b@evil.example"
		w.finish()
		w.want(map[send.State]int{send.Sent: 2, send.Failed: 1})
	})
}

func TestPost(t *testing.T) {
	server := &smtptest.Server{}
	refuse := func(s smtptest.Step) smtptest.Reply {
		if s.Verb == smtptest.Rcpt && s.To == "nobody@quay.example" {
			return smtptest.Reply{Text: "550 5.1.1 no such user"}
		}
		return smtptest.Reply{}
	}
	inWorld(t, 0, send.Relay{}, server, func(w *world) {
		w.server.Script = refuse
		raw, err := send.Notice(testSender(), "desk@quay.example", "Sent", "All is well.", editionDate, "1")
		if err != nil {
			t.Fatal(err)
		}
		err = w.d.Post(w.t.Context(), "main", "letter@port-averne.example", []string{"nobody@quay.example", "desk@quay.example", "no address"}, raw)
		if err == nil || !strings.Contains(err.Error(), "550 5.1.1 no such user") || !strings.Contains(err.Error(), "cannot be mailed") {
			t.Errorf("error %v", err)
		}
		if got := w.server.Copies(); len(got) != 1 || len(got["desk@quay.example"]) != 1 {
			t.Errorf("received %v", got)
		}
		w.pipe.Refuse(errors.New("connection refused"))
		var trouble *send.Trouble
		if err := w.d.Post(w.t.Context(), "main", "letter@port-averne.example", []string{"desk@quay.example"}, raw); !errors.As(err, &trouble) {
			t.Errorf("error %v", err)
		}
	})
}
