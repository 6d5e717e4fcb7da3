// Package send takes a letter and an audience in and gives mail out.
//
// A delivery's intent is committed before anything of its mail is sent, and its
// outcome right after the answer. A lane has at most Relay.Depth deliveries
// between the two, so a kill at any instant leaves at most lanes × depth
// deliveries in doubt.
package send

import (
	"context"
	"time"
)

// State is the state of a delivery.
type State string

// The states of a delivery: pending → sending → sent, or deferred (4xx, again
// later), failed (5xx), in doubt, skipped.
const (
	Pending  State = "pending"
	Sending  State = "sending"
	Sent     State = "sent"
	Deferred State = "deferred"
	Failed   State = "failed"
	InDoubt  State = "in_doubt"
	Skipped  State = "skipped"
)

// Delivery is one letter to one subscriber, claimed for sending.
type Delivery struct {
	Edition    string
	Pos        int64 // its place in the edition's snapshot
	Subscriber int64
	Variant    int // which of the edition's letters it is
	Subject    int // which of the subjects that are tested, from 1; 0: there is no test, or its outcome is not known
	Salt       uint32
	Address    string
	Name       string
	Domain     string    // of the address: lower-case ASCII
	Lists      []string  // of Claim.Lists those that the person is active on
	Relay      string    // who is to take it: set by Claim.Place
	Attempt    int       // 1 for the first
	First      time.Time // when it was first due; give-up counts from here
	LastRelay  string    // who had it at the last attempt; empty: nobody yet

	slot    slot      // what it holds of its domain's gate
	counted bool      // it is reserved in its relay's quota
	begun   time.Time // when its lane took it
}

// Outcome is what became of a claimed delivery.
type Outcome struct {
	Edition string
	Pos     int64
	State   State     // sent, deferred, failed, in_doubt, skipped; pending when nothing of the mail was sent
	Due     time.Time // deferred and pending: when to try again
	Relay   string
	Code    int    // SMTP reply code, 0 without a reply
	Reply   string // enhanced code and text, one line; or the reason
	At      time.Time
	Doubt   bool // the mail may have arrived though no answer came
	// Suppress is why the address gets no mail any more: the answer said that
	// the mailbox does not exist. Empty: the answer is about this mail alone.
	Suppress string

	domain string        // of the delivery
	took   time.Duration // from the delivery's beginning to its answer
}

// Claim is what a Ledger is asked for.
type Claim struct {
	Edition string
	Max     int // deliveries wanted; 0: none at all, and Claimed.Next may be past: something is due
	Now     time.Time
	// Lists are the lists that Place wants to know of: the ledger fills
	// Delivery.Lists with those of them that the person is active on.
	Lists []string
	// Place is asked for each delivery that is due and wanted, the longest due
	// first, inside the transaction: true claims it; with false it is due again
	// at until, and no attempt is counted. nil claims all. A transaction that
	// fails has asked in vain.
	Place func(d *Delivery) (until time.Time, ok bool)
}

// Claimed is the answer of a Ledger.
type Claimed struct {
	Deliveries []Delivery
	Open       bool      // the edition is still to be sent: not paused, cancelled or done
	More       bool      // there may be more that is due: a claim looks at a bounded number of deliveries
	Next       time.Time // due time of the earliest pending or deferred delivery when none was claimed; zero when none is left
}

// Ledger remembers every delivery.
type Ledger interface {
	// Commit stores outcomes and then claims deliveries of the edition that are
	// due, the longest due first, in one transaction that is on disk when it
	// returns. A claim counts the attempt, and passes over (as skipped, with the
	// reason) whoever unsubscribed, opted out or was suppressed since the
	// snapshot. Nothing is claimed of an edition that is not being sent. An
	// outcome of pending takes the attempt back. An outcome that suppresses
	// does so in the same transaction.
	Commit(ctx context.Context, done []Outcome, c Claim) (Claimed, error)

	// Recover deals with the deliveries of an edition that a dead sender left
	// between intent and outcome: due again (resend), or in doubt for good
	// (hold). It returns how many there were. Only the one sender calls it.
	Recover(ctx context.Context, edition string, hold bool, now time.Time) (int, error)

	// Accepted returns how many mails a relay took on the day of at, in UTC.
	Accepted(ctx context.Context, relay string, at time.Time) (int, error)
}
