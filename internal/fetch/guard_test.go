package fetch

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"code.dny.dev/ssrf"
)

// canary listens on an address and counts every connection, whatever it says.
func canary(t *testing.T, address string) (port string, touched *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("cannot listen on %s: %v", address, err)
		}
		t.Skipf("cannot listen on %s: %v", address, err)
	}
	touched = &atomic.Int32{}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			touched.Add(1)
			c.Close()
		}
	}()
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port, touched
}

// public is a server on 127.0.0.2, which these tests take for the internet.
func public(t *testing.T, h http.HandlerFunc) (port string) {
	t.Helper()
	return serveOn(t, "127.0.0.2:0", h)
}

func serveOn(t *testing.T, address string, h http.HandlerFunc) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("cannot listen on %s: %v", address, err)
		}
		t.Skipf("cannot listen on %s: %v", address, err)
	}
	s := httptest.NewUnstartedServer(h)
	s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port
}

// anyPort opens every port and calls 127.0.0.2 public.
var anyPort = []ssrf.Option{
	ssrf.WithAnyPort(),
	ssrf.WithAllowedV4Prefixes(netip.MustParsePrefix("127.0.0.2/32")),
}

func TestPrivateAddressesAreNeverDialled(t *testing.T) {
	port, touched := canary(t, "127.0.0.1:0")
	port6, touched6 := "1", &atomic.Int32{}
	if l, err := net.Listen("tcp6", "[::1]:0"); err == nil {
		l.Close()
		port6, touched6 = canary(t, "[::1]:0")
	}
	n := &names{answers: map[string][]string{"inside.example": {"127.0.0.1"}, "metadata.example": {"169.254.169.254"}}}
	c := newClient(Options{}, n.resolver(t), anyPort...)

	for _, host := range []string{
		"127.0.0.1", "127.1", "127.0.1", "0x7f000001", "0x7f.0.0.1", "2130706433", "017700000001", "0177.0.0.1",
		"127.0.0.1.", "0.0.0.0", "0", "localhost", "inside.example", "metadata.example", "10.0.0.1", "192.168.1.1", "172.16.0.1",
		"100.64.0.1", "169.254.169.254", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
		"[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2002:7f00:0001::1]", "[2001:0:7f00:1::1]",
		"[fe80::1]", "[fc00::1]", "[fec0::1]", "[::]",
	} {
		_, err := c.Get(t.Context(), "http://"+host+":"+port+"/", GetOptions{})
		if err == nil {
			t.Errorf("%s: was read", host)
		}
	}
	if _, err := c.Get(t.Context(), "http://[::1]:"+port6+"/", GetOptions{}); !errors.Is(err, ErrRefused) {
		t.Errorf("[::1]: %v", err)
	}
	if got := touched.Load() + touched6.Load(); got != 0 {
		t.Errorf("%d connections reached the canary", got)
	}
}

func TestPortsThatAreNotOfTheWeb(t *testing.T) {
	c := New(Options{})
	for _, port := range []int{22, 25, 5432, 6379, 8080} {
		_, err := c.Get(t.Context(), fmt.Sprintf("http://93.184.215.14:%d/", port), GetOptions{})
		if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "ports 80 and 443") {
			t.Errorf("port %d: %v", port, err)
		}
	}
}

func TestRedirectsNeverLeadInside(t *testing.T) {
	port, touched := canary(t, "127.0.0.1:0")
	n := &names{answers: map[string][]string{"feeds.example": {"127.0.0.2"}, "inside.example": {"127.0.0.1"}}}
	var to atomic.Value
	front := public(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, to.Load().(string), http.StatusFound)
	})
	c := newClient(Options{}, n.resolver(t), anyPort...)
	for _, private := range []bool{false, true} {
		for _, target := range []string{
			"http://127.0.0.1:" + port, "http://inside.example:" + port, "//127.0.0.1:" + port + "/x",
			"http://[::ffff:127.0.0.1]:" + port, "file:///etc/passwd", "gopher://127.0.0.1:" + port, "http://127.1:" + port,
		} {
			to.Store(target)
			_, err := c.Get(t.Context(), "http://feeds.example:"+front+"/feed", GetOptions{Private: private})
			if err == nil {
				t.Errorf("private %v: %s was read", private, target)
			}
		}
	}
	if touched.Load() != 0 {
		t.Error("a redirect reached the canary")
	}
}

func TestRebinding(t *testing.T) {
	port, touched := canary(t, "127.0.0.1:0")
	front := serveOn(t, "127.0.0.2:"+port, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		if r.URL.Path == "/a" {
			http.Redirect(w, r, "/b", http.StatusFound)
			return
		}
		t.Error("the second look-up was not asked for")
	})
	n := &names{answers: map[string][]string{"rebind.example": {"127.0.0.2", "127.0.0.1"}}}
	c := newClient(Options{}, n.resolver(t), anyPort...)
	_, err := c.Get(t.Context(), "http://rebind.example:"+front+"/a", GetOptions{})
	if !errors.Is(err, ErrRefused) {
		t.Errorf("got %v", err)
	}
	if touched.Load() != 0 {
		t.Error("the second address was dialled")
	}
}

func TestPrivateSourceMayStayInside(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/a" {
			http.Redirect(w, r, "/b", http.StatusMovedPermanently)
			return
		}
		fmt.Fprint(w, "tide table")
	}))
	defer s.Close()
	c := New(Options{})
	r, err := c.Get(t.Context(), s.URL+"/a", GetOptions{Private: true})
	if err != nil {
		t.Fatal(err)
	}
	if string(r.Body) != "tide table" || r.URL != s.URL+"/b" {
		t.Errorf("got %q from %s", r.Body, r.URL)
	}
	// The connection that was just kept open must not serve others.
	if _, err := c.Get(t.Context(), s.URL+"/b", GetOptions{}); !errors.Is(err, ErrRefused) {
		t.Errorf("a guarded request after a private one: %v", err)
	}
}

func TestProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	port, touched := canary(t, "127.0.0.1:0")
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:"+port)
	t.Setenv("http_proxy", "http://127.0.0.1:"+port)
	n := &names{answers: map[string][]string{"feeds.example": {"127.0.0.2"}}}
	front := public(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	c := newClient(Options{}, n.resolver(t), anyPort...)
	if _, err := c.Get(t.Context(), "http://feeds.example:"+front, GetOptions{}); err != nil {
		t.Fatal(err)
	}
	if touched.Load() != 0 {
		t.Error("the proxy was asked")
	}
}
