package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"lede/newsroom"
)

// sqlAhead finds the earliest and the latest due time of what is pending, and
// how many deliveries are in flight. What had its turn already and is pending
// again stands among what was put off.
const sqlAhead = `
	SELECT min(p.due), max(p.due), (SELECT sending FROM mailing WHERE edition = $1)
	FROM (
		SELECT b.due FROM batch b JOIN mailing m ON m.id = b.mailing WHERE m.edition = $1
		UNION ALL
		SELECT l.due FROM later l JOIN mailing m ON m.id = l.mailing JOIN delivery d ON d.id = l.delivery
		WHERE m.edition = $1 AND d.state = 'pending'
	) AS p`

// Ahead implements newsroom.Editions.
func (s *Store) Ahead(ctx context.Context, id string, now time.Time) (newsroom.Ahead, error) {
	var ahead newsroom.Ahead
	err := s.read(ctx, func(tx *sql.Tx) error {
		var sending sql.NullInt64
		err := tx.QueryRowContext(ctx, sqlAhead, id).Scan((*stamp)(&ahead.Next), (*stamp)(&ahead.Last), &sending)
		if err != nil || sending.Int64 == 0 {
			return err
		}
		if ahead.Next.IsZero() || ahead.Next.After(now) {
			ahead.Next = now
		}
		if ahead.Last.Before(now) {
			ahead.Last = now
		}
		return nil
	})
	if err != nil {
		return newsroom.Ahead{}, fmt.Errorf("edition %s: reading when its mails are due: %w", id, err)
	}
	return ahead, nil
}
