package send

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// mostBeforeLogin is how many bytes a relay may send before it is logged in
// to: greeting, capabilities, certificates. go-mail reads replies of any
// length.
const mostBeforeLogin = 256 << 10

// Trouble is why a relay takes no mail at all. It concerns no recipient:
// nothing fails by it.
type Trouble struct {
	Relay string
	// Lasting says that waiting alone will hardly help: a refused login, a
	// wrong certificate, no TLS.
	Lasting bool
	// Spent says that nothing is wrong: the relay's mails of this day are used
	// up.
	Spent bool
	err   error
}

func (t *Trouble) Error() string { return fmt.Sprintf("relay %s: %v", t.Relay, t.err) }
func (t *Trouble) Unwrap() error { return t.err }

// guarded is a connection that we can close and limit whoever uses it.
type guarded struct {
	net.Conn
	budget atomic.Int64 // bytes that may still be read; negative: any number
}

func (g *guarded) Read(p []byte) (int, error) {
	left := g.budget.Load()
	if left == 0 {
		return 0, fmt.Errorf("%w: more than %d bytes before login", errReply, mostBeforeLogin)
	}
	if left > 0 && int64(len(p)) > left {
		p = p[:left]
	}
	n, err := g.Conn.Read(p)
	if left > 0 {
		g.budget.Store(left - int64(n))
	}
	return n, err
}

// dial opens a connection to the relay: greeting, EHLO, TLS as the relay wants
// it, login. On failure nothing is left open. The error is a *Trouble.
func (g *gateway) dial(ctx context.Context) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, g.outside.Timeouts.Dial)
	defer cancel()
	c, err := g.connect(ctx)
	if err != nil {
		if ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
			err = fmt.Errorf("%w (%w)", err, context.Cause(ctx))
		}
		return nil, g.unreachable(err)
	}
	return c, nil
}

func (g *gateway) connect(ctx context.Context) (*conn, error) {
	r := &g.relay
	var kept atomic.Pointer[guarded]
	var secured net.Conn // for implicit TLS
	open := func(ctx context.Context, network, addr string) (net.Conn, error) {
		raw, err := g.outside.Dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		c := &guarded{Conn: raw}
		c.budget.Store(mostBeforeLogin)
		kept.Store(c)
		if deadline, ok := ctx.Deadline(); ok {
			_ = c.SetDeadline(deadline)
		}
		if r.TLS != "implicit" {
			return c, nil
		}
		// go-mail's WithSSL does nothing beside a dial function: it would speak
		// clear text. It recognises a *tls.Conn as secure.
		conn := tls.Client(c, g.tlsConfig())
		// Not HandshakeContext: it would hide the cause behind the context's end.
		if err := conn.Handshake(); err != nil {
			return nil, fmt.Errorf("TLS: %w", err)
		}
		secured = conn
		return conn, nil
	}
	options := []gomail.Option{
		gomail.WithDialContextFunc(open),
		gomail.WithPort(r.Port),
		gomail.WithTimeout(g.outside.Timeouts.Dial),
		gomail.WithTLSConfig(g.tlsConfig()),
		gomail.WithHELO(g.helo()),
		gomail.WithTLSPolicy(gomail.NoTLS),
	}
	if r.TLS == "starttls" {
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	dialler, err := gomail.NewClient(r.Host, options...)
	if err != nil {
		return nil, err
	}
	// go-mail's context covers only the dial, and it leaves the socket open
	// when greeting, EHLO or TLS fail: who kept it closes it.
	closeKept := func() {
		if c := kept.Load(); c != nil {
			_ = c.Close()
		}
	}
	stop := context.AfterFunc(ctx, closeKept)
	client, err := dialler.DialToSMTPClientWithContext(ctx)
	if err == nil {
		err = g.login(client, secured)
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		closeKept()
		return nil, err
	}
	raw := kept.Load()
	raw.budget.Store(-1)
	_ = raw.SetDeadline(time.Time{}) // from here on the conn watches the time
	return newConn(raw, client, r, &g.manners, g.outside.Timeouts), nil
}

// login makes sure that the connection is as secure as the relay's settings
// say, and only then logs in.
func (g *gateway) login(client *smtp.Client, secured net.Conn) error {
	r := &g.relay
	state, secure := client.TLSConnectionState()
	if r.TLS != "none" && (!secure || !state.HandshakeComplete || (r.TLS == "implicit") != (secured != nil)) {
		return errors.New("TLS: the connection is not secure; nothing was sent")
	}
	if r.Username == "" {
		return nil
	}
	offered, ok := extension(client, "AUTH")
	if !ok {
		return errors.New("login: the relay offers no AUTH")
	}
	auth, err := g.mechanism(strings.Fields(strings.ToUpper(offered)), secure)
	if err != nil {
		return err
	}
	if err := client.Auth(auth); err != nil {
		return fmt.Errorf("login: %w", g.redact(err))
	}
	return nil
}

// mechanism chooses how to log in (RFC 4954). A password goes over the wire as
// it is only inside TLS or to this machine.
func (g *gateway) mechanism(offered []string, secure bool) (smtp.Auth, error) {
	r := &g.relay
	private := secure || isLoopback(r.Host)
	clear := map[string]bool{"PLAIN": true, "LOGIN": true, "XOAUTH2": true} // show the password
	wanted := mechanisms
	if r.Auth != "" {
		wanted = []string{strings.ToUpper(r.Auth)}
	}
	exposed := false
	for _, name := range wanted {
		switch {
		case !slices.Contains(offered, name):
		case clear[name] && !private:
			exposed = true
		default:
			return r.auth(name), nil
		}
	}
	switch {
	case exposed || r.Auth == "" && !private:
		return nil, errors.New("login: without TLS the password would go in the clear; set tls: starttls or implicit")
	case r.Auth != "":
		return nil, fmt.Errorf("login: the relay does not offer %s, only %s", oneLine(wanted[0]), oneLine(strings.Join(offered, ", ")))
	default:
		return nil, fmt.Errorf("login: the relay offers only %s", oneLine(strings.Join(offered, ", ")))
	}
}

// mechanisms are how we log in if nothing else is set, the preferred first.
var mechanisms = []string{"PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5"}

// auth returns a way to log in.
func (r *Relay) auth(mechanism string) smtp.Auth {
	switch mechanism {
	case "PLAIN":
		return smtp.PlainAuth("", r.Username, r.Password, r.Host, true)
	case "LOGIN":
		return smtp.LoginAuth(r.Username, r.Password, r.Host, true)
	case "CRAM-MD5":
		return smtp.CRAMMD5Auth(r.Username, r.Password)
	case "SCRAM-SHA-1":
		return smtp.ScramSHA1Auth(r.Username, r.Password)
	case "XOAUTH2":
		return smtp.XOAuth2Auth(r.Username, r.Password)
	default:
		return smtp.ScramSHA256Auth(r.Username, r.Password)
	}
}

// redact takes the password, in the forms in which it goes over the wire, out
// of what a relay said.
func (g *gateway) redact(err error) error {
	text := err.Error()
	var said *textproto.Error
	if errors.As(err, &said) {
		text = reply{said.Code, oneLine(said.Msg)}.String()
	}
	r := &g.relay
	for _, secret := range []string{
		r.Password,
		base64.StdEncoding.EncodeToString([]byte(r.Password)),
		base64.StdEncoding.EncodeToString([]byte("\x00" + r.Username + "\x00" + r.Password)),
		base64.StdEncoding.EncodeToString([]byte("user=" + r.Username + "\x01auth=Bearer " + r.Password + "\x01\x01")),
	} {
		if r.Password != "" {
			text = strings.ReplaceAll(text, secret, "[password]")
		}
	}
	if said != nil {
		code, msg, _ := strings.Cut(text, " ")
		n, _ := strconv.Atoi(code)
		return &textproto.Error{Code: n, Msg: msg}
	}
	return errors.New(oneLine(text))
}

// unreachable words why a connection could not be made.
func (g *gateway) unreachable(err error) *Trouble {
	t := &Trouble{Relay: g.relay.ID, err: err}
	var said *textproto.Error
	text := err.Error()
	if errors.As(err, &said) {
		t.Lasting = said.Code/100 == 5
		text = strings.ReplaceAll(text, said.Error(), reply{said.Code, said.Msg}.String())
	}
	switch {
	case strings.Contains(text, "TLS"), strings.Contains(text, "tls:"), strings.Contains(text, "x509:"), strings.HasPrefix(text, "login:"):
		// A handshake cut short may be a relay that is just starting.
		t.Lasting = t.Lasting || !isLost(err) && said == nil
	}
	if strings.Contains(text, "does not support STARTTLS") {
		text = "TLS: the relay does not offer STARTTLS; nothing was sent to it (tls: implicit is another way, none is for a relay on this machine)"
	}
	where := net.JoinHostPort(g.relay.Host, strconv.Itoa(g.relay.Port))
	t.err = fmt.Errorf("%s: %w", where, &worded{oneLine(text), err})
	return t
}

// worded is an error with a text fit for one line.
type worded struct {
	text string
	err  error
}

func (w *worded) Error() string { return w.text }
func (w *worded) Unwrap() error { return w.err }

func (g *gateway) tlsConfig() *tls.Config {
	config := g.outside.TLS.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	if config.ServerName == "" {
		config.ServerName = g.relay.Host
	}
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	if g.relay.CA != nil {
		config.RootCAs = g.relay.CA
	}
	if g.relay.Certificate != nil {
		config.Certificates = []tls.Certificate{*g.relay.Certificate}
	}
	config.ClientSessionCache = g.sessions // saves a handshake's worth of work on every further connection
	return config
}

// helo is the name we greet with (RFC 5321, 4.1.1.1): the configured one, else
// the host's.
func (g *gateway) helo() string {
	if g.relay.Helo != "" {
		return g.relay.Helo
	}
	if name, err := os.Hostname(); err == nil && isDomain(name) {
		return name
	}
	return "localhost"
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// extension returns an EHLO capability's parameters.
func extension(client *smtp.Client, name string) (string, bool) {
	ok, parameters := client.Extension(name)
	return parameters, ok
}
