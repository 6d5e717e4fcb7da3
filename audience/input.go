package audience

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	xunicode "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// sampleSize is how much of a file is looked at to tell what it is.
const sampleSize = 64 << 10

// encoding is how a file writes its characters, after UTF-16 is taken care of.
type encoding int

const (
	encUTF8        encoding = iota
	encWindows1252          // also ISO 8859-1, as browsers read it
)

// counter counts what is read through it.
type counter struct {
	in io.Reader
	n  int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	return n, err
}

// openRecords looks at the start of a file and returns a reader of its rows: it
// tells the encoding (byte order mark, UTF-16, else UTF-8 or Windows-1252), the
// line end and, if delim is 0, the delimiter. What is no text is an error that
// says what it is.
func openRecords(in io.Reader, delim byte) (*records, error) {
	br := bufio.NewReaderSize(in, sampleSize)
	sample, err := peek(br)
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(sample)) == 0 && len(sample) < sampleSize {
		return nil, errors.New("the file is empty")
	}
	if what := foreign(sample); what != "" {
		return nil, errors.New(what)
	}
	r := &records{line: 1, eol: '\n'}
	order, bom := utf16(sample)
	switch {
	case order >= 0:
		// A byte order mark, where there is one, wins over the guess.
		endian := xunicode.BigEndian
		if order == 1 {
			endian = xunicode.LittleEndian
		}
		dec := xunicode.UTF16(endian, xunicode.UseBOM).NewDecoder()
		br = bufio.NewReaderSize(transform.NewReader(br, dec), sampleSize)
		if sample, err = peek(br); err != nil {
			return nil, err
		}
		r.sure = true
	case bom:
		r.sure = true
	default:
		r.enc, r.sure = guess(sample)
	}
	if rest, ok := bytes.CutPrefix(sample, []byte("\xEF\xBB\xBF")); ok {
		sample = rest
		_, _ = br.Discard(3) // it was peeked
	}
	if bytes.IndexByte(sample, '\n') < 0 && bytes.IndexByte(sample, '\r') >= 0 {
		r.eol = '\r'
	}
	if n, c := sepLine(sample, r.eol); n > 0 {
		_, _ = br.Discard(n)
		sample = sample[n:]
		r.line++
		if delim == 0 {
			delim = c
		}
	}
	if delim == 0 {
		delim = sniff(sample, len(sample) < sampleSize-sniffSlack, r.eol)
	}
	r.delim, r.in = delim, br
	return r, nil
}

// sniffSlack is what byte order mark and sep line may take off a sample.
const sniffSlack = 16

func peek(br *bufio.Reader) ([]byte, error) {
	sample, err := br.Peek(sampleSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading line 1: %w", err)
	}
	return sample, nil
}

// foreign says what a file is that is no text, with what to do; empty for text.
func foreign(b []byte) string {
	trimmed := bytes.ToLower(bytes.TrimSpace(b[:min(len(b), 1000)]))
	switch {
	case written(b) == "xlsx":
		return "the file is an Excel file, which --format says it isn't"
	case bytes.HasPrefix(b, []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")):
		return "the file is an old or a locked Excel (or other Office) file; save it as CSV or xlsx"
	case bytes.HasPrefix(b, []byte("PK\x03\x04")) && bytes.Contains(b, []byte("opendocument.spreadsheet")):
		return "the file is a spreadsheet; save it as CSV"
	case bytes.HasPrefix(b, []byte("PK\x03\x04")), bytes.HasPrefix(b, []byte("PK\x05\x06")):
		return "the file is a zip archive; unpack it and import the CSV file in it"
	case bytes.HasPrefix(b, []byte("\x1F\x8B")):
		return "the file is compressed; unpack it first (gunzip -c FILE | lede import LIST -)"
	case bytes.HasPrefix(b, []byte("%PDF-")):
		return "the file is a PDF; a CSV file is wanted"
	case bytes.HasPrefix(b, []byte("SQLite format 3\x00")):
		return "the file is a database; a CSV file is wanted"
	case bytes.HasPrefix(trimmed, []byte("<!doctype")), bytes.HasPrefix(trimmed, []byte("<html")), bytes.HasPrefix(trimmed, []byte("<?xml")):
		return "the file is a web page or XML; a CSV file is wanted"
	case bytes.HasPrefix(trimmed, []byte("{")), bytes.HasPrefix(trimmed, []byte("[")):
		return "the file is JSON, which --format says it isn't"
	}
	if order, _ := utf16(b); order < 0 {
		// One NUL may be damage in one row; many are no text.
		if n := bytes.Count(b, []byte{0}); n > 8 && n > len(b)/100 {
			return "the file is not text; a CSV file is wanted"
		}
	}
	return ""
}

// utf16 tells the byte order of UTF-16 by its mark, or by the zero bytes of
// ASCII letters: 0 big-endian, 1 little-endian, -1 no UTF-16. bom says that b
// begins with a byte order mark of any kind.
func utf16(b []byte) (order int, bom bool) {
	switch {
	case bytes.HasPrefix(b, []byte("\xEF\xBB\xBF")):
		return -1, true
	case bytes.HasPrefix(b, []byte("\xFE\xFF")):
		return 0, true
	case bytes.HasPrefix(b, []byte("\xFF\xFE")):
		return 1, true
	}
	var zeros [2]int
	for i, c := range b {
		if c == 0 {
			zeros[i%2]++
		}
	}
	half := len(b) / 2
	switch {
	case half > 1 && zeros[0] > half*2/3 && zeros[1] < half/10+1:
		return 0, false
	case half > 1 && zeros[1] > half*2/3 && zeros[0] < half/10+1:
		return 1, false
	}
	return -1, false
}

// guess tells UTF-8 from Windows-1252, in which almost no text is valid UTF-8.
// sure says that the sample has characters beyond ASCII that prove UTF-8. A few
// broken bytes don't make a UTF-8 file Windows-1252: their rows are rejected.
func guess(b []byte) (enc encoding, sure bool) {
	valid, invalid := 0, 0
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case r != utf8.RuneError || n > 1:
			valid++
		case utf8.FullRune(b[i:]):
			invalid++
		}
		i += n
	}
	if invalid > valid {
		return encWindows1252, true
	}
	return encUTF8, valid > 0
}

// sepLine reads the line "sep=;" with which Excel is told the delimiter. It
// returns the line's length, 0 if there is none.
func sepLine(b []byte, eol byte) (n int, delim byte) {
	end := bytes.IndexByte(b, eol)
	if end < 0 || end > 12 {
		return 0, 0
	}
	line := bytes.Trim(bytes.TrimRight(b[:end], "\r"), `"`)
	if len(line) != 5 || !bytes.EqualFold(line[:4], []byte("sep=")) || !isDelimiter(line[4]) {
		return 0, 0
	}
	return end + 1, line[4]
}

// isDelimiter says whether c can part fields.
func isDelimiter(c byte) bool {
	return c == '\t' || c > ' ' && c < 0x7f && c != '"' &&
		(c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
}

// sniff tells the delimiter: the one that makes a heading for addresses stand
// alone, and then the one that cuts the first rows into the same number of
// fields, two at least. Without any, it is the comma.
func sniff(sample []byte, whole bool, eol byte) byte {
	if !whole {
		// The last line is cut.
		sample = sample[:bytes.LastIndexByte(sample, eol)+1]
	}
	best, most := byte(','), 0
	for _, delim := range []byte{',', ';', '\t', '|'} {
		r := &records{in: bytes.NewReader(sample), delim: delim, eol: eol}
		var first, rows, same int
		score := 0
		for rows < 20 {
			rec, err := r.read()
			if err != nil {
				break
			}
			if rows++; rows == 1 {
				if first = len(rec.fields); rec.reason != "" || first < 2 {
					break
				}
				for _, field := range rec.fields {
					if rank(emailHeads, heading(field)) >= 0 || isAddress(field) {
						score = 1_000_000
					}
				}
			}
			if rec.reason == "" && len(rec.fields) == first {
				same++
			}
		}
		if first < 2 {
			continue
		}
		score += same*1000/rows + min(first, 999)
		if score > most {
			best, most = delim, score
		}
	}
	return best
}
