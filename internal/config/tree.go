package config

import (
	"encoding"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Limits against aliases that multiply: what is visited is counted each time.
const (
	maxNodes = 100_000
	maxDepth = 32
)

// place is where a setting is given: a line of the file or a variable.
type place struct {
	line     int
	variable string
}

// tree walks over the file's YAML beside the schema. It checks what can be
// checked of one value alone, expands variables, applies overrides, and
// remembers where every setting was given.
type tree struct {
	file     string
	env      environment
	problems Problems
	places   map[string]place     // of every setting given, by path
	bad      map[string]bool      // settings with a problem: nothing more is said of them
	literal  map[string]bool      // values that stand in the file as they are
	expanded map[string][2]string // by path, what was made of a text with ${VAR}, and the text
	used     map[string]string    // path by override variable
	nodes    int
	endless  bool // a limit was passed; what was read is not whole
}

func newTree(file string, env environment) *tree {
	return &tree{
		file: file, env: env,
		places: map[string]place{"": {line: 1}}, bad: map[string]bool{}, literal: map[string]bool{},
		expanded: map[string][2]string{}, used: map[string]string{},
	}
}

var userinfo = regexp.MustCompile(`//[^/@\s"]*@`)

// complain adds a problem with the setting at path. What came from a variable
// is quoted as the file has it, and nobody's login in a URL is: either may be
// a password.
func (t *tree) complain(path, hint, format string, args ...any) {
	at := t.place(path)
	t.bad[path] = true
	what := fmt.Sprintf(format, args...)
	if e, ok := t.expanded[path]; ok {
		what = strings.ReplaceAll(what, strconv.Quote(e[0]), strconv.Quote(e[1]))
	}
	t.problems = append(t.problems, Problem{
		File: t.file, Line: at.line, Variable: at.variable, Path: path,
		What: userinfo.ReplaceAllString(what, "//"+asterisks+"@"), Hint: hint,
	})
}

var paramName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,60}$`)

// visit counts a node and says whether the limits allow it.
func (t *tree) visit(depth int) bool {
	t.nodes++
	t.endless = t.endless || t.nodes > maxNodes || depth > maxDepth
	return !t.endless
}

// place returns where path was given, or else where the setting around it was.
func (t *tree) place(path string) place {
	for {
		if at, ok := t.places[path]; ok || path == "" {
			return at
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
}

// given says whether path was given, and without a problem.
func (t *tree) given(path string) bool {
	_, ok := t.places[path]
	return ok && !t.bad[path]
}

// sound says whether nothing is wrong with path, given or not.
func (t *tree) sound(path string) bool { return !t.bad[path] }

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

var textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

// pointed returns what a pointer points to, and any other type as it is.
func pointed(want reflect.Type) reflect.Type {
	if want.Kind() == reflect.Pointer {
		return want.Elem()
	}
	return want
}

// scalar says whether a setting of type want is one value.
func scalar(want reflect.Type) bool {
	return reflect.PointerTo(want).Implements(textUnmarshaler) || want.Kind() != reflect.Struct && want.Kind() != reflect.Slice
}

// value checks node against the type and returns it as viper wants it: maps,
// lists, strings, numbers and booleans. ok is false when there was a problem.
func (t *tree) value(path, variable string, node *yaml.Node, want reflect.StructField, depth int) (v any, ok bool) {
	if !t.visit(depth) {
		return nil, false
	}
	kind := pointed(want.Type)
	if node != nil && node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch {
	case scalar(kind):
		return t.scalar(path, node, want)
	case pairs(want):
		return t.pairs(path, node, depth)
	case single(want) && (node == nil || node.Kind == yaml.MappingNode):
		v, ok := t.mapping(path, variable, node, kind.Elem(), depth)
		return []any{v}, ok
	case kind.Kind() == reflect.Slice:
		return t.list(path, variable, node, kind.Elem(), depth)
	default:
		return t.mapping(path, variable, node, kind, depth)
	}
}

// single says whether a list may be written as its only member.
func single(field reflect.StructField) bool { return field.Tag.Get("single") != "" }

// pairs says whether a list is written as a mapping of names to texts.
func pairs(field reflect.StructField) bool { return field.Tag.Get("pairs") != "" }

// pairs checks a mapping whose names are free and returns it as a list, in the
// file's order.
func (t *tree) pairs(path string, node *yaml.Node, depth int) (any, bool) {
	if node == nil || node.Kind != yaml.MappingNode {
		t.complain(path, "", "expected names with their texts (name: text), found %s", kindOf(node))
		return nil, false
	}
	list := []any{}
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		at := join(path, key.Value)
		if !t.visit(depth) {
			return nil, false
		}
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		t.places[at] = place{key.Line, t.places[path].variable}
		if first, twice := seen[key.Value]; twice {
			t.complain(at, "", "given twice, first in line %d", first)
			continue
		}
		seen[key.Value] = key.Line
		if key.Kind != yaml.ScalarNode || !paramName.MatchString(key.Value) {
			t.places[path] = place{key.Line, t.places[path].variable}
			t.complain(path, "", "%q is no name of a parameter: letters, digits, - _ and . only", key.Value)
			continue
		}
		if text, ok := t.scalar(at, value, reflect.StructField{Type: reflect.TypeFor[string]()}); ok {
			list = append(list, map[string]any{"name": key.Value, "value": text})
		}
	}
	return list, true
}

// mapping checks the keys of a mapping and their values.
func (t *tree) mapping(path, variable string, node *yaml.Node, want reflect.Type, depth int) (any, bool) {
	if node != nil && node.Kind != yaml.MappingNode {
		t.complain(path, "", "expected settings (key: value), found %s", kindOf(node))
		return nil, false
	}
	settings := t.settings(path, node, want, depth)
	values := map[string]any{}
	for field := range structFields(want) {
		key := field.Tag.Get("mapstructure")
		at, override := join(path, key), overrideName(variable, key)
		i := slices.IndexFunc(settings, func(s setting) bool { return s.key == key })
		if s, found := t.override(at, override, field); found {
			if i < 0 {
				i, settings = len(settings), append(settings, s)
			}
			settings[i] = s
		}
		if i < 0 && t.overridden(override, field) {
			i, settings = len(settings), append(settings, setting{key: key, line: t.place(path).line})
		}
		if i < 0 {
			if field.Tag.Get("need") != "" && t.sound(at) {
				t.complain(at, "", "missing")
			}
			continue
		}
		t.places[at] = place{settings[i].line, settings[i].variable}
		delete(t.bad, at) // a misspelling beside it was something else
		if v, ok := t.value(at, override, settings[i].value, field, depth+1); ok {
			values[key] = v
		}
	}
	return values, true
}

// structFields yields the settings of a type.
func structFields(want reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range want.NumField() {
			if f := want.Field(i); f.Tag.Get("mapstructure") != "-" && !yield(f) {
				return
			}
		}
	}
}

// list checks the members of a list.
func (t *tree) list(path, variable string, node *yaml.Node, want reflect.Type, depth int) (any, bool) {
	if node == nil || node.Kind != yaml.SequenceNode {
		hint := ""
		if kindOf(node) == "text" && scalar(want) {
			hint = "a list of one is written [value]"
		}
		t.complain(path, hint, "expected a list, found %s", kindOf(node))
		return nil, false
	}
	values := []any{}
	for i, member := range node.Content {
		at := fmt.Sprintf("%s[%d]", path, i)
		t.places[at] = place{member.Line, t.places[path].variable}
		below := variable + "_"
		if id := t.id(member); id != "" {
			below = overrideName(variable, id)
		}
		v, ok := t.value(at, below, member, reflect.StructField{Type: want}, depth+1)
		switch {
		case ok:
			values = append(values, v)
		// What is bad keeps its place, so that the paths of later members stay true.
		case !scalar(want):
			values = append(values, map[string]any{})
		default:
			values = append(values, "")
			t.bad[path] = true
		}
	}
	return values, true
}

// id returns the id of a member of a list, or "".
func (t *tree) id(member *yaml.Node) string {
	if member.Kind == yaml.AliasNode {
		member = member.Alias
	}
	if member.Kind != yaml.MappingNode {
		return ""
	}
	for i := 0; i+1 < len(member.Content); i += 2 {
		if value := member.Content[i+1]; member.Content[i].Value == "id" && value.Kind == yaml.ScalarNode {
			id, _ := t.env.expand(value.Value) // one that fails is told where it stands
			return id
		}
	}
	return ""
}

// scalar checks one value.
func (t *tree) scalar(path string, node *yaml.Node, want reflect.StructField) (any, bool) {
	expected := map[reflect.Kind]string{reflect.Int: "a whole number", reflect.Bool: "true or false"}[want.Type.Kind()]
	if expected == "" {
		expected = "text"
	}
	if node == nil || node.Kind != yaml.ScalarNode {
		t.complain(path, "", "expected %s, found %s", expected, kindOf(node))
		return nil, false
	}
	text, fromFile := node.Value, node.Line > 0
	quoted := node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	plainTag := "" // what YAML takes an unquoted value for
	if fromFile {
		if node.Style&yaml.TaggedStyle != 0 {
			t.complain(path, "", "tags (!name) are not understood here")
			return nil, false
		}
		value, err := t.env.expand(text)
		if err != nil {
			t.complain(path, "", "%v", err)
			return nil, false
		}
		if value != text {
			t.expanded[path] = [2]string{value, text}
			text = value
		} else {
			plainTag = node.ShortTag()
			t.literal[path] = text != ""
		}
	}
	if plainTag == "!!null" {
		t.complain(path, "give it a value or take the line out", "expected %s, found nothing", expected)
		return nil, false
	}
	switch want.Type.Kind() {
	case reflect.Int:
		return t.number(path, text, quoted, want)
	case reflect.Bool:
		if quoted || text != "true" && text != "false" {
			t.complain(path, "", "expected true or false, found %s", found(text, quoted))
			return nil, false
		}
		return text == "true", true
	}
	if plainTag == "!!bool" {
		t.complain(path, "text like this needs quotation marks", "expected text, found %s", text)
		return nil, false
	}
	if u, ok := reflect.New(want.Type).Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(text)); err != nil {
			t.complain(path, "", "%v", err)
			return nil, false
		}
	}
	if words := want.Tag.Get("oneof"); words != "" {
		known := strings.Split(words, "|")
		if !slices.Contains(known, text) {
			t.complain(path, "", "%q is not %s%s", text, oneOf(known), didYouMean(text, known))
			return nil, false
		}
	}
	if want.Tag.Get("need") != "" && text == "" {
		t.complain(path, "", "empty")
		return nil, false
	}
	return text, true
}

// number checks a whole number and its range.
func (t *tree) number(path, text string, quoted bool, want reflect.StructField) (any, bool) {
	n, err := strconv.Atoi(text)
	if err != nil || quoted {
		t.complain(path, "", "expected a whole number, found %s", found(text, quoted))
		return nil, false
	}
	low, high, limited := strings.Cut(want.Tag.Get("range"), "..")
	if limited {
		least, _ := strconv.Atoi(low)
		most, _ := strconv.Atoi(high)
		if n < least || n > most {
			t.complain(path, "", "%d is not from %s to %s", n, low, high)
			return nil, false
		}
	}
	return n, true
}

func found(text string, quoted bool) string {
	if quoted {
		return fmt.Sprintf("the text %q in quotation marks", text)
	}
	return strconv.Quote(text)
}

// kindOf names what a node is. It never quotes it.
func kindOf(node *yaml.Node) string {
	switch {
	case node == nil:
		return "nothing"
	case node.Kind == yaml.MappingNode:
		return "settings (key: value)"
	case node.Kind == yaml.SequenceNode:
		return "a list"
	case node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null":
		return "nothing"
	}
	return "text"
}
