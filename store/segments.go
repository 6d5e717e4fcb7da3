package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lede/audience"
	"lede/audience/segment"
)

// chosen narrows an audience, subscribers s, to whom a choice means: a condition
// to be joined by AND, with its parameters. Consent is asked beside it.
func (s *Store) chosen(choice segment.Choice, args *arguments, now time.Time) (string, error) {
	if choice.Where == "" {
		return "", nil
	}
	e, err := segment.Parse(choice.Where)
	if err != nil {
		return "", fmt.Errorf("segment %s: %w", choice.Segment, err)
	}
	return " AND " + s.meets(e, args, now), nil
}

// byCountry begins the names that zoneName makes of countries; no zone's does.
const byCountry = "country "

// zoneName is the expression for the time zone of a subscriber s: the attribute
// that tells it, or else the country in its place, or empty.
func (s *Store) zoneName() string {
	places := s.Places.Usual()
	zone := `coalesce(`
	for _, name := range places.Timezones {
		zone += `nullif(` + s.dialect.attribute(name) + `, ''), `
	}
	if len(places.Countries) > 0 {
		zone += `'` + byCountry + `' || coalesce(`
		for _, name := range places.Countries {
			zone += `nullif(` + s.dialect.attribute(name) + `, ''), `
		}
		zone += `NULL), `
	}
	return zone + `'')`
}

// zoneNamed is the time zone that zoneName told, empty when none is known.
func zoneNamed(name string) string {
	if country, ok := strings.CutPrefix(name, byCountry); ok {
		return segment.ZoneOf(country)
	}
	return name
}

// asChoice is a choice as a column keeps it: NULL for everybody.
func asChoice(c segment.Choice) (*string, error) {
	if c.Where == "" {
		return nil, nil
	}
	text, err := asJSON(c)
	return &text, err
}

// readChoice reads what asChoice wrote.
func readChoice(text []byte) (c segment.Choice, err error) {
	if text != nil {
		err = json.Unmarshal(text, &c)
	}
	return c, err
}

// meets is an expression as a condition on subscribers s.
func (s *Store) meets(e *segment.Expression, args *arguments, now time.Time) string {
	c := compiler{dialect: &s.dialect, args: args, now: now, places: s.Places.Usual()}
	return c.condition(e.Root)
}

// segmentOf is FROM and WHERE of the people whom an expression means: of all
// that are known, or with a list, of those who get its mail.
func (s *Store) segmentOf(e *segment.Expression, list string, args *arguments, now time.Time) string {
	from := ` FROM subscriber s WHERE ` + s.meets(e, args, now)
	if list != "" {
		from += ` AND EXISTS (SELECT 1 FROM subscription m WHERE m.list = ` + args.add(list) + ` AND m.subscriber = s.id AND m.state = 'active')
			AND NOT EXISTS (SELECT 1 FROM opt_out o WHERE o.newsletter = '' AND o.subscriber = s.id)
			AND NOT EXISTS (SELECT 1 FROM suppression x WHERE x.key = s.key)`
	}
	return from
}

// CountSegment counts the people whom an expression means: of all that are
// known, or with a list, of those who are active on it and get mail at all. Days
// count from that of now, in UTC.
func (s *Store) CountSegment(ctx context.Context, e *segment.Expression, list string, now time.Time) (int, error) {
	var n int
	err := s.read(ctx, func(tx *sql.Tx) error {
		var args arguments
		query := `SELECT count(*)` + s.segmentOf(e, list, &args, now)
		return tx.QueryRowContext(ctx, query, args...).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("counting a segment: %w", err)
	}
	return n, nil
}

// InSegment says whether an expression means a person.
func (s *Store) InSegment(ctx context.Context, e *segment.Expression, id int64, now time.Time) (bool, error) {
	var in bool
	err := s.read(ctx, func(tx *sql.Tx) error {
		args := arguments{id}
		return tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM subscriber s WHERE s.id = $1 AND `+s.meets(e, &args, now)+`)`, args...).Scan(&in)
	})
	if err != nil {
		return false, fmt.Errorf("looking whether a person is in a segment: %w", err)
	}
	return in, nil
}

// AnybodyIn says whether an expression means anybody.
func (s *Store) AnybodyIn(ctx context.Context, e *segment.Expression, now time.Time) (bool, error) {
	var somebody bool
	err := s.read(ctx, func(tx *sql.Tx) error {
		var args arguments
		query := `SELECT EXISTS (SELECT 1` + s.segmentOf(e, "", &args, now) + `)`
		return tx.QueryRowContext(ctx, query, args...).Scan(&somebody)
	})
	if err != nil {
		return false, fmt.Errorf("looking whether a segment has people: %w", err)
	}
	return somebody, nil
}

// SegmentPeople returns the first of the people that CountSegment counts, at
// most limit, in the order in which they came.
func (s *Store) SegmentPeople(ctx context.Context, e *segment.Expression, list string, limit int, now time.Time) ([]audience.Subscriber, error) {
	var people []audience.Subscriber
	err := s.read(ctx, func(tx *sql.Tx) error {
		var args arguments
		query := `SELECT s.id, s.address, s.name, s.attributes, s.tags, s.created` + s.segmentOf(e, list, &args, now)
		query += ` ORDER BY s.id LIMIT ` + args.add(limit)
		var err error
		people, err = collect(ctx, tx, scanSubscriber, query, args...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading a segment: %w", err)
	}
	return people, nil
}

// sampled is how many people AttributeNames looks at.
const sampled = 1000

// AttributeNames returns the names of the attributes that the newest people
// have, in order.
func (s *Store) AttributeNames(ctx context.Context) ([]string, error) {
	names := map[string]bool{}
	err := s.read(ctx, func(tx *sql.Tx) error {
		texts, err := collect(ctx, tx, scanText, `SELECT attributes FROM subscriber ORDER BY id DESC LIMIT $1`, sampled)
		for _, text := range texts {
			var attributes map[string]any
			if err := json.Unmarshal([]byte(text), &attributes); err != nil {
				return err
			}
			for name := range attributes {
				names[name] = true
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the names of attributes: %w", err)
	}
	return slices.Sorted(maps.Keys(names)), nil
}

func scanSubscriber(rows *sql.Rows) (audience.Subscriber, error) {
	var p audience.Subscriber
	var attributes, tags string
	if err := rows.Scan(&p.ID, &p.Address, &p.Name, &attributes, &tags, (*stamp)(&p.Created)); err != nil {
		return p, err
	}
	if err := json.Unmarshal([]byte(attributes), &p.Attributes); err != nil {
		return p, fmt.Errorf("subscriber %d: attributes: %w", p.ID, err)
	}
	if err := json.Unmarshal([]byte(tags), &p.Tags); err != nil {
		return p, fmt.Errorf("subscriber %d: tags: %w", p.ID, err)
	}
	return p, nil
}
