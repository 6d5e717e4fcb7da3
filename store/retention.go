package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"lede/audience"
	"lede/newsroom"
)

var _ audience.Retainer = (*Store)(nil)

// How much one transaction removes, so that a send beside it hardly waits; and
// how many are found at a time, which bounds what is held in memory.
const (
	forgetAtOnce = 50
	dropAtOnce   = 5000
	findAtOnce   = 100_000
)

// sqlLongLeft is the condition that subscriber s gets nothing any more, and has
// left the last list before $1: active and pending nowhere, and no suppression,
// which would go with the person.
const sqlLongLeft = `
	NOT EXISTS (SELECT 1 FROM subscription a WHERE a.subscriber = s.id AND (a.state <> 'unsubscribed' OR a.changed >= $1))
	AND NOT EXISTS (SELECT 1 FROM opt_out o WHERE o.subscriber = s.id AND o.at >= $1)
	AND NOT EXISTS (SELECT 1 FROM suppression p WHERE p.key = s.key)
	AND NOT EXISTS (SELECT 1 FROM sign_up u WHERE u.key = s.key AND u.confirmed IS NULL)`

// sqlLeft are people of whom sqlLongLeft is asked: found by the index of
// subscriptions that are not active.
const sqlLeft = `
	FROM (SELECT DISTINCT subscriber FROM subscription WHERE state <> 'active' AND state = 'unsubscribed' AND changed < $1) AS l
	JOIN subscriber s ON s.id = l.subscriber
	WHERE ` + sqlLongLeft

// CountUnsubscribed implements audience.Retainer.
func (s *Store) CountUnsubscribed(ctx context.Context, before time.Time) (int, error) {
	return s.countOf(ctx, "people who left", `SELECT count(*)`+sqlLeft, stamp(before))
}

// ForgetUnsubscribed implements audience.Retainer.
func (s *Store) ForgetUnsubscribed(ctx context.Context, before, now time.Time) (int, error) {
	ring, err := s.Keyring(ctx)
	if err != nil {
		return 0, err
	}
	gone, err := s.drain(ctx, `SELECT s.id`+sqlLeft+` LIMIT $2`, before, forgetAtOnce, func(tx *sql.Tx, ids []int64) (int, error) {
		if err := s.pass(ctx, tx, revokes); err != nil {
			return 0, err
		}
		page, err := asRows(ids)
		if err != nil {
			return 0, err
		}
		// Asked again: who came back since they were found stays.
		keys, err := collect(ctx, tx, scanText, `
			SELECT s.key FROM subscriber s
			WHERE s.id IN (SELECT CAST(value ->> 0 AS BIGINT) FROM json_each($2)) AND `+sqlLongLeft+
			` ORDER BY s.id`+s.dialect.forUpdate("s"), stamp(before), page)
		if err != nil {
			return 0, err
		}
		for _, key := range keys {
			if err := s.forget(ctx, tx, ring, key, now); err != nil {
				return 0, err
			}
		}
		return len(keys), nil
	})
	if err != nil {
		return gone, fmt.Errorf("erasing people who left long ago: %w", err)
	}
	return gone, nil
}

// sqlOldMailings are the mailings of editions that ended before $1, m.
const sqlOldMailings = `
	FROM mailing m JOIN edition e ON e.id = m.edition
	WHERE e.finished < $1 AND e.state IN ('` + string(newsroom.Done) + `', '` + string(newsroom.Cancelled) + `', '` + string(newsroom.Failed) + `', '` + string(newsroom.Skipped) + `')
		AND m.pending = 0 AND m.sending = 0 AND m.deferred = 0`

// CountDeliveries implements audience.Retainer.
func (s *Store) CountDeliveries(ctx context.Context, before time.Time) (int, error) {
	return s.countOf(ctx, "old deliveries", `
		SELECT coalesce(sum((SELECT count(*) FROM delivery d WHERE d.id BETWEEN m.id << 32 AND (m.id << 32) + 4294967295)), 0)`+sqlOldMailings, stamp(before))
}

// DropDeliveries implements audience.Retainer. The sums of a mailing stand in
// its own row, and stay.
func (s *Store) DropDeliveries(ctx context.Context, before time.Time) (int, error) {
	mailings, err := s.find(ctx, `
		SELECT m.id`+sqlOldMailings+`
			AND EXISTS (SELECT 1 FROM delivery d WHERE d.id BETWEEN m.id << 32 AND (m.id << 32) + 4294967295)
		ORDER BY m.id LIMIT $2`, before)
	gone := 0
	for _, id := range mailings {
		for n := dropAtOnce; n == dropAtOnce && err == nil; {
			err = s.write(ctx, func(tx *sql.Tx) error {
				deleted, err := changed(ctx, tx, `
					DELETE FROM delivery WHERE id IN (
						SELECT d.id FROM delivery d WHERE d.id BETWEEN $1 AND $2 ORDER BY d.id LIMIT $3)`,
					deliveryID(id, 0), deliveryID(id, 1<<32-1), dropAtOnce)
				n = int(deleted)
				return err
			})
			if err == nil {
				gone += n
			}
		}
	}
	if err != nil {
		return gone, fmt.Errorf("removing old deliveries: %w", err)
	}
	return gone, nil
}

// CountIPs implements audience.Retainer.
func (s *Store) CountIPs(ctx context.Context, before time.Time) (int, error) {
	return s.countOf(ctx, "network addresses", `
		SELECT (SELECT count(*) FROM history WHERE ip <> '' AND at < $1) + (SELECT count(*) FROM subscription WHERE ip <> '' AND changed < $1)`, stamp(before))
}

// DropIPs implements audience.Retainer.
func (s *Store) DropIPs(ctx context.Context, before time.Time) (int, error) {
	gone := 0
	for _, place := range []struct{ find, clear string }{
		{
			`SELECT id FROM history WHERE ip <> '' AND at < $1 ORDER BY id LIMIT $2`,
			`UPDATE history SET ip = '' WHERE ip <> '' AND at < $1 AND id IN (SELECT CAST(value ->> 0 AS BIGINT) FROM json_each($2))`,
		},
		{
			`SELECT DISTINCT subscriber FROM subscription WHERE ip <> '' AND changed < $1 ORDER BY subscriber LIMIT $2`,
			`UPDATE subscription SET ip = '' WHERE ip <> '' AND changed < $1 AND subscriber IN (SELECT CAST(value ->> 0 AS BIGINT) FROM json_each($2))`,
		},
	} {
		n, err := s.drain(ctx, place.find, before, dropAtOnce, func(tx *sql.Tx, ids []int64) (int, error) {
			page, err := asRows(ids)
			if err != nil {
				return 0, err
			}
			n, err := changed(ctx, tx, place.clear, stamp(before), page)
			return int(n), err
		})
		gone += n
		if err != nil {
			return gone, fmt.Errorf("taking out network addresses: %w", err)
		}
	}
	return gone, nil
}

// drain finds ids by a statement with a time and a limit, and has them dealt
// with, some at a time, each in a transaction of its own, until no more are
// found. It returns how many were.
func (s *Store) drain(ctx context.Context, query string, before time.Time, atOnce int, deal func(tx *sql.Tx, ids []int64) (int, error)) (int, error) {
	done := 0
	for {
		ids, err := s.find(ctx, query, before)
		if err != nil || len(ids) == 0 {
			return done, err
		}
		began := done
		for some := range slices.Chunk(ids, atOnce) {
			n := 0
			err := s.write(ctx, func(tx *sql.Tx) (err error) {
				n, err = deal(tx, some)
				return err
			})
			if err != nil {
				return done, err
			}
			done += n
		}
		if done == began || len(ids) < findAtOnce {
			return done, nil // nobody is left, or all of them changed meanwhile
		}
	}
}

// find returns ids by a statement with a time and a limit.
func (s *Store) find(ctx context.Context, query string, before time.Time) (ids []int64, err error) {
	err = s.read(ctx, func(tx *sql.Tx) (err error) {
		ids, err = collect(ctx, tx, scanID, query, stamp(before), findAtOnce)
		return err
	})
	return ids, err
}

func (s *Store) countOf(ctx context.Context, what, query string, args ...any) (n int, err error) {
	err = s.read(ctx, func(tx *sql.Tx) error { return tx.QueryRowContext(ctx, query, args...).Scan(&n) })
	if err != nil {
		return 0, fmt.Errorf("counting %s: %w", what, err)
	}
	return n, nil
}
