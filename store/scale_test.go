package store_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lede/audience"
	"lede/newsroom"
	"lede/send"
)

// The snapshot of a large audience is one transaction, which other writers wait
// for: seconds would be too long.
func TestSnapshotOfMany(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	each(t, func(t *testing.T, db database) {
		const people = 100_000
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, people)...)
		start := time.Now()
		if n := publish(t, s, "ed1", now); n != people {
			t.Fatalf("audience %d", n)
		}
		took := time.Since(start)
		start = time.Now()
		sums(t, s, "ed1")
		counted := time.Since(start)
		start = time.Now()
		must(t, s.Move(ctx(), "ed1", []newsroom.State{newsroom.Sending}, newsroom.Cancelled, "desk", "wrong", time.Time{}, now))
		t.Logf("snapshot %s, sums %s, cancelled %s", took, counted, time.Since(start))
		if limit := 10 * time.Second; took > limit {
			t.Errorf("the snapshot took %s", took)
		}
	})
}

// BenchmarkLedger is a mail's part of the ledger's work, from its claim to its
// outcome, in groups as several lanes make them. A mail is one operation; with
// -benchtime 1000000x it is one edition to a million people. Times of the CPU
// are those of the whole process.
func BenchmarkLedger(b *testing.B) {
	for name, make := range onDisk {
		for _, group := range []int{16, 80, 160} {
			b.Run(fmt.Sprintf("%s/%d", name, group), func(b *testing.B) {
				s := database{dsn: make(b)}.open(b)
				for from := 0; from < b.N; from += 5000 {
					subscribe(b, s, "harbour", readers(from, min(from+5000, b.N))...)
				}
				start := time.Now()
				publish(b, s, "ed1", now)
				b.Logf("snapshot of %d: %s", b.N, time.Since(start))
				b.ReportAllocs()
				b.ResetTimer()
				tenths := sendOut(b, s.Ledger(), group, b.N)
				b.ReportMetric(us(tenths[len(tenths)-1]-tenths[0])/float64(b.N), "cpu-µs/mail")
				if len(tenths) > 10 {
					first, last := tenths[1]-tenths[0], tenths[10]-tenths[9]
					b.ReportMetric(float64(last)/float64(first), "last/first")
				}
				reportPeak(b)
			})
		}
	}
}

// sendOut sends an edition's n mails in groups and returns the CPU time at its
// beginning and after each tenth.
func sendOut(t testing.TB, ledger send.Ledger, group, n int) []time.Duration {
	t.Helper()
	times := []time.Duration{cpuTime(t)}
	var done []send.Outcome
	mailed := 0
	for {
		c, err := ledger.Commit(ctx(), done, send.Claim{Edition: "ed1", Max: group, Now: now})
		must(t, err)
		if len(c.Deliveries) == 0 {
			break
		}
		done = done[:0]
		for _, d := range c.Deliveries {
			o := sent(d)
			o.Reply = fmt.Sprintf("2.0.0 Ok: queued as 4XyZ%d", d.Pos)
			done = append(done, o)
		}
		mailed += len(done)
		if mailed*10/n >= len(times) {
			times = append(times, cpuTime(t))
		}
	}
	if mailed != n {
		t.Fatalf("%d mails were claimed, want %d", mailed, n)
	}
	return times
}

// cpuTime is the CPU time that the process has used.
func cpuTime(t testing.TB) time.Duration {
	t.Helper()
	var usage unix.Rusage
	must(t, unix.Getrusage(unix.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func us(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

// reportPeak reports the most memory that the process had resident.
func reportPeak(b *testing.B) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(status)) {
		if kb := 0.0; strings.HasPrefix(line, "VmHWM:") {
			_, _ = fmt.Sscanf(line, "VmHWM: %f kB", &kb)
			b.ReportMetric(kb/1024, "MB-peak")
		}
	}
}

// BenchmarkImport imports b.N new people in calls of a thousand, in no order.
func BenchmarkImport(b *testing.B) {
	s := database{dsn: engines["sqlite"](b)}.open(b)
	chunk := make([]audience.Row, 0, 1000)
	var longest time.Duration
	random := rand.New(rand.NewPCG(1, 2))
	for left := b.N; left > 0; left -= len(chunk) {
		chunk = chunk[:0]
		for range min(1000, left) {
			key := fmt.Sprintf("%x@averne%d.example", random.Uint64(), random.IntN(500))
			chunk = append(chunk, audience.Row{
				Line: 2, Address: key, Key: key, Domain: key[strings.Index(key, "@")+1:], Name: "A Reader",
				Attributes: map[string]string{"town": "Port Averne"},
			})
		}
		start := time.Now()
		_, err := s.ImportRows(ctx(), "harbour", "import readers.csv", chunk, false, now)
		must(b, err)
		longest = max(longest, time.Since(start))
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(longest.Milliseconds()), "ms-longest")
	reportPeak(b)
}
