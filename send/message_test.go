package send_test

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
	"unicode/utf8"

	"github.com/jhillyerd/enmime/v2"

	"lede/audience"
	"lede/compose"
	"lede/send"
)

const (
	tokenName  = "LF0123456789abcdefx0Z"
	tokenLeave = "LF0123456789abcdefx1Z"
	tokenView  = "LF0123456789abcdefx2Z"
)

var editionDate = time.Date(2026, 11, 23, 6, 30, 0, 0, time.UTC)

func testSender() send.Sender {
	return send.Sender{
		Newsletter:         "harbour",
		Name:               "The Harbour Letter",
		From:               mail.Address{Name: "The Harbour Letter", Address: "letter@port-averne.example"},
		ReplyTo:            "letters@port-averne.example",
		BounceAddress:      "bounces@port-averne.example",
		ListID:             "harbour.port-averne.example",
		UnsubscribeMailbox: "leave@port-averne.example",
		BaseURL:            "https://news.port-averne.example",
		FeedbackSender:     "averne",
		Lists:              []string{"harbour"},
		Keys:               &audience.Keyring{Keys: map[uint32][]byte{1: bytes.Repeat([]byte{7}, 32)}, Current: 1},
	}
}

func testLetter() compose.Letter {
	paragraph := "<p>The tide turned at four, and the pilot boat – Saint Brannoc – came in with ice on her rails. Nobody spoke. =3D is not an equals sign.</p>\n"
	return compose.Letter{
		Subject: "Ferry back on Thursday",
		HTML: "<!doctype html><html><body><p>Good morning, " + tokenName + ".</p>\n" +
			strings.Repeat(paragraph, 40) +
			`<p><a href="` + tokenView + `">View in browser</a> <a href="` + tokenLeave + `">Unsubscribe</a></p></body></html>`,
		Text: "Good morning, " + tokenName + ".\n\nThe tide turned at four – at last.\n.a line with a dot\nFrom here on: tar.\ntrailing space \n\nUnsubscribe: " + tokenLeave + "\n",
		Fields: []compose.Field{
			{Token: tokenName, Name: compose.FieldSubscriberName, Fallback: "reader"},
			{Token: tokenLeave, Name: compose.FieldUnsubscribe},
			{Token: tokenView, Name: compose.FieldView},
		},
	}
}

func compile(t testing.TB, l compose.Letter, s send.Sender) *send.Message {
	t.Helper()
	m, err := send.Compile(l, s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func delivery(name, address string) send.Delivery {
	return send.Delivery{Edition: "ed1", Pos: 7, Subscriber: 42, Salt: 99, Address: address, Name: name, Attempt: 1}
}

// read is a mail as the standard library reads it.
type read struct {
	header           mail.Header
	to               *mail.Address
	subject          string
	text, html, head string
}

func readMail(t testing.TB, raw []byte) read {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("reading the mail: %v\n%.2000s", err, raw)
	}
	out := read{header: m.Header}
	head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	out.head = string(head)
	if out.to, err = mail.ParseAddress(m.Header.Get("To")); err != nil {
		t.Fatalf("To %q: %v", m.Header.Get("To"), err)
	}
	if out.subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		t.Fatalf("Subject: %v", err)
	}
	kind, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("Content-Type %q: %v", kind, err)
	}
	parts := multipart.NewReader(m.Body, parameters["boundary"])
	for _, into := range []struct {
		kind string
		text *string
	}{{"text/plain; charset=utf-8", &out.text}, {"text/html; charset=utf-8", &out.html}} {
		p, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Header.Get("Content-Type"); got != into.kind {
			t.Errorf("part %q, want %q", got, into.kind)
		}
		var encoded io.Reader = p
		switch encoding := p.Header.Get("Content-Transfer-Encoding"); encoding {
		case "7bit":
		case "quoted-printable":
			encoded = quotedprintable.NewReader(p)
		default:
			t.Fatalf("Content-Transfer-Encoding %q", encoding)
		}
		b, err := io.ReadAll(encoded)
		if err != nil {
			t.Fatal(err)
		}
		*into.text = string(b)
	}
	if _, err := parts.NextRawPart(); err != io.EOF {
		t.Errorf("a third part: %v", err)
	}
	return out
}

// checkWire checks what every mail must keep to on the wire.
func checkWire(t testing.TB, raw []byte) {
	t.Helper()
	if !bytes.HasSuffix(raw, []byte("\r\n")) {
		t.Error("the mail does not end with its last line")
	}
	for line := range bytes.SplitSeq(bytes.TrimSuffix(raw, []byte("\r\n")), []byte("\r\n")) {
		if bytes.HasPrefix(line, []byte(".")) {
			t.Errorf("DATA would need another full stop before %q", line)
		}
		if bytes.ContainsAny(line, "\r\n") {
			t.Errorf("bare CR or LF in %q", line)
		}
		if len(line) > 78 && !bytes.HasPrefix(line, []byte("Feedback-ID:")) && !bytes.HasPrefix(line, []byte("To: <")) && !bytes.Contains(line, []byte("https://")) && !bytes.HasPrefix(line, []byte(" <")) {
			t.Errorf("line of %d: %q", len(line), line)
		}
		if len(line) > 998 {
			t.Errorf("line of %d", len(line))
		}
	}
	for i, c := range raw {
		if c >= 0x80 || c < ' ' && c != '\r' && c != '\n' && c != '\t' {
			t.Fatalf("byte %#x at %d", c, i)
		}
	}
}

func TestMessage(t *testing.T) {
	m := compile(t, testLetter(), testSender())
	d := delivery("Ines Okafor", "ines@quay.example")
	raw, err := m.Append([]byte("before"), d, editionDate)
	if err != nil {
		t.Fatal(err)
	}
	raw = bytes.TrimPrefix(raw, []byte("before"))
	checkWire(t, raw)
	got := readMail(t, raw)

	token := testSender().Keys.Sign(audience.Token{Purpose: 'u', Newsletter: "harbour", Subscriber: 42, Salt: 99, Edition: "ed1"})
	leave := "https://news.port-averne.example/u/" + token
	for name, want := range map[string]string{
		"Date":                     "Mon, 23 Nov 2026 06:30:00 +0000",
		"From":                     `"The Harbour Letter" <letter@port-averne.example>`,
		"To":                       `"Ines Okafor" <ines@quay.example>`,
		"Reply-To":                 "<letters@port-averne.example>",
		"Subject":                  "Ferry back on Thursday",
		"List-Id":                  `"The Harbour Letter" <harbour.port-averne.example>`,
		"List-Post":                "NO",
		"List-Unsubscribe":         "<" + leave + ">, <mailto:leave@port-averne.example?subject=unsubscribe>",
		"List-Unsubscribe-Post":    "List-Unsubscribe=One-Click",
		"Feedback-Id":              "ed1:harbour:harbour:averne",
		"Precedence":               "bulk",
		"X-Auto-Response-Suppress": "OOF, AutoReply",
		"Mime-Version":             "1.0",
		"Sender":                   "",
		"Return-Path":              "",
		"In-Reply-To":              "",
		"Auto-Submitted":           "",
	} {
		if g := strings.Join(strings.Fields(got.header.Get(name)), " "); g != want {
			t.Errorf("%s: %q, want %q", name, g, want)
		}
	}
	if id := got.header.Get("Message-Id"); len(id) < 30 || !strings.HasSuffix(id, "@port-averne.example>") || strings.Contains(id, "42") && strings.Contains(id, "ed1") {
		t.Errorf("Message-ID %q", id)
	}
	if got.text != m.Text(d, false) {
		t.Errorf("text:\n%q\nwant\n%q", got.text, m.Text(d, false))
	}
	if got.html != m.HTML(d, false) {
		t.Errorf("html differs from the preview's")
	}
	want := strings.NewReplacer(tokenName, "Ines Okafor", tokenLeave, leave, tokenView, "https://news.port-averne.example/e/ed1", "\n", "\r\n").Replace(testLetter().HTML) + "\r\n"
	if got.html != want {
		t.Errorf("html:\n%s\nwant\n%s", got.html, want)
	}
	if e, err := enmime.ReadEnvelope(bytes.NewReader(raw)); err != nil || len(e.Errors) > 0 {
		t.Errorf("enmime: %v %v", err, e.Errors)
	} else if e.HTML != got.html || e.Text != got.text {
		t.Errorf("enmime reads other bodies:\n%q\n%q", e.Text, got.text)
	}
	if strings.Contains(string(raw), "\n.") {
		t.Errorf("a line starts with a full stop")
	}
	again, err := m.Append(nil, d, editionDate)
	if err != nil || !bytes.Equal(again, raw) {
		t.Errorf("a second attempt is another mail (%v)", err)
	}
}

func TestMessageIDs(t *testing.T) {
	m := compile(t, testLetter(), testSender())
	id := func(d send.Delivery) string {
		raw, err := m.Append(nil, d, editionDate)
		if err != nil {
			t.Fatal(err)
		}
		return readMail(t, raw).header.Get("Message-Id")
	}
	base := delivery("", "a@quay.example")
	other := base
	retry := base
	retry.Attempt, retry.Pos = 4, 9
	if id(base) != id(retry) {
		t.Error("an attempt changes the Message-ID")
	}
	seen := map[string]bool{id(base): true}
	other.Subscriber++
	seen[id(other)] = true
	other = base
	other.Edition = "ed2"
	seen[id(other)] = true
	other = base
	other.Salt++
	seen[id(other)] = true
	raw, err := m.Proof(base, editionDate)
	if err != nil {
		t.Fatal(err)
	}
	seen[readMail(t, raw).header.Get("Message-Id")] = true
	if len(seen) != 5 {
		t.Errorf("%d Message-IDs, want 5", len(seen))
	}
}

func TestProofChangesNobody(t *testing.T) {
	s := testSender()
	m := compile(t, testLetter(), s)
	raw, err := m.Proof(delivery("Ines", "ines@quay.example"), editionDate)
	if err != nil {
		t.Fatal(err)
	}
	got := readMail(t, raw)
	proof := s.Keys.Sign(audience.Token{Purpose: 'p', Newsletter: "harbour", Subscriber: 42, Salt: 99, Edition: "ed1"})
	for _, want := range []string{"/u/" + proof, "/e/" + proof} {
		if !strings.Contains(got.html, want) {
			t.Errorf("no %s in the proof", want)
		}
	}
	if leave := got.header.Get("List-Unsubscribe"); !strings.Contains(leave, proof) {
		t.Errorf("List-Unsubscribe: %s", leave)
	}
	if strings.Contains(string(raw), s.Keys.Sign(audience.Token{Purpose: 'u', Newsletter: "harbour", Subscriber: 42, Salt: 99, Edition: "ed1"})) {
		t.Error("a proof holds a live token")
	}
}

func TestSubjects(t *testing.T) {
	long := strings.Repeat("Überfahrt nach Port Averne ", 20)
	for name, test := range map[string]struct{ subject, name, want string }{
		"plain":            {"Ferry back", "", "Ferry back"},
		"umlauts":          {"Fähre fährt – wieder 🚢", "", "Fähre fährt – wieder 🚢"},
		"long":             {long, "", strings.TrimSpace(long)},
		"one long word":    {strings.Repeat("x", 5000), "", strings.Repeat("x", 5000)},
		"line ends":        {"Ferry\r\nBcc: x@evil.example\u2028back\x00", "", "Ferry Bcc: x@evil.example back"},
		"encoded word":     {"=?utf-8?q?evil?=", "", "=?utf-8?q?evil?="},
		"braces":           {`{{env "HOME"}} %s`, "", `{{env "HOME"}} %s`},
		"name":             {tokenName + ", the ferry is back", "Zoë", "Zoë, the ferry is back"},
		"fallback":         {tokenName + ", the ferry is back", " \r\n", "reader, the ferry is back"},
		"hostile name":     {"For " + tokenName, "A\r\nBcc: x@evil.example\r\n\r\n<b>", "For A Bcc: x@evil.example <b>"},
		"empty":            {"", "", ""},
		"many long words":  {strings.Repeat(strings.Repeat("y", 59)+" ", 9), "", strings.TrimSpace(strings.Repeat(strings.Repeat("y", 59)+" ", 9))},
		"space before end": {"a  b ", "", "a b"},
	} {
		t.Run(name, func(t *testing.T) {
			l := testLetter()
			l.Subject = test.subject
			m := compile(t, l, testSender())
			d := delivery(test.name, "a@quay.example")
			raw, err := m.Append(nil, d, editionDate)
			if err != nil {
				t.Fatal(err)
			}
			checkWire(t, raw)
			got := readMail(t, raw)
			if got.subject != test.want {
				t.Errorf("%q, want %q\n%s", got.subject, test.want, got.head)
			}
			if preview := m.Subject(d); preview != test.want {
				t.Errorf("preview %q, want %q", preview, test.want)
			}
			if got.header.Get("Bcc") != "" {
				t.Error("a header was smuggled in")
			}
		})
	}
}

func TestHostileNames(t *testing.T) {
	m := compile(t, testLetter(), testSender())
	names := []string{
		"", "O'Brien", `Anna "Quay" Lind`, `back\slash`, "Okafor, Ines", "a <b@evil.example>", "=?utf-8?q?x?=",
		"A\r\nBcc: x@evil.example", "A\nB\rC", "\x00\x01\x7f", "Ærøskøbing Fähre", "日本語の名前", "\u202eevil", strings.Repeat("n", 10000),
		strings.Repeat("ß ", 5000), strings.Repeat("🚢", 300), "\xff\xfe", "(comment) x", "a;b:c@d", `<script>alert("x")</script>`, "{{.}} %s", tokenName,
	}
	for _, name := range names {
		checkName(t, m, name)
	}
}

// checkName checks that a name, whatever it is, changes nothing of a mail but
// what it should.
func checkName(t testing.TB, m *send.Message, name string) {
	t.Helper()
	d := delivery(name, "ines@quay.example")
	raw, err := m.Append(nil, d, editionDate)
	if err != nil {
		t.Fatal(err)
	}
	checkWire(t, raw)
	got := readMail(t, raw)
	if got.to.Address != "ines@quay.example" {
		t.Errorf("name %.40q: To is %q", name, got.to.Address)
	}
	if n := utf8.RuneCountInString(got.to.Name); n > 200 || !utf8.ValidString(got.to.Name) || strings.ContainsAny(got.to.Name, "\r\n\x00") {
		t.Errorf("name %.40q: shown as %q", name, got.to.Name)
	}
	if len(got.header) != 15 {
		t.Errorf("name %.40q: %d headers:\n%s", name, len(got.header), got.head)
	}
	if got.html != m.HTML(d, false) || got.text != m.Text(d, false) {
		t.Errorf("name %.40q: the bodies are not the preview's", name)
	}
	if strings.Contains(got.html, "<script") {
		t.Errorf("name %.40q: unescaped in HTML", name)
	}
	e, err := enmime.ReadEnvelope(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("name %.40q: enmime: %v", name, err)
	}
	if list, err := e.AddressList("To"); err != nil || len(list) != 1 || list[0].Address != "ines@quay.example" || list[0].Name != got.to.Name && !strings.Contains(name, "=?") { // enmime decodes twice
		t.Errorf("name %.40q: enmime reads To %q %v, want %q", name, list, err, got.to)
	}
	if e.HTML != got.html {
		t.Errorf("name %.40q: enmime reads another HTML part", name)
	}
}

func FuzzName(f *testing.F) {
	for _, seed := range []string{"Ines Okafor", "A\r\nBcc: x", "日本語", `"<>`, "=?utf-8?b?x?=", "\xff", "a  b"} {
		f.Add(seed)
	}
	m, err := send.Compile(testLetter(), testSender())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name string) { checkName(t, m, name) })
}

func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"a@quay.example", `"a@b"@quay.example`, "jörg@fähre.example", "a>\r\nRCPT@x", "a@[192.0.2.1]", "a@b@c", "<a@b>"} {
		f.Add(seed)
	}
	m, err := send.Compile(testLetter(), testSender())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, address string) {
		raw, err := m.Append(nil, delivery("x", address), editionDate)
		if err != nil {
			return
		}
		head, _, _ := strings.Cut(string(raw), "\r\n\r\n")
		_, line, _ := strings.Cut(head, "\r\nTo: ")
		line, _, _ = strings.Cut(line, "\r\nSubject:")
		_, line, _ = strings.Cut(strings.ReplaceAll(line, "\r\n ", " "), "<")
		if strings.ContainsAny(strings.TrimSuffix(line, ">"), "<> \r\n\t\x00") {
			t.Errorf("%q became %q", address, line)
		}
		if n := strings.Count(head, "\r\nTo: "); n != 1 || len(readMail(t, raw).header) != 15 {
			t.Errorf("%q changes the header:\n%s", address, head)
		}
	})
}

func FuzzLetter(f *testing.F) {
	f.Add("Subject", "<p>x</p>", "text\r\n.\r\n")
	f.Add("ü", "a\rb\n.\nc", "From \n \t\n=")
	f.Fuzz(func(t *testing.T, subject, html, text string) {
		l := compose.Letter{Subject: subject, HTML: html, Text: text}
		m, err := send.Compile(l, testSender())
		if err != nil {
			return
		}
		d := delivery("", "ines@quay.example")
		raw, err := m.Append(nil, d, editionDate)
		if err != nil {
			t.Fatal(err)
		}
		checkWire(t, raw)
		got := readMail(t, raw)
		if got.html != m.HTML(d, false) || got.text != m.Text(d, false) || got.subject != m.Subject(d) {
			t.Errorf("what is sent is not what is previewed: %q %q %q", got.subject, got.text, got.html)
		}
	})
}

func TestAddresses(t *testing.T) {
	m := compile(t, testLetter(), testSender())
	for address, want := range map[string]string{
		"a@quay.example":           "a@quay.example",
		"o'brien+tag@quay.example": "o'brien+tag@quay.example",
		"hafen@fähre.example":      "hafen@xn--fhre-loa.example",
		`"a@evil"@quay.example`:    `"a@evil"@quay.example`,
		"a>NOTIFY=x@quay.example":  "",
		"a b@quay.example":         "",
		"a\r\nRCPT@quay.example":   "",
		"@quay.example":            "",
		"a@":                       "",
		"plain":                    "",
		"a@quay.example>":          "",
		"a@quay .example":          "",
		".a@quay.example":          "",
		"a..b@quay.example":        "",
		`"a\"@quay.example`:        "",
		"a@-\x00.example":          "",
		strings.Repeat("l", 65) + "@quay.example": "",
		// Within bounds as it is written, beyond them as it goes over the wire.
		"hafen@" + strings.Repeat("fä.", 60) + "example": "",
	} {
		raw, err := m.Append(nil, delivery("x", address), editionDate)
		if want == "" {
			if err == nil {
				t.Errorf("%q is accepted", address)
			} else if len(address) > 6 && strings.Contains(err.Error(), address) {
				t.Errorf("error repeats the address: %v", err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", address, err)
			continue
		}
		if !strings.Contains(string(raw), "<"+want+">\r\n") {
			t.Errorf("%q: no <%s> in the header", address, want)
		}
	}
}

func TestListIDInASCII(t *testing.T) {
	s := testSender()
	s.ListID = "harbour.fähre.example"
	raw, err := compile(t, testLetter(), s).Append(nil, delivery("", "ines@quay.example"), editionDate)
	if err != nil {
		t.Fatal(err)
	}
	checkWire(t, raw)
	if !bytes.Contains(raw, []byte("<harbour.xn--fhre-loa.example>\r\n")) {
		t.Errorf("%.1500s", raw)
	}
}

func TestCompileRefuses(t *testing.T) {
	for name, change := range map[string]func(*compose.Letter, *send.Sender){
		"a token that no field explains": func(l *compose.Letter, _ *send.Sender) { l.HTML += "LF0123456789abcdefx9Z" },
		"a token in the subject":         func(l *compose.Letter, _ *send.Sender) { l.Subject += "LF0123456789abcdefx9Z" },
		"a link in the subject":          func(l *compose.Letter, _ *send.Sender) { l.Subject += tokenLeave },
		"an edition's base with a line":  func(_ *compose.Letter, s *send.Sender) { s.BaseURL += "/\r\n.\r\n" },
		"a list id with a line":          func(_ *compose.Letter, s *send.Sender) { s.ListID = "a>\r\n.\r\nb" },
		"a base that makes links long":   func(_ *compose.Letter, s *send.Sender) { s.BaseURL += strings.Repeat("/x", 400) },
		"an unknown field":               func(l *compose.Letter, _ *send.Sender) { l.Fields[0].Name = "phone" },
		"a field without token":          func(l *compose.Letter, _ *send.Sender) { l.Fields[0].Token = "" },
		"no from":                        func(_ *compose.Letter, s *send.Sender) { s.From.Address = "" },
		"a bad bounce address":           func(_ *compose.Letter, s *send.Sender) { s.BounceAddress = "x y" },
		"a bad mailbox":                  func(_ *compose.Letter, s *send.Sender) { s.UnsubscribeMailbox = "x" },
		"no keys":                        func(_ *compose.Letter, s *send.Sender) { s.Keys = nil },
		"half a DKIM identity":           func(_ *compose.Letter, s *send.Sender) { s.DKIM = []send.DKIM{{Domain: "x.example"}} },
	} {
		t.Run(name, func(t *testing.T) {
			l, s := testLetter(), testSender()
			change(&l, &s)
			if _, err := send.Compile(l, s); err == nil {
				t.Error("compiled")
			}
		})
	}
	t.Run("not what only looks like a token", func(t *testing.T) {
		l := testLetter()
		l.HTML += "LFaaaaaaaaaaaaaaaax9Z"
		if _, err := send.Compile(l, testSender()); err != nil {
			t.Errorf("a story stopped the edition: %v", err)
		}
	})
}

func TestNotice(t *testing.T) {
	s := testSender()
	raw, err := send.Notice(s, "desk@port-averne.example", "Harbour: sent – 3 failed", "All is well.\nSent: 20 000\n", editionDate, "slot-1")
	if err != nil {
		t.Fatal(err)
	}
	checkWire(t, raw)
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Header.Get("Auto-Submitted"); got != "auto-generated" {
		t.Errorf("Auto-Submitted %q", got)
	}
	for name := range m.Header {
		if strings.HasPrefix(name, "List-") || name == "Precedence" {
			t.Errorf("a notice carries %s", name)
		}
	}
	body, _ := io.ReadAll(quotedprintable.NewReader(m.Body))
	if want := "All is well.\r\nSent: 20 000\r\n\r\n"; string(body) != want {
		t.Errorf("%q, want %q", body, want)
	}
	if _, err := send.Notice(s, "no address", "x", "x", editionDate, "1"); err == nil {
		t.Error("a notice to nobody")
	}
}

func BenchmarkCompile(b *testing.B) {
	l, s := testLetter(), testSender()
	for b.Loop() {
		if _, err := send.Compile(l, s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	m := compile(b, testLetter(), testSender())
	d := delivery("Ines Okafor", "ines@quay.example")
	buf := make([]byte, 0, 64<<10)
	b.ReportAllocs()
	for b.Loop() {
		out, err := m.Append(buf[:0], d, editionDate)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(out)))
	}
}
