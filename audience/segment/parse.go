package segment

import (
	"fmt"
	"strings"

	"lede/internal/spelling"
)

// Expression is one that was read.
type Expression struct {
	Root   Expr
	source string
	names  []mention
	uses   []use
}

// Parse reads an expression. The error is an *Error.
func Parse(source string) (*Expression, error) {
	tokens, err := lex(source)
	if err != nil {
		return nil, err
	}
	p := &parser{source: source, tokens: tokens}
	if p.token().kind == end {
		return nil, p.expected("a condition", `for instance plan = "paid", tag "press", subscribed since 30 days ago`)
	}
	root, err := p.or()
	if err != nil {
		return nil, err
	}
	if t := p.token(); t.kind != end {
		return nil, p.leftOver(t)
	}
	return &Expression{Root: root, source: source, names: p.names, uses: p.uses}, nil
}

// parser descends through the grammar:
//
//	or        = and { "or" and }
//	and       = not { "and" not }
//	not       = "not" not | "(" or ")" | condition
type parser struct {
	source string
	tokens []token
	at     int
	depth  int
	terms  int
	names  []mention
	uses   []use
}

func (p *parser) token() token { return p.tokens[p.at] }

// second is the token behind the next one.
func (p *parser) second() token { return p.tokens[min(p.at+1, len(p.tokens)-1)] }

// take takes the next token; the end stays.
func (p *parser) take() token {
	t := p.token()
	if t.kind != end {
		p.at++
	}
	return t
}

// accept takes the next token if it is one of the words.
func (p *parser) accept(words ...string) bool {
	if !p.token().is(words...) {
		return false
	}
	p.at++
	return true
}

func (p *parser) fail(t token, hint, format string, args ...any) *Error {
	return &Error{Source: p.source, From: t.from, To: t.to, What: fmt.Sprintf(format, args...), Hint: hint}
}

// expected complains of the next token.
func (p *parser) expected(what, hint string) *Error {
	return p.fail(p.token(), hint, "expected %s, found %s", what, p.token())
}

// leftOver complains of what stands behind a whole expression.
func (p *parser) leftOver(t token) *Error {
	switch {
	case t.is(")"):
		return p.fail(t, "", "this bracket was never opened")
	case t.is(","):
		return p.fail(t, `a list of values is written country in ("DE", "AT"); conditions are joined by and`, "expected and, or or the end, found a comma")
	}
	hint := ""
	if near := spelling.Nearest(t.value, []string{"and", "or"}); t.kind == word && near != "" {
		hint = "did you mean " + near + "?"
	}
	return p.fail(t, hint, "expected and, or or the end, found %s", t)
}

// down notes that the grammar goes one deeper.
func (p *parser) down() *Error {
	if p.depth++; p.depth > maxDepth {
		return p.fail(p.token(), "", "more than %d brackets and nots within each other", maxDepth)
	}
	return nil
}

func (p *parser) or() (Expr, *Error) {
	return p.chain("or", p.and, func(terms []Expr) Expr { return Or{terms} }, func(e Expr) []Expr {
		if or, ok := e.(Or); ok {
			return or.Terms
		}
		return []Expr{e}
	})
}

func (p *parser) and() (Expr, *Error) {
	return p.chain("and", p.not, func(terms []Expr) Expr { return And{terms} }, func(e Expr) []Expr {
		if and, ok := e.(And); ok {
			return and.Terms
		}
		return []Expr{e}
	})
}

// chain reads terms that are joined by a word. Terms that are such chains
// themselves, in brackets, become part of it.
func (p *parser) chain(joint string, term func() (Expr, *Error), join func([]Expr) Expr, flat func(Expr) []Expr) (Expr, *Error) {
	first, err := term()
	if err != nil {
		return nil, err
	}
	if !p.token().is(joint) {
		return first, nil
	}
	terms := append([]Expr(nil), flat(first)...)
	for p.accept(joint) {
		next, err := term()
		if err != nil {
			return nil, err
		}
		terms = append(terms, flat(next)...)
	}
	return join(terms), nil
}

func (p *parser) not() (Expr, *Error) {
	if err := p.down(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	switch open := p.token(); {
	case p.accept("not"):
		e, err := p.not()
		if err != nil {
			return nil, err
		}
		return Not{e}, nil
	case p.accept("("):
		e, err := p.or()
		if err != nil {
			return nil, err
		}
		if !p.accept(")") {
			if p.token().kind == end {
				return nil, p.fail(open, "", "this bracket is not closed")
			}
			return nil, p.expected(") or and or or", "")
		}
		return e, nil
	}
	if p.terms++; p.terms > maxTerms {
		return nil, p.fail(p.token(), "in (…) compares with several values at once", "more than %d conditions", maxTerms)
	}
	return p.condition()
}

// values reads one text, or with several in between brackets behind "in".
func (p *parser) values(what string) ([]token, *Error) {
	if !p.accept("in") {
		t, err := p.text(what, "")
		return []token{t}, err
	}
	return p.listed(what)
}

// listed reads texts in brackets.
func (p *parser) listed(what string) ([]token, *Error) {
	if !p.accept("(") {
		return nil, p.expected("( and a list", `write in ("DE", "AT")`)
	}
	var values []token
	for {
		t, err := p.text(what, "a list holds texts in quotation marks, with commas between them")
		if err != nil {
			return nil, err
		}
		values = append(values, t)
		if len(values) > maxValues {
			return nil, p.fail(t, "", "more than %d values", maxValues)
		}
		if p.accept(")") {
			return values, nil
		}
		if !p.accept(",") {
			return nil, p.expected("a comma or )", "")
		}
	}
}

// text reads a text. A word that stands where one should is shown with its
// quotation marks.
func (p *parser) text(what, hint string) (token, *Error) {
	t := p.token()
	if t.kind != text {
		if hint == "" && (t.kind == word || t.kind == number || t.kind == date) {
			hint = "text stands in quotation marks: " + quote(t.value)
		}
		return token{}, p.expected(what+" in quotation marks", hint)
	}
	return p.take(), nil
}

// strs are what texts say.
func strs(tokens []token) []string {
	values := make([]string, len(tokens))
	for i, t := range tokens {
		values[i] = t.value
	}
	return values
}

// quote writes a text as an expression has it.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
