package inbox

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"golang.org/x/net/netutil"
)

const (
	maxConnections = 200
	maxRecipients  = 1000
	// A connection that says nothing for so long, or whose mail takes longer,
	// is closed: a DATA without an end holds nothing for ever.
	smtpTimeout = 2 * time.Minute
	// What is in hand when the inbox stops may take so long.
	smtpGrace = 2 * time.Second
)

// ServeSMTP takes mail on ln until ctx ends or ln fails, and closes ln. Any
// login is accepted, none is needed. Offered are PIPELINING, 8BITMIME,
// SMTPUTF8, CHUNKING, SIZE and, with Options.TLS, STARTTLS. A mail ends only
// with CRLF.CRLF: other line ends around the dot are part of the mail, so that
// nothing can be smuggled in behind it.
func (b *Inbox) ServeSMTP(ctx context.Context, ln net.Listener) error {
	s := smtp.NewServer(backend{b})
	s.Domain = "inbox.localhost"
	s.MaxMessageBytes = b.o.MaxMail
	s.MaxRecipients = maxRecipients
	s.ReadTimeout, s.WriteTimeout = smtpTimeout, smtpTimeout
	s.AllowInsecureAuth = true
	s.EnableSMTPUTF8 = true
	s.TLSConfig = b.o.TLS
	s.ErrorLog = slog.NewLogLogger(b.o.Log.Handler(), slog.LevelDebug)

	b.setAddr(ln.Addr().String())
	defer b.setAddr("")
	open := &connections{Listener: netutil.LimitListener(ln, maxConnections), open: map[net.Conn]bool{}}
	served := make(chan error, 1)
	go func() { served <- s.Serve(open) }()
	select {
	case err := <-served:
		s.Close()
		return fmt.Errorf("taking mail on %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	// Shutdown lets connections go on until they end; a client that keeps its
	// own open for the next mail never does, and Close after Shutdown does
	// nothing: what is left after the grace is closed here.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), smtpGrace)
	defer cancel()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = s.Shutdown(grace) // what does not end by itself is closed below
	}()
	ln.Close() // Shutdown knows it only once Serve has begun
	<-served   //nolint:errcheck // it was closed, and says so
	<-stopped
	open.closeAll()
	return nil
}

// connections is a listener that knows what it accepted.
type connections struct {
	net.Listener
	mu   sync.Mutex
	open map[net.Conn]bool
}

func (l *connections) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	tracked := &connection{Conn: c, of: l}
	l.open[tracked] = true
	return tracked, nil
}

func (l *connections) closeAll() {
	l.mu.Lock()
	left := slices.Collect(maps.Keys(l.open))
	l.mu.Unlock()
	for _, c := range left {
		c.Close()
	}
}

type connection struct {
	net.Conn
	of *connections
}

func (c *connection) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

func (b *Inbox) setAddr(addr string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.addr = addr
	b.version++
}

type backend struct{ inbox *Inbox }

func (be backend) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &session{inbox: be.inbox, conn: c}, nil
}

// session is one connection. A mail's envelope is gathered here until its
// data has come.
type session struct {
	inbox *Inbox
	conn  *smtp.Conn
	from  string
	to    []string
	utf8  bool
}

var _ smtp.AuthSession = (*session)(nil)

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain, sasl.Login} }

func (s *session) Auth(mech string) (sasl.Server, error) {
	switch mech {
	case sasl.Plain:
		return sasl.NewPlainServer(func(_, _, _ string) error { return nil }), nil
	case sasl.Login:
		return &login{}, nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

// login is the server side of AUTH LOGIN: it asks for two answers and takes
// whatever they are.
type login struct{ asked int }

func (l *login) Next(response []byte) (challenge []byte, done bool, err error) {
	if response != nil && l.asked == 0 {
		l.asked++ // the name came with the command
	}
	l.asked++
	switch l.asked {
	case 1:
		return []byte("Username:"), false, nil
	case 2:
		return []byte("Password:"), false, nil
	}
	return nil, true, nil
}

func (s *session) Mail(from string, o *smtp.MailOptions) error {
	s.from, s.to, s.utf8 = from, nil, o != nil && o.UTF8
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	_, secure := s.conn.TLSConnectionState()
	s.inbox.keep(&Mail{From: s.from, To: s.to, TLS: secure, UTF8: s.utf8, Raw: raw})
	return nil
}

func (s *session) Reset() { s.from, s.to, s.utf8 = "", nil, false }

func (s *session) Logout() error { return nil }
