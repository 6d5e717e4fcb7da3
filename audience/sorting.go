package audience

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
)

// sorter puts rows in the order of their keys, and those of one key in the order
// in which they came. The database has an index of keys: rows in no order change
// a page of it each, rows in order a page for hundreds. So many rows as fit into
// its memory are a run; more runs than one go to a temporary file, and are merged
// from there.
type sorter struct {
	size int    // of the memory, in bytes
	room []byte // rows, one behind the other
	at   []held
	rows int

	file  *os.File // nil: all is in memory
	named bool     // the file still has its name
	out   *bufio.Writer
	ends  []int64 // of the runs in the file
}

// held says where a row is.
type held struct {
	front    uint64 // the key's first bytes: nearly all rows are told apart by them
	from, to int    // of the row in room
	key      int    // the key's length
}

// sortingRoom is a sorter's memory, in bytes.
const sortingRoom = 4 << 20

// mergingRoom is what reading the runs of a file takes together, in bytes.
const mergingRoom = 4 << 20

func newSorter(size int) *sorter { return &sorter{size: size} }

// add takes a row.
func (s *sorter) add(row *Row) error {
	if len(s.room) >= s.size {
		if err := s.spill(); err != nil {
			return fmt.Errorf("sorting: %w", err)
		}
	}
	if s.room == nil {
		s.room = make([]byte, 0, min(s.size, 1<<16))
	}
	h := held{front: front(row.Key), from: len(s.room), key: len(row.Key)}
	s.room = appendRow(s.room, row)
	h.to = len(s.room)
	s.at = append(s.at, h)
	s.rows++
	return nil
}

// front is a text's first eight bytes, as a number that compares as they do.
func front(s string) uint64 {
	var b [8]byte
	copy(b[:], s)
	return binary.BigEndian.Uint64(b[:])
}

// key is that of a row in memory.
func (s *sorter) key(h held) []byte {
	_, n := binary.Uvarint(s.room[h.from:h.to])
	return s.room[h.from+n : h.from+n+h.key]
}

// sort sorts the rows in memory.
func (s *sorter) sort() {
	slices.SortFunc(s.at, func(a, b held) int {
		if a.front != b.front {
			return cmp.Compare(a.front, b.front)
		}
		return cmp.Or(bytes.Compare(s.key(a), s.key(b)), a.from-b.from)
	})
}

// spill writes the rows in memory to the file, as a run.
func (s *sorter) spill() (err error) {
	if s.file == nil {
		if s.file, err = os.CreateTemp("", "lede-import-"); err != nil { // 0600
			return inTemporary(err)
		}
		// Nobody else opens it, and so a kill leaves nothing behind. Where an open
		// file can't be removed, close does it.
		s.named = os.Remove(s.file.Name()) != nil
		s.out = bufio.NewWriterSize(s.file, 1<<16)
	}
	s.sort()
	var size [binary.MaxVarintLen64]byte
	end := int64(0)
	if len(s.ends) > 0 {
		end = s.ends[len(s.ends)-1]
	}
	for _, h := range s.at {
		n := binary.PutUvarint(size[:], uint64(h.to-h.from))
		_, _ = s.out.Write(size[:n]) // Flush says what went wrong
		_, _ = s.out.Write(s.room[h.from:h.to])
		end += int64(n + h.to - h.from)
	}
	if err := s.out.Flush(); err != nil {
		return inTemporary(err)
	}
	s.ends = append(s.ends, end)
	s.room, s.at = s.room[:0], s.at[:0]
	return nil
}

// inTemporary says what to do about the folder of temporary files.
func inTemporary(err error) error {
	return fmt.Errorf("%w: the folder of temporary files must take the file once more; the environment's TMPDIR names another", err)
}

// sorted are the rows in order. They can be had once.
func (s *sorter) sorted() iter.Seq2[Row, error] {
	if s.file == nil {
		return s.held
	}
	return s.merged
}

// held yields the rows in memory.
func (s *sorter) held(yield func(Row, error) bool) {
	s.sort()
	for _, h := range s.at {
		row, err := readRow(string(s.room[h.from:h.to]))
		if !yield(row, err) || err != nil {
			return
		}
	}
}

// merged yields the rows of all runs.
func (s *sorter) merged(yield func(Row, error) bool) {
	fail := func(err error) { yield(Row{}, fmt.Errorf("sorting: %w", err)) }
	if len(s.at) > 0 {
		if err := s.spill(); err != nil {
			fail(err)
			return
		}
	}
	s.room, s.at = nil, nil
	runs := make([]*sortedRun, 0, len(s.ends))
	buffer := min(max(mergingRoom/len(s.ends), 1<<12), 1<<16)
	start := int64(0)
	for i, end := range s.ends {
		r := &sortedRun{place: i, in: bufio.NewReaderSize(io.NewSectionReader(s.file, start, end-start), buffer)}
		start = end
		if err := r.next(); err != nil {
			fail(err)
			return
		}
		runs = append(runs, r)
	}
	for i := len(runs)/2 - 1; i >= 0; i-- {
		sink(runs, i)
	}
	for len(runs) > 0 {
		first := runs[0]
		row, err := readRow(first.text)
		if err != nil {
			fail(err)
			return
		}
		if !yield(row, nil) {
			return
		}
		if err := first.next(); errors.Is(err, io.EOF) {
			runs[0] = runs[len(runs)-1]
			runs = runs[:len(runs)-1]
		} else if err != nil {
			fail(err)
			return
		}
		sink(runs, 0)
	}
}

// close takes the file away.
func (s *sorter) close() {
	if s.file == nil {
		return
	}
	_ = s.file.Close()
	if s.named {
		_ = os.Remove(s.file.Name())
	}
}

// sortedRun is a run of a file on its way.
type sortedRun struct {
	in    *bufio.Reader
	place int // among the runs: of one key, the rows of earlier ones come first
	buf   []byte
	text  string // the row
	key   string
}

// next goes to the next row; io.EOF: there is none.
func (r *sortedRun) next() error {
	size, err := binary.ReadUvarint(r.in)
	if err != nil {
		return err
	}
	r.buf = slices.Grow(r.buf[:0], int(size))[:size]
	if _, err := io.ReadFull(r.in, r.buf); err != nil {
		return fmt.Errorf("%w: %w", errRow, err)
	}
	r.text = string(r.buf)
	reading := rowReading{left: r.text}
	r.key = reading.text()
	return nil
}

func (r *sortedRun) before(other *sortedRun) bool {
	if r.key != other.key {
		return r.key < other.key
	}
	return r.place < other.place
}

// sink moves a run of a heap to where it belongs among those below it.
func sink(runs []*sortedRun, at int) {
	for {
		least := at
		for child := 2*at + 1; child <= 2*at+2 && child < len(runs); child++ {
			if runs[child].before(runs[least]) {
				least = child
			}
		}
		if least == at {
			return
		}
		runs[at], runs[least] = runs[least], runs[at]
		at = least
	}
}
