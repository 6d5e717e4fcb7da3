package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const (
	exampleFile = "../../config.example.yaml"
	docsFile    = "../../docs/configuration.md"
)

// optional marks the settings that the example has commented out.
var optional = regexp.MustCompile(`#: ?`)

// schema returns every group of settings by the name that the docs give it,
// with the values that hold by default.
func schema() map[string]reflect.Value {
	cfg, newsletter := defaults(), defaultNewsletter()
	return map[string]reflect.Value{
		"Top level": reflect.ValueOf(cfg), "log": reflect.ValueOf(cfg.Log), "retention": reflect.ValueOf(cfg.Retention), "api": reflect.ValueOf(cfg.API), "attributes": reflect.ValueOf(Attribute{}),
		"relays": reflect.ValueOf(defaultRelay()), "retry": reflect.ValueOf(defaultRelay().Retry),
		"newsletters": reflect.ValueOf(newsletter), "editor": reflect.ValueOf(newsletter.Editor),
		"warm_up": reflect.ValueOf(WarmUp{}), "routes": reflect.ValueOf(Route{}), "domains": reflect.ValueOf(Domain{}), "segments": reflect.ValueOf(Segment{}), "webhooks": reflect.ValueOf(Webhook{}),
		"lists": reflect.ValueOf(defaultList()), "source": reflect.ValueOf(defaultList().Source), "sql": reflect.ValueOf(defaultList().Source.SQL),
		"dkim": reflect.ValueOf(DKIM{}), "sources": reflect.ValueOf(defaultSource()),
		"tokens": reflect.ValueOf(newsletter.Tokens), "light and dark": reflect.ValueOf(newsletter.Tokens.Light),
		"fonts": reflect.ValueOf(newsletter.Tokens.Fonts), "logo": reflect.ValueOf(newsletter.Tokens.Logo),
		"subject_test": reflect.ValueOf(newsletter.SubjectTest), "signup": reflect.ValueOf(newsletter.SignUp), "captcha": reflect.ValueOf(newsletter.SignUp.Captcha), "when": reflect.ValueOf(When{}),
		"lead": reflect.ValueOf(newsletter.Lead), "sections": reflect.ValueOf(defaultSection()),
	}
}

// keys returns the paths of all settings: "relays[].retry.first".
func keys(prefix string, want reflect.Type) []string {
	var all []string
	for field := range structFields(want) {
		path := prefix + field.Tag.Get("mapstructure")
		kind := pointed(field.Type)
		switch {
		case scalar(kind), pairs(field):
			all = append(all, path)
		case kind.Kind() == reflect.Struct:
			all = append(all, keys(path+".", kind)...)
		case scalar(kind.Elem()):
			all = append(all, path)
		case single(field):
			all = append(all, keys(path+".", kind.Elem())...)
		default:
			all = append(all, keys(path+"[].", kind.Elem())...)
		}
	}
	return all
}

// paths returns the paths that a YAML text sets, with their values.
func paths(prefix string, node *yaml.Node, into map[string][]string) {
	switch node.Kind {
	case yaml.DocumentNode:
		paths(prefix, node.Content[0], into)
	case yaml.MappingNode:
		into[prefix] = append(into[prefix], "")
		for i := 0; i < len(node.Content); i += 2 {
			key := node.Content[i].Value
			if prefix != "" {
				key = prefix + "." + key
			}
			paths(key, node.Content[i+1], into)
		}
	case yaml.SequenceNode:
		for _, member := range node.Content {
			if member.Kind == yaml.MappingNode {
				paths(prefix+"[]", member, into)
			} else {
				into[prefix] = append(into[prefix], member.Value)
			}
		}
	default:
		into[prefix] = append(into[prefix], node.Value)
	}
}

func TestExampleIsValid(t *testing.T) {
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Load(exampleFile, nil); err != nil {
		t.Errorf("as it stands: %v", err)
	}
	whole := write(t, optional.ReplaceAllString(string(text), ""))
	certificate, key := testCertificate(t)
	for name, text := range map[string][]byte{"dkim.pem": key, "ca.pem": certificate, "us.pem": certificate, "us.key": key} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(whole), name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Load(whole, []string{"WEBHOOK_SECRET=whsec_" + strings.Repeat("c2VjcmV0", 4), "SMTP_PASSWORD=hunter2", "CRM_TOKEN=hunter3", "SCHOOL_PASSWORD=hunter4", "CAPTCHA_SECRET=hunter5"}); err != nil {
		t.Errorf("with all that is optional: %v", err)
	}
}

func TestExampleHasEverySetting(t *testing.T) {
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	var node yaml.Node
	if err := yaml.Unmarshal(optional.ReplaceAll(text, nil), &node); err != nil {
		t.Fatal(err)
	}
	set := map[string][]string{}
	paths("", &node, set)
	for _, key := range keys("", reflect.TypeFor[Config]()) {
		if _, ok := set[key]; !ok {
			t.Errorf("%s is not in %s", key, exampleFile)
		}
	}
}

// TestExampleShowsDefaults holds what the example sets without saying
// otherwise to the defaults.
func TestExampleShowsDefaults(t *testing.T) {
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	var node yaml.Node
	if err := yaml.Unmarshal(text, &node); err != nil { // not the optional ones
		t.Fatal(err)
	}
	set := map[string][]string{}
	paths("", &node, set)
	groups := map[string]string{
		"": "Top level", "log.": "log", "api.": "api", "relays[].": "relays", "relays[].retry.": "retry", "newsletters[].": "newsletters",
		"newsletters[].sources[].": "sources", "newsletters[].lead.": "lead", "newsletters[].sections[].": "sections",
	}
	for prefix, group := range groups {
		value := schema()[group]
		for field := range structFields(value.Type()) {
			if field.Tag.Get("need") != "" || !scalar(field.Type) {
				continue
			}
			want := written(value.FieldByIndex(field.Index))
			if given := set[prefix+field.Tag.Get("mapstructure")]; want != "" && len(given) > 0 {
				if got := given[0]; got != want { // others of a list are examples
					t.Errorf("%s%s: the example has %q, the default is %q", prefix, field.Tag.Get("mapstructure"), got, want)
				}
			}
		}
	}
}

// written writes a value as the file and the docs have it; nothing for none.
func written(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case Rate, Count:
		return ""
	case Duration:
		return value.String()
	case Share:
		return value.String()
	case TimeZone:
		return value.Location.String()
	}
	switch v.Kind() {
	case reflect.Int, reflect.Bool, reflect.String:
		return fmt.Sprint(v.Interface())
	}
	return ""
}

var row = regexp.MustCompile("^\\| `([a-z_]+)` \\| (.+?) \\|(.*?)\\| (.+) \\|$")

func TestDocsHaveEverySetting(t *testing.T) {
	text, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	group := ""
	found := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			group = heading
		}
		m := row.FindStringSubmatch(strings.ReplaceAll(line, `\|`, "¦"))
		if m == nil {
			continue
		}
		found[group] = append(found[group], m[1])
		value, ok := schema()[group]
		if !ok {
			t.Errorf("no group of settings is called %s", group)
			continue
		}
		for field := range structFields(value.Type()) {
			if field.Tag.Get("mapstructure") != m[1] {
				continue
			}
			if words := field.Tag.Get("oneof"); words != "" && strings.ReplaceAll(strings.Trim(m[2], "`"), "`, `", "|") != words {
				t.Errorf("%s, %s: the docs have %s, the code %s", group, m[1], m[2], words)
			}
			if limits := field.Tag.Get("range"); limits != "" && m[2] != strings.Replace(limits, "..", " to ", 1) && m[2] != "number" {
				t.Errorf("%s, %s: the docs have %s, the code %s", group, m[1], m[2], limits)
			}
			want := "`" + written(value.FieldByIndex(field.Index)) + "`"
			switch {
			case field.Tag.Get("need") != "":
				want = "required"
			case want == "``" && (scalar(field.Type) || field.Type.Kind() != reflect.Struct):
				want = "–"
			case want == "``":
				want = ""
			}
			if m[1] == "sections" {
				want = "one of briefs"
			}
			if strings.TrimSpace(m[3]) != want {
				t.Errorf("%s, %s: the docs have default %q, the code %q", group, m[1], m[3], want)
			}
		}
	}
	for group, value := range schema() {
		var want []string
		for field := range structFields(value.Type()) {
			want = append(want, field.Tag.Get("mapstructure"))
		}
		if !slices.Equal(found[group], want) {
			t.Errorf("%s: the docs have\n%s\nthe code has\n%s", group, found[group], want)
		}
	}
}
