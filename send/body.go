package send

import (
	"fmt"
	"strings"

	"lede/compose"
)

// body is the body of a mail, MIME parts and all, as it is copied into each
// mail: bytes that all recipients share, a field, bytes, a field and so on.
type body struct {
	segments []segment
	last     segment // without a field
	size     int     // of all, without the fields
}

// segment is bytes that all recipients share, and the field after them.
type segment struct {
	raw   []byte // as they stand in the mail
	canon []byte // as DKIM reads them (RFC 6376, 3.4.4)
	field compose.Field
	html  bool // the field's value is escaped for HTML
	coded bool // the part is quoted-printable; else 7bit
}

// cutBody cuts a body at its fields. Its lines end in CRLF, and it is the UTF-8
// that its part is said to be.
func cutBody(text string, fields []compose.Field) (part, error) {
	text = string(crlf(strings.ToValidUTF8(text, "\ufffd")))
	if !strings.HasSuffix(text, "\r\n") {
		text += "\r\n"
	}
	return cut(text, fields)
}

// literal adds bytes that stand in every mail.
func (b *body) literal(raw []byte) { b.last.raw = append(b.last.raw, raw...) }

// part adds a MIME part, from its headers on. link is as long as any link that
// may fill a field.
func (b *body) part(kind string, p *part, link string) {
	asHTML := kind == "text/html"
	if asHTML {
		link = string(appendEscaped(nil, link))
	}
	encoding := "quoted-printable"
	coded := !p.fits7bit(link)
	if !coded {
		encoding = "7bit"
	}
	b.literal(fmt.Appendf(nil, "Content-Type: %s; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n\r\n", kind, encoding))
	for i, literal := range p.literals {
		if coded {
			b.last.raw = appendQP(b.last.raw, []byte(literal))
		} else {
			b.literal([]byte(literal))
		}
		if i < len(p.fields) {
			b.last.field, b.last.html, b.last.coded = p.fields[i], asHTML, coded
			b.segments = append(b.segments, b.last)
			b.last = segment{}
		}
	}
}

// close works out the size, and what DKIM reads. A segment can be looked at alone: what
// follows it is never white space and never empty where it ends in white space,
// since a value is clean and a soft break begins with "=".
func (b *body) close() {
	for i := range b.segments {
		s := &b.segments[i]
		s.canon = appendRelaxed(nil, s.raw)
		b.size += len(s.raw)
	}
	b.last.canon = appendRelaxed(nil, b.last.raw)
	b.size += len(b.last.raw)
}

// shortLine is how long the lines of a 7bit part should be at most (RFC 5322,
// 2.1.1); only a link makes one longer.
const shortLine = 78

// fits7bit says that a part may go as it is: ASCII, short lines, and nothing
// that a server on the way would change. A subscriber's name may be anything, so
// a part with a name does not fit.
func (p *part) fits7bit(link string) bool {
	for _, f := range p.fields {
		if f.Name == compose.FieldSubscriberName {
			return false
		}
	}
	text := p.fill(&values{unsubscribe: []byte(link), view: []byte(link)}, nil)
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		if len(line) > 998 || len(line) > shortLine && !strings.Contains(line, link) || !isASCII(line) ||
			strings.HasPrefix(line, ".") || strings.HasPrefix(line, "From ") || strings.Contains(line, "--=_") ||
			strings.HasSuffix(line, " ") || strings.HasSuffix(line, "\t") {
			return false
		}
	}
	return true
}

// append appends the body with its fields filled.
func (b *body) append(buf []byte, v *values) []byte {
	for i := range b.segments {
		s := &b.segments[i]
		buf = append(buf, s.raw...)
		buf = s.appendValue(buf, v)
	}
	return append(buf, b.last.raw...)
}

// appendValue appends what fills the segment's field. In quoted-printable it is
// encoded alone, between soft breaks, so that the literals keep their lines; a
// soft break at the start of a line is none.
func (s *segment) appendValue(buf []byte, v *values) []byte {
	start := len(buf)
	if s.html {
		buf = v.appendHTML(buf, &s.field)
	} else {
		buf = v.append(buf, &s.field)
	}
	if !s.coded {
		return buf
	}
	end := len(buf)
	if begins(s.raw) {
		if start == end {
			return buf
		}
	} else {
		buf = append(buf, softBreak...)
	}
	if start < end {
		buf = append(appendQP(buf, buf[start:end]), softBreak...)
	}
	return closeGap(buf, start, end)
}

// begins says that what follows raw stands at the start of a line.
func begins(raw []byte) bool { return len(raw) == 0 || raw[len(raw)-1] == '\n' }

// closeGap takes buf[start:end], which was only needed to encode what follows
// it, out of buf.
func closeGap(buf []byte, start, end int) []byte {
	n := copy(buf[start:], buf[end:])
	return buf[:start+n]
}
