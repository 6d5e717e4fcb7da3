package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"lede/compose"
	"lede/newsroom"
)

// sqlAudience says who gets an edition: subscribers s that are active on any of
// the lists $2, did not opt out of the newsletter $1 or of everything, and are not suppressed.
const sqlAudience = `
	FROM subscriber s
	WHERE s.id IN (
			SELECT t.subscriber FROM subscription t
			WHERE t.state = 'active' AND t.list IN (SELECT value ->> 0 FROM json_each($2)))
		AND NOT EXISTS (SELECT 1 FROM opt_out o WHERE o.newsletter IN ($1, '') AND o.subscriber = s.id)
		AND NOT EXISTS (SELECT 1 FROM suppression x WHERE x.key = s.key)`

// Audience implements newsroom.Memory.
func (s *Store) Audience(ctx context.Context, newsletter string, lists []string) (int, error) {
	names, err := asRows(lists)
	if err != nil {
		return 0, err
	}
	var n int
	err = s.read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT count(*)`+sqlAudience, newsletter, names).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("counting the audience of %s: %w", newsletter, err)
	}
	return n, nil
}

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
	lists, err := asRows(c.Lists)
	if err != nil {
		return 0, fmt.Errorf("edition %s: its lists: %w", id, err)
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
			UPDATE edition SET stored = $2, subject = $3, content = $4, letter = $5, lists = $6
			WHERE id = $1 RETURNING newsletter, slot`,
			id, stamp(now), c.Edition.Subject, content, letter, lists).Scan(&newsletter, &slot)
		if err != nil {
			return err
		}
		if err := useUp(ctx, tx, id, newsletter, slot, c.Edition.Uses); err != nil {
			return err
		}
		if err := saw(ctx, tx, id, newsletter, c.Edition.Seen); err != nil {
			return err
		}
		audience, err = changed(ctx, tx, `
			INSERT INTO delivery (edition, pos, subscriber, domain, first, due)
			SELECT $3, row_number() OVER (ORDER BY s.id), s.id, s.domain, $4, $4`+sqlAudience+` ORDER BY s.id`,
			newsletter, lists, id, stamp(now))
		if err != nil {
			return fmt.Errorf("taking the snapshot of the audience: %w", err)
		}
		return logChange(ctx, tx, id, newsroom.Change{At: now, From: was, To: to, By: byLede})
	})
	if err != nil {
		return 0, fmt.Errorf("edition %s: %w", id, err)
	}
	return int(audience), nil
}

// useUp notes the stories that an edition used.
func useUp(ctx context.Context, tx *sql.Tx, id, newsletter string, slot stamp, uses []compose.Used) error {
	for _, u := range uses {
		n, err := changed(ctx, tx, `
			INSERT INTO story_use (newsletter, source, key, version, edition, canonical, title, text, slot)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (newsletter, source, key, version) DO NOTHING`,
			newsletter, u.Source, u.Key, u.Version, id, u.Canonical, u.Title, u.Text, slot)
		if err != nil {
			return fmt.Errorf("using up %q: %w", u.Title, err)
		}
		if n > 0 {
			continue
		}
		var by string
		err = tx.QueryRowContext(ctx, `
			SELECT edition FROM story_use WHERE newsletter = $1 AND source = $2 AND key = $3 AND version = $4`,
			newsletter, u.Source, u.Key, u.Version).Scan(&by)
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
