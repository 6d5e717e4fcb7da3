package newsroom_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lede/audience"
	"lede/internal/fetch"
	"lede/newsroom"
)

// put writes a file of people into a folder, as of now less its age.
func put(t *testing.T, path string, age time.Duration, lines ...string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("email\n"+strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-age)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// filling gives a desk a list that is filled hourly.
func filling(t *testing.T, d *desk, sync bool, from newsroom.PeopleSource) {
	t.Helper()
	hourly, err := newsroom.ParseSchedule("0 * * * *")
	if err != nil {
		t.Fatal(err)
	}
	d.Imports, d.Lists = d.store, d.store
	d.Filled = []newsroom.List{{
		ID: "harbour", Source: from, Schedule: hourly, Zone: time.UTC, Sync: sync, MaxGone: 0.5, Tell: []newsroom.Newsletter{d.n},
	}}
}

// active lists who is active on the list, by the part before the @.
func active(t *testing.T, d *desk) string {
	t.Helper()
	var names []string
	for _, name := range []string{"ann", "bo", "cy", "di", "eve"} {
		p, err := d.store.Person(context.Background(), name+"@northpost.example")
		if errors.Is(err, audience.ErrNobody) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if p.Subscriptions[0].State == audience.Active {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

func imports(t *testing.T, d *desk) int {
	t.Helper()
	entries, err := d.store.Imports(context.Background(), 100)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func people(names ...string) (lines []string) {
	for _, name := range names {
		lines = append(lines, name+"@northpost.example")
	}
	return lines
}

// TestListsDaemon: the daemon fills a list from a folder at its times, once for
// times that were missed, waits for a file that is being written, skips what it
// took, and tells the desk once what is wrong and that it is well again.
func TestListsDaemon(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		at(t, "2026-11-24T06:30:00Z")
		d := newDesk(t, filepath.Join(dir, "lede.db"), "", "UTC")
		folder := filepath.Join(dir, "incoming")
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		filling(t, d, true, &newsroom.FolderSource{Folder: folder, Newest: true, Settle: 10 * time.Second, Now: time.Now, Memory: d.store})
		put(t, filepath.Join(folder, "a.csv"), time.Hour, people("ann", "bo", "cy")...)
		put(t, filepath.Join(folder, ".b.csv"), 0, people("eve")...)
		check := func(when, want string, entries int, told ...string) {
			t.Helper()
			if got := active(t, d); got != want {
				t.Errorf("%s: active are %q, want %q", when, got, want)
			}
			if got := imports(t, d); got != entries {
				t.Errorf("%s: %d imports, want %d", when, got, entries)
			}
			if !slices.Equal(d.sink.notices, told) {
				t.Errorf("%s: the desk was told %q, want %q", when, d.sink.notices, told)
			}
		}
		d.runFor(29 * time.Minute)
		check("before the first time", "", 0)
		d.runFor(2 * time.Minute) // 07:01
		check("07:01", "ann bo cy", 1)
		time.Sleep(5 * time.Hour)
		d.runFor(2 * time.Hour)
		check("unchanged", "ann bo cy", 1)

		at(t, "2026-11-24T14:59:55Z")
		put(t, filepath.Join(folder, "b.csv"), 0, people("ann", "bo", "di")...)
		d.runFor(30 * time.Second)
		check("while it is written", "ann bo cy", 1)
		d.runFor(2 * time.Minute)
		check("when it is whole", "ann bo di", 2)

		put(t, filepath.Join(folder, "c.csv"), 0)
		d.runFor(3 * time.Hour)
		failed, well := "List harbour could not be filled", "List harbour: its source works again"
		check("emptied", "ann bo di", 2, failed)
		put(t, filepath.Join(folder, "d.csv"), 0, people("bo", "cy", "di", "eve")...)
		d.runFor(2 * time.Hour)
		check("well again", "bo cy di eve", 3, failed, well)
	})
}

// TestListsMoved: without sync every file counts, in their order, and is moved
// away when it is done.
func TestListsMoved(t *testing.T) {
	dir := t.TempDir()
	d := newDesk(t, filepath.Join(dir, "lede.db"), "", "UTC")
	folder, done := filepath.Join(dir, "incoming"), filepath.Join(dir, "done")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	filling(t, d, false, &newsroom.FolderSource{Folder: folder, DoneTo: done, Settle: 10 * time.Second, Now: time.Now, Memory: d.store})
	run := func(o newsroom.RunOptions) (files []string) {
		t.Helper()
		runs, err := d.RunList(context.Background(), d.Filled[0], o)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range runs {
			files = append(files, r.File)
		}
		return files
	}
	put(t, filepath.Join(folder, "z.csv"), 2*time.Hour, people("ann")...)
	put(t, filepath.Join(folder, "a.csv"), time.Hour, people("bo")...)
	put(t, filepath.Join(folder, "note.pdf"), time.Hour)
	if got := run(newsroom.RunOptions{DryRun: true}); fmt.Sprint(got) != "[z.csv a.csv]" || active(t, d) != "" {
		t.Errorf("dry run: %q, %q", got, active(t, d))
	}
	if got := run(newsroom.RunOptions{}); fmt.Sprint(got) != "[z.csv a.csv]" || active(t, d) != "ann bo" {
		t.Errorf("run: %q, %q", got, active(t, d))
	}
	put(t, filepath.Join(folder, "a.csv"), time.Hour, people("cy")...)
	run(newsroom.RunOptions{})
	moved, err := os.ReadDir(done)
	if err != nil || len(moved) != 3 || active(t, d) != "ann bo cy" {
		t.Errorf("moved %v, %v, active %q", moved, err, active(t, d))
	}
	if got := run(newsroom.RunOptions{}); len(got) != 0 {
		t.Errorf("again: %q", got)
	}
}

// TestListsURL: what did not change is not fetched again, the login goes nowhere
// else, and what is too large or inside is refused.
func TestListsURL(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	d := newDesk(t, filepath.Join(dir, "lede.db"), "", "UTC")
	var asked []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, "elsewhere "+r.Header.Get("Authorization"))
		fmt.Fprintln(w, "email\nbo@northpost.example")
	}))
	defer elsewhere.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path+" "+r.Header.Get("Authorization")+" "+r.Header.Get("If-None-Match"))
		switch {
		case r.URL.Path == "/away":
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		case r.Header.Get("Authorization") != "Bearer sesame":
			w.WriteHeader(http.StatusUnauthorized)
		case r.Header.Get("If-None-Match") == `"one"`:
			w.WriteHeader(http.StatusNotModified)
		default:
			w.Header().Set("ETag", `"one"`)
			fmt.Fprintln(w, "email\nann@northpost.example")
		}
	}))
	defer server.Close()
	from := func(path string) *newsroom.URLSource {
		return &newsroom.URLSource{URL: server.URL + path, Authorization: "Bearer sesame", Private: true, MaxBytes: 1000, Client: fetch.New(fetch.Options{})}
	}
	run := func(s *newsroom.URLSource, o newsroom.RunOptions) ([]newsroom.ListRun, error) {
		filling(t, d, false, s)
		return d.RunList(context.Background(), d.Filled[0], o)
	}
	for i, want := range []int{1, 0, 1} {
		runs, err := run(from("/all.csv"), newsroom.RunOptions{Again: i == 2})
		if err != nil || len(runs) != want || imports(t, d) != i/2+1 {
			t.Errorf("run %d: %+v, %v, %d imports", i, runs, err, imports(t, d))
		}
	}
	if _, err := run(from("/away"), newsroom.RunOptions{}); err != nil || asked[len(asked)-1] != "elsewhere " {
		t.Errorf("redirected: %v, %q", err, asked)
	}
	if active(t, d) != "ann bo" {
		t.Errorf("active: %q", active(t, d))
	}
	small := from("/all.csv?small")
	small.MaxBytes = 5
	if _, err := run(small, newsroom.RunOptions{Again: true}); !errors.Is(err, fetch.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	inside := from("/all.csv?inside")
	inside.Private = false
	if _, err := run(inside, newsroom.RunOptions{Again: true}); !errors.Is(err, fetch.ErrRefused) {
		t.Errorf("inside: %v", err)
	}
	wrong := from("/all.csv?token=sesame")
	wrong.Authorization = "Bearer crumbs"
	if _, err := run(wrong, newsroom.RunOptions{Again: true}); err == nil || strings.Contains(err.Error(), "crumbs") || strings.Contains(err.Error(), "sesame") {
		t.Errorf("refused: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "lede-list-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}
