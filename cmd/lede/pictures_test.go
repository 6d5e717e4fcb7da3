package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"lede/internal/browsertest"
)

// TestPictures looks at what the demo makes in a real browser, as its reader
// and its editor would: letter, preview, inbox and unsubscribe page, none wider
// than its window. `make pictures` keeps the pictures in docs/img.
func TestPictures(t *testing.T) {
	browser := browsertest.Open(t)
	dir := t.TempDir()
	mail, pages := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: freePort(t)}, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: freePort(t)}
	if err := writeDemo(dir, mail, pages, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "readers.csv"), []byte(demoReaders()), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if code := run(context.Background(), []string{"import", "harbour", filepath.Join(dir, "readers.csv"), "-c", filepath.Join(dir, "lede.yaml")}, strings.NewReader(""), &out, &out); code != exitPart {
		t.Fatalf("import: exit %d\n%s", code, out.String())
	}
	preview := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	start(t, dir, []string{"lede", "preview", "--listen", preview}, "http://"+preview+"/")

	take := func(name, url string, width, height int64, scheme string) {
		t.Helper()
		browser.Window(width, height, scheme)
		browser.Visit(url)
		browser.Fits(name)
		browser.Picture(name)
	}
	whole := func(name, url string, width int64, scheme string) {
		t.Helper()
		browser.Window(width, 800, scheme)
		browser.Visit(url)
		height := browsertest.Eval[int](browser, "document.documentElement.scrollHeight")
		take(name, url, width, int64(height), scheme)
	}
	frame := "http://" + preview + "/frame?newsletter=harbour"
	whole("letter-desktop", frame+"&view=desktop", 640, "light")
	whole("letter-phone", frame+"&view=phone", 375, "light")
	whole("letter-dark", frame+"&view=dark", 640, "dark")
	whole("letter-no-images", frame+"&view=noimages", 640, "light")
	take("preview", "http://"+preview+"/", 1280, 1000, "light")
	take("preview-dark", "http://"+preview+"/", 1280, 1000, "dark")
	take("preview-phone", "http://"+preview+"/", 390, 844, "light")

	inbox, leave := runningDemo(t)
	take("inbox", inbox+"/mail/1", 1280, 860, "light")
	take("unsubscribe", leave, 390, 700, "light")
}

// runningDemo starts a demo that stays, and returns two of the addresses that
// it prints: the inbox, and the first reader's unsubscribe page.
func runningDemo(t *testing.T) (inbox, leave string) {
	t.Helper()
	cmd := ledeIn(t, t.TempDir(), "demo")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the demo did not end well: %v", err)
		}
	})
	// A demo that never says it must not hold the test: its output ends with it.
	watch := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	defer watch.Stop()
	address := regexp.MustCompile(`^\s+(the inbox|leaving it)\s+(http://\S+)$`)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		switch m := address.FindStringSubmatch(lines.Text()); {
		case m == nil:
		case m[1] == "the inbox":
			inbox = m[2]
		default:
			leave = m[2]
		}
		if leave != "" {
			return inbox, leave
		}
	}
	t.Fatal("the demo did not say where to look")
	return "", ""
}
