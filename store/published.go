package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"lede/newsroom"
)

// wasPublished is true of a mailing (m) of which a mail has left: what is in
// flight may have arrived.
const wasPublished = `m.sent + m.in_doubt + m.sending > 0`

// Published returns the newsletter's editions that somebody got, with slots from
// from on and before to, newest first, at most limit. A zero time is no limit.
func (s *Store) Published(ctx context.Context, newsletter string, from, to time.Time, limit int) ([]newsroom.Published, error) {
	var found []newsroom.Published
	err := s.read(ctx, func(tx *sql.Tx) (err error) {
		found, err = collect(ctx, tx, func(rows *sql.Rows) (newsroom.Published, error) {
			var p newsroom.Published
			return p, rows.Scan(&p.ID, &p.Newsletter, (*stamp)(&p.Slot), (*stamp)(&p.Stored), &p.Subject, &p.Preheader)
		}, `
			SELECT e.id, e.newsletter, e.slot, e.stored,
				coalesce(`+s.dialect.member("e.content", "subject")+`, ''), coalesce(`+s.dialect.member("e.content", "preheader")+`, '')
			FROM edition e JOIN mailing m ON m.edition = e.id
			WHERE e.newsletter = $1 AND e.slot >= $2 AND e.slot < $3 AND `+wasPublished+`
			ORDER BY e.slot DESC, e.id LIMIT $4`, clean(newsletter), stampFrom(from), stampTo(to), limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("newsletter %s: listing what was published: %w", newsletter, err)
	}
	return found, nil
}

// Extent counts what Published lists without a limit.
func (s *Store) Extent(ctx context.Context, newsletter string, from, to time.Time) (newsroom.Extent, error) {
	var e newsroom.Extent
	err := s.read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `
			SELECT count(*), min(e.slot), max(e.slot)
			FROM edition e JOIN mailing m ON m.edition = e.id
			WHERE e.newsletter = $1 AND e.slot >= $2 AND e.slot < $3 AND `+wasPublished,
			clean(newsletter), stampFrom(from), stampTo(to)).Scan(&e.Count, (*stamp)(&e.First), (*stamp)(&e.Last))
	})
	if err != nil {
		return e, fmt.Errorf("newsletter %s: counting what was published: %w", newsletter, err)
	}
	return e, nil
}

// stampFrom and stampTo are the ends of a time of which one may be open.
func stampFrom(t time.Time) stamp {
	if t.IsZero() {
		t = time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC)
	}
	return stamp(t)
}

func stampTo(t time.Time) stamp {
	if t.IsZero() {
		t = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	}
	return stamp(t)
}
