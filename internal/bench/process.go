package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usage is what a sender's process took.
type usage struct {
	user, system time.Duration
	peak         int64 // bytes resident at most
	resident     []resident
}

// resident is a process's memory at an instant.
type resident struct {
	at    time.Time
	bytes int64
}

func (u usage) cpu() time.Duration { return u.user + u.system }

// spend runs a sender to its end. An error has the end of what it printed to
// standard error.
func spend(cmd *exec.Cmd) (usage, error) {
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return usage{}, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var u usage
	// The kernel's figure for an ended child counts the pages of who started
	// it; the process's own high-water mark does not.
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			now, peak := memory(cmd.Process.Pid)
			if now > 0 {
				u.resident = append(u.resident, resident{time.Now(), now})
			}
			u.peak = max(u.peak, peak)
		case err := <-ended:
			u.user, u.system = cmd.ProcessState.UserTime(), cmd.ProcessState.SystemTime()
			if err != nil {
				text := strings.TrimSpace(said.String())
				return u, fmt.Errorf("%s: %w: %s", cmd.Path, err, text[max(0, len(text)-2000):])
			}
			return u, nil
		}
	}
}

// memory reads what a process has resident, now and at most, in bytes.
func memory(pid int) (now, peak int64) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(status)) {
		name, rest, _ := strings.Cut(line, ":")
		if name != "VmRSS" && name != "VmHWM" {
			continue
		}
		fields := strings.Fields(rest)
		if len(fields) == 0 {
			continue
		}
		n, _ := strconv.ParseInt(fields[0], 10, 64)
		if name == "VmRSS" {
			now = n << 10
		} else {
			peak = n << 10
		}
	}
	return now, peak
}

// busy is how long the machine's cores worked since it started.
func busy() time.Duration {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	var ticks int64
	for i, field := range strings.Fields(line) {
		n, _ := strconv.ParseInt(field, 10, 64)
		switch i {
		case 1, 2, 3, 6, 7: // user, nice, system, interrupts
			ticks += n
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond // the kernel's unit for programs, on every platform of ours
}

// own is the CPU time of this process.
func own() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// one does one run.
func (b *bench) one(ctx context.Context, s setting, by sender, n int) (result, error) {
	r := result{Setting: s, Sender: by.name(), Mails: n}
	to, err := b.receive(ctx, s)
	if err != nil {
		return r, err
	}
	stopped := false
	defer func() {
		if !stopped {
			_, _ = to.stop()
		}
	}()
	cmd, after, err := by.command(ctx, n, to.port)
	if err != nil {
		return r, err
	}
	machine, self, begin := busy(), own(), time.Now()
	u, err := spend(cmd)
	if err != nil {
		return r, err
	}
	samples, err := to.all(ctx, n)
	if err != nil {
		return r, err
	}
	r.Seconds = time.Since(begin).Seconds()
	machine, self = busy()-machine, own()-self
	r.fill(u, samples)
	stopped = true
	receiving, err := to.stop()
	if err != nil {
		return r, err
	}
	r.Receiving = receiving.Seconds() / float64(n) * 1000
	r.Others = max(0, (machine-self-receiving-u.cpu()).Seconds()/r.Seconds)
	if after != nil {
		if err := after(); err != nil {
			return r, err
		}
	}
	return r, nil
}

// spent is the CPU time of a process that still runs, 0 where there is none.
func spent(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The program's name, in brackets, may hold spaces (proc_pid_stat(5)).
	_, rest, _ := strings.Cut(string(stat), ") ")
	var ticks int64
	if fields := strings.Fields(rest); len(fields) > 12 {
		for _, field := range fields[11:13] { // user, system
			n, _ := strconv.ParseInt(field, 10, 64)
			ticks += n
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
