package send

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"lede/audience"
)

// roomForHeaders is what headers and fields take of a buffer, as a rule.
const roomForHeaders = 4096

// issue is what the mails of one edition share beyond the letter.
type issue struct {
	edition  string
	date     time.Time
	dateLine []byte // the Date header
	feedback []byte // the Feedback-ID header
	view     []byte // URL
	seals    []seal // the DKIM-Signature headers without their hashes
}

// issueOf returns the issue of an edition. Only the first mail of an edition
// has to make it.
func (m *Message) issueOf(edition string, date time.Time) (*issue, error) {
	if is := m.issue.Load(); is != nil && is.edition == edition && is.date.Equal(date) {
		return is, nil
	}
	if len(edition) > longestEdition {
		return nil, fmt.Errorf("edition id %.20q…: it is longer than %d characters", edition, longestEdition)
	}
	for i := 0; i < len(edition); i++ {
		if c := edition[i]; c <= ' ' || c > '~' || strings.IndexByte(`<>"\`, c) >= 0 {
			return nil, fmt.Errorf("edition id %q: it holds the character %q", edition, c)
		}
	}
	if err := m.fitsVERP(edition); err != nil {
		return nil, err
	}
	is := &issue{
		edition:  edition,
		date:     date,
		dateLine: fmt.Appendf(nil, "Date: %s\r\n", date.Format(time.RFC1123Z)),
		feedback: m.appendFeedback(nil, edition),
		view:     []byte(m.sender.BaseURL + "/e/" + edition),
	}
	if m.signing != nil {
		is.seals = m.signing.seals(date)
	}
	m.issue.Store(is)
	return is, nil
}

// Append appends the whole mail for one recipient, signed if the sender has a
// DKIM key. date is the edition's, so that every attempt is the same mail, byte
// for byte. Nothing is allocated beyond buf but what a signature costs. An
// address that no mail can be written to is an error that concerns this
// recipient alone.
//
// Whatever the letter and the fields hold, a CR never stands without its LF nor
// an LF without its CR, no line begins with a full stop, no line is longer than
// 998 characters, and the mail ends in CRLF: it may follow DATA as it is, then
// ".\r\n" (RFC 5321, 4.5.2), or be the octets of a BDAT.
func (m *Message) Append(buf []byte, d Delivery, date time.Time) ([]byte, error) {
	to, err := checkAddress(d.Address)
	if err != nil {
		return buf, err
	}
	return m.append(buf, &d, to, date, audience.PurposeUnsubscribe)
}

// appendTo is Append with d's address, which checkAddress passed.
func (m *Message) appendTo(buf []byte, d *Delivery, to address, date time.Time) ([]byte, error) {
	return m.append(buf, d, to, date, audience.PurposeUnsubscribe)
}

// Proof returns the mail as an editor's proof: its links carry tokens of
// purpose proof, which change nothing, and its Message-ID is another than the
// edition's, so that a receiver drops neither for the other.
func (m *Message) Proof(d Delivery, date time.Time) ([]byte, error) {
	to, err := checkAddress(d.Address)
	if err != nil {
		return nil, err
	}
	return m.append(nil, &d, to, date, audience.PurposeProof)
}

func (m *Message) append(buf []byte, d *Delivery, to address, date time.Time, purpose audience.Purpose) ([]byte, error) {
	is, err := m.issueOf(d.Edition, date)
	if err != nil {
		return buf, err
	}
	buf = slices.Grow(buf, m.body.size+roomForHeaders)
	start := len(buf)
	for i := range is.seals {
		buf = append(buf, is.seals[i].raw...)
	}
	head := len(buf)
	buf = append(buf, is.dateLine...)
	buf = append(buf, m.head...)
	v := values{name: clean(d.Name, longestName), view: is.view}
	buf = m.appendLeave(buf, d, purpose, &v)
	buf = appendName(buf, v.name, to)
	buf = m.appendSubject(buf, &v)
	buf = m.appendID(buf, d, date, purpose)
	buf = append(buf, is.feedback...)
	buf = append(buf, m.tail...)
	if m.signing == nil {
		return m.body.append(buf, &v), nil
	}
	return m.signing.sign(buf, start, head, is.seals, &m.body, &v)
}

// appendLeave appends List-Unsubscribe, and sets the links that carry a token
// to where they stand in it.
func (m *Message) appendLeave(buf []byte, d *Delivery, purpose audience.Purpose, v *values) []byte {
	buf = append(buf, "List-Unsubscribe: <"...)
	start := len(buf)
	buf = append(buf, m.sender.BaseURL...)
	buf = append(buf, "/u/"...)
	token := len(buf)
	buf = m.appendToken(buf, d, purpose)
	v.unsubscribe = buf[start:len(buf):len(buf)]
	switch {
	case purpose == audience.PurposeProof:
		v.view = append([]byte(m.sender.BaseURL+"/e/"), buf[token:]...)
	case m.sender.OwnView:
		v.view = m.appendToken([]byte(m.sender.BaseURL+"/e/"), d, audience.PurposeView)
	}
	return append(buf, m.leave...)
}

func (m *Message) appendToken(buf []byte, d *Delivery, purpose audience.Purpose) []byte {
	return m.tokens.AppendToken(buf, audience.Token{
		Purpose:    purpose,
		Newsletter: m.sender.Newsletter,
		Subscriber: d.Subscriber,
		Salt:       d.Salt,
		Edition:    d.Edition,
	})
}

// needsUTF8 says that the mail can only be sent where SMTPUTF8 is offered (RFC
// 6531).
func (m *Message) needsUTF8(to address) bool { return m.utf8 || to.utf8 }

// appendName appends the To header.
func appendName(buf []byte, name string, to address) []byte {
	start := len(buf)
	buf = append(buf, name...)
	end := len(buf)
	buf = appendAddress(buf, "To", buf[start:end], to)
	return closeGap(buf, start, end)
}

// appendSubject appends the Subject header.
func (m *Message) appendSubject(buf []byte, v *values) []byte {
	if m.fixed != nil {
		return append(buf, m.fixed...)
	}
	start := len(buf)
	for i, literal := range m.subject.literals {
		buf = append(buf, literal...)
		if i < len(m.subject.fields) {
			buf = v.append(buf, &m.subject.fields[i])
		}
	}
	end := len(buf)
	buf = appendText(buf, "Subject", buf[start:end])
	return closeGap(buf, start, end)
}

// appendID appends the Message-ID. It tells nothing about the recipient and is
// the same at every attempt.
func (m *Message) appendID(buf []byte, d *Delivery, date time.Time, purpose audience.Purpose) []byte {
	var room [128]byte
	seed := append(room[:0], d.Edition...)
	seed = append(seed, 0)
	seed = binary.BigEndian.AppendUint64(seed, uint64(d.Subscriber))
	seed = binary.BigEndian.AppendUint32(seed, d.Salt)
	if purpose == audience.PurposeProof {
		seed = append(seed, byte(purpose))
		seed = binary.BigEndian.AppendUint64(seed, uint64(date.UnixNano()))
	}
	return appendMessageID(buf, seed, m.from.domain)
}

// opaque writes the first part of a Message-ID.
var opaque = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func appendMessageID(buf, seed []byte, domain string) []byte {
	sum := sha256.Sum256(seed)
	buf = append(buf, "Message-ID: <"...)
	buf = opaque.AppendEncode(buf, sum[:20])
	buf = append(buf, '@')
	buf = append(buf, domain...)
	return append(buf, ">\r\n"...)
}

// longestFeedback is how much of each of its four parts Feedback-ID shows.
const longestFeedback = 200

// appendFeedback appends the header by which large receivers report complaints
// per edition. It holds nothing personal.
func (m *Message) appendFeedback(buf []byte, edition string) []byte {
	buf = append(buf, "Feedback-ID: "...)
	for i, field := range [...]string{edition, m.lists, m.sender.Newsletter, m.sender.FeedbackSender} {
		if i > 0 {
			buf = append(buf, ':')
		}
		for j := 0; j < min(len(field), longestFeedback); j++ {
			if c := field[j]; c > ' ' && c < 0x7f && c != ':' {
				buf = append(buf, c)
			}
		}
	}
	return append(buf, '\r', '\n')
}

// values works out what fills the fields for d, for a preview.
func (m *Message) values(d Delivery, purpose audience.Purpose) values {
	v := values{name: clean(d.Name, longestName), view: []byte(m.sender.BaseURL + "/e/" + d.Edition)}
	m.appendLeave(nil, &d, purpose, &v)
	return v
}

// Size is how many bytes a mail has without its header and what fills its fields.
func (m *Message) Size() int { return m.body.size }

// HTML returns the HTML part as d gets it, decoded; pictures that the mail
// carries are linked to.
func (m *Message) HTML(d Delivery, proof bool) string {
	v := m.values(d, purposeOf(proof))
	return m.html.fill(&v, v.appendHTML)
}

// Text returns the text part as d gets it, decoded; its lines end in CRLF.
func (m *Message) Text(d Delivery, proof bool) string {
	v := m.values(d, purposeOf(proof))
	return m.text.fill(&v, nil)
}

// Subject returns the subject as d gets it, decoded.
func (m *Message) Subject(d Delivery) string {
	v := m.values(d, audience.PurposeProof)
	return m.subject.fill(&v, nil)
}

func purposeOf(proof bool) audience.Purpose {
	if proof {
		return audience.PurposeProof
	}
	return audience.PurposeUnsubscribe
}
