package send

import (
	"bytes"
	"errors"
	"fmt"
	"net/mail"
	"time"
)

// Notice writes a short plain mail to somebody who runs the newsletter: what
// became of an edition, what is wrong. It is marked as machine-made (RFC 3834)
// and carries no list headers. id, with to, makes the Message-ID: the same
// notice gets the same one.
func Notice(s Sender, to, subject, text string, date time.Time, id string) ([]byte, error) {
	signing, err := s.signing()
	if err != nil {
		return nil, fmt.Errorf("notice: %w", err)
	}
	buf, err := s.singleHead(to, subject, date, "notice\x00"+id)
	if err != nil {
		return nil, fmt.Errorf("notice: %w", err)
	}
	buf = append(buf, "MIME-Version: 1.0\r\n"+
		"Content-Type: text/plain; charset=utf-8\r\n"+
		"Content-Transfer-Encoding: quoted-printable\r\n\r\n"...)
	buf = appendQP(buf, crlf(text+"\n"))
	if signing != nil {
		return signing.signWhole(buf, date)
	}
	return buf, nil
}

// singleHead writes the header of a mail of our own to one person, up to what
// says how the body is written. id, with to, makes the Message-ID. It is
// marked as machine-made (RFC 3834) and carries no list headers.
func (s Sender) singleHead(to, subject string, date time.Time, id string) ([]byte, error) {
	from, err := checkAddress(s.From.Address)
	if err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	buf := fmt.Appendf(nil, "Date: %s\r\n", date.Format(time.RFC1123Z))
	for _, who := range []struct {
		header string
		mail.Address
	}{{"From", s.From}, {"To", mail.Address{Address: to}}} {
		line, err := appendPerson(nil, who.header, who.Address)
		if err != nil {
			return nil, err
		}
		buf = append(buf, line...)
	}
	buf = appendText(buf, "Subject", []byte(clean(subject, 0)))
	buf = appendMessageID(buf, []byte(id+"\x00"+to), from.domain)
	return append(buf, "Auto-Submitted: auto-generated\r\n"...), nil
}

// NoticeWithMail is Notice with a whole mail attached (message/rfc822; RFC 2046,
// section 5.2.1), which has 7-bit lines as every mail of this package.
func NoticeWithMail(s Sender, to, subject, text string, attached []byte, date time.Time, id string) ([]byte, error) {
	plain := s
	plain.DKIM = nil
	notice, err := Notice(plain, to, subject, text, date, id)
	if err != nil {
		return nil, err
	}
	head, body, found := bytes.Cut(notice, []byte("Content-Type: text/plain"))
	if !found {
		return nil, errors.New("notice: it has no text")
	}
	boundary := "notice-" + id
	for bytes.Contains(attached, []byte(boundary)) {
		boundary += "-x"
	}
	buf := fmt.Appendf(bytes.Clone(head), "Content-Type: multipart/mixed; boundary=%q\r\n\r\n--%s\r\nContent-Type: text/plain%s\r\n--%s\r\n"+
		"Content-Type: message/rfc822\r\nContent-Disposition: attachment; filename=\"edition.eml\"\r\n\r\n", boundary, boundary, body, boundary)
	buf = append(buf, attached...)
	buf = fmt.Appendf(buf, "\r\n--%s--\r\n", boundary)
	signing, err := s.signing()
	if err != nil {
		return nil, fmt.Errorf("notice: %w", err)
	}
	if signing != nil {
		return signing.signWhole(buf, date)
	}
	return buf, nil
}
