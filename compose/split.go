package compose

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// MostVariants is how many variants an edition may have, the subjects of a test
// counted in.
const MostVariants = 64

// errVariants is an edition that would have too many variants.
var errVariants = errors.New("too many variants")

// Condition is met by recipients whose attribute has one of the values, as they
// stand; with Not, by those whose attribute has none of them or is not set. One
// with a segment is met by who is in it; with Not, by who is not.
type Condition struct {
	Attribute string   `json:"attribute,omitempty"`
	Values    []string `json:"values,omitempty"`
	Segment   string   `json:"segment,omitempty"` // id, in place of attribute and values
	Where     string   `json:"where,omitempty"`   // what the segment means, as an expression of segments
	Not       bool     `json:"not,omitempty"`
}

// Split says which recipients get which variant of an edition. The zero Split
// is one variant for all.
type Split struct {
	Axes []Axis `json:"axes,omitempty"`
}

// Axis is an attribute that conditions ask about. Values that no condition
// tells apart are one class; class 0 is everything else: other values, and
// recipients without the attribute. Of a segment, class 1 is who is in it.
type Axis struct {
	Attribute string     `json:"attribute,omitempty"`
	Segment   string     `json:"segment,omitempty"` // id, in place of an attribute
	Where     string     `json:"where,omitempty"`   // what the segment means
	Classes   [][]string `json:"classes"`           // class i+1 has the values Classes[i]; of a segment its id
}

// asks says whether a condition is about the axis.
func (a Axis) asks(c Condition) bool { return a.Attribute == c.Attribute && a.Segment == c.Segment }

// name is what the axis is called in messages.
func (a Axis) name() string {
	if a.Segment != "" {
		return "segment " + a.Segment
	}
	return a.Attribute
}

// wanted are the condition's values on its axis.
func (c Condition) wanted() []string {
	if c.Segment != "" {
		return []string{c.Segment}
	}
	return c.Values
}

// NewSplit returns the split in which each of the conditions is met by all of a
// variant's recipients or by none. More than MostVariants of them are an error.
func NewSplit(conditions []Condition) (Split, error) {
	var s Split
	for _, c := range conditions {
		at := slices.IndexFunc(s.Axes, func(a Axis) bool { return a.asks(c) })
		if at < 0 {
			at = len(s.Axes)
			s.Axes = append(s.Axes, Axis{Attribute: c.Attribute, Segment: c.Segment, Where: c.Where})
		}
		s.Axes[at].tell(c.wanted())
		if s.Count() > MostVariants {
			return Split{}, fmt.Errorf("%w: conditions on %s make more than %d", errVariants, s.asked(), MostVariants)
		}
	}
	return s, nil
}

// tell parts the classes so that values are told apart from all others.
func (a *Axis) tell(values []string) {
	var parted [][]string
	known := map[string]bool{}
	for _, class := range a.Classes {
		var in, out []string
		for _, v := range class {
			known[v] = true
			if slices.Contains(values, v) {
				in = append(in, v)
			} else {
				out = append(out, v)
			}
		}
		for _, part := range [][]string{in, out} {
			if len(part) > 0 {
				parted = append(parted, part)
			}
		}
	}
	var other []string
	for _, v := range values {
		if !known[v] {
			known[v] = true
			other = append(other, v)
		}
	}
	if len(other) > 0 {
		parted = append(parted, other)
	}
	a.Classes = parted
}

func (s Split) asked() string {
	names := make([]string, len(s.Axes))
	for i, a := range s.Axes {
		names[i] = a.name()
	}
	return strings.Join(names, ", ")
}

// Count returns how many variants there are; they are numbered from 0.
func (s Split) Count() int {
	n := 1
	for _, a := range s.Axes {
		n *= len(a.Classes) + 1
	}
	return n
}

// Variant returns the number of the variant that a recipient gets, whose
// attributes are read by value ("" is the same as not set), and of whom in says
// whether the expression of a segment means them. Variant 0 is that of a
// recipient of whom nothing is known.
func (s Split) Variant(value func(attribute string) string, in func(where string) bool) int {
	n, stride := 0, 1
	for _, a := range s.Axes {
		switch {
		case a.Segment == "":
			n += stride * a.class(value(a.Attribute))
		case in(a.Where):
			n += stride
		}
		stride *= len(a.Classes) + 1
	}
	return n
}

func (a Axis) class(value string) int {
	if value == "" {
		return 0
	}
	return 1 + slices.IndexFunc(a.Classes, func(class []string) bool { return slices.Contains(class, value) })
}

// Classes returns, for a variant, the class of each axis.
func (s Split) Classes(variant int) []int {
	classes := make([]int, len(s.Axes))
	for i, a := range s.Axes {
		classes[i] = variant % (len(a.Classes) + 1)
		variant /= len(a.Classes) + 1
	}
	return classes
}

// Meets says whether a variant's recipients meet a condition that the split was
// made of.
func (s Split) Meets(variant int, c Condition) bool {
	for i, class := range s.Classes(variant) {
		if a := s.Axes[i]; a.asks(c) && class > 0 {
			return slices.Contains(c.wanted(), a.Classes[class-1][0]) != c.Not
		}
	}
	return c.Not
}

// Name says for whom a variant is: "plan paid, country DE or AT, segment
// regulars".
func (s Split) Name(variant int) string {
	var words []string
	for i, class := range s.Classes(variant) {
		switch a := s.Axes[i]; {
		case class == 0:
		case a.Segment != "":
			words = append(words, a.name())
		default:
			words = append(words, a.Attribute+" "+strings.Join(a.Classes[class-1], " or "))
		}
	}
	if len(words) == 0 {
		return "everybody else"
	}
	return strings.Join(words, ", ")
}
