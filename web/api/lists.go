package api

import (
	"net/http"
	"slices"
	"strings"
)

// list is a list with its people by state. Suppressed ones count in their state
// too.
type list struct {
	List         string   `json:"list"`
	Newsletters  []string `json:"newsletters"` // that go to it
	Active       int      `json:"active"`
	Pending      int      `json:"pending"`
	Unsubscribed int      `json:"unsubscribed"`
	Suppressed   int      `json:"suppressed"`
}

func listLists(c *call) (reply, error) {
	counted, err := c.counted.of(c.ctx, c.now, c.Lists.ListStates)
	if err != nil {
		return reply{}, err
	}
	all := map[string]*list{}
	at := func(id string) *list {
		if all[id] == nil {
			all[id] = &list{List: id, Newsletters: []string{}}
		}
		return all[id]
	}
	for _, l := range counted {
		x := at(l.List)
		x.Active, x.Pending, x.Unsubscribed, x.Suppressed = l.Active, l.Pending, l.Unsubscribed, l.Suppressed
	}
	for _, id := range c.MoreLists {
		at(id)
	}
	for _, n := range c.Newsletters {
		for _, id := range n.Lists {
			at(id).Newsletters = append(at(id).Newsletters, n.ID)
		}
	}
	data := []list{}
	for _, l := range all {
		data = append(data, *l)
	}
	slices.SortFunc(data, func(a, b list) int { return strings.Compare(a.List, b.List) })
	return reply{status: http.StatusOK, body: page{Data: data}}, nil
}

// named is a segment of the configuration.
type named struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Where string `json:"where"`
}

func listSegments(c *call) (reply, error) {
	data := []named{}
	for _, s := range c.Segments {
		data = append(data, named{s.ID, s.Name, s.Where.String()})
	}
	return reply{status: http.StatusOK, body: page{Data: data}}, nil
}

// countSegment counts whom an expression means.
func countSegment(c *call) (reply, error) {
	var of struct {
		Where string `json:"where"`
		List  string `json:"list"`
	}
	if err := c.decode(&of, false); err != nil {
		return reply{}, err
	}
	where, err := c.expression("where", of.Where)
	if err != nil {
		return reply{}, err
	}
	if of.List != "" {
		known, err := c.knownList(of.List)
		if err != nil {
			return reply{}, err
		}
		if !known {
			return reply{}, wrong("list", "there is no such list")
		}
	}
	n, err := c.Counts.CountSegment(c.ctx, where, of.List, c.now)
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: map[string]any{"where": where.String(), "list": of.List, "count": n}}, nil
}
