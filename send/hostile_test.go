package send_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lede/compose"
	"lede/send"
)

// python runs one of the scripts in testdata, with Debian's Python since that
// has the modules, and returns the lines that it writes. module is what it
// needs beside the standard library.
func python(t testing.TB, script, module string, input io.Reader) []string {
	t.Helper()
	const interpreter = "/usr/bin/python3"
	if out, err := exec.Command(interpreter, "-c", "import "+module).CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("tools/setup.sh installs what this test needs: %v\n%s", err, out)
		}
		t.Skipf("no %s for %s", module, interpreter)
	}
	cmd := exec.Command(interpreter, "testdata/"+script)
	var out, trouble bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = input, &out, &trouble
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, trouble.String())
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

// appendFramed appends a mail as the scripts read it.
func appendFramed(dst, mail []byte) []byte {
	dst = append(strconv.AppendInt(dst, int64(len(mail)), 10), '\n')
	return append(dst, mail...)
}

// hostile makes what people, or somebody who means us harm, could write.
type hostile struct{ *rand.Rand }

func newHostile(seed uint64) hostile { return hostile{rand.New(rand.NewPCG(seed, 4))} }

func (h hostile) oneOf(of ...string) string { return of[h.IntN(len(of))] }

// text is up to n pieces of what has broken mails before.
func (h hostile) text(n int) string {
	var b strings.Builder
	for range h.IntN(n + 1) {
		b.WriteString(h.oneOf(
			"tide", "quay", "a", "B", "7", " ", " ", " ", "  ", "\t", "\t ", "\n", "\r\n", "\r", "\n\n\n", " \r\n", "\t\n",
			".", "..", "\n.", "\n.\n", "\r\n.\r\n", "\n..\n", "\r.\r", "\nFrom ", "From ", "=", "=3D", "=\n", "=?utf-8?q?x?=", "=?", "?=",
			"\x00", "\x08", "\x7f", "é", "ß", "日本語", "🚢", "e\u0301", "\u2028", "\u0085", "\u00a0", "\u202e", "\ufeff", "\ufffd", "\xff", "\xc3",
			`"`, "'", `\`, "<", ">", "&", "@", ",", ";", ":", "(", ")", "[", "\nBcc: x@evil.example\n", "\r\n\r\n", "--", "\n--=_", "=_", "{{.}}", "%s",
			strings.Repeat("x", h.IntN(200)), strings.Repeat("ü", h.IntN(60)), strings.Repeat(" ", h.IntN(5)), strings.Repeat("w ", h.IntN(60)), "\nQUIT\r\n", "LF",
		))
	}
	return b.String()
}

// plain is text that needs no encoding, as many letters are.
func (h hostile) plain(n int) string {
	var b strings.Builder
	for range h.IntN(n + 1) {
		b.WriteString(h.oneOf("The ferry is back.", "a  b", " indented", "\tx", "=3D", "=", "-- ", "It is late") + h.oneOf("", "\n", "\n", "\n\n", " ", "  "))
	}
	return strings.ReplaceAll(b.String(), " \n", "\n")
}

// address is one that can be mailed without SMTPUTF8.
func (h hostile) address() string {
	return h.oneOf("ines", "o'brien+tag", "a.b-c_d", `"a@evil"`, "x!#$%&*/=?^_`{|}~", strings.Repeat("l", 1+h.IntN(64))) + "@" +
		h.oneOf("quay.example", "fähre.example", "QUAY.example", strings.Repeat("d", 1+h.IntN(63))+".example")
}

func (h hostile) delivery() send.Delivery {
	d := delivery(h.text(12), h.address())
	d.Subscriber, d.Salt = h.Int64(), h.Uint32()
	return d
}

// letter has its fields anywhere, and now and then in the subject.
func (h hostile) letter() compose.Letter {
	l := testLetter()
	write, fields := h.text, []string{tokenName, tokenLeave, tokenView}
	if h.IntN(3) == 0 {
		write, fields = h.plain, fields[1:]
	}
	body := func() string {
		text := write(40)
		for range h.IntN(6) {
			text += h.oneOf("", " ", "\n", "\n  ") + h.oneOf(fields...) + h.oneOf("", " ", "\n", "  \n", ".\n") + write(40)
		}
		return text
	}
	l.HTML, l.Text, l.Subject = body(), body(), write(8)
	if h.IntN(3) == 0 {
		l.Subject += h.oneOf("", " ", "—") + tokenName + write(3)
	}
	l.Fields = slices.Clone(l.Fields)
	l.Fields[0].Fallback = h.oneOf("reader", "", "ein Leser – von weit her", h.text(6))
	return l
}

// hostileMail is a mail and what it was made from.
type hostileMail struct {
	message *send.Message
	to      send.Delivery
	raw     []byte
}

// mails writes n mails of many letters.
func (h hostile) mails(t testing.TB, n int, sender send.Sender) []hostileMail {
	t.Helper()
	var mails []hostileMail
	for len(mails) < n {
		m := compile(t, h.letter(), sender)
		for range min(10, n-len(mails)) {
			d := h.delivery()
			raw, err := m.Append(nil, d, editionDate)
			if err != nil {
				t.Fatalf("%q: %v", d.Address, err)
			}
			mails = append(mails, hostileMail{m, d, raw})
		}
	}
	return mails
}

func (m hostileMail) String() string {
	return fmt.Sprintf("to %q <%s>:\n%.3000q", m.to.Name, m.to.Address, m.raw)
}
