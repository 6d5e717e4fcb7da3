package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// intakeTogether is how many rows one INSERT of new people has: enough that the
// statement's own cost is shared.
const intakeTogether = 50

// storeNew stores people who are new, with their states on the list, where
// writing transactions run one at a time: nobody else makes one of them
// meanwhile, so that they get their numbers here.
func (r *intakeRows) storeNew(ctx context.Context, tx *sql.Tx, list string, entry any) error {
	if len(r.fresh) == 0 {
		return nil
	}
	var last int64
	// Numbers of people who are gone are not given again.
	err := tx.QueryRowContext(ctx, `SELECT max(coalesce((SELECT max(id) FROM subscriber), 0), (SELECT id FROM subscriber_last))`).Scan(&last)
	if err != nil {
		return err
	}
	numbers := r.numbers(last)
	err = insertTogether(ctx, tx, `INSERT INTO subscriber (id, key, address, domain, name, attributes, tags, salt, created, import)`, 10, len(r.fresh),
		func(values []any, i int) []any {
			return append(append(append(values, numbers[i]), r.fresh[i][:]...), entry)
		})
	if err != nil {
		return fmt.Errorf("new people: %w", err)
	}
	// A new person has one state here: arriving goes with fresh.
	err = insertTogether(ctx, tx, `INSERT INTO subscription (subscriber, state, changed, consent, why, ip, list, import)`, 8, len(r.arriving),
		func(values []any, i int) []any {
			return append(append(append(values, numbers[i]), r.arriving[i][1:]...), list, entry)
		})
	if err != nil {
		return fmt.Errorf("subscriptions of new people: %w", err)
	}
	return nil
}

// inFileOrder are the places of fresh as the people stood in the file: whatever
// the order in which they are stored, they have numbers, and get mail, in this.
func (r *intakeRows) inFileOrder() []int {
	order := make([]int, len(r.fresh))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(r.lines[a]-r.lines[b], a-b) })
	return order
}

// numbers are those of fresh, the first after last.
func (r *intakeRows) numbers(last int64) []int64 {
	numbers := make([]int64, len(r.fresh))
	for n, i := range r.inFileOrder() {
		numbers[i] = last + 1 + int64(n)
	}
	return numbers
}

// insertTogether inserts n rows of wide columns, many in a statement; row
// appends the values of the i-th.
func insertTogether(ctx context.Context, tx *sql.Tx, into string, wide, n int, row func(values []any, i int) []any) error {
	one := "(?" + strings.Repeat(", ?", wide-1) + ")"
	values := make([]any, 0, wide*intakeTogether)
	for from := 0; from < n; {
		together := min(intakeTogether, n-from)
		stmt, err := tx.PrepareContext(ctx, into+" VALUES "+one+strings.Repeat(", "+one, together-1))
		if err != nil {
			return err
		}
		for ; err == nil && n-from >= together; from += together {
			values = values[:0]
			for i := from; i < from+together; i++ {
				values = row(values, i)
			}
			_, err = stmt.ExecContext(ctx, values...)
		}
		if err = errors.Join(err, stmt.Close()); err != nil {
			return err
		}
	}
	return nil
}

// storeRaced stores people who were new a moment ago, where other transactions
// may have made one of them since: then theirs stays. Their states on the list
// are left to joining.
func (r *intakeRows) storeRaced(ctx context.Context, tx *sql.Tx, entry any) error {
	fresh := make([]newRow, len(r.fresh))
	for n, i := range r.inFileOrder() {
		fresh[n] = r.fresh[i]
	}
	err := execRows(ctx, tx, fresh, `
		INSERT INTO subscriber (key, address, domain, name, attributes, tags, salt, created, import)
		SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
			CAST(value ->> 6 AS BIGINT), value ->> 7, CAST($2 AS BIGINT)
		FROM json_each($1) WHERE true
		ON CONFLICT (key) DO NOTHING`, entry)
	if err != nil {
		return fmt.Errorf("new people: %w", err)
	}
	r.joining = append(r.arriving, r.joining...)
	return nil
}
