package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"lede/audience"
	"lede/web/api"
)

// People implements api.People: four statements a page, however many people
// are on it.
func (s *Store) People(ctx context.Context, f api.Filter) ([]audience.Person, error) {
	var people []audience.Person
	err := s.read(ctx, func(tx *sql.Tx) (err error) {
		var args arguments
		people, err = collect(ctx, tx, scanPerson, `
			SELECT s.id, s.salt, s.address, s.name, s.attributes, s.tags, s.created, (SELECT until FROM pause WHERE subscriber = s.id)
			FROM subscriber s WHERE s.id > `+
			args.add(f.After)+s.fitting(f, &args)+` ORDER BY s.id LIMIT `+args.add(f.Limit), args...)
		if err != nil || len(people) == 0 {
			return err
		}
		return addStates(ctx, tx, people)
	})
	if err != nil {
		return nil, fmt.Errorf("listing subscribers: %w", err)
	}
	return people, nil
}

// scanPerson reads a person without subscriptions, opt-outs and suppression.
func scanPerson(rows *sql.Rows) (audience.Person, error) {
	var p audience.Person
	var attributes, tags string
	err := rows.Scan(&p.ID, &p.Salt, &p.Address, &p.Name, &attributes, &tags, (*stamp)(&p.Created), (*stamp)(&p.Paused))
	if err != nil {
		return p, err
	}
	err = errors.Join(json.Unmarshal([]byte(attributes), (*attributesOf)(&p.Attributes)), json.Unmarshal([]byte(tags), &p.Tags))
	if err != nil {
		return p, fmt.Errorf("subscriber %d: attributes and tags: %w", p.ID, err)
	}
	return p, nil
}

// fitting is a filter as conditions on subscribers s, each with its AND.
func (s *Store) fitting(f api.Filter, args *arguments) string {
	where := ""
	if f.State == api.StateSuppressed {
		where += ` AND EXISTS (SELECT 1 FROM suppression x WHERE x.key = s.key)`
		f.State = ""
	}
	if f.List != "" || f.State != "" {
		where += ` AND EXISTS (SELECT 1 FROM subscription t WHERE t.subscriber = s.id`
		if f.List != "" {
			where += ` AND t.list = ` + args.add(f.List)
		}
		if f.State != "" {
			where += ` AND t.state = ` + args.add(f.State)
		}
		where += `)`
	}
	if f.Tag != "" {
		where += ` AND EXISTS (SELECT 1 FROM subscriber_tag g WHERE g.tag = ` + args.add(f.Tag) + ` AND g.subscriber = s.id)`
	}
	if f.Where != nil {
		where += ` AND ` + s.meets(f.Where, args, f.Now)
	}
	return where
}

// addStates completes people, who stand in the order of their ids, by their
// subscriptions, opt-outs and suppressions.
func addStates(ctx context.Context, tx *sql.Tx, people []audience.Person) error {
	ids := make([]int64, len(people))
	at := make(map[int64]*audience.Person, len(people))
	for i := range people {
		ids[i] = people[i].ID
		at[people[i].ID] = &people[i]
	}
	page, err := asRows(ids)
	if err != nil {
		return err
	}
	const those = ` IN (SELECT CAST(value ->> 0 AS BIGINT) FROM json_each($1))`
	_, err = collect(ctx, tx, func(rows *sql.Rows) (none struct{}, err error) {
		var id int64
		var t audience.Subscription
		if err = rows.Scan(&id, &t.List, &t.State, (*stamp)(&t.Changed), &t.Consent); err == nil {
			at[id].Subscriptions = append(at[id].Subscriptions, t)
		}
		return none, err
	}, `SELECT subscriber, list, state, changed, consent FROM subscription WHERE subscriber`+those+` ORDER BY subscriber, list`, page)
	if err != nil {
		return fmt.Errorf("subscriptions: %w", err)
	}
	_, err = collect(ctx, tx, func(rows *sql.Rows) (none struct{}, err error) {
		var id int64
		var newsletter string
		if err = rows.Scan(&id, &newsletter); err == nil {
			at[id].OptedOut = append(at[id].OptedOut, newsletter)
		}
		return none, err
	}, `SELECT subscriber, newsletter FROM opt_out WHERE newsletter <> '' AND subscriber`+those+` ORDER BY subscriber, newsletter`, page)
	if err != nil {
		return fmt.Errorf("opt-outs: %w", err)
	}
	_, err = collect(ctx, tx, func(rows *sql.Rows) (none struct{}, err error) {
		var id int64
		var reason string
		if err = rows.Scan(&id, &reason); err == nil {
			at[id].Suppressed = reason
		}
		return none, err
	}, `SELECT s.id, x.reason FROM subscriber s JOIN suppression x ON x.key = s.key WHERE s.id`+those, page)
	if err != nil {
		return fmt.Errorf("suppressions: %w", err)
	}
	return nil
}

// ChangeProfile implements api.People.
func (s *Store) ChangeProfile(ctx context.Context, key string, change api.Change) (audience.Person, error) {
	var p audience.Person
	err := s.write(ctx, func(tx *sql.Tx) error {
		if lock := s.dialect.forUpdate("subscriber"); lock != "" {
			if _, err := tx.ExecContext(ctx, `SELECT id FROM subscriber WHERE key = $1`+lock, key); err != nil {
				return err
			}
		}
		was, err := person(ctx, tx, `key = $1`, key)
		if err != nil {
			return err
		}
		to, err := change(was)
		if err != nil {
			return err
		}
		e := entry{row: audience.Row{Attributes: to.Attributes, Tags: to.Tags}}
		attributes, tags, err := e.texts()
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE subscriber SET name = $2, attributes = $3, tags = $4 WHERE id = $1`, was.ID, clean(to.Name), attributes, tags)
		if err != nil {
			return err
		}
		if _, err = tx.ExecContext(ctx, `DELETE FROM subscriber_tag WHERE subscriber = $1`, was.ID); err != nil {
			return err
		}
		if err := retag(ctx, tx, []int64{was.ID}); err != nil {
			return err
		}
		p, err = person(ctx, tx, `id = $1`, was.ID)
		return err
	})
	if err != nil {
		return audience.Person{}, fmt.Errorf("changing a subscriber: %w", err)
	}
	return p, nil
}

// ListStates implements api.Lists. Most people are active: all of a list are
// counted by its index alone, those who are not by the index of them, and the
// suppressed from their side.
func (s *Store) ListStates(ctx context.Context) ([]api.ListStates, error) {
	var all []api.ListStates
	err := s.read(ctx, func(tx *sql.Tx) (err error) {
		all, err = collect(ctx, tx, func(rows *sql.Rows) (l api.ListStates, err error) {
			return l, rows.Scan(&l.List, &l.Active)
		}, `SELECT list, count(*) FROM subscription GROUP BY list ORDER BY list`)
		if err != nil {
			return err
		}
		at := make(map[string]*api.ListStates, len(all))
		for i := range all {
			at[all[i].List] = &all[i]
		}
		_, err = collect(ctx, tx, func(rows *sql.Rows) (none struct{}, err error) {
			var list, state string
			var n int
			if err = rows.Scan(&list, &state, &n); err != nil {
				return none, err
			}
			l := at[list]
			l.Active -= n
			if state == string(audience.Pending) {
				l.Pending = n
			} else {
				l.Unsubscribed = n
			}
			return none, nil
		}, `SELECT list, state, count(*) FROM subscription WHERE state <> 'active' GROUP BY list, state`)
		if err != nil {
			return err
		}
		_, err = collect(ctx, tx, func(rows *sql.Rows) (none struct{}, err error) {
			var list string
			var n int
			if err = rows.Scan(&list, &n); err == nil {
				at[list].Suppressed = n
			}
			return none, err
		}, `
			SELECT t.list, count(*) FROM suppression x
			JOIN subscriber s ON s.key = x.key
			JOIN subscription t ON t.subscriber = s.id
			GROUP BY t.list`)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("counting lists: %w", err)
	}
	return all, nil
}

// ListNames implements api.Lists: a look at the index for each, however many
// people are on it.
func (s *Store) ListNames(ctx context.Context) ([]string, error) {
	var names []string
	err := s.read(ctx, func(tx *sql.Tx) (err error) {
		names, err = collect(ctx, tx, scanText, `
			WITH RECURSIVE l (list) AS (
				SELECT min(list) FROM subscription
				UNION ALL
				SELECT (SELECT min(t.list) FROM subscription t WHERE t.list > l.list) FROM l WHERE l.list IS NOT NULL
			)
			SELECT list FROM l WHERE list IS NOT NULL`)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the names of lists: %w", err)
	}
	return names, nil
}

// ImportsBefore implements api.Imports.
func (s *Store) ImportsBefore(ctx context.Context, before int64, most int) ([]audience.ImportEntry, error) {
	var all []audience.ImportEntry
	err := s.read(ctx, func(tx *sql.Tx) (err error) {
		all, err = collect(ctx, tx, scanImport, importColumns+` WHERE $1 = 0 OR id < $1 ORDER BY id DESC LIMIT $2`, before, most)
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
