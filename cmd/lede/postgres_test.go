package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"lede/internal/pgtest"
	"lede/newsroom"
)

// server is the PostgreSQL of these tests.
var server = new(pgtest.Server)

// program is the test's program; what it started ends with it.
type program struct{ *testing.M }

func (p program) Run() int {
	defer server.Remove()
	return p.M.Run()
}

// engines make the value of data for a new newsroom.
var engines = map[string]func(t testing.TB) string{
	"sqlite":   func(testing.TB) string { return "lede.db" },
	"postgres": server.Database,
}

// Scripts that are about the whole job, on PostgreSQL: a variable of the
// environment takes the place of data in their configuration.
func TestScriptsOnPostgres(t *testing.T) {
	var files []string
	for _, name := range []string{"whole-job", "daemon", "import", "subscribers", "leaving-mid-send", "nothing-new", "timing", "unfinished", "wrong-edition", "attributes", "tokens"} {
		files = append(files, "testdata/script/"+name+".txtar")
	}
	testscript.Run(t, scripts(t, testscript.Params{
		Files: files,
		Setup: func(e *testscript.Env) error {
			e.Setenv("LEDE_DATA", server.Database(t))
			return nil
		},
	}))
}

// The database's server is stopped, or crashes, in mid-send and comes back:
// sender and daemon go on by themselves, everybody has the mail once, and what
// they say holds no password.
func TestDatabaseRestarts(t *testing.T) {
	const readers = 3000
	own := &pgtest.Server{Durable: true}
	t.Cleanup(own.Remove)
	for name, stop := range map[string]func(){"stopped": own.Stop, "crashed": own.Kill} {
		for _, by := range []string{"send", "serve"} {
			if (name == "stopped") == (by == "send") && os.Getenv("LEDE_CHAOS") == "" {
				continue // the other two do for a short test
			}
			t.Run(name+", "+by, func(t *testing.T) {
				box, port := serveCounter(t)
				dir := chaosRoom(t, own.Database(t), readers, port, "hold")
				args := []string{"send", "harbour", "--yes"}
				if by == "serve" { // which goes on with what a killed send left
					killAt(t, ledeIn(t, dir, args...), box, 50)
					args = []string{"serve"}
				}
				before := box.accepted()
				cmd := ledeIn(t, dir, args...)
				var said strings.Builder
				cmd.Stdout, cmd.Stderr = &said, &said
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				ended := make(chan error, 1)
				go func() { ended <- cmd.Wait() }()
				if !within(30*time.Second, func() bool { return box.accepted() > before+200 }) {
					t.Fatal("nothing is sent")
				}
				stop()
				down, after := time.Now(), box.accepted()
				own.Knock(t) // it noticed, and asks for the server
				if err := own.Run(); err != nil {
					t.Fatal(err)
				}
				if !within(30*time.Second, func() bool { return box.accepted() > after+chaosLanes*chaosDepth }) {
					t.Errorf("it does not go on: %d, then %d", after, box.accepted())
				}
				back := time.Since(down)
				if by == "serve" {
					if !within(time.Minute, func() bool { return newest(t, dir).State == newsroom.Done }) {
						t.Error("it does not end")
					}
					_ = cmd.Process.Kill()
					<-ended
				} else if err := <-ended; err != nil {
					t.Errorf("send: %v", err)
				}
				if strings.Contains(said.String(), "sesame") {
					t.Error("it told the password")
				}
				rep := newest(t, dir)
				for i := range readers {
					if ids := box.got[fmt.Sprintf("reader%06d@northpost.example", i)]; len(ids) > 1 {
						t.Errorf("reader %d has %d copies", i, len(ids))
					}
				}
				if rep.Sent+rep.InDoubt != readers || rep.State != newsroom.Done || by == "send" && rep.InDoubt != 0 {
					out, _ := json.Marshal(rep)
					t.Errorf("%s\n%s", out, said.String())
				}
				t.Logf("goes on %s after the server went; %d in doubt", back, rep.InDoubt)
			})
		}
	}
}
