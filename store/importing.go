package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"lede/audience"
)

// entry is a person while rows of an import are laid over it.
type entry struct {
	row        audience.Row // as it shall be stored
	id         int64        // 0: not there yet
	state      audience.SubscriptionState
	suppressed bool
	differs    bool // from what is stored
	rows       int  // of this call that named it
}

// ImportRows implements audience.Importer. A row's consent is the text given
// with the row's line behind it, where it has one. A key repeated in one call
// is one person: the first row wins, later ones fill blanks and count as
// unchanged. Whoever is subscribed without having confirmed (pending) becomes
// active.
func (s *Store) ImportRows(ctx context.Context, list, consent string, rows []audience.Row, dry bool, now time.Time) (audience.Result, error) {
	var result audience.Result
	transact := s.write
	if dry {
		transact = s.read
	}
	err := transact(ctx, func(tx *sql.Tx) error {
		if !dry {
			if err := s.lockPeople(ctx, tx, rows); err != nil {
				return err
			}
		}
		known, err := s.lookUp(ctx, tx, list, rows)
		if err != nil {
			return err
		}
		var changes []*entry
		changes, result = lay(rows, known)
		if dry {
			return nil
		}
		return s.storeEntries(ctx, tx, list, consent, changes, now)
	})
	if err != nil {
		return audience.Result{}, fmt.Errorf("importing into list %s: %w", list, err)
	}
	return result, nil
}

// lay lays rows over the people that are known and returns those that are to be
// stored, in the order of the rows, with the count.
func lay(rows []audience.Row, known map[string]*entry) ([]*entry, audience.Result) {
	var result audience.Result
	var touched []*entry
	for _, row := range rows {
		e := known[row.Key]
		if e == nil {
			e = &entry{row: row, rows: 1}
			known[row.Key] = e
			touched = append(touched, e)
			continue
		}
		if e.suppressed || e.state == audience.Unsubscribed {
			result.KeptOut++
			continue
		}
		e.rows++
		if e.rows > 1 {
			e.fill(row)
			result.Unchanged++
			continue
		}
		e.row.Line = row.Line
		e.fill(row)
		e.takeOver(row)
		touched = append(touched, e)
	}
	var changes []*entry
	for _, e := range touched {
		switch {
		case e.id == 0:
			result.New++
		case e.differs || e.state != audience.Active:
			result.Updated++
		default:
			result.Unchanged++
			continue
		}
		changes = append(changes, e)
	}
	return changes, result
}

// fill fills the person's blanks from a row.
func (e *entry) fill(row audience.Row) {
	if e.row.Name == "" && row.Name != "" {
		e.row.Name, e.differs = row.Name, true
	}
	for name, value := range row.Attributes {
		if value != "" && e.row.Attributes[name] == "" {
			e.set(name, value)
		}
	}
	for _, tag := range row.Tags {
		if !slices.Contains(e.row.Tags, tag) {
			e.row.Tags, e.differs = append(slices.Clip(e.row.Tags), tag), true
		}
	}
}

// takeOver takes the attributes that the row has; an empty one takes nothing
// away.
func (e *entry) takeOver(row audience.Row) {
	for name, value := range row.Attributes {
		if value != "" && e.row.Attributes[name] != value {
			e.set(name, value)
		}
	}
}

// set sets an attribute, in a map of our own: the caller's rows stay as they
// are.
func (e *entry) set(name, value string) {
	own := make(map[string]string, len(e.row.Attributes)+1)
	for k, v := range e.row.Attributes {
		own[k] = v
	}
	own[name] = value
	e.row.Attributes, e.differs = own, true
}

// lockPeople keeps other transactions from the people in rows, so that what is
// laid over them is what they are. All take people in the same order.
func (s *Store) lockPeople(ctx context.Context, tx *sql.Tx, rows []audience.Row) error {
	lock := s.dialect.forUpdate("subscriber")
	if lock == "" {
		return nil
	}
	keys := make([][1]string, len(rows))
	for i, row := range rows {
		keys[i][0] = row.Key
	}
	return execRows(ctx, tx, keys, `
		SELECT id FROM subscriber WHERE key IN (SELECT value ->> 0 FROM json_each($1)) ORDER BY id`+lock)
}

// lookUp finds what is known of the people in rows, by key. To a list that they
// were never on, people who left everything are unsubscribed.
func (s *Store) lookUp(ctx context.Context, tx *sql.Tx, list string, rows []audience.Row) (map[string]*entry, error) {
	keys := make([]string, len(rows))
	for i, row := range rows {
		keys[i] = row.Key
	}
	items, err := asRows(keys)
	if err != nil {
		return nil, err
	}
	found, err := collect(ctx, tx, scanEntry, `
		SELECT i.key, coalesce(s.id, 0), coalesce(s.address, ''), coalesce(s.name, ''),
			coalesce(s.attributes, '{}'), coalesce(s.tags, '[]'),
			coalesce(t.state, CASE WHEN o.subscriber IS NULL THEN '' ELSE 'unsubscribed' END),
			CASE WHEN x.key IS NULL THEN 0 ELSE 1 END
		FROM (SELECT value ->> 0 AS key FROM json_each($1)) AS i
		LEFT JOIN subscriber s ON s.key = i.key
		LEFT JOIN subscription t ON t.list = $2 AND t.subscriber = s.id
		LEFT JOIN opt_out o ON o.newsletter = '' AND o.subscriber = s.id
		LEFT JOIN suppression x ON x.key = i.key
		WHERE s.id IS NOT NULL OR x.key IS NOT NULL`, items, list)
	if err != nil {
		return nil, fmt.Errorf("looking people up: %w", err)
	}
	known := make(map[string]*entry, len(rows))
	for _, e := range found {
		known[e.row.Key] = e
	}
	return known, nil
}

func scanEntry(rows *sql.Rows) (*entry, error) {
	e := new(entry)
	var attributes, tags []byte
	err := rows.Scan(&e.row.Key, &e.id, &e.row.Address, &e.row.Name, &attributes, &tags, &e.state, &e.suppressed)
	if err != nil {
		return nil, err
	}
	if string(attributes) != "{}" {
		if err := json.Unmarshal(attributes, &e.row.Attributes); err != nil {
			return nil, fmt.Errorf("subscriber %d: attributes: %w", e.id, err)
		}
	}
	if string(tags) != "[]" {
		if err := json.Unmarshal(tags, &e.row.Tags); err != nil {
			return nil, fmt.Errorf("subscriber %d: tags: %w", e.id, err)
		}
	}
	return e, nil
}

// newRow and changedRow are the rows of the statements below.
type (
	newRow     [7]any // key, address, domain, name, attributes, tags, salt
	changedRow [4]any // id, name, attributes, tags
	listRow    [2]any // key, consent
)

// storeEntries stores new and changed people and makes them active on the list.
func (s *Store) storeEntries(ctx context.Context, tx *sql.Tx, list, consent string, entries []*entry, now time.Time) error {
	salts := make([]byte, 4*len(entries))
	_, _ = rand.Read(salts) // never fails
	var fresh []newRow
	var altered []changedRow
	var joining []listRow
	for i, e := range entries {
		attributes, tags, err := e.texts()
		if err != nil {
			return err
		}
		switch {
		case e.id == 0:
			fresh = append(fresh, newRow{
				e.row.Key, e.row.Address, e.row.Domain, e.row.Name, attributes, tags,
				binary.LittleEndian.Uint32(salts[4*i:]),
			})
		case e.differs:
			altered = append(altered, changedRow{e.id, e.row.Name, attributes, tags})
		}
		if e.state != audience.Active {
			how := consent
			if e.row.Line > 0 {
				how += ", line " + strconv.Itoa(e.row.Line)
			}
			joining = append(joining, listRow{e.row.Key, how})
		}
	}
	return store(ctx, tx, list, fresh, altered, joining, stamp(now))
}

// store runs the statements of storeEntries, which depend on their order.
func store(ctx context.Context, tx *sql.Tx, list string, fresh []newRow, altered []changedRow, joining []listRow, at stamp) error {
	err := execRows(ctx, tx, fresh, `
		INSERT INTO subscriber (key, address, domain, name, attributes, tags, salt, created)
		SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
			CAST(value ->> 6 AS BIGINT), $2
		FROM json_each($1) WHERE true
		ON CONFLICT (key) DO NOTHING`, at)
	if err != nil {
		return fmt.Errorf("new people: %w", err)
	}
	err = execRows(ctx, tx, altered, `
		UPDATE subscriber SET name = i.name, attributes = i.attributes, tags = i.tags
		FROM (
			SELECT CAST(value ->> 0 AS BIGINT) AS id, value ->> 1 AS name, value ->> 2 AS attributes, value ->> 3 AS tags
			FROM json_each($1)
		) AS i
		WHERE subscriber.id = i.id`)
	if err != nil {
		return fmt.Errorf("changed people: %w", err)
	}
	err = execRows(ctx, tx, joining, `
		INSERT INTO subscription (list, subscriber, state, changed, consent)
		SELECT $2, s.id, 'active', $3, i.consent
		FROM (SELECT value ->> 0 AS key, value ->> 1 AS consent FROM json_each($1)) AS i
		JOIN subscriber s ON s.key = i.key
		WHERE true
		ON CONFLICT (list, subscriber) DO UPDATE
		SET state = excluded.state, changed = excluded.changed, consent = excluded.consent
		WHERE subscription.state = 'pending'`, list, at)
	if err != nil {
		return fmt.Errorf("subscriptions: %w", err)
	}
	return nil
}

// texts are a person's attributes and tags as columns keep them.
func (e *entry) texts() (attributes, tags string, err error) {
	attributes, tags = "{}", "[]"
	if len(e.row.Attributes) > 0 {
		if attributes, err = asJSON(e.row.Attributes); err != nil {
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
