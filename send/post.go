package send

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"lede/audience"
)

// Post sends one mail to each of to, at once and without a ledger: a proof, a
// notice. It counts against the relay's rate but does not wait for it. What the
// relay refuses is the error, recipient by recipient; the others have the mail.
func (d *Dispatcher) Post(ctx context.Context, relay, from string, to []string, mail []byte) error {
	g, err := d.gateway(relay)
	if err != nil {
		return err
	}
	sender, err := checkAddress(from)
	if err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	guest := g.seats.enter()
	defer func() { g.seats.leave(guest, g.farewell(ctx)) }()
	c, ok := g.seats.take(ctx, guest, nil)
	if !ok {
		return fmt.Errorf("relay %s: %w", g.relay.ID, ctx.Err())
	}
	p := &post{g: g, conn: c, from: sender, mail: mail}
	var errs []error
	for _, recipient := range to {
		if err := p.send(ctx, recipient); err != nil {
			errs = append(errs, err)
		}
		var t *Trouble
		if errors.As(err, &t) {
			break
		}
	}
	g.seats.put(guest, p.conn)
	return errors.Join(errs...)
}

// Refused is a relay's answer to one mail of Post that it did not take.
type Refused struct {
	Final bool // it will not take it later either: a 5xx for the recipient or the mail (RFC 5321 section 4.2.1)
	text  string
}

func (r *Refused) Error() string { return r.text }

// post is one mail under way to several people.
type post struct {
	g    *gateway
	conn *conn // nil: none open
	from address
	mail []byte
}

func (p *post) send(ctx context.Context, recipient string) error {
	g := p.g
	who := audience.Mask(recipient)
	to, err := checkAddress(recipient)
	if err != nil {
		return fmt.Errorf("%s: %w", who, err)
	}
	for {
		if p.conn != nil && !p.conn.usable(g.mostMails()) {
			p.conn.quit(g.farewell(ctx))
			p.conn = nil
		}
		fresh := p.conn == nil
		if fresh {
			if p.conn, err = g.dial(ctx); err != nil {
				return err
			}
		}
		utf8 := p.from.utf8 || to.utf8
		if utf8 && !p.conn.offers.utf8 {
			return fmt.Errorf("%s: the address needs SMTPUTF8 (RFC 6531), which relay %s does not offer", who, g.relay.ID)
		}
		if most := p.conn.offers.most; most > 0 && len(p.mail) > most {
			return fmt.Errorf("%s: the mail has %d bytes, relay %s takes %d at most (SIZE, RFC 1870)", who, len(p.mail), g.relay.ID, most)
		}
		v := p.try(ctx, to, utf8)
		switch {
		case errors.Is(v.err, errLied), v.err != nil && !fresh && v.at < atDot, v.bye && !fresh && v.at == atMail:
			continue // another way, or the connection had been waiting for too long
		case v.err != nil:
			return fmt.Errorf("relay %s: %s: %w", g.relay.ID, who, v.err)
		case v.at != atDot || !v.answer.positive():
			return &Refused{Final: v.at > atMail && v.answer.code/100 == 5, text: fmt.Sprintf("relay %s refused the mail to %s at %s: %s", g.relay.ID, who, v.at, v.answer)}
		}
		g.pace.reserve()
		g.quota.took(time.Now())
		return nil
	}
}

// try sends the mail to one person and waits for its verdict.
func (p *post) try(ctx context.Context, to address, utf8 bool) verdict {
	c := p.conn
	stop := context.AfterFunc(ctx, func() { c.hurry(time.Now()) })
	defer stop()
	for c.room() == 0 && !c.over() {
		<-c.news
		c.next()
	}
	c.push([]byte(p.from.String()), to, utf8, true, append(c.buffer(), p.mail...))
	v, ok := c.next()
	for !ok {
		<-c.news
		v, ok = c.next()
	}
	if c.over() {
		c.close()
		p.conn = nil
	}
	return v
}

// Check connects to the relay, secures the connection and logs in, as a send
// would, and returns what it found, a line each.
func (d *Dispatcher) Check(ctx context.Context, relay string) ([]string, error) {
	g, err := d.gateway(relay)
	if err != nil {
		return nil, err
	}
	c, err := g.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer c.quit(g.farewell(ctx))
	found := []string{fmt.Sprintf("connected to %s port %d", g.relay.Host, g.relay.Port)}
	if state, ok := c.client.TLSConnectionState(); ok {
		line := "TLS " + strings.TrimPrefix(tls.VersionName(state.Version), "TLS ")
		if len(state.PeerCertificates) > 0 {
			line += ", certificate valid until " + state.PeerCertificates[0].NotAfter.UTC().Format(time.DateOnly)
		}
		found = append(found, line)
	} else {
		found = append(found, "no TLS: mail goes to the relay in clear text")
	}
	if g.relay.Username != "" {
		found = append(found, "logged in as "+oneLine(g.relay.Username))
	}
	var offers []string
	for _, name := range []string{"PIPELINING", "CHUNKING", "8BITMIME", "SMTPUTF8", "SIZE", "DSN", "ENHANCEDSTATUSCODES"} {
		if parameters, ok := extension(c.client, name); ok {
			offers = append(offers, oneLine(strings.TrimSpace(name+" "+parameters)))
		}
	}
	if len(offers) > 0 {
		found = append(found, "offers "+strings.Join(offers, ", "))
	}
	return found, nil
}
