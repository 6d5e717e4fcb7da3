package send

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"net/mail"
	"time"

	"lede/audience"
)

// Sender is what sending needs to know of a newsletter.
type Sender struct {
	Newsletter         string // id
	Name               string
	From               mail.Address
	ReplyTo            string // address or empty
	BounceAddress      string // envelope sender; empty: the address of From
	ListID             string // "harbour.example.org", without angle brackets
	UnsubscribeMailbox string // address or empty
	BaseURL            string // without a trailing slash
	FeedbackSender     string // last part of Feedback-ID, the sender's id
	Archive            string // URL of the public archive (RFC 2369, section 3.6); empty: there is none
	OwnView            bool   // each reader has an address of their own for "read in a browser"
	Lists              []string
	DKIM               []DKIM // none: not signed; several sign each mail
	VERP               bool   // the envelope sender names the delivery (RFC 5321 leaves the local part to us)
	Keys               *audience.Keyring
	Pictures           []Picture // go within each mail that shows them; others stay links
}

// DKIM is a signing identity (RFC 6376).
type DKIM struct {
	Domain   string
	Selector string
	Key      crypto.Signer // RSA of 2048 bits or more; Ed25519 (RFC 8463) only beside an RSA key
}

// Relay is an SMTP server that takes our mail.
type Relay struct {
	ID       string
	Host     string
	Port     int
	TLS      string // starttls | implicit | none
	Username string
	Password string // or the token, with xoauth2
	// Auth is how to log in: plain, login, cram-md5, scram-sha-1,
	// scram-sha-256 or xoauth2; empty: the best that the relay offers.
	Auth        string
	CA          *x509.CertPool   // who may sign its certificate; nil: whom the system trusts
	Certificate *tls.Certificate // ours, shown to the relay; nil: none
	Lanes       int              // connections at a time
	Rate        Rate             // accepted mails; zero for no limit
	Burst       int              // mails that may go at once before Rate holds; 0: what Rate allows in 100 ms
	Quota       int              // mails on a day in UTC; 0 for no limit
	WarmUp      *WarmUp          // nil: the relay takes what it will take from its first day
	Weight      int              // its share beside other relays of a route; 0 counts as 1
	Depth       int              // deliveries a lane may have between intent and outcome, 1 to 16
	Messages    int              // mails a connection, 0 for no limit
	Idle        time.Duration    // a connection unused for longer is closed; 0: 30 s
	Lifetime    time.Duration    // a connection open for longer is made anew; 0: no limit
	// NoPipelining and NoChunking leave an extension alone though the relay
	// offers it.
	NoPipelining, NoChunking bool
	Helo                     string // name we greet with; empty: the host's
	Retry                    Retry
}

// WarmUp is a daily ceiling that grows until the relay is known to receivers.
type WarmUp struct {
	From   time.Time // the first day, in UTC
	First  int       // mails on that day
	Factor float64   // each day takes so many times the mails of the day before
	Last   int       // when the ceiling reaches this the plan is over
}

// Ceiling is how many mails the relay may take on the day of at, in UTC, by its
// quota and its warm-up; 0 for no limit.
func (r Relay) Ceiling(at time.Time) int {
	q := quota{most: r.Quota, warm: r.WarmUp}
	if most := q.ceiling(at); most != noLimit {
		return most
	}
	return 0
}

// Domain is how we treat the recipients of some domains.
type Domain struct {
	ID          string
	Domains     []string // lower-case ASCII
	Concurrency int      // mails in flight at a time; 0 for no limit
	Rate        Rate     // mails; zero for no limit
}

// Route says which relays take a delivery. It holds for deliveries that fit all
// of what it names; what it does not name fits.
type Route struct {
	Newsletters []string
	Lists       []string // the subscriber is active on one of them
	Domains     []string // of the recipient, lower-case ASCII
	Relays      []string // share by weight
	Failover    []string // in this order, when none of Relays works
}

// Plan is how mail leaves: by which relays, and how fast to whom.
type Plan struct {
	Relays  []Relay
	Routes  []Route // the first that fits holds; if none does, the newsletter's relay
	Domains []Domain
}

// Rate is a number of mails in a time.
type Rate struct {
	Count int
	Per   time.Duration
}

// Retry says when a mail that a relay put off (4xx) is tried again.
type Retry struct {
	First       time.Duration
	Longest     time.Duration
	GiveUpAfter time.Duration
}

// Envelope returns the address that bounces go to (RFC 5321, MAIL FROM):
// BounceAddress, else From's.
func (s Sender) Envelope() string {
	if s.BounceAddress != "" {
		return s.BounceAddress
	}
	return s.From.Address
}
