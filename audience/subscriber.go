// Package audience is about people: subscribers, lists, consent, suppression,
// the files that they come in with, and the signed tokens in their links.
//
// Of a file that comes in, every row is accounted for, and none brings back
// whoever unsubscribed or is suppressed. A token is good for one purpose, for
// ever.
package audience

import (
	"errors"
	"time"
)

// ErrNobody says that no subscriber has the address or the id.
var ErrNobody = errors.New("no subscriber has this address")

// SubscriptionState is the state of the tie between a subscriber and a list.
type SubscriptionState string

// The states of a subscription.
const (
	Pending      SubscriptionState = "pending"
	Active       SubscriptionState = "active"
	Unsubscribed SubscriptionState = "unsubscribed"
)

// Subscriber is a person.
type Subscriber struct {
	ID         int64
	Salt       uint32 // random, in every token: an id alone, reused after a restored backup, opens nothing
	Address    string // as first written, its domain in lower case
	Name       string
	Attributes map[string]string
	Tags       []string
	Created    time.Time
}

// Subscription is the tie between a subscriber and a list, with its consent
// record.
type Subscription struct {
	List    string
	State   SubscriptionState
	Changed time.Time
	Consent string // how it came about, one line: "import subscribers.csv, line 12"
}

// Suppression is an address that gets no mail whatever any list says.
type Suppression struct {
	Address string
	Reason  string // a Reason…, or unknown-user
	Note    string
	At      time.Time
}

// Reasons for which an address is suppressed.
const (
	ReasonBounce    = "bounce"    // mail to it came back, as another service says
	ReasonComplaint = "complaint" // its owner called mail spam
	ReasonByHand    = "by-hand"
)

// Person is all that is known of one subscriber.
type Person struct {
	Subscriber
	Suppressed    string // reason, or empty
	Subscriptions []Subscription
	OptedOut      []string  // newsletter ids
	Paused        time.Time // no letter comes that is due before; zero, or past: none is held
}
