package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"lede/audience"
)

// leftElsewhere opts people out of the newsletters that rows say they left. Most
// files have no such row.
func leftElsewhere(ctx context.Context, tx *sql.Tx, in audience.Intake, rows []audience.Row, now time.Time) error {
	var left [][2]string
	for i := range rows {
		for _, newsletter := range rows[i].OptedOut {
			left = append(left, [2]string{rows[i].Key, clean(newsletter)})
		}
	}
	if len(left) == 0 {
		return nil
	}
	items, err := asJSON(left)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO opt_out (newsletter, subscriber, at, why)
		SELECT DISTINCT value ->> 1, s.id, $1, $2 FROM json_each($3) JOIN subscriber s ON s.key = value ->> 0 WHERE true
		ON CONFLICT (newsletter, subscriber) DO NOTHING`, stamp(now), clean(in.Consent), items)
	if err != nil {
		return fmt.Errorf("opt-outs: %w", err)
	}
	return nil
}

// takesBack says whether a row ends a consent.
func takesBack(row audience.Row) bool {
	return row.State == audience.Unsubscribed || len(row.OptedOut) > 0
}

// anyTakesBack says whether one of the rows does.
func anyTakesBack(rows []audience.Row) bool { return slices.ContainsFunc(rows, takesBack) }
