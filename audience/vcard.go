package audience

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/quotedprintable"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// cardHeads are the columns of a vCard file.
var cardHeads = []string{"email", "name", "first name", "last name", "tags", "organisation", "title", "phone", "birthday", "country", "city", "note", "other email"}

// cards reads a file of vCards (RFC 2426 and 6350; of version 2.1 what differs
// in writing). One card is one person, with the preferred address or the first.
type cards struct {
	fixed
	in      *bufio.Reader
	line    int // the next to be read
	started bool
	ahead   []byte // a physical line that was read too far
	end     error
}

func openCards(br *bufio.Reader) (rowReader, error) {
	br, err := asUTF8(br)
	if err != nil {
		return nil, err
	}
	return &cards{fixed: fixed{kind: "vcard", wide: len(cardHeads)}, in: br, line: 1}, nil
}

// read implements rowReader.
func (r *cards) read() (record, error) {
	if !r.started {
		r.started = true
		return record{line: 1, fields: cardHeads}, nil
	}
	for {
		line, at, err := r.logical()
		if err != nil {
			return record{}, err
		}
		if strings.EqualFold(strings.TrimSpace(line), "BEGIN:VCARD") {
			return r.card(at)
		}
		if strings.TrimSpace(line) != "" {
			return record{line: at, reason: "stands outside a vCard", fields: []string{visibleNUL(cut(line, maxShown))}}, nil
		}
	}
}

// card reads a card up to its end.
func (r *cards) card(at int) (record, error) {
	values := make(map[string]string)
	preferred := false
	for size := 0; ; {
		line, _, err := r.logical()
		if errors.Is(err, io.EOF) {
			return record{line: at, reason: "is a vCard without END:VCARD", fields: []string{""}}, nil
		}
		if err != nil {
			return record{}, err
		}
		if size += len(line); size > maxRecord {
			return record{}, fmt.Errorf("line %d: a vCard is longer than %d MB", at, maxRecord>>20)
		}
		name, params, value := property(line)
		switch name {
		case "END":
			return r.row(at, values), nil
		case "EMAIL":
			value = strings.TrimSpace(value)
			pref := strings.Contains(strings.ToUpper(params), "PREF")
			switch {
			case value == "":
			case values["email"] == "":
				values["email"], preferred = value, pref
			case pref && !preferred:
				values["other email"], values["email"], preferred = values["email"], value, true
			case values["other email"] == "":
				values["other email"] = value
			}
		case "FN":
			keepFirst(values, "name", unescape(value))
		case "N":
			parts := components(value)
			if len(parts) > 1 {
				keepFirst(values, "first name", parts[1])
			}
			keepFirst(values, "last name", parts[0])
		case "CATEGORIES":
			if values["tags"] != "" {
				value = values["tags"] + "," + value
			}
			values["tags"] = unescape(value)
		case "ORG":
			keepFirst(values, "organisation", strings.Join(components(value), ", "))
		case "TITLE", "TEL", "BDAY", "NOTE":
			keepFirst(values, map[string]string{"TITLE": "title", "TEL": "phone", "BDAY": "birthday", "NOTE": "note"}[name], strings.TrimPrefix(unescape(value), "tel:"))
		case "ADR":
			if parts := components(value); len(parts) == 7 {
				keepFirst(values, "city", parts[3])
				keepFirst(values, "country", parts[6])
			}
		}
	}
}

// row makes a row of a card's values.
func (r *cards) row(at int, values map[string]string) record {
	if values["name"] != "" {
		// The written name is the better one.
		delete(values, "first name")
		delete(values, "last name")
	}
	fields := make([]string, len(cardHeads))
	rec := record{line: at, fields: fields}
	for i, h := range cardHeads {
		fields[i] = values[h]
		if strings.IndexByte(fields[i], 0) >= 0 {
			rec.reason = "has a NUL byte"
		}
	}
	if rec.reason != "" {
		rec.fields = []string{visibleNUL(cut(strings.Join(fields, ","), maxShown))}
	}
	return rec
}

// visibleNUL makes text fit for the file of rejects.
func visibleNUL(text string) string { return strings.ReplaceAll(text, "\x00", "␀") }

func keepFirst(values map[string]string, name, value string) {
	if values[name] == "" {
		values[name] = strings.TrimSpace(value)
	}
}

// logical reads a line with those that continue it, and says where it begins.
func (r *cards) logical() (string, int, error) {
	line, err := r.physical()
	if err != nil {
		return "", 0, err
	}
	at := r.line - 1
	whole := bytes.Clone(line)
	upper := bytes.ToUpper(whole[:min(len(whole), 200)])
	quoted := bytes.Contains(upper, []byte("QUOTED-PRINTABLE"))
	for {
		next, err := r.physical()
		if err != nil && !errors.Is(err, io.EOF) {
			return "", 0, err
		}
		switch {
		case err == nil && quoted && bytes.HasSuffix(whole, []byte("=")):
			whole = append(whole[:len(whole)-1], next...)
		case err == nil && len(next) > 0 && (next[0] == ' ' || next[0] == '\t'):
			whole = append(whole, next[1:]...)
		default:
			if err == nil {
				r.ahead = bytes.Clone(next)
				r.line--
			}
			return asText(whole), at, nil
		}
		if len(whole) > maxRecord {
			return "", 0, fmt.Errorf("line %d is longer than %d MB", at, maxRecord>>20)
		}
	}
}

// physical reads one line without its end.
func (r *cards) physical() ([]byte, error) {
	if r.ahead != nil {
		line := r.ahead
		r.ahead = nil
		r.line++
		return line, nil
	}
	if r.end != nil {
		return nil, r.end
	}
	var line []byte
	for {
		part, err := r.in.ReadSlice('\n')
		if line = append(line, part...); len(line) > maxRecord {
			return nil, fmt.Errorf("line %d is longer than %d MB", r.line, maxRecord>>20)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			r.end = err
			if len(line) == 0 {
				return nil, err
			}
			if !errors.Is(err, io.EOF) {
				return nil, fmt.Errorf("reading line %d: %w", r.line, err)
			}
		}
		r.line++
		return bytes.TrimRight(line, "\r\n"), nil
	}
}

// asText reads bytes as UTF-8, or else as Windows-1252.
func asText(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	out, err := charmap.Windows1252.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(out)
}

// property parts "item1.EMAIL;TYPE=work:ona@news.example".
func property(line string) (name, params, value string) {
	// A colon in a quoted parameter does not end the head.
	colon, open := -1, false
	for i := range len(line) {
		if line[i] == '"' {
			open = !open
		}
		if line[i] == ':' && !open {
			colon = i
			break
		}
	}
	if colon < 0 {
		return "", "", ""
	}
	head, value := line[:colon], line[colon+1:]
	name, params, _ = strings.Cut(head, ";")
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	if strings.Contains(strings.ToUpper(params), "QUOTED-PRINTABLE") {
		if plain, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(value))); err == nil {
			value = asText(plain)
		}
	}
	return strings.ToUpper(strings.TrimSpace(name)), params, value
}

// unescape undoes the escapes of a text value.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
			if s[i] == 'n' || s[i] == 'N' {
				b.WriteByte(' ')
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// components parts a value at its semicolons.
func components(s string) []string {
	var parts []string
	from := 0
	for i := 0; i <= len(s); i++ {
		switch {
		case i == len(s) || s[i] == ';':
			parts = append(parts, strings.TrimSpace(unescape(s[from:i])))
			from = i + 1
		case s[i] == '\\':
			i++
		}
	}
	return parts
}
