package compose

import (
	"cmp"
	"slices"
)

// placed is a section where an edition file has it.
type placed struct {
	SectionName
	at   string
	line int
}

// ordered is the order of the sections that the editor wants; nil when it is the
// newsletter's. Sections that were taken out of the file with all their stories
// keep their places.
func (c *comparing) ordered() []SectionName {
	var wanted []SectionName
	for i, p := range c.order {
		if p.Kind == sectionCorrections && i > 0 {
			c.fault(p.line, p.at, "corrections stand first, above the lead: move %q back to the top of sections", cmp.Or(p.Title, p.Kind))
		}
		wanted = append(wanted, p.SectionName)
	}
	var was []SectionName
	for _, p := range c.sheet.Places {
		if slices.Contains(wanted, p.SectionName) {
			was = append(was, p.SectionName)
		}
	}
	if slices.Equal(wanted, was) {
		return c.sheet.Edits.Order
	}
	return wanted
}

// sectionNames are the names of the sections in the order of the recipe.
func (a *assembly) sectionNames() []SectionName {
	nth := map[SectionName]int{}
	names := make([]SectionName, len(a.sections))
	for i, s := range a.sections {
		name := SectionName{Kind: s.kind(), Title: s.Title}
		name.Nth, nth[name] = nth[name], nth[name]+1
		names[i] = name
	}
	return names
}

// arranged returns the places of the sections in the order in which they are
// told: the recipe's, or the editor's. A section that the editor's order does
// not name stands behind the one that it follows in the recipe. Only the telling
// is reordered; which section has the first call on a story stays as it is.
func (a *assembly) arranged() []int {
	names := a.sectionNames()
	told := make([]int, 0, len(names))
	for _, name := range a.edited.Order {
		i := slices.Index(names, name)
		switch {
		case i < 0:
			a.remark("there is no section %q (%s) any more: its place in the editor's order counts no longer", name.Title, name.Kind)
		case !slices.Contains(told, i):
			told = append(told, i)
		}
	}
	for i := range names {
		if !slices.Contains(told, i) {
			told = slices.Insert(told, 1+slices.Index(told, i-1), i) // the first one stands at the top
		}
	}
	return told
}
