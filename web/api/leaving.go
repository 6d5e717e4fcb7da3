package api

import (
	"net/http"
	"slices"
	"strings"

	"lede/audience"
)

// unsubscribe ends what a person gets: everything, a newsletter or a list.
func unsubscribe(c *call) (reply, error) {
	_, key, err := c.person()
	if err != nil {
		return reply{}, err
	}
	var from struct {
		List       string `json:"list"`
		Newsletter string `json:"newsletter"`
	}
	if err := c.decode(&from, true); err != nil {
		return reply{}, err
	}
	if from.List != "" && from.Newsletter != "" {
		return reply{}, wrong("list", "a list or a newsletter, not both")
	}
	p, err := c.People.Person(c.ctx, key)
	if err != nil {
		return reply{}, err
	}
	switch {
	case from.List != "":
		known, err := c.knownList(from.List)
		if err != nil {
			return reply{}, err
		}
		if !known {
			return reply{}, wrong("list", "there is no such list")
		}
		err = c.People.LeaveList(c.ctx, p.ID, from.List, c.way(), c.now)
		if err != nil {
			return reply{}, err
		}
	case from.Newsletter != "":
		at := slices.IndexFunc(c.Newsletters, func(n Newsletter) bool { return n.ID == from.Newsletter })
		if at < 0 {
			return reply{}, wrong("newsletter", "there is no such newsletter")
		}
		if err := c.People.Leave(c.ctx, p.ID, from.Newsletter, c.Newsletters[at].Own, c.way(), c.now); err != nil {
			return reply{}, err
		}
	default:
		var all []string
		for _, n := range c.Newsletters {
			all = append(all, n.ID)
		}
		if err := c.People.LeaveAll(c.ctx, p.ID, all, c.way(), c.now); err != nil {
			return reply{}, err
		}
	}
	return c.shown(http.StatusOK, key)
}

// suppress keeps an address, known or not, from all mail.
func suppress(c *call) (reply, error) {
	address, key, err := c.person()
	if err != nil {
		return reply{}, err
	}
	var why struct {
		Reason string `json:"reason"`
		Note   string `json:"note"`
	}
	if err := c.decode(&why, true); err != nil {
		return reply{}, err
	}
	if why.Reason == "" {
		why.Reason = audience.ReasonByHand
	}
	if !slices.Contains([]string{audience.ReasonBounce, audience.ReasonComplaint, audience.ReasonByHand}, why.Reason) {
		return reply{}, wrong("reason", "expected bounce, complaint or by-hand")
	}
	if err := checkText(why.Note, maxValue); err != nil {
		return reply{}, wrong("note", err.Error())
	}
	note := strings.TrimSuffix(c.way()+": "+why.Note, ": ")
	if err := c.People.Suppress(c.ctx, audience.Suppression{Address: address, Reason: why.Reason, Note: note, At: c.now}); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: map[string]string{"address": address, "suppressed": why.Reason}, about: key}, nil
}

// eraseSubscriber erases a person for good.
func eraseSubscriber(c *call) (reply, error) {
	_, key, err := c.person()
	if err != nil {
		return reply{}, err
	}
	if err := c.People.Forget(c.ctx, key, c.now); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusNoContent}, nil
}
