package audience

import (
	"slices"
	"strings"
)

// service is a program or provider whose exports are known.
type service struct {
	name  string // as --format takes it
	title string // as people call it
	// marks are sets of headings, in the spelling of heading; a file that has
	// all of one set is the service's.
	marks [][]string
	// note is what its files never say, for the person who imports; empty if
	// they say all.
	note string
	// asks says that its files don't tell who left, and that somebody must.
	asks bool
	// drop are headings whose cells mean nothing outside the service.
	drop []string
	// packed are headings of columns that hold a JSON object of attributes.
	packed []string
	// stated says that the column of states has one heading, so that no other is
	// taken for it.
	stated bool
	// decide says what a row is where the columns must be read together; s is
	// what the strongest of them says.
	decide func(c *columns, fields []string, s standing) standing
}

// services are those whose exports are known, the more particular first.
var services = []service{
	{
		name: "lede", title: "Lede", stated: true,
		marks:  [][]string{{"email", "status", "consent record", "suppressed"}},
		decide: decideLede,
	},
	{
		name: "mailchimp", title: "Mailchimp",
		marks: [][]string{{"member rating", "leid", "euid"}, {"optin time", "optin ip", "confirm time", "last changed"}},
		drop:  []string{"leid", "euid"},
	},
	{
		name: "listmonk", title: "listmonk", stated: true,
		marks:  [][]string{{"uuid", "email", "attributes", "status"}},
		packed: []string{"attributes"},
		note:   "listmonk's file does not say who unsubscribed from a list; if it was exported with a filter for unsubscribed or unconfirmed people, say so: --state unsubscribed",
	},
	{
		name: "keila", title: "Keila", stated: true,
		marks:  [][]string{{"email", "data", "status", "external id"}, {"email", "first name", "last name", "data", "status"}},
		packed: []string{"data"},
	},
	{
		name: "mailtrain", title: "Mailtrain", stated: true,
		marks: [][]string{{"cid", "hash email"}},
		drop:  []string{"cid", "hash email"},
	},
	{
		name: "phplist", title: "phpList",
		marks: [][]string{
			{"is this subscriber confirmed"},
			{"is this subscriber blacklisted"},
			{"did this subscriber manually confirm"},
			{"send this subscriber html emails"},
		},
		drop:   []string{"id", "unique id", "send this subscriber html emails", "rss frequency", "did this subscriber manually confirm", "number of bounces", "last modified"},
		decide: decidePHPList,
	},
	{
		name: "ghost", title: "Ghost", stated: true,
		marks: [][]string{{"subscribed to emails", "complimentary plan"}, {"subscribed to emails", "stripe customer id"}, {"complimentary plan", "stripe customer id", "labels"}},
		note:  "Ghost's file does not say whose mail bounced or who complained: some of them stand as subscribed",
	},
	{
		name: "substack", title: "Substack", stated: true,
		marks:  [][]string{{"active subscription", "email disabled"}, {"email disabled", "prefer digests"}, {"email disabled", "expiry"}},
		decide: decideSubstack,
	},
	{
		name: "buttondown", title: "Buttondown", stated: true,
		marks: [][]string{{"subscriber type", "secondary id"}, {"subscriber type", "subscription date"}, {"subscriber type", "creation date"}},
		drop:  []string{"secondary id"},
	},
	{
		name: "beehiiv", title: "beehiiv", stated: true,
		marks: [][]string{{"status", "tier", "unsubscribed at"}, {"status", "tier", "created at", "stripe customer id"}},
	},
	{
		name: "mailpoet", title: "MailPoet",
		marks:  [][]string{{"list status", "global status"}},
		decide: decideMailPoet,
	},
	{
		name: "mautic", title: "Mautic",
		marks: [][]string{{"points", "preferred locale", "attribution date"}, {"firstname", "lastname", "points", "last active"}, {"email", "points", "attribution", "foursquare"}},
		asks:  true,
		note:  "Mautic's file does not say who unsubscribed or must not be contacted",
		drop:  []string{"id"},
	},
	{
		name: "mailerlite", title: "MailerLite",
		marks: [][]string{{"subscriber", "name", "last name"}, {"subscriber", "groups"}, {"subscriber", "subscribed"}, {"subscriber", "last name"}},
	},
	{name: "sendy", title: "Sendy"},
	{name: "medium", title: "Medium"},
}

// plainFormats are the values of --format that say how a file is written, and
// not whose it is.
var plainFormats = []string{"csv", "tsv", "xlsx", "json", "jsonl", "vcard"}

// Formats are the values that ImportOptions.Format takes.
func Formats() []string {
	all := slices.Clone(plainFormats)
	for i := range services {
		all = append(all, services[i].name)
	}
	return all
}

// serviceNamed returns the service with a name, nil if there is none.
func serviceNamed(name string) *service {
	for i := range services {
		if services[i].name == name {
			return &services[i]
		}
	}
	return nil
}

// serviceOf tells by its headings whose a file is; nil: nobody's that is known.
func serviceOf(heads []string) *service {
	for i := range services {
		for _, set := range services[i].marks {
			if !slices.ContainsFunc(set, func(h string) bool { return !slices.Contains(heads, h) }) {
				return &services[i]
			}
		}
	}
	return nil
}

// decidePHPList reads phpList's flags together: a blacklisted person has left
// whatever else is said, and one that phpList unconfirmed because mail bounced
// is told by a bounce count beside a confirmation by hand.
func decidePHPList(c *columns, fields []string, s standing) standing {
	on := func(h string) bool {
		i, ok := c.places[h]
		return ok && strings.Trim(fields[i], " 0") != ""
	}
	_, told := c.places["is this subscriber confirmed"]
	switch {
	case on("is this subscriber blacklisted"):
		return gone
	case on("is this account disabled"):
		return gone
	case told && !on("is this subscriber confirmed") && s < complained:
		if on("number of bounces") && on("did this subscriber manually confirm") {
			return bounced
		}
		if s == gone {
			return gone // on no list
		}
		return max(s, waits)
	}
	return s
}

// decideSubstack leaves out whom Substack has erased.
func decideSubstack(c *columns, fields []string, s standing) standing {
	if strings.HasSuffix(strings.ToLower(strings.TrimSpace(fields[c.email])), "@deletion-request.substack.com") {
		return never
	}
	return s
}

// decideMailPoet reads MailPoet's two states: the global one decides, but where
// it is only "subscribed" or "inactive" (does not open) the list's does.
func decideMailPoet(c *columns, fields []string, s standing) standing {
	if c.global < 0 {
		return s
	}
	if global := c.globalStanding(fields); global != wants {
		return global
	}
	list := wants
	for i := range c.tellers {
		if t := &c.tellers[i]; t.at != c.global {
			list = max(list, t.read(fields[t.at]))
		}
	}
	return list
}

// sendyStates are the words at the end of the names of Sendy's files.
var sendyStates = []string{"active", "unconfirmed", "unsubscribed", "bounced", "marked as spam"}

// sendyTells says whether a file's name ends as Sendy's do for one state.
func sendyTells(name string) bool {
	h := heading(strings.TrimSuffix(name, ".csv"))
	return slices.ContainsFunc(sendyStates, func(word string) bool { return strings.HasSuffix(h, " "+word) })
}

// isSendy says whether a file is Sendy's: no headings, a name, an address, then
// custom fields, and the state at the end of the file's name. forced says that
// the user says so.
func isSendy(name string, first []string, forced *service) bool {
	if len(first) < 2 || isAddress(first[0]) || !isAddress(first[1]) {
		return false
	}
	if forced != nil {
		return forced.name == "sendy"
	}
	return sendyTells(name) || strings.HasSuffix(heading(strings.TrimSuffix(name, ".csv")), " all")
}

// tagLists makes tags of the lists that the person is on.
func (c *columns) tagLists(row *Row, fields []string) {
	for name := range strings.SplitSeq(fields[c.lists], ";") {
		if name = cleanValue(name); name != "" && !tooLong(name, maxName) {
			row.tag(name)
		}
	}
}

// perList says whether a person stands in the file once for each list.
func (c *columns) perList() bool {
	return c.service != nil && c.service.name == "mailpoet" && c.global >= 0
}

// globalStanding is what MailPoet's state for all lists says; "inactive" is who
// does not open.
func (c *columns) globalStanding(fields []string) standing {
	w := heading(fields[c.global])
	if w == "inactive" {
		return wants
	}
	return stand(byWord, gone, w)
}
