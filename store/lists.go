package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"lede/newsroom"
)

// ListSource implements newsroom.ListMemory.
func (s *Store) ListSource(ctx context.Context, id string) (newsroom.ListState, error) {
	state := newsroom.ListState{ID: id}
	err := s.read(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT looked, hash, etag, last_modified, trouble FROM list_source WHERE id = $1`, id).
			Scan((*stamp)(&state.Looked), &state.Hash, &state.ETag, &state.LastModified, &state.Trouble)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return state, fmt.Errorf("list %s: reading what is known of its source: %w", id, err)
	}
	return state, nil
}

// KeepListSource implements newsroom.ListMemory.
func (s *Store) KeepListSource(ctx context.Context, l newsroom.ListState) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO list_source (id, looked, hash, etag, last_modified, trouble) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (id) DO UPDATE SET looked = excluded.looked, hash = excluded.hash, etag = excluded.etag,
				last_modified = excluded.last_modified, trouble = excluded.trouble`,
			l.ID, stamp(l.Looked), l.Hash, clean(l.ETag), clean(l.LastModified), clean(l.Trouble))
		return err
	})
	if err != nil {
		return fmt.Errorf("list %s: noting what is known of its source: %w", l.ID, err)
	}
	return nil
}

// FileTaken implements newsroom.ListMemory.
func (s *Store) FileTaken(ctx context.Context, list, hash string) (bool, error) {
	var taken bool
	err := s.read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM list_file WHERE source = $1 AND hash = $2)`, list, hash).Scan(&taken)
	})
	if err != nil {
		return false, fmt.Errorf("list %s: looking for a file: %w", list, err)
	}
	return taken, nil
}

// NoteFile implements newsroom.ListMemory.
func (s *Store) NoteFile(ctx context.Context, list, hash string, at time.Time) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO list_file (source, hash, at) VALUES ($1, $2, $3)
			ON CONFLICT (source, hash) DO UPDATE SET at = excluded.at`, list, hash, stamp(at))
		return err
	})
	if err != nil {
		return fmt.Errorf("list %s: noting a file: %w", list, err)
	}
	return nil
}
