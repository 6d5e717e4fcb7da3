package send_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"lede/send"
)

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func signedSender() send.Sender {
	s := testSender()
	s.DKIM = []send.DKIM{{Domain: "port-averne.example", Selector: "lede", Key: testKey()}}
	return s
}

// record is the DNS record for testKey.
func record(t testing.TB) string {
	public, err := x509.MarshalPKIXPublicKey(testKey().Public())
	if err != nil {
		t.Fatal(err)
	}
	return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(public)
}

func verify(t testing.TB, raw []byte) error {
	found, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		if name != "lede._domainkey.port-averne.example" {
			return nil, errors.New("no such name")
		}
		return []string{record(t)}, nil
	}})
	if err != nil {
		return err
	}
	if len(found) != 1 {
		return errors.New("not one signature")
	}
	return found[0].Err
}

func signedMails(t testing.TB) [][]byte {
	m := compile(t, testLetter(), signedSender())
	var mails [][]byte
	for _, name := range []string{"", "Ines Okafor", "Ærøskøbing Fähre", strings.Repeat("ß ", 5000), "A\r\nBcc: x@evil.example"} {
		raw, err := m.Append([]byte("before"), delivery(name, "ines@quay.example"), editionDate)
		if err != nil {
			t.Fatal(err)
		}
		mails = append(mails, bytes.TrimPrefix(raw, []byte("before")))
	}
	notice, err := send.Notice(signedSender(), "desk@quay.example", "Sent", "All is well.", editionDate, "1")
	if err != nil {
		t.Fatal(err)
	}
	return append(mails, notice)
}

func TestSignature(t *testing.T) {
	for _, raw := range signedMails(t) {
		if err := verify(t, raw); err != nil {
			t.Errorf("%v\n%.1500s", err, raw)
		}
	}
	raw := signedMails(t)[1]
	for name, change := range map[string][2]string{
		"another subject":      {"Subject: Ferry", "Subject: Harbour"},
		"a second From":        {"Date: ", "From: evil@evil.example\r\nDate: "},
		"a second Subject":     {"Date: ", "Subject: evil\r\nDate: "},
		"an added To":          {"Date: ", "To: evil@evil.example\r\nDate: "},
		"another leave link":   {"List-Unsubscribe: <https", "List-Unsubscribe: <http"},
		"another body":         {"The tide", "The Tide"},
		"no one-click":         {"List-Unsubscribe-Post: ", "X-List-Unsubscribe-Post: "},
		"another Message-ID":   {"Message-ID: <", "Message-ID: <x"},
		"another content type": {"multipart/alternative", "multipart/mixed"},
	} {
		if changed := bytes.Replace(raw, []byte(change[0]), []byte(change[1]), 1); bytes.Equal(changed, raw) || verify(t, changed) == nil {
			t.Errorf("%s goes unnoticed", name)
		}
	}
	if head, _, _ := bytes.Cut(raw, []byte("From:")); bytes.Contains(head, []byte(" l=")) {
		t.Error("the signature covers only a part of the body")
	}
}

// The signature is checked by a verifier that is not written in Go, too.
func TestSignatureElsewhere(t *testing.T) {
	const script = `
import sys, base64, dkim
record = sys.argv[1].encode()
for line in sys.stdin:
    print(dkim.verify(base64.b64decode(line), dnsfunc=lambda name, timeout=5: record))`
	python := "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import dkim").Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("python3-dkim is not installed")
		}
		t.Skip("python3-dkim is not installed")
	}
	mails := signedMails(t)
	changed := bytes.Replace(mails[1], []byte("tide"), []byte("time"), 1)
	var input strings.Builder
	for _, raw := range append(mails, changed) {
		input.WriteString(base64.StdEncoding.EncodeToString(raw) + "\n")
	}
	cmd := exec.Command(python, "-c", script, record(t))
	cmd.Stdin = strings.NewReader(input.String())
	out, err := cmd.CombinedOutput()
	if want := strings.Repeat("True\n", len(mails)) + "False\n"; err != nil || string(out) != want {
		t.Errorf("%v, verdicts\n%s\nwant\n%s", err, out, want)
	}
}

func TestLoadKey(t *testing.T) {
	pkcs8, err := x509.MarshalPKCS8PrivateKey(testKey())
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edwardsDER, err := x509.MarshalPKCS8PrivateKey(edwards)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GODEBUG", "rsa1024min=0")
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	for name, test := range map[string]struct {
		pem  []byte
		want string // in the error; empty: loads
	}{
		"PKCS #1":      {block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(testKey())), ""},
		"PKCS #8":      {block("PRIVATE KEY", pkcs8), ""},
		"1024 bits":    {block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(short)), "1024 bits"},
		"Ed25519":      {block("PRIVATE KEY", edwardsDER), "not an RSA key"},
		"no PEM":       {[]byte("key"), "no PEM block"},
		"a public key": {block("PUBLIC KEY", []byte("x")), "want a private key"},
		"locked":       {block("ENCRYPTED PRIVATE KEY", []byte("x")), "passphrase"},
		"damaged":      {block("PRIVATE KEY", []byte("x")), "damaged"},
	} {
		key, err := send.LoadKey(test.pem)
		switch {
		case test.want == "" && (err != nil || !key.Public().(*rsa.PublicKey).Equal(testKey().Public())):
			t.Errorf("%s: %v", name, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
	}
	var _ crypto.Signer = testKey()
}

func BenchmarkSign(b *testing.B) {
	m := compile(b, testLetter(), signedSender())
	d := delivery("Ines Okafor", "ines@quay.example")
	buf := make([]byte, 0, 64<<10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Append(buf[:0], d, editionDate); err != nil {
			b.Fatal(err)
		}
	}
}
