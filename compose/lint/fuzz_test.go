package lint_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"lede/compose/lint"
)

// FuzzLint feeds the readers of mail, HTML and CSS whatever comes: they end, and
// every finding is whole and fit for a terminal and JSON.
func FuzzLint(f *testing.F) {
	for _, seed := range []string{
		"From: a@example.org\nSubject: =?utf-8?q?Tide?=\nContent-Type: text/html; charset=utf-8\n\n<p style='color:red'>x",
		"Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n<p>a=3D=\n--b--\n",
		"Content-Type: text/plain; charset=nonsense\nContent-Transfer-Encoding: base64\n\n/////",
		"<style>@media(prefers-color-scheme:dark){.a{color:#fff}}.a>b[x=y]{background:url(x)}</style><table><tr><td>1<td>2<tr><th>",
		"<!--[if mso]><table><![endif]--><!--[if !mso]><!--><div><!--<![endif]-->",
		"<a href='https://xn--80ak6aa92e.example/'>apple.example</a><img src=data:,x>{{name}}",
		"<style>{{{{@media{@media{a{b{c{", "<style>/*", "\x00\xff<p>\xfe", "<p style=\"font:12px/1 a;color:rgb(1,2,3,4\">",
	} {
		f.Add("x.eml", seed)
		f.Add("x.html", seed)
	}
	f.Fuzz(func(t *testing.T, name, data string) {
		m, err := lint.Read(name, []byte(data))
		if err != nil {
			return
		}
		if !utf8.ValidString(m.HTML) || !utf8.ValidString(m.Text) || !utf8.ValidString(m.Subject) {
			t.Error("a part is no valid UTF-8")
		}
		for _, x := range lint.CheckMail(m, lint.Facts{}) {
			if x.Rule == "" || x.Severity == "" || x.Place == "" || x.Clients == "" || x.Message == "" || x.Remedy == "" {
				t.Errorf("%+v: something is left empty", x)
			}
			if strings.ContainsAny(x.Place+x.Message, "\n\r\x1b") {
				t.Errorf("%+v: holds a control character", x)
			}
		}
	})
}
