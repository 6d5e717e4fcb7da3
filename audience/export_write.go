package audience

import (
	"archive/zip"
	"bufio"
	"encoding/json"
	"io"
	"strings"
	"time"
	"unicode"
)

// opens says whether a spreadsheet would take s for a formula: it begins with
// one of = + - @, a tab or a line's end (OWASP, CSV injection), or a full-width
// form of the four, which Excel takes for the same where the language has them.
func opens(s string) bool {
	if s == "" {
		return false
	}
	switch s[0] {
	case '=', '+', '-', '@', '\t', '\r', '\n':
		return true
	case 0xEF:
		for _, wide := range [...]string{"＝", "＋", "－", "＠"} {
			if strings.HasPrefix(s, wide) {
				return true
			}
		}
	}
	return false
}

// defuse puts an apostrophe before a text that a spreadsheet would take for a
// formula, and before one that an import would take an apostrophe off. What
// stands behind a semicolon counts too: a spreadsheet that parts cells there
// opens it. undefuse is its inverse.
func defuse(s string) string {
	return eachPart(s, func(part string, first bool) string {
		if opens(part) || stripped(part, first) != part {
			return "'" + part
		}
		return part
	})
}

// guard puts an apostrophe before a text that an import would take one off, so
// that the text comes back as it was from a file that no spreadsheet opens.
func guard(s string) string {
	if strings.IndexByte(s, '\'') < 0 {
		return s
	}
	return eachPart(s, func(part string, first bool) string {
		if stripped(part, first) != part {
			return "'" + part
		}
		return part
	})
}

// undefuse takes off the apostrophe that exports put before a text which a
// spreadsheet would take for a formula; phpList puts a blank behind it. Exactly
// one goes: behind it may stand another that belongs to the text.
func undefuse(s string) string {
	if strings.IndexByte(s, '\'') < 0 {
		return s
	}
	return eachPart(s, stripped)
}

// eachPart changes the parts of s between semicolons.
func eachPart(s string, change func(part string, first bool) string) string {
	head, rest, more := strings.Cut(s, ";")
	changed := change(head, true)
	if !more {
		return changed
	}
	var b strings.Builder
	b.WriteString(changed)
	for more {
		head, rest, more = strings.Cut(rest, ";")
		b.WriteByte(';')
		b.WriteString(change(head, false))
	}
	return b.String()
}

// stripped is a part without the apostrophe that was put before it.
func stripped(part string, first bool) string {
	if part == "" || part[0] != '\'' {
		return part
	}
	rest := strings.TrimLeft(part, "'")
	switch {
	case opens(rest):
		return part[1:]
	case first && len(rest) > 1 && rest[0] == ' ' && opens(rest[1:]):
		if part[1] == ' ' {
			return part[2:]
		}
		return part[1:]
	}
	return part
}

// cells writes CSV (RFC 4180): every cell that is more than a word is quoted, so
// that nothing in it parts cells or rows whatever the reader takes for a
// delimiter.
type cells struct {
	out *bufio.Writer
	row []byte
	end string
}

func newCells(out io.Writer, end string) *cells {
	return &cells{out: bufio.NewWriterSize(out, 64<<10), end: end}
}

// add adds a cell as it is.
func (c *cells) add(s string) {
	if len(c.row) > 0 {
		c.row = append(c.row, ',')
	}
	if word(s) {
		if s == "" && len(c.row) == 0 {
			s = `""`
		}
		c.row = append(c.row, s...)
		return
	}
	c.row = append(c.row, '"')
	c.row = append(c.row, strings.ReplaceAll(oneLine(s), `"`, `""`)...)
	c.row = append(c.row, '"')
}

// oneLine is a text without control characters; line breaks become blanks.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\r' || r == '\n' || r == '\u0085' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, s)
}

// text adds a cell that is no formula.
func (c *cells) text(s string) {
	if word(s) && !opens(s) {
		c.add(s)
		return
	}
	c.add(defuse(strings.TrimSpace(oneLine(s))))
}

// json adds a cell that holds JSON. Semicolons are escaped, so that nothing in it
// begins a cell.
func (c *cells) json(s string) { c.add(strings.ReplaceAll(s, ";", `\u003b`)) }

// next ends the row.
func (c *cells) next() error {
	c.row = append(c.row, c.end...)
	_, err := c.out.Write(c.row)
	c.row = c.row[:0]
	return err
}

// word says whether a cell needs no quotes.
func word(s string) bool {
	for i := range len(s) {
		switch b := s[i]; {
		case 'a' <= b && b <= 'z', '0' <= b && b <= '9', 'A' <= b && b <= 'Z', b == '@', b == '.', b == '_', b == '-', b == ':', b == '+', b == '/':
		case b == ' ' && i > 0 && i < len(s)-1:
		default:
			return false
		}
	}
	return true
}

// when writes a time as imports read it; the zero time is empty.
func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// asJSON writes a value that JSON can write.
func asJSON(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // texts, lists and maps of texts: nothing can fail
	return strings.TrimSuffix(b.String(), "\n")
}

// zipFile writes a zip archive file by file.
type zipFile struct {
	zip *zip.Writer
	at  time.Time
}

func newZipFile(out io.Writer, at time.Time) *zipFile { return &zipFile{zip.NewWriter(out), at} }

func (a *zipFile) begin(name string) (io.Writer, error) {
	return a.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: a.at.UTC()})
}

func (a *zipFile) end() error { return a.zip.Close() }
