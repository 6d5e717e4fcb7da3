package segment

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"lede/internal/spelling"
)

// The words that begin a condition, and no attribute is called without the word
// attribute before it.
var leading = []string{
	"and", "or", "not", "in", "is", "tag", "list", "language", "suppressed", "left", "attribute",
	string(Email), string(Domain), string(Name), string(Consent), string(Zone), string(Subscribed), string(Mailed),
}

var states = []string{"active", "pending", "unsubscribed"}

// condition reads one condition.
func (p *parser) condition() (Expr, *Error) {
	t := p.token()
	if t.kind != word {
		hint := ""
		if t.kind == text && p.second().kind == symbol {
			hint = "an attribute with a blank in its name is written attribute " + quote(t.value)
		}
		return nil, p.expected("a condition", hint)
	}
	switch lower := strings.ToLower(t.value); lower {
	case "and", "or", "in", "is":
		return nil, p.expected("a condition", "")
	case "suppressed":
		p.take()
		return Suppressed{}, nil
	case "tag", "list", "language", "left":
		p.take()
		if p.token().kind == symbol && !p.token().is("(", ")", ",") {
			return nil, p.expected("text in quotation marks", "write "+lower+` "…"; an attribute of this name is written attribute `+quote(t.value))
		}
		return p.named(lower)
	case "attribute":
		p.take()
		name := p.token()
		if name.kind != word && name.kind != text {
			return nil, p.expected("the name of an attribute", "")
		}
		p.take()
		if !attributeName(name.value) {
			return nil, p.fail(name, "", "%s is no name of an attribute: letters, digits, blanks and _ - . : / only, a letter or digit first", quote(name.value))
		}
		return p.compared(Field{Attribute, name.value}, name)
	case string(Email), string(Domain), string(Name), string(Consent), string(Zone), string(Subscribed), string(Mailed):
		p.take()
		return p.compared(Field{Kind: FieldKind(lower)}, t)
	}
	p.take()
	return p.compared(Field{Attribute, t.value}, t)
}

// named reads what is behind tag, list, language and left.
func (p *parser) named(what string) (Expr, *Error) {
	values, err := p.values(map[string]string{"tag": "a tag", "list": "a list", "language": "a language", "left": "a newsletter"}[what])
	if err != nil {
		return nil, err
	}
	switch what {
	case "tag":
		return Tag{strs(values)}, nil
	case "language":
		for _, v := range values {
			if !languageTag(v.value) {
				return nil, p.fail(v, `write it like "de" or "pt-BR"`, "%s is no language", quote(v.value))
			}
		}
		return Language{strs(values)}, nil
	case "left":
		p.mention(newsletterName, values...)
		return Left{strs(values)}, nil
	}
	p.mention(listName, values...)
	state := "active"
	if t := p.token(); t.kind == word && !t.is("and", "or") {
		if !t.is(states...) {
			return nil, p.expected("active, pending, unsubscribed, and or or", didYouMean(t.value, append([]string{"and", "or"}, states...)))
		}
		state = strings.ToLower(p.take().value)
	}
	return List{strs(values), state}, nil
}

// compared reads what is behind a field.
func (p *parser) compared(f Field, name token) (Expr, *Error) {
	from := p.at
	e, err := p.comparison(f)
	if err == nil && f.Kind == Attribute {
		p.mention(attributeNames, name)
		p.uses = append(p.uses, use{e, f.Name, p.tokens[from:p.at]})
	}
	return e, err
}

// comparison reads how a field is compared, and with what.
func (p *parser) comparison(f Field) (Expr, *Error) {
	t := p.token()
	switch {
	case t.is("not") && p.second().is("in", "contains", "starts", "ends"):
		p.take()
		e, err := p.byWord(f)
		if err != nil {
			return nil, err
		}
		return Not{e}, nil
	case p.accept("is"):
		return p.isSet(f)
	case t.kind == symbol && !t.is("(", ")", ","):
		return p.symbol(f)
	case t.is("in", "contains", "starts", "ends", string(Before), string(Since), string(After), string(Until), string(On)):
		return p.byWord(f)
	}
	hint := "for instance " + f.String() + ` = "…" or ` + f.String() + " is set"
	if f.Kind.dates() {
		hint = "for instance " + f.String() + " since 30 days ago"
	}
	if f.Kind == Attribute {
		if near := spelling.Nearest(f.Name, leading); near != "" && (t.kind == text || t.kind == end || t.is("in", "and", "or", ")") || slices.Contains([]string{"subscribed", "mailed"}, near)) {
			hint = "did you mean " + near + "?"
		}
	}
	if near := spelling.Nearest(t.value, []string{"contains", "starts", "ends", "before", "since", "after", "until"}); t.kind == word && near != "" {
		hint = "did you mean " + near + "?"
	}
	return nil, p.expected("a comparison after "+f.String(), hint)
}

// byWord reads a comparison that is a word.
func (p *parser) byWord(f Field) (Expr, *Error) {
	t := p.take()
	if t.is("in") && p.token().is("the") {
		return p.period(f, t)
	}
	if op := DateOp(strings.ToLower(t.value)); t.is(string(Before), string(Since), string(After), string(Until), string(On)) {
		day, err := p.day()
		if err != nil {
			return nil, err
		}
		return p.dated(f, t, op, day)
	}
	if f.Kind.dates() {
		return nil, p.fail(t, "for instance "+f.String()+" since 30 days ago, "+f.String()+" before 2026-03-01", "%s is a date", f)
	}
	op := Equals
	switch {
	case t.is("contains"):
		op = Contains
	case t.is("starts", "ends"):
		if !p.accept("with") {
			return nil, p.expected("with", "")
		}
		op = TextOp(strings.ToLower(t.value) + " with")
	}
	if f.Kind == Zone && op != Equals {
		return nil, p.fail(t, `zone in ("Europe/Lisbon", "Atlantic/Azores")`, "a zone is compared whole")
	}
	var values []token
	var err *Error
	if op == Equals || p.token().is("(") {
		values, err = p.listed("text")
	} else {
		var one token
		one, err = p.text("text", "")
		values = []token{one}
	}
	if err != nil {
		return nil, err
	}
	return Text{f, op, strs(values)}, nil
}

// isSet reads what is behind "is".
func (p *parser) isSet(f Field) (Expr, *Error) {
	not := p.accept("not")
	if !p.accept("set", "empty") {
		return nil, p.expected("set or not set", "a value is compared with =")
	}
	if p.tokens[p.at-1].is("empty") {
		not = !not
	}
	if not {
		return Not{Set{f}}, nil
	}
	return Set{f}, nil
}

// symbol reads a comparison with = != < <= > >=.
func (p *parser) symbol(f Field) (Expr, *Error) {
	op := p.take()
	not := op.value == "!="
	if not {
		op.value = "="
	}
	e, err := p.against(f, op)
	if err == nil && not {
		e = Not{e}
	}
	return e, err
}

// against reads the value that a field is compared with.
func (p *parser) against(f Field, op token) (Expr, *Error) {
	value := p.token()
	switch {
	case value.kind == date || p.isDay():
		day, err := p.day()
		if err != nil {
			return nil, err
		}
		return p.dated(f, op, map[string]DateOp{"=": On, "<": Before, "<=": Until, ">": After, ">=": Since}[op.value], day)
	case f.Kind.dates():
		return nil, p.expected("a day", "for instance 2026-03-01, today, 30 days ago")
	case value.kind == number && f.Kind == Attribute:
		p.take()
		return Number{f.Name, Comparison(op.value), value.value}, nil
	case value.kind == number:
		return nil, p.expected("text in quotation marks", f.String()+" is no number")
	case value.kind == text && op.value != "=":
		return nil, p.fail(op, "numbers and days stand without quotation marks; text is compared with =, in, contains, starts with", "text has no order")
	case value.kind == text:
		p.take()
		return Text{f, Equals, []string{value.value}}, nil
	}
	hint := ""
	if value.kind == word && !value.is("and", "or", "not") {
		hint = "text stands in quotation marks: " + f.String() + " = " + quote(value.value)
	}
	return nil, p.expected("a value", hint)
}

// dated makes a condition on a date.
func (p *parser) dated(f Field, op token, how DateOp, day Day) (Expr, *Error) {
	if f.Kind != Attribute && !f.Kind.dates() {
		return nil, p.fail(op, "", "%s is no date", f)
	}
	return Date{f, how, day}, nil
}

// isDay says whether a day comes that is counted from today.
func (p *parser) isDay() bool {
	t := p.token()
	return t.is("today", "yesterday", "tomorrow") || t.kind == number && unitOf(p.second()) != ""
}

// unitOf returns the unit that a word names.
func unitOf(t token) string {
	if t.kind != word {
		return ""
	}
	unit := strings.TrimSuffix(strings.ToLower(t.value), "s")
	if _, ok := offsets[unit]; ok {
		return unit
	}
	return ""
}

// day reads a day.
func (p *parser) day() (Day, *Error) {
	t := p.token()
	switch {
	case t.kind == date:
		if day, err := time.Parse(time.DateOnly, t.value); err != nil || day.Year() > 9000 {
			return Day{}, p.fail(t, "write it like 2026-03-01: year, month, day", "there is no day %s", t.value)
		}
		p.take()
		return Day{Date: t.value}, nil
	case p.accept("today"):
		return Day{Unit: "day"}, nil
	case p.accept("yesterday"):
		return Day{Offset: -1, Unit: "day"}, nil
	case p.accept("tomorrow"):
		return Day{Offset: 1, Unit: "day"}, nil
	case t.kind == number:
		n, unit, err := p.length()
		if err != nil {
			return Day{}, err
		}
		if p.accept("ago") {
			return counted(-n, unit), nil
		}
		if p.accept("from") && p.accept("now") {
			return counted(n, unit), nil
		}
		return Day{}, p.expected("ago or from now", "")
	}
	hint := "for instance 2026-03-01, today, 30 days ago, 2 weeks from now"
	if t.kind == text {
		hint = "days stand without quotation marks; " + hint
	}
	return Day{}, p.expected("a day", hint)
}

func counted(n int, unit string) Day {
	if n == 0 {
		unit = "day"
	}
	return Day{Offset: n, Unit: unit}
}

// length reads "30 days".
func (p *parser) length() (int, string, *Error) {
	t := p.token()
	n, err := strconv.Atoi(t.value)
	if t.kind != number || err != nil || n < 0 {
		return 0, "", p.expected("a number of days, weeks, months or years", "")
	}
	p.take()
	unit := unitOf(p.token())
	if unit == "" {
		return 0, "", p.expected("days, weeks, months or years", didYouMean(p.token().value, []string{"days", "weeks", "months", "years"}))
	}
	if n > offsets[unit] {
		return 0, "", p.fail(t, "", "more than %d %ss", offsets[unit], unit)
	}
	p.take()
	return n, unit, nil
}

// period reads "the last 30 days", "the next week".
func (p *parser) period(f Field, in token) (Expr, *Error) {
	p.take()
	next := p.token().is("next")
	if !p.accept("last", "next") {
		return nil, p.expected("last or next", "for instance in the last 30 days")
	}
	n, unit := 1, unitOf(p.token())
	if unit != "" {
		p.take()
	} else {
		var err *Error
		if n, unit, err = p.length(); err != nil {
			return nil, err
		}
	}
	if n == 0 {
		return nil, p.fail(p.tokens[p.at-2], "today is written: on today", "no time at all")
	}
	if next {
		return p.dated(f, in, Next, counted(n, unit))
	}
	return p.dated(f, in, Last, counted(-n, unit))
}

// attributeName says whether an attribute may be called so.
func attributeName(s string) bool {
	for i, r := range s {
		letter := unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || i > 0 && unicode.Is(unicode.Mn, r)
		if !letter && (i == 0 || !strings.ContainsRune(" -.:/", r)) {
			return false
		}
	}
	return s != ""
}

// languageTag says whether a text looks like a tag of BCP 47.
func languageTag(s string) bool {
	if s == "" || len(s) > 35 {
		return false
	}
	for part := range strings.SplitSeq(s, "-") {
		if part == "" || len(part) > 8 || strings.Trim(strings.ToLower(part), "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return false
		}
	}
	return true
}

// didYouMean is the hint for a mistyped word.
func didYouMean(word string, known []string) string {
	if near := spelling.Nearest(word, known); near != "" {
		return "did you mean " + near + "?"
	}
	return ""
}
