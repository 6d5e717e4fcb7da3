package audience

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"path/filepath"
	"slices"
)

// check reads the beginning of a file.
func (r *run) check(part Part) error {
	rows, done, err := r.open(part)
	if err != nil {
		return err
	}
	defer done()
	_, _, err = r.prepare(rows)
	return err
}

// open opens a file.
func (r *run) open(part Part) (rows rowReader, done func(), err error) {
	r.name, r.line, r.stored, r.here = part.Name, 0, 0, FileSurvey{}
	in, err := part.Open()
	if err != nil {
		return nil, nil, err
	}
	r.file.in = in
	rows, err = openRows(r.file, r.o.Format, byte(r.o.Delimiter))
	if err != nil {
		in.Close()
		return nil, nil, err
	}
	return rows, func() { in.Close() }, nil
}

// label names the file for messages.
func (r *run) label() string {
	if r.name == "" {
		return "import"
	}
	return r.name
}

// part imports one file.
func (r *run) part(ctx context.Context, part Part) error {
	rows, done, err := r.open(part)
	if err != nil {
		return err
	}
	defer done()
	early, late, err := r.prepare(rows)
	if err != nil {
		return err
	}
	if r.cols.perList() && !part.Once {
		if err := r.findSubscribed(part); err != nil {
			return err
		}
	}
	return r.readAll(ctx, rows, early, late)
}

// prepare reads the beginning of a file and says what its columns hold. It
// returns the rows that it read, and the error at which they ended, if they did.
func (r *run) prepare(rows rowReader) (early []record, late, err error) {
	first, err := rows.read()
	if errors.Is(err, io.EOF) {
		return nil, nil, errors.New("the file is empty")
	}
	if err != nil {
		return nil, nil, err
	}
	if first.reason != "" {
		return nil, nil, fmt.Errorf("line %d %s", first.line, first.reason)
	}
	first.fields = slices.Clone(first.fields)
	var missing error
	if r.cols, missing = r.columns(first.fields, rows.packed()); missing != nil && (r.cols == nil || r.cols.service == nil) {
		return nil, nil, missing
	}
	rows.shape(len(first.fields), r.isRow())
	if !r.cols.headed {
		early = append(early, first)
	}
	var sample [][]string
	for len(early) < sampleRows && late == nil {
		var rec record
		if rec, late = rows.read(); late == nil {
			rec.fields = slices.Clone(rec.fields)
			early = append(early, rec)
			if rec.reason == "" {
				sample = append(sample, rec.fields)
			}
		}
	}
	if err := r.cols.refine(sample); err != nil {
		return nil, nil, err
	}
	rows.shape(len(first.fields), r.isRow())
	r.begin(rows.format())
	return early, late, nil
}

// findSubscribed notes who is subscribed by any row of a file that has a row for
// each list of a person: such a person did not leave.
func (r *run) findSubscribed(part Part) error {
	in, err := part.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	rows, err := openRows(in, r.o.Format, byte(r.o.Delimiter))
	if err != nil {
		return err
	}
	rows.shape(len(r.cols.heads), r.isRow())
	r.subscribed = make(map[uint64]bool)
	for {
		rec, err := rows.read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if rec.reason != "" {
			continue
		}
		if s, _ := r.cols.standing(rec.fields); s != wants {
			continue
		}
		if _, key, _, err := ParseAddress(rec.fields[r.cols.email]); err == nil {
			r.subscribed[maphash.String(r.seed, key)] = true
		}
	}
}

// readAll reads every row of a file.
func (r *run) readAll(ctx context.Context, rows rowReader, early []record, late error) error {
	if err := r.openRejects(); err != nil {
		return err
	}
	err := r.takeAll(ctx, rows, early, late)
	if err == nil {
		err = r.keepErased(ctx)
	}
	if err == nil && r.rejects != nil {
		// Whatever happens then, no rejected row is lost.
		r.rejects.Flush()
		if err = r.rejects.Error(); err != nil {
			err = fmt.Errorf("writing the rejects: %w", err)
		}
	}
	if err != nil {
		return r.stopped(err)
	}
	r.here.Notes = append(r.here.Notes, r.typed.notes()...)
	r.survey.Files = append(r.survey.Files, r.here)
	r.progress()
	return nil
}

// takeAll takes the rows of the beginning and those that follow.
func (r *run) takeAll(ctx context.Context, rows rowReader, early []record, late error) error {
	for _, rec := range early {
		if err := r.take(ctx, rec); err != nil {
			return err
		}
	}
	for late == nil {
		var rec record
		if rec, late = rows.read(); late == nil {
			late = r.take(ctx, rec)
		}
	}
	if errors.Is(late, io.EOF) {
		return nil
	}
	return late
}

// isRow says of fields that they are surely a row; nil while no column is known
// to hold addresses.
func (r *run) isRow() func([]string) bool {
	at := r.cols.email
	if at < 0 {
		return nil
	}
	return func(fields []string) bool { return at < len(fields) && isAddress(fields[at]) }
}

// columns says what the columns of the file hold.
func (r *run) columns(first, packed []string) (*columns, error) {
	h := hints{list: r.o.List, packed: packed, roles: r.o.Map, ignore: r.o.Ignore, service: serviceNamed(r.o.Format)}
	h.plain = h.service == nil && r.o.Format != ""
	base := filepath.Base(r.name)
	if _, mapped := h.roles["email"]; !mapped && !h.plain && isSendy(base, first, h.service) {
		h.service = serviceNamed("sendy")
		roles := map[string]string{"name": "1", "email": "2"}
		for role, column := range h.roles {
			roles[role] = column
		}
		h.roles = roles
	}
	c, err := newColumns(first, h)
	if c == nil {
		return nil, err
	}
	if h.service != nil {
		c.service = h.service
	}
	c.newsletters = r.o.Newsletters
	word, told := nameTells(base)
	c.base = max(told, standingNames[r.o.State])
	if word != "" {
		r.here.Notes = append(r.here.Notes, fmt.Sprintf("by its name (%q), the file's people are %s", word, standingWords[told]))
	}
	if c.service == nil {
		return c, err
	}
	allStates := c.service.name == "sendy" && !sendyTells(base)
	if (c.service.asks || allStates) && r.o.State == "" && word == "" && len(c.tellers) == 0 {
		why := c.service.note
		if why == "" {
			why = c.service.title + "'s file of all people does not say who is in which state"
		}
		return nil, fmt.Errorf("%s; say what its people are: --state active (or pending, unsubscribed, bounced, complained), or which column tells: --map status=COLUMN", why)
	}
	return c, err
}

// begin notes what was understood of the file.
func (r *run) begin(written string) {
	c := r.cols
	whose := "plain"
	if c.service != nil {
		whose = c.service.title
		if c.service.note != "" {
			r.here.Notes = append(r.here.Notes, c.service.note)
		}
	}
	if len(c.tellers) == 0 && c.base == wants && r.o.State == "" && !(c.service != nil && slices.Contains([]string{"mailchimp", "sendy"}, c.service.name)) {
		r.here.Notes = append(r.here.Notes, "nothing in the file says who wants mail: everyone is taken as active")
	}
	if c.service != nil && c.service.name == "mailpoet" && c.lists >= 0 {
		r.here.Notes = append(r.here.Notes, "a person stands in a row for each list; who is subscribed to one of them is active")
	}
	r.here.Name, r.here.Format, r.here.Columns = r.name, whose+", "+written, c.meanings()
}
