package send

import (
	"fmt"
	"net/mail"
	"time"
)

// Notice writes a short plain mail to somebody who runs the newsletter: what
// became of an edition, what is wrong. It is marked as machine-made (RFC 3834)
// and carries no list headers. id, with to, makes the Message-ID: the same
// notice gets the same one.
func Notice(s Sender, to, subject, text string, date time.Time, id string) ([]byte, error) {
	from, err := checkAddress(s.From.Address)
	if err != nil {
		return nil, fmt.Errorf("notice: from: %w", err)
	}
	signing, err := s.signing()
	if err != nil {
		return nil, fmt.Errorf("notice: %w", err)
	}
	buf := fmt.Appendf(nil, "Date: %s\r\n", date.Format(time.RFC1123Z))
	for _, who := range []struct {
		header string
		mail.Address
	}{{"From", s.From}, {"To", mail.Address{Address: to}}} {
		line, err := appendPerson(nil, who.header, who.Address)
		if err != nil {
			return nil, fmt.Errorf("notice: %w", err)
		}
		buf = append(buf, line...)
	}
	buf = appendText(buf, "Subject", []byte(clean(subject, 0)))
	buf = appendMessageID(buf, []byte("notice\x00"+id+"\x00"+to), from.domain)
	buf = append(buf, "Auto-Submitted: auto-generated\r\n"+
		"MIME-Version: 1.0\r\n"+
		"Content-Type: text/plain; charset=utf-8\r\n"+
		"Content-Transfer-Encoding: quoted-printable\r\n\r\n"...)
	buf = appendQP(buf, crlf(text+"\n"))
	if signing != nil {
		return signing.signWhole(buf, date)
	}
	return buf, nil
}
