package audience

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// maxRecord is how long one row may be, in bytes, quoted line breaks included.
// It bounds the memory of an import whatever the file holds.
const maxRecord = 1 << 20

// maxShown is how much of a row that is too long stands in the rejects file.
const maxShown = 1000

// record is one row of a file: its fields, or why it has none.
type record struct {
	line   int      // where it begins, 1-based
	fields []string // good until the next read
	reason string   // empty for a good row; else fields holds the row's text as one
}

// records reads a delimited file row by row. encoding/csv stops at the first
// fault and keeps a row of any length in memory; records bounds a row, and after
// a bad one goes on with the next line, so that one stray quote costs one line:
//
//   - a row is read by RFC 4180, whose quoted fields may span lines. Blanks
//     around a quoted field, and quotes inside an unquoted one, are let through.
//   - If that doesn't give the wanted number of fields, or swallows a line that
//     is a row itself, the row's first line is read once more alone, and a quote
//     then ends a field only before a delimiter or the line's end: some programs
//     write "Zoë "Zo" B" or \".
//   - If that fails too, this line is rejected, and the next line begins a row.
type records struct {
	in    io.Reader
	delim byte
	eol   byte // '\n', or '\r' in files of old Macs
	want  int  // fields of a row; 0 for any
	enc   encoding
	isRow func(fields []string) bool // says of a line of want fields that it is surely a row; may be nil

	buf  []byte // what is read and not yet used
	free []byte // buf's array from its start
	line int    // of buf's first byte
	err  error  // why no more can be read; io.EOF at the end

	flat   []byte   // the fields' bytes, one after another
	ends   []int    // where in flat each field ends
	fields []string // of the last record
	sure   bool     // UTF-8 beyond ASCII was seen
}

// read returns the next row that isn't blank, or io.EOF.
func (r *records) read() (record, error) {
	for {
		if len(r.buf) == 0 && !r.more() {
			return record{}, r.end()
		}
		n, state := r.row()
		rec := record{line: r.line}
		if state != rowGood || !r.fits() || r.swallows(n) {
			fields := len(r.ends)
			first, ok := r.firstLine()
			switch {
			case !ok:
				return r.long()
			case r.lenient(r.buf[:first]) && r.fits():
			case state == rowGood && n == first:
				rec.reason = fmt.Sprintf("has %s, not %d as the first line", count(fields, "field"), r.want)
			case state == rowOpen:
				rec.reason = "has a quote that is never closed"
			default:
				rec.reason = "has a quote that is not closed rightly"
			}
			n = first
		}
		if rec.reason == "" && r.blank() {
			r.use(n)
			continue
		}
		if bytes.IndexByte(r.buf[:n], 0) >= 0 {
			rec.reason = "has a NUL byte"
		} else if rec.reason == "" && !r.decode() {
			rec.reason = "is not valid UTF-8"
		}
		if rec.reason != "" {
			r.whole(r.buf[:n])
		}
		rec.fields = r.strings()
		r.use(n)
		return rec, nil
	}
}

// The states of a row after a look at it.
type rowState int

const (
	rowGood rowState = iota
	rowBad           // a quote ends a field where none can end
	rowOpen          // it doesn't end before the limit, or a quoted field not before the file
)

// row parses the row at the start of buf, reading more as needed, and returns
// its length.
func (r *records) row() (int, rowState) {
	for {
		n, state, short := r.strict(r.buf, r.err != nil)
		switch {
		case n > maxRecord:
			return 0, rowOpen
		case !short:
			return n, state
		case r.err != nil || len(r.buf) > maxRecord:
			return 0, rowOpen
		}
		r.more()
	}
}

// strict parses one row at the start of b, final saying that the file ends with
// b. It returns the row's length with its line end; short says that b ended
// first.
func (r *records) strict(b []byte, final bool) (n int, state rowState, short bool) {
	r.flat, r.ends = r.flat[:0], r.ends[:0]
	for i := 0; ; {
		// A quoted field, after blanks or none.
		q := i
		for q < len(b) && b[q] == ' ' {
			q++
		}
		if q < len(b) && b[q] == '"' {
			q++
			for {
				k := bytes.IndexByte(b[q:], '"')
				if k < 0 {
					return 0, rowOpen, true
				}
				r.flat = append(r.flat, b[q:q+k]...)
				q += k + 1
				if q < len(b) && b[q] == '"' {
					r.flat = append(r.flat, '"')
					q++
					continue
				}
				break
			}
			for q < len(b) && b[q] == ' ' {
				q++
			}
			r.ends = append(r.ends, len(r.flat))
			switch {
			case q == len(b) || b[q] == '\r' && q+1 == len(b) && r.eol == '\n':
				return len(b), rowGood, !final
			case b[q] == r.delim:
				i = q + 1
				continue
			case b[q] == r.eol:
				return q + 1, rowGood, false
			case b[q] == '\r' && b[q+1] == '\n':
				return q + 2, rowGood, false
			}
			return 0, rowBad, false
		}
		// An unquoted field.
		j := i
		for j < len(b) && b[j] != r.delim && b[j] != r.eol {
			j++
		}
		if j == len(b) && !final {
			return 0, rowOpen, true
		}
		field := b[i:j]
		if j == len(b) || b[j] == r.eol {
			field = bytes.TrimSuffix(field, []byte{'\r'})
		}
		r.flat = append(r.flat, field...)
		r.ends = append(r.ends, len(r.flat))
		if j == len(b) {
			return j, rowGood, false
		}
		i = j + 1
		if b[j] == r.eol {
			return i, rowGood, false
		}
	}
}

// swallows says whether the row of n bytes spans a line that is a row itself:
// then a stray quote holds them together. It leaves the parsed row as it is.
func (r *records) swallows(n int) bool {
	end := bytes.IndexByte(r.buf[:n], r.eol) + 1
	if r.isRow == nil || end == 0 || end == n {
		return false
	}
	inner := &records{delim: r.delim, eol: r.eol}
	for rest := r.buf[end:n]; len(rest) > 0; {
		size := len(rest)
		if i := bytes.IndexByte(rest, r.eol); i >= 0 {
			size = i + 1
		}
		_, state, short := inner.strict(rest[:size], true)
		if (state == rowGood && !short && len(inner.ends) == r.want || inner.lenient(rest[:size]) && len(inner.ends) == r.want) && r.isRow(inner.strings()) {
			return true
		}
		rest = rest[size:]
	}
	return false
}

// long rejects a line that is longer than the limit, and reads past it.
func (r *records) long() (record, error) {
	rec := record{line: r.line, reason: fmt.Sprintf("is longer than %d MB", maxRecord>>20)}
	r.whole(r.buf[:maxShown])
	rec.fields = []string{r.strings()[0] + "…"}
	for {
		if i := bytes.IndexByte(r.buf, r.eol); i >= 0 {
			r.use(i + 1)
			return rec, nil
		}
		r.buf = r.buf[:0]
		if !r.more() {
			if !errors.Is(r.err, io.EOF) {
				return record{}, r.err
			}
			return rec, nil
		}
	}
}

// more reads more into buf, and says whether something came.
func (r *records) more() bool {
	if r.err != nil {
		return false
	}
	const chunk = 64 << 10
	if cap(r.buf)-len(r.buf) < chunk {
		if cap(r.free)-len(r.buf) < 2*chunk {
			r.free = make([]byte, 2*cap(r.free)+2*chunk)
		}
		r.buf = r.free[:copy(r.free[:cap(r.free)], r.buf)]
	}
	for range 100 {
		n, err := r.in.Read(r.buf[len(r.buf):cap(r.buf)])
		r.buf = r.buf[:len(r.buf)+n]
		r.err = err
		if n > 0 {
			return true
		}
		if err != nil {
			return false
		}
	}
	r.err = io.ErrNoProgress
	return false
}

// end returns why nothing more comes.
func (r *records) end() error {
	if errors.Is(r.err, io.EOF) {
		return io.EOF
	}
	return fmt.Errorf("reading line %d: %w", r.line, r.err)
}

// use takes the first n bytes off buf.
func (r *records) use(n int) {
	r.line += bytes.Count(r.buf[:n], []byte{r.eol})
	r.buf = r.buf[n:]
}

// firstLine returns the length of buf's first line with its end, reading more
// as needed; false if it is longer than the limit.
func (r *records) firstLine() (int, bool) {
	for {
		if i := bytes.IndexByte(r.buf, r.eol); i >= 0 {
			return i + 1, i < maxRecord
		}
		if len(r.buf) > maxRecord {
			return 0, false
		}
		if !r.more() {
			return len(r.buf), true
		}
	}
}

// fits says whether the parsed row has as many fields as wanted.
func (r *records) fits() bool { return r.want == 0 || len(r.ends) == r.want || r.blank() }

// blank says whether nothing stands in the parsed row: spreadsheets leave lines
// of delimiters behind.
func (r *records) blank() bool { return len(bytes.TrimSpace(r.flat)) == 0 }

// whole makes b, without its line end, the only field: readable whatever it is.
func (r *records) whole(b []byte) {
	r.flat = append(r.flat[:0], bytes.TrimRight(b, "\r\n")...)
	r.flat = bytes.ReplaceAll(r.flat, []byte{0}, []byte("␀"))
	r.ends = append(r.ends[:0], len(r.flat))
	if r.enc == encWindows1252 || !utf8.Valid(r.flat) {
		r.convert()
	}
}

// decode checks that the row is UTF-8, or turns it into UTF-8.
func (r *records) decode() bool {
	switch {
	case isASCII(r.flat):
	case r.enc == encWindows1252:
		r.convert()
	case utf8.Valid(r.flat):
		r.sure = true
	case r.sure:
		return false
	default:
		// All before was ASCII: nothing yet said that the file is UTF-8.
		r.enc = encWindows1252
		r.convert()
	}
	return true
}

// convert turns the fields from Windows-1252 into UTF-8.
func (r *records) convert() {
	out := make([]byte, 0, 2*len(r.flat))
	at := 0
	for i, end := range r.ends {
		for _, c := range r.flat[at:end] {
			out = utf8.AppendRune(out, charmap.Windows1252.DecodeByte(c))
		}
		at, r.ends[i] = end, len(out)
	}
	r.flat = out
}

// strings returns the fields.
func (r *records) strings() []string {
	flat := string(r.flat)
	r.fields = r.fields[:0]
	at := 0
	for _, end := range r.ends {
		r.fields = append(r.fields, flat[at:end])
		at = end
	}
	return r.fields
}

// count writes a number with its noun: "1 field", "3 fields".
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, strings.TrimSpace(noun))
}
