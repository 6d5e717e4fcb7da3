package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
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
	whyPaused       = "paused by the reader"
	whyNoAnswer     = "no answer was recorded before the sender stopped"
)

// ledgerStatements are the statements of the hot path.
type ledgerStatements struct {
	mailing, count          statement
	outcomes, accept        statement
	heads, batched, later   statement
	claimRange, claimEach   statement
	advance, used, put, due statement
}

func (l *ledgerStatements) prepare(ctx context.Context, db *sql.DB, d dialect) error {
	for _, p := range []struct {
		to   *statement
		text string
	}{
		{&l.mailing, sqlMailing + d.forUpdate("e")},
		{&l.count, sqlCount},
		{&l.outcomes, sqlOutcomes(d)},
		{&l.accept, sqlAccept},
		{&l.heads, sqlHeads},
		{&l.batched, sqlBatched},
		{&l.later, sqlLater},
		{&l.claimRange, sqlClaimRange},
		{&l.claimEach, sqlClaimEach},
		{&l.advance, sqlAdvance},
		{&l.used, sqlUsed},
		{&l.put, sqlPut},
		{&l.due, sqlNextDue},
	} {
		p.to.text = p.text
		if !d.prepares {
			continue
		}
		var err error
		if p.to.prepared, err = db.PrepareContext(ctx, p.text); err != nil {
			return fmt.Errorf("%w, in%s", err, p.text)
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
// deferred is skipped. With Max 0 nothing is claimed and Next is the earliest
// due time, which may be past. Outcomes of equal answers within a second get
// the time of the first of them.
func (l *Ledger) Commit(ctx context.Context, done []send.Outcome, ask send.Claim) (send.Claimed, error) {
	if err := ctx.Err(); err != nil && len(done) == 0 {
		return send.Claimed{}, err
	}
	ctx = context.WithoutCancel(ctx)
	as := claims
	for _, o := range done {
		if o.Suppress != "" {
			as = both
		}
	}
	var claimed send.Claimed
	s := l.store
	err := s.writeClaims(ctx, as, &claimed, func(tx *sql.Tx) error {
		m, err := s.mailing(ctx, tx, ask.Edition)
		if err != nil {
			return fmt.Errorf("edition %s: %w", ask.Edition, err)
		}
		if err := s.storeOutcomes(ctx, tx, m, done, ask.Now); err != nil {
			return fmt.Errorf("storing outcomes: %w", err)
		}
		if claimed, err = s.claim(ctx, tx, m, ask); err != nil {
			return fmt.Errorf("claiming deliveries of edition %s: %w", ask.Edition, err)
		}
		return s.count(ctx, tx, m)
	})
	if err != nil {
		return send.Claimed{}, err
	}
	return claimed, nil
}

// Recover implements send.Ledger. In a cancelled edition nothing is sent again:
// there they are in doubt for good, whatever hold says.
func (l *Ledger) Recover(ctx context.Context, edition string, hold bool, now time.Time) (int, error) {
	s := l.store
	var n int64
	err := s.writeClaims(ctx, claims, new(send.Claimed), func(tx *sql.Tx) error {
		m, err := s.mailing(ctx, tx, edition)
		if err != nil || m.id == 0 {
			return err
		}
		first, last := m.span()
		if hold || m.state == newsroom.Cancelled {
			n, err = changed(ctx, tx, `
				UPDATE delivery SET state = 'in_doubt', doubts = doubts + 1, reply = $3, at = $4
				WHERE id BETWEEN $1 AND $2 AND state = 'sending'`, first, last, whyNoAnswer, stamp(now))
			m.move(send.Sending, send.InDoubt, n)
		} else {
			n, err = changed(ctx, tx, `
				INSERT INTO later (mailing, due, delivery)
				SELECT mailing, $3, id FROM delivery WHERE id BETWEEN $1 AND $2 AND state = 'sending'`, first, last, stamp(now))
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, `
				UPDATE delivery SET state = 'pending', doubts = doubts + 1
				WHERE id BETWEEN $1 AND $2 AND state = 'sending'`, first, last)
			m.move(send.Sending, send.Pending, n)
		}
		if err != nil {
			return err
		}
		return s.count(ctx, tx, m)
	})
	if err != nil {
		return 0, fmt.Errorf("edition %s: recovering deliveries: %w", edition, err)
	}
	return int(n), nil
}

// unclaim makes claimed deliveries due again as they were before: nothing of
// those mails was sent.
func (s *Store) unclaim(ctx context.Context, tx *sql.Tx, deliveries []send.Delivery, now time.Time) error {
	if len(deliveries) == 0 {
		return nil
	}
	m, err := s.mailing(ctx, tx, deliveries[0].Edition) // a claim is of one edition
	if err != nil {
		return err
	}
	back := make([]send.Outcome, len(deliveries))
	for i, d := range deliveries {
		back[i] = send.Outcome{Edition: d.Edition, Pos: d.Pos, State: send.Pending, Due: now}
	}
	if err := s.storeOutcomes(ctx, tx, m, back, now); err != nil {
		return err
	}
	return s.count(ctx, tx, m)
}

// Accepted implements send.Ledger.
func (l *Ledger) Accepted(ctx context.Context, relay string, at time.Time) (int, error) {
	var n int
	err := l.store.read(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT accepted FROM relay_day WHERE relay = $1 AND day = $2`, relay, day(at)).Scan(&n)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("relay %s: counting the day's mails: %w", relay, err)
	}
	return n, nil
}

// day is the day of t in UTC, as relay_day has it.
func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// clean is a text as every engine keeps it.
func clean(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
}
