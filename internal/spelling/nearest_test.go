package spelling_test

import (
	"strings"
	"testing"

	"lede/internal/spelling"
)

func TestNearest(t *testing.T) {
	known := []string{"base_url", "data", "listen", "newsletters", "relays"}
	for word, want := range map[string]string{
		"base_ur":                    "base_url",
		"Newsletter":                 "newsletters",
		"realys":                     "relays", // neighbours swapped count once
		"dta":                        "data",
		"zz":                         "",
		"schedule":                   "",
		"":                           "",
		strings.Repeat("listen", 99): "",
	} {
		if got := spelling.Nearest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
