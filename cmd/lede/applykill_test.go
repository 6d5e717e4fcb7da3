package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"lede/newsroom"
	"lede/store"
)

// TestChaosApply kills `lede editions apply` at instants over all of its run, for
// an edition that waits and for a slot to come. What the editor did is there whole
// or not at all: edits, letter, what the letter uses up and the history together.
// The same file applied again does what the first time did not.
func TestChaosApply(t *testing.T) {
	kills := doses(8, 60)
	for engine, data := range engines {
		for _, waits := range []bool{true, false} {
			name := engine + ", a slot to come"
			if waits {
				name = engine + ", an edition that waits"
			}
			t.Run(name, func(t *testing.T) { applyKilled(t, data(t), waits, kills) })
		}
	}
}

func applyKilled(t *testing.T, data string, waits bool, kills int) {
	dir := chaosRoom(t, data, 2, 9, "hold") // no mail is sent: nobody listens on that port
	config := readFile(t, dir, "lede.yaml")
	write(t, dir, "lede.yaml", config+"    approval: required\n")
	for _, boat := range []string{"market", "crane"} {
		write(t, dir, "stories/"+boat+".md", "---\ntitle: Of the "+boat+"\n---\nThe "+boat+" on the long quay of Port Averne is open again since this morning.\n")
	}
	slot := time.Now().UTC().Add(time.Hour).Truncate(time.Second)
	run := func(args ...string) string {
		t.Helper()
		out, err := ledeIn(t, dir, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	if waits {
		run("send", "harbour", "--slot", slot.Format(time.RFC3339), "--yes", "--pages-elsewhere")
	}
	run("editions", "draft", "harbour", "--slot", slot.Format(time.RFC3339), "-o", "drawn.yaml")
	drawn := readFile(t, dir, "drawn.yaml")
	revision := regexp.MustCompile(`(?m)^revision:.*$`)
	subject := regexp.MustCompile(`(?m)^subject:.*$`)
	crane := regexp.MustCompile(`(?m)^ +- story: desk:crane\.md\n(?: {8}.*\n)+`)
	if !crane.MatchString(drawn) {
		t.Fatalf("no crane in\n%s", drawn)
	}
	// file writes the nth edit: a subject of its own, and in turn a story less.
	now := revision.FindString(drawn)
	file := func(n int) {
		text := subject.ReplaceAllString(drawn, fmt.Sprintf("subject: Edit %d", n))
		if n%2 == 1 {
			text = crane.ReplaceAllString(text, "")
		}
		write(t, dir, "edition.yaml", revision.ReplaceAllString(text, now))
	}
	var whole time.Duration // of a run that nobody kills
	for n := range 3 {
		file(n)
		start := time.Now()
		run("editions", "apply", "edition.yaml")
		whole = time.Since(start)
		now = revision.FindString(readFile(t, dir, "edition.yaml"))
	}

	if !filepath.IsAbs(data) && !strings.Contains(data, "://") {
		data = filepath.Join(dir, data)
	}
	held, last := 0, 2
	for k := range kills {
		file(last + 1)
		cmd := ledeIn(t, dir, "editions", "apply", "edition.yaml")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// The later half of a run is where it writes.
		at := whole/3 + whole*time.Duration(k)/time.Duration(kills)
		end := time.AfterFunc(at, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		end.Stop()
		if got := applied(t, data, slot, waits); got == last+1 {
			held++
		} else if got != last {
			t.Fatalf("killed after %s: edit %d holds, want %d or %d", at, got, last, last+1)
		}
		run("editions", "apply", "edition.yaml")
		run("editions", "apply", "edition.yaml") // once more does no harm
		last++
		now = revision.FindString(readFile(t, dir, "edition.yaml"))
		if got := applied(t, data, slot, waits); got != last {
			t.Fatalf("applied again after a kill: edit %d holds, want %d", got, last)
		}
	}
	t.Logf("%d kills over %s: %d came after the edits were stored", kills, whole, held)
}

func readFile(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// applied is the number of the edit that holds; the test fails when one part of
// it is of another edit.
func applied(t *testing.T, data string, slot time.Time, waits bool) int {
	t.Helper()
	s, err := store.Open(context.Background(), data)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	r, err := s.Applied(t.Context(), "harbour", slot)
	if err != nil || r.Edits == nil {
		t.Fatalf("no edits: %v", err)
	}
	n := 0
	if _, err := fmt.Sscanf(r.Edits.Subject, "Edit %d", &n); err != nil {
		t.Fatalf("subject %q", r.Edits.Subject)
	}
	if len(r.Edits.Dropped) != n%2 {
		t.Errorf("edit %d takes out %q", n, r.Edits.Dropped)
	}
	recs, err := s.List(t.Context(), "harbour", 0)
	if err != nil {
		t.Fatal(err)
	}
	if !waits {
		if len(recs) != 0 {
			t.Errorf("%d editions before the slot", len(recs))
		}
		return n
	}
	if len(recs) != 1 || recs[0].State != newsroom.Waiting {
		t.Fatalf("%+v", recs)
	}
	rec, err := s.Edition(t.Context(), recs[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	uses, err := s.Uses(t.Context(), rec.ID)
	if err != nil {
		t.Fatal(err)
	}
	edited := 0
	history, err := s.History(t.Context(), rec.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range history {
		if c.Why == "edited" {
			edited++
		}
	}
	if rec.Content.Subject != r.Edits.Subject || rec.Letter.Subject != r.Edits.Subject || len(uses) != 3-n%2 || edited != n+1 {
		t.Errorf("edit %d: content %q, letter %q, %d stories used, edited %d times", n, rec.Content.Subject, rec.Letter.Subject, len(uses), edited)
	}
	return n
}
