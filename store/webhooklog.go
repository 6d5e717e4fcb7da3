package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"time"

	"lede/audience"
	"lede/newsroom"
)

// WebhookStates implements newsroom.WebhookLog.
func (s *Store) WebhookStates(ctx context.Context) ([]newsroom.WebhookState, error) {
	var all []newsroom.WebhookState
	err := s.read(ctx, func(tx *sql.Tx) (err error) {
		all, err = collect(ctx, tx, func(rows *sql.Rows) (w newsroom.WebhookState, err error) {
			err = rows.Scan(&w.ID, &w.Disabled, &w.Open, &w.Delivered, &w.Failed)
			return w, err
		}, `
			SELECT e.id, e.disabled, count(CASE WHEN w.due IS NOT NULL THEN 1 END),
				count(CASE w.ended WHEN 'delivered' THEN 1 END), count(CASE WHEN w.ended IN ('failed', 'dropped') THEN 1 END)
			FROM webhook_endpoint e LEFT JOIN webhook w ON w.endpoint = e.id
			GROUP BY e.id, e.disabled ORDER BY e.id`)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing webhooks: %w", err)
	}
	return all, nil
}

// webhookFilter is a condition on an event w by a filter: its endpoint $1, its
// webhook-id $2, since when $3, and whether only those that failed $4.
const webhookFilter = ` WHERE ($1 = '' OR w.endpoint = $1) AND ($2 = '' OR w.message = $2) AND w.at >= $3
	AND (CAST($4 AS BIGINT) = 0 OR w.ended IN ('failed', 'dropped') OR w.due IS NOT NULL AND w.attempt > 0)`

func filterArgs(f newsroom.WebhookFilter) []any {
	failed := 0
	if f.Failed {
		failed = 1
	}
	since := ""
	if !f.Since.IsZero() {
		since = *stamp(f.Since).text()
	}
	return []any{f.Endpoint, f.Message, since, failed}
}

// WebhookEvents implements newsroom.WebhookLog.
func (s *Store) WebhookEvents(ctx context.Context, f newsroom.WebhookFilter, most int) ([]newsroom.WebhookEvent, error) {
	var all []newsroom.WebhookEvent
	err := s.read(ctx, func(tx *sql.Tx) (err error) {
		all, err = collect(ctx, tx, scanWebhook, webhookColumns+webhookFilter+` ORDER BY w.id DESC LIMIT $5`, append(filterArgs(f), most)...)
		if err != nil {
			return err
		}
		ids := make([]int64, len(all))
		place := make(map[int64]int, len(all))
		for i, e := range all {
			ids[i], place[e.ID] = e.ID, i
		}
		rows, err := asRows(ids)
		if err != nil {
			return err
		}
		_, err = collect(ctx, tx, func(rows *sql.Rows) (struct{}, error) {
			var id, took int64
			var a newsroom.WebhookAttempt
			err := rows.Scan(&id, (*stamp)(&a.At), &took, &a.Status, &a.Reply)
			a.Took = time.Duration(took) * time.Millisecond
			all[place[id]].Attempts = append(all[place[id]].Attempts, a)
			return struct{}{}, err
		}, `
			SELECT webhook, at, took, status, reply FROM webhook_attempt
			WHERE webhook IN (SELECT CAST(value ->> 0 AS BIGINT) FROM json_each($1)) ORDER BY id`, rows)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the log of webhooks: %w", err)
	}
	return all, nil
}

// ReplayWebhooks implements newsroom.WebhookLog. Erased people, and endpoints
// that are gone or disabled, are told of and told nothing.
func (s *Store) ReplayWebhooks(ctx context.Context, f newsroom.WebhookFilter) (int, error) {
	var n int64
	err := s.write(ctx, func(tx *sql.Tx) (err error) {
		n, err = changed(ctx, tx, `
			UPDATE webhook SET due = '', attempt = 0, ended = '' WHERE id IN (SELECT w.id FROM webhook w`+webhookFilter+`)
				AND ended <> 'erased' AND endpoint IN (SELECT id FROM webhook_endpoint WHERE disabled = '')`, filterArgs(f)...)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("telling webhooks again: %w", err)
	}
	return int(n), nil
}

// toldImport is what is told of an import.
type toldImport struct {
	ID     int64           `json:"id"`
	Counts audience.Result `json:"counts"`
}

// tellImport tells webhooks of an import that ended or was undone, as a whole.
func tellImport(ctx context.Context, tx *sql.Tx, e audience.ImportEntry, state string, at time.Time) error {
	text, err := asJSON(toldImport{e.ID, e.Result})
	if err != nil {
		return err
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	_, err = tx.ExecContext(ctx, `
		INSERT INTO webhook (message, endpoint, kind, list, state, was, at)
		SELECT $1 || e.id, e.id, 'imported', $2, $3, $4, $5
		FROM webhook_endpoint e
		WHERE e.disabled = '' AND EXISTS (SELECT 1 FROM webhook_wish w WHERE w.endpoint = e.id AND w.what = 'event' AND w.name = 'imported')
			AND (e.scoped = 0 OR EXISTS (SELECT 1 FROM webhook_wish w WHERE w.endpoint = e.id AND w.what = 'list' AND w.name = $2))`,
		"msg_"+hex.EncodeToString(id[:])+"_", e.List, state, text, stamp(at))
	if err != nil {
		return fmt.Errorf("telling of the import: %w", err)
	}
	return nil
}
