package send_test

import (
	"testing"
	"time"

	"lede/internal/smtptest"
	"lede/send"
)

// BenchmarkDeliver sends through real TCP on loopback to the scripted receiver;
// a commit of the ledger takes a millisecond.
func BenchmarkDeliver(b *testing.B) {
	server := &smtptest.Server{Forget: true}
	host, port := smtptest.Start(b, server)
	const lanes, depth = 4, 8
	l := newLedger(b, b.N, lanes*depth)
	l.slow = time.Millisecond
	d := send.NewDispatcher(l, send.Plan{Relays: []send.Relay{send.Relay{ID: "main", Host: host, Port: port, TLS: "none", Lanes: lanes, Depth: depth}}}, nil)
	job := send.Job{Edition: "ed1", Relay: "main", Message: compile(b, testLetter(), testSender()), Date: editionDate}
	b.ResetTimer()
	if _, err := d.Deliver(b.Context(), job); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	if n := l.sums()[send.Sent]; n != b.N {
		b.Fatalf("%d sent of %d", n, b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
}
