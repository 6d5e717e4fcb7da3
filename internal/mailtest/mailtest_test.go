package mailtest_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/smtp"
	"os"
	"slices"
	"strings"
	"testing"

	"lede/internal/mailtest"
)

const letter = "From: desk@port-averne.example\r\nDate: Tue, 01 Dec 2026 05:40:00 +0000\r\nMessage-ID: <1@port-averne.example>\r\nSubject: Ferry\r\nReceived: this one is ours\r\n\r\nThe Averne Maid\r\n\tsails at 05:40.\r\n..\r\n"

// makes are the servers.
var makes = map[string]func(*testing.T, mailtest.Options) *mailtest.Server{
	"Postfix": mailtest.Postfix,
	"Exim":    mailtest.Exim,
}

// A server takes mail, answers for its recipients, keeps what it has over a
// restart, and the mail comes out of its mailbox as it went in.
func TestServers(t *testing.T) {
	for name, start := range makes {
		t.Run(name, func(t *testing.T) {
			server := start(t, mailtest.Options{Recipient: func(address string) string {
				return map[string]string{
					"gone@northpost.example": "550 5.1.1 no such mailbox",
					"grey@northpost.example": "450 4.2.0 greylisted",
				}[address]
			}})
			for to, want := range map[string]string{"gone": `550 "5.1.1`, "grey": `450 "4.2.0`} {
				if err := send(server, to+"@northpost.example"); err == nil || !strings.HasPrefix(err.Error(), want) {
					t.Errorf("%s: %v, want %s", to, err, want)
				}
			}
			readers := []string{"ines@northpost.example", "jorunn@quay.example"}
			for i, to := range readers {
				if i > 0 {
					server.Restart(0)
				}
				if err := send(server, to); err != nil {
					t.Errorf("%s: %v", to, err)
				}
			}
			var got []string
			for _, m := range server.Mails() {
				if m.From != "desk@port-averne.example" || string(m.Data) != letter || !strings.Contains(m.Trace, "Received:") {
					t.Errorf("from %q, trace %q:\n%q", m.From, m.Trace, m.Data)
				}
				got = append(got, m.To)
			}
			slices.Sort(got)
			if !slices.Equal(got, readers) {
				t.Errorf("got mail: %q", got)
			}
			server.Empty()
			if n := len(server.Mails()); n != 0 {
				t.Errorf("%d mails are left", n)
			}
			if log := server.Log(); !strings.Contains(log, "no such mailbox") {
				t.Errorf("its log:\n%s", log)
			}
		})
	}
}

// send sends the letter by STARTTLS.
func send(server *mailtest.Server, to string) error {
	ca, err := os.ReadFile(server.CA)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	c, err := smtp.Dial(mailtest.Address(server.Port))
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.StartTLS(&tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}); err != nil {
		return err
	}
	if err := errors.Join(c.Mail("desk@port-averne.example"), c.Rcpt(to)); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write([]byte(letter)); err != nil {
		return err
	}
	return errors.Join(w.Close(), c.Quit())
}
