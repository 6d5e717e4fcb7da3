package audience

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	xunicode "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// rowReader reads a file row by row; the first row is its headings, where it
// has any.
type rowReader interface {
	// read returns the next row, or io.EOF. Its fields are good until the next
	// read.
	read() (record, error)
	// shape says how many fields a row has, and what is surely a row; isRow may
	// be nil.
	shape(want int, isRow func(fields []string) bool)
	// format says how the file is written: csv, xlsx.
	format() string
	// packed names the columns that hold JSON objects of attributes.
	packed() []string
}

// openRows looks at the start of a file and returns a reader of its rows.
// format is one of Formats, or empty: told by the file.
func openRows(in io.Reader, format string, delim byte) (rowReader, error) {
	br := bufio.NewReaderSize(in, sampleSize)
	sample, err := peek(br)
	if err != nil {
		return nil, err
	}
	switch is := written(sample); {
	case format == "xlsx", format == "" && is == "xlsx", is == "xlsx" && serviceNamed(format) != nil:
		if is != "xlsx" {
			return nil, errors.New("the file is no Excel file (xlsx)")
		}
		return openSheet(br)
	case format == "json", format == "jsonl", is == "json" && (format == "" || serviceNamed(format) != nil):
		return openJSON(br)
	case format == "vcard", format == "" && is == "vcard":
		return openCards(br)
	}
	if format == "tsv" && delim == 0 {
		delim = '\t'
	}
	return openRecords(br, delim)
}

// written tells a file by its first bytes: xlsx, json, vcard; else empty.
func written(b []byte) string {
	if bytes.HasPrefix(b, []byte("PK\x03\x04")) {
		if bytes.Contains(b, []byte("xl/")) || bytes.Contains(b, []byte("[Content_Types].xml")) {
			return "xlsx"
		}
		return ""
	}
	if order, _ := utf16(b); order >= 0 {
		b = bytes.ReplaceAll(b[:min(len(b), 1000)], []byte{0}, nil)
		b = bytes.TrimLeft(b, "\xFE\xFF")
	}
	b = bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\xEF\xBB\xBF")))
	switch {
	case bytes.HasPrefix(b, []byte("{")), bytes.HasPrefix(b, []byte("[")):
		return "json"
	case len(b) >= 11 && bytes.EqualFold(b[:11], []byte("BEGIN:VCARD")):
		return "vcard"
	}
	return ""
}

// asUTF8 takes a byte order mark off, and turns UTF-16 into UTF-8.
func asUTF8(br *bufio.Reader) (*bufio.Reader, error) {
	sample, err := peek(br)
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(sample)) == 0 {
		return nil, errors.New("the file is empty")
	}
	if order, _ := utf16(sample); order >= 0 {
		endian := xunicode.BigEndian
		if order == 1 {
			endian = xunicode.LittleEndian
		}
		return bufio.NewReader(transform.NewReader(br, xunicode.UTF16(endian, xunicode.UseBOM).NewDecoder())), nil
	}
	if bytes.HasPrefix(sample, []byte("\xEF\xBB\xBF")) {
		_, _ = br.Discard(3) // it was peeked
	}
	return br, nil
}

// shape implements rowReader.
func (r *records) shape(want int, isRow func([]string) bool) { r.want, r.isRow = want, isRow }

// packed implements rowReader.
func (*records) packed() []string { return nil }

// format implements rowReader.
func (r *records) format() string {
	switch r.delim {
	case '\t':
		return "tsv"
	case ',':
		return "csv"
	}
	return fmt.Sprintf("csv with %q", rune(r.delim))
}

// fixed is what readers have in common whose rows are as wide as their first
// row by themselves.
type fixed struct {
	kind string
	wide int
}

func (*fixed) shape(int, func([]string) bool) {}
func (f *fixed) format() string               { return f.kind }
func (*fixed) packed() []string               { return nil }

// fit makes a row as wide as the first; the reason says why it can't be.
func (f *fixed) fit(fields []string) ([]string, string) {
	for len(fields) > f.wide && fields[len(fields)-1] == "" {
		fields = fields[:len(fields)-1]
	}
	if len(fields) > f.wide {
		return fields, fmt.Sprintf("has %s, not %d as the first line", count(len(fields), "field"), f.wide)
	}
	for len(fields) < f.wide {
		fields = append(fields, "")
	}
	return fields, ""
}
