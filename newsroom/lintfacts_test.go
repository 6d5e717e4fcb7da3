package newsroom_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lede/audience"
	"lede/compose"
	"lede/internal/fetch"
	"lede/newsroom"
	"lede/send"
	"lede/templates"
)

// spamdThat answers one request with a text and keeps what it was asked.
func spamdThat(t *testing.T, network, at, answer string) (address string, asked func() string) {
	t.Helper()
	l, err := net.Listen(network, at)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var got string
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		data, _ := io.ReadAll(conn)
		mu.Lock()
		got = string(data)
		mu.Unlock()
		_, _ = io.WriteString(conn, answer)
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String(), func() string { mu.Lock(); defer mu.Unlock(); return got }
}

const spamdAnswer = "SPAMD/1.1 0 EX_OK\r\nContent-length: 400\r\nSpam: True ; 6.2 / 5.0\r\n\r\n" +
	"Content analysis details:   (6.2 points, 5.0 required)\n\n pts rule name              description\n" +
	"---- ---------------------- --------------------------------------------------\n" +
	" 4.0 HARBOUR_LAMP           BODY: Lamps at a price that\n                            nobody asks\n" +
	"-0.1 NO_RELAYS              Informational: message was not relayed via SMTP\n 2.3 TIDE                   Tides\n"

func TestAskSpamd(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "spamd")
	for name, where := range map[string][2]string{"tcp": {"tcp", "127.0.0.1:0"}, "socket": {"unix", socket}} {
		at, asked := spamdThat(t, where[0], where[1], spamdAnswer)
		s := newsroom.AskSpamd(t.Context(), at, []byte("Subject: x\n\nbody\r\n"))
		if s.Err != "" || s.Score != 6.2 || s.Required != 5 || len(s.Rules) != 3 {
			t.Fatalf("%s: got %+v", name, s)
		}
		if r := s.Rules[0]; r.Name != "HARBOUR_LAMP" || r.Score != 4 || r.About != "BODY: Lamps at a price that nobody asks" {
			t.Errorf("%s: got %+v", name, r)
		}
		if got, want := asked(), "REPORT SPAMC/1.5\r\nContent-length: 20\r\n\r\nSubject: x\r\n\r\nbody\r\n"; got != want {
			t.Errorf("%s: asked %q, want %q", name, got, want)
		}
	}
	for name, answer := range map[string]string{
		"nothing": "", "another server": "220 mail.example ESMTP\r\n", "a fault": "SPAMD/1.1 75 EX_TEMPFAIL\r\n\r\n",
		"no points": "SPAMD/1.1 0 EX_OK\r\n\r\n", "not a number": "SPAMD/1.1 0 EX_OK\r\nSpam: True ; x / y\r\n\r\n",
	} {
		at, _ := spamdThat(t, "tcp", "127.0.0.1:0", answer)
		if s := newsroom.AskSpamd(t.Context(), at, []byte("x")); !strings.Contains(s.Err, at) {
			t.Errorf("%s: got %+v, want an error that names %s", name, s, at)
		}
	}
	if s := newsroom.AskSpamd(t.Context(), "127.0.0.1:1", []byte("x")); s.Err == "" {
		t.Error("nobody listens, and there is no error")
	}
}

// scriptedWeb answers probes as a table says.
type scriptedWeb struct {
	mu   sync.Mutex
	most int
	now  int
	all  []string
}

func (w *scriptedWeb) Probe(ctx context.Context, address string) (fetch.Probed, error) {
	w.mu.Lock()
	w.now++
	w.most = max(w.most, w.now)
	w.all = append(w.all, address)
	w.mu.Unlock()
	defer func() { w.mu.Lock(); w.now--; w.mu.Unlock() }()
	switch {
	case strings.HasSuffix(address, "/inside"):
		return fetch.Probed{}, fmt.Errorf("x: %w", fetch.ErrRefused)
	case strings.HasSuffix(address, "/silent"):
		return fetch.Probed{}, errors.New("no such host")
	case strings.HasSuffix(address, "/moved"):
		return fetch.Probed{Status: 200, URL: "https://averne.example/end"}, nil
	}
	time.Sleep(time.Millisecond)
	return fetch.Probed{Status: 200, URL: address, Bytes: 7}, ctx.Err()
}

func TestFollowLinks(t *testing.T) {
	var html strings.Builder
	html.WriteString(`<a href="https://averne.example/inside">a</a><a href="https://averne.example/silent">b</a><a href="https://averne.example/moved">c</a>` +
		`<a href="https://averne.example/moved">again</a><a href="mailto:a@averne.example">d</a><a href="LF0123456789abcdefx0Z">e</a><img src="https://averne.example/p.png">`)
	for i := range 400 {
		fmt.Fprintf(&html, `<a href="https://averne.example/%d">x</a>`, i)
	}
	web := &scriptedWeb{}
	visits := newsroom.FollowLinks(t.Context(), web, html.String())
	if len(visits) != 200 || len(web.all) != 200 || web.most > 8 || web.most < 2 {
		t.Errorf("%d answers, %d asked, %d at a time", len(visits), len(web.all), web.most)
	}
	if v := visits["https://averne.example/inside"]; !v.Inside {
		t.Errorf("inside: %+v", v)
	}
	if v := visits["https://averne.example/silent"]; v.Err == "" {
		t.Errorf("silent: %+v", v)
	}
	if v := visits["https://averne.example/moved"]; v.Final != "https://averne.example/end" {
		t.Errorf("moved: %+v", v)
	}
	if v := visits["https://averne.example/p.png"]; v.Bytes != 7 {
		t.Errorf("picture: %+v", v)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if visits := newsroom.FollowLinks(ctx, web, html.String()); len(visits) > 8 {
		t.Errorf("cancelled: %d answers", len(visits))
	}
}

// realSpamd starts Debian's spamd with its local rules alone.
func realSpamd(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("spamd")
	if err != nil {
		program = "/usr/sbin/spamd"
	}
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("spamd is missing: tools/setup.sh installs it")
		}
		t.Skip("spamd is missing: tools/setup.sh installs it")
	}
	dir, err := os.MkdirTemp("", "spamd") //nolint:usetesting // a socket's path is short, and spamd's child drops its rights
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "socket")
	cmd := exec.Command(program, "--local", "--socketpath="+socket, "--max-children=1", "--nouser-config", "--syslog=stderr", "--helper-home-dir="+dir)
	if os.Getuid() == 0 {
		cmd.Args = append(cmd.Args, "--username=nobody")
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan string, 1)
	go func() {
		defer close(ready)
		var said strings.Builder
		for lines := bufio.NewScanner(errs); lines.Scan(); {
			if said.WriteString(lines.Text() + "\n"); strings.Contains(lines.Text(), "server successfully spawned child") {
				ready <- ""
			}
		}
		select {
		case ready <- said.String():
		default:
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	select {
	case failed := <-ready:
		if failed != "" {
			t.Fatalf("spamd did not start:\n%s", failed)
		}
	case <-time.After(60 * time.Second):
		t.Fatal("spamd did not start within a minute")
	}
	return socket
}

// TestLettersAreNoSpam has SpamAssassin judge a letter of every theme by its
// local rules: no points.
func TestLettersAreNoSpam(t *testing.T) {
	at := realSpamd(t)
	zone := time.FixedZone("WET", 0)
	brief := func(title, slug string) compose.Brief {
		return compose.Brief{Title: title, Teaser: "The harbour office said so on Monday, and the boats were out by six.", URL: "https://averne.example/" + slug, Source: "site", Key: slug}
	}
	paragraph := func(s string) compose.Block { return compose.Block{Kind: "paragraph", HTML: s, Text: s} }
	e := compose.Edition{
		Newsletter: "harbour", Slot: time.Date(2026, 11, 24, 6, 30, 0, 0, zone), Subject: "Ferry to Skerrow sails again",
		Preheader: "The Averne Maid left the north quay at 05:40 with 61 people.", Greeting: "Good morning from the quay.",
		Lead: &compose.Lead{Title: "Ferry to Skerrow sails again", URL: "https://averne.example/ferry", Source: "desk", Key: "ferry.md", Cut: true, Body: []compose.Block{
			paragraph("The Averne Maid left the north quay with four vans and the post for eleven days."), paragraph("Nobody was left behind."),
		}},
		Sections: []compose.Section{
			{Title: "In brief", Kind: "briefs", Briefs: []compose.Brief{brief("Oyster beds reopen", "oysters"), brief("A lamp for the mole", "lamp")}},
			{Kind: "sponsor", Briefs: []compose.Brief{brief("Rope by the metre", "rope")}},
		},
	}
	for _, name := range templates.Names() {
		t.Run(name, func(t *testing.T) {
			theme, err := templates.Load(name, "", templates.Tokens{})
			if err != nil {
				t.Fatal(err)
			}
			letter, err := compose.Render(compose.Recipe{
				ID: "harbour", Name: "The Harbour Letter", PostalAddress: "14 Chandler Row, Port Averne", BaseURL: "https://news.example.org", Language: "en", Zone: zone,
			}, e, theme, "0123456789abcdef")
			if err != nil {
				t.Fatal(err)
			}
			message, err := send.Compile(letter, send.Sender{
				Newsletter: "harbour", Name: "The Harbour Letter", From: mail.Address{Name: "The Harbour Letter", Address: "letter@example.org"},
				ListID: "harbour.example.org", BaseURL: "https://news.example.org", Lists: []string{"harbour"},
				Keys: &audience.Keyring{Keys: map[uint32][]byte{1: []byte("0123456789abcdef0123456789abcdef")}, Current: 1},
			})
			if err != nil {
				t.Fatal(err)
			}
			eml, err := message.Proof(send.Delivery{Edition: "ed1", Address: "reader@example.org"}, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			verdict := newsroom.AskSpamd(t.Context(), at, eml)
			if verdict.Err != "" || verdict.Score > 0 {
				t.Errorf("got %+v, want no points", verdict)
			}
			t.Logf("%.1f points", verdict.Score)
		})
	}
}
