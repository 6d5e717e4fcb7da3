package send

import (
	"bytes"
	"slices"
	"strconv"
	"time"
)

const (
	mostDepth = 16 // of Relay.Depth
	// headRoom is left free at the start of a mail's buffer, for the commands
	// that go out with it in one write. No address that passed checkAddress
	// needs more.
	headRoom = 1024
	// Mails smaller than smallMail are gathered up to fullWrite bytes with
	// others that are ready to go; a larger one goes out from where it lies.
	smallMail = 8 << 10
	fullWrite = 32 << 10
)

// want is what an answer is to.
type want byte

const (
	wantMail want = iota
	wantRcpt
	wantData
	wantDot
	wantBdat
	wantRset
	wantEnd // of a mail without recipients: the answer means nothing
	wantNoop
)

// flight is a mail between push and its verdict.
type flight struct {
	from      []byte // envelope sender; its room is used again
	to        address
	utf8      bool
	dots      bool   // it may have lines that begin with a full stop
	data      []byte // until it is written; the mail begins at headRoom
	begun     bool   // its commands are on their way
	behind    bool   // they went out behind another mail's body
	at        step
	end       int64 // where its last byte stands in all that is written to the connection; 0: not yet known
	named     bool  // its recipient was accepted
	refused   bool
	refusal   reply
	refusedAt step
}

// verdict is what became of a mail: the answer that decided it, and where that
// came. The mail is accepted if that was at the final dot and positive. With
// bye the relay ended the connection by its answer, to this mail or to one
// before it: 421, or a refused RSET. err, always a *lost, is a connection that
// ended without an answer.
type verdict struct {
	answer reply
	at     step
	bye    bool
	err    error
}

// room returns how many more mails may be pushed. With PIPELINING that is one
// in hand and one whose envelope goes out behind it. A connection that took no
// mail yet gets one at a time: what that is answered may concern all.
func (c *conn) room() int {
	if c.over() {
		return 0
	}
	if len(c.flights) == 0 && len(c.owed) > 0 && (c.owed[0] == wantNoop || c.mode == chunking && !c.proven) {
		return 0 // first it has to show that it lives, or can be trusted
	}
	most := 1
	switch {
	case c.taken == 0:
	case c.mode == pipelining:
		most = min(2, c.depth)
	case c.mode == chunking && c.proven:
		most = c.depth
	}
	return max(0, most-len(c.flights))
}

// buffer returns where the next mail is to be appended to.
func (c *conn) buffer() []byte {
	if n := len(c.spare); n > 0 {
		b := c.spare[n-1]
		c.spare = c.spare[:n-1]
		return b[:headRoom]
	}
	return make([]byte, headRoom, 64<<10)
}

// giveBack returns a buffer that was not pushed.
func (c *conn) giveBack(data []byte) {
	if len(c.spare) < 2 {
		c.spare = append(c.spare, data)
	}
}

// push sends a mail: buffer's, with the mail appended, CRLF line ends only.
// dots says that lines of it may begin with a full stop. What comes of it, also
// if the connection fails now, next says.
func (c *conn) push(from []byte, to address, utf8, dots bool, data []byte) {
	n := len(c.flights)
	if n == cap(c.flights) {
		c.flights = slices.Grow(c.flights, mostDepth)
	}
	c.flights = c.flights[:n+1]
	f := &c.flights[n]
	*f = flight{from: append(f.from[:0], from...), to: to, utf8: utf8, dots: dots, data: data}
	now := time.Now()
	c.waited = now.Sub(c.used) > longWait
	c.used = now
	if c.mode == chunking {
		c.chunk(f)
	} else {
		c.begin()
	}
}

// begin sends the commands of the mail whose turn it is.
func (c *conn) begin() {
	n := len(c.flights)
	if n == 0 || c.leaving || c.cut {
		return
	}
	f := &c.flights[0]
	switch {
	case !f.begun && (c.mode == pipelining || len(c.owed) == 0):
	case n > 1 && f.end > 0 && !c.flights[1].begun && c.mode == pipelining:
		f = &c.flights[1]
	default:
		return
	}
	c.head = c.envelope(c.head[:0], f)
	c.send(c.head)
}

// chunk sends a whole mail (RFC 3030). A refused recipient leaves a transaction
// open, and whether that happens is not known when the next mail is written:
// RSET goes before it. Until the relay is known to mean what it offers, RSET
// goes out behind the mail: a relay that loses what follows a mail shows it
// there, where nothing can get lost.
func (c *conn) chunk(f *flight) {
	mail := f.data[headRoom:]
	h := c.head[:0]
	if c.dirty {
		h = append(h, "RSET\r\n"...)
		c.owe(wantRset)
	}
	h = c.appendMail(h, f)
	h = appendRcpt(h, f)
	h = append(h, "BDAT "...)
	h = strconv.AppendInt(h, int64(len(mail)), 10)
	h = append(h, " LAST\r\n"...)
	c.head = h
	c.owe(wantMail, wantRcpt, wantBdat)
	f.begun, c.dirty = true, true

	data, start := f.data, max(0, headRoom-len(h))
	if len(h) > headRoom {
		c.out = append(c.out, h[:len(h)-headRoom]...)
		h = h[len(h)-headRoom:]
	}
	copy(data[start:], h)
	end := len(data) - start
	if !c.proven {
		data = append(data, "RSET\r\n"...)
		c.owe(wantRset)
		c.dirty = false
	}
	f.end = c.put + int64(len(c.out)+end)
	f.data = nil
	if len(data)-start <= smallMail {
		c.out = append(c.out, data[start:]...)
		if len(c.out) >= fullWrite {
			c.flush()
		}
	} else {
		c.flush()
		c.send(data[start:])
	}
	c.giveBack(data)
}

// body writes the mail, and the commands of the next one behind it.
func (c *conn) body(f *flight) {
	data := f.data
	if f.dots {
		data = append(data[:headRoom], appendStuffed(nil, f.data[headRoom:])...)
	} else {
		if !bytes.HasSuffix(data, []byte("\r\n")) {
			data = append(data, '\r', '\n')
		}
		data = append(data, ".\r\n"...)
	}
	f.at, f.data = atBody, nil
	c.flush()
	f.end = c.put + int64(len(data)-headRoom)
	c.owe(wantDot)
	if c.mode == pipelining && len(c.flights) > 1 && !c.leaving {
		c.flights[1].behind = true
		data = c.envelope(data, &c.flights[1])
	}
	c.send(data[headRoom:])
	c.giveBack(data)
}

// envelope appends the commands that come before a mail: all that may go out
// together.
func (c *conn) envelope(dst []byte, f *flight) []byte {
	f.begun = true
	dst = c.appendMail(dst, f)
	c.owe(wantMail)
	if c.mode == pipelining {
		dst = append(appendRcpt(dst, f), "DATA\r\n"...)
		c.owe(wantRcpt, wantData)
	}
	return dst
}

func (c *conn) appendMail(dst []byte, f *flight) []byte {
	dst = append(dst, "MAIL FROM:<"...)
	dst = append(dst, f.from...)
	dst = append(dst, '>')
	if c.offers.size {
		dst = append(dst, " SIZE="...)
		dst = strconv.AppendInt(dst, int64(len(f.data)-headRoom), 10)
	}
	if f.utf8 {
		dst = append(dst, " SMTPUTF8"...)
	}
	return append(dst, '\r', '\n')
}

func appendRcpt(dst []byte, f *flight) []byte {
	dst = append(dst, "RCPT TO:<"...)
	dst = f.to.append(dst)
	return append(dst, '>', '\r', '\n')
}

// owe notes what the relay is to answer.
func (c *conn) owe(w ...want) { c.owed = append(c.owed, w...) }

// send writes. If that fails, what the relay said before it hung up counts.
func (c *conn) send(p []byte) {
	if c.cut || len(p) == 0 {
		return
	}
	c.noticed = c.expect(c.wait.Dot)
	c.patient = -1
	if err := c.write(p); err != nil {
		c.cut = true
	}
}

// flush writes what was gathered.
func (c *conn) flush() {
	if len(c.out) > 0 {
		c.send(c.out)
		c.out = c.out[:0]
	}
}

// await sets the patience with the answer that is due next.
func (c *conn) await() {
	c.flush()
	if c.patient == c.pops {
		return
	}
	c.patient = c.pops
	if len(c.owed) == 0 {
		c.rest()
		return
	}
	c.expect(c.patience())
}

func (c *conn) patience() time.Duration {
	switch w := c.owed[0]; {
	case c.cut:
		return lastWords
	case c.bye.code != 0:
		return afterBye
	case w == wantNoop:
		return noopPatience
	case c.suspect():
		return min(probing, c.wait.Command)
	case w == wantDot || w == wantBdat || w == wantEnd:
		return c.wait.Dot
	default:
		return c.wait.Command
	}
}

// suspicious says that commands go out in groups and the relay has yet to show
// that it understands them.
func (c *conn) suspicious() bool { return c.mode != plain && !c.proven }

// suspect says that the answer that is due next is to a command behind another
// in one write, and that the relay has yet to show that it does not lose such.
func (c *conn) suspect() bool {
	if !c.suspicious() || len(c.owed) == 0 {
		return false
	}
	switch c.owed[0] {
	case wantRcpt, wantData, wantRset:
		return true
	case wantMail:
		return len(c.flights) > 0 && c.flights[0].behind
	}
	return false
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
	if !bytes.HasSuffix(dst, []byte("\r\n")) {
		dst = append(dst, '\r', '\n')
	}
	return append(dst, '.', '\r', '\n')
}
