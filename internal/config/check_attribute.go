package config

import (
	"fmt"
	"slices"

	"lede/audience"
	"lede/compose"
	"lede/internal/attribute"
)

// Declared are the attributes that the file declares.
func (c *Config) Declared() audience.Attributes {
	var all audience.Attributes
	for _, a := range c.Attributes {
		all = append(all, audience.Attribute{Name: a.Name, Title: a.Title, Type: audience.AttributeType(a.Type), Values: a.Values})
	}
	return all
}

// attributes checks the declared attributes.
func (c *checker) attributes() {
	var names []string
	for i, a := range c.Declared() {
		at := fmt.Sprintf("attributes[%d]", i)
		if !c.sound(at) || !c.given(at+".name") {
			continue
		}
		if err := attribute.Check(a.Name, []string{"x"}); err != nil {
			c.complain(at+".name", "", "%v", err)
			continue
		}
		if slices.Contains(names, a.Name) {
			c.complain(at+".name", "", "%q is declared twice", a.Name)
		}
		names = append(names, a.Name)
		if column := audience.AttributeName(a.Name); column != a.Name {
			c.warn("%s.name: a column %q of an import becomes the attribute %s; only programs write %q as it stands", at, a.Name, column, a.Name)
		}
		if err := a.Check(); err != nil && c.sound(at+".type") {
			c.complain(c.oneGiven(at+".values", at+".type"), "", "%v", err)
		}
		if len(a.Values) > 0 {
			if err := attribute.Check(a.Name, a.Values); err != nil {
				c.complain(at+".values", "", "%v", err)
			}
		}
	}
}

// typed checks the values of a condition by recipient against what is declared.
func (c *checker) typed(at, key string, condition compose.Condition) {
	a, ok := c.Declared().Find(condition.Attribute)
	if !ok {
		return
	}
	for i, value := range condition.Values {
		clean, err := a.Clean(value)
		switch {
		case err != nil:
			c.complain(fmt.Sprintf("%s.%s[%d]", at, key, i), "", "%s is %s, not %q%s", a.Name, a.Is(), value, didYouMean(value, a.Values))
		case clean != value:
			c.complain(fmt.Sprintf("%s.%s[%d]", at, key, i), "", "%s is kept as %q, never as %q", a.Name, clean, value)
		}
	}
}
