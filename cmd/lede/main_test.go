package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	mathrand "math/rand/v2"
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
	testscript.Main(program{m}, map[string]func(){"lede": main})
}

// TestScripts runs what editors do, from the built binary. Each script says at
// its head why it exists.
func TestScripts(t *testing.T) {
	testscript.Run(t, scripts(t, testscript.Params{Dir: "testdata/script"}))
}

// scripts completes how scripts are run.
func scripts(t *testing.T, p testscript.Params) testscript.Params {
	return testscript.Params{
		Dir:                 p.Dir,
		Files:               p.Files,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			if p.Setup != nil {
				if err := p.Setup(e); err != nil {
					return err
				}
			}
			for _, name := range []string{"SMTP", "INBOX", "PAGES", "METRICS"} {
				e.Setenv(name, strconv.Itoa(freePort(t)))
			}
			now := time.Now()
			e.Setenv("TOMORROW", now.AddDate(0, 0, 1).Format(time.DateOnly))
			e.Setenv("NOW", now.UTC().Truncate(time.Minute).Format(time.RFC3339))
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
			"request":  requestWithToken,
			"eventual": eventually,
			"save":     savePage,
			"dkimkey":  writeKey,
			"arrives":  arrivingPage,
			"confirm":  followConfirmation,
		},
	}
}

// freePort returns a loopback port that nothing listens on, below those that the
// system gives to connections: one of them might take it in between.
func freePort(t testing.TB) int {
	for range 100 {
		port := 20001 + mathrand.IntN(10000)
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			ln.Close()
			return port
		}
	}
	t.Fatal("no free port above 20000")
	return 0
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

// requestWithToken METHOD URL FILE [JSON] makes a request of the API with the
// token that is in a file.
func requestWithToken(ts *testscript.TestScript, _ bool, args []string) {
	req, err := http.NewRequestWithContext(context.Background(), args[0], args[1], strings.NewReader(strings.Join(args[3:], "")))
	ts.Check(err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(ts.ReadFile(args[2])))
	printAnswer(ts, req)
}

func fetchPage(ts *testscript.TestScript, method, url, body string) {
	req, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	ts.Check(err)
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	printAnswer(ts, req)
}

// printAnswer prints the status and the body that a request is answered with.
func printAnswer(ts *testscript.TestScript, req *http.Request) {
	res, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%d\n%s\n", res.StatusCode, data)
}

// savePage URL FILE keeps what an address answers with.
func savePage(ts *testscript.TestScript, _ bool, args []string) {
	res, err := http.Get(args[0])
	ts.Check(err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	ts.Check(err)
	if res.StatusCode != http.StatusOK {
		ts.Fatalf("%s: %s", args[0], res.Status)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), data, 0o644))
}

// writeKey FILE makes a private key to sign mail with.
func writeKey(ts *testscript.TestScript, _ bool, args []string) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	ts.Check(err)
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), pem.EncodeToMemory(block), 0o600))
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
