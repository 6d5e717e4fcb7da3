package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"lede/audience/segment"
	"lede/compose"
)

// VariantReach counts who would get each variant of an edition now: the
// audience as Reach has it, parted as a snapshot would.
func (s *Store) VariantReach(ctx context.Context, newsletter string, lists []string, choice segment.Choice, split compose.Split, now time.Time) ([]int, error) {
	names, err := asRows(lists)
	if err != nil {
		return nil, err
	}
	counts := make([]int, split.Count())
	err = s.read(ctx, func(tx *sql.Tx) error {
		args := arguments{newsletter, names}
		chosen, err := s.chosen(choice, &args, now)
		if err != nil {
			return err
		}
		variant, err := s.variantOf(split, &args)
		if err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, `
			SELECT variant, count(*) FROM (SELECT `+variant+` AS variant`+audienceOf(len(lists))+chosen+`) parted
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
		return nil, fmt.Errorf("counting the variants' readers of %s: %w", newsletter, err)
	}
	return counts, nil
}
