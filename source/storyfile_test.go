package source

import (
	"strings"
	"testing"
	"time"
)

func TestMarkdownIsNotSlow(t *testing.T) {
	lines := func(s string, n int) string { return strings.Repeat(s+"\n", n) }
	for name, in := range map[string]string{
		"brackets":   lines(strings.Repeat("[a", 500), 100),
		"links":      lines(strings.Repeat("[a](", 300), 100),
		"pictures":   lines(strings.Repeat("![a", 300), 100),
		"emphasis":   lines(strings.Repeat("*a _b ", 200), 100),
		"stars":      lines(strings.Repeat("*", 1000), 100),
		"backticks":  lines(strings.Repeat("`a``b```c", 100), 100),
		"entities":   lines(strings.Repeat("&a", 500), 100),
		"html":       lines(strings.Repeat("<a", 500), 100),
		"autolinks":  lines(strings.Repeat("www.a.", 200), 100),
		"mails":      lines(strings.Repeat("a@b.", 200), 100),
		"references": lines("[a]: /x", 100_000) + "# x",
		"table":      lines("|"+strings.Repeat("a|", 400), 2) + lines("|"+strings.Repeat("-|", 400), 1) + lines("|a|", 4000) + "# x",
		"list deeper": func() string {
			var b strings.Builder
			for i := range 200 {
				b.WriteString(strings.Repeat("  ", i) + "- a\n")
			}
			return b.String()
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			f := &folder{root: noFiles(t), path: "stories", zone: time.UTC}
			start := time.Now()
			_, err := f.story("a.md", []byte(in), time.Unix(0, 0))
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
			if refused := name == "references" || name == "table"; refused != (err != nil && !strings.Contains(err.Error(), "holds no story")) {
				t.Errorf("got %v", err)
			}
		})
	}
}
