package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lede/audience"
)

// Person implements audience.Directory. Of an address that is suppressed and
// nobody's, the error is audience.ErrNobody and the person holds the address
// and the reason.
func (s *Store) Person(ctx context.Context, key string) (audience.Person, error) {
	var p audience.Person
	err := s.read(ctx, func(tx *sql.Tx) error {
		var err error
		p, err = person(ctx, tx, `key = $1`, key)
		if !errors.Is(err, audience.ErrNobody) {
			return err
		}
		known := tx.QueryRowContext(ctx, `SELECT address, reason FROM suppression WHERE key = $1`, key).Scan(&p.Address, &p.Suppressed)
		if known != nil && !errors.Is(known, sql.ErrNoRows) {
			return known
		}
		return err
	})
	return p, err
}

// PersonByID implements audience.Directory.
func (s *Store) PersonByID(ctx context.Context, id int64) (audience.Person, error) {
	var p audience.Person
	err := s.read(ctx, func(tx *sql.Tx) error {
		var err error
		p, err = person(ctx, tx, `id = $1`, id)
		return err
	})
	return p, err
}

// person reads the one person that the condition holds for.
func person(ctx context.Context, tx *sql.Tx, condition string, arg any) (audience.Person, error) {
	var p audience.Person
	var attributes, tags string
	err := tx.QueryRowContext(ctx, `
		SELECT id, salt, address, name, attributes, tags, created, (SELECT until FROM pause WHERE subscriber = id),
			coalesce((SELECT reason FROM suppression WHERE suppression.key = subscriber.key), '')
		FROM subscriber WHERE `+condition, arg).
		Scan(&p.ID, &p.Salt, &p.Address, &p.Name, &attributes, &tags, (*stamp)(&p.Created), (*stamp)(&p.Paused), &p.Suppressed)
	if errors.Is(err, sql.ErrNoRows) {
		return p, audience.ErrNobody
	}
	if err != nil {
		return p, fmt.Errorf("reading a subscriber: %w", err)
	}
	err = errors.Join(json.Unmarshal([]byte(attributes), (*attributesOf)(&p.Attributes)), json.Unmarshal([]byte(tags), &p.Tags))
	if err != nil {
		return p, fmt.Errorf("subscriber %d: attributes and tags: %w", p.ID, err)
	}
	// Both in one statement: pages wait for this.
	ties, err := collect(ctx, tx, func(rows *sql.Rows) (t tie, err error) {
		return t, rows.Scan(&t.optOut, &t.List, &t.State, (*stamp)(&t.Changed), &t.Consent)
	}, `
		SELECT 0 AS opt_out, list, state, changed, consent FROM subscription WHERE subscriber = $1
		UNION ALL
		SELECT 1, newsletter, '', at, '' FROM opt_out WHERE subscriber = $1 AND newsletter <> ''
		ORDER BY 1, 2`, p.ID)
	if err != nil {
		return p, fmt.Errorf("subscriber %d: subscriptions and opt-outs: %w", p.ID, err)
	}
	for _, t := range ties {
		if t.optOut {
			p.OptedOut = append(p.OptedOut, t.List)
		} else {
			p.Subscriptions = append(p.Subscriptions, t.Subscription)
		}
	}
	return p, nil
}

// tie is a subscription, or the opt-out from the newsletter that List names.
type tie struct {
	audience.Subscription
	optOut bool
}

// What Add found.
const (
	added         = "added"
	alreadyActive = "already active"
	suppressed    = "suppressed"
	leftBefore    = "left before"
	erased        = "erased"
)

// Add implements audience.Directory. With revive, what ended the subscription
// is undone whole: opt-outs made in the same act are withdrawn too, as mail
// would not come otherwise.
func (s *Store) Add(ctx context.Context, list string, row audience.Row, consent string, revive bool, now time.Time) (string, error) {
	found := ""
	err := s.write(ctx, func(tx *sql.Tx) error {
		if err := s.lockPeople(ctx, tx, []audience.Row{row}); err != nil {
			return err
		}
		gone, err := s.erasedAmong(ctx, tx, []audience.Row{row})
		if err != nil {
			return err
		}
		if gone[row.Key] {
			if !revive {
				found = erased
				return nil
			}
			if err := s.unerase(ctx, tx, row); err != nil {
				return err
			}
		}
		entries, err := s.lookUp(ctx, tx, list, []audience.Row{row})
		if err != nil {
			return err
		}
		e := entries[row.Key]
		switch {
		case e != nil && e.suppressed:
			found = suppressed
			return nil
		case e != nil && e.state == audience.Active:
			found = alreadyActive
			return nil
		case e != nil && e.state == audience.Unsubscribed && !revive:
			found = leftBefore
			return nil
		case e != nil && e.state == audience.Unsubscribed:
			if err := revived(ctx, tx, e.id, list); err != nil {
				return err
			}
		case e == nil:
			e = &entry{row: row}
		}
		e.fill(row)
		e.to = audience.Active
		if e.state == audience.Unsubscribed {
			e.state = audience.Pending // as revived left it
		}
		found = added
		return s.storeEntries(ctx, tx, audience.Intake{List: list, Consent: consent}, []*entry{e}, now)
	})
	if err != nil {
		return "", fmt.Errorf("adding to list %s: %w", list, err)
	}
	return found, nil
}

// revived readies an ended subscription for a new start. Who had left everything
// is there again for what it has not left otherwise.
func revived(ctx context.Context, tx *sql.Tx, id int64, list string) error {
	_, err := tx.ExecContext(ctx, `
		DELETE FROM opt_out WHERE subscriber = $1 AND (at, why) IN (
			SELECT changed, why FROM subscription WHERE subscriber = $1 AND list = $2
			UNION SELECT at, why FROM opt_out WHERE subscriber = $1 AND newsletter = '')`, id, list)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		UPDATE subscription SET state = 'pending', was = '', why = '' WHERE subscriber = $1 AND list = $2`, id, list)
	return err
}

// Suppress implements audience.Directory. The newest reason stays.
func (s *Store) Suppress(ctx context.Context, x audience.Suppression) error {
	address, key, _, err := audience.ParseAddress(x.Address)
	if err != nil {
		return err
	}
	err = s.write(ctx, func(tx *sql.Tx) error {
		if err := s.pass(ctx, tx, revokes); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO suppression (key, address, reason, note, at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (key) DO UPDATE SET reason = excluded.reason, note = excluded.note, at = excluded.at, import = NULL`,
			key, address, clean(x.Reason), clean(x.Note), stamp(x.At))
		return err
	})
	if err != nil {
		return fmt.Errorf("suppressing an address: %w", err)
	}
	return nil
}

// Lists implements audience.Directory, in the order of the names.
func (s *Store) Lists(ctx context.Context) ([]audience.ListCount, error) {
	var lists []audience.ListCount
	err := s.read(ctx, func(tx *sql.Tx) error {
		var err error
		lists, err = collect(ctx, tx, func(rows *sql.Rows) (audience.ListCount, error) {
			var c audience.ListCount
			return c, rows.Scan(&c.List, &c.Active)
		}, `SELECT list, count(CASE state WHEN 'active' THEN 1 END) FROM subscription GROUP BY list ORDER BY list`)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("counting lists: %w", err)
	}
	return lists, nil
}
