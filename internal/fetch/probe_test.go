package fetch

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

func TestProbe(t *testing.T) {
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/page", "/end":
			w.Header().Set("Content-Length", "1234")
			if r.Method == http.MethodGet {
				_, _ = w.Write(make([]byte, 1234))
			}
		case "/moved":
			http.Redirect(w, r, "/end", http.StatusMovedPermanently)
		case "/no-head":
			if r.Method == http.MethodHead {
				w.WriteHeader(http.StatusMethodNotAllowed)
				return
			}
			_, _ = w.Write([]byte("here"))
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
	c := New(Options{})
	for path, want := range map[string]Probed{
		"/page":    {200, at + "/page", 1234},
		"/moved":   {200, at + "/end", 1234},
		"/no-head": {200, at + "/no-head", 4},
		"/gone":    {404, at + "/gone", 0},
	} {
		got, err := c.probe(t.Context(), at+path, true)
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", path, got, err, want)
		}
	}
	if _, err := c.probe(t.Context(), at+"/loop", true); err == nil || !strings.Contains(err.Error(), "redirects") {
		t.Errorf("a loop: %v", err)
	}
	if _, err := c.Probe(t.Context(), at+"/page"); !errors.Is(err, ErrRefused) {
		t.Errorf("a private address: %v, want the guard's refusal", err)
	}
	if _, err := c.Probe(t.Context(), "ftp://example.org/"); err == nil {
		t.Error("no error for ftp")
	}
}
