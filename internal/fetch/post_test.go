package fetch

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestPost(t *testing.T) {
	var elsewhere atomic.Int32
	other := serve(t, func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) })
	var got string
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		status int
		body   string // prefix
		length int
		after  time.Duration
	}{
		{"taken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, 204, "", 0, 0},
		{"refused", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no such hook", http.StatusGone) }, 410, "no such hook", 13, 0},
		{"busy", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "90")
			w.WriteHeader(http.StatusTooManyRequests)
		}, 429, "", 0, 90 * time.Second},
		{"redirects", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", other)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, 307, "", 0, 0},
		{"never ends", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, strings.Repeat("x", 1<<16)); err != nil {
					return
				}
			}
		}, 200, "xxxx", 4 << 10, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := serve(t, func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				got = r.Method + " " + r.Header.Get("Webhook-Id") + " " + string(b)
				c.answer(w, r)
			})
			a, err := New(Options{}).Post(t.Context(), at, []byte("{}"), PostOptions{Private: true, Header: http.Header{"webhook-id": {"msg_1"}}})
			if err != nil {
				t.Fatal(err)
			}
			if got != "POST msg_1 {}" {
				t.Errorf("it got %q", got)
			}
			if a.Status != c.status || !strings.HasPrefix(string(a.Body), c.body) || len(a.Body) != c.length || a.RetryAfter != c.after {
				t.Errorf("answer %d, %d bytes, %s", a.Status, len(a.Body), a.RetryAfter)
			}
		})
	}
	if elsewhere.Load() != 0 {
		t.Error("a redirect was followed")
	}
}

func TestPostIsGuarded(t *testing.T) {
	port, touched := canary(t, "127.0.0.1:0")
	for _, host := range []string{"127.0.0.1", "127.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"} {
		if _, err := New(Options{Timeout: 2 * time.Second}).Post(t.Context(), "http://"+host+":"+port+"/", nil, PostOptions{}); err == nil {
			t.Errorf("%s was asked", host)
		} else if host == "127.0.0.1" && !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", host, err)
		}
	}
	if touched.Load() != 0 {
		t.Error("something inside was touched")
	}
}

func TestPostEnds(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"hangs":               func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"hangs in its answer": func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush(); <-r.Context().Done() },
		"closes":              func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			// The handler reads the body, or it would not notice that we left.
			at := serve(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				answer(w, r)
			})
			at = strings.Replace(at, "http://", "http://user:pass@", 1) + "/?token=hidden"
			_, err := New(Options{}).Post(t.Context(), at, []byte("{}"), PostOptions{Private: true, Timeout: 200 * time.Millisecond})
			if err == nil {
				t.Fatal("no error")
			}
			if strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "pass") {
				t.Errorf("%v tells secrets", err)
			}
		})
	}
}
