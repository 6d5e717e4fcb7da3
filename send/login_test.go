package send_test

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"time"

	"lede/internal/smtptest"
	"lede/send"
)

const password = "correct-horse-battery"

// TestSecurity: whatever is wrong with TLS or login, nothing goes out in clear
// text, nobody fails, and no password is in any word.
func TestSecurity(t *testing.T) {
	for _, test := range []struct {
		name    string
		tls     string
		change  func(*smtptest.Server)
		user    string
		cert    string        // host of the certificate
		expires time.Duration // from now
		wrong   bool          // password
		script  func(smtptest.Step) smtptest.Reply
		trouble string // empty: works
	}{
		{name: "starttls", tls: "starttls"},
		{name: "implicit", tls: "implicit"},
		{name: "starttls and login", tls: "starttls", user: "lede"},
		{name: "implicit and login", tls: "implicit", user: "lede"},
		{name: "stripped", tls: "starttls", user: "lede", change: func(s *smtptest.Server) { s.Strip = true }, trouble: "does not offer STARTTLS"},
		{name: "refused", tls: "starttls", user: "lede", script: at(smtptest.StartTLS, smtptest.Reply{Text: "454 4.7.0 no TLS today"}), trouble: "454 4.7.0"},
		{name: "reset in the handshake", tls: "starttls", user: "lede", script: at(smtptest.StartTLS, smtptest.Reply{Hangup: true}), trouble: "relay.example:587: "},
		{name: "clear text where TLS should be", tls: "implicit", user: "lede", change: func(s *smtptest.Server) { s.Implicit = false }, trouble: "TLS"},
		{name: "expired", tls: "starttls", user: "lede", expires: -time.Hour, trouble: "expired"},
		{name: "expired, implicit", tls: "implicit", user: "lede", expires: -time.Hour, trouble: "expired"},
		{name: "wrong name", tls: "starttls", user: "lede", cert: "other.example", trouble: "other.example"},
		{name: "wrong name, implicit", tls: "implicit", user: "lede", cert: "other.example", trouble: "other.example"},
		{name: "wrong password", tls: "starttls", user: "lede", wrong: true, trouble: "login: 535 5.7.8"},
		{name: "password echoed", tls: "starttls", user: "lede", script: at(smtptest.Auth, smtptest.Reply{Text: "535 5.7.8 bad password " + password}), trouble: "login: 535 5.7.8 bad password [password]"},
		{name: "no AUTH offered", tls: "starttls", user: "lede", change: func(s *smtptest.Server) { s.User = "" }, trouble: "offers no AUTH"},
		{name: "login without TLS", tls: "none", user: "lede", change: func(s *smtptest.Server) { s.TLS = nil }, trouble: "in the clear"},
		{name: "unknown TLS setting", tls: "starttls ", user: "lede", trouble: "TLS"},
		{name: "login wanted and none set", tls: "starttls", change: func(s *smtptest.Server) { s.User, s.Password = "lede", password }, trouble: "530"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := &smtptest.Server{Script: test.script, Implicit: test.tls == "implicit"}
			relay := send.Relay{ID: "main", Host: "relay.example", Port: 587, TLS: test.tls, Username: test.user, Password: password, Lanes: 3}
			if test.user != "" {
				server.User, server.Password = test.user, password
			}
			if test.wrong {
				server.Password = "another"
			}
			inWorld(t, 5, relay, server, func(w *world) {
				if test.cert == "" {
					test.cert = "relay.example"
				}
				if test.expires == 0 {
					test.expires = 24 * time.Hour
				}
				cert, pool := smtptest.Certificate(t, test.cert, time.Now().Add(test.expires))
				w.server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
				if test.change != nil {
					test.change(w.server)
				}
				w.d.TLS = &tls.Config{RootCAs: pool}
				status := w.deliver()
				if test.trouble == "" {
					w.want(map[send.State]int{send.Sent: 5})
					if status.Trouble != nil {
						t.Errorf("trouble: %v", status.Trouble)
					}
					if found, err := w.d.Check(w.t.Context(), "main"); err != nil || !strings.Contains(strings.Join(found, "\n"), "TLS 1.3") {
						t.Errorf("check: %q, %v", found, err)
					}
					return
				}
				if status.Trouble == nil || !strings.Contains(status.Trouble.Error(), test.trouble) {
					t.Errorf("trouble %v, want %q", status.Trouble, test.trouble)
				}
				_, err := w.d.Check(w.t.Context(), "main")
				if test.trouble != "530" && err == nil {
					t.Error("check finds nothing wrong")
				}
				if said := fmt.Sprint(status.Trouble, err); strings.Contains(said, password) {
					t.Errorf("the password is in %q", said)
				}
				if sums := w.ledger.sums(); sums[send.Pending] != 5 {
					t.Errorf("sums %v", sums)
				}
				if n := len(w.server.Mails()); n > 0 {
					t.Errorf("%d mails went out", n)
				}
				if n := w.server.Count(smtptest.Auth); n > 2 {
					t.Errorf("%d logins tried: accounts get locked", n)
				}
			})
		})
	}
}

// at is a script that does one thing at every step of a kind.
func at(verb string, reply smtptest.Reply) func(smtptest.Step) smtptest.Reply {
	return func(s smtptest.Step) smtptest.Reply {
		if s.Verb == verb {
			return reply
		}
		return smtptest.Reply{}
	}
}
