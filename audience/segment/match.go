package segment

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"lede/audience"
)

// Person is whom an expression is asked about.
type Person struct {
	audience.Person
	Domain string    // of the address, in lower case, ASCII
	Mailed time.Time // when a relay last took a mail; zero: never
	Places Places
}

// Match says whether a person meets the expression, on the day in UTC of now.
func (e *Expression) Match(p Person, now time.Time) bool { return match(e.Root, p, now) }

func match(e Expr, p Person, now time.Time) bool {
	switch e := e.(type) {
	case And:
		return !slices.ContainsFunc(e.Terms, func(t Expr) bool { return !match(t, p, now) })
	case Or:
		return slices.ContainsFunc(e.Terms, func(t Expr) bool { return match(t, p, now) })
	case Not:
		return !match(e.Term, p, now)
	case Text:
		return slices.ContainsFunc(p.texts(e.Field), e.fits)
	case Number:
		return e.fits(p.Attributes[e.Attribute])
	case Date:
		from, to := e.Range(now)
		day := p.texts(e.Field)[0]
		return IsDate(day) && day >= from && (to == "" || day < to)
	case Set:
		return slices.ContainsFunc(p.texts(e.Field), func(s string) bool { return s != "" })
	case Tag:
		return slices.ContainsFunc(e.Names, func(name string) bool { return slices.Contains(p.Tags, name) })
	case List:
		return slices.ContainsFunc(p.Subscriptions, func(s audience.Subscription) bool {
			return string(s.State) == e.State && slices.Contains(e.Names, s.List)
		})
	case Language:
		return slices.ContainsFunc(e.Tags, func(tag string) bool {
			return strings.HasPrefix(LanguageKey(p.Attributes["language"]), LanguageKey(tag))
		})
	case Suppressed:
		return p.Suppressed != ""
	case Left:
		return slices.ContainsFunc(e.Newsletters, func(n string) bool { return slices.Contains(p.OptedOut, n) })
	}
	return false
}

// LanguageKey is a language so written that it begins with each that it is of:
// de-at- begins with de-.
func LanguageKey(tag string) string {
	return strings.ReplaceAll(asciiLower(tag), "_", "-") + "-"
}

func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// texts are what a field holds: of consent several or none, of others one,
// empty when it is not set.
func (p Person) texts(f Field) []string {
	switch f.Kind {
	case Email:
		return []string{p.Address}
	case Domain:
		return []string{p.Domain}
	case Name:
		return []string{p.Name}
	case Consent:
		var all []string
		for _, s := range p.Subscriptions {
			if s.State == audience.Active {
				all = append(all, s.Consent)
			}
		}
		return all
	case Zone:
		return []string{p.Places.zone(p.Attributes)}
	case Subscribed:
		return []string{p.Created.UTC().Format(time.DateOnly)}
	case Mailed:
		if p.Mailed.IsZero() {
			return []string{""}
		}
		return []string{p.Mailed.UTC().Format(time.DateOnly)}
	}
	return []string{p.Attributes[f.Name]}
}

// fits says whether a text is as the condition wants it.
func (c Text) fits(s string) bool {
	return slices.ContainsFunc(c.Values, func(value string) bool {
		switch c.Op {
		case Contains:
			return strings.Contains(Fold(s), Fold(value))
		case StartsWith:
			return strings.HasPrefix(Fold(s), Fold(value))
		case EndsWith:
			return strings.HasSuffix(Fold(s), Fold(value))
		}
		return s == value
	})
}

// fits says whether a text is a number as the condition wants it.
func (c Number) fits(s string) bool {
	if !IsNumber(s) {
		return false
	}
	a, _ := strconv.ParseFloat(s, 64) // IsNumber holds of both
	b := c.Float()
	switch c.Op {
	case Equal:
		return a == b
	case Less:
		return a < b
	case AtMost:
		return a <= b
	case Greater:
		return a > b
	}
	return a >= b
}

// Float is the number that the condition compares with.
func (c Number) Float() float64 {
	f, _ := strconv.ParseFloat(c.Value, 64)
	return f
}
