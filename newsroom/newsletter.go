// Package newsroom conducts: newsletters, their schedules, and an edition's
// life from its slot to its report.
package newsroom

import (
	"errors"
	"time"

	"lede/audience/segment"
	"lede/compose"
	"lede/send"
	"lede/source"
	"lede/templates"
)

// Newsletter is a recurring publication.
type Newsletter struct {
	ID            string
	Name          string
	Recipe        compose.Recipe
	Sources       []source.Spec
	Sender        send.Sender
	Relay         string   // id of the relay that takes what no route claims
	Relays        []string // ids of all that may take its mail; empty: Relay alone
	Lists         []string
	Choice        segment.Choice // of those on the lists
	SignUp        SignUpRules
	ThemeDir      string           // folder of the user's templates over the theme; empty for none
	Tokens        templates.Tokens // over the theme's
	WordsDir      string           // folder of the user's fixed words; empty for none. Recipe.Words has been read from it
	Schedule      Schedule
	Timing        Timing   // of the mails of a slot
	SubjectTest   Test     // how Recipe.SubjectTest is tested; Until is not used
	NotOn         []string // "12-25" or "2027-03-26"
	Missed        string   // run | skip
	Grace         time.Duration
	StaleAfter    time.Duration // 0: until the next slot; never more than 24 hours
	MinGap        time.Duration
	InDoubt       string // resend | hold
	Approval      string // none | required
	Proof         Proof
	Deadline      time.Duration // after the slot: approval_deadline; 0: none
	AtDeadline    string        // send | skip | remind: what becomes of an edition that nobody approved by then
	Changed       string        // send | hold: an edition of which a story changed at its source before it left
	Numbered      bool
	Visibility    string // of its letters on the web: public | unlisted | off
	Pictures      string // link (also when empty) | inline: within each mail
	Notify        []string
	NotifyCommand []string          // run with the notice on its standard input when mail to Notify fails; empty for none
	Lint          map[string]string // rule of compose/lint → error, warning, note or off
}

// Proof says who reads an edition before it is sent.
type Proof struct {
	To     []string
	Before time.Duration // so long ahead of its slot an edition is assembled; 0: at its slot
}

// State is the state of an edition.
type State string

// The states of an edition; docs/architecture.md draws how they follow each
// other.
const (
	Assembling State = "assembling"
	Waiting    State = "waiting"
	Sending    State = "sending"
	Paused     State = "paused"
	Done       State = "done"
	Skipped    State = "skipped"
	Cancelled  State = "cancelled"
	Failed     State = "failed"
)

// ErrNotFound says that there is no such edition.
var ErrNotFound = errors.New("no such edition")

// ErrBusy says that another edition of the newsletter is being assembled.
var ErrBusy = errors.New("another edition of this newsletter is being assembled")

// ErrState says that an edition is not in a state that allows the change.
var ErrState = errors.New("not possible in this state")

// Record is an edition as the store keeps it.
type Record struct {
	ID         string // random; part of Message-IDs
	Newsletter string
	Slot       time.Time // UTC
	ByHand     bool
	By         string // who began it; not read back
	State      State
	Why        string // of the state, one line
	Started    time.Time
	Stored     time.Time // when the snapshot was taken; zero before. It is the mails' Date
	Finished   time.Time
	StaleAt    time.Time        // from then on it goes on only by hand
	Choice     segment.Choice   // whom of the lists it went to; the zero one before the snapshot
	Content    *compose.Edition // nil before the snapshot
	Letter     *compose.Letter  // nil before the snapshot; that of variant 0
	Variants   *Variants        // nil before the snapshot, and where there is one letter for all
	Chosen     int              // of the subjects of its test, from 1; 0: none yet, or no test
}

// Sums counts an edition's deliveries by state. The audience is the sum of the
// six.
type Sums struct {
	Audience int `json:"audience"`
	Pending  int `json:"pending"` // pending or being sent
	Sent     int `json:"sent"`
	Deferred int `json:"deferred"`
	Failed   int `json:"failed"`
	InDoubt  int `json:"in_doubt"`
	Skipped  int `json:"skipped"`
}
