package newsroom

import (
	"context"
	"errors"
	"time"

	"lede/compose"
)

// ErrOlder says that an edition file is older than one that was applied.
var ErrOlder = errors.New("the file is older than one that was applied")

// ErrEdited says that an editor handed an edition file back while the edition
// was made without it.
var ErrEdited = errors.New("an edition file was applied meanwhile")

// Revision is an edition file: what was laid before an editor, and what came
// back.
type Revision struct {
	Newsletter string
	Slot       time.Time
	Number     int // from 1; 0: there is none
	At         time.Time
	By         string
	Sheet      compose.Sheet
	Edits      *compose.Edits // nil: not handed back
}

// What is noted of an edition that waits, each once.
const (
	NoteProof    = "proof"    // its proof was mailed
	NoteApproved = "approved" // a person let it go; it leaves at its slot
	NoteReminded = "reminded" // its slot came and nobody had approved it
	NoteDeadline = "deadline" // its deadline came and nobody had approved it
)

// Note is one thing that happened to an edition that waits.
type Note struct {
	What string    `json:"what"`
	At   time.Time `json:"at"`
	By   string    `json:"by"`
}

// Drafts keeps edition files and what editors did with them. Every method is
// one transaction.
type Drafts interface {
	// Lay keeps a sheet that is laid before an editor, and returns the number of
	// its revision.
	Lay(ctx context.Context, r Revision) (int, error)
	// Sheet returns a revision of a slot, or ErrNotFound.
	Sheet(ctx context.Context, newsletter string, slot time.Time, number int) (Revision, error)
	// Applied returns the newest revision of a slot that was handed back; its
	// Number is 0 when none was.
	Applied(ctx context.Context, newsletter string, slot time.Time) (Revision, error)
	// Apply keeps what an editor handed back as a new revision, made from the
	// revision base, and returns its number. ErrOlder when a newer one than base
	// was handed back before; ErrState when the slot's edition is past changing:
	// stored and not waiting, or approved. With c, made with these edits, it
	// replaces what the slot's waiting edition holds (content, letter, what it
	// uses up) in the same transaction; without c such an edition is ErrState.
	Apply(ctx context.Context, r Revision, base int, c *Content) (int, error)
	// Note notes what happened to an edition in state waiting, with a row in its
	// history, and says whether it is new; ErrState when it does not wait.
	Note(ctx context.Context, id, what, by, why string, now time.Time) (bool, error)
	// Notes returns what was noted of an edition, oldest first.
	Notes(ctx context.Context, id string) ([]Note, error)
	// Uses returns what an edition used up.
	Uses(ctx context.Context, id string) ([]compose.Used, error)
}

// Correction is what a later edition corrected of an earlier one.
type Correction struct {
	Edition string        // that carries it
	Slot    time.Time     // of that one, UTC
	Brief   compose.Brief // of kind corrections
}
