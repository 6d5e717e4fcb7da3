package audience

import (
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
)

func TestReturnThereAndBack(t *testing.T) {
	for _, tt := range []struct {
		name       string
		edition    string
		subscriber int64
		longest    int
	}{
		{"as editions are", "9f86d081884c7d65", 70_001, 40},
		{"a large list", "9f86d081884c7d65", 1 << 34, 40},
		{"another id", "harbour-2026-11-23", 1, 64},
		{"an odd number of digits", "abc", 1, 64},
		{"capitals", "ABCD", 1, 64},
		{"none", "", 0, 64},
		{"great ids", "ffffffffffffffff", math.MaxInt64, 64},
		{"negative id", "x", -1, 64},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := ring()
			token := string(k.Signer().AppendReturn([]byte("bounces+"), tt.edition, tt.subscriber))
			token, ok := strings.CutPrefix(token, "bounces+")
			if !ok || len(token) > tt.longest {
				t.Errorf("%d characters: %q", len(token), token)
			}
			if strings.Trim(token, "abcdefghijklmnopqrstuvwxyz234567") != "" {
				t.Errorf("%q is not fit for a local part", token)
			}
			for _, spelling := range []string{token, strings.ToUpper(token)} {
				edition, subscriber, err := k.OpenReturn(spelling)
				if err != nil || edition != tt.edition || subscriber != tt.subscriber {
					t.Errorf("%s: got %q, %d, %v", spelling, edition, subscriber, err)
				}
			}
			k.Current = 2
			if _, _, err := k.OpenReturn(token); err != nil {
				t.Errorf("after a rotation: %v", err)
			}
			delete(k.Keys, 1)
			if _, _, err := k.OpenReturn(token); !errors.Is(err, ErrToken) {
				t.Errorf("with the key gone: %v", err)
			}
		})
	}
}

func TestReturnEveryBitCounts(t *testing.T) {
	k := ring()
	token := string(k.Signer().AppendReturn(nil, "9f86d081884c7d65", 70_001))
	raw, err := lower32.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(raw) * 8 {
		raw[i/8] ^= 1 << (i % 8)
		if edition, subscriber, err := k.OpenReturn(lower32.EncodeToString(raw)); !errors.Is(err, ErrToken) {
			t.Errorf("bit %d: opened as %q, %d, %v", i, edition, subscriber, err)
		}
		raw[i/8] ^= 1 << (i % 8)
	}
	for i := range len(token) {
		for _, s := range []string{token[:i], token[:i] + "\n" + token[i:], token[:i] + "=" + token[i:], token[:i] + "1" + token[i+1:]} {
			if _, _, err := k.OpenReturn(s); !errors.Is(err, ErrToken) {
				t.Errorf("%q opened", s)
			}
		}
	}
	for _, more := range []string{"a", "=", "\n", strings.Repeat("a", 99)} {
		if _, _, err := k.OpenReturn(token + more); !errors.Is(err, ErrToken) {
			t.Errorf("opened with %q behind it", more)
		}
	}
}

// A link's token is no return address, and the other way round: the bytes that
// are signed begin with their use.
func TestUsesStayApart(t *testing.T) {
	k := ring()
	link, err := strict.DecodeString(k.Sign(sample))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := k.OpenReturn(lower32.EncodeToString(link)); !errors.Is(err, ErrToken) {
		t.Error("a link's token is taken for a return address")
	}
	back, err := lower32.DecodeString(string(k.Signer().AppendReturn(nil, "", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Open(strict.EncodeToString(back)); !errors.Is(err, ErrToken) {
		t.Error("a return address is taken for a link's token")
	}
}

func TestSignerIsSharedAndFree(t *testing.T) {
	k := ring()
	s := k.Signer()
	want, back := k.Sign(sample), string(s.AppendReturn(nil, "ed1", 7))
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 200 {
				if got := string(s.AppendToken(nil, sample)); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
				if got := string(s.AppendReturn(nil, "ed1", 7)); got != back {
					t.Errorf("got %s, want %s", got, back)
				}
			}
		})
	}
	wait.Wait()
	buf := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() {
		buf = s.AppendToken(buf[:0], sample)
		buf = s.AppendReturn(buf, "9f86d081884c7d65", 70_001)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// No text but those that AppendReturn wrote opens.
func FuzzReturn(f *testing.F) {
	k := ring()
	f.Add(string(k.Signer().AppendReturn(nil, "9f86d081884c7d65", 70_001)))
	f.Add(string(k.Signer().AppendReturn(nil, "x", 1)))
	f.Add("ae")
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		edition, subscriber, err := k.OpenReturn(token)
		if err != nil {
			if !errors.Is(err, ErrToken) || edition != "" || subscriber != 0 {
				t.Errorf("%q: got %q, %d, %v", token, edition, subscriber, err)
			}
			return
		}
		if again := string(k.Signer().AppendReturn(nil, edition, subscriber)); again != strings.ToLower(token) {
			t.Errorf("%q opens as %q, %d, which is %q", token, edition, subscriber, again)
		}
	})
}

func BenchmarkToken(b *testing.B) {
	s := ring().Signer()
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		buf = s.AppendToken(buf[:0], sample)
	}
}
