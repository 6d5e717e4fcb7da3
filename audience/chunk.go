package audience

import (
	"context"
	"fmt"
	"time"
)

// chunk is the rows of one transaction.
type chunk struct {
	fresh   []Row // not in the file before
	repeats []Row // in the file before
	line    int   // of the last row
}

// outcome is what became of a chunk.
type outcome struct {
	rows   chunk
	result Result
	err    error
}

// flush gives the rows that were read to the store, which takes them while the
// next are read. The rejects so far are written first: whatever happens then, no
// rejected row is lost.
func (r *run) flush(ctx context.Context) error {
	if r.rejects != nil {
		r.rejects.Flush()
		if err := r.rejects.Error(); err != nil {
			return fmt.Errorf("writing the rejects: %w", err)
		}
	}
	if err := r.settle(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	rows, in, now := r.rows, r.intake(), r.now()
	rows.line = r.line
	r.inHand = make(chan outcome, 1)
	go func() {
		result, err := rows.store(ctx, r.o.Store, in, now)
		r.inHand <- outcome{rows, result, err}
	}()
	r.rows = chunk{fresh: r.spare.fresh[:0], repeats: r.spare.repeats[:0]}
	return nil
}

// settle waits until the chunk in hand is stored, if there is one, and counts it.
func (r *run) settle() error {
	if r.inHand == nil {
		return nil
	}
	done := <-r.inHand
	r.inHand = nil
	r.done = r.done.plus(done.result)
	if done.err != nil {
		return done.err
	}
	r.spare, r.stored = done.rows, done.rows.line
	return nil
}

// store stores a chunk and counts what became of its rows, also beside an error.
func (c chunk) store(ctx context.Context, store Importer, in Intake, now time.Time) (Result, error) {
	var sum Result
	if len(c.fresh) > 0 {
		result, err := storeRows(ctx, store, in, c.fresh, now)
		if err != nil {
			return sum, err
		}
		sum = result
	}
	if len(c.repeats) > 0 {
		result, err := storeRows(ctx, store, in, c.repeats, now)
		if err != nil {
			return sum, err
		}
		// What a repeat fills in belongs to its first row, which a dry run has
		// not stored.
		result.Unchanged += result.Updated
		result.Updated = 0
		if in.DryRun {
			result.Unchanged += result.New
			result.New = 0
		}
		sum = sum.plus(result)
	}
	return sum, nil
}

// storeRows stores rows, and checks that all were counted.
func storeRows(ctx context.Context, store Importer, in Intake, rows []Row, now time.Time) (Result, error) {
	result, err := store.ImportChunk(ctx, in, rows, now)
	if err != nil {
		return Result{}, err
	}
	if n := result.New + result.Updated + result.Unchanged + result.KeptOut; n != len(rows) {
		return Result{}, fmt.Errorf("the store accounts for %d of %d rows", n, len(rows))
	}
	return result, nil
}
