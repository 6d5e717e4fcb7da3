package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"time"

	"lede/audience"
)

// newRow, changedRow and the others are the rows of the statements below.
type (
	newRow      [8]any // key, address, domain, name, attributes, tags, salt, created
	changedRow  [4]any // id, name, attributes, tags
	listRow     [6]any // key, state, changed, consent, why, ip
	suppressRow [4]any // key, address, reason, note
	tagRow      [2]any // key, tag
)

// batch of statements that store people.
type intakeRows struct {
	fresh    []newRow
	lines    []int // of fresh: where each stood in its file
	altered  []changedRow
	arriving []listRow // of fresh, one each
	joining  []listRow // of others
	suppress []suppressRow
	lifted   []string // keys
	tags     []tagRow
	touched  []int64 // ids of the people who were there
}

// storeEntries stores new and changed people with their states on the list.
func (s *Store) storeEntries(ctx context.Context, tx *sql.Tx, in audience.Intake, entries []*entry, now time.Time) error {
	salts := make([]byte, 4*len(entries))
	_, _ = rand.Read(salts) // never fails
	var rows intakeRows
	for i, e := range entries {
		if err := rows.add(e, in, binary.LittleEndian.Uint32(salts[4*i:]), now); err != nil {
			return err
		}
	}
	return rows.store(ctx, tx, in, stamp(now), s.dialect.oneWriter)
}

// add notes what is to be stored of a person.
func (r *intakeRows) add(e *entry, in audience.Intake, salt uint32, now time.Time) error {
	attributes, tags, err := e.texts()
	if err != nil {
		return err
	}
	switch {
	case e.id == 0:
		r.lines = append(r.lines, e.row.Line)
		r.fresh = append(r.fresh, newRow{
			clean(e.row.Key), clean(e.row.Address), clean(e.row.Domain), clean(e.row.Name), attributes, tags, int64(salt), past(e.row.Known(), now).text(),
		})
	case e.differs:
		r.altered = append(r.altered, changedRow{e.id, e.row.Name, attributes, tags})
	}
	if e.id != 0 {
		r.touched = append(r.touched, e.id)
	}
	if e.id == 0 || e.differs {
		for _, t := range e.row.Tags {
			r.tags = append(r.tags, tagRow{e.row.Key, clean(t)})
		}
	}
	how := in.Consent
	if e.row.File != "" {
		how += " " + e.row.File
	}
	if e.row.Line > 0 {
		how += ", line " + strconv.Itoa(e.row.Line)
	}
	if in.Force != "" {
		how += ", forced: " + in.Force
	}
	if e.state != e.to {
		consent, why, changed := how, "", past(e.row.Joined, now)
		if e.row.Consent != "" {
			consent += ": " + e.row.Consent
		}
		if e.to == audience.Unsubscribed {
			why, changed = how, past(e.row.Left, now)
			if e.why != "" {
				why += ": " + e.why
			}
		}
		row := listRow{e.row.Key, string(e.to), changed.text(), clean(consent), clean(why), clean(e.row.IP)}
		if e.id == 0 {
			r.arriving = append(r.arriving, row)
		} else {
			r.joining = append(r.joining, row)
		}
	}
	if e.suppress != "" {
		r.suppress = append(r.suppress, suppressRow{e.row.Key, e.row.Address, e.suppress, how})
	}
	if e.lift {
		r.lifted = append(r.lifted, e.row.Key)
	}
	return nil
}

// past is a time that a file tells, or now where it tells none or one to come.
func past(t, now time.Time) stamp {
	if t.IsZero() || t.After(now) {
		return stamp(now)
	}
	return stamp(t)
}

// store runs the statements, which depend on their order.
func (r *intakeRows) store(ctx context.Context, tx *sql.Tx, in audience.Intake, at stamp, oneWriter bool) error {
	var entry any
	if in.Entry != 0 {
		entry = in.Entry
		if err := r.keep(ctx, tx, in); err != nil {
			return fmt.Errorf("keeping what was before: %w", err)
		}
	}
	var err error
	if oneWriter {
		err = r.storeNew(ctx, tx, in.List, entry)
	} else {
		err = r.storeRaced(ctx, tx, entry)
	}
	if err != nil {
		return err
	}
	err = execRows(ctx, tx, r.altered, `
		UPDATE subscriber SET name = i.name, attributes = i.attributes, tags = i.tags
		FROM (
			SELECT CAST(value ->> 0 AS BIGINT) AS id, value ->> 1 AS name, value ->> 2 AS attributes, value ->> 3 AS tags
			FROM json_each($1)
		) AS i
		WHERE subscriber.id = i.id`)
	if err != nil {
		return fmt.Errorf("changed people: %w", err)
	}
	err = execRows(ctx, tx, r.tags, `
		INSERT INTO subscriber_tag (tag, subscriber)
		SELECT i.tag, s.id FROM (SELECT value ->> 0 AS key, value ->> 1 AS tag FROM json_each($1)) AS i
		JOIN subscriber s ON s.key = i.key
		WHERE true
		ON CONFLICT (tag, subscriber) DO NOTHING`)
	if err != nil {
		return fmt.Errorf("tags: %w", err)
	}
	// Who left keeps how it had come; the state before stands in was.
	err = execRows(ctx, tx, r.joining, `
		INSERT INTO subscription (list, subscriber, state, changed, consent, why, ip, import)
		SELECT $2, s.id, i.state, i.changed, i.consent, i.why, i.ip, CAST($3 AS BIGINT)
		FROM (
			SELECT value ->> 0 AS key, value ->> 1 AS state, value ->> 2 AS changed, value ->> 3 AS consent,
				value ->> 4 AS why, value ->> 5 AS ip
			FROM json_each($1)
		) AS i
		JOIN subscriber s ON s.key = i.key
		WHERE true
		ON CONFLICT (list, subscriber) DO UPDATE
		SET state = excluded.state, changed = excluded.changed, why = excluded.why, import = excluded.import,
			was = CASE excluded.state WHEN 'unsubscribed' THEN subscription.state ELSE '' END,
			consent = CASE excluded.state WHEN 'unsubscribed' THEN subscription.consent ELSE excluded.consent END,
			ip = CASE excluded.state WHEN 'unsubscribed' THEN subscription.ip ELSE excluded.ip END,
			agreement = CASE excluded.state WHEN 'unsubscribed' THEN subscription.agreement ELSE 0 END
		WHERE subscription.state = 'pending' OR subscription.state = 'active' AND excluded.state = 'unsubscribed' OR $4 <> ''`,
		in.List, entry, in.Force)
	if err != nil {
		return fmt.Errorf("subscriptions: %w", err)
	}
	err = execRows(ctx, tx, r.suppress, `
		INSERT INTO suppression (key, address, reason, note, at, import)
		SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, $2, CAST($3 AS BIGINT) FROM json_each($1) WHERE true
		ON CONFLICT (key) DO NOTHING`, at, entry)
	if err != nil {
		return fmt.Errorf("suppressions: %w", err)
	}
	if len(r.lifted) > 0 {
		keys, err := asRows(r.lifted)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM suppression WHERE key IN (SELECT value ->> 0 FROM json_each($1))`, keys)
		if err != nil {
			return fmt.Errorf("lifted suppressions: %w", err)
		}
	}
	return nil
}

// texts are a person's attributes and tags as columns keep them.
func (e *entry) texts() (attributes, tags string, err error) {
	attributes, tags = "{}", "[]"
	if len(e.row.Attributes) > 0 {
		if attributes = plainObject(e.row.Attributes); attributes == "" {
			attributes, err = asJSON(e.row.Attributes)
		}
		if err != nil {
			return "", "", err
		}
	}
	if len(e.row.Tags) > 0 {
		if tags, err = asJSON(e.row.Tags); err != nil {
			return "", "", err
		}
	}
	return attributes, tags, nil
}

// plainObject is what asJSON makes of texts, in a tenth of the time; empty where
// one of them needs more than quotation marks.
func plainObject(texts map[string]string) string {
	names := make([]string, 0, 16)
	size := 2
	for name, value := range texts {
		if !plain(name) || !plain(value) {
			return ""
		}
		names = append(names, name)
		size += len(name) + len(value) + len(`"":"",`)
	}
	slices.Sort(names)
	b := append(make([]byte, 0, size), '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), name...), `":"`...)
		b = append(append(b, texts[name]...), '"')
	}
	return string(append(b, '}'))
}

// plain says that a text stands in JSON as it is.
func plain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

// execRows runs a statement whose $1 is rows as JSON; none: nothing is run.
func execRows[T any](ctx context.Context, tx *sql.Tx, rows []T, query string, args ...any) error {
	if len(rows) == 0 {
		return nil
	}
	items, err := asJSON(rows)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, query, append([]any{items}, args...)...)
	return err
}
