// Package lint says what would go wrong in an inbox, before the send.
//
// It is pure: it looks at the newsletter, the edition and the rendered letter,
// or at anyone's mail, and at facts that its caller gathered. Each finding names
// its rule, how grave it is, where it stands, which mail programs it concerns,
// and what to do about it. Rules lists all rules; docs/lint.md tells them.
package lint

import (
	"slices"
	"strings"

	"lede/compose"
)

// The severities of findings. An error stops a send.
const (
	Error   = "error"
	Warning = "warning"
	Note    = "note"
)

// Off is the level of a rule that is not asked.
const Off = "off"

// Finding is one thing that would go wrong.
type Finding struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"` // error | warning | note
	Place    string `json:"place"`
	Clients  string `json:"clients"` // whom it concerns: "Gmail", "all"
	Message  string `json:"message"`
	Remedy   string `json:"remedy"`
}

// Facts is what can't be known from a letter alone. The zero value is good: what
// is not there is not judged.
type Facts struct {
	Loopback  bool              // the relay is on loopback: the letter leaves this machine for nowhere
	Subjects  []string          // of earlier editions, newest first
	Folders   map[string]string // source id → folder of story files, to name the file in a remedy
	Levels    map[string]string // rule → error, warning, note or off, instead of its own severity
	Clients   []string          // ids of the clients that findings name; empty: those of MainClients
	Links     map[string]Visit  // what came of following links and pictures, by address as it stands in the HTML
	Spam      *Spam             // what a spam filter says; nil: none was asked
	Pictures  map[string]int64  // bytes of the letter's own pictures, by address as it stands in the HTML
	Carried   bool              // they go within each mail
	NoPicture string            // why the lead's picture was left out; empty: it was not
}

// Visit is what came of asking for an address.
type Visit struct {
	Status int    // the last answer's; 0: there was none
	Final  string // address after redirects, when it is another
	Bytes  int64  // size of what is there; 0: not known
	Err    string // why there was no answer; empty: there was one
	Inside bool   // the guard refused: a private address, which was not asked
}

// Spam is the verdict of SpamAssassin's spamd.
type Spam struct {
	Score    float64
	Required float64 // the score from which a mail is spam
	Rules    []SpamRule
	Err      string // why spamd gave no verdict
}

// SpamRule is one rule that a mail meets.
type SpamRule struct {
	Name  string
	Score float64
	About string // SpamAssassin's own words
}

// letter is what the rules look at.
type letter struct {
	recipe  compose.Recipe
	edition compose.Edition
	letter  compose.Letter
	facts   Facts
	mail    *Mail // anyone's mail; nil: a letter of ours
	page    page
	sheets  []sheet
	headers headers // of mail
}

// Check holds a letter of ours against all rules. Errors come first, then
// warnings, then notes; within these, in the order of the rules.
func Check(r compose.Recipe, e compose.Edition, l compose.Letter, f Facts) []Finding {
	in := letter{recipe: r, edition: e, letter: l, facts: f, page: readPage(l.HTML)}
	in.sheets = sheetsOf(&in.page)
	return in.run(ourLetter)
}

// CheckMail holds anyone's mail against the rules that need no knowledge of its
// newsletter.
func CheckMail(m Mail, f Facts) []Finding {
	in := letter{facts: f, mail: &m, page: readPage(m.HTML), headers: headersOf(m)}
	in.sheets = sheetsOf(&in.page)
	in.letter = compose.Letter{Subject: m.Subject, Preheader: in.page.preheader(), HTML: m.HTML, Text: m.Text}
	return in.run(theirMail)
}

// run asks the rules that are for this kind of letter.
func (in letter) run(kind audience) []Finding {
	findings := []Finding{}
	for _, c := range checks {
		if c.of&kind == 0 {
			continue
		}
		findings = append(findings, in.judged(c.ask(in))...)
	}
	return sorted(findings)
}

// judged gives findings their severity: that of their rule, or the one that is
// set for it.
func (in letter) judged(findings []Finding) []Finding {
	var out []Finding
	for _, f := range findings {
		if f.Severity == "" {
			f.Severity = severityOf(f.Rule)
		}
		if level, set := in.facts.Levels[f.Rule]; set {
			f.Severity = level
		}
		f.Place, f.Message = plain(f.Place), plain(f.Message)
		if f.Severity != Off {
			out = append(out, f)
		}
	}
	return out
}

// sorted puts errors first, then warnings, then notes.
func sorted(findings []Finding) []Finding {
	grave := map[string]int{Error: 0, Warning: 1, Note: 2}
	slices.SortStableFunc(findings, func(a, b Finding) int { return grave[a.Severity] - grave[b.Severity] })
	return findings
}

// plain shows a text's control characters and direction overrides as marks: what
// a letter says is quoted on terminals and pages.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unseen(r) {
			return 0xfffd
		}
		return r
	}, text)
}

// audience says of what letters a check is asked.
type audience int

const (
	ourLetter audience = 1 << iota
	theirMail
	everyMail = ourLetter | theirMail
)

// check is a function that judges by one rule or by several that belong
// together.
type check struct {
	of  audience
	ask func(letter) []Finding
}

// checks are asked in this order.
var checks = []check{
	{theirMail, mimeProblems},
	{theirMail, headerRules},
	{everyMail, htmlSize},
	{everyMail, mailSize},
	{everyMail, shape},
	{everyMail, styleSize},
	{everyMail, subject},
	{everyMail, preheader},
	{ourLetter, leadPicture},
	{ourLetter, pictureMissing},
	{ourLetter, postalAddress},
	{theirMail, theirFooter},
	{ourLetter, unsubscribe},
	{ourLetter, baseURL},
	{everyMail, links},
	{everyMail, linkTexts},
	{everyMail, visits},
	{everyMail, textPart},
	{everyMail, textParity},
	{ourLetter, fieldsLeft},
	{everyMail, placeholders},
	{ourLetter, languageKnown},
	{everyMail, imageRules},
	{everyMail, contrastRule},
	{everyMail, sizes},
	{everyMail, active},
	{everyMail, clientSupport},
	{everyMail, spam},
}
