package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lede/internal/mailtest"
	"lede/newsroom"
)

// Of servers that are not ours: real sends by the built binary to Postfix and
// Exim. Their mailbox and their log alone say what became of a mail.

// A newsletter with signatures of both kinds, to readers of every kind.
func TestPostfix(t *testing.T) {
	t.Parallel() // much of it is waiting
	var greylisted sync.Map
	server := mailtest.Postfix(t, mailtest.Options{Recipient: func(address string) string {
		local, _, _ := strings.Cut(address, "@")
		switch {
		case strings.HasPrefix(local, "gone"):
			return "550 5.1.1 no such mailbox"
		case strings.HasPrefix(local, "full"):
			return "452 4.2.2 mailbox full"
		case strings.HasPrefix(local, "grey"):
			if _, again := greylisted.LoadOrStore(address, true); !again {
				return "450 4.2.0 greylisted, come back soon"
			}
		}
		return ""
	}})
	readers := plainReaders(300)
	var reached []string
	for _, r := range readers {
		reached = append(reached, r[0])
	}
	for _, r := range [][]string{
		{"nobody-in-particular@northpost.example", ""},
		{"jorunn@northpost.example", "Jørunn Ærø-Straße 日本"},
		{"long@northpost.example", strings.Repeat("Maximilienne ", 12) + "Ö"},
		{"quote@northpost.example", `"Quoted" \ <angle>, (comment); =?utf-8?q?no?=`},
		{"grey1@northpost.example", "Grey One"},
		{"grey2@northpost.example", "Grey Two"},
		{"ines@xn--hfen-loa.example", "ASCII form"},
		{"ines@fähre.example", "An IDN"},
		{"jørgen@northpost.example", "SMTPUTF8"},
		{"jørgen@fähre.example", "Both"},
	} {
		readers = append(readers, r)
		reached = append(reached, strings.Replace(r[0], "fähre", "xn--fhre-loa", 1))
	}
	for i := range 8 {
		readers = append(readers, []string{fmt.Sprintf("gone%d@northpost.example", i), ""})
	}
	readers = append(readers, []string{"full@northpost.example", ""})
	slices.SortFunc(readers, func(a, b []string) int { return strings.Compare(a[1], b[1]) })

	keys := t.TempDir()
	dkim, records := signers(t, keys)
	relay := server.Relay(server.Submission, "starttls", login+fmt.Sprintf("lanes: %d, depth: %d, retry: {first: 1s, longest: 1s, give_up_after: 1h}", serverLanes, serverDepth))
	dir := serverRoom(t, relay, readers, dkim)
	rep, said, code := sent(t, dir, "--wait", "2500ms")
	if code != exitPart || rep.Sent != len(reached) || rep.Failed != 8 || rep.Deferred != 1 || rep.Audience != len(readers) {
		t.Errorf("exit status %d: %+v\n%s", code, rep, said)
	}
	reasons := fmt.Sprintf("%+v", rep.Reasons)
	for _, want := range []string{"5.1.1", "no such mailbox", "4.2.2", "mailbox full"} {
		if !strings.Contains(reasons, want) {
			t.Errorf("no %q in the report's reasons: %s", want, reasons)
		}
	}
	mails := server.Mails()
	once(t, mails, reached)
	asPreviewed(t, dir, rep.Edition, mails)
	checkSignatures(t, mails, records)
	for _, m := range mails {
		for _, want := range []string{"TLSv1.3", "Authenticated sender: " + mailtest.User} {
			if !strings.Contains(m.Trace, want) {
				t.Fatalf("no %q in its trace:\n%s", want, m.Trace)
			}
		}
		if utf8 := strings.Contains(m.Trace, "with UTF8SMTPSA"); utf8 != strings.HasPrefix(m.To, "jørgen") {
			t.Errorf("%s: SMTPUTF8 %t\n%s", m.To, utf8, m.Trace)
		}
	}
	log := server.Log()
	if n := commands(log); n["bdat"] != len(reached) || n["data"] != 0 {
		t.Errorf("CHUNKING is offered and not used: %v", n)
	}
	checkPostfixLog(t, log)
}

// What is not offered, or not wanted, is not used.
func TestPostfixExtensions(t *testing.T) {
	t.Parallel() // much of it is waiting
	server := mailtest.Postfix(t, mailtest.Options{})
	t.Run("chunking: false", func(t *testing.T) {
		before := commands(server.Log())
		dir := serverRoom(t, server.Relay(server.Port, "starttls", "chunking: false"), plainReaders(60), "")
		rep := sentAll(t, dir, 60)
		asPreviewed(t, dir, rep.Edition, server.Mails())
		if after := commands(server.Log()); after["data"]-before["data"] != 60 || after["bdat"] != before["bdat"] {
			t.Errorf("%v, before %v", after, before)
		}
		server.Empty()
	})
	t.Run("pipelining: false", func(t *testing.T) {
		dir := serverRoom(t, server.Relay(server.Port, "starttls", "pipelining: false"), plainReaders(60), "")
		rep := sentAll(t, dir, 60)
		asPreviewed(t, dir, rep.Edition, server.Mails())
		server.Empty()
	})
	t.Run("nothing offered", func(t *testing.T) {
		before := commands(server.Log())
		readers := append(plainReaders(60), []string{"jørgen@northpost.example", ""}, []string{"ines@fähre.example", ""})
		dir := serverRoom(t, server.Relay(server.Bare, "starttls", "lanes: 2"), readers, "")
		rep, said, code := sent(t, dir)
		if code != exitPart || rep.Sent != 61 || rep.Failed != 1 || !strings.Contains(fmt.Sprintf("%+v", rep.Reasons), "SMTPUTF8") {
			t.Errorf("exit status %d: %+v\n%s", code, rep, said)
		}
		mails := server.Mails()
		asPreviewed(t, dir, rep.Edition, mails)
		if after := commands(server.Log()); after["data"]-before["data"] != 61 || after["bdat"] != before["bdat"] || len(mails) != 61 {
			t.Errorf("%v, before %v, %d mails", after, before, len(mails))
		}
	})
	checkPostfixLog(t, server.Log())
}

func TestPostfixTLS(t *testing.T) {
	t.Parallel() // much of it is waiting
	server := mailtest.Postfix(t, mailtest.Options{})
	for _, c := range []struct {
		name, relay, traced string
	}{
		{"TLS 1.3", server.Relay(server.Port, "starttls", ""), "TLSv1.3"},
		{"TLS 1.2", server.Relay(server.Old, "starttls", ""), "TLSv1.2"},
		{"implicit", server.Relay(server.Implicit, "implicit", login), "TLSv1.3"},
		{"client certificate", server.Relay(server.Certified, "starttls", "certificate: "+server.Client), "verified OK"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sentAll(t, serverRoom(t, c.relay, plainReaders(3), ""), 3)
			for _, m := range server.Mails() {
				if !strings.Contains(m.Trace, c.traced) {
					t.Errorf("no %q:\n%s", c.traced, m.Trace)
				}
			}
			server.Empty()
		})
	}
	other := filepath.Join(t.TempDir(), "other.pem")
	ca, _, _ := mailtest.Authority(t)
	if err := os.WriteFile(other, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	stranger := func(relay string) string { return strings.Replace(relay, server.CA, other, 1) }
	for _, c := range []struct {
		name, relay, want string
	}{
		{"another authority", stranger(server.Relay(server.Submission, "starttls", login)), "unknown authority"},
		{"another authority, implicit", stranger(server.Relay(server.Implicit, "implicit", login)), "unknown authority"},
		{"TLS 1.1", server.Relay(server.Obsolete, "starttls", ""), "protocol version"},
		{"no client certificate", server.Relay(server.Certified, "starttls", ""), "No client certificate presented"},
		{"implicit, and it waits for STARTTLS", server.Relay(server.Port, "implicit", ""), "TLS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := commands(server.Log())
			refused(t, serverRoom(t, c.relay, plainReaders(3), ""), c.want)
			after := commands(server.Log())
			if after["mail"] != before["mail"] || after["auth"] != before["auth"] || len(server.Mails()) != 0 {
				t.Errorf("something was sent: %v, before %v", after, before)
			}
		})
	}
}

// Every way to log in that the servers know.
func TestServersLogin(t *testing.T) {
	t.Parallel() // much of it is waiting
	for name, c := range map[string]struct {
		start      func(*testing.T, mailtest.Options) *mailtest.Server
		mechanisms string
		logged     string
		audience   int    // so many are needed to see that without a login nobody is taken
		want       string // is said then
	}{
		"Postfix": {mailtest.Postfix, "auto plain login cram-md5 scram-sha-1 scram-sha-256", "sasl_method=%s, sasl_username=" + mailtest.User, 60, "554 5.7.1"},
		"Exim":    {mailtest.Exim, "auto plain login cram-md5", "A=%s:" + mailtest.User, 3, "530 5.7.0"},
	} {
		t.Run(name, func(t *testing.T) {
			server := c.start(t, mailtest.Options{})
			logged := func(mechanism string) int {
				if name == "Exim" {
					mechanism = strings.NewReplacer("auto", "plain", "cram-md5", "cram").Replace(mechanism)
				} else if mechanism = strings.ToUpper(mechanism); mechanism == "AUTO" {
					mechanism = "PLAIN"
				}
				return strings.Count(server.Log(), fmt.Sprintf(c.logged, mechanism))
			}
			for mechanism := range strings.FieldsSeq(c.mechanisms) {
				t.Run(mechanism, func(t *testing.T) {
					before := logged(mechanism)
					sentAll(t, serverRoom(t, server.Relay(server.Submission, "starttls", login+"auth: "+mechanism), plainReaders(2), ""), 2)
					if n := len(server.Mails()); n != 2 || logged(mechanism)-before != 2 {
						t.Errorf("%d mails, %d by %s\n%s", n, logged(mechanism)-before, mechanism, server.Log())
					}
					server.Empty()
				})
				t.Run(mechanism+", wrong password", func(t *testing.T) {
					wrong := strings.Replace(login, mailtest.Password, "herring", 1) + "auth: " + mechanism
					refused(t, serverRoom(t, server.Relay(server.Submission, "starttls", wrong), plainReaders(3), ""), "login:")
				})
			}
			t.Run("not offered", func(t *testing.T) {
				refused(t, serverRoom(t, server.Relay(server.Submission, "starttls", login+"auth: xoauth2"), plainReaders(3), ""), "XOAUTH2")
			})
			t.Run("no login", func(t *testing.T) {
				refused(t, serverRoom(t, server.Relay(server.Submission, "starttls", ""), plainReaders(c.audience), ""), c.want)
			})
			if n := len(server.Mails()); n != 0 {
				t.Errorf("%d mails arrived", n)
			}
		})
	}
}

// A server that is restarted in mid-send loses nothing, and nobody gets a mail
// twice who was not in doubt.
func TestPostfixRestart(t *testing.T) {
	t.Parallel() // much of it is waiting
	const readers, restarts = 400, 2
	var asked atomic.Int64
	server := mailtest.Postfix(t, mailtest.Options{Recipient: func(string) string {
		asked.Add(1)
		return ""
	}})
	relay := server.Relay(server.Submission, "starttls", login+fmt.Sprintf("lanes: %d, depth: %d, retry: {first: 1s, longest: 1s, give_up_after: 1h}", serverLanes, serverDepth))
	dir := serverRoom(t, relay, plainReaders(readers), "")
	done := make(chan bool)
	var rep newsroom.Report
	var said string
	go func() {
		defer close(done)
		rep, said, _ = sent(t, dir)
	}()
	for i := range restarts {
		if !within(30*time.Second, func() bool { return asked.Load() >= int64((i+1)*readers/4) }) {
			t.Errorf("only %d recipients were named", asked.Load())
		}
		server.Restart(300 * time.Millisecond)
	}
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("the send does not end")
	}
	got := map[string][]string{}
	mails := server.Mails()
	for _, m := range mails {
		got[m.To] = append(got[m.To], string(messageIDField.Find(m.Data)))
	}
	copies := len(mails) - len(got)
	bound := restarts * serverLanes * serverDepth
	t.Logf("%d mails, %d copies (at most %d): %+v", len(mails), copies, bound, rep.Sums)
	if rep.Sent != readers || len(got) != readers || copies > bound {
		t.Errorf("%d have the mail, %d copies: %+v\n%s", len(got), copies, rep, said)
	}
	for to, ids := range got {
		for _, id := range ids {
			if id != ids[0] {
				t.Errorf("%s got two Message-IDs: %q", to, ids)
			}
		}
	}
}

// Another make, with TLS of its own, no SMTPUTF8, and little patience: after ten
// refused recipients it closes a connection, with no more than a 554.
func TestExim(t *testing.T) {
	t.Parallel() // much of it is waiting
	server := mailtest.Exim(t, mailtest.Options{Recipient: func(address string) string {
		if strings.HasPrefix(address, "gone") {
			return "550 5.1.1 no such mailbox"
		}
		return ""
	}})
	readers := plainReaders(150)
	var reached []string
	for _, r := range readers {
		reached = append(reached, r[0])
	}
	reached = append(reached, "ines@xn--fhre-loa.example")
	readers = append(readers, []string{"ines@fähre.example", "Jørunn 日本"}, []string{"jørgen@northpost.example", "Jørgen"})
	const gone = 60
	for i := range gone { // among the others
		readers = append(readers, []string{fmt.Sprintf("gone%d@northpost.example", i), fmt.Sprintf("Reader %d", i*3)})
	}
	slices.SortFunc(readers, func(a, b []string) int { return strings.Compare(a[1], b[1]) })
	dkim, records := signers(t, t.TempDir())
	dir := serverRoom(t, server.Relay(server.Submission, "starttls", login+"lanes: 4"), readers, dkim)
	// Nothing waits: no mail is put off because its connection was closed.
	rep, said, code := sent(t, dir, "--wait", "1s")
	if code != exitPart || rep.Sent != len(reached) || rep.Failed != gone+1 || rep.Audience != len(readers) || rep.InDoubt != 0 {
		t.Errorf("exit status %d: %+v\n%s", code, rep, said)
	}
	if reasons := fmt.Sprintf("%+v", rep.Reasons); !strings.Contains(reasons, "SMTPUTF8") || !strings.Contains(reasons, "no such mailbox") {
		t.Errorf("the reasons are %s", reasons)
	}
	mails := server.Mails()
	once(t, mails, reached)
	asPreviewed(t, dir, rep.Edition, mails)
	checkSignatures(t, mails, records)
	arrived := regexp.MustCompile(`(?m)^.* <= .*$`).FindAllString(server.Log(), -1)
	if len(arrived) != len(reached) {
		t.Errorf("Exim noted %d mails, want %d", len(arrived), len(reached))
	}
	for _, line := range arrived {
		// L: PIPELINING is used, though not for the greeting; K: CHUNKING.
		for _, want := range []string{" P=esmtpsa ", " L. ", " K ", " X=TLS1.3", " A=plain:" + mailtest.User} {
			if !strings.Contains(line, want) {
				t.Fatalf("no %q in %s", want, line)
			}
		}
	}
}
