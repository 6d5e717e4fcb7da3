package send

import (
	"log/slog"
	"strconv"
	"strings"
	"sync"

	"github.com/wneessen/go-mail/smtp"
)

// mode is how a connection is spoken on.
type mode int

const (
	plain      mode = iota // one command at a time
	pipelining             // RFC 2920: the body of a mail and the envelope of the next go out together
	chunking               // RFC 3030 with RFC 2920: whole mails go out one behind the other
)

func (m mode) String() string { return [...]string{"plain", "PIPELINING", "CHUNKING"}[m] }

// manners is what a relay's extensions turned out to be worth. A relay that
// offers one and does not keep it is spoken to without it for as long as the
// process lives. They are shared by all connections to the relay.
type manners struct {
	relay string
	log   *slog.Logger

	mu     sync.Mutex
	proven mode // this one works
	broken mode // this one and those above do not; plain: none is known to be
}

// best returns the mode to use of those up to offered.
func (m *manners) best(offered mode) mode {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken > plain && offered >= m.broken {
		return m.broken - 1
	}
	return offered
}

func (m *manners) works(used mode) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.proven >= used
}

// prove notes that a mode works.
func (m *manners) prove(used mode) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.proven = max(m.proven, used)
}

// distrust notes that a mode does not work.
func (m *manners) distrust(used mode, why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if used == plain || m.broken > plain && m.broken <= used {
		return
	}
	m.broken = used
	m.proven = min(m.proven, used-1)
	m.log.Warn("relay offers an extension that it does not keep; it is done without",
		"relay", m.relay, "extension", used.String(), "reply", why)
}

// offers is what a relay said to the EHLO that counts: after STARTTLS the
// second (RFC 3207).
type offers struct {
	mode mode
	utf8 bool // SMTPUTF8
	size bool // the parameter SIZE of MAIL is understood (RFC 1870)
	most int  // bytes that a mail may have; 0: not said
}

func readOffers(client *smtp.Client, r *Relay) offers {
	var o offers
	_, o.utf8 = extension(client, "SMTPUTF8")
	most, ok := extension(client, "SIZE")
	o.size = ok
	if n, err := strconv.Atoi(strings.TrimSpace(most)); err == nil && n > 0 {
		o.most = n
	}
	if _, ok := extension(client, "PIPELINING"); ok && !r.NoPipelining {
		o.mode = pipelining
		if _, ok := extension(client, "CHUNKING"); ok && !r.NoChunking {
			o.mode = chunking
		}
	}
	return o
}
