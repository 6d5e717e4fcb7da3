package compose_test

import (
	"bytes"
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
	"lede/templates"
)

// kindCase is case.yaml of a case of testdata/kinds: a newsletter and a morning,
// with the fields' names in small letters.
type kindCase struct {
	Slot    time.Time
	Recipe  compose.Recipe
	Memory  compose.Memory
	Earlier []compose.Edition
}

// TestKinds makes whole editions of feeds and story files: of each source of
// case.yaml the case has ID.xml or the files ID/*.md. What comes out is
// edition.json, letter.html and letter.txt; -update writes them anew. There is a
// case for each kind of section, and one with all of them for each theme.
func TestKinds(t *testing.T) {
	files, err := filepath.Glob("testdata/kinds/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]bool{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		cases[name] = true
		t.Run(name, func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			e, l := goldenEdition(t, archive)
			edition, err := readable(e)
			if err != nil {
				t.Fatal(err)
			}
			if e.Empty != "" {
				l = compose.Letter{}
			}
			for _, out := range []struct {
				name string
				data []byte
			}{{"edition.json", edition}, {"letter.html", []byte(l.HTML)}, {"letter.txt", []byte(l.Text)}} {
				var part *txtar.File
				for i := range archive.Files {
					if archive.Files[i].Name == out.name {
						part = &archive.Files[i]
					}
				}
				if part == nil {
					archive.Files = append(archive.Files, txtar.File{Name: out.name})
					part = &archive.Files[len(archive.Files)-1]
				}
				got := out.data
				if len(got) > 0 && !bytes.HasSuffix(got, []byte("\n")) {
					got = append(got, '\n')
				}
				if diff := cmp.Diff(string(part.Data), string(got)); diff != "" && !*update {
					t.Errorf("%s (-want +got)\n%s", out.name, diff)
				}
				part.Data = got
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	for _, kind := range compose.SectionKinds() {
		if !cases[kind] {
			t.Errorf("testdata/kinds has no case for %s", kind)
		}
	}
	for _, theme := range templates.Names() {
		if !cases["theme_"+theme] {
			t.Errorf("testdata/kinds has no case theme_%s", theme)
		}
	}
}

// goldenEdition assembles and renders a case.
func goldenEdition(t *testing.T, archive *txtar.Archive) (compose.Edition, compose.Letter) {
	t.Helper()
	dir := t.TempDir()
	var g kindCase
	for _, f := range archive.Files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
		if f.Name == "case.yaml" {
			decode := yaml.NewDecoder(bytes.NewReader(f.Data))
			decode.KnownFields(true)
			if err := decode.Decode(&g); err != nil {
				t.Fatal(err)
			}
		}
	}
	zone, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		t.Fatal(err)
	}
	r := g.Recipe
	r.ID, r.Name, r.Zone, r.BaseURL, r.PostalAddress = "harbour", "The Harbour Letter", zone, "https://news.example.org", "14 Chandler Row, Port Averne"
	if r.Language == "" {
		r.Language = "en"
	}
	if r.Theme == "" {
		r.Theme = "broadsheet"
	}
	var specs []source.Spec
	for i, rule := range r.Sources {
		r.Sources[i].MaxAge, r.Sources[i].Updates, r.Sources[i].Leftovers = 72*time.Hour, "mark", "drop"
		spec := source.Spec{ID: rule.ID, Folder: filepath.Join(dir, rule.ID), Own: true}
		if feed := filepath.Join(dir, rule.ID+".xml"); fileExists(feed) {
			spec = source.Spec{ID: rule.ID, Feed: feed}
		}
		specs = append(specs, spec)
	}
	gatherer := &source.Gatherer{Now: func() time.Time { return time.Now().Add(time.Hour) }, Timeout: time.Minute}
	readings := gatherer.Gather(t.Context(), specs, zone)
	for i := range readings {
		if readings[i].Err != nil {
			t.Fatalf("%s: %v", readings[i].Source, readings[i].Err)
		}
		for _, passed := range readings[i].Passed {
			t.Errorf("%s: %s", passed.File, passed.Why)
		}
	}
	in := compose.Input{Slot: g.Slot, Readings: readings, Memory: g.Memory, Earlier: g.Earlier}
	e := compose.Assemble(r, in)
	theme, err := templates.Load(r.Theme, "")
	if err != nil {
		t.Fatal(err)
	}
	l, err := compose.Render(r, e, theme, "0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	return e, l
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
