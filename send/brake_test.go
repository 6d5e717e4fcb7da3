package send_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lede/internal/smtptest"
	"lede/send"
)

// refusing answers verb with what says gives, empty for the usual answer.
func refusing(verb string, says func(s smtptest.Step) string) *smtptest.Server {
	return &smtptest.Server{Script: func(s smtptest.Step) smtptest.Reply {
		if s.Verb != verb {
			return smtptest.Reply{}
		}
		return smtptest.Reply{Text: says(s)}
	}}
}

// A relay that refuses everybody fails nobody: it is said in one line, and the
// whole audience has the mail once the relay is put right.
func TestRelayRefusesEverybody(t *testing.T) {
	for name, test := range map[string]struct{ verb, answer, trouble string }{
		"relaying":   {smtptest.Rcpt, "554 5.7.1 <%[1]s>: Relay access denied", "refuses every recipient: 554 5.7.1 Relay access denied"},
		"no code":    {smtptest.Rcpt, "550 relay not permitted", "refuses every recipient: 550 relay not permitted"},
		"odd code":   {smtptest.Rcpt, "571 5.7.1 blocked", "refuses every recipient: 571 5.7.1 blocked"},
		"session id": {smtptest.Data, "550 5.7.26 unauthenticated, see AM0EUR%[2]d", "refuses every mail: 550 5.7.26 unauthenticated, see AM0EUR"},
		"spam":       {smtptest.Dot, "554 5.7.1 your address is blocked", "refuses every mail: 554 5.7.1 your address is blocked"},
	} {
		for _, relay := range []send.Relay{{Lanes: 1, Depth: 1}, {Lanes: 4, Depth: 8}, {Lanes: 4, Depth: 8, Rate: send.Rate{Count: 20, Per: time.Second}}} {
			t.Run(fmt.Sprintf("%s %d by %d %v", name, relay.Lanes, relay.Depth, relay.Rate), func(t *testing.T) {
				broken := true
				server := refusing(test.verb, func(s smtptest.Step) string {
					if !broken {
						return ""
					}
					answer := strings.ReplaceAll(test.answer, "%[1]s", s.To)
					return strings.ReplaceAll(answer, "%[2]d", fmt.Sprint(s.Nth))
				})
				inWorld(t, 500, relay, server, func(w *world) {
					for round := 1; round <= 3; round++ {
						status := w.deliver()
						if status.Trouble == nil || !strings.Contains(status.Trouble.Error(), test.trouble) || strings.Contains(status.Trouble.Error(), "@") {
							t.Fatalf("round %d: status %+v", round, status)
						}
						w.want(map[send.State]int{send.Pending: 500})
						if n, most := w.server.Count(test.verb), round*(19+relay.Lanes); n < round*20 || n > most {
							t.Errorf("%d were tried in %d rounds, at most %d may be", n, round, most)
						}
						if wait := time.Until(status.Next); wait < 20*time.Second || wait > 6*time.Minute {
							t.Errorf("tried again in %s", wait)
						}
						time.Sleep(time.Until(status.Next))
					}
					broken = false
					w.finish()
					w.want(map[send.State]int{send.Sent: 500})
					w.copies(1)
					for i := range 500 {
						if n := w.ledger.row(i).Attempt; n != 1 {
							t.Errorf("delivery %d counts %d attempts", i, n)
						}
					}
				})
			})
		}
	}
}

// A short list that is refused as a whole fails as usual, and so do the first
// of a long one when others are taken.
func TestRefusedRecipients(t *testing.T) {
	for _, test := range []struct{ n, refused, failed int }{
		{1, 1, 1},
		{19, 19, 19},
		{20, 20, 0}, // and stay pending
		{500, 1, 1},
		{500, 19, 19},
		{500, 25, 25},
		{500, 300, 300},
	} {
		t.Run(fmt.Sprintf("%d of %d", test.refused, test.n), func(t *testing.T) {
			server := refusing(smtptest.Rcpt, func(s smtptest.Step) string {
				var i int
				fmt.Sscanf(s.To, "r%d@", &i)
				if i < test.refused {
					return "550 5.7.1 <" + s.To + "> does not want your mail"
				}
				return ""
			})
			inWorld(t, test.n, send.Relay{Lanes: 2}, server, func(w *world) {
				if test.failed == 0 {
					if status := w.deliver(); status.Trouble == nil {
						t.Errorf("status %+v", status)
					}
					w.want(map[send.State]int{send.Pending: test.n})
					return
				}
				w.finish()
				want := map[send.State]int{send.Failed: test.failed}
				if test.n > test.failed {
					want[send.Sent] = test.n - test.failed
				}
				w.want(want)
				w.copies(1)
				if r := w.ledger.row(0); !strings.HasPrefix(r.last.Reply, "5.7.1 ") || r.last.Code != 550 {
					t.Errorf("outcome %+v", r.last)
				}
			})
		})
	}
}

// Once the relay took mail of the edition, refusals that do not blame us are the
// recipients', also in a later Deliver that they are alone in.
func TestRefusedAfterGreylisting(t *testing.T) {
	seen := map[string]bool{}
	server := refusing(smtptest.Rcpt, func(s smtptest.Step) string {
		switch {
		case s.To == "r0@quay.example":
			return ""
		case !seen[s.To]:
			seen[s.To] = true
			return "451 4.7.1 greylisted, come again"
		}
		return "550 5.1.1 no such user"
	})
	inWorld(t, 60, send.Relay{}, server, func(w *world) {
		if troubles := w.finish(); len(troubles) > 0 {
			t.Errorf("troubles %v", troubles)
		}
		w.want(map[send.State]int{send.Sent: 1, send.Failed: 59})
	})
}

// Refusals in many different words are the recipients': each fails when it
// comes round again.
func TestRefusedInManyWords(t *testing.T) {
	server := refusing(smtptest.Rcpt, func(s smtptest.Step) string {
		var i int
		fmt.Sscanf(s.To, "r%d@", &i)
		return "550 5.7.1 " + strings.Repeat("no ", i%10+1)
	})
	inWorld(t, 100, send.Relay{}, server, func(w *world) {
		if troubles := w.finish(); len(troubles) > 0 {
			t.Errorf("troubles %v", troubles)
		}
		w.want(map[send.State]int{send.Failed: 100})
	})
}

// Nobody goes back for ever: what is left of an edition of yesterday fails.
func TestRefusedTooLong(t *testing.T) {
	server := refusing(smtptest.Rcpt, func(smtptest.Step) string { return "554 5.7.1 no" })
	inWorld(t, 60, send.Relay{}, server, func(w *world) {
		for _, r := range w.ledger.rows {
			r.First = time.Now().Add(-25 * time.Hour)
		}
		w.finish()
		w.want(map[send.State]int{send.Failed: 60})
	})
}
