package audience

import (
	"cmp"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// ImportOptions say what to import where.
type ImportOptions struct {
	List  string
	Store Importer
	Name  string // of the file, for messages and consent records
	Entry int64  // the import's entry in the store; 0 for none

	// Format forces what a file is, one of Formats; empty: told by the file.
	Format string
	// State says what the people of a file are that does not tell: active,
	// pending, unsubscribed, bounced or complained. What a row says counts too
	// where it is stronger.
	State string
	// Force is the reason for which the file's states hold also where a stronger
	// one is known; empty: the stronger one stays.
	Force string

	// Map names columns that are not recognised by themselves, by what they
	// hold: email, name, first_name, last_name, tags, status, or any other word
	// to make an attribute of that name. A column is named by its heading, or
	// by its number from 1. Ignore names columns to leave out.
	Map    map[string]string
	Ignore []string

	Delimiter rune // 0: told by the file
	DryRun    bool // count, but change nothing

	// Newsletters are those that go to the list: of an export of ours, who left
	// some of them and stayed on the list leaves them here too. Who left one that
	// is not among them is taken as unsubscribed.
	Newsletters []string

	// Attributes are those that are declared: a value that is not of its type is
	// left out, flagged, and said in the notes of its file.
	Attributes Attributes

	MX *MX // asks for each domain whether it takes mail; nil: nobody is asked

	Survey    *Survey          // gets what was understood; may be nil
	Rejects   io.Writer        // gets, as CSV, every row that was not taken: line, reason, fields; may be nil
	OnReject  func(Reject)     // called for every rejected row; may be nil
	Progress  func(Progress)   // called every few thousand rows; may be nil
	Now       func() time.Time // nil: time.Now
	ChunkRows int              // rows a transaction; 0: 4,000
	room      int              // to sort in, in bytes; 0: sortingRoom

	// OnLeftOut is called for every row that is rejected or passed over; damaged
	// says that it could not be parted into fields. It may be nil.
	OnLeftOut func(fields []string, damaged bool)
}

// stepRows is how often an import looks whether it shall stop, and tells how
// far it is.
const stepRows = 2000

// chunkRows is how many rows are one transaction: enough that rows share pages
// of the database and the waiting for its disk, few enough that the writer is
// free again in a fraction of a second.
const chunkRows = 4000

// sampleRows is how many rows are looked at before the first is taken.
const sampleRows = 100

// Progress is how far an import is. It reads all rows, and then stores them.
type Progress struct {
	Bytes  int64 // of the files, read
	Rows   int   // read
	Stored int   // of those to be stored
	Of     int   // rows to be stored; 0 while they are read
}

// Import reads subscribers from one file into a list and counts what became of
// each row: Rows is the sum of the others. The whole file is read before the
// first row is stored: a fault in it changes nothing. Rows are stored in the
// order of their keys and in chunks of one transaction each, so that an error or
// the end of ctx leaves whole chunks behind, and the same file again does the
// rest and changes nothing of what is there. The Result counts what was done also
// beside an error.
//
// Rows that don't fit into a few megabytes are sorted in a temporary file.
//
// Bad rows don't stop an import: they are rejected with a reason. Rows that say
// of themselves that the person unsubscribed, bounced or complained are stored
// so, and make nobody active. A row that repeats an earlier one of the file fills
// in what that one left blank, and counts as unchanged (or kept out).
func Import(ctx context.Context, in io.Reader, o ImportOptions) (Result, error) {
	return ImportFiles(ctx, []Part{{Name: o.Name, Open: func() (io.ReadCloser, error) { return io.NopCloser(in), nil }, Once: true}}, o)
}

// Part is one file of an import.
type Part struct {
	Name string                        // for messages, consent records, and the state that it tells
	Open func() (io.ReadCloser, error) // called again for another look
	Once bool                          // it can be opened once only
}

// ImportFiles is Import for several files that were exported together: a person
// who is in two of them is one, and the strongest state counts.
func ImportFiles(ctx context.Context, parts []Part, o ImportOptions) (Result, error) {
	if o.Delimiter != 0 && (o.Delimiter > 0x7f || !isDelimiter(byte(o.Delimiter))) {
		return Result{}, fmt.Errorf("delimiter %q: expected one character like , ; or a tab", o.Delimiter)
	}
	if o.Format != "" && !slices.Contains(Formats(), o.Format) {
		return Result{}, fmt.Errorf("format %q: expected one of %s", o.Format, strings.Join(Formats(), ", "))
	}
	if o.State != "" {
		if err := ParseState(o.State); err != nil {
			return Result{}, fmt.Errorf("state %w", err)
		}
	}
	r := run{
		o:       o,
		size:    o.ChunkRows,
		now:     o.Now,
		file:    &counter{},
		several: len(parts) > 1,
		survey:  o.Survey,
		seed:    maphash.MakeSeed(),
		sorter:  newSorter(cmp.Or(o.room, sortingRoom)),
		slips:   make(slips),
		typed:   typed{o.Attributes, make(map[string]map[string]cleaned), make(map[string]wrongValues)},
		mx:      newExchanges(o.MX),
	}
	if r.size <= 0 {
		r.size = chunkRows
	}
	if r.now == nil {
		r.now = time.Now
	}
	if r.survey == nil {
		r.survey = new(Survey)
	}
	r.survey.States, r.survey.Flags = make(map[string]int), make(map[string]int)
	if r.several {
		// What is wrong with one of them is said before any is stored.
		for _, part := range parts {
			if err := r.check(part); err != nil {
				return Result{}, fmt.Errorf("%s: %w", r.label(), err)
			}
		}
		r.file.n = 0
	}
	defer r.sorter.close()
	for _, part := range parts {
		if err := r.part(ctx, part); err != nil {
			return r.sum(), fmt.Errorf("%s: %w", r.label(), err)
		}
	}
	if err := r.store(ctx); err != nil {
		return r.sum(), fmt.Errorf("%s: %w", cmp.Or(o.Name, r.label()), err)
	}
	r.mx.flag(r.survey)
	return r.sum(), nil
}

// run is one import on its way.
type run struct {
	o       ImportOptions
	size    int // of a chunk, in rows
	now     func() time.Time
	file    *counter
	name    string // of the file that is read
	several bool   // there is more than one

	cols    *columns
	survey  *Survey
	here    FileSurvey
	rejects *csv.Writer
	done    Result // all but Rows
	read    int    // rows
	line    int    // of the last row read
	stored  int    // rows
	toStore int    // rows; 0 while they are read
	sorter  *sorter
	erased  []Erased

	slips      slips
	seed       maphash.Seed
	subscribed map[uint64]bool // hashes of the keys that findSubscribed found

	typed typed     // the declared attributes
	mx    exchanges // of the domains, where they are asked for
}

// take deals with one row.
func (r *run) take(ctx context.Context, rec record) error {
	r.line = rec.line
	r.read++
	r.here.Rows++
	if r.read%stepRows == 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.progress()
	}
	if rec.reason != "" {
		return r.reject(rec, rec.reason)
	}
	s, why := r.cols.standing(rec.fields)
	if s == unknown {
		return r.reject(rec, why+" is not a state that is known (--map ignore=… passes over a column)")
	}
	if r.cols.hash >= 0 && strings.TrimSpace(rec.fields[r.cols.email]) == "" {
		return r.takeErased(ctx, rec)
	}
	if s == never {
		r.done.KeptOut++
		r.survey.States[standingWords[s]]++
		if why == "" {
			why = "never agreed to get mail, or was erased"
		}
		return r.list(rec, why)
	}
	row, err := r.cols.row(rec.line, rec.fields)
	if err != nil {
		return r.reject(rec, err.Error())
	}
	onList := s == wants
	if s == gone && r.cols.perList() && r.subscribed[maphash.String(r.seed, row.Key)] && r.cols.globalStanding(rec.fields) == wants {
		s, row.Reason = wants, ""
	}
	row.State, row.Suppress = s.state()
	r.cols.own.suppress(&row, rec.fields)
	row.OptedOut, _ = r.cols.leftOnes(rec.fields)
	if r.cols.lists >= 0 && onList {
		r.cols.tagLists(&row, rec.fields)
	}
	if row.State == Unsubscribed && row.Reason == "" {
		row.Reason = why
	}
	r.survey.States[standingWords[s]]++
	r.flag(&row)
	r.mx.add(ctx, r.name, &row)
	if r.several {
		row.File = r.source()
	}
	return r.sorter.add(&row)
}

// flag notes what is odd about the address of a row, and which of its values
// are not of their attribute's type.
func (r *run) flag(row *Row) {
	for _, f := range append(r.slips.flags(row), r.typed.clean(row)...) {
		r.survey.Flags[f.Kind]++
		if len(r.survey.Flagged) < maxKept {
			r.survey.Flagged = append(r.survey.Flagged, Flagged{File: r.name, Line: row.Line, Address: row.Address, Flag: f.Text})
		}
	}
}

// takeErased takes a row of which only a hash is left.
func (r *run) takeErased(ctx context.Context, rec record) error {
	hash := strings.TrimSpace(rec.fields[r.cols.hash])
	if sum, err := base64.StdEncoding.DecodeString(hash); err != nil || len(sum) != sha512.Size {
		return r.reject(rec, "has no address, and no hash of an erased one")
	}
	r.done.KeptOut++
	r.survey.States["erased"]++
	r.erased = append(r.erased, Erased{Scheme: SchemeMailtrain, Hash: hash})
	if len(r.erased) >= r.size {
		return r.keepErased(ctx)
	}
	return nil
}

// keepErased stores the hashes of erased people.
func (r *run) keepErased(ctx context.Context) error {
	if len(r.erased) == 0 {
		return nil
	}
	n, err := r.o.Store.ImportErased(ctx, r.intake(), r.erased, r.now())
	r.survey.Erased += n
	r.erased = r.erased[:0]
	return err
}

// intake says where rows go; the store adds the line to the consent, and the file
// of those of several.
func (r *run) intake() Intake {
	consent := "import"
	if source := r.source(); source != "" && !r.several {
		consent += " " + source
	}
	return Intake{List: r.o.List, Consent: consent, Entry: r.o.Entry, Force: r.o.Force, DryRun: r.o.DryRun}
}

// source names the file for the records.
func (r *run) source() string {
	if r.name == "" {
		return ""
	}
	return cut(filepath.Base(r.name), 200)
}

// stopped says how far the import came.
func (r *run) stopped(err error) error {
	how := "nothing was stored yet"
	if r.stored > 0 {
		how = fmt.Sprintf("%d of %d rows were stored; run it again to go on", r.stored, r.toStore)
	}
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, end) {
			return fmt.Errorf("stopped: %s (%w)", how, end)
		}
	}
	return fmt.Errorf("%w (%s)", err, how)
}

// sum returns the counts so far.
func (r *run) sum() Result {
	res := r.done
	res.Rows = res.New + res.Updated + res.Unchanged + res.KeptOut + res.Rejected
	return res
}

func (r *run) progress() {
	if r.o.Progress != nil {
		r.o.Progress(Progress{Bytes: r.file.n, Rows: r.read, Stored: r.stored, Of: r.toStore})
	}
}
