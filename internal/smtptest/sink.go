package smtptest

import (
	"bytes"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Sink is a fast SMTP receiver for benchmarks. It accepts everything, keeps
// nothing but counts, and costs little beside reading. It is no judge of the
// protocol: Server is. Its fields are set before Serve.
type Sink struct {
	Pipelining bool // offer PIPELINING (RFC 2920)
	Chunking   bool // offer CHUNKING (RFC 3030)
	// Delay is how long everything takes in each direction, as on a long line.
	// It limits no throughput.
	Delay time.Duration

	mails, bytes, bad, connections atomic.Int64
	first, last                    atomic.Int64 // nanoseconds since 1970
}

// Mails returns how many mails were taken.
func (s *Sink) Mails() int64 { return s.mails.Load() }

// Bytes returns how many bytes came, commands counted.
func (s *Sink) Bytes() int64 { return s.bytes.Load() }

// Bad returns how many mails did not end in CRLF, and how many commands were
// not understood.
func (s *Sink) Bad() int64 { return s.bad.Load() }

// Connections returns how many connections were made.
func (s *Sink) Connections() int64 { return s.connections.Load() }

// Span returns when the first and the last mail were taken; both are zero if
// none was.
func (s *Sink) Span() (first, last time.Time) {
	if s.first.Load() == 0 {
		return time.Time{}, time.Time{}
	}
	return time.Unix(0, s.first.Load()), time.Unix(0, s.last.Load())
}

// Reset sets all counts to zero.
func (s *Sink) Reset() {
	for _, n := range []*atomic.Int64{&s.mails, &s.bytes, &s.bad, &s.connections, &s.first, &s.last} {
		n.Store(0)
	}
}

// Serve takes connections until the listener is closed, and returns when the
// last one has ended.
func (s *Sink) Serve(l net.Listener) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		raw, err := l.Accept()
		if err != nil {
			return
		}
		s.connections.Add(1)
		wg.Go(func() {
			defer func() { _ = raw.Close() }()
			var c io.ReadWriter = raw
			if s.Delay > 0 {
				d := newDelayed(raw, s.Delay)
				defer d.end()
				c = d
			}
			(&drain{s: s, c: c, buf: make([]byte, 256<<10)}).run()
		})
	}
}

// drain is one connection of a Sink.
type drain struct {
	s      *Sink
	c      io.ReadWriter
	buf    []byte
	r, w   int // what is read and not dealt with
	out    []byte
	inData bool // up to the final dot
	chunk  int  // bytes of a BDAT that are still to come
	ended  bool
}

// endOfMail ends a mail after DATA. A client that waits for its answer sends
// little behind it, so that it is looked for near the end alone.
var endOfMail = []byte("\r\n.\r\n")

const nearEnd = 2048

func (d *drain) run() {
	d.say("220 sink ESMTP")
	for !d.ended {
		if len(d.out) > 0 {
			if _, err := d.c.Write(d.out); err != nil {
				return
			}
			d.out = d.out[:0]
		}
		switch {
		case d.r == d.w:
			d.r, d.w = 0, 0
		case d.w == len(d.buf):
			d.w = copy(d.buf, d.buf[d.r:d.w])
			d.r = 0
			if d.w == len(d.buf) { // a command without end
				d.s.bad.Add(1)
				return
			}
		}
		n, err := d.c.Read(d.buf[d.w:])
		if n == 0 && err != nil {
			return
		}
		d.w += n
		d.s.bytes.Add(int64(n))
		for d.r < d.w && !d.ended && d.step() {
		}
	}
	_, _ = d.c.Write(d.out)
}

// step deals with what is there; it returns false when more has to come.
func (d *drain) step() bool {
	switch {
	case d.chunk > 0:
		n := min(d.chunk, d.w-d.r)
		d.r += n
		if d.chunk -= n; d.chunk == 0 {
			d.took(d.r >= 2 && d.buf[d.r-1] == '\n' && d.buf[d.r-2] == '\r')
		}
		return true
	case d.inData:
		from := max(d.r, d.w-nearEnd)
		at := bytes.Index(d.buf[from:d.w], endOfMail)
		if at < 0 {
			keep := min(len(endOfMail)-1, d.w-d.r)
			copy(d.buf, d.buf[d.w-keep:d.w])
			d.r, d.w = 0, keep
			return false
		}
		d.r = from + at + len(endOfMail)
		d.inData = false
		d.took(true)
		return true
	}
	n := bytes.IndexByte(d.buf[d.r:d.w], '\n')
	if n < 0 {
		return false
	}
	line := d.buf[d.r : d.r+n]
	d.r += n + 1
	d.command(line)
	return true
}

func (d *drain) took(well bool) {
	now := time.Now().UnixNano()
	d.s.first.CompareAndSwap(0, now)
	d.s.last.Store(now)
	d.s.mails.Add(1)
	if !well {
		d.s.bad.Add(1)
	}
	d.say("250 2.0.0 taken")
}

func (d *drain) command(line []byte) {
	if len(line) < 4 {
		d.unknown()
		return
	}
	switch string(line[:4]) {
	case "MAIL", "RCPT", "RSET", "NOOP":
		d.say("250 2.0.0 ok")
	case "DATA":
		d.say("354 go ahead")
		if d.r == d.w { // the line end before an empty mail's dot
			d.w = copy(d.buf, "\r\n")
			d.r = 0
		}
		d.inData = true
	case "BDAT":
		size, _, _ := strings.Cut(strings.TrimSpace(string(line[4:])), " ")
		n, err := strconv.Atoi(size)
		if err != nil || n <= 0 || !d.s.Chunking {
			d.unknown()
			d.ended = true
			return
		}
		d.chunk = n
	case "EHLO":
		d.out = append(d.out, "250-sink\r\n"...)
		if d.s.Pipelining {
			d.out = append(d.out, "250-PIPELINING\r\n"...)
		}
		if d.s.Chunking {
			d.out = append(d.out, "250-CHUNKING\r\n"...)
		}
		d.say("250 8BITMIME")
	case "HELO":
		d.say("250 sink")
	case "QUIT":
		d.say("221 2.0.0 bye")
		d.ended = true
	default:
		d.unknown()
	}
}

func (d *drain) unknown() {
	d.s.bad.Add(1)
	d.say("500 5.5.2 unknown command")
}

func (d *drain) say(line string) {
	d.out = append(append(d.out, line...), '\r', '\n')
}
