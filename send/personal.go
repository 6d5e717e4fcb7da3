package send

import (
	"bytes"
	"fmt"
	"net/mail"
	"time"
)

// Personal writes a mail of our own to one person, as text and HTML: it asks for
// a confirmation, or brings a link. It is marked as machine-made (RFC 3834),
// carries neither list headers nor Precedence, and is signed as the newsletter's
// letters are. id, with to, makes the Message-ID: a mail that is posted again
// carries the same one, so that a receiver can drop the second.
func Personal(s Sender, to, subject, text, html string, date time.Time, id string) ([]byte, error) {
	signing, err := s.signing()
	if err != nil {
		return nil, fmt.Errorf("mail to a person: %w", err)
	}
	buf, err := s.singleHead(to, subject, date, "personal\x00"+id)
	if err != nil {
		return nil, fmt.Errorf("mail to a person: %w", err)
	}
	if s.ReplyTo != "" {
		if buf, err = appendPerson(buf, "Reply-To", mail.Address{Address: s.ReplyTo}); err != nil {
			return nil, fmt.Errorf("mail to a person: reply_to: %w", err)
		}
	}
	plain, marked := appendQP(nil, crlf(text+"\n")), appendQP(nil, crlf(html+"\n"))
	boundary := "personal-" + id
	for bytes.Contains(plain, []byte(boundary)) || bytes.Contains(marked, []byte(boundary)) {
		boundary += "-x"
	}
	buf = fmt.Appendf(buf, "MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=%q\r\n\r\n", boundary)
	for _, part := range []struct {
		kind string
		body []byte
	}{{"plain", plain}, {"html", marked}} {
		buf = fmt.Appendf(buf, "--%s\r\nContent-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n%s\r\n", boundary, part.kind, part.body)
	}
	buf = fmt.Appendf(buf, "--%s--\r\n", boundary)
	if signing != nil {
		return signing.signWhole(buf, date)
	}
	return buf, nil
}
