// Package source reads stories from outside: feeds (RSS, RDF, Atom, JSON Feed)
// and folders of Markdown story files.
//
// Everything that it reads is hostile until it is a Story: titles are plain
// text in one line, bodies have passed the sanitiser, links are absolute http
// or https, pictures are re-encoded. One broken source gives a Reading with an
// error and never disturbs the others.
package source

import "time"

// Kind says which sort of section a story may stand in.
type Kind string

// The kinds of story. All but stories stand only in sections of their kind.
const (
	KindStory      Kind = "story"
	KindSponsor    Kind = "sponsor"
	KindEvent      Kind = "event"
	KindNote       Kind = "note"
	KindQuotation  Kind = "quotation"  // Body is what was said, Author who said it
	KindNumber     Kind = "number"     // Number is the figure, Title or Body what it means
	KindCorrection Kind = "correction" // Body says what was wrong and what is right
)

// Kinds lists the kinds of story.
func Kinds() []Kind {
	return []Kind{KindStory, KindSponsor, KindEvent, KindNote, KindQuotation, KindNumber, KindCorrection}
}

// Spec is one source of a newsletter as configured: exactly one of Folder and
// Feed is set.
type Spec struct {
	ID      string
	Folder  string // absolute path of a folder of story files
	Feed    string // http(s) URL or absolute path of a feed
	Private bool   // requests to private, loopback and link-local addresses are allowed
	Own     bool   // the publisher's own stories: no publication is named behind a brief, and titles are set in the house's style
	Full    bool   // of an own feed: where it gives only a stub of a story, the text is taken from the story's page
}

// Story is one item of a source. Times are UTC; a zero time means that the
// source gave none.
type Story struct {
	Source      string // id of the source
	Key         string // identity within the source: guid, else canonical link, else a hash of title and text; for a file its slash-separated path in the folder
	Kind        Kind
	Title       string    // plain text, one line; may be empty
	URL         string    // absolute http or https, or empty
	Canonical   string    // URL as compared: without tracking parameters, fragment, default port, www and trailing slash; empty without URL
	Author      string    // plain text, one line
	Publication string    // whose story it is, named behind a brief; empty for own stories
	Published   time.Time // date of publication; for a file with `from`, the later of both
	Body        string    // sanitised HTML (see Sanitise); empty when the source gave only a summary
	Summary     string    // plain text, paragraphs parted by a blank line; for a file the front matter's `summary`
	Cut         bool      // the source cut Summary (or Body, when there is no Summary) itself; its marks are already taken off
	Stub        string    // why the whole text that Spec.Full asks for could not be had; empty where it was, or was not wanted
	Image       *Image
	Label       string      // opinion, analysis, live, update, correction or sponsored; empty for none
	Section     string      // title of the section that the story asks for
	Tags        []string    // tags or categories, plain text
	Lang        string      // BCP 47, empty when not said
	Starts      time.Time   // events: when it starts
	AllDay      bool        // events: Starts is a date alone
	Ends        time.Time   // events: when it ends; of one that takes all day, its last day
	Number      string      // of kind number: the figure, plain text, one line
	Corrects    string      // corrections: id of the edition that was wrong; may be empty
	Place       string      // events: where; stories: the place told in the kicker
	Lead        bool        // the editor wants it as lead
	Repeat      bool        // a column: the rules against repeats do not apply
	Weight      int         // heavier first
	From        time.Time   // embargo: in no letter before this instant
	Until       time.Time   // in no letter from this instant on
	When        []Condition // for whom it is: recipients that meet all of them; of a file alone
	Order       int         // place in the source, 0 first
	File        string      // path of the story file, for messages
}

// Condition is met by recipients whose attribute has one of the values; with
// Not, by those whose attribute has none of them or is not set. One with a
// segment is met by who is in it; with Not, by who is not.
type Condition struct {
	Attribute string
	Values    []string
	Segment   string // id, in place of attribute and values
	Not       bool
}

// Image is a story's picture before it was read.
type Image struct {
	URL     string // absolute http(s) address, or empty
	Path    string // slash-separated path inside the source's folder, or empty
	Alt     string
	Caption string
	Credit  string
	HasAlt  bool // Alt was given, if only as an empty text
	Shown   int  // CSS pixels, how wide a letter shows it at most; set by who asks for the picture, 0: 600
}

// Passed is a story that a source had and that was passed over while reading.
type Passed struct {
	Title string // headline, or the file's name
	File  string // for messages; empty for feed items
	Why   string // one line: "draft", "changed 3 s ago, perhaps still being saved"
}

// Reading is what one source gave.
type Reading struct {
	Source  string    // id
	Title   string    // the feed's own title, plain text; empty for folders
	Fetched time.Time // UTC
	Stories []Story   // in the source's own order
	Passed  []Passed
	Err     error // why the source could not be read, nil when it could; Stories is then empty
}
