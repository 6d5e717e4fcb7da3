package store_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

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

// BenchmarkCommit is a mail's part of the ledger's work, in groups as several
// lanes make them.
func BenchmarkCommit(b *testing.B) {
	for _, group := range []int{8, 64, 160} {
		b.Run(fmt.Sprint(group), func(b *testing.B) {
			s := database{dsn: engines["sqlite"](b)}.open(b)
			subscribe(b, s, "harbour", readers(0, b.N)...)
			publish(b, s, "ed1", now)
			ledger := s.Ledger()
			var done []send.Outcome
			b.ResetTimer()
			for {
				c, err := ledger.Commit(ctx(), done, send.Claim{Edition: "ed1", Max: group, Now: now})
				must(b, err)
				if len(c.Deliveries) == 0 {
					return
				}
				done = done[:0]
				for _, d := range c.Deliveries {
					done = append(done, sent(d))
				}
			}
		})
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
	if status, err := os.ReadFile("/proc/self/status"); err == nil {
		for line := range strings.Lines(string(status)) {
			if kb := 0.0; strings.HasPrefix(line, "VmHWM:") {
				_, _ = fmt.Sscanf(line, "VmHWM: %f kB", &kb)
				b.ReportMetric(kb/1024, "MB-peak")
			}
		}
	}
}
