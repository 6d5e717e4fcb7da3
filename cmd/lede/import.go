package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
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
	state   string
	force   string
	checkMX bool

	sync      bool
	maxGone   string
	forceGone string
}

func newImportCommand(a *app) *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import LIST FILE",
		Short: "Take subscribers into a list from a file, a folder or a zip of any service",
		Long: `Take subscribers into a list from a file, a folder or a zip archive of files, or
from standard input ("-").

The exports of Mailchimp, Substack, Ghost, listmonk, Keila, Buttondown, beehiiv,
MailerLite, Sendy, phpList, Mailtrain, MailPoet, Mautic and Medium are recognised,
and CSV, TSV, Excel (xlsx), JSON, JSONL and vCard files. Other columns become
attributes. --dry-run shows what was understood before anything is written.

Who unsubscribed, bounced or complained comes along as such, and gets no mail. The
same file again changes nothing, and nobody who left comes back. Rows that can't
be taken are rejected with a reason, and the exit status is then 3. What an import
did stands in "lede imports", which can undo it.

With --sync the file is the truth of the list: whoever is active on it and not in
the file is unsubscribed. Nothing is changed if the file has a fault or more than
--max-gone of them would go. Who unsubscribed stays away, in the file or not.`,
		Example: `  lede import harbour subscribers.csv --dry-run
  lede import harbour members.csv --sync --max-gone 10%
  lede import harbour audience_export.zip
  lede import harbour contacts.csv --state active
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
	flags.StringVar(&f.format, "format", "", "what the file is: "+wrapWords(audience.Formats())+";\ntold by the file when not given (`FORMAT`)")
	flags.StringVar(&f.state, "state", "", "what the people are where the file does not say: active, pending, unsubscribed, bounced, complained (`STATE`)")
	flags.StringVar(&f.force, "force-status", "", "let the file's states overwrite stronger ones that are known here, for this `REASON`, which is kept")
	flags.BoolVar(&f.checkMX, "check-mx", false, "ask the DNS whether each address's domain takes mail, and say which do not")
	flags.BoolVar(&f.sync, "sync", false, "unsubscribe whoever is active on LIST and not in FILE")
	flags.StringVar(&f.maxGone, "max-gone", audience.Percent(audience.DefaultMaxGone), "with --sync: the most that may go, of the active people (`SHARE`)")
	flags.StringVar(&f.forceGone, "force-gone", "", "with --sync: let more go, or a file with damaged rows count, for this `REASON`, which is kept")
	return cmd
}

func runImport(ctx context.Context, a *app, f importFlags, list, file string) (err error) {
	o := audience.ImportOptions{
		List: list, DryRun: f.dryRun, Now: a.now, Format: f.format, State: f.state,
		Force: strings.Join(strings.Fields(f.force), " "), Survey: new(audience.Survey),
	}
	if f.checkMX {
		o.MX = &audience.MX{Ask: func(ctx context.Context, domain string) (takes, known bool) {
			return takesMail(ctx, net.DefaultResolver, domain)
		}}
	}
	if o.Map, o.Ignore, err = parseMaps(f.maps); err != nil {
		return err
	}
	share, err := f.share()
	if err != nil {
		return err
	}
	switch {
	case f.format != "" && !slices.Contains(audience.Formats(), f.format):
		return usageError("--format %s: expected %s", f.format, strings.Join(audience.Formats(), ", "))
	case f.state != "" && audience.ParseState(f.state) != nil:
		return usageError("--state %w", audience.ParseState(f.state))
	}
	return a.withStore(ctx, func(cfg *config.Config, st *store.Store) error {
		if err := knownList(ctx, cfg, st, list, f.newList); err != nil {
			return err
		}
		in, err := a.openImport(file)
		if err != nil {
			return err
		}
		defer in.close()
		o.Name, o.Attributes, o.Newsletters = in.name, cfg.Declared(), newslettersOf(cfg, list)
		log := &audience.Logged{ImportStore: st, Entry: audience.ImportEntry{List: list, File: in.name, Hash: in.hash, By: a.person(), Force: o.Force}, Now: a.now}
		o.Store = log
		read := func() (audience.Result, error) { return audience.ImportFiles(ctx, in.parts, o) }
		if f.sync {
			if len(in.parts) > 0 && in.parts[0].Once {
				return fmt.Errorf("%s can be read only once, and a sync reads it twice: lede import %s - --sync < FILE", in.name, list)
			}
			read = func() (audience.Result, error) {
				return audience.Sync(ctx, in.parts, log, o, audience.SyncOptions{MaxGone: share, Force: strings.Join(strings.Fields(f.forceGone), " "), Same: in.unchanged})
			}
		}
		return importFrom(ctx, a, f, &o, in, log, read)
	})
}

// importFrom imports what is open, and says how it went.
func importFrom(ctx context.Context, a *app, f importFlags, o *audience.ImportOptions, in *importInput, log *audience.Logged, read func() (audience.Result, error)) (err error) {
	show := &importProgress{a: a, size: in.size, began: a.now(), last: a.now()}
	o.Progress = show.update
	var first []string // the reasons of the first rejects
	const most = 5
	if f.rejects != "" {
		out := &lateFile{path: f.rejects, not: in.path}
		defer func() { err = errors.Join(err, out.Close()) }()
		o.Rejects = out
	} else {
		o.OnReject = func(x audience.Reject) {
			if len(first) < most {
				first = append(first, fmt.Sprintf("%s:%d: %s", x.File, x.Line, x.Reason))
			}
		}
	}
	res, err := read()
	show.end()
	if !o.DryRun {
		err = errors.Join(err, log.End(ctx, res, o.Survey, err))
	}
	if err == nil {
		tellSurvey(a, *o, in.notes)
	}
	for _, line := range first {
		a.note("%s", line)
	}
	switch {
	case err != nil:
		if res.Rows > 0 {
			a.note("%s", importSummary(*o, res))
		}
		return err
	case a.json:
		err = a.printJSON(importJSON{res, log.Entry.ID, *o.Survey, in.notes})
	default:
		a.say("%s", importSummary(*o, res))
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
	if s := o.Survey.Sync; s != nil {
		line += fmt.Sprintf("; by sync %s of %s unsubscribed, %s back", humanize.Comma(int64(s.Gone)), humanize.Comma(int64(s.Active)), humanize.Comma(int64(s.Back)))
	}
	if o.DryRun {
		line += " (dry run: nothing was changed)"
	}
	return line
}

func rowCount(n int) string { return numbered(n, "row", "rows") }

// share is what --max-gone says.
func (f importFlags) share() (float64, error) {
	share, err := audience.ParseShare(f.maxGone)
	switch {
	case err != nil:
		return 0, usageError("--max-gone %w", err)
	case !f.sync && (f.forceGone != "" || share != audience.DefaultMaxGone):
		return 0, usageError("--max-gone and --force-gone belong to --sync")
	}
	return share, nil
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

// newslettersOf are the newsletters that go to a list.
func newslettersOf(cfg *config.Config, list string) []string {
	var ids []string
	for _, n := range cfg.Newsletters {
		if slices.Contains(n.Lists, list) {
			ids = append(ids, n.ID)
		}
	}
	return ids
}

// knownList checks that a list is one that a newsletter goes to or that has
// subscribers, or may be new: a mistyped name would hide people.
func knownList(ctx context.Context, cfg *config.Config, st *store.Store, list string, mayBeNew bool) error {
	var known []string
	for _, n := range cfg.Newsletters {
		known = append(known, n.Lists...)
	}
	for _, l := range cfg.Lists {
		known = append(known, l.ID)
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
	not  string // the file that is being read, which it must not overwrite; empty for none
	f    *os.File
}

func (l *lateFile) Write(p []byte) (int, error) {
	if l.f == nil {
		if l.not != "" {
			was, err := os.Stat(l.not)
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
	doing       string
	began, last time.Time
	rows        atomic.Int64 // the bar reads it when it likes
	bars        *mpb.Progress
	bar         *mpb.Bar
}

// update shows what is read, and then what is stored.
func (p *importProgress) update(now audience.Progress) {
	done, of, rows, doing := now.Bytes, p.size, now.Rows, "reading"
	if now.Of > 0 {
		done, of, rows, doing = int64(now.Stored), int64(now.Of), now.Stored, "storing"
	}
	if doing != p.doing {
		p.end()
		p.bar, p.doing, p.began = nil, doing, p.a.now()
	}
	p.rows.Store(int64(rows))
	if !p.a.terminal() {
		if at := p.a.now(); at.Sub(p.last) >= 5*time.Second {
			p.last = at
			part := ""
			if of > 0 {
				part = fmt.Sprintf(" (%d %%)", 100*done/of)
			}
			p.a.note("%s: %s%s, %s", doing, rowCount(rows), part, p.rate())
		}
		return
	}
	if p.bar == nil {
		rate := decor.Any(func(decor.Statistics) string { return p.rate() + " " })
		p.bars = mpb.New(mpb.WithOutput(p.a.stderr), mpb.WithWidth(48))
		if of > 0 {
			p.bar = p.bars.AddBar(of,
				mpb.PrependDecorators(decor.Name(doing+" "), decor.Percentage()),
				mpb.AppendDecorators(rate, decor.AverageETA(decor.ET_STYLE_GO)))
		} else {
			p.bar = p.bars.AddSpinner(0,
				mpb.PrependDecorators(decor.CurrentKiloByte("% .1f ")),
				mpb.AppendDecorators(rate))
		}
	}
	p.bar.SetCurrent(done)
}

// rate writes the rows a second since what is done now began.
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
