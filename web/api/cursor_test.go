package api

import (
	"net/http/httptest"
	"net/url"
	"testing"
)

// A cursor that leads somewhere is one that this query gave out; all others are
// refused by name.
func FuzzCursor(f *testing.F) {
	f.Add("/api/v1/subscribers", "list=daily&limit=2", "AAAAAAAAAAAAAAAAAAAAAA", int64(7))
	f.Add("/api/v1/imports", "", "", int64(1))
	f.Add("/api/v1/subscribers", "where=%00&cursor=x&cursor=y", "=", int64(1)<<62)
	f.Fuzz(func(t *testing.T, path, query, text string, id int64) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path = path
		c := &call{r: r, query: q}
		ask := func(text string) (int64, error) {
			q.Set("cursor", text)
			return c.after()
		}
		if id = max(1, id&^(-1<<63)); id > 0 {
			given := c.cursor(id)
			if got, err := ask(given); got != id || err != nil {
				t.Errorf("%q leads to %d, %v; want %d", given, got, err, id)
			}
			q.Set("limit", "9") // another size of page changes nothing
			if got, err := ask(given); got != id || err != nil {
				t.Errorf("%q with another limit leads to %d, %v; want %d", given, got, err, id)
			}
			r.URL.Path = path + "x"
			if got, err := ask(given); got != 0 || err == nil {
				t.Errorf("%q of %s leads to %d of %s", given, path, got, r.URL.Path)
			}
			r.URL.Path = path
		}
		got, err := ask(text)
		switch {
		case err != nil && got != 0, err == nil && got < 0:
			t.Errorf("%q leads to %d, %v", text, got, err)
		case err == nil && text != "":
			if again, err := ask(c.cursor(got)); again != got || err != nil {
				t.Errorf("%q leads to %d, and that to %d, %v", text, got, again, err)
			}
		}
	})
}
