package compose

import (
	"time"

	"lede/source"
)

// Recipe is what composing needs to know of a newsletter. It is built by
// newsroom from the configuration and does not change between editions.
type Recipe struct {
	ID            string
	Name          string
	Editor        string // who greets the readers; empty for nobody
	Greeting      string // may hold {name|fallback}; see Expand
	Subject       string // may hold {lead}, {newsletter}, {date}, {name|fallback}; empty: "{lead}"
	Language      string // BCP 47
	Zone          *time.Location
	Place         string // stands before the date under the masthead; empty for none
	PostalAddress string
	Reason        string // why the reader gets this; empty: a sentence with the newsletter's name
	Imprint       string // URL or empty
	Privacy       string // URL or empty
	BaseURL       string // without a trailing slash
	Theme         string
	Sources       []SourceRule
	Lead          LeadRule
	Sections      []SectionRule
	Min           int // fewer stories (lead and briefs, not sponsors, events or notes): nothing to send
}

// SourceRule says how the stories of one source are chosen.
type SourceRule struct {
	ID        string
	AsGiven   bool          // the source's order is an editor's choice and is kept
	MaxAge    time.Duration // older stories are no news; 0 for no limit
	Updates   string        // mark | drop
	Leftovers string        // drop | keep: what was there and not chosen is news again
}

// LeadRule says how the lead is chosen and told.
type LeadRule struct {
	From     []string // source ids, all when empty
	Length   int      // words
	MinWords int
	IfNone   string // promote | without | skip
}

// SectionRule is one section of the letter, in the letter's order.
type SectionRule struct {
	Title  string
	Kind   string   // briefs | sponsor | events | note
	From   []string // source ids, all when empty
	Max    int
	Teaser int // characters
}

// Input is what Assemble chooses from.
type Input struct {
	Slot     time.Time // the instant that the edition is for; freshness is judged at it
	Number   int       // "No. 212" in the masthead; 0 for none
	Greeting string    // this edition's own greeting, instead of the recipe's
	Readings []source.Reading
	Memory   Memory
	Only     []string           // keys (source + "\x00" + key) of a bulletin's stories; empty for an edition
	Pictures map[string]Picture // by Image.URL or, for files, source + "\x00" + Image.Path
}

// Picture is a picture that can be reached by readers.
type Picture struct {
	Name   string `json:"name"` // of its content: "3f…a9.jpg"; it is served at BaseURL + "/p/" + Name
	Width  int    `json:"width"`
	Height int    `json:"height"`
}

// Memory is what earlier editions of the newsletter used and saw.
type Memory struct {
	Read     map[string]bool            // ids of sources that an edition has read before
	Seen     map[string]map[string]bool // source id → keys and "link:"+canonical that were there at an earlier edition
	Used     []Used                     // stories of all earlier editions, newest first
	Subjects []string                   // of the last editions, newest first
}

// Used is a story that ran in an earlier edition.
type Used struct {
	Source    string    `json:"source"`
	Key       string    `json:"key"`
	Canonical string    `json:"canonical"`
	Title     string    `json:"title"`
	Text      string    `json:"text"`    // the first 2,000 characters of its plain text, fewer if it ran long ago; an event's start stands before it
	Version   int       `json:"version"` // 0, and one more each time that it ran again
	Slot      time.Time `json:"slot"`
}
