package config

import (
	"errors"
	"fmt"
	"slices"

	"lede/audience/segment"
)

// segments reads the expressions of the segments and returns their ids; nil when
// they cannot be relied on.
func (c *checker) segments() []string {
	ids := c.ids("segments", len(c.Segments), func(i int) string { return c.Segments[i].ID })
	known := segment.Known{Types: c.Declared()}
	for _, n := range c.Newsletters {
		known.Newsletters = append(known.Newsletters, n.ID)
	}
	for i := range c.Segments {
		s := &c.Segments[i]
		path := fmt.Sprintf("segments[%d].where", i)
		if !c.given(path) {
			continue
		}
		e, err := segment.Parse(s.Where)
		if err == nil {
			err = e.Check(known)
		}
		if wrong, ok := errors.AsType[*segment.Error](err); ok {
			c.complain(path, wrong.Hint, "%s\n%s", wrong, wrong.Caret())
			continue
		}
		s.Means = e
	}
	return ids
}

// choice checks that the segments which a newsletter and its sections name exist.
func (c *checker) choice(at string, n Newsletter, ids []string) {
	if ids == nil {
		return
	}
	unknown := func(path, id string) bool {
		if !c.given(path) || id == "" || slices.Contains(ids, id) {
			return false
		}
		c.complain(path, "segments are defined at the top level: segments: [{id: …, where: …}]", "there is no segment %q%s", id, didYouMean(id, ids))
		return true
	}
	unknown(at+".segment", n.Segment)
	for i, id := range n.Exclude {
		path := fmt.Sprintf("%s.exclude[%d]", at, i)
		if !unknown(path, id) && c.given(path) && id == n.Segment {
			c.complain(path, "", "%q is the segment that it goes to: nobody would be left", id)
		}
	}
	for i, section := range n.Sections {
		for j, w := range section.When {
			one := c.whenPath(at, i, j)
			unknown(one+".segment", w.Segment)
			unknown(one+".exclude", w.Exclude)
		}
	}
}

// Expressions are what the segments say, by their ids.
func (c *Config) Expressions() map[string]string {
	texts := map[string]string{}
	for _, s := range c.Segments {
		texts[s.ID] = s.Means.String()
	}
	return texts
}

// Choice is whom a newsletter goes to of those on its lists.
func (c *Config) Choice(n Newsletter) segment.Choice {
	means := func(id string) *segment.Expression {
		i := slices.IndexFunc(c.Segments, func(s Segment) bool { return s.ID == id })
		if i < 0 {
			return nil
		}
		return c.Segments[i].Means
	}
	var without []*segment.Expression
	for _, id := range n.Exclude {
		without = append(without, means(id))
	}
	return segment.Choose(n.Segment, means(n.Segment), n.Exclude, without)
}
