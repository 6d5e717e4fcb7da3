package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var inside = GetOptions{Private: true}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestHeaders(t *testing.T) {
	var got http.Header
	at := serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Clone() })
	c := New(Options{Version: "1.2", About: "https://news.example.org/about"})
	o := inside
	o.ETag, o.LastModified, o.Accept = `"a1"`, "Mon, 23 Nov 2026 06:30:00 GMT", "application/atom+xml"
	if _, err := c.Get(t.Context(), at, o); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"User-Agent":        "Lede/1.2 (+https://news.example.org/about)",
		"If-None-Match":     `"a1"`,
		"If-Modified-Since": "Mon, 23 Nov 2026 06:30:00 GMT",
		"Accept":            "application/atom+xml",
		"Accept-Encoding":   "gzip",
		"Cookie":            "",
		"Referer":           "",
	} {
		if got.Get(name) != want {
			t.Errorf("%s: got %q, want %q", name, got.Get(name), want)
		}
	}
	own := New(Options{UserAgent: "Harbour Letter"})
	if _, err := own.Get(t.Context(), at, inside); err != nil || got.Get("User-Agent") != "Harbour Letter" {
		t.Errorf("got %q, %v", got.Get("User-Agent"), err)
	}
}

func TestNotModified(t *testing.T) {
	at := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) })
	c := New(Options{})
	r, err := c.Get(t.Context(), at, GetOptions{Private: true, ETag: `"x"`})
	if err != nil || !r.NotModified {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err := c.Get(t.Context(), at, inside); err == nil {
		t.Error("a 304 that nobody asked for was taken")
	}
}

func TestErrorsAreOneLineWithoutSecrets(t *testing.T) {
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/404":
			w.WriteHeader(http.StatusNotFound)
		case "/loop":
			http.Redirect(w, r, "/loop?token=SECRET", http.StatusFound)
		case "/nowhere":
			w.WriteHeader(http.StatusFound)
		case "/br":
			w.Header().Set("Content-Encoding", "br")
		case "/cut":
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "half")
		}
	})
	host := strings.TrimPrefix(at, "http://")
	for path, want := range map[string]string{
		"/404":     "answered 404 Not Found",
		"/loop":    "more than 5 redirects",
		"/nowhere": "redirects to nowhere",
		"/br":      `encoding "br"`,
		"/cut":     "in the middle",
	} {
		_, err := New(Options{}).Get(t.Context(), "http://ines:SECRET@"+host+path+"?token=SECRET", inside)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for address, want := range map[string]string{
		"ftp://example.org/feed":    "only http and https",
		"example.org/feed":          "not a web address",
		"http:///feed":              "names no host",
		"http://u:SECRET@h:x/":      "not an address",
		"https://nowhere.invalid./": "nowhere.invalid",
	} {
		_, err := New(Options{}).Get(t.Context(), address, GetOptions{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: got %v, want %q", address, err, want)
		}
	}
}

func TestCredentialsStayWithTheirHost(t *testing.T) {
	var other string
	var auth sync.Map
	record := func(w http.ResponseWriter, r *http.Request) {
		user, _, _ := r.BasicAuth()
		auth.Store(r.Host+r.URL.Path, user)
		switch r.URL.Path {
		case "/same":
			http.Redirect(w, r, "/end", http.StatusFound)
		case "/away":
			http.Redirect(w, r, other+"/end", http.StatusFound)
		}
	}
	first := serve(t, record)
	other = serve(t, record)
	host, otherHost := strings.TrimPrefix(first, "http://"), strings.TrimPrefix(other, "http://")
	c := New(Options{})
	for _, path := range []string{"/same", "/away"} {
		r, err := c.Get(t.Context(), "http://ines:quay@"+host+path, inside)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(r.URL, "quay") {
			t.Errorf("the answer's address holds credentials: %s", r.URL)
		}
	}
	for where, want := range map[string]string{host + "/same": "ines", host + "/end": "ines", otherHost + "/end": ""} {
		if got, _ := auth.Load(where); got != want {
			t.Errorf("%s: got %q, want %q", where, got, want)
		}
	}
}

func TestSizeLimits(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	for range 200 {
		_, _ = z.Write(zeros)
	}
	z.Close()
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		case "/declared":
			w.Header().Set("Content-Length", strconv.Itoa(1<<30))
			w.WriteHeader(http.StatusOK)
		case "/endless":
			for {
				if _, err := w.Write(zeros); err != nil {
					return
				}
			}
		case "/exact":
			_, _ = w.Write(zeros)
		case "/gzip":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, "tide table")
			z.Close()
		}
	})
	c := New(Options{MaxBytes: 1 << 20})
	for _, path := range []string{"/bomb", "/declared", "/endless"} {
		if _, err := c.Get(t.Context(), at+path, inside); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if r, err := c.Get(t.Context(), at+"/exact", inside); err != nil || len(r.Body) != 1<<20 {
		t.Errorf("exactly the limit: %v", err)
	}
	if r, err := c.Get(t.Context(), at+"/gzip", inside); err != nil || string(r.Body) != "tide table" {
		t.Errorf("gzip: %v", err)
	}
	if _, err := c.Get(t.Context(), at+"/exact", GetOptions{Private: true, MaxBytes: 1000}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a request's own limit: %v", err)
	}
}

// bubble gives a client whose connections are pipes, so that time is fake.
func bubble(o Options, h http.HandlerFunc) (*Client, func()) {
	c := New(o)
	conns := make(chan net.Conn)
	srv := &http.Server{Handler: h}
	l := &pipes{conns: conns, done: make(chan struct{})}
	go func() { _ = srv.Serve(l) }()
	c.open.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		conns <- theirs
		return ours, nil
	}
	return c, func() { c.open.CloseIdleConnections(); srv.Close() }
}

type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func TestSlowServersEnd(t *testing.T) {
	for _, path := range []string{"/drip", "/silent"} {
		t.Run(path, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, end := bubble(Options{Timeout: 10 * time.Second}, func(w http.ResponseWriter, r *http.Request) {
					for {
						select {
						case <-r.Context().Done():
							return
						case <-time.After(time.Second):
						}
						if r.URL.Path == "/drip" {
							_, _ = w.Write([]byte("x"))
							_ = http.NewResponseController(w).Flush()
						}
					}
				})
				defer end()
				start := time.Now()
				_, err := c.Get(t.Context(), "http://slow.example"+path, inside)
				if err == nil || !strings.Contains(err.Error(), "no whole answer within 10s") {
					t.Errorf("got %v", err)
				}
				if took := time.Since(start); took > 11*time.Second {
					t.Errorf("took %s", took)
				}
			})
		})
	}
}

func TestPerHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		c, end := bubble(Options{PerHost: 2}, func(w http.ResponseWriter, _ *http.Request) {
			n := now.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(time.Second)
			now.Add(-1)
			fmt.Fprint(w, "ok")
		})
		defer end()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := c.Get(t.Context(), "http://Quay.example/", inside); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if most.Load() != 2 {
			t.Errorf("%d requests at a time, want 2", most.Load())
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		c, end := bubble(Options{}, func(w http.ResponseWriter, _ *http.Request) {
			if asked.Add(1) == 1 {
				w.Header().Set("Retry-After", "120")
				w.WriteHeader(http.StatusTooManyRequests)
			}
		})
		defer end()
		_, err := c.Get(t.Context(), "http://busy.example/", inside)
		var status *StatusError
		if !errors.As(err, &status) || status.RetryAfter != 2*time.Minute || !strings.Contains(err.Error(), "2m0s") {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Minute)
		if _, err := c.Get(t.Context(), "http://busy.example/other", inside); err == nil || !strings.Contains(err.Error(), "left alone for another 1m0s") {
			t.Errorf("got %v", err)
		}
		if asked.Load() != 1 {
			t.Error("the host was asked again too early")
		}
		time.Sleep(61 * time.Second)
		if _, err := c.Get(t.Context(), "http://busy.example/", inside); err != nil {
			t.Errorf("after the wait: %v", err)
		}
	})
}

func TestHostsAreForgotten(t *testing.T) {
	p := newPolite(2)
	for i := range 1000 {
		leave, err := p.enter(t.Context(), strconv.Itoa(i))
		if err != nil {
			t.Fatal(err)
		}
		leave()
	}
	if len(p.hosts) > 257 {
		t.Errorf("%d hosts are kept", len(p.hosts))
	}
}
