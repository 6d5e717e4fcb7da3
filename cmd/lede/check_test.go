package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/textproto"
	"strings"
	"syscall"
	"testing"

	"lede/newsroom"
	"lede/send"
)

// world is DNS: name → TXT records. Names with no records are not there; a nil
// world answers every name with "no such name".
type world map[string][]string

func (w world) missing(name string) error {
	return &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (w world) LookupTXT(_ context.Context, name string) ([]string, error) {
	if r := w[name]; len(r) > 0 {
		return r, nil
	}
	return nil, w.missing(name)
}

func (w world) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	if r := w["mx "+name]; len(r) > 0 {
		return []*net.MX{{Host: r[0]}}, nil
	}
	return nil, w.missing(name)
}

func (w world) LookupNS(_ context.Context, name string) ([]*net.NS, error) {
	if w == nil {
		return nil, w.missing(name)
	}
	return []*net.NS{{Host: "a.nic.example."}}, nil
}

// TestCheckDNS: what is published is ok, what is not is a failure, and where
// DNS says nothing of use it is a warning, not a false alarm.
func TestCheckDNS(t *testing.T) {
	good := world{
		"mx example.org":     {"mx.example.org."},
		"example.org":        {"some-site=1", "v=spf1 mx -all"},
		"_dmarc.example.org": {"v=DMARC1; p=none"},
	}
	for _, c := range []struct {
		name  string
		dns   world
		lines []string
	}{
		{"all there", good, []string{"ok MX example.org", "ok SPF example.org", "ok DMARC example.org", "warning DKIM example.org"}},
		{"nothing there", world{}, []string{"failure MX example.org", "failure SPF example.org", "failure DMARC example.org", "warning DKIM example.org"}},
		{"no DNS", nil, []string{"warning DNS example.org"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cs := &checks{a: &app{stdout: &bytes.Buffer{}}}
			n := newsroom.Newsletter{Sender: send.Sender{From: mail.Address{Address: "letter@example.org"}}}
			cs.dns(t.Context(), c.dns, n, "example.org")
			var got []string
			for _, l := range cs.lines {
				got = append(got, l.State+" "+l.Check)
				if l.State != "ok" && l.Remedy == "" {
					t.Errorf("%s: no remedy", l.Check)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(c.lines) {
				t.Errorf("got %q\nwant %q", got, c.lines)
			}
		})
	}
}

// TestRelayRemedies: each way in which a relay can't be used says what to do.
func TestRelayRemedies(t *testing.T) {
	for _, c := range []struct {
		err   error
		local bool
		want  string
	}{
		{&net.DNSError{Err: "no such host", Name: "smpt.example.org"}, false, "spelt"},
		{fmt.Errorf("dial: %w", syscall.ECONNREFUSED), false, "host and port"},
		{fmt.Errorf("dial: %w", syscall.ECONNREFUSED), true, "lede inbox"},
		{fmt.Errorf("dial: %w", context.DeadlineExceeded), false, "firewall"},
		{fmt.Errorf("TLS: %w", tls.RecordHeaderError{Msg: "no TLS"}), false, "starttls"},
		{errors.New("TLS: x509: certificate is valid for a, not b"), false, "certificate"},
		{fmt.Errorf("login: %w", &textproto.Error{Code: 535, Msg: "no"}), false, "password"},
		{errors.New("something else"), false, "settings"},
	} {
		if got := relayRemedy(c.err, c.local); !strings.Contains(got, c.want) {
			t.Errorf("%v: %q, want %q in it", c.err, got, c.want)
		}
	}
}

// TestCheckDKIM: what is published is compared with the key that signs.
func TestCheckDKIM(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, small, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := dkimRecord(key)
	if err != nil {
		t.Fatal(err)
	}
	oursSmall, err := dkimRecord(small)
	if err != nil {
		t.Fatal(err)
	}
	name := "lede._domainkey.example.org"
	for _, c := range []struct {
		name string
		key  crypto.Signer
		dns  world
		want string
	}{
		{"ours", key, world{name: {ours}}, "ok the published key is ours"},
		{"ours, in other words", key, world{name: {"p=" + strings.TrimPrefix(ours, "v=DKIM1; k=rsa; p=") + " ;  v=DKIM1"}}, "ok the published key is ours"},
		{"Ed25519", small, world{name: {oursSmall}}, "ok the published key is ours"},
		{"Ed25519 published as RSA", small, world{name: {strings.Replace(oursSmall, "k=ed25519; ", "", 1)}}, "failure the record names another kind"},
		{"another", key, world{name: {"v=DKIM1; k=rsa; p=AAAA"}}, "failure the published key is another one"},
		{"revoked", key, world{name: {"v=DKIM1; p="}}, "failure the published key is revoked"},
		{"two records", key, world{name: {ours, ours}}, "failure more than one record"},
		{"sha1 alone", key, world{name: {ours + "; h=sha1"}}, "failure the record does not allow sha256"},
		{"a test", key, world{name: {ours + "; t=y:s"}}, "warning the published key is ours, marked as a test"},
		{"none", key, world{}, "failure No key is published."},
	} {
		t.Run(c.name, func(t *testing.T) {
			cs := &checks{a: &app{stdout: &bytes.Buffer{}}}
			cs.dkim(t.Context(), c.dns, send.DKIM{Domain: "example.org", Selector: "lede", Key: c.key})
			if len(cs.lines) != 1 {
				t.Fatalf("%d lines", len(cs.lines))
			}
			line := cs.lines[0]
			if got := line.State + " " + line.Text; !strings.HasPrefix(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if line.State == "failure" && !strings.Contains(line.Remedy, name) {
				t.Errorf("remedy %q", line.Remedy)
			}
		})
	}
}
