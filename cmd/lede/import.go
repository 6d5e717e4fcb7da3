package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"lede/audience"
	"lede/internal/config"
	"lede/internal/spelling"
	"lede/store"
)

// importFlags are the flags of lede import.
type importFlags struct {
	dryRun  bool
	newList bool
	maps    []string
	rejects string
	format  string
}

func newImportCommand(a *app) *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import LIST FILE",
		Short: "Take subscribers into a list from a CSV file",
		Long: `Take subscribers into a list from a CSV file, or from standard input ("-").

Delimiter, encoding and the usual headings are recognised; other columns become
attributes. The same file again changes nothing, and nobody who unsubscribed, or
whose row says so, comes back. Rows that can't be taken are rejected with a
reason, and the exit status is then 3.`,
		Example: `  lede import harbour subscribers.csv
  lede import harbour subscribers.csv --dry-run
  lede import harbour people.csv --map email=Contact --map ignore=Notes --rejects rejects.csv`,
		Args: arguments(2, 2, "LIST and FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runImport(cmd.Context(), a, f, args[0], args[1])
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.dryRun, "dry-run", false, "say what would happen and change nothing")
	flags.BoolVar(&f.newList, "new-list", false, "LIST may be one that no newsletter goes to yet")
	flags.StringArrayVar(&f.maps, "map", nil, "what a column holds, as `WHAT=COLUMN`: email, name, first_name, last_name, tags, status, ignore,\nor a name for an attribute; COLUMN is a heading or a number from 1 (repeat as needed)")
	flags.StringVar(&f.rejects, "rejects", "", "write the rows that were not taken to `FILE`, with line and reason")
	flags.StringVar(&f.format, "format", "", "`csv or tsv`; told by the file when not given")
	return cmd
}

func runImport(ctx context.Context, a *app, f importFlags, list, file string) (err error) {
	o := audience.ImportOptions{List: list, DryRun: f.dryRun, Now: a.now}
	if o.Map, o.Ignore, err = parseMaps(f.maps); err != nil {
		return err
	}
	switch f.format {
	case "", "csv":
	case "tsv":
		o.Delimiter = '\t'
	default:
		return usageError("--format %s: expected csv or tsv", f.format)
	}
	return a.withStore(ctx, func(cfg *config.Config, st *store.Store) error {
		if err := knownList(ctx, cfg, st, list, f.newList); err != nil {
			return err
		}
		in, name, size, err := a.openInput(file)
		if err != nil {
			return err
		}
		defer in.Close()
		o.Store, o.Name = st, name
		return importFrom(ctx, a, f, o, in, size)
	})
}

// importFrom imports a file that is open, and says how it went.
func importFrom(ctx context.Context, a *app, f importFlags, o audience.ImportOptions, in io.Reader, size int64) (err error) {
	show := &importProgress{a: a, size: size, began: a.now(), last: a.now()}
	o.Progress = show.update
	var first []string // the reasons of the first rejects
	const most = 5
	if f.rejects != "" {
		out := &lateFile{path: f.rejects, not: in}
		defer func() { err = errors.Join(err, out.Close()) }()
		o.Rejects = out
	} else {
		o.OnReject = func(line int, reason string) {
			if len(first) < most {
				first = append(first, fmt.Sprintf("%s:%d: %s", o.Name, line, reason))
			}
		}
	}
	res, err := audience.Import(ctx, in, o)
	show.end()
	for _, line := range first {
		a.note("%s", line)
	}
	switch {
	case err != nil:
		if res.Rows > 0 {
			a.note("%s", importSummary(o, res))
		}
		return err
	case a.json:
		err = a.printJSON(res)
	default:
		a.say("%s", importSummary(o, res))
	}
	if err != nil || res.Rejected == 0 {
		return err
	}
	where := "--rejects FILE writes them out"
	switch {
	case f.rejects != "":
		where = "they are in " + f.rejects
	case res.Rejected > most:
		where = fmt.Sprintf("the first %d stand above, --rejects FILE writes them all out", most)
	}
	return &exitError{exitPart, fmt.Errorf("%s rejected; %s", rowCount(res.Rejected), where)}
}

// importSummary is one line for people.
func importSummary(o audience.ImportOptions, r audience.Result) string {
	line := fmt.Sprintf("%s into %s: %s: %s new, %s updated, %s unchanged, %s kept out, %s rejected",
		o.Name, o.List, rowCount(r.Rows), humanize.Comma(int64(r.New)), humanize.Comma(int64(r.Updated)),
		humanize.Comma(int64(r.Unchanged)), humanize.Comma(int64(r.KeptOut)), humanize.Comma(int64(r.Rejected)))
	if o.DryRun {
		line += " (dry run: nothing was changed)"
	}
	return line
}

func rowCount(n int) string {
	if n == 1 {
		return "1 row"
	}
	return humanize.Comma(int64(n)) + " rows"
}

// parseMaps reads the --map flags.
func parseMaps(maps []string) (roles map[string]string, ignore []string, err error) {
	roles = map[string]string{}
	for _, m := range maps {
		role, column, ok := strings.Cut(m, "=")
		role = strings.TrimSpace(role)
		switch {
		case !ok || role == "" || column == "":
			return nil, nil, usageError("--map %s: expected WHAT=COLUMN, like --map email=Contact", m)
		case role == "ignore":
			ignore = append(ignore, column)
			continue
		case roles[role] != "":
			return nil, nil, usageError("--map %s: %s is already column %q", m, role, roles[role])
		}
		roles[role] = column
	}
	return roles, ignore, nil
}

// knownList checks that a list is one that a newsletter goes to or that has
// subscribers, or may be new: a mistyped name would hide people.
func knownList(ctx context.Context, cfg *config.Config, st *store.Store, list string, mayBeNew bool) error {
	var known []string
	for _, n := range cfg.Newsletters {
		known = append(known, n.Lists...)
	}
	if slices.Contains(known, list) {
		return nil
	}
	counts, err := st.Lists(ctx)
	if err != nil {
		return err
	}
	for _, c := range counts {
		known = append(known, c.List)
	}
	if slices.Contains(known, list) {
		return nil
	}
	if mayBeNew {
		if strings.Trim(list, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" || list == "" || len(list) > 100 {
			return usageError("list %q: a name is made of letters, digits and -_.", list)
		}
		return nil
	}
	slices.Sort(known)
	hint := "there is: " + strings.Join(slices.Compact(known), ", ")
	if near := spelling.Nearest(list, known); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return usageError("no list %q; %s\nhint: --new-list makes a new one", list, hint)
}

// withStore reads the configuration and opens the store for one piece of work.
func (a *app) withStore(ctx context.Context, work func(*config.Config, *store.Store) error) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	st, err := a.openStore(ctx, cfg)
	if err != nil {
		return err
	}
	return errors.Join(work(cfg, st), st.Close())
}

// openInput opens a file, or standard input for "-". The name is for messages,
// the size -1 where it isn't known.
func (a *app) openInput(file string) (in io.ReadCloser, name string, size int64, err error) {
	if file == "-" {
		return io.NopCloser(a.stdin), "standard input", -1, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, "", 0, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a folder; a file is wanted", file)
	}
	if err != nil {
		f.Close()
		return nil, "", 0, err
	}
	size = -1
	if info.Mode().IsRegular() {
		size = info.Size()
	}
	return f, filepath.Base(file), size, nil
}

// lateFile is a file that is made at the first write, so that a run which fails
// before leaves an older one alone. What it holds is personal: only its owner
// reads it.
type lateFile struct {
	path string
	not  io.Reader // the file that is being read, which it must not overwrite
	f    *os.File
}

func (l *lateFile) Write(p []byte) (int, error) {
	if l.f == nil {
		if in, ok := l.not.(*os.File); ok {
			was, err := in.Stat()
			if err != nil {
				return 0, err
			}
			if now, err := os.Stat(l.path); err == nil && os.SameFile(was, now) {
				return 0, fmt.Errorf("%s is the file that is being imported", l.path)
			}
		}
		f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return 0, err
		}
		l.f = f
	}
	return l.f.Write(p)
}

func (l *lateFile) Close() error {
	if l.f == nil {
		return nil
	}
	return l.f.Close()
}

// importProgress shows how an import goes: a bar on a terminal, a line every
// five seconds elsewhere.
type importProgress struct {
	a           *app
	size        int64 // of the file, -1 if unknown
	began, last time.Time
	rows        atomic.Int64 // the bar reads it when it likes
	bars        *mpb.Progress
	bar         *mpb.Bar
}

func (p *importProgress) update(bytes int64, rows int) {
	p.rows.Store(int64(rows))
	now := p.a.now()
	if !p.a.terminal() {
		if now.Sub(p.last) >= 5*time.Second {
			p.last = now
			part := ""
			if p.size > 0 {
				part = fmt.Sprintf(" (%d %%)", 100*bytes/p.size)
			}
			p.a.note("%s read%s, %s", rowCount(rows), part, p.rate())
		}
		return
	}
	if p.bar == nil {
		rate := decor.Any(func(decor.Statistics) string { return p.rate() + " " })
		p.bars = mpb.New(mpb.WithOutput(p.a.stderr), mpb.WithWidth(48))
		if p.size > 0 {
			p.bar = p.bars.AddBar(p.size,
				mpb.PrependDecorators(decor.CountersKiloByte("% .1f of % .1f ")),
				mpb.AppendDecorators(rate, decor.AverageETA(decor.ET_STYLE_GO)))
		} else {
			p.bar = p.bars.AddSpinner(0,
				mpb.PrependDecorators(decor.CurrentKiloByte("% .1f ")),
				mpb.AppendDecorators(rate))
		}
	}
	p.bar.SetCurrent(bytes)
}

// rate writes the rows a second since the beginning.
func (p *importProgress) rate() string {
	seconds := max(p.a.now().Sub(p.began).Seconds(), 0.001)
	return humanize.Comma(int64(float64(p.rows.Load())/seconds)) + " rows/s"
}

// end takes the bar away.
func (p *importProgress) end() {
	if p.bar != nil {
		p.bar.Abort(true)
		p.bars.Wait()
	}
}
