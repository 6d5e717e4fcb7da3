package config

import (
	"fmt"
	"regexp"
	"strings"
)

// environment holds the variables that the file may use.
type environment map[string]string

func newEnvironment(environ []string) environment {
	env := make(environment, len(environ))
	for _, e := range environ {
		if name, value, ok := strings.Cut(e, "="); ok {
			env[name] = value
		}
	}
	return env
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expand replaces ${VAR} by VAR's value and $${ by ${. What a value holds is
// not expanded again. No error quotes the text: it may be a password.
func (env environment) expand(text string) (string, error) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "${")
		if !found {
			b.WriteString(text)
			return b.String(), nil
		}
		if literal, ok := strings.CutSuffix(before, "$"); ok {
			b.WriteString(literal + "${")
			text = after
			continue
		}
		b.WriteString(before)
		name, rest, closed := strings.Cut(after, "}")
		if !closed {
			return "", fmt.Errorf("${ without its }: write $${ for the two characters themselves")
		}
		if !variableName.MatchString(name) {
			return "", fmt.Errorf("between ${ and } stands no name of a variable: write $${ for the two characters themselves")
		}
		value, set := env[name]
		if !set {
			return "", fmt.Errorf("the environment variable %s is not set", name)
		}
		b.WriteString(value)
		text = rest
	}
}

// overrideName is the variable that overrides the setting below prefix.
func overrideName(prefix, key string) string {
	return prefix + "_" + strings.ToUpper(strings.ReplaceAll(key, "-", "_"))
}
