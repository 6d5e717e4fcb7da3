package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"lede/newsroom"
)

// counter is an SMTP server outside of Lede that notes every mail it accepts.
// It alone judges who got what.
type counter struct {
	mu  sync.Mutex
	got map[string][]string // recipient → Message-IDs, one for each copy
	all int
}

func (c *counter) NewSession(*smtp.Conn) (smtp.Session, error) {
	return &counting{counter: c}, nil
}

func (c *counter) accepted() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all
}

type counting struct {
	counter *counter
	to      []string
}

func (s *counting) Mail(string, *smtp.MailOptions) error { return nil }
func (s *counting) Reset()                               { s.to = nil }
func (s *counting) Logout() error                        { return nil }

func (s *counting) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

func (s *counting) Data(r io.Reader) error {
	msg, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, msg.Body); err != nil {
		return err
	}
	s.counter.mu.Lock()
	defer s.counter.mu.Unlock()
	for _, to := range s.to {
		s.counter.got[to] = append(s.counter.got[to], msg.Header.Get("Message-Id"))
		s.counter.all++
	}
	return nil
}

// serveCounter listens on a free port.
func serveCounter(t *testing.T) (*counter, int) {
	t.Helper()
	c := &counter{got: map[string][]string{}}
	server := smtp.NewServer(c)
	server.Domain = "counter.example"
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(ln)
	t.Cleanup(func() { server.Close() })
	return c, ln.Addr().(*net.TCPAddr).Port
}

const (
	chaosLanes = 4
	chaosDepth = 8
)

// chaosRoom makes a newsroom with so many readers and returns its folder.
func chaosRoom(t *testing.T, readers, port int, inDoubt string) string {
	t.Helper()
	dir := t.TempDir()
	config := fmt.Sprintf(`data: lede.db
base_url: http://127.0.0.1:9
listen: 127.0.0.1:%d
relays:
  - {id: main, host: 127.0.0.1, port: %d, tls: none, lanes: %d, depth: %d}
newsletters:
  - id: harbour
    name: The Harbour Letter
    from: The Harbour Letter <letter@example.org>
    postal_address: 14 Chandler Row, Port Averne
    lists: [harbour]
    in_doubt: %s
    sources: [{id: desk, folder: stories}]
`, freePort(t), port, chaosLanes, chaosDepth, inDoubt)
	story := "---\ntitle: Ferry sails again\n---\n\n" + strings.Repeat("The Averne Maid left the north quay at 05:40. ", 40) + "\n"
	var list strings.Builder
	list.WriteString("email,name\n")
	for i := range readers {
		fmt.Fprintf(&list, "reader%06d@northpost.example,Reader %d\n", i, i)
	}
	for name, text := range map[string]string{"lede.yaml": config, "stories/ferry.md": story, "readers.csv": list.String()} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, err := ledeIn(t, dir, "import", "harbour", "readers.csv").CombinedOutput()
	if err != nil {
		t.Fatalf("import: %v\n%s", err, out)
	}
	return dir
}

// ledeIn is the built binary, ready to start in a folder.
func ledeIn(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	bin, err := exec.LookPath("lede") // testscript put this test binary there
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, args...)
	cmd.Dir = dir
	return cmd
}

// TestChaosKill sends an edition and kills the sender, by hand and daemon in
// turn, with SIGKILL at random moments; then a last send goes on to the end. Every reader has the mail;
// copies are only within the bound of lanes × depth a kill, with the same
// Message-ID; and the report says the same. LEDE_CHAOS=1 makes it long.
func TestChaosKill(t *testing.T) {
	readers, kills, rounds := 1500, 3, 1
	if os.Getenv("LEDE_CHAOS") != "" {
		readers, kills, rounds = 20_000, 5, 5
	}
	for _, inDoubt := range []string{"resend", "hold"} {
		for round := range rounds {
			t.Run(fmt.Sprintf("%s %d", inDoubt, round+1), func(t *testing.T) { chaosKill(t, readers, kills, inDoubt) })
		}
	}
}

func chaosKill(t *testing.T, readers, kills int, inDoubt string) {
	box, port := serveCounter(t)
	dir := chaosRoom(t, readers, port, inDoubt)
	killed := 0
	for k := range kills {
		// By hand and by the daemon in turn: either goes on where the other was.
		args := []string{"send", "harbour", "--yes"}
		if k%2 == 1 && box.accepted() > 0 {
			args = []string{"serve"}
		}
		cmd := ledeIn(t, dir, args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// The k-th kill is somewhere in the k-th part of the send; it may come
		// while the edition is still being made.
		until := box.accepted() + rand.IntN(max(1, readers/kills))
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		alive := true
		for alive && box.accepted() < until {
			select {
			case err := <-ended:
				alive = false
				ended <- err
			case <-time.After(200 * time.Microsecond):
			}
		}
		if alive {
			_ = cmd.Process.Kill()
			killed++
		}
		<-ended
	}
	cmd := ledeIn(t, dir, "send", "harbour", "--yes", "--json")
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var rep newsroom.Report
	if jsonErr := json.Unmarshal([]byte(stdout.String()), &rep); jsonErr != nil {
		t.Fatalf("last send: %v, %v\n%s%s", err, jsonErr, stdout.String(), stderr.String())
	}

	box.mu.Lock()
	defer box.mu.Unlock()
	copies, lost := 0, 0
	for i := range readers {
		ids := box.got[fmt.Sprintf("reader%06d@northpost.example", i)]
		if len(ids) == 0 {
			lost++
		}
		for _, id := range ids {
			if id != ids[0] {
				t.Errorf("reader %d got two Message-IDs: %q", i, ids)
			}
		}
		copies += max(0, len(ids)-1)
	}
	bound := killed * chaosLanes * chaosDepth
	t.Logf("%d readers, %d kills, in_doubt: %s: %d accepted, %d copies, %d without, bound %d; report %+v", readers, killed, inDoubt, box.all, copies, lost, bound, rep.Sums)
	switch inDoubt {
	case "resend":
		if lost != 0 || copies > bound {
			t.Errorf("%d without the mail, %d copies (at most %d)", lost, copies, bound)
		}
	case "hold":
		if copies != 0 || lost > rep.InDoubt || rep.InDoubt > bound {
			t.Errorf("hold: %d copies, %d without the mail, %d held (at most %d)", copies, lost, rep.InDoubt, bound)
		}
	}
	if rep.Audience != readers || rep.Sent+rep.InDoubt != readers || rep.Pending != 0 {
		t.Errorf("the sums are wrong: %+v", rep.Sums)
	}
	if killed == 0 {
		t.Error("nothing was killed: the test proves nothing")
	}
	out, err := ledeIn(t, dir, "send", "harbour", "--yes").Output()
	if err != nil || !strings.Contains(string(out), "Nothing new") {
		t.Errorf("the same command again: %v\n%s", err, out)
	}
	if all := box.all; all != readers+copies-lost {
		t.Errorf("%d accepted, want %d", all, readers+copies-lost)
	}
}

// Stopped for good after a kill, an edition leaves nothing pending: what was in
// flight is in doubt, the rest is skipped.
func TestKilledThenStopped(t *testing.T) {
	for name, then := range map[string][]string{
		"cancelled":           {"cancel"},
		"paused, cancelled":   {"pause", "cancel"},
		"cancelled by serve":  {"serve", "cancel"},
		"sent again and then": {"pause", "send", "cancel"},
	} {
		t.Run(name, func(t *testing.T) {
			const readers = 1500
			box, port := serveCounter(t)
			dir := chaosRoom(t, readers, port, "hold")
			killAt(t, ledeIn(t, dir, "send", "harbour", "--yes"), box, 200)
			for _, verb := range then {
				switch verb {
				case "serve": // it goes on at once, and dies too
					killAt(t, ledeIn(t, dir, "serve"), box, box.accepted()+200)
				case "send": // it does not go on with what was paused
					if out, err := ledeIn(t, dir, "send", "harbour", "--yes").CombinedOutput(); err == nil {
						t.Errorf("send went on: %s", out)
					}
				default:
					if out, err := ledeIn(t, dir, "editions", verb, newest(t, dir).Edition).CombinedOutput(); err != nil {
						t.Fatalf("%s: %v\n%s", verb, err, out)
					}
				}
			}
			rep := newest(t, dir)
			t.Logf("%d accepted, %+v", box.accepted(), rep.Sums)
			if rep.Pending != 0 || rep.Sent+rep.InDoubt+rep.Skipped != readers {
				t.Errorf("the sums are wrong: %+v", rep.Sums)
			}
			if n := box.accepted(); n < rep.Sent || n > rep.Sent+rep.InDoubt {
				t.Errorf("%d were accepted, %+v", n, rep.Sums)
			}
		})
	}
}

// killAt starts a command and kills it when so many mails were accepted.
func killAt(t *testing.T, cmd *exec.Cmd, box *counter, accepted int) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if !within(30*time.Second, func() bool { return box.accepted() >= accepted }) {
		t.Errorf("%d accepted, want %d", box.accepted(), accepted)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// newest is the report of the newest edition.
func newest(t *testing.T, dir string) newsroom.Report {
	t.Helper()
	out, err := ledeIn(t, dir, "editions", "list", "--json").Output()
	var reports []newsroom.Report
	if err == nil {
		err = json.Unmarshal(out, &reports)
	}
	if err != nil || len(reports) == 0 {
		t.Fatalf("editions list: %v\n%s", err, out)
	}
	return reports[0]
}
