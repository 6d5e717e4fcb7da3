package store

import (
	"cmp"
	"context"
	"database/sql"
	"reflect"
	"time"

	"lede/newsroom"
)

// dealAnew gives the deliveries of a waiting edition the variants and subjects
// of what it was made anew with. Who is in its test, and when the others are
// due, stays as the snapshot has it. An edition that had no test, or lost it,
// gets none: nobody was drawn for it.
func (s *Store) dealAnew(ctx context.Context, tx *sql.Tx, id string, v *newsroom.Variants, at time.Time) error {
	e, err := s.trial(ctx, tx, id)
	if err != nil || e.variants == nil && v == nil {
		return err
	}
	was, now := cmp.Or(e.variants, &newsroom.Variants{}), newsroom.Variants{}
	if v != nil {
		now = *v
	}
	if e.mailing == 0 {
		if err := tx.QueryRowContext(ctx, `SELECT id FROM mailing WHERE edition = $1`, id).Scan(&e.mailing); err != nil {
			return err
		}
	}
	if err := s.dealVariants(ctx, tx, e.mailing, was, &now, at); err != nil {
		return err
	}
	if err := dealSubjects(ctx, tx, id, e, was, &now); err != nil {
		return err
	}
	var text sql.NullString
	if len(now.Letters) > 0 || now.Test != nil {
		if text, err = asVariants(&now); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `UPDATE edition SET variants = $2 WHERE id = $1`, id, text)
	return err
}

// dealVariants gives each delivery of a mailing its variant, where the split is
// another one.
func (s *Store) dealVariants(ctx context.Context, tx *sql.Tx, mailing int64, was, now *newsroom.Variants, at time.Time) error {
	if reflect.DeepEqual(was.Split, now.Split) {
		return nil
	}
	args := arguments{deliveryID(mailing, 0), deliveryID(mailing, 1<<placeBits-1)}
	variant, err := s.variantOf(now.Split, &args, at)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		UPDATE delivery SET variant = `+variant+` FROM subscriber s
		WHERE delivery.id BETWEEN $1 AND $2 AND s.id = delivery.subscriber`, args...)
	return err
}

// dealSubjects keeps the test that an edition had, with the subjects that it
// has now; without any, all readers get the same.
func dealSubjects(ctx context.Context, tx *sql.Tx, id string, e trial, was, now *newsroom.Variants) error {
	first, last := deliveryID(e.mailing, 0), deliveryID(e.mailing, 1<<placeBits-1)
	switch {
	case was.Test == nil:
		now.Test, now.Subjects = nil, nil
		return nil
	case now.Test == nil:
		if _, err := tx.ExecContext(ctx, `UPDATE delivery SET subject = 0 WHERE id BETWEEN $1 AND $2 AND subject > 0`, first, last); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE edition SET subject_chosen = NULL WHERE id = $1`, id); err != nil {
			return err
		}
		return moveHeld(ctx, tx, e.mailing, e.start.Sub(was.Test.Until), false)
	}
	test := *was.Test
	test.Otherwise = now.Test.Otherwise
	now.Test = &test
	if len(now.Subjects) == len(was.Subjects) {
		return nil
	}
	// The test's readers stand side by side: their places deal evenly.
	if _, err := tx.ExecContext(ctx, `UPDATE delivery SET subject = 1 + (id - $1) % $3 WHERE id BETWEEN $1 AND $2 AND subject > 0`,
		first, last, int64(len(now.Subjects))); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE edition SET subject_chosen = 1 WHERE id = $1 AND subject_chosen > $2`, id, len(now.Subjects))
	return err
}
