package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"lede/newsroom"
	"lede/send"
)

// Deliveries returns what became of the letters to a person, the newest slot
// first, at most limit when that is positive.
func (s *Store) Deliveries(ctx context.Context, subscriber int64, limit int) ([]newsroom.Trace, error) {
	if limit <= 0 {
		limit = 1 << 31
	}
	var traces []newsroom.Trace
	err := s.read(ctx, func(tx *sql.Tx) error {
		var err error
		traces, err = collect(ctx, tx, func(rows *sql.Rows) (newsroom.Trace, error) {
			var t newsroom.Trace
			return t, rows.Scan(&t.Edition, &t.Newsletter, (*stamp)(&t.Slot), &t.Subject, &t.State,
				&t.Attempts, &t.Relay, &t.Code, &t.Reply, (*stamp)(&t.At))
		}, `
			SELECT e.id, e.newsletter, e.slot, e.subject, d.state, d.attempt, d.relay, d.code, d.reply, d.at
			FROM edition e JOIN mailing m ON m.edition = e.id
			JOIN delivery d ON d.mailing = m.id AND d.subscriber = $1
			ORDER BY e.slot DESC, e.id LIMIT $2`, subscriber, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("subscriber %d: deliveries: %w", subscriber, err)
	}
	return traces, nil
}

// mostDomains is how many domains Tallies returns.
const mostDomains = 20

// Tallies counts an edition's deliveries by relay, by the domains of most
// recipients, and by answer, in one pass over them.
func (s *Store) Tallies(ctx context.Context, edition string) (newsroom.Tallies, error) {
	type group struct {
		domain, relay string
		state         send.State
		code, n       int
	}
	var groups []group
	err := s.read(ctx, func(tx *sql.Tx) error {
		var err error
		groups, err = collect(ctx, tx, func(rows *sql.Rows) (group, error) {
			var g group
			return g, rows.Scan(&g.domain, &g.relay, &g.state, &g.code, &g.n)
		}, `
			SELECT d.domain, d.relay, d.state, d.code, count(*)
			FROM mailing m JOIN delivery d ON d.id BETWEEN m.id << 32 AND (m.id << 32) + 4294967295
			WHERE m.edition = $1 GROUP BY d.domain, d.relay, d.state, d.code`, edition)
		return err
	})
	if err != nil {
		return newsroom.Tallies{}, fmt.Errorf("edition %s: counting answers: %w", edition, err)
	}
	relays, domains, answers := map[string]*newsroom.Tally{}, map[string]*newsroom.Tally{}, map[int]int{}
	for _, g := range groups {
		if g.relay != "" {
			addTo(relays, g.relay, g.state, g.n)
			answers[g.code] += g.n
		}
		addTo(domains, g.domain, g.state, g.n)
	}
	t := newsroom.Tallies{Relays: ranked(relays), Domains: ranked(domains), Answers: make([]newsroom.Answer, 0, len(answers))}
	t.Domains = t.Domains[:min(len(t.Domains), mostDomains)]
	for code, n := range answers {
		t.Answers = append(t.Answers, newsroom.Answer{Code: code, Count: n})
	}
	slices.SortFunc(t.Answers, func(a, b newsroom.Answer) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code))
	})
	return t, nil
}

// addTo adds n deliveries to a name's tally.
func addTo(tallies map[string]*newsroom.Tally, name string, state send.State, n int) {
	t := tallies[name]
	if t == nil {
		t = &newsroom.Tally{Name: name}
		tallies[name] = t
	}
	switch state {
	case send.Pending, send.Sending:
		t.Pending += n
	case send.Sent:
		t.Sent += n
	case send.Deferred:
		t.Deferred += n
	case send.Failed:
		t.Failed += n
	case send.InDoubt:
		t.InDoubt += n
	case send.Skipped:
		t.Skipped += n
	}
}

// ranked are tallies with the most deliveries first.
func ranked(tallies map[string]*newsroom.Tally) []newsroom.Tally {
	all := make([]newsroom.Tally, 0, len(tallies))
	for _, t := range tallies {
		all = append(all, *t)
	}
	slices.SortFunc(all, func(a, b newsroom.Tally) int {
		return cmp.Or(cmp.Compare(b.All(), a.All()), cmp.Compare(a.Name, b.Name))
	})
	return all
}
