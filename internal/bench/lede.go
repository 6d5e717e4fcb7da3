package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ledes is what all runs of Lede have in common: the binary, the letter, and a
// database for each number of readers.
type ledes struct {
	binary   string
	dir      string
	letter   string // the letter for goMail
	sqlite   database
	postgres database // nil: there is none
	runs     int
}

// database is where Lede keeps what it knows.
type database interface {
	name() string
	// fresh returns the setting data for a run in dir of its own, with n
	// readers and nothing sent, and what removes it.
	fresh(ctx context.Context, n int, dir string) (data string, remove func() error, err error)
}

// newsroom is the folder that one lede works in.
const newsroom = `data: %s
base_url: http://127.0.0.1:9
relays:
  - {id: main, host: 127.0.0.1, port: %d, tls: none, lanes: %d, depth: %d, helo: bench.example}
newsletters:
  - id: harbour
    name: The Harbour Letter
    from: The Harbour Letter <letter@example.org>
    postal_address: 14 Chandler Row, Port Averne
    lists: [harbour]
    sources: [{id: desk, folder: stories}]
    lead: {length: 9000}
`

// story makes a letter of about letterSize bytes.
func story() string {
	var b strings.Builder
	b.WriteString("---\ntitle: The ferry sails again\nauthor: Ines Okafor\nurl: https://news.example.org/ferry\n---\n")
	for day := range 49 {
		fmt.Fprintf(&b, "\nOn day %d of the works the *Averne Maid* lay at the north quay with her ramp up. The yard had "+
			"promised the new shaft for the tide of %02d:40, and the crew – twelve of them – painted what the winter had left. "+
			"“She will sail when she is right”, said the harbour master, and went back to his ledger.\n", day+1, day%24)
	}
	return b.String()
}

// write makes a folder for a run of lede.
func (l *ledes) write(dir, data string, port, depth int) error {
	for name, text := range map[string]string{
		"lede.yaml":        fmt.Sprintf(newsroom, data, port, connections, depth),
		"stories/ferry.md": story(),
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// run runs lede in a folder.
func (l *ledes) run(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, l.binary, args...)
	cmd.Dir = dir
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.Discard, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("lede %s: %w\n%s", strings.Join(args, " "), err, said.String())
	}
	return nil
}

// prepare previews the letter: it must be as large as those of the others, and
// goMail sends it too.
func (l *ledes) prepare(ctx context.Context) error {
	dir := filepath.Join(l.dir, "letter")
	if err := l.write(dir, "lede.db", 25, 8); err != nil {
		return err
	}
	if err := l.run(ctx, dir, "preview", "harbour", "--out", "."); err != nil {
		return err
	}
	eml, err := os.Stat(filepath.Join(dir, "edition.eml"))
	if err != nil {
		return err
	}
	if size := eml.Size(); size < letterSize*97/100 || size > letterSize*105/100 {
		return fmt.Errorf("the letter has %d bytes, wanted are about %d: change story()", size, letterSize)
	}
	var edition struct {
		Subject string `json:"subject"`
	}
	data, err := os.ReadFile(filepath.Join(dir, "edition.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &edition); err != nil {
		return err
	}
	// What differs by recipient in ours is one link; so it is here.
	for _, name := range []string{"edition.html", "edition.txt"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		filled := strings.ReplaceAll(string(text), "http://127.0.0.1:9/u/", "{{.Leave}}/")
		if err := os.WriteFile(filepath.Join(dir, "template-"+name), []byte(filled), 0o644); err != nil {
			return err
		}
	}
	l.letter = filepath.Join(dir, "letter.json")
	data, err = json.Marshal(letter{edition.Subject, "template-edition.html", "template-edition.txt"})
	if err != nil {
		return err
	}
	if err := os.WriteFile(l.letter, data, 0o644); err != nil {
		return err
	}
	l.sqlite = sqliteFile{l}
	l.findPostgres()
	return nil
}

// readers writes a list of n made-up readers.
func readers(file string, n int) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString("email,name\n")
	for i := range n {
		fmt.Fprintf(&b, "reader%07d@northpost.example,Reader %d\n", i, i)
		if b.Len() > 1<<20 || i == n-1 {
			if _, err := b.WriteTo(f); err != nil {
				return errors.Join(err, f.Close())
			}
		}
	}
	return f.Close()
}

// fill imports n readers into the database.
func (l *ledes) fill(ctx context.Context, dir, data string, n int) error {
	if err := l.write(dir, data, 25, 8); err != nil {
		return err
	}
	list := filepath.Join(dir, "readers.csv")
	if err := readers(list, n); err != nil {
		return err
	}
	defer os.Remove(list)
	return l.run(ctx, dir, "import", "harbour", "readers.csv")
}

// sqliteFile is SQLite: a file, copied for each run.
type sqliteFile struct{ *ledes }

func (sqliteFile) name() string { return "sqlite" }

func (s sqliteFile) fresh(ctx context.Context, n int, dir string) (string, func() error, error) {
	home := filepath.Join(s.dir, fmt.Sprintf("readers-%d", n))
	full := filepath.Join(home, "lede.db")
	if _, err := os.Stat(full); err != nil {
		// Filled under another name: what was interrupted is not taken for full.
		filling := home + "-filling"
		if err := errors.Join(os.RemoveAll(filling), os.RemoveAll(home)); err != nil {
			return "", nil, err
		}
		if err := s.fill(ctx, filling, "lede.db", n); err != nil {
			return "", nil, err
		}
		if err := os.Rename(filling, home); err != nil {
			return "", nil, err
		}
	}
	from, err := os.Open(full)
	if err != nil {
		return "", nil, err
	}
	defer from.Close()
	to, err := os.Create(filepath.Join(dir, "lede.db"))
	if err != nil {
		return "", nil, err
	}
	if _, err := io.Copy(to, from); err != nil {
		return "", nil, errors.Join(err, to.Close())
	}
	// What copying left to be written is not to be waited for by the run.
	return "lede.db", func() error { return nil }, errors.Join(to.Sync(), to.Close())
}

// ledeSender is `lede send` with its ledger.
type ledeSender struct {
	*ledes
	data  database
	depth int
}

func (l ledeSender) name() string { return fmt.Sprintf("lede %s, depth %d", l.data.name(), l.depth) }

func (l ledeSender) command(ctx context.Context, n, port int) (*exec.Cmd, func() error, error) {
	l.runs++
	dir := filepath.Join(l.dir, fmt.Sprintf("run-%d", l.runs))
	if err := os.RemoveAll(dir); err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, nil, err
	}
	data, remove, err := l.data.fresh(ctx, n, dir)
	if err != nil {
		return nil, nil, err
	}
	if err := l.write(dir, data, port, l.depth); err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, l.binary, "send", "harbour", "--yes", "--json")
	cmd.Dir = dir
	var report bytes.Buffer
	cmd.Stdout = &report
	after := func() error {
		var sums struct {
			State string `json:"state"`
			Sent  int    `json:"sent"`
		}
		if err := json.Unmarshal(report.Bytes(), &sums); err != nil {
			return fmt.Errorf("its report: %w: %s", err, report.String())
		}
		if sums.State != "done" || sums.Sent != n {
			return fmt.Errorf("it reports %s", report.String())
		}
		return errors.Join(remove(), os.RemoveAll(dir))
	}
	return cmd, after, nil
}
