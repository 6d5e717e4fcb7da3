package compose_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"lede/compose"
	"lede/templates"
)

// TestVariantsGolden makes all letters of an edition that is not the same for
// everybody. The cases are those of TestKinds, with files of a theme in theme/;
// what comes out is edition.json, subjects.txt, and letter.N.html and
// letter.N.txt of each variant. -update writes them anew.
func TestVariantsGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/variants/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want, given := map[string]string{}, archive.Files[:0:0]
			dir := t.TempDir()
			for _, f := range archive.Files {
				name, own := strings.CutPrefix(f.Name, "theme/")
				switch {
				case own:
					if err := os.WriteFile(filepath.Join(dir, name), f.Data, 0o644); err != nil {
						t.Fatal(err)
					}
				case f.Name == "edition.json" || f.Name == "subjects.txt" || strings.HasPrefix(f.Name, "letter."):
					want[f.Name] = string(f.Data)
					continue
				}
				given = append(given, f)
			}
			theme, err := templates.Load("broadsheet", dir)
			if err != nil {
				t.Fatal(err)
			}
			e, _ := goldenEdition(t, archive)
			r := compose.Recipe{
				ID: "harbour", Name: "The Harbour Letter", Zone: time.UTC, BaseURL: "https://news.example.org",
				PostalAddress: "14 Chandler Row, Port Averne", Language: "en", Subject: "{lead}", SubjectTest: []string{"{name|Reader}, the light goes out"},
			}
			all, err := compose.RenderAll(r, e, theme, "0123456789abcdef")
			if err != nil {
				t.Fatal(err)
			}
			edition, err := readable(e)
			if err != nil {
				t.Fatal(err)
			}
			got := []txtar.File{{Name: "edition.json", Data: edition}, {Name: "subjects.txt", Data: []byte(strings.Join(all.Subjects, "\n"))}}
			for n := range all.Split.Count() {
				l := all.Variant(n)
				about := fmt.Sprintf("For %s.\n\n", all.Split.Name(n))
				got = append(got, txtar.File{Name: fmt.Sprintf("letter.%d.html", n), Data: []byte(l.HTML)}, txtar.File{Name: fmt.Sprintf("letter.%d.txt", n), Data: []byte(about + l.Text)})
			}
			for i, f := range got {
				if !bytes.HasSuffix(f.Data, []byte("\n")) {
					got[i].Data = append(f.Data, '\n')
				}
				if diff := cmp.Diff(want[f.Name], string(got[i].Data)); diff != "" && !*update {
					t.Errorf("%s (-want +got)\n%s", f.Name, diff)
				}
				delete(want, f.Name)
			}
			for name := range want {
				if !*update {
					t.Errorf("%s is not made any more", name)
				}
			}
			if *update {
				archive.Files = append(given, got...)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
