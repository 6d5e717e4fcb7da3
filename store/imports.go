package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"lede/audience"
)

// keep notes, under the import's entry, what was before of people who are about
// to be changed. Who was made by the same import goes with it anyway; of a
// second change in one import only the end is new.
func (r *intakeRows) keep(ctx context.Context, tx *sql.Tx, in audience.Intake) error {
	if len(r.touched) == 0 {
		return nil
	}
	after := make(map[int64]changedRow, len(r.altered))
	for _, row := range r.altered {
		after[row[0].(int64)] = row
	}
	rows := make([]changedRow, len(r.touched))
	for i, id := range r.touched {
		rows[i] = changedRow{id}
		if row, ok := after[id]; ok {
			rows[i] = row
		}
	}
	return execRows(ctx, tx, rows, `
		INSERT INTO import_change (import, subscriber, name, attributes, tags, after_name, after_attributes, after_tags,
			state, changed, consent, was, why, from_import, suppressed, suppression_note, suppressed_at)
		SELECT $2, s.id, s.name, s.attributes, s.tags, i.name, i.attributes, i.tags,
			coalesce(t.state, ''), coalesce(t.changed, ''), coalesce(t.consent, ''), coalesce(t.was, ''), coalesce(t.why, ''), t.import,
			CASE $4 WHEN '' THEN '' ELSE coalesce(x.reason, '') END, coalesce(x.note, ''), coalesce(x.at, '')
		FROM (
			SELECT CAST(value ->> 0 AS BIGINT) AS id, value ->> 1 AS name, value ->> 2 AS attributes, value ->> 3 AS tags
			FROM json_each($1)
		) AS i
		JOIN subscriber s ON s.id = i.id
		LEFT JOIN subscription t ON t.list = $3 AND t.subscriber = s.id
		LEFT JOIN suppression x ON x.key = s.key
		WHERE coalesce(s.import, 0) <> $2
		ON CONFLICT (import, subscriber) DO UPDATE SET
			after_name = coalesce(excluded.after_name, import_change.after_name),
			after_attributes = coalesce(excluded.after_attributes, import_change.after_attributes),
			after_tags = coalesce(excluded.after_tags, import_change.after_tags)`,
		in.Entry, in.List, in.Force)
}

// ImportErased implements audience.Importer.
func (s *Store) ImportErased(ctx context.Context, in audience.Intake, hashes []audience.Erased, now time.Time) (int, error) {
	if in.DryRun {
		return 0, nil
	}
	rows := make([][2]string, len(hashes))
	for i, h := range hashes {
		rows[i] = [2]string{h.Scheme, clean(h.Hash)}
	}
	items, err := asJSON(rows)
	if err != nil {
		return 0, err
	}
	var fresh int64
	err = s.write(ctx, func(tx *sql.Tx) error {
		fresh, err = changed(ctx, tx, `
			INSERT INTO erased (scheme, hash, at) SELECT value ->> 0, value ->> 1, $2 FROM json_each($1) WHERE true
			ON CONFLICT DO NOTHING`, items, stamp(now))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("keeping hashes of erased people: %w", err)
	}
	if fresh == 0 {
		return 0, nil
	}
	return int(fresh), s.leaveErased(ctx, in, now)
}

// leaveErased unsubscribes from everything the people who were erased elsewhere.
func (s *Store) leaveErased(ctx context.Context, in audience.Intake, now time.Time) error {
	const page = 2000
	for last := int64(0); ; {
		ids := make(map[string]int64, page)
		var rows []audience.Row
		var erased map[string]bool
		err := s.read(ctx, func(tx *sql.Tx) error {
			var err error
			rows, err = collect(ctx, tx, func(found *sql.Rows) (row audience.Row, err error) {
				var id int64
				err = found.Scan(&id, &row.Address, &row.Key)
				ids[row.Key], last = id, id
				return row, err
			}, `SELECT id, address, key FROM subscriber WHERE id > $1 ORDER BY id LIMIT $2`, last, page)
			if err != nil {
				return err
			}
			erased, err = s.erasedAmong(ctx, tx, rows)
			return err
		})
		if err != nil || len(rows) == 0 {
			return err
		}
		for key := range erased {
			if err := s.LeaveAll(ctx, ids[key], nil, in.Consent+": erased there", now); err != nil {
				return err
			}
		}
	}
}
