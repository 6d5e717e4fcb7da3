package audience

import (
	"context"
	"time"
)

// ImportStore is a store of imports, syncs and their record.
type ImportStore interface {
	Syncer
	Imports
}

// Logged is the store as one import sees it: the first rows that are stored
// open the import's entry, so that a file that can't be read leaves none. It is
// used by one import, and not by several goroutines.
type Logged struct {
	ImportStore
	Entry ImportEntry // its ID is 0 until it is open
	Now   func() time.Time
}

// open opens the entry, once.
func (l *Logged) open(ctx context.Context) error {
	if l.Entry.ID != 0 {
		return nil
	}
	l.Entry.Started = l.Now()
	id, err := l.BeginImport(ctx, l.Entry)
	l.Entry.ID = id
	return err
}

// ImportChunk implements Importer.
func (l *Logged) ImportChunk(ctx context.Context, in Intake, rows []Row, now time.Time) (Result, error) {
	if !in.DryRun {
		if err := l.open(ctx); err != nil {
			return Result{}, err
		}
		in.Entry = l.Entry.ID
	}
	return l.ImportStore.ImportChunk(ctx, in, rows, now)
}

// ImportErased implements Importer.
func (l *Logged) ImportErased(ctx context.Context, in Intake, hashes []Erased, now time.Time) (int, error) {
	if !in.DryRun {
		if err := l.open(ctx); err != nil {
			return 0, err
		}
	}
	return l.ImportStore.ImportErased(ctx, in, hashes, now)
}

// ReturnPresent implements Syncer.
func (l *Logged) ReturnPresent(ctx context.Context, in Intake, keys []string, now time.Time) ([]string, error) {
	if !in.DryRun {
		if err := l.open(ctx); err != nil {
			return nil, err
		}
		in.Entry = l.Entry.ID
	}
	return l.ImportStore.ReturnPresent(ctx, in, keys, now)
}

// LeaveAbsent implements Syncer.
func (l *Logged) LeaveAbsent(ctx context.Context, run int64, in Intake, now time.Time) (int, error) {
	if err := l.open(ctx); err != nil {
		return 0, err
	}
	in.Entry = l.Entry.ID
	return l.ImportStore.LeaveAbsent(ctx, run, in, now)
}

// End closes the entry. An import that was stopped is noted too; one that met
// nobody and failed leaves no entry.
func (l *Logged) End(ctx context.Context, res Result, survey *Survey, failed error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if l.Entry.ID == 0 {
		if failed != nil || res.Rows == 0 {
			return nil
		}
		if err := l.open(ctx); err != nil {
			return err
		}
	}
	e := l.Entry
	e.State, e.Finished, e.Result, e.Survey = ImportDone, l.Now(), res, *survey
	if failed != nil {
		e.State, e.Error = ImportFailed, failed.Error()
	}
	return l.EndImport(ctx, e)
}
