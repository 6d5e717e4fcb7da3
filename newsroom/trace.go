package newsroom

import (
	"time"

	"lede/send"
)

// Trace is what became of one edition's letter to one person.
type Trace struct {
	Edition    string     `json:"edition"`
	Newsletter string     `json:"newsletter"`
	Slot       time.Time  `json:"slot"`
	Subject    string     `json:"subject"`
	State      send.State `json:"state"`
	Attempts   int        `json:"attempts"`
	Relay      string     `json:"relay"` // of the last answer; empty before the first
	Code       int        `json:"code"`  // SMTP reply code, 0 without a reply
	Reply      string     `json:"reply"` // enhanced code and text, or why it was skipped
	At         time.Time  `json:"at,omitzero"`
}

// Tallies counts an edition's deliveries, each list with the most first.
type Tallies struct {
	Relays  []Tally  `json:"relays"`  // that answered
	Domains []Tally  `json:"domains"` // of the recipients, those with the most
	Answers []Answer `json:"answers"`
}

// Tally is how the deliveries of one relay or one domain stand.
type Tally struct {
	Name     string `json:"name"`
	Pending  int    `json:"pending"`
	Sent     int    `json:"sent"`
	Deferred int    `json:"deferred"`
	Failed   int    `json:"failed"`
	InDoubt  int    `json:"in_doubt"`
	Skipped  int    `json:"skipped"`
}

// All is how many deliveries there are.
func (t Tally) All() int {
	return t.Pending + t.Sent + t.Deferred + t.Failed + t.InDoubt + t.Skipped
}

// Answer is a reply code with how many deliveries had it last.
type Answer struct {
	Code  int `json:"code"` // SMTP; 0: no reply came
	Count int `json:"count"`
}
