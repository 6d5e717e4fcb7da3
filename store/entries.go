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

// importResult is what an entry keeps as JSON.
type importResult struct {
	Result audience.Result `json:"result"`
	Survey audience.Survey `json:"survey"`
	Error  string          `json:"error,omitempty"`
}

// BeginImport implements audience.Imports.
func (s *Store) BeginImport(ctx context.Context, e audience.ImportEntry) (int64, error) {
	var id int64
	err := s.write(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `
			INSERT INTO import_entry (list, file, hash, by, force, state, started) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`,
			e.List, clean(e.File), e.Hash, clean(e.By), clean(e.Force), string(audience.ImportRunning), stamp(e.Started)).Scan(&id)
	})
	if err == nil {
		err = s.importing(ctx, true)
	}
	if err != nil {
		return 0, fmt.Errorf("opening the entry of an import: %w", err)
	}
	return id, nil
}

// importing readies the database for an import, or for all else again. Of two
// imports at once the first to end takes it back, and the other is slower.
func (s *Store) importing(ctx context.Context, on bool) error {
	if s.dialect.importing == nil {
		return nil
	}
	return s.explain(s.dialect.importing(ctx, s.writer, on))
}

// EndImport implements audience.Imports.
func (s *Store) EndImport(ctx context.Context, e audience.ImportEntry) error {
	if err := s.importing(ctx, false); err != nil {
		return fmt.Errorf("import %d: %w", e.ID, err)
	}
	text, err := asJSON(importResult{e.Result, e.Survey, e.Error})
	if err != nil {
		return err
	}
	err = s.write(ctx, func(tx *sql.Tx) error {
		n, err := changed(ctx, tx, `UPDATE import_entry SET state = $2, finished = $3, result = $4 WHERE id = $1`,
			e.ID, string(e.State), stamp(e.Finished), text)
		if err == nil && n == 0 {
			return audience.ErrNoImport
		}
		if err != nil {
			return err
		}
		return tellImport(ctx, tx, e, string(e.State), e.Finished)
	})
	if err != nil {
		return fmt.Errorf("import %d: closing its entry: %w", e.ID, err)
	}
	return nil
}

// tally adds what a chunk did to the counts of its import's entry: they are true
// also of an import that is killed.
func tally(ctx context.Context, tx *sql.Tx, entry int64, done audience.Result) error {
	var text string
	err := tx.QueryRowContext(ctx, `SELECT result FROM import_entry WHERE id = $1`, entry).Scan(&text)
	if err != nil {
		return err
	}
	var r importResult
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return err
	}
	done.Rows = done.New + done.Updated + done.Unchanged + done.KeptOut
	r.Result = r.Result.Plus(done)
	if text, err = asJSON(r); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE import_entry SET result = $2 WHERE id = $1`, entry, text)
	return err
}

const importColumns = `SELECT id, list, file, hash, by, force, state, started, finished, result, undone FROM import_entry`

func scanImport(rows *sql.Rows) (audience.ImportEntry, error) {
	var e audience.ImportEntry
	var text string
	err := rows.Scan(&e.ID, &e.List, &e.File, &e.Hash, &e.By, &e.Force, &e.State, (*stamp)(&e.Started), (*stamp)(&e.Finished), &text, &e.Undone)
	if err != nil {
		return e, err
	}
	var r importResult
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return e, fmt.Errorf("import %d: %w", e.ID, err)
	}
	e.Result, e.Survey, e.Error = r.Result, r.Survey, r.Error
	return e, nil
}

// Imports implements audience.Imports.
func (s *Store) Imports(ctx context.Context, most int) ([]audience.ImportEntry, error) {
	var all []audience.ImportEntry
	err := s.read(ctx, func(tx *sql.Tx) error {
		var err error
		all, err = collect(ctx, tx, scanImport, importColumns+` ORDER BY id DESC LIMIT $1`, most)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing imports: %w", err)
	}
	for i := range all {
		all[i].Survey.Rejects, all[i].Survey.Flagged = nil, nil
	}
	return all, nil
}

// ImportByID implements audience.Imports.
func (s *Store) ImportByID(ctx context.Context, id int64) (audience.ImportEntry, error) {
	var found []audience.ImportEntry
	err := s.read(ctx, func(tx *sql.Tx) error {
		var err error
		found, err = collect(ctx, tx, scanImport, importColumns+` WHERE id = $1`, id)
		return err
	})
	switch {
	case err != nil:
		return audience.ImportEntry{}, fmt.Errorf("import %d: %w", id, err)
	case len(found) == 0:
		return audience.ImportEntry{}, audience.ErrNoImport
	}
	return found[0], nil
}

// undoPage is how many people one transaction of an undo deals with.
const undoPage = 500

// UndoImport implements audience.Imports. What it has put back is no longer
// noted under the import, so that it can be stopped at any time.
func (s *Store) UndoImport(ctx context.Context, id int64, by string, now time.Time) (audience.Undone, error) {
	var done audience.Undone
	e, err := s.ImportByID(ctx, id)
	if err != nil {
		return done, err
	}
	if e.State == audience.ImportUndone {
		return done, errors.New("it is undone already (" + e.Undone + ")")
	}
	err = s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE import_entry SET state = $2, undone = $3 WHERE id = $1`,
			id, string(audience.ImportUndoing), "begun by "+clean(by)+", "+now.UTC().Format(time.RFC3339))
		return err
	})
	steps := []func(ctx context.Context, tx *sql.Tx, e audience.ImportEntry, after int64, done *audience.Undone) (last int64, err error){s.putBack, s.takeOut}
	for _, step := range steps {
		for last, more := int64(0), true; more && err == nil; {
			var part audience.Undone
			var to int64
			err = s.write(ctx, func(tx *sql.Tx) error {
				part = audience.Undone{}
				if err := s.pass(ctx, tx, revokes); err != nil {
					return err
				}
				if err := quiet(ctx, tx); err != nil {
					return err
				}
				if to, err = step(ctx, tx, e, last, &part); err != nil {
					return err
				}
				return aloud(ctx, tx)
			})
			if err == nil {
				last, more = to, to > last
				done.Removed += part.Removed
				done.People += part.People
				done.Restored += part.Restored
				done.Kept += part.Kept
			}
		}
	}
	if err == nil {
		err = s.write(ctx, func(tx *sql.Tx) error {
			if err := quiet(ctx, tx); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `DELETE FROM suppression WHERE import = $1`, id); err != nil {
				return err
			}
			if err := aloud(ctx, tx); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `UPDATE import_entry SET state = $2, undone = $3 WHERE id = $1`,
				id, string(audience.ImportUndone), "by "+clean(by)+", "+now.UTC().Format(time.RFC3339))
			if err != nil {
				return err
			}
			return tellImport(ctx, tx, e, string(audience.ImportUndone), now)
		})
	}
	if err != nil {
		return done, fmt.Errorf("undoing import %d: %w", id, err)
	}
	return done, nil
}

// putBack restores a page of people whom the import changed: what of them is
// still as the import left it: the next ones after a number. It returns the last
// one's, or the same number where there is nobody.
func (s *Store) putBack(ctx context.Context, tx *sql.Tx, e audience.ImportEntry, after int64, done *audience.Undone) (int64, error) {
	ids, err := collect(ctx, tx, scanID, `
		SELECT subscriber FROM import_change WHERE import = $1 AND subscriber > $3 ORDER BY subscriber LIMIT $2`, e.ID, undoPage, after)
	if err != nil || len(ids) == 0 {
		return after, err
	}
	page, err := asRows(ids)
	if err != nil {
		return after, err
	}
	const those = ` AND c.subscriber IN (SELECT CAST(value ->> 0 AS BIGINT) FROM json_each($2))`
	if lock := s.dialect.forUpdate("subscriber"); lock != "" {
		if _, err := tx.ExecContext(ctx, `
			SELECT id FROM subscriber WHERE id IN (SELECT CAST(value ->> 0 AS BIGINT) FROM json_each($1)) ORDER BY id`+lock, page); err != nil {
			return after, err
		}
	}
	person, err := collect(ctx, tx, scanID, `
		UPDATE subscriber SET name = c.name, attributes = c.attributes, tags = c.tags
		FROM import_change c
		WHERE c.import = $1`+those+` AND subscriber.id = c.subscriber AND c.after_name IS NOT NULL
			AND subscriber.name = c.after_name AND subscriber.attributes = c.after_attributes AND subscriber.tags = c.after_tags
		RETURNING subscriber.id`, e.ID, page)
	if err != nil {
		return after, err
	}
	state, err := collect(ctx, tx, scanID, `
		UPDATE subscription SET state = c.state, changed = c.changed, consent = c.consent, was = c.was, why = c.why, import = c.from_import
		FROM import_change c
		WHERE c.import = $1`+those+` AND subscription.list = $3 AND subscription.subscriber = c.subscriber
			AND subscription.import = $1 AND c.state <> ''
		RETURNING subscription.subscriber`, e.ID, page, e.List)
	if err != nil {
		return after, err
	}
	removed, err := collect(ctx, tx, scanID, `
		DELETE FROM subscription WHERE list = $3 AND import = $1 AND subscriber IN (
			SELECT c.subscriber FROM import_change c WHERE c.import = $1`+those+` AND c.state = '')
		RETURNING subscriber`, e.ID, page, e.List)
	if err != nil {
		return after, err
	}
	for _, statement := range []string{
		`DELETE FROM subscriber_tag WHERE subscriber IN (SELECT CAST(value ->> 0 AS BIGINT) FROM json_each($2))
			AND subscriber IN (SELECT subscriber FROM import_change WHERE import = $1)`,
		`INSERT INTO suppression (key, address, reason, note, at)
			SELECT s.key, s.address, c.suppressed, c.suppression_note, c.suppressed_at
			FROM import_change c JOIN subscriber s ON s.id = c.subscriber
			WHERE c.import = $1` + those + ` AND c.suppressed <> ''
			ON CONFLICT (key) DO NOTHING`,
		`DELETE FROM import_change WHERE import = $1 AND subscriber IN (SELECT CAST(value ->> 0 AS BIGINT) FROM json_each($2))`,
	} {
		if _, err := tx.ExecContext(ctx, statement, e.ID, page); err != nil {
			return after, err
		}
	}
	if err := retag(ctx, tx, ids); err != nil {
		return after, err
	}
	touched := make(map[int64]bool)
	for _, list := range [][]int64{person, state, removed} {
		for _, id := range list {
			touched[id] = true
		}
	}
	done.Restored, done.Kept = len(touched), len(ids)-len(touched)
	return ids[len(ids)-1], nil
}

// retag makes the tags that people are found by those that they have.
func retag(ctx context.Context, tx *sql.Tx, ids []int64) error {
	page, err := asRows(ids)
	if err != nil {
		return err
	}
	type tagged struct {
		id   int64
		tags string
	}
	people, err := collect(ctx, tx, func(rows *sql.Rows) (t tagged, err error) { return t, rows.Scan(&t.id, &t.tags) }, `
		SELECT id, tags FROM subscriber WHERE tags <> '[]' AND id IN (SELECT CAST(value ->> 0 AS BIGINT) FROM json_each($1))`, page)
	if err != nil {
		return err
	}
	var rows [][2]any
	for _, p := range people {
		var tags []string
		if err := json.Unmarshal([]byte(p.tags), &tags); err != nil {
			return fmt.Errorf("subscriber %d: tags: %w", p.id, err)
		}
		for _, t := range tags {
			rows = append(rows, [2]any{p.id, t})
		}
	}
	return execRows(ctx, tx, rows, `
		INSERT INTO subscriber_tag (subscriber, tag)
		SELECT CAST(value ->> 0 AS BIGINT), value ->> 1 FROM json_each($1) WHERE true
		ON CONFLICT (tag, subscriber) DO NOTHING`)
}

// takeOut takes a page of people off the list whom the import brought in, and
// forgets those whom nothing else knows: no other list, no opt-out, no delivery
// whose links must go on working. It goes by numbers as putBack does.
func (s *Store) takeOut(ctx context.Context, tx *sql.Tx, e audience.ImportEntry, after int64, done *audience.Undone) (int64, error) {
	ids, err := collect(ctx, tx, scanID, `
		SELECT id FROM subscriber WHERE import = $1 AND id > $3 ORDER BY id LIMIT $2`+s.dialect.forUpdate("subscriber"), e.ID, undoPage, after)
	if err != nil || len(ids) == 0 {
		return after, err
	}
	page, err := asRows(ids)
	if err != nil {
		return after, err
	}
	const those = ` IN (SELECT CAST(value ->> 0 AS BIGINT) FROM json_each($2))`
	removed, err := changed(ctx, tx, `DELETE FROM subscription WHERE list = $3 AND import = $1 AND subscriber`+those, e.ID, page, e.List)
	if err != nil {
		return after, err
	}
	people, err := changed(ctx, tx, `
		DELETE FROM subscriber WHERE import = $1 AND id`+those+`
			AND NOT EXISTS (SELECT 1 FROM subscription t WHERE t.subscriber = subscriber.id)
			AND NOT EXISTS (SELECT 1 FROM opt_out o WHERE o.subscriber = subscriber.id)
			AND NOT EXISTS (SELECT 1 FROM mailing m JOIN delivery d ON d.mailing = m.id WHERE d.subscriber = subscriber.id)`, e.ID, page)
	if err != nil {
		return after, err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE subscriber SET import = NULL WHERE import = $1 AND id`+those, e.ID, page); err != nil {
		return after, err
	}
	done.Removed, done.People, done.Kept = int(removed), int(people), len(ids)-int(removed)
	return ids[len(ids)-1], nil
}

func scanID(rows *sql.Rows) (id int64, err error) { return id, rows.Scan(&id) }
