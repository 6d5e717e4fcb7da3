package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"lede/compose"
	"lede/newsroom"
)

// VariantReach counts who would get each variant of an edition now: the
// audience as Reach has it, parted as a snapshot would.
func (s *Store) VariantReach(ctx context.Context, aim newsroom.Aim, split compose.Split, now time.Time) ([]int, error) {
	counts := make([]int, split.Count())
	err := s.read(ctx, func(tx *sql.Tx) error {
		args, audience, err := s.aimed(aim, now)
		if err != nil {
			return err
		}
		variant, err := s.variantOf(split, &args, now)
		if err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, `
			SELECT variant, count(*) FROM (SELECT `+variant+` AS variant`+audience+`) parted
			GROUP BY variant`, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var n, count int
			if err := rows.Scan(&n, &count); err != nil {
				return err
			}
			counts[n] = count
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("counting the variants' readers of %s: %w", aim.Newsletter, err)
	}
	return counts, nil
}
