// Package pgtest starts a real PostgreSQL for tests: a server of its own, with
// its data in a temporary folder, that ends with the test's program in whatever
// way that ends. It listens on a loopback port above 20000.
//
// As root the server runs as another user: PostgreSQL refuses to be root.
package pgtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// User and Password log in to every database of a Server, as its owner.
const (
	User     = "lede"
	Password = "sesame quay"
)

// Server is a PostgreSQL server. The zero Server starts when it is first asked
// for a database. It may be used by several tests at once.
type Server struct {
	// Durable makes the server write to the disk before it answers, as it does
	// outside of tests.
	Durable bool
	// Prepare, when not nil, readies a database that those of Database are
	// copies of. It must leave no connection open.
	Prepare func(address string) error

	once sync.Once
	err  error
	bin  string // folder of the programs
	dir  string // everything of this server
	port int
	uid  *syscall.Credential // nil: ours

	mu      sync.Mutex
	running *exec.Cmd
	leash   io.Closer // closed, the server ends
	made    int       // databases
}

// errMissing says that there is no PostgreSQL to start.
var errMissing = errors.New("no PostgreSQL (Debian's package postgresql; make setup)")

// Database makes a database, as Prepare left one, and returns its address for
// store.Open, with user and password. The test is skipped where no PostgreSQL
// is installed; with CI=true it fails.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	if s.Prepare == nil {
		return s.Empty(t)
	}
	s.need(t)
	return s.create(t, template)
}

// Empty is Database without Prepare.
func (s *Server) Empty(t testing.TB) string {
	t.Helper()
	s.need(t)
	return s.create(t, "template1")
}

// template is the database that Prepare readied.
const template = "ledetemplate"

func (s *Server) create(t testing.TB, from string) string {
	t.Helper()
	s.mu.Lock()
	s.made++
	name := fmt.Sprintf("lede%d", s.made)
	s.mu.Unlock()
	s.SQL(t, "postgres", fmt.Sprintf("CREATE DATABASE %s OWNER %s TEMPLATE %s", name, User, from))
	return s.Address(name)
}

// need starts the server, or skips the test.
func (s *Server) need(t testing.TB) {
	t.Helper()
	if err := s.Start(); errors.Is(err, errMissing) && os.Getenv("CI") != "true" {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
}

// Address is the address of a database of that name.
func (s *Server) Address(name string) string {
	return fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d/%s", User, strings.ReplaceAll(Password, " ", "%20"), s.port, name)
}

// Start makes the server on the first call; later ones return the same error.
func (s *Server) Start() error {
	s.once.Do(func() {
		s.err = s.start()
	})
	return s.err
}

func (s *Server) start() error {
	if err := s.make(); err != nil {
		return err
	}
	if err := s.Run(); err != nil {
		return err
	}
	if s.Prepare == nil {
		return nil
	}
	if _, err := s.psql("postgres", fmt.Sprintf("CREATE DATABASE %s OWNER %s", template, User)); err != nil {
		return err
	}
	return s.Prepare(s.Address(template))
}

// SQL runs statements in a database as the server's superuser, and returns what
// they print.
func (s *Server) SQL(t testing.TB, database, statements string) string {
	t.Helper()
	out, err := s.psql(database, statements)
	if err != nil {
		t.Fatalf("%s: %v", statements, err)
	}
	return strings.TrimSpace(out)
}

func (s *Server) psql(database, statements string) (string, error) {
	cmd := exec.Command(filepath.Join(s.bin, "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
		"-h", s.dir, "-p", strconv.Itoa(s.port), "-U", "postgres", "-d", database, "-c", statements)
	var out, trouble bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &trouble
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("psql: %w: %s", err, trouble.String())
	}
	return out.String(), nil
}

// make makes the folder and the cluster in it.
func (s *Server) make() error {
	var err error
	if s.bin, err = programs(); err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp("", "ledepg"); err != nil {
		return err
	}
	if os.Getuid() == 0 {
		if s.uid, err = unprivileged(); err != nil {
			return err
		}
		if err := os.Chown(s.dir, int(s.uid.Uid), int(s.uid.Gid)); err != nil {
			return err
		}
	}
	if s.port, err = freePort(); err != nil {
		return err
	}
	initdb := s.command("initdb", "-D", s.data(), "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust", "--no-sync", "--no-instructions")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	access := "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
	return os.WriteFile(filepath.Join(s.data(), "pg_hba.conf"), []byte(access), 0o600)
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// command is one of PostgreSQL's programs, run as the server's user.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.uid}
	return cmd
}

// Run starts the server that Stop or Kill ended, and waits until it answers.
func (s *Server) Run() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	settings := map[string]string{
		"listen_addresses": "127.0.0.1", "port": strconv.Itoa(s.port), "unix_socket_directories": s.dir,
		"max_connections": "200", "shared_buffers": "128MB", "logging_collector": "off", "deadlock_timeout": "200ms",
		"fsync": onOff(s.Durable), "full_page_writes": onOff(s.Durable), "synchronous_commit": "on",
	}
	args := []string{"-D", s.data()}
	for name, value := range settings {
		args = append(args, "-c", name+"="+value)
	}
	// The server ends when its standard input, which this process holds, does.
	server := s.command("postgres", args...)
	leashed := exec.Command("/bin/sh", append([]string{"-c", `"$@" </dev/null & p=$!; cat >/dev/null; kill -INT $p; wait $p`, "sh", server.Path}, args...)...)
	leashed.Dir, leashed.SysProcAttr = s.dir, server.SysProcAttr
	leash, err := leashed.StdinPipe()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	leashed.Stdout, leashed.Stderr = log, log
	if err := leashed.Start(); err != nil {
		return err
	}
	s.running, s.leash = leashed, leash
	made := fmt.Sprintf("SELECT count(*) FROM pg_roles WHERE rolname = '%s'", User)
	var has string
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if has, err = s.psql("postgres", made); err == nil {
			break
		}
		if time.Since(start) > time.Minute {
			said, _ := os.ReadFile(log.Name())
			return fmt.Errorf("PostgreSQL does not start: %w\n%s", err, said)
		}
	}
	if strings.TrimSpace(has) != "0" {
		return nil
	}
	_, err = s.psql("postgres", fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'", User, Password))
	return err
}

// Stop ends the server in order, if it runs; connections are cut.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		return
	}
	_ = s.leash.Close()
	_ = s.running.Wait()
	s.running = nil
}

// Kill ends the server at once, as a crash does: the next Run recovers.
func (s *Server) Kill() {
	if pid, err := s.postmaster(); err == nil {
		_ = syscall.Kill(pid, syscall.SIGQUIT) // "immediate shutdown": no checkpoint
	}
	s.Stop()
}

// Knock waits until somebody asks for the server that Stop or Kill ended, and
// turns them away; the test fails when nobody does for a minute.
func (s *Server) Knock(t testing.TB) {
	t.Helper()
	ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	if err := ln.(*net.TCPListener).SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	conn, err := ln.Accept()
	if err != nil {
		t.Fatalf("nobody asked for the server: %v", err)
	}
	_ = conn.Close()
}

func (s *Server) postmaster() (int, error) {
	b, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return strconv.Atoi(line)
}

// Remove ends the server and removes everything of it. A Server that was never
// started has nothing to remove.
func (s *Server) Remove() {
	s.Stop()
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}

func onOff(b bool) string {
	if b {
		return "on"
	}
	return "off"
}

// programs is the folder with the newest PostgreSQL's programs.
func programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return "", err
	}
	slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
	if len(found) > 0 {
		return filepath.Dir(found[0]), nil
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", errMissing
}

// version is the number in /usr/lib/postgresql/15/bin/postgres.
func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}

// unprivileged is a user that the server may run as.
func unprivileged() (*syscall.Credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("there is neither a user postgres nor nobody to run PostgreSQL as")
}

// freePort is a port that nobody listens on, below those that the system gives
// to connections: one of them might take it before the server does.
func freePort() (port int, err error) {
	for range 100 {
		port = 20001 + rand.IntN(10000)
		var ln net.Listener
		if ln, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return port, ln.Close()
		}
	}
	return 0, fmt.Errorf("no free port above 20000: %w", err)
}
