package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"lede/internal/spelling"
)

// setting is one key of a mapping with its value.
type setting struct {
	key      string
	value    *yaml.Node // nil: an override within is all that there is
	line     int
	variable string // the value is this variable's
}

// override returns the value of the variable that overrides a setting: of one
// value, or of a list of values parted by commas. An id names its variables and
// has none itself.
func (t *tree) override(path, variable string, field reflect.StructField) (setting, bool) {
	list := field.Type.Kind() == reflect.Slice && scalar(field.Type.Elem())
	value, set := t.env[variable]
	if !set || field.Name == "ID" || !list && !scalar(pointed(field.Type)) {
		return setting{}, false
	}
	if other, twice := t.used[variable]; twice {
		t.problems = append(t.problems, Problem{Variable: variable, Path: path, What: "this variable means " + other + " too: change one of the ids"})
	}
	t.used[variable] = path
	node := &yaml.Node{Kind: yaml.ScalarNode, Value: value} // without a line: not of the file
	if list {
		node = &yaml.Node{Kind: yaml.SequenceNode}
		for item := range strings.SplitSeq(value, ",") {
			if item = strings.TrimSpace(item); item != "" {
				node.Content = append(node.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: item})
			}
		}
	}
	return setting{key: field.Tag.Get("mapstructure"), value: node, variable: variable}, true
}

// overridden says whether a variable overrides a setting within a group of
// them that the file need not have.
func (t *tree) overridden(variable string, of reflect.StructField) bool {
	group := pointed(of.Type)
	if single(of) {
		group = group.Elem()
	}
	if scalar(group) || group.Kind() != reflect.Struct {
		return false
	}
	for field := range structFields(group) {
		if _, set := t.env[overrideName(variable, field.Tag.Get("mapstructure"))]; set {
			return true
		}
	}
	return false
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,40}$`)

// settings returns the pairs of a mapping that the schema knows, with what it
// merges (<<), and complains of unknown and repeated keys.
func (t *tree) settings(path string, node *yaml.Node, want reflect.Type, depth int) []setting {
	if !t.visit(depth) || node == nil {
		return nil
	}
	var known []string
	for field := range structFields(want) {
		known = append(known, field.Tag.Get("mapstructure"))
	}
	var settings []setting
	var merged []*yaml.Node
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		at := join(path, key.Value)
		first, twice := seen[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode:
			t.problems = append(t.problems, Problem{File: t.file, Line: key.Line, Path: path, What: "expected the name of a setting, found " + kindOf(key)})
		case key.ShortTag() == "!!merge":
			merged = append(merged, value)
		case twice:
			t.problems = append(t.problems, Problem{File: t.file, Line: key.Line, Path: at, What: fmt.Sprintf("given twice, first in line %d", first)})
		case !slices.Contains(known, key.Value):
			t.unknown(path, key, known)
		default:
			seen[key.Value] = key.Line
			settings = append(settings, setting{key: key.Value, value: value, line: key.Line})
		}
	}
	for _, m := range merged {
		for _, s := range t.merge(path, m, want, depth+1) {
			if _, own := seen[s.key]; !own {
				seen[s.key] = s.line
				settings = append(settings, s)
			}
		}
	}
	return settings
}

// merge returns the settings of what stands behind <<: a mapping or a list of
// them, of which the first that has a key wins.
func (t *tree) merge(path string, node *yaml.Node, want reflect.Type, depth int) []setting {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch node.Kind {
	case yaml.MappingNode:
		return t.settings(path, node, want, depth)
	case yaml.SequenceNode:
		var settings []setting
		for _, item := range node.Content {
			if item.Kind == yaml.AliasNode {
				item = item.Alias
			}
			if item.Kind == yaml.MappingNode {
				settings = append(settings, t.settings(path, item, want, depth+1)...)
			}
		}
		return settings
	}
	t.problems = append(t.problems, Problem{File: t.file, Line: node.Line, Path: path, What: "<< takes other settings by an alias (<<: *name)"})
	return nil
}

// unknown complains of a key. One that does not look like a name is not
// quoted: in {password:letmein} the key is the password too.
func (t *tree) unknown(path string, key *yaml.Node, known []string) {
	p := Problem{File: t.file, Line: key.Line, Path: join(path, key.Value)}
	word, _, colon := strings.Cut(key.Value, ":")
	switch {
	case plainKey.MatchString(key.Value):
		p.What = "unknown setting" + didYouMean(key.Value, known)
		if near := spelling.Nearest(key.Value, known); near != "" {
			t.bad[join(path, near)] = true // it is not missing, it is misspelt
		} else {
			p.Hint = "known here: " + strings.Join(known, ", ")
		}
	case colon && slices.Contains(known, word):
		p.Path, p.What = join(path, word), "a space is missing behind the colon"
		t.bad[p.Path] = true
	default:
		p.Path, p.What = path, "expected the name of a setting"
	}
	t.problems = append(t.problems, p)
}
