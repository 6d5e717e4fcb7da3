package send_test

import (
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lede/compose"
	"lede/internal/smtptest"
	"lede/send"
)

var offersAll = []string{"PIPELINING", "CHUNKING", "SIZE 10000000"}

// A relay that does not keep what it offers is spoken to without it, and nobody
// loses anything by that: no attempt, no copy too many.
func TestLyingRelay(t *testing.T) {
	for name, test := range map[string]struct {
		server *smtptest.Server
		groups bool // it understands those
		took   time.Duration
	}{
		"BDAT is unknown":           {&smtptest.Server{Extensions: offersAll, Unknown: "500 5.5.1 what?"}, true, time.Second},
		"BDAT is not implemented":   {&smtptest.Server{Extensions: offersAll, Unknown: "502 5.5.1 not here"}, true, time.Second},
		"BDAT is out of order":      {&smtptest.Server{Extensions: offersAll, Unknown: "503 5.5.1 not now"}, true, time.Second},
		"BDAT has a bad parameter":  {&smtptest.Server{Extensions: offersAll, Unknown: "504 5.5.4 LAST?"}, true, time.Second},
		"commands get lost":         {&smtptest.Server{Extensions: []string{"PIPELINING"}, Deaf: true}, false, 5 * time.Minute},
		"also beside CHUNKING":      {&smtptest.Server{Extensions: offersAll, Deaf: true}, false, 5 * time.Minute},
		"DATA is out of order":      {&smtptest.Server{Extensions: []string{"PIPELINING"}, Script: inGroup("503 5.5.1 MAIL first")}, false, time.Second},
		"DATA is answered with 250": {&smtptest.Server{Extensions: []string{"PIPELINING"}, Script: inGroup("250 what?")}, false, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 60, send.Relay{Lanes: 2}, test.server, func(w *world) {
				start := time.Now()
				if troubles := w.finish(); len(troubles) > 0 {
					t.Errorf("troubles %v", troubles)
				}
				w.want(map[send.State]int{send.Sent: 60})
				w.copies(1)
				for i := range 60 {
					if n := w.ledger.row(i).Attempt; n != 1 {
						t.Errorf("delivery %d took %d attempts", i, n)
					}
				}
				if took := time.Since(start); took > test.took {
					t.Errorf("it took %s", took)
				}
				if n := w.server.Count(smtptest.Greeting); n > 6 {
					t.Errorf("%d connections: it was tried again and again", n)
				}
				if rsets := w.server.Count(smtptest.Rset); test.groups && rsets > 4 {
					t.Errorf("%d RSET: it goes on with CHUNKING", rsets)
				}
			})
		})
	}
}

// inGroup is a relay that trips over its first DATA.
func inGroup(answer string) func(smtptest.Step) smtptest.Reply {
	return func(s smtptest.Step) smtptest.Reply {
		if s.Verb == smtptest.Data && s.Connection == 1 {
			return smtptest.Reply{Text: answer}
		}
		return smtptest.Reply{}
	}
}

// A relay that answers 354 though it refused the recipient gets an empty mail,
// which goes to nobody, and the neighbours are unharmed.
func TestDataWithoutRecipients(t *testing.T) {
	for _, verb := range []string{smtptest.Rcpt, smtptest.MailFrom} {
		t.Run(verb, func(t *testing.T) {
			server := &smtptest.Server{Extensions: []string{"PIPELINING"}, Eager: true, Script: func(s smtptest.Step) smtptest.Reply {
				if s.Verb == verb && s.Nth%4 == 3 {
					return smtptest.Reply{Text: "451 4.3.0 try again"}
				}
				return smtptest.Reply{}
			}}
			inWorld(t, 60, send.Relay{}, server, func(w *world) {
				w.deliver()
				if n := w.server.Count(smtptest.Greeting); n > 1 {
					t.Errorf("%d connections: a refusal cost one", n)
				}
				w.finish()
				w.want(map[send.State]int{send.Sent: 60})
				w.copies(1)
			})
		})
	}
}

// Relays that count errors end a connection at a RSET, or by a 421 at whatever
// comes next. What lay behind was not begun: it loses nothing, and nothing is in
// doubt.
func TestLimitOfRefusals(t *testing.T) {
	for name, bye := range map[string]smtptest.Reply{
		"421 at RSET": {Text: "421 4.7.0 too many errors", Hangup: true},
		"554 at RSET": {Text: "554 too many nonmail commands", Hangup: true},
	} {
		for _, extensions := range [][]string{{"8BITMIME"}, {"PIPELINING"}, offersAll} {
			t.Run(name+" "+extensions[0], func(t *testing.T) {
				var refused [100]atomic.Int64
				server := &smtptest.Server{Extensions: extensions, Script: func(s smtptest.Step) smtptest.Reply {
					switch {
					case s.Verb == smtptest.Rcpt && !strings.HasPrefix(s.To, "r0@") && (s.To[1]-'0')%3 > 0:
						refused[s.Connection%100].Add(1)
						return smtptest.Reply{Text: "550 5.1.1 no such user"}
					case s.Verb == smtptest.Rset && refused[s.Connection%100].Load() >= 5:
						return bye
					}
					return smtptest.Reply{}
				}}
				inWorld(t, 90, send.Relay{Lanes: 2}, server, func(w *world) {
					w.job.Hold = true
					if troubles := w.finish(); len(troubles) > 0 {
						t.Errorf("troubles %v", troubles)
					}
					sums := w.ledger.sums()
					if sums[send.Sent]+sums[send.Failed] != 90 || sums[send.Sent] < 20 {
						t.Errorf("sums %v", sums)
					}
					w.copies(1)
				})
			})
		}
	}
}

// A relay that says goodbye and goes on has perhaps taken what lay behind.
func TestGoodbyeAndOn(t *testing.T) {
	var said, dots atomic.Int64
	server := &smtptest.Server{Extensions: offersAll, Script: func(s smtptest.Step) smtptest.Reply {
		switch {
		case s.Verb == smtptest.Rset && s.Taken == 10 && said.CompareAndSwap(0, 1):
			return smtptest.Reply{Text: "421 4.3.2 bye"}
		case s.Verb == smtptest.Dot && s.Connection == 1 && said.Load() > 0:
			dots.Add(1)
			return smtptest.Reply{Drop: true} // taken
		}
		return smtptest.Reply{}
	}}
	inWorld(t, 90, send.Relay{}, server, func(w *world) {
		w.job.Hold = true
		w.finish()
		if dots.Load() != 1 {
			t.Errorf("%d taken after the goodbye: the test proves nothing", dots.Load())
		}
		w.copies(1)
		w.want(map[send.State]int{send.Sent: 89, send.InDoubt: 1})
	})
}

// A mail that is larger than the relay takes is the relay's trouble: nobody
// fails by it.
func TestSize(t *testing.T) {
	server := &smtptest.Server{Extensions: []string{"PIPELINING", "SIZE 500"}}
	inWorld(t, 10, send.Relay{}, server, func(w *world) {
		status := w.deliver()
		if status.Trouble == nil || !strings.Contains(status.Trouble.Error(), "the relay takes 500 at most") {
			t.Errorf("status %+v", status)
		}
		if sums := w.ledger.sums(); sums[send.Failed] > 0 || sums[send.Sent] > 0 {
			t.Errorf("sums %v", sums)
		}
		if n := w.server.Count(smtptest.MailFrom); n > 0 {
			t.Errorf("%d were tried", n)
		}
		// Another machine behind the same name may take more.
		w.server.Extensions = []string{"PIPELINING"}
		w.finish()
		w.want(map[send.State]int{send.Sent: 10})
		w.copies(1)
	})
}

func TestExtensionsLeftAlone(t *testing.T) {
	for name, test := range map[string]struct {
		relay send.Relay
		verb  string // by which mails go
	}{
		"all used":      {send.Relay{}, smtptest.Bdat},
		"no CHUNKING":   {send.Relay{NoChunking: true}, smtptest.Data},
		"no PIPELINING": {send.Relay{NoPipelining: true}, smtptest.Data},
	} {
		t.Run(name, func(t *testing.T) {
			server := &smtptest.Server{Extensions: offersAll}
			inWorld(t, 20, test.relay, server, func(w *world) {
				w.finish()
				w.want(map[send.State]int{send.Sent: 20})
				if n := w.server.Count(test.verb); n != 20 {
					t.Errorf("%d %s", n, test.verb)
				}
			})
		})
	}
}

// A connection that waits for its next mail says NOOP until it was unused for
// too long; an old one is made anew.
func TestIdleAndLifetime(t *testing.T) {
	slow := send.Rate{Count: 60, Per: time.Hour}
	for name, test := range map[string]struct {
		relay       send.Relay
		connections int
		noops       bool
	}{
		"kept alive":         {send.Relay{Rate: slow, Idle: 5 * time.Minute}, 1, true},
		"unused":             {send.Relay{Rate: slow}, 20, true},
		"unused, no NOOP":    {send.Relay{Rate: slow, Idle: 10 * time.Second}, 20, false},
		"lifetime":           {send.Relay{Rate: slow, Idle: 5 * time.Minute, Lifetime: 5*time.Minute + time.Second}, 4, true},
		"mails a connection": {send.Relay{Messages: 7}, 3, false},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 20, test.relay, &smtptest.Server{Extensions: offersAll}, func(w *world) {
				w.finish()
				w.want(map[send.State]int{send.Sent: 20})
				if n := w.server.Count(smtptest.Greeting); n < test.connections || n > test.connections+1 {
					t.Errorf("%d connections, want %d", n, test.connections)
				}
				if n := w.server.Count(smtptest.Noop); n > 0 != test.noops {
					t.Errorf("%d NOOP", n)
				}
				if w.server.Count(smtptest.Quit) != w.server.Count(smtptest.Greeting) {
					t.Errorf("%d connections, %d ended by QUIT", w.server.Count(smtptest.Greeting), w.server.Count(smtptest.Quit))
				}
			})
		})
	}
}

// A connection that nobody answers on any more is found out by its NOOP: the
// next mail goes over another, and loses nothing.
func TestHalfOpen(t *testing.T) {
	for name, reply := range map[string]smtptest.Reply{"silent": {Wait: time.Hour}, "gone": {Drop: true}, "421": {Text: "421 4.4.2 idle for too long", Hangup: true}} {
		t.Run(name, func(t *testing.T) {
			server := &smtptest.Server{Extensions: offersAll, Script: at(smtptest.Noop, reply)}
			relay := send.Relay{Rate: send.Rate{Count: 60, Per: time.Hour}, Idle: 5 * time.Minute}
			inWorld(t, 10, relay, server, func(w *world) {
				start := time.Now()
				w.finish()
				w.want(map[send.State]int{send.Sent: 10})
				w.copies(1)
				for i := range 10 {
					if n := w.ledger.row(i).tries; n != 1 {
						t.Errorf("delivery %d was claimed %d times", i, n)
					}
				}
				if took := time.Since(start); took > 12*time.Minute {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

// Lines that begin with a full stop, which only Post may have, arrive as they
// are.
func TestPostStuffs(t *testing.T) {
	inModes(t, func(t *testing.T, m wireMode) {
		mail := ".first\r\nMessage-ID: <a@b>\r\n\r\n.\r\n..\r\n.x\r\nend.\r\n"
		inWorld(t, 0, send.Relay{}, &smtptest.Server{Extensions: m.offers}, func(w *world) {
			w.intent = func(string) bool { return true }
			for range 3 {
				if err := w.d.Post(w.t.Context(), "main", "letter@port-averne.example", []string{"desk@quay.example", "ed@quay.example"}, []byte(mail)); err != nil {
					t.Fatal(err)
				}
			}
			if n := len(w.server.Received()); n != 6 {
				t.Errorf("%d arrived", n)
			}
			for _, got := range w.server.Received() {
				if string(got.Data) != mail {
					t.Errorf("%q", got.Data)
				}
			}
		})
	})
}

// What a Message makes goes out as it is: no line of it begins with a full stop.
func TestLetterArrivesAsMade(t *testing.T) {
	inModes(t, func(t *testing.T, m wireMode) {
		inWorld(t, 20, send.Relay{}, &smtptest.Server{Extensions: m.offers}, func(w *world) {
			letter := testLetter()
			letter.Text = ".\r\n.hidden\n..\n" + letter.Text + "\n.\n"
			letter.HTML += "\n.\n.end\n"
			w.job.Message = compile(t, letter, testSender())
			w.finish()
			for _, got := range w.server.Received() {
				var n int
				fmt.Sscanf(got.To[0], "r%d@", &n)
				r := w.ledger.row(n)
				want, err := w.job.Message.Append(nil, r.Delivery, editionDate)
				if err != nil || string(want) != string(got.Data) {
					t.Errorf("%s got another mail than was made (%v)", got.To[0], err)
				}
			}
		})
	})
}

// TLS is resumed on further connections, ours is the certificate that the relay
// asks for, and a CA of one's own is trusted.
func TestTLSSettings(t *testing.T) {
	for name, test := range map[string]struct {
		mode    string
		asks    tls.ClientAuthType
		resumed int64 // connections after the first
	}{
		"starttls":           {"starttls", tls.NoClientCert, 3},
		"implicit":           {"implicit", tls.NoClientCert, 3},
		"with a certificate": {"implicit", tls.RequireAnyClientCert, 0},
	} {
		t.Run(name, func(t *testing.T) {
			mode := test.mode
			var resumed, shown atomic.Int64
			server := &smtptest.Server{Implicit: mode == "implicit", Extensions: offersAll, User: "lede", Password: "token", Mechanisms: []string{"PLAIN", "XOAUTH2"}}
			inWorld(t, 40, send.Relay{}, server, func(w *world) {
				cert, pool := smtptest.Certificate(t, "relay.example", time.Now().Add(time.Hour))
				ours, _ := smtptest.Certificate(t, "client.example", time.Now().Add(time.Hour))
				w.server.TLS = &tls.Config{
					Certificates: []tls.Certificate{cert}, ClientAuth: test.asks,
					VerifyConnection: func(c tls.ConnectionState) error {
						if c.DidResume {
							resumed.Add(1)
						}
						if len(c.PeerCertificates) > 0 && c.PeerCertificates[0].Subject.CommonName == "client.example" {
							shown.Add(1)
						}
						return nil
					},
				}
				w.d = send.NewDispatcher(w.ledger, send.Plan{Relays: []send.Relay{{
					ID: "main", Host: "relay.example", Port: 465, TLS: mode, Lanes: 1, Depth: 8, Messages: 10,
					CA: pool, Certificate: &ours, Username: "lede", Password: "token", Auth: "xoauth2",
				}}}, nil)
				w.d.Dial = w.pipe.Dial
				if status := w.deliver(); status.Trouble != nil {
					t.Fatal(status.Trouble)
				}
				w.want(map[send.State]int{send.Sent: 40})
				w.copies(1)
				if n := resumed.Load(); n != test.resumed {
					t.Errorf("%d of 3 further connections were resumed", n)
				}
				if n := shown.Load(); n > 0 != (test.asks != tls.NoClientCert) {
					t.Errorf("our certificate was shown %d times", n)
				}
			})
		})
	}
}

func TestMechanismNotOffered(t *testing.T) {
	server := &smtptest.Server{User: "lede", Password: "token"}
	inWorld(t, 2, send.Relay{Host: "127.0.0.1", ID: "main", Port: 25, Username: "lede", Password: "token", Auth: "scram-sha-256"}, server, func(w *world) {
		status := w.deliver()
		if status.Trouble == nil || !strings.Contains(status.Trouble.Error(), "does not offer SCRAM-SHA-256, only PLAIN, LOGIN") {
			t.Errorf("status %+v", status)
		}
	})
}

// Whatever a relay does at whatever step, the sums add up, nobody who is sent is
// without the mail, and nobody has two who was not in doubt.
func TestRandomRelay(t *testing.T) {
	inModes(t, func(t *testing.T, m wireMode) {
		for seed := range uint64(12) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 1))
				lock := make(chan struct{}, 1)
				server := &smtptest.Server{Extensions: m.offers, Eager: seed%2 == 0, Script: func(s smtptest.Step) smtptest.Reply {
					lock <- struct{}{}
					defer func() { <-lock }()
					return mischief(random, s)
				}}
				inWorld(t, 150, send.Relay{Lanes: 3, Retry: send.Retry{First: time.Minute, Longest: 10 * time.Minute, GiveUpAfter: 48 * time.Hour}}, server, func(w *world) {
					w.job.Hold = seed%3 == 0
					w.finish()
					sums := w.ledger.sums()
					if total := sums[send.Sent] + sums[send.Failed] + sums[send.InDoubt]; total != 150 {
						t.Errorf("sums %v", sums)
					}
					most := 5
					if w.job.Hold {
						most = 1
					}
					w.copies(most)
				})
			})
		}
	})
}

// mischief is what a bad relay does now and then.
func mischief(random *rand.Rand, s smtptest.Step) smtptest.Reply {
	if s.Verb == smtptest.Ehlo || s.Verb == smtptest.Greeting || random.IntN(25) > 0 {
		return smtptest.Reply{}
	}
	replies := []smtptest.Reply{
		{Drop: true},
		{Text: "451 4.3.0 not now"},
		{Text: "421 4.7.0 enough", Hangup: true},
		{Text: "421 4.7.0 enough, but I stay"},
		{Text: "550 5.1.1 no such user"},
		{Text: "554 5.6.0 no"},
		{Text: "503 5.5.1 what?"},
		{Text: "250 2.0.0 yes"},
		{Text: "354 go on"},
		{Text: "garbage"},
		{Text: "250 2.0.0 slowly", Wait: 20 * time.Second},
		{Text: "250 2.0.0 never", Wait: time.Hour},
		{Text: "250 2.0.0 and then nothing", Hangup: true},
		{Text: "250 x\n250 y\n250 z"},
	}
	return replies[random.IntN(len(replies))]
}

// A mail goes out when nothing more follows it, however short it is: no time
// passes on a relay that answers at once.
func TestNothingLingers(t *testing.T) {
	inModes(t, func(t *testing.T, m wireMode) {
		for _, n := range []int{1, 3, 40} {
			for _, words := range []int{1, 20_000} {
				t.Run(fmt.Sprintf("%d mails of %d words", n, words), func(t *testing.T) {
					inWorld(t, n, send.Relay{Lanes: 2}, &smtptest.Server{Extensions: m.offers}, func(w *world) {
						text := strings.Repeat("boats ", words)
						letter := compose.Letter{Subject: "Boats", Text: text, HTML: "<p>" + text + "</p>"}
						w.job.Message = compile(t, letter, testSender())
						began := time.Now()
						w.deliver()
						if took := time.Since(began); took > 2*time.Second {
							t.Errorf("it took %s", took)
						}
						w.want(map[send.State]int{send.Sent: n})
					})
				})
			}
		}
	})
}
