package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// What all senders do: so many connections, letters of so many bytes.
const (
	connections = 10
	letterSize  = 40 << 10
	delay       = 20 * time.Millisecond // each way
)

// What a receiver offers beside the rest.
const (
	offersNothing    = "nothing"
	offersPipelining = "pipelining" // RFC 2920
	offersChunking   = "chunking"   // RFC 3030, and pipelining
)

// setting is a receiver and the wire to it.
type setting struct {
	Receiver string        `json:"receiver"` // smtp-sink, or sink for ours
	Offers   string        `json:"offers"`
	Delay    time.Duration `json:"delay"` // each way
}

func (s setting) String() string { return s.Receiver + "/" + s.Offers + "/" + s.wire() }

func (s setting) wire() string {
	if s.Delay == 0 {
		return "loopback"
	}
	return s.Delay.String()
}

// settings are those that the table has. Postfix's smtp-sink offers no
// CHUNKING.
var settings = []setting{
	{"smtp-sink", offersNothing, 0},
	{"smtp-sink", offersPipelining, 0},
	{"sink", offersNothing, 0},
	{"sink", offersPipelining, 0},
	{"sink", offersChunking, 0},
	{"smtp-sink", offersNothing, delay},
	{"smtp-sink", offersPipelining, delay},
	{"sink", offersPipelining, delay},
	{"sink", offersChunking, delay},
}

// growthSetting is where the audience grows: into the fastest receiver what
// costs us something shows most.
var growthSetting = setting{"sink", offersChunking, 0}

// sender is a program that sends mail.
type sender interface {
	name() string
	// command prepares a run of n mails to the port, and returns what is to be
	// started, and what is to be called when it has ended well.
	command(ctx context.Context, n, port int) (cmd *exec.Cmd, after func() error, err error)
}

// bench is the folder and the programs of all runs.
type bench struct {
	options
	self  string // this program
	temp  bool   // dir is to be removed
	ledes ledes
}

func newBench(ctx context.Context, o options, stderr io.Writer) (*bench, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	b := &bench{options: o, self: self}
	if b.dir == "" {
		if b.dir, err = os.MkdirTemp("", "lede-bench"); err != nil {
			return nil, err
		}
		b.temp = true
	} else if b.dir, err = filepath.Abs(o.dir); err != nil {
		return nil, err
	}
	if b.lede == "" {
		b.lede = filepath.Join(b.dir, "lede")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", b.lede, "./cmd/lede")
		build.Stderr = stderr
		if err := build.Run(); err != nil {
			b.close()
			return nil, fmt.Errorf("building lede (start this in the project's folder): %w", err)
		}
	} else if b.lede, err = filepath.Abs(b.lede); err != nil {
		return nil, err
	}
	b.ledes = ledes{binary: b.lede, dir: b.dir}
	if err := b.ledes.prepare(ctx); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// close ends what runs for all, and removes a temporary folder.
func (b *bench) close() {
	b.ledes.stop()
	if b.temp {
		_ = os.RemoveAll(b.dir)
	}
}

// senders are those of the table.
func (b *bench) senders() []sender {
	all := []sender{
		smtpSource{},
		goMail{self: b.self, letter: b.ledes.letter},
		ledeSender{&b.ledes, b.ledes.sqlite, 8},
		ledeSender{&b.ledes, b.ledes.sqlite, 16},
	}
	if b.ledes.postgres != nil {
		all = append(all, ledeSender{&b.ledes, b.ledes.postgres, 8})
	}
	return all
}

// growing are those that are shown more and more recipients.
func (b *bench) growing() []sender {
	all := []sender{ledeSender{&b.ledes, b.ledes.sqlite, 8}}
	if b.ledes.postgres != nil {
		all = append(all, ledeSender{&b.ledes, b.ledes.postgres, 8})
	}
	return all
}

// count is how many mails a run has: so many that it takes some seconds.
func (b *bench) count(s setting, by sender) int {
	_, lede := by.(ledeSender)
	_, plain := by.(goMail)
	n := 20_000
	switch {
	case s.Delay > 0 && lede && s.Offers == offersChunking:
		n = 8_000
	case s.Delay > 0 && lede && s.Offers == offersPipelining:
		n = 1_000
	case s.Delay > 0:
		n = 400
	case plain:
		n = 5_000
	case s.Receiver == "sink":
		n = 50_000
	}
	return max(5*connections, int(float64(n)*b.scale))
}
