package compose_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v3"

	"lede/compose"
	"lede/source"
)

// morning is a case of testdata/editions: what a newsletter's sources gave one
// morning, in YAML with the fields' names in small letters.
type morning struct {
	Zone     string
	Recipe   compose.Recipe
	Slot     time.Time
	Greeting string
	Only     []string // "source key"
	Memory   compose.Memory
	Readings []source.Reading
	Broken   map[string]string // source → error
	Pictures map[string]compose.Picture
}

func (m morning) input() compose.Input {
	for i, r := range m.Readings {
		if why, broken := m.Broken[r.Source]; broken {
			m.Readings[i].Err = errors.New(why)
		}
		for j := range r.Stories {
			m.Readings[i].Stories[j].Order = j
		}
	}
	var only []string
	for _, id := range m.Only {
		only = append(only, strings.Replace(id, " ", "\x00", 1))
	}
	return compose.Input{Slot: m.Slot, Greeting: m.Greeting, Readings: m.Readings, Memory: m.Memory, Only: only, Pictures: m.Pictures}
}

// TestAssemble runs the cases of testdata/editions: case.yaml gives
// edition.json and memory.txt, what the edition uses up and saw. -update writes
// them anew.
func TestAssemble(t *testing.T) {
	files, err := filepath.Glob("testdata/editions/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			part := map[string]*txtar.File{}
			for i := range archive.Files {
				part[archive.Files[i].Name] = &archive.Files[i]
			}
			for _, name := range []string{"case.yaml", "edition.json", "memory.txt"} {
				if part[name] == nil {
					archive.Files = append(archive.Files, txtar.File{Name: name})
					part[name] = &archive.Files[len(archive.Files)-1]
				}
			}
			var m morning
			decode := yaml.NewDecoder(bytes.NewReader(part["case.yaml"].Data))
			decode.KnownFields(true)
			if err := decode.Decode(&m); err != nil {
				t.Fatal(err)
			}
			if m.Recipe.Zone, err = time.LoadLocation(m.Zone); err != nil {
				t.Fatal(err)
			}
			e := compose.Assemble(m.Recipe, m.input())
			got, err := readable(e)
			if err != nil {
				t.Fatal(err)
			}
			for name, data := range map[string][]byte{"edition.json": got, "memory.txt": memory(e)} {
				if diff := cmp.Diff(string(part[name].Data), string(data)); diff != "" && !*update {
					t.Errorf("%s (-want +got)\n%s", name, diff)
				}
				for i := range archive.Files {
					if archive.Files[i].Name == name {
						archive.Files[i].Data = data
					}
				}
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// readable is edition.json with its marks as they are.
func readable(e compose.Edition) ([]byte, error) {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	err := out.Encode(e)
	return b.Bytes(), err
}

func memory(e compose.Edition) []byte {
	var b bytes.Buffer
	for _, u := range e.Uses {
		fmt.Fprintf(&b, "used %s %s %d\n", u.Source, u.Key, u.Version)
	}
	for _, s := range e.Seen {
		fmt.Fprintf(&b, "seen %s %s\n", s.Source, s.Key)
	}
	return b.Bytes()
}
