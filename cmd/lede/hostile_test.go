package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lede/internal/smtptest"
	"lede/send"
)

// dialects are the ways in which mail goes over a connection: what a receiver
// offers decides.
var dialects = map[string][]string{
	"plain":      {"8BITMIME", "ENHANCEDSTATUSCODES"},
	"pipelining": {"PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"},
	"chunking":   {"PIPELINING", "CHUNKING", "8BITMIME", "ENHANCEDSTATUSCODES"},
}

// drops are the moments at which a receiver hangs up.
var drops = []struct {
	name, verb string
	reply      smtptest.Reply
	doubt      bool // the mail was taken, and the answer does not come
	often      int  // one of so many times
}{
	{name: "greeting", verb: smtptest.Greeting, reply: smtptest.Reply{Drop: true}, often: 3},
	{name: "421 at the greeting", verb: smtptest.Greeting, reply: smtptest.Reply{Text: "421 4.3.2 not now", Hangup: true}, often: 3},
	{name: "EHLO", verb: smtptest.Ehlo, reply: smtptest.Reply{Drop: true}, often: 3},
	{name: "MAIL", verb: smtptest.MailFrom, reply: smtptest.Reply{Drop: true}, often: 10},
	{name: "after MAIL", verb: smtptest.MailFrom, reply: smtptest.Reply{Hangup: true}, often: 10},
	{name: "421 to MAIL", verb: smtptest.MailFrom, reply: smtptest.Reply{Text: "421 4.7.0 enough", Hangup: true}, often: 10},
	{name: "RCPT", verb: smtptest.Rcpt, reply: smtptest.Reply{Drop: true}, often: 10},
	{name: "after RCPT", verb: smtptest.Rcpt, reply: smtptest.Reply{Hangup: true}, often: 10},
	{name: "DATA", verb: smtptest.Data, reply: smtptest.Reply{Drop: true}, often: 10},
	{name: "after 354", verb: smtptest.Data, reply: smtptest.Reply{Hangup: true}, often: 10},
	{name: "BDAT", verb: smtptest.Bdat, reply: smtptest.Reply{Drop: true}, often: 10},
	{name: "in the mail", verb: smtptest.Body, reply: smtptest.Reply{Drop: true}, often: 10},
	{name: "at the dot, not taken", verb: smtptest.Dot, reply: smtptest.Reply{Text: "451 4.3.0 lost", Drop: true}, often: 10},
	{name: "at the dot, taken", verb: smtptest.Dot, reply: smtptest.Reply{Drop: true}, often: 10, doubt: true},
	{name: "after the answer", verb: smtptest.Dot, reply: smtptest.Reply{Hangup: true}, often: 10},
	{name: "RSET", verb: smtptest.Rset, reply: smtptest.Reply{Drop: true}, often: 10},
	{name: "QUIT", verb: smtptest.Quit, reply: smtptest.Reply{Drop: true}, often: 1},
}

// A receiver hangs up at each step of the protocol. Nobody is without the mail,
// nobody has it twice but for a doubt, and never with another Message-ID. A
// short test has all steps in one send.
func TestDroppedConnections(t *testing.T) {
	for dialect, extensions := range dialects {
		for _, inDoubt := range []string{"resend", "hold"} {
			if !long() {
				t.Run(dialect+", "+inDoubt+", anywhere", func(t *testing.T) {
					t.Parallel()
					dropConnections(t, extensions, inDoubt, 400, true, func(s smtptest.Step) smtptest.Reply {
						if drop := drops[rand.IntN(len(drops))]; drop.verb == s.Verb && rand.IntN(10) == 0 {
							return drop.reply
						}
						return smtptest.Reply{}
					})
				})
				continue
			}
			for _, drop := range drops {
				if (drop.verb == smtptest.Bdat) != (dialect == "chunking") && (drop.verb == smtptest.Bdat || drop.verb == smtptest.Data) {
					continue // it never comes
				}
				t.Run(dialect+", "+inDoubt+", "+drop.name, func(t *testing.T) {
					// What lies between answers and a connection that is reset gets lost
					// too; but not where one thing is said at a time.
					again := dialect != "plain" || drop.doubt
					dropConnections(t, extensions, inDoubt, 300, again, func(s smtptest.Step) smtptest.Reply {
						if s.Verb != drop.verb || s.Nth%drop.often != drop.often/2 {
							return smtptest.Reply{}
						}
						return drop.reply
					})
				})
			}
		}
	}
}

// hostileRelay is how a relay is written that mail is offered again soon.
func hostileRelay(id string, port, lanes int) string {
	return fmt.Sprintf("  - {id: %s, host: 127.0.0.1, port: %d, tls: none, lanes: %d, depth: %d, messages: 25, retry: {first: 1s, longest: 2s}}\n", id, port, lanes, chaosDepth)
}

func dropConnections(t *testing.T, extensions []string, inDoubt string, readers int, again bool, script func(smtptest.Step) smtptest.Reply) {
	var fell atomic.Int64
	receiver := &smtptest.Server{Extensions: extensions, Forget: true, Script: func(s smtptest.Step) smtptest.Reply {
		r := script(s)
		if r.Drop || r.Hangup {
			fell.Add(1)
		}
		return r
	}}
	_, port := smtptest.Start(t, receiver)
	dir := chaosRoom(t, "lede.db", readers, port, inDoubt)
	chaosConfig(t, dir, "lede.db", "relays:\n"+hostileRelay("main", port, chaosLanes), inDoubt)
	rep, err := sendToEnd(dir, builtLede(t), 10*time.Minute*time.Duration(doses(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	copies, lost, faults := audit(t, dir, "lede.db", readers, receiver.Copies(), rep)
	for _, fault := range append(faults, receiver.Faults()...) {
		t.Error(fault)
	}
	// A connection may leave all that is on it in doubt, whatever it fell for.
	bound := int(fell.Load()) * chaosDepth
	t.Logf("%d connections cut, %d copies, %d without; %+v", fell.Load(), copies, lost, rep.Sums)
	if !again {
		bound = 0
	}
	switch {
	case fell.Load() == 0 && receiver.Count(smtptest.Rset) > 0:
		t.Error("nothing was cut: the test proves nothing")
	case rep.Sent+rep.InDoubt != readers:
		t.Errorf("not all are sent: %+v", rep)
	case inDoubt == "resend" && (lost > 0 || copies > bound || rep.InDoubt > 0):
		t.Errorf("%d without the mail, %d copies (at most %d)", lost, copies, bound)
	case inDoubt == "hold" && (copies > 0 || lost > rep.InDoubt || rep.InDoubt > int(fell.Load())*chaosDepth):
		t.Errorf("hold: %d copies, %d without, %d held", copies, lost, rep.InDoubt)
	}
}

// malice makes a receiver that is slow, lies, hangs up and refuses, each now
// and then, at any step.
type malice struct {
	often    float64 // of the steps
	mu       sync.Mutex
	refused  map[string]bool // who was refused for good
	mischief map[string]int  // what was done, by step
}

func (m *malice) step(s smtptest.Step) smtptest.Reply {
	if rand.Float64() > m.often {
		return smtptest.Reply{}
	}
	some := func(most time.Duration) time.Duration { return time.Duration(rand.Int64N(int64(most))) }
	var r smtptest.Reply
	what := ""
	switch rand.IntN(12) {
	case 0, 1:
		what, r = "slow", smtptest.Reply{Wait: some(100 * time.Millisecond)}
	case 2:
		what, r = "byte by byte", smtptest.Reply{Trickle: some(3 * time.Millisecond)}
	case 3, 4:
		what, r = "drop", smtptest.Reply{Drop: true}
	case 5:
		what, r = "hang up", smtptest.Reply{Hangup: true}
	case 6:
		what, r = "421", smtptest.Reply{Text: "421 4.3.2 come back", Hangup: rand.IntN(2) == 0}
	case 7:
		what, r = "4xx", smtptest.Reply{Text: []string{"450 4.2.0 greylisted", "451 4.3.0 local error\n451 4.3.0 in two lines", "452 4.3.1 no room"}[rand.IntN(3)]}
	case 8:
		what, r = "5xx", smtptest.Reply{Text: []string{"550 5.1.1 no such user", "552 5.2.2 mailbox full", "554 5.7.1 looks like spam", "500 what"}[rand.IntN(4)]}
	case 9:
		what, r = "nonsense", smtptest.Reply{Text: []string{"354 go ahead", "199 hm", "xyz", "250", "220 hello\n250 again"}[rand.IntN(5)], Hangup: rand.IntN(2) == 0}
	case 10:
		what, r = "endless", smtptest.Reply{Text: "250 and", Endless: true}
	case 11:
		what, r = "slow, then drop", smtptest.Reply{Wait: some(50 * time.Millisecond), Drop: true}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mischief[what]++
	if strings.HasPrefix(r.Text, "5") {
		m.refused[s.To] = true
	}
	return r
}

// Receivers of all kinds are hostile: each step of each mail may go wrong. All
// sums add up, and whatever Lede says of a reader is what the receivers know.
func TestHostileReceivers(t *testing.T) {
	readers := 3000
	if long() {
		readers = doses(0, 100_000)
	}
	m := &malice{often: 0.01, refused: map[string]bool{}, mischief: map[string]int{}}
	type kind struct {
		id     string
		server *smtptest.Server
	}
	kinds := []kind{
		{"plain", &smtptest.Server{Extensions: dialects["plain"]}},
		{"pipelining", &smtptest.Server{Extensions: dialects["pipelining"], Eager: true}},
		{"chunking", &smtptest.Server{Extensions: dialects["chunking"]}},
		{"no-chunking", &smtptest.Server{Extensions: dialects["chunking"], Unknown: "502 5.5.1 what is BDAT"}},
	}
	if long() { // it takes half a minute until these are known
		kinds = append(kinds,
			kind{"deaf", &smtptest.Server{Extensions: dialects["pipelining"], Deaf: true}},
			kind{"deaf-chunking", &smtptest.Server{Extensions: dialects["chunking"], Deaf: true}},
		)
	}
	var relays, ids strings.Builder
	relays.WriteString("relays:\n")
	for i, kind := range kinds {
		kind.server.Script, kind.server.Forget = m.step, true
		_, port := smtptest.Start(t, kind.server)
		relays.WriteString(hostileRelay(kind.id, port, 3))
		if i > 0 {
			ids.WriteString(", ")
		}
		ids.WriteString(kind.id)
	}
	fmt.Fprintf(&relays, "routes:\n  - {relays: [%s]}", ids.String())
	dir := chaosRoom(t, "lede.db", readers, 9, "resend")
	chaosConfig(t, dir, "lede.db", relays.String(), "resend\n    relay: plain")
	start := time.Now()
	rep, err := sendToEnd(dir, builtLede(t), 10*time.Minute*time.Duration(doses(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, kind := range kinds {
		copies := kind.server.Copies()
		t.Logf("%s: %d taken", kind.id, len(copies))
		for to, ids := range copies {
			all[to] = append(all[to], ids...)
		}
	}
	copies, without, faults := audit(t, dir, "lede.db", readers, all, rep)
	for _, fault := range faults {
		t.Error(fault)
	}
	for address, e := range entries(t, dir, "lede.db") {
		if e.state == send.Failed && !m.refused[address] {
			t.Errorf("%s failed, and was never refused: %+v", address, e)
		}
	}
	t.Logf("%d readers in %s: %d copies, %d without; %+v; mischief: %v", readers, time.Since(start).Round(time.Second), copies, without, rep.Sums, m.mischief)
	if rep.Pending+rep.Deferred > 0 || without > rep.Failed+rep.InDoubt {
		t.Errorf("%d without; %+v", without, rep)
	}
	if len(m.mischief) < 10 {
		t.Error("they were not hostile: the test proves nothing")
	}
}
