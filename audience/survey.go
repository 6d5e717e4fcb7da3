package audience

import "strings"

// Survey is what an import understood, for the person who runs it.
type Survey struct {
	Files   []FileSurvey   `json:"files"`
	States  map[string]int `json:"states"`          // rows by what they say: active, pending, unsubscribed, bounced, complained, erased, never agreed
	Flags   map[string]int `json:"flags"`           // what is odd about addresses, and wrong about values, by kind: a Flag…
	Flagged []Flagged      `json:"flagged"`         // the first of them
	Rejects []Reject       `json:"rejects"`         // the first of them
	Erased  int            `json:"erased,omitzero"` // hashes of erased people that were not known before
	Sync    *SyncSurvey    `json:"sync,omitempty"`  // of a sync; else nil
}

// FileSurvey is what an import understood of one file.
type FileSurvey struct {
	Name    string   `json:"name"`
	Format  string   `json:"format"`  // "Mailchimp, csv"
	Columns []Column `json:"columns"` // in the file's order
	Notes   []string `json:"notes"`   // what the person should know
	Rows    int      `json:"rows"`
}

// Column is what a column of a file means.
type Column struct {
	Heading string `json:"heading"`
	Meaning string `json:"meaning"`
}

// Reject is a row that was not taken.
type Reject struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Reason string `json:"reason"`
}

// Flagged is an address that was taken and looks odd, or one of whose attributes
// was left out.
type Flagged struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Address string `json:"address"`
	Flag    string `json:"flag"`
}

// maxKept is how many rejects and flagged addresses a survey keeps.
const maxKept = 1000

// standingWords are the states of rows in a survey.
var standingWords = map[standing]string{
	wants: "active", waits: "pending", never: "never agreed", gone: "unsubscribed", bounced: "bounced", complained: "complained",
}

// meanings says what each column means.
func (c *columns) meanings() []Column {
	out := make([]Column, len(c.heads))
	for i, h := range c.heads {
		out[i] = Column{Heading: strings.Map(printable, cut(h, 100)), Meaning: "(left out)"}
	}
	say := func(at int, meaning string) {
		switch {
		case at < 0:
		case out[at].Meaning == "(left out)":
			out[at].Meaning = meaning
		default:
			out[at].Meaning += ", " + meaning
		}
	}
	say(c.email, "address")
	say(c.name, "name")
	say(c.first, "first name")
	say(c.last, "last name")
	for i := range c.tellers {
		say(c.tellers[i].at, "state")
	}
	say(c.when.joined, "subscribed at")
	say(c.when.joinedIP, "subscribed from")
	say(c.when.confirmed, "confirmed at")
	say(c.when.confirmedIP, "confirmed from")
	say(c.when.left, "left at")
	say(c.when.reason, "why it left")
	say(c.tags, "tags")
	say(c.own.created, "known since")
	say(c.own.subscribed, "subscribed at")
	say(c.own.left, "left at")
	say(c.own.reason, "why it left")
	say(c.own.ip, "subscribed from")
	say(c.own.agreed, "words agreed to")
	say(c.own.consent, "consent record")
	say(c.own.suppressed, "why it gets no mail at all")
	say(c.own.list, "list")
	say(c.own.optedOut, "newsletters left")
	say(c.lists, "lists, kept as tags")
	say(c.hash, "hash of an erased address")
	for _, i := range c.packed {
		say(i, "attributes (JSON)")
	}
	for _, x := range c.extra {
		say(x.at, "attribute "+x.key)
	}
	if c.listed {
		out[0].Meaning, out[1].Meaning = "(of an earlier run)", "(of an earlier run)"
	}
	return out
}
