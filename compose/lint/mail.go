package lint

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
)

// Longest is the largest file that Read takes, in bytes: what the large mailbox
// providers take as a mail.
const Longest = 25 << 20

// Limits of a mail's structure; what is beyond is not looked at, and said.
const (
	maxParts  = 500
	maxNested = 6
	maxFields = 1000
	maxField  = 64 << 10
)

// Mail is anyone's mail or HTML file, read for CheckMail.
type Mail struct {
	Header   []HeaderField    // as they stand; nil: a file of HTML alone
	Subject  string           // decoded
	HTML     string           // in UTF-8; empty: there is none
	Text     string           // likewise
	Pictures map[string]int64 // Content-ID of each picture within the mail → its bytes
	Raw      []byte           // the whole mail, for a spam filter; nil: a file of HTML alone

	problems []Finding // met while reading
	parts    int
}

// HeaderField is one field of a mail's header.
type HeaderField struct {
	Name  string
	Value string // unfolded, not decoded
	Line  int    // of the file
}

// ErrTooLarge says that a file is larger than Longest.
var ErrTooLarge = errors.New("is larger than 25 MB, which no mailbox takes")

// Read reads a mail (name ends in .eml, or the data begin with a header) or a
// file of HTML. It fails on nothing but size and emptiness: what is broken in a
// mail is a finding.
func Read(name string, data []byte) (Mail, error) {
	if len(data) > Longest {
		return Mail{}, fmt.Errorf("%s %w", name, ErrTooLarge)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if len(bytes.TrimSpace(data)) == 0 {
		return Mail{}, fmt.Errorf("%s is empty", name)
	}
	var m Mail
	ext := strings.ToLower(path.Ext(name))
	if ext == ".eml" || ext != ".html" && ext != ".htm" && firstField.Match(data) {
		m.Raw = data
		m.readMail(data)
		return m, nil
	}
	m.HTML = m.decode(data, sniffCharset(data), "HTML")
	m.Subject = ""
	return m, nil
}

var firstField = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{1,40}:[ \t\r\n]`)

func (m *Mail) problem(rule, place, message, remedy string) {
	if len(m.problems) < 50 {
		m.problems = append(m.problems, Finding{Rule: rule, Place: place, Clients: "all", Message: message, Remedy: remedy})
	}
}

func (m *Mail) readMail(data []byte) {
	header, body, _ := splitHeader(data)
	m.Header = readHeader(header)
	if len(m.Header) >= maxFields {
		m.problem("mime-structure", "header", fmt.Sprintf("The header has %d fields or more; the rest was not looked at.", maxFields), "See what adds them.")
	}
	m.Subject = decodeWords(fieldOf(m.Header, "Subject"))
	m.part(m.Header, body, 0)
}

// splitHeader parts a message at its first empty line; line is the number of
// the header's lines.
func splitHeader(data []byte) (header, body []byte, lines int) {
	for at := 0; at < len(data); {
		end := bytes.IndexByte(data[at:], '\n')
		if end < 0 {
			return data, nil, lines
		}
		if len(bytes.TrimRight(data[at:at+end], "\r")) == 0 {
			return data[:at], data[at+end+1:], lines
		}
		lines++
		at += end + 1
	}
	return data, nil, lines
}

// readHeader reads fields, unfolding them (RFC 5322, 2.2.3).
func readHeader(data []byte) []HeaderField {
	var out []HeaderField
	var value strings.Builder // of the last field, grown line by line
	finish := func() {
		if len(out) > 0 && value.Len() > 0 {
			out[len(out)-1].Value = value.String()
		}
		value.Reset()
	}
	line := 0
	for text := range bytes.Lines(data) {
		line++
		text = bytes.TrimRight(text, "\r\n")
		if len(text) > 0 && (text[0] == ' ' || text[0] == '\t') {
			if value.Len() < maxField {
				value.WriteByte(' ')
				value.Write(bytes.TrimSpace(text))
			}
			continue
		}
		name, first, ok := bytes.Cut(text, []byte{':'})
		if !ok {
			continue
		}
		finish()
		if len(out) == maxFields {
			break
		}
		out = append(out, HeaderField{Name: string(bytes.TrimSpace(name)), Line: line})
		value.Write(bytes.TrimSpace(first))
	}
	finish()
	return out
}

// fieldOf is the value of the first field of a name.
func fieldOf(header []HeaderField, name string) string {
	for _, f := range header {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// decodeWords decodes RFC 2047's encoded words in any character set there is.
func decodeWords(text string) string {
	d := mime.WordDecoder{CharsetReader: charset.NewReaderLabel}
	if out, err := d.DecodeHeader(text); err == nil {
		text = out
	}
	return strings.ToValidUTF8(text, "\ufffd")
}

// part reads one MIME part and what is within it.
func (m *Mail) part(header []HeaderField, body []byte, depth int) {
	if m.parts++; m.parts > maxParts || depth > maxNested {
		if m.parts == maxParts+1 || depth == maxNested+1 && m.parts <= maxParts {
			m.problem("mime-structure", "MIME", fmt.Sprintf("The mail has more than %d parts, or parts within parts more than %d deep; the rest was not looked at.", maxParts, maxNested), "Send the text, the HTML and the pictures they need.")
		}
		return
	}
	contentType := fieldOf(header, "Content-Type")
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		if contentType != "" {
			m.problem("mime-structure", "Content-Type", fmt.Sprintf("Content-Type can't be read: %q.", cut(contentType, 80)), "Write it as RFC 2045 has it: text/html; charset=utf-8.")
		}
		if kind == "" {
			kind = "text/plain"
		}
	}
	if strings.HasPrefix(kind, "multipart/") {
		m.multi(params["boundary"], body, depth)
		return
	}
	disposition, _, _ := mime.ParseMediaType(fieldOf(header, "Content-Disposition"))
	isText := (kind == "text/html" && m.HTML == "" || kind == "text/plain" && m.Text == "") && disposition != "attachment"
	isPicture := strings.HasPrefix(kind, "image/")
	if !isText && !isPicture {
		return
	}
	body = m.transfer(strings.ToLower(fieldOf(header, "Content-Transfer-Encoding")), body, kind)
	switch {
	case isPicture:
		if m.Pictures == nil {
			m.Pictures = map[string]int64{}
		}
		m.Pictures[strings.Trim(fieldOf(header, "Content-ID"), "<> ")] = int64(len(body))
	case kind == "text/html":
		m.HTML = m.decode(body, params["charset"], "HTML part")
	default:
		m.Text = m.decode(body, params["charset"], "Text part")
	}
}

func (m *Mail) multi(boundary string, body []byte, depth int) {
	if boundary == "" {
		m.problem("mime-structure", "Content-Type", "A multipart has no boundary: nobody can part it.", "Give it one (RFC 2046, 5.1.1).")
		return
	}
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for n := 0; m.parts <= maxParts; n++ {
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return
		}
		var content []byte
		if err == nil {
			content, err = io.ReadAll(p)
		}
		if err != nil && (n == 0 || len(content) == 0) {
			m.problem("mime-structure", "MIME", "A multipart does not hold what its boundary says: "+cut(err.Error(), 100)+".", "See that each part begins with --BOUNDARY and the last ends with --BOUNDARY--.")
			if p == nil {
				return
			}
		}
		var header []HeaderField
		for name, values := range p.Header {
			for _, v := range values {
				header = append(header, HeaderField{Name: name, Value: v})
			}
		}
		m.part(header, content, depth+1)
		if err != nil {
			return
		}
	}
}

// transfer takes the transfer encoding off; what can't be decoded stays as far
// as it could.
func (m *Mail) transfer(encoding string, body []byte, kind string) []byte {
	var r io.Reader
	switch strings.TrimSpace(encoding) {
	case "", "7bit", "8bit", "binary":
		return body
	case "quoted-printable":
		r = quotedprintable.NewReader(bytes.NewReader(body))
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, bytes.NewReader(body))
	default:
		m.problem("mime-encoding", kind, fmt.Sprintf("The transfer encoding %q is none of RFC 2045's.", cut(encoding, 40)), "Use quoted-printable or base64.")
		return body
	}
	out, err := io.ReadAll(r)
	if err != nil {
		m.problem("mime-encoding", kind, fmt.Sprintf("The part is not %s all through: %s.", encoding, cut(err.Error(), 100)), "Encode it anew; look for what changed it on its way.")
		if len(out) == 0 {
			return body
		}
	}
	return out
}

// decode makes UTF-8 of a text.
func (m *Mail) decode(body []byte, label, place string) string {
	label = strings.ToLower(strings.TrimSpace(label))
	switch label {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		if utf8.Valid(body) {
			return string(body)
		}
		said := label
		if said == "" {
			said = "no character set"
		}
		m.problem("mime-charset", place, fmt.Sprintf("It says %s and is not valid UTF-8: letters show as marks.", said), "Write it in UTF-8 and say charset=utf-8.")
		return strings.ToValidUTF8(string(body), "\ufffd")
	}
	r, err := charset.NewReaderLabel(label, bytes.NewReader(body))
	if err != nil {
		m.problem("mime-charset", place, fmt.Sprintf("The character set %q is not known.", cut(label, 40)), "Write it in UTF-8 and say charset=utf-8.")
		return strings.ToValidUTF8(string(body), "\ufffd")
	}
	out, err := io.ReadAll(io.LimitReader(r, 4*Longest))
	if err != nil {
		m.problem("mime-charset", place, fmt.Sprintf("It is not %s all through.", label), "Write it in UTF-8 and say charset=utf-8.")
	}
	return strings.ToValidUTF8(string(out), "\ufffd")
}

// sniffCharset is what a file of HTML says of its own character set.
func sniffCharset(data []byte) string {
	if utf8.Valid(data) {
		return "utf-8"
	}
	_, name, _ := charset.DetermineEncoding(data[:min(1024, len(data))], "")
	return name
}

// mimeProblems tells what was met while reading.
func mimeProblems(in letter) []Finding { return in.mail.problems }

// preheader is the first text that lists of mails show beside the subject: what
// stands hidden before all else, or else the first text there is.
func (p *page) preheader() string {
	for _, r := range p.runs {
		if r.element < 0 || !p.elements[r.element].inBody || !wordy(r.text) {
			continue
		}
		return strings.Join(strings.Fields(r.text), " ")
	}
	return ""
}
