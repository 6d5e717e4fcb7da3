package store_test

import (
	"bytes"
	"testing"
	"time"

	"lede/audience"
)

// A new key signs, and what the one before it signed stays good; so does the
// hash by which an erased person is known.
func TestAddSigningKey(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		before, err := s.Keyring(ctx())
		must(t, err)
		gone := reader(1)
		subscribe(t, s, "harbour", gone)
		must(t, s.Forget(ctx(), gone.Key, now))
		token := audience.Token{Purpose: audience.PurposeUnsubscribe, Newsletter: "harbour", Subscriber: 7, Salt: 9}
		old := before.Sign(token)

		if _, err := s.AddSigningKey(ctx(), []byte("short"), now); err == nil {
			t.Error("a short secret was taken")
		}
		added, err := s.AddSigningKey(ctx(), bytes.Repeat([]byte{7}, 32), now)
		must(t, err)
		after, err := s.Keyring(ctx())
		must(t, err)
		if added.ID != 2 || after.Current != 2 || len(after.Keys) != 2 {
			t.Errorf("added %d, current %d of %d keys", added.ID, after.Current, len(after.Keys))
		}
		if got, err := after.Open(old); err != nil || got != token {
			t.Errorf("an older link: %+v, %v", got, err)
		}
		if _, err := before.Open(after.Sign(token)); err == nil {
			t.Error("the new key is the old one")
		}
		keys, err := s.SigningKeys(ctx())
		must(t, err)
		if len(keys) != 2 || keys[1].ID != 2 || !keys[1].Created.Equal(now) || time.Since(keys[0].Created) > time.Hour {
			t.Errorf("keys: %+v", keys)
		}
		subscribe(t, s, "harbour", gone)
		if got := stands(t, s, gone.Address); got != "nobody" {
			t.Errorf("an import brought back who was erased under the older key: %s", got)
		}
	})
}
