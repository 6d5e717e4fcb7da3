package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"lede/audience"
)

// entry is a person while rows of an import are laid over it.
type entry struct {
	row        audience.Row // as it shall be stored
	id         int64        // 0: not there yet
	state      audience.SubscriptionState
	to         audience.SubscriptionState // the state that it shall have
	why        string                     // of a state to be unsubscribed: how it ended
	suppressed bool
	erased     bool   // had itself erased, here or in a service that it comes from
	suppress   string // the reason for which the address shall be suppressed; empty for none
	lift       bool   // a suppression shall be lifted
	differs    bool   // from what is stored
	rows       int    // of this call that named it
}

// ImportRows is ImportChunk for an import that has no entry.
func (s *Store) ImportRows(ctx context.Context, list, consent string, rows []audience.Row, dry bool, now time.Time) (audience.Result, error) {
	return s.ImportChunk(ctx, audience.Intake{List: list, Consent: consent, DryRun: dry}, rows, now)
}

// ImportChunk implements audience.Importer. A row's consent is the text given
// with the row's line behind it, where it has one. A key repeated in one call
// is one person: the first row wins, later ones fill blanks and count as
// unchanged.
func (s *Store) ImportChunk(ctx context.Context, in audience.Intake, rows []audience.Row, now time.Time) (audience.Result, error) {
	var result audience.Result
	if !slices.IsSortedFunc(rows, func(a, b audience.Row) int { return strings.Compare(a.Key, b.Key) }) {
		rows = byKey(rows)
	}
	transact := s.write
	if in.DryRun {
		transact = s.read
	}
	err := transact(ctx, func(tx *sql.Tx) error {
		if !in.DryRun {
			if anyTakesBack(rows) {
				if err := s.pass(ctx, tx, revokes); err != nil {
					return err
				}
			}
			if err := s.lockPeople(ctx, tx, rows); err != nil {
				return err
			}
			if err := ownWish(ctx, tx, in.List, rows); err != nil {
				return err
			}
		}
		known, err := s.lookUp(ctx, tx, in.List, rows)
		if err != nil {
			return err
		}
		var changes []*entry
		changes, result = lay(rows, known, in.Force != "")
		if in.DryRun {
			return nil
		}
		return silently(ctx, tx, in, func() error {
			if err := s.storeEntries(ctx, tx, in, changes, now); err != nil {
				return err
			}
			if err := leftElsewhere(ctx, tx, in, rows, now); err != nil || in.Entry == 0 {
				return err
			}
			return tally(ctx, tx, in.Entry, result)
		})
	})
	if err != nil {
		return audience.Result{}, fmt.Errorf("importing into list %s: %w", in.List, err)
	}
	return result, nil
}

// byKey returns the rows in the order of their keys, as the index of keys has
// them: its pages are then read and written once a call, however many people
// there are. Rows of one key stay in their order.
func byKey(rows []audience.Row) []audience.Row {
	order := make([]int, len(rows)) // rows are large: their places are sorted
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(strings.Compare(rows[a].Key, rows[b].Key), a-b) })
	sorted := make([]audience.Row, len(rows))
	for i, at := range order {
		sorted[i] = rows[at]
	}
	return sorted
}

// The order of strength: what is weaker does not overwrite what is stronger.
const (
	isNothing = iota
	isPending
	isActive
	isUnsubscribed
	isSuppressed
)

// strength is that of a state on a list, suppressed saying that the address is.
func strength(state audience.SubscriptionState, suppressed bool) int {
	switch {
	case suppressed:
		return isSuppressed
	case state == audience.Unsubscribed:
		return isUnsubscribed
	case state == audience.Active:
		return isActive
	case state == audience.Pending:
		return isPending
	}
	return isNothing
}

// lay lays rows over the people that are known and returns those that are to be
// stored, in the order of the rows, with the count. With force a row's state
// holds whatever was there.
func lay(rows []audience.Row, known map[string]*entry, force bool) ([]*entry, audience.Result) {
	var result audience.Result
	var touched []*entry
	for _, row := range rows {
		if row.State == "" {
			row.State = audience.Active
		}
		says := strength(row.State, row.Suppress != "")
		e := known[row.Key]
		if e == nil {
			e = &entry{row: row, to: row.State, why: row.Reason, suppress: row.Suppress, rows: 1}
			known[row.Key] = e
			touched = append(touched, e)
			continue
		}
		if e.erased {
			result.KeptOut++
			continue
		}
		has := strength(e.to, e.suppressed || e.suppress != "")
		if e.rows > 0 {
			// Later in the same call: only what is stronger counts.
			if has < isUnsubscribed || says > has {
				e.fill(row)
			}
			e.strengthen(row, says, has)
			result.Unchanged++
			continue
		}
		if has >= isUnsubscribed && says <= has && (!force || says == has) {
			result.KeptOut++
			continue
		}
		if force && e.id == 0 {
			// Only the suppression was known.
			e.row = row
		}
		e.rows++
		e.row.File, e.row.Line = row.File, row.Line
		e.row.Joined, e.row.Left, e.row.Consent, e.row.IP = row.Joined, row.Left, row.Consent, row.IP
		if has >= isUnsubscribed && !force {
			// Somebody who left, and now is suppressed.
			e.strengthen(row, says, has)
			touched = append(touched, e)
			continue
		}
		e.fill(row)
		e.takeOver(row)
		if force {
			e.to, e.why, e.suppress, e.lift = row.State, row.Reason, "", e.suppressed && row.Suppress == ""
			if !e.suppressed {
				e.suppress = row.Suppress
			}
		} else {
			e.strengthen(row, says, has)
		}
		touched = append(touched, e)
	}
	var changes []*entry
	for _, e := range touched {
		switch {
		case e.id == 0 && e.to == audience.Unsubscribed:
			result.KeptOut++
		case e.id == 0:
			result.New++
		case e.differs || e.state != e.to || e.suppress != "" || e.lift:
			result.Updated++
		default:
			result.Unchanged++
			continue
		}
		changes = append(changes, e)
	}
	return changes, result
}

// strengthen takes over a row's state where it is stronger than what the person
// has.
func (e *entry) strengthen(row audience.Row, says, has int) {
	if says <= has {
		return
	}
	if e.to != row.State {
		e.to, e.why = row.State, row.Reason
		e.row.Left = row.Left
	}
	if row.Suppress != "" && !e.suppressed {
		e.suppress = row.Suppress
	}
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
	erased, err := s.erasedAmong(ctx, tx, rows)
	for key := range erased {
		if known[key] == nil {
			known[key] = &entry{erased: true}
		}
	}
	return known, err
}

func scanEntry(rows *sql.Rows) (*entry, error) {
	e := new(entry)
	var attributes, tags []byte
	err := rows.Scan(&e.row.Key, &e.id, &e.row.Address, &e.row.Name, &attributes, &tags, &e.state, &e.suppressed)
	if err != nil {
		return nil, err
	}
	e.to = e.state
	if string(attributes) != "{}" {
		if err := json.Unmarshal(attributes, (*attributesOf)(&e.row.Attributes)); err != nil {
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
