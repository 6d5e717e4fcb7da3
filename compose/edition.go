// Package compose turns stories into a letter: it chooses (Assemble), cuts
// (teasers, the lead) and sets (Render).
//
// It is pure: no database, no clock, no network. The same input gives the same
// edition and the same bytes.
package compose

import "time"

// Edition is one issue of a newsletter. Its JSON form is what
// `lede preview --out` writes as edition.json and what is kept in the store.
type Edition struct {
	Newsletter string         `json:"newsletter"`
	Slot       time.Time      `json:"slot"` // in the newsletter's zone
	Number     int            `json:"number,omitempty"`
	Subject    string         `json:"subject"`            // may hold field tokens once rendered; here as expanded for reading
	Subjects   []string       `json:"subjects,omitempty"` // of a test, as Subject, which is the first, each once; none without a test
	Preheader  string         `json:"preheader"`
	Greeting   string         `json:"greeting,omitempty"` // may still hold {name|fallback}
	Editor     string         `json:"editor,omitempty"`
	Lead       *Lead          `json:"lead"`
	Sections   []Section      `json:"sections"`
	LeftOut    []LeftOut      `json:"left_out"`
	Sources    []SourceReport `json:"sources"`
	Uses       []Used         `json:"-"`                 // what this edition uses up, for the store
	Seen       []Seen         `json:"-"`                 // what was there, for the store
	Remarks    []string       `json:"remarks,omitempty"` // what became of the editor's edits, and what is new since
	Sheet      *Sheet         `json:"-"`                 // what is laid before an editor, when asked for
	Empty      string         `json:"empty,omitempty"`   // why there is nothing to send; empty when there is
}

// Lead is the story at the top, told at length.
type Lead struct {
	Title       string      `json:"title"`
	URL         string      `json:"url"`
	Author      string      `json:"author"`
	Source      string      `json:"source"`
	Publication string      `json:"publication,omitempty"`
	Label       string      `json:"label,omitempty"`
	Kicker      string      `json:"kicker,omitempty"`
	Standfirst  string      `json:"standfirst,omitempty"`
	Lang        string      `json:"lang,omitempty"`
	Image       *Figure     `json:"image,omitempty"`
	Body        []Block     `json:"body"`
	Cut         bool        `json:"cut"`               // more stands behind the link
	When        []Condition `json:"when,omitempty"`    // for whom alone it is: who meets all of them
	AlsoIn      []AlsoIn    `json:"also_in,omitempty"` // other publications that tell the same story
	Why         string      `json:"why"`
	Key         string      `json:"key"`
}

// AlsoIn is where else a story is told.
type AlsoIn struct {
	Publication string `json:"publication"`
	URL         string `json:"url"`
}

// Figure is a picture in the letter.
type Figure struct {
	Picture
	Alt     string `json:"alt"`
	HasAlt  bool   `json:"has_alt"`
	Caption string `json:"caption,omitempty"`
	Credit  string `json:"credit,omitempty"`
}

// Block is one block of running text.
type Block struct {
	Kind string `json:"kind"` // paragraph | heading | quote | bullet | number | pre
	HTML string `json:"html"` // inline HTML made by compose alone: a[href], em, strong, code, br, sup, sub
	Text string `json:"text"` // the same as plain text; a link's address follows it in angle brackets
}

// Section is a run of briefs under a title.
type Section struct {
	Title  string      `json:"title"`
	Kind   string      `json:"kind"` // one of SectionKinds
	Briefs []Brief     `json:"briefs"`
	Text   string      `json:"text,omitempty"` // what the section says to those who see none of its briefs
	When   []Condition `json:"when,omitempty"` // for whom alone it is: who meets all of them
}

// Brief is a headline with a teaser and a link. Without a headline, Lead-in
// words (Opening) carry the link.
type Brief struct {
	Title       string      `json:"title"`
	Teaser      string      `json:"teaser"`
	URL         string      `json:"url"`
	Source      string      `json:"source"`
	Publication string      `json:"publication,omitempty"`
	Author      string      `json:"author,omitempty"`
	Label       string      `json:"label,omitempty"`
	Kicker      string      `json:"kicker,omitempty"`
	Opening     string      `json:"opening,omitempty"` // without a headline: the start of Teaser that is the link
	Lang        string      `json:"lang,omitempty"`
	Starts      time.Time   `json:"starts,omitzero"` // events, in the newsletter's zone
	AllDay      bool        `json:"all_day,omitempty"`
	Ends        time.Time   `json:"ends,omitzero"` // events, in the newsletter's zone; of one that takes all day, its last day
	Place       string      `json:"place,omitempty"`
	Number      string      `json:"number,omitempty"`   // of a number: the figure
	Corrects    string      `json:"corrects,omitempty"` // of a correction: id of the edition that was wrong
	Ran         time.Time   `json:"ran,omitzero"`       // from the archive: the slot of its edition, in the newsletter's zone
	Body        []Block     `json:"body,omitempty"`     // notes, sponsors, quotations and corrections are told whole
	AlsoIn      []AlsoIn    `json:"also_in,omitempty"`  // other publications that tell the same story
	Image       *Figure     `json:"image,omitempty"`
	Pictured    bool        `json:"-"`              // it has a picture, and its section shows such
	When        []Condition `json:"when,omitempty"` // for whom alone it is: who meets all of them
	Why         string      `json:"why"`
	Key         string      `json:"key"`
}

// LeftOut is a story that was there and is not in the edition.
type LeftOut struct {
	Title  string `json:"title"`
	Source string `json:"source"`
	Why    string `json:"why"`
}

// SourceReport is the fate of one source.
type SourceReport struct {
	ID      string `json:"id"`
	Stories int    `json:"stories"`
	Error   string `json:"error"` // empty when it could be read
}

// Seen is a key that was there when the edition was made.
type Seen struct {
	Source string
	Key    string // key, or "link:" + canonical
}
