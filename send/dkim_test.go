package send_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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

var testEdwards = sync.OnceValue(func() ed25519.PrivateKey {
	_, key, err := ed25519.GenerateKey(rand.Reader)
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

// twiceSignedSender signs as itself, with RSA and Ed25519, and as its provider.
func twiceSignedSender() send.Sender {
	s := signedSender()
	s.DKIM = append(s.DKIM,
		send.DKIM{Domain: "port-averne.example", Selector: "lede-ed", Key: testEdwards()},
		send.DKIM{Domain: "provider.example", Selector: "k1", Key: testKey()})
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
	// A header that SMTPUTF8 lets hold what is not ASCII (RFC 6531).
	raw, err := m.Append(nil, delivery("Jörg", "jörg@fähre.example"), editionDate)
	if err != nil {
		t.Fatal(err)
	}
	mails = append(mails, raw)
	notice, err := send.Notice(signedSender(), "desk@quay.example", "Sent", "All is well.", editionDate, "1")
	if err != nil {
		t.Fatal(err)
	}
	personal, err := send.Personal(signedSender(), "ines@quay.example", "Bestätigen: möchten Sie sie?", "Drücken Sie hier.", "<p>Drücken Sie <a href=\"https://news.example.org/c/x\">hier</a>.</p>", editionDate, "1")
	if err != nil {
		t.Fatal(err)
	}
	return append(mails, notice, personal)
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

// records are what DNS says of the keys in the tests.
func records(t testing.TB) map[string]string {
	return map[string]string{
		"lede._domainkey.port-averne.example":    record(t),
		"lede-ed._domainkey.port-averne.example": "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(testEdwards().Public().(ed25519.PublicKey)),
		"k1._domainkey.provider.example":         record(t),
	}
}

// verifyElsewhere has mails checked by a verifier that is neither ours nor
// written in Go, and returns its verdicts, a line for each.
func verifyElsewhere(t testing.TB, mails [][]byte) []string {
	t.Helper()
	input, err := json.Marshal(records(t))
	if err != nil {
		t.Fatal(err)
	}
	input = append(input, '\n')
	for _, raw := range mails {
		input = appendFramed(input, raw)
	}
	verdicts := python(t, "dkim_verify.py", "dkim, nacl.signing", bytes.NewReader(input))
	if len(verdicts) != len(mails) {
		t.Fatalf("%d verdicts on %d mails", len(verdicts), len(mails))
	}
	return verdicts
}

func TestSignatureElsewhere(t *testing.T) {
	mails := signedMails(t)
	whole := len(mails)
	mails = append(mails, bytes.Replace(mails[1], []byte("tide"), []byte("time"), 1))
	for i, verdict := range verifyElsewhere(t, mails) {
		if i < whole && verdict != "ok" || i >= whole && !strings.HasPrefix(verdict, "ValidationError: body hash mismatch") {
			t.Errorf("mail %d: %s\n%.1500s", i, verdict, mails[i])
		}
	}
}

// Whatever stands in letters, names and addresses, RSA and Ed25519 signatures
// are right.
func TestHostileSignatures(t *testing.T) {
	const mails, batch = 10_000, 500
	sender := twiceSignedSender()
	sender.DKIM = sender.DKIM[:2]
	for seed := range uint64(mails / batch) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			var raw [][]byte
			made := newHostile(seed).mails(t, batch, sender)
			for _, m := range made {
				raw = append(raw, m.raw)
			}
			for i, verdict := range verifyElsewhere(t, raw) {
				if verdict != "ok,ok" {
					t.Fatalf("%s: %v", verdict, made[i])
				}
			}
		})
	}
}

// A retry is the same mail, byte for byte, so that a receiver can drop it.
func TestRetryIsTheSameMail(t *testing.T) {
	h := newHostile(7)
	for _, m := range h.mails(t, 30, twiceSignedSender()) {
		retry := m.to
		retry.Attempt, retry.Pos = 9, 3
		again, err := m.message.Append(nil, retry, editionDate)
		if err != nil || !bytes.Equal(again, m.raw) {
			t.Errorf("%v: a retry is\n%.2000q", m, again)
		}
		other, err := m.message.Append(nil, m.to, editionDate.Add(time.Hour))
		if err != nil || bytes.Equal(other, m.raw) {
			t.Errorf("another date, and the same mail (%v)", err)
		}
	}
}

func TestIdentities(t *testing.T) {
	mail, err := compile(t, testLetter(), twiceSignedSender()).Append(nil, delivery("Ines", "ines@quay.example"), editionDate)
	if err != nil {
		t.Fatal(err)
	}
	checkWire(t, mail)
	if verdict := verifyElsewhere(t, [][]byte{mail})[0]; verdict != "ok,ok,ok" {
		t.Error(verdict)
	}
	found, err := dkim.VerifyWithOptions(bytes.NewReader(mail), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		return []string{records(t)[name]}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range found {
		if v.Err != nil {
			t.Errorf("%s: %v", v.Domain, v.Err)
		}
		got = append(got, v.Domain)
	}
	if want := []string{"port-averne.example", "port-averne.example", "provider.example"}; !slices.Equal(got, want) {
		t.Errorf("signed as %q, want %q", got, want)
	}

	rsaKey, edKey := testKey(), testEdwards()
	_, other, _ := ed25519.GenerateKey(rand.Reader)
	for name, test := range map[string]struct {
		identities []send.DKIM
		want       string
	}{
		"Ed25519 alone":             {[]send.DKIM{{"a.example", "s", edKey}}, "a.example has an Ed25519 key alone"},
		"two keys under one record": {[]send.DKIM{{"a.example", "s", rsaKey}, {"A.example", "S", other}}, "s._domainkey.a.example is there twice"},
		"no key":                    {[]send.DKIM{{"a.example", "s", nil}}, "belong together"},
		"no selector":               {[]send.DKIM{{"a.example", "", rsaKey}}, "belong together"},
		"a domain in Unicode":       {[]send.DKIM{{"fähre.example", "s", rsaKey}}, "xn--"},
		"a selector with a line":    {[]send.DKIM{{"a.example", "s\r\nBcc: x", rsaKey}}, "selector"},
	} {
		s := testSender()
		s.DKIM = test.identities
		if _, err := send.Compile(testLetter(), s); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
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
	exchange, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	exchangeDER, err := x509.MarshalPKCS8PrivateKey(exchange)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	curveDER, err := x509.MarshalPKCS8PrivateKey(curve)
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
		"Ed25519":      {block("PRIVATE KEY", edwardsDER), ""},
		"X25519":       {block("PRIVATE KEY", exchangeDER), "cannot sign"},
		"ECDSA":        {block("PRIVATE KEY", curveDER), "does not know"},
		"no PEM":       {[]byte("key"), "no PEM block"},
		"a public key": {block("PUBLIC KEY", []byte("x")), "want a private key"},
		"locked":       {block("ENCRYPTED PRIVATE KEY", []byte("x")), "passphrase"},
		"damaged":      {block("PRIVATE KEY", []byte("x")), "damaged"},
	} {
		key, err := send.LoadKey(test.pem)
		switch {
		case test.want == "" && (err != nil || !testKey().PublicKey.Equal(key.Public()) && !edwards.Public().(ed25519.PublicKey).Equal(key.Public())):
			t.Errorf("%s: %v", name, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
	}
	var _ crypto.Signer = testKey()
}

func BenchmarkSign(b *testing.B) {
	for name, sender := range map[string]send.Sender{"rsa": signedSender(), "rsa and ed25519": twiceSignedSender()} {
		b.Run(name, func(b *testing.B) {
			m := compile(b, testLetter(), sender)
			d := delivery("Ines Okafor", "ines@quay.example")
			buf := make([]byte, 0, 64<<10)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Append(buf[:0], d, editionDate); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("rsa in all lanes", func(b *testing.B) {
		m := compile(b, testLetter(), signedSender())
		d := delivery("Ines Okafor", "ines@quay.example")
		b.ReportAllocs()
		b.RunParallel(func(p *testing.PB) {
			buf := make([]byte, 0, 64<<10)
			for p.Next() {
				if _, err := m.Append(buf[:0], d, editionDate); err != nil {
					b.Error(err)
				}
			}
		})
	})
	// What Lede would do without a signer of its own.
	b.Run("go-msgauth", func(b *testing.B) {
		m := compile(b, testLetter(), testSender())
		d := delivery("Ines Okafor", "ines@quay.example")
		buf := make([]byte, 0, 64<<10)
		var out bytes.Buffer
		b.ReportAllocs()
		for b.Loop() {
			mail, err := m.Append(buf[:0], d, editionDate)
			if err != nil {
				b.Fatal(err)
			}
			out.Reset()
			if err := dkim.Sign(&out, bytes.NewReader(mail), &dkim.SignOptions{
				Domain: "port-averne.example", Selector: "lede", Signer: testKey(), Hash: crypto.SHA256,
				HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
			}); err != nil {
				b.Fatal(err)
			}
		}
	})
	// What no signer can do without.
	b.Run("the key alone", func(b *testing.B) {
		digest := sha256.Sum256([]byte("tide"))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := testKey().Sign(nil, digest[:], crypto.SHA256); err != nil {
				b.Fatal(err)
			}
		}
	})
}
