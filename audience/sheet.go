package audience

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/xuri/excelize/v2"
)

// How large an Excel file may be: as it is, unpacked, and of the parts that are
// kept in memory. Larger sheets lie in temporary files while they are read.
const (
	maxWorkbook   = 64 << 20
	maxUnpacked   = 1 << 30
	maxOtherParts = 32 << 20
	sheetInMemory = 8 << 20
)

// sheet reads the first visible sheet of an Excel file. Nothing is computed and
// no link is followed: of a formula its last value counts.
type sheet struct {
	fixed
	book *excelize.File
	rows *excelize.Rows
	line int
}

func openSheet(in io.Reader) (rowReader, error) {
	b, err := io.ReadAll(io.LimitReader(in, maxWorkbook+1))
	if err != nil {
		return nil, fmt.Errorf("reading the Excel file: %w", err)
	}
	if len(b) > maxWorkbook {
		return nil, fmt.Errorf("the Excel file is larger than %d MB; save it as CSV", maxWorkbook>>20)
	}
	if err := checkWorkbook(b); err != nil {
		return nil, err
	}
	book, err := excelize.OpenReader(bytes.NewReader(b), excelize.Options{
		UnzipSizeLimit: maxUnpacked, UnzipXMLSizeLimit: sheetInMemory, ShortDatePattern: "yyyy-mm-dd",
	})
	if err != nil {
		return nil, fmt.Errorf("the Excel file can't be read (%w); save it as CSV", err)
	}
	s := &sheet{fixed: fixed{kind: "xlsx"}, book: book}
	for _, name := range book.GetSheetList() {
		if visible, err := book.GetSheetVisible(name); err == nil && !visible {
			continue
		}
		if s.rows, err = book.Rows(name); err != nil {
			return nil, errors.Join(fmt.Errorf("sheet %q can't be read: %w", name, err), book.Close())
		}
		return s, nil
	}
	return nil, errors.Join(errors.New("the Excel file has no sheet to read"), book.Close())
}

// checkWorkbook refuses what would unpack to more than is kept in memory.
func checkWorkbook(b []byte) error {
	archive, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return errors.New("the Excel file is damaged")
	}
	var all, other uint64
	for _, f := range archive.File {
		all += f.UncompressedSize64
		if !strings.HasPrefix(f.Name, "xl/worksheets/") && f.Name != "xl/sharedStrings.xml" {
			other += f.UncompressedSize64
		}
		if all > maxUnpacked || other > maxOtherParts || f.UncompressedSize64 > maxUnpacked {
			return fmt.Errorf("the Excel file unpacks to more than %d MB; save it as CSV", maxUnpacked>>20)
		}
	}
	return nil
}

// read implements rowReader.
func (s *sheet) read() (record, error) {
	for s.rows.Next() {
		s.line++
		fields, err := s.rows.Columns()
		if err != nil {
			return record{}, fmt.Errorf("line %d: %w", s.line, err)
		}
		if strings.TrimSpace(strings.Join(fields, "")) == "" {
			continue
		}
		rec := record{line: s.line, fields: fields}
		if s.wide == 0 {
			s.wide = len(fields)
		}
		rec.fields, rec.reason = s.fit(fields)
		for _, cell := range fields {
			if strings.IndexByte(cell, 0) >= 0 {
				rec.reason = "has a NUL byte"
			}
		}
		if rec.reason != "" {
			rec.fields = []string{cut(strings.Join(fields, ","), maxShown)}
		}
		return rec, nil
	}
	err := errors.Join(s.rows.Error(), s.rows.Close(), s.book.Close())
	if err != nil {
		return record{}, fmt.Errorf("after line %d: %w", s.line, err)
	}
	return record{}, io.EOF
}
