package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lede/internal/config"
	"lede/send"
)

// TestPlan: every setting of relays, routes and domains reaches the sender.
func TestPlan(t *testing.T) {
	dir := t.TempDir()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	write("us.pem", slices.Concat(certificate, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	write("ca.pem", certificate)
	write("lede.yaml", []byte(`base_url: https://news.example.org
relays:
  - {id: main, host: smtp.example.org, auth: scram-sha-256, username: ines, password: x, ca: ca.pem, certificate: us.pem,
     rate: 5/m, burst: 3, quota: 100, warm_up: {from: 2026-12-01, first: 10, factor: 1.5, last: 90}, weight: 3,
     idle: 10s, lifetime: 5m, pipelining: false}
  - {id: spare, host: smtp.example.net}
domains: [{id: quay, domains: [quay.example], concurrency: 2, rate: 1/s}]
routes: [{newsletters: [harbour], lists: [crew], domains: [quay], relays: [main], failover: [spare]}]
newsletters:
  - {id: harbour, name: N, from: a@example.org, relay: spare, lists: [harbour, crew], sources: [{id: desk, folder: s}],
     spread: 2h, schedule: "0 7 * * *", verp: true, bounce_address: bounces@example.org}
`))
	cfg, err := config.Load(filepath.Join(dir, "lede.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := planOf(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := plan.Relays[0]
	if r.Auth != "scram-sha-256" || r.CA == nil || r.Certificate == nil || r.Burst != 3 || r.Quota != 100 || r.Weight != 3 ||
		r.Idle != 10*time.Second || r.Lifetime != 5*time.Minute || !r.NoPipelining || r.NoChunking || r.WarmUp == nil || r.WarmUp.Factor != 1.5 {
		t.Errorf("%+v", r)
	}
	if s := plan.Relays[1]; s.Auth != "" || s.CA != nil || s.Certificate != nil || s.WarmUp != nil || s.Quota != 0 || s.NoPipelining {
		t.Errorf("with defaults: %+v", s)
	}
	for day, want := range map[string]int{"2026-11-30": 10, "2026-12-01": 10, "2026-12-02": 15, "2026-12-06": 75, "2026-12-07": 100} {
		at, _ := time.Parse(time.DateOnly, day)
		if got := r.Ceiling(at); got != want {
			t.Errorf("%s: %d mails, want %d", day, got, want)
		}
	}
	want := send.Route{Newsletters: []string{"harbour"}, Lists: []string{"crew"}, Domains: []string{"quay.example"}, Relays: []string{"main"}, Failover: []string{"spare"}}
	if got := plan.Routes[0]; !slices.Equal(got.Domains, want.Domains) || !slices.Equal(got.Relays, want.Relays) || !slices.Equal(got.Failover, want.Failover) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if d := plan.Domains[0]; d.Concurrency != 2 || d.Rate.Count != 1 || d.ID != "quay" {
		t.Errorf("%+v", d)
	}
	n, err := newsletterOf(cfg, cfg.Newsletters[0])
	if err != nil || n.Timing.Spread != 2*time.Hour || !n.Sender.VERP || !slices.Equal(n.Relays, []string{"main", "spare"}) {
		t.Errorf("%v, %+v", err, n)
	}
	for name, text := range map[string]string{"ca.pem": "ca", "us.pem": "certificate"} {
		whole, _ := os.ReadFile(filepath.Join(dir, name))
		write(name, []byte("gone"))
		if _, err := planOf(cfg); err == nil || !strings.Contains(err.Error(), "relay main: "+text) {
			t.Errorf("%s that was spoilt: %v", name, err)
		}
		write(name, whole)
	}
}

// TestRelaysFor: what a route takes whole is no more the newsletter's relay's.
func TestRelaysFor(t *testing.T) {
	n := config.Newsletter{ID: "harbour", Relay: "main", Lists: []string{"harbour", "crew"}}
	for name, c := range map[string]struct {
		routes []config.Route
		want   string
	}{
		"no route":           {nil, "main"},
		"everything":         {[]config.Route{{Relays: []string{"a", "b"}, Failover: []string{"c"}}}, "a b c"},
		"another newsletter": {[]config.Route{{Newsletters: []string{"boat"}, Relays: []string{"a"}}}, "main"},
		"another list":       {[]config.Route{{Lists: []string{"others"}, Relays: []string{"a"}}}, "main"},
		"one of its lists":   {[]config.Route{{Lists: []string{"crew"}, Relays: []string{"a"}}}, "a main"},
		"all of its lists":   {[]config.Route{{Lists: []string{"crew", "harbour"}, Relays: []string{"a"}}}, "a"},
		"some domains":       {[]config.Route{{Domains: []string{"x.example"}, Relays: []string{"a", "main"}}}, "a main"},
		"behind everything":  {[]config.Route{{Newsletters: []string{"harbour"}, Relays: []string{"a"}}, {Relays: []string{"b"}}}, "a"},
	} {
		if got := strings.Join(relaysFor(&config.Config{Routes: c.routes}, n), " "); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
