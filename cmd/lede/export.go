package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"lede/audience"
	"lede/audience/segment"
	"lede/internal/config"
	"lede/store"
)

// exportFlags are the flags of lede export.
type exportFlags struct {
	all        bool
	format     string
	out        string
	where      string
	segment    string
	newsletter string
	states     []string
}

func newExportCommand(a *app) *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export [LIST]",
		Short: "Write a list's people out, with states, consent, tags and attributes",
		Long: `Write the people of a list to a file or standard output, or with --all of every
list: everybody that was ever on it, with state, consent, suppression, tags,
attributes and dates.

csv (or lede) and jsonl are taken in by lede import as they are. The others are in
the form of another service. Where its import takes the people of a file in one
state, the export is a zip archive of a file for each state, or with --state of
one a plain file.

Nothing in a CSV file is a formula to a spreadsheet. Who left one of several
newsletters that go to the list is unsubscribed in another service's file; csv and
jsonl say which were left. People for whose state the service
has no word are left out, and the exit status is then 3.`,
		Example: `  lede export harbour -o harbour.csv
  lede export harbour --format mailchimp -o harbour.zip
  lede export harbour --format listmonk --state active -o active.csv
  lede export --all --where 'country = "PT"' --format jsonl | gzip > portugal.jsonl.gz`,
		Args: arguments(0, 1, "at most one LIST"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runExport(cmd.Context(), a, f, strings.Join(args, ""))
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.all, "all", false, "of every list: a row for each person and list")
	flags.StringVar(&f.format, "format", "csv", "how to write it: "+wrapWords(audience.ExportFormats())+" (`FORMAT`)")
	flags.StringVarP(&f.out, "output", "o", "", "write to `FILE`, which only you can read, instead of standard output")
	flags.StringVar(&f.where, "where", "", "only people whom a condition means (`EXPR`, see lede segments test --help)")
	flags.StringVar(&f.segment, "segment", "", "only people of a segment of the configuration (`ID`)")
	flags.StringVar(&f.newsletter, "newsletter", "", "mind only who left this newsletter (`ID`), not any that goes to the list")
	flags.StringSliceVar(&f.states, "state", nil, "only people who are active, pending, unsubscribed, bounced or complained (`STATE`, repeat as needed)")
	return cmd
}

func runExport(ctx context.Context, a *app, f exportFlags, list string) error {
	if err := f.check(a, list); err != nil {
		return err
	}
	return a.withStore(ctx, func(cfg *config.Config, st *store.Store) error {
		o, err := f.options(ctx, a, cfg, st, list)
		if err != nil {
			return err
		}
		began, last := a.now(), a.now()
		o.Progress = func(written int) {
			if now := a.now(); now.Sub(last) >= 5*time.Second {
				last = now
				seconds := max(now.Sub(began).Seconds(), 0.001)
				a.note("%s written, %s rows/s", rowCount(written), humanize.Comma(int64(float64(written)/seconds)))
			}
		}
		var done audience.Exported
		err = a.writeOut(f.out, func(out io.Writer) error {
			var err error
			done, err = audience.Export(ctx, out, o)
			return err
		})
		if err != nil {
			return err
		}
		return a.saidExported(f, list, done)
	})
}

// check looks at the flags by themselves.
func (f exportFlags) check(a *app, list string) error {
	switch {
	case list == "" && !f.all:
		return usageError("expected a LIST, or --all for every list\nhint: lede export --help")
	case list != "" && f.all:
		return usageError("%s and --all: one of them", list)
	case !slices.Contains(audience.ExportFormats(), f.format):
		return usageError("--format %s: expected %s", f.format, strings.Join(audience.ExportFormats(), ", "))
	case f.where != "" && f.segment != "":
		return usageError("--where and --segment: one of them")
	case a.json && (f.out == "" || f.out == "-"):
		return usageError("--json prints a summary to standard output, where the people go: -o FILE writes them to a file")
	}
	for _, s := range f.states {
		if err := audience.ParseState(s); err != nil {
			return usageError("--state %w", err)
		}
	}
	if !audience.ExportsArchive(f.format, f.states) {
		return nil
	}
	hint := "\nhint: --state active writes one of its files alone"
	switch ext := strings.ToLower(filepath.Ext(f.out)); {
	case f.out != "" && ext != ".zip":
		return usageError("-o %s: --format %s makes a zip archive of a file for each state; name it .zip%s", f.out, f.format, hint)
	case f.out == "" && isTerminal(a.stdout):
		return usageError("--format %s makes a zip archive of a file for each state, which is nothing for a terminal: -o FILE.zip%s", f.format, hint)
	}
	return nil
}

// options is what the flags ask for.
func (f exportFlags) options(ctx context.Context, a *app, cfg *config.Config, st *store.Store, list string) (audience.ExportOptions, error) {
	o := audience.ExportOptions{Store: st, Format: f.format, States: f.states, Now: a.now()}
	o.List, o.Where = list, f.where
	if list != "" {
		if err := knownList(ctx, cfg, st, list, false); err != nil {
			return o, err
		}
	}
	if f.segment != "" {
		i := slices.IndexFunc(cfg.Segments, func(s config.Segment) bool { return s.ID == f.segment })
		if i < 0 {
			return o, usageError("no segment %q in %s", f.segment, cfg.Path)
		}
		o.Where = cfg.Segments[i].Means.String()
	}
	if o.Where != "" {
		e, err := segment.Parse(o.Where)
		if err != nil {
			return o, wrongSegment(err)
		}
		if err := checkNames(ctx, a, cfg, st, e); err != nil {
			return o, err
		}
	}
	known := false
	o.Newsletters = map[string][]string{}
	for _, n := range cfg.Newsletters {
		known = known || n.ID == f.newsletter
		if f.newsletter != n.ID && f.newsletter != "" {
			continue
		}
		if f.newsletter != "" || list == "" || slices.Contains(n.Lists, list) {
			o.OptOuts = append(o.OptOuts, n.ID)
		}
		for _, l := range n.Lists {
			o.Newsletters[l] = append(o.Newsletters[l], n.ID)
		}
	}
	if f.newsletter != "" && !known {
		return o, usageError("no newsletter %q in %s", f.newsletter, cfg.Path)
	}
	// Whom a condition means is asked of people; an address alone is none.
	o.Suppressed = o.Where == ""
	return o, nil
}

// saidExported says how an export went.
func (a *app) saidExported(f exportFlags, list string, done audience.Exported) error {
	for _, note := range done.Notes {
		a.note("%s", note)
	}
	if list == "" {
		list = "all lists"
	}
	if a.json {
		err := a.printJSON(struct {
			List string `json:"list"`
			File string `json:"file"`
			audience.Exported
		}{list, f.out, done})
		if err != nil {
			return err
		}
	} else {
		var states []string
		for _, s := range slices.Sorted(maps.Keys(done.States)) {
			states = append(states, humanize.Comma(int64(done.States[s]))+" "+s)
		}
		line := fmt.Sprintf("%s: %s", list, rowCount(done.Rows))
		if len(states) > 0 {
			line += ": " + strings.Join(states, ", ")
		}
		a.note("%s", line)
	}
	missing := done.Missing()
	if missing == 0 {
		return nil
	}
	var why []string
	for _, reason := range slices.Sorted(maps.Keys(done.LeftOut)) {
		why = append(why, fmt.Sprintf("%s (%s)", humanize.Comma(int64(done.LeftOut[reason])), reason))
	}
	return &exitError{exitPart, fmt.Errorf("left out: %s; --format csv has everybody", strings.Join(why, ", "))}
}

// writeOut writes to a file that only its owner reads and that is whole or not
// there, or for no path to standard output.
func (a *app) writeOut(path string, write func(io.Writer) error) error {
	if path == "" || path == "-" {
		out := bufio.NewWriterSize(a.stdout, 64<<10)
		return errors.Join(write(out), out.Flush())
	}
	folder := filepath.Dir(path)
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return usageError("there is no folder %s to write %s in; make it first: mkdir -p %s", folder, filepath.Base(path), folder)
	}
	tmp, err := os.CreateTemp(folder, "."+filepath.Base(path)+".*") // 0600
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	err = write(tmp)
	if err == nil {
		err = tmp.Sync()
	}
	err = errors.Join(err, tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}
