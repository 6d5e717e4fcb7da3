package api

import (
	"slices"

	"lede/audience/segment"
)

// expression reads the condition of a field. Lists and newsletters in it must be
// there, an attribute must be declared or somebody's, and what is declared is
// compared with what it is: a mistyped name would mean nobody, or with not
// everybody.
func (c *call) expression(field, source string) (*segment.Expression, error) {
	e, err := segment.Parse(source)
	if err != nil {
		return nil, wrongExpression(field, err)
	}
	known := segment.Known{Lists: slices.Clone(c.MoreLists), Newsletters: []string{}, Types: c.API.Attributes}
	for _, n := range c.Newsletters {
		known.Newsletters = append(known.Newsletters, n.ID)
		known.Lists = append(known.Lists, n.Lists...)
	}
	lists, err := c.Lists.ListNames(c.ctx)
	if err != nil {
		return nil, err
	}
	known.Lists = append(known.Lists, lists...)
	slices.Sort(known.Lists)
	known.Lists = slices.Compact(known.Lists)
	if known.Attributes, err = c.attributes(e); err != nil {
		return nil, err
	}
	if err := e.Check(known); err != nil {
		return nil, wrongExpression(field, err)
	}
	return e, nil
}

// attributes are the names of attributes that are known, with all of an
// expression that anybody has.
func (c *call) attributes(e *segment.Expression) ([]string, error) {
	names, err := c.Counts.AttributeNames(c.ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range c.API.Attributes {
		names = append(names, a.Name)
	}
	for _, name := range e.Attributes() {
		if slices.Contains(names, name) {
			continue
		}
		set := &segment.Expression{Root: segment.Set{Field: segment.Field{Kind: segment.Attribute, Name: name}}}
		somebody, err := c.Counts.AnybodyIn(c.ctx, set, c.now)
		if err != nil {
			return nil, err
		}
		if somebody {
			names = append(names, name)
		}
	}
	if names == nil {
		names = []string{}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
