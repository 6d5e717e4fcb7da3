package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"lede/audience"
)

// errTooMany says that an address got the most mails of ours that it may.
var errTooMany = errors.New("the address got too many mails")

// writeMail stores a mail to the address with the key. Within a day an address
// gets no more than most: who fills somebody else's address into forms fills no
// mailbox. errTooMany.
func writeMail(ctx context.Context, tx *sql.Tx, m audience.Outgoing, key string, most int) error {
	var n int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM outbox WHERE key = $1 AND at > $2`, key, stamp(m.At.Add(-24*time.Hour))).Scan(&n)
	if err != nil {
		return err
	}
	if n >= most {
		return errTooMany
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO outbox (id, kind, newsletter, key, address, token, language, at, due, until)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)`,
		m.ID, m.Kind, m.Newsletter, key, m.Address, m.Token, clean(m.Language), stamp(m.At), stamp(m.Until))
	return err
}

// WriteMail implements audience.SignUps.
func (s *Store) WriteMail(ctx context.Context, m audience.Outgoing, most int) (bool, error) {
	written, key, _, err := audience.ParseAddress(m.Address)
	if err != nil {
		return false, err
	}
	m.Address = written
	err = s.write(ctx, func(tx *sql.Tx) error {
		// Two at once for one person count each other.
		if err := s.lockPeople(ctx, tx, []audience.Row{{Key: key}}); err != nil {
			return err
		}
		return writeMail(ctx, tx, m, key, most)
	})
	if errors.Is(err, errTooMany) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("writing a mail (%s) for %s: %w", m.Kind, m.Newsletter, err)
	}
	return true, nil
}

// MailsDue implements audience.SignUps.
func (s *Store) MailsDue(ctx context.Context, now time.Time, limit int) ([]audience.Outgoing, error) {
	var due []audience.Outgoing
	err := s.read(ctx, func(tx *sql.Tx) (err error) {
		due, err = collect(ctx, tx, func(rows *sql.Rows) (m audience.Outgoing, err error) {
			return m, rows.Scan(&m.ID, &m.Kind, &m.Newsletter, &m.Address, &m.Token, &m.Language, (*stamp)(&m.At), (*stamp)(&m.Until), &m.Attempt)
		}, `
			SELECT id, kind, newsletter, address, token, language, at, until, attempt
			FROM outbox WHERE due <= $1 ORDER BY due LIMIT $2`, stamp(now), limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("looking for mails to be written: %w", err)
	}
	return due, nil
}

// MailSent implements audience.SignUps.
func (s *Store) MailSent(ctx context.Context, id, reply string) error {
	return s.noteMail(ctx, `UPDATE outbox SET due = NULL, attempt = attempt + 1, reply = $2 WHERE id = $1`, id, clean(reply))
}

// MailPutOff implements audience.SignUps.
func (s *Store) MailPutOff(ctx context.Context, id, reply string, due time.Time) error {
	return s.noteMail(ctx, `UPDATE outbox SET due = $3, attempt = attempt + 1, reply = $2 WHERE id = $1`, id, clean(reply), stamp(due))
}

func (s *Store) noteMail(ctx context.Context, text string, args ...any) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, text, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("noting what became of a mail: %w", err)
	}
	return nil
}
