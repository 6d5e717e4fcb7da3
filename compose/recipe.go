package compose

import (
	"time"

	"lede/source"
	"lede/templates"
)

// Recipe is what composing needs to know of a newsletter. It is built by
// newsroom from the configuration and does not change between editions.
type Recipe struct {
	ID            string
	Name          string
	Editor        string   // who greets the readers; empty for nobody
	Greeting      string   // may hold {name|fallback}; see Expand
	Subject       string   // may hold {lead}, {newsletter}, {date}, {name|fallback}; empty: "{lead}"
	SubjectTest   []string // further subjects, as Subject, that an edition is tried with; empty: no test
	Preheader     string   // may hold {lead_teaser}, {headlines} and the words of Subject but {name}; empty: made of the lead
	Language      string   // BCP 47
	Zone          *time.Location
	Place         string // stands before the date under the masthead; empty for none
	PostalAddress string
	Reason        string // why the reader gets this; empty: a sentence with the newsletter's name
	Imprint       string // URL or empty
	Privacy       string // URL or empty
	BaseURL       string // without a trailing slash
	Theme         string
	Words         *templates.Words // fixed words of the newsletter's own; nil: those built in for Language
	TextLinks     string           // inline (also when empty) | footnotes: where addresses stand in the text part
	Sources       []SourceRule
	Lead          LeadRule
	Sections      []SectionRule
	Min           int         // fewer stories (lead and briefs, not sponsors, events or notes): nothing to send
	PerSource     int         // at most so many stories of one source, the lead among them; 0 for no limit
	OwnHosts      []string    // hosts of our own, in lower case, each with those within it
	LinkParams    []LinkParam // set on links to OwnHosts, in this order
	// Segments are what conditions may ask for: the expression of each, by id.
	Segments map[string]string
}

// LinkParam is a parameter that links to our own hosts carry.
type LinkParam struct {
	Name  string
	Value string // may hold {newsletter} (its id) and {date} (2026-11-24)
}

// SourceRule says how the stories of one source are chosen.
type SourceRule struct {
	ID        string
	AsGiven   bool          // the source's order is an editor's choice and is kept
	Own       bool          // our own stories: of several tellings of one story ours runs
	MaxAge    time.Duration // older stories are no news; 0 for no limit
	Updates   string        // mark | drop
	Leftovers string        // drop | keep: what was there and not chosen is news again
}

// LeadRule says how the lead is chosen and told. What leads passes all of the
// filters that are set, unless its file says lead: true.
type LeadRule struct {
	From   []string // source ids, all when empty
	Length int      // words

	Tags     []string      // filter: any of these tags
	Category string        // filter: the story's first tag
	Author   string        // filter: a name in the byline
	Lang     string        // filter: BCP 47; "pt" takes "pt-BR" too
	MinWords int           // filter: of the text
	MaxWords int           // filter: of the text; 0 for no limit
	MaxAge   time.Duration // filter; 0 for no limit

	IfNone string // promote | without | skip
}

// SectionRule is one section of the letter, in the letter's order. What it
// takes must pass all of the filters that are set.
type SectionRule struct {
	Title  string
	Kind   string   // one of SectionKinds; empty: briefs
	From   []string // source ids, all when empty
	Max    int
	Teaser int // columns: 1 for a Latin letter, 2 for a Chinese character

	Pictures bool // its briefs stand with their pictures

	Tags     []string      // filter: any of these tags
	Category string        // filter: the story's first tag
	Author   string        // filter: a name in the byline
	Lang     string        // filter: BCP 47; "pt" takes "pt-BR" too
	MinWords int           // filter: of the text
	MaxWords int           // filter: of the text; 0 for no limit
	MaxAge   time.Duration // filter; 0 for no limit

	Order     string   // one of SectionOrders; empty: weight
	Prefer    []string // stories with any of these tags come first
	Alternate bool     // one story a source in a row, as long as there are others
	PerSource int      // at most so many stories of one source; 0 for no limit

	When []Condition // for whom the section is: who meets all of them

	Empty string // drop | say | skip: what becomes of the section with nothing in it; empty: drop
	Say   string // the sentence of Empty say
	Ago   Ago    // archive: how long ago the edition ran that it tells of
}

// Input is what Assemble chooses from.
type Input struct {
	Slot       time.Time // the instant that the edition is for; freshness is judged at it
	Number     int       // "No. 212" in the masthead; 0 for none
	Greeting   string    // this edition's own greeting, instead of the recipe's
	Readings   []source.Reading
	Memory     Memory
	Edits      *Edits             // what an editor decided about this edition; nil: nothing. Not of bulletins
	Sheet      bool               // lay Edition.Sheet
	Only       []string           // keys (source + "\x00" + key) of a bulletin's stories; empty for an edition
	Correction bool               // the bulletin goes to the readers of an edition that was wrong; its corrections stand in the next edition all the same
	Earlier    []Edition          // editions that sections of kind archive may tell of, in any order
	Pictures   map[string]Picture // by Image.URL or, for files, source + "\x00" + Image.Path
	Wordings   *Wordings          // of the last assembling, of much the same stories; nil: none are kept
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
	Version   int       `json:"version"` // 0, and one more each time that it ran again; of a correction that was mailed ahead (Input.Correction) -1, and one less each time
	Slot      time.Time `json:"slot"`
}
