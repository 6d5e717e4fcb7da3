package audience

import (
	"math/rand/v2"
	"testing"
)

// TestSeen holds the set to a map, with more sets of attributes than it has
// short places for, and growing twice.
func TestSeen(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	hashes := make([]uint64, 12_000)
	for i := range hashes {
		hashes[i] = random.Uint64()
	}
	s, want := newSeen(), make(map[uint64]uint64)
	for range 60_000 {
		hash, attributes := hashes[random.IntN(len(hashes))], random.Uint64N(1<<12)
		had, again := s.add(hash, attributes)
		before, there := want[hash]
		if had != before || again != there {
			t.Fatalf("%x: had %b %v, want %b %v", hash, had, again, before, there)
		}
		want[hash] = before | attributes
	}
	if s.n != len(want) || len(s.rare) == 0 {
		t.Errorf("%d people for %d, %d of them with rare sets", s.n, len(want), len(s.rare))
	}
}
