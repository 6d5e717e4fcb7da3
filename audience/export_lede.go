package audience

import (
	"bufio"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// The columns of our own CSV, and the members of our own JSONL, beside which
// stand the attributes. An import knows the file by four of them.
const (
	ledeEmail        = "email"
	ledeName         = "name"
	ledeStatus       = "status"
	ledeTags         = "tags"
	ledeCreated      = "created_at"    // when the person came to be known
	ledeSubscribed   = "subscribed_at" // since when it is active or pending
	ledeLeft         = "unsubscribed_at"
	ledeReason       = "reason" // how it ended
	ledeIP           = "ip"
	ledeAgreed       = "agreed_to"      // the words
	ledeRecord       = "consent_record" // how it came about
	ledeSuppressed   = "suppressed"     // the reason, or empty
	ledeSuppressedAt = "suppressed_at"
	ledeOptedOut     = "opted_out" // a JSON list of newsletters, "*" for all
	ledeList         = "list"      // in an export of all lists
	ledeAttributes   = "attributes"
)

// ledeHeads are all but the list and the attributes, in their order.
var ledeHeads = []string{
	ledeEmail, ledeName, ledeStatus, ledeTags, ledeCreated, ledeSubscribed, ledeLeft, ledeReason,
	ledeIP, ledeAgreed, ledeRecord, ledeSuppressed, ledeSuppressedAt, ledeOptedOut,
}

// maxAttributeColumns is how many attributes have a column; a row has at most
// maxColumns. maxAttributeKeys is how many names are remembered to choose from.
const (
	maxAttributeColumns = 150
	maxAttributeKeys    = 10_000
)

// attributeColumns are the attributes that have columns of their own.
type attributeColumns struct {
	keys  []string
	heads map[string]string // by key
	rest  bool              // somebody has one that has none
}

// gather goes through all people and chooses: those that most have, where the
// heading would come back as the same name.
func (a *attributeColumns) gather(each EachLeaver, f *exportFormat) error {
	have := make(map[string]int)
	err := each(func(p *Leaver) error {
		for key := range p.Attributes {
			if _, known := have[key]; known || len(have) < maxAttributeKeys {
				have[key]++
			} else {
				a.rest = true
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	own := f.words == nil
	a.heads = make(map[string]string)
	keys := slices.SortedFunc(maps.Keys(have), func(x, y string) int {
		if have[x] != have[y] {
			return have[y] - have[x]
		}
		return strings.Compare(x, y)
	})
	for _, key := range keys {
		head := key
		if own && !isOwnColumn(key) || len(a.keys) >= maxAttributeColumns {
			a.rest = true
			continue
		}
		if !own && !isFree(key, f) {
			head = "attribute_" + key
		}
		a.keys, a.heads[key] = append(a.keys, key), head
	}
	slices.Sort(a.keys)
	return nil
}

// isOwnColumn says whether an attribute may be a column of our own CSV: its
// heading is read as its name, and as nothing else.
func isOwnColumn(key string) bool {
	return key != "" && len(key) <= 100 && attributeKey(key) == key && key != ledeList && key != ledeAttributes && !slices.Contains(ledeHeads, key)
}

// isFree says whether a heading means nothing to an import, and is none of the
// format's.
func isFree(key string, f *exportFormat) bool {
	h := heading(key)
	if _, tells := tells(h, nil); tells || h == "" {
		return false
	}
	for _, heads := range [][]string{
		emailHeads, nameHeads, firstNameHeads, lastNameHeads, tagHeads,
		{"nom", "groups", "list", "notes"},
		joinedHeads, joinedIPHeads, confirmedHeads, confirmedIPHeads, leftHeads, reasonHeads,
	} {
		if slices.Contains(heads, h) {
			return false
		}
	}
	return !aroundAddress(h) && !slices.ContainsFunc(f.columns, func(c exportColumn) bool { return heading(c.head) == h })
}

// status is the state of the subscription as our own files say it: who left every
// newsletter that goes to the list has left.
func (p *Leaver) status() string {
	if p.Ended {
		return string(Unsubscribed)
	}
	return string(p.State)
}

// joined is since when the person is on the list, or known.
func (p *Leaver) joined() time.Time {
	if p.State == Active || p.State == Pending {
		return p.Changed
	}
	return p.Created
}

// left is when the person left, or was shut out.
func (p *Leaver) left() time.Time {
	switch {
	case p.State == Unsubscribed:
		return p.Changed
	case p.Suppressed != "":
		return p.SuppressedAt
	}
	return time.Time{}
}

// optedOut are the newsletters left, as files say them.
func (p *Leaver) optedOut() []string {
	names := []string{}
	for _, n := range p.OptedOut {
		if n == "" {
			n = "*"
		}
		names = append(names, n)
	}
	return names
}

// members are the attributes and tags as services have them in one object.
func (p *Leaver) members() map[string]any {
	m := make(map[string]any, len(p.Attributes)+1)
	for key, value := range p.Attributes {
		m[key] = guard(value)
	}
	if len(p.Tags) > 0 {
		m["tags"] = guarded(p.Tags)
	}
	return m
}

// ledeCell is a cell of our own files.
func (p *Leaver) ledeCell(head string) string {
	subscribed := p.State == Active || p.State == Pending
	switch head {
	case ledeEmail:
		return p.Address
	case ledeName:
		return p.Name
	case ledeStatus:
		return p.status()
	case ledeCreated:
		return when(p.Created)
	case ledeSubscribed:
		if subscribed {
			return when(p.Changed)
		}
	case ledeLeft:
		if p.State == Unsubscribed {
			return when(p.Changed)
		}
	case ledeReason:
		return p.Why
	case ledeIP:
		return p.IP
	case ledeAgreed:
		return p.Agreed
	case ledeRecord:
		return p.Consent
	case ledeSuppressed:
		return p.Suppressed
	case ledeSuppressedAt:
		return when(p.SuppressedAt)
	}
	return ""
}

// ledeRows writes our own CSV.
type ledeRows struct {
	cells *cells
	keys  *attributeColumns
	all   bool // lists: each row says which
}

func (w *ledeRows) heads() error {
	for _, head := range ledeHeads {
		w.cells.add(head)
	}
	if w.all {
		w.cells.add(ledeList)
	}
	for _, key := range w.keys.keys {
		w.cells.add(w.keys.heads[key])
	}
	if w.keys.rest {
		w.cells.add(ledeAttributes)
	}
	return w.cells.next()
}

func (w *ledeRows) person(p *Leaver, _ string) error {
	for _, head := range ledeHeads {
		switch {
		case head == ledeTags && len(p.Tags) > 0:
			w.cells.json(asJSON(guarded(p.Tags)))
		case head == ledeOptedOut && len(p.OptedOut) > 0:
			w.cells.json(asJSON(p.optedOut()))
		default:
			w.cells.text(p.ledeCell(head))
		}
	}
	if w.all {
		w.cells.text(p.List)
	}
	for _, key := range w.keys.keys {
		w.cells.text(p.Attributes[key])
	}
	if w.keys.rest {
		rest := make(map[string]string)
		for key, value := range p.Attributes {
			if _, column := w.keys.heads[key]; !column {
				rest[key] = guard(value)
			}
		}
		if len(rest) == 0 {
			w.cells.add("")
		} else {
			w.cells.json(asJSON(rest))
		}
	}
	return w.cells.next()
}

func (w *ledeRows) end() error { return w.cells.out.Flush() }

// lines writes our own JSONL: every object has every member, so that the columns
// are known from the first.
type lines struct {
	out *bufio.Writer
	all bool
}

func newLines(out io.Writer, all bool) *lines { return &lines{bufio.NewWriterSize(out, 64<<10), all} }

func (w *lines) person(p *Leaver, _ string) error {
	// Members in the order of the columns: a map would sort them.
	var b strings.Builder
	member := func(name string, value any) {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(asJSON(name) + ":" + asJSON(value))
	}
	for _, head := range ledeHeads {
		switch head {
		case ledeTags:
			member(head, guarded(p.Tags))
		case ledeOptedOut:
			member(head, p.optedOut())
		default:
			member(head, withoutNUL(guard(p.ledeCell(head))))
		}
	}
	if w.all {
		member(ledeList, p.List)
	}
	attributes := make(map[string]string, len(p.Attributes))
	for key, value := range p.Attributes {
		attributes[key] = withoutNUL(guard(value))
	}
	member(ledeAttributes, attributes)
	_, err := w.out.WriteString("{" + b.String() + "}\n")
	return err
}

func (w *lines) end() error { return w.out.Flush() }

// withoutNUL takes out what no import takes.
func withoutNUL(s string) string { return strings.ReplaceAll(s, "\x00", "") }

// guarded are tags as a JSON list that an import reads back.
func guarded(tags []string) []string {
	out := make([]string, len(tags))
	for i, t := range tags {
		out[i] = withoutNUL(guard(t))
	}
	return out
}

// plainTags are tags without what would part them in a list with commas.
func plainTags(tags []string) []string {
	out := make([]string, len(tags))
	for i, t := range tags {
		out[i] = strings.Join(strings.FieldsFunc(t, func(r rune) bool { return strings.ContainsRune(`,;"[]`, r) }), " ")
	}
	return out
}

// quotedTags are tags as Mailchimp writes them.
func quotedTags(tags []string) string {
	plain := plainTags(tags)
	for i, t := range plain {
		plain[i] = `"` + t + `"`
	}
	return strings.Join(plain, ",")
}

// partName parts a name at its last blank, as services have two columns for it.
func partName(name string) (first, last string) {
	i := strings.LastIndexByte(name, ' ')
	if i < 0 {
		return name, ""
	}
	return name[:i], name[i+1:]
}

// plainTime writes a time as most services do, in UTC.
func plainTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}
