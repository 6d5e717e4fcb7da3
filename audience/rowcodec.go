package audience

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"
)

// errRow says that bytes are no row.
var errRow = errors.New("a row of the temporary file is damaged")

// appendRow appends a row as bytes, its key first, so that rows can be compared
// as they are.
func appendRow(b []byte, row *Row) []byte {
	b = appendText(b, row.Key)
	b = binary.AppendUvarint(b, uint64(row.Line))
	for _, s := range [...]string{row.Address, row.Domain, row.Name, string(row.State), row.Suppress, row.Reason, row.Consent, row.IP, row.File} {
		b = appendText(b, s)
	}
	for _, t := range [...]time.Time{row.Created, row.Joined, row.Left} {
		b = appendTime(b, t)
	}
	b = binary.AppendUvarint(b, uint64(len(row.Attributes)))
	for name, value := range row.Attributes {
		b = appendText(appendText(b, name), value)
	}
	return appendTexts(appendTexts(b, row.Tags), row.OptedOut)
}

func appendTexts(b []byte, texts []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(texts)))
	for _, s := range texts {
		b = appendText(b, s)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendTime appends a time in UTC; 0 stands for none.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, 0)
	}
	b = binary.AppendVarint(append(b, 1), t.Unix())
	return binary.AppendUvarint(b, uint64(t.Nanosecond()))
}

// rowReading takes a row's bytes apart. What it returns shares them.
type rowReading struct {
	left   string
	broken bool
}

// readRow is the row that appendRow wrote.
func readRow(text string) (Row, error) {
	r := rowReading{left: text}
	var row Row
	row.Key, row.Line = r.text(), int(r.number())
	var state string
	for _, s := range [...]*string{&row.Address, &row.Domain, &row.Name, &state, &row.Suppress, &row.Reason, &row.Consent, &row.IP, &row.File} {
		*s = r.text()
	}
	row.State = SubscriptionState(state)
	for _, t := range [...]*time.Time{&row.Created, &row.Joined, &row.Left} {
		*t = r.time()
	}
	if n := r.count(); n > 0 {
		row.Attributes = make(map[string]string, n)
		for range n {
			name := r.text()
			row.Attributes[name] = r.text()
		}
	}
	row.Tags, row.OptedOut = r.texts(), r.texts()
	if r.broken || r.left != "" {
		return Row{}, errRow
	}
	return row, nil
}

// number reads what AppendUvarint wrote.
func (r *rowReading) number() uint64 {
	var n uint64
	for i := range min(len(r.left), binary.MaxVarintLen64) {
		c := r.left[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.left = r.left[i+1:]
			return n
		}
	}
	r.left, r.broken = "", true
	return 0
}

// count reads how many texts follow: no more than there are bytes.
func (r *rowReading) count() int {
	n := r.number()
	if n > uint64(len(r.left)) {
		r.broken = true
		return 0
	}
	return int(n)
}

func (r *rowReading) text() string {
	n := r.count()
	s := r.left[:n]
	r.left = r.left[n:]
	return s
}

func (r *rowReading) texts() []string {
	var texts []string
	if n := r.count(); n > 0 {
		texts = slices.Grow(texts, n)
		for range n {
			texts = append(texts, r.text())
		}
	}
	return texts
}

func (r *rowReading) time() time.Time {
	if r.number() == 0 {
		return time.Time{}
	}
	u := r.number() // zigzag, as AppendVarint writes it
	seconds := int64(u >> 1)
	if u&1 != 0 {
		seconds = ^seconds
	}
	return time.Unix(seconds, int64(r.number())).UTC()
}
