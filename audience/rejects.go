package audience

import (
	"encoding/csv"
	"fmt"
	"strconv"
)

// openRejects writes the headings of the rejects file.
func (r *run) openRejects() error {
	if r.o.Rejects == nil || r.rejects != nil {
		return nil
	}
	r.rejects = csv.NewWriter(r.o.Rejects)
	heads := []string{"line", "reason"}
	if r.cols.headed {
		heads = append(heads, r.cols.heads[r.cols.skip():]...)
	}
	if err := r.rejects.Write(heads); err != nil {
		return fmt.Errorf("writing the rejects: %w", err)
	}
	return nil
}

// reject counts a row as rejected.
func (r *run) reject(rec record, reason string) error {
	r.done.Rejected++
	x := Reject{File: r.name, Line: rec.line, Reason: reason}
	if len(r.survey.Rejects) < maxKept {
		r.survey.Rejects = append(r.survey.Rejects, x)
	}
	if r.o.OnReject != nil {
		r.o.OnReject(x)
	}
	return r.list(rec, reason)
}

// list writes a row that was not taken to the rejects file.
func (r *run) list(rec record, reason string) error {
	if r.o.OnLeftOut != nil {
		r.o.OnLeftOut(rec.fields, rec.reason != "")
	}
	if r.rejects == nil {
		return nil
	}
	fields := rec.fields
	if rec.reason == "" {
		fields = fields[r.cols.skip():]
	}
	line := strconv.Itoa(rec.line)
	if r.several {
		line = r.name + ":" + line
	}
	if err := r.rejects.Write(append([]string{line, reason}, fields...)); err != nil {
		return fmt.Errorf("writing the rejects: %w", err)
	}
	return nil
}
