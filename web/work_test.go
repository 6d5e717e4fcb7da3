package web

import (
	"strconv"
	"testing"
	"time"
)

// A challenge counts once while it is good; what is remembered stays bounded.
func TestSpent(t *testing.T) {
	s := newSpent()
	now := time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC)
	if !s.take("a", now) || s.take("a", now.Add(workLife)) || !s.has("a") || s.has("b") {
		t.Error("a challenge counts twice, or one that was not spent does not count")
	}
	s.take("b", now.Add(workLife+time.Second))
	if s.has("a") {
		t.Error("one that nobody can answer any more is still remembered")
	}
	for i := range mostSpent + 100 {
		s.take(strconv.Itoa(i), now.Add(workLife+2*time.Second))
	}
	if len(s.until) > mostSpent || len(s.order) > mostSpent {
		t.Errorf("%d are remembered", len(s.until))
	}
	if !s.has(strconv.Itoa(mostSpent + 99)) {
		t.Error("the newest is forgotten")
	}
}

// A proof counts as SHA-256 has it, in one spelling.
func TestWorked(t *testing.T) {
	for _, c := range []struct {
		proof string
		bits  int
		want  bool
	}{
		// SHA-256("ferry.00000d36"), by sha256sum, begins with 0009.
		{"00000d36", 12, true},
		{"00000d36", 13, false},
		{"00000d37", 12, false},
		{"00000D36", 12, false},
		{"d36", 12, false},
		{"00000d36 ", 12, false},
		{"", 1, false},
	} {
		if got := worked("ferry", c.proof, c.bits); got != c.want {
			t.Errorf("%s for %d bits: %v", c.proof, c.bits, got)
		}
	}
}
