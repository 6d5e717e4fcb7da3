package templates

import "html/template"

// Page is what every partial knows; it is part of each of the other types, so
// that a partial writes {{.Newsletter}} or {{.Words.By}} wherever it stands.
type Page struct {
	Newsletter string // its name
	Lang       string // BCP 47
	Dir        string // ltr | rtl
	RTL        bool   // Dir is rtl: no italics, no letter-spacing, other fonts
	Web        bool   // the page behind "view in browser", not a mail: no preheader
	Words      Words
}

// Letter is what the partials layout and masthead, and text.txt, are given.
type Letter struct {
	*Page
	Subject   string
	Preheader string
	Dateline  string // place, date and number
	Greeting  string
	Lead      *Lead // nil for an edition without a lead
	Sections  []*Section
	Footer    *Footer
}

// Lead is what the partial lead is given.
type Lead struct {
	*Page
	Title       string
	URL         string // empty for a lead without a link
	Kicker      string // the story's place or subject; empty when it has a label
	Label       string // in words: "Opinion"
	Opinion     bool   // the label is opinion: the headline is set in italics
	Standfirst  string
	Author      string
	Publication string // whose story it is, when it is not ours
	Picture     *Picture
	Body        []*Block
	Cut         bool   // more stands behind URL
	StoryLang   string // the story's own language when it is not the letter's
	StoryDir    string // its direction when it is not the letter's
}

// Picture is a picture with its text.
type Picture struct {
	URL     string
	Alt     string // empty for a picture that only decorates
	Width   int    // CSS pixels, at most 536
	Height  int
	Under   int    // pixels under the picture, 4 to 7, that bring the text back to the grid of 4
	Caption string // with the credit
}

// Block is one block of running text; what partial prose and sponsors, notes
// and the lead are made of.
type Block struct {
	*Page
	Kind  string        // paragraph | heading | quote | bullets | numbers | pre
	First bool          // the first of its story
	HTML  template.HTML // made of a, em, strong, code, br, sup and sub alone
	Text  string        // the same as plain text, a link's address in angle brackets
	Items []*Item       // of bullets and numbers, which have neither HTML nor Text
}

// Item is one entry of a list.
type Item struct {
	HTML template.HTML
	Text string
	Mark string // what stands before it in the text part: "- " or "1. "
}

// Section is what the partials section and events are given.
type Section struct {
	*Page
	Title  string // may be empty
	Kind   string // briefs | sponsor | events | note
	Briefs []*Brief
}

// Brief is what the partials brief, sponsor and note are given, one at a time;
// events have theirs in Section.Briefs.
type Brief struct {
	*Page
	Title       string
	URL         string // empty for a brief without a link
	Opening     string // without a headline: the first words of the text, which carry the link
	Text        string // the teaser, after Opening; of an event, what follows its title
	Kicker      string // empty when it has a label
	Label       string // in words, but for corrections and sponsors
	Opinion     bool   // the label is opinion: the headline is set in italics
	Correction  bool   // the label is correction: it is run in before the text
	Sponsored   bool   // the story is paid for: it stands in the partial sponsor wherever it is
	Publication string // its words joined by no-break spaces
	Author      string
	Signature   string // of a note: its author, else the newsletter's editor
	ByEditor    bool   // Signature is the newsletter's editor
	When        string // of an event
	Place       string
	Body        []*Block // notes and sponsors are told whole
	StoryLang   string   // the story's own language when it is not the letter's
	StoryDir    string   // its direction when it is not the letter's
}

// Footer is what the partial footer is given. An address that is empty has no
// link.
type Footer struct {
	*Page
	Reason      string // why the reader gets the newsletter; empty on the web
	Unsubscribe string // URL; empty on the web
	View        string // URL of the edition's page; empty on the web
	Imprint     string // URL
	Privacy     string // URL
	Address     string // the newsletter's name and postal address in one line
}
