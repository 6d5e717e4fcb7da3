package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"lede/compose"
	"lede/source"
)

// subjectsKept is how many subjects of earlier editions Memory returns.
const subjectsKept = 10

// oldText is how much is returned of the text of a story that ran long ago, in
// characters: enough to know it again.
const oldText = 600

// Memory implements newsroom.Memory.
func (s *Store) Memory(ctx context.Context, newsletter string, since time.Time) (compose.Memory, error) {
	return s.MemoryWithout(ctx, newsletter, since, "")
}

// MemoryWithout implements newsroom.Memory.
func (s *Store) MemoryWithout(ctx context.Context, newsletter string, since time.Time, edition string) (compose.Memory, error) {
	m := compose.Memory{Read: map[string]bool{}, Seen: map[string]map[string]bool{}}
	err := s.read(ctx, func(tx *sql.Tx) error {
		seen, err := collect(ctx, tx, func(rows *sql.Rows) (compose.Seen, error) {
			var k compose.Seen
			return k, rows.Scan(&k.Source, &k.Key)
		}, `SELECT source, key FROM story_seen WHERE newsletter = $1 AND edition <> $2`, newsletter, edition)
		if err != nil {
			return err
		}
		for _, k := range seen {
			m.Read[k.Source] = true
			if m.Seen[k.Source] == nil {
				m.Seen[k.Source] = map[string]bool{}
			}
			m.Seen[k.Source][k.Key] = true
		}
		m.Used, err = collect(ctx, tx, scanUsed, `
			SELECT source, key, canonical, title, CASE WHEN slot >= $2 THEN text ELSE substr(text, 1, $3) END, version, slot FROM story_use
			WHERE newsletter = $1 AND edition <> $4 ORDER BY slot DESC, source, key, version DESC`, newsletter, earliest(since), oldText, edition)
		if err != nil {
			return err
		}
		m.Subjects, err = collect(ctx, tx, scanText, `
			SELECT subject FROM edition
			WHERE newsletter = $1 AND stored IS NOT NULL AND subject <> '' AND state NOT IN ('skipped', 'failed', 'cancelled') AND id <> $3
			ORDER BY slot DESC LIMIT $2`, newsletter, subjectsKept, edition)
		return err
	})
	if err != nil {
		return compose.Memory{}, fmt.Errorf("what earlier editions of %s used: %w", newsletter, err)
	}
	return m, nil
}

// earliest is a time to compare columns with: the zero time is before them all.
func earliest(t time.Time) string {
	if text := stamp(t).text(); text != nil {
		return *text
	}
	return ""
}

// Count implements newsroom.Memory.
func (s *Store) Count(ctx context.Context, newsletter string) (int, error) {
	var n int
	err := s.read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `
			SELECT count(*) FROM edition
			WHERE newsletter = $1 AND stored IS NOT NULL AND state NOT IN ('skipped', 'failed', 'cancelled')`, newsletter).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("counting editions of %s: %w", newsletter, err)
	}
	return n, nil
}

// LastLooked implements newsroom.Agenda.
func (s *Store) LastLooked(ctx context.Context, newsletter string) (time.Time, error) {
	var at time.Time
	err := s.read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT looked FROM agenda WHERE newsletter = $1`, newsletter).Scan((*stamp)(&at))
	})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, fmt.Errorf("when the schedule of %s was last looked at: %w", newsletter, err)
	}
	return at, nil
}

// Looked implements newsroom.Agenda.
func (s *Store) Looked(ctx context.Context, newsletter string, at time.Time) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO agenda (newsletter, looked) VALUES ($1, $2)
			ON CONFLICT (newsletter) DO UPDATE SET looked = excluded.looked`, newsletter, stamp(at))
		return err
	})
	if err != nil {
		return fmt.Errorf("noting that the schedule of %s was looked at: %w", newsletter, err)
	}
	return nil
}

// Feed implements source.Cache.
func (s *Store) Feed(ctx context.Context, url string) (source.Cached, error) {
	var c source.Cached
	err := s.read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT etag, last_modified, type, body, fetched FROM feed WHERE url = $1`, clean(url)).
			Scan(&c.ETag, &c.LastModified, &c.Type, &c.Body, (*stamp)(&c.Fetched))
	})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return source.Cached{}, fmt.Errorf("the kept feed of %s: %w", url, err)
	}
	return c, nil
}

// SaveFeed implements source.Cache.
func (s *Store) SaveFeed(ctx context.Context, url string, c source.Cached) error {
	if c.Body == nil {
		c.Body = []byte{} // NULL otherwise
	}
	err := s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO feed (url, etag, last_modified, type, body, fetched) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (url) DO UPDATE SET etag = excluded.etag, last_modified = excluded.last_modified,
				type = excluded.type, body = excluded.body, fetched = excluded.fetched`,
			clean(url), clean(c.ETag), clean(c.LastModified), clean(c.Type), c.Body, stamp(c.Fetched))
		return err
	})
	if err != nil {
		return fmt.Errorf("keeping the feed of %s: %w", url, err)
	}
	return nil
}
