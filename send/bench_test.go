package send_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"lede/internal/smtptest"
	"lede/send"
)

// benchLetter is a letter of about size bytes on the wire.
func benchLetter(size int) string {
	const line = "<p>The tide table for the quay of Port Averne, as it was read this morning.</p>\n"
	return strings.Repeat(line, max(1, size/len(line)))
}

// BenchmarkDeliver delivers letters of 40 KB on loopback, from ten lanes to a
// receiver that shares the machine: its CPU time is in the figure. The ledger
// is in memory.
func BenchmarkDeliver(b *testing.B) {
	for _, bench := range []struct {
		name                 string
		pipelining, chunking bool
		delay                time.Duration
		lanes                int
	}{
		{"plain", false, false, 0, 10},
		{"pipelining", true, false, 0, 10},
		{"chunking", true, true, 0, 10},
		{"far plain", false, false, 20 * time.Millisecond, 1},
		{"far pipelining", true, false, 20 * time.Millisecond, 1},
		{"far chunking", true, true, 20 * time.Millisecond, 1},
	} {
		b.Run(bench.name, func(b *testing.B) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			sink := &smtptest.Sink{Pipelining: bench.pipelining, Chunking: bench.chunking, Delay: bench.delay}
			served := make(chan struct{})
			go func() {
				sink.Serve(listener)
				close(served)
			}()
			const depth = 8
			l := newFastLedger(b.N)
			relay := send.Relay{
				ID: "main", Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, TLS: "none",
				Lanes: bench.lanes, Depth: depth,
			}
			d := send.NewDispatcher(l, send.Plan{Relays: []send.Relay{relay}}, nil)
			letter := testLetter()
			letter.HTML = benchLetter(38<<10) + letter.HTML
			job := send.Job{Edition: "ed1", Relay: "main", Message: compile(b, letter, testSender()), Date: editionDate}
			b.ReportAllocs()
			b.ResetTimer()
			before := cpuTime()
			if _, err := d.Deliver(b.Context(), job); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			used := cpuTime() - before
			_ = listener.Close()
			<-served
			if n := l.sent; n != b.N || sink.Mails() != int64(b.N) || sink.Bad() > 0 {
				b.Fatalf("%d sent of %d, %d came, %d bad", n, b.N, sink.Mails(), sink.Bad())
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
			b.ReportMetric(float64(used.Microseconds())/float64(b.N), "cpu-µs/mail")
			b.ReportMetric(float64(sink.Connections()), "connections")
			b.ReportMetric(float64(sink.Bytes())/float64(b.N), "bytes/mail")
		})
	}
}

// cpuTime is what this process used, the receiver included.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// fastLedger is a ledger in memory that costs next to nothing.
type fastLedger struct {
	addresses  []string
	next, sent int
	room       []send.Delivery // of the last answer
}

func newFastLedger(n int) *fastLedger {
	l := &fastLedger{addresses: make([]string, n)}
	for i := range l.addresses {
		l.addresses[i] = fmt.Sprintf("reader%d@quay.example", i)
	}
	return l
}

func (l *fastLedger) Commit(_ context.Context, done []send.Outcome, ask send.Claim) (send.Claimed, error) {
	for _, o := range done {
		if o.State == send.Sent {
			l.sent++
		}
	}
	l.room = l.room[:0]
	for ; len(l.room) < ask.Max && l.next < len(l.addresses); l.next++ {
		l.room = append(l.room, send.Delivery{
			Edition: ask.Edition, Pos: int64(l.next), Subscriber: int64(l.next) + 1, Salt: 5, Address: l.addresses[l.next],
			Name: "Reader", Domain: "quay.example", Relay: "main", Attempt: 1, First: ask.Now,
		})
	}
	claimed := send.Claimed{Open: true, Deliveries: l.room}
	if len(l.room) == 0 && l.next < len(l.addresses) {
		claimed.Next = ask.Now
	}
	return claimed, nil
}

func (l *fastLedger) Recover(context.Context, string, bool, time.Time) (int, error) { return 0, nil }

func (l *fastLedger) Accepted(context.Context, string, time.Time) (int, error) { return 0, nil }
