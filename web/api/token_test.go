package api_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"lede/web/api"
)

func TestNewTokenIsReadBack(t *testing.T) {
	one, other := api.NewToken(), api.NewToken()
	a, err := api.HashToken(one)
	if err != nil {
		t.Fatal(err)
	}
	b, err := api.HashToken(other)
	if err != nil {
		t.Fatal(err)
	}
	if a == b || strings.Contains(a, one) || len(a) != 64 {
		t.Errorf("hashes %s and %s", a, b)
	}
}

func TestHashTokenRefuses(t *testing.T) {
	good := api.NewToken()
	swapped := []byte(good)
	if swapped[9]++; swapped[9] == '9'+1 || swapped[9] == 'Z'+1 || swapped[9] == 'z'+1 {
		swapped[9] -= 2
	}
	for name, text := range map[string]string{
		"empty": "", "prefix alone": "lede_", "without prefix": good[5:], "mistyped": string(swapped),
		"short": good[:len(good)-1], "long": good + "0", "a space at its end": good + " ", "another alphabet": good[:9] + "-" + good[10:],
	} {
		if hash, err := api.HashToken(text); !errors.Is(err, api.ErrNoToken) || hash != "" {
			t.Errorf("%s: %q %v", name, hash, err)
		}
	}
}

func TestTokenValid(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		token api.Token
		want  bool
	}{
		"for ever":       {api.Token{}, true},
		"to come":        {api.Token{Expires: now.Add(time.Second)}, true},
		"this very time": {api.Token{Expires: now}, false},
		"revoked":        {api.Token{Revoked: now.Add(-time.Hour)}, false},
	} {
		if got := c.token.Valid(now); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestCheckTokenName(t *testing.T) {
	for name, ok := range map[string]bool{"shop-2.crm_a": true, "": false, "two words": false, "line\nbreak": false, strings.Repeat("a", 61): false} {
		if err := api.CheckTokenName(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func FuzzHashToken(f *testing.F) {
	f.Add(api.NewToken())
	f.Add("lede_")
	f.Add("lede_" + strings.Repeat("0", 36))
	f.Fuzz(func(t *testing.T, text string) {
		hash, err := api.HashToken(text)
		if (err == nil) != (len(hash) == 64) {
			t.Fatalf("%q: %q %v", text, hash, err)
		}
		if err == nil && (len(text) != 41 || !strings.HasPrefix(text, "lede_")) {
			t.Fatalf("%q was taken for a token", text)
		}
	})
}
