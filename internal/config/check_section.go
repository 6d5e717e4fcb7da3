package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"lede/compose"
)

// section checks what the settings of one section say together.
func (c *checker) section(at string, s Section) {
	if !c.sound(at + ".kind") {
		return
	}
	// wrong complains of a setting that means nothing, or not that, for a kind.
	wrong := func(key, hint, format string, args ...any) {
		if path := at + "." + key; c.given(path) {
			c.complain(path, hint, format, args...)
		}
	}
	if s.MaxWords > 0 && s.MinWords > s.MaxWords {
		wrong("max_words", "", "%d is less than min_words (%d)", s.MaxWords, s.MinWords)
	}
	if s.Alternate && (s.Order == "oldest" || s.Order == "title") {
		wrong("alternate", "", "not together with order: %s: each says who follows whom", s.Order)
	}
	switch {
	case s.Empty == "say" && s.Say == "":
		wrong("empty", "say: Nothing on the quay this week.", "say is missing: the sentence to say")
	case s.Empty != "say" && s.Say != "":
		wrong("say", "", "this needs empty: say")
	}
	switch s.Kind {
	case "most_read":
		if len(s.From) == 0 && c.sound(at+".from") {
			c.complain(at, "name the feed of what is most read", "from is missing")
		}
		for _, key := range []string{"order", "prefer", "alternate", "per_source"} {
			wrong(key, "", "what is most read keeps its source's order")
		}
	case "archive":
		for _, key := range []string{"tags", "category", "min_words", "max_words", "max_age", "order", "prefer", "alternate", "per_source"} {
			wrong(key, "from, author and lang choose among what ran", "of no use for the archive: it keeps the order of the edition that ran")
		}
	case "events":
		for _, key := range []string{"order", "prefer", "alternate"} {
			wrong(key, "", "events stand in the order of their dates")
		}
	case "sponsor":
		if s.Order == "title" || s.Order == "oldest" {
			wrong("order", "", "our own sponsors stand before what a feed labels as sponsored: not in order %s", s.Order)
		}
	}
	if s.Kind != "archive" {
		wrong("ago", "", "this is for sections of kind archive")
	}
}

// correctionsOnce complains of a second section of corrections: they stand
// first, together.
func (c *checker) correctionsOnce(at string, sections []Section) {
	first := -1
	for i, s := range sections {
		switch {
		case s.Kind != "corrections":
		case first < 0:
			first = i
		default:
			c.complain(fmt.Sprintf("%s.sections[%d].kind", at, i), "", "sections[%d] is for corrections already: they stand together, above the lead", first)
		}
	}
}

var hostForm = regexp.MustCompile(`^([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$`)

// links checks which parameters links carry, and which links these are.
func (c *checker) links(at string, n *Newsletter) {
	for i, host := range n.OwnHosts {
		path := fmt.Sprintf("%s.own_hosts[%d]", at, i)
		if !c.given(path) {
			continue
		}
		if n.OwnHosts[i] = strings.ToLower(host); !hostForm.MatchString(n.OwnHosts[i]) {
			c.complain(path, "", "%q is no host: write it like harbour.example, without https:// and path; international names in their xn-- form", host)
		}
	}
	for _, p := range n.LinkParams {
		c.words(at+".link_params."+p.Name, p.Value, compose.ParamWords(), nil)
	}
	if len(n.LinkParams) > 0 && len(n.OwnHosts) == 0 && c.sound(at+".own_hosts") {
		c.complain(at+".link_params", "own_hosts: [harbour.example]", "own_hosts is missing: the hosts whose links get them")
	}
	names := make([]string, 0, len(n.LinkParams))
	for _, p := range n.LinkParams {
		if slices.Contains(names, strings.ToLower(p.Name)) {
			c.complain(at+".link_params."+p.Name, "", "given twice, in other letters")
		}
		names = append(names, strings.ToLower(p.Name))
	}
}
