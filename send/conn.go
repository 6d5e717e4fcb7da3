package send

import (
	"errors"
	"fmt"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// Timeouts are how long a relay may take (RFC 5321, 4.5.3.2).
type Timeouts struct {
	Dial    time.Duration // from dialling to logged in
	Command time.Duration // an answer to MAIL, RCPT, DATA
	Dot     time.Duration // the answer to the final dot; giving up early doubles mail (RFC 1047)
	Grace   time.Duration // for the mails in hand when sending is to stop
	Idle    time.Duration // a connection unused for longer is made anew; Relay.Idle goes before
}

const (
	// keepAlive is how often a connection that waits for mail says NOOP, so
	// that neither the relay nor what stands between gives it up unnoticed.
	keepAlive = 20 * time.Second
	// noopPatience is how long an answer to that may take.
	noopPatience = 10 * time.Second
	// afterBye is how long a relay that said 421 may take to hang up.
	afterBye = 5 * time.Second
	// longWait is how long a connection may wait for a mail until it is no
	// wonder that the relay gave it up.
	longWait = 5 * time.Second
	// lastWords is how long we listen why a relay hung up on us.
	lastWords = time.Second
	// probing is how long an answer may take that a relay owes for a command
	// in a group, until it is known to understand groups.
	probing = 30 * time.Second
)

// step is how far a mail got.
type step int

const (
	atMail step = iota // nothing about the recipient was said
	atRcpt
	atData
	atBody // the mail is on its way, its end is not
	atDot  // the final dot, or the last byte of BDAT, is sent: from here on silence is doubt
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

// errLied is a relay that does not keep an extension that it offers. The mail
// goes again without it.
var errLied = errors.New("relay does not keep what it offers")

// conn is one SMTP connection, logged in.
type conn struct {
	*wire
	client  *smtp.Client
	offers  offers
	mode    mode
	manners *manners
	proven  bool // manners says that mode works
	depth   int  // mails in flight with chunking
	wait    Timeouts
	idle    time.Duration // unused for longer it is made anew
	life    time.Duration // open for longer it is made anew; 0: no limit
	born    time.Time
	used    time.Time // when it last had a mail
	noticed time.Time // when something was last written to it

	taken   int   // mails accepted on it
	decided int   // mails that were accepted or refused for their own sake
	junk    int   // of these, refused since the last one was accepted
	waited  bool  // for the mail that was begun last
	told    bool  // that it ended was dealt with
	dirty   bool  // with chunking: the next mail needs a RSET before it
	leaving bool  // no further mail is begun on it
	bye     reply // with which the relay ends the connection: a 421, or a refused RSET
	stays   bool  // it said so, and carried out what came after
	cut     bool  // writing failed
	broken  bool  // the relay's answers make no sense any more
	flights []flight
	owed    []want // what the relay will answer, in order
	pops    int    // answers taken
	patient int    // for which of them patience was last set
	out     []byte // small mails and commands, to be written
	head    []byte // room to write commands in
	spare   [][]byte
}

// newConn takes over a connection that is logged in.
func newConn(g *guarded, client *smtp.Client, r *Relay, m *manners, wait Timeouts) *conn {
	now := time.Now()
	c := &conn{
		wire: newWire(g, client.Text.R, client.Text.W), client: client, offers: readOffers(client, r),
		manners: m, depth: min(max(1, r.Depth), mostDepth), wait: wait, idle: wait.Idle, life: r.Lifetime,
		born: now, used: now, noticed: now, patient: -1,
	}
	if r.Idle > 0 {
		c.idle = r.Idle
	}
	c.mode = m.best(c.offers.mode)
	c.proven = m.works(c.mode)
	return c
}

// usable says that another mail may be begun on the connection, which had so
// many at most; most 0 is no limit.
func (c *conn) usable(most int) bool {
	if c.over() || most > 0 && c.taken+len(c.flights) >= most {
		return false
	}
	now := time.Now()
	if c.life > 0 && now.Sub(c.born) >= c.life {
		return false
	}
	return len(c.flights) > 0 || now.Sub(c.used) < c.idle
}

// over says that no further mail can be begun: the relay closes, or closed, the
// connection, or cannot be understood.
func (c *conn) over() bool {
	if c.leaving || c.cut || c.broken {
		return true
	}
	return !c.alive(len(c.owed) == 0) // what it says unasked is 421, or nonsense
}

// keep is called while the connection waits for mail. It says NOOP now and
// then, and returns when it wants to be called again, at the latest when the
// connection was unused for too long.
func (c *conn) keep() time.Duration {
	now := time.Now()
	left := c.idle - now.Sub(c.used)
	if c.life > 0 {
		left = min(left, c.life-now.Sub(c.born))
	}
	left = max(left, time.Millisecond)
	if len(c.owed) > 0 || c.over() {
		return left
	}
	quiet := now.Sub(c.noticed)
	if quiet >= keepAlive {
		c.owe(wantNoop)
		c.send([]byte("NOOP\r\n"))
		c.await()
		quiet = 0
	}
	return min(left, keepAlive-quiet)
}

// quit takes leave and closes. The answer is waited for but not cared for.
func (c *conn) quit(patience time.Duration) {
	defer c.close()
	if len(c.flights) > 0 || c.over() {
		return
	}
	c.expect(patience)
	if c.write([]byte("QUIT\r\n")) != nil {
		return
	}
	for range len(c.owed) + 1 {
		for {
			_, ok, err := c.take()
			if err != nil {
				return
			}
			if ok {
				break
			}
			<-c.news
		}
	}
}

// close closes without a word.
func (c *conn) close() {
	c.fail(errLeft)
	<-c.gone
}

var errLeft = errors.New("connection closed")
