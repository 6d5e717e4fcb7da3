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
	known := segment.Known{}
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

// choice checks that the segments which a newsletter names exist.
func (c *checker) choice(at string, n Newsletter, ids []string) {
	if ids == nil {
		return
	}
	const remedy = "segments are defined at the top level: segments: [{id: …, where: …}]"
	if path := at + ".segment"; c.given(path) && n.Segment != "" && !slices.Contains(ids, n.Segment) {
		c.complain(path, remedy, "there is no segment %q%s", n.Segment, didYouMean(n.Segment, ids))
	}
	for i, id := range n.Exclude {
		path := fmt.Sprintf("%s.exclude[%d]", at, i)
		switch {
		case !c.given(path):
		case !slices.Contains(ids, id):
			c.complain(path, remedy, "there is no segment %q%s", id, didYouMean(id, ids))
		case id == n.Segment:
			c.complain(path, "", "%q is the segment that it goes to: nobody would be left", id)
		}
	}
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
