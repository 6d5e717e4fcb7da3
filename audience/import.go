package audience

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"path/filepath"
	"strconv"
	"time"
)

// ImportOptions say what to import where.
type ImportOptions struct {
	List  string
	Store Importer
	Name  string // of the file, for messages and consent records

	// Map names columns that are not recognised by themselves, by what they
	// hold: email, name, first_name, last_name, tags, status, or any other word
	// to make an attribute of that name. A column is named by its heading, or
	// by its number from 1. Ignore names columns to leave out.
	Map    map[string]string
	Ignore []string

	Delimiter rune // 0: told by the file
	DryRun    bool // count, but change nothing

	Rejects   io.Writer                     // gets, as CSV, every row that was not taken: line, reason, fields; may be nil
	OnReject  func(line int, reason string) // called for every rejected row; may be nil
	Progress  func(bytes int64, rows int)   // called every few thousand rows; may be nil
	Now       func() time.Time              // nil: time.Now
	ChunkRows int                           // rows a transaction; 0: 1,000
}

// stepRows is how often an import looks whether it shall stop, and tells how
// far it is.
const stepRows = 2000

// Import reads subscribers from a delimited file into a list and counts what
// became of each row: Rows is the sum of the others. Rows are stored in chunks
// of one transaction each, so that an error or the end of ctx leaves whole
// chunks behind, and the same file again does the rest and changes nothing of
// what is there. The Result counts what was done also beside an error.
//
// Bad rows don't stop an import: they are rejected with a reason. Rows that say
// of themselves that the person unsubscribed, bounced or never confirmed are
// kept out. A row that repeats an earlier one of the file fills in what that one
// left blank, and counts as unchanged (or kept out).
func Import(ctx context.Context, in io.Reader, o ImportOptions) (Result, error) {
	if word := nameTells(filepath.Base(o.Name)); word != "" {
		return Result{}, fmt.Errorf("%s: by its name, its people are %s, and an import would make them active; rename the file if that is wrong", o.Name, word)
	}
	if o.Delimiter != 0 && (o.Delimiter > 0x7f || !isDelimiter(byte(o.Delimiter))) {
		return Result{}, fmt.Errorf("delimiter %q: expected one character like , ; or a tab", o.Delimiter)
	}
	counted := &counter{in: in}
	recs, err := openRecords(counted, byte(o.Delimiter))
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", o.label(), err)
	}
	r := run{
		o:     o,
		chunk: o.ChunkRows,
		now:   o.Now,
		file:  counted,
		seed:  maphash.MakeSeed(),
		seen:  make(map[uint64]uint64),
	}
	if r.chunk <= 0 {
		r.chunk = 1000
	}
	if r.now == nil {
		r.now = time.Now
	}
	if err := r.all(ctx, recs); err != nil {
		return r.sum(), fmt.Errorf("%s: %w", o.label(), err)
	}
	return r.sum(), nil
}

// label names the file for messages.
func (o *ImportOptions) label() string {
	if o.Name == "" {
		return "import"
	}
	return o.Name
}

// run is one import on its way.
type run struct {
	o     ImportOptions
	chunk int
	now   func() time.Time
	file  *counter

	cols    *columns
	rejects *csv.Writer
	done    Result // all but Rows
	read    int    // rows
	line    int    // of the last row read
	stored  int    // line of the last row that is stored, or done with otherwise

	fresh   []Row // of the chunk: not in the file before
	repeats []Row // of the chunk: in the file before

	// seen holds, by a hash of the key, which attributes (bits) the file had of
	// everyone, so that a repeat only fills blanks. Two keys with one hash are
	// as good as impossible, and would cost at most attributes.
	seed maphash.Seed
	seen map[uint64]uint64
}

// all imports every row.
func (r *run) all(ctx context.Context, recs *records) error {
	first, err := recs.read()
	if errors.Is(err, io.EOF) {
		return errors.New("the file is empty")
	}
	if err != nil {
		return err
	}
	if first.reason != "" {
		return fmt.Errorf("line %d %s", first.line, first.reason)
	}
	if r.cols, err = newColumns(first.fields, r.o.Map, r.o.Ignore); err != nil {
		return err
	}
	if err := r.openRejects(); err != nil {
		return err
	}
	recs.want = len(first.fields)
	recs.isRow = func(fields []string) bool { return isAddress(fields[r.cols.email]) }
	if !r.cols.headed {
		if err := r.take(ctx, first); err != nil {
			return err
		}
	}
	for {
		rec, err := recs.read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = r.take(ctx, rec)
		}
		if err != nil {
			return r.stopped(err)
		}
	}
	if err := r.flush(ctx); err != nil {
		return r.stopped(err)
	}
	if r.sum().Rows != r.read {
		return fmt.Errorf("%d rows were read, but the store accounts for %d", r.read, r.sum().Rows)
	}
	r.progress()
	return nil
}

// take deals with one row.
func (r *run) take(ctx context.Context, rec record) error {
	r.line = rec.line
	r.read++
	if r.read%stepRows == 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.progress()
	}
	if rec.reason != "" {
		return r.reject(rec, rec.reason)
	}
	switch s, why := r.cols.standing(rec.fields); s {
	case gone:
		r.done.KeptOut++
		return r.list(rec, why)
	case unknown:
		return r.reject(rec, why+" is not a state that is known (--map ignore=… passes over a column)")
	}
	row, err := r.cols.row(rec.line, rec.fields)
	if err != nil {
		return r.reject(rec, err.Error())
	}
	r.add(row)
	if len(r.fresh)+len(r.repeats) >= r.chunk {
		return r.flush(ctx)
	}
	return nil
}

// add puts a row into the chunk.
func (r *run) add(row Row) {
	hash := maphash.String(r.seed, row.Key)
	had, again := r.seen[hash]
	r.seen[hash] = had | r.bits(row)
	if again {
		r.repeats = append(r.repeats, r.without(row, had))
		return
	}
	r.fresh = append(r.fresh, row)
}

// without takes the attributes off a row that earlier rows of the same person
// had: the first row wins.
func (r *run) without(row Row, had uint64) Row {
	for i, x := range r.cols.extra {
		if had&bit(i) != 0 {
			delete(row.Attributes, x.key)
		}
	}
	return row
}

// bits says which attributes a row has.
func (r *run) bits(row Row) uint64 {
	var has uint64
	if len(row.Attributes) > 0 {
		for i, x := range r.cols.extra {
			if _, ok := row.Attributes[x.key]; ok {
				has |= bit(i)
			}
		}
	}
	return has
}

// bit is an attribute's place in a set; those from the 64th share the last.
func bit(i int) uint64 { return 1 << min(i, 63) }

// flush stores the chunk. The rejects so far are written first: whatever
// happens then, no rejected row is lost.
func (r *run) flush(ctx context.Context) error {
	if r.rejects != nil {
		r.rejects.Flush()
		if err := r.rejects.Error(); err != nil {
			return fmt.Errorf("writing the rejects: %w", err)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(r.fresh) > 0 {
		res, err := r.store(ctx, r.fresh)
		if err != nil {
			return err
		}
		r.done.New += res.New
		r.done.Updated += res.Updated
		r.done.Unchanged += res.Unchanged
		r.done.KeptOut += res.KeptOut
	}
	if len(r.repeats) > 0 {
		res, err := r.store(ctx, r.repeats)
		if err != nil {
			return err
		}
		// What a repeat fills in belongs to its first row, which a dry run has
		// not stored.
		r.done.Unchanged += res.Updated + res.Unchanged
		r.done.KeptOut += res.KeptOut
		if r.o.DryRun {
			r.done.Unchanged += res.New
		} else {
			r.done.New += res.New
		}
	}
	r.fresh, r.repeats = r.fresh[:0], r.repeats[:0]
	r.stored = r.line
	return nil
}

// store stores rows, and checks that all were counted.
func (r *run) store(ctx context.Context, rows []Row) (Result, error) {
	res, err := r.o.Store.ImportRows(ctx, r.o.List, r.consent(), rows, r.o.DryRun, r.now())
	if err != nil {
		return res, err
	}
	if n := res.New + res.Updated + res.Unchanged + res.KeptOut; n != len(rows) {
		return res, fmt.Errorf("the store accounts for %d of %d rows", n, len(rows))
	}
	return res, nil
}

// consent says how the people came in; the store adds the line.
func (r *run) consent() string {
	if r.o.Name == "" {
		return "import"
	}
	return "import " + cut(filepath.Base(r.o.Name), 200)
}

// stopped says how far the import came.
func (r *run) stopped(err error) error {
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, end) {
			return fmt.Errorf("stopped after line %d; run it again to go on (%w)", r.stored, end)
		}
	}
	if r.stored == 0 {
		return fmt.Errorf("%w (nothing was stored yet)", err)
	}
	return fmt.Errorf("%w (stopped after line %d; run it again to go on)", err, r.stored)
}

// sum returns the counts so far.
func (r *run) sum() Result {
	res := r.done
	res.Rows = res.New + res.Updated + res.Unchanged + res.KeptOut + res.Rejected
	return res
}

func (r *run) progress() {
	if r.o.Progress != nil {
		r.o.Progress(r.file.n, r.read)
	}
}

// openRejects writes the headings of the rejects file.
func (r *run) openRejects() error {
	if r.o.Rejects == nil {
		return nil
	}
	r.rejects = csv.NewWriter(r.o.Rejects)
	heads := []string{"line", "reason"}
	if r.cols.headed {
		heads = append(heads, r.cols.heads[r.cols.skip():]...)
	}
	if err := r.rejects.Write(heads); err != nil {
		return fmt.Errorf("writing the rejects: %w", err)
	}
	return nil
}

// reject counts a row as rejected.
func (r *run) reject(rec record, reason string) error {
	r.done.Rejected++
	if r.o.OnReject != nil {
		r.o.OnReject(rec.line, reason)
	}
	return r.list(rec, reason)
}

// list writes a row that was not taken to the rejects file.
func (r *run) list(rec record, reason string) error {
	if r.rejects == nil {
		return nil
	}
	fields := rec.fields
	if rec.reason == "" {
		fields = fields[r.cols.skip():]
	}
	if err := r.rejects.Write(append([]string{strconv.Itoa(rec.line), reason}, fields...)); err != nil {
		return fmt.Errorf("writing the rejects: %w", err)
	}
	return nil
}
