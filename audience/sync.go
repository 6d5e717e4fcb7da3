package audience

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// DefaultMaxGone is the share of a list's active people that a sync may take
// off it.
const DefaultMaxGone = 0.2

// ErrGuard says that a sync was stopped by its guard, before it changed
// anything.
var ErrGuard = errors.New("nothing was changed")

// SyncOptions say how far a sync may go.
type SyncOptions struct {
	// MaxGone is the share of the list's active people, from 0 to 1, that may
	// go.
	MaxGone float64
	// Force is the reason for which more may go, or the file may have damaged
	// rows; it is kept. Empty: neither.
	Force string
	// Same says whether the file is still the one that was read first. nil: it
	// can't have changed.
	Same func() (bool, error)
}

// SyncSurvey is what a sync found and did beside its rows.
type SyncSurvey struct {
	Active int      `json:"active"`           // people active on the list before
	Gone   int      `json:"gone"`             // of them those who are not in the file, and are unsubscribed
	Who    []string `json:"who,omitempty"`    // the first of their addresses
	Back   int      `json:"back"`             // people whom an earlier sync had unsubscribed and who are in the file again
	Forced string   `json:"forced,omitempty"` // the reason for which the guard was passed
}

// Syncer stores a sync.
type Syncer interface {
	Importer
	// BeginSync opens a run and returns its number. It ends an earlier one of
	// the same list, whose process was killed or comes too late.
	BeginSync(ctx context.Context, list string, dry bool, now time.Time) (int64, error)
	// MarkPresent notes that the people with these keys, where they are known,
	// stand in the file.
	MarkPresent(ctx context.Context, run int64, keys []string) error
	// Absent counts who was active on the run's list when it began, and who of
	// them is not marked, of whom it returns so many addresses.
	Absent(ctx context.Context, run int64, most int) (SyncSurvey, error)
	// LeaveAbsent unsubscribes those who are not marked, and says how many. It
	// may be stopped at any time: what is done is done, the same sync again
	// does the rest.
	LeaveAbsent(ctx context.Context, run int64, in Intake, now time.Time) (int, error)
	// ReturnPresent subscribes again whom only a sync had unsubscribed, and
	// returns their keys. Who unsubscribed, opted out of everything or is
	// suppressed stays so. A dry run returns the keys only.
	ReturnPresent(ctx context.Context, in Intake, keys []string, now time.Time) ([]string, error)
	// EndSync forgets the run's marks.
	EndSync(ctx context.Context, run int64) error
}

// Sync imports files that are the truth of a list: whoever is active on it and
// stands in none of them is unsubscribed "by sync". Pending people stay: they
// asked by themselves, get no mail, and are in no file yet. A row that was
// rejected or passed over counts as present where an address can be read in it.
//
// The files are read twice. The first reading changes nothing: if it meets a
// fault, a damaged row without an address, or too many would go, the sync ends
// there with an error (ErrGuard for the latter two).
//
// An unsubscription by sync is nobody's own wish: who stands in the file again
// comes back with the consent of before. Who unsubscribed by any other way, also
// after the sync, stays away.
func Sync(ctx context.Context, parts []Part, st Syncer, o ImportOptions, s SyncOptions) (res Result, err error) {
	now := o.Now
	if now == nil {
		now = time.Now
	}
	if o.Survey == nil {
		o.Survey = new(Survey)
	}
	run, err := st.BeginSync(ctx, o.List, o.DryRun, now())
	if err != nil {
		return Result{}, err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, st.EndSync(end, run))
	}()

	look := &looker{ctx: ctx, st: st, run: run}
	first := o
	first.Store, first.DryRun, first.Survey, first.Rejects, first.OnReject, first.Progress = look, true, nil, nil, nil, nil
	first.OnLeftOut = look.leftOut
	if _, err := ImportFiles(ctx, parts, first); err != nil {
		return Result{}, fmt.Errorf("%w; %w", err, ErrGuard)
	}
	if err := look.flush(); err != nil {
		return Result{}, err
	}
	found, err := st.Absent(ctx, run, maxKept)
	if err != nil {
		return Result{}, err
	}
	if s.Force != "" {
		found.Forced = s.Force
	}
	o.Survey.Sync = &found
	if err := s.guard(found, look.damaged); err != nil {
		return Result{}, err
	}
	if s.Same != nil {
		same, err := s.Same()
		if err == nil && !same {
			err = fmt.Errorf("%s was changed while it was read; %w", o.Name, ErrGuard)
		}
		if err != nil {
			return Result{}, err
		}
	}

	second := &bringer{Syncer: st, run: run}
	o.Store = second
	res, err = ImportFiles(ctx, parts, o)
	found.Back = second.back
	if err != nil || o.DryRun {
		return res, err
	}
	if s.Same != nil {
		same, err := s.Same()
		if err == nil && !same {
			err = fmt.Errorf("%s was changed while it was read, and nobody was taken off the list", o.Name)
		}
		if err != nil {
			return res, err
		}
	}
	in := Intake{List: o.List, Consent: cut(o.Name, 200), Entry: o.Entry}
	found.Gone, err = st.LeaveAbsent(ctx, run, in, now())
	return res, err
}

// guard stops a sync of a file that can't be the whole list.
func (s SyncOptions) guard(found SyncSurvey, damaged int) error {
	if s.Force != "" {
		return nil
	}
	if damaged > 0 {
		return fmt.Errorf("%s damaged and no address can be read in it, so that nobody can be said to be missing; %w (put the file right, or force it with a reason)",
			are(damaged), ErrGuard)
	}
	if float64(found.Gone) > s.MaxGone*float64(found.Active) {
		return fmt.Errorf("%d of %d active people are not in the file and would be unsubscribed, more than %s; %w (if the file is right, force it with a reason)",
			found.Gone, found.Active, Percent(s.MaxGone), ErrGuard)
	}
	return nil
}

func are(n int) string {
	if n == 1 {
		return "1 row is"
	}
	return strconv.Itoa(n) + " rows are"
}

// ParseShare reads a share: "20%", "7.5 %", "0".
func ParseShare(text string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !(n >= 0 && n <= 100) || !percent && n != 0 || strings.ContainsAny(number, "xXpP_") {
		return 0, fmt.Errorf("%q is no share: write it like 20%%, from 0%% to 100%%", text)
	}
	return n / 100, nil
}

// Percent writes a share as ParseShare reads it.
func Percent(share float64) string { return strconv.FormatFloat(100*share, 'g', 6, 64) + "%" }

// markAt is how many keys are marked in one go.
const markAt = 2000

// looker is the store of a sync's first reading: it changes nothing, and marks
// who is in the file.
type looker struct {
	ctx     context.Context
	st      Syncer
	run     int64
	keys    []string
	damaged int
	err     error // of marking somebody who was left out
}

// ImportChunk implements Importer.
func (l *looker) ImportChunk(_ context.Context, _ Intake, rows []Row, _ time.Time) (Result, error) {
	for i := range rows {
		l.keys = append(l.keys, rows[i].Key)
	}
	if len(l.keys) >= markAt {
		if err := l.flush(); err != nil {
			return Result{}, err
		}
	}
	return Result{Unchanged: len(rows)}, l.err
}

// ImportErased implements Importer.
func (*looker) ImportErased(context.Context, Intake, []Erased, time.Time) (int, error) { return 0, nil }

// leftOut marks whom it finds in a row that is not taken.
func (l *looker) leftOut(fields []string, damaged bool) {
	found := false
	for _, key := range keysIn(fields) {
		l.keys, found = append(l.keys, key), true
	}
	// Of a row that is too long only the beginning is there.
	cutOff := damaged && len(fields) > 0 && strings.HasSuffix(fields[len(fields)-1], "…")
	if damaged && !found || cutOff {
		l.damaged++
	}
	if len(l.keys) >= markAt {
		l.err = errors.Join(l.err, l.flush())
	}
}

func (l *looker) flush() error {
	if len(l.keys) == 0 {
		return l.err
	}
	err := l.st.MarkPresent(l.ctx, l.run, l.keys)
	l.keys = l.keys[:0]
	return errors.Join(l.err, err)
}

// keysIn are the keys of all addresses that can be read in the text of a row,
// whatever is wrong with it.
func keysIn(fields []string) []string {
	var keys []string
	for _, field := range fields {
		for _, word := range strings.FieldsFunc(field, func(r rune) bool { return r <= ' ' || strings.ContainsRune(`,;|"'<>()␀`, r) }) {
			if !strings.Contains(word, "@") {
				continue
			}
			word = strings.TrimPrefix(word, "mailto:")
			for _, form := range []string{word, strings.Trim(word, ".:")} {
				if _, key, _, err := ParseAddress(form); err == nil {
					keys = append(keys, key)
					break
				}
			}
		}
	}
	return keys
}

// bringer is the store of a sync's second reading: it brings back whom only a
// sync had unsubscribed, and marks who is new.
type bringer struct {
	Syncer
	run  int64
	back int
}

// ImportChunk implements Importer.
func (b *bringer) ImportChunk(ctx context.Context, in Intake, rows []Row, now time.Time) (Result, error) {
	res, err := b.Syncer.ImportChunk(ctx, in, rows, now)
	if err != nil {
		return res, err
	}
	if res.KeptOut > 0 {
		if err := b.bring(ctx, in, rows, &res, now); err != nil {
			return res, err
		}
	}
	if in.DryRun || res.New+res.Updated == 0 {
		return res, nil
	}
	keys := make([]string, len(rows))
	for i := range rows {
		keys[i] = rows[i].Key
	}
	return res, b.MarkPresent(ctx, b.run, keys)
}

// bring brings people back who were counted as kept out, and takes over what
// their rows say.
func (b *bringer) bring(ctx context.Context, in Intake, rows []Row, res *Result, now time.Time) error {
	var keys []string
	for i := range rows {
		if (rows[i].State == Active || rows[i].State == "") && rows[i].Suppress == "" {
			keys = append(keys, rows[i].Key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	back, err := b.ReturnPresent(ctx, in, keys, now)
	if err != nil || len(back) == 0 {
		return err
	}
	n := min(len(back), res.KeptOut)
	b.back += n
	res.KeptOut -= n
	res.Updated += n
	if in.DryRun {
		return nil
	}
	returned := make(map[string]bool, len(back))
	for _, key := range back {
		returned[key] = true
	}
	var again []Row
	for i := range rows {
		if returned[rows[i].Key] {
			again = append(again, rows[i])
		}
	}
	_, err = b.Syncer.ImportChunk(ctx, in, again, now)
	return err
}
