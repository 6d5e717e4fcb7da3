package compose

import (
	"slices"
	"strings"

	"lede/internal/attribute"
	"lede/source"
)

// Check says what is wrong with a condition; nil for nothing.
func (c Condition) Check() error {
	if c.Segment != "" {
		return nil
	}
	return attribute.Check(c.Attribute, c.Values)
}

// String says a condition in words: "plan is paid or gift", "not segment press".
func (c Condition) String() string {
	switch {
	case c.Segment != "" && c.Not:
		return "not segment " + c.Segment
	case c.Segment != "":
		return "segment " + c.Segment
	}
	verb := " is "
	if c.Not {
		verb = " is not "
	}
	return c.Attribute + verb + strings.Join(c.Values, " or ")
}

// inWords says conditions of which all must hold; empty for none.
func inWords(when []Condition) string {
	words := make([]string, len(when))
	for i, c := range when {
		words[i] = c.String()
	}
	return strings.Join(words, " and ")
}

// conditionsOf are the conditions of a story; what its segments mean is not
// told in them.
func conditionsOf(s source.Story) []Condition {
	var when []Condition
	for _, c := range s.When {
		when = append(when, Condition{Attribute: c.Attribute, Values: c.Values, Segment: c.Segment, Not: c.Not})
	}
	return when
}

// conditionsOf are the conditions of a story, with what its segments mean.
func (a *assembly) conditionsOf(s source.Story) []Condition {
	when := conditionsOf(s)
	for i := range when {
		when[i].Where = a.recipe.Segments[when[i].Segment]
	}
	return when
}

// unknownSegment returns the first segment that a story asks for and nobody
// defined; empty for none.
func (a *assembly) unknownSegment(s source.Story) string {
	for _, c := range s.When {
		if c.Segment != "" && a.recipe.Segments[c.Segment] == "" {
			return c.Segment
		}
	}
	return ""
}

// apart says that nobody can meet both: two of their conditions ask for values
// of one attribute that exclude each other.
func apart(a, b []Condition) bool {
	for _, x := range a {
		if slices.ContainsFunc(b, x.excludes) {
			return true
		}
	}
	return false
}

func (c Condition) excludes(other Condition) bool {
	if c.Attribute != other.Attribute || c.Segment != other.Segment || c.Not && other.Not {
		return false
	}
	if c.Not {
		c, other = other, c
	}
	// c wants one of its values.
	return !slices.ContainsFunc(c.wanted(), func(v string) bool { return slices.Contains(other.wanted(), v) != other.Not })
}

// fitting returns those of the stories, in their order, for which a section has
// room: no reader sees more than most of them. Stories that nobody sees
// together take no room from each other.
func fitting(here []*candidate, most int) []*candidate {
	var kept []*candidate
	for _, c := range here {
		when, beside := conditionsOf(c.Story), 0
		for _, other := range kept {
			if !apart(when, conditionsOf(other.Story)) {
				beside++
			}
		}
		if beside < most {
			kept = append(kept, c)
		}
	}
	return kept
}

// isConditional says that some of the stories are not for everybody.
func isConditional(here []*candidate) bool {
	return slices.ContainsFunc(here, func(c *candidate) bool { return len(c.When) > 0 })
}

// tells says whether a condition is met by all of each variant's recipients or
// by none.
func (s Split) tells(c Condition) bool {
	at := slices.IndexFunc(s.Axes, func(a Axis) bool { return a.asks(c) })
	if at < 0 {
		return false
	}
	known := 0
	for _, class := range s.Axes[at].Classes {
		in := 0
		for _, v := range class {
			if slices.Contains(c.wanted(), v) {
				in++
			}
		}
		if in > 0 && in < len(class) {
			return false
		}
		known += in
	}
	return known == len(c.wanted())
}

// sees says whether a variant's recipients meet all of the conditions.
func (s Split) sees(variant int, when []Condition) bool {
	return !slices.ContainsFunc(when, func(c Condition) bool { return !s.Meets(variant, c) })
}

// Conditions returns what the edition asks about its recipients, each once, in
// the letter's order. A theme may ask more.
func (e Edition) Conditions() []Condition {
	var all []Condition
	add := func(when []Condition) {
		for _, c := range when {
			if !slices.ContainsFunc(all, func(known Condition) bool { return known.String() == c.String() }) {
				all = append(all, c)
			}
		}
	}
	if e.Lead != nil {
		add(e.Lead.When)
	}
	for _, section := range e.Sections {
		add(section.When)
		for _, b := range section.Briefs {
			add(b.When)
		}
	}
	return all
}

// seenBy returns the edition as those see it whose conditions are met. A section
// of which nothing is left is gone, or says what it has to say then.
func (e Edition) seenBy(meet func(when []Condition) bool) Edition {
	if e.Lead != nil && !meet(e.Lead.When) {
		e.Lead = nil
	}
	sections := []Section{}
	for _, section := range e.Sections {
		if !meet(section.When) {
			continue
		}
		if slices.ContainsFunc(section.Briefs, func(b Brief) bool { return !meet(b.When) }) {
			section.Briefs = slices.DeleteFunc(slices.Clone(section.Briefs), func(b Brief) bool { return !meet(b.When) })
		}
		if len(section.Briefs) > 0 {
			section.Text = ""
		}
		if len(section.Briefs) > 0 || section.Text != "" {
			sections = append(sections, section)
		}
	}
	e.Sections = sections
	return e
}

// Variant returns the edition as the recipients of a variant see it.
func (e Edition) Variant(s Split, variant int) Edition {
	return e.seenBy(func(when []Condition) bool { return s.sees(variant, when) })
}

// common returns what everybody sees of the edition: of that only subject,
// preheader and greeting speak, since they are the same for all.
func (e Edition) common() Edition {
	return e.seenBy(func(when []Condition) bool { return len(when) == 0 })
}

// fewest counts what the recipients of a variant get, for the variant that gets
// the fewest stories, and says for whom that is; empty where all get the same.
// told counts all that stands in sections.
func (a *assembly) fewest() (stories, told int, whom string) {
	conditions := a.edition.Conditions()
	for _, c := range a.placed {
		conditions = append(conditions, c.to...)
	}
	split, err := NewSplit(conditions)
	if err != nil {
		split = Split{} // rendering says so
	}
	for variant := range split.Count() {
		n, all := 0, 0
		for _, section := range a.edition.Variant(split, variant).Sections {
			all += len(section.Briefs)
		}
		for _, c := range a.placed {
			if c.sectionKind() == sectionBriefs && !c.stale && split.sees(variant, c.to) {
				n++
			}
		}
		if variant == 0 || n < stories || n == stories && all < told {
			stories, told, whom = n, all, split.Name(variant)
		}
	}
	if split.Count() == 1 {
		whom = ""
	}
	return stories, told, whom
}

// OnTheWeb returns the edition as its web page tells it: as recipients see it of
// whom nothing is known.
func (e Edition) OnTheWeb() Edition {
	return e.seenBy(func(when []Condition) bool {
		return !slices.ContainsFunc(when, func(c Condition) bool { return !c.Not })
	})
}
