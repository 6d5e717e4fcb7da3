package arrived_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"lede/send/arrived"
)

var key = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func record() string {
	public, err := x509.MarshalPKIXPublicKey(key().Public())
	if err != nil {
		panic(err)
	}
	return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(public)
}

const letter = `From: The Harbour Letter <letter@averne.example>
To: ines@quay.example
Subject: Nine nights without the light
Date: Mon, 23 Nov 2026 06:30:00 +0000
Message-ID: <abc@averne.example>
List-Unsubscribe: <https://news.averne.example/u/token>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="=_b"

--=_b
Content-Type: text/plain; charset=utf-8

The light: https://averne.example/light
--=_b
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<p><a href=3D"https://averne.example/light">The light</a>
<img src=3D"https://news.averne.example/p/1.png" width=3D"600" height=3D"300">
<a href=3D"https://news.averne.example/u/token">Unsubscribe</a></p>
--=_b--
`

const passes = "Authentication-Results: mx.quay.example; spf=pass smtp.mailfrom=bounces@averne.example; dkim=pass header.d=averne.example; dmarc=pass header.from=averne.example\n"

// sign signs a mail as averne.example, or as domain.
func sign(t *testing.T, mail, domain string, headers ...string) string {
	t.Helper()
	if headers == nil {
		headers = []string{"From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post"}
	}
	var out bytes.Buffer
	err := dkim.Sign(&out, strings.NewReader(strings.ReplaceAll(mail, "\n", "\r\n")), &dkim.SignOptions{
		Domain: domain, Selector: "lede", Signer: key(), Hash: crypto.SHA256, HeaderKeys: headers,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func noDNS(string) ([]string, error) { return nil, errors.New("nobody asks DNS here") }

func judge(t *testing.T, mail string, hosts ...string) []arrived.Finding {
	t.Helper()
	found, err := arrived.Judge([]byte(mail), arrived.Sent{
		Keys:  map[string]string{"lede._domainkey.averne.example": record()},
		Hosts: hosts,
	}, noDNS)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// bad lists what is not ok.
func bad(found []arrived.Finding) string {
	var out []string
	for _, f := range found {
		if f.State != arrived.OK {
			out = append(out, f.State+" "+f.Check+": "+f.Text)
		}
	}
	return strings.Join(out, "\n")
}

func TestJudge(t *testing.T) {
	ours := []string{"averne.example", "news.averne.example"}
	sound := passes + sign(t, letter, "averne.example")
	for name, c := range map[string]struct {
		mail  string
		hosts []string
		want  []string // each in one line of what is not ok; none: all is
	}{
		"sound":                  {sound, ours, nil},
		"sound, hosts unknown":   {sound, nil, nil},
		"saved with LF":          {strings.ReplaceAll(sound, "\r\n", "\n"), ours, nil},
		"saved as mbox":          {"From letter@averne.example Mon Nov 23 06:30:00 2026\n" + sound, ours, nil},
		"no results":             {sign(t, letter, "averne.example"), ours, []string{"warning authentication"}},
		"spf fails":              {strings.Replace(sound, "spf=pass", "spf=softfail", 1), ours, []string{"failure SPF: mx.quay.example says softfail for averne.example"}},
		"spf of the provider":    {strings.Replace(sound, "bounces@averne.example", "b@relay.example", 1), ours, []string{"warning SPF: passes for relay.example, which is not aligned"}},
		"dmarc fails":            {strings.Replace(sound, "dmarc=pass", "dmarc=fail", 1), ours, []string{"failure DMARC"}},
		"dkim fails there":       {strings.Replace(sound, "dkim=pass", "dkim=fail", 1), ours, []string{"failure DKIM: mx.quay.example says fail"}},
		"only the newest counts": {passes + strings.Replace(sound, "spf=pass", "spf=fail", 1), ours, nil},
		"signed by another":      {passes + sign(t, letter, "relay.example"), ours, []string{"warning signature of relay.example", "failure signature: none that holds"}},
		"not signed":             {passes + letter, ours, []string{"failure signature: the mail is not signed"}},
		"too little signed": {
			passes + sign(t, letter, "averne.example", "From", "Subject"), ours,
			[]string{"does not cover To, Date, Message-ID, List-Unsubscribe, List-Unsubscribe-Post"},
		},
		"links rewritten": {
			strings.ReplaceAll(sound, "https://averne.example/light\"", "https://u1.ct.sendgrid.net/ls/click?u=3D1\""), ours,
			[]string{"does not hold here", "failure links: were rewritten: they lead through u1.ct.sendgrid.net", "none that holds"},
		},
		"links to strangers": {
			strings.ReplaceAll(sound, "https://averne.example/light\"", "https://clicks.relay.example/1\""), ours,
			[]string{"does not hold here", "failure links: lead to hosts that we did not write: clicks.relay.example", "none that holds"},
		},
		"links the text does not have": {
			strings.ReplaceAll(sound, "https://averne.example/light\"", "https://clicks.relay.example/1\""), nil,
			[]string{"does not hold here", "warning links: lead to hosts that the text part does not name: clicks.relay.example", "none that holds"},
		},
		"a pixel": {
			strings.Replace(sound, "</p>", `<img src=3D"https://open.relay.example/1.gif" width=3D"1" height=3D"1"></p>`, 1), nil,
			[]string{"does not hold here", "failure pictures: somebody added pictures from open.relay.example", "none that holds"},
		},
		"no one-click": {
			passes + sign(t, strings.Replace(letter, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\n", "", 1), "averne.example"), ours,
			[]string{"failure one-click unsubscribe: List-Unsubscribe-Post is gone"},
		},
		"plain text": {
			passes + sign(t, letter[:strings.Index(letter, "MIME-Version")]+"\nThe light\n", "averne.example"), ours,
			[]string{"failure HTML: the HTML part is gone"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := bad(judge(t, c.mail, c.hosts...))
			lines := strings.Split(got, "\n")
			if got == "" {
				lines = nil
			}
			if len(lines) != len(c.want) {
				t.Errorf("found\n%s\nwant %q", got, c.want)
			}
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("found\n%s\nwant %q", got, want)
				}
			}
		})
	}
}

func TestJudgeRefuses(t *testing.T) {
	for name, file := range map[string]string{
		"nothing":    "",
		"no mail":    "Dear reader,\nhere is no header.\n",
		"no From":    "Subject: x\n\nbody\n",
		"bad From":   "From: <<<>\n\nbody\n",
		"a picture":  "\x89PNG\r\n\x1a\n",
		"no headers": "\n\nbody",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := arrived.Judge([]byte(file), arrived.Sent{}, noDNS); err == nil {
				t.Error("no error")
			}
		})
	}
}

// Whatever lies in the file, judging ends, and no finding spans lines.
func FuzzJudge(f *testing.F) {
	f.Add([]byte(passes + letter))
	f.Add([]byte("From: a@b.example\nAuthentication-Results: ;;; spf=\n\n"))
	f.Add([]byte("From: a@b.example\nContent-Type: multipart/mixed; boundary=x\nDKIM-Signature: l=1; l=2\n\n--x\n\n--x--"))
	f.Fuzz(func(t *testing.T, file []byte) {
		found, err := arrived.Judge(file, arrived.Sent{}, noDNS)
		if err != nil {
			return
		}
		for _, f := range found {
			if strings.ContainsAny(f.Text+f.Check, "\r\n\x00\x1b") {
				t.Errorf("%q", f)
			}
		}
	})
}

func TestHosts(t *testing.T) {
	page := `<a href="https://B.example/x">b</a><img src="https://a.example/1.png"><a href="mailto:x@y.example">m</a><a href="/here">h</a>`
	if got := strings.Join(arrived.Hosts(page), " "); got != "a.example b.example" {
		t.Errorf("hosts %q", got)
	}
}
