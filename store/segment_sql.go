package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"lede/audience/segment"
)

// recentDays is how many days back people are found by the index of when they
// came.
const recentDays = 100

// compiler makes SQL of expressions about subscribers s. What it makes finds
// exactly those whom segment.Match finds, on both engines, and is true or false,
// never NULL. All values are parameters.
type compiler struct {
	dialect *dialect
	args    *arguments
	now     time.Time
	places  segment.Places
}

// condition is an expression in SQL.
func (c *compiler) condition(e segment.Expr) string {
	switch e := e.(type) {
	case segment.And:
		return c.chain(e.Terms, " AND ")
	case segment.Or:
		return c.chain(e.Terms, " OR ")
	case segment.Not:
		return "NOT " + c.condition(e.Term)
	case segment.Text:
		return c.text(e)
	case segment.Number:
		v := segment.Field{Kind: segment.Attribute, Name: e.Attribute}
		return c.having(v, func(x string) string {
			return fmt.Sprintf("CASE WHEN %s THEN CAST(%s AS DOUBLE PRECISION) %s CAST(%s AS DOUBLE PRECISION) ELSE false END",
				c.dialect.numeric(x), x, e.Op, c.args.add(e.Float()))
		})
	case segment.Date:
		return c.date(e)
	case segment.Set:
		return c.set(e.Field)
	case segment.Tag:
		return `(s.id IN (SELECT g.subscriber FROM subscriber_tag g WHERE ` + c.among("g.tag", e.Names) + `))`
	case segment.List:
		return `EXISTS (SELECT 1 FROM subscription l WHERE ` + c.among("l.list", e.Names) + ` AND l.subscriber = s.id AND l.state = ` + c.args.add(e.State) + `)`
	case segment.Language:
		return c.having(segment.Field{Kind: segment.Attribute, Name: "language"}, func(x string) string {
			return c.each(e.Tags, func(tag string) string {
				key := segment.LanguageKey(tag)
				return fmt.Sprintf("substr(replace(lower(%s), '_', '-') || '-', 1, %d) = %s", x, len(key), c.args.add(key))
			})
		})
	case segment.Suppressed:
		return `EXISTS (SELECT 1 FROM suppression l WHERE l.key = s.key)`
	case segment.Left:
		return `EXISTS (SELECT 1 FROM opt_out l WHERE l.newsletter <> '' AND ` + c.among("l.newsletter", e.Newsletters) + ` AND l.subscriber = s.id)`
	}
	panic(fmt.Sprintf("no SQL for %T", e)) // a kind of condition that was forgotten here
}

// chain joins terms, those first that cost the engine the least.
func (c *compiler) chain(terms []segment.Expr, joint string) string {
	terms = slices.Clone(terms)
	slices.SortStableFunc(terms, func(a, b segment.Expr) int { return cost(a) - cost(b) })
	parts := make([]string, len(terms))
	for i, t := range terms {
		parts[i] = c.condition(t)
	}
	return "(" + strings.Join(parts, joint) + ")"
}

// cost is about how dear a condition is: columns are cheap, then come texts
// found within one, other tables by index, JSON taken apart, and all deliveries.
func cost(e segment.Expr) int {
	sum := 0
	switch e := e.(type) {
	case segment.And:
		for _, t := range e.Terms {
			sum += cost(t)
		}
	case segment.Or:
		for _, t := range e.Terms {
			sum += cost(t)
		}
	case segment.Not:
		sum = cost(e.Term)
	case segment.Tag:
		sum = 5
	case segment.Text:
		sum = fieldCost(e.Field)
		if e.Op == segment.Equals && e.Field.Kind == segment.Attribute {
			sum = 3
		}
	case segment.Date:
		sum = fieldCost(e.Field)
	case segment.Set:
		sum = fieldCost(e.Field)
	case segment.Number, segment.Language:
		sum = 10
	default:
		sum = 6
	}
	return sum
}

func fieldCost(f segment.Field) int {
	switch f.Kind {
	case segment.Mailed:
		return 40
	case segment.Attribute, segment.Zone:
		return 10
	case segment.Consent:
		return 8
	case segment.Subscribed:
		return 4
	}
	return 1
}

// among says that a column is one of some values.
func (c *compiler) among(column string, values []string) string {
	if len(values) == 0 {
		return "false"
	}
	params := make([]string, len(values))
	for i, v := range values {
		params[i] = c.args.add(v)
	}
	return column + " IN (" + strings.Join(params, ", ") + ")"
}

// each joins what is made of each value by or.
func (c *compiler) each(values []string, one func(string) string) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = one(v)
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}

// column is the column of a field that is one.
func column(f segment.Field) string {
	return map[segment.FieldKind]string{
		segment.Email: "s.address", segment.Domain: "s.domain", segment.Name: "s.name", segment.Subscribed: "s.created",
	}[f.Kind]
}

// attribute is the expression for an attribute's text, empty when not set.
func (c *compiler) attribute(name string) string {
	return `coalesce(` + c.dialect.attributeOf(c.args.add(c.dialect.attributeName(name))) + `, '')`
}

// named says that the text of the attributes holds a name: looking for it costs
// a fraction of taking JSON apart.
func (c *compiler) named(name string) string {
	return c.dialect.found("s.attributes", c.args.add(inJSON(name, true)+":"))
}

// inJSON is a text as JSON has it, with or without what encoding/json escapes
// for the sake of HTML.
func inJSON(text string, escape bool) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(escape)
	_ = enc.Encode(text) // a text can be encoded
	return strings.TrimSuffix(b.String(), "\n")
}

// having says that somebody's attribute meets a condition, which an empty one
// must not meet. It is taken out of its JSON once, whatever the condition asks;
// LIMIT keeps the engines from putting it in for each use.
func (c *compiler) having(f segment.Field, meets func(x string) string) string {
	return "(" + c.named(f.Name) + ` AND EXISTS (SELECT 1 FROM (SELECT ` + c.attribute(f.Name) + ` AS v LIMIT 1) AS x WHERE ` + meets("x.v") + `))`
}

// text compares texts.
func (c *compiler) text(e segment.Text) string {
	switch e.Field.Kind {
	case segment.Zone:
		return c.zone(e.Values)
	case segment.Consent:
		return `EXISTS (SELECT 1 FROM subscription l WHERE l.subscriber = s.id AND l.state = 'active' AND ` + c.compare("l.consent", e) + `)`
	case segment.Attribute:
	default:
		return c.compare(column(e.Field), e)
	}
	if e.Op == segment.Equals {
		return c.each(e.Values, func(value string) string { return c.equal(e.Field, value) })
	}
	if slices.Contains(e.Values, "") { // everybody's begins with it, set or not
		return "(1 = 1)"
	}
	return c.having(e.Field, func(x string) string { return c.compare(x, e) })
}

// equal says that an attribute is a text. Attributes are stored as asJSON writes
// them, without blanks: looking for the name and the value together is a fraction
// of the work of taking JSON apart. Neither holds a quotation mark that is not
// escaped, so they are found nowhere else.
func (c *compiler) equal(f segment.Field, value string) string {
	if value == "" {
		return "NOT " + c.set(f)
	}
	// What an import brought as a number, true or false has no quotation marks.
	if json.Valid([]byte(value)) && !strings.HasPrefix(value, `"`) {
		return c.having(f, func(x string) string { return x + " = " + c.args.add(value) })
	}
	name := inJSON(f.Name, true) + ":"
	needles := []string{name + inJSON(value, true), name + inJSON(value, false)}
	return c.each(slices.Compact(needles), func(n string) string { return c.dialect.found("s.attributes", c.args.add(n)) })
}

// compare compares the text x.
func (c *compiler) compare(x string, e segment.Text) string {
	if e.Op == segment.Equals {
		return c.among(x, e.Values)
	}
	return c.each(e.Values, func(value string) string {
		value = segment.Fold(value)
		folded := "lower(" + x + ")"
		for _, pair := range segment.Variants(value) {
			folded = "replace(" + folded + ", " + c.args.add(pair[0]) + ", " + c.args.add(pair[1]) + ")"
		}
		n := utf8.RuneCountInString(value)
		switch {
		case n == 0:
			return "1 = 1"
		case e.Op == segment.Contains:
			return c.dialect.found(folded, c.args.add(value))
		case e.Op == segment.StartsWith:
			return fmt.Sprintf("substr(%s, 1, %d) = %s", folded, n, c.args.add(value))
		}
		return fmt.Sprintf("(length(%s) >= %d AND substr(%s, length(%s) - %d) = %s)", x, n, folded, x, n-1, c.args.add(value))
	})
}

// zone compares time zones: the attribute that tells one, else that of a country
// that lies in one.
func (c *compiler) zone(zones []string) string {
	var countries []string
	for _, z := range zones {
		countries = append(countries, segment.Countries(z)...)
	}
	test := `x.v <> '' AND ` + c.among("x.v", zones) + ` OR x.v = '' AND ` + c.among("x.c", countries)
	if slices.Contains(zones, "") {
		test += ` OR x.v = '' AND NOT ` + c.among("x.c", segment.AllCountries())
	}
	return c.zones(test)
}

// zones says that a person's time zone v and country c meet a condition.
func (c *compiler) zones(test string) string {
	return `EXISTS (SELECT 1 FROM (SELECT ` + c.first(c.places.Timezones) + ` AS v, ` + c.first(c.places.Countries) + ` AS c LIMIT 1) AS x WHERE ` + test + `)`
}

// first is the text of the first of some attributes that is set, or empty.
func (c *compiler) first(names []string) string {
	text := `coalesce(`
	for _, name := range names {
		text += `nullif(` + c.attribute(name) + `, ''), `
	}
	return text + `'', '')`
}

// set says that a field is set and not empty.
func (c *compiler) set(f segment.Field) string {
	switch f.Kind {
	case segment.Attribute:
		return c.having(f, func(x string) string { return x + ` <> ''` })
	case segment.Zone:
		return c.zones(`x.v <> '' OR ` + c.among("x.c", segment.AllCountries()))
	case segment.Consent:
		return `EXISTS (SELECT 1 FROM subscription l WHERE l.subscriber = s.id AND l.state = 'active' AND l.consent <> '')`
	case segment.Mailed:
		return `(s.id IN (SELECT d.subscriber FROM delivery d WHERE d.state = 'sent' AND d.at IS NOT NULL))`
	}
	return "(" + column(f) + ` <> '')`
}

// date says that a day is in a range.
func (c *compiler) date(e segment.Date) string {
	from, to := e.Range(c.now)
	within := func(x string) string {
		var parts []string
		if from != "" {
			parts = append(parts, x+` >= `+c.args.add(from))
		}
		if to != "" {
			parts = append(parts, x+` < `+c.args.add(to))
		}
		return strings.Join(parts, " AND ")
	}
	switch e.Field.Kind {
	case segment.Subscribed:
		// The index, of days, is for few: who reads most of the table by it waits longer.
		if recent := (segment.Date{Op: segment.Last, Day: segment.Day{Offset: -recentDays, Unit: "day"}}); from != "" {
			if first, _ := recent.Range(c.now); from >= first {
				return "(substr(s.created, 1, 10) >= " + c.args.add(from[:len(time.DateOnly)]) + " AND " + within("s.created") + ")"
			}
		}
		return "(" + within("(s.created || '')") + ")"
	case segment.Mailed:
		return `(s.id IN (SELECT d.subscriber FROM delivery d WHERE d.state = 'sent' AND d.at IS NOT NULL GROUP BY d.subscriber HAVING ` + within("max(d.at)") + `))`
	}
	return c.having(e.Field, func(x string) string { return c.dialect.dated(x) + " AND " + within(x) })
}
