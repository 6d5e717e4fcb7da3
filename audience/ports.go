package audience

import (
	"context"
	"time"
)

// Row is one person as an import read it: the address checked and normalised.
type Row struct {
	Line       int    // of the file, 1-based, header counted
	Address    string // its domain in lower case, IDN as Unicode
	Key        string // identity: Address folded to lower case, IDN as ASCII
	Domain     string // in lower case, ASCII
	Name       string
	Attributes map[string]string
	Tags       []string
}

// Result counts what an import did with its rows. Rows is the sum of the
// others.
type Result struct {
	Rows      int `json:"rows"`
	New       int `json:"new"`
	Updated   int `json:"updated"`
	Unchanged int `json:"unchanged"`
	KeptOut   int `json:"kept_out"`
	Rejected  int `json:"rejected"`
}

// Importer stores the rows of an import.
type Importer interface {
	// ImportRows stores rows in one transaction, as active on the list, and
	// counts them (Rows and Rejected stay 0). A person who is there keeps
	// address and name; blanks are filled in, attributes that the file has are
	// taken over. Where rows repeats a key, the first row wins, later ones fill
	// blanks and count as unchanged. Who unsubscribed from the list or is
	// suppressed stays so and is counted as kept out. With dry nothing is
	// changed.
	ImportRows(ctx context.Context, list, consent string, rows []Row, dry bool, now time.Time) (Result, error)
}

// Directory finds and changes people.
type Directory interface {
	Person(ctx context.Context, key string) (Person, error) // by Key; ErrNobody
	PersonByID(ctx context.Context, id int64) (Person, error)
	// Add makes the person if need be and subscribes it to the list, active. It
	// says what it found: "added", "already active", "suppressed", "left
	// before" (unsubscribed people are subscribed again only with revive).
	Add(ctx context.Context, list string, row Row, consent string, revive bool, now time.Time) (string, error)
	// Leave opts the person out of a newsletter at once, and unsubscribes it
	// from those of the newsletter's lists that no other newsletter goes to.
	Leave(ctx context.Context, id int64, newsletter string, lists []string, why string, now time.Time) error
	// LeaveList unsubscribes the person from one list.
	LeaveList(ctx context.Context, id int64, list, why string, now time.Time) error
	// LeaveAll unsubscribes the person from every list and opts it out of the
	// given newsletters.
	LeaveAll(ctx context.Context, id int64, newsletters []string, why string, now time.Time) error
	// Return undoes what Leave or LeaveAll with the same why and time did.
	Return(ctx context.Context, id int64, newsletter string, lists []string, why string, now time.Time) error
	// Suppress keeps an address, known or not, from all mail.
	Suppress(ctx context.Context, s Suppression) error
	Lists(ctx context.Context) ([]ListCount, error)
}

// ListCount is a list with its size.
type ListCount struct {
	List   string
	Active int
}
