package pgtest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// as asks a database by its address, as its owner.
func as(t *testing.T, s *Server, address, statements string) string {
	t.Helper()
	out, err := exec.Command(filepath.Join(s.bin, "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", address, "-c", statements).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", statements, err, out)
	}
	return strings.TrimSpace(string(out))
}

// Each database is a copy of what Prepare readied and is its user's own; what is
// in it stays when the server is stopped or crashes, and Remove leaves nothing.
func TestServer(t *testing.T) {
	var s Server
	s.Durable = true
	s.Prepare = func(address string) error {
		out, err := exec.Command(filepath.Join(s.bin, "psql"), "-X", "-q", address, "-c", "CREATE TABLE boat (name TEXT)").CombinedOutput()
		if err != nil {
			t.Logf("%s", out)
		}
		return err
	}
	t.Cleanup(s.Remove)
	one, two := s.Database(t), s.Database(t)
	if one == two || s.port <= 20000 {
		t.Fatalf("%s and %s, port %d", one, two, s.port)
	}
	as(t, &s, one, "INSERT INTO boat VALUES ('Adder')")
	if got := as(t, &s, two, "SELECT count(*) FROM boat"); got != "0" {
		t.Errorf("a database sees the other's rows: %s", got)
	}
	if got := as(t, &s, s.Empty(t), "SELECT count(*) FROM pg_tables WHERE tablename = 'boat'"); got != "0" {
		t.Errorf("an empty one has the table: %s", got)
	}
	for name, end := range map[string]func(){"stopped": s.Stop, "crashed": s.Kill} {
		end()
		end() // twice does no harm
		called := make(chan error, 1)
		go func() { // it may come before anybody listens
			for {
				conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)))
				if err == nil {
					called <- conn.Close()
					return
				}
			}
		}()
		s.Knock(t)
		if err := <-called; err != nil {
			t.Error(err)
		}
		if err := s.Run(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := as(t, &s, one, "SELECT name FROM boat"); got != "Adder" {
			t.Errorf("%s: %q is left", name, got)
		}
	}
	if out, err := s.Exec("postgres", "SELECT wrong"); err == nil || !strings.Contains(err.Error(), "wrong") {
		t.Errorf("a wrong statement: %q, %v", out, err)
	}
	dir := s.dir
	s.Remove()
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", dir, err)
	}
	var never Server
	never.Remove()
}

func TestVersion(t *testing.T) {
	for path, want := range map[string]int{
		"/usr/lib/postgresql/15/bin/postgres": 15, "/usr/lib/postgresql/9/bin/postgres": 9, "/usr/lib/postgresql/x/bin/postgres": 0,
	} {
		if got := version(path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}
