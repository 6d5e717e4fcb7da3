//go:build !race

// The race detector drops what a sync.Pool keeps, and so allocates anew.
package send

import (
	"testing"

	"lede/compose"
)

func TestEnvelopeAllocatesNothing(t *testing.T) {
	m, err := Compile(compose.Letter{Subject: "Back"}, verpSender())
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 0, 256)
	d := &Delivery{Edition: "0123456789abcdef", Subscriber: 1 << 40, Salt: 7}
	if n := testing.AllocsPerRun(100, func() { buf = m.appendEnvelope(buf[:0], d) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
