package audience

import (
	"context"
	"time"
)

// Row is one person as an import read it: the address checked and normalised.
type Row struct {
	File       string // in which it stood, of several; empty: Intake.Consent names it
	Line       int    // of the file, 1-based, header counted
	Address    string // its domain in lower case, IDN as Unicode
	Key        string // identity: Address folded to lower case, IDN as ASCII
	Domain     string // in lower case, ASCII
	Name       string
	Attributes map[string]string
	Tags       []string

	State    SubscriptionState // empty for active
	Suppress string            // why the address gets no mail at all; empty if it may get some
	Created  time.Time         // when the person came to be known, if the file says; else Joined counts
	Joined   time.Time         // when the person came to the list, if the file says
	Left     time.Time         // when it left, if the file says
	Reason   string            // why it left, if the file says
	Consent  string            // when and from where it subscribed and confirmed, if the file says
	IP       string            // the address of that, if the file says
	OptedOut []string          // newsletters that it left, which go to the list
}

// Known is when the person came to be known, zero if the file doesn't say.
func (r *Row) Known() time.Time {
	if r.Created.IsZero() {
		return r.Joined
	}
	return r.Created
}

// Erased is the hash of an address whose owner had it erased: all that another
// program keeps, so that nobody mails it again.
type Erased struct {
	Scheme string // how the hash is made: SchemeMailtrain
	Hash   string
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

// Plus returns the sum of two counts.
func (r Result) Plus(other Result) Result {
	return Result{
		Rows: r.Rows + other.Rows, New: r.New + other.New, Updated: r.Updated + other.Updated,
		Unchanged: r.Unchanged + other.Unchanged, KeptOut: r.KeptOut + other.KeptOut, Rejected: r.Rejected + other.Rejected,
	}
}

// Intake says where rows go, and how.
type Intake struct {
	List    string
	Consent string // how the people come in: "import readers.csv"; the store adds the line
	Entry   int64  // the import's entry, under which it can be undone; 0 for none
	Force   string // a reason to let what is weaker overwrite what is stronger; empty not to
	DryRun  bool   // count, but change nothing
}

// Importer stores the rows of an import.
type Importer interface {
	// ImportChunk stores rows in one transaction, with their states on the
	// list, and counts them (Rows and Rejected stay 0). A person who is there
	// keeps address and name; blanks are filled in, attributes that the file has
	// are taken over. Where rows repeats a key, the first row wins, later ones
	// fill blanks and count as unchanged.
	//
	// Of states the stronger one stays: suppressed, unsubscribed, active,
	// pending. A row that says that its person left is counted as updated where
	// it ends a subscription, else as kept out; so is a row of somebody who left
	// or is suppressed. Newsletters that a row says were left are opted out of,
	// whatever becomes of its state. With Force a row's state holds whatever was there, and a
	// suppression is lifted for a row that says none; opt-outs stay.
	ImportChunk(ctx context.Context, in Intake, rows []Row, now time.Time) (Result, error)
	// ImportErased keeps hashes of erased people: their addresses are kept out
	// from now on, and unsubscribed where they are. It returns how many hashes
	// were not known yet.
	ImportErased(ctx context.Context, in Intake, hashes []Erased, now time.Time) (int, error)
}

// Directory finds and changes people.
type Directory interface {
	Person(ctx context.Context, key string) (Person, error) // by Key; ErrNobody
	PersonByID(ctx context.Context, id int64) (Person, error)
	// Add makes the person if need be and subscribes it to the list, active. It
	// says what it found: "added", "already active", "suppressed", "left
	// before" (unsubscribed), "erased"; people of the last two are subscribed
	// again only with revive.
	Add(ctx context.Context, list string, row Row, consent string, revive bool, now time.Time) (string, error)
	// Leave opts the person out of a newsletter at once, and unsubscribes it
	// from those of the newsletter's lists that no other newsletter goes to.
	Leave(ctx context.Context, id int64, newsletter string, lists []string, why string, now time.Time) error
	// LeaveList unsubscribes the person from one list.
	LeaveList(ctx context.Context, id int64, list, why string, now time.Time) error
	// LeaveAll unsubscribes the person from every list and opts it out of the
	// given newsletters.
	LeaveAll(ctx context.Context, id int64, newsletters []string, why string, now time.Time) error
	// Return undoes, at now, what Leave or LeaveAll did with the same why at left.
	Return(ctx context.Context, id int64, newsletter, why string, left, now time.Time) error
	// Suppress keeps an address, known or not, from all mail.
	Suppress(ctx context.Context, s Suppression) error
	Lists(ctx context.Context) ([]ListCount, error)
}

// ListCount is a list with its size.
type ListCount struct {
	List   string
	Active int
}
