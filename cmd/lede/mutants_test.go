package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mutants are Lede with one safeguard taken out.
var mutants = []struct {
	name, file string
	text       []string // of the file: what it says, what it says now, and so on
	power      bool     // only a power cut shows it
}{
	{
		name: "nothing is forced to the disk", power: true,
		file: "store/sqlite.go", text: []string{`"_synchronous":  {"FULL"}`, `"_synchronous":  {"OFF"}`},
	},
	{
		name: "commits are not forced to the disk", power: true,
		file: "store/sqlite.go", text: []string{`"_synchronous":  {"FULL"}`, `"_synchronous":  {"NORMAL"}`},
	},
	{
		name: "no intent is stored",
		file: "store/claim.go", text: []string{"err := s.writeIntents(ctx, tx, c.intents);", "err := error(nil);"},
	},
	{
		name: "mails are recorded as sent when they are begun",
		file: "store/claim.go", text: []string{"SET state = 'sending', attempt", "SET state = 'sent', attempt", "c.m.move(d.state, send.Sending, 1)", "c.m.move(d.state, send.Sent, 1)"},
	},
	{
		name: "what was in hand is not taken up again",
		file: "store/ledger.go", text: []string{"first, last := m.span()", "first, last := int64(0), int64(0)"},
	},
	{
		name: "nobody says that it is in doubt",
		file: "store/ledger.go", text: []string{"SET state = 'pending', doubts = doubts + 1", "SET state = 'pending'"},
	},
}

// The proof of the proofs: with one safeguard taken out, a kill or a power cut
// must show it. It takes long: LEDE_CHAOS=1.
func TestMutants(t *testing.T) {
	if !long() {
		t.Skip("LEDE_CHAOS=1 builds Lede without one safeguard after another")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, mutant := range mutants {
		t.Run(mutant.name, func(t *testing.T) {
			file := filepath.Join(root, mutant.file)
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(mutant.text); i += 2 {
				if !strings.Contains(string(source), mutant.text[i]) {
					t.Fatalf("%s no longer has %q: choose another text", mutant.file, mutant.text[i])
				}
			}
			dir := t.TempDir()
			changed, bin := filepath.Join(dir, "changed.go"), filepath.Join(dir, "lede")
			overlay, err := json.Marshal(map[string]map[string]string{"Replace": {file: changed}})
			if err != nil {
				t.Fatal(err)
			}
			write(t, dir, "changed.go", strings.NewReplacer(mutant.text...).Replace(string(source)))
			write(t, dir, "overlay.json", string(overlay))
			build := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", bin, ".")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("build: %v\n%s", err, out)
			}
			for try := range 6 {
				var faults []string
				if mutant.power {
					rec := record(t, bin, 400)
					for cut := range 5 {
						faults = append(faults, rec.cut(t, bin, uint64(try*5+cut), "resend")...)
					}
				} else {
					_, faults = chaosKill(t, bin, "lede.db", 1500, 3, "resend")
				}
				if len(faults) > 0 {
					t.Logf("found out: %s", strings.Join(faults, "\n"))
					return
				}
			}
			t.Error("no test finds it out")
		})
	}
}
