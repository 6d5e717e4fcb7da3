package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"lede/audience"
	"lede/internal/fetch"
	"lede/store"
)

// TestAnswersAsUs: base_url must be answered from the same store; another
// instance, another program and silence each say what to do.
func TestAnswersAsUs(t *testing.T) {
	keys := func(name string) *audience.Keyring {
		st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		k, err := st.Keyring(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	ours, others := keys("ours.db"), keys("others.db")
	instance := func(k *audience.Keyring) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(k.Answer(strings.TrimPrefix(r.URL.Path, "/instance/"))))
		}
	}
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		want    string // in the error; empty for none
	}{
		{"ours", instance(ours), ""},
		{"another instance", instance(others), "something else (status 200)"},
		{"another program", http.NotFound, "answered 404"},
		{"nobody", nil, "refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(c.handler)
			defer server.Close()
			if c.handler == nil {
				server.Close()
			}
			err := answersAsUs(t.Context(), fetch.New(fetch.Options{}), ours, server.URL)
			switch {
			case c.want == "":
				if err != nil {
					t.Error(err)
				}
			case err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "--pages-elsewhere"):
				t.Errorf("%v, want %q and what to do", err, c.want)
			}
		})
	}
}
