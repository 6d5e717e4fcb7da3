// Package mailtest runs real mail servers for tests, of makes that are not
// ours: Postfix and Exim. Each has a temporary folder of its own, with
// configuration, queue, log, passwords and mailbox, and listens on free
// loopback ports; of the system it uses the programs and nothing else. It takes
// mail for everybody into one mailbox and lets none out. Root alone can start
// one: a mail server changes users.
package mailtest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Who may log in.
const (
	User     = "harbour"
	Password = "gull & tide=5"
)

// host is a server's name.
const host = "mail.port-averne.example"

// patience is how long a server may take to start, to stop, and to deliver what
// it has.
const patience = 30 * time.Second

// Server is a running mail server.
type Server struct {
	CA     string // PEM file of the authority that vouches for it
	Client string // PEM file with a certificate by the same authority, and its key

	// Ports on 127.0.0.1.
	Port       int // STARTTLS, no login
	Submission int // STARTTLS, and a login
	Implicit   int // TLS from the first byte, and a login
	Bare       int // neither PIPELINING nor CHUNKING nor SMTPUTF8
	Old        int // like Port, with TLS 1.2 at most
	Obsolete   int // like Port, with TLS 1.1 at most; Postfix alone
	Certified  int // like Port, only for clients with a certificate; Postfix alone

	t       *testing.T
	dir     string
	box     string      // Maildir
	queue   []string    // folders that are empty when everything is delivered
	whole   fs.FileMode // bits of the files there that are whole mails; others were never accepted
	logs    string      // file
	command func() *exec.Cmd

	mu      sync.Mutex
	process *os.Process
	gone    chan struct{}
	watch   *exec.Cmd
}

// Options are what tests want of a server.
type Options struct {
	// Recipient answers RCPT: "" takes the recipient, else it is a reply like
	// "550 5.1.1 no such mailbox". It is called by many sessions at once. nil
	// takes everybody.
	Recipient func(address string) string
}

// need skips a test that lacks something, and fails it where CI is set.
func need(t *testing.T, there bool, what string) {
	t.Helper()
	switch {
	case there:
	case os.Getenv("CI") != "":
		t.Fatal(what)
	default:
		t.Skip(what)
	}
}

// folder makes a folder that other users can enter, unlike t.TempDir.
func folder(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", name+"-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	return dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// write writes a file of the server. It looks a minute old: Postfix waits until
// nobody has touched its settings for two seconds.
func (s *Server) write(name, text string, mode fs.FileMode) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	must(s.t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(s.t, os.WriteFile(path, []byte(text), mode))
	old := time.Now().Add(-time.Minute)
	must(s.t, os.Chtimes(path, old, old))
	return path
}

// ports returns so many free ports, of those that the system gives to nobody by
// itself: another test's connections would take them before the server does.
func ports(t *testing.T, n int) []int {
	t.Helper()
	var free []int
	for len(free) < n {
		ln, err := net.Listen("tcp", Address(20000+rand.IntN(12000)))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		must(t, err)
		defer ln.Close()
		free = append(free, ln.Addr().(*net.TCPAddr).Port)
	}
	return free
}

// start starts the process and waits until it answers.
func (s *Server) start() {
	s.t.Helper()
	cmd := s.command()
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setsid = true // the leader of a group that Stop can end
	must(s.t, cmd.Start())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_ = cmd.Wait()
	}()
	s.mu.Lock()
	s.process, s.gone, s.watch = cmd.Process, gone, s.watcher(cmd.Process.Pid)
	s.mu.Unlock()
	for end := time.Now().Add(patience); ; {
		if greets(s.Port) {
			return
		}
		select {
		case <-gone:
			s.t.Fatalf("%s did not start: %s\n%s", cmd.Path, said.String(), s.Log())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(end) {
			s.t.Fatalf("%s does not answer: %s\n%s", cmd.Path, said.String(), s.Log())
		}
	}
}

// watcher ends the server when we die without a word: its input ends then. (A
// parent death signal would not do: Postfix changes users, which clears it.)
func (s *Server) watcher(pid int) *exec.Cmd {
	s.t.Helper()
	cmd := exec.Command("sh", "-c", `read -r _; kill -TERM "-$0"; sleep 1; kill -KILL "-$0"; rm -rf "$1"`, strconv.Itoa(pid), s.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	_, err := cmd.StdinPipe()
	must(s.t, err)
	must(s.t, cmd.Start())
	return cmd
}

// greets says that a server answers with 220.
func greets(port int) bool {
	c, err := net.DialTimeout("tcp", Address(port), time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	code := make([]byte, 3)
	n, _ := c.Read(code)
	if string(code[:n]) != "220" {
		return false
	}
	_, _ = c.Write([]byte("QUIT\r\n"))
	return true
}

// Address is a port on the machine itself.
func Address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// Stop ends the server and all its processes, connections included. What it
// has taken stays in its queue.
func (s *Server) Stop() {
	s.mu.Lock()
	process, gone, watch := s.process, s.gone, s.watch
	s.process = nil
	s.mu.Unlock()
	if process == nil {
		return
	}
	_ = watch.Process.Kill()
	_ = watch.Wait()
	_ = process.Signal(syscall.SIGTERM)
	select {
	case <-gone:
	case <-time.After(patience):
		s.t.Errorf("pid %d does not end", process.Pid)
	}
	_ = syscall.Kill(-process.Pid, syscall.SIGKILL) // sessions that are left
}

// Restart stops the server, connections included, and starts it again after
// the pause.
func (s *Server) Restart(pause time.Duration) {
	s.t.Helper()
	s.Stop()
	time.Sleep(pause)
	s.start()
}

// Log returns what the server has written about itself.
func (s *Server) Log() string {
	text, err := os.ReadFile(s.logs)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.t.Error(err)
	}
	return string(text)
}

// drain waits until everything that the server has taken is in the mailbox.
func (s *Server) drain() {
	s.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		left := 0
		for _, dir := range s.queue {
			_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
				if err != nil || e.IsDir() { // files come and go meanwhile
					return nil
				}
				if info, err := e.Info(); err == nil && info.Mode()&s.whole == s.whole {
					left++
				}
				return nil
			})
		}
		if left == 0 {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("%d files are left in the queue\n%s", left, s.tail())
		}
	}
}

func (s *Server) tail() string {
	text := s.Log()
	return text[max(0, len(text)-4000):]
}

// Relay is the server as a relay in lede.yaml, with more settings behind it.
func (s *Server) Relay(port int, tls, more string) string {
	return fmt.Sprintf("{id: main, host: 127.0.0.1, port: %d, tls: %s, ca: %s, %s}", port, tls, s.CA, more)
}
