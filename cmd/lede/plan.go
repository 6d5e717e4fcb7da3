package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"lede/internal/config"
	"lede/newsroom"
	"lede/send"
)

// planOf makes the plan for sending, with the certificates loaded.
func planOf(cfg *config.Config) (send.Plan, error) {
	var plan send.Plan
	for _, c := range cfg.Relays {
		r, err := relayOf(c)
		if err != nil {
			return send.Plan{}, fmt.Errorf("relay %s: %w", c.ID, err)
		}
		plan.Relays = append(plan.Relays, r)
	}
	for _, c := range cfg.Routes {
		plan.Routes = append(plan.Routes, send.Route{
			Newsletters: c.Newsletters, Lists: c.Lists, Domains: c.Domains, Relays: c.Relays, Failover: c.Failover,
		})
	}
	for _, c := range cfg.Domains {
		plan.Domains = append(plan.Domains, send.Domain{
			ID: c.ID, Domains: c.Domains, Concurrency: int(c.Concurrency), Rate: send.Rate(c.Rate),
		})
	}
	return plan, nil
}

func relayOf(c config.Relay) (send.Relay, error) {
	r := send.Relay{
		ID: c.ID, Host: c.Host, Port: c.Port, TLS: c.TLS, Username: c.Username, Password: string(c.Password),
		Lanes: c.Lanes, Rate: send.Rate(c.Rate), Burst: int(c.Burst), Quota: int(c.Quota), Weight: c.Weight,
		Depth: c.Depth, Messages: c.Messages, Idle: time.Duration(c.Idle), Lifetime: time.Duration(c.Lifetime),
		NoPipelining: !c.Pipelining, NoChunking: !c.Chunking, Helo: c.Helo,
		Retry: send.Retry{First: time.Duration(c.Retry.First), Longest: time.Duration(c.Retry.Longest), GiveUpAfter: time.Duration(c.Retry.GiveUpAfter)},
	}
	if c.Auth != "auto" {
		r.Auth = c.Auth
	}
	if w := c.WarmUp; w != nil {
		r.WarmUp = &send.WarmUp{From: w.From.Time, First: w.First, Factor: float64(w.Factor), Last: w.Last}
	}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return r, fmt.Errorf("ca: %w", err)
		}
		r.CA = x509.NewCertPool()
		if !r.CA.AppendCertsFromPEM(pem) {
			return r, errors.New("ca: no certificate in PEM stands in " + c.CA)
		}
	}
	if c.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
		if err != nil {
			return r, fmt.Errorf("certificate: %w", err)
		}
		r.Certificate = &pair
	}
	return r, nil
}

// relaysFor lists the relays that may take mail of a newsletter: those of the
// routes that may fit, and its own where none fits all.
func relaysFor(cfg *config.Config, n config.Newsletter) []string {
	var relays []string
	for _, r := range cfg.Routes {
		if len(r.Newsletters) > 0 && !slices.Contains(r.Newsletters, n.ID) ||
			len(r.Lists) > 0 && !slices.ContainsFunc(n.Lists, func(list string) bool { return slices.Contains(r.Lists, list) }) {
			continue
		}
		relays = append(append(relays, r.Relays...), r.Failover...)
		// Whoever gets the newsletter is on one of its lists.
		all := !slices.ContainsFunc(n.Lists, func(list string) bool { return !slices.Contains(r.Lists, list) })
		if len(r.Domains) == 0 && (len(r.Lists) == 0 || all) {
			return unique(relays)
		}
	}
	return unique(append(relays, n.Relay))
}

// unique leaves the first of what comes more than once.
func unique(words []string) []string {
	var out []string
	for _, w := range words {
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// relayName writes the relays of a newsletter for a person.
func (h *house) relayName(n newsroom.Newsletter) string {
	var names []string
	for _, id := range n.Relays {
		i := slices.IndexFunc(h.plan.Relays, func(r send.Relay) bool { return r.ID == id })
		if i < 0 {
			names = append(names, id)
			continue
		}
		names = append(names, fmt.Sprintf("%s (%s:%d)", id, h.plan.Relays[i].Host, h.plan.Relays[i].Port))
	}
	return strings.Join(names, ", ")
}

// limits says in words what a relay takes, today.
func limits(r send.Relay, now time.Time) string {
	words := []string{counted(r.Lanes, "lane")}
	if r.Rate.Count > 0 {
		words = append(words, fmt.Sprintf("%d mails a %s", r.Rate.Count, span(r.Rate.Per)))
	}
	if r.Burst > 0 {
		words = append(words, fmt.Sprintf("%d at once", r.Burst))
	}
	switch ceiling := r.Ceiling(now); {
	case ceiling > 0 && ceiling != r.Quota:
		words = append(words, fmt.Sprintf("warming up: %d mails today (UTC)", ceiling))
	case ceiling > 0:
		words = append(words, fmt.Sprintf("%d mails a day (UTC)", ceiling))
	}
	return strings.Join(words, ", ")
}

func span(d time.Duration) string {
	return map[time.Duration]string{time.Second: "second", time.Minute: "minute", time.Hour: "hour", 24 * time.Hour: "day"}[d]
}

// words says what a route takes, and where to.
func words(r config.Route, plan send.Plan) string {
	var what []string
	if len(r.Newsletters) > 0 {
		what = append(what, "newsletter "+either(r.Newsletters))
	}
	if len(r.Lists) > 0 {
		what = append(what, "whoever is on list "+either(r.Lists))
	}
	if len(r.Domains) > 0 {
		what = append(what, "recipients at "+either(r.Domains))
	}
	if len(what) == 0 {
		what = []string{"everything"}
	}
	text := strings.Join(what, ", ") + " → " + shares(r.Relays, plan)
	if len(r.Failover) > 0 {
		text += ", else " + strings.Join(r.Failover, ", then ")
	}
	return text
}

// either lists the first few of some words, one of which is meant.
func either(words []string) string {
	const most = 4
	if len(words) > most {
		return strings.Join(words[:most], ", ") + " or " + numbered(len(words)-most, "other", "others")
	}
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// shares says how relays part their mails by weight.
func shares(relays []string, plan send.Plan) string {
	if len(relays) == 1 {
		return relays[0]
	}
	sum, weights := 0, map[string]int{}
	for _, r := range plan.Relays {
		weights[r.ID] = max(1, r.Weight)
	}
	for _, id := range relays {
		sum += weights[id]
	}
	var parts []string
	for _, id := range relays {
		parts = append(parts, fmt.Sprintf("%s (%d %%)", id, (weights[id]*100+sum/2)/sum))
	}
	return strings.Join(parts, " and ")
}

// plan says which relay takes what and how much, and warns of one that takes
// nothing.
func (c *checks) plan(h *house) {
	for i, r := range h.cfg.Routes {
		name := fmt.Sprintf("route %d", i+1)
		if r.ID != "" {
			name = "route " + r.ID
		}
		c.ok(name, "%s", words(r, h.plan))
	}
	for _, d := range h.plan.Domains {
		var limits []string
		if d.Concurrency > 0 {
			limits = append(limits, fmt.Sprintf("%s at a time", counted(d.Concurrency, "mail")))
		}
		if d.Rate.Count > 0 {
			limits = append(limits, fmt.Sprintf("%d a %s", d.Rate.Count, span(d.Rate.Per)))
		}
		c.ok("domains "+d.ID, "%s: %s", either(d.Domains), strings.Join(limits, ", "))
	}
	used := map[string]bool{}
	for _, n := range h.newsletters {
		used[n.Relay] = true // proofs and notices at least
		for _, id := range n.Relays {
			used[id] = true
		}
	}
	for _, r := range h.plan.Relays {
		c.ok("relay "+r.ID, "%s:%d, %s", r.Host, r.Port, limits(r, h.app.now()))
		if !used[r.ID] {
			c.add("warning", "relay "+r.ID, "no route and no newsletter uses it", "Name it in a route, or take it out.")
		}
	}
}
