package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lede/web/api"
)

const tokenColumns = `id, name, scopes, by, created, expires, used, revoked`

func scanAPIToken(rows *sql.Rows, more ...any) (t api.Token, err error) {
	var scopes string
	err = rows.Scan(append([]any{&t.ID, &t.Name, &scopes, &t.By, (*stamp)(&t.Created), (*stamp)(&t.Expires), (*stamp)(&t.Used), (*stamp)(&t.Revoked)}, more...)...)
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal([]byte(scopes), &t.Scopes); err != nil {
		return t, fmt.Errorf("API token %s: scopes: %w", t.Name, err)
	}
	return t, nil
}

// AddAPIToken stores a token that is known by its hash. api.ErrTokenName when
// another one has the name that was not revoked.
func (s *Store) AddAPIToken(ctx context.Context, t api.Token, hash string) error {
	scopes, err := asJSON(t.Scopes)
	if err != nil {
		return err
	}
	err = s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO api_token (name, hash, scopes, by, created, expires) VALUES ($1, $2, $3, $4, $5, $6)`,
			clean(t.Name), hash, scopes, clean(t.By), stamp(t.Created), stamp(t.Expires))
		if err != nil && s.dialect.isUnique(err) {
			return api.ErrTokenName
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("API token %s: %w", t.Name, err)
	}
	return nil
}

// APITokens returns all tokens in the order in which they were made, also those
// that expired or were revoked.
func (s *Store) APITokens(ctx context.Context) ([]api.Token, error) {
	var all []api.Token
	err := s.read(ctx, func(tx *sql.Tx) (err error) {
		all, err = collect(ctx, tx, func(rows *sql.Rows) (api.Token, error) { return scanAPIToken(rows) },
			`SELECT `+tokenColumns+` FROM api_token ORDER BY id`)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing API tokens: %w", err)
	}
	return all, nil
}

// APIToken implements api.Tokens.
func (s *Store) APIToken(ctx context.Context, hash string) (t api.Token, kept string, err error) {
	err = s.read(ctx, func(tx *sql.Tx) error {
		found, err := collect(ctx, tx, func(rows *sql.Rows) (t api.Token, err error) { return scanAPIToken(rows, &kept) },
			`SELECT `+tokenColumns+`, hash FROM api_token WHERE hash = $1`, hash)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return api.ErrNoToken
		}
		t = found[0]
		return nil
	})
	if err != nil && !errors.Is(err, api.ErrNoToken) {
		err = fmt.Errorf("looking for an API token: %w", err)
	}
	return t, kept, err
}

// HasAPITokens implements api.Tokens.
func (s *Store) HasAPITokens(ctx context.Context, now time.Time) (bool, error) {
	var n int
	err := s.read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `
			SELECT count(*) FROM api_token WHERE revoked IS NULL AND (expires IS NULL OR expires > $1)`, stamp(now)).Scan(&n)
	})
	if err != nil {
		return false, fmt.Errorf("counting API tokens: %w", err)
	}
	return n > 0, nil
}

// UsedAPIToken implements api.Tokens.
func (s *Store) UsedAPIToken(ctx context.Context, id int64, now time.Time) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE api_token SET used = $2 WHERE id = $1`, id, stamp(now.UTC().Truncate(time.Hour)))
		return err
	})
	if err != nil {
		return fmt.Errorf("noting the use of an API token: %w", err)
	}
	return nil
}

// RevokeAPIToken ends a token for good, with the answers that it was given;
// api.ErrNoToken when none of that name is left.
func (s *Store) RevokeAPIToken(ctx context.Context, name string, now time.Time) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		ids, err := collect(ctx, tx, scanID, `UPDATE api_token SET revoked = $2 WHERE name = $1 AND revoked IS NULL RETURNING id`, clean(name), stamp(now))
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			return api.ErrNoToken
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM idempotency WHERE token = $1`, ids[0])
		return err
	})
	if err != nil {
		return fmt.Errorf("API token %s: %w", name, err)
	}
	return nil
}
