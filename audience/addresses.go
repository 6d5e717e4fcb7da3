package audience

import (
	"errors"
	"fmt"
	"io"
)

// Addresses reads a file of addresses: one a line, or the column of a delimited
// file that is headed so, else its first. It calls each for every row that isn't
// blank, with a reason where the row can't be read, and stops at each's error.
// The addresses aren't checked.
func Addresses(in io.Reader, each func(line int, address, reason string) error) error {
	recs, err := openRecords(in, 0)
	if err != nil {
		return err
	}
	column := 0
	for n := 0; ; n++ {
		rec, err := recs.read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if rec.reason != "" {
			if err := each(rec.line, "", rec.reason); err != nil {
				return err
			}
			continue
		}
		if n == 0 {
			if cols, err := newColumns(rec.fields, hints{plain: true}); err == nil {
				column = cols.email
				if cols.headed {
					continue
				}
			}
		}
		reason := ""
		if column >= len(rec.fields) {
			reason = fmt.Sprintf("has only %s", count(len(rec.fields), "field"))
			rec.fields = append(rec.fields, make([]string, column+1-len(rec.fields))...)
		}
		_, address := splitName(undefuse(rec.fields[column]))
		if err := each(rec.line, address, reason); err != nil {
			return err
		}
	}
}
