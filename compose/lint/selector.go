package lint

import (
	"strings"
)

// compound is one part of a selector: a type, classes, an id, attributes.
type compound struct {
	tag     string // empty: any
	id      string
	classes []string
	attrs   [][2]string // name, value; value empty: the attribute is there
	child   bool        // stands by > behind the part before it
}

// selector is what an element is matched against, from left to right.
type selector struct {
	parts  []compound
	weight int // specificity: 10,000 an id, 100 a class or attribute, 1 a type
}

// readSelector reads a selector of types, classes, ids and attributes with the
// descendant and child combinators. Others (siblings, pseudo-classes) are not
// understood, and ok is false.
func readSelector(text string) (s selector, ok bool) {
	var c compound
	empty, child := true, false
	flush := func() bool {
		if empty {
			return false
		}
		c.child = child
		s.parts = append(s.parts, c)
		c, empty, child = compound{}, true, false
		return true
	}
	for i := 0; i < len(text); {
		switch b := text[i]; b {
		case ' ', '\t', '\n', '\r':
			flush()
			i++
		case '>':
			flush()
			if len(s.parts) == 0 {
				return selector{}, false
			}
			child = true
			i++
		case '*':
			empty = false
			i++
		case '.', '#':
			end := i + 1 + nameEnd(text[i+1:])
			if end == i+1 {
				return selector{}, false
			}
			if b == '.' {
				c.classes = append(c.classes, text[i+1:end])
				s.weight += 100
			} else {
				c.id = text[i+1 : end]
				s.weight += 10_000
			}
			empty = false
			i = end
		case '[':
			end := strings.IndexByte(text[i:], ']')
			if end < 0 {
				return selector{}, false
			}
			name, value, _ := strings.Cut(text[i+1:i+end], "=")
			if strings.ContainsAny(name, "~|^$*") {
				return selector{}, false
			}
			c.attrs = append(c.attrs, [2]string{strings.ToLower(strings.TrimSpace(name)), strings.Trim(strings.TrimSpace(value), `"'`)})
			s.weight += 100
			empty = false
			i += end + 1
		default:
			end := i + nameEnd(text[i:])
			if end == i {
				return selector{}, false
			}
			c.tag = strings.ToLower(text[i:end])
			s.weight++
			empty = false
			i = end
		}
	}
	flush()
	return s, len(s.parts) > 0 && !child
}

// nameEnd is where a name in a selector ends.
func nameEnd(text string) int {
	for i, r := range text {
		if r != '-' && r != '_' && r < 0x80 && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return i
		}
	}
	return len(text)
}

// fits says whether one element fits one part.
func (c *compound) fits(e *element) bool {
	if c.tag != "" && c.tag != e.tag || c.id != "" && c.id != e.value("id") {
		return false
	}
	if len(c.classes) > 0 {
		has := " " + strings.Join(strings.Fields(e.value("class")), " ") + " "
		for _, class := range c.classes {
			if !strings.Contains(has, " "+class+" ") {
				return false
			}
		}
	}
	for _, a := range c.attrs {
		value, ok := e.attribute(a[0])
		if !ok || a[1] != "" && value != a[1] {
			return false
		}
	}
	return true
}

// matches says whether a selector fits an element, looking outwards through the
// elements around it. Each part is tried once: for descendants the nearest
// ancestor that fits is as good as any further one, but for a child part before
// it, where the answer may be no though it is yes.
func (s *selector) matches(p *page, i int) bool {
	last := len(s.parts) - 1
	if !s.parts[last].fits(&p.elements[i]) {
		return false
	}
	child := s.parts[last].child
	for at := last - 1; at >= 0; at-- {
		i = p.elements[i].parent
		for i >= 0 && !s.parts[at].fits(&p.elements[i]) {
			if child {
				return false
			}
			i = p.elements[i].parent
		}
		if i < 0 {
			return false
		}
		child = s.parts[at].child
	}
	return true
}
