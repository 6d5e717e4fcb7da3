package api

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"lede/audience"
)

// put is a person as POST /subscribers takes it.
type put struct {
	Address    string            `json:"address"`
	Name       string            `json:"name"`
	Attributes map[string]string `json:"attributes"`
	Tags       []string          `json:"tags"`
	Consent    string            `json:"consent"` // what the person agreed to, when and where
	IP         string            `json:"ip"`      // from where

	List  string `json:"list"`
	State string `json:"state"` // active or pending; empty: active

	Confirm    bool   `json:"confirm"` // ask the person by mail
	Newsletter string `json:"newsletter"`
	Language   string `json:"language"`
	Timezone   string `json:"timezone"`
}

// maxConsent is how long the text of a consent may be, in bytes.
const maxConsent = 1000

// putSubscriber takes a person in, or changes it: by asking it by mail, or on
// the word of the program that it agreed.
func putSubscriber(c *call) (reply, error) {
	var p put
	if err := c.decode(&p, false); err != nil {
		return reply{}, err
	}
	address, key, domain, err := audience.ParseAddress(p.Address)
	if err != nil {
		return reply{}, wrong("address", err.Error())
	}
	if p.Name, err = c.checkProfile(p.Name, p.Attributes, p.Tags); err != nil {
		return reply{}, err
	}
	p.Consent = strings.Join(strings.Fields(p.Consent), " ")
	if err := checkText(p.Consent, maxConsent); err != nil {
		return reply{}, wrong("consent", err.Error())
	}
	if p.IP != "" {
		ip, err := netip.ParseAddr(p.IP)
		if err != nil || ip.Zone() != "" {
			return reply{}, wrong("ip", "expected an IP address")
		}
		p.IP = ip.String()
	}
	if p.Confirm {
		return c.ask(p, key)
	}
	row := audience.Row{Address: address, Key: key, Domain: domain, Name: p.Name, Attributes: p.Attributes, Tags: distinct(p.Tags), IP: p.IP}
	return c.put(p, row)
}

// ask signs somebody up, who confirms it by mail. The answer is the same
// whoever it is.
func (c *call) ask(p put, key string) (reply, error) {
	at := slices.IndexFunc(c.Newsletters, func(n Newsletter) bool { return n.ID == p.Newsletter })
	switch {
	case at < 0:
		return reply{}, wrong("newsletter", "there is no such newsletter")
	case p.List != "" && !slices.Contains(c.Newsletters[at].Lists, p.List):
		return reply{}, wrong("list", "the newsletter does not go to this list")
	case p.State != "":
		return reply{}, wrong("state", "who is asked by mail is pending until then")
	case len(p.Tags) > 0:
		return reply{}, wrong("tags", "who is asked by mail gets tags later, by PATCH")
	}
	s := audience.SignUp{
		Newsletter: p.Newsletter, Address: p.Address, Name: p.Name, Language: p.Language, Timezone: p.Timezone, Attributes: p.Attributes,
		Way: audience.Way{How: c.way(), IP: p.IP, Text: p.Consent},
	}
	if p.List != "" {
		s.Lists = []string{p.List}
	}
	if _, err := s.Clean(); err != nil {
		return reply{}, wrong("", err.Error())
	}
	if err := c.SignUp(c.ctx, p.Newsletter, s); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusAccepted, body: map[string]string{"result": "if the address may get mail, it is asked"}, about: key}, nil
}

// put subscribes somebody on the program's word. Nobody comes back by it.
func (c *call) put(p put, row audience.Row) (reply, error) {
	known, err := c.knownList(p.List)
	switch {
	case err != nil:
		return reply{}, err
	case !known:
		return reply{}, wrong("list", "there is no such list")
	case p.Consent == "":
		return reply{}, wrong("consent", "say what the person agreed to, when and where; or confirm: true asks the person")
	case p.Newsletter != "" || p.Language != "" || p.Timezone != "":
		return reply{}, wrong("confirm", "newsletter, language and timezone belong to confirm: true")
	case p.State != "" && p.State != string(audience.Active) && p.State != string(audience.Pending):
		return reply{}, wrong("state", "expected active or pending")
	}
	status := http.StatusOK
	was, err := c.People.Person(c.ctx, row.Key)
	if errors.Is(err, audience.ErrNobody) {
		status = http.StatusCreated
	} else if err != nil {
		return reply{}, err
	}
	if c.left(was, p.List) {
		return reply{}, errLeft()
	}
	how := c.way() + ": " + p.Consent
	if p.State == string(audience.Pending) {
		row.State = audience.Pending
		done, err := c.People.ImportChunk(c.ctx, audience.Intake{List: p.List, Consent: how}, []audience.Row{row}, c.now)
		if err != nil {
			return reply{}, err
		}
		if done.KeptOut > 0 {
			return reply{}, errLeft()
		}
	} else {
		found, err := c.People.Add(c.ctx, p.List, row, how, false, c.now)
		switch {
		case err != nil:
			return reply{}, err
		case found != "added" && found != "already active":
			return reply{}, errLeft()
		}
	}
	if status == http.StatusOK {
		_, err := c.People.ChangeProfile(c.ctx, row.Key, func(was audience.Person) (audience.Subscriber, error) {
			s := withAttributes(was.Subscriber, row.Attributes)
			s.Tags = distinct(append(slices.Clone(s.Tags), row.Tags...))
			if row.Name != "" {
				s.Name = row.Name
			}
			return s, checkCount(s)
		})
		if err != nil {
			return reply{}, err
		}
	}
	return c.shown(status, row.Key)
}

// errLeft says that somebody can come back only by a mail of ours.
func errLeft() *problem {
	return conflict("left", "the person left, was erased, or gets no mail; only the person comes back: confirm: true asks by mail whom mail may reach")
}

// left says whether a person left every newsletter that goes to a list, though
// not the list: others went to it too.
func (c *call) left(p audience.Person, list string) bool {
	going, left := 0, 0
	for _, n := range c.Newsletters {
		if slices.Contains(n.Lists, list) {
			going++
			if slices.Contains(p.OptedOut, n.ID) {
				left++
			}
		}
	}
	return going > 0 && going == left
}

// knownList says whether a newsletter goes to a list, or it is known otherwise.
func (c *call) knownList(list string) (bool, error) {
	if slices.Contains(c.MoreLists, list) || slices.ContainsFunc(c.Newsletters, func(n Newsletter) bool { return slices.Contains(n.Lists, list) }) {
		return true, nil
	}
	if list == "" {
		return false, nil
	}
	all, err := c.Lists.ListNames(c.ctx)
	return slices.Contains(all, list), err
}
