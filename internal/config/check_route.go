package config

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

// domains checks the groups of recipient domains: a domain is in one of them.
func (c *checker) domains() {
	c.notEmpty("domains", len(c.Domains))
	c.ids("domains", len(c.Domains), func(i int) string { return c.Domains[i].ID })
	groups := map[string]string{} // path of the first mention, by domain
	for i := range c.Domains {
		d, at := &c.Domains[i], fmt.Sprintf("domains[%d]", i)
		if !c.sound(at) {
			continue
		}
		c.notEmpty(at+".domains", len(d.Domains))
		for j := range d.Domains {
			path := fmt.Sprintf("%s.domains[%d]", at, j)
			if !c.given(path) || !c.domain(path, &d.Domains[j]) {
				continue
			}
			if first, twice := groups[d.Domains[j]]; twice {
				c.complain(path, "", "%q is %s too: a domain belongs to one group", d.Domains[j], first)
				continue
			}
			groups[d.Domains[j]] = path
		}
		c.count(at+".concurrency", d.Concurrency, "sends nothing; leave it out for no limit")
		if c.given(at+".id") && c.sound(at+".concurrency") && c.sound(at+".rate") && d.Concurrency == 0 && d.Rate.Count == 0 {
			c.complain(at, "", "neither concurrency nor rate: this changes nothing")
		}
	}
}

// domain turns a recipient domain to lower-case ASCII.
func (c *checker) domain(path string, domain *string) bool {
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(*domain, "."))
	if err != nil || !hostName(ascii) {
		c.complain(path, "subdomains are listed one by one", "%q is no domain: write it like example.org", *domain)
		return false
	}
	*domain = strings.ToLower(ascii)
	return true
}

// routes checks the routes: whom they name must be there.
func (c *checker) routes(relays []string) {
	c.notEmpty("routes", len(c.Routes))
	var newsletters, lists, groups, ids []string
	for _, n := range c.Newsletters {
		newsletters = append(newsletters, n.ID)
		lists = append(lists, n.Lists...)
	}
	for _, d := range c.Domains {
		groups = append(groups, d.ID)
	}
	slices.Sort(lists)
	lists = slices.Compact(lists)
	for i := range c.Routes {
		r, at := &c.Routes[i], fmt.Sprintf("routes[%d]", i)
		if !c.sound(at) {
			continue
		}
		if path := at + ".id"; c.given(path) {
			switch first := slices.Index(ids, r.ID); {
			case !idForm.MatchString(r.ID):
				c.complain(path, "", "%q is no id: up to 40 of a-z, 0-9 and -", r.ID)
			case first >= 0:
				c.complain(path, "", "%q is the id of routes[%d] too", r.ID, first)
			}
		}
		ids = append(ids, r.ID)
		for key, list := range map[string][]string{"newsletters": r.Newsletters, "lists": r.Lists, "domains": r.Domains} {
			c.notEmpty(at+"."+key, len(list))
		}
		c.known(at+".newsletters", r.Newsletters, newsletters, "there is no newsletter %q%s")
		c.known(at+".lists", r.Lists, lists, "no newsletter goes to a list %q%s")
		r.Domains = c.routeDomains(at+".domains", r.Domains, groups)

		c.notEmpty(at+".relays", len(r.Relays))
		if relays != nil {
			c.known(at+".relays", r.Relays, relays, "there is no relay %q%s")
			c.known(at+".failover", r.Failover, relays, "there is no relay %q%s")
		}
		c.once(at, "relays", r.Relays, nil)
		c.once(at, "failover", r.Failover, r.Relays)
		c.reached(i)
	}
}

// known checks the members of a list against those that there are.
func (c *checker) known(path string, list, known []string, format string) {
	for i, word := range list {
		if at := fmt.Sprintf("%s[%d]", path, i); c.given(at) && !slices.Contains(known, word) {
			c.complain(at, "", format, word, didYouMean(word, known))
		}
	}
}

// once checks that no relay is named twice in a route.
func (c *checker) once(at, key string, relays, before []string) {
	for i, id := range relays {
		if path := fmt.Sprintf("%s.%s[%d]", at, key, i); c.given(path) && (slices.Contains(relays[:i], id) || slices.Contains(before, id)) {
			c.complain(path, "", "%q is named twice in this route", id)
		}
	}
}

// routeDomains puts the domains of a group in the place of its id, which unlike
// a domain has no dot.
func (c *checker) routeDomains(path string, domains, groups []string) []string {
	var all []string
	for i, domain := range domains {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch group := slices.Index(groups, domain); {
		case !c.given(at):
		case group >= 0:
			all = append(all, c.Domains[group].Domains...)
		case !strings.Contains(domain, "."):
			c.complain(at, "", "there is no group %q in domains%s", domain, didYouMean(domain, groups))
		case c.domain(at, &domain):
			all = append(all, domain)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// reached warns of a route behind one that takes everything.
func (c *checker) reached(i int) {
	if i == 0 {
		return
	}
	if r := c.Routes[i-1]; len(r.Newsletters)+len(r.Lists)+len(r.Domains) == 0 {
		c.warn("routes[%d] takes everything: the routes behind it hold for nothing", i-1)
	}
}
