// Package lint says what would go wrong in an inbox, before the send.
//
// It is pure: it looks at the newsletter, the edition and the rendered letter,
// and at facts that its caller gathered. Each finding names its rule, how
// grave it is, where it stands, which mail programs it concerns, and what to
// do about it.
package lint

import (
	"slices"

	"lede/compose"
)

// The severities of findings. An error stops a send.
const (
	Error   = "error"
	Warning = "warning"
	Note    = "note"
)

// Finding is one thing that would go wrong.
type Finding struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"` // error | warning | note
	Place    string `json:"place"`
	Clients  string `json:"clients"` // whom it concerns: "Gmail", "all"
	Message  string `json:"message"`
	Remedy   string `json:"remedy"`
}

// Facts is what can't be known from a letter alone.
type Facts struct {
	Loopback bool              // the relay is on loopback: the letter leaves this machine for nowhere
	Subjects []string          // of earlier editions, newest first
	Folders  map[string]string // source id → folder of story files, to name the file in a remedy
}

// letter is what the rules look at.
type letter struct {
	recipe  compose.Recipe
	edition compose.Edition
	letter  compose.Letter
	facts   Facts
	page    page
}

// Check holds a letter against all rules. Errors come first, then warnings,
// then notes; within these, in the order of the rules.
func Check(r compose.Recipe, e compose.Edition, l compose.Letter, f Facts) []Finding {
	in := letter{recipe: r, edition: e, letter: l, facts: f, page: readPage(l.HTML)}
	findings := []Finding{}
	for _, rule := range []func(letter) []Finding{
		htmlSize, styleSize, subject, preheader, pictures, postalAddress, unsubscribe, baseURL,
		links, textPart, fieldsLeft, languageKnown,
	} {
		findings = append(findings, rule(in)...)
	}
	grave := map[string]int{Error: 0, Warning: 1, Note: 2}
	slices.SortStableFunc(findings, func(a, b Finding) int { return grave[a.Severity] - grave[b.Severity] })
	return findings
}
