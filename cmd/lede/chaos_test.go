package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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
	at  []taken       // in the order of acceptance
	dot func(all int) // called after each mail, before its answer; nil: nothing
}

// taken is one mail that was accepted.
type taken struct {
	to, id string
	at     time.Time // before the answer
}

func (c *counter) NewSession(*smtp.Conn) (smtp.Session, error) {
	return &counting{counter: c}, nil
}

func (c *counter) accepted() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all
}

// copies are the Message-IDs that each recipient got.
func (c *counter) copies() map[string][]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make(map[string][]string, len(c.got))
	for to, ids := range c.got {
		all[to] = append([]string(nil), ids...)
	}
	return all
}

func (c *counter) onDot(f func(all int)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dot = f
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
	for _, to := range s.to {
		id := msg.Header.Get("Message-Id")
		s.counter.got[to] = append(s.counter.got[to], id)
		s.counter.at = append(s.counter.at, taken{to, id, time.Now()})
		s.counter.all++
	}
	all, dot := s.counter.all, s.counter.dot
	s.counter.mu.Unlock()
	if dot != nil {
		dot(all)
	}
	return nil
}

// quiet says nothing about clients that were killed.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// serveCounter listens on a free port.
func serveCounter(t *testing.T) (*counter, int) {
	t.Helper()
	c := &counter{got: map[string][]string{}}
	server := smtp.NewServer(c)
	server.Domain = "counter.example"
	server.ErrorLog = quiet{}
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

// doses returns how often a fault is tried: few times in a short test, and with
// LEDE_CHAOS=1 so many times, with a greater number so many times more.
func doses(few, many int) int {
	times, err := strconv.Atoi(os.Getenv("LEDE_CHAOS"))
	if err != nil || times < 1 {
		return few
	}
	return many * times
}

// long says that this is no short test.
func long() bool { return doses(0, 1) > 0 }

// mainRelay is the one relay of a newsroom.
func mainRelay(port int) string {
	return fmt.Sprintf("relays:\n  - {id: main, host: 127.0.0.1, port: %d, tls: none, lanes: %d, depth: %d}", port, chaosLanes, chaosDepth)
}

// chaosRoom makes a newsroom on a database with so many readers and returns its
// folder.
func chaosRoom(t *testing.T, data string, readers, port int, inDoubt string) string {
	t.Helper()
	dir := t.TempDir()
	chaosConfig(t, dir, data, mainRelay(port), inDoubt)
	story := "---\ntitle: Ferry sails again\n---\n\n" + strings.Repeat("The Averne Maid left the north quay at 05:40. ", 40) + "\n"
	var list strings.Builder
	list.WriteString("email,name\n")
	for i := range readers {
		fmt.Fprintf(&list, "%s,Reader %d\n", readerAddress(i), i)
	}
	write(t, dir, "stories/ferry.md", story)
	write(t, dir, "readers.csv", list.String())
	out, err := ledeIn(t, dir, "import", "harbour", "readers.csv").CombinedOutput()
	if err != nil {
		t.Fatalf("import: %v\n%s", err, out)
	}
	return dir
}

func readerAddress(i int) string { return fmt.Sprintf("reader%06d@northpost.example", i) }

// chaosConfig writes the configuration of a newsroom anew.
func chaosConfig(t *testing.T, dir, data, relays, inDoubt string) {
	t.Helper()
	write(t, dir, "lede.yaml", fmt.Sprintf(`data: %s
base_url: http://127.0.0.1:9
listen: 127.0.0.1:%d
%s
newsletters:
  - id: harbour
    name: The Harbour Letter
    from: The Harbour Letter <letter@example.org>
    postal_address: 14 Chandler Row, Port Averne
    lists: [harbour]
    in_doubt: %s
    sources: [{id: desk, folder: stories}]
`, data, freePort(t), relays, inDoubt))
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// ledeIn is the built binary, ready to start in a folder.
func ledeIn(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	return commandIn(dir, builtLede(t), args...)
}

// builtLede is the binary under test: testscript put this test binary there.
func builtLede(t *testing.T) string {
	t.Helper()
	bin, err := exec.LookPath("lede")
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

func commandIn(dir, bin string, args ...string) *exec.Cmd {
	cmd := exec.Command(bin, args...)
	cmd.Dir = dir
	return cmd
}

// sendToEnd is a last send, which may take so long, and the report of the edition
// that was sent, whoever ended it.
func sendToEnd(dir, bin string, most time.Duration) (newsroom.Report, error) {
	var exit *exec.ExitError
	send := commandIn(dir, bin, "send", "harbour", "--yes")
	end := time.AfterFunc(most, func() { _ = send.Process.Kill() })
	said, err := send.CombinedOutput()
	end.Stop()
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != exitPart) {
		return newsroom.Report{}, fmt.Errorf("last send: %w\n%s", err, said)
	}
	out, err := commandIn(dir, bin, "editions", "list", "--json").Output()
	var reports []newsroom.Report
	if err == nil {
		err = json.Unmarshal(out, &reports)
	}
	for _, rep := range reports {
		if rep.Audience > 0 { // not one that had nothing new
			return rep, err
		}
	}
	return newsroom.Report{}, fmt.Errorf("no edition was sent: %w\n%s\n%s", err, said, out)
}

// TestChaosKill sends editions and kills the senders, by hand and daemon in
// turn, with SIGKILL: at random moments, and within 5 ms of a final dot; then a
// last send goes on to the end. LEDE_CHAOS=1 makes it long.
func TestChaosKill(t *testing.T) {
	// So many kills on each engine, in editions that have some each.
	readers, kills, each := 1500, doses(6, 50), 3
	if long() {
		readers, each = 10_000, 5
	}
	for engine, data := range engines {
		for round, killed := 0, 0; killed < kills && !t.Failed(); round++ {
			inDoubt := []string{"resend", "hold"}[round%2]
			t.Run(fmt.Sprintf("%s %s %d", engine, inDoubt, round+1), func(t *testing.T) {
				n, faults := chaosKill(t, builtLede(t), data(t), readers, each, inDoubt)
				for _, fault := range faults {
					t.Error(fault)
				}
				killed += n
			})
		}
	}
}

// chaosKill kills an edition's senders and returns how many, and what is wrong.
func chaosKill(t *testing.T, bin, data string, readers, kills int, inDoubt string) (killed int, faults []string) {
	complain := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	box, port := serveCounter(t)
	dir := chaosRoom(t, data, readers, port, inDoubt)
	var slowest time.Duration // from the start of a process to its first mail
	for k := range kills {
		// By hand and by the daemon in turn: either goes on where the other was.
		args := []string{"send", "harbour", "--yes"}
		if k%2 == 1 && box.accepted() > 0 {
			if newest(t, dir).State == newsroom.Done {
				break // the last kill came too late
			}
			args = []string{"serve"}
		}
		if killAmid(t, commandIn(dir, bin, args...), box, rand.IntN(max(1, readers/kills-chaosLanes*chaosDepth)), k%2 == rand.IntN(2), &slowest) {
			killed++
		}
	}
	rep, err := sendToEnd(dir, bin, 20*time.Second+time.Duration(readers)*10*time.Millisecond)
	if err != nil {
		return killed, append(faults, err.Error())
	}
	bound := killed * chaosLanes * chaosDepth
	copies, lost, found := audit(t, dir, data, readers, box.copies(), rep)
	faults = append(faults, found...)
	t.Logf("%d readers, %d kills, in_doubt: %s: %d accepted, %d copies, %d without, bound %d; goes on after %s; report %+v", readers, killed, inDoubt, box.accepted(), copies, lost, bound, slowest, rep.Sums)
	switch inDoubt {
	case "resend":
		if lost != 0 || copies > bound {
			complain("%d without the mail, %d copies (at most %d)", lost, copies, bound)
		}
	case "hold":
		if copies != 0 || lost > rep.InDoubt || rep.InDoubt > bound {
			complain("hold: %d copies, %d without the mail, %d held (at most %d)", copies, lost, rep.InDoubt, bound)
		}
	}
	if rep.Audience != readers || rep.Sent+rep.InDoubt != readers || rep.Pending != 0 {
		complain("the sums are wrong: %+v", rep.Sums)
	}
	if long() && slowest > 5*time.Second {
		complain("it took %s to go on", slowest)
	}
	before := box.accepted()
	out, err := commandIn(dir, bin, "send", "harbour", "--yes").Output()
	if err != nil || !strings.Contains(string(out), "Nothing new") || box.accepted() != before {
		complain("the same command again: %v, %d mails\n%s", err, box.accepted()-before, out)
	}
	return killed, faults
}

// killAmid starts a sender and kills it when it has sent some mails more: within
// 5 ms of a final dot, in half of these cases before its answer; or at a moment
// that no mail has to do with, which may be before the edition is made. It says
// whether there was something to kill.
func killAmid(t *testing.T, cmd *exec.Cmd, box *counter, more int, atDot bool, slowest *time.Duration) bool {
	t.Helper()
	before, start := box.accepted(), time.Now()
	until := before + 1 + more
	ended := make(chan struct{})
	kill := func() { _ = cmd.Process.Kill() }
	wait := time.Duration(rand.Int64N(int64(5 * time.Millisecond)))
	var first atomic.Int64
	started := make(chan struct{})
	box.onDot(func(all int) {
		<-started
		if all == before+1 {
			first.Store(int64(time.Since(start)))
		}
		if !atDot || all != until {
			return
		}
		time.AfterFunc(wait, kill)
		if more%2 == 0 { // it never hears the answer
			<-ended
		}
	})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	late := time.After(10 * time.Second) // whatever it does
	if !atDot {
		early := more%4 == 0 // perhaps before the first mail
		for !early && box.accepted() < until {
			select {
			case <-ended:
				until = 0
			case <-late:
				until = 0
			case <-time.After(200 * time.Microsecond):
			}
		}
		select {
		case <-ended:
		case <-time.After(time.Duration(rand.Int64N(int64(50 * time.Millisecond)))):
			kill()
		}
	}
	select {
	case <-ended:
	case <-late:
		kill()
	}
	<-ended
	box.onDot(nil)
	*slowest = max(*slowest, time.Duration(first.Load()))
	return !cmd.ProcessState.Exited() // a signal ended it
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
			dir := chaosRoom(t, "lede.db", readers, port, "hold")
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
