package smtptest_test

import (
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"lede/internal/smtptest"
)

func TestSinkCounts(t *testing.T) {
	for _, delay := range []time.Duration{0, 5 * time.Millisecond} {
		t.Run(delay.String(), func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			s := &smtptest.Sink{Pipelining: true, Chunking: true, Delay: delay}
			served := make(chan struct{})
			go func() {
				s.Serve(l)
				close(served)
			}()
			mail := strings.Repeat("A line, and\r\n.another\r\n", 20000)
			for range 3 {
				if err := smtp.SendMail(l.Addr().String(), nil, "a@quay.example", []string{"b@quay.example"}, []byte(mail)); err != nil {
					t.Fatal(err)
				}
			}
			c, err := textproto.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			start := time.Now()
			group := "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<b@c>\r\n" +
				fmt.Sprintf("BDAT %d LAST\r\n%s", len(mail), mail) +
				"RSET\r\nMAIL FROM:<a@b>\r\nRCPT TO:<b@c>\r\nBDAT 3 LAST\r\nabcNOOP\r\nDATA\r\n"
			if _, err := c.W.WriteString(group); err != nil {
				t.Fatal(err)
			}
			if err := c.W.Flush(); err != nil {
				t.Fatal(err)
			}
			for _, code := range []int{220, 250, 250, 250, 250, 250, 250, 250, 250, 250, 354} {
				if _, _, err := c.ReadResponse(code); err != nil {
					t.Fatal(err)
				}
			}
			if took := time.Since(start); took < 2*delay {
				t.Errorf("it took %s, with %s each way", took, delay)
			}
			if err := c.PrintfLine(".\r\nQUIT"); err != nil {
				t.Fatal(err)
			}
			for _, code := range []int{250, 221} {
				if _, _, err := c.ReadResponse(code); err != nil {
					t.Fatal(err)
				}
			}
			_ = l.Close()
			<-served
			// The mail of three bytes does not end in CRLF.
			if s.Mails() != 6 || s.Bad() != 1 || s.Connections() != 4 || s.Bytes() < 4*int64(len(mail)) {
				t.Errorf("%d mails, %d bad, %d connections, %d bytes", s.Mails(), s.Bad(), s.Connections(), s.Bytes())
			}
			if first, last := s.Span(); first.IsZero() || last.Before(first) {
				t.Errorf("from %s to %s", first, last)
			}
		})
	}
}

// What a client must not do with groups of commands is noted.
func TestServerSeesBadGroups(t *testing.T) {
	for name, test := range map[string]struct {
		extensions []string
		says       string
		want       string
	}{
		"group without PIPELINING": {[]string{"8BITMIME"}, "MAIL FROM:<a@b>\r\nRCPT TO:<b@c>\r\n", "without PIPELINING"},
		"mail before 354":          {nil, "MAIL FROM:<a@b>\r\nRCPT TO:<b@c>\r\nDATA\r\nSubject: x\r\n\r\n.\r\n", "came together with DATA"},
		"BDAT without CHUNKING":    {nil, "BDAT 3 LAST\r\n", "BDAT without CHUNKING"},
		"wrong SIZE":               {[]string{"PIPELINING", "CHUNKING", "SIZE"}, "MAIL FROM:<a@b> SIZE=9\r\nRCPT TO:<b@c>\r\nBDAT 3 LAST\r\na\r\n", "SIZE=9 for a mail of 3 bytes"},
		"a good group":             {[]string{"PIPELINING", "CHUNKING", "SIZE"}, "MAIL FROM:<a@b> SIZE=3\r\nRCPT TO:<b@c>\r\nBDAT 3 LAST\r\na\r\nRSET\r\nMAIL FROM:<a@b>\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := &smtptest.Server{Extensions: test.extensions}
			host, port := smtptest.Start(t, s)
			c, err := textproto.Dial("tcp", net.JoinHostPort(host, fmt.Sprint(port)))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, _, err := c.ReadResponse(220); err != nil {
				t.Fatal(err)
			}
			if _, err := c.W.WriteString(test.says); err != nil {
				t.Fatal(err)
			}
			if err := c.PrintfLine("QUIT"); err != nil {
				t.Fatal(err)
			}
			for {
				if code, _, err := c.ReadResponse(0); err != nil || code == 221 {
					break
				}
			}
			faults := strings.Join(s.Faults(), "\n")
			if test.want == "" && faults != "" || !strings.Contains(faults, test.want) {
				t.Errorf("noted %q, want %q", faults, test.want)
			}
		})
	}
}
