package audience

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// maxColumns bounds what one row can hold.
const maxColumns = 200

// columns says what each column of a file holds.
type columns struct {
	heads       []string // as the file writes them; made up where it has none
	headed      bool     // the first row is headings
	listed      bool     // the file is a rejects file: line and reason come first
	email       int
	name        int // -1 for none, like the next three
	first       int
	last        int
	tags        int
	tellers     []tellerColumn
	extra       []extraColumn
	named       map[string]bool // the keys of extra
	when        moments
	service     *service       // whose file it is; nil if not known
	places      map[string]int // where a heading stands, in the spelling of heading
	packed      []int          // columns of JSON objects that hold attributes
	hash        int            // column of the hashes that are left of erased people; -1 for none
	lists       int            // column of the lists that the person is on; -1 for none
	global      int            // MailPoet's state for all lists; -1 for none
	base        standing       // what the file says of all its people
	own         ownColumns     // of our own export
	into        string         // the list that the people come to
	newsletters []string       // that go to it
	used        []bool         // which columns have a meaning so far
	spelled     []string       // the headings in the spelling of heading
}

type tellerColumn struct {
	at    int
	how   teller
	exit  standing            // what a filled cell of byExit means
	known map[string]standing // cells read before: there are few different ones
}

type extraColumn struct {
	at  int
	key string
}

// hints are what the user says of a file.
type hints struct {
	// roles says by role (email, name, first_name, last_name, tags, status, or
	// any other word for an attribute's key) which column holds it.
	roles   map[string]string
	ignore  []string // columns to leave out
	service *service // whose file it is; nil: told by the headings
	plain   bool     // it is nobody's
	packed  []string // headings of columns that hold JSON objects of attributes
	list    string   // that the people come to
}

// newColumns reads the first row. With the error that no column holds addresses,
// it returns the columns too: their cells may still tell (refine).
func newColumns(row []string, h hints) (*columns, error) {
	if len(row) > maxColumns {
		return nil, fmt.Errorf("the first line has %d columns; at most %d are read", len(row), maxColumns)
	}
	c := &columns{
		email: -1, name: -1, first: -1, last: -1, tags: -1, hash: -1, lists: -1, global: -1,
		when: moments{-1, -1, -1, -1, -1, -1}, places: make(map[string]int), own: noOwnColumns(), into: h.list,
	}
	heads := make([]string, len(row))
	for i, s := range row {
		heads[i] = heading(s)
	}
	c.headed = slices.ContainsFunc(heads, func(h string) bool { return rank(emailHeads, h) >= 0 }) ||
		!slices.ContainsFunc(row, isAddress)
	if c.headed {
		c.heads = slices.Clone(row)
	} else {
		for i := range row {
			c.heads = append(c.heads, "column "+strconv.Itoa(i+1))
			heads[i] = c.heads[i]
		}
	}
	if c.headed {
		switch {
		case h.service != nil:
			c.service = h.service
		case !h.plain:
			c.service = serviceOf(heads)
		}
		for i, h := range heads {
			if _, ok := c.places[h]; !ok {
				c.places[h] = i
			}
		}
	}
	used := make([]bool, len(row))
	// A rejects file of an earlier run, put right, is a file like any other.
	if len(row) > 2 && row[0] == "line" && row[1] == "reason" {
		c.listed, used[0], used[1] = true, true, true
	}
	if err := c.give(heads, used, h.roles, h.ignore); err != nil {
		return nil, err
	}
	if c.isOwn() {
		c.recogniseOwn(row, used, h.packed)
		c.used, c.spelled = used, heads
		if c.email < 0 {
			return c, c.noAddress(row)
		}
		return c, nil
	}
	if c.email < 0 && !c.headed && len(row) == 1 {
		c.email, used[0] = 0, true
	}
	if c.email < 0 && c.headed {
		at, err := c.recognise(heads, used, emailHeads)
		if err != nil {
			return nil, err
		}
		c.email = at
	}
	for i := range row {
		if !used[i] && slices.Contains(h.packed, row[i]) {
			c.packed, used[i] = append(c.packed, i), true
		}
	}
	if c.headed {
		c.recogniseRest(heads, used)
	}
	c.used, c.spelled = used, heads
	if c.email < 0 {
		return c, c.noAddress(row)
	}
	return c, nil
}

// refine looks at the first rows, and then names what is left. In a file of a
// service that is known the address may stand under any heading, if one column
// alone holds addresses; and a column of nothing but states tells who wants mail
// under any heading.
func (c *columns) refine(sample [][]string) error {
	if c.email < 0 {
		for i := range c.used {
			if c.used[i] || !every(sample, i, isAddress) {
				continue
			}
			if c.email >= 0 {
				return c.noAddress(c.heads)
			}
			c.email = i
		}
		if c.email < 0 {
			return c.noAddress(c.heads)
		}
		c.used[c.email] = true
	}
	if c.headed && (c.service == nil || !c.service.stated || len(c.tellers) == 0) {
		c.readStates(sample)
	}
	c.nameExtras(c.used)
	return nil
}

// readStates finds columns of states whose headings are not known.
func (c *columns) readStates(sample [][]string) {
	found := 0
	for i := range c.used {
		if c.used[i] || !every(sample, i, func(cell string) bool { _, ok := words[heading(cell)]; return ok || heading(cell) == "inactive" }) {
			continue
		}
		if !slices.ContainsFunc(sample, func(row []string) bool { return i < len(row) && slices.Contains(plainWords, heading(row[i])) }) {
			continue
		}
		c.used[i] = true
		c.tell(i, byWord, c.spelled[i])
		if c.when.joined == i {
			c.when.joined = -1
		}
		found++
		if h := c.spelled[i]; strings.Contains(h, "glob") || strings.Contains(h, "глоб") {
			c.global = i
		}
	}
	// MailPoet translates its headings; no other file has two such columns.
	if c.service == nil && found == 2 && c.global >= 0 {
		c.service = serviceNamed("mailpoet")
	}
	last := len(c.used) - 1
	if c.service != nil && c.service.name == "phplist" && c.lists < 0 && !c.used[last] &&
		every(sample, last, func(cell string) bool {
			cell = strings.TrimSpace(cell)
			return strings.HasSuffix(cell, ";") || !strings.Contains(cell, ";")
		}) &&
		slices.ContainsFunc(sample, func(row []string) bool { return strings.HasSuffix(strings.TrimSpace(row[last]), ";") }) {
		c.used[last], c.lists = true, last
		c.tell(last, byLists, c.spelled[last])
	}
}

// every says whether a column has cells and all that are filled hold.
func every(sample [][]string, at int, holds func(cell string) bool) bool {
	some := false
	for _, row := range sample {
		if at >= len(row) || strings.TrimSpace(row[at]) == "" {
			continue
		}
		if !holds(row[at]) {
			return false
		}
		some = true
	}
	return some
}

// nameExtras makes attributes of the columns that nothing else uses.
func (c *columns) nameExtras(used []bool) {
	taken := make(map[string]bool)
	for _, x := range c.extra {
		taken[x.key] = true
	}
	for i := range used {
		if used[i] {
			continue
		}
		key := attributeKey(c.heads[i])
		if key == "" {
			key = "column_" + strconv.Itoa(i+1)
		}
		base := key
		for n := 2; taken[key]; n++ {
			key = base + "_" + strconv.Itoa(n)
		}
		taken[key] = true
		c.extra = append(c.extra, extraColumn{i, key})
	}
	c.named = taken
}

// give takes the columns that the user named.
func (c *columns) give(heads []string, used []bool, roles map[string]string, ignore []string) error {
	if name, ok := roles["ignore"]; ok {
		ignore = append(slices.Clone(ignore), name)
	}
	for _, name := range ignore {
		at, err := c.find(heads, name)
		if err != nil {
			return fmt.Errorf("--map ignore=%s: %w", name, err)
		}
		used[at] = true
	}
	for _, role := range slices.Sorted(maps.Keys(roles)) {
		if role == "ignore" {
			continue
		}
		name := roles[role]
		at, err := c.find(heads, name)
		if err == nil && used[at] {
			err = errors.New("this column is mapped twice")
		}
		if err != nil {
			return fmt.Errorf("--map %s=%s: %w", role, name, err)
		}
		used[at] = true
		switch role {
		case "email":
			c.email = at
		case "name":
			c.name = at
		case "first_name":
			c.first = at
		case "last_name":
			c.last = at
		case "tags":
			c.tags = at
		case "status":
			how, ok := tells(heads[at], nil)
			if !ok {
				how = byWord
			}
			c.tell(at, how, heads[at])
		default:
			key := attributeKey(role)
			if key == "" {
				return fmt.Errorf("--map %s=%s: expected email, name, first_name, last_name, tags, status, ignore, or a name for the attribute", role, name)
			}
			c.extra = append(c.extra, extraColumn{at, key})
		}
	}
	return nil
}

// find returns the column with a heading, or with a number from 1.
func (c *columns) find(heads []string, name string) (int, error) {
	if n := slices.Index(c.heads, name); n >= 0 && slices.Index(c.heads[n+1:], name) < 0 {
		return n, nil
	}
	h, at := heading(name), -1
	for i := range heads {
		if heads[i] != h || h == "" {
			continue
		}
		if at >= 0 {
			return 0, errors.New("several columns are called so; give its number, 1 for the first")
		}
		at = i
	}
	if at >= 0 {
		return at, nil
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 1 && n <= len(heads) {
		return n - 1, nil
	}
	return 0, fmt.Errorf("no such column; there are %s", c.list())
}

// recognise finds the column whose heading ranks highest, and takes it; -1 if
// there is none.
func (c *columns) recognise(heads []string, used []bool, ranked []string) (int, error) {
	best, at, twice := len(ranked), -1, false
	for i, h := range heads {
		if n := rank(ranked, h); n >= 0 && !used[i] && n <= best {
			twice = n == best
			best, at = n, i
		}
	}
	if twice {
		return 0, fmt.Errorf("several columns are called %q; say which holds the addresses: --map email=NUMBER, 1 for the first", c.heads[at])
	}
	if at >= 0 {
		used[at] = true
		return at, nil
	}
	// "Deine E-Mail Adresse": a heading around one of the longer names.
	if len(ranked) > 0 && ranked[0] == "email" {
		for i, h := range heads {
			if used[i] || !aroundAddress(h) {
				continue
			}
			if at >= 0 {
				return -1, nil
			}
			at = i
		}
		if at >= 0 {
			used[at] = true
		}
	}
	return at, nil
}

// aroundAddress says whether a heading of several words ends or begins with the
// name of an address.
func aroundAddress(h string) bool {
	for _, name := range []string{"email address", "e mail address", "e mail adresse", "email adresse", "adresse e mail", "adresse email", "correo electronico", "indirizzo email"} {
		if strings.HasSuffix(h, " "+name) || strings.HasPrefix(h, name+" ") {
			return true
		}
	}
	return false
}

// recogniseRest finds names, tags and the columns that tell who wants mail. An
// unclear name column is only an attribute, so that nothing is guessed.
func (c *columns) recogniseRest(heads []string, used []bool) {
	take := func(have *int, ranked []string) {
		if *have < 0 {
			if at, err := c.recognise(heads, used, ranked); err == nil {
				*have = at
			}
		}
	}
	take(&c.first, firstNameHeads)
	take(&c.last, lastNameHeads)
	if i := slices.Index(heads, "nom"); i >= 0 && !used[i] {
		// French: the family name beside a prénom, else the name.
		switch {
		case c.first >= 0 && c.last < 0:
			c.last, used[i] = i, true
		case c.name < 0:
			c.name, used[i] = i, true
		}
	}
	take(&c.name, nameHeads)
	take(&c.tags, tagHeads)
	for i, h := range heads {
		if how, ok := tells(h, heads); ok && !used[i] {
			used[i] = true
			c.tell(i, how, h)
			if how == byLists {
				c.lists = i
			}
		}
	}
	if c.service != nil {
		c.recogniseService(heads, used)
	}
	c.findMoments(heads, used)
}

// tell notes a column that tells who wants mail.
func (c *columns) tell(at int, how teller, h string) {
	c.tellers = append(c.tellers, tellerColumn{at: at, how: how, exit: exitOf(h)})
}

// recogniseService takes the columns that mean something in the files of one
// service alone.
func (c *columns) recogniseService(heads []string, used []bool) {
	for i, h := range heads {
		switch {
		case c.service.name == "mailtrain" && h == "hash email" && !used[i]:
			c.hash, used[i] = i, true
		case slices.Contains(c.service.packed, h) && !used[i]:
			c.packed, used[i] = append(c.packed, i), true
		case slices.Contains(c.service.drop, h):
			used[i] = true
		case c.service.name == "mailpoet" && h == "global status":
			c.global = i
		case c.service.name == "mailpoet" && h == "list" && !used[i]:
			c.lists, used[i] = i, true
		case c.service.name == "mailerlite" && h == "groups" && c.tags < 0 && !used[i]:
			c.tags, used[i] = i, true
		}
	}
}

// skip is how many columns a rejects file put before the original ones.
func (c *columns) skip() int {
	if c.listed {
		return 2
	}
	return 0
}

// noAddress is the error for a file in which no column was recognised; row is
// its first.
func (c *columns) noAddress(row []string) error {
	if !c.headed {
		email := max(0, slices.IndexFunc(row, func(cell string) bool { return strings.Contains(cell, "@") }))
		name := 0
		if email == 0 {
			name = 1
		}
		return fmt.Errorf("the file has no line of headings and %d columns; say what they hold: --map email=%d --map name=%d", len(c.heads), email+1, name+1)
	}
	return fmt.Errorf("no column of addresses among %s; name it: --map email=COLUMN", c.list())
}

// list writes the headings for a message.
func (c *columns) list() string {
	const most = 30
	var b strings.Builder
	for i, h := range c.heads[:min(len(c.heads), most)] {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Quote(cut(h, 60)))
	}
	if len(c.heads) > most {
		b.WriteString(", …")
	}
	return b.String()
}

// cut shortens s for a message.
func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// read says what a cell of the column says.
func (t *tellerColumn) read(cell string) standing {
	s, ok := t.known[cell]
	if !ok {
		s = stand(t.how, t.exit, cell)
		if len(t.known) < 1000 && len(cell) < 100 {
			if t.known == nil {
				t.known = make(map[string]standing)
			}
			t.known[cell] = s
		}
	}
	return s
}

// standing says what the row says of wanting mail, and which column says so.
func (c *columns) standing(fields []string) (standing, string) {
	worst, why := wants, ""
	for i := range c.tellers {
		t := &c.tellers[i]
		if s := t.read(fields[t.at]); s > worst {
			worst, why = s, c.says(t.at, fields[t.at])
		}
	}
	if c.service != nil && c.service.decide != nil {
		worst = c.service.decide(c, fields, worst)
	}
	if c.base > worst {
		worst, why = c.base, ""
	}
	return worst, why
}

// says writes what a telling cell says: "status: unsubscribed".
func (c *columns) says(at int, cell string) string {
	cell = strings.TrimSpace(cell)
	if cell == "" {
		cell = "(empty)"
	}
	return strings.Map(printable, cut(c.heads[at], 60)+": "+cut(cell, 60))
}
