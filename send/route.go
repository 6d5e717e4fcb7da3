package send

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// group is the relays that share the deliveries of a route, or a newsletter's
// one relay. Editions that are sent at the same time share its turns.
type group struct {
	members  []*gateway
	failover []*gateway // in this order, when no member works

	mu     sync.Mutex
	credit []int // of the members: smooth weighted round robin
}

func newGroup(members, failover []*gateway) *group {
	return &group{members: members, failover: failover, credit: make([]int, len(members))}
}

// turn returns whose turn it is among the members that may be used, none being
// -1. It is taken by take.
func (g *group) turn(credit []int, may func(*gateway) bool) int {
	best, most := -1, 0
	for i, m := range g.members {
		if !may(m) {
			continue
		}
		if c := credit[i] + m.weight(); best < 0 || c > most {
			best, most = i, c
		}
	}
	return best
}

// take takes the turn of a member.
func (g *group) take(credit []int, best int, may func(*gateway) bool) {
	total := 0
	for i, m := range g.members {
		if may(m) {
			credit[i] += m.weight()
			total += m.weight()
		}
	}
	credit[best] -= total
}

// route is a Route whose relays are known.
type route struct {
	newsletters, lists []string
	domains            map[string]bool // nil: any
	group              *group
}

// routes makes the plan's routes ready for use.
func routes(plan Plan, gateways map[string]*gateway) ([]route, error) {
	find := func(i int, ids []string) (found []*gateway, err error) {
		for _, id := range ids {
			g, ok := gateways[id]
			if !ok {
				return nil, fmt.Errorf("route %d: no relay %q", i+1, id)
			}
			found = append(found, g)
		}
		return found, nil
	}
	made := make([]route, 0, len(plan.Routes))
	for i, r := range plan.Routes {
		members, err := find(i, r.Relays)
		if err != nil {
			return nil, err
		}
		failover, err := find(i, r.Failover)
		if err != nil {
			return nil, err
		}
		if len(members) == 0 {
			return nil, fmt.Errorf("route %d: no relays", i+1)
		}
		ready := route{newsletters: r.Newsletters, lists: r.Lists, group: newGroup(members, failover)}
		if len(r.Domains) > 0 {
			ready.domains = map[string]bool{}
			for _, domain := range r.Domains {
				ready.domains[domain] = true
			}
		}
		made = append(made, ready)
	}
	return made, nil
}

// chart is what the deliveries of one job need to find their relay and their
// time.
type chart struct {
	edition string
	routes  []route // that may fit
	rest    *group  // takes what no route fits; nil: every delivery fits one
	relays  []*gateway
	lists   []string // that routes ask for
	gates   *gates
}

// chart draws the chart of a job.
func (d *Dispatcher) chart(j Job) (*chart, error) {
	if d.broken != nil {
		return nil, d.broken
	}
	c := &chart{edition: j.Edition, gates: d.gates}
	open := true // a delivery may fit no route
	for _, r := range d.routes {
		if len(r.newsletters) > 0 && !slices.Contains(r.newsletters, j.Newsletter) {
			continue
		}
		c.routes = append(c.routes, r)
		for _, list := range r.lists {
			if !slices.Contains(c.lists, list) {
				c.lists = append(c.lists, list)
			}
		}
		if len(r.lists) == 0 && r.domains == nil {
			open = false
			break
		}
	}
	if open {
		if _, err := d.gateway(j.Relay); err != nil {
			return nil, err
		}
		c.rest = d.alone[j.Relay]
	}
	for _, g := range c.groups() {
		for _, m := range slices.Concat(g.members, g.failover) {
			if !slices.Contains(c.relays, m) {
				c.relays = append(c.relays, m)
			}
		}
	}
	return c, nil
}

// groups returns all that deliveries may go to.
func (c *chart) groups() []*group {
	var all []*group
	for _, r := range c.routes {
		all = append(all, r.group)
	}
	if c.rest != nil {
		all = append(all, c.rest)
	}
	return all
}

// only returns the one group that takes all deliveries, nil if there are more.
func (c *chart) only() *group {
	switch {
	case len(c.routes) == 0:
		return c.rest
	case len(c.routes) == 1 && c.rest == nil:
		return c.routes[0].group
	default:
		return nil
	}
}

// route returns the group of a delivery: of the first route that fits.
func (c *chart) route(d *Delivery) *group {
	for _, r := range c.routes {
		if r.domains != nil && !r.domains[d.Domain] {
			continue
		}
		if len(r.lists) > 0 && !slices.ContainsFunc(d.Lists, func(l string) bool { return slices.Contains(r.lists, l) }) {
			continue
		}
		return r.group
	}
	return c.rest
}

// load asks the ledger what the relays took today.
func (c *chart) load(ctx context.Context, l Ledger) error {
	for _, g := range c.relays {
		if err := g.quota.load(ctx, l, time.Now()); err != nil {
			return err
		}
	}
	return nil
}

// trouble says why nothing can go now, and when it may be tried again; nil when
// a relay may be tried.
func (c *chart) trouble(now time.Time) (why *Trouble, until time.Time) {
	return resume(c.relays, now)
}

// resume says which of relays may be tried again first, and when; nil when one
// may be tried now.
func resume(relays []*gateway, now time.Time) (why *Trouble, until time.Time) {
	for _, g := range relays {
		t, at := g.closed(now)
		if t == nil {
			return nil, time.Time{}
		}
		if why == nil || at.Before(until) {
			why, until = t, at
		}
	}
	return why, until
}

// first returns the relays that a tour begins with; nil when only the
// deliveries tell.
func (c *chart) first(now time.Time) []*gateway {
	only := c.only()
	if only == nil {
		return nil
	}
	working := []*gateway{}
	for _, g := range only.members {
		if t, _ := g.closed(now); t == nil {
			working = append(working, g)
		}
	}
	for _, g := range only.failover {
		if t, _ := g.closed(now); t == nil && len(working) == 0 {
			working = append(working, g)
		}
	}
	return working
}
