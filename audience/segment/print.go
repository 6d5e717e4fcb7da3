package segment

import (
	"slices"
	"strings"
)

// String is the expression in its canonical form, in one line. Parsed again it
// is the same tree.
func (e *Expression) String() string {
	var b strings.Builder
	write(&b, e.Root)
	return b.String()
}

// String is the field as an expression has it.
func (f Field) String() string {
	if f.Kind != Attribute {
		return string(f.Kind)
	}
	if slices.Contains(leading, strings.ToLower(f.Name)) || !bare(f.Name) {
		return "attribute " + quote(f.Name)
	}
	return f.Name
}

// bare says whether a name is one word.
func bare(name string) bool {
	tokens, err := lex(name)
	return err == nil && len(tokens) == 2 && tokens[0].kind == word && tokens[0].value == name
}

func write(b *strings.Builder, e Expr) {
	switch e := e.(type) {
	case And:
		join(b, e.Terms, " and ")
	case Or:
		join(b, e.Terms, " or ")
	case Not:
		writeNot(b, e.Term)
	case Text:
		writeText(b, e, "", string(e.Op))
	case Number:
		b.WriteString(Field{Attribute, e.Attribute}.String() + " " + string(e.Op) + " " + e.Value)
	case Date:
		b.WriteString(e.Field.String() + " " + string(e.Op) + " ")
		if e.Op == Last || e.Op == Next {
			b.WriteString(e.Day.length())
			return
		}
		b.WriteString(e.Day.String())
	case Set:
		b.WriteString(e.Field.String() + " is set")
	case Tag:
		writeNamed(b, "tag", e.Names)
	case List:
		writeNamed(b, "list", e.Names)
		if e.State != "active" {
			b.WriteString(" " + e.State)
		}
	case Language:
		writeNamed(b, "language", e.Tags)
	case Suppressed:
		b.WriteString("suppressed")
	case Left:
		writeNamed(b, "left", e.Newsletters)
	}
}

// join writes terms with a word between them. Chains within chains stand in
// brackets.
func join(b *strings.Builder, terms []Expr, joint string) {
	for i, t := range terms {
		if i > 0 {
			b.WriteString(joint)
		}
		writeTerm(b, t)
	}
}

func writeTerm(b *strings.Builder, e Expr) {
	switch e.(type) {
	case And, Or:
		b.WriteByte('(')
		write(b, e)
		b.WriteByte(')')
	default:
		write(b, e)
	}
}

// writeNot writes a negation as people do.
func writeNot(b *strings.Builder, e Expr) {
	switch e := e.(type) {
	case Text:
		if e.Op == Equals {
			writeText(b, e, "not ", "!=")
			return
		}
	case Number:
		if e.Op == Equal {
			b.WriteString(Field{Attribute, e.Attribute}.String() + " != " + e.Value)
			return
		}
	case Set:
		b.WriteString(e.Field.String() + " is not set")
		return
	}
	b.WriteString("not ")
	writeTerm(b, e)
}

// writeText writes a comparison of texts; not goes before in, alone is the sign
// before a single value.
func writeText(b *strings.Builder, e Text, not, alone string) {
	b.WriteString(e.Field.String() + " ")
	switch {
	case len(e.Values) == 1:
		b.WriteString(alone + " " + quote(e.Values[0]))
		return
	case e.Op == Equals:
		b.WriteString(not + "in ")
	default:
		b.WriteString(string(e.Op) + " ")
	}
	writeList(b, e.Values)
}

func writeNamed(b *strings.Builder, what string, values []string) {
	b.WriteString(what + " ")
	if len(values) == 1 {
		b.WriteString(quote(values[0]))
		return
	}
	b.WriteString("in ")
	writeList(b, values)
}

func writeList(b *strings.Builder, values []string) {
	b.WriteByte('(')
	for i, v := range values {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quote(v))
	}
	b.WriteByte(')')
}
