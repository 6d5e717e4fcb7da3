package newsroom

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"lede/audience"
)

// List is a list of people that is filled from a source.
type List struct {
	ID       string // the list's name
	Source   PeopleSource
	Schedule Schedule
	Zone     *time.Location

	Sync    bool    // the source is the truth: whoever it does not have is unsubscribed
	MaxGone float64 // the share of the active people that a sync may take off

	Format string            // one of audience.Formats; empty: told by the file
	State  string            // what people are where the source does not say
	Map    map[string]string // what columns hold, as audience.ImportOptions.Map
	Ignore []string          // columns that are left out

	// Tell are the newsletters whose desks hear when the source fails; the first
	// one's relay takes the mail.
	Tell []Newsletter
}

// PeopleSource is where the people of a list come from.
type PeopleSource interface {
	// Take returns what is to be imported, the oldest first; nothing when what
	// is there was taken before, unless again is set: then the newest. The
	// caller closes all of it. ErrNotYet says that something is still being
	// written.
	Take(ctx context.Context, list string, state ListState, again bool) ([]Catch, error)
	// Where names the source for people, without passwords.
	Where() string
}

// ErrNotYet says that a file is still being written: another look is wanted
// soon.
var ErrNotYet = errors.New("a file is still being written")

// Catch is one file of people that a source gave.
type Catch struct {
	Name         string
	File         *audience.Opened
	ETag         string
	LastModified string
	Done         func(ctx context.Context) error // called when it is imported; may be nil
	Close        func() error
}

// ListState is what is known of a list's source.
type ListState struct {
	ID           string
	Looked       time.Time // how far the schedule was followed; zero: never looked at
	Hash         string    // of what was taken last, and how
	ETag         string
	LastModified string
	Trouble      string // what the last run failed of, as it was told; empty: it went well
}

// ListMemory keeps what is known of the sources of lists.
type ListMemory interface {
	// ListSource returns the state of a list's source, with Looked zero when
	// there is none.
	ListSource(ctx context.Context, id string) (ListState, error)
	KeepListSource(ctx context.Context, state ListState) error
	// FileTaken says whether a file with this hash is done with.
	FileTaken(ctx context.Context, list, hash string) (bool, error)
	NoteFile(ctx context.Context, list, hash string, at time.Time) error
}

// ListRun is what became of one file of a list's source.
type ListRun struct {
	List   string          `json:"list"`
	File   string          `json:"file"`
	Import int64           `json:"import,omitzero"` // its number in lede imports
	Result audience.Result `json:"result"`
	Survey audience.Survey `json:"survey"`
	Same   bool            `json:"unchanged,omitzero"` // as it was taken last: nothing was done
}

// RunOptions say how a list's source is read.
type RunOptions struct {
	DryRun bool
	Again  bool   // also what was taken before
	Force  string // as audience.SyncOptions.Force
}

// settings is a short hash of what, beside the file, an import depends on.
func (l List) settings() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %v %q %q %q %q %q", l.ID, l.Sync, l.Format, l.State, l.Map, l.Ignore, l.Source.Where()))
	return hex.EncodeToString(sum[:8])
}

// RunList takes what a list's source has into the list. What is done of several
// files is returned also beside an error.
func (r *Room) RunList(ctx context.Context, l List, o RunOptions) ([]ListRun, error) {
	state, err := r.Lists.ListSource(ctx, l.ID)
	if err != nil {
		return nil, err
	}
	known := state
	if o.Again || len(state.Hash) < 16 || state.Hash[:16] != l.settings() {
		known.ETag, known.LastModified = "", ""
	}
	catches, err := l.Source.Take(ctx, l.ID, known, o.Again)
	defer func() {
		for _, c := range catches {
			if err := c.Close(); err != nil {
				r.Log.Warn("closing what a list was filled from", "list", l.ID, "err", err)
			}
		}
	}()
	if err != nil {
		return nil, err
	}
	var runs []ListRun
	for _, c := range catches {
		hash := l.settings() + ":" + c.File.Hash
		run := ListRun{List: l.ID, File: c.Name, Same: hash == state.Hash && !o.Again}
		if !run.Same {
			run.Import, run.Result, run.Survey, err = r.importCatch(ctx, l, c, o)
		}
		if err != nil {
			return runs, fmt.Errorf("%s: %w", c.Name, err)
		}
		runs = append(runs, run)
		if o.DryRun {
			continue
		}
		state.ID, state.Hash, state.ETag, state.LastModified = l.ID, hash, c.ETag, c.LastModified
		if state.Looked.IsZero() {
			state.Looked = r.Now()
		}
		if err := r.Lists.KeepListSource(ctx, state); err != nil {
			return runs, err
		}
		if c.Done != nil {
			if err := c.Done(ctx); err != nil {
				return runs, fmt.Errorf("%s: %w", c.Name, err)
			}
		}
	}
	return runs, nil
}

// importCatch imports one file, under an entry of its own.
func (r *Room) importCatch(ctx context.Context, l List, c Catch, o RunOptions) (int64, audience.Result, audience.Survey, error) {
	log := &audience.Logged{
		ImportStore: r.Imports,
		Entry:       audience.ImportEntry{List: l.ID, File: c.Name, Hash: c.File.Hash, By: r.By},
		Now:         r.Now,
	}
	survey := new(audience.Survey)
	options := audience.ImportOptions{
		List: l.ID, Store: log, Name: c.Name, Format: l.Format, State: l.State, Map: l.Map, Ignore: l.Ignore, Attributes: r.Attributes,
		DryRun: o.DryRun, Survey: survey, Now: r.Now,
	}
	for _, n := range r.Newsletters {
		if slices.Contains(n.Lists, l.ID) {
			options.Newsletters = append(options.Newsletters, n.ID)
		}
	}
	var res audience.Result
	var err error
	if l.Sync {
		res, err = audience.Sync(ctx, c.File.Parts, log, options, audience.SyncOptions{MaxGone: l.MaxGone, Force: o.Force, Same: c.File.Unchanged})
	} else {
		res, err = audience.ImportFiles(ctx, c.File.Parts, options)
	}
	if !o.DryRun {
		err = errors.Join(err, log.End(ctx, res, survey, err))
	}
	return log.Entry.ID, res, *survey, err
}

// notYetWait is when a file that is still being written is looked at again.
const notYetWait = time.Minute

// keepLists fills the lists at their times, one after another, until ctx ends.
func (r *Room) keepLists(ctx context.Context) {
	var one sync.Mutex // an import has the memory to itself
	var wg sync.WaitGroup
	for _, l := range r.Filled {
		wg.Go(func() {
			for ctx.Err() == nil {
				one.Lock()
				pause := r.lookAtList(ctx, l)
				one.Unlock()
				if !sleep(ctx, pause) {
					return
				}
			}
		})
	}
	wg.Wait()
}

// lookAtList runs a list if a time of its schedule has passed since it was last
// looked at, once however many passed, and says how long to wait for the next
// look.
func (r *Room) lookAtList(ctx context.Context, l List) time.Duration {
	state, err := r.Lists.ListSource(ctx, l.ID)
	if err != nil {
		if ctx.Err() == nil {
			r.Log.Error("list", "list", l.ID, "err", err)
		}
		return lookUp
	}
	now := r.Now()
	if state.Looked.IsZero() || state.Looked.After(now.Add(lateBy)) { // new, or the clock was set back
		state.ID, state.Looked = l.ID, now
		if err := r.Lists.KeepListSource(ctx, state); err != nil {
			r.Log.Error("list", "list", l.ID, "err", err)
		}
	}
	next := NextSlot(l.Schedule, state.Looked, l.Zone, nil)
	if next.IsZero() {
		return lookUp
	}
	if wait := next.Sub(now); wait > 0 {
		return min(wait, lookUp)
	}
	runs, err := r.RunList(ctx, l, RunOptions{})
	if errors.Is(err, ErrNotYet) {
		r.Log.Info("the list waits", "list", l.ID, "why", err)
		return notYetWait
	}
	if ctx.Err() != nil {
		return 0 // the next start runs it again
	}
	for _, run := range runs {
		if run.Same {
			r.Log.Debug("list unchanged", "list", l.ID, "file", run.File)
			continue
		}
		gone := 0
		if run.Survey.Sync != nil {
			gone = run.Survey.Sync.Gone
		}
		r.Log.Info("list filled", "list", l.ID, "file", run.File, "import", run.Import, "new", run.Result.New,
			"updated", run.Result.Updated, "rejected", run.Result.Rejected, "gone", gone)
	}
	r.tellTrouble(ctx, l, err)
	return time.Millisecond
}

// tellTrouble notes that a list was looked at, and tells the desks when its
// trouble is another than the one they know.
func (r *Room) tellTrouble(ctx context.Context, l List, failed error) {
	state, err := r.Lists.ListSource(ctx, l.ID)
	if err != nil {
		r.Log.Error("list", "list", l.ID, "err", err)
		return
	}
	trouble := ""
	if failed != nil {
		trouble = failed.Error()
		r.Log.Error("a list could not be filled", "list", l.ID, "source", l.Source.Where(), "err", failed)
	}
	if trouble != state.Trouble {
		r.mailTrouble(ctx, l, trouble)
	}
	state.ID, state.Looked, state.Trouble = l.ID, r.Now(), trouble
	if err := r.Lists.KeepListSource(ctx, state); err != nil {
		r.Log.Error("list", "list", l.ID, "err", err)
	}
}

// mailTrouble tells the desks what is wrong with a list's source, or that it is
// well again.
func (r *Room) mailTrouble(ctx context.Context, l List, trouble string) {
	subject := fmt.Sprintf("List %s: its source works again", l.ID)
	text := fmt.Sprintf("The list %s is filled again from %s.\n\nWhat was done: lede imports list\n", l.ID, l.Source.Where())
	if trouble != "" {
		subject = fmt.Sprintf("List %s could not be filled", l.ID)
		text = fmt.Sprintf("The list %s could not be filled from %s:\n\n%s\n\nIt is tried again at its next time, and you hear of it again when the reason changes.\n\nTo look without changing anything: lede lists run %s --dry-run\n",
			l.ID, l.Source.Where(), trouble, l.ID)
	}
	told := map[string]bool{}
	for _, n := range l.Tell {
		var to []string
		for _, address := range n.Notify {
			if !told[address] {
				told[address] = true
				to = append(to, address)
			}
		}
		n.Notify = to
		if err := r.mailNotice(ctx, n, Report{}, subject, text); err != nil {
			r.Log.Error("the desk could not be told by mail", "list", l.ID, "newsletter", n.ID, "err", err)
		}
	}
}
