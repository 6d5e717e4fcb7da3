package send

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// next reads the answers that have come, says what is due after them, and
// returns what became of the mail that was pushed first, if it is decided. It
// does not wait: c.news tells when to call it again.
func (c *conn) next() (verdict, bool) {
	for len(c.flights) > 0 || len(c.owed) > 0 {
		if c.broken {
			return c.end()
		}
		c.begin()
		answer, ok, err := c.take()
		if err != nil {
			return c.end()
		}
		if !ok && len(c.owed) == 0 && c.leaving { // the mail was not begun, and will not be
			c.fail(errLeft)
			return c.end()
		}
		if !ok {
			c.await()
			return verdict{}, false
		}
		if len(c.owed) == 0 {
			c.unasked(answer)
			continue
		}
		w := c.owed[0]
		c.owed = c.owed[:copy(c.owed, c.owed[1:])]
		c.pops++
		if v, ok := c.answered(w, answer); ok {
			return v, true
		}
	}
	c.await()
	return verdict{}, false
}

// answered deals with one answer; it returns a verdict if that decides a mail.
func (c *conn) answered(w want, r reply) (verdict, bool) {
	if c.bye.code != 0 && r.positive() {
		c.stays = true
	}
	if r.closing() {
		c.bye, c.leaving = r, true
	}
	switch w {
	case wantRset:
		if !r.positive() {
			// Relays that count errors, or commands that bring no mail, say so
			// here and hang up.
			c.bye, c.leaving = r, true
		} else if c.mode == chunking && !c.proven {
			c.manners.prove(chunking)
			c.proven = true
		}
		return verdict{}, false
	case wantEnd, wantNoop:
		return verdict{}, false
	}
	f := &c.flights[0]
	if r.code/100 == 3 && (w != wantData || r.code != 354) || w == wantData && r.positive() {
		return c.nonsense(f, w, r)
	}
	switch w {
	case wantMail:
		return c.early(f, r, atMail)
	case wantRcpt:
		if misunderstood(r) && !f.refused && c.suspicious() {
			return c.lied(f, r, atRcpt)
		}
		f.named = r.positive()
		return c.early(f, r, atRcpt)
	case wantData:
		return c.data(f, r)
	default:
		return c.final(f, w, r)
	}
}

// early deals with an answer to MAIL or RCPT.
func (c *conn) early(f *flight, r reply, at step) (verdict, bool) {
	if !r.positive() {
		f.refuse(r, at)
		if c.mode == plain {
			return c.refused(f)
		}
		return verdict{}, false
	}
	f.at = at + 1
	if c.mode != plain {
		return verdict{}, false
	}
	if at == atMail {
		c.head = appendRcpt(c.head[:0], f)
		c.owe(wantRcpt)
	} else {
		c.head = append(c.head[:0], "DATA\r\n"...)
		c.owe(wantData)
	}
	c.send(c.head)
	return verdict{}, false
}

// data deals with the answer to DATA.
func (c *conn) data(f *flight, r reply) (verdict, bool) {
	if f.behind && c.mode == pipelining && !c.proven {
		c.manners.prove(pipelining)
		c.proven = true
	}
	if r.code == 354 && !f.refused {
		c.body(f)
		return verdict{}, false
	}
	if !f.refused {
		if misunderstood(r) && c.suspicious() {
			return c.lied(f, r, atData)
		}
		f.refuse(r, atData)
	}
	if r.code != 354 {
		return c.refused(f)
	}
	// The relay waits for a mail without recipients (RFC 2920, 3.1): it gets
	// nothing, and what it says to that means nothing.
	c.out = append(c.out, ".\r\n"...)
	c.owe(wantEnd)
	return c.refused(f)
}

// final deals with the answer to a whole mail.
func (c *conn) final(f *flight, w want, r reply) (verdict, bool) {
	switch {
	case f.refused && !(f.named && r.positive()):
		return c.settle(verdict{answer: f.refusal, at: f.refusedAt})
	case c.put < f.end && r.positive(): // to a mail of which a part went out
		return c.nonsense(f, w, r)
	case w == wantBdat && misunderstood(r):
		return c.lied(f, r, atBody)
	}
	if r.positive() {
		c.taken++
	}
	return c.settle(verdict{answer: r, at: atDot})
}

// misunderstood says that r is about a command and not about a mail.
func misunderstood(r reply) bool {
	return r.code == 500 || r.code == 502 || r.code == 503 || r.code == 504
}

// refused ends a transaction that was refused before the mail was sent, so that
// the next one finds a clean connection.
func (c *conn) refused(f *flight) (verdict, bool) {
	v := verdict{answer: f.refusal, at: f.refusedAt}
	c.giveBack(f.data)
	v, ok := c.settle(v)
	if c.leaving || c.cut {
		c.flush()
		return v, ok
	}
	c.out = append(c.out, "RSET\r\n"...)
	c.owe(wantRset)
	if c.mode == pipelining && len(c.flights) > 0 {
		c.flights[0].behind = true
		c.out = c.envelope(c.out, &c.flights[0])
	}
	c.flush()
	return v, ok
}

// settle takes the first mail off the list with its verdict.
func (c *conn) settle(v verdict) (verdict, bool) {
	room := c.flights[0].from[:0]
	n := copy(c.flights, c.flights[1:])
	c.flights[n] = flight{from: room}
	c.flights = c.flights[:n]
	c.used = time.Now()
	v.bye = v.bye || v.err == nil && v.answer.closing()
	if v.err == nil && v.at > atMail && !v.bye {
		c.decided++
		c.junk++
		if v.at == atDot && v.answer.positive() {
			c.junk = 0
		}
	}
	return v, true
}

// nonsense gives the connection up at an answer that fits nothing.
func (c *conn) nonsense(f *flight, w want, r reply) (verdict, bool) {
	at := f.at
	if w == wantDot || w == wantBdat {
		at = atDot
	}
	f.at = at
	c.owed = slices.Insert(c.owed, 0, w)
	c.confused(fmt.Errorf("%w: %s was answered with %d", errReply, at, r.code))
	return c.end()
}

// unasked ends the connection at an answer to nothing: a 421, or nonsense.
func (c *conn) unasked(r reply) {
	if r.closing() {
		c.bye, c.leaving = r, true
		c.fail(errHungUp)
		return
	}
	c.confused(fmt.Errorf("%w: it says what nobody asked for: %d", errReply, r.code))
}

func (c *conn) confused(err error) {
	c.broken = true
	c.fail(err)
}

// lied gives up an extension that the relay does not keep, and the connection.
func (c *conn) lied(f *flight, r reply, at step) (verdict, bool) {
	c.manners.distrust(c.mode, r.String())
	c.broken = true
	err := fmt.Errorf("%w: %s: %s", errLied, c.mode, r)
	c.fail(err)
	return c.settle(verdict{answer: r, at: at, err: &lost{at, err}})
}

// end returns what an ended connection means for the mail that was pushed
// first. A relay that says goodbye carries out nothing that came after (RFC
// 5321, 3.8): what lay behind was not begun, though its bytes are written. One
// that goes on all the same may have taken it.
func (c *conn) end() (verdict, bool) {
	c.mu.Lock()
	err, hurried := c.err, !c.latest.IsZero()
	c.mu.Unlock()
	late := errors.Is(err, os.ErrDeadlineExceeded)
	if r, ok := inClear(err); ok && len(c.owed) > 0 && c.owed[0] == wantRset {
		c.bye = r
	}
	if c.suspect() && !hurried && (late || errors.Is(err, errReply)) {
		c.manners.distrust(c.mode, err.Error())
		err = fmt.Errorf("%w: %w", errLied, err)
		c.proven = true // said once
	}
	c.owed = c.owed[:0]
	c.leaving = true
	if len(c.flights) == 0 {
		return verdict{}, false
	}
	f := &c.flights[0]
	switch {
	case f.refused:
		return c.settle(verdict{answer: f.refusal, at: f.refusedAt})
	case c.bye.code != 0 && !c.stays && !late && !c.broken:
		return c.settle(verdict{answer: c.bye, at: atMail, bye: true})
	case f.end > 0 && c.put >= f.end:
		f.at = atDot
	case f.end > 0:
		f.at = atBody
	}
	return c.settle(verdict{at: f.at, err: &lost{f.at, err}})
}

// inClear returns what a relay said beside TLS, as far as it can be seen. Exim
// on GnuTLS says so that it has enough: "554 Too many nonmail commands", and
// hangs up.
func inClear(err error) (reply, bool) {
	var beside tls.RecordHeaderError
	if !errors.As(err, &beside) {
		return reply{}, false
	}
	code, _, ok := parseCode(beside.RecordHeader[:])
	return reply{code, "(said outside of TLS)"}, ok && code >= 400
}

func (f *flight) refuse(r reply, at step) {
	if !f.refused {
		f.refused, f.refusal, f.refusedAt = true, r, at
	}
}
