package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lede/newsroom"
	"lede/send"
)

// draw says who of an audience is in a test of subjects.
type draw struct {
	subjects int64 // that are tested
	readers  int64 // that are in the test
}

// testers is how many of an audience get a test of so many subjects: the share
// (percent), in equal parts, at least one reader for each subject.
func testers(audience, share, subjects int64) int64 {
	if share >= 100 {
		return audience
	}
	k := (audience*share + 50) / 100
	each := max(1, (2*k+subjects)/(2*subjects))
	return min(each*subjects, audience)
}

// nth is the expression for a subscriber's place in the order in which an
// edition draws its testers. The order is mixed from the edition's id and what
// is random and fixed in each person, so that each edition asks others, and the
// same edition the same.
func (d draw) nth(edition string, args *arguments) string {
	const prime = 1<<31 - 1 // all products stay below 1<<62
	sum := sha256.Sum256([]byte(edition))
	factor := 1 + int64(binary.BigEndian.Uint32(sum[:4]))%(prime-1)
	offset := int64(binary.BigEndian.Uint32(sum[4:8])) % prime
	return fmt.Sprintf(`row_number() OVER (ORDER BY (((s.salt %% %d + s.id %% %d) %% %d) * CAST(%s AS BIGINT) + CAST(%s AS BIGINT)) %% %d, s.id)`,
		prime, prime, prime, args.add(factor), args.add(offset), prime)
}

// subject is the expression for the subject that somebody of table a gets in
// the test, 0 for whoever is not in it.
func (d draw) subject(args *arguments) string {
	return `CASE WHEN a.nth <= CAST(` + args.add(d.readers) + ` AS BIGINT) THEN 1 + (a.nth - 1) % CAST(` + args.add(d.subjects) + ` AS BIGINT) ELSE 0 END`
}

// restOf is the expression for 1 for whoever of a table waits for the outcome
// of a test, 0 for all others.
func restOf(test *draw, table string) string {
	if test == nil {
		return table + `.subject`
	}
	return `CASE ` + table + `.subject WHEN 0 THEN 1 ELSE 0 END`
}

// snapshotTest is the snapshot of an edition that tests subjects. With spread,
// the testers have their part of the window, then comes the wait, and then the
// others have theirs.
func (s *Store) snapshotTest(ctx context.Context, tx *sql.Tx, t taking) (n int64, batches []batch, until time.Time, err error) {
	test := t.c.Variants.Test
	if err := tx.QueryRowContext(ctx, `SELECT count(*)`+t.audience, t.args...).Scan(&n); err != nil {
		return 0, nil, until, err
	}
	subjects := int64(len(t.c.Variants.Subjects))
	n, batches, err = s.snapshotRanked(ctx, tx, t, &draw{subjects, testers(n, int64(test.Share), subjects)})
	if err != nil {
		return 0, nil, until, err
	}
	if t.c.Local != nil {
		until = t.start.Add(test.Wait)
		for i := range batches {
			if batches[i].held {
				batches[i].due = batches[i].due.Add(test.Wait)
			}
		}
		return n, batches, until, nil
	}
	tested := n
	for _, b := range batches {
		if b.held {
			tested -= b.last - b.next + 1
		}
	}
	window := time.Duration(float64(t.c.Spread) * float64(tested) / float64(max(1, n)))
	until = t.start.Add(window + test.Wait)
	batches = spread(tested, t.start, window)
	for _, b := range spread(n-tested, until, t.c.Spread-window) {
		batches = append(batches, batch{b.next + tested, b.last + tested, b.due, true})
	}
	return n, batches, until, nil
}

// Choose implements newsroom.Editions.
func (s *Store) Choose(ctx context.Context, id string, n int, by, why string, now time.Time) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		e, err := s.trial(ctx, tx, id)
		switch {
		case err != nil:
			return err
		case e.variants == nil || e.variants.Test == nil:
			return newsroom.ErrNoTest
		case e.chosen > 0:
			return newsroom.ErrChosen
		case e.state.Ended():
			return fmt.Errorf("it is %s: %w", e.state, newsroom.ErrState)
		case n < 1 || n > len(e.variants.Subjects):
			return fmt.Errorf("it tests %d subjects, and there is no subject %d", len(e.variants.Subjects), n)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE edition SET subject_chosen = $2 WHERE id = $1`, id, n); err != nil {
			return err
		}
		ahead := e.variants.Test.Until.Sub(now)
		if e.start.After(now) {
			ahead = e.variants.Test.Until.Sub(e.start)
		}
		if err := moveHeld(ctx, tx, e.mailing, -max(0, ahead), false); err != nil {
			return err
		}
		return logChange(ctx, tx, id, newsroom.Change{At: now, From: e.state, To: e.state, By: by, Why: why})
	})
	if err != nil {
		return fmt.Errorf("edition %s: %w", id, err)
	}
	return nil
}

// trial is what a transaction knows of an edition that may test subjects.
type trial struct {
	state     newsroom.State
	variants  *newsroom.Variants
	chosen    int
	mailing   int64
	start     time.Time // of its mails
	untouched bool      // none of its mails had a turn
}

// trial reads an edition and keeps other transactions from it.
func (s *Store) trial(ctx context.Context, tx *sql.Tx, id string) (trial, error) {
	var e trial
	var variants []byte
	err := tx.QueryRowContext(ctx, `
		SELECT e.state, e.variants, coalesce(e.subject_chosen, 0) FROM edition e WHERE e.id = $1`+s.dialect.forUpdate("e"), id).
		Scan(&e.state, &variants, &e.chosen)
	if errors.Is(err, sql.ErrNoRows) {
		return e, newsroom.ErrNotFound
	}
	if err != nil {
		return e, err
	}
	if e.variants, err = readVariants(variants); err != nil || e.variants == nil {
		return e, err
	}
	err = tx.QueryRowContext(ctx, `
		SELECT id, start, sending + sent + deferred + failed + in_doubt = 0 FROM mailing WHERE edition = $1`, id).
		Scan(&e.mailing, (*stamp)(&e.start), &e.untouched)
	return e, err
}

// asVariants is what the column variants holds.
func asVariants(v *newsroom.Variants) (text sql.NullString, err error) {
	if v == nil {
		return text, nil
	}
	text.Valid = true
	text.String, err = asJSON(v)
	return text, err
}

// storeUntil stores variants with the end of their test's wait.
func storeUntil(ctx context.Context, tx *sql.Tx, id string, v *newsroom.Variants, until time.Time) error {
	own, test := *v, *v.Test
	test.Until = until.UTC().Truncate(time.Microsecond)
	own.Test = &test
	variants, err := asVariants(&own)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE edition SET variants = $2 WHERE id = $1`, id, variants)
	return err
}

// readVariants reads what the column variants holds; nil for NULL.
func readVariants(text []byte) (*newsroom.Variants, error) {
	if text == nil {
		return nil, nil
	}
	v := new(newsroom.Variants)
	if err := json.Unmarshal(text, v); err != nil {
		return nil, fmt.Errorf("its variants: %w", err)
	}
	return v, nil
}

// moveHeld moves the due times of what waits for the choice of a subject, and
// says whether it waits any longer.
func moveHeld(ctx context.Context, tx *sql.Tx, mailing int64, by time.Duration, held bool) error {
	type due struct {
		last int64
		at   stamp
	}
	dues, err := collect(ctx, tx, func(rows *sql.Rows) (due, error) {
		var d due
		return d, rows.Scan(&d.last, &d.at)
	}, `SELECT last, due FROM batch WHERE mailing = $1 AND held = 1`, mailing)
	if err != nil {
		return err
	}
	rows := make([][2]any, len(dues))
	for i, d := range dues {
		rows[i] = [2]any{d.last, stamp(time.Time(d.at).Add(by)).text()}
	}
	return execRows(ctx, tx, rows, `
		UPDATE batch SET due = i.due, held = $3
		FROM (SELECT CAST(value ->> 0 AS BIGINT) AS last, value ->> 1 AS due FROM json_each($1)) AS i
		WHERE batch.mailing = $2 AND batch.last = i.last`, mailing, asInt(held))
}

// beginTest lets the wait of a test begin when its first mails may leave, in an
// edition that begins later than it was meant to.
func (s *Store) beginTest(ctx context.Context, tx *sql.Tx, id string, now time.Time) error {
	e, err := s.trial(ctx, tx, id)
	if err != nil || e.variants == nil || e.variants.Test == nil || e.chosen > 0 || !e.untouched || !now.After(e.start) {
		return err
	}
	late := now.Sub(e.start)
	if err := moveHeld(ctx, tx, e.mailing, late, true); err != nil {
		return err
	}
	if err := storeUntil(ctx, tx, id, e.variants, e.variants.Test.Until.Add(late)); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE mailing SET start = $2 WHERE id = $1`, e.mailing, stamp(now))
	return err
}

// Groups implements newsroom.Editions.
func (s *Store) Groups(ctx context.Context, id string) ([]newsroom.Group, error) {
	type row struct {
		variant, subject, n int
		state               send.State
	}
	var rows []row
	err := s.read(ctx, func(tx *sql.Tx) (err error) {
		rows, err = collect(ctx, tx, func(rows *sql.Rows) (row, error) {
			var r row
			return r, rows.Scan(&r.variant, &r.subject, &r.state, &r.n)
		}, `
			SELECT d.variant, d.subject, d.state, count(*)
			FROM mailing m JOIN delivery d ON d.id BETWEEN m.id << 32 AND (m.id << 32) + 4294967295
			WHERE m.edition = $1 GROUP BY d.variant, d.subject, d.state ORDER BY 1, 2`, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("edition %s: counting variants: %w", id, err)
	}
	var groups []newsroom.Group
	for _, r := range rows {
		if n := len(groups); n == 0 || groups[n-1].Variant != r.variant || groups[n-1].Subject != r.subject {
			groups = append(groups, newsroom.Group{Variant: r.variant, Subject: r.subject})
		}
		addSum(&groups[len(groups)-1].Sums, r.state, r.n)
	}
	return groups, nil
}

// addSum counts n deliveries of a state.
func addSum(sums *newsroom.Sums, state send.State, n int) {
	sums.Audience += n
	switch state {
	case send.Pending, send.Sending:
		sums.Pending += n
	case send.Sent:
		sums.Sent += n
	case send.Deferred:
		sums.Deferred += n
	case send.Failed:
		sums.Failed += n
	case send.InDoubt:
		sums.InDoubt += n
	case send.Skipped:
		sums.Skipped += n
	}
}
