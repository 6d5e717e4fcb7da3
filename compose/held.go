package compose

import "slices"

// besideHeld is a section's rule for what the editor does not hold: with the
// room that is left, and nothing where there is none.
func (a *assembly) besideHeld(i int, rule SectionRule) (SectionRule, bool) {
	place := a.edited.places[i]
	if place == nil {
		return rule, true
	}
	count := 0
	for _, s := range place.Stories {
		if h := a.edited.held[s.ID]; s.ID == "" || h != nil && !h.gone {
			count++
		}
	}
	if rule.Max <= 0 {
		return rule, true
	}
	rule.Max -= count
	return rule, rule.Max > 0
}

// mayJoin says whether a story may stand in a section by itself: where the
// editor arranged one only what is new.
func (a *assembly) mayJoin(i int, c *candidate) bool {
	place := a.edited.places[i]
	return place == nil || !place.Arranged || a.isNew(c)
}

// isNew says that a story came in after the editor looked.
func (a *assembly) isNew(c *candidate) bool {
	return len(a.edited.known) > 0 && !a.edited.known[c.id()]
}

// withHeld puts what the editor holds in a section to its place among what the
// rules chose.
func (a *assembly) withHeld(i int, chosen []Brief) []Brief {
	place := a.edited.places[i]
	if place == nil {
		return chosen
	}
	all := []Brief{}
	if !place.Arranged {
		all = chosen
	}
	for _, s := range place.Stories {
		b, ok := a.heldBrief(a.sections[i], s)
		switch {
		case !ok:
		case place.Arranged:
			all = append(all, b)
		default:
			all = slices.Insert(all, min(s.At, len(all)), b)
		}
	}
	if place.Arranged {
		all = append(all, chosen...)
	}
	return all
}

// show notes what stands in a section.
func (a *assembly) show(i int, briefs []Brief) {
	for _, b := range briefs {
		id := ""
		if b.Source != EditorsOwn {
			id = StoryID(b.Source, b.Key)
		}
		a.edited.shown[i] = append(a.edited.shown[i], id)
	}
}

// heldBrief tells a story in a section as the editor wants it.
func (a *assembly) heldBrief(rule SectionRule, s EditedStory) (Brief, bool) {
	h := &heldStory{EditedStory: s}
	if s.ID != "" {
		if h = a.edited.held[s.ID]; h == nil || h.gone || h.c != nil && h.c.placed {
			return Brief{}, false
		}
	}
	var b Brief
	switch {
	case s.ID == "":
		b = Brief{URL: s.Link, Source: EditorsOwn, Why: "the editor's own"}
		if rule.kind() == sectionSponsor {
			b.Label = labelSponsored
		}
	case h.c != nil:
		b = a.brief(rule, h.c)
		a.place(h.c)
	default:
		if h.Brief == nil {
			return Brief{}, false
		}
		b = *h.Brief
		b.Why = b.Source + ": as the editor saw it"
		a.keepUse(h)
	}
	if s.ID != "" {
		b.Why += "; placed by the editor"
	}
	if h.Headline != nil {
		b.Title, b.Opening = oneLine(*h.Headline), ""
	}
	if h.Teaser != nil && !isHeadlineOnly(rule.kind()) {
		b.Teaser = oneLine(*h.Teaser)
	}
	if h.Text != nil {
		b.Body = told(plainBlocks(*h.Text))
	}
	if s.ID != "" && (h.Headline != nil || h.Teaser != nil || h.Text != nil) {
		b.Why += "; rewritten by the editor"
	}
	if b.Title == "" && b.Teaser != "" {
		b.Opening = opening(b.Teaser, a.recipe.Language)
	}
	return b, true
}

// EditorsOwn is the source of what an editor wrote into an edition file.
const EditorsOwn = "editor"
