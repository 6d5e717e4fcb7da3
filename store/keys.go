package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"lede/audience"
)

// Keyring returns the keys that sign tokens. The newest one signs.
func (s *Store) Keyring(ctx context.Context) (*audience.Keyring, error) {
	ring := &audience.Keyring{Keys: map[uint32][]byte{}}
	err := s.read(ctx, func(tx *sql.Tx) error {
		_, err := collect(ctx, tx, func(rows *sql.Rows) (struct{}, error) {
			var id uint32
			var secret []byte
			if err := rows.Scan(&id, &secret); err != nil {
				return struct{}{}, err
			}
			ring.Keys[id] = secret
			ring.Current = max(ring.Current, id)
			return struct{}{}, nil
		}, `SELECT id, secret FROM token_key`)
		return err
	})
	if err == nil && len(ring.Keys) == 0 {
		err = errors.New("there is none; restore the database from a backup")
	}
	if err != nil {
		return nil, fmt.Errorf("the keys that sign links: %w", err)
	}
	return ring, nil
}

// SigningKey is a key that signs tokens, without its secret.
type SigningKey struct {
	ID      uint32
	Created time.Time
}

// SigningKeys returns the keys that sign tokens, the oldest first; the last one
// signs.
func (s *Store) SigningKeys(ctx context.Context) (keys []SigningKey, err error) {
	err = s.read(ctx, func(tx *sql.Tx) (err error) {
		keys, err = collect(ctx, tx, func(rows *sql.Rows) (k SigningKey, err error) {
			return k, rows.Scan(&k.ID, (*stamp)(&k.Created))
		}, `SELECT id, created FROM token_key ORDER BY id`)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("the keys that sign links: %w", err)
	}
	return keys, nil
}

// AddSigningKey keeps a key that signs from now on, with a secret of 32 random
// bytes. What the keys before it signed stays good: links in letters never
// expire. A process that has its Keyring already goes on signing with the key
// that it has, and does not read what the new one signed.
func (s *Store) AddSigningKey(ctx context.Context, secret []byte, now time.Time) (key SigningKey, err error) {
	if len(secret) != 32 {
		return key, fmt.Errorf("a key that signs links has 32 bytes, not %d", len(secret))
	}
	key.Created = now
	err = s.write(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `
			INSERT INTO token_key (id, secret, created) SELECT max(id) + 1, $1, $2 FROM token_key RETURNING id`, secret, stamp(now)).Scan(&key.ID)
	})
	if err != nil {
		return key, fmt.Errorf("adding a key that signs links: %w", err)
	}
	return key, nil
}
