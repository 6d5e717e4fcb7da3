package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"lede/audience"
)

// AskSignUp implements audience.SignUps.
func (s *Store) AskSignUp(ctx context.Context, u audience.SignUp, a audience.Asking, sign func(kind, code string, person audience.Subscriber) string, now time.Time) error {
	row, err := rowOf(u.Address)
	if err != nil {
		return err
	}
	if len(u.Lists) == 0 {
		return fmt.Errorf("signing up for %s: to no list", u.Newsletter)
	}
	row.Name, row.Attributes, row.IP = clean(u.Name), u.Attributes, clean(u.Way.IP)
	err = s.write(ctx, func(tx *sql.Tx) error {
		if err := s.lockPeople(ctx, tx, []audience.Row{row}); err != nil {
			return err
		}
		entries, err := s.lookUp(ctx, tx, u.Lists[0], []audience.Row{row})
		if err != nil {
			return err
		}
		e := entries[row.Key]
		if e != nil && e.suppressed {
			return nil
		}
		mail := audience.Outgoing{
			ID: a.Mail, Kind: audience.MailConfirm, Newsletter: u.Newsletter, Address: row.Address, Language: u.Language, At: now, Until: now.Add(a.Until),
		}
		if e != nil && e.id != 0 {
			gets, person, err := s.getsNewsletter(ctx, tx, e.id, u.Newsletter, a.Known)
			if err != nil {
				return err
			}
			if gets {
				mail.Kind, mail.Address = audience.MailAlready, person.Address
				mail.Token = sign(mail.Kind, "", person.Subscriber)
				return writeMail(ctx, tx, mail, row.Key, a.Most)
			}
		}
		code, err := s.keepSignUp(ctx, tx, u, a, row, e == nil, now)
		if err != nil {
			return err
		}
		if e == nil { // new to us: pending until it is confirmed
			if err := s.makePending(ctx, tx, u, row, now); err != nil {
				return err
			}
			if a.AtOnce {
				_, err := s.confirm(ctx, tx, u.Newsletter, code, u.Way, now)
				return err
			}
		}
		mail.Token = sign(mail.Kind, code, audience.Subscriber{})
		return writeMail(ctx, tx, mail, row.Key, a.Most)
	})
	if err != nil && !errors.Is(err, errTooMany) { // then all of it was rolled back
		return fmt.Errorf("signing up for %s: %w", u.Newsletter, err)
	}
	return nil
}

// rowOf is the row of an address alone.
func rowOf(address string) (audience.Row, error) {
	written, key, domain, err := audience.ParseAddress(address)
	return audience.Row{Address: written, Key: key, Domain: domain}, err
}

// makePending makes a person who was not known, pending on each list.
func (s *Store) makePending(ctx context.Context, tx *sql.Tx, u audience.SignUp, row audience.Row, now time.Time) error {
	for i, list := range u.Lists {
		e := &entry{row: row, to: audience.Pending}
		if i > 0 {
			entries, err := s.lookUp(ctx, tx, list, []audience.Row{row})
			if err != nil {
				return err
			}
			if e = entries[row.Key]; e == nil || e.state != "" {
				continue // the same list twice
			}
			e.to, e.row.IP = audience.Pending, row.IP
		}
		if err := s.storeEntries(ctx, tx, audience.Intake{List: list, Consent: u.Way.How}, []*entry{e}, now); err != nil {
			return err
		}
	}
	return nil
}

// getsNewsletter says whether a person is active on one of the lists and has not
// opted out.
func (s *Store) getsNewsletter(ctx context.Context, tx *sql.Tx, id int64, newsletter string, lists []string) (bool, audience.Person, error) {
	p, err := person(ctx, tx, `id = $1`, id)
	if err != nil {
		return false, p, err
	}
	names, err := asRows(lists)
	if err != nil {
		return false, p, err
	}
	var gets bool
	err = tx.QueryRowContext(ctx, `
		SELECT EXISTS (
			SELECT 1 FROM subscription t
			WHERE t.subscriber = $1 AND t.state = 'active' AND t.list IN (SELECT value ->> 0 FROM json_each($2))
		) AND NOT EXISTS (SELECT 1 FROM opt_out o WHERE o.subscriber = $1 AND o.newsletter IN ($3, ''))`, id, names, newsletter).Scan(&gets)
	return gets, p, err
}

// keepSignUp stores a sign-up and returns its code. One that is open for the
// same newsletter goes on with the newest wish.
func (s *Store) keepSignUp(ctx context.Context, tx *sql.Tx, u audience.SignUp, a audience.Asking, row audience.Row, made bool, now time.Time) (code string, err error) {
	agreed, err := agreement(ctx, tx, u.Way.Text)
	if err != nil {
		return "", err
	}
	lists, err := asJSON(u.Lists)
	if err != nil {
		return "", err
	}
	attributes, err := asJSON(attributesOf(u.Attributes))
	if err != nil {
		return "", err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM sign_up WHERE key = $1 AND newsletter = $2 AND (confirmed IS NOT NULL OR until <= $3)`,
		row.Key, u.Newsletter, stamp(now))
	if err != nil {
		return "", err
	}
	err = tx.QueryRowContext(ctx, `
		INSERT INTO sign_up (key, newsletter, code, lists, address, name, attributes, language, how, ip, agreement, asked, until, made)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		ON CONFLICT (key, newsletter) DO UPDATE SET
			lists = excluded.lists, address = excluded.address, name = excluded.name, attributes = excluded.attributes, language = excluded.language,
			how = excluded.how, ip = excluded.ip, agreement = excluded.agreement, asked = excluded.asked, until = excluded.until
		RETURNING code`,
		row.Key, u.Newsletter, a.Code, lists, row.Address, row.Name, attributes, clean(u.Language), clean(u.Way.How), clean(u.Way.IP), agreed,
		stamp(now), stamp(now.Add(a.Until)), asInt(made)).Scan(&code)
	return code, err
}

// signedUp is a row of sign_up.
type signedUp struct {
	newsletter, key, address, name, language, how, ip string
	lists                                             []string
	attributes                                        map[string]string
	agreement                                         int64
	asked                                             time.Time
	confirmed                                         bool
}

// signUpOf reads the sign-up of a code that is not too old.
func signUpOf(ctx context.Context, tx *sql.Tx, newsletter, code, lock string, now time.Time) (signedUp, error) {
	var u signedUp
	var lists, attributes string
	err := tx.QueryRowContext(ctx, `
		SELECT newsletter, lists, key, address, name, attributes, language, how, ip, agreement, asked, confirmed IS NOT NULL
		FROM sign_up WHERE code = $1 AND newsletter = $2 AND until > $3`+lock, clean(code), newsletter, stamp(now)).
		Scan(&u.newsletter, &lists, &u.key, &u.address, &u.name, &attributes, &u.language, &u.how, &u.ip, &u.agreement, (*stamp)(&u.asked), &u.confirmed)
	if errors.Is(err, sql.ErrNoRows) {
		return u, audience.ErrTokenOver
	}
	if err != nil {
		return u, err
	}
	if err := json.Unmarshal([]byte(lists), &u.lists); err != nil {
		return u, fmt.Errorf("lists of a sign-up: %w", err)
	}
	if err := json.Unmarshal([]byte(attributes), (*attributesOf)(&u.attributes)); err != nil {
		return u, fmt.Errorf("attributes of a sign-up: %w", err)
	}
	return u, nil
}

// AskedSignUp implements audience.SignUps.
func (s *Store) AskedSignUp(ctx context.Context, newsletter, code string, now time.Time) (audience.Asked, error) {
	var asked audience.Asked
	err := s.read(ctx, func(tx *sql.Tx) error {
		u, err := signUpOf(ctx, tx, newsletter, code, "", now)
		if err != nil {
			return err
		}
		asked, err = u.stands(ctx, tx)
		return err
	})
	if err != nil && !errors.Is(err, audience.ErrTokenOver) {
		err = fmt.Errorf("looking a sign-up up: %w", err)
	}
	return asked, err
}

// stands is a sign-up as it stands. One that was confirmed and left again since
// is over.
func (u signedUp) stands(ctx context.Context, tx *sql.Tx) (audience.Asked, error) {
	asked := audience.Asked{Newsletter: u.newsletter, Address: u.address, Language: u.language, Done: u.confirmed}
	lists, err := asRows(u.lists)
	if err != nil {
		return asked, err
	}
	if !u.confirmed {
		return asked, u.leftSince(ctx, tx, lists)
	}
	err = tx.QueryRowContext(ctx, `
		SELECT s.id FROM subscriber s
		WHERE s.key = $1 AND EXISTS (
			SELECT 1 FROM subscription t WHERE t.subscriber = s.id AND t.state = 'active' AND t.list IN (SELECT value ->> 0 FROM json_each($2))
		) AND NOT EXISTS (SELECT 1 FROM opt_out o WHERE o.subscriber = s.id AND o.newsletter IN ($3, ''))`,
		u.key, lists, u.newsletter).Scan(&asked.Subscriber)
	if errors.Is(err, sql.ErrNoRows) {
		err = audience.ErrTokenOver
	}
	return asked, err
}

// leftSince says ErrTokenOver when the person left what it asked for after it
// had asked, or gets no mail at all by now.
func (u signedUp) leftSince(ctx context.Context, tx *sql.Tx, lists string) error {
	var over bool
	err := tx.QueryRowContext(ctx, `
		SELECT EXISTS (SELECT 1 FROM suppression x WHERE x.key = $1)
			OR EXISTS (SELECT 1 FROM subscriber s JOIN opt_out o ON o.subscriber = s.id
				WHERE s.key = $1 AND o.newsletter IN ($3, '') AND o.at > $4)
			OR EXISTS (SELECT 1 FROM subscriber s JOIN subscription t ON t.subscriber = s.id
				WHERE s.key = $1 AND t.state = 'unsubscribed' AND t.changed > $4 AND t.list IN (SELECT value ->> 0 FROM json_each($2)))`,
		u.key, lists, u.newsletter, stamp(u.asked)).Scan(&over)
	if err == nil && over {
		err = audience.ErrTokenOver
	}
	return err
}

// ConfirmSignUp implements audience.SignUps.
func (s *Store) ConfirmSignUp(ctx context.Context, newsletter, code string, way audience.Way, now time.Time) (audience.Asked, error) {
	var asked audience.Asked
	err := s.write(ctx, func(tx *sql.Tx) (err error) {
		asked, err = s.confirm(ctx, tx, newsletter, code, way, now)
		return err
	})
	if err != nil && !errors.Is(err, audience.ErrTokenOver) {
		err = fmt.Errorf("confirming a sign-up: %w", err)
	}
	return asked, err
}

// confirm is ConfirmSignUp in a transaction. Whoever had left what they asked
// for now, or had themselves erased, is back; a suppressed address is not, nor
// who left after asking.
func (s *Store) confirm(ctx context.Context, tx *sql.Tx, newsletter, code string, way audience.Way, now time.Time) (audience.Asked, error) {
	u, err := signUpOf(ctx, tx, newsletter, code, s.dialect.forUpdate("sign_up"), now)
	if err != nil {
		return audience.Asked{}, err
	}
	if u.confirmed {
		return u.stands(ctx, tx)
	}
	row, err := rowOf(u.address)
	if err != nil {
		return audience.Asked{}, err
	}
	row.Name, row.Attributes, row.State, row.IP = u.name, u.attributes, audience.Active, clean(way.IP)
	if err := s.lockPeople(ctx, tx, []audience.Row{row}); err != nil {
		return audience.Asked{}, err
	}
	if _, err := u.stands(ctx, tx); err != nil {
		return audience.Asked{}, err
	}
	if err := s.unerase(ctx, tx, row); err != nil {
		return audience.Asked{}, err
	}
	for _, list := range u.lists {
		if err := s.makeActive(ctx, tx, u, list, row, u.consent(way), now); err != nil {
			return audience.Asked{}, err
		}
	}
	if _, err := tx.ExecContext(ctx, `UPDATE sign_up SET confirmed = $2 WHERE code = $1`, code, stamp(now)); err != nil {
		return audience.Asked{}, err
	}
	u.confirmed = true
	return u.stands(ctx, tx)
}

// makeActive makes a person who confirmed a sign-up active on one of its lists.
func (s *Store) makeActive(ctx context.Context, tx *sql.Tx, u signedUp, list string, row audience.Row, how string, now time.Time) error {
	entries, err := s.lookUp(ctx, tx, list, []audience.Row{row})
	if err != nil {
		return err
	}
	e := entries[row.Key]
	if e == nil {
		e = &entry{row: row}
	} else {
		if err := s.undoLeaving(ctx, tx, e, u.newsletter, list); err != nil {
			return err
		}
		e.fill(row)
		e.row.IP = row.IP
	}
	e.to = audience.Active
	if err := s.storeEntries(ctx, tx, audience.Intake{List: list, Consent: how}, []*entry{e}, now); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE subscription SET agreement = $3 WHERE list = $2 AND subscriber = (SELECT id FROM subscriber WHERE key = $1)`,
		row.Key, list, u.agreement)
	return err
}

// undoLeaving readies a person who may have left what they asked for now: what
// stands there goes into the history, and the subscription begins anew. Who had
// left everything has left all others one by one as well.
func (s *Store) undoLeaving(ctx context.Context, tx *sql.Tx, e *entry, newsletter, list string) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE subscription SET state = 'pending', was = '', why = '', import = NULL WHERE subscriber = $1 AND list = $2`, e.id, list)
	if err != nil {
		return err
	}
	e.state = audience.Pending
	_, err = tx.ExecContext(ctx, `DELETE FROM opt_out WHERE subscriber = $1 AND newsletter IN ($2, '')`, e.id, newsletter)
	return err
}

// consent is the record of both acts, in one line.
func (u signedUp) consent(way audience.Way) string {
	line := u.how + ", asked for at " + u.asked.UTC().Format("2006-01-02 15:04:05 UTC")
	if u.ip != "" {
		line += " from " + u.ip
	}
	return line + "; " + way.How
}

// NotAsked implements audience.SignUps.
func (s *Store) NotAsked(ctx context.Context, newsletter string, lists []string, now time.Time, after int64, limit int) ([]audience.NotAsked, error) {
	names, err := asRows(lists)
	if err != nil {
		return nil, err
	}
	var all []audience.NotAsked
	err = s.read(ctx, func(tx *sql.Tx) (err error) {
		all, err = collect(ctx, tx, func(rows *sql.Rows) (n audience.NotAsked, err error) {
			return n, rows.Scan(&n.ID, &n.Address, &n.List)
		}, `
			SELECT s.id, s.address, min(t.list) FROM subscriber s
			JOIN subscription t ON t.subscriber = s.id AND t.state = 'pending' AND t.list IN (SELECT value ->> 0 FROM json_each($2))
			WHERE s.id > $4
				AND NOT EXISTS (SELECT 1 FROM subscription a WHERE a.subscriber = s.id AND a.state = 'active' AND a.list IN (SELECT value ->> 0 FROM json_each($2)))
				AND NOT EXISTS (SELECT 1 FROM opt_out o WHERE o.subscriber = s.id AND o.newsletter IN ($1, ''))
				AND NOT EXISTS (SELECT 1 FROM suppression x WHERE x.key = s.key)
				AND NOT EXISTS (SELECT 1 FROM sign_up u WHERE u.key = s.key AND u.newsletter = $1 AND u.until > $3)
			GROUP BY s.id, s.address ORDER BY s.id LIMIT $5`, newsletter, names, stamp(now), after, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("looking for who is to be asked whether they want %s: %w", newsletter, err)
	}
	return all, nil
}

// RemindSignUps implements audience.SignUps.
func (s *Store) RemindSignUps(ctx context.Context, newsletter string, before time.Time, most int, id func() string, sign func(kind, code string, person audience.Subscriber) string, now time.Time) (int, error) {
	reminded := 0
	err := s.write(ctx, func(tx *sql.Tx) error {
		reminded = 0
		type waiting struct {
			code string
			mail audience.Outgoing
			key  string
		}
		all, err := collect(ctx, tx, func(rows *sql.Rows) (w waiting, err error) {
			return w, rows.Scan(&w.code, &w.key, &w.mail.Address, &w.mail.Language, (*stamp)(&w.mail.Until))
		}, `
			SELECT u.code, u.key, u.address, u.language, u.until FROM sign_up u
			WHERE u.newsletter = $1 AND u.reminded = 0 AND u.confirmed IS NULL AND u.asked < $2 AND u.until > $3
				AND NOT EXISTS (SELECT 1 FROM suppression x WHERE x.key = u.key)
			ORDER BY u.id LIMIT $4`, newsletter, stamp(before), stamp(now), most)
		if err != nil {
			return err
		}
		for _, w := range all {
			if _, err := tx.ExecContext(ctx, `UPDATE sign_up SET reminded = 1 WHERE code = $1`, w.code); err != nil {
				return err
			}
			w.mail.ID, w.mail.Kind, w.mail.Newsletter, w.mail.At = id(), audience.MailReminder, newsletter, now
			w.mail.Token = sign(w.mail.Kind, w.code, audience.Subscriber{})
			if err := writeMail(ctx, tx, w.mail, w.key, math.MaxInt); err != nil {
				return err
			}
			reminded++
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("reminding who signed up for %s: %w", newsletter, err)
	}
	return reminded, nil
}

// forgetPage is how many people one transaction forgets.
const forgetPage = 500

// ForgetSignUps implements audience.SignUps. A person who came by a sign-up and
// never confirmed it goes with it: nothing else is known of such a person but
// that somebody wrote its address into a form.
func (s *Store) ForgetSignUps(ctx context.Context, before time.Time) (int, error) {
	gone := 0
	for n := forgetPage; n == forgetPage; {
		err := s.write(ctx, func(tx *sql.Tx) (err error) {
			n, err = s.forgetSome(ctx, tx, before)
			return err
		})
		if err != nil {
			return gone, fmt.Errorf("removing old sign-ups: %w", err)
		}
		gone += n
	}
	return gone, nil
}

// forgetSome forgets up to forgetPage people, and once there are fewer the
// sign-ups and mails.
func (s *Store) forgetSome(ctx context.Context, tx *sql.Tx, before time.Time) (int, error) {
	ids, err := collect(ctx, tx, scanID, `
		SELECT DISTINCT s.id FROM sign_up u JOIN subscriber s ON s.key = u.key
		WHERE u.until < $1 AND u.confirmed IS NULL AND u.made = 1 AND s.import IS NULL
			AND NOT EXISTS (SELECT 1 FROM subscription t WHERE t.subscriber = s.id AND t.state <> 'pending')
			AND NOT EXISTS (SELECT 1 FROM opt_out o WHERE o.subscriber = s.id)
			AND NOT EXISTS (SELECT 1 FROM sign_up v WHERE v.key = u.key AND v.until >= $1)
		ORDER BY s.id LIMIT $2`, stamp(before), forgetPage)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		if err := s.eraseSubscriber(ctx, tx, id); err != nil {
			return 0, err
		}
	}
	if len(ids) == forgetPage {
		return len(ids), nil
	}
	for _, text := range []string{
		`DELETE FROM sign_up WHERE until < $1`,
		`DELETE FROM outbox WHERE at < $1 AND (due IS NULL OR until < $1)`,
	} {
		if _, err := tx.ExecContext(ctx, text, stamp(before)); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}
