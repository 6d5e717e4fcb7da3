package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"lede/newsroom"
	"lede/send"
)

// sqlOutcomes stores what the mails of a group have in common, and each one's
// reply, where deliveries are being sent. The parameters from $8 on are the
// dialect's.
func sqlOutcomes(d dialect) string {
	return `
	UPDATE delivery SET state = $1, relay = $2, code = $3, at = $4, doubts = doubts + $5,
		attempt = attempt - $6, first = coalesce(first, $7), reply = o.reply
	FROM ` + d.replies + ` AS o
	WHERE delivery.id = o.id AND delivery.state = 'sending'`
}

const sqlAccept = `
	INSERT INTO relay_day (relay, day, accepted) VALUES ($1, $2, $3)
	ON CONFLICT (relay, day) DO UPDATE SET accepted = relay_day.accepted + excluded.accepted`

// answer is what the outcomes of a group have in common.
type answer struct {
	edition string
	state   send.State
	relay   string
	code    int
	doubt   bool
	second  int64 // of the time
}

func answerOf(o *send.Outcome) answer {
	return answer{o.Edition, o.State, o.Relay, o.Code, o.Doubt, o.At.Unix()}
}

// compareOutcomes sorts outcomes into groups, and by place within.
func compareOutcomes(a, b *send.Outcome) int {
	doubt := func(o *send.Outcome) int { return asInt(o.Doubt) }
	return cmp.Or(
		cmp.Compare(a.Edition, b.Edition), cmp.Compare(a.State, b.State), cmp.Compare(a.Relay, b.Relay),
		cmp.Compare(a.Code, b.Code), cmp.Compare(doubt(a), doubt(b)), cmp.Compare(a.At.Unix(), b.At.Unix()),
		cmp.Compare(a.Pos, b.Pos),
	)
}

// storeOutcomes stores what became of claimed deliveries, of m's edition as a
// rule.
func (s *Store) storeOutcomes(ctx context.Context, tx *sql.Tx, m *mailing, done []send.Outcome, now time.Time) error {
	if len(done) == 0 {
		return nil
	}
	sorted := make([]*send.Outcome, len(done))
	suppress := false
	for i := range done {
		o := &done[i]
		switch o.State {
		case send.Pending, send.Deferred, send.Sent, send.Failed, send.InDoubt, send.Skipped:
		default:
			return fmt.Errorf("delivery %s/%d: %q is no outcome", o.Edition, o.Pos, o.State)
		}
		suppress = suppress || o.Suppress != ""
		sorted[i] = o
	}
	slices.SortFunc(sorted, compareOutcomes)
	for len(sorted) > 0 {
		n := 1
		for n < len(sorted) && sorted[n].Edition == sorted[0].Edition {
			n++
		}
		own := m
		var err error
		if sorted[0].Edition != m.edition {
			if own, err = s.mailing(ctx, tx, sorted[0].Edition); err != nil {
				return err
			}
		}
		if err := s.storeEdition(ctx, tx, own, sorted[:n], suppress, now); err != nil {
			return err
		}
		if own != m {
			if err := s.count(ctx, tx, own); err != nil {
				return err
			}
		}
		sorted = sorted[n:]
	}
	return nil
}

// storeEdition stores the outcomes of one edition, in the order of
// compareOutcomes.
func (s *Store) storeEdition(ctx context.Context, tx *sql.Tx, m *mailing, done []*send.Outcome, suppress bool, now time.Time) error {
	if m.id == 0 {
		return nil // no such deliveries
	}
	if suppress {
		if err := suppressAddresses(ctx, tx, m, done, now); err != nil {
			return fmt.Errorf("suppressing addresses: %w", err)
		}
	}
	back := false
	for len(done) > 0 {
		group := answerOf(done[0])
		n := 1
		for n < len(done) && answerOf(done[n]) == group {
			n++
		}
		if err := s.storeGroup(ctx, tx, m, done[:n], now); err != nil {
			return err
		}
		back = back || group.state == send.Pending || group.state == send.Deferred
		done = done[n:]
	}
	if back && m.state == newsroom.Cancelled {
		return skipRest(ctx, tx, m, m.why, now)
	}
	return nil
}

// storeGroup stores outcomes that have the same answer.
func (s *Store) storeGroup(ctx context.Context, tx *sql.Tx, m *mailing, group []*send.Outcome, now time.Time) error {
	ids := make([]int64, len(group))
	replies := make([]string, len(group))
	at := group[0].At
	for i, o := range group {
		ids[i] = deliveryID(m.id, o.Pos)
		replies[i] = clean(o.Reply)
		if o.At.Before(at) {
			at = o.At
		}
	}
	of := group[0]
	var first stamp // the time to give up counts from the first time that a mail was put off
	back := 0
	switch of.State {
	case send.Pending:
		back = 1
	case send.Deferred:
		first = stamp(at)
	}
	if of.State == send.Pending || of.State == send.Deferred {
		if err := comeAgain(ctx, tx, m, group, now); err != nil {
			return err
		}
	}
	args := []any{of.State, of.Relay, of.Code, stamp(at), asInt(of.Doubt), back, first}
	result, err := s.ledger.outcomes.in(ctx, tx).ExecContext(ctx, append(args, s.dialect.replyArgs(ids, replies)...)...)
	if err != nil {
		return err
	}
	stored, err := result.RowsAffected()
	if err != nil {
		return err
	}
	m.move(send.Sending, of.State, stored)
	if of.State != send.Sent {
		return nil
	}
	if stored < int64(len(group)) {
		n, err := s.storeBelated(ctx, tx, m, group, ids)
		if err != nil {
			return err
		}
		stored += n
	}
	if stored == 0 || of.Relay == "" {
		return nil
	}
	_, err = s.ledger.accept.in(ctx, tx).ExecContext(ctx, of.Relay, day(at), stored)
	return err
}

// comeAgain makes those of a group due again that are being sent.
func comeAgain(ctx context.Context, tx *sql.Tx, m *mailing, group []*send.Outcome, now time.Time) error {
	rows := make([][2]any, len(group))
	for i, o := range group {
		due := o.Due
		if due.IsZero() {
			due = now
		}
		rows[i] = [2]any{deliveryID(m.id, o.Pos), stamp(due).text()}
	}
	return execRows(ctx, tx, rows, `
		INSERT INTO later (mailing, due, delivery)
		SELECT d.mailing, i.due, d.id
		FROM (SELECT CAST(value ->> 0 AS BIGINT) AS id, value ->> 1 AS due FROM json_each($1)) AS i
		JOIN delivery d ON d.id = i.id
		WHERE d.state = 'sending'
		ON CONFLICT DO NOTHING`)
}

// storeBelated stores that mails were accepted whose deliveries are no longer
// being sent: that is true whatever happened to them meanwhile. It returns how
// many there were.
func (s *Store) storeBelated(ctx context.Context, tx *sql.Tx, m *mailing, group []*send.Outcome, ids []int64) (int64, error) {
	items, err := asRows(ids)
	if err != nil {
		return 0, err
	}
	type row struct {
		id    int64
		state send.State
	}
	found, err := collect(ctx, tx, func(rows *sql.Rows) (row, error) {
		var r row
		return r, rows.Scan(&r.id, &r.state)
	}, `
		SELECT id, state FROM delivery
		WHERE id IN (SELECT CAST(value ->> 0 AS BIGINT) FROM json_each($1)) AND state NOT IN ('sending', 'sent')`, items)
	if err != nil {
		return 0, err
	}
	for _, r := range found {
		o := group[slices.Index(ids, r.id)]
		_, err := tx.ExecContext(ctx, `
			UPDATE delivery SET state = 'sent', relay = $2, code = $3, reply = $4, at = $5, doubts = doubts + $6 WHERE id = $1`,
			r.id, o.Relay, o.Code, clean(o.Reply), stamp(o.At), asInt(o.Doubt))
		if err != nil {
			return 0, err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM later WHERE mailing = $1 AND delivery = $2`, m.id, r.id); err != nil {
			return 0, err
		}
		m.move(r.state, send.Sent, 1)
	}
	return int64(len(found)), nil
}

// suppressAddresses suppresses the addresses of which an answer said that there
// is no such mailbox. A suppression that is there stays as it is.
func suppressAddresses(ctx context.Context, tx *sql.Tx, m *mailing, done []*send.Outcome, now time.Time) error {
	var rows [][4]any
	for _, o := range done {
		if o.Suppress == "" {
			continue
		}
		at := o.At
		if at.IsZero() {
			at = now
		}
		rows = append(rows, [4]any{deliveryID(m.id, o.Pos), clean(o.Suppress), clean(o.Reply), stamp(at).text()})
	}
	return execRows(ctx, tx, rows, `
		INSERT INTO suppression (key, address, reason, note, at)
		SELECT s.key, s.address, i.reason, i.note, i.at
		FROM (
			SELECT CAST(value ->> 0 AS BIGINT) AS id, value ->> 1 AS reason, value ->> 2 AS note, value ->> 3 AS at
			FROM json_each($1)
		) AS i
		JOIN delivery d ON d.id = i.id
		JOIN subscriber s ON s.id = d.subscriber
		WHERE true
		ON CONFLICT (key) DO NOTHING`)
}
