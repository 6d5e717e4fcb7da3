package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"lede/compose"
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

// Audience counts who of the lists gets mail of the newsletter.
func (s *Store) Audience(ctx context.Context, newsletter string, lists []string) (int, error) {
	return s.Reach(ctx, newsroom.Aim{Newsletter: newsletter, Lists: lists}, time.Time{})
}

// Reach implements newsroom.Memory.
func (s *Store) Reach(ctx context.Context, aim newsroom.Aim, now time.Time) (int, error) {
	var n int
	err := s.read(ctx, func(tx *sql.Tx) error {
		args, audience, err := s.aimed(aim, now)
		if err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT count(*)`+audience, args...).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("counting the audience of %s: %w", aim.Newsletter, err)
	}
	return n, nil
}

// aimed says who an edition would go to, as audienceOf does, with the arguments
// of that.
func (s *Store) aimed(aim newsroom.Aim, now time.Time) (args arguments, audience string, err error) {
	names, err := asRows(aim.Lists)
	if err != nil {
		return nil, "", err
	}
	args = arguments{aim.Newsletter, names}
	chosen, err := s.chosen(aim.Choice, &args, now)
	if err != nil {
		return nil, "", err
	}
	return args, audienceOf(len(aim.Lists)) + chosen + readersOf(aim.CorrectionOf, &args), nil
}

// readersOf is the condition that subscriber s got the edition that is
// corrected, with its AND; none without one.
func readersOf(corrected string, args *arguments) string {
	if corrected == "" {
		return ""
	}
	return ` AND EXISTS (
		SELECT 1 FROM mailing cm JOIN delivery cd ON cd.mailing = cm.id
		WHERE cm.edition = ` + args.add(corrected) + ` AND cd.subscriber = s.id AND cd.state IN ('sent', 'in_doubt'))`
}

// spreadStep is the time between batches of an edition that is spread over a
// window, and spreadSteps how many there are at most.
const (
	spreadStep  = time.Second
	spreadSteps = 10_000
)

// batch is the places next to last of a snapshot, due at one time, or, held,
// once a subject is chosen and not before then.
type batch struct {
	next, last int64
	due        time.Time
	held       bool
}

// snapshot takes the snapshot of an edition's audience: its deliveries, in the
// order in which they are due, and then of the subscribers' ids, so that
// sending goes through both tables from one end to the other. Who is in a test
// of subjects stands before all others. until is when that test's wait is over,
// zero without one.
func (s *Store) snapshot(ctx context.Context, tx *sql.Tx, edition, newsletter, lists string, c newsroom.Content, now time.Time) (n int64, until time.Time, err error) {
	t := taking{edition: edition, args: arguments{newsletter, lists}, c: c, now: now, start: now}
	if c.Start.After(now) {
		t.start = c.Start
	}
	err = tx.QueryRowContext(ctx, `
		INSERT INTO mailing (edition, newsletter, lists, start) VALUES ($1, $2, $3, $4) RETURNING id`,
		edition, newsletter, lists, stamp(t.start)).Scan(&t.id)
	if err != nil {
		return 0, until, err
	}
	chosen, err := s.chosen(c.Choice, &t.args, now)
	if err != nil {
		return 0, until, err
	}
	t.audience = audienceOf(len(c.Lists)) + chosen + readersOf(c.CorrectionOf, &t.args)
	var batches []batch
	switch {
	case c.Variants != nil && c.Variants.Test != nil:
		n, batches, until, err = s.snapshotTest(ctx, tx, t)
	case c.Local != nil:
		n, batches, err = s.snapshotRanked(ctx, tx, t, nil)
	default:
		n, err = s.snapshotPlain(ctx, tx, t)
		batches = spread(n, t.start, c.Spread)
	}
	if err != nil {
		return 0, until, err
	}
	rows := make([][4]any, len(batches))
	for i, b := range batches {
		rows[i] = [4]any{b.next, b.last, stamp(b.due).text(), asInt(b.held)}
	}
	err = execRows(ctx, tx, rows, `
		INSERT INTO batch (mailing, next, last, due, held)
		SELECT $2, CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), value ->> 2, CAST(value ->> 3 AS INTEGER)
		FROM json_each($1)`, t.id)
	if err != nil {
		return 0, until, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE mailing SET pending = $2 WHERE id = $1`, t.id, n)
	return n, until, err
}

// taking is a snapshot while it is taken.
type taking struct {
	edition  string
	id       int64     // of the mailing
	args     arguments // of the audience
	audience string    // FROM and WHERE, of subscribers s
	c        newsroom.Content
	now      time.Time
	start    time.Time // when the first mails are due
}

// split is who gets which variant.
func (t taking) split() compose.Split {
	if t.c.Variants == nil {
		return compose.Split{}
	}
	return t.c.Variants.Split
}

// snapshotPlain is the snapshot of an edition that is due for all alike.
func (s *Store) snapshotPlain(ctx context.Context, tx *sql.Tx, t taking) (int64, error) {
	args := t.args.clone()
	column, variant := "", ""
	if t.split().Count() > 1 {
		expression, err := s.variantOf(t.split(), &args, t.now)
		if err != nil {
			return 0, err
		}
		column, variant = ", variant", ", "+expression
	}
	return changed(ctx, tx, `
		INSERT INTO delivery (id, mailing, subscriber, domain`+column+`)
		SELECT CAST(`+args.add(deliveryID(t.id, 0))+` AS BIGINT) + row_number() OVER (ORDER BY t.subscriber), `+args.add(t.id)+`, t.subscriber, s.domain`+variant+t.audience+`
		ORDER BY t.subscriber`, args...)
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

// snapshotRanked is the snapshot of an edition that is due at each subscriber's
// local time, and never before its start, or that tests subjects, or both.
func (s *Store) snapshotRanked(ctx context.Context, tx *sql.Tx, t taking, test *draw) (int64, []batch, error) {
	zone, order, ranks := `''`, []time.Time{t.start}, [][2]any{}
	if t.c.Local != nil {
		zone = s.zoneName()
		var err error
		if order, ranks, err = s.zones(ctx, tx, t, zone); err != nil {
			return 0, nil, fmt.Errorf("time zones: %w", err)
		}
	}
	items, err := asJSON(ranks)
	if err != nil {
		return 0, nil, err
	}
	args := t.args.clone()
	variant, err := s.variantOf(t.split(), &args, t.now)
	if err != nil {
		return 0, nil, err
	}
	nth, subject := `0`, `0`
	if test != nil {
		nth, subject = test.nth(t.edition, &args), test.subject(&args)
	}
	// Grouping makes SQLite unfold the zones once instead of for each person.
	const zoneRanks = `
		LEFT JOIN (
			SELECT value ->> 0 AS zone, max(CAST(value ->> 1 AS BIGINT)) AS rank FROM json_each(%s) GROUP BY value ->> 0
		) AS z ON z.zone = `
	n, err := changed(ctx, tx, `
		INSERT INTO delivery (id, mailing, subscriber, domain, variant, subject)
		SELECT CAST(`+args.add(deliveryID(t.id, 0))+` AS BIGINT) + row_number() OVER (ORDER BY r.rest, r.rank, r.id), `+args.add(t.id)+`,
			r.id, r.domain, r.variant, r.subject
		FROM (
			SELECT g.*, `+restOf(test, "g")+` AS rest FROM (
				SELECT a.id, a.domain, a.variant, `+subject+` AS subject, coalesce(z.rank, 0) AS rank
				FROM (SELECT s.id, s.domain, `+zone+` AS zone, `+variant+` AS variant, `+nth+` AS nth`+t.audience+`) AS a`+
		fmt.Sprintf(zoneRanks, args.add(items))+`a.zone
			) AS g
		) AS r
		ORDER BY r.rest, r.rank, r.id`, args...)
	if err != nil {
		return 0, nil, err
	}
	type start struct{ rest, rank, id int64 }
	starts, err := collect(ctx, tx, func(rows *sql.Rows) (start, error) {
		var b start
		return b, rows.Scan(&b.rest, &b.rank, &b.id)
	}, `
		SELECT `+restOf(test, "d")+`, coalesce(z.rank, 0), min(d.id)
		FROM delivery d JOIN subscriber s ON s.id = d.subscriber`+fmt.Sprintf(zoneRanks, "$3")+zone+`
		WHERE d.id BETWEEN $1 AND $2 GROUP BY 1, 2 ORDER BY 1 DESC, 2 DESC`, deliveryID(t.id, 0), deliveryID(t.id, 1<<placeBits-1), items)
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
			batches = append(batches, batch{next: next, last: end, due: order[b.rank], held: b.rest > 0})
			end = next - 1
		}
	}
	return n, batches, nil
}

// zones are the times at which somebody is due, in their order, and for each
// zone that is due after the start which of them.
func (s *Store) zones(ctx context.Context, tx *sql.Tx, t taking, zone string) (order []time.Time, ranks [][2]any, err error) {
	later := map[string]time.Time{} // due times of the zones that are due after the start
	order = []time.Time{t.start}
	rows, err := tx.QueryContext(ctx, `SELECT DISTINCT `+zone+t.audience, t.args...)
	if err != nil {
		return nil, nil, err
	}
	_, err = scanAll(rows, func(rows *sql.Rows) (struct{}, error) {
		name, err := scanText(rows)
		if due := t.c.Local(zoneNamed(name)).UTC().Truncate(time.Microsecond); err == nil && due.After(t.start) {
			later[name] = due
			order = append(order, due)
		}
		return struct{}{}, err
	})
	slices.SortFunc(order, time.Time.Compare)
	order = slices.CompactFunc(order, time.Time.Equal)
	ranks = make([][2]any, 0, len(later))
	for name, due := range later {
		rank, _ := slices.BinarySearchFunc(order, due, time.Time.Compare)
		ranks = append(ranks, [2]any{name, rank})
	}
	return order, ranks, err
}
