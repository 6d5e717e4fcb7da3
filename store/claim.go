package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"lede/newsroom"
	"lede/send"
)

// sqlVerdict is why a delivery d is to be skipped, empty when it is to be sent.
// Everybody was asked at the snapshot; whoever took a consent back since stands
// in withdrawal, and is asked for all of it: here, in the transaction that
// claims, so that whoever left before it commits gets no mail. A pause stands in
// there too, and holds what is claimed before it ends, at $3.
const sqlVerdict = `
	CASE
		WHEN s.id IS NULL THEN '` + whyErased + `'
		WHEN w.subscriber IS NULL THEN ''
		WHEN EXISTS (SELECT 1 FROM suppression x WHERE x.key = s.key)
			THEN '` + whySuppressed + `' || (SELECT x.reason FROM suppression x WHERE x.key = s.key)
		WHEN EXISTS (SELECT 1 FROM opt_out o WHERE o.newsletter IN ($1, '') AND o.subscriber = d.subscriber)
			OR NOT EXISTS (
				SELECT 1 FROM subscription t
				WHERE t.list IN (SELECT value ->> 0 FROM json_each($2))
					AND t.subscriber = d.subscriber AND t.state = 'active')
			THEN '` + whyUnsubscribed + `'
		WHEN EXISTS (SELECT 1 FROM pause p WHERE p.subscriber = d.subscriber AND p.until > $3)
			THEN '` + whyPaused + `'
		ELSE ''
	END`

const sqlPeople = `
	LEFT JOIN subscriber s ON s.id = d.subscriber
	LEFT JOIN withdrawal w ON w.subscriber = d.subscriber`

// sqlHeads are the places and due times of the first batch and of the first
// delivery in later that are due at $2.
const sqlHeads = `
	SELECT next, last, due FROM (
		SELECT next, last, due FROM batch WHERE mailing = $1 AND due <= $2 AND held = 0 ORDER BY last LIMIT 1) AS b
	UNION ALL
	SELECT -1, -1, due FROM (
		SELECT due FROM later WHERE mailing = $1 AND due <= $2 ORDER BY due, delivery LIMIT 1) AS l`

// sqlBatched are the deliveries of a part of a batch, none of which had a turn.
const sqlBatched = `
	SELECT d.id, d.subscriber, d.variant, d.subject, d.domain, coalesce(s.salt, 0), coalesce(s.address, ''), coalesce(s.name, ''),` + sqlVerdict + `
	FROM delivery d` + sqlPeople + `
	WHERE d.id BETWEEN $4 AND $5 AND d.state = 'pending'
	ORDER BY d.id`

// sqlLater are the deliveries in later that are due at $5, the longest due first.
const sqlLater = `
	SELECT d.id, d.subscriber, d.variant, d.subject, d.domain, coalesce(s.salt, 0), coalesce(s.address, ''), coalesce(s.name, ''),` + sqlVerdict + `,
		l.due, d.state, d.attempt, d.first, d.relay
	FROM later l JOIN delivery d ON d.id = l.delivery` + sqlPeople + `
	WHERE l.mailing = $4 AND l.due <= $5
	ORDER BY l.due, l.delivery
	LIMIT $6`

// The intents.
const (
	sqlClaimRange = `
	UPDATE delivery SET state = 'sending', attempt = attempt + 1
	WHERE id BETWEEN $1 AND $2 AND (state = 'pending' OR state = 'deferred')`
	sqlClaimEach = `
	UPDATE delivery SET state = 'sending', attempt = attempt + 1
	WHERE id IN (SELECT CAST(value ->> 0 AS BIGINT) FROM json_each($1)) AND state IN ('pending', 'deferred')`
)

// What had its turn leaves its batch, or later.
const (
	sqlAdvance = `
	UPDATE batch SET next = $3 WHERE mailing = $1 AND last = $2`
	sqlUsed = `
	DELETE FROM later WHERE mailing = $1 AND (due, delivery) <= ($2, $3)`
)

const sqlPut = `
	INSERT INTO later (mailing, due, delivery)
	SELECT $1, value ->> 1, CAST(value ->> 0 AS BIGINT) FROM json_each($2)`

// heldAgain is when a batch is looked at again that is due and held: nothing of
// it is there to be claimed until somebody chose.
const heldAgain = 15 * time.Second

// sqlNextDue finds the earliest due time, at $3 of what is due by $2 and held.
const sqlNextDue = `
	SELECT min(due) FROM (
		SELECT CASE WHEN held = 0 OR due > $2 THEN due ELSE $3 END AS due FROM batch WHERE mailing = $1
		UNION ALL
		SELECT due FROM (SELECT due FROM later WHERE mailing = $1 ORDER BY due, delivery LIMIT 1) AS l
	) AS heads`

// A claim looks at no more deliveries than lookBase and lookPer for each that
// is wanted, and from the second time on at fewest at a time.
const (
	lookBase = 256
	lookPer  = 4
	fewest   = 32
)

// candidate is a delivery that is due.
type candidate struct {
	send.Delivery
	id    int64
	why   string     // it is to be skipped; empty when it is wanted
	state send.State // pending or deferred
	due   stamp      // of one in later
}

// claiming is one claim while it is made.
type claiming struct {
	m       *mailing
	ask     send.Claim
	claimed []send.Delivery
	left    int      // how many more may be looked at
	again   bool     // this is not the first look
	intents []int64  // of the candidates in hand
	skipped [][2]any // of the candidates in hand: id and why
	put     [][2]any // id and due time of what Place put off
}

// claim turns due deliveries to sending, and passes over those whose people
// don't want them any more.
func (s *Store) claim(ctx context.Context, tx *sql.Tx, m *mailing, ask send.Claim) (send.Claimed, error) {
	if m.state != newsroom.Sending {
		return send.Claimed{}, nil
	}
	c := &claiming{m: m, ask: ask, left: lookBase + lookPer*ask.Max}
	more := ask.Max > 0
	for more && len(c.claimed) < ask.Max && c.left > 0 {
		var err error
		if more, err = s.claimSome(ctx, tx, c); err != nil {
			return send.Claimed{}, err
		}
	}
	if len(c.put) > 0 {
		items, err := asJSON(c.put)
		if err != nil {
			return send.Claimed{}, err
		}
		if _, err := s.ledger.put.in(ctx, tx).ExecContext(ctx, m.id, items); err != nil {
			return send.Claimed{}, err
		}
	}
	slices.SortFunc(c.claimed, func(a, b send.Delivery) int { return cmp.Compare(a.Pos, b.Pos) })
	claimed := send.Claimed{Deliveries: c.claimed, Open: true, More: more}
	if len(c.claimed) > 0 {
		return claimed, nil
	}
	err := s.ledger.due.in(ctx, tx).QueryRowContext(ctx, m.id, stamp(ask.Now), stamp(ask.Now.Add(heldAgain))).Scan((*stamp)(&claimed.Next))
	return claimed, err
}

// claimSome claims from what is longest due, a batch or later. It says false
// when nothing is due.
func (s *Store) claimSome(ctx context.Context, tx *sql.Tx, c *claiming) (bool, error) {
	type head struct {
		next, last int64
		due        stamp
	}
	rows, err := s.ledger.heads.in(ctx, tx).QueryContext(ctx, c.m.id, stamp(c.ask.Now))
	if err != nil {
		return false, err
	}
	heads, err := scanAll(rows, func(rows *sql.Rows) (head, error) {
		var h head
		return h, rows.Scan(&h.next, &h.last, &h.due)
	})
	if err != nil || len(heads) == 0 {
		return false, err
	}
	var batch, later *head
	for i := range heads {
		if heads[i].next >= 0 {
			batch = &heads[i]
		} else {
			later = &heads[i]
		}
	}
	limit := c.ask.Max - len(c.claimed)
	if c.again { // Place refused some, or people left: more will be
		limit = max(limit, fewest)
	}
	limit = min(limit, c.left)
	c.again = true
	switch {
	case batch == nil:
		return true, s.claimLater(ctx, tx, c, c.ask.Now, limit)
	case later != nil && time.Time(later.due).Before(time.Time(batch.due)):
		// What became due together with the batch, or after it, comes behind it.
		return true, s.claimLater(ctx, tx, c, time.Time(batch.due).Add(-time.Microsecond), limit)
	}
	return true, s.claimBatch(ctx, tx, c, batch.next, batch.last, limit)
}

// claimBatch claims from the places next to last, which are a batch.
func (s *Store) claimBatch(ctx context.Context, tx *sql.Tx, c *claiming, next, last int64, limit int) error {
	upTo := min(last, next+int64(limit)-1)
	rows, err := s.ledger.batched.in(ctx, tx).QueryContext(ctx,
		c.m.newsletter, c.m.lists, stamp(c.ask.Now), deliveryID(c.m.id, next), deliveryID(c.m.id, upTo))
	if err != nil {
		return err
	}
	candidates, err := scanAll(rows, func(rows *sql.Rows) (candidate, error) {
		d := candidate{state: send.Pending}
		var salt int64
		err := rows.Scan(&d.id, &d.Subscriber, &d.Variant, &d.Subject, &d.Domain, &salt, &d.Address, &d.Name, &d.why)
		d.Salt = uint32(salt)
		return d, err
	})
	if err != nil {
		return err
	}
	looked, err := s.choose(ctx, tx, c, candidates)
	if err != nil {
		return err
	}
	if looked < len(candidates) {
		upTo = place(candidates[looked].id) - 1
	} else {
		c.left -= int(upTo-next) + 1 - looked // those of the range that are no longer pending
	}
	if upTo == last {
		_, err = tx.ExecContext(ctx, `DELETE FROM batch WHERE mailing = $1 AND last = $2`, c.m.id, last)
	} else {
		_, err = s.ledger.advance.in(ctx, tx).ExecContext(ctx, c.m.id, last, upTo+1)
	}
	return err
}

// claimLater claims from what was put off and is due at due.
func (s *Store) claimLater(ctx context.Context, tx *sql.Tx, c *claiming, due time.Time, limit int) error {
	rows, err := s.ledger.later.in(ctx, tx).QueryContext(ctx,
		c.m.newsletter, c.m.lists, stamp(c.ask.Now), c.m.id, stamp(due), limit)
	if err != nil {
		return err
	}
	candidates, err := scanAll(rows, func(rows *sql.Rows) (candidate, error) {
		var d candidate
		var salt int64
		err := rows.Scan(&d.id, &d.Subscriber, &d.Variant, &d.Subject, &d.Domain, &salt, &d.Address, &d.Name, &d.why,
			&d.due, &d.state, &d.Attempt, (*stamp)(&d.First), &d.LastRelay)
		d.Salt = uint32(salt)
		return d, err
	})
	if err != nil {
		return err
	}
	looked, err := s.choose(ctx, tx, c, candidates)
	if err != nil || looked == 0 {
		return err
	}
	_, err = s.ledger.used.in(ctx, tx).ExecContext(ctx, c.m.id, candidates[looked-1].due, candidates[looked-1].id)
	return err
}

// choose goes through candidates until enough are claimed, writes the intents
// and what is skipped, and returns how many it looked at.
func (s *Store) choose(ctx context.Context, tx *sql.Tx, c *claiming, candidates []candidate) (looked int, err error) {
	if len(c.ask.Lists) > 0 {
		if err := s.fillLists(ctx, tx, c.ask.Lists, candidates); err != nil {
			return 0, err
		}
	}
	c.claimed = slices.Grow(c.claimed, min(len(candidates), c.ask.Max-len(c.claimed)))
	c.intents, c.skipped = c.intents[:0], c.skipped[:0]
	now := c.ask.Now.UTC().Truncate(time.Microsecond)
	for i := range candidates {
		d := &candidates[i]
		if len(c.claimed) == c.ask.Max {
			break
		}
		looked++
		c.left--
		if d.state != send.Pending && d.state != send.Deferred {
			continue // its outcome was stored meanwhile
		}
		if d.why != "" {
			c.skipped = append(c.skipped, [2]any{d.id, d.why})
			c.m.move(d.state, send.Skipped, 1)
			continue
		}
		d.Edition, d.Pos = c.m.edition, place(d.id)
		if d.Subject == 0 {
			d.Subject = c.m.chosen
		}
		d.Attempt++
		if d.Attempt == 1 || d.First.IsZero() {
			d.First = now
		}
		if c.ask.Place != nil {
			if until, ok := c.ask.Place(&d.Delivery); !ok {
				if until.IsZero() {
					until = now
				}
				c.put = append(c.put, [2]any{d.id, stamp(until).text()})
				continue
			}
		}
		c.intents = append(c.intents, d.id)
		c.m.move(d.state, send.Sending, 1)
		c.claimed = append(c.claimed, d.Delivery)
	}
	if err := s.writeIntents(ctx, tx, c.intents); err != nil {
		return 0, err
	}
	return looked, execRows(ctx, tx, c.skipped, `
		UPDATE delivery SET state = 'skipped', reply = o.why, at = $2
		FROM (SELECT CAST(value ->> 0 AS BIGINT) AS id, value ->> 1 AS why FROM json_each($1)) AS o
		WHERE delivery.id = o.id`, stamp(now))
}

// errIntents says that a delivery changed between the two statements of a claim.
var errIntents = errors.New("a delivery is not what it was a moment ago")

// writeIntents stores the intents of candidates: those of places side by side
// in one statement, where they lie in few runs.
func (s *Store) writeIntents(ctx context.Context, tx *sql.Tx, ids []int64) error {
	var runs [][2]int64
	for i, id := range ids {
		if i > 0 && id == ids[i-1]+1 {
			runs[len(runs)-1][1] = id
			continue
		}
		runs = append(runs, [2]int64{id, id})
	}
	var written int64
	add := func(result sql.Result, err error) error {
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		written += n
		return err
	}
	if len(runs) <= 1+len(ids)/16 {
		for _, run := range runs {
			if err := add(s.ledger.claimRange.in(ctx, tx).ExecContext(ctx, run[0], run[1])); err != nil {
				return err
			}
		}
	} else {
		items, err := asRows(ids)
		if err != nil {
			return err
		}
		if err := add(s.ledger.claimEach.in(ctx, tx).ExecContext(ctx, items)); err != nil {
			return err
		}
	}
	// A mail goes out only with its intent stored.
	if written != int64(len(ids)) {
		return errIntents
	}
	return nil
}

// fillLists notes which of the lists the candidates are active on.
func (s *Store) fillLists(ctx context.Context, tx *sql.Tx, lists []string, candidates []candidate) error {
	ids := make([]int64, len(candidates))
	for i, d := range candidates {
		ids[i] = d.Subscriber
	}
	people, err := asRows(ids)
	if err != nil {
		return err
	}
	names, err := asRows(lists)
	if err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, `
		SELECT subscriber, list FROM subscription
		WHERE list IN (SELECT value ->> 0 FROM json_each($1))
			AND subscriber IN (SELECT CAST(value ->> 0 AS BIGINT) FROM json_each($2)) AND state = 'active'
		ORDER BY list`, names, people)
	if err != nil {
		return err
	}
	type tie struct {
		subscriber int64
		list       string
	}
	ties, err := scanAll(rows, func(rows *sql.Rows) (tie, error) {
		var t tie
		return t, rows.Scan(&t.subscriber, &t.list)
	})
	if err != nil {
		return err
	}
	on := make(map[int64][]string, len(candidates))
	for _, t := range ties {
		on[t.subscriber] = append(on[t.subscriber], t.list)
	}
	for i := range candidates {
		candidates[i].Lists = on[candidates[i].Subscriber]
	}
	return nil
}
