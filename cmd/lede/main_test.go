package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be lede, in scripts and as a child that can be
// killed.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"lede": main})
}

// TestScripts runs what editors do, from the built binary. Each script says at
// its head why it exists.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			for _, name := range []string{"SMTP", "INBOX", "PAGES"} {
				e.Setenv(name, strconv.Itoa(freePort(t)))
			}
			now := time.Now()
			e.Setenv("TOMORROW", now.AddDate(0, 0, 1).Format(time.DateOnly))
			e.Setenv("YESTERDAY", now.AddDate(0, 0, -1).Format(time.DateOnly))
			e.Setenv("HOME", e.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"readers":  writeReaders,
			"expand":   expandFile,
			"listens":  waitForPort,
			"get":      getPage,
			"post":     postPage,
			"eventual": eventually,
		},
	})
}

// freePort returns a loopback port that nothing listens on.
func freePort(t testing.TB) int {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// writeReaders N FILE writes a list of N readers.
func writeReaders(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	var b strings.Builder
	b.WriteString("email,name\n")
	for i := range n {
		fmt.Fprintf(&b, "reader%05d@northpost.example,Reader %d\n", i, i)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(b.String()), 0o644))
}

// expandFile FILE … puts the environment's values for $NAME in files.
func expandFile(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		data, err := os.ReadFile(ts.MkAbs(name))
		ts.Check(err)
		text := os.Expand(string(data), func(key string) string {
			if v := ts.Getenv(key); v != "" {
				return v
			}
			return "$" + key
		})
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o644))
	}
}

// waitForPort PORT waits until something listens there.
func waitForPort(ts *testscript.TestScript, _ bool, args []string) {
	ok := within(time.Minute, func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+args[0])
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	if !ok {
		ts.Fatalf("nothing listens on port %s", args[0])
	}
}

// getPage URL prints the status and the body.
func getPage(ts *testscript.TestScript, _ bool, args []string) {
	fetchPage(ts, http.MethodGet, args[0], "")
}

// postPage URL BODY posts a form.
func postPage(ts *testscript.TestScript, _ bool, args []string) {
	fetchPage(ts, http.MethodPost, args[0], args[1])
}

func fetchPage(ts *testscript.TestScript, method, url, body string) {
	req, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	ts.Check(err)
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%d\n%s\n", res.StatusCode, data)
}

// eventually TEXT COMMAND … runs lede until its output holds the text.
func eventually(ts *testscript.TestScript, _ bool, args []string) {
	last := ""
	ok := within(time.Minute, func() bool {
		_ = ts.Exec("lede", args[1:]...) // its output says what it thought
		last = ts.ReadFile("stdout") + ts.ReadFile("stderr")
		return strings.Contains(last, args[0])
	})
	if !ok {
		ts.Fatalf("%q did not come; last:\n%s", args[0], last)
	}
}

func within(limit time.Duration, ok func() bool) bool {
	for end := time.Now().Add(limit); time.Now().Before(end); {
		if ok() {
			return true
		}
		<-time.After(50 * time.Millisecond)
	}
	return false
}
