package main

import (
	"context"
	"fmt"
	"slices"

	"lede/compose"
	"lede/internal/spelling"
	"lede/newsroom"
)

// variants says which letters an edition has and warns of attributes that
// conditions ask about and no reader has.
func (c *checks) variants(ctx context.Context, h *house, n newsroom.Newsletter, d newsroom.Draft) {
	var asked []compose.Condition
	for _, s := range n.Recipe.Sections {
		asked = append(asked, s.When...)
	}
	var attributes []string
	for _, condition := range append(asked, d.Edition.Conditions()...) {
		attributes = append(attributes, condition.Attribute)
	}
	if d.Variants != nil { // what the theme asks is among them
		for _, axis := range d.Variants.Split.Axes {
			attributes = append(attributes, axis.Attribute)
		}
		c.ok(n.ID+", variants", "%s, %s", counted(d.Variants.Split.Count(), "letter"), counted(max(1, len(d.Variants.Subjects)), "subject"))
	}
	slices.Sort(attributes)
	attributes = slices.Compact(attributes)
	if len(attributes) == 0 {
		return
	}
	known, err := h.store.AttributeNames(ctx)
	if err != nil {
		c.add("failure", n.ID+", variants", err.Error(), "")
		return
	}
	for _, attribute := range attributes {
		if slices.Contains(known, attribute) {
			continue
		}
		remedy := "lede import brings it in, as a column of that name."
		if near := spelling.Nearest(attribute, known); near != "" {
			remedy = fmt.Sprintf("Did you mean %s?", near)
		}
		c.add("warning", n.ID+", variants", fmt.Sprintf("conditions ask about the attribute %s, which none of the newest readers has", attribute), remedy)
	}
}
