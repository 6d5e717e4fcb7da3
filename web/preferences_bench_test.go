package web_test

import (
	"net/http/httptest"
	"testing"
)

// BenchmarkPreferences measures what a page of preferences takes of a processor,
// its queries and all, without the network.
func BenchmarkPreferences(b *testing.B) {
	s := chooses(b)
	handler, path := s.Handler(), s.choices(b, 1)
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != 200 {
			b.Fatal(w.Code, w.Body)
		}
	}
}
