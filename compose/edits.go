package compose

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"lede/source"
)

// Edits is what an editor decided about the edition of one slot, by story. Of
// what nobody touched the rules decide anew each time that the edition is
// assembled; what somebody touched stays. The zero Edits leave all to the rules.
type Edits struct {
	Subject   string        `json:"subject,omitempty"`   // empty: as composed
	Preheader string        `json:"preheader,omitempty"` // empty: as composed
	Greeting  *string       `json:"greeting,omitempty"`  // nil: as composed; empty: none
	NoLead    bool          `json:"no_lead,omitempty"`
	Lead      *EditedStory  `json:"lead,omitempty"` // nil: the rules choose
	Sections  []EditedPlace `json:"sections,omitempty"`
	Order     []SectionName `json:"order,omitempty"`   // of the sections; empty: the newsletter's
	Dropped   []string      `json:"dropped,omitempty"` // ids of stories
	Known     []string      `json:"known,omitempty"`   // ids of all the stories that the editor saw, chosen or not
	LeaveNew  bool          `json:"leave_new,omitempty"`
}

// SectionName names a section of the newsletter.
type SectionName struct {
	Kind  string `json:"kind"`
	Title string `json:"title"`
	Nth   int    `json:"nth,omitempty"` // of several with this kind and title, from 0
}

// EditedPlace is what an editor did in one section.
type EditedPlace struct {
	SectionName
	Arranged bool          `json:"arranged,omitempty"` // the stories and their order are the editor's; what is new stands behind them
	Stories  []EditedStory `json:"stories,omitempty"`  // those that the editor holds where they are; of an arranged section all
}

// EditedStory is a story that an editor holds in its place, or a brief of the
// editor's own.
type EditedStory struct {
	ID        string  `json:"id,omitempty"` // see StoryID; empty: the editor's own
	At        int     `json:"at"`           // place in its section, from 0
	Headline  *string `json:"headline,omitempty"`
	Teaser    *string `json:"teaser,omitempty"` // of a lead the standfirst
	Text      *string `json:"text,omitempty"`   // of what is told whole: paragraphs, parted by empty lines
	Link      string  `json:"link,omitempty"`   // of the editor's own
	Pin       bool    `json:"pin,omitempty"`    // as the editor saw it, whatever happens at its source
	Print     string  `json:"print,omitempty"`  // of the story as the editor saw it
	Brief     *Brief  `json:"brief,omitempty"`  // as the editor saw it
	LeadStory *Lead   `json:"lead,omitempty"`   // as the editor saw it
	Use       *Used   `json:"use,omitempty"`    // what it uses up
	Kind      string  `json:"kind,omitempty"`
	InFolder  bool    `json:"in_folder,omitempty"` // a file that is gone was taken back
}

// StoryID names a story in an edition file: its source and its key there.
func StoryID(source, key string) string { return source + ":" + key }

// Offer is a story as an edition file shows it.
type Offer struct {
	Brief    Brief  `json:"brief"` // as the rules tell it
	Lead     *Lead  `json:"lead,omitempty"`
	Use      Used   `json:"use"`
	Kind     string `json:"kind"` // of the sections that may hold it: briefs stands for headlines and links too
	Print    string `json:"print"`
	InFolder bool   `json:"in_folder,omitempty"`
	Why      string `json:"why,omitempty"` // of one that is not in the edition
}

// Sheet is an edition as it is laid before an editor: what the rules made, what
// is shown, and what else could stand in it. It is kept, so that what the editor
// changed can be told from what came about otherwise.
type Sheet struct {
	Subject   string           `json:"subject"` // as composed
	Preheader string           `json:"preheader"`
	Greeting  string           `json:"greeting"`
	Lead      string           `json:"lead"` // id; empty: none
	Places    []SheetPlace     `json:"places"`
	Spare     []string         `json:"spare"` // ids of what could run and does not
	Offers    map[string]Offer `json:"offers"`
	Edits     Edits            `json:"edits"` // those that hold
}

// SheetPlace is a section that an editor can fill, with what stands in it.
type SheetPlace struct {
	SectionName
	Stories []string `json:"stories"` // ids; one of the editor's own is empty
}

// edited is an assembly's part of the editor's doing.
type edited struct {
	Edits
	places  map[int]*EditedPlace // by the place of the section in the recipe
	held    map[string]*heldStory
	dropped map[string]bool
	known   map[string]bool
	spare   []*candidate     // dropped ones that could run
	kept    []Used           // used up by what is told as the editor saw it
	order   []int            // places of the sections in the recipe, as they are told
	shown   map[int][]string // ids of what stands in the sections; empty for the editor's own
	greeted string           // the greeting as composed
}

// heldStory is a story that stands where the editor wants it.
type heldStory struct {
	EditedStory
	c    *candidate // nil: told as the editor saw it
	gone bool
}

func (c *candidate) id() string { return StoryID(c.Source, c.Key) }

// print tells one state of a story's text from another.
func (c *candidate) print() string {
	h := fnv.New64a()
	h.Write([]byte(oneLine(c.Title) + "\x00" + c.memo()))
	return fmt.Sprintf("%016x", h.Sum64())
}

// isEditable says that an editor fills sections of this kind by hand. What
// tells of other editions, or what others read, is no choice.
func isEditable(kind string) bool { return kind != sectionArchive && kind != sectionMostRead }

// isToldWhole says that the stories of a kind of section are told whole: their
// text is edited, not a teaser.
func isToldWhole(kind string) bool {
	return kind == sectionSponsor || kind == sectionNote || kind == sectionQuotation || kind == sectionCorrections
}

// takeEdited takes what the editor holds out of what is offered: the rules
// decide of the rest.
func (a *assembly) takeEdited() {
	e := &edited{places: map[int]*EditedPlace{}, held: map[string]*heldStory{}, dropped: map[string]bool{}, known: map[string]bool{}, shown: map[int][]string{}}
	e.greeted = a.edition.Greeting
	a.edited = e
	if a.in.Edits != nil && !a.bulletin {
		e.Edits = *a.in.Edits
	}
	e.order = a.arranged()
	if a.in.Edits == nil || a.bulletin {
		return
	}
	for _, id := range e.Known {
		e.known[id] = true
	}
	if e.Greeting != nil {
		a.edition.Greeting = *e.Greeting
	}
	offered := map[string]*candidate{}
	for _, c := range a.offered {
		offered[c.id()] = c
	}
	if e.Lead != nil {
		a.hold(*e.Lead, offered)
	}
	for i := range e.Sections {
		place := &e.Sections[i]
		at := a.sectionOf(place.SectionName)
		if at < 0 {
			if len(place.Stories) > 0 {
				a.remark("there is no section %q (%s) any more: what the editor put into it stands where the rules say", place.Title, place.Kind)
			}
			continue
		}
		e.places[at] = place
		for _, s := range place.Stories {
			if s.ID != "" {
				a.hold(s, offered)
			}
		}
	}
	for _, id := range e.Dropped {
		if e.held[id] == nil {
			e.dropped[id] = true
		}
	}
	a.offered = slices.DeleteFunc(a.offered, func(c *candidate) bool {
		id := c.id()
		if e.dropped[id] {
			a.leave(c.Story, "taken out by the editor")
			e.spare = append(e.spare, c)
		}
		late := e.LeaveNew && a.isNew(c) && e.held[id] == nil
		if late {
			a.leave(c.Story, "came in after the editor's word (new_stories: leave)")
			a.remark("new: “%s” (%s) is there and not in the edition (new_stories: leave)", oneLine(c.Title), c.Source)
			e.spare = append(e.spare, c)
		}
		return e.held[id] != nil || e.dropped[id] || late
	})
	for id := range e.held {
		if offered[id] == nil { // it was left out for a reason that no longer counts
			src, _, _ := strings.Cut(id, ":")
			title := e.held[id].title()
			a.left = slices.DeleteFunc(a.left, func(o omission) bool { return !e.held[id].gone && o.Source == src && o.Title == title })
		}
	}
}

func (h *heldStory) title() string {
	switch {
	case h.c != nil:
		return oneLine(h.c.Title)
	case h.Brief != nil && h.Brief.Title != "":
		return h.Brief.Title
	case h.LeadStory != nil:
		return h.LeadStory.Title
	case h.Headline != nil:
		return *h.Headline
	}
	return h.ID
}

// sectionOf finds the section of the recipe that an editor means; -1 when there
// is none.
func (a *assembly) sectionOf(name SectionName) int {
	return slices.Index(a.sectionNames(), name)
}

// hold finds what is told of a story that the editor holds, and says what is
// not any more as the editor saw it.
func (a *assembly) hold(s EditedStory, offered map[string]*candidate) {
	h := &heldStory{EditedStory: s}
	if a.edited.held[s.ID] != nil {
		return
	}
	a.edited.held[s.ID] = h
	if s.Use != nil && a.ranSince(*s.Use) {
		h.gone = true
		a.remark("“%s” ran in another edition meanwhile, and is left out here", h.title())
		return
	}
	c := offered[s.ID]
	read := true
	if c == nil {
		c, read = a.fromReading(s.ID)
	}
	rewritten := s.Headline != nil || s.Teaser != nil || s.Text != nil
	switch {
	case c != nil && s.Print != "" && c.print() != s.Print && s.Pin:
		a.remark("“%s” changed at its source; it is pinned, and stands as the editor saw it", h.title())
	case c != nil && s.Print != "" && c.print() != s.Print && rewritten:
		h.c = c
		a.remark("“%s” changed at its source after the editor rewrote it; the editor's words stand", h.title())
	case c != nil:
		h.c = c
	case s.Pin:
		a.remark("“%s” is gone from its source; it is pinned, and stands as the editor saw it", h.title())
	case read && s.InFolder:
		h.gone = true
		a.remark("“%s” was taken back at its source, and is left out", h.title())
	case read:
		a.remark("“%s” is no longer in its feed; it stands as the editor saw it", h.title())
	}
	if h.c == nil && s.Brief == nil && s.LeadStory == nil {
		h.gone = true
	}
}

// ranSince says that another edition used a story up.
func (a *assembly) ranSince(u Used) bool {
	return slices.ContainsFunc(a.in.Memory.Used, func(ran Used) bool {
		return ran.Source == u.Source && ran.Key == u.Key && ran.Version >= u.Version
	})
}

// fromReading finds a story that the rules do not offer, and says whether its
// source was read.
func (a *assembly) fromReading(id string) (*candidate, bool) {
	src, key, _ := strings.Cut(id, ":")
	for _, reading := range a.in.Readings {
		if reading.Source != src {
			continue
		}
		for _, s := range reading.Stories {
			if s.Key != key || s.From.After(a.in.Slot) || !s.Until.IsZero() && !a.in.Slot.Before(s.Until) || !hasWords(s) || a.unknownSegment(s) != "" {
				continue
			}
			s.Source = src
			s.Kind = cmp.Or(s.Kind, source.KindStory)
			c := &candidate{Story: s, rank: a.rank(src), asGiven: a.rules[src].AsGiven, when: s.Published}
			if c.when.IsZero() || c.when.After(a.in.Slot) {
				c.when = a.in.Slot
			}
			if known := a.used.identical(entryOf(c)); known != nil {
				c.version = known.version + 1
			}
			return c, true
		}
		return nil, reading.Err == nil
	}
	return nil, false
}

// leadByHand tells the lead that the editor chose, and says whether one did.
func (a *assembly) leadByHand() bool {
	e := a.edited
	if e.NoLead {
		return true
	}
	if e.Lead == nil {
		return false
	}
	h := e.held[e.Lead.ID]
	if h == nil || h.gone {
		return false // the rules choose another
	}
	if h.c != nil {
		a.lead(h.c, "chosen by the editor")
	} else {
		kept := h.LeadStory
		if kept == nil {
			b := h.Brief
			kept = &Lead{
				Title: b.Title, URL: b.URL, Author: b.Author, Source: b.Source, Publication: b.Publication, Label: b.Label,
				Kicker: b.Kicker, Lang: b.Lang, Body: bodyOf(b), Key: b.Key, Cut: b.URL != "", When: b.When,
			}
		}
		told := *kept
		told.Image = nil // its picture is read with its story
		told.Why = told.Source + ": as the editor saw it"
		a.edition.Lead = &told
		a.keepUse(h)
	}
	l := a.edition.Lead
	if h.Headline != nil {
		l.Title = oneLine(*h.Headline)
		l.Why += "; headline by the editor"
	}
	if h.Teaser != nil {
		l.Standfirst = oneLine(*h.Teaser)
		l.Why += "; standfirst by the editor"
	}
	if h.Text != nil {
		l.Body = told(plainBlocks(*h.Text))
		l.Why += "; text by the editor"
	}
	return true
}

// bodyOf is what a lead tells of which only a brief is known.
func bodyOf(b *Brief) []Block {
	if len(b.Body) > 0 {
		return b.Body
	}
	return told(plainBlocks(b.Teaser))
}

func (a *assembly) keepUse(h *heldStory) {
	if h.Use != nil {
		a.edited.kept = append(a.edited.kept, *h.Use)
	}
}

// finishEdited sets what the editor wrote above the stories, says what is new,
// and lays the sheet.
func (a *assembly) finishEdited() {
	e := a.edited
	for _, c := range a.placed {
		if a.isNew(c) {
			a.remark("new: “%s” (%s) came in", oneLine(c.Title), c.Source)
		}
	}
	for _, c := range a.offered {
		if a.isNew(c) && !c.placed {
			a.remark("new: “%s” (%s) is there and not in the edition", oneLine(c.Title), c.Source)
		}
	}
	a.edition.Uses = append(a.edition.Uses, e.kept...)
	var sheet *Sheet
	if a.in.Sheet && a.edition.Empty == "" {
		sheet = a.sheet()
	}
	if e.Subject != "" {
		a.edition.Subject = clean(e.Subject)
		a.retestSubject()
	}
	if e.Preheader != "" {
		a.edition.Preheader = shortened(clean(e.Preheader), longestPreheader)
	}
	a.edition.Sheet = sheet
}

// remark keeps a word for the editor with the edition.
func (a *assembly) remark(format string, args ...any) {
	a.edition.Remarks = append(a.edition.Remarks, fmt.Sprintf(format, args...))
}
