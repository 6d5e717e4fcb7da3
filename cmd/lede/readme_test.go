package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestReadme tries each command of the README, in its order, in one folder. The
// commands that go on until they are stopped are asked for their page, and
// stopped at the end.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	smtp, inbox, pages, preview := freePort(t), freePort(t), freePort(t), freePort(t)
	// The README's ports may be taken on this machine; everything else is as it
	// stands there.
	t.Setenv("LEDE_RELAYS_MAIN_PORT", fmt.Sprint(smtp))
	t.Setenv("LEDE_LISTEN", fmt.Sprintf("127.0.0.1:%d", pages))
	t.Setenv("LEDE_BASE_URL", fmt.Sprintf("http://127.0.0.1:%d", pages))
	staying := map[string]struct {
		args []string
		page string
	}{
		"lede preview": {[]string{"--listen", fmt.Sprintf("127.0.0.1:%d", preview)}, fmt.Sprintf("http://127.0.0.1:%d/", preview)},
		"lede inbox":   {[]string{"--smtp", fmt.Sprintf("127.0.0.1:%d", smtp), "--listen", fmt.Sprintf("127.0.0.1:%d", inbox)}, fmt.Sprintf("http://127.0.0.1:%d/", inbox)},
		"lede serve":   {nil, fmt.Sprintf("http://127.0.0.1:%d/healthz", pages)},
	}
	tried := 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(readme), -1) {
		for line := range strings.SplitSeq(strings.TrimSpace(block[1]), "\n") {
			line, _, _ = strings.Cut(line, " #")
			line = strings.TrimSpace(line)
			args := strings.Fields(line)
			switch {
			case line == "make test", line == "go run ./cmd/lede demo", strings.HasPrefix(line, "go build"):
				continue // this is one, scripts run the other, and the third is what built us
			case args[0] == "cd":
				dir = filepath.Join(dir, args[1])
				continue
			}
			tried++
			if stay, ok := staying[line]; ok {
				start(t, dir, append(args, stay.args...), stay.page)
				continue
			}
			cmd := ledeIn(t, dir, args[1:]...)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", line, err, out)
			}
		}
	}
	if tried < 10 {
		t.Errorf("only %d commands found in the README", tried)
	}
	res, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/mails.json", inbox)) //nolint:noctx // loopback, in a test
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(res.Body); err != nil || strings.Count(body.String(), "northpost.example") == 0 {
		t.Errorf("the inbox has no mail for odile: %v\n%s", err, body.String())
	}
}

// start runs a command that stays until the test ends, and waits for its page.
func start(t *testing.T, dir string, args []string, page string) {
	t.Helper()
	cmd := ledeIn(t, dir, args[1:]...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s did not end well: %v\n%s", strings.Join(args, " "), err, out.String())
		}
	})
	ok := within(time.Minute, func() bool {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, page, nil)
		if err != nil {
			return false
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			res.Body.Close()
		}
		return err == nil && res.StatusCode == http.StatusOK
	})
	if !ok {
		t.Errorf("%s: %s does not answer\n%s", strings.Join(args, " "), page, out.String())
	}
}
