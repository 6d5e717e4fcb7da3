package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"time"

	"lede/audience"
	"lede/newsroom"
)

// What is told to webhooks is written by the triggers of the migration, in the
// transaction of the change: none is lost, and none tells of what did not
// commit. Here is what happens to it then.

// SetWebhooks implements newsroom.Webhooks.
func (s *Store) SetWebhooks(ctx context.Context, all []newsroom.Webhook) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		ids := make([]string, len(all))
		for i, w := range all {
			ids[i] = w.ID
		}
		known, err := asRows(ids)
		if err != nil {
			return err
		}
		for _, text := range []string{
			`DELETE FROM webhook_endpoint WHERE id NOT IN (SELECT value ->> 0 FROM json_each($1))`,
			`UPDATE webhook SET due = NULL, ended = 'dropped' WHERE due IS NOT NULL AND endpoint NOT IN (SELECT value ->> 0 FROM json_each($1))`,
			`DELETE FROM webhook_wish WHERE endpoint IN (SELECT value ->> 0 FROM json_each($1))`,
		} {
			if _, err := tx.ExecContext(ctx, text, known); err != nil {
				return err
			}
		}
		for _, w := range all {
			if err := setWebhook(ctx, tx, w); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("storing whom to tell: %w", err)
	}
	return nil
}

func setWebhook(ctx context.Context, tx *sql.Tx, w newsroom.Webhook) error {
	hash := sha256.Sum256([]byte(w.URL))
	scoped := 0
	if len(w.Lists)+len(w.Newsletters) > 0 {
		scoped = 1
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO webhook_endpoint (id, hash, scoped) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET scoped = excluded.scoped, hash = excluded.hash,
			disabled = CASE webhook_endpoint.hash WHEN excluded.hash THEN webhook_endpoint.disabled ELSE '' END`,
		w.ID, hex.EncodeToString(hash[:]), scoped)
	if err != nil {
		return err
	}
	for what, names := range map[string][]string{"event": w.Events, "list": w.Lists, "newsletter": w.Newsletters} {
		rows, err := asRows(names)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			INSERT INTO webhook_wish (endpoint, what, name) SELECT $1, $2, value ->> 0 FROM json_each($3) WHERE true
			ON CONFLICT DO NOTHING`, w.ID, what, rows)
		if err != nil {
			return err
		}
	}
	return nil
}

const webhookColumns = `SELECT w.id, w.message, w.endpoint, w.kind, coalesce(w.subscriber, 0), w.list, w.newsletter, w.state, w.was, w.how,
	w.address, w.name, w.attributes, w.tags, w.at, coalesce(w.due, ''), w.attempt, w.ended FROM webhook w`

func scanWebhook(rows *sql.Rows) (newsroom.WebhookEvent, error) {
	var e newsroom.WebhookEvent
	var due string
	err := rows.Scan(&e.ID, &e.Message, &e.Endpoint, &e.Kind, &e.Subscriber, &e.List, &e.Newsletter, &e.State, &e.Was, &e.How,
		&e.Address, &e.Name, &e.Attributes, &e.Tags, (*stamp)(&e.At), &due, &e.Attempt, &e.Ended)
	if err == nil && due != "" {
		err = (*stamp)(&e.Due).Scan(due)
	}
	return e, err
}

// DueWebhooks implements newsroom.Webhooks.
func (s *Store) DueWebhooks(ctx context.Context, endpoint string, now time.Time, most int) ([]newsroom.WebhookEvent, error) {
	var due []newsroom.WebhookEvent
	err := s.read(ctx, func(tx *sql.Tx) (err error) {
		due, err = collect(ctx, tx, scanWebhook, webhookColumns+`
			WHERE w.endpoint = $1 AND w.due IS NOT NULL AND w.due <= $2
				AND (w.subscriber IS NULL OR NOT EXISTS (
					SELECT 1 FROM webhook o WHERE o.subscriber = w.subscriber AND o.endpoint = w.endpoint AND o.id < w.id AND o.due IS NOT NULL))
			ORDER BY w.due, w.id LIMIT $3`, endpoint, stamp(now), most)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("webhook %s: looking for what is due: %w", endpoint, err)
	}
	return due, nil
}

// NoteWebhook implements newsroom.Webhooks. Who was erased meanwhile stays so:
// nothing that was answered is kept.
func (s *Store) NoteWebhook(ctx context.Context, e newsroom.WebhookEvent, a newsroom.WebhookAttempt) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		var due any
		if e.Ended == "" {
			due = stamp(e.Due)
		}
		n, err := changed(ctx, tx, `UPDATE webhook SET due = $2, attempt = $3, ended = $4 WHERE id = $1 AND due IS NOT NULL`,
			e.ID, due, e.Attempt, e.Ended)
		if err != nil {
			return err
		}
		if n == 0 {
			a.Reply = ""
		}
		_, err = tx.ExecContext(ctx, `
			INSERT INTO webhook_attempt (webhook, at, took, status, reply) SELECT id, $2, $3, $4, $5 FROM webhook WHERE id = $1`,
			e.ID, stamp(a.At), a.Took.Milliseconds(), a.Status, clean(a.Reply))
		if err != nil || e.Ended != "" || e.Subscriber == 0 {
			return err
		}
		// What comes after it of the same person is not looked at before it.
		_, err = tx.ExecContext(ctx, `
			UPDATE webhook SET due = $4 WHERE subscriber = $1 AND endpoint = $2 AND id > $3 AND due IS NOT NULL AND due < $4`,
			e.Subscriber, e.Endpoint, e.ID, stamp(e.Due))
		return err
	})
	if err != nil {
		return fmt.Errorf("webhook %s: noting an attempt: %w", e.Endpoint, err)
	}
	return nil
}

// DisableWebhook implements newsroom.Webhooks.
func (s *Store) DisableWebhook(ctx context.Context, endpoint, why string) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE webhook_endpoint SET disabled = $2 WHERE id = $1`, endpoint, clean(why)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE webhook SET due = NULL, ended = 'dropped' WHERE endpoint = $1 AND due IS NOT NULL`, endpoint)
		return err
	})
	if err != nil {
		return fmt.Errorf("webhook %s: disabling it: %w", endpoint, err)
	}
	return nil
}

// EnableWebhook tells an endpoint again that was disabled; false: there is none
// that was.
func (s *Store) EnableWebhook(ctx context.Context, endpoint string) (bool, error) {
	var n int64
	err := s.write(ctx, func(tx *sql.Tx) (err error) {
		n, err = changed(ctx, tx, `UPDATE webhook_endpoint SET disabled = '' WHERE id = $1 AND disabled <> ''`, endpoint)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("webhook %s: enabling it: %w", endpoint, err)
	}
	return n > 0, nil
}

// sweepPage is how many events one transaction of a sweep deletes.
const sweepPage = 1000

// SweepWebhooks implements newsroom.Webhooks.
func (s *Store) SweepWebhooks(ctx context.Context, before time.Time) error {
	for n := int64(sweepPage); n == sweepPage; {
		err := s.write(ctx, func(tx *sql.Tx) (err error) {
			n, err = changed(ctx, tx, `
				DELETE FROM webhook WHERE id IN (SELECT id FROM webhook WHERE due IS NULL AND at < $1 ORDER BY at LIMIT $2)`,
				stamp(before), sweepPage)
			return err
		})
		if err != nil {
			return fmt.Errorf("forgetting old webhooks: %w", err)
		}
	}
	return nil
}

// quiet silences the triggers that tell webhooks, until aloud, in a transaction
// that is told of as a whole.
func quiet(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO webhook_quiet DEFAULT VALUES`)
	return err
}

// aloud ends what quiet began. Other transactions' silence is not seen by it.
func aloud(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM webhook_quiet`)
	return err
}

// silently changes people without a word to webhooks where that is an import
// with an entry, which is told of when it ends.
func silently(ctx context.Context, tx *sql.Tx, in audience.Intake, f func() error) error {
	if in.Entry == 0 {
		return f()
	}
	if err := quiet(ctx, tx); err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	return aloud(ctx, tx)
}
