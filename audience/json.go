package audience

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// lookAhead is how many JSON objects are read before the columns are known.
const lookAhead = 200

// otherFields is the column of what only later objects have.
const otherFields = "other_fields"

// objects reads a list of JSON objects, one person each: an array, an array in
// an object ({"subscribers": […]}), or one object a line (JSONL).
type objects struct {
	fixed
	in      *rationed
	dec     *json.Decoder
	list    bool // the objects stand in an array
	heads   []string
	at      map[string]int
	nested  []string
	started bool
	early   []object
	late    error // what came after the early ones
	fields  []string
}

type object struct {
	line    int
	members map[string]json.RawMessage
	order   []string
	raw     json.RawMessage
	reason  string
}

func openJSON(br *bufio.Reader) (rowReader, error) {
	br, err := asUTF8(br)
	if err != nil {
		return nil, err
	}
	sample, err := peek(br)
	if err != nil {
		return nil, err
	}
	r := &objects{fixed: fixed{kind: "json"}, in: &rationed{in: br, line: 1}, at: make(map[string]int)}
	r.in.refill()
	r.dec = json.NewDecoder(r.in)
	first, _, _ := bytes.Cut(bytes.TrimSpace(sample), []byte("\n"))
	switch {
	case bytes.HasPrefix(first, []byte("[")):
		r.list = true
		_, err = r.dec.Token()
	case isObjectLine(first):
		r.kind = "jsonl"
	default:
		r.list = true
		err = r.enterList()
	}
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", r.in.line, err)
	}
	for len(r.early) < lookAhead && r.late == nil {
		var o object
		if o, r.late = r.next(); r.late == nil {
			r.early = append(r.early, o)
			r.note(o)
		}
	}
	if len(r.early) == 0 {
		if errors.Is(r.late, io.EOF) {
			return nil, errors.New("the file has no people in it")
		}
		return nil, r.late
	}
	r.heads = append(r.heads, otherFields)
	r.nested = append(r.nested, otherFields)
	r.wide = len(r.heads)
	return r, nil
}

// isObjectLine says whether a line is a person, not the beginning of something
// larger or a list in an object.
func isObjectLine(line []byte) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(line, &members) != nil {
		return false
	}
	wraps := false
	for name, value := range members {
		if rank(emailHeads, heading(name)) >= 0 {
			return true
		}
		wraps = wraps || len(value) > 1 && value[0] == '[' && bytes.HasPrefix(bytes.TrimSpace(value[1:]), []byte("{"))
	}
	return !wraps
}

// enterList goes to the first array in an object.
func (r *objects) enterList() error {
	if t, err := r.dec.Token(); err != nil || t != json.Delim('{') {
		return errors.Join(errors.New("expected a list of people in JSON"), err)
	}
	for r.dec.More() {
		if _, err := r.dec.Token(); err != nil {
			return err
		}
		rest := r.dec.Buffered()
		var next [1]byte
		for {
			if _, err := io.ReadFull(rest, next[:]); err != nil {
				break
			}
			if next[0] != ':' && next[0] > ' ' {
				break
			}
		}
		if next[0] == '[' {
			_, err := r.dec.Token()
			return err
		}
		var skipped json.RawMessage
		if err := r.dec.Decode(&skipped); err != nil {
			return err
		}
		r.in.refill()
	}
	return errors.New("no list of people in the JSON")
}

// next reads the next object.
func (r *objects) next() (object, error) {
	if r.list && !r.dec.More() {
		if _, err := r.dec.Token(); err != nil {
			return object{}, r.wrong(err)
		}
		return object{}, io.EOF
	}
	var o object
	if err := r.dec.Decode(&o.raw); err != nil {
		if errors.Is(err, io.EOF) && !r.list {
			return object{}, io.EOF
		}
		return object{}, r.wrong(err)
	}
	end := r.dec.InputOffset()
	o.line = r.in.lineAt(end - int64(len(o.raw)))
	r.in.lineAt(end)
	r.in.refill()
	switch {
	case bytes.Contains(o.raw, []byte(`\u0000`)):
		o.reason = "has a NUL character"
	case len(o.raw) > maxRecord:
		o.reason = fmt.Sprintf("is longer than %d MB", maxRecord>>20)
	case json.Unmarshal(o.raw, &o.members) != nil || o.members == nil:
		o.reason = "is no JSON object"
	default:
		o.order = slices.Sorted(func(yield func(string) bool) {
			for name := range o.members {
				if !yield(name) {
					return
				}
			}
		})
	}
	return o, nil
}

// wrong is the error of JSON that can't be read.
func (r *objects) wrong(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("line %d: %w", r.in.lineAt(r.dec.InputOffset()), err)
}

// note makes columns of an object's members.
func (r *objects) note(o object) {
	for _, name := range o.order {
		if _, ok := r.at[name]; !ok && len(r.heads) < maxColumns-1 {
			r.at[name] = len(r.heads)
			r.heads = append(r.heads, name)
		}
		if o.members[name][0] == '{' && !slices.Contains(r.nested, name) {
			r.nested = append(r.nested, name)
		}
	}
}

// packed implements rowReader.
func (r *objects) packed() []string { return r.nested }

// read implements rowReader.
func (r *objects) read() (record, error) {
	if !r.started {
		r.started = true
		return record{line: r.early[0].line, fields: r.heads}, nil
	}
	var o object
	if len(r.early) > 0 {
		o, r.early = r.early[0], r.early[1:]
	} else {
		if r.late == nil {
			o, r.late = r.next()
		}
		if r.late != nil {
			return record{}, r.late
		}
	}
	if o.reason != "" {
		return record{line: o.line, reason: o.reason, fields: []string{cut(string(o.raw[:min(len(o.raw), 4*maxShown)]), maxShown)}}, nil
	}
	r.fields = append(r.fields[:0], make([]string, r.wide)...)
	others := map[string]json.RawMessage{}
	for _, name := range o.order {
		if i, ok := r.at[name]; ok {
			r.fields[i] = memberText(o.members[name])
		} else {
			others[name] = o.members[name]
		}
	}
	if len(others) > 0 {
		text, err := json.Marshal(others)
		if err != nil {
			return record{}, fmt.Errorf("line %d: %w", o.line, err)
		}
		r.fields[r.wide-1] = string(text)
	}
	return record{line: o.line, fields: r.fields}, nil
}

// memberText writes a member as a cell would hold it; of a list of named objects
// (tags, groups) the names.
func memberText(raw json.RawMessage) string {
	if raw[0] != '[' {
		return jsonText(raw)
	}
	var named []struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(raw, &named) != nil {
		return jsonText(raw)
	}
	names := make([]string, 0, len(named))
	for _, n := range named {
		if n.Name != "" {
			names = append(names, n.Name)
		}
	}
	text, err := json.Marshal(names)
	if err != nil || len(names) == 0 {
		return strings.TrimSuffix(jsonText(raw), "[]")
	}
	return string(text)
}

// rationed reads no more than a ration before it is refilled, so that one value
// can't fill the memory, and knows the lines.
type rationed struct {
	in   io.Reader
	left int
	read int64
	ends []int64 // where the lines end that are read and not yet passed
	line int     // of what is passed
}

// refill gives a new ration: a row's limit and what the decoder reads ahead.
func (r *rationed) refill() { r.left = 3 * maxRecord }

func (r *rationed) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, fmt.Errorf("a value is longer than %d MB", maxRecord>>20)
	}
	n, err := r.in.Read(p[:min(len(p), r.left)])
	for i, c := range p[:n] {
		if c == '\n' {
			r.ends = append(r.ends, r.read+int64(i))
		}
	}
	r.left -= n
	r.read += int64(n)
	return n, err
}

// lineAt returns the line of an offset that is not before those asked for
// earlier.
func (r *rationed) lineAt(offset int64) int {
	n := 0
	for n < len(r.ends) && r.ends[n] < offset {
		n++
	}
	r.line += n
	r.ends = r.ends[n:]
	return r.line
}
