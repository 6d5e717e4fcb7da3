package store_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"lede/internal/pgtest"
	"lede/store"
)

// raw opens the file behind a SQLite store without the store.
func raw(t *testing.T, file string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	must(t, os.WriteFile(in("letter.txt"), []byte(strings.Repeat("This is no database. ", 100)), 0o600))
	_, err := raw(t, in("other.db")).Exec(`CREATE TABLE boat (name TEXT)`)
	must(t, err)
	newer, err := store.Open(ctx(), in("newer.db"))
	must(t, err)
	must(t, newer.Close())
	_, err = raw(t, in("newer.db")).Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9000, 1)`)
	must(t, err)
	must(t, os.Mkdir(in("folder"), 0o700))
	must(t, syscall.Mkfifo(in("pipe"), 0o600))

	for dsn, want := range map[string]string{
		"mysql://lede:sesame@db/lede": "mysql:// is no database that lede knows",
		"":                            "names no file",
		"sqlite::memory:":             "names no file",
		in("none/lede.db"):            "none/lede.db: there is no folder " + in("none") + "; make it",
		in("folder"):                  "folder: is a folder; name a file in it",
		in("letter.txt/lede.db"):      "not a directory",
		in("letter.txt"):              "letter.txt: is not a database of lede",
		in("other.db"):                "other.db: is a database of another program",
		in("newer.db"):                "newer.db was made by a newer Lede (schema 9000, this one knows ",
		in("pipe"):                    "pipe: is not an ordinary file",
	} {
		s, err := store.Open(ctx(), dsn)
		if err == nil {
			_ = s.Close()
			t.Errorf("%s: no error, want %q", dsn, want)
			continue
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %q, want %q", dsn, err, want)
		}
	}
	var tables int
	must(t, raw(t, in("other.db")).QueryRow(`SELECT count(*) FROM sqlite_master`).Scan(&tables))
	if tables != 1 {
		t.Error("another program's database was changed")
	}
	if _, err := os.Stat(in("none")); err == nil {
		t.Error("a folder was made")
	}
}

func TestOpenAgain(t *testing.T) {
	dir := t.TempDir()
	// Signs that mean something in a URI.
	file := filepath.Join(dir, "lede ?#%41&mode=ro.db")
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	s, err := store.Open(ctx(), "sqlite:"+file)
	must(t, err)
	subscribe(t, s, "harbour", readers(0, 1)...)
	for _, name := range []string{file, file + "-wal", file + "-shm"} {
		info, err := os.Stat(name)
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s can be read by others: %s", name, info.Mode())
		}
	}
	must(t, s.Close())
	entries, err := os.ReadDir(dir)
	must(t, err)
	if len(entries) != 1 {
		t.Errorf("closed, there should be one file: %v", entries)
	}
	s, err = store.Open(ctx(), file)
	must(t, err)
	defer func() { must(t, s.Close()) }()
	if p, err := s.Person(ctx(), reader(0).Key); err != nil || p.Name != "Reader 0" {
		t.Errorf("%+v, %v", p, err)
	}
	first, err := s.Keyring(ctx())
	must(t, err)
	if len(first.Keys) != 1 || len(first.Keys[first.Current]) != 32 {
		t.Errorf("%d keys", len(first.Keys))
	}
	other := database{dsn: engines["sqlite"](t)}.open(t)
	second, err := other.Keyring(ctx())
	must(t, err)
	if string(first.Keys[1]) == string(second.Keys[1]) {
		t.Error("two databases have the same key")
	}
}

// All start at once on a database that has nothing yet.
func TestOpenTogether(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		if strings.HasPrefix(db.dsn, "postgres") {
			db.dsn = server.Empty(t)
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				s, err := store.Open(ctx(), db.dsn)
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		for range 3 {
			wg.Go(func() {
				if out, err := child(t, "open", db.dsn).CombinedOutput(); err != nil {
					t.Errorf("%v: %s", err, out)
				}
			})
		}
		wg.Wait()
		db.open(t)
	})
}

// A file that may not be written. Root may write everything, so another user's
// process looks at it.
func TestOpenReadOnly(t *testing.T) {
	dir, err := os.MkdirTemp("", "lede")
	must(t, err)
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "lede.db")
	s, err := store.Open(ctx(), file)
	must(t, err)
	must(t, s.Close())
	must(t, os.Chmod(file, 0o444))
	must(t, os.Chmod(dir, 0o555))
	open := func(dsn, want string) {
		t.Helper()
		cmd := child(t, "open", dsn)
		if os.Getuid() == 0 {
			program := copyTo(t, cmd.Path)
			cmd.Path, cmd.Args[0], cmd.Dir = program, program, dir
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v, %s, want %q", dsn, err, out, want)
		}
	}
	open(file, "lede.db: cannot be")
	open(filepath.Join(dir, "new.db"), "new.db: cannot be made: permission denied")
}

// copyTo copies the test's program where every user may run it.
func copyTo(t *testing.T, program string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lede")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	b, err := os.ReadFile(program)
	must(t, err)
	name := filepath.Join(dir, "store.test")
	must(t, os.WriteFile(name, b, 0o755))
	return name
}

// What a promise hangs on.
func TestSettings(t *testing.T) {
	dsn := engines["sqlite"](t)
	database{dsn: dsn}.open(t)
	var mode string
	must(t, raw(t, dsn).QueryRow(`PRAGMA journal_mode`).Scan(&mode))
	if mode != "wal" {
		t.Errorf("journal mode %s", mode)
	}
}

func TestAcquireSender(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s, other := db.open(t), db.open(t)
		running, release, err := s.AcquireSender(ctx())
		must(t, err)
		_, _, err = other.AcquireSender(ctx())
		var busy store.ErrSender
		if !errors.As(err, &busy) || busy.PID != os.Getpid() {
			t.Errorf("a second one: %v", err)
		}
		if running.Err() != nil {
			t.Error(context.Cause(running))
		}
		release()
		release()
		if running.Err() == nil {
			t.Error("the context outlives the lock")
		}

		// Another process has it until it dies.
		cmd := child(t, "hold", db.dsn)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		_, err = out.Read(make([]byte, 10))
		must(t, err)
		_, _, err = s.AcquireSender(ctx())
		if !errors.As(err, &busy) || busy.PID != cmd.Process.Pid {
			t.Errorf("while process %d has it: %v", cmd.Process.Pid, err)
		}
		if want := "another lede (pid "; err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), ") is sending from ") || strings.Contains(err.Error(), pgtest.Password) {
			t.Errorf("%v", err)
		}
		must(t, cmd.Process.Kill())
		_ = cmd.Wait()
		_, release, err = s.AcquireSender(ctx())
		must(t, err)
		release()
	})
}

// The file beside a SQLite database that holds its sender's lock.
func TestSendersFile(t *testing.T) {
	dsn := engines["sqlite"](t)
	s := database{dsn}.open(t)
	_, release, err := s.AcquireSender(ctx())
	must(t, err)
	if info, err := os.Stat(dsn + ".lock"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	link := filepath.Join(t.TempDir(), "link.db")
	must(t, os.Symlink(dsn, link))
	if _, _, err := (database{link}).open(t).AcquireSender(ctx()); err == nil {
		t.Error("by another name of the file it has another lock")
	}
	release()
	must(t, os.Remove(dsn+".lock"))
	must(t, os.Mkdir(dsn+".lock", 0o700))
	if _, _, err := s.AcquireSender(ctx()); err == nil || !strings.Contains(err.Error(), "lede.db.lock: cannot be made") {
		t.Errorf("%v", err)
	}
}

// child is this test's program as another process; see TestMain.
func child(t *testing.T, job, dsn string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "STORE_TEST_JOB="+job, "STORE_TEST_DSN="+dsn)
	return cmd
}
