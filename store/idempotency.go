package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"lede/web/api"
)

// BeginAnswer implements api.Answers.
func (s *Store) BeginAnswer(ctx context.Context, a api.Asked, now, stale time.Time) (was api.Answer, found bool, err error) {
	err = s.write(ctx, func(tx *sql.Tx) error {
		was, found = api.Answer{}, false
		n, err := changed(ctx, tx, `
			INSERT INTO idempotency (token, key, request, at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (token, key) DO NOTHING`, a.Token, a.Key, a.Hash, stamp(now))
		if err != nil || n == 1 {
			return err
		}
		var request string
		var at time.Time
		err = tx.QueryRowContext(ctx, `
			SELECT request, at, status, location, type, body FROM idempotency WHERE token = $1 AND key = $2`+s.dialect.forUpdate("idempotency"),
			a.Token, a.Key).Scan(&request, (*stamp)(&at), &was.Status, &was.Location, &was.Type, &was.Body)
		switch {
		case err != nil:
			return err
		case request != a.Hash:
			return api.ErrOtherRequest
		case was.Status != 0:
			found = true
			return nil
		case !at.Before(stale):
			return api.ErrUnderWay
		}
		_, err = tx.ExecContext(ctx, `UPDATE idempotency SET at = $3 WHERE token = $1 AND key = $2`, a.Token, a.Key, stamp(now))
		return err
	})
	if err != nil {
		return api.Answer{}, false, fmt.Errorf("beginning a request with an Idempotency-Key: %w", err)
	}
	return was, found, nil
}

// KeepAnswer implements api.Answers.
func (s *Store) KeepAnswer(ctx context.Context, a api.Asked, answer api.Answer, about string) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			UPDATE idempotency SET status = $3, location = $4, type = $5, body = $6, about = $7 WHERE token = $1 AND key = $2`,
			a.Token, a.Key, answer.Status, clean(answer.Location), answer.Type, clean(answer.Body), clean(about))
		return err
	})
	if err != nil {
		return fmt.Errorf("keeping the answer of a request: %w", err)
	}
	return nil
}

// DropAnswer implements api.Answers.
func (s *Store) DropAnswer(ctx context.Context, a api.Asked) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM idempotency WHERE token = $1 AND key = $2 AND status = 0`, a.Token, a.Key)
		return err
	})
	if err != nil {
		return fmt.Errorf("forgetting a request: %w", err)
	}
	return nil
}

// ForgetAnswers implements api.Answers.
func (s *Store) ForgetAnswers(ctx context.Context, before time.Time) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM idempotency WHERE at < $1`, stamp(before))
		return err
	})
	if err != nil {
		return fmt.Errorf("forgetting old answers: %w", err)
	}
	return nil
}
