package segment

import (
	"fmt"

	"lede/audience"
	"lede/internal/spelling"
)

// use is a condition on an attribute.
type use struct {
	expr      Expr
	attribute string
	tokens    []token // behind the attribute
}

// check says what is wrong with a condition on an attribute that is declared;
// the Source of the error is left to the caller.
func (u use) check(a audience.Attribute) *Error {
	e := u.expr
	if not, ok := e.(Not); ok {
		e = not.Term
	}
	switch e := e.(type) {
	case Number:
		return u.checkNumber(a, e)
	case Date:
		if a.Type != audience.TypeDate {
			return u.wrong(u.behind(), a, compareHint(a, ""))
		}
	case Text:
		return u.checkText(a, e)
	}
	return nil // whether it is set may be asked of all
}

func (u use) checkNumber(a audience.Attribute, e Number) *Error {
	if a.Type == audience.TypeNumber {
		return nil
	}
	return u.wrong(u.behind(), a, compareHint(a, e.Value))
}

func (u use) checkText(a audience.Attribute, e Text) *Error {
	switch {
	case a.Type == audience.TypeText:
		return nil
	case a.Type == audience.TypeNumber, a.Type == audience.TypeDate:
		at := u.operator()
		if e.Op == Equals {
			at = u.behind()
		}
		value := ""
		if clean, err := a.Clean(e.Values[0]); err == nil {
			value = clean
		}
		return u.wrong(at, a, compareHint(a, value))
	case e.Op != Equals && a.Type == audience.TypeYesNo:
		return u.wrong(u.operator(), a, compareHint(a, ""))
	case e.Op != Equals:
		return nil
	}
	for _, t := range u.tokens {
		if t.kind != text || t.value == "" {
			continue
		}
		clean, err := a.Clean(t.value)
		switch {
		case err != nil:
			near := spelling.Nearest(t.value, a.Values)
			what := &Error{From: t.from, To: t.to, What: a.Name + " is " + a.Is() + ", not " + quote(t.value)}
			if near != "" {
				what.Hint = "did you mean " + near + "?"
			}
			return what
		case clean != t.value:
			return &Error{From: t.from, To: t.to, What: a.Name + " is never written so", Hint: "write " + quote(clean)}
		}
	}
	return nil
}

// wrong says that an attribute is something else.
func (u use) wrong(at token, a audience.Attribute, hint string) *Error {
	return &Error{From: at.from, To: at.to, What: a.Name + " is " + a.Is(), Hint: hint}
}

// operator is the token that says how is compared.
func (u use) operator() token {
	if u.tokens[0].is("not") {
		return u.tokens[1]
	}
	return u.tokens[0]
}

// behind is the first token of what is compared with.
func (u use) behind() token {
	for i, t := range u.tokens {
		if t.kind == text || t.kind == number || t.kind == date || i > 0 && t.is("today", "yesterday", "tomorrow", "last", "next") {
			return t
		}
	}
	return u.operator()
}

// compareHint shows how an attribute is compared; value is what was meant.
func compareHint(a audience.Attribute, value string) string {
	f := Field{Attribute, a.Name}.String()
	switch a.Type {
	case audience.TypeNumber:
		if value == "" {
			return fmt.Sprintf("for instance %s >= 18, %s is set", f, f)
		}
		return "numbers stand without quotation marks: " + f + " = " + value
	case audience.TypeDate:
		if value == "" {
			return fmt.Sprintf("for instance %s before 2027-04-01, %s since 30 days ago", f, f)
		}
		return "days stand without quotation marks: " + f + " = " + value
	case audience.TypeYesNo:
		return "for instance " + f + ` = "yes"`
	}
	if value == "" {
		return "for instance " + f + ` = "…", ` + f + " is set"
	}
	return "text stands in quotation marks: " + f + " = " + quote(value)
}
