package compose

import "slices"

// sheet lays the edition before an editor: as it stands, and what else could
// stand in it.
func (a *assembly) sheet() *Sheet {
	e := a.edited
	s := &Sheet{
		Subject: a.edition.Subject, Preheader: a.edition.Preheader, Greeting: e.greeted,
		Offers: map[string]Offer{}, Edits: e.Edits, Places: []SheetPlace{}, Spare: []string{},
	}
	versions := map[string]*candidate{}
	for _, c := range a.placed {
		versions[c.id()] = c
	}
	if l := a.edition.Lead; l != nil {
		s.Lead = StoryID(l.Source, l.Key)
		s.Offers[s.Lead] = a.offer(SectionRule{}, versions[s.Lead], s.Lead, "")
	}
	names := a.sectionNames()
	for _, i := range e.order {
		rule := a.sections[i]
		if !isEditable(rule.kind()) || rule.kind() == sectionCorrections && rule.Title == "" && len(e.shown[i]) == 0 {
			continue
		}
		place := SheetPlace{SectionName: names[i], Stories: slices.Clone(e.shown[i])}
		for _, id := range place.Stories {
			if id != "" {
				s.Offers[id] = a.offer(rule, versions[id], id, "")
			}
		}
		s.Places = append(s.Places, place)
	}
	for _, c := range slices.Concat(a.offered, e.spare) {
		if id := c.id(); !c.placed && s.Offers[id].Use.Key == "" {
			why := a.whyLeft(c)
			s.Offers[id] = a.offer(SectionRule{Kind: c.sectionKind()}, c, id, why)
			s.Spare = append(s.Spare, id)
		}
	}
	return s
}

// whyLeft is why a story is not in the edition.
func (a *assembly) whyLeft(c *candidate) string {
	for _, o := range a.left {
		if o.Source == c.Source && o.order == c.Order {
			return o.Why
		}
	}
	return "not chosen"
}

// offer is a story as the rules tell it, or as an editor saw it once.
func (a *assembly) offer(rule SectionRule, c *candidate, id, why string) Offer {
	if c == nil {
		h := a.edited.held[id]
		if h == nil {
			return Offer{Why: why}
		}
		o := Offer{Lead: h.LeadStory, Kind: h.Kind, Print: h.Print, InFolder: h.InFolder, Why: why}
		if h.Brief != nil {
			o.Brief = *h.Brief
		}
		if h.Use != nil {
			o.Use = *h.Use
		}
		return o
	}
	o := Offer{
		Brief: a.brief(rule, c), Kind: c.sectionKind(), Print: c.print(), InFolder: c.File != "", Why: why,
		Use: a.use(c),
	}
	if l := a.edition.Lead; l != nil && StoryID(l.Source, l.Key) == id {
		told := *l
		told.Title = oneLine(c.Title)
		told.Standfirst = standfirst(c, c.passages())
		o.Lead = &told
	}
	return o
}

// use is what a story uses up.
func (a *assembly) use(c *candidate) Used {
	return Used{
		Source: c.Source, Key: c.Key, Canonical: c.Canonical, Title: oneLine(c.Title),
		Text: c.memo(), Version: c.version, Slot: a.in.Slot.UTC(),
	}
}
