package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"lede/newsroom"
)

// audienceOf says who gets an edition of the newsletter $1 for the lists $2:
// subscribers s that are active on any of the lists (as t says), did not opt out
// of the newsletter or of everything, and are not suppressed, each once. With
// one list they come in the order of their ids without being sorted, and with
// several nothing is collected that grows with them in memory.
func audienceOf(lists int) string {
	on := `t.list = (SELECT value ->> 0 FROM json_each($2))`
	if lists != 1 {
		on = `t.list IN (SELECT value ->> 0 FROM json_each($2)) AND NOT EXISTS (
			SELECT 1 FROM subscription u
			WHERE u.list IN (SELECT value ->> 0 FROM json_each($2)) AND u.list < t.list
				AND u.subscriber = t.subscriber AND u.state = 'active')`
	}
	return `
	FROM subscription t CROSS JOIN subscriber s
	WHERE s.id = t.subscriber AND t.state = 'active' AND ` + on + `
		AND NOT EXISTS (SELECT 1 FROM opt_out o WHERE o.newsletter IN ($1, '') AND o.subscriber = t.subscriber)
		AND NOT EXISTS (SELECT 1 FROM suppression x WHERE x.key = s.key)`
}

// Audience implements newsroom.Memory.
func (s *Store) Audience(ctx context.Context, newsletter string, lists []string) (int, error) {
	names, err := asRows(lists)
	if err != nil {
		return 0, err
	}
	var n int
	err = s.read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT count(*)`+audienceOf(len(lists)), newsletter, names).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("counting the audience of %s: %w", newsletter, err)
	}
	return n, nil
}

// spreadStep is the time between batches of an edition that is spread over a
// window, and spreadSteps how many there are at most.
const (
	spreadStep  = time.Second
	spreadSteps = 10_000
)

// batch is the places next to last of a snapshot, due at one time.
type batch struct {
	next, last int64
	due        time.Time
}

// snapshot takes the snapshot of an edition's audience: its deliveries, in the
// order in which they are due, and then of the subscribers' ids, so that
// sending goes through both tables from one end to the other.
func (s *Store) snapshot(ctx context.Context, tx *sql.Tx, edition, newsletter, lists string, c newsroom.Content, now time.Time) (int64, error) {
	start := now
	if c.Start.After(now) {
		start = c.Start
	}
	var id int64
	err := tx.QueryRowContext(ctx, `
		INSERT INTO mailing (edition, newsletter, lists, start) VALUES ($1, $2, $3, $4) RETURNING id`,
		edition, newsletter, lists, stamp(start)).Scan(&id)
	if err != nil {
		return 0, err
	}
	audience := audienceOf(len(c.Lists))
	if c.CorrectionOf != "" {
		audience += ` AND EXISTS (
			SELECT 1 FROM mailing cm JOIN delivery cd ON cd.mailing = cm.id
			WHERE cm.edition = '` + strings.ReplaceAll(c.CorrectionOf, "'", "''") + `' AND cd.subscriber = s.id AND cd.state IN ('sent', 'in_doubt'))`
	}
	var n int64
	var batches []batch
	if c.Local != nil {
		n, batches, err = s.snapshotLocal(ctx, tx, id, newsletter, lists, audience, c.Local, start)
	} else {
		n, err = changed(ctx, tx, `
			INSERT INTO delivery (id, mailing, subscriber, domain)
			SELECT CAST($3 AS BIGINT) + row_number() OVER (ORDER BY t.subscriber), $4, t.subscriber, s.domain`+audience+`
			ORDER BY t.subscriber`, newsletter, lists, deliveryID(id, 0), id)
		batches = spread(n, start, c.Spread)
	}
	if err != nil {
		return 0, err
	}
	rows := make([][3]any, len(batches))
	for i, b := range batches {
		rows[i] = [3]any{b.next, b.last, stamp(b.due).text()}
	}
	err = execRows(ctx, tx, rows, `
		INSERT INTO batch (mailing, next, last, due)
		SELECT $2, CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), value ->> 2 FROM json_each($1)`, id)
	if err != nil {
		return 0, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE mailing SET pending = $2 WHERE id = $1`, id, n)
	return n, err
}

// spread cuts n places into batches whose due times lie evenly over a window.
func spread(n int64, start time.Time, window time.Duration) []batch {
	steps := max(1, min(n, int64(window/spreadStep), spreadSteps))
	var batches []batch
	for i := range steps {
		b := batch{
			next: n*i/steps + 1,
			last: n * (i + 1) / steps,
			due:  start.Add(time.Duration(i) * (window / time.Duration(steps))),
		}
		if b.next <= b.last {
			batches = append(batches, b)
		}
	}
	return batches
}

// snapshotLocal is the snapshot of an edition that is due at each subscriber's
// local time, and never before begin.
func (s *Store) snapshotLocal(ctx context.Context, tx *sql.Tx, id int64, newsletter, lists, audience string, local func(zone string) time.Time, begin time.Time) (int64, []batch, error) {
	zone := `coalesce(` + s.dialect.attribute("timezone") + `, '')`
	later := map[string]time.Time{} // due times of the zones that are due after begin
	order := []time.Time{begin}
	rows, err := tx.QueryContext(ctx, `SELECT DISTINCT `+zone+audience, newsletter, lists)
	if err != nil {
		return 0, nil, err
	}
	_, err = scanAll(rows, func(rows *sql.Rows) (struct{}, error) {
		name, err := scanText(rows)
		if due := local(name).UTC().Truncate(time.Microsecond); err == nil && due.After(begin) {
			later[name] = due
			order = append(order, due)
		}
		return struct{}{}, err
	})
	if err != nil {
		return 0, nil, fmt.Errorf("time zones: %w", err)
	}
	slices.SortFunc(order, time.Time.Compare)
	order = slices.CompactFunc(order, time.Time.Equal)
	ranks := make([][2]any, 0, len(later))
	for name, due := range later {
		rank, _ := slices.BinarySearchFunc(order, due, time.Time.Compare)
		ranks = append(ranks, [2]any{name, rank})
	}
	items, err := asJSON(ranks)
	if err != nil {
		return 0, nil, err
	}
	// Grouping makes SQLite unfold the zones once instead of for each person.
	const zoneRanks = `
		LEFT JOIN (
			SELECT value ->> 0 AS zone, max(CAST(value ->> 1 AS BIGINT)) AS rank FROM json_each($3) GROUP BY value ->> 0
		) AS z ON z.zone = `
	first, last := deliveryID(id, 0), deliveryID(id, 1<<placeBits-1)
	n, err := changed(ctx, tx, `
		INSERT INTO delivery (id, mailing, subscriber, domain)
		SELECT CAST($4 AS BIGINT) + row_number() OVER (ORDER BY r.rank, r.id), $5, r.id, r.domain
		FROM (
			SELECT a.id, a.domain, coalesce(z.rank, 0) AS rank
			FROM (SELECT s.id, s.domain, `+zone+` AS zone`+audience+`) AS a`+zoneRanks+`a.zone
		) AS r
		ORDER BY r.rank, r.id`, newsletter, lists, items, first, id)
	if err != nil {
		return 0, nil, err
	}
	type start struct{ rank, id int64 }
	starts, err := collect(ctx, tx, func(rows *sql.Rows) (start, error) {
		var b start
		return b, rows.Scan(&b.rank, &b.id)
	}, `
		SELECT coalesce(z.rank, 0), min(d.id)
		FROM delivery d JOIN subscriber s ON s.id = d.subscriber`+zoneRanks+zone+`
		WHERE d.id BETWEEN $1 AND $2 GROUP BY 1 ORDER BY 1 DESC`, first, last, items)
	if err != nil {
		return 0, nil, err
	}
	// Each batch begins with the first person of its time. Should somebody move
	// to another zone between the two statements, as can be on PostgreSQL, some
	// come later for it, and nobody earlier.
	var batches []batch
	end := n
	for _, b := range starts {
		if next := place(b.id); next <= end {
			batches = append(batches, batch{next: next, last: end, due: order[b.rank]})
			end = next - 1
		}
	}
	return n, batches, nil
}
