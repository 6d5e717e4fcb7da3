package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lede/audience"
	"lede/audience/segment"
)

// exportPage is how many people of an export are held at a time.
const exportPage = 2000

// ExportPeople implements audience.Exporter: pages by key within one
// transaction, which sees one state of the database from its first page on.
func (s *Store) ExportPeople(ctx context.Context, q audience.ExportQuery, now time.Time, f func(audience.EachLeaver) error) error {
	x := exportQuery{s: s, ExportQuery: q, now: now}
	if q.Where != "" {
		var err error
		if x.where, err = segment.Parse(q.Where); err != nil {
			return err
		}
	}
	// What f says is its own: it comes back as it is.
	var own error
	err := s.read(ctx, func(tx *sql.Tx) error {
		own = f(func(yield func(*audience.Leaver) error) error { return x.each(ctx, tx, yield) })
		return own
	})
	if own != nil {
		return own
	}
	return err
}

// exportQuery is an export's query.
type exportQuery struct {
	audience.ExportQuery
	s     *Store
	now   time.Time
	where *segment.Expression
}

// each goes through everybody once.
func (x *exportQuery) each(ctx context.Context, tx *sql.Tx, yield func(*audience.Leaver) error) error {
	after := int64(0)
	for {
		page, last, err := x.page(ctx, tx, after)
		if err != nil {
			return fmt.Errorf("reading people after %d: %w", after, err)
		}
		for i := range page {
			if err := yield(&page[i]); err != nil {
				return err
			}
		}
		if last == 0 {
			break
		}
		after = last
	}
	if !x.Suppressed {
		return nil
	}
	return x.strangers(ctx, tx, yield)
}

// page reads the people behind an id, and returns the last one's; 0 if there are
// no more. Of people on several lists a page has all lists.
func (x *exportQuery) page(ctx context.Context, tx *sql.Tx, after int64) ([]audience.Leaver, int64, error) {
	args := arguments{after}
	people := `SELECT s.id FROM subscriber s WHERE s.id > $1`
	if x.List != "" {
		people = `SELECT s.id FROM subscription m JOIN subscriber s ON s.id = m.subscriber
			WHERE m.list = ` + args.add(x.List) + ` AND m.subscriber > $1`
	}
	if x.where != nil {
		people += ` AND ` + x.s.meets(x.where, &args, x.now)
	}
	if x.List != "" {
		people += ` ORDER BY m.subscriber`
	} else {
		people += ` ORDER BY s.id`
	}
	people += ` LIMIT ` + args.add(exportPage)
	tie := `t.subscriber = s.id`
	if x.List != "" {
		tie += ` AND t.list = ` + args.add(x.List)
	}
	outs, err := asRows(append([]string{""}, x.OptOuts...))
	if err != nil {
		return nil, 0, err
	}
	ids := map[int64]bool{}
	var last int64
	page, err := collect(ctx, tx, func(rows *sql.Rows) (audience.Leaver, error) {
		p, err := scanLeaver(rows)
		ids[p.ID], last = true, p.ID
		return p, err
	}, `
		SELECT s.id, s.address, s.name, s.attributes, s.tags, s.created,
			coalesce(t.list, ''), coalesce(t.state, ''), t.changed, coalesce(t.consent, ''), coalesce(t.why, ''), coalesce(t.ip, ''),
			coalesce(a.text, ''), coalesce(x.reason, ''), x.at,
			EXISTS (SELECT 1 FROM opt_out o WHERE o.subscriber = s.id)
		FROM (`+people+`) AS i
		JOIN subscriber s ON s.id = i.id
		LEFT JOIN subscription t ON `+tie+`
		LEFT JOIN agreement a ON a.id = t.agreement AND t.agreement <> 0
		LEFT JOIN suppression x ON x.key = s.key
		ORDER BY s.id, t.list`, args...)
	if err != nil {
		return nil, 0, err
	}
	for i := range page {
		if page[i].OptedOut == nil {
			continue
		}
		page[i].OptedOut, err = collect(ctx, tx, scanText, `
			SELECT newsletter FROM opt_out WHERE subscriber = $1 AND newsletter IN (SELECT value ->> 0 FROM json_each($2))
			ORDER BY newsletter`, page[i].ID, outs)
		if err != nil {
			return nil, 0, err
		}
	}
	if len(ids) < exportPage {
		last = 0
	}
	return page, last, nil
}

// scanLeaver scans a person; OptedOut is not nil where there are opt-outs.
func scanLeaver(rows *sql.Rows) (audience.Leaver, error) {
	var p audience.Leaver
	var attributes, tags []byte
	var left bool
	err := rows.Scan(&p.ID, &p.Address, &p.Name, &attributes, &tags, (*stamp)(&p.Created),
		&p.List, &p.State, (*stamp)(&p.Changed), &p.Consent, &p.Why, &p.IP, &p.Agreed, &p.Suppressed, (*stamp)(&p.SuppressedAt), &left)
	if err != nil {
		return p, err
	}
	if left {
		p.OptedOut = []string{}
	}
	if string(attributes) != "{}" {
		err = json.Unmarshal(attributes, (*attributesOf)(&p.Attributes))
	}
	if string(tags) != "[]" {
		err = errors.Join(err, json.Unmarshal(tags, &p.Tags))
	}
	if err != nil {
		return p, fmt.Errorf("subscriber %d: attributes and tags: %w", p.ID, err)
	}
	return p, nil
}

// strangers are addresses that are suppressed and, for all that the export
// knows, nobody's: of a list, those of people who are not on it too.
func (x *exportQuery) strangers(ctx context.Context, tx *sql.Tx, yield func(*audience.Leaver) error) error {
	known := `SELECT 1 FROM subscriber s WHERE s.key = x.key`
	after := ""
	for {
		args := arguments{after, exportPage}
		among := known
		if x.List != "" {
			among += ` AND EXISTS (SELECT 1 FROM subscription t WHERE t.list = ` + args.add(x.List) + ` AND t.subscriber = s.id)`
		}
		n := 0
		page, err := collect(ctx, tx, func(rows *sql.Rows) (audience.Leaver, error) {
			var p audience.Leaver
			n++
			return p, rows.Scan(&after, &p.Address, &p.Suppressed, (*stamp)(&p.SuppressedAt))
		}, `SELECT x.key, x.address, x.reason, x.at FROM suppression x
			WHERE x.key > $1 AND NOT EXISTS (`+among+`) ORDER BY x.key LIMIT $2`, args...)
		if err != nil {
			return fmt.Errorf("reading suppressed addresses: %w", err)
		}
		for i := range page {
			if err := yield(&page[i]); err != nil {
				return err
			}
		}
		if n < exportPage {
			return nil
		}
	}
}
