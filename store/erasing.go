package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"lede/audience"
)

// Forget implements audience.Archive. What is in the sums of editions stays
// there without the person: which editions were sent, and how that ended.
func (s *Store) Forget(ctx context.Context, key string, now time.Time) error {
	ring, err := s.Keyring(ctx)
	if err != nil {
		return err
	}
	err = s.write(ctx, func(tx *sql.Tx) error {
		if err := s.pass(ctx, tx, revokes); err != nil {
			return err
		}
		return s.forget(ctx, tx, ring, key, now)
	})
	if err != nil {
		return fmt.Errorf("erasing a subscriber: %w", err)
	}
	return nil
}

// forget is Forget within a transaction that passed the gate.
func (s *Store) forget(ctx context.Context, tx *sql.Tx, ring *audience.Keyring, key string, now time.Time) error {
	var id int64
	err := tx.QueryRowContext(ctx, `SELECT id FROM subscriber WHERE key = $1`+s.dialect.forUpdate("subscriber"), key).Scan(&id)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	for _, text := range []string{`DELETE FROM sign_up WHERE key = $1`, `DELETE FROM outbox WHERE key = $1`, `DELETE FROM idempotency WHERE about = $1`} {
		if _, err := tx.ExecContext(ctx, text, key); err != nil {
			return err
		}
	}
	suppressed, err := changed(ctx, tx, `DELETE FROM suppression WHERE key = $1`, key)
	if err != nil {
		return err
	}
	if id == 0 && suppressed == 0 {
		return audience.ErrNobody
	}
	if id != 0 {
		if err := s.eraseSubscriber(ctx, tx, id); err != nil {
			return err
		}
	}
	hash, _ := ring.ErasedHash(ring.Current, key)
	_, err = tx.ExecContext(ctx, `
		INSERT INTO erased (scheme, key, hash, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		audience.SchemeLede, int64(ring.Current), hash, stamp(now))
	return err
}

// eraseSubscriber deletes a person with all that says something about it.
func (s *Store) eraseSubscriber(ctx context.Context, tx *sql.Tx, id int64) error {
	for _, statement := range []string{
		// What a relay answered may hold the address.
		`UPDATE delivery SET reply = '' WHERE mailing IN (SELECT id FROM mailing) AND subscriber = $1 AND reply <> ''`,
		// What an undo would give back of it.
		`DELETE FROM import_change WHERE import IN (SELECT id FROM import_entry) AND subscriber = $1`,
		`DELETE FROM subscriber WHERE id = $1`,
		`DELETE FROM history WHERE subscriber = $1`,
	} {
		if _, err := tx.ExecContext(ctx, statement, id); err != nil {
			return err
		}
	}
	return nil
}

// erasure is how people were hashed when they were erased.
type erasure struct {
	scheme string
	key    uint32
}

func erasures(ctx context.Context, tx *sql.Tx) ([]erasure, error) {
	return collect(ctx, tx, func(rows *sql.Rows) (e erasure, err error) {
		return e, rows.Scan(&e.scheme, &e.key)
	}, `SELECT DISTINCT scheme, key FROM erased`)
}

// erasedAmong returns the keys of the rows whose people were erased.
func (s *Store) erasedAmong(ctx context.Context, tx *sql.Tx, rows []audience.Row) (map[string]bool, error) {
	kinds, err := erasures(ctx, tx)
	if err != nil || len(kinds) == 0 {
		return nil, err
	}
	ring, err := s.Keyring(ctx)
	if err != nil {
		return nil, err
	}
	erased := map[string]bool{}
	for _, kind := range kinds {
		of := map[string]string{} // key by hash
		var hashes []string
		for _, row := range rows {
			for _, hash := range kind.hashes(ring, row) {
				of[hash] = row.Key
				hashes = append(hashes, hash)
			}
		}
		items, err := asRows(hashes)
		if err != nil {
			return nil, err
		}
		found, err := collect(ctx, tx, scanText, `
			SELECT e.hash FROM (SELECT value ->> 0 AS hash FROM json_each($1)) AS i
			JOIN erased e ON e.scheme = $2 AND e.key = CAST($3 AS BIGINT) AND e.hash = i.hash`, items, kind.scheme, int64(kind.key))
		if err != nil {
			return nil, fmt.Errorf("looking for erased people: %w", err)
		}
		for _, hash := range found {
			erased[of[hash]] = true
		}
	}
	return erased, nil
}

// unerase forgets that a row's person was erased.
func (s *Store) unerase(ctx context.Context, tx *sql.Tx, row audience.Row) error {
	kinds, err := erasures(ctx, tx)
	if err != nil {
		return err
	}
	ring, err := s.Keyring(ctx)
	if err != nil {
		return err
	}
	for _, kind := range kinds {
		for _, hash := range kind.hashes(ring, row) {
			_, err := tx.ExecContext(ctx, `DELETE FROM erased WHERE scheme = $1 AND key = CAST($2 AS BIGINT) AND hash = $3`, kind.scheme, int64(kind.key), hash)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// hashes are those by which an erased person would be known as a row's.
func (e erasure) hashes(ring *audience.Keyring, row audience.Row) []string {
	switch e.scheme {
	case audience.SchemeLede:
		if hash, ok := ring.ErasedHash(e.key, row.Key); ok {
			return []string{hash}
		}
	case audience.SchemeMailtrain:
		return []string{audience.MailtrainHash(row.Address), audience.MailtrainHash(row.Key)}
	}
	return nil
}
