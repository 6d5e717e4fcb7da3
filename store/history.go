package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"lede/audience"
)

// What people agreed to and when they left is kept in two places: the present
// in subscription, opt_out and suppression, what was before in history. The
// triggers of the migration move the one to the other.

// PersonHistory implements audience.Archive.
func (s *Store) PersonHistory(ctx context.Context, key string) ([]audience.Entry, error) {
	var entries []audience.Entry
	err := s.read(ctx, func(tx *sql.Tx) error {
		var id int64
		err := tx.QueryRowContext(ctx, `SELECT id FROM subscriber WHERE key = $1`, key).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return audience.ErrNobody
		}
		if err != nil {
			return err
		}
		entries, err = collect(ctx, tx, scanHistory, `
			SELECT h.at, coalesce(h.ended, ''), h.what, h.about, h.state, h.how, h.ip, coalesce(a.text, '')
			FROM (
				SELECT id, at, ended, what, about, state, how, ip, agreement
				FROM history WHERE subscriber = $1
				UNION ALL
				SELECT CAST($3 AS BIGINT), changed, NULL, 'subscription', list, state, CASE why WHEN '' THEN consent ELSE why END, ip, agreement
				FROM subscription WHERE subscriber = $1
				UNION ALL
				SELECT CAST($3 AS BIGINT), at, NULL, 'opt_out', newsletter, 'opted out', why, '', 0
				FROM opt_out WHERE subscriber = $1
				UNION ALL
				SELECT CAST($3 AS BIGINT), at, NULL, 'suppression', '', reason, note, '', 0
				FROM suppression WHERE key = $2
			) AS h
			LEFT JOIN agreement a ON a.id = h.agreement
			ORDER BY h.at, h.id, h.what, h.about`, id, key, int64(1<<62))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("the history of a subscriber: %w", err)
	}
	return entries, nil
}

func scanHistory(rows *sql.Rows) (audience.Entry, error) {
	var e audience.Entry
	var ended string
	err := rows.Scan((*stamp)(&e.At), &ended, &e.What, &e.About, &e.State, &e.How, &e.IP, &e.Text)
	if err == nil && ended != "" {
		err = (*stamp)(&e.Ended).Scan(ended)
	}
	return e, err
}

// NoteAct implements audience.Archive.
func (s *Store) NoteAct(ctx context.Context, id int64, act audience.Act) error {
	err := s.write(ctx, func(tx *sql.Tx) error { return noteAct(ctx, tx, id, act) })
	if err != nil {
		return fmt.Errorf("subscriber %d: noting %s: %w", id, act.What, err)
	}
	return nil
}

func noteAct(ctx context.Context, tx *sql.Tx, id int64, act audience.Act) error {
	agreed, err := agreement(ctx, tx, act.Text)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO history (subscriber, what, about, state, at, how, ip, agreement)
		SELECT id, $2, $3, $4, $5, $6, $7, $8 FROM subscriber WHERE id = $1`,
		id, clean(act.What), clean(act.About), clean(act.State), stamp(act.At), clean(act.How), clean(act.IP), agreed)
	return err
}

// agreement returns the id of a text that people agree to, 0 for none.
func agreement(ctx context.Context, tx *sql.Tx, text string) (id int64, err error) {
	if text = clean(text); text == "" {
		return 0, nil
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO agreement (text) VALUES ($1) ON CONFLICT (text) DO NOTHING`, text); err != nil {
		return 0, err
	}
	return id, tx.QueryRowContext(ctx, `SELECT id FROM agreement WHERE text = $1`, text).Scan(&id)
}
