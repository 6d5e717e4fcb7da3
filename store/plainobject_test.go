package store

import "testing"

// TestPlainObject holds the short way to encoding/json.
func TestPlainObject(t *testing.T) {
	for _, texts := range []map[string]string{
		{},
		{"town": "Port Averne"},
		{"town": "Port Averne", "plan": "", "a": "{b}", "B": "~ '"},
	} {
		want, err := asJSON(texts)
		if err != nil {
			t.Fatal(err)
		}
		if got := plainObject(texts); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for _, text := range []string{"a\"b", `a\b`, "Köln", "a<b", "a>b", "a&b", "a\nb", "a\x7fb", "a\x00b"} {
		if got := plainObject(map[string]string{"town": text}); got != "" {
			t.Errorf("%q: %s", text, got)
		}
		if got := plainObject(map[string]string{text: "a"}); got != "" {
			t.Errorf("%q: %s", text, got)
		}
	}
}
