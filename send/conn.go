package send

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// Timeouts are how long a relay may take (RFC 5321, 4.5.3.2).
type Timeouts struct {
	Dial    time.Duration // from dialling to logged in
	Command time.Duration // an answer to MAIL, RCPT, DATA
	Dot     time.Duration // the answer to the final dot; giving up early doubles mail (RFC 1047)
	Grace   time.Duration // for the mail in hand when sending is to stop
	Idle    time.Duration // a connection unused for longer is made anew
}

// conn is one SMTP connection, logged in.
type conn struct {
	net    *guarded
	client *smtp.Client
	in     *bufio.Reader
	utf8   bool // SMTPUTF8 is offered
	dead   bool // it is closed, or cannot be trusted
	taken  int  // mails accepted on it
	used   time.Time
	wait   Timeouts
	out    []byte // what is written next; kept for its room
}

// step is how far a mail got.
type step int

const (
	atMail step = iota // nothing about the recipient was said
	atRcpt
	atData
	atBody // the mail is on its way, its final dot is not
	atDot  // the final dot is sent: from here on silence is doubt
)

func (s step) String() string {
	return [...]string{"MAIL", "RCPT", "DATA", "the mail", "the final dot"}[s]
}

// lost is a connection that went away, or on which the relay stopped speaking
// SMTP.
type lost struct {
	at  step
	err error
}

func (l *lost) Error() string { return fmt.Sprintf("connection lost at %s: %v", l.at, l.err) }
func (l *lost) Unwrap() error { return l.err }

// isLost says that err is a connection that ended or a deadline that passed.
func isLost(err error) bool {
	var timeout net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// mail sends one mail and returns the answer that decided it, and where that
// came. The mail is accepted if that was at the final dot and positive. After
// any other answer the connection is ready for the next mail; after an error,
// always a *lost, it is not.
func (c *conn) mail(from, to string, utf8 bool, data []byte) (reply, step, error) {
	command := "MAIL FROM:<" + from + ">"
	if utf8 {
		command += " SMTPUTF8"
	}
	r, err := c.ask(atMail, command)
	if err != nil || !r.positive() {
		return r, atMail, c.reset(r, err)
	}
	r, err = c.ask(atRcpt, "RCPT TO:<"+to+">")
	if err != nil || !r.positive() {
		return r, atRcpt, c.reset(r, err)
	}
	return c.body(data)
}

// body sends DATA and the mail.
func (c *conn) body(data []byte) (reply, step, error) {
	r, err := c.ask(atData, "DATA")
	if err != nil {
		return r, atData, err
	}
	if r.code != 354 {
		if r.positive() {
			return r, atData, &lost{atData, fmt.Errorf("%w: DATA was answered with %d", errReply, r.code)}
		}
		return r, atData, c.reset(r, nil)
	}
	c.out = appendStuffed(c.out[:0], data)
	if err := c.write(c.wait.Dot); err != nil {
		// The relay may have said why it hung up. The dot was not sent: a
		// failed write is one that was not complete.
		_ = c.net.SetDeadline(time.Now().Add(time.Second))
		if r, readErr := readReply(c.in); readErr == nil && (r.transient() || r.permanent()) {
			c.close()
			return r, atBody, nil
		}
		return reply{}, atBody, &lost{atBody, err}
	}
	r, err = c.read(atDot, c.wait.Dot)
	if err != nil {
		return r, atDot, err
	}
	if r.code/100 == 3 {
		return r, atDot, &lost{atDot, fmt.Errorf("%w: the mail was answered with %d", errReply, r.code)}
	}
	if r.positive() {
		c.taken++
	}
	return r, atDot, nil
}

// ask sends a command and reads its answer.
func (c *conn) ask(at step, command string) (reply, error) {
	c.out = append(append(c.out[:0], command...), '\r', '\n')
	if err := c.write(c.wait.Command); err != nil {
		// A relay that closes an unused connection says so first.
		_ = c.net.SetDeadline(time.Now().Add(time.Second))
		if r, readErr := readReply(c.in); readErr == nil && r.closing() {
			return r, nil
		}
		return reply{}, &lost{at, err}
	}
	return c.read(at, c.wait.Command)
}

// write sends c.out in one write.
func (c *conn) write(timeout time.Duration) error {
	c.used = time.Now()
	if err := c.net.SetDeadline(c.used.Add(timeout)); err != nil {
		return err
	}
	w := c.client.Text.W
	if _, err := w.Write(c.out); err != nil {
		return err
	}
	return w.Flush()
}

// read reads one answer; at says what it answers.
func (c *conn) read(at step, timeout time.Duration) (reply, error) {
	_ = c.net.SetDeadline(time.Now().Add(timeout))
	r, err := readReply(c.in)
	c.used = time.Now()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the relay hung up")
		} else if errors.Is(err, os.ErrDeadlineExceeded) {
			err = fmt.Errorf("no answer: %w", err)
		}
		return reply{}, &lost{at, err}
	}
	if at < atData && !r.positive() && !r.transient() && !r.permanent() {
		return reply{}, &lost{at, fmt.Errorf("%w: %s was answered with %d", errReply, at, r.code)}
	}
	return r, nil
}

// reset ends a transaction that was refused, so that the next mail finds a
// clean connection. An answer of 421 leaves nothing to reset.
func (c *conn) reset(r reply, err error) error {
	if err != nil || r.closing() {
		c.dead = true
		return err
	}
	ok, err := c.ask(atMail, "RSET")
	if err != nil || !ok.positive() {
		// What was refused stays refused; only the connection is gone.
		c.close()
	}
	return nil
}

// usable says that another mail may be tried on the connection.
func (c *conn) usable(most int) bool {
	return !c.dead && (most <= 0 || c.taken < most) && time.Since(c.used) < c.wait.Idle
}

// quit takes leave, without caring for the answer, and closes.
func (c *conn) quit(patience time.Duration) {
	if c.dead {
		c.close()
		return
	}
	c.out = append(c.out[:0], "QUIT\r\n"...)
	if c.write(patience) == nil {
		_, _ = c.read(atMail, patience)
	}
	c.close()
}

// close closes without a word.
func (c *conn) close() {
	c.dead = true
	_ = c.net.Close()
}

// appendStuffed appends a mail as DATA wants it: a full stop at the start of a
// line doubled (RFC 5321, 4.5.2), and the final dot. mail has CRLF line ends
// only.
func appendStuffed(dst, mail []byte) []byte {
	if len(mail) > 0 && mail[0] == '.' {
		dst = append(dst, '.')
	}
	for {
		at := bytes.Index(mail, []byte("\n."))
		if at < 0 {
			break
		}
		dst = append(append(dst, mail[:at+2]...), '.')
		mail = mail[at+2:]
	}
	dst = append(dst, mail...)
	if !strings.HasSuffix(string(mail[max(0, len(mail)-2):]), "\r\n") {
		dst = append(dst, '\r', '\n')
	}
	return append(dst, '.', '\r', '\n')
}
