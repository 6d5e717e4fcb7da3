package source

import (
	"os"
	"strings"
	"testing"
)

// TestDocsNameEveryKey holds the table of story files' keys to the code.
func TestDocsNameEveryKey(t *testing.T) {
	text, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "### Story files\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var rows strings.Builder
	for line := range strings.Lines(section) {
		if key, _, found := strings.Cut(strings.TrimPrefix(line, "| "), " |"); found {
			rows.WriteString(key + ", ")
		}
	}
	for _, f := range fields {
		if !strings.Contains(rows.String(), "`"+f.key+"`, ") {
			t.Errorf("docs/configuration.md does not name `%s`", f.key)
		}
	}
	if got := strings.Count(rows.String(), "`"); got != 2*len(fields) {
		t.Errorf("docs/configuration.md names %d keys, there are %d", got/2, len(fields))
	}
}
