package send

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// mostUnread is how many answers may lie unread. More than all commands in
// flight can have are answers that nobody asked for.
const mostUnread = 96

// wire is the two directions of a connection. A goroutine of its own reads what
// the relay says: neither side ever waits for the other to read while both
// write (RFC 2920, 3.1), an answer is there while a large mail is still on its
// way, and a relay that hangs up while nobody talks to it is noticed.
//
// Patience ends by a timer that is set anew only when it rings, so that a mail
// costs no timer.
type wire struct {
	net  *guarded
	w    *bufio.Writer
	news chan struct{} // an answer came, or the connection ended
	gone chan struct{} // closed when nothing is read any more
	put  int64         // bytes written so far

	mu      sync.Mutex
	answers [mostUnread]reply
	first   int // of the answers
	count   int
	err     error // why nothing more comes
	due     time.Time
	latest  time.Time // nothing takes longer than until then; zero: no limit
	timer   *time.Timer
	rings   time.Time // when the timer does; zero: it is not set
}

func newWire(g *guarded, r *bufio.Reader, w *bufio.Writer) *wire {
	c := &wire{net: g, w: w, news: make(chan struct{}, 1), gone: make(chan struct{})}
	c.timer = time.AfterFunc(time.Hour, c.ring)
	c.timer.Stop()
	go c.listen(r)
	return c
}

// listen reads answers until the connection ends.
func (c *wire) listen(r *bufio.Reader) {
	defer close(c.gone)
	in := replies{in: r}
	for {
		answer, err := in.read()
		c.mu.Lock()
		if err == nil && c.count == mostUnread {
			err = fmt.Errorf("%w: it says what nobody asked for", errReply)
		}
		if err != nil {
			c.end(err)
			c.mu.Unlock()
			c.tell()
			return
		}
		c.answers[(c.first+c.count)%mostUnread] = answer
		c.count++
		c.mu.Unlock()
		c.tell()
	}
}

func (c *wire) tell() {
	select {
	case c.news <- struct{}{}:
	default:
	}
}

// take returns the next answer. Without one, ok is false, and err says why none
// will come.
func (c *wire) take() (answer reply, ok bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count == 0 {
		return reply{}, false, c.err
	}
	answer = c.answers[c.first]
	c.answers[c.first] = reply{}
	c.first = (c.first + 1) % mostUnread
	c.count--
	return answer, true, nil
}

// alive says that the connection has not ended and is in no hurry to. With
// quiet, nothing unread may be there.
func (c *wire) alive(quiet bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err == nil && c.latest.IsZero() && !(quiet && c.count > 0)
}

// heard says that there is something to take.
func (c *wire) heard() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count > 0 || c.err != nil
}

// write sends p and counts what went out, also if it fails.
func (c *wire) write(p []byte) error {
	n, err := c.w.Write(p)
	if err == nil {
		err = c.w.Flush()
	}
	if err != nil {
		n -= c.w.Buffered()
	}
	c.put += int64(n)
	return err
}

// expect lets the connection fail unless it is called again, or rest is, within
// a time. It returns the present one.
func (c *wire) expect(patience time.Duration) (now time.Time) {
	now = time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.due = now.Add(patience)
		c.wind(now)
	}
	return now
}

// rest awaits nothing.
func (c *wire) rest() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.due = time.Time{}
}

// hurry lets nothing on the connection take longer than until t.
func (c *wire) hurry(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.latest = t
	c.wind(time.Now())
}

// wind sets the timer if it would ring too late. The wire is locked.
func (c *wire) wind(now time.Time) {
	if c.due.IsZero() {
		return
	}
	if !c.latest.IsZero() && c.due.After(c.latest) {
		c.due = c.latest
	}
	if c.rings.IsZero() || c.rings.After(c.due) {
		c.rings = c.due
		c.timer.Reset(c.due.Sub(now))
	}
}

// ring is called by the timer: patience is over, or it was prolonged meanwhile.
func (c *wire) ring() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rings = time.Time{}
	now := time.Now()
	if c.due.IsZero() || c.due.After(now) {
		c.wind(now)
		return
	}
	c.end(fmt.Errorf("no answer: %w", os.ErrDeadlineExceeded))
	c.tell()
}

// fail ends the connection; the first reason counts.
func (c *wire) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end(err)
}

// end is fail. The wire is locked.
func (c *wire) end(err error) {
	if c.err != nil {
		return
	}
	if errors.Is(err, io.EOF) {
		err = errHungUp
	}
	c.err = err
	c.due = time.Time{}
	c.timer.Stop()
	_ = c.net.Close()
}

// errHungUp is a connection that the relay closed.
var errHungUp = fmt.Errorf("the relay hung up: %w", io.ErrUnexpectedEOF)

// isLost says that err is a connection that ended or a time that passed.
func isLost(err error) bool {
	var timeout net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}
