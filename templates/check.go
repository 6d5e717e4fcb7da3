package templates

import (
	"errors"
	"fmt"
	"reflect"
	"sort"
	"strings"
	"text/template/parse"
)

// checker walks templates as they would be carried out, with the types of
// their data, so that a misspelt field is found when a theme is loaded and not
// on the morning when a story first needs that branch. What it can't know (the
// results of index, and, or …) it lets pass.
type checker struct {
	trees    map[string]*parse.Tree
	funcs    map[string]any
	locate   func(tree *parse.Tree, n parse.Node) string // FILE:LINE
	seen     map[string]bool
	problems []string
}

// scope is what names mean at a place of a template.
type scope struct {
	tree *parse.Tree
	dot  reflect.Type
	vars map[string]reflect.Type
}

// with returns the scope inside a block, with its own dot and variables.
func (s scope) with(dot reflect.Type) scope {
	vars := make(map[string]reflect.Type, len(s.vars))
	for name, t := range s.vars {
		vars[name] = t
	}
	return scope{tree: s.tree, dot: dot, vars: vars}
}

// check walks the template entry with data of the type, and returns all that
// is wrong as one error.
func (c *checker) check(entry string, data reflect.Type) error {
	c.call(entry, data)
	if len(c.problems) == 0 {
		return nil
	}
	sort.Strings(c.problems)
	return errors.New(strings.Join(c.problems, "\n"))
}

func (c *checker) call(name string, dot reflect.Type) {
	tree := c.trees[name]
	if tree == nil || tree.Root == nil {
		return
	}
	key := name + " " + fmt.Sprint(dot)
	if c.seen[key] {
		return
	}
	c.seen[key] = true
	c.walk(tree.Root, scope{tree: tree, dot: dot, vars: map[string]reflect.Type{"$": dot}})
}

func (c *checker) complain(s scope, n parse.Node, format string, args ...any) {
	problem := c.locate(s.tree, n) + ": " + fmt.Sprintf(format, args...)
	for _, p := range c.problems {
		if p == problem {
			return
		}
	}
	c.problems = append(c.problems, problem)
}

func (c *checker) walk(n parse.Node, s scope) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, child := range n.Nodes {
			c.walk(child, s)
		}
	case *parse.ActionNode:
		c.pipe(n.Pipe, s)
	case *parse.IfNode:
		c.branch(&n.BranchNode, s, func(inner scope, _ reflect.Type) scope { return inner })
	case *parse.WithNode:
		c.branch(&n.BranchNode, s, func(inner scope, t reflect.Type) scope { inner.dot = t; return inner })
	case *parse.RangeNode:
		c.branch(&n.BranchNode, s, func(inner scope, t reflect.Type) scope {
			inner.dot = elem(t)
			if decl := n.Pipe.Decl; len(decl) > 0 {
				inner.vars[decl[len(decl)-1].Ident[0]] = inner.dot
				if len(decl) == 2 {
					inner.vars[decl[0].Ident[0]] = nil
				}
			}
			return inner
		})
	case *parse.TemplateNode:
		var dot reflect.Type
		if n.Pipe != nil {
			dot = c.pipe(n.Pipe, s)
		}
		if c.trees[n.Name] == nil {
			c.complain(s, n, "there is no partial %q%s", n.Name, didYouMean("", n.Name, names(c.trees)))
			return
		}
		c.call(n.Name, dot)
	}
}

// branch walks if, with and range: body says what dot is inside.
func (c *checker) branch(n *parse.BranchNode, s scope, body func(scope, reflect.Type) scope) {
	inner := s.with(s.dot)
	t := c.pipe(n.Pipe, inner)
	c.walk(n.List, body(inner.with(inner.dot), t))
	c.walk(n.ElseList, inner)
}

// pipe returns the type of a pipeline's result, nil when it can't be known.
func (c *checker) pipe(p *parse.PipeNode, s scope) reflect.Type {
	if p == nil {
		return nil
	}
	var t reflect.Type
	for _, command := range p.Cmds {
		t = c.value(command.Args[0], s)
		for _, arg := range command.Args[1:] {
			c.value(arg, s)
		}
	}
	for _, decl := range p.Decl {
		s.vars[decl.Ident[0]] = t
	}
	return t
}

// value returns the type of an operand, nil when it can't be known.
func (c *checker) value(n parse.Node, s scope) reflect.Type {
	switch n := n.(type) {
	case *parse.DotNode:
		return s.dot
	case *parse.FieldNode:
		return c.fields(n, s.dot, n.Ident, s)
	case *parse.VariableNode:
		if data := s.vars["$"]; len(n.Ident) == 2 && n.Ident[1] == "Recipient" && data != nil && data.Kind() != reflect.Interface {
			if _, ok := data.MethodByName("Recipient"); !ok {
				c.complain(s, n, "recipient is not known here: the partial is given a plain %s; ask where it is called", data)
				return nil
			}
		}
		return c.fields(n, s.vars[n.Ident[0]], n.Ident[1:], s)
	case *parse.ChainNode:
		return c.fields(n, c.value(n.Node, s), n.Field, s)
	case *parse.PipeNode:
		return c.pipe(n, s)
	case *parse.StringNode:
		return reflect.TypeFor[string]()
	case *parse.IdentifierNode:
		if f, ok := c.funcs[n.Ident]; ok {
			return reflect.TypeOf(f).Out(0)
		}
	}
	return nil
}

// fields follows a chain of fields and methods.
func (c *checker) fields(n parse.Node, t reflect.Type, chain []string, s scope) reflect.Type {
	for _, name := range chain {
		if t == nil {
			return nil
		}
		if method, ok := t.MethodByName(name); ok {
			t = method.Type.Out(0)
			continue
		}
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		switch t.Kind() {
		case reflect.Struct:
			field, ok := t.FieldByName(name)
			if !ok || !field.IsExported() {
				c.complain(s, n, "undefined field .%s%s", name, didYouMean(".", name, fieldNames(t)))
				return nil
			}
			t = field.Type
		case reflect.Map, reflect.Interface:
			return nil
		default:
			c.complain(s, n, "undefined field .%s: what stands before it is a plain %s", name, t.Kind())
			return nil
		}
	}
	return t
}

func elem(t reflect.Type) reflect.Type {
	if t == nil {
		return nil
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map, reflect.Pointer, reflect.Chan:
		return t.Elem()
	}
	return nil
}

// fieldNames are the names that can stand after a dot, those of embedded types
// too.
func fieldNames(t reflect.Type) []string {
	var out []string
	for _, f := range reflect.VisibleFields(t) {
		if f.IsExported() && !f.Anonymous {
			out = append(out, f.Name)
		}
	}
	return out
}

func names[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for name := range m {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}
