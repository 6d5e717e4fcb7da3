// Package segment is a small language that says whom is meant:
//
//	plan = "paid" and country in ("DE", "AT") and not tag "press"
//
// Parse reads it, an Expression prints it in one canonical form and says of a
// person whether it is met. The package is pure; the database finds the people
// by the same tree, and must find exactly those whom Match finds.
//
// A condition is met or not met; there is nothing between. What is not set is
// the same as empty, so a person without the attribute plan meets
// `plan != "paid"`, and no condition on numbers or dates but a negated one.
package segment

import "strings"

// Expr is a node of an expression.
type Expr interface{ isExpr() }

// And is met when all its terms are; there are at least two, none an And.
type And struct{ Terms []Expr }

// Or is met when one of its terms is; there are at least two, none an Or.
type Or struct{ Terms []Expr }

// Not is met when its term is not.
type Not struct{ Term Expr }

// Text compares a text with values; one that fits is enough. Equals compares as
// it stands, the others ignore case.
type Text struct {
	Field  Field
	Op     TextOp
	Values []string
}

// Number compares an attribute that is a number, as IsNumber has it, with
// another. What is no number meets no comparison.
type Number struct {
	Attribute string
	Op        Comparison
	Value     string // as it was written; IsNumber holds
}

// Date asks whether the day of a date is in a range. What does not begin with a
// day, as IsDate has it, is in none.
type Date struct {
	Field Field
	Op    DateOp
	Day   Day
}

// Set is met when a field is set and not empty.
type Set struct{ Field Field }

// Tag is met by people with one of the tags, as they stand.
type Tag struct{ Names []string }

// List is met by people whose subscription to one of the lists is in the state.
type List struct {
	Names []string
	State string // active, pending or unsubscribed
}

// Language is met by people whose attribute language is one of the tags or
// begins with one: de is met by de, de-AT and de_CH. Case does not count.
type Language struct{ Tags []string }

// Suppressed is met by people whose address gets no mail at all.
type Suppressed struct{}

// Left is met by people who opted out of one of the newsletters.
type Left struct{ Newsletters []string }

func (And) isExpr()        {}
func (Or) isExpr()         {}
func (Not) isExpr()        {}
func (Text) isExpr()       {}
func (Number) isExpr()     {}
func (Date) isExpr()       {}
func (Set) isExpr()        {}
func (Tag) isExpr()        {}
func (List) isExpr()       {}
func (Language) isExpr()   {}
func (Suppressed) isExpr() {}
func (Left) isExpr()       {}

// Field is what a condition asks about.
type Field struct {
	Kind FieldKind
	Name string // of an attribute
}

// FieldKind is the kind of a field.
type FieldKind string

// The kinds of fields.
const (
	Attribute  FieldKind = "attribute"
	Email      FieldKind = "email"      // text: the address
	Domain     FieldKind = "domain"     // text: of the address, in lower case
	Name       FieldKind = "name"       // text
	Consent    FieldKind = "consent"    // text: how an active subscription came about; one that fits is enough
	Zone       FieldKind = "zone"       // text, only compared whole: see Places
	Subscribed FieldKind = "subscribed" // date: since when the person is known
	Mailed     FieldKind = "mailed"     // date: when a relay last took a mail to the person
)

// dates says whether a kind of field holds a date.
func (k FieldKind) dates() bool { return k == Subscribed || k == Mailed }

// TextOp compares texts.
type TextOp string

// The ways to compare texts.
const (
	Equals     TextOp = "="
	Contains   TextOp = "contains"
	StartsWith TextOp = "starts with"
	EndsWith   TextOp = "ends with"
)

// Comparison compares numbers.
type Comparison string

// The ways to compare numbers.
const (
	Equal   Comparison = "="
	Less    Comparison = "<"
	AtMost  Comparison = "<="
	Greater Comparison = ">"
	AtLeast Comparison = ">="
)

// DateOp says which days are in a range.
type DateOp string

// The ranges. All are of whole days in UTC.
const (
	Before DateOp = "before"      // earlier than Day
	Since  DateOp = "since"       // Day and later
	After  DateOp = "after"       // later than Day
	Until  DateOp = "until"       // Day and earlier
	On     DateOp = "on"          // that day
	Last   DateOp = "in the last" // from Day, which is in the past, until today
	Next   DateOp = "in the next" // from today until Day
)

// Choice is whom of a newsletter's readers an edition goes to. The zero Choice
// is all of them. Whoever it says, nobody gets mail against their will.
type Choice struct {
	Segment string   `json:"segment,omitempty"` // id; empty: everybody
	Exclude []string `json:"exclude,omitempty"` // ids of segments that get nothing
	Where   string   `json:"where,omitempty"`   // what they say together, as an expression; empty: everybody
}

// String says it for people: "segment regulars, without press".
func (c Choice) String() string {
	var parts []string
	if c.Segment != "" {
		parts = append(parts, "segment "+c.Segment)
	}
	if len(c.Exclude) > 0 {
		parts = append(parts, "without "+strings.Join(c.Exclude, ", "))
	}
	return strings.Join(parts, ", ")
}

// Choose makes the choice of a segment (nil: everybody) without others.
func Choose(id string, only *Expression, ids []string, without []*Expression) Choice {
	var terms []Expr
	if only != nil {
		terms = append(terms, only.Root)
	}
	for _, w := range without {
		terms = append(terms, Not{w.Root})
	}
	c := Choice{Segment: id, Exclude: ids}
	if len(terms) > 0 {
		c.Where = (&Expression{Root: all(terms)}).String()
	}
	return c
}

// all joins terms by and, flat.
func all(terms []Expr) Expr {
	var flat []Expr
	for _, t := range terms {
		if and, ok := t.(And); ok {
			flat = append(flat, and.Terms...)
		} else {
			flat = append(flat, t)
		}
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return And{flat}
}
