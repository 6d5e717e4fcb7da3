//go:build !race

// The race detector drops what a sync.Pool keeps, and so allocates anew.
package send_test

import (
	"testing"

	"lede/send"
)

// A mail costs nothing but its bytes in a buffer that is used again.
func TestAppendAllocatesNothing(t *testing.T) {
	s := testSender()
	s.VERP = true
	m := compile(t, testLetter(), s)
	subject := testLetter()
	subject.Subject = tokenName + ", the ferry is back"
	for name, test := range map[string]struct {
		message *send.Message
		to      send.Delivery
	}{
		"a name":            {m, delivery("Ines Okafor", "ines@quay.example")},
		"no name":           {m, delivery("", "ines@quay.example")},
		"a name in Unicode": {m, delivery("Ærøskøbing Fähre 日本語", "ines@quay.example")},
		"an apostrophe":     {m, delivery("Niamh O'Brien", "o'brien@quay.example")},
		"with pictures":     {compile(t, picturedLetter(), carrying(pictured()...)), delivery("Ines Okafor", "ines@quay.example")},
		"in the subject":    {compile(t, subject, s), delivery("Zoë", "zoe@quay.example")},
	} {
		buf := make([]byte, 0, 64<<10)
		if n := testing.AllocsPerRun(100, func() {
			if _, err := test.message.Append(buf[:0], test.to, editionDate); err != nil {
				t.Error(err)
			}
		}); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
