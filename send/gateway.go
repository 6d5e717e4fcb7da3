package send

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/textproto"
	"sync"
	"time"
)

// lanesBack is how long a relay that wanted fewer connections must have worked
// until it gets one more.
const lanesBack = time.Minute

// gateway is one relay and how it stands: its connections, its pace, its quota,
// whether it works. All editions that go through the relay share it.
type gateway struct {
	relay   Relay
	outside *outside
	log     *slog.Logger
	seats   *seats
	pace    *pace
	quota   quota
	counts  counts

	manners  manners                // what its extensions are worth
	sessions tls.ClientSessionCache // RFC 8446, 2.2

	mu       sync.Mutex
	cooling  time.Time // the relay is left alone until then
	trouble  *Trouble  // why
	troubles int       // rounds that ended in trouble, in a row; one lane tries whether it works again
	failures int       // connections that came to nothing, in a row
	refusals int       // mails whose sender was refused, in a row
	lastTake int       // mails that a connection had taken when the relay closed it
	limit    int       // mails a connection, learned; 0: none known
	allowed  int       // connections at a time that the relay can bear
	changed  time.Time // when allowed changed last
}

// outside is what connecting needs from outside. It is set before first use.
type outside struct {
	// Dial opens the connection to a relay.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// TLS is the configuration for the relays' TLS; nil for the usual one.
	TLS *tls.Config
	// Timeouts are how long a relay may take.
	Timeouts Timeouts
}

func newGateway(relay Relay, o *outside, log *slog.Logger) *gateway {
	relay.Lanes = max(1, relay.Lanes)
	if relay.Depth <= 0 {
		relay.Depth = 8
	}
	relay.Depth = min(relay.Depth, 16)
	relay.Retry = relay.Retry.withDefaults()
	return &gateway{
		relay: relay, outside: o, log: log,
		seats: newSeats(relay.Lanes), pace: newPace(relay.Rate, relay.Burst),
		quota:   quota{relay: relay.ID, most: relay.Quota, warm: relay.WarmUp},
		allowed: relay.Lanes,
		manners: manners{relay: relay.ID, log: log}, sessions: tls.NewLRUClientSessionCache(4),
	}
}

// weight is the relay's share beside others.
func (g *gateway) weight() int { return max(1, g.relay.Weight) }

// closed says why the relay is left alone at now and until when: it took
// nothing, or its day is full. nil when it may be tried.
func (g *gateway) closed(now time.Time) (*Trouble, time.Time) {
	if why, until, spent := g.spent(now); spent {
		return why, until
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.cooling.After(now) {
		return g.trouble, g.cooling
	}
	return nil, time.Time{}
}

// spent says that the relay's mails of the day are used up.
func (g *gateway) spent(now time.Time) (*Trouble, time.Time, bool) {
	why, until, news := g.quota.spent(now)
	if news {
		g.log.Info("relay's quota is used up", "relay", g.relay.ID, "until", until, "why", why.err)
	}
	return why, until, why != nil
}

// cool leaves the relay alone for a while, longer each time.
func (g *gateway) cool(t *Trouble) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.troubles++
	g.trouble = t
	first, longest := 5*time.Second, time.Minute
	if t.Lasting {
		// Some relays lock an account after a few wrong logins.
		first, longest = 30*time.Second, 5*time.Minute
	}
	g.cooling = time.Now().Add(jitter(double(first, g.troubles-1, longest)))
	g.log.Warn("relay takes no mail", "relay", g.relay.ID, "until", g.cooling, "err", t)
}

// works notes that the relay deals with mail.
func (g *gateway) works() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.troubles > 0 {
		g.log.Info("relay takes mail again", "relay", g.relay.ID)
	}
	g.failures, g.troubles, g.trouble, g.cooling = 0, 0, nil, time.Time{}
	if g.allowed < g.relay.Lanes {
		g.recover(time.Now())
	}
}

// lanes is how many connections there may be now. A relay that gave trouble is
// tried by one.
func (g *gateway) lanes() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.troubles > 0 {
		return 1
	}
	return g.allowed
}

// open makes a connection. A relay that puts it off by a 4xx while others
// are open wants fewer.
func (g *gateway) open(ctx context.Context) (*conn, error) {
	c, err := g.dial(ctx)
	if err == nil {
		g.counts.connections.Add(1)
		return c, nil
	}
	if ctx.Err() != nil {
		return nil, err
	}
	g.counts.failures.Add(1)
	var said *textproto.Error
	if n := g.seats.open(); errors.As(err, &said) && said.Code/100 == 4 && n > 1 {
		g.crowded(said, time.Now())
	}
	return nil, err
}

// crowded halves the connections that the relay gets.
func (g *gateway) crowded(said error, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.allowed == 1 || now.Sub(g.changed) < time.Second {
		return
	}
	g.allowed, g.changed = max(1, g.allowed/2), now
	g.seats.resize(g.allowed)
	g.log.Info("relay wants fewer connections", "relay", g.relay.ID, "lanes", g.allowed, "err", oneLine(said.Error()))
}

// recover gives the relay one connection more when it worked for a while. The
// gateway is locked.
func (g *gateway) recover(now time.Time) {
	if now.Sub(g.changed) < lanesBack {
		return
	}
	g.allowed, g.changed = g.allowed+1, now
	g.seats.resize(g.allowed)
	g.log.Info("relay gets more connections again", "relay", g.relay.ID, "lanes", g.allowed)
}

// failed counts connections in a row that came to nothing.
func (g *gateway) failed() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failures++
	return g.failures
}

// senderRefused counts mails in a row whose sender was refused.
func (g *gateway) senderRefused() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refusals++
	return g.refusals
}

func (g *gateway) senderWorks() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refusals = 0
}

// asTrouble wraps err as the relay's trouble, if it is not yet.
func (g *gateway) asTrouble(err error) *Trouble {
	var t *Trouble
	if errors.As(err, &t) {
		return t
	}
	return &Trouble{Relay: g.relay.ID, err: err}
}

// mostMails is how many mails a connection takes: what is configured, or less
// if the relay showed so.
func (g *gateway) mostMails() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.limit > 0 && (g.relay.Messages <= 0 || g.limit < g.relay.Messages) {
		return g.limit
	}
	return g.relay.Messages
}

// limited learns from a connection that the relay closed after so many mails:
// twice the same number is its limit.
func (g *gateway) limited(taken int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if taken == g.lastTake {
		g.limit = taken
	}
	g.lastTake = taken
}

// farewell is how long an answer to QUIT is waited for.
func (g *gateway) farewell(ctx context.Context) time.Duration {
	if ctx.Err() != nil {
		return 500 * time.Millisecond
	}
	return 2 * time.Second
}
