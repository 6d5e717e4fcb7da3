package compose

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lede/internal/spelling"
)

// CompareEdits tells what an editor wants from what was shown and what came
// back. name is the file's, for what is wrong with it: a story that was not in
// it, one that stands twice or where its kind may not, a section that the
// newsletter does not have, a greeting that can't be filled in.
func CompareEdits(name string, s Sheet, f EditionFile) (Edits, error) {
	c := comparing{name: name, sheet: s, file: f, placed: map[string]string{}}
	e := Edits{LeaveNew: f.LeaveNew}
	if text := oneLine(f.Subject); text != oneLine(s.Subject) {
		e.Subject = text
		if text == "" {
			c.fault(f.lines["subject"], "subject", "empty: a letter has a subject")
		}
	}
	if text := oneLine(f.Preheader); text != "" && text != oneLine(s.Preheader) {
		e.Preheader = text
	}
	if greeting := strings.TrimSpace(f.Greeting); greeting != strings.TrimSpace(s.Greeting) {
		e.Greeting = &greeting
		words := map[string]string{}
		for _, w := range SubjectWords() {
			words[w] = ""
		}
		if _, err := Expand(greeting, words, readable); err != nil {
			c.fault(f.lines["greeting"], "greeting", "%v", err)
		}
	}
	c.lead(&e)
	c.sections(&e)
	for id := range s.Offers {
		e.Known = append(e.Known, id)
	}
	e.Known = append(e.Known, s.Edits.Known...)
	slices.Sort(e.Known)
	e.Known = slices.Compact(e.Known)
	e.Dropped = c.dropped()
	return e, errors.Join(c.faults...)
}

type comparing struct {
	name   string
	sheet  Sheet
	file   EditionFile
	placed map[string]string // id → where
	order  []placed          // the file's sections
	faults []error
}

func (c *comparing) fault(line int, field, format string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf("%s:%d: %s: %s", c.name, line, field, fmt.Sprintf(format, args...)))
}

// dropped are the stories that were in the edition, or were taken out of it
// before, and are not in the file.
func (c *comparing) dropped() []string {
	was := slices.Clone(c.sheet.Edits.Dropped)
	if c.sheet.Lead != "" {
		was = append(was, c.sheet.Lead)
	}
	for _, p := range c.sheet.Places {
		was = append(was, p.Stories...)
	}
	if c.sheet.Edits.LeaveNew {
		for _, id := range c.sheet.Spare {
			if !slices.Contains(c.sheet.Edits.Known, id) {
				was = append(was, id) // it came in too late, and stays out
			}
		}
	}
	was = slices.DeleteFunc(was, func(id string) bool { return id == "" || c.placed[id] != "" })
	slices.Sort(was)
	return slices.Compact(was)
}

func (c *comparing) lead(e *Edits) {
	l := c.file.Lead
	if l == nil {
		e.NoLead = c.sheet.Lead != "" || c.sheet.Edits.NoLead
		return
	}
	o, ok := c.known("lead", *l)
	if !ok {
		return
	}
	if o.Kind != sectionBriefs {
		c.fault(l.line, "lead", "a story of kind %s can't lead", o.Kind)
		return
	}
	headline, standfirst := o.Brief.Title, ""
	if o.Lead != nil {
		headline, standfirst = o.Lead.Title, o.Lead.Standfirst
	} else if l.Teaser == nil || oneLine(*l.Teaser) == oneLine(o.Brief.Teaser) {
		l.Teaser = nil // it was a brief: its teaser is no standfirst
	}
	s := c.held(*l, o)
	s.Headline = changedText(l.Headline, headline)
	s.Teaser = changedText(l.Teaser, standfirst)
	if l.Text != nil && strings.TrimSpace(*l.Text) != "" {
		s.Text = l.Text
	}
	before := c.sheet.Edits.Lead
	if l.ID == c.sheet.Lead && s.Headline == nil && s.Teaser == nil && s.Text == nil && !s.Pin && (before == nil || before.ID != l.ID) {
		return // as the rules have it
	}
	e.Lead = &s
}

// held is a story as the editor holds it, before what was rewritten.
func (c *comparing) held(f FileStory, o Offer) EditedStory {
	s := EditedStory{ID: f.ID, Pin: f.Pin, Link: f.Link}
	if f.ID == "" {
		return s
	}
	brief, use := o.Brief, o.Use
	s.Print, s.Brief, s.LeadStory, s.InFolder, s.Kind, s.Use = o.Print, &brief, o.Lead, o.InFolder, o.Kind, &use
	return s
}

// known finds the story of an entry and notes where it stands.
func (c *comparing) known(at string, f FileStory) (Offer, bool) {
	o, ok := c.sheet.Offers[f.ID]
	if !ok {
		var ids []string
		for id := range c.sheet.Offers {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		hint := "; `lede editions draft` writes the file with what is there now"
		if near := spelling.Nearest(f.ID, ids); near != "" {
			hint = fmt.Sprintf("; did you mean %s?", near)
		}
		c.fault(f.line, at+".story", "there was no story %q in this file%s", firstRunes(f.ID, 80), hint)
		return o, false
	}
	if where := c.placed[f.ID]; where != "" {
		c.fault(f.line, at+".story", "%s stands in %s already", f.ID, where)
		return o, false
	}
	c.placed[f.ID] = at
	return o, true
}

func changedText(written *string, was string) *string {
	if written == nil || oneLine(*written) == oneLine(was) {
		return nil
	}
	text := oneLine(*written)
	return &text
}

func (c *comparing) sections(e *Edits) {
	nth := map[SectionName]int{}
	for i, section := range c.file.Sections {
		at := fmt.Sprintf("sections[%d]", i)
		name := SectionName{Kind: section.Kind, Title: section.Title}
		name.Nth, nth[name] = nth[name], nth[name]+1
		shown := slices.IndexFunc(c.sheet.Places, func(p SheetPlace) bool { return p.SectionName == name })
		if shown < 0 {
			c.noSection(at, section)
			continue
		}
		c.order = append(c.order, placed{name, at, section.line})
		had := c.sheet.Edits.place(name)
		place := EditedPlace{SectionName: name}
		var ids []string
		var stories []EditedStory
		for j, f := range section.Stories {
			where := fmt.Sprintf("%s.stories[%d]", at, j)
			s, ok := c.story(where, section.Kind, f)
			if !ok {
				continue
			}
			s.At = j
			ids = append(ids, s.ID)
			stories = append(stories, s)
		}
		place.Arranged = had != nil && had.Arranged || !slices.Equal(ids, c.sheet.Places[shown].Stories)
		for _, s := range stories {
			if place.Arranged || s.ID == "" || s.Pin || s.Headline != nil || s.Teaser != nil || s.Text != nil {
				place.Stories = append(place.Stories, s)
			}
		}
		if place.Arranged || len(place.Stories) > 0 {
			e.Sections = append(e.Sections, place)
		}
	}
	// A section that is not in the file any more is one whose stories are gone.
	for _, p := range c.sheet.Places {
		if len(p.Stories) > 0 && !slices.ContainsFunc(c.order, func(o placed) bool { return o.SectionName == p.SectionName }) {
			e.Sections = append(e.Sections, EditedPlace{SectionName: p.SectionName, Arranged: true})
		}
	}
	e.Order = c.ordered()
}

func (c *comparing) noSection(at string, f FileSection) {
	var titles []string
	for _, p := range c.sheet.Places {
		titles = append(titles, cmp.Or(p.Title, p.Kind))
	}
	name := cmp.Or(f.Title, f.Kind)
	hint := "; there is: " + strings.Join(titles, ", ")
	if near := spelling.Nearest(name, titles); near != "" {
		hint = fmt.Sprintf("; did you mean %s?", near)
		if near == name {
			hint = "; its kind is another, or it stands here once more than in the newsletter"
		}
	}
	c.fault(f.line, at, "the newsletter has no section %q of kind %s%s", firstRunes(name, 80), firstRunes(f.Kind, 40), hint)
}

// story reads an entry of a section.
func (c *comparing) story(at, kind string, f FileStory) (EditedStory, bool) {
	if f.ID == "" {
		return EditedStory{Headline: f.Headline, Teaser: f.Teaser, Text: f.Text, Link: f.Link, Pin: f.Pin}, true
	}
	o, ok := c.known(at, f)
	if !ok {
		return EditedStory{}, false
	}
	if holds := (SectionRule{Kind: kind}).holds(); o.Kind != holds {
		c.fault(f.line, at, "a story of kind %s does not stand in a section of kind %s", o.Kind, kind)
		return EditedStory{}, false
	}
	s := c.held(f, o)
	s.Headline = changedText(f.Headline, o.Brief.Title)
	if isToldWhole(kind) {
		if f.Text != nil && oneLine(*f.Text) != oneLine(textOf(o.Brief.Body)) {
			s.Text = f.Text
		}
	} else {
		s.Teaser = changedText(f.Teaser, o.Brief.Teaser)
	}
	return s, true
}

// Says lists in words what the editor did.
func (e Edits) Says() []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if e.Subject != "" {
		say("subject: %s", e.Subject)
	}
	if e.Preheader != "" {
		say("preheader: %s", e.Preheader)
	}
	if e.Greeting != nil {
		say("greeting: %s", oneLine(*e.Greeting))
	}
	if e.NoLead {
		say("no lead")
	}
	if e.Lead != nil {
		say("lead: %s%s", e.Lead.ID, e.Lead.says())
	}
	if len(e.Order) > 0 {
		var names []string
		for _, s := range e.Order {
			names = append(names, cmp.Or(s.Title, s.Kind))
		}
		say("sections in this order: %s", strings.Join(names, ", "))
	}
	for _, p := range e.Sections {
		name := cmp.Or(p.Title, p.Kind)
		if p.Arranged {
			say("%s: arranged by the editor, %d in it", name, len(p.Stories))
		}
		for _, s := range p.Stories {
			if s.ID == "" {
				say("%s: of the editor's own: %s", name, cmp.Or(deref(s.Headline, ""), deref(s.Teaser, ""), deref(s.Text, "")))
			} else if what := s.says(); what != "" {
				say("%s: %s%s", name, s.ID, what)
			}
		}
	}
	for _, id := range e.Dropped {
		say("taken out: %s", id)
	}
	if e.LeaveNew {
		say("stories that come in later are left out")
	}
	return all
}

func (s EditedStory) says() string {
	var what []string
	for _, field := range []struct {
		name string
		text *string
	}{{"headline", s.Headline}, {"teaser", s.Teaser}, {"text", s.Text}} {
		if field.text != nil {
			what = append(what, field.name)
		}
	}
	said := ""
	if len(what) > 0 {
		said = ", its " + strings.Join(what, " and ") + " rewritten"
	}
	if s.Pin {
		said += ", pinned"
	}
	return said
}
