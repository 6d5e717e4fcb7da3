package segment

import (
	"errors"
	"slices"
	"strings"

	"lede/audience"
	"lede/internal/spelling"
)

// mention is a name in an expression that somebody else gave.
type mention struct {
	what named
	at   token
}

type named string

const (
	attributeNames named = "attribute"
	listName       named = "list"
	newsletterName named = "newsletter"
)

func (p *parser) mention(what named, tokens ...token) {
	for _, t := range tokens {
		p.names = append(p.names, mention{what, t})
	}
}

// Known is which names there are; nil: all may be.
type Known struct {
	Attributes, Lists, Newsletters []string
	Types                          audience.Attributes // that are declared
}

// Check says which names of a parsed expression are unknown, and where an
// attribute is compared with what it is not, each as an *Error.
func (e *Expression) Check(known Known) error {
	var problems []error
	for _, m := range e.names {
		all := map[named][]string{attributeNames: known.Attributes, listName: known.Lists, newsletterName: known.Newsletters}[m.what]
		if all == nil || slices.Contains(all, m.at.value) {
			continue
		}
		hint := "there is " + strings.Join(all, ", ")
		if near := spelling.Nearest(m.at.value, all); near != "" {
			hint = "did you mean " + near + "?"
		} else if len(all) == 0 || len(all) > 20 {
			hint = ""
		}
		problems = append(problems, &Error{
			Source: e.source, From: m.at.from, To: m.at.to, Hint: hint,
			What: "there is no " + string(m.what) + " " + quote(m.at.value),
		})
	}
	for _, u := range e.uses {
		if a, ok := known.Types.Find(u.attribute); ok {
			if wrong := u.check(a); wrong != nil {
				wrong.Source = e.source
				problems = append(problems, wrong)
			}
		}
	}
	return errors.Join(problems...)
}

// Attributes returns the attributes that the expression asks about, in order,
// each once.
func (e *Expression) Attributes() []string {
	var names []string
	for _, m := range e.names {
		if m.what == attributeNames {
			names = append(names, m.at.value)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
