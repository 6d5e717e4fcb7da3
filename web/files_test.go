package web_test

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"lede/web"
)

// shelfFolder keeps what Files puts.
type shelfFolder map[string][]byte

func (f shelfFolder) Has(name string) bool { _, ok := f[name]; return ok }

func (f shelfFolder) Put(name string, data []byte) error {
	f[name] = bytes.Clone(data)
	return nil
}

func TestFiles(t *testing.T) {
	s := shelf(t)
	out := shelfFolder{}
	letters, err := s.Files(context.Background(), []string{"harbour", "tide", "nobody"}, out)
	if err != nil || letters != 7 {
		t.Fatalf("%d letters: %v", letters, err)
	}
	want := []string{
		"archive/harbour/2024/index.html", "archive/harbour/2026/index.html", "archive/harbour/atom.xml", "archive/harbour/feed.json",
		"archive/harbour/index.html", "archive/harbour/rss.xml", "index.html", "p/" + pictureOf, "reader.css", "robots.txt", "sitemap.xml",
	}
	for i := range 7 {
		want = append(want, fmt.Sprintf("e/edition%d/index.html", i+1), fmt.Sprintf("e/edition%d/%s", i+1, eventOf))
	}
	slices.Sort(want)
	var got []string
	for name := range out {
		got = append(got, name)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("files: %v", got)
	}
	// Every relative address leads to a file.
	for name, data := range out {
		if !strings.HasSuffix(name, ".html") {
			continue
		}
		doc, err := html.Parse(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		for n := range doc.Descendants() {
			for _, key := range []string{"href", "src"} {
				to := attr(n, key)
				if to == "" || strings.Contains(to, ":") {
					continue
				}
				if _, there := out[path.Join(path.Dir(name), to)]; !there {
					t.Errorf("%s: %s leads nowhere", name, to)
				}
			}
		}
	}
	if page := string(out["e/edition7/index.html"]); strings.Contains(page, `src="https://news.example.org/p/`) || !strings.Contains(page, `src="../../p/`+pictureOf) {
		t.Error("the letter's picture does not come from the files")
	}
	if strings.Contains(string(out["archive/harbour/index.html"]), "Find a word") {
		t.Error("files can't search")
	}

	s.Newsletters[0].Visibility = web.Unlisted
	out = shelfFolder{}
	if letters, err := s.Files(context.Background(), []string{"harbour"}, out); err != nil || letters != 7 {
		t.Fatalf("unlisted: %d letters, %v", letters, err)
	}
	if out.Has("archive/harbour/index.html") || out.Has("sitemap.xml") || !strings.Contains(string(out["e/edition7/index.html"]), "noindex") {
		t.Error("an unlisted newsletter is listed")
	}
	s.Newsletters[0].Visibility = web.Off
	out = shelfFolder{}
	if letters, err := s.Files(context.Background(), []string{"harbour"}, out); err != nil || letters != 0 || out.Has("e/edition7/index.html") {
		t.Errorf("off: %d letters, %v", letters, err)
	}
}
