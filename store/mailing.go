package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"lede/newsroom"
	"lede/send"
)

// A mailing is the deliveries of one edition. Their ids are the mailing's with
// the place in the snapshot in the lower 32 bits: they lie side by side in the
// table, in the order in which they are sent.
//
// Each delivery that is pending or deferred is due in one of two places: in a
// batch, a range of the snapshot that had no turn yet, or by itself in later. A
// batch that is held is due once a subject is chosen, and not before then.
const placeBits = 32

// deliveryID is the id of the delivery at a place of a mailing's snapshot.
func deliveryID(mailing, pos int64) int64 { return mailing<<placeBits | pos }

// place is the delivery's place in its mailing's snapshot.
func place(id int64) int64 { return id & (1<<placeBits - 1) }

// mailing is what a transaction knows of an edition's deliveries and does with
// them.
type mailing struct {
	id         int64 // 0: the edition has none
	edition    string
	state      newsroom.State // of the edition; empty without a mailing
	why        string         // of the edition's state
	newsletter string
	lists      string // JSON, as asRows makes it
	chosen     int    // the subject of all that are in no test of it; 0: none was chosen, or there is no test
	moved      map[send.State]int64
}

const sqlMailing = `
	SELECT m.id, e.state, e.why, m.newsletter, m.lists, coalesce(e.subject_chosen, 0)
	FROM mailing m JOIN edition e ON e.id = m.edition WHERE m.edition = $1`

// mailing reads the mailing of an edition and keeps other transactions from it.
func (s *Store) mailing(ctx context.Context, tx *sql.Tx, edition string) (*mailing, error) {
	m := &mailing{edition: edition, moved: map[send.State]int64{}}
	err := s.ledger.mailing.in(ctx, tx).QueryRowContext(ctx, edition).
		Scan(&m.id, &m.state, &m.why, &m.newsletter, &m.lists, &m.chosen)
	if errors.Is(err, sql.ErrNoRows) {
		return m, nil
	}
	return m, err
}

// span is the ids of the mailing's deliveries.
func (m *mailing) span() (first, last int64) {
	return deliveryID(m.id, 0), deliveryID(m.id, 1<<placeBits-1)
}

// move notes that n deliveries went from one state to another.
func (m *mailing) move(from, to send.State, n int64) {
	m.moved[from] -= n
	m.moved[to] += n
}

const sqlCount = `
	UPDATE mailing SET pending = pending + $2, sending = sending + $3, sent = sent + $4, deferred = deferred + $5,
		failed = failed + $6, in_doubt = in_doubt + $7, skipped = skipped + $8
	WHERE id = $1`

// count stores what move noted. It comes last in a transaction.
func (s *Store) count(ctx context.Context, tx *sql.Tx, m *mailing) error {
	changed := false
	for _, n := range m.moved {
		changed = changed || n != 0
	}
	if !changed {
		return nil
	}
	_, err := s.ledger.count.in(ctx, tx).ExecContext(ctx, m.id,
		m.moved[send.Pending], m.moved[send.Sending], m.moved[send.Sent], m.moved[send.Deferred],
		m.moved[send.Failed], m.moved[send.InDoubt], m.moved[send.Skipped])
	clear(m.moved)
	return err
}

// recount counts the deliveries of a mailing anew, and says how many are still
// to be sent.
func recount(ctx context.Context, tx *sql.Tx, m *mailing) (left int64, err error) {
	first, last := m.span()
	err = tx.QueryRowContext(ctx, `
		UPDATE mailing SET pending = c.pending, sending = c.sending, sent = c.sent, deferred = c.deferred,
			failed = c.failed, in_doubt = c.in_doubt, skipped = c.skipped
		FROM (
			SELECT count(CASE state WHEN 'pending' THEN 1 END) AS pending,
				count(CASE state WHEN 'sending' THEN 1 END) AS sending,
				count(CASE state WHEN 'sent' THEN 1 END) AS sent,
				count(CASE state WHEN 'deferred' THEN 1 END) AS deferred,
				count(CASE state WHEN 'failed' THEN 1 END) AS failed,
				count(CASE state WHEN 'in_doubt' THEN 1 END) AS in_doubt,
				count(CASE state WHEN 'skipped' THEN 1 END) AS skipped
			FROM delivery WHERE id BETWEEN $2 AND $3
		) AS c
		WHERE mailing.id = $1
		RETURNING mailing.pending + mailing.sending + mailing.deferred`, m.id, first, last).Scan(&left)
	return left, err
}

// skipRest skips what is still to be sent of a mailing. What is being sent is
// not.
func skipRest(ctx context.Context, tx *sql.Tx, m *mailing, why string, now time.Time) error {
	var next, last sql.NullInt64
	err := tx.QueryRowContext(ctx, `SELECT min(next), max(last) FROM batch WHERE mailing = $1`, m.id).Scan(&next, &last)
	if err != nil {
		return err
	}
	if next.Valid {
		n, err := changed(ctx, tx, `
			UPDATE delivery SET state = 'skipped', reply = $3, at = $4
			WHERE id BETWEEN $1 AND $2 AND state = 'pending'`,
			deliveryID(m.id, next.Int64), deliveryID(m.id, last.Int64), why, stamp(now))
		if err != nil {
			return err
		}
		m.move(send.Pending, send.Skipped, n)
	}
	for _, state := range []send.State{send.Pending, send.Deferred} {
		n, err := changed(ctx, tx, `
			UPDATE delivery SET state = 'skipped', reply = $3, at = $4
			WHERE id IN (SELECT delivery FROM later WHERE mailing = $1) AND state = $2`, m.id, state, why, stamp(now))
		if err != nil {
			return err
		}
		m.move(state, send.Skipped, n)
	}
	for _, text := range []string{`DELETE FROM batch WHERE mailing = $1`, `DELETE FROM later WHERE mailing = $1`} {
		if _, err := tx.ExecContext(ctx, text, m.id); err != nil {
			return err
		}
	}
	return nil
}
