package send

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"strings"
	"testing"
	"time"

	"lede/compose"
)

func signedMessage(t testing.TB) *Message {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s := verpSender()
	s.DKIM = []DKIM{{Domain: "port-averne.example", Selector: "lede", Key: key}}
	m, err := Compile(compose.Letter{Subject: "Back", HTML: strings.Repeat("<p>The tide turned at four.</p>\n", 400), Text: "The tide turned at four.\n"}, s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestDrafts(t *testing.T) {
	m := signedMessage(t)
	date := time.Date(2026, 11, 23, 6, 30, 0, 0, time.UTC)
	var drafts []*draft
	var want [][]byte
	for i := range 16 {
		d := Delivery{Edition: "ed1", Subscriber: int64(i), Address: "ines@quay.example"}
		drafts = append(drafts, m.draft(nil, d, date))
		mail, err := m.Append(nil, d, date)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, mail)
	}
	for i, f := range drafts {
		if err := f.wait(); err != nil || !bytes.Equal(f.mail, want[i]) {
			t.Errorf("draft %d is another mail (%v)", i, err)
		}
	}
	if err := m.draft(nil, Delivery{Address: "nobody"}, date).wait(); !errors.Is(err, errRecipient) {
		t.Error(err)
	}
}

// BenchmarkOneLane signs what one lane sends: each mail when its turn comes, or
// a window of them ahead.
func BenchmarkOneLane(b *testing.B) {
	m := signedMessage(b)
	d := Delivery{Edition: "ed1", Subscriber: 7, Address: "ines@quay.example"}
	date := time.Date(2026, 11, 23, 6, 30, 0, 0, time.UTC)
	b.Run("in turn", func(b *testing.B) {
		var buf []byte
		var err error
		for b.Loop() {
			if buf, err = m.Append(buf[:0], d, date); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ahead", func(b *testing.B) {
		const window = 8
		var drafts [window]*draft
		for i := range drafts {
			drafts[i] = m.draft(nil, d, date)
		}
		for i := 0; b.Loop(); i++ {
			f := drafts[i%window]
			if err := f.wait(); err != nil {
				b.Fatal(err)
			}
			drafts[i%window] = m.draft(f.mail[:0], d, date)
		}
		for _, f := range drafts {
			_ = f.wait()
		}
	})
}
