package audience

import (
	"context"
	"fmt"
	"time"
)

// chunk is the rows of one transaction.
type chunk struct {
	fresh   []Row // each the first of its key
	repeats []Row // later ones
}

func (c chunk) rows() int { return len(c.fresh) + len(c.repeats) }

// store stores the rows that were read, in their order: a chunk while the next is
// put together.
func (r *run) store(ctx context.Context) error {
	r.toStore = r.sorter.rows
	chunks, stop := make(chan chunk), make(chan struct{})
	var fault error // of putting together; to be read once chunks is closed
	go func() {
		defer close(chunks)
		fault = r.chunks(chunks, stop)
	}()
	err := r.storeAll(ctx, chunks)
	close(stop)
	for range chunks { // until nobody puts together any more
	}
	if err == nil {
		err = fault
	}
	if err != nil {
		return r.stopped(err)
	}
	if r.sum().Rows != r.read {
		return fmt.Errorf("%d rows were read, but the store accounts for %d", r.read, r.sum().Rows)
	}
	return nil
}

// chunks puts the rows together until all are, or stop is closed.
func (r *run) chunks(to chan<- chunk, stop <-chan struct{}) error {
	var c chunk
	var who who
	for row, err := range r.sorter.sorted() {
		if err != nil {
			return err
		}
		if c.rows() >= r.size {
			select {
			case to <- c:
			case <-stop:
				return nil
			}
			c = chunk{}
		}
		if c.fresh == nil {
			c.fresh = make([]Row, 0, min(r.size, r.sorter.rows))
		}
		if who.again(row) {
			c.repeats = append(c.repeats, who.without(row))
			continue
		}
		c.fresh = append(c.fresh, row)
	}
	if c.rows() > 0 {
		select {
		case to <- c:
		case <-stop:
		}
	}
	return nil
}

// who is the person whose rows come now.
type who struct {
	first Row
	had   map[string]bool // attributes that its rows had; nil while there is one row
}

// again says that a row is of the same person as the one before.
func (w *who) again(row Row) bool {
	if w.first.Key == row.Key {
		return true
	}
	w.first, w.had = row, nil
	return false
}

// without takes the attributes off a row that earlier rows of the same person
// had: the first row wins.
func (w *who) without(row Row) Row {
	if w.had == nil {
		w.had = make(map[string]bool, len(w.first.Attributes))
		for name := range w.first.Attributes {
			w.had[name] = true
		}
	}
	for name := range row.Attributes {
		if w.had[name] {
			delete(row.Attributes, name)
		}
		w.had[name] = true
	}
	return row
}

// storeAll stores chunk after chunk.
func (r *run) storeAll(ctx context.Context, chunks <-chan chunk) error {
	in, shown := r.intake(), 0
	for c := range chunks {
		if err := ctx.Err(); err != nil {
			return err
		}
		result, err := c.store(ctx, r.o.Store, in, r.now())
		r.done = r.done.Plus(result)
		if err != nil {
			return err
		}
		r.stored += c.rows()
		if r.stored-shown >= stepRows || r.stored == r.toStore {
			shown = r.stored
			r.progress()
		}
	}
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
		sum = sum.Plus(result)
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
