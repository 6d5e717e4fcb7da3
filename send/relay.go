package send

import (
	"crypto"
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
	Lists              []string
	DKIM               *DKIM // nil: not signed
	Keys               *audience.Keyring
}

// DKIM is a signing identity (RFC 6376).
type DKIM struct {
	Domain   string
	Selector string
	Key      crypto.Signer // RSA of 2048 bits or more
}

// Relay is an SMTP server that takes our mail.
type Relay struct {
	ID       string
	Host     string
	Port     int
	TLS      string // starttls | implicit | none
	Username string
	Password string
	Lanes    int    // connections at a time
	Rate     Rate   // accepted mails; zero for no limit
	Depth    int    // deliveries a lane may have between intent and outcome, 1 to 16
	Messages int    // mails a connection, 0 for no limit
	Helo     string // name we greet with; empty: the host's
	Retry    Retry
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
