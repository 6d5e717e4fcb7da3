package main

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lede/internal/smtptest"
)

// mailKills are the moments between the sign-up and the note that its mail was
// taken at which TestChaosSignUp kills the daemon, and how many copies of the mail
// a relay has by such a kill.
var mailKills = []struct {
	name   string
	verb   string // of SMTP; empty: as soon as the page answered
	copies int
}{
	{"when the sign-up was answered", "", 0},
	{"at the greeting", smtptest.Greeting, 0},
	{"before the mail's text", smtptest.Data, 0},
	{"when the relay has it and did not answer", smtptest.Dot, 1},
	{"between the relay's answer and its note", "note", 1},
}

// TestChaosSignUp kills the daemon between a sign-up and the note that its mail
// was taken. The mail goes out after the next start with the same Message-ID and
// the same link, which works; the relay has one copy more for each kill after it
// took the mail, and no other.
func TestChaosSignUp(t *testing.T) {
	for engine, data := range engines {
		t.Run(engine, func(t *testing.T) {
			for range doses(1, 10) {
				killMailing(t, data(t))
			}
		})
	}
}

func killMailing(t *testing.T, data string) {
	var mu sync.Mutex
	strike := func(smtptest.Step) {}
	relay := &smtptest.Server{Script: func(s smtptest.Step) smtptest.Reply {
		mu.Lock()
		f := strike
		mu.Unlock()
		f(s)
		return smtptest.Reply{}
	}}
	_, port := smtptest.Start(t, relay)
	dir, site := hookRoom(t, data, port, "http://127.0.0.1:9/hooks", "")
	db := openRaw(t, dir, data)
	defer db.Close()

	const ona = "ona@northpost.example"
	want := 1 // copies: the one that is noted
	for k, moment := range mailKills {
		daemon, killed := ledeIn(t, dir, "serve"), make(chan struct{})
		t.Cleanup(func() {
			if daemon.Process != nil {
				_ = daemon.Process.Kill()
			}
		})
		kill := sync.OnceFunc(func() { end(daemon); close(killed) })
		mu.Lock()
		strike = func(s smtptest.Step) {
			switch {
			case s.Verb == moment.verb:
				kill()
			case moment.verb == "note" && s.Verb == smtptest.Dot:
				free := holdFrom(t, db, data, "outbox")
				go func() { // the answer leaves meanwhile
					defer free()
					<-time.After(100 * time.Millisecond)
					kill()
				}()
			}
		}
		mu.Unlock()
		if k > 0 { // it may be dead before its pages answer
			if err := daemon.Start(); err != nil {
				t.Fatal(err)
			}
		} else {
			startDaemon(t, daemon, site)
			if !signsUp(site, ona) {
				t.Fatal("the sign-up was not taken")
			}
			kill()
		}
		select {
		case <-killed:
		case <-time.After(30 * time.Second):
			t.Fatalf("%s: the relay was not asked", moment.name)
		}
		want += moment.copies
		// What was claimed is due again in two minutes, which have passed now.
		if _, err := db.Exec(`UPDATE outbox SET due = at WHERE due IS NOT NULL`); err != nil {
			t.Fatal(err)
		}
		var open int
		if err := db.QueryRow(`SELECT count(*) FROM outbox WHERE due IS NOT NULL`).Scan(&open); err != nil || open != 1 {
			t.Fatalf("%s: %d mails wait, %v", moment.name, open, err)
		}
	}
	mu.Lock()
	strike = func(smtptest.Step) {}
	mu.Unlock()

	daemon := ledeIn(t, dir, "serve")
	startDaemon(t, daemon, site)
	noted := within(time.Minute, func() bool {
		var open int
		err := db.QueryRow(`SELECT count(*) FROM outbox WHERE due IS NOT NULL`).Scan(&open)
		return err == nil && open == 0
	})
	if !noted {
		t.Error("the mail was never noted as taken")
	}
	ids, links := map[string]bool{}, map[string]bool{}
	link := regexp.MustCompile(regexp.QuoteMeta(site) + `/c/[A-Za-z0-9_-]+`)
	for _, m := range relay.Received() {
		ids[m.MessageID] = true
		for _, l := range link.FindAllString(strings.ReplaceAll(string(m.Data), "=\r\n", ""), -1) {
			links[l] = true
		}
		if !slices.Equal(m.To, []string{ona}) {
			t.Errorf("a mail to %q", m.To)
		}
	}
	if got := len(relay.Received()); got != want || len(ids) != 1 || len(links) != 1 {
		t.Errorf("%d copies, want %d, with one Message-ID and one link: %v, %v", got, want, ids, links)
	}
	for l := range links {
		form(t, l, url.Values{"confirm": {"yes"}})
	}
	stop(t, daemon)
	out, err := ledeIn(t, dir, "subscribers", "show", ona, "--json").Output()
	if err != nil || !strings.Contains(string(out), `"active"`) {
		t.Errorf("after the button: %v\n%s", err, out)
	}
	if got := len(relay.Received()); got != want {
		t.Errorf("%d copies at the end, want %d", got, want)
	}
}
