package inbox

import (
	"bytes"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/jhillyerd/enmime/v2"
)

const (
	maxMultiparts = 100     // more are not unfolded: each is a level of recursion in the parser
	maxHeaderSize = 1 << 20 // bytes
	maxParseNotes = 10
)

// Parsed is what a mail says, for showing it. A mail that is not one still has
// its fields as far as they could be read, and says in Problems why the rest
// is missing.
type Parsed struct {
	Subject     string
	From        mail.Address   // of the From field
	FromRaw     string         // the field itself, when it holds no address
	To          []mail.Address // of the To field
	Date        string         // as in the field
	When        time.Time
	Text        string
	HTML        string
	Header      []Field
	Attachments []string // "times.pdf, application/pdf, 12.0 KB"
	Unsubscribe Unsubscribe
	Problems    []string
}

// Field is one field of a header, unfolded.
type Field struct{ Name, Value string }

// Parse reads a mail. Whatever it is given, it ends in time that grows with
// the size, and gives a result.
func Parse(raw []byte) *Parsed {
	p := &Parsed{}
	p.Header = fields(raw)
	p.Subject = enmime.DecodeRFC2047(p.field("Subject"))
	if list, err := enmime.ParseAddressList(p.field("To")); err == nil {
		for _, a := range list {
			p.To = append(p.To, *a)
		}
	}
	p.FromRaw = enmime.DecodeRFC2047(p.field("From"))
	if list, err := enmime.ParseAddressList(p.field("From")); err == nil && len(list) > 0 {
		p.From = *list[0]
	}
	p.Date = p.field("Date")
	if t, err := mail.ParseDate(p.Date); err == nil {
		p.When = t
	}
	p.Unsubscribe = unsubscribe(p)
	if err := p.body(raw); err != nil {
		p.Problems = append(p.Problems, err.Error())
	}
	return p
}

// body fills what is behind the header.
func (p *Parsed) body(raw []byte) (err error) {
	envelope, err := readEnvelope(raw)
	if err != nil {
		return err
	}
	p.Text, p.HTML = envelope.Text, envelope.HTML
	for _, part := range envelope.Attachments {
		p.Attachments = append(p.Attachments,
			fmt.Sprintf("%s, %s, %s", part.FileName, part.ContentType, kilobytes(int64(len(part.Content)))))
	}
	for i, e := range envelope.Errors {
		if i == maxParseNotes {
			break
		}
		p.Problems = append(p.Problems, e.Error())
	}
	return nil
}

// readEnvelope reads a mail's parts within limits.
func readEnvelope(raw []byte) (envelope *enmime.Envelope, err error) {
	if head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n")); len(head) > maxHeaderSize && len(head) < len(raw) {
		return nil, fmt.Errorf("the header is larger than %s", kilobytes(maxHeaderSize))
	}
	if n := bytes.Count(bytes.ToLower(raw), []byte("multipart/")); n > maxMultiparts {
		return nil, fmt.Errorf("the mail has more than %d nested parts", maxMultiparts)
	}
	defer func() {
		// What strangers send must not stop the page.
		if v := recover(); v != nil {
			envelope, err = nil, fmt.Errorf("the mail cannot be read: %v", v)
		}
	}()
	parser := enmime.NewParser(
		enmime.DisableCharacterDetection(true), // show what the mail declares, right or wrong
		enmime.DisableTextConversion(true),     // no text part is none
		enmime.SkipMalformedParts(true),
		enmime.MultipartWOBoundaryAsSinglePart(true),
		enmime.MaxStoredPartErrors(maxParseNotes),
	)
	envelope, err = parser.ReadEnvelope(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("the mail cannot be read: %w", err)
	}
	return envelope, nil
}

// inline returns the picture of a mail with the given Content-ID.
func inline(raw []byte, id string) (*enmime.Part, bool) {
	envelope, err := readEnvelope(raw)
	if err != nil {
		return nil, false
	}
	part := envelope.Root.BreadthMatchFirst(func(p *enmime.Part) bool { return p.ContentID == id })
	if part == nil {
		return nil, false
	}
	switch part.ContentType {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return part, true
	}
	return nil, false
}

// fields splits a header into its fields, in order. It reads what there is,
// broken or not.
func fields(raw []byte) []Field {
	if len(raw) > maxHeaderSize {
		raw = raw[:maxHeaderSize]
	}
	var all []Field
	var folded [][]byte // lines of the field in hand, joined once: a field may have 100,000
	flush := func() {
		if len(folded) == 0 {
			return
		}
		name, value, _ := bytes.Cut(bytes.Join(folded, []byte(" ")), []byte(":"))
		all = append(all, Field{Name: printable(bytes.TrimSpace(name)), Value: printable(bytes.TrimSpace(value))})
		folded = folded[:0]
	}
	for line := range bytes.Lines(raw) {
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case len(line) == 0:
			flush()
			return all
		case (line[0] == ' ' || line[0] == '\t') && len(folded) > 0:
			folded = append(folded, bytes.TrimLeft(line, " \t"))
		case bytes.IndexByte(line, ':') < 0: // not a header any more
			flush()
			return all
		default:
			flush()
			folded = append(folded, line)
		}
	}
	flush()
	return all
}

// field returns the first field of the name, or nothing.
func (p *Parsed) field(name string) string {
	for _, f := range p.Header {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

func printable(b []byte) string { return strings.ToValidUTF8(string(b), "\ufffd") }

// matches says whether a mail holds the words that were looked for, in an
// address, the subject or the text.
func (m *Mail) matches(words string) bool {
	p := m.Parsed()
	heap := strings.ToLower(strings.Join(append([]string{m.From, p.Subject, p.FromRaw, p.field("To"), p.Text}, m.To...), "\n"))
	for _, w := range strings.Fields(strings.ToLower(words)) {
		if !strings.Contains(heap, w) {
			return false
		}
	}
	return true
}
