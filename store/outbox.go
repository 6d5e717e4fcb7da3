package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"lede/audience"
)

// errTooMany says that a mailbox got the most mails of ours that it may.
var errTooMany = errors.New("the mailbox got too many mails")

// writeMail stores a mail to the address with the key. Within a day a mailbox
// gets no more than most: who fills somebody else's address into forms, in
// however many spellings, fills no mailbox. errTooMany.
func writeMail(ctx context.Context, tx *sql.Tx, m audience.Outgoing, key string, most int) error {
	var n int
	mailbox := audience.Mailbox(key)
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM outbox WHERE mailbox = $1 AND at > $2`, mailbox, stamp(m.At.Add(-24*time.Hour))).Scan(&n)
	if err != nil {
		return err
	}
	if n >= most {
		return errTooMany
	}
	fill, err := asJSON(attributesOf(m.Fill))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO outbox (id, kind, newsletter, key, mailbox, address, token, fill, language, at, due, until)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11)`,
		m.ID, m.Kind, m.Newsletter, key, mailbox, m.Address, m.Token, fill, clean(m.Language), stamp(m.At), stamp(m.Until))
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

// ClaimMails implements audience.SignUps.
func (s *Store) ClaimMails(ctx context.Context, now, until time.Time, limit int) ([]audience.Outgoing, error) {
	var due []audience.Outgoing
	// Mostly there is nothing: to look for it takes nobody's place as the writer.
	var some bool
	err := s.read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM outbox WHERE due <= $1)`, stamp(now)).Scan(&some)
	})
	if err == nil && some {
		err = s.write(ctx, func(tx *sql.Tx) (err error) {
			// The outer condition on due is for PostgreSQL, where another daemon may
			// have claimed a mail while this one waited for its row.
			due, err = collect(ctx, tx, scanOutgoing, `
				UPDATE outbox SET due = $2
				WHERE due <= $1 AND id IN (SELECT id FROM outbox WHERE due <= $1 ORDER BY due, id LIMIT $3)
				RETURNING id, kind, newsletter, address, token, fill, language, at, until, attempt`, stamp(now), stamp(until), limit)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("looking for mails to be written: %w", err)
	}
	slices.SortStableFunc(due, func(a, b audience.Outgoing) int { return a.At.Compare(b.At) })
	return due, nil
}

func scanOutgoing(rows *sql.Rows) (m audience.Outgoing, err error) {
	var fill string
	err = rows.Scan(&m.ID, &m.Kind, &m.Newsletter, &m.Address, &m.Token, &fill, &m.Language, (*stamp)(&m.At), (*stamp)(&m.Until), &m.Attempt)
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal([]byte(fill), (*attributesOf)(&m.Fill))
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
