package newsroom

import (
	"context"
	"time"

	"lede/audience/segment"
	"lede/compose"
	"lede/source"
)

// Editions keeps editions. Every method is one transaction.
type Editions interface {
	// Open inserts r, in state assembling, unless the newsletter already has an
	// edition for that slot; it returns the one that the store holds and
	// whether it is new. ErrBusy when another edition of the newsletter is
	// being assembled.
	Open(ctx context.Context, r Record) (Record, bool, error)
	// Log keeps one that never was: a slot skipped, in state skipped with its
	// reason. It does nothing when the slot has an edition.
	Log(ctx context.Context, r Record) error
	// Commit ends assembling: it stores content and letter, uses up the
	// stories, takes the snapshot of the audience (active on any of the lists,
	// not opted out, not suppressed, each once) as pending deliveries, due as
	// the content says and never before now, and moves the edition on to state
	// to (sending or waiting). It returns the audience's size. Each delivery has
	// its variant, and its subject in a test; whoever is in none waits for the
	// choice.
	Commit(ctx context.Context, id string, c Content, to State, now time.Time) (int, error)
	// Move changes the state of an edition that is in one of the states from,
	// else ErrState. Moving to cancelled skips what is pending or deferred, with
	// why as reason; moving to cancelled, skipped or failed gives the stories
	// back if nothing was sent. A zero staleAt leaves that time as it is.
	Move(ctx context.Context, id string, from []State, to State, by, why string, staleAt, now time.Time) error
	// Finish moves a sending edition to done when no delivery is pending,
	// being sent or deferred, and says whether it did.
	Finish(ctx context.Context, id string, now time.Time) (bool, error)
	// Edition returns one edition, or ErrNotFound. A unique prefix of at least
	// four characters of the id will do.
	Edition(ctx context.Context, id string) (Record, error)
	// Choose ends the test of an edition's subjects: those who wait for it get
	// the n-th (from 1). What was due after the wait moves ahead by what is left
	// of it. ErrNoTest, ErrChosen, or ErrState when the edition has ended.
	Choose(ctx context.Context, id string, n int, by, why string, now time.Time) error
	// Groups counts deliveries by variant and subject, in their order.
	Groups(ctx context.Context, id string) ([]Group, error)
	// List returns editions, newest slot first, without content, letter and
	// variants; of all newsletters when newsletter is empty, in any state when states is
	// empty, at most limit when that is positive.
	List(ctx context.Context, newsletter string, limit int, states ...State) ([]Record, error)
	// Sums counts deliveries.
	Sums(ctx context.Context, id string) (Sums, error)
	// Ahead tells when the edition's pending mails are due.
	Ahead(ctx context.Context, id string, now time.Time) (Ahead, error)
	// Undelivered lists, grouped by state and reply, why deliveries failed,
	// wait or were skipped, the most frequent first.
	Undelivered(ctx context.Context, id string) ([]Reason, error)
	// History returns who moved the edition when, oldest first.
	History(ctx context.Context, id string) ([]Change, error)
}

// Content is what Commit stores of an assembled edition.
type Content struct {
	Edition      compose.Edition
	Letter       compose.Letter // of variant 0
	Variants     *Variants      // nil: one letter for all
	Lists        []string
	Choice       segment.Choice              // of those on the lists
	Revision     int                         // of the editor's edits that it was made with; Commit refuses it with ErrEdited when there are newer ones
	By           string                      // who made it, for the record
	CorrectionOf string                      // id of the edition whose readers alone get it: sent, or in doubt; empty: everybody on the lists
	Start        time.Time                   // when the first mails are due; zero: when it is stored
	Spread       time.Duration               // the mails' due times lie evenly over it, from Start on; 0: all at Start
	Local        func(zone string) time.Time // when somebody in this zone (by an attribute, else that of a country; empty if none says) is due; nil: at Start
}

// Ahead is when the mails of an edition leave that no answer was had for yet.
// Mails that were put off are not among them.
type Ahead struct {
	Next time.Time // the earliest due time, not after now when one is due or being sent; zero when none is pending
	Last time.Time // the latest
}

// Reason is one cause for which deliveries are not sent.
type Reason struct {
	State string `json:"state"`
	Why   string `json:"why"`
	Count int    `json:"count"`
}

// Change is one change of an edition's state.
type Change struct {
	At   time.Time `json:"at"`
	From State     `json:"from"`
	To   State     `json:"to"`
	By   string    `json:"by"`
	Why  string    `json:"why"`
}

// Memory remembers what earlier editions used and saw.
type Memory interface {
	// Memory returns what the newsletter's editions used (of stories that ran
	// before the given time only the beginning of the text), all keys that they
	// saw, the sources read, the last ten subjects.
	Memory(ctx context.Context, newsletter string, since time.Time) (compose.Memory, error)
	// MemoryWithout is Memory as it was without one edition: that which is made
	// anew. Empty: none.
	MemoryWithout(ctx context.Context, newsletter string, since time.Time, edition string) (compose.Memory, error)
	// Count returns how many editions of the newsletter were stored and neither
	// skipped, failed nor cancelled.
	Count(ctx context.Context, newsletter string) (int, error)
	// Reach counts whom an edition would go to now.
	Reach(ctx context.Context, aim Aim, now time.Time) (int, error)
}

// Pictures keeps pictures under the names made of their content.
type Pictures interface {
	SavePicture(ctx context.Context, p source.Picture) error // saving one twice is no error
	// Picture returns the picture of a name; an unknown name is fs.ErrNotExist.
	Picture(ctx context.Context, name string) (source.Picture, error)
}

// Agenda keeps when each newsletter's schedule was last looked at, so that
// slots missed while nothing ran are known.
type Agenda interface {
	LastLooked(ctx context.Context, newsletter string) (time.Time, error) // zero when never
	Looked(ctx context.Context, newsletter string, at time.Time) error
}
