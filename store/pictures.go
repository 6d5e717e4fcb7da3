package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"lede/source"
)

// SavePicture implements newsroom.Pictures.
func (s *Store) SavePicture(ctx context.Context, p source.Picture) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO picture (name, type, width, height, data, created) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (name) DO NOTHING`, p.Name, p.Type, p.Width, p.Height, p.Data, stamp(time.Now()))
		return err
	})
	if err != nil {
		return fmt.Errorf("keeping picture %s: %w", p.Name, err)
	}
	return nil
}

// Picture returns the picture of that name; the error wraps fs.ErrNotExist when
// there is none.
func (s *Store) Picture(ctx context.Context, name string) (source.Picture, error) {
	p := source.Picture{Name: name}
	err := s.read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT type, width, height, data FROM picture WHERE name = $1`, clean(name)).
			Scan(&p.Type, &p.Width, &p.Height, &p.Data)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = fs.ErrNotExist
	}
	if err != nil {
		return source.Picture{}, fmt.Errorf("picture %s: %w", name, err)
	}
	return p, nil
}
