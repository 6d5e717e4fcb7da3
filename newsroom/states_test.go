package newsroom_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"lede/newsroom"
)

// TestStateTable holds the table in docs/architecture.md to the code.
func TestStateTable(t *testing.T) {
	doc, err := os.ReadFile("../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(doc), "| from | may become |")
	table, _, _ = strings.Cut(table, "\n\n")
	allowed := map[[2]newsroom.State]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\| ([a-z, ]+) \| ([a-z, ]+) \|$`).FindAllStringSubmatch(table, -1) {
		for from := range strings.SplitSeq(m[1], ", ") {
			for to := range strings.SplitSeq(m[2], ", ") {
				allowed[[2]newsroom.State{newsroom.State(from), newsroom.State(to)}] = true
			}
		}
	}
	all := []newsroom.State{
		newsroom.Assembling, newsroom.Waiting, newsroom.Sending, newsroom.Paused,
		newsroom.Done, newsroom.Skipped, newsroom.Cancelled, newsroom.Failed,
	}
	for _, from := range all {
		for _, to := range all {
			if want, got := allowed[[2]newsroom.State{from, to}], newsroom.CanBecome(from, to); got != want {
				t.Errorf("%s → %s: code %v, docs %v", from, to, got, want)
			}
		}
		if want := allowed[[2]newsroom.State{from, "nothing"}]; from.Ended() != want {
			t.Errorf("%s ended: code %v, docs %v", from, from.Ended(), want)
		}
	}
}
