package audience

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// What encoding/csv writes is read back as it was, field by field and with the
// right lines, however the bytes arrive.
func TestRecordsReadWhatCSVWrites(t *testing.T) {
	cell := rapid.StringMatching(`[ab ,;"\n'é]{0,6}`)
	rapid.Check(t, func(rt *rapid.T) {
		width := rapid.IntRange(2, 4).Draw(rt, "width")
		rows := rapid.SliceOfN(rapid.SliceOfN(cell, width, width), 1, 8).Draw(rt, "rows")
		var file bytes.Buffer
		w := csv.NewWriter(&file)
		w.UseCRLF = rapid.Bool().Draw(rt, "CRLF")
		var lines []int
		for i, row := range rows {
			rows[i][0] = "x" + row[0] // no row is blank
			lines = append(lines, 1+bytes.Count(file.Bytes(), []byte("\n")))
			if err := w.Write(rows[i]); err != nil {
				rt.Fatal(err)
			}
			w.Flush()
		}
		var in io.Reader = bytes.NewReader(file.Bytes())
		if rapid.Bool().Draw(rt, "byte by byte") {
			in = iotest.OneByteReader(in)
		}
		recs := &records{in: in, delim: ',', eol: '\n', line: 1, want: width}
		for i, want := range rows {
			rec, err := recs.read()
			if err != nil || rec.reason != "" || rec.line != lines[i] {
				rt.Fatalf("row %d: line %d (want %d), %q, %v in\n%s", i, rec.line, lines[i], rec.reason, err, file.String())
			}
			if w.UseCRLF { // the writer turns the line breaks in fields too
				for j := range want {
					want[j] = string(bytes.ReplaceAll([]byte(want[j]), []byte("\n"), []byte("\r\n")))
				}
			}
			if !slices.Equal(rec.fields, want) {
				rt.Fatalf("row %d: got %q, want %q in\n%s", i, rec.fields, want, file.String())
			}
		}
		if rec, err := recs.read(); !errors.Is(err, io.EOF) {
			rt.Fatalf("got %+v, %v at the end", rec, err)
		}
	})
}
