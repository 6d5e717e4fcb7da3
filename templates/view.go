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
	Look                                                    // the theme's tokens: {{.Ink}}, {{.Dark.Ink}}, {{.Fonts.Reading}}, {{.Width}} …
	recipient  func(attribute string, values []string) bool // see AskRecipient
}

// Letter is what the partials layout and masthead, and text.txt, are given.
type Letter struct {
	*Page
	Subject   string
	Preheader string
	Dateline  string // place, date and number
	Place     string // the parts of Dateline, one by one
	Date      string
	Issue     string // "No. 212"; empty for a newsletter that does not count
	Greeting  string
	Above     []*Section // what stands above the lead: corrections
	Lead      *Lead      // nil for an edition without a lead
	Sections  []*Section
	Footer    *Footer
}

// Lead is what the partial lead is given.
type Lead struct {
	*Page
	Number      int // 1: the lead's place in the letter
	Title       string
	URL         string // empty for a lead without a link
	Kicker      string // the story's place or subject; empty when it has a label
	Label       string // in words: "Opinion"
	Opinion     bool   // the label is opinion: the headline is set in italics
	Standfirst  string
	Author      string
	Publication string // whose story it is, when it is not ours
	AlsoIn      string // which other publications tell it, in words; empty for none
	Picture     *Picture
	Body        []*Block
	Cut         bool   // more stands behind URL
	StoryLang   string // the story's own language when it is not the letter's
	StoryDir    string // its direction when it is not the letter's
}

// Byline is who told the story, in words: "By Marit Sele, Averne Courier".
func (l *Lead) Byline() string {
	by := l.Publication
	switch {
	case l.Author != "" && l.Publication == "":
		by = l.Words.By + " " + l.Author
	case l.Author != "":
		by = l.Words.By + " " + l.Author + l.Words.Comma + l.Publication
	}
	return l.sentences(by, l.AlsoIn)
}

// Credit is whose story it is and who tells it too: "Averne Courier. Also in
// Harbour News".
func (b *Brief) Credit() string { return b.sentences(b.Publication, b.AlsoIn) }

// sentences puts a full stop between two texts, of which either may be empty.
func (p *Page) sentences(first, second string) string {
	if first == "" || second == "" {
		return first + second
	}
	return first + p.Words.FullStop + second
}

// Picture is a picture with its text.
type Picture struct {
	URL     string
	Alt     string // empty for a picture that only decorates
	Width   int    // CSS pixels, at most the theme's PictureWidth
	Height  int
	Caption string // with the credit
}

// Under returns how many pixels under the picture, least to least + 3, bring
// the text back to the grid of 4: {{.Picture.Under 4}}.
func (p *Picture) Under(least int) int { return least + (4-p.Height%4)%4 }

// Block is one block of running text; what partial prose and sponsors, notes
// and the lead are made of.
type Block struct {
	*Page
	Kind  string        // paragraph | heading | quote | bullets | numbers | pre
	First bool          // the first of its story
	Last  bool          // the last of a brief's, a sponsor's or a note's
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
	Kind   string // briefs, headlines, links, quotation, numbers, events, sponsor, note, corrections, archive or most_read
	Briefs []*Brief
	Text   string // of a section without briefs: what it says instead
}

// Brief is what the partials brief, sponsor and note are given, one at a time;
// events have theirs in Section.Briefs.
type Brief struct {
	*Page
	Number      int  // its place in the letter, counted from the lead on, of what is most read in its section; 0 for what is not counted
	Last        bool // the last of its section, or a sponsor follows
	End         bool // the last of the letter
	Title       string
	URL         string   // empty for a brief without a link
	Opening     string   // without a headline: the first words of the text, which carry the link
	Gap         string   // between Opening and Text: a space, and nothing in Chinese and Japanese
	Text        string   // the teaser, after Opening; of an event, what follows its title
	Picture     *Picture // nil where the section shows none
	Kicker      string   // empty when it has a label
	Label       string   // in words, but for corrections and sponsors
	Opinion     bool     // the label is opinion: the headline is set in italics
	Correction  bool     // the label is correction: it is run in before the text
	Sponsored   bool     // the story is paid for: it stands in the partial sponsor wherever it is
	Publication string   // its words joined by no-break spaces
	AlsoIn      string   // which other publications tell the story, in words; empty for none
	Author      string
	Signature   string // of a note: its author, else the newsletter's editor; of a quotation: who said it
	ByEditor    bool   // Signature is the newsletter's editor
	When        string // of an event
	Calendar    string // of an event: address of its calendar file; empty for none
	Figure      string // of a number: the figure with its unit
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

// Message is what the partials message.html and message.txt are given: a mail of
// our own to one person, which asks for one thing to be done.
type Message struct {
	*Page
	Subject    string
	Title      string
	Paragraphs []string
	Button     string
	URL        string   // behind the button
	After      []string // small: what else there is to know
	Imprint    string   // URL
	Privacy    string   // URL
	Address    string   // the newsletter's name and postal address in one line
}

// Count numbers the lead and the briefs as they stand and marks those that are
// the last. Only briefs, and those from the archive, are
// counted; what is most read has its place in its own list.
func (l *Letter) Count() {
	n := 0
	if l.Lead != nil {
		n++
		l.Lead.Number = n
	}
	var last *Brief
	for _, s := range l.Sections {
		for i, b := range s.Briefs {
			if (s.Kind == "briefs" || s.Kind == "archive") && !b.Sponsored {
				n++
				b.Number = n
			}
			if s.Kind == "most_read" {
				b.Number = i + 1
			}
			b.Last = i == len(s.Briefs)-1 || s.Briefs[i+1].Sponsored
			if len(b.Body) > 0 {
				b.Body[len(b.Body)-1].Last = true
			}
			last = b
		}
	}
	if last != nil {
		last.End = true
	}
}
