package smtptest_test

import (
	"net"
	"net/smtp"
	"net/textproto"
	"strconv"
	"strings"
	"testing"

	"lede/internal/smtptest"
)

func TestServerRemembers(t *testing.T) {
	s := &smtptest.Server{Script: func(step smtptest.Step) smtptest.Reply {
		if step.Verb == smtptest.Dot && step.Nth == 2 {
			return smtptest.Reply{Text: "552 5.3.4 too big"}
		}
		return smtptest.Reply{}
	}}
	host, port := smtptest.Start(t, s)
	addr := net.JoinHostPort(host, strconv.Itoa(port))
	mail := []byte("Message-ID: <one@quay.example>\r\nSubject: x\r\n\r\n.dot\r\n")
	if err := smtp.SendMail(addr, nil, "a@quay.example", []string{"b@quay.example", "c@quay.example"}, mail); err != nil {
		t.Fatal(err)
	}
	if err := smtp.SendMail(addr, nil, "a@quay.example", []string{"b@quay.example"}, mail); err == nil {
		t.Error("the second mail was not refused")
	}
	mails := s.Mails()
	if len(mails) != 2 || len(s.Received()) != 1 {
		t.Fatalf("%d mails, %d accepted", len(mails), len(s.Received()))
	}
	got := mails[0]
	if got.From != "a@quay.example" || strings.Join(got.To, " ") != "b@quay.example c@quay.example" || string(got.Data) != string(mail) || got.MessageID != "one@quay.example" || !got.Answered {
		t.Errorf("%+v", got)
	}
	if copies := s.Copies(); len(copies["b@quay.example"]) != 1 || len(copies["c@quay.example"]) != 1 {
		t.Errorf("copies %v", copies)
	}
	if faults := s.Faults(); len(faults) > 0 {
		t.Errorf("faults %q", faults)
	}
}

func TestServerSeesFaults(t *testing.T) {
	s := &smtptest.Server{}
	host, port := smtptest.Start(t, s)
	c, err := textproto.Dial("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	say := func(code int, text string) {
		t.Helper()
		if _, err := c.W.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := c.W.Flush(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.ReadResponse(code); err != nil {
			t.Fatal(err)
		}
	}
	say(220, "")
	say(250, "EHLO client.example\n") // no CR
	say(503, "RCPT TO:<a@quay.example>\r\n")
	say(250, "MAIL FROM:<a@quay.example>\r\n")
	say(503, "MAIL FROM:<a@quay.example>\r\n")
	say(501, "RCPT TO:<a@quay.example> NOTIFY=<x>\r\n")
	say(250, "RCPT TO:<a@quay.example>\r\n")
	say(354, "DATA\r\n")
	say(250, "Subject: x\r\n\r\na\nb\rc\r\n.\r\n")
	faults := strings.Join(s.Faults(), "\n")
	for _, want := range []string{"bare LF after", "RCPT without MAIL", "MAIL inside a transaction", "bad RCPT", "bare LF in a mail", "bare CR in a mail"} {
		if !strings.Contains(faults, want) {
			t.Errorf("%s went unnoticed:\n%s", want, faults)
		}
	}
}
