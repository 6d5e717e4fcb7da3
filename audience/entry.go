package audience

import (
	"context"
	"errors"
	"time"
)

// ErrNoImport says that no import has the number.
var ErrNoImport = errors.New("no import has this number")

// ImportState is how far an import came.
type ImportState string

// The states of an import.
const (
	ImportRunning ImportState = "running" // or its process was killed
	ImportDone    ImportState = "done"
	ImportFailed  ImportState = "failed"  // stopped by an error; what it says it did is done
	ImportUndoing ImportState = "undoing" // an undo was begun
	ImportUndone  ImportState = "undone"
)

// ImportEntry is the record of an import.
type ImportEntry struct {
	ID       int64
	List     string
	File     string
	Hash     string // SHA-256 of what was read, in hexadecimal
	By       string
	Force    string // the reason for which weaker states overwrote stronger ones
	State    ImportState
	Started  time.Time
	Finished time.Time
	Result   Result
	Survey   Survey
	Error    string
	Undone   string // by whom and when
}

// Undone counts what the undoing of an import did.
type Undone struct {
	Removed  int `json:"removed"`  // subscriptions that the import made
	People   int `json:"people"`   // of them people who are forgotten, as nothing else knows them
	Restored int `json:"restored"` // people and subscriptions that are as they were
	Kept     int `json:"kept"`     // changed since, and left as they are
}

// Imports is the record of imports.
type Imports interface {
	// BeginImport opens an entry and returns its number.
	BeginImport(ctx context.Context, e ImportEntry) (int64, error)
	// EndImport notes how an import ended: State, Finished, Result, Survey,
	// Error.
	EndImport(ctx context.Context, e ImportEntry) error
	// Imports returns the newest entries, the newest first, without their
	// rejects and flagged addresses.
	Imports(ctx context.Context, most int) ([]ImportEntry, error)
	// ImportByID returns an entry; ErrNoImport.
	ImportByID(ctx context.Context, id int64) (ImportEntry, error)
	// UndoImport puts back what an import changed, unless it was changed since.
	// It goes on where an earlier one was stopped.
	UndoImport(ctx context.Context, id int64, by string, now time.Time) (Undone, error)
}
