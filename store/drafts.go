package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"lede/compose"
	"lede/newsroom"
)

// Lay implements newsroom.Drafts.
func (s *Store) Lay(ctx context.Context, r newsroom.Revision) (int, error) {
	r.Edits = nil
	number := 0
	err := s.write(ctx, func(tx *sql.Tx) (err error) {
		number, err = insertRevision(ctx, tx, r)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("keeping the edition file of %s: %w", r.Newsletter, err)
	}
	return number, nil
}

// insertRevision gives a revision the next number of its slot.
func insertRevision(ctx context.Context, tx *sql.Tx, r newsroom.Revision) (number int, err error) {
	sheet, err := asJSON(r.Sheet)
	if err != nil {
		return 0, err
	}
	var edits sql.NullString
	if r.Edits != nil {
		edits.Valid = true
		if edits.String, err = asJSON(r.Edits); err != nil {
			return 0, err
		}
	}
	err = tx.QueryRowContext(ctx, `
		INSERT INTO edition_draft (newsletter, slot, revision, at, by, sheet, edits)
		SELECT $1, $2, coalesce(max(revision), 0) + 1, $3, $4, $5, $6 FROM edition_draft WHERE newsletter = $1 AND slot = $2
		RETURNING revision`,
		r.Newsletter, stamp(r.Slot), stamp(r.At), clean(r.By), sheet, edits).Scan(&number)
	return number, err
}

// Sheet implements newsroom.Drafts.
func (s *Store) Sheet(ctx context.Context, newsletter string, slot time.Time, number int) (newsroom.Revision, error) {
	return s.revision(ctx, `revision = $3`, newsletter, slot, number)
}

// Applied implements newsroom.Drafts.
func (s *Store) Applied(ctx context.Context, newsletter string, slot time.Time) (newsroom.Revision, error) {
	r, err := s.revision(ctx, `edits IS NOT NULL AND revision > $3`, newsletter, slot, 0)
	if errors.Is(err, newsroom.ErrNotFound) {
		return newsroom.Revision{}, nil
	}
	return r, err
}

func (s *Store) revision(ctx context.Context, which, newsletter string, slot time.Time, number int) (newsroom.Revision, error) {
	r := newsroom.Revision{Newsletter: newsletter, Slot: slot.UTC()}
	var sheet string
	var edits sql.NullString
	err := s.read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `
			SELECT revision, at, by, sheet, edits FROM edition_draft
			WHERE newsletter = $1 AND slot = $2 AND `+which+` ORDER BY revision DESC LIMIT 1`, clean(newsletter), stamp(slot), number).
			Scan(&r.Number, (*stamp)(&r.At), &r.By, &sheet, &edits)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return r, newsroom.ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal([]byte(sheet), &r.Sheet)
	}
	if err == nil && edits.Valid {
		r.Edits = new(compose.Edits)
		err = json.Unmarshal([]byte(edits.String), r.Edits)
	}
	if err != nil {
		return r, fmt.Errorf("the edition file of %s: %w", newsletter, err)
	}
	return r, nil
}

// applied is the number of the newest revision of a slot that was handed back.
func applied(ctx context.Context, tx *sql.Tx, newsletter string, slot stamp) (number int, err error) {
	err = tx.QueryRowContext(ctx, `
		SELECT coalesce(max(revision), 0) FROM edition_draft WHERE newsletter = $1 AND slot = $2 AND edits IS NOT NULL`,
		newsletter, slot).Scan(&number)
	return number, err
}

// AppliedRevision returns the number of the newest revision that an editor handed
// back for a slot, 0 for none.
func (s *Store) AppliedRevision(ctx context.Context, newsletter string, slot time.Time) (number int, err error) {
	err = s.read(ctx, func(tx *sql.Tx) (err error) {
		number, err = applied(ctx, tx, newsletter, stamp(slot))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("looking for an editor's revision of %s: %w", newsletter, err)
	}
	return number, nil
}

// Apply implements newsroom.Drafts. The edition's row is held meanwhile: Commit,
// Move and Note wait, and see what came of it.
func (s *Store) Apply(ctx context.Context, r newsroom.Revision, base int, c *newsroom.Content) (int, error) {
	number := 0
	err := s.write(ctx, func(tx *sql.Tx) error {
		var id string
		var state newsroom.State
		err := tx.QueryRowContext(ctx, `SELECT id, state FROM edition WHERE newsletter = $1 AND slot = $2`+s.dialect.forUpdate("edition"),
			r.Newsletter, stamp(r.Slot)).Scan(&id, &state)
		none := errors.Is(err, sql.ErrNoRows)
		if err != nil && !none {
			return err
		}
		newest, err := applied(ctx, tx, r.Newsletter, stamp(r.Slot))
		if err != nil {
			return err
		}
		if newest > base {
			return newsroom.ErrOlder
		}
		if !none && state != newsroom.Assembling {
			if state != newsroom.Waiting || c == nil {
				return fmt.Errorf("edition %s is %s: %w", id, state, newsroom.ErrState)
			}
			if err := s.replace(ctx, tx, id, r, *c); err != nil {
				return err
			}
		} else if c != nil {
			return fmt.Errorf("no edition waits any more: %w", newsroom.ErrState)
		}
		number, err = insertRevision(ctx, tx, r)
		return err
	})
	if s.dialect.isUnique(err) { // somebody else's has this number
		err = newsroom.ErrOlder
	}
	if err != nil {
		return 0, fmt.Errorf("applying the edition file of %s: %w", r.Newsletter, err)
	}
	return number, nil
}

// replace changes what a waiting edition holds.
func (s *Store) replace(ctx context.Context, tx *sql.Tx, id string, r newsroom.Revision, c newsroom.Content) error {
	var approved bool
	err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM edition_note WHERE edition = $1 AND what = $2)`, id, newsroom.NoteApproved).Scan(&approved)
	if err != nil {
		return err
	}
	if approved {
		return fmt.Errorf("edition %s is approved: %w", id, newsroom.ErrState)
	}
	content, err := asJSON(c.Edition)
	if err != nil {
		return err
	}
	letter, err := asJSON(c.Letter)
	if err != nil {
		return err
	}
	for _, text := range []string{
		`DELETE FROM story_use WHERE edition = $1`, `DELETE FROM correction WHERE edition = $1`,
		`DELETE FROM edition_note WHERE edition = $1 AND what = '` + newsroom.NoteProof + `'`, // a changed edition has a new proof
	} {
		if _, err := tx.ExecContext(ctx, text, id); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `UPDATE edition SET subject = $2, content = $3, letter = $4 WHERE id = $1`,
		id, clean(c.Edition.Subject), content, letter); err != nil {
		return err
	}
	if err := s.dealAnew(ctx, tx, id, c.Variants, r.At); err != nil {
		return err
	}
	if err := useUp(ctx, tx, id, r.Newsletter, stamp(r.Slot), c.Edition.Uses); err != nil {
		return err
	}
	if err := saw(ctx, tx, id, r.Newsletter, c.Edition.Seen); err != nil {
		return err
	}
	if err := noteCorrections(ctx, tx, id, r.Newsletter, c.Edition); err != nil {
		return err
	}
	return logChange(ctx, tx, id, newsroom.Change{At: r.At, From: newsroom.Waiting, To: newsroom.Waiting, By: r.By, Why: "edited"})
}

// Note implements newsroom.Drafts.
func (s *Store) Note(ctx context.Context, id, what, by, why string, now time.Time) (bool, error) {
	isNew := false
	err := s.write(ctx, func(tx *sql.Tx) error {
		isNew = false
		var state newsroom.State
		err := tx.QueryRowContext(ctx, `SELECT state FROM edition WHERE id = $1`+s.dialect.forUpdate("edition"), id).Scan(&state)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return newsroom.ErrNotFound
		case err != nil:
			return err
		case state != newsroom.Waiting:
			return fmt.Errorf("it is %s: %w", state, newsroom.ErrState)
		}
		n, err := changed(ctx, tx, `
			INSERT INTO edition_note (edition, what, at, by) VALUES ($1, $2, $3, $4) ON CONFLICT (edition, what) DO NOTHING`,
			id, what, stamp(now), clean(by))
		if isNew = n > 0; err != nil || !isNew {
			return err
		}
		return logChange(ctx, tx, id, newsroom.Change{At: now, From: state, To: state, By: by, Why: why})
	})
	if err != nil {
		return false, fmt.Errorf("edition %s: %w", id, err)
	}
	return isNew, nil
}

// Notes implements newsroom.Drafts.
func (s *Store) Notes(ctx context.Context, id string) ([]newsroom.Note, error) {
	var notes []newsroom.Note
	err := s.read(ctx, func(tx *sql.Tx) (err error) {
		notes, err = collect(ctx, tx, func(rows *sql.Rows) (newsroom.Note, error) {
			var n newsroom.Note
			return n, rows.Scan(&n.What, (*stamp)(&n.At), &n.By)
		}, `SELECT what, at, by FROM edition_note WHERE edition = $1 ORDER BY at, what`, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("edition %s: what was noted: %w", id, err)
	}
	return notes, nil
}

// Uses implements newsroom.Drafts.
func (s *Store) Uses(ctx context.Context, id string) ([]compose.Used, error) {
	var uses []compose.Used
	err := s.read(ctx, func(tx *sql.Tx) (err error) {
		uses, err = collect(ctx, tx, scanUsed, `
			SELECT source, key, canonical, title, text, version, slot FROM story_use WHERE edition = $1 ORDER BY source, key, version`, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("edition %s: what it used: %w", id, err)
	}
	return uses, nil
}

func scanUsed(rows *sql.Rows) (compose.Used, error) {
	var u compose.Used
	return u, rows.Scan(&u.Source, &u.Key, &u.Canonical, &u.Title, &u.Text, &u.Version, (*stamp)(&u.Slot))
}

// noteCorrections keeps which editions an edition corrects. A correction that
// names none, or one that is not of the newsletter, corrects nothing in store.
func noteCorrections(ctx context.Context, tx *sql.Tx, id, newsletter string, e compose.Edition) error {
	n := 0
	for _, section := range e.Sections {
		for _, brief := range section.Briefs {
			if brief.Corrects == "" {
				continue
			}
			corrects, err := resolve(ctx, tx, brief.Corrects)
			if errors.Is(err, newsroom.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			text, err := asJSON(brief)
			if err != nil {
				return err
			}
			n++
			_, err = tx.ExecContext(ctx, `
				INSERT INTO correction (corrects, edition, n, brief)
				SELECT id, $2, $3, $4 FROM edition WHERE id = $1 AND newsletter = $5 AND id <> $2`, corrects, id, n, text, newsletter)
			if err != nil {
				return fmt.Errorf("noting a correction: %w", err)
			}
		}
	}
	return nil
}

// Corrections returns what published editions corrected of an edition, the
// oldest first. What was mailed ahead and stood in the next edition in the same
// words is one, with the day of the first.
func (s *Store) Corrections(ctx context.Context, edition string) ([]newsroom.Correction, error) {
	var found []newsroom.Correction
	err := s.read(ctx, func(tx *sql.Tx) (err error) {
		found, err = collect(ctx, tx, func(rows *sql.Rows) (newsroom.Correction, error) {
			var c newsroom.Correction
			var brief string
			if err := rows.Scan(&c.Edition, (*stamp)(&c.Slot), &brief); err != nil {
				return c, err
			}
			return c, json.Unmarshal([]byte(brief), &c.Brief)
		}, `
			SELECT c.edition, e.slot, c.brief
			FROM correction c JOIN edition e ON e.id = c.edition JOIN mailing m ON m.edition = e.id
			WHERE c.corrects = $1 AND `+wasPublished+` ORDER BY e.slot, c.edition, c.n`, edition)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("edition %s: its corrections: %w", edition, err)
	}
	told := found[:0]
	for _, c := range found {
		if !slices.ContainsFunc(told, func(t newsroom.Correction) bool { return sameWords(t.Brief, c.Brief) }) {
			told = append(told, c)
		}
	}
	return told, nil
}

// sameWords says that two briefs tell one story in the same words.
func sameWords(a, b compose.Brief) bool {
	return a.Source == b.Source && a.Key == b.Key && a.Title == b.Title && a.Teaser == b.Teaser && slices.Equal(a.Body, b.Body)
}
