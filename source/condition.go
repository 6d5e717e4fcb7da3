package source

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"lede/internal/attribute"
)

// mostConditions is how many conditions a story may have.
const mostConditions = 10

// when reads for whom a story is: one condition, or a list of them that must
// all hold.
//
//	when: {attribute: plan, is: [paid]}
//	when: [{attribute: plan, is: paid}, {attribute: country, is_not: [DE, AT]}]
//	when: {segment: regulars}
//	when: {exclude: press}
func (r *frontReader) when(v *yaml.Node) error {
	nodes := []*yaml.Node{v}
	if v.Kind == yaml.SequenceNode {
		nodes = v.Content
	}
	if len(nodes) > mostConditions {
		return fmt.Errorf("more than %d conditions", mostConditions)
	}
	for _, node := range nodes {
		c, err := condition(node)
		if err != nil {
			return err
		}
		r.story.When = append(r.story.When, c)
	}
	return nil
}

func condition(v *yaml.Node) (Condition, error) {
	if v.Kind != yaml.MappingNode {
		return Condition{}, errors.New("wants a condition, such as {attribute: plan, is: [paid]}")
	}
	var c Condition
	seen := map[string]bool{}
	for i := 0; i+1 < len(v.Content); i += 2 {
		key, value := v.Content[i].Value, v.Content[i+1]
		if seen[key] {
			return Condition{}, fmt.Errorf("%s stands there twice", short(key))
		}
		seen[key] = true
		var err error
		switch key {
		case "attribute":
			c.Attribute, err = scalar(value)
		case "is", "is_not":
			c.Values, err = valuesOf(value)
			c.Not = key == "is_not"
		case "segment", "exclude":
			c.Segment, err = scalar(value)
			c.Not = key == "exclude"
		default:
			err = fmt.Errorf("%s is unknown here: a condition has attribute, and is or is_not; or segment; or exclude", short(key))
		}
		if err != nil {
			return Condition{}, err
		}
	}
	ofSegment := seen["segment"] || seen["exclude"]
	switch {
	case ofSegment && len(seen) > 1:
		return Condition{}, errors.New("segment or exclude stands alone: make two conditions of it, [{…}, {…}]")
	case ofSegment && c.Segment == "":
		return Condition{}, errors.New("the id of the segment is missing")
	case ofSegment:
		return c, nil
	case seen["is"] && seen["is_not"]:
		return Condition{}, errors.New("is and is_not together: make two conditions of it, [{…}, {…}]")
	case seen["attribute"] && !seen["is"] && !seen["is_not"]:
		return Condition{}, errors.New("is or is_not is missing")
	}
	return c, attribute.Check(c.Attribute, c.Values)
}

// valuesOf reads one value or a list of them, as they stand.
func valuesOf(v *yaml.Node) ([]string, error) {
	nodes := []*yaml.Node{v}
	if v.Kind == yaml.SequenceNode {
		nodes = v.Content
	}
	var all []string
	for _, node := range nodes {
		s, err := scalar(node)
		if err != nil {
			return nil, err
		}
		all = append(all, strings.TrimSpace(s))
	}
	return all, nil
}
