package send_test

import (
	"bytes"
	"encoding/json"
	"net/mail"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jhillyerd/enmime/v2"

	"lede/compose"
	"lede/send"
)

// readElsewhere is a mail as Python's email package reads it.
type readElsewhere struct {
	Subject string
	To      [][2]string
	Headers []string
	Types   []string
	Bodies  []string
	Defects []string
}

// nameMessage shows how a subscriber's name is used: as its text.
func nameMessage(t testing.TB) func(d send.Delivery) string {
	l := compose.Letter{Text: tokenName, Fields: testLetter().Fields[:1]}
	l.Fields[0].Fallback = ""
	m := compile(t, l, testSender())
	return func(d send.Delivery) string { return strings.TrimSuffix(m.Text(d, false), "\r\n") }
}

// Three readers of MIME that are not ours read what was meant, whatever stands
// in letters, subjects, names and addresses.
func TestHostileMails(t *testing.T) {
	name := nameMessage(t)
	const mails = 3000
	made := newHostile(99).mails(t, mails, testSender())
	var input []byte
	for _, m := range made {
		input = appendFramed(input, m.raw)
	}
	elsewhere := python(t, "mail_read.py", "email", bytes.NewReader(input))
	if len(elsewhere) != mails {
		t.Fatalf("%d mails were read", len(elsewhere))
	}
	parser := enmime.NewParser(enmime.DisableCharacterDetection(true)) // it guesses rather than believe "utf-8"
	var headers []string
	plain := 0
	for i, m := range made {
		checkWire(t, m.raw)
		meant := readElsewhere{
			Subject: m.message.Subject(m.to),
			To:      [][2]string{{name(m.to), asciiDomain(m.to.Address)}},
			Types:   []string{"text/plain", "text/html"},
			Bodies:  []string{m.message.Text(m.to, false), m.message.HTML(m.to, false)},
		}
		if bytes.Contains(m.raw, []byte("Content-Transfer-Encoding: 7bit")) {
			plain++
		}

		got := readMail(t, m.raw)
		first := readElsewhere{
			Subject: got.subject,
			To:      [][2]string{{got.to.Name, strings.Trim((&mail.Address{Address: got.to.Address}).String(), "<>")}},
			Types:   meant.Types,
			Bodies:  []string{got.text, got.html},
		}
		if diff := cmp.Diff(meant, first); diff != "" {
			t.Fatalf("the standard library reads another mail: %s\n%v", diff, m)
		}

		e, err := parser.ReadEnvelope(bytes.NewReader(m.raw))
		if err != nil {
			t.Fatal(err)
		}
		if e.Text != meant.Bodies[0] || e.HTML != meant.Bodies[1] || len(e.Attachments)+len(e.Inlines)+len(e.OtherParts)+len(e.Errors) > 0 {
			t.Fatalf("enmime reads another mail\n%q\n%q\n%v\n%v", e.Text, e.HTML, e.Errors, m)
		}

		var third readElsewhere
		if err := json.Unmarshal([]byte(elsewhere[i]), &third); err != nil {
			t.Fatalf("%v: %s", err, elsewhere[i])
		}
		// In a name Python reads white space between encoded words, which is none
		// (RFC 2047, 6.2).
		to := meant.To[0]
		if len(third.To) == 1 && len(to[0]) > 30 && squeezed(third.To[0][0]) == squeezed(to[0]) {
			to[0] = third.To[0][0]
		}
		meant.To, meant.Defects = [][2]string{to}, []string{}
		meant.Headers, headers = headers, third.Headers
		if diff := cmp.Diff(meant, third); diff != "" && meant.Headers != nil {
			t.Fatalf("Python reads another mail: %s\n%v", diff, m)
		}
	}
	if plain < mails/20 {
		t.Errorf("only %d mails have a part in 7bit", plain)
	}
}

func squeezed(s string) string { return strings.ReplaceAll(s, " ", "") }

// asciiDomain is an address as it stands in a mail.
func asciiDomain(address string) string {
	return strings.ReplaceAll(address, "@fähre.example", "@xn--fhre-loa.example")
}

func TestEncodings(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want string // encoding of the text part
	}{
		"ASCII":                       {"The ferry is back.\n", "7bit"},
		"ASCII with a link":           {"Leave: " + tokenLeave + "\n", "7bit"},
		"a line of 78":                {strings.Repeat("x", 78), "7bit"},
		"a line of 79":                {strings.Repeat("x", 79), "quoted-printable"},
		"a name":                      {"Dear " + tokenName + ",\n", "quoted-printable"},
		"not ASCII":                   {"Fähre\n", "quoted-printable"},
		"a full stop first":           {"back\n.soon\n", "quoted-printable"},
		"a space before the line end": {"back \nsoon\n", "quoted-printable"},
		"From at the start":           {"back\nFrom here on\n", "quoted-printable"},
		"a boundary":                  {"--=_x\n", "quoted-printable"},
		"links make a line too long":  {strings.Repeat(tokenLeave, 9), "quoted-printable"},
		"nothing":                     {"", "7bit"},
	} {
		l := testLetter()
		l.Text = test.text
		raw, err := compile(t, l, testSender()).Append(nil, delivery("Ines", "ines@quay.example"), editionDate)
		if err != nil {
			t.Fatal(err)
		}
		checkWire(t, raw)
		_, part, _ := strings.Cut(string(raw), "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: ")
		if got, _, _ := strings.Cut(part, "\r\n"); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// FuzzMail writes a mail with every field that a stranger can set.
func FuzzMail(f *testing.F) {
	f.Add("Ines", "ines@quay.example", "Back, ", "<p>", "\n.\n", "ed1")
	f.Add("A\r\n.\r\nQUIT", "jörg@fähre.example", "\r\n.", "\n.", "\r.\r", "e\r\n.\r\n")
	f.Add(".", `".."@quay.example`, ".", ".", ".", ".")
	f.Fuzz(func(t *testing.T, name, address, subject, html, text, edition string) {
		l := testLetter()
		l.Subject = subject + tokenName + subject
		l.HTML = html + tokenName + html + tokenView + html + tokenLeave
		l.Text = text + tokenLeave + text + tokenView
		m, err := send.Compile(l, testSender())
		if err != nil {
			return
		}
		d := delivery(name, address)
		d.Edition = edition
		raw, err := m.Append(nil, d, editionDate)
		if err != nil {
			return
		}
		for line := range bytes.SplitSeq(bytes.TrimSuffix(raw, []byte("\r\n")), []byte("\r\n")) {
			if bytes.ContainsAny(line, "\r\n") || bytes.HasPrefix(line, []byte(".")) || len(line) > 998 {
				t.Errorf("line %q", line)
			}
		}
		if got := readMail(t, raw); got.html != m.HTML(d, false) || got.text != m.Text(d, false) || len(got.header) != 15 {
			t.Errorf("what is sent is not what is previewed: %q %q %q", got.subject, got.text, got.html)
		}
	})
}
