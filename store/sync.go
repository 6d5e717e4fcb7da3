package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"lede/audience"
)

// bySync begins the why of a subscription that a sync ended. Together with the
// import that set it, it says that nobody wished it: whatever else touches the
// subscription takes the import away.
const bySync = "by sync, "

// syncPage is how many people one transaction of a sync takes off or cleans up.
const syncPage = 500

// syncOld is when a run must be dead.
const syncOld = 24 * time.Hour

var errSyncOver = errors.New("another sync of this list began meanwhile; this one ends")

// BeginSync implements audience.Syncer.
func (s *Store) BeginSync(ctx context.Context, list string, dry bool, now time.Time) (int64, error) {
	var run int64
	err := s.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM sync_run WHERE began < $1`, stamp(now.Add(-syncOld))); err != nil {
			return err
		}
		mode := 1
		if !dry {
			mode = 0
			if _, err := tx.ExecContext(ctx, `DELETE FROM sync_run WHERE list = $1 AND dry = 0`, list); err != nil {
				return err
			}
		}
		return tx.QueryRowContext(ctx, `INSERT INTO sync_run (list, dry, began) VALUES ($1, $2, $3) RETURNING id`,
			list, mode, stamp(now)).Scan(&run)
	})
	if err == nil {
		err = s.forgetMarks(ctx)
	}
	if err != nil {
		return 0, fmt.Errorf("list %s: beginning a sync: %w", list, err)
	}
	return run, nil
}

// EndSync implements audience.Syncer.
func (s *Store) EndSync(ctx context.Context, run int64) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM sync_run WHERE id = $1`, run)
		return err
	})
	if err == nil {
		err = s.forgetMarks(ctx)
	}
	if err != nil {
		return fmt.Errorf("ending a sync: %w", err)
	}
	return nil
}

// forgetMarks deletes the marks of runs that are over, a page at a time.
func (s *Store) forgetMarks(ctx context.Context) error {
	for last := int64(0); ; {
		var dead sql.NullInt64
		var over bool
		err := s.read(ctx, func(tx *sql.Tx) error {
			return tx.QueryRowContext(ctx, `
				SELECT m.run, NOT EXISTS (SELECT 1 FROM sync_run r WHERE r.id = m.run)
				FROM (SELECT min(run) AS run FROM sync_seen WHERE run > $1) AS m`, last).Scan(&dead, &over)
		})
		if err != nil || !dead.Valid {
			return err
		}
		last = dead.Int64
		for n := int64(1); over && n > 0; {
			err := s.write(ctx, func(tx *sql.Tx) error {
				n, err = changed(ctx, tx, `
					DELETE FROM sync_seen WHERE run = $1 AND subscriber IN (
						SELECT subscriber FROM sync_seen WHERE run = $1 ORDER BY subscriber LIMIT 10000)`, last)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
}

// MarkPresent implements audience.Syncer.
func (s *Store) MarkPresent(ctx context.Context, run int64, keys []string) error {
	items, err := asRows(keys)
	if err != nil {
		return err
	}
	err = s.write(ctx, func(tx *sql.Tx) error {
		if _, err := syncOf(ctx, tx, run); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO sync_seen (run, subscriber)
			SELECT CAST($2 AS BIGINT), s.id FROM (SELECT value ->> 0 AS key FROM json_each($1)) AS i
			JOIN subscriber s ON s.key = i.key
			WHERE true
			ON CONFLICT (run, subscriber) DO NOTHING`, items, run)
		return err
	})
	if err != nil {
		return fmt.Errorf("marking who is in the file: %w", err)
	}
	return nil
}

// syncRun is a run that is not over.
type syncRun struct {
	list  string
	began time.Time
}

func syncOf(ctx context.Context, tx *sql.Tx, run int64) (r syncRun, err error) {
	err = tx.QueryRowContext(ctx, `SELECT list, began FROM sync_run WHERE id = $1`, run).Scan(&r.list, (*stamp)(&r.began))
	if errors.Is(err, sql.ErrNoRows) {
		err = errSyncOver
	}
	return r, err
}

// absent is a condition on a subscription t: active on the list $1 since before
// $2, and not marked by the run $3.
const absent = `t.list = $1 AND t.state = 'active' AND t.changed <= $2
	AND NOT EXISTS (SELECT 1 FROM sync_seen m WHERE m.run = $3 AND m.subscriber = t.subscriber)`

// Absent implements audience.Syncer.
func (s *Store) Absent(ctx context.Context, run int64, most int) (audience.SyncSurvey, error) {
	var found audience.SyncSurvey
	err := s.read(ctx, func(tx *sql.Tx) error {
		r, err := syncOf(ctx, tx, run)
		if err != nil {
			return err
		}
		err = tx.QueryRowContext(ctx, `SELECT count(*) FROM subscription t WHERE t.list = $1 AND t.state = 'active' AND t.changed <= $2`,
			r.list, stamp(r.began)).Scan(&found.Active)
		if err != nil {
			return err
		}
		err = tx.QueryRowContext(ctx, `SELECT count(*) FROM subscription t WHERE `+absent, r.list, stamp(r.began), run).Scan(&found.Gone)
		if err != nil {
			return err
		}
		found.Who, err = collect(ctx, tx, scanText, `
			SELECT s.address FROM subscription t JOIN subscriber s ON s.id = t.subscriber
			WHERE `+absent+` ORDER BY t.subscriber LIMIT $4`, r.list, stamp(r.began), run, most)
		return err
	})
	if err != nil {
		return found, fmt.Errorf("looking who is missing: %w", err)
	}
	return found, nil
}

// LeaveAbsent implements audience.Syncer.
func (s *Store) LeaveAbsent(ctx context.Context, run int64, in audience.Intake, now time.Time) (int, error) {
	if in.Entry == 0 {
		return 0, errors.New("a sync needs the entry of an import")
	}
	gone := 0
	for last := int64(0); ; {
		var r syncRun
		var ids []int64
		err := s.read(ctx, func(tx *sql.Tx) (err error) {
			if r, err = syncOf(ctx, tx, run); err != nil {
				return err
			}
			ids, err = collect(ctx, tx, scanID, `SELECT t.subscriber FROM subscription t WHERE `+absent+`
				AND t.subscriber > $4 ORDER BY t.subscriber LIMIT $5`, r.list, stamp(r.began), run, last, syncPage)
			return err
		})
		if err == nil && len(ids) > 0 {
			last = ids[len(ids)-1]
			var n int64
			err = s.write(ctx, func(tx *sql.Tx) error {
				if _, err := syncOf(ctx, tx, run); err != nil {
					return err
				}
				n, err = s.leaveBySync(ctx, tx, in, ids, now)
				return err
			})
			gone += int(n)
		}
		if err != nil {
			return gone, fmt.Errorf("list %s: unsubscribing who is not in the file: %w", in.List, err)
		}
		if len(ids) == 0 {
			return gone, nil
		}
	}
}

// leaveBySync unsubscribes those of a page who are still active.
func (s *Store) leaveBySync(ctx context.Context, tx *sql.Tx, in audience.Intake, ids []int64, now time.Time) (int64, error) {
	if err := s.pass(ctx, tx, revokes); err != nil {
		return 0, err
	}
	page, err := s.keepStates(ctx, tx, in, ids, `t.state = 'active'`)
	if err != nil {
		return 0, err
	}
	return changed(ctx, tx, `
		UPDATE subscription SET state = 'unsubscribed', was = 'active', why = $3, changed = $4, import = CAST($5 AS BIGINT)
		WHERE list = $2 AND state = 'active' AND subscriber IN (SELECT CAST(value ->> 0 AS BIGINT) FROM json_each($1))`,
		page, in.List, clean(bySync+in.Consent+": not in it"), stamp(now), in.Entry)
}

// ReturnPresent implements audience.Syncer.
func (s *Store) ReturnPresent(ctx context.Context, in audience.Intake, keys []string, now time.Time) ([]string, error) {
	items, err := asRows(keys)
	if err != nil {
		return nil, err
	}
	type back struct {
		id  int64
		key string
	}
	find := func(tx *sql.Tx) (found []back, err error) {
		return collect(ctx, tx, func(rows *sql.Rows) (b back, err error) { return b, rows.Scan(&b.id, &b.key) }, `
			SELECT s.id, s.key FROM subscriber s
			WHERE s.key IN (SELECT value ->> 0 FROM json_each($1))
				AND EXISTS (SELECT 1 FROM subscription t WHERE t.list = $2 AND t.subscriber = s.id AND `+onlySync+`)
				AND NOT EXISTS (SELECT 1 FROM opt_out o WHERE o.newsletter = '' AND o.subscriber = s.id)
				AND NOT EXISTS (SELECT 1 FROM suppression x WHERE x.key = s.key)
			ORDER BY s.id`, items, in.List)
	}
	var found []back
	err = s.read(ctx, func(tx *sql.Tx) (err error) {
		found, err = find(tx)
		return err
	})
	if err == nil && len(found) > 0 && !in.DryRun {
		err = s.write(ctx, func(tx *sql.Tx) error {
			rows := make([]audience.Row, len(keys))
			for i, key := range keys {
				rows[i].Key = key
			}
			if err := s.lockPeople(ctx, tx, rows); err != nil {
				return err
			}
			if found, err = find(tx); err != nil {
				return err
			}
			ids := make([]int64, len(found))
			for i, b := range found {
				ids[i] = b.id
			}
			page, err := s.keepStates(ctx, tx, in, ids, onlySync)
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, `
				UPDATE subscription SET state = CASE was WHEN '' THEN 'active' ELSE was END, was = '', why = '', changed = $3, import = CAST($4 AS BIGINT)
				WHERE list = $2 AND subscriber IN (SELECT CAST(value ->> 0 AS BIGINT) FROM json_each($1))`,
				page, in.List, stamp(now), entryOf(in))
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("list %s: taking back whom a sync unsubscribed: %w", in.List, err)
	}
	returned := make([]string, len(found))
	for i, b := range found {
		returned[i] = b.key
	}
	return returned, nil
}

// onlySync is the condition on a subscription t that a sync ended, and nobody
// else.
const onlySync = `t.state = 'unsubscribed' AND t.import IS NOT NULL AND substr(t.why, 1, 9) = '` + bySync + `'`

// keepStates notes, under the import's entry, what was before of people whose
// subscription t the condition holds for, and keeps other transactions from
// them. It returns the ids as the statements that follow take them.
func (s *Store) keepStates(ctx context.Context, tx *sql.Tx, in audience.Intake, ids []int64, condition string) (page string, err error) {
	if page, err = asRows(ids); err != nil {
		return "", err
	}
	const those = `s.id IN (SELECT CAST(value ->> 0 AS BIGINT) FROM json_each($1))`
	if lock := s.dialect.forUpdate("s"); lock != "" {
		if _, err := tx.ExecContext(ctx, `SELECT s.id FROM subscriber s WHERE `+those+` ORDER BY s.id`+lock, page); err != nil {
			return "", err
		}
	}
	if in.Entry == 0 {
		return page, nil
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO import_change (import, subscriber, name, attributes, tags,
			state, changed, consent, was, why, from_import, suppressed, suppression_note, suppressed_at)
		SELECT CAST($2 AS BIGINT), s.id, s.name, s.attributes, s.tags,
			t.state, t.changed, t.consent, t.was, t.why, t.import, '', '', ''
		FROM subscriber s JOIN subscription t ON t.list = $3 AND t.subscriber = s.id
		WHERE `+those+` AND `+condition+`
		ON CONFLICT (import, subscriber) DO NOTHING`, page, in.Entry, in.List)
	return page, err
}

// entryOf is the number of an import's entry for a column, NULL for none.
func entryOf(in audience.Intake) any {
	if in.Entry == 0 {
		return nil
	}
	return in.Entry
}

// ownWish makes an end by sync that of the person, for rows that say that it
// left: it does not come back with a sync.
func ownWish(ctx context.Context, tx *sql.Tx, list string, rows []audience.Row) error {
	var keys []string
	for i := range rows {
		if rows[i].State == audience.Unsubscribed {
			keys = append(keys, rows[i].Key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	items, err := asRows(keys)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		UPDATE subscription AS t SET import = NULL
		WHERE t.list = $2 AND `+onlySync+` AND t.subscriber IN (
			SELECT s.id FROM subscriber s WHERE s.key IN (SELECT value ->> 0 FROM json_each($1)))`, items, list)
	if err != nil {
		return fmt.Errorf("who left: %w", err)
	}
	return nil
}
