package send

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"
)

// TestNoticeWithMail: the attached mail comes out byte for byte, whatever is in
// it, and the notice is one that no automaton answers.
func TestNoticeWithMail(t *testing.T) {
	from := Sender{Newsletter: "harbour", Name: "The Harbour Letter", From: mail.Address{Name: "The Harbour Letter", Address: "letter@example.org"}, BaseURL: "https://news.example.org"}
	const whole = "From: a@example.org\r\nSubject: Adder\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nShe came in.\r\n"
	for _, tt := range []struct{ name, attached string }{
		{"a mail", whole},
		{"with parts of its own", "MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\n\r\nAdder\r\n--x--\r\n"},
		{"that holds the notice's boundary", whole + "--notice-id42\r\nContent-Type: text/html\r\n\r\n<b>\r\n--notice-id42--\r\n"},
		{"that holds the next boundary too", whole + "--notice-id42\r\n--notice-id42-x\r\n--notice-id42-x-x--\r\n"},
		{"without an end of line", strings.TrimSuffix(whole, "\r\n")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			notice, err := NoticeWithMail(from, "ines@example.org", "Proof – für 07:00", "It waits.\n\nTo approve it: …", []byte(tt.attached), time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC), "id42")
			if err != nil {
				t.Fatal(err)
			}
			if i := bytes.IndexFunc(notice, func(r rune) bool { return r > '~' }); i >= 0 {
				t.Errorf("not in 7 bits at %d", i)
			}
			m, err := mail.ReadMessage(bytes.NewReader(notice))
			if err != nil {
				t.Fatal(err)
			}
			subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
			if err != nil || subject != "Proof – für 07:00" || m.Header.Get("To") != "<ines@example.org>" && m.Header.Get("To") != "ines@example.org" ||
				m.Header.Get("Auto-Submitted") != "auto-generated" || m.Header.Get("List-Unsubscribe") != "" {
				t.Errorf("%q, %+v, %v", subject, m.Header, err)
			}
			kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
			if err != nil || kind != "multipart/mixed" || len(params["boundary"]) > 70 { // RFC 2046, section 5.1.1
				t.Fatalf("%q %q, %v", kind, params, err)
			}
			parts := multipart.NewReader(m.Body, params["boundary"])
			text, err := parts.NextRawPart()
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(quotedprintable.NewReader(text))
			if err != nil || !strings.Contains(string(body), "To approve it: …") {
				t.Errorf("text %q, %v", body, err)
			}
			attached, err := parts.NextRawPart()
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(attached)
			if err != nil || string(got) != tt.attached || attached.Header.Get("Content-Type") != "message/rfc822" || attached.FileName() != "edition.eml" {
				t.Errorf("attached %q as %q, %v", got, attached.Header, err)
			}
			if _, err := parts.NextRawPart(); err != io.EOF {
				t.Errorf("there is more: %v", err)
			}
		})
	}
}
