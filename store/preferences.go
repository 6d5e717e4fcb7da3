package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lede/audience"
)

// SetPreferences implements audience.Choosing.
func (s *Store) SetPreferences(ctx context.Context, id int64, p audience.Preferences, way audience.Way, now time.Time) error {
	return s.change(ctx, id, "storing preferences", func(tx *sql.Tx) error {
		was, err := person(ctx, tx, `id = $1`, id)
		if err != nil {
			return err
		}
		var did []string
		for _, l := range p.Leave {
			if err := leave(ctx, tx, id, l.Newsletter, l.Lists, clean(way.How), now); err != nil {
				return err
			}
			did = append(did, "left "+l.Newsletter)
		}
		for _, l := range p.Join {
			if err := join(ctx, tx, id, l, way, now); err != nil {
				return err
			}
			did = append(did, "joined "+l.Newsletter)
		}
		settled, err := settle(ctx, tx, was, p)
		if err != nil {
			return err
		}
		did = append(did, settled...)
		paused, err := pause(ctx, tx, was, p.Paused)
		if err != nil {
			return err
		}
		did = append(did, paused...)
		if len(did) == 0 {
			return nil
		}
		return noteAct(ctx, tx, id, audience.Act{
			At: now, What: audience.EntryPreferences, State: strings.Join(did, ", "), How: way.How, IP: way.IP,
		})
	})
}

// settle stores the name and what is kept in attributes, and says what changed.
func settle(ctx context.Context, tx *sql.Tx, was audience.Person, p audience.Preferences) (did []string, err error) {
	if name := clean(p.Name); name != was.Name {
		if _, err := tx.ExecContext(ctx, `UPDATE subscriber SET name = $2 WHERE id = $1`, was.ID, name); err != nil {
			return nil, err
		}
		did = append(did, "name")
	}
	var text string
	if err := tx.QueryRowContext(ctx, `SELECT attributes FROM subscriber WHERE id = $1`, was.ID).Scan(&text); err != nil {
		return nil, err
	}
	attributes := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(text), &attributes); err != nil {
		return nil, err
	}
	before := len(did)
	for _, a := range [][2]string{{audience.AttributeTimezone, p.Timezone}, {audience.AttributeLanguage, p.Language}} {
		name, value := a[0], clean(a[1])
		if value == was.Attributes[name] {
			continue
		}
		did = append(did, strings.TrimSpace(name+" "+value))
		if delete(attributes, name); value != "" {
			if attributes[name], err = json.Marshal(value); err != nil {
				return nil, err
			}
		}
	}
	if len(did) == before {
		return did, nil
	}
	if text, err = asJSON(attributes); err != nil {
		return nil, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE subscriber SET attributes = $2 WHERE id = $1`, was.ID, text)
	return did, err
}

// pause holds a person's letters until a time, or no longer, and says what
// changed.
func pause(ctx context.Context, tx *sql.Tx, was audience.Person, until time.Time) (did []string, err error) {
	if until.Equal(was.Paused) {
		return nil, nil
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM pause WHERE subscriber = $1`, was.ID); err != nil {
		return nil, err
	}
	if until.IsZero() {
		return []string{"no pause"}, nil
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO pause (subscriber, until) VALUES ($1, $2)`, was.ID, stamp(until))
	return []string{"pause until " + until.UTC().Format("2006-01-02 15:04")}, err
}

// join brings a person to a newsletter. Who had left everything has left all
// others one by one as well, and now no longer everything that is to come.
func join(ctx context.Context, tx *sql.Tx, id int64, l audience.Letters, way audience.Way, now time.Time) error {
	if len(l.Lists) == 0 {
		return fmt.Errorf("newsletter %s goes to no list", l.Newsletter)
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM opt_out WHERE subscriber = $1 AND newsletter IN ($2, '')`, id, l.Newsletter); err != nil {
		return err
	}
	had, err := collect(ctx, tx, func(rows *sql.Rows) (audience.Subscription, error) {
		var t audience.Subscription
		return t, rows.Scan(&t.List, &t.State)
	}, `SELECT list, state FROM subscription WHERE subscriber = $1 ORDER BY list`, id)
	if err != nil {
		return err
	}
	list := l.Lists[0]
	for _, t := range slices.Backward(had) {
		if slices.Contains(l.Lists, t.List) {
			list = t.List
			if t.State == audience.Active {
				return nil
			}
		}
	}
	agreed, err := agreement(ctx, tx, way.Text)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO subscription (list, subscriber, state, changed, consent, ip, agreement) VALUES ($1, $2, 'active', $3, $4, $5, $6)
		ON CONFLICT (list, subscriber) DO UPDATE SET state = 'active', changed = excluded.changed, consent = excluded.consent,
			ip = excluded.ip, was = '', why = '', agreement = excluded.agreement, import = NULL`, list, id, stamp(now), clean(way.How), clean(way.IP), agreed)
	return err
}

// AskAddress implements audience.Choosing.
func (s *Store) AskAddress(ctx context.Context, id int64, c audience.AddressChange, way audience.Way, now time.Time) error {
	written, key, _, err := audience.ParseAddress(c.Mail.Address)
	if err != nil {
		return err
	}
	c.Mail.Address = written
	err = s.change(ctx, id, "asking for a new address", func(tx *sql.Tx) error {
		if err := s.lockPeople(ctx, tx, []audience.Row{{Key: key}}); err != nil {
			return err
		}
		var refused bool
		err := tx.QueryRowContext(ctx, `
			SELECT EXISTS (SELECT 1 FROM suppression WHERE key = $1)
				OR (SELECT count(*) FROM history WHERE subscriber = $2 AND what = $3 AND at > $4) >= CAST($5 AS BIGINT)`,
			key, id, audience.EntryAddressAsk, stamp(now.Add(-24*time.Hour)), c.Most).Scan(&refused)
		if err != nil {
			return err
		}
		if refused {
			return errTooMany
		}
		_, err = tx.ExecContext(ctx, `
			INSERT INTO address_change (subscriber, code, address, until) VALUES ($1, $2, $3, $4)
			ON CONFLICT (subscriber) DO UPDATE SET code = excluded.code, address = excluded.address, until = excluded.until`,
			id, c.Code, written, stamp(c.Mail.Until))
		if err != nil {
			return err
		}
		err = noteAct(ctx, tx, id, audience.Act{At: now, What: audience.EntryAddressAsk, How: way.How, IP: way.IP})
		if err != nil {
			return err
		}
		return writeMail(ctx, tx, c.Mail, key, c.Most)
	})
	if errors.Is(err, errTooMany) { // then all of it was rolled back
		return nil
	}
	return err
}

// AskedAddress implements audience.Choosing.
func (s *Store) AskedAddress(ctx context.Context, id int64, code string, now time.Time) (string, error) {
	var address string
	err := s.read(ctx, func(tx *sql.Tx) error {
		var err error
		address, err = askedAddress(ctx, tx, id, code, now)
		return err
	})
	return address, err
}

func askedAddress(ctx context.Context, tx *sql.Tx, id int64, code string, now time.Time) (address string, err error) {
	err = tx.QueryRowContext(ctx, `SELECT address FROM address_change WHERE subscriber = $1 AND code = $2 AND until > $3`,
		id, code, stamp(now)).Scan(&address)
	if errors.Is(err, sql.ErrNoRows) {
		err = audience.ErrAddressChange
	}
	return address, err
}

// ChangeAddress implements audience.Choosing. Tokens of letters that went to the
// old address stay good.
func (s *Store) ChangeAddress(ctx context.Context, id int64, code string, way audience.Way, now time.Time) error {
	return s.change(ctx, id, "changing the address", func(tx *sql.Tx) error {
		asked, err := askedAddress(ctx, tx, id, code, now)
		if err != nil {
			return err
		}
		address, key, domain, err := audience.ParseAddress(asked)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM address_change WHERE subscriber = $1`, id); err != nil {
			return err
		}
		row := audience.Row{Address: address, Key: key, Domain: domain}
		if err := s.lockPeople(ctx, tx, []audience.Row{row}); err != nil {
			return err
		}
		if err := s.unerase(ctx, tx, row); err != nil {
			return err
		}
		var old string
		if err := tx.QueryRowContext(ctx, `SELECT address FROM subscriber WHERE id = $1`, id).Scan(&old); err != nil {
			return err
		}
		act := audience.Act{At: now, What: audience.EntryAddress, State: "was " + old, How: way.How, IP: way.IP}
		var other int64
		err = tx.QueryRowContext(ctx, `SELECT id FROM subscriber WHERE key = $1`, key).Scan(&other)
		switch {
		case err == nil && other != id:
			return moveTo(ctx, tx, id, other, address, act, way, now)
		case err != nil && !errors.Is(err, sql.ErrNoRows):
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE subscriber SET address = $2, key = $3, domain = $4 WHERE id = $1`, id, address, key, domain)
		if err != nil {
			return err
		}
		return noteAct(ctx, tx, id, act)
	})
}

// moveTo gives another subscriber, who is the same person, what this one gets:
// on a list that it knows, its own state stays.
func moveTo(ctx context.Context, tx *sql.Tx, id, other int64, address string, act audience.Act, way audience.Way, now time.Time) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO opt_out (newsletter, subscriber, at, why)
		SELECT newsletter, $2, at, why FROM opt_out WHERE subscriber = $1 AND newsletter <> ''
		ON CONFLICT (newsletter, subscriber) DO NOTHING`, id, other)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO subscription (list, subscriber, state, changed, consent, ip, agreement)
		SELECT list, $2, state, changed, consent, ip, agreement FROM subscription WHERE subscriber = $1 AND state = 'active'
		ON CONFLICT (list, subscriber) DO NOTHING`, id, other)
	if err != nil {
		return err
	}
	if err := noteAct(ctx, tx, other, act); err != nil {
		return err
	}
	act.State = "is " + address
	if err := noteAct(ctx, tx, id, act); err != nil {
		return err
	}
	return leaveAll(ctx, tx, id, nil, clean(way.How), now)
}
