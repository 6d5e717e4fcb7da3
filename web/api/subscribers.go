package api

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"lede/audience"
)

// subscriber is a person as the API shows it.
type subscriber struct {
	Address       string            `json:"address"`
	Name          string            `json:"name"`
	Attributes    map[string]string `json:"attributes"`
	Tags          []string          `json:"tags"`
	Created       time.Time         `json:"created"`
	Suppressed    string            `json:"suppressed,omitempty"` // why the address gets no mail at all
	Paused        time.Time         `json:"paused_until,omitzero"`
	Subscriptions []subscription    `json:"subscriptions"`
	Left          []string          `json:"left"` // newsletters
}

type subscription struct {
	List    string    `json:"list"`
	State   string    `json:"state"`
	Changed time.Time `json:"changed"`
	Consent string    `json:"consent"`
}

func subscriberOf(p audience.Person) subscriber {
	s := subscriber{
		Address: p.Address, Name: p.Name, Attributes: p.Attributes, Tags: p.Tags, Created: p.Created.UTC(), Suppressed: p.Suppressed,
		Subscriptions: []subscription{}, Left: p.OptedOut,
	}
	if s.Attributes == nil {
		s.Attributes = map[string]string{}
	}
	if s.Tags == nil {
		s.Tags = []string{}
	}
	if s.Left == nil {
		s.Left = []string{}
	}
	if !p.Paused.IsZero() {
		s.Paused = p.Paused.UTC()
	}
	for _, t := range p.Subscriptions {
		s.Subscriptions = append(s.Subscriptions, subscription{t.List, string(t.State), t.Changed.UTC(), t.Consent})
	}
	return s
}

// listSubscribers answers a page of people, in the order in which they came.
func listSubscribers(c *call) (reply, error) {
	f := Filter{List: c.query.Get("list"), State: c.query.Get("state"), Tag: c.query.Get("tag"), Now: c.now}
	states := []string{"", string(audience.Active), string(audience.Pending), string(audience.Unsubscribed), StateSuppressed}
	if !slices.Contains(states, f.State) {
		return reply{}, wrong("state", "expected active, pending, unsubscribed or suppressed")
	}
	var err error
	if where := c.query.Get("where"); where != "" {
		if f.Where, err = c.expression("where", where); err != nil {
			return reply{}, err
		}
	}
	if f.After, err = c.after(); err != nil {
		return reply{}, err
	}
	most, err := c.limit()
	if err != nil {
		return reply{}, err
	}
	f.Limit = most + 1
	people, err := c.People.People(c.ctx, f)
	if err != nil {
		return reply{}, err
	}
	p, data := page{}, []subscriber{}
	for i, person := range people {
		if i == most {
			p.Next = c.cursor(people[i-1].ID)
			break
		}
		data = append(data, subscriberOf(person))
	}
	p.Data = data
	return reply{status: http.StatusOK, body: p}, nil
}

func getSubscriber(c *call) (reply, error) {
	_, key, err := c.person()
	if err != nil {
		return reply{}, err
	}
	return c.shown(http.StatusOK, key)
}

// shown answers with a person as it is now.
func (c *call) shown(status int, key string) (reply, error) {
	p, err := c.API.People.Person(c.ctx, key)
	if err != nil {
		return reply{}, err
	}
	r := reply{status: status, body: subscriberOf(p), about: key}
	if status == http.StatusCreated {
		r.location = prefix + "/subscribers/" + url.PathEscape(p.Address)
	}
	return r, nil
}

// change is a profile as PATCH takes it (RFC 7396): what is not there stays.
type change struct {
	Name       *string            `json:"name"`
	Attributes map[string]*string `json:"attributes"` // null takes one away
	Tags       *[]string          `json:"tags"`       // all of them
}

func changeSubscriber(c *call) (reply, error) {
	_, key, err := c.person()
	if err != nil {
		return reply{}, err
	}
	var to change
	if err := c.decode(&to, false); err != nil {
		return reply{}, err
	}
	set := map[string]string{}
	for name, value := range to.Attributes {
		if value != nil {
			set[name] = *value
		}
	}
	name, tags := "", []string(nil)
	if to.Name != nil {
		name = *to.Name
	}
	if to.Tags != nil {
		tags = *to.Tags
	}
	if name, err = c.checkProfile(name, set, tags); err != nil {
		return reply{}, err
	}
	p, err := c.People.ChangeProfile(c.ctx, key, func(was audience.Person) (audience.Subscriber, error) {
		s := withAttributes(was.Subscriber, set)
		for name, value := range to.Attributes {
			if value == nil {
				delete(s.Attributes, name)
			}
		}
		if to.Name != nil {
			s.Name = name
		}
		if to.Tags != nil {
			s.Tags = distinct(tags)
		}
		return s, checkCount(s)
	})
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: subscriberOf(p), about: key}, nil
}

// withAttributes is a person with some attributes set.
func withAttributes(s audience.Subscriber, set map[string]string) audience.Subscriber {
	all := map[string]string{}
	for name, value := range s.Attributes {
		all[name] = value
	}
	for name, value := range set {
		all[name] = value
	}
	s.Attributes = all
	return s
}

func distinct(tags []string) []string {
	all := []string{}
	for _, t := range tags {
		if !slices.Contains(all, t) {
			all = append(all, t)
		}
	}
	return all
}

// Bounds of a profile: bytes of texts, and how many there may be.
const (
	maxAttributeName = 200
	maxValue         = 1000
	maxTag           = 200
	maxEntries       = 100
)

// checkProfile checks what a program says of a person, cleans the name, and
// brings declared attributes into the form of their types.
func (c *call) checkProfile(name string, attributes map[string]string, tags []string) (string, error) {
	cleaned, err := audience.CleanName(name)
	if err != nil {
		return "", wrong("name", err.Error())
	}
	for name, value := range attributes {
		field := fmt.Sprintf("attributes.%.60s", name)
		if err := checkText(name, maxAttributeName); err != nil || strings.TrimSpace(name) == "" {
			return "", wrong(field, "the name of an attribute is one line of 1 to 200 bytes")
		}
		if err := checkText(value, maxValue); err != nil {
			return "", wrong(field, err.Error())
		}
	}
	if name, err := c.API.Attributes.Clean(attributes); err != nil {
		return "", wrong("attributes."+name, err.Error())
	}
	for i, tag := range tags {
		if err := checkText(tag, maxTag); err != nil || tag == "" || tag != strings.TrimSpace(tag) {
			return "", wrong(fmt.Sprintf("tags.%d", i), "a tag is one line of 1 to 200 bytes without blanks around it")
		}
	}
	return cleaned, checkCount(audience.Subscriber{Attributes: attributes, Tags: tags})
}

// checkCount checks how much stands in a profile.
func checkCount(s audience.Subscriber) error {
	if len(s.Attributes) > maxEntries {
		return wrong("attributes", fmt.Sprintf("are more than %d", maxEntries))
	}
	if len(s.Tags) > maxEntries {
		return wrong("tags", fmt.Sprintf("are more than %d", maxEntries))
	}
	return nil
}

// checkText checks that a text is one line and not too long.
func checkText(text string, most int) error {
	if len(text) > most {
		return fmt.Errorf("is longer than %d bytes", most)
	}
	if strings.ContainsFunc(text, func(r rune) bool {
		return r < ' ' || 0x7f <= r && r < 0xa0 || r == '\u2028' || r == '\u2029' || r == '\uFFFD'
	}) {
		return fmt.Errorf("holds a line break, a control character, or what is no text")
	}
	return nil
}

// entry is a line of a history.
type entry struct {
	At    time.Time `json:"at"`
	Ended time.Time `json:"ended,omitzero"`
	What  string    `json:"what"`
	About string    `json:"about,omitempty"`
	State string    `json:"state,omitempty"`
	How   string    `json:"how,omitempty"`
	IP    string    `json:"ip,omitempty"`
	Text  string    `json:"agreed_to,omitempty"`
}

func historyOf(c *call) (reply, error) {
	_, key, err := c.person()
	if err != nil {
		return reply{}, err
	}
	entries, err := c.People.PersonHistory(c.ctx, key)
	if err != nil {
		return reply{}, err
	}
	data := []entry{}
	for _, e := range entries {
		data = append(data, entry(e))
	}
	return reply{status: http.StatusOK, body: page{Data: data}}, nil
}
