// Package mysqltest starts a real MariaDB for tests: a server of its own, with
// its data in a temporary folder, that listens on a socket there alone and ends
// with the test's program in whatever way that ends.
package mysqltest

import (
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver
)

// Start starts a server that ends with the test, and returns the path of its
// socket; the user root has no password. The test is skipped where MariaDB is
// not installed; with CI=true it fails.
func Start(t testing.TB) (socket string) {
	t.Helper()
	server, install := program("mariadbd"), program("mariadb-install-db")
	if server == "" || install == "" {
		const missing = "no MariaDB (Debian's package mariadb-server-core; make setup)"
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	// t.TempDir's paths may be longer than a socket's may be.
	dir, err := os.MkdirTemp("", "ledemy")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	data := filepath.Join(dir, "data")
	common := []string{"--no-defaults", "--datadir=" + data}
	if os.Getuid() == 0 {
		common = append(common, "--user=root") // it refuses to be root unless told so
	}
	made := exec.Command(install, append(common, "--auth-root-authentication-method=normal", "--skip-test-db")...)
	if out, err := made.CombinedOutput(); err != nil {
		t.Fatalf("mariadb-install-db: %v\n%s", err, out)
	}
	socket = filepath.Join(dir, "socket")
	log := filepath.Join(dir, "log")
	args := append(common, "--socket="+socket, "--skip-networking", "--pid-file="+filepath.Join(dir, "pid"), "--log-error="+log,
		"--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=0")
	// The server ends when its standard input, which this process holds, does.
	leashed := exec.Command("/bin/sh", append([]string{"-c", `"$@" </dev/null & p=$!; cat >/dev/null; kill -KILL $p; wait $p`, "sh", server}, args...)...)
	leash, err := leashed.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := leashed.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(leash, leashed) })
	if err := answers(socket); err != nil {
		said, _ := os.ReadFile(log)
		t.Fatalf("MariaDB does not start: %v\n%s", err, said)
	}
	return socket
}

func end(leash io.Closer, leashed *exec.Cmd) {
	_ = leash.Close()
	_ = leashed.Wait() // it was killed
}

// answers waits until the server does.
func answers(socket string) error {
	db, err := sql.Open("mysql", fmt.Sprintf("root@unix(%s)/", socket))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if err = db.Ping(); err == nil || time.Since(start) > time.Minute {
			return err
		}
	}
}

// program is the path of a program; empty where there is none.
func program(name string) string {
	for _, path := range []string{name, "/usr/sbin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	return ""
}
