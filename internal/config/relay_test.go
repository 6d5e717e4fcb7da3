package config

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// pemOf writes a private key as PKCS #8.
func pemOf(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// testCertificate makes a certificate that signs itself, and its RSA key.
func testCertificate(t testing.TB) (certificate, key []byte) {
	t.Helper()
	return certificateUntil(t, time.Now().Add(time.Hour))
}

func certificateUntil(t testing.TB, end time.Time) (certificate, key []byte) {
	t.Helper()
	signer, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "letter.example.org"},
		NotBefore: end.Add(-24 * time.Hour), NotAfter: end,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pemOf(t, signer)
}

// files writes files beside a configuration of the given text and loads it.
func loadWith(t *testing.T, text string, files map[string][]byte, environ ...string) (*Config, error) {
	t.Helper()
	path := write(t, text)
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Load(path, environ)
}

// relaySettings is the small configuration with more settings of its relay.
func relaySettings(lines ...string) string {
	return strings.Replace(small, "host: localhost", "host: localhost\n    "+strings.Join(lines, "\n    "), 1)
}

func TestCertificates(t *testing.T) {
	certificate, key := testCertificate(t)
	_, other := testCertificate(t)
	old, oldKey := certificateUntil(t, time.Now().Add(-time.Hour))
	_, plain, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{
		"ca.pem": certificate, "us.pem": certificate, "us.key": key, "other.key": other, "ed.key": pemOf(t, plain),
		"both.pem": slices.Concat(certificate, key), "none.pem": []byte("hello\n"),
		"locked.key": []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMA==\n-----END ENCRYPTED PRIVATE KEY-----\n"),
		"old.pem":    old, "old.key": oldKey,
	}
	for _, c := range []struct {
		name, setting, want string // of the error; empty: none
	}{
		{"a CA", "ca: ca.pem", ""},
		{"certificate and key", "certificate: us.pem\n    key: us.key", ""},
		{"both in one file", "certificate: both.pem", ""},
		{"no such CA", "ca: nowhere.pem", "ca: the file of certificates cannot be read"},
		{"a CA that is none", "ca: none.pem", "ca: no certificate in PEM"},
		{"a key as CA", "ca: us.key", "ca: no certificate in PEM"},
		{"another's key", "certificate: us.pem\n    key: other.key", "certificate and key don't serve: private key does not match public key"},
		{"a key of another kind", "certificate: us.pem\n    key: ed.key", "certificate and key don't serve"},
		{"a locked key", "certificate: us.pem\n    key: locked.key", "locked with a passphrase"},
		{"no key in it", "certificate: us.pem", "key: names the file"},
		{"a certificate that is none", "certificate: none.pem\n    key: us.key", "certificate and key don't serve"},
		{"no such key", "certificate: us.pem\n    key: nowhere.key", "relays[0].key: the key cannot be read"},
		{"a folder", "ca: .", "no file of certificates"},
		{"a key alone", "key: us.key", "key: given without a certificate"},
		{"a CA without TLS", "tls: none\n    ca: ca.pem", "ca: without TLS"},
		{"a certificate without TLS", "tls: none\n    certificate: both.pem", "certificate: without TLS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := loadWith(t, relaySettings(c.setting), files)
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want == "":
				r := cfg.Relays[0]
				for _, file := range []string{r.CA, r.Certificate, r.Key} {
					if file != "" && !filepath.IsAbs(file) {
						t.Errorf("%s is relative", file)
					}
				}
				if r.Certificate != "" && r.Key == "" {
					t.Error("a certificate without its key")
				}
				if len(cfg.Warnings) > 0 {
					t.Errorf("warnings: %q", cfg.Warnings)
				}
			case err == nil || !strings.Contains(err.Error(), c.want):
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	cfg, err := loadWith(t, relaySettings("certificate: old.pem", "key: old.key"), files)
	if err != nil || len(cfg.Warnings) != 1 || !strings.Contains(cfg.Warnings[0], "was valid until") {
		t.Errorf("an old certificate: %v, %v, want a warning", err, cfg)
	}
}

func TestOpenKeyIsWarnedOf(t *testing.T) {
	certificate, key := testCertificate(t)
	path := write(t, relaySettings("certificate: us.pem"))
	file := filepath.Join(filepath.Dir(path), "us.pem")
	if err := os.WriteFile(file, slices.Concat(certificate, key), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	cfg, err := Load(path, nil)
	if err != nil || len(cfg.Warnings) != 1 || !strings.Contains(cfg.Warnings[0], "everybody on this machine can read the key") {
		t.Errorf("%v, %+v", err, cfg)
	}
}

func TestDKIMIdentities(t *testing.T) {
	_, rsaKey := testCertificate(t)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"rsa.pem": rsaKey, "ed.pem": pemOf(t, edKey), "odd.pem": []byte("odd")}
	for _, c := range []struct {
		name, dkim, want string // of the error; empty: none
		count            int
	}{
		{"one", "{domain: example.org, selector: lede, key: rsa.pem}", "", 1},
		{"one as a list", "[{domain: example.org, selector: lede, key: rsa.pem}]", "", 1},
		{"two", "[{domain: EXAMPLE.org, selector: lede, key: rsa.pem}, {domain: example.org, selector: ed, key: ed.pem}]", "", 2},
		{"a second domain", "[{domain: hoster.example, selector: x, key: rsa.pem}, {domain: news.example.org, selector: lede, key: rsa.pem}]", "", 2},
		{"Ed25519 alone", "{domain: example.org, selector: ed, key: ed.pem}", "an Ed25519 key alone", 0},
		{"two Ed25519", "[{domain: example.org, selector: a, key: ed.pem}, {domain: example.org, selector: b, key: ed.pem}]", "an Ed25519 key alone", 0},
		{"another's domain", "{domain: example.com, selector: lede, key: rsa.pem}", `dkim.domain: "example.com" does not belong to "example.org"`, 0},
		{"none aligned", "[{domain: example.com, selector: lede, key: rsa.pem}, {domain: example.net, selector: lede, key: rsa.pem}]", "no identity with an RSA key belongs to", 0},
		{"only Ed25519 aligned", "[{domain: example.com, selector: lede, key: rsa.pem}, {domain: example.org, selector: ed, key: ed.pem}]", "no identity with an RSA key belongs to", 0},
		{"twice", "[{domain: example.org, selector: lede, key: rsa.pem}, {domain: Example.org, selector: lede, key: ed.pem}]", "newsletters[0].dkim[1]: lede._domainkey.example.org is the key of another", 0},
		{"a list of words", "[lede]", "dkim[0]: expected settings", 0},
		{"a word", "lede", "dkim: expected a list", 0},
		{"nothing", "[]", "dkim: empty", 0},
		{"a misspelt key", "[{domain: example.org, selector: lede, kye: rsa.pem}]", `dkim[0].kye: unknown setting: did you mean "key"?`, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := loadWith(t, small+"    dkim: "+c.dkim+"\n", files)
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want == "":
				if got := cfg.Newsletters[0].DKIM; len(got) != c.count || !filepath.IsAbs(got[0].Key) || got[0].Domain != strings.ToLower(got[0].Domain) {
					t.Errorf("%+v", got)
				}
			case err == nil || !strings.Contains(err.Error(), c.want):
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	cfg, err := loadWith(t, small, files, "LEDE_NEWSLETTERS_HARBOUR_DKIM_DOMAIN=example.org",
		"LEDE_NEWSLETTERS_HARBOUR_DKIM_SELECTOR=lede", "LEDE_NEWSLETTERS_HARBOUR_DKIM_KEY=rsa.pem")
	if err != nil || len(cfg.Newsletters[0].DKIM) != 1 || cfg.Newsletters[0].DKIM[0].Selector != "lede" {
		t.Errorf("by variables: %v, %+v", err, cfg)
	}
}

func TestRoutes(t *testing.T) {
	cfg := load(t, strings.Replace(small, "newsletters:", `  - id: spare
    host: smtp.example.net
domains:
  - {id: cove, domains: [Bücher.Example, harbour.example.], concurrency: 3}
  - {id: quay, domains: [quay.example], rate: 5/s}
routes:
  - {domains: [cove, Häfen.example, quay.example, quay], relays: [main, spare]}
  - {id: boat, newsletters: [harbour], lists: [harbour], relays: [spare], failover: [main]}
newsletters:`, 1)+"    relay: main\n", "LEDE_ROUTES_BOAT_FAILOVER=", "LEDE_DOMAINS_QUAY_RATE=7/s")
	if got, want := cfg.Routes[0].Domains, []string{"harbour.example", "quay.example", "xn--bcher-kva.example", "xn--hfen-loa.example"}; !slices.Equal(got, want) {
		t.Errorf("domains %q, want %q", got, want)
	}
	if got := cfg.Routes[1]; got.ID != "boat" || !slices.Equal(got.Relays, []string{"spare"}) || len(got.Failover) != 0 {
		t.Errorf("%+v", got)
	}
	if cfg.Domains[0].Concurrency != 3 || cfg.Domains[1].Rate.Count != 7 {
		t.Errorf("%+v", cfg.Domains)
	}
}

func TestRelayOverrides(t *testing.T) {
	cfg := load(t, small, "LEDE_RELAYS_MAIN_QUOTA=10000", "LEDE_RELAYS_MAIN_RATE=50/s", "LEDE_RELAYS_MAIN_BURST=20",
		"LEDE_RELAYS_MAIN_WARM_UP_FROM=2026-12-01", "LEDE_RELAYS_MAIN_WARM_UP_FIRST=500",
		"LEDE_RELAYS_MAIN_WARM_UP_FACTOR=1.5", "LEDE_RELAYS_MAIN_WARM_UP_LAST=50000", "LEDE_RELAYS_MAIN_CHUNKING=false",
		"LEDE_METRICS=127.0.0.1:9001", "LEDE_DATA=postgres://lede:hunter2@localhost/lede?sslmode=disable")
	r := cfg.Relays[0]
	if r.Quota != 10000 || r.Burst != 20 || r.Chunking || !r.Pipelining || r.WarmUp == nil || cfg.Metrics != "127.0.0.1:9001" {
		t.Fatalf("%+v", r)
	}
	if w := *r.WarmUp; !w.From.Equal(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)) || w.First != 500 || w.Factor != 1.5 || w.Last != 50000 {
		t.Errorf("%+v", w)
	}
	if got, want := cfg.Store(), "postgres://localhost/lede"; got != want {
		t.Errorf("the store is called %q, want %q", got, want)
	}
}

func TestClearTextLogin(t *testing.T) {
	for auth, want := range map[string]bool{"auto": false, "plain": false, "login": false, "xoauth2": false, "cram-md5": true, "scram-sha-1": true, "scram-sha-256": true} {
		text := strings.Replace(relaySettings("tls: none", "username: ines", "password: ${P}", "auth: "+auth), "localhost", "smtp.example.org", 1)
		if _, err := Load(write(t, text), []string{"P=hunter2"}); (err == nil) != want {
			t.Errorf("%s: %v", auth, err)
		}
	}
}

func TestDatabaseWarning(t *testing.T) {
	for data, want := range map[string]int{
		"postgres://lede:hunter2@localhost/lede": 1, "postgres://localhost/lede?password=hunter2": 1,
		"postgres://lede@localhost/lede": 0, "postgres://lede:${P}@localhost/lede": 0,
	} {
		path := write(t, "data: "+data+"\n"+small)
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		cfg, err := Load(path, []string{"P=hunter2"})
		if err != nil || len(cfg.Warnings) != want || strings.Contains(strings.Join(cfg.Warnings, ""), "hunter2") {
			t.Errorf("%s: %v, %+v", data, err, cfg)
		}
	}
}
