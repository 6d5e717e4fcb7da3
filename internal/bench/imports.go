package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"lede/internal/pgtest"
)

// plainImport is what the rate of an import is held against: SQLite's own
// reading of a CSV file into a bare table with a unique index.
const plainImport = `PRAGMA journal_mode=WAL;
PRAGMA synchronous=FULL;
CREATE TABLE people (email TEXT, name TEXT, city TEXT, interest TEXT, status TEXT, subscribed_at TEXT);
CREATE UNIQUE INDEX people_email ON people (email);
.mode csv
.import --skip 1 people.csv people
`

// runImport measures `lede import` of a file, of the same file again, and as a
// sync, beside SQLite's own import: rates by the clock and by CPU time, and
// memory. CPU time and memory of PostgreSQL are its own and not counted.
func runImport(ctx context.Context, args []string, stdout io.Writer) error {
	f := flag.NewFlagSet("bench import", flag.ContinueOnError)
	rows := f.Int("rows", 1_000_000, "people in the file")
	binary := f.String("lede", "", "the lede `binary` to measure; built if not given")
	postgres := f.Bool("postgres", false, "import into PostgreSQL too")
	if err := f.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "lede-bench-import-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	l := &ledes{dir: dir, binary: *binary}
	if l.binary == "" {
		l.binary = filepath.Join(dir, "lede")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", l.binary, "./cmd/lede").CombinedOutput(); err != nil {
			return fmt.Errorf("building lede: %w: %s", err, out)
		}
	}
	if err := people(filepath.Join(dir, "people.csv"), *rows); err != nil {
		return err
	}
	var plain float64 // CPU seconds of SQLite's own import; 0: it is not there
	show := func(name string, cmd *exec.Cmd) error {
		cmd.Dir = dir
		began := time.Now()
		u, err := spend(cmd)
		if err != nil {
			return err
		}
		clock, cpu := time.Since(began).Seconds(), u.cpu().Seconds()
		if name == "sqlite3 .import" {
			plain = cpu
		}
		fmt.Fprintf(stdout, "%-24s %9.0f rows/s  %6.1f s  CPU %6.1f s", name, float64(*rows)/clock, clock, cpu)
		if plain > 0 {
			fmt.Fprintf(stdout, "  rate by CPU %.2f of sqlite3's", plain/cpu)
		}
		_, err = fmt.Fprintf(stdout, "  peak %d MB\n", u.peak>>20)
		return err
	}
	if sqlite, err := exec.LookPath("sqlite3"); err != nil {
		fmt.Fprintln(stdout, "sqlite3 is not installed (make setup): no ratio")
	} else {
		script := filepath.Join(dir, "plain.sql")
		if err := os.WriteFile(script, []byte(plainImport), 0o644); err != nil {
			return err
		}
		if err := show("sqlite3 .import", exec.CommandContext(ctx, sqlite, "plain.db", ".read plain.sql")); err != nil {
			return err
		}
	}
	into := func(data, engine string) error {
		if err := l.write(dir, data, 25, 8); err != nil {
			return err
		}
		for _, run := range []struct{ name, flag string }{{"new", ""}, {"again", ""}, {"sync", "--sync"}} {
			args := []string{"import", "harbour", "people.csv"}
			if run.flag != "" {
				args = append(args, run.flag)
			}
			if err := show("lede"+engine+", "+run.name, exec.CommandContext(ctx, l.binary, args...)); err != nil {
				return err
			}
		}
		return nil
	}
	if err := into("lede.db", ""); err != nil || !*postgres {
		return err
	}
	if l.findPostgres(); l.postgres == nil {
		return errors.New("postgresql is not installed (make setup)")
	}
	defer l.stop()
	p := l.postgres.(*postgresServer)
	if err := p.start(); err != nil {
		return err
	}
	if _, err := p.server.Exec("postgres", "CREATE DATABASE lede OWNER "+pgtest.User); err != nil {
		return err
	}
	return into(p.server.Address("lede"), " postgres")
}

// people writes a file of n people with a name, two attributes, a state and a
// date, in no order.
func people(file string, n int) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	first := []string{"Ada", "Bram", "Cleo", "Dario", "Esme", "Finn", "Greta", "Hugo", "Ines", "Jonas", "Kaja"}
	last := []string{"Harrow", "Quay", "Mole", "Tern", "Sandberg", "Lund", "Okoro"}
	place := []string{"Port Averne", "Northpost", "Quayside", "Sandhaven", "Old Mole"}
	interest := []string{"boats", "tides", "market"}
	state := []string{"active", "active", "active", "active", "active", "active", "active", "active", "pending", "unsubscribed"}
	fmt.Fprintln(w, "email,name,city,interest,status,subscribed_at")
	for i := range n {
		k := uint64(i) * 0x9E3779B97F4A7C15 // spreads what follows each other
		a, b := first[(k>>40)%uint64(len(first))], last[(k>>44)%uint64(len(last))]
		_, err = fmt.Fprintf(w, "%s.%s.%x@northpost.example,%s %s,%s,%s,%s,2024-%02d-%02d 10:%02d:%02d\n",
			a, b, k, a, b, place[(k>>20)%5], interest[(k>>24)%3], state[(k>>28)%10], 1+(k>>30)%12, 1+(k>>34)%28, (k>>12)%60, (k>>16)%60)
	}
	return errors.Join(err, w.Flush(), f.Close())
}
