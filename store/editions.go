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
	"unicode/utf8"

	"lede/compose"
	"lede/newsroom"
)

// byLede is who moves an edition when no person and no daemon is named.
const byLede = "lede"

// recordColumns are the columns that scanRecord reads; content, letter and
// variants, the large ones, are asked for by their names or as NULL.
const recordColumns = `id, newsletter, slot, by_hand, state, why, started, stored, finished, stale_at, coalesce(subject_chosen, 0), segment, `

func scanRecord(rows *sql.Rows) (newsroom.Record, error) {
	var r newsroom.Record
	var content, letter, variants, choice []byte
	err := rows.Scan(&r.ID, &r.Newsletter, (*stamp)(&r.Slot), &r.ByHand, &r.State, &r.Why,
		(*stamp)(&r.Started), (*stamp)(&r.Stored), (*stamp)(&r.Finished), (*stamp)(&r.StaleAt), &r.Chosen, &choice, &content, &letter, &variants)
	if err != nil {
		return r, err
	}
	if content != nil {
		r.Content = new(compose.Edition)
		if err := json.Unmarshal(content, r.Content); err != nil {
			return r, fmt.Errorf("edition %s: its content: %w", r.ID, err)
		}
	}
	if letter != nil {
		r.Letter = new(compose.Letter)
		if err := json.Unmarshal(letter, r.Letter); err != nil {
			return r, fmt.Errorf("edition %s: its letter: %w", r.ID, err)
		}
	}
	if r.Choice, err = readChoice(choice); err != nil {
		return r, fmt.Errorf("edition %s: its segment: %w", r.ID, err)
	}
	if r.Variants, err = readVariants(variants); err != nil {
		return r, fmt.Errorf("edition %s: %w", r.ID, err)
	}
	return r, nil
}

// Open implements newsroom.Editions.
func (s *Store) Open(ctx context.Context, r newsroom.Record) (newsroom.Record, bool, error) {
	if r.ID == "" || r.Newsletter == "" || r.Slot.IsZero() {
		return r, false, errors.New("an edition needs an id, a newsletter and a slot")
	}
	r.State = newsroom.Assembling
	var there []newsroom.Record
	var isNew bool
	err := s.write(ctx, func(tx *sql.Tx) (err error) {
		there, err = editionOfSlot(ctx, tx, r.Newsletter, r.Slot)
		if isNew = err == nil && len(there) == 0; !isNew {
			return err
		}
		if err := insertEdition(ctx, tx, r, ""); err != nil {
			return err
		}
		there, err = editionOfSlot(ctx, tx, r.Newsletter, r.Slot)
		return err
	})
	if err == nil {
		return there[0], isNew, nil
	}
	if !s.dialect.isUnique(err) {
		return r, false, fmt.Errorf("edition of %s: %w", r.Newsletter, err)
	}
	// Either the newsletter is at work on another slot, or another process took
	// this one between the two statements.
	err = s.read(ctx, func(tx *sql.Tx) error {
		there, err = editionOfSlot(ctx, tx, r.Newsletter, r.Slot)
		return err
	})
	if err != nil || len(there) == 0 {
		return r, false, errors.Join(newsroom.ErrBusy, err)
	}
	return there[0], false, nil
}

func editionOfSlot(ctx context.Context, tx *sql.Tx, newsletter string, slot time.Time) ([]newsroom.Record, error) {
	return collect(ctx, tx, scanRecord,
		`SELECT `+recordColumns+`content, letter, variants FROM edition WHERE newsletter = $1 AND slot = $2`, newsletter, stamp(slot))
}

// insertEdition inserts a new edition and its first change.
func insertEdition(ctx context.Context, tx *sql.Tx, r newsroom.Record, onConflict string) error {
	n, err := changed(ctx, tx, `
		INSERT INTO edition (id, newsletter, slot, by_hand, state, why, started, finished, stale_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`+onConflict,
		r.ID, r.Newsletter, stamp(r.Slot), asInt(r.ByHand), r.State, clean(r.Why), stamp(r.Started), stamp(r.Finished), stamp(r.StaleAt))
	if err != nil || n == 0 {
		return err
	}
	by := r.By
	switch {
	case by != "":
	case r.ByHand:
		by = "by hand"
	default:
		by = "schedule"
	}
	return logChange(ctx, tx, r.ID, newsroom.Change{At: r.Started, To: r.State, By: by, Why: r.Why})
}

// Log implements newsroom.Editions.
func (s *Store) Log(ctx context.Context, r newsroom.Record) error {
	if r.Finished.IsZero() {
		r.Finished = r.Started
	}
	err := s.write(ctx, func(tx *sql.Tx) error {
		return insertEdition(ctx, tx, r, ` ON CONFLICT (newsletter, slot) DO NOTHING`)
	})
	if err != nil {
		return fmt.Errorf("noting a slot of %s: %w", r.Newsletter, err)
	}
	return nil
}

// logChange appends to the history of an edition.
func logChange(ctx context.Context, tx *sql.Tx, id string, c newsroom.Change) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO edition_change (edition, n, at, from_state, to_state, by, why)
		SELECT $1, coalesce(max(n), 0) + 1, $2, $3, $4, $5, $6 FROM edition_change WHERE edition = $1`,
		id, stamp(c.At), c.From, c.To, clean(c.By), clean(c.Why))
	return err
}

// Move implements newsroom.Editions. What is pending or deferred is skipped also
// in an edition that is skipped or failed: nothing of it will be sent.
func (s *Store) Move(ctx context.Context, id string, from []newsroom.State, to newsroom.State, by, why string, staleAt, now time.Time) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		if err := s.pass(ctx, tx, revokes); err != nil {
			return err
		}
		was, err := s.step(ctx, tx, id, from, to, why, now)
		if err != nil {
			return err
		}
		if !staleAt.IsZero() {
			if _, err := tx.ExecContext(ctx, `UPDATE edition SET stale_at = $2 WHERE id = $1`, id, stamp(staleAt)); err != nil {
				return err
			}
		}
		if to == newsroom.Sending {
			if err := s.beginTest(ctx, tx, id, now); err != nil {
				return err
			}
		}
		if to == newsroom.Cancelled || to == newsroom.Skipped || to == newsroom.Failed {
			m, err := s.mailing(ctx, tx, id)
			if err == nil {
				err = skipRest(ctx, tx, m, why, now)
			}
			if err == nil {
				err = s.count(ctx, tx, m)
			}
			if err != nil {
				return fmt.Errorf("skipping what was left of it: %w", err)
			}
			if err := giveBack(ctx, tx, m); err != nil {
				return fmt.Errorf("giving its stories back: %w", err)
			}
		}
		return logChange(ctx, tx, id, newsroom.Change{At: now, From: was, To: to, By: by, Why: why})
	})
	if err != nil {
		return fmt.Errorf("edition %s: %w", id, err)
	}
	return nil
}

// step changes the state of an edition, if it is in one that allows it, and
// returns the one before.
func (s *Store) step(ctx context.Context, tx *sql.Tx, id string, from []newsroom.State, to newsroom.State, why string, now time.Time) (newsroom.State, error) {
	var was newsroom.State
	err := tx.QueryRowContext(ctx, `SELECT state FROM edition WHERE id = $1`+s.dialect.forUpdate("edition"), id).Scan(&was)
	if errors.Is(err, sql.ErrNoRows) {
		return "", newsroom.ErrNotFound
	}
	if err != nil {
		return "", err
	}
	if !slices.Contains(from, was) {
		return was, fmt.Errorf("it is %s: %w", was, newsroom.ErrState)
	}
	var finished time.Time
	if to.Ended() {
		finished = now
	}
	n, err := changed(ctx, tx, `UPDATE edition SET state = $3, why = $4, finished = $5 WHERE id = $1 AND state = $2`,
		id, was, to, clean(why), stamp(finished))
	if err == nil && n == 0 {
		err = newsroom.ErrState
	}
	return was, err
}

// giveBack makes the stories of an edition news again, unless somebody may have
// read them.
//
// What the edition saw and did not use stays known when a later edition was
// stored meanwhile: that one may have seen and passed over the same.
func giveBack(ctx context.Context, tx *sql.Tx, m *mailing) error {
	id := m.edition
	first, last := m.span()
	var maybeRead, later bool
	err := tx.QueryRowContext(ctx, `
		SELECT EXISTS (
				SELECT 1 FROM delivery
				WHERE id BETWEEN $2 AND $3 AND (state IN ('sending', 'sent', 'in_doubt') OR doubts > 0)),
			EXISTS (
				SELECT 1 FROM edition l
				WHERE l.newsletter = e.newsletter AND l.id <> e.id AND l.stored >= e.stored)
		FROM edition e WHERE e.id = $1`, id, first, last).Scan(&maybeRead, &later)
	if err != nil || maybeRead {
		return err
	}
	seen := `DELETE FROM story_seen WHERE edition = $1`
	if later {
		seen += ` AND EXISTS (
			SELECT 1 FROM story_use u
			WHERE u.edition = $1 AND u.newsletter = story_seen.newsletter AND u.source = story_seen.source
				AND (u.key = story_seen.key OR 'link:' || u.canonical = story_seen.key))`
	}
	if _, err := tx.ExecContext(ctx, seen, id); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM story_use WHERE edition = $1`, id)
	return err
}

// Finish implements newsroom.Editions.
func (s *Store) Finish(ctx context.Context, id string, now time.Time) (bool, error) {
	var done int64
	err := s.write(ctx, func(tx *sql.Tx) error {
		done = 0
		m, err := s.mailing(ctx, tx, id)
		if err != nil || m.state != newsroom.Sending {
			return err
		}
		// The counts say at once that it goes on. That it is over, and the sums
		// that stay, are taken from the deliveries themselves.
		var waits bool
		err = tx.QueryRowContext(ctx, `SELECT pending + sending + deferred > 0 FROM mailing WHERE id = $1`, m.id).Scan(&waits)
		if err != nil || waits {
			return err
		}
		if left, err := recount(ctx, tx, m); err != nil || left > 0 {
			return err
		}
		done, err = changed(ctx, tx, `
			UPDATE edition SET state = 'done', why = '', finished = $2 WHERE id = $1 AND state = 'sending'`, id, stamp(now))
		if err != nil || done == 0 {
			return err
		}
		return logChange(ctx, tx, id, newsroom.Change{At: now, From: newsroom.Sending, To: newsroom.Done, By: byLede})
	})
	if err != nil {
		return false, fmt.Errorf("edition %s: finishing: %w", id, err)
	}
	return done > 0, nil
}

// shortestPrefix is how many characters of an edition's id name it at least.
const shortestPrefix = 4

// Edition implements newsroom.Editions.
func (s *Store) Edition(ctx context.Context, id string) (newsroom.Record, error) {
	var found []newsroom.Record
	err := s.read(ctx, func(tx *sql.Tx) error {
		full, err := resolve(ctx, tx, id)
		if err != nil {
			return err
		}
		found, err = collect(ctx, tx, scanRecord, `SELECT `+recordColumns+`content, letter, variants FROM edition WHERE id = $1`, full)
		return err
	})
	if err != nil {
		return newsroom.Record{}, fmt.Errorf("edition %s: %w", id, err)
	}
	return found[0], nil
}

// resolve finds the whole id of the edition that id names or begins.
func resolve(ctx context.Context, tx *sql.Tx, id string) (string, error) {
	id = clean(id)
	ids, err := collect(ctx, tx, scanText,
		`SELECT id FROM edition WHERE id = $1 OR (id > $1 AND id < $2) ORDER BY id LIMIT 3`, id, id+string(utf8.MaxRune))
	switch {
	case err != nil:
		return "", err
	case len(ids) > 0 && ids[0] == id:
		return id, nil
	case utf8.RuneCountInString(id) < shortestPrefix:
		return "", fmt.Errorf("%w; name at least %d characters of its id", newsroom.ErrNotFound, shortestPrefix)
	case len(ids) == 0:
		return "", newsroom.ErrNotFound
	case len(ids) > 1:
		return "", fmt.Errorf("%w: several begin so (%s); name more of its id", newsroom.ErrNotFound, strings.Join(ids, ", "))
	}
	return ids[0], nil
}

// List implements newsroom.Editions.
func (s *Store) List(ctx context.Context, newsletter string, limit int, states ...newsroom.State) ([]newsroom.Record, error) {
	wanted, err := asRows(states)
	if err != nil {
		return nil, err
	}
	if limit <= 0 {
		limit = 1 << 31
	}
	var found []newsroom.Record
	err = s.read(ctx, func(tx *sql.Tx) error {
		found, err = collect(ctx, tx, scanRecord, `
			SELECT `+recordColumns+`NULL, NULL, NULL FROM edition
			WHERE ($1 = '' OR newsletter = $1)
				AND ($2 = 0 OR state IN (SELECT value ->> 0 FROM json_each($3)))
			ORDER BY slot DESC, started DESC, id LIMIT $4`, newsletter, len(states), wanted, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing editions: %w", err)
	}
	return found, nil
}

// Sums implements newsroom.Editions.
func (s *Store) Sums(ctx context.Context, id string) (newsroom.Sums, error) {
	var sums newsroom.Sums
	err := s.read(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `
			SELECT pending + sending + sent + deferred + failed + in_doubt + skipped,
				pending + sending, sent, deferred, failed, in_doubt, skipped
			FROM mailing WHERE edition = $1`, id).
			Scan(&sums.Audience, &sums.Pending, &sums.Sent, &sums.Deferred, &sums.Failed, &sums.InDoubt, &sums.Skipped)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return sums, fmt.Errorf("edition %s: counting deliveries: %w", id, err)
	}
	return sums, nil
}

// Undelivered implements newsroom.Editions. Pending deliveries are in it when
// something has been said of them. Relays like to repeat the address: it is
// taken out, so that what is the same is counted together.
func (s *Store) Undelivered(ctx context.Context, id string) ([]newsroom.Reason, error) {
	var reasons []newsroom.Reason
	err := s.read(ctx, func(tx *sql.Tx) error {
		var err error
		reasons, err = collect(ctx, tx, func(rows *sql.Rows) (newsroom.Reason, error) {
			var r newsroom.Reason
			return r, rows.Scan(&r.State, &r.Why, &r.Count)
		}, `
			SELECT d.state, replace(d.reply, coalesce(s.address, ''), '…') AS said, count(*)
			FROM mailing m
			JOIN delivery d ON d.id BETWEEN m.id << 32 AND (m.id << 32) + 4294967295
			LEFT JOIN subscriber s ON s.id = d.subscriber
			WHERE m.edition = $1 AND (d.state IN ('deferred', 'failed', 'in_doubt', 'skipped') OR (d.state = 'pending' AND d.reply <> ''))
			GROUP BY d.state, said ORDER BY 3 DESC, 1, 2`, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("edition %s: listing what was not delivered: %w", id, err)
	}
	return reasons, nil
}

// History implements newsroom.Editions.
func (s *Store) History(ctx context.Context, id string) ([]newsroom.Change, error) {
	var changes []newsroom.Change
	err := s.read(ctx, func(tx *sql.Tx) error {
		var err error
		changes, err = collect(ctx, tx, func(rows *sql.Rows) (newsroom.Change, error) {
			var c newsroom.Change
			return c, rows.Scan((*stamp)(&c.At), &c.From, &c.To, &c.By, &c.Why)
		}, `SELECT at, from_state, to_state, by, why FROM edition_change WHERE edition = $1 ORDER BY n`, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("edition %s: its history: %w", id, err)
	}
	return changes, nil
}

func scanText(rows *sql.Rows) (string, error) {
	var text string
	return text, rows.Scan(&text)
}

// asInt is a boolean as both engines keep it.
func asInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
