package send

import "time"

// Stats is what a dispatcher did since the process began, and how it stands.
type Stats struct {
	Relays  []RelayStats  `json:"relays"`
	Domains []DomainStats `json:"domains"` // those with the most mails, and all that are held back
}

// Tally counts answers.
type Tally struct {
	Sent     int64 `json:"sent"`
	Deferred int64 `json:"deferred"`
	Failed   int64 `json:"failed"`
	InDoubt  int64 `json:"in_doubt"`
}

// RelayStats is one relay.
type RelayStats struct {
	ID    string    `json:"id"`
	State string    `json:"state"` // working | trouble (the circuit is open) | spent (its quota is used up)
	Why   string    `json:"why,omitempty"`
	Until time.Time `json:"until,omitzero"` // when it is tried again
	Tally
	Lanes       int              `json:"lanes"`     // connections that are open
	MaxLanes    int              `json:"max_lanes"` // how many may be, now
	InFlight    int              `json:"in_flight"` // mails between intent and outcome
	Connections int64            `json:"connections"`
	Failures    int64            `json:"failures"` // connections that came to nothing
	Answers     map[string]int64 `json:"answers"`  // by code: "250", "451 4.7.1"
	Today       int              `json:"today"`    // mails taken on this day in UTC; counted only under a quota
	Quota       int              `json:"quota"`    // the day's ceiling; 0: none
	Waits       Histogram        `json:"-"`        // from a mail's MAIL to its outcome
}

// DomainStats is one domain of recipients, or one group of them from the
// configuration.
type DomainStats struct {
	ID string `json:"id"`
	Tally
	InFlight int       `json:"in_flight"`
	Slowed   float64   `json:"slowed,omitempty"` // part of its rate that it gets; 0: it is not held back
	Until    time.Time `json:"until,omitzero"`   // nothing goes to it before
	Why      string    `json:"why,omitempty"`
}

// Histogram counts durations.
type Histogram struct {
	Bounds []time.Duration // upper ends, growing
	Counts []int64         // one more than Bounds: the last is for what is longer
	Sum    time.Duration
}
