package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// sample is how many mails a receiver had taken at an instant.
type sample struct {
	at    time.Time
	mails int
}

// receiver is a receiving process that says how many mails it took, and the
// wire before it.
type receiver struct {
	port int // where to send to
	sink *exec.Cmd
	wire *exec.Cmd // nil: none
	done chan struct{}

	mu      sync.Mutex
	samples []sample
}

// look is how often the count is looked at: often enough to time a run of a
// second, seldom enough to cost nothing.
const look = 5 * time.Millisecond

// receive starts the receiver of a setting.
func (b *bench) receive(ctx context.Context, s setting) (*receiver, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	r := &receiver{port: port, done: make(chan struct{})}
	switch s.Receiver {
	case "sink":
		r.sink = exec.CommandContext(ctx, b.self, "sink", address, s.Offers)
	default:
		args := []string{"-c"} // a running count
		if os.Getuid() == 0 {
			args = append(args, "-u", "nobody") // it will not be root
		}
		if s.Offers == offersNothing {
			args = append(args, "-p")
		}
		path, err := postfixTool("smtp-sink")
		if err != nil {
			return nil, err
		}
		r.sink = exec.CommandContext(ctx, path, append(args, address, "1024")...)
	}
	r.sink.Stderr = os.Stderr
	out, err := r.sink.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := r.sink.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(r.done)
		r.count(out)
	}()
	if err := answers(ctx, port); err != nil {
		_, _ = r.stop()
		return nil, fmt.Errorf("%s: %w", s.Receiver, err)
	}
	if s.Delay == 0 {
		return r, nil
	}
	if r.port, err = freePort(); err != nil {
		_, _ = r.stop()
		return nil, err
	}
	near := net.JoinHostPort("127.0.0.1", strconv.Itoa(r.port))
	r.wire = exec.CommandContext(ctx, b.self, "proxy", near, address, s.Delay.String())
	r.wire.Stderr = os.Stderr
	if err := r.wire.Start(); err != nil {
		_, _ = r.stop()
		return nil, err
	}
	if err := answers(ctx, r.port); err != nil {
		_, _ = r.stop()
		return nil, fmt.Errorf("the wire: %w", err)
	}
	return r, nil
}

// count reads the running count that a receiver prints: "… mesg=123\r" for each
// mail (smtp-sink), or now and then (ours).
func (r *receiver) count(out io.Reader) {
	buf := make([]byte, 1<<16)
	kept := 0
	for {
		n, err := out.Read(buf[kept:])
		now := time.Now()
		text := buf[:kept+n]
		if end := bytes.LastIndexByte(text, '\r'); end >= 0 {
			line := text[:end]
			if at := bytes.LastIndex(line, []byte("mesg=")); at >= 0 {
				if mails, err := strconv.Atoi(string(line[at+len("mesg="):])); err == nil {
					r.note(sample{now, mails})
				}
			}
			kept = copy(buf, text[end+1:])
		} else {
			kept = len(text) % len(buf)
		}
		if err != nil {
			return
		}
		time.Sleep(look)
	}
}

func (r *receiver) note(s sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last := len(r.samples) - 1; s.mails > 0 && (last < 0 || r.samples[last].mails < s.mails) {
		r.samples = append(r.samples, s)
	}
}

// taken is what it counted so far.
func (r *receiver) taken() []sample {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]sample(nil), r.samples...)
}

// all waits until n mails are counted.
func (r *receiver) all(ctx context.Context, n int) ([]sample, error) {
	for deadline := time.Now().Add(3 * time.Second); ; time.Sleep(look) {
		samples := r.taken()
		got := 0
		if len(samples) > 0 {
			got = samples[len(samples)-1].mails
		}
		switch {
		case got == n:
			return samples, nil
		case got > n, time.Now().After(deadline):
			return nil, fmt.Errorf("%d mails were to be sent, the receiver counted %d", n, got)
		case ctx.Err() != nil:
			return nil, ctx.Err()
		}
	}
}

// stop ends the processes, and returns the CPU time that they took. An error is
// what our receiver did not like.
func (r *receiver) stop() (cpu time.Duration, err error) {
	for _, cmd := range []*exec.Cmd{r.wire, r.sink} {
		if cmd == nil || cmd.Process == nil {
			continue
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
		late := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		if cmd == r.sink {
			<-r.done // all of what it prints is read
		}
		ended := cmd.Wait()
		late.Stop()
		if ended != nil && cmd.ProcessState.Exited() { // and was not ended by a signal
			err = fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), ended)
		}
		cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	return cpu, err
}

// freePort finds a port on loopback that nobody listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// answers waits until somebody listens on the port.
func answers(ctx context.Context, port int) error {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			return c.Close()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return errors.New("does not listen")
}

// postfixTool finds one of Postfix's programs, also where only root's path has
// them.
func postfixTool(name string) (string, error) {
	for _, candidate := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is missing: run make setup (Debian's package postfix)", name)
}
