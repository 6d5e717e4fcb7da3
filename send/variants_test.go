package send_test

import (
	"fmt"
	"strings"
	"testing"

	"lede/internal/smtptest"
	"lede/send"
)

// messagesBy are messages of so many variants and so many subjects of a test,
// each with its own subject line; 0 subjects: no test.
func messagesBy(t testing.TB, variants, subjects int) [][]*send.Message {
	var all [][]*send.Message
	for v := range variants {
		var row []*send.Message
		for s := range max(1, subjects+1) {
			if subjects > 0 && s == 0 {
				row = append(row, nil)
				continue
			}
			letter := testLetter()
			letter.Subject = fmt.Sprintf("Variant %d, subject %d", v, s)
			row = append(row, compile(t, letter, testSender()))
		}
		all = append(all, row)
	}
	return all
}

// Each delivery gets the message of its variant and its subject, however many
// lanes there are and however they speak.
func TestMessagesByVariantAndSubject(t *testing.T) {
	inModes(t, func(t *testing.T, m wireMode) {
		for _, subjects := range []int{0, 3} {
			server := &smtptest.Server{Extensions: m.offers}
			inWorld(t, 120, send.Relay{Lanes: 3, Depth: 8}, server, func(w *world) {
				w.job.Messages = messagesBy(t, 4, subjects)
				w.job.Message = nil // nothing may fall back on it
				for i, r := range w.ledger.rows {
					r.Variant = i % 4
					if subjects > 0 {
						r.Subject = 1 + i%subjects
					}
				}
				if status := w.deliver(); !status.Next.IsZero() {
					t.Errorf("left: %+v", status)
				}
				mails := server.Received()
				if len(mails) != 120 {
					t.Fatalf("%d mails", len(mails))
				}
				for _, mail := range mails {
					r := w.ledger.byAddr[mail.To[0]]
					want := fmt.Sprintf("\r\nSubject: Variant %d, subject %d\r\n", r.Variant, r.Subject)
					if !strings.Contains(string(mail.Data), want) {
						t.Errorf("%s is not given%s", r.Address, want)
					}
				}
			})
		}
	})
}

// What has no subject yet, or a variant that the edition does not have, is never
// sent: delivering stops with an error, and the delivery stays to be sent.
func TestNoMessageIsNeverSent(t *testing.T) {
	for name, c := range map[string]struct {
		messages         func(testing.TB) [][]*send.Message
		variant, subject int
	}{
		"a subject that is not chosen": {func(t testing.TB) [][]*send.Message { return messagesBy(t, 1, 2) }, 0, 0},
		"a subject too many":           {func(t testing.TB) [][]*send.Message { return messagesBy(t, 1, 2) }, 0, 3},
		"a subject without a test":     {func(t testing.TB) [][]*send.Message { return messagesBy(t, 2, 0) }, 1, 1},
		"a variant too many":           {func(t testing.TB) [][]*send.Message { return messagesBy(t, 2, 0) }, 2, 0},
		"a variant of one letter":      {func(testing.TB) [][]*send.Message { return nil }, 1, 0},
		"a subject of one letter":      {func(testing.TB) [][]*send.Message { return nil }, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			server := &smtptest.Server{}
			inWorld(t, 1, send.Relay{Lanes: 1, Depth: 1}, server, func(w *world) {
				w.job.Messages = c.messages(t)
				w.ledger.rows[0].Variant, w.ledger.rows[0].Subject = c.variant, c.subject
				if _, err := w.d.Deliver(w.t.Context(), w.job); err == nil || !strings.Contains(err.Error(), "the edition has no such letter") {
					t.Errorf("error %v", err)
				}
				if got := w.ledger.sums()[send.Pending]; got != 1 || len(server.Received()) > 0 {
					t.Errorf("%d pending, %d sent", got, len(server.Received()))
				}
			})
		})
	}
}
