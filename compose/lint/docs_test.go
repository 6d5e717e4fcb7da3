package lint_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"lede/compose/lint"
)

var update = flag.Bool("update", false, "write docs/lint.md's table anew")

// TestDocsTellEveryRule holds the table in docs/lint.md to the rules.
func TestDocsTellEveryRule(t *testing.T) {
	const file, from, to = "../../docs/lint.md", "-update` -->\n", "<!-- end of rules -->"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok1 := strings.Cut(string(text), from)
	_, tail, ok2 := strings.Cut(rest, to)
	if !ok1 || !ok2 {
		t.Fatal("docs/lint.md has no place for the rules")
	}
	var b strings.Builder
	b.WriteString("| Rule | Severity | Why | What to do |\n|---|---|---|---|\n")
	cell := strings.NewReplacer("|", `\|`, "<", "&lt;", "{{", "{&#123;")
	for _, r := range lint.Rules() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.Name, r.Severity, cell.Replace(r.Why), cell.Replace(r.Remedy))
	}
	want := head + from + b.String() + to + tail
	if want == string(text) {
		return
	}
	if !*update {
		t.Fatal("docs/lint.md tells other rules than there are: go test ./compose/lint -run TestDocs -update")
	}
	if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestEveryRuleIsKnown finds rules that findings name and the book has not, and
// those of the book that nothing finds.
func TestEveryRuleIsKnown(t *testing.T) {
	named := map[string]bool{}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	quoted := regexp.MustCompile(`"([a-z]+(?:-[a-z0-9]+)*)"`)
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") || e.Name() == "rulebook.go" {
			continue
		}
		text, err := os.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range quoted.FindAllStringSubmatch(string(text), -1) {
			named[m[1]] = true
		}
		for _, m := range regexp.MustCompile(`(?:Rule: |\.Rule(?:, f\.\w+)* = |say\()"([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
			known := false
			for _, r := range lint.Rules() {
				known = known || r.Name == m[1]
			}
			if !known {
				t.Errorf("%s finds %q, of which the rulebook knows nothing", e.Name(), m[1])
			}
		}
	}
	seen := map[string]bool{}
	for _, r := range lint.Rules() {
		if !named[r.Name] {
			t.Errorf("nothing finds %q", r.Name)
		}
		if seen[r.Name] || r.Why == "" || r.Remedy == "" {
			t.Errorf("%q stands twice, or lacks its reason or remedy", r.Name)
		}
		seen[r.Name] = true
	}
}
