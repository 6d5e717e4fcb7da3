package source

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// noFiles is an empty folder.
func noFiles(t *testing.T) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

var lisbon = mustZone("Europe/Lisbon")

func mustZone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return z
}

// morning is when the tests' files were changed.
var morning = time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)

// newsroom writes files into a folder and reads it as a source.
func newsroom(t *testing.T, files map[string]string) (dir string, read func(settle time.Duration) Reading) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range files {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(at, morning, morning); err != nil {
			t.Fatal(err)
		}
	}
	return dir, func(settle time.Duration) Reading {
		g := &Gatherer{Settle: settle, Now: func() time.Time { return morning.Add(3 * time.Second) }}
		return g.Gather(t.Context(), []Spec{{ID: "desk", Folder: dir}}, lisbon)[0]
	}
}

func passed(r Reading) map[string]string {
	out := map[string]string{}
	for _, p := range r.Passed {
		out[filepath.Base(p.File)] = p.Why
	}
	return out
}

func TestStoryFile(t *testing.T) {
	dir, read := newsroom(t, map[string]string{
		"harbour/crane.md": `---
title: "The old crane swings again: <90 tonnes> & counting"
url: https://www.averne.example/crane?utm_source=desk
author: [Ines Okafor, Tomas Reis]
date: 2026-11-23 06:30
image: img/crane.png
image_alt: ""
image_caption: The crane on the east quay
image_credit: T. Reis
summary: |
  After nine years the crane
  is working.

  It lifted a trawler.
lead: true
section: Harbour
label: analysis
lang: en_gb
place: East quay
tags: harbour, work
weight: 3
repeat: yes
from: 2026-11-23T07:00:00+01:00
until: 2026-11-24
---

# The old crane swings again: <90 tonnes> & counting

First *paragraph* with a [link](/tides) and <script>alert(1)</script>.

![Another](other.png)

- one
- two
`,
		"harbour/img/crane.png": "x", "harbour/other.png": "x",
	})
	r := read(0)
	if r.Err != nil || len(r.Passed) > 0 || len(r.Stories) != 1 {
		t.Fatalf("%+v", r)
	}
	want := Story{
		Source: "desk", Key: "harbour/crane.md", Kind: KindStory, Title: "The old crane swings again: <90 tonnes> & counting",
		URL: "https://www.averne.example/crane?utm_source=desk", Canonical: "https://averne.example/crane", Author: "Ines Okafor, Tomas Reis",
		Published: time.Date(2026, 11, 23, 6, 30, 0, 0, time.UTC), // later than `from`; Lisbon is on UTC in winter
		Body:      `<p>First <em>paragraph</em> with a <a href="https://www.averne.example/tides">link</a> and .</p><ul><li>one</li><li>two</li></ul>`,
		Summary:   "After nine years the crane is working.\n\nIt lifted a trawler.",
		Image:     &Image{Path: "harbour/img/crane.png", HasAlt: true, Caption: "The crane on the east quay", Credit: "T. Reis"},
		Label:     "analysis", Section: "Harbour", Tags: []string{"harbour", "work"}, Lang: "en-GB", Place: "East quay", Lead: true, Repeat: true, Weight: 3,
		From: time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC), Until: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC),
		File: filepath.Join(dir, "harbour/crane.md"),
	}
	if diff := cmp.Diff(want, r.Stories[0]); diff != "" {
		t.Error(diff)
	}
}

func TestStoryFileDefaults(t *testing.T) {
	_, read := newsroom(t, map[string]string{
		"a.md":         "# Ferry *late*\n\nText.\n",
		"b.markdown":   "Only text, and ![the pier](pier.jpg \"t\").\n",
		"c.md":         "---\nkind: event\ntitle: Net mending\nstarts: 2027-07-01\nplace: Quay\n---\n",
		"d.md":         "---\nkind: event\ntitle: Concert\nstarts: 2027-07-01 20:00\n---\n",
		"e.md":         "---\ntitle: Later\ndate: 2026-11-20\nfrom: 2026-11-25 06:00\n---\nx",
		"f.md":         "\ufeff---\r\ntitle: Windows\r\n---\r\n\r\nLine one\r\nline two\r\n",
		"pier.jpg":     "x",
		"_parts/x.md":  "no",
		".git/y.md":    "no",
		"notes.txt":    "no",
		"g.md":         "---\n# only a comment\n---\nText of g.\n",
		"h.md":         "---\ntitle: Remote\nimage: https://averne.example/p.jpg\n---\n# Another heading\n\nx",
		"Über uns.md":  "# Ümlaut\n",
		"1/2/3/4/z.md": "# Deep\n",
	})
	r := read(0)
	if r.Err != nil || len(r.Passed) > 0 {
		t.Fatalf("%v %+v", r.Err, r.Passed)
	}
	by := map[string]Story{}
	for i, s := range r.Stories {
		by[s.Key] = s
		if s.Order != i {
			t.Errorf("%s: order %d", s.Key, s.Order)
		}
	}
	if len(by) != 10 {
		t.Errorf("got %d stories", len(by))
	}
	for what, ok := range map[string]bool{
		"first heading is the title": by["a.md"].Title == "Ferry late" && by["a.md"].Body == "<p>Text.</p>",
		"date is the file's":         by["a.md"].Published.Equal(morning),
		"picture of the text":        by["b.markdown"].Image != nil && by["b.markdown"].Image.Path == "pier.jpg" && by["b.markdown"].Image.Alt == "the pier",
		"no title":                   by["b.markdown"].Title == "" && by["b.markdown"].Body == "<p>Only text, and .</p>",
		"day in summer time":         by["c.md"].AllDay && by["c.md"].Starts.Equal(time.Date(2027, 6, 30, 23, 0, 0, 0, time.UTC)),
		"time in summer time":        !by["d.md"].AllDay && by["d.md"].Starts.Equal(time.Date(2027, 7, 1, 19, 0, 0, 0, time.UTC)),
		"embargo is later than date": by["e.md"].Published.Equal(time.Date(2026, 11, 25, 6, 0, 0, 0, time.UTC)),
		"carriage returns and BOM":   by["f.md"].Title == "Windows" && by["f.md"].Body == "<p>Line one line two</p>",
		"front matter of a comment":  by["g.md"].Body == "<p>Text of g.</p>",
		"another heading stays":      by["h.md"].Body == "<h1>Another heading</h1><p>x</p>" && by["h.md"].Image.URL == "https://averne.example/p.jpg",
		"names beyond ASCII":         by["Über uns.md"].Title == "Ümlaut",
		"folders in folders":         by["1/2/3/4/z.md"].Title == "Deep",
	} {
		if !ok {
			t.Errorf("%s: %+v", what, by)
		}
	}
}

func TestPassedOver(t *testing.T) {
	deep := "1/2/3/4/5/6/7/8/9/x.md"
	dir, read := newsroom(t, map[string]string{
		"ok.md":                                "# Fine\n",
		"draft.md":                             "---\ndraft: true\ntitle: Not yet\nnonsense: 1\n---\n",
		"key.md":                               "---\ntitle: x\n\ntitel: y\n---\n",
		"keys.md":                              "---\nweight: heavy\nkind: story\nlead: maybe\nlabel: gossip\nlang: 1!\nurl: averne\ndate: yesterday\n---\nx",
		"yaml.md":                              "---\ntitle: x\nauthor: [a\n---\nx",
		"twice.md":                             "---\ntitle: x\ntitle: y\n---\nx",
		"open.md":                              "---\ntitle: x\n\nText\n",
		"late.md":                              "\n---\ntitle: x\n---\nText\n",
		"latin1.md":                            "# Caf\xe9\n",
		"utf16.md":                             "\xff\xfe#\x00 \x00x\x00",
		"nul.md":                               "# a\n\nb\x00c\n",
		"empty.md":                             "",
		"event.md":                             "---\nkind: event\ntitle: x\n---\n",
		"starts.md":                            "---\nstarts: 2026-11-24\ntitle: x\n---\n",
		"until.md":                             "---\nfrom: 2026-11-24\nuntil: 2026-11-24\ntitle: x\n---\n",
		"sponsor.md":                           "---\nkind: sponsor\nlead: true\ntitle: x\n---\n",
		"escape.md":                            "---\nimage: ../../etc/passwd\ntitle: x\n---\n",
		"absolute.md":                          "---\nimage: /etc/passwd\ntitle: x\n---\n",
		"backslash.md":                         "---\nimage: ..\\x.png\ntitle: x\n---\n",
		"linked.md":                            "---\nimage: out.png\ntitle: x\n---\n",
		"gone.md":                              "---\nimage: gone.png\ntitle: x\n---\n",
		"deep.md":                              strings.Repeat("> ", 1000) + "x",
		"big.md":                               strings.Repeat("word word word\n", 200_000),
		"alias.md":                             "---\na: &a [x]\ntags: *a\n---\n",
		"story.md~":                            "x",
		"story.md.bak":                         "x",
		"#story.md#":                           "x",
		".story.md.swp":                        "x",
		".hidden.md":                           "x",
		"4913":                                 "x",
		"tide (conflicted copy 2026-11-23).md": "x",
		"tide (Ines's conflicted copy 2026-11-23).md":   "x",
		"tide.sync-conflict-20261123-063000-ABCDEFG.md": "x",
		"tide_conflict-20261123-063000.md":              "x",
		"tide (1).md":                                   "# One\n",
		deep:                                            "# Too deep\n",
	})
	outside := filepath.Join(t.TempDir(), "secret.md")
	if err := os.WriteFile(outside, []byte("# Secret\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"link.md": outside, "out.png": outside, "loop.md": "loop.md", "device.md": "/dev/zero", "inside.md": "ok.md", "dir.md": "1"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Skip(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.md"), 0o644); err != nil {
		t.Skip(err)
	}
	r := read(0)
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	var titles []string
	for _, s := range r.Stories {
		titles = append(titles, s.Title)
	}
	if diff := cmp.Diff([]string{"Fine", "Fine", "One"}, titles); diff != "" {
		t.Error(diff)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	got := passed(r)
	for name, want := range map[string]string{
		"draft.md":                             "draft",
		"key.md":                               at("key.md") + ":4: titel: unknown key; did you mean `title`?",
		"keys.md":                              at("keys.md") + ":2: weight: \"heavy\" is no whole number from -1000 to 1000; " + at("keys.md") + ":4: lead: \"maybe\" is neither true nor false",
		"yaml.md":                              at("yaml.md") + ":",
		"twice.md":                             ":3: title: stands here twice, first at line 2",
		"open.md":                              ":1: the front matter that starts here is not closed",
		"late.md":                              "has to start on the first line",
		"latin1.md":                            ":1: is not UTF-8 (byte 5 is 0xe9)",
		"utf16.md":                             "UTF-16",
		"nul.md":                               ":3: holds a NUL",
		"empty.md":                             "holds no story",
		"event.md":                             ":2: kind: an event needs `starts`",
		"starts.md":                            ":2: starts: belongs to `kind: event`",
		"until.md":                             ":3: until: is not after `from`",
		"sponsor.md":                           ":3: lead: only a story can be the lead",
		"escape.md":                            ":2: image: \"../../etc/passwd\" leads out",
		"absolute.md":                          "is an absolute path",
		"backslash.md":                         "is no path",
		"linked.md":                            "leads out of the source's folder",
		"gone.md":                              ":2: image: \"gone.png\" does not exist",
		"deep.md":                              ":1: lists or quotations are nested too deeply",
		"big.md":                               "is larger than 2 MB",
		"alias.md":                             "tags: wants a list",
		"story.md~":                            "backup",
		"story.md.bak":                         "backup",
		"#story.md#":                           "backup",
		".story.md.swp":                        "backup",
		".hidden.md":                           "hidden",
		"4913":                                 "scratch",
		"tide (conflicted copy 2026-11-23).md": "conflict",
		"tide (Ines's conflicted copy 2026-11-23).md":   "conflict",
		"tide.sync-conflict-20261123-063000-ABCDEFG.md": "conflict",
		"tide_conflict-20261123-063000.md":              "conflict",
		"link.md":                                       "leads out of the folder",
		"device.md":                                     "leads out of the folder",
		"loop.md":                                       "leads out of the folder or nowhere",
		"dir.md":                                        "link to a folder",
		"pipe.md":                                       "is not a file",
		"9":                                             "8 deep",
	} {
		if why, ok := got[name]; !ok || !strings.Contains(why, want) {
			t.Errorf("%s: got %q, want %q", name, why, want)
		}
		if strings.Contains(got[name], "\n") {
			t.Errorf("%s: more than one line: %q", name, got[name])
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("passed over beyond that: %v", got)
	}
	if why := passed(r)["draft.md"]; why != "draft" || r.Passed[len(r.Passed)-1].Title == "" {
		t.Errorf("draft: %q", why)
	}
}

func TestSettle(t *testing.T) {
	dir, read := newsroom(t, map[string]string{"a.md": "# Half sav", "b.md": "# Old\n"})
	if err := os.Chtimes(filepath.Join(dir, "b.md"), morning.Add(-time.Hour), morning.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	r := read(10 * time.Second)
	if len(r.Stories) != 1 || passed(r)["a.md"] != "changed 3 s ago, perhaps still being saved" {
		t.Errorf("%+v", r)
	}
	if r := read(0); len(r.Stories) != 2 {
		t.Errorf("by hand: %+v", r)
	}
}

func TestFolderErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	g := &Gatherer{}
	rs := g.Gather(t.Context(), []Spec{
		{ID: "gone", Folder: filepath.Join(dir, "gone")}, {ID: "file", Folder: file}, {ID: "empty", Folder: t.TempDir()}, {ID: "nothing"},
	}, nil)
	for i, want := range []string{"no such file or folder", "is not a folder", "", "neither a folder nor a feed"} {
		got := ""
		if rs[i].Err != nil {
			got = rs[i].Err.Error()
		}
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", rs[i].Source, got, want)
		}
	}
}
