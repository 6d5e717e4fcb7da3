package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"lede/compose"
	"lede/newsroom"
)

// Commit implements newsroom.Editions. A story that another edition used is an
// error that names both, and nothing is stored.
func (s *Store) Commit(ctx context.Context, id string, c newsroom.Content, to newsroom.State, now time.Time) (int, error) {
	content, err := asJSON(c.Edition)
	if err != nil {
		return 0, fmt.Errorf("edition %s: its content: %w", id, err)
	}
	letter, err := asJSON(c.Letter)
	if err != nil {
		return 0, fmt.Errorf("edition %s: its letter: %w", id, err)
	}
	variants, err := asVariants(c.Variants)
	if err != nil {
		return 0, fmt.Errorf("edition %s: its variants: %w", id, err)
	}
	lists, err := asRows(c.Lists)
	if err != nil {
		return 0, fmt.Errorf("edition %s: its lists: %w", id, err)
	}
	choice, err := asChoice(c.Choice)
	if err != nil {
		return 0, fmt.Errorf("edition %s: its segment: %w", id, err)
	}
	var audience int64
	err = s.write(ctx, func(tx *sql.Tx) error {
		was, err := s.step(ctx, tx, id, []newsroom.State{newsroom.Assembling}, to, "", now)
		if err != nil {
			return err
		}
		var newsletter string
		var slot stamp
		err = tx.QueryRowContext(ctx, `
			UPDATE edition SET stored = $2, subject = $3, content = $4, letter = $5, lists = $6, variants = $7, segment = $8
			WHERE id = $1 RETURNING newsletter, slot`,
			id, stamp(now), clean(c.Edition.Subject), content, letter, lists, variants, choice).Scan(&newsletter, &slot)
		if err != nil {
			return err
		}
		// What an editor handed back since the edition was made must be in it.
		if newest, err := applied(ctx, tx, newsletter, slot); err != nil {
			return err
		} else if newest > c.Revision {
			return newsroom.ErrEdited
		}
		if err := useUp(ctx, tx, id, newsletter, slot, c.Edition.Uses); err != nil {
			return err
		}
		if err := noteCorrections(ctx, tx, id, newsletter, c.Edition); err != nil {
			return err
		}
		if err := saw(ctx, tx, id, newsletter, c.Edition.Seen); err != nil {
			return err
		}
		var until time.Time
		if audience, until, err = s.snapshot(ctx, tx, id, newsletter, lists, c, now); err != nil {
			return fmt.Errorf("taking the snapshot of the audience: %w", err)
		}
		if !until.IsZero() {
			if err := storeUntil(ctx, tx, id, c.Variants, until); err != nil {
				return err
			}
		}
		if s.dialect.grown != "" {
			if _, err := tx.ExecContext(ctx, s.dialect.grown); err != nil {
				return err
			}
		}
		return logChange(ctx, tx, id, newsroom.Change{At: now, From: was, To: to, By: cmp.Or(c.By, byLede)})
	})
	if err != nil {
		return 0, fmt.Errorf("edition %s: %w", id, err)
	}
	return int(audience), nil
}

// useUp notes the stories that an edition used.
func useUp(ctx context.Context, tx *sql.Tx, id, newsletter string, slot stamp, uses []compose.Used) error {
	for _, u := range uses {
		key := clean(u.Key)
		n, err := changed(ctx, tx, `
			INSERT INTO story_use (newsletter, source, key, version, edition, canonical, title, text, slot)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (newsletter, source, key, version) DO NOTHING`,
			newsletter, u.Source, key, u.Version, id, clean(u.Canonical), clean(u.Title), clean(u.Text), slot)
		if err != nil {
			return fmt.Errorf("using up %q: %w", u.Title, err)
		}
		if n > 0 {
			continue
		}
		var by string
		err = tx.QueryRowContext(ctx, `
			SELECT edition FROM story_use WHERE newsletter = $1 AND source = $2 AND key = $3 AND version = $4`,
			newsletter, u.Source, key, u.Version).Scan(&by)
		if errors.Is(err, sql.ErrNoRows) { // given back meanwhile
			return errAgain
		}
		if err != nil {
			return fmt.Errorf("using up %q: %w", u.Title, err)
		}
		if by != id {
			return fmt.Errorf("the story %q (source %s) ran in edition %s meanwhile", u.Title, u.Source, by)
		}
	}
	return nil
}

// saw notes what was there when an edition was made.
func saw(ctx context.Context, tx *sql.Tx, id, newsletter string, seen []compose.Seen) error {
	rows := make([][2]string, len(seen))
	for i, k := range seen {
		rows[i] = [2]string{k.Source, k.Key}
	}
	items, err := asJSON(rows)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO story_seen (newsletter, source, key, edition)
		SELECT $1, value ->> 0, value ->> 1, $2 FROM json_each($3) WHERE true
		ON CONFLICT (newsletter, source, key) DO NOTHING`, newsletter, id, items)
	if err != nil {
		return fmt.Errorf("noting what was there: %w", err)
	}
	return nil
}
