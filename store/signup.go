package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"lede/audience"
)

// AskSignUp implements audience.SignUps.
func (s *Store) AskSignUp(ctx context.Context, u audience.SignUp, a audience.Asking, sign func(kind, code string, person audience.Subscriber) string, now time.Time) error {
	written, key, domain, err := audience.ParseAddress(u.Address)
	if err != nil {
		return err
	}
	row := audience.Row{Address: written, Key: key, Domain: domain, Name: clean(u.Name), State: audience.Pending, IP: clean(u.Way.IP)}
	err = s.write(ctx, func(tx *sql.Tx) error {
		if err := s.lockPeople(ctx, tx, []audience.Row{row}); err != nil {
			return err
		}
		entries, err := s.lookUp(ctx, tx, u.List, []audience.Row{row})
		if err != nil {
			return err
		}
		e := entries[key]
		if e != nil && e.suppressed {
			return nil
		}
		mail := audience.Outgoing{
			ID: a.Mail, Kind: audience.MailConfirm, Newsletter: u.Newsletter, Address: written, Language: u.Language, At: now, Until: now.Add(a.Until),
		}
		if e != nil && e.id != 0 {
			gets, person, err := s.getsNewsletter(ctx, tx, e.id, u.Newsletter, u.Lists)
			if err != nil {
				return err
			}
			if gets {
				mail.Kind, mail.Address = audience.MailAlready, person.Address
				mail.Token = sign(mail.Kind, "", person.Subscriber)
				return writeMail(ctx, tx, mail, key, a.Most)
			}
		}
		code, err := s.keepSignUp(ctx, tx, u, a, written, key, e == nil, now)
		if err != nil {
			return err
		}
		if e == nil { // new to us: pending until it is confirmed
			e = &entry{row: row, to: audience.Pending}
			if err := s.storeEntries(ctx, tx, audience.Intake{List: u.List, Consent: u.Way.How}, []*entry{e}, now); err != nil {
				return err
			}
			if a.AtOnce {
				_, err := s.confirm(ctx, tx, code, u.Way, now)
				return err
			}
		}
		mail.Token = sign(mail.Kind, code, audience.Subscriber{})
		return writeMail(ctx, tx, mail, key, a.Most)
	})
	if err != nil && !errors.Is(err, errTooMany) { // then all of it was rolled back
		return fmt.Errorf("signing up for %s: %w", u.Newsletter, err)
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
func (s *Store) keepSignUp(ctx context.Context, tx *sql.Tx, u audience.SignUp, a audience.Asking, address, key string, made bool, now time.Time) (code string, err error) {
	agreed, err := agreement(ctx, tx, u.Way.Text)
	if err != nil {
		return "", err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM sign_up WHERE key = $1 AND newsletter = $2 AND (confirmed IS NOT NULL OR until <= $3)`,
		key, u.Newsletter, stamp(now))
	if err != nil {
		return "", err
	}
	err = tx.QueryRowContext(ctx, `
		INSERT INTO sign_up (key, newsletter, code, list, address, name, language, how, ip, agreement, asked, until, made)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (key, newsletter) DO UPDATE SET
			list = excluded.list, address = excluded.address, name = excluded.name, language = excluded.language,
			how = excluded.how, ip = excluded.ip, agreement = excluded.agreement, asked = excluded.asked, until = excluded.until
		RETURNING code`,
		key, u.Newsletter, a.Code, u.List, address, clean(u.Name), clean(u.Language), clean(u.Way.How), clean(u.Way.IP), agreed,
		stamp(now), stamp(now.Add(a.Until)), asInt(made)).Scan(&code)
	return code, err
}

// signedUp is a row of sign_up.
type signedUp struct {
	newsletter, list, key, address, name, language, how, ip string
	agreement                                               int64
	asked                                                   time.Time
	confirmed                                               bool
}

// signUpOf reads the sign-up of a code that is not too old.
func signUpOf(ctx context.Context, tx *sql.Tx, code, lock string, now time.Time) (signedUp, error) {
	var u signedUp
	err := tx.QueryRowContext(ctx, `
		SELECT newsletter, list, key, address, name, language, how, ip, agreement, asked, confirmed IS NOT NULL
		FROM sign_up WHERE code = $1 AND until > $2`+lock, clean(code), stamp(now)).
		Scan(&u.newsletter, &u.list, &u.key, &u.address, &u.name, &u.language, &u.how, &u.ip, &u.agreement, (*stamp)(&u.asked), &u.confirmed)
	if errors.Is(err, sql.ErrNoRows) {
		err = audience.ErrSignUp
	}
	return u, err
}

// AskedSignUp implements audience.SignUps.
func (s *Store) AskedSignUp(ctx context.Context, code string, now time.Time) (audience.Asked, error) {
	var asked audience.Asked
	err := s.read(ctx, func(tx *sql.Tx) error {
		u, err := signUpOf(ctx, tx, code, "", now)
		if err != nil {
			return err
		}
		asked, err = u.stands(ctx, tx)
		return err
	})
	if err != nil && !errors.Is(err, audience.ErrSignUp) {
		err = fmt.Errorf("looking a sign-up up: %w", err)
	}
	return asked, err
}

// stands is a sign-up as it stands. One that was confirmed and left again since
// is over.
func (u signedUp) stands(ctx context.Context, tx *sql.Tx) (audience.Asked, error) {
	asked := audience.Asked{Newsletter: u.newsletter, Address: u.address, Language: u.language, Done: u.confirmed}
	if !u.confirmed {
		return asked, nil
	}
	err := tx.QueryRowContext(ctx, `
		SELECT s.id FROM subscriber s JOIN subscription t ON t.subscriber = s.id AND t.list = $2 AND t.state = 'active'
		WHERE s.key = $1 AND NOT EXISTS (SELECT 1 FROM opt_out o WHERE o.subscriber = s.id AND o.newsletter IN ($3, ''))`,
		u.key, u.list, u.newsletter).Scan(&asked.Subscriber)
	if errors.Is(err, sql.ErrNoRows) {
		err = audience.ErrSignUp
	}
	return asked, err
}

// ConfirmSignUp implements audience.SignUps.
func (s *Store) ConfirmSignUp(ctx context.Context, code string, way audience.Way, now time.Time) (audience.Asked, error) {
	var asked audience.Asked
	err := s.write(ctx, func(tx *sql.Tx) (err error) {
		asked, err = s.confirm(ctx, tx, code, way, now)
		return err
	})
	if err != nil && !errors.Is(err, audience.ErrSignUp) {
		err = fmt.Errorf("confirming a sign-up: %w", err)
	}
	return asked, err
}

// confirm is ConfirmSignUp in a transaction. Whoever had left what they asked
// for now, or had themselves erased, is back; a suppressed address is not.
func (s *Store) confirm(ctx context.Context, tx *sql.Tx, code string, way audience.Way, now time.Time) (audience.Asked, error) {
	u, err := signUpOf(ctx, tx, code, s.dialect.forUpdate("sign_up"), now)
	if err != nil || u.confirmed {
		if err != nil {
			return audience.Asked{}, err
		}
		return u.stands(ctx, tx)
	}
	address, key, domain, err := audience.ParseAddress(u.address)
	if err != nil {
		return audience.Asked{}, err
	}
	row := audience.Row{Address: address, Key: key, Domain: domain, Name: u.name, State: audience.Active, IP: clean(way.IP)}
	if err := s.lockPeople(ctx, tx, []audience.Row{row}); err != nil {
		return audience.Asked{}, err
	}
	if err := s.unerase(ctx, tx, row); err != nil {
		return audience.Asked{}, err
	}
	entries, err := s.lookUp(ctx, tx, u.list, []audience.Row{row})
	if err != nil {
		return audience.Asked{}, err
	}
	e := entries[key]
	switch {
	case e == nil:
		e = &entry{row: row}
	case e.suppressed:
		return audience.Asked{}, audience.ErrSignUp
	default:
		if err := s.undoLeaving(ctx, tx, e, u); err != nil {
			return audience.Asked{}, err
		}
		e.fill(row)
		e.row.IP = row.IP
	}
	e.to = audience.Active
	how := u.consent(way)
	if err := s.storeEntries(ctx, tx, audience.Intake{List: u.list, Consent: how}, []*entry{e}, now); err != nil {
		return audience.Asked{}, err
	}
	for _, statement := range []struct {
		text string
		args []any
	}{
		{`UPDATE subscription SET agreement = $3 WHERE list = $2 AND subscriber = (SELECT id FROM subscriber WHERE key = $1)`, []any{key, u.list, u.agreement}},
		{`UPDATE sign_up SET confirmed = $2 WHERE code = $1`, []any{code, stamp(now)}},
	} {
		if _, err := tx.ExecContext(ctx, statement.text, statement.args...); err != nil {
			return audience.Asked{}, err
		}
	}
	u.confirmed = true
	return u.stands(ctx, tx)
}

// undoLeaving readies a person who may have left what they asked for now: what
// stands there goes into the history, and the subscription begins anew. Who had
// left everything has left all others one by one as well.
func (s *Store) undoLeaving(ctx context.Context, tx *sql.Tx, e *entry, u signedUp) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE subscription SET state = 'pending', was = '', why = '', import = NULL WHERE subscriber = $1 AND list = $2`, e.id, u.list)
	if err != nil {
		return err
	}
	e.state = audience.Pending
	_, err = tx.ExecContext(ctx, `DELETE FROM opt_out WHERE subscriber = $1 AND newsletter IN ($2, '')`, e.id, u.newsletter)
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

// ForgetSignUps implements audience.SignUps. A person who came by a sign-up and
// never confirmed it goes with it: nothing else is known of such a person but
// that somebody wrote its address into a form.
func (s *Store) ForgetSignUps(ctx context.Context, before time.Time) (int, error) {
	gone := 0
	err := s.write(ctx, func(tx *sql.Tx) error {
		ids, err := collect(ctx, tx, scanID, `
			SELECT s.id FROM sign_up u JOIN subscriber s ON s.key = u.key
			WHERE u.until < $1 AND u.confirmed IS NULL AND u.made = 1 AND s.import IS NULL
				AND NOT EXISTS (SELECT 1 FROM subscription t WHERE t.subscriber = s.id AND t.state <> 'pending')
				AND NOT EXISTS (SELECT 1 FROM opt_out o WHERE o.subscriber = s.id)
				AND NOT EXISTS (SELECT 1 FROM sign_up v WHERE v.key = u.key AND v.until >= $1)
			ORDER BY s.id LIMIT 1000`, stamp(before))
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := s.eraseSubscriber(ctx, tx, id); err != nil {
				return err
			}
		}
		gone = len(ids)
		for _, text := range []string{
			`DELETE FROM sign_up WHERE until < $1`,
			`DELETE FROM outbox WHERE at < $1 AND (due IS NULL OR until < $1)`,
		} {
			if _, err := tx.ExecContext(ctx, text, stamp(before)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("removing old sign-ups: %w", err)
	}
	return gone, nil
}
