package compose

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// EditionFile is an edition as a person edits it: a YAML file.
type EditionFile struct {
	Newsletter string
	Slot       time.Time
	Revision   int // of the sheet that it was written from
	Subject    string
	Preheader  string
	Greeting   string
	LeaveNew   bool       // new_stories: leave
	Lead       *FileStory // nil: lead: none
	Sections   []FileSection
	lines      map[string]int // of subject and greeting
}

// FileSection is a section of an edition file.
type FileSection struct {
	Title   string
	Kind    string
	Stories []FileStory
	line    int
}

// FileStory is a story in an edition file; what is not written there is nil.
type FileStory struct {
	ID       string // empty: the editor's own
	Headline *string
	Teaser   *string // of a lead the standfirst
	Text     *string
	Link     string
	Pin      bool
	line     int
}

// The shapes of the file, in the order in which it is written.
type (
	fileForm struct {
		Newsletter string        `yaml:"newsletter"`
		Slot       string        `yaml:"slot"`
		Revision   int           `yaml:"revision"`
		Subject    string        `yaml:"subject"`
		Preheader  string        `yaml:"preheader"`
		Greeting   string        `yaml:"greeting"`
		NewStories string        `yaml:"new_stories"`
		Lead       any           `yaml:"lead"`
		Sections   []sectionForm `yaml:"sections"`
		LeftOut    []storyForm   `yaml:"left_out"`
	}
	sectionForm struct {
		Title   string      `yaml:"title"`
		Kind    string      `yaml:"kind"`
		Stories []storyForm `yaml:"stories"`
	}
	storyForm struct {
		Story      string  `yaml:"story,omitempty"`
		Headline   string  `yaml:"headline"`
		Standfirst *string `yaml:"standfirst,omitempty"`
		Teaser     *string `yaml:"teaser,omitempty"`
		Text       *string `yaml:"text,omitempty"`
		Link       string  `yaml:"link,omitempty"`
		Pin        bool    `yaml:"pin,omitempty"`
		Why        string  `yaml:"why,omitempty"`
	}
)

const fileHelp = `# The edition of %s for %s.
# Change what you like and hand it back:
#
#     lede editions apply FILE              (--dry-run says what it would do)
#
# - Reorder: move an entry, within its section or to another one; move a section
#   with all that is in it. Corrections stay first, above the lead.
# - Rewrite: change headline, teaser or text. The story stays tied to its source.
# - Drop: delete an entry. Take one in: move it up from left_out.
# - Add a brief of your own: an entry without story, with headline, teaser and link.
# - pin: true keeps an entry as it reads here, whatever happens at its source.
# - lead: none makes an edition without a lead.
# - new_stories says what becomes of stories that come in from now on:
#   add (they stand behind what is here, where there is room) or leave.
#
# What you change stays when other stories come in; what you leave alone follows
# the newsletter's rules. Leave newsletter, slot, revision and the lines that
# begin with "story:" as they are.
`

// WriteEditionFile writes a sheet as a file for a person to edit. The slot is
// shown in its own zone.
func WriteEditionFile(s Sheet, newsletter, name string, slot time.Time, revision int) ([]byte, error) {
	form := fileForm{
		Newsletter: newsletter, Slot: slot.UTC().Format(time.RFC3339Nano), Revision: revision,
		Subject: cmp.Or(s.Edits.Subject, s.Subject), Preheader: cmp.Or(s.Edits.Preheader, s.Preheader), Greeting: s.Greeting,
		NewStories: "add", Lead: "none", Sections: []sectionForm{}, LeftOut: []storyForm{},
	}
	if s.Edits.Greeting != nil {
		form.Greeting = *s.Edits.Greeting
	}
	if s.Edits.LeaveNew {
		form.NewStories = "leave"
	}
	if s.Lead != "" {
		form.Lead = s.leadForm()
	}
	for _, place := range s.Places {
		section := sectionForm{Title: place.Title, Kind: place.Kind, Stories: []storyForm{}}
		had := s.Edits.place(place.SectionName)
		own := 0
		for _, id := range place.Stories {
			section.Stories = append(section.Stories, s.storyForm(place.Kind, id, had, &own))
		}
		form.Sections = append(form.Sections, section)
	}
	for _, id := range s.Spare {
		offer := s.Offers[id]
		entry := s.storyForm(offer.Kind, id, nil, nil)
		entry.Why = offer.Why
		form.LeftOut = append(form.LeftOut, entry)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, fileHelp, oneLine(name), slot.Format("Monday 2 January 2006, 15:04"))
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(form); err != nil {
		return nil, fmt.Errorf("writing the edition file: %w", err)
	}
	return out.Bytes(), enc.Close()
}

// place is what the editor did in a section; nil: nothing.
func (e Edits) place(name SectionName) *EditedPlace {
	for i := range e.Sections {
		if e.Sections[i].SectionName == name {
			return &e.Sections[i]
		}
	}
	return nil
}

// find is what the editor did with one story of a section.
func (p *EditedPlace) find(id string) *EditedStory {
	if p != nil && id != "" {
		for i := range p.Stories {
			if p.Stories[i].ID == id {
				return &p.Stories[i]
			}
		}
	}
	return nil
}

// own is the nth of the editor's own entries of a section.
func (p *EditedPlace) own(nth int) *EditedStory {
	if p != nil {
		for i := range p.Stories {
			if p.Stories[i].ID == "" {
				if nth == 0 {
					return &p.Stories[i]
				}
				nth--
			}
		}
	}
	return nil
}

func (s Sheet) leadForm() storyForm {
	o := s.Offers[s.Lead]
	form := storyForm{Story: s.Lead, Headline: o.Brief.Title}
	standfirst := ""
	if o.Lead != nil {
		form.Headline, standfirst = o.Lead.Title, o.Lead.Standfirst
	}
	if l := s.Edits.Lead; l != nil && l.ID == s.Lead {
		if l.Headline != nil {
			form.Headline = *l.Headline
		}
		if l.Teaser != nil {
			standfirst = *l.Teaser
		}
		form.Text, form.Pin = l.Text, l.Pin
	}
	form.Standfirst = &standfirst
	return form
}

func (s Sheet) storyForm(kind, id string, had *EditedPlace, own *int) storyForm {
	var form storyForm
	var edit *EditedStory
	var teaser, text string
	if id == "" {
		edit = had.own(*own)
		*own++
		if edit == nil {
			return form
		}
		form.Link = edit.Link
	} else {
		o := s.Offers[id]
		edit = had.find(id)
		form.Story, form.Headline = id, o.Brief.Title
		teaser, text = o.Brief.Teaser, textOf(o.Brief.Body)
	}
	if edit != nil {
		form.Pin = edit.Pin
		form.Headline = deref(edit.Headline, form.Headline)
		teaser, text = deref(edit.Teaser, teaser), deref(edit.Text, text)
	}
	switch {
	case isToldWhole(kind):
		form.Text = &text
	case !isHeadlineOnly(kind):
		form.Teaser = &teaser
	}
	return form
}

func deref(s *string, otherwise string) string {
	if s == nil {
		return otherwise
	}
	return *s
}

// textOf is what blocks say, as paragraphs parted by empty lines.
func textOf(blocks []Block) string {
	var paragraphs []string
	for _, b := range blocks {
		paragraphs = append(paragraphs, b.Text)
	}
	return strings.Join(paragraphs, "\n\n")
}
