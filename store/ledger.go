package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lede/newsroom"
	"lede/send"
)

// What the ledger says of deliveries that it decides on itself.
const (
	whyUnsubscribed = "unsubscribed since the snapshot"
	whyErased       = "erased since the snapshot"
	whySuppressed   = "suppressed: "
	whyNoAnswer     = "no answer was recorded before the sender stopped"
)

// sqlOutcomes stores outcomes. Only a delivery between intent and outcome takes
// one, but that a mail was accepted is true whatever happened to its row
// meanwhile.
const sqlOutcomes = `
	UPDATE delivery SET
		state   = o.state,
		due     = coalesce(o.due, delivery.due),
		attempt = delivery.attempt - CASE WHEN o.state = 'pending' AND delivery.attempt > 0 THEN 1 ELSE 0 END,
		doubts  = delivery.doubts + o.doubt,
		relay   = o.relay,
		code    = o.code,
		reply   = o.reply,
		at      = o.at
	FROM (
		SELECT value ->> 0 AS edition, CAST(value ->> 1 AS BIGINT) AS pos, value ->> 2 AS state,
			value ->> 3 AS due, value ->> 4 AS relay, CAST(value ->> 5 AS INTEGER) AS code,
			value ->> 6 AS reply, value ->> 7 AS at, CAST(value ->> 8 AS INTEGER) AS doubt
		FROM json_each($1)
	) AS o
	WHERE delivery.edition = o.edition AND delivery.pos = o.pos
		AND (delivery.state = 'sending' OR (o.state = 'sent' AND delivery.state <> 'sent'))`

const sqlEditionState = `SELECT state, newsletter, lists, why FROM edition WHERE id = $1`

// sqlDue lists deliveries that are due, the longest due first, each with why it
// is to be skipped, empty when it is to be sent. Consent is asked here, in the
// transaction that claims: whoever left before it commits gets no mail.
const sqlDue = `
	SELECT d.pos, d.subscriber, d.attempt, d.first,
		coalesce(s.salt, 0), coalesce(s.address, ''), coalesce(s.name, ''),
		CASE
			WHEN s.id IS NULL THEN '` + whyErased + `'
			WHEN x.key IS NOT NULL THEN '` + whySuppressed + `' || x.reason
			WHEN EXISTS (SELECT 1 FROM opt_out o WHERE o.newsletter IN ($2, '') AND o.subscriber = d.subscriber)
				OR NOT EXISTS (
					SELECT 1 FROM subscription t
					WHERE t.list IN (SELECT value ->> 0 FROM json_each($3))
						AND t.subscriber = d.subscriber AND t.state = 'active')
				THEN '` + whyUnsubscribed + `'
			ELSE ''
		END
	FROM delivery d
	LEFT JOIN subscriber s ON s.id = d.subscriber
	LEFT JOIN suppression x ON x.key = s.key
	WHERE d.edition = $1 AND d.state IN ('pending', 'deferred') AND d.due <= $4
	ORDER BY d.due, d.pos
	LIMIT $5`

// sqlClaim is the intent. The time to give up counts from the first attempt's:
// an edition may have waited for approval, or been paused, before it.
const sqlClaim = `
	UPDATE delivery SET state = 'sending', first = CASE attempt WHEN 0 THEN $3 ELSE first END, attempt = attempt + 1
	WHERE edition = $1 AND pos IN (SELECT CAST(value ->> 0 AS BIGINT) FROM json_each($2))`

const sqlSkip = `
	UPDATE delivery SET state = 'skipped', reply = o.why, at = $3
	FROM (SELECT CAST(value ->> 0 AS BIGINT) AS pos, value ->> 1 AS why FROM json_each($2)) AS o
	WHERE delivery.edition = $1 AND delivery.pos = o.pos`

const sqlNextDue = `
	SELECT due FROM delivery WHERE edition = $1 AND state IN ('pending', 'deferred') ORDER BY due, pos LIMIT 1`

// ledgerStatements are the statements of the hot path, parsed once.
type ledgerStatements struct {
	outcomes, editionState, due, claim, skip, nextDue *sql.Stmt
}

func (l *ledgerStatements) prepare(ctx context.Context, db *sql.DB, d dialect) error {
	for text, stmt := range map[string]**sql.Stmt{
		sqlOutcomes:               &l.outcomes,
		sqlEditionState:           &l.editionState,
		sqlDue + d.forUpdate("d"): &l.due,
		sqlClaim:                  &l.claim,
		sqlSkip:                   &l.skip,
		sqlNextDue:                &l.nextDue,
	} {
		var err error
		if *stmt, err = db.PrepareContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// Ledger is the store as the sender sees it. It is a type of its own as both
// send.Ledger and newsroom.Editions have a method Commit.
type Ledger struct {
	store *Store
}

// Ledger returns the ledger of deliveries.
func (s *Store) Ledger() *Ledger { return &Ledger{store: s} }

// Commit implements send.Ledger. Deliveries come in the order of their places.
// Once begun it is not interrupted by the end of ctx: nobody would know whether
// the outcomes were stored.
//
// An outcome for a delivery that is not being sent is ignored, unless it is
// sent. A delivery of a cancelled edition that comes back as pending or
// deferred is skipped. With max 0 nothing is claimed and Next is the earliest
// due time, which may be past.
func (l *Ledger) Commit(ctx context.Context, done []send.Outcome, ask send.Claim) (send.Claimed, error) {
	if err := ctx.Err(); err != nil && len(done) == 0 {
		return send.Claimed{}, err
	}
	ctx = context.WithoutCancel(ctx)
	var claimed send.Claimed
	s := l.store
	err := s.write(ctx, func(tx *sql.Tx) error {
		if err := s.storeOutcomes(ctx, tx, done, ask.Now); err != nil {
			return fmt.Errorf("storing outcomes: %w", err)
		}
		var err error
		if claimed, err = s.claim(ctx, tx, ask.Edition, ask.Max, ask.Now); err != nil {
			return fmt.Errorf("claiming deliveries of edition %s: %w", ask.Edition, err)
		}
		return nil
	})
	if err != nil {
		return send.Claimed{}, err
	}
	return claimed, nil
}

// storeOutcomes stores what became of claimed deliveries.
func (s *Store) storeOutcomes(ctx context.Context, tx *sql.Tx, done []send.Outcome, now time.Time) error {
	if len(done) == 0 {
		return nil
	}
	rows := make([][9]any, len(done))
	var back []string // editions with deliveries that are to be tried again
	for i, o := range done {
		switch o.State {
		case send.Pending, send.Deferred:
			if !slices.Contains(back, o.Edition) {
				back = append(back, o.Edition)
			}
		case send.Sent, send.Failed, send.InDoubt, send.Skipped:
			o.Due = time.Time{} // of no meaning: the row keeps its own
		default:
			return fmt.Errorf("delivery %s/%d: %q is no outcome", o.Edition, o.Pos, o.State)
		}
		doubt := 0
		if o.Doubt {
			doubt = 1
		}
		rows[i] = [9]any{
			o.Edition, o.Pos, o.State, stamp(o.Due).text(), o.Relay, o.Code,
			withoutNUL(o.Reply), stamp(o.At).text(), doubt,
		}
	}
	items, err := asJSON(rows)
	if err != nil {
		return err
	}
	if _, err := tx.StmtContext(ctx, s.ledger.outcomes).ExecContext(ctx, items); err != nil {
		return err
	}
	for _, id := range back {
		e, err := s.editionState(ctx, tx, id)
		if err != nil {
			return err
		}
		if e.state != newsroom.Cancelled {
			continue
		}
		if err := skipRest(ctx, tx, id, e.why, now); err != nil {
			return err
		}
	}
	return nil
}

// editionRow is what claiming needs to know of an edition.
type editionRow struct {
	state      newsroom.State // empty: there is no such edition
	newsletter string
	lists      string // JSON, as asRows makes it
	why        string
}

func (s *Store) editionState(ctx context.Context, tx *sql.Tx, id string) (editionRow, error) {
	var e editionRow
	err := tx.StmtContext(ctx, s.ledger.editionState).QueryRowContext(ctx, id).Scan(&e.state, &e.newsletter, &e.lists, &e.why)
	if errors.Is(err, sql.ErrNoRows) {
		return editionRow{}, nil
	}
	return e, err
}

// claim turns up to max due deliveries to sending, and passes over those whose
// people don't want them any more.
func (s *Store) claim(ctx context.Context, tx *sql.Tx, edition string, max int, now time.Time) (send.Claimed, error) {
	var c send.Claimed
	e, err := s.editionState(ctx, tx, edition)
	if err != nil || e.state != newsroom.Sending {
		return c, err
	}
	c.Open = true
	for len(c.Deliveries) < max {
		due, err := s.due(ctx, tx, edition, e, max-len(c.Deliveries), now)
		if err != nil {
			return c, err
		}
		if len(due) == 0 {
			break
		}
		var wanted []int64
		var skipped [][2]any
		for _, d := range due {
			if d.skip != "" {
				skipped = append(skipped, [2]any{d.Pos, d.skip})
				continue
			}
			wanted = append(wanted, d.Pos)
			d.Attempt++
			if d.Attempt == 1 {
				d.First = now.UTC().Truncate(time.Microsecond)
			}
			c.Deliveries = append(c.Deliveries, d.Delivery)
		}
		if err := s.mark(ctx, tx, edition, wanted, skipped, now); err != nil {
			return c, err
		}
	}
	slices.SortFunc(c.Deliveries, func(a, b send.Delivery) int { return cmp.Compare(a.Pos, b.Pos) })
	if len(c.Deliveries) > 0 {
		return c, nil
	}
	err = tx.StmtContext(ctx, s.ledger.nextDue).QueryRowContext(ctx, edition).Scan((*stamp)(&c.Next))
	if errors.Is(err, sql.ErrNoRows) {
		return c, nil
	}
	return c, err
}

// dueDelivery is a delivery that is due, or why it is to be skipped.
type dueDelivery struct {
	send.Delivery
	skip string
}

func (s *Store) due(ctx context.Context, tx *sql.Tx, edition string, e editionRow, limit int, now time.Time) ([]dueDelivery, error) {
	rows, err := tx.StmtContext(ctx, s.ledger.due).QueryContext(ctx, edition, e.newsletter, e.lists, stamp(now), limit)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(rows *sql.Rows) (dueDelivery, error) {
		d := dueDelivery{Delivery: send.Delivery{Edition: edition}}
		err := rows.Scan(&d.Pos, &d.Subscriber, &d.Attempt, (*stamp)(&d.First), &d.Salt, &d.Address, &d.Name, &d.skip)
		return d, err
	})
}

// mark writes the intents and what is skipped.
func (s *Store) mark(ctx context.Context, tx *sql.Tx, edition string, wanted []int64, skipped [][2]any, now time.Time) error {
	if len(wanted) > 0 {
		items, err := asRows(wanted)
		if err != nil {
			return err
		}
		if _, err := tx.StmtContext(ctx, s.ledger.claim).ExecContext(ctx, edition, items, stamp(now)); err != nil {
			return err
		}
	}
	if len(skipped) > 0 {
		items, err := asJSON(skipped)
		if err != nil {
			return err
		}
		if _, err := tx.StmtContext(ctx, s.ledger.skip).ExecContext(ctx, edition, items, stamp(now)); err != nil {
			return err
		}
	}
	return nil
}

// Recover implements send.Ledger. In a cancelled edition nothing is sent again:
// there they are in doubt for good, whatever hold says.
func (l *Ledger) Recover(ctx context.Context, edition string, hold bool, now time.Time) (int, error) {
	s := l.store
	var n int64
	err := s.write(ctx, func(tx *sql.Tx) error {
		e, err := s.editionState(ctx, tx, edition)
		if err != nil {
			return err
		}
		if hold || e.state == newsroom.Cancelled {
			n, err = changed(ctx, tx, `
				UPDATE delivery SET state = 'in_doubt', doubts = doubts + 1, reply = $2, at = $3
				WHERE edition = $1 AND state = 'sending'`, edition, whyNoAnswer, stamp(now))
			return err
		}
		n, err = changed(ctx, tx, `
			UPDATE delivery SET state = 'pending', doubts = doubts + 1, due = $2
			WHERE edition = $1 AND state = 'sending'`, edition, stamp(now))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("edition %s: recovering deliveries: %w", edition, err)
	}
	return int(n), nil
}

// skipRest skips what is still to be sent of an edition.
func skipRest(ctx context.Context, tx *sql.Tx, edition, why string, now time.Time) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE delivery SET state = 'skipped', reply = $2, at = $3
		WHERE edition = $1 AND state IN ('pending', 'deferred')`, edition, why, stamp(now))
	return err
}

// withoutNUL drops the one character that no text column keeps whole.
func withoutNUL(text string) string { return strings.ReplaceAll(text, "\x00", "") }

// Accepted implements send.Ledger.
func (l *Ledger) Accepted(ctx context.Context, relay string, at time.Time) (int, error) {
	return 0, nil
}
