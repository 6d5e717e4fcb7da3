package send

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"sync/atomic"

	"lede/audience"
	"lede/compose"
)

// Message is a letter compiled for sending: everything that all recipients
// share is encoded once, and a recipient's mail is put together by copying.
// It may be used by many lanes at once.
type Message struct {
	sender   Sender
	envelope address // envelope sender (RFC 5321, 4.4: where bounces go); with VERP its local part is only the beginning
	from     address
	utf8     bool // one of our own addresses needs SMTPUTF8
	tokens   *audience.Signer
	signing  *signing // nil: not signed

	subject part
	text    part
	html    part // with links to the pictures that the mail carries

	// What stands in every mail, in this order: Date, head, List-Unsubscribe,
	// To, Subject, Message-ID, Feedback-ID, tail, body.
	head  []byte // From, Reply-To
	fixed []byte // Subject, if it is the same for all
	leave []byte // what follows the https address in List-Unsubscribe
	lists string // second part of Feedback-ID
	tail  []byte // list headers, MIME headers, the empty line
	body  body

	issue atomic.Pointer[issue] // of the edition that was asked for last
}

// longestEdition is how many characters an edition's id may have. Ours have 16.
const longestEdition = 64

// longestLink is the longest link that may stand in a header line (RFC 5322,
// 2.1.1: 998 characters, with the header's name and brackets).
const longestLink = 900

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
	m.tokens = s.Keys.Signer()
	if err := m.checkLinks(); err != nil {
		return err
	}
	if m.from, err = checkAddress(s.From.Address); err != nil {
		return fmt.Errorf("from: %w", err)
	}
	if m.envelope, err = s.envelope(); err != nil {
		return err
	}
	if err := m.checkVERP(); err != nil {
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
	if s.ListID != "" {
		if s.ListID, err = asciiDomain(s.ListID); err != nil {
			return fmt.Errorf("list_id: it %w (RFC 2919)", err)
		}
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
	m.tail = m.appendTail(nil)
	m.signing, err = s.signing()
	return err
}

// checkLinks makes sure that a link of ours can stand in a header, in a line of
// its own, and in a body that is not encoded.
func (m *Message) checkLinks() error {
	base := m.sender.BaseURL
	for i := 0; i < len(base); i++ {
		if c := base[i]; c <= ' ' || c > '~' || strings.IndexByte(`<>"\`, c) >= 0 {
			return fmt.Errorf("base_url: it holds the character %q", c)
		}
	}
	for i := 0; i < len(m.sender.Archive); i++ {
		if c := m.sender.Archive[i]; c <= ' ' || c > '~' || strings.IndexByte(`<>"\`, c) >= 0 {
			return fmt.Errorf("the archive's address: it holds the character %q", c)
		}
	}
	if n := max(len(m.longLink()), len(m.sender.Archive)); n > longestLink {
		return fmt.Errorf("base_url and the newsletter's id make links of %d characters, %d at most fit into a header", n, longestLink)
	}
	return nil
}

// longLink is as long as any link in a mail.
func (m *Message) longLink() string {
	return m.sender.BaseURL + "/u/" + string(m.tokens.AppendToken(nil, audience.Token{
		Newsletter: m.sender.Newsletter,
		Subscriber: -1, // takes the most room
		Edition:    strings.Repeat("x", longestEdition),
	}))
}

// envelope returns the envelope sender.
func (s *Sender) envelope() (address, error) {
	if s.BounceAddress == "" {
		if s.VERP {
			return address{}, errors.New("verp: it needs a bounce_address")
		}
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
func (m *Message) compileLetter(l compose.Letter) error {
	fields, err := checkFields(l.Fields)
	if err != nil {
		return err
	}
	if m.subject, err = cut(clean(l.Subject, 0), fields); err != nil {
		return fmt.Errorf("subject: %w", err)
	}
	for _, f := range m.subject.fields {
		if f.Name != compose.FieldSubscriberName {
			return fmt.Errorf("subject: the field %q is a link, which no subject can hold", f.Name)
		}
	}
	if m.text, err = cutBody(l.Text, fields); err != nil {
		return fmt.Errorf("text: %w", err)
	}
	if m.html, err = cutBody(l.HTML, fields); err != nil {
		return fmt.Errorf("html: %w", err)
	}
	page, pictures := m.carry(l.HTML)
	mailed, err := cutBody(page, fields)
	if err != nil {
		return fmt.Errorf("html: %w", err)
	}
	if len(m.subject.fields) == 0 {
		m.fixed = appendText(nil, "Subject", []byte(m.subject.literals[0]))
	}
	// "=_" cannot occur in quoted-printable and is kept out of 7bit, so no body
	// can hold the boundary (RFC 2045, 6.7).
	sum := sha256.Sum256([]byte(l.Subject + "\x00" + l.Text + "\x00" + l.HTML))
	boundary, inner := "=_"+base32.StdEncoding.EncodeToString(sum[:15]), "=_"+base32.StdEncoding.EncodeToString(sum[15:30])
	m.tail = fmt.Appendf(m.tail, "Content-Type: multipart/alternative;\r\n boundary=%q\r\n\r\n", boundary)
	link := m.longLink()
	m.body.literal(fmt.Appendf(nil, "--%s\r\n", boundary))
	m.body.part("text/plain", &m.text, link)
	m.body.literal(fmt.Appendf(nil, "\r\n--%s\r\n", boundary))
	if len(pictures) > 0 {
		m.body.related(&mailed, pictures, link, inner, m.contentID)
	} else {
		m.body.part("text/html", &mailed, link)
	}
	m.body.literal(fmt.Appendf(nil, "\r\n--%s--\r\n", boundary))
	m.body.close()
	if m.signing != nil {
		return m.signing.share(&m.body)
	}
	return nil
}

// appendTail appends the headers that come from the sender and are the same in
// every mail.
func (m *Message) appendTail(dst []byte) []byte {
	s := &m.sender
	if s.ListID != "" {
		dst = append(dst, "List-Id: "...)
		col := len("List-Id: ")
		dst, col = appendPhrase(dst, []byte(clean(s.Name, longestName)), col)
		if dst[len(dst)-2] != ':' && col+len(s.ListID)+2 > foldAt {
			dst = append(dst[:len(dst)-1], "\r\n "...)
		}
		dst = fmt.Appendf(dst, "<%s>\r\n", s.ListID)
	}
	if s.Archive != "" {
		dst = fmt.Appendf(dst, "List-Archive: <%s>\r\n", s.Archive)
	}
	// Nobody can post to a newsletter (RFC 2369, 3.4).
	dst = append(dst, "List-Post: NO\r\n"...)
	// One click, no page, no login (RFC 8058).
	dst = append(dst, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"...)
	dst = append(dst, "Precedence: bulk\r\n"...)
	// Asks Exchange for no absence notices; bounces are still wanted.
	dst = append(dst, "X-Auto-Response-Suppress: OOF, AutoReply\r\n"...)
	return append(dst, "MIME-Version: 1.0\r\n"...)
}
