package config

import (
	"slices"
	"strings"

	"lede/compose/lint"
)

// lint checks the levels of lint's rules.
func (c *checker) lint(at string, n *Newsletter) {
	var rules []string
	for _, r := range lint.Rules() {
		rules = append(rules, r.Name)
	}
	levels := []string{lint.Error, lint.Warning, lint.Note, lint.Off}
	for _, p := range n.Lint {
		path := at + ".lint." + p.Name
		if !slices.Contains(rules, p.Name) {
			c.complain(path, "", "there is no rule %q%s", p.Name, didYouMean(p.Name, rules))
		}
		if !slices.Contains(levels, p.Value) {
			c.complain(path, "", "expected one of %s, found %q%s", strings.Join(levels, ", "), p.Value, didYouMean(p.Value, levels))
		}
	}
}
