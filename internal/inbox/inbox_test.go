package inbox

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/smtp"
	"net/url"
	"strings"
	"testing"
	"time"
)

// sample is a letter as Lede sends it, shortened.
func sample(to, subject string) string {
	return strings.ReplaceAll(fmt.Sprintf(`From: The Harbour Letter <letter@example.org>
To: %s
Subject: %s
Date: Tue, 24 Nov 2026 06:30:00 +0000
Message-ID: <0f1e2d3c@example.org>
List-Id: "The Harbour Letter" <harbour.example.org>
List-Unsubscribe: <https://news.example.org/u/abc>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary=b1

--b1
Content-Type: text/plain; charset=utf-8

Eel traps are cut at Low Sluice.

--b1
Content-Type: multipart/related; boundary=b2

--b2
Content-Type: text/html; charset=utf-8

<!doctype html><html><head><title>x</title></head><body><h1>The Harbour Letter</h1>
<p><a href="https://example.org/eels">Eel traps</a> <img src="cid:pic@example.org" alt="A dot" width="1" height="1">
<img src="https://tracker.example/o.gif" alt=""></p><script>parent.document.title="hit"</script></body></html>

--b2
Content-Type: image/png
Content-ID: <pic@example.org>
Content-Transfer-Encoding: base64

iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==
--b2--
--b1--
`, to, subject), "\n", "\r\n")
}

// start runs an inbox on loopback and returns its SMTP address and its page.
func start(t *testing.T, o Options) (*Inbox, string, *httptest.Server) {
	t.Helper()
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	b := New(o)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- b.ServeSMTP(ctx, ln) }()
	page := httptest.NewServer(b.Handler())
	t.Cleanup(func() {
		page.Close()
		cancel()
		if err := <-stopped; err != nil {
			t.Errorf("ServeSMTP: %v", err)
		}
	})
	return b, ln.Addr().String(), page
}

func get(t *testing.T, address string) (int, http.Header, string) {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(body)
}

func TestTakesMailAndShowsIt(t *testing.T) {
	b, addr, page := start(t, Options{})
	raw := sample("odile@northpost.example", "Ferry to Skerrow sails again")
	err := smtp.SendMail(addr, smtp.PlainAuth("", "any", "thing", "127.0.0.1"), "bounces@example.org",
		[]string{"odile@northpost.example", "ada@northpost.example"}, []byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	mails := b.Mails()
	if len(mails) != 1 || b.Count() != 1 {
		t.Fatalf("kept %d, counted %d, want 1 and 1", len(mails), b.Count())
	}
	m := mails[0]
	if string(m.Raw) != raw {
		t.Errorf("the mail changed on its way in:\n%q\nwant\n%q", m.Raw, raw)
	}
	if m.From != "bounces@example.org" || strings.Join(m.To, " ") != "odile@northpost.example ada@northpost.example" || m.TLS || !m.Unread {
		t.Errorf("envelope: %+v", m)
	}

	_, _, list := get(t, page.URL)
	for _, want := range []string{"1 mail,", "odile@northpost.example", "and 1 more", "Ferry to Skerrow sails again", `class="unread"`, addr} {
		if !strings.Contains(list, want) {
			t.Errorf("the list lacks %q", want)
		}
	}
	_, _, mail := get(t, page.URL+"/mail/1")
	for _, want := range []string{
		"&lt;letter@example.org&gt;", "Tue 24 Nov 2026, 06:30:00", "bounces@example.org", "no TLS",
		"One-click, https", `href="https://news.example.org/u/abc"`, `src="/mail/1/html?look=desktop"`,
	} {
		if !strings.Contains(mail, want) {
			t.Errorf("the mail's page lacks %q", want)
		}
	}
	if strings.Contains(mail, `class="unread"`) {
		t.Error("a mail that was opened is still unread")
	}
	if _, _, text := get(t, page.URL+"/mail/1?view=text"); !strings.Contains(text, "Eel traps are cut at Low Sluice.") {
		t.Error("the text view lacks the text")
	}
	if _, _, source := get(t, page.URL+"/mail/1?view=source"); !strings.Contains(source, "boundary=b1") {
		t.Error("the source view lacks the source")
	}
	if _, _, headers := get(t, page.URL+"/mail/1?view=headers"); !strings.Contains(headers, `<th scope="row">List-Unsubscribe-Post</th>`) {
		t.Error("the headers view lacks a field")
	}
	_, header, file := get(t, page.URL+"/mail/1/raw")
	if file != raw || !strings.Contains(header.Get("Content-Disposition"), "mail-1.eml") {
		t.Error("the download is not the mail")
	}
	var listed []struct {
		ID      int64
		To      []string
		Subject string
	}
	_, _, answer := get(t, page.URL+"/mails.json")
	if err := json.Unmarshal([]byte(answer), &listed); err != nil || len(listed) != 1 || listed[0].Subject != "Ferry to Skerrow sails again" {
		t.Errorf("mails.json: %v, %s", err, answer)
	}
}

func TestFrame(t *testing.T) {
	b, _, page := start(t, Options{})
	b.keep(&Mail{Raw: []byte(sample("a@b.example", "x"))})
	_, header, framed := get(t, page.URL+"/mail/1/html")
	policy := header.Get("Content-Security-Policy")
	for _, want := range []string{"sandbox allow-popups", "default-src 'none'", "img-src 'self' data: http://127.0.0.1:*"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the frame's policy lacks %q: %s", want, policy)
		}
	}
	if strings.Contains(policy, "allow-scripts") || strings.Contains(policy, "allow-same-origin") {
		t.Errorf("the frame's policy allows too much: %s", policy)
	}
	if !strings.Contains(framed, `src="/mail/1/inline/pic@example.org"`) {
		t.Errorf("a picture of the mail is not shown: %s", framed)
	}
	status, header, _ := get(t, page.URL+"/mail/1/inline/pic@example.org")
	if status != 200 || header.Get("Content-Type") != "image/png" {
		t.Errorf("inline picture: %d %s", status, header.Get("Content-Type"))
	}
	if status, _, _ := get(t, page.URL+"/mail/1/inline/other"); status != 404 {
		t.Errorf("an unknown inline picture: %d", status)
	}
	_, header, _ = get(t, page.URL+"/mail/1/html?look=off")
	if !strings.Contains(header.Get("Content-Security-Policy"), "img-src 'none'") {
		t.Error("pictures are not off")
	}
}

func TestSearchAndPaging(t *testing.T) {
	b, _, page := start(t, Options{})
	for i := range rowsShown + 5 {
		b.keep(&Mail{To: []string{fmt.Sprintf("reader%03d@northpost.example", i)}, Raw: []byte(sample("x@y.example", "Tide Table"))})
	}
	b.keep(&Mail{To: []string{"zoë@fjärden.example"}, Raw: []byte("Subject: =?utf-8?q?F=C3=A4hre?=\r\n\r\nBody with lanterns.\r\n")})
	for _, c := range []struct {
		query string
		rows  int
	}{{"zoë", 1}, {"FÄHRE", 1}, {"lanterns", 1}, {"tide reader003", 1}, {"tide", rowsShown}, {"nowhere", 0}, {"", rowsShown}} {
		_, _, body := get(t, page.URL+"/?q="+url.QueryEscape(c.query))
		if got := strings.Count(body, `<li>`); got != c.rows {
			t.Errorf("search %q: %d rows, want %d", c.query, got, c.rows)
		}
	}
	_, _, body := get(t, page.URL+"/?q=nowhere")
	if !strings.Contains(body, "No mail has these words.") {
		t.Error("an empty search does not say so")
	}
	_, _, body = get(t, page.URL+"/")
	_, rest, found := strings.Cut(body, `<p class="older"><a href="`)
	if !found {
		t.Fatal("no link to older mails")
	}
	address, _, _ := strings.Cut(rest, `"`)
	_, _, older := get(t, page.URL+strings.ReplaceAll(address, "&amp;", "&"))
	if got := strings.Count(older, `<li>`); got != 6 {
		t.Errorf("older mails: %d rows, want 6", got)
	}
}

func TestDelete(t *testing.T) {
	b, _, page := start(t, Options{})
	b.keep(&Mail{Raw: []byte("Subject: one\r\n\r\n")})
	b.keep(&Mail{Raw: []byte("Subject: two\r\n\r\n")})
	if res, err := http.Get(page.URL + "/delete"); err != nil || res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET /delete: %v %v", res.StatusCode, err)
	}
	for _, c := range []struct {
		path, origin string
		left         int
	}{
		{"/delete", "https://evil.example", 2},
		{"/mail/1/delete", "https://evil.example", 2},
		{"/mail/1/delete", "", 1},
		{"/delete", page.URL, 0},
	} {
		r, _ := http.NewRequest("POST", page.URL+c.path, nil)
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if got := len(b.Mails()); got != c.left {
			t.Errorf("POST %s from %q: %d mails left, want %d", c.path, c.origin, got, c.left)
		}
	}
	if b.Count() != 2 {
		t.Errorf("Count is %d after deleting, want 2 as taken", b.Count())
	}
	if status, _, _ := get(t, page.URL+"/mail/1"); status != 404 {
		t.Errorf("a deleted mail answers %d", status)
	}
}

func TestKeepsWithinLimits(t *testing.T) {
	b := New(Options{MaxMails: 3, MaxBytes: 250})
	for range 5 {
		b.keep(&Mail{Raw: make([]byte, 100)})
	}
	mails := b.Mails()
	if len(mails) != 2 || mails[0].ID != 4 || b.status().Bytes != 200 || b.Count() != 5 {
		t.Errorf("kept %d from %d, %d bytes, counted %d", len(mails), mails[0].ID, b.status().Bytes, b.Count())
	}
	b.keep(&Mail{Raw: make([]byte, 1000)})
	if mails := b.Mails(); len(mails) != 1 || mails[0].ID != 6 {
		t.Errorf("one mail over the limit alone is not kept: %d mails", len(mails))
	}
}

// dialog speaks raw SMTP and returns the last reply.
func dialog(t *testing.T, addr string, lines ...string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	in := bufio.NewReader(c)
	reply := func() string {
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return "closed: " + err.Error()
			}
			if len(line) < 4 || line[3] != '-' {
				return strings.TrimSpace(line)
			}
		}
	}
	last := reply()
	for _, line := range lines {
		if _, err := io.WriteString(c, line); err != nil {
			return "closed: " + err.Error()
		}
		last = reply()
	}
	return last
}

func TestSMTPEdges(t *testing.T) {
	b, addr, _ := start(t, Options{MaxMail: 2000})
	hello := []string{"EHLO me.example\r\n", "MAIL FROM:<>\r\n", "RCPT TO:<a@b.example>\r\n", "DATA\r\n"}
	for _, c := range []struct {
		name, data, reply string
		mails             int
	}{
		{"only CRLF.CRLF ends a mail", "Subject: one\r\n\r\na\n.\nMAIL FROM:<evil@x.example>\n.\r\nb\r\n.\r\n", "250", 1},
		{"a stuffed dot comes off", "Subject: one\r\n\r\n..dot\r\n.\r\n", "250", 1},
		{"too large", strings.Repeat("0123456789\r\n", 300) + ".\r\n", "552", 0},
	} {
		b.clear()
		if got := dialog(t, addr, append(hello, c.data)...); !strings.HasPrefix(got, c.reply) {
			t.Errorf("%s: reply %q, want %s", c.name, got, c.reply)
		}
		if got := len(b.Mails()); got != c.mails {
			t.Errorf("%s: %d mails, want %d", c.name, got, c.mails)
		}
	}
	for _, c := range []struct {
		name  string
		lines []string
		reply string
	}{
		{"AUTH PLAIN", []string{"EHLO me\r\n", "AUTH PLAIN AGFueQB0aGluZw==\r\n"}, "235"},
		{"AUTH LOGIN", []string{"EHLO me\r\n", "AUTH LOGIN\r\n", "YW55\r\n", "dGhpbmc=\r\n"}, "235"},
		{"AUTH LOGIN with the name", []string{"EHLO me\r\n", "AUTH LOGIN YW55\r\n", "dGhpbmc=\r\n"}, "235"},
		{"SMTPUTF8", []string{"EHLO me\r\n", "MAIL FROM:<ö@example.org> SMTPUTF8\r\n", "RCPT TO:<zoë@fjärden.example>\r\n"}, "250"},
		{"BDAT", append(hello[:3:3], "BDAT 16 LAST\r\nSubject: b\r\n\r\n\r\n"), "250"},
		{"SIZE too large", []string{"EHLO me\r\n", "MAIL FROM:<a@b.example> SIZE=99999\r\n"}, "552"},
	} {
		if got := dialog(t, addr, c.lines...); !strings.HasPrefix(got, c.reply) {
			t.Errorf("%s: reply %q, want %s", c.name, got, c.reply)
		}
	}
}

func TestUnsubscribeLine(t *testing.T) {
	const post = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
	for _, c := range []struct {
		header, words string
		oneClick      bool
	}{
		{"", "No List-Unsubscribe: right for a notice, wrong for a newsletter", false},
		{"List-Unsubscribe: <https://x.example/u/1>\r\n" + post, "One-click, https", true},
		{"List-Unsubscribe: <mailto:a@x.example>,\r\n <https://x.example/u/1>\r\n" + post, "One-click, https", true},
		{"List-Unsubscribe: <http://127.0.0.1:9000/u/1>\r\n" + post, "One-click, http on this machine", true},
		{"List-Unsubscribe: <http://x.example/u/1>\r\n" + post, "Not one-click: the address must be https", false},
		{"List-Unsubscribe: <https://x.example/u/1>\r\n", "Not one-click: no List-Unsubscribe-Post", false},
		{"List-Unsubscribe: <mailto:a@x.example>\r\n" + post, "Not one-click: no https address, only mail", false},
		{"List-Unsubscribe: <https://>\r\n" + post, "Not one-click: the address is broken", false},
		{"List-Unsubscribe: <https://x.example/u/1>\r\nList-Unsubscribe-Post: yes\r\n", "Not one-click: List-Unsubscribe-Post must be List-Unsubscribe=One-Click", false},
	} {
		got := Parse([]byte(c.header + "Subject: x\r\n\r\n")).Unsubscribe
		if got.Words != c.words || got.OneClick != c.oneClick {
			t.Errorf("%q: %+v, want %q", c.header, got, c.words)
		}
	}
}

func TestBrokenMailsAreShown(t *testing.T) {
	deep := "Content-Type: multipart/mixed; boundary=a\r\n\r\n" + strings.Repeat("--a\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n", 5000)
	for name, raw := range map[string]string{
		"empty":              "",
		"no header":          "\r\nhello",
		"binary":             "\x00\xff\xfe\r\n\x80",
		"deeply nested":      deep,
		"huge header":        strings.Repeat("X-A: b\r\n", 200000) + "\r\nx",
		"one folded field":   "Subject: x\r\n" + strings.Repeat(" y\r\n", 200000) + "\r\nx",
		"no boundary":        "Content-Type: multipart/mixed\r\n\r\nx",
		"bad base64":         "Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!",
		"unknown charset":    "Content-Type: text/plain; charset=x-none\r\n\r\nabc",
		"encoded words":      "Subject: " + strings.Repeat("=?utf-8?q?a?= ", 20000) + "\r\n\r\nx",
		"a million commas":   "From: " + strings.Repeat(",", 1000000) + "\r\n\r\nx",
		"comments in From":   "From: " + strings.Repeat("(", 100000) + "\r\n\r\nx",
		"markup in subject":  "Subject: <script>alert(1)</script>\r\n\r\nx",
		"unsubscribe script": "List-Unsubscribe: <javascript:alert(1)>\r\n\r\nx",
	} {
		t.Run(name, func(t *testing.T) {
			b := New(Options{})
			b.keep(&Mail{To: []string{"a@b.example"}, Raw: []byte(raw)})
			begun := time.Now()
			for _, path := range []string{"/", "/mail/1", "/mail/1?view=source", "/mail/1?view=headers", "/mail/1/html", "/mails.json"} {
				w := httptest.NewRecorder()
				r := httptest.NewRequest("GET", path, nil)
				r.Host = "127.0.0.1:8025"
				b.Handler().ServeHTTP(w, r)
				if w.Code != 200 {
					t.Errorf("%s: %d", path, w.Code)
				}
				if strings.Contains(w.Body.String(), "<script>alert") || strings.Contains(w.Body.String(), `href="javascript`) {
					t.Errorf("%s: markup of the mail is live on the page", path)
				}
			}
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample("a@b.example", "x")))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\nx\r\n--a--"))
	f.Add([]byte("Subject: =?utf-8?b?4oKs?=\r\nFrom: a <b@c>, d\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if Parse(raw) == nil {
			t.Error("no result")
		}
	})
}
