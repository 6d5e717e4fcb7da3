package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCountReadsARunningCount(t *testing.T) {
	for _, c := range []struct {
		name, printed string
		want          int
	}{
		{"Postfix's", "sess=10 quit=0 mesg=1\rsess=10 quit=0 mesg=25\r", 25},
		{"ours", "mesg=7\rmesg=4000\r", 4000},
		{"a line that is not whole", "mesg=12\rsess=10 quit=0 mesg=1", 12},
		{"nothing", "sess=1 quit=0 mesg=0\r", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, cut := range []int{1, len(c.printed)} { // also byte by byte
				r := &receiver{}
				in, out := io.Pipe()
				go func() {
					for text := []byte(c.printed); len(text) > 0; text = text[min(cut, len(text)):] {
						_, _ = out.Write(text[:min(cut, len(text))])
					}
					_ = out.Close()
				}()
				r.count(in)
				got := 0
				if s := r.taken(); len(s) > 0 {
					got = s[len(s)-1].mails
				}
				if got != c.want {
					t.Errorf("%d at a time: got %d, want %d", cut, got, c.want)
				}
			}
		})
	}
}

func TestFill(t *testing.T) {
	begin := time.Now()
	var samples []sample
	var u usage
	for i := 1; i <= 100; i++ { // 1,000 a second, the last tenth at half of it
		at := begin.Add(time.Duration(i) * 10 * time.Millisecond)
		if i > 90 {
			at = at.Add(time.Duration(i-90) * 10 * time.Millisecond)
		}
		samples = append(samples, sample{at, i * 10})
		u.resident = append(u.resident, resident{at, int64(i)})
	}
	u.user, u.system, u.peak = 2*time.Second, time.Second, 123
	r := result{Mails: 1000}
	r.fill(u, samples)
	for name, c := range map[string]struct{ got, want float64 }{
		"rate":   {r.Rate, 990 / 1.09},
		"first":  {r.First, 1000},
		"last":   {r.Last, 500},
		"user":   {r.User, 2},
		"system": {r.System, 1},
		"early":  {float64(r.Early), 10},
		"late":   {float64(r.Late), 90},
	} {
		if c.got < c.want*0.999 || c.got > c.want*1.001 {
			t.Errorf("%s: got %g, want %g", name, c.got, c.want)
		}
	}
}

func TestTable(t *testing.T) {
	in, slow := settings[0], settings[5]
	runs := []result{
		{Setting: slow, Sender: "lede", Rate: 20},
		{Setting: in, Sender: smtpSource{}.name(), Rate: 100, User: 1, System: 1},
		{Setting: in, Sender: smtpSource{}.name(), Rate: 5, User: 9, System: 9}, // disturbed
		{Setting: in, Sender: smtpSource{}.name(), Rate: 110, User: 1, System: 1},
		{Setting: in, Sender: goMail{}.name(), Rate: 50},
		{Setting: in, Sender: "lede", Rate: 150, User: 2, System: 1},
		{Setting: in, Sender: "lede", Rate: 1, Growth: true},
	}
	lines := table(runs)
	if len(lines) != 4 {
		t.Fatalf("%d lines: %v", len(lines), lines)
	}
	if l := lines[2]; l.ToSource != 1.5 || l.ToGoMail != 3 || l.CPUToSource != 1.5 || l.Rate != 150 {
		t.Errorf("lede: %+v", l)
	}
	if l := lines[3]; l.Setting != slow || l.ToSource != 0 {
		t.Errorf("without smtp-source: %+v", l)
	}
}

func TestProxyDelays(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		for {
			c, err := echo.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	near := (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}).String()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- runProxy(ctx, []string{near, echo.Addr().String(), "30ms"}, nil) }()
	if err := answers(ctx, port); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", near)
	if err != nil {
		t.Fatal(err)
	}
	sent := bytes.Repeat([]byte("0123456789abcdef"), 40<<10/16)
	begin := time.Now()
	if _, err := c.Write(sent); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(bufio.NewReader(c), got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, sent) {
		t.Error("other bytes came back")
	}
	if took := time.Since(begin); took < 60*time.Millisecond {
		t.Errorf("there and back in %s, want 60ms at least", took)
	}
	_ = c.Close()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestFillIn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "performance.md")
	for name, c := range map[string]struct{ old, want string }{
		"between the marks": {"a\n" + beginMark + "\nold\n" + endMark + "\nb\n", "a\n" + beginMark + "\nnew\n" + endMark + "\nb\n"},
		"no marks":          {"a\n", ""},
		"one mark":          {"a\n" + beginMark + "\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(file, []byte(c.old), 0o600); err != nil {
				t.Fatal(err)
			}
			err := fillIn(file, "new\n")
			got, _ := os.ReadFile(file)
			if c.want == "" {
				if err == nil || string(got) != c.old {
					t.Errorf("%v, %q", err, got)
				}
			} else if err != nil || string(got) != c.want {
				t.Errorf("%v, %q", err, got)
			}
		})
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		args, want string // of the error; empty: none
	}{
		{"", ""},
		{"-quick -rounds 2", ""},
		{"-rounds 0", "above zero"},
		{"sink", `"sink"`},
	} {
		_, err := parse(strings.Fields(c.args), io.Discard)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q: %v", c.args, err)
		}
	}
	o, err := parse([]string{"-quick", "-rounds", "2"}, io.Discard)
	if err != nil || o.rounds != 2 || o.scale != 0.2 {
		t.Errorf("%+v, %v", o, err)
	}
}
