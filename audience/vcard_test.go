package audience

import (
	"bufio"
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// Whatever the file of vCards: no panic and no end that does not come, each
// record in its place, text that can be stored, and no more people than cards.
func FuzzCards(f *testing.F) {
	for _, s := range []string{
		"BEGIN:VCARD\r\nVERSION:3.0\r\nN:Quist;Ona;;;\r\nEMAIL;TYPE=work:ona@news.example\r\nEND:VCARD\r\n",
		"BEGIN:VCARD\nVERSION:2.1\nNOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:tide=\n=C3=A9\nEMAIL:a@b.example\nEND:VCARD\n",
		"BEGIN:VCARD\nEMAIL;X=\"a:b\":a@b.example\nCATEGORIES:a\\,b,c\nADR:;;;Port Averne;;;PT\n",
		"item1.EMAIL:x@y.example\nEND:VCARD\nBEGIN:VCARD\n \n\tEMAIL:\n",
		"BEGIN:VCARD\nFN:\x00\nEND:VCARD\nBEGIN:VCARD\nEMAIL;ENCODING=QUOTED-PRINTABLE:=",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := openCards(bufio.NewReaderSize(bytes.NewReader(in), sampleSize))
		if err != nil {
			if err.Error() != "the file is empty" {
				t.Fatal(err)
			}
			return
		}
		head, err := r.read()
		if err != nil || len(head.fields) != len(cardHeads) {
			t.Fatalf("head %+v, %v", head, err)
		}
		last := 0
		for people := 0; ; people++ {
			rec, err := r.read()
			if err != nil {
				break
			}
			if people > len(in) {
				t.Fatalf("%d records of %d bytes", people, len(in))
			}
			if rec.line <= last || rec.line > 1+bytes.Count(in, []byte("\n")) {
				t.Errorf("line %d comes after line %d", rec.line, last)
			}
			last = rec.line
			if rec.reason == "" && len(rec.fields) != len(cardHeads) {
				t.Errorf("%d fields: %q", len(rec.fields), rec.fields)
			}
			for _, field := range rec.fields {
				if !utf8.ValidString(field) || strings.ContainsRune(field, 0) {
					t.Errorf("line %d has %q", rec.line, field)
				}
			}
		}
	})
}
