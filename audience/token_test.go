package audience

import (
	"encoding/base64"
	"errors"
	"math"
	"strings"
	"testing"
)

func ring() *Keyring {
	return &Keyring{
		Keys: map[uint32][]byte{
			1: []byte("the quay keeps what the tide gives"),
			2: []byte("fourteen boats left before sunrise"),
		},
		Current: 1,
	}
}

var sample = Token{Purpose: PurposeUnsubscribe, Newsletter: "harbour", Subscriber: 70001, Salt: 0xdeadbeef, Edition: "h5k2m9q7r3t1"}

func TestTokenThereAndBack(t *testing.T) {
	tests := []struct {
		name  string
		token Token
	}{
		{"of a letter", sample},
		{"of a proof", Token{Purpose: PurposeProof, Newsletter: "harbour", Edition: "x"}},
		{"empty", Token{}},
		{"great ids", Token{Purpose: 'u', Subscriber: math.MaxInt64, Salt: math.MaxUint32}},
		{"negative id", Token{Purpose: 'u', Subscriber: -1}},
		{"any bytes", Token{Purpose: 0xff, Newsletter: "\x00ü", Edition: "\xff"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := ring()
			s := k.Sign(tt.token)
			got, err := k.Open(s)
			if err != nil || got != tt.token {
				t.Errorf("got %+v, %v; want %+v", got, err, tt.token)
			}
			if strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
				t.Errorf("%q is not fit for a link", s)
			}
		})
	}
}

// Links that are out there work for ever: a token's format does not change.
func TestTokenFormatStays(t *testing.T) {
	for want, token := range map[string]Token{
		"AQF18aIE3q2-7wdoYXJib3VyaDVrMm05cTdyM3QxH0UmLJckNHGeJNEUHQeDRQ": sample,
		"AQF1____________AQAAAAAAkvljkmEUBuxsszvjqcPblg":                 {Purpose: 'u', Subscriber: -1},
	} {
		if got := ring().Sign(token); got != want {
			t.Errorf("%+v is %s, want %s", token, got, want)
		}
		if got, err := ring().Open(want); err != nil || got != token {
			t.Errorf("%s is %+v, %v", want, got, err)
		}
	}
}

func TestTokenIsShort(t *testing.T) {
	if s := "https://news.example.org/u/" + ring().Sign(sample); len(s) >= 100 {
		t.Errorf("%d characters: %s", len(s), s)
	}
}

func TestTokenEveryBitCounts(t *testing.T) {
	k := ring()
	s := k.Sign(sample)
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(raw) * 8 {
		raw[i/8] ^= 1 << (i % 8)
		if got, err := k.Open(base64.RawURLEncoding.EncodeToString(raw)); !errors.Is(err, ErrToken) {
			t.Errorf("bit %d: opened as %+v, %v", i, got, err)
		}
		raw[i/8] ^= 1 << (i % 8)
	}
	for i := range len(s) {
		for _, c := range []byte("AB_-x9=\n\r +/") {
			if c == s[i] {
				continue
			}
			if got, err := k.Open(s[:i] + string(c) + s[i+1:]); !errors.Is(err, ErrToken) {
				t.Errorf("character %d as %q: opened as %+v, %v", i, c, got, err)
			}
		}
		if _, err := k.Open(s[:i]); !errors.Is(err, ErrToken) {
			t.Errorf("opened with %d characters", i)
		}
		if _, err := k.Open(s[:i] + "\n" + s[i:]); !errors.Is(err, ErrToken) {
			t.Errorf("opened with a line break at %d", i)
		}
	}
	for _, more := range []string{"A", "=", "==", "\n", "\r\n", " "} {
		if _, err := k.Open(s + more); !errors.Is(err, ErrToken) {
			t.Errorf("opened with %q behind it", more)
		}
	}
}

func TestTokenKeys(t *testing.T) {
	old := ring()
	s := old.Sign(sample)

	t.Run("survives rotation", func(t *testing.T) {
		k := ring()
		k.Current = 2
		if got, err := k.Open(s); err != nil || got != sample {
			t.Errorf("got %+v, %v", got, err)
		}
		if k.Sign(sample) == s {
			t.Error("the new key signs like the old one")
		}
	})
	t.Run("key gone", func(t *testing.T) {
		k := &Keyring{Keys: map[uint32][]byte{2: ring().Keys[2]}, Current: 2}
		if _, err := k.Open(s); !errors.Is(err, ErrToken) {
			t.Error(err)
		}
	})
	t.Run("another key under the id", func(t *testing.T) {
		k := &Keyring{Keys: map[uint32][]byte{1: ring().Keys[2]}, Current: 1}
		if _, err := k.Open(s); !errors.Is(err, ErrToken) {
			t.Error(err)
		}
	})
	t.Run("no empty key", func(t *testing.T) {
		k := &Keyring{Keys: map[uint32][]byte{1: {}}, Current: 1}
		if _, err := k.Open(s); !errors.Is(err, ErrToken) {
			t.Error(err)
		}
		defer func() {
			if recover() == nil {
				t.Error("signed with an empty key")
			}
		}()
		k.Sign(sample)
	})
}

func TestTokenPartsDontShift(t *testing.T) {
	k := ring()
	if k.Sign(Token{Newsletter: "ab", Edition: "c"}) == k.Sign(Token{Newsletter: "a", Edition: "bc"}) {
		t.Error("two tokens are one text")
	}
}

func TestAnswer(t *testing.T) {
	k := ring()
	if k.Answer("n") != ring().Answer("n") {
		t.Error("one store gives two answers")
	}
	other := ring()
	other.Current = 2
	if k.Answer("n") == other.Answer("n") || k.Answer("n") == k.Answer("m") {
		t.Error("answers don't depend on key and nonce")
	}
	if _, err := k.Open(k.Answer("n")); err == nil {
		t.Error("an answer opens as a token")
	}
}

// No text but those that Sign wrote opens, and it opens as what was signed.
func FuzzToken(f *testing.F) {
	k := ring()
	f.Add(k.Sign(sample))
	f.Add(k.Sign(Token{}))
	f.Add("AQF1")
	f.Add("")
	f.Add(strings.Repeat("A", 64))
	f.Fuzz(func(t *testing.T, s string) {
		got, err := k.Open(s)
		if err != nil {
			if !errors.Is(err, ErrToken) || got != (Token{}) {
				t.Errorf("%q: got %+v, %v", s, got, err)
			}
			return
		}
		if again := k.Sign(got); again != s {
			t.Errorf("%q opens as %+v, which is %q", s, got, again)
		}
	})
}
