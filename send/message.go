package send

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"lede/audience"
	"lede/compose"
)

// Message is a letter compiled for sending: everything that all recipients
// share is encoded once, and a recipient's mail is put together by copying.
// It may be used by many lanes at once.
type Message struct {
	sender   Sender
	envelope address // envelope sender (RFC 5321, 4.4: where bounces go)
	from     address
	utf8     bool // one of our own addresses needs SMTPUTF8

	subject part
	text    part
	html    part

	// What stands in every mail, in this order: Date, head, To, Subject,
	// Message-ID, List-Unsubscribe, tail, bodies.
	head     []byte // From, Reply-To
	fixed    []byte // Subject, if it is the same for all
	leave    []byte // what follows the https address in List-Unsubscribe
	lists    string // second part of Feedback-ID
	tail     []byte // list headers, MIME headers, up to the text part's body
	between  []byte // from the end of the text part to the HTML part's body
	end      []byte // closes the multipart
	signOpts *signing
}

// Compile readies a letter for sending. It fails on whatever would go wrong in
// every mail: a field that nothing fills, a token left in the text, an address
// of the sender that is none, a weak DKIM key.
func Compile(l compose.Letter, s Sender) (*Message, error) {
	m := &Message{sender: s}
	if err := m.compileSender(); err != nil {
		return nil, fmt.Errorf("newsletter %s: %w", s.Newsletter, err)
	}
	if err := m.compileLetter(l); err != nil {
		return nil, fmt.Errorf("newsletter %s: letter: %w", s.Newsletter, err)
	}
	return m, nil
}

// compileSender checks the sender and sets the headers that come from it.
func (m *Message) compileSender() (err error) {
	s := &m.sender
	if s.Keys == nil || len(s.Keys.Keys[s.Keys.Current]) == 0 {
		return errors.New("no key to sign unsubscribe links with")
	}
	if m.from, err = checkAddress(s.From.Address); err != nil {
		return fmt.Errorf("from: %w", err)
	}
	if m.envelope, err = s.envelope(); err != nil {
		return err
	}
	m.utf8 = m.from.utf8 || m.envelope.utf8
	if m.head, err = appendPerson(nil, "From", s.From); err != nil {
		return err
	}
	if s.ReplyTo != "" {
		replyTo, err := appendPerson(nil, "Reply-To", mail.Address{Address: s.ReplyTo})
		if err != nil {
			return err
		}
		m.head = append(m.head, replyTo...)
	}
	m.leave = []byte(">")
	if s.UnsubscribeMailbox != "" {
		mailbox, err := checkAddress(s.UnsubscribeMailbox)
		if err != nil {
			return fmt.Errorf("unsubscribe_mailbox: %w", err)
		}
		m.leave = append(m.leave, ",\r\n <mailto:"...)
		m.leave = append(appendMailto(m.leave, mailbox), "?subject=unsubscribe>"...)
	}
	m.leave = append(m.leave, '\r', '\n')
	m.lists = strings.Join(s.Lists, "+")
	m.signOpts, err = s.signing()
	return err
}

// envelope returns the envelope sender.
func (s *Sender) envelope() (address, error) {
	if s.BounceAddress == "" {
		return checkAddress(s.From.Address)
	}
	a, err := checkAddress(s.BounceAddress)
	if err != nil {
		return address{}, fmt.Errorf("bounce_address: %w", err)
	}
	return a, nil
}

// appendMailto appends an address as it stands in a mailto URL (RFC 6068).
func appendMailto(dst []byte, a address) []byte {
	for _, c := range []byte(a.String()) {
		if plainQ(c) || strings.IndexByte("@._~[]:", c) >= 0 {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return dst
}

// compileLetter cuts and encodes subject and bodies.
func (m *Message) compileLetter(l compose.Letter) (err error) {
	if err := checkFields(l.Fields); err != nil {
		return err
	}
	if m.subject, err = cut(clean(l.Subject, 0), l.Fields); err != nil {
		return fmt.Errorf("subject: %w", err)
	}
	if m.text, err = compileBody(l.Text, l.Fields); err != nil {
		return fmt.Errorf("text: %w", err)
	}
	if m.html, err = compileBody(l.HTML, l.Fields); err != nil {
		return fmt.Errorf("html: %w", err)
	}
	if len(m.subject.fields) == 0 {
		m.fixed = appendText(nil, "Subject", []byte(m.subject.literals[0]))
	}
	// "=_" cannot occur in quoted-printable, so no body can hold the boundary
	// (RFC 2045, 6.7).
	sum := sha256.Sum256([]byte(l.Subject + "\x00" + l.Text + "\x00" + l.HTML))
	boundary := "=_" + base32.StdEncoding.EncodeToString(sum[:15])
	m.tail = m.appendTail(nil, boundary)
	m.between = fmt.Appendf(nil, "\r\n--%s\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", boundary)
	m.end = fmt.Appendf(nil, "\r\n--%s--\r\n", boundary)
	return nil
}

// compileBody cuts a body at its fields and encodes the literals.
func compileBody(body string, fields []compose.Field) (part, error) {
	body = string(crlf(body))
	if !strings.HasSuffix(body, "\r\n") {
		body += "\r\n"
	}
	p, err := cut(body, fields)
	if err != nil {
		return part{}, err
	}
	for _, literal := range p.literals {
		p.encoded = append(p.encoded, appendQP(nil, []byte(literal)))
	}
	return p, nil
}

// appendTail appends the headers that are the same in every mail and lead up
// to the text part.
func (m *Message) appendTail(dst []byte, boundary string) []byte {
	s := &m.sender
	if s.ListID != "" {
		dst = append(dst, "List-Id: "...)
		col := len("List-Id: ")
		dst, col = appendPhrase(dst, []byte(clean(s.Name, longestName)), col)
		id := clean(s.ListID, 0)
		if dst[len(dst)-2] != ':' && col+len(id)+2 > foldAt {
			dst = append(dst[:len(dst)-1], "\r\n "...)
		}
		dst = fmt.Appendf(dst, "<%s>\r\n", id)
	}
	// Nobody can post to a newsletter (RFC 2369, 3.4).
	dst = append(dst, "List-Post: NO\r\n"...)
	// One click, no page, no login (RFC 8058).
	dst = append(dst, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"...)
	dst = append(dst, "Precedence: bulk\r\n"...)
	// Asks Exchange for no absence notices; bounces are still wanted.
	dst = append(dst, "X-Auto-Response-Suppress: OOF, AutoReply\r\n"...)
	dst = append(dst, "MIME-Version: 1.0\r\n"...)
	dst = fmt.Appendf(dst, "Content-Type: multipart/alternative;\r\n boundary=%q\r\n\r\n", boundary)
	return fmt.Appendf(dst, "--%s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", boundary)
}

// Append appends the whole mail for one recipient: CRLF line ends, signed if
// the sender has a DKIM key, not dot-stuffed. date is the edition's, so that
// every attempt is the same mail. An address that no mail can be written to is
// an error that concerns this recipient alone.
func (m *Message) Append(buf []byte, d Delivery, date time.Time) ([]byte, error) {
	return m.append(buf, d, date, audience.PurposeUnsubscribe)
}

// Proof returns the mail as an editor's proof: its links carry tokens of
// purpose proof, which change nothing, and its Message-ID is another than the
// edition's, so that a receiver drops neither for the other.
func (m *Message) Proof(d Delivery, date time.Time) ([]byte, error) {
	return m.append(nil, d, date, audience.PurposeProof)
}

func (m *Message) append(buf []byte, d Delivery, date time.Time, purpose audience.Purpose) ([]byte, error) {
	to, err := checkAddress(d.Address)
	if err != nil {
		return buf, err
	}
	start := len(buf)
	v := m.values(d, purpose)

	buf = append(buf, "Date: "...)
	buf = date.AppendFormat(buf, time.RFC1123Z)
	buf = append(buf, '\r', '\n')
	buf = append(buf, m.head...)
	buf = appendName(buf, v.name, to)
	buf = m.appendSubject(buf, &v)
	buf = m.appendID(buf, d, date, purpose)
	buf = append(buf, "List-Unsubscribe: <"...)
	buf = append(buf, v.unsubscribe...)
	buf = append(buf, m.leave...)
	buf = m.appendFeedback(buf, d.Edition)
	buf = append(buf, m.tail...)
	buf = m.text.appendBody(buf, &v, false)
	buf = append(buf, m.between...)
	buf = m.html.appendBody(buf, &v, true)
	buf = append(buf, m.end...)

	if m.signOpts != nil {
		return m.signOpts.sign(buf, start)
	}
	return buf, nil
}

// needsUTF8 says that the mail can only be sent where SMTPUTF8 is offered (RFC
// 6531).
func (m *Message) needsUTF8(to address) bool { return m.utf8 || to.utf8 }

// values works out what fills the fields for d.
func (m *Message) values(d Delivery, purpose audience.Purpose) values {
	token := m.sender.Keys.Sign(audience.Token{
		Purpose:    purpose,
		Newsletter: m.sender.Newsletter,
		Subscriber: d.Subscriber,
		Salt:       d.Salt,
		Edition:    d.Edition,
	})
	page := d.Edition
	if purpose == audience.PurposeProof {
		page = token
	}
	return values{
		name:        clean(d.Name, longestName),
		unsubscribe: m.sender.BaseURL + "/u/" + token,
		view:        m.sender.BaseURL + "/e/" + page,
	}
}

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
			buf = append(buf, clean(v.of(m.subject.fields[i]), 0)...)
		}
	}
	end := len(buf)
	buf = appendText(buf, "Subject", buf[start:end])
	return closeGap(buf, start, end)
}

// closeGap takes buf[start:end], which was only needed to encode what follows
// it, out of buf.
func closeGap(buf []byte, start, end int) []byte {
	n := copy(buf[start:], buf[end:])
	return buf[:start+n]
}

// appendID appends the Message-ID. It tells nothing about the recipient and is
// the same at every attempt.
func (m *Message) appendID(buf []byte, d Delivery, date time.Time, purpose audience.Purpose) []byte {
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

// appendFeedback appends the header by which large receivers report complaints
// per edition. It holds nothing personal.
func (m *Message) appendFeedback(buf []byte, edition string) []byte {
	buf = append(buf, "Feedback-ID: "...)
	for i, field := range [...]string{edition, m.lists, m.sender.Newsletter, m.sender.FeedbackSender} {
		if i > 0 {
			buf = append(buf, ':')
		}
		for j := 0; j < len(field); j++ {
			if c := field[j]; c > ' ' && c < 0x7f && c != ':' {
				buf = append(buf, c)
			}
		}
	}
	return append(buf, '\r', '\n')
}

// appendBody appends an encoded body. Each value is encoded alone, between soft
// breaks, so that the literals keep their lines.
func (p *part) appendBody(buf []byte, v *values, asHTML bool) []byte {
	for i, encoded := range p.encoded {
		buf = append(buf, encoded...)
		if i == len(p.fields) {
			break
		}
		value := v.of(p.fields[i])
		if value != "" && len(encoded) > 0 {
			buf = append(buf, softBreak...)
		}
		start := len(buf)
		if asHTML {
			buf = appendEscaped(buf, value)
		} else {
			buf = append(buf, value...)
		}
		end := len(buf)
		buf = appendQP(buf, buf[start:end])
		buf = append(closeGap(buf, start, end), softBreak...)
	}
	return buf
}

// HTML returns the HTML part as d gets it, decoded.
func (m *Message) HTML(d Delivery, proof bool) string {
	v := m.values(d, purposeOf(proof))
	return m.html.fill(&v, func(s string) string { return string(appendEscaped(nil, s)) })
}

// Text returns the text part as d gets it, decoded; its lines end in CRLF.
func (m *Message) Text(d Delivery, proof bool) string {
	v := m.values(d, purposeOf(proof))
	return m.text.fill(&v, nil)
}

// Subject returns the subject as d gets it, decoded.
func (m *Message) Subject(d Delivery) string {
	v := m.values(d, audience.PurposeProof)
	return m.subject.fill(&v, func(s string) string { return clean(s, 0) })
}

func purposeOf(proof bool) audience.Purpose {
	if proof {
		return audience.PurposeProof
	}
	return audience.PurposeUnsubscribe
}
