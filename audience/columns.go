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
	heads   []string // as the file writes them; made up where it has none
	headed  bool     // the first row is headings
	listed  bool     // the file is a rejects file: line and reason come first
	email   int
	name    int // -1 for none, like the next three
	first   int
	last    int
	tags    int
	tellers []tellerColumn
	extra   []extraColumn
}

type tellerColumn struct {
	at    int
	how   teller
	known map[string]standing // cells read before: there are few different ones
}

type extraColumn struct {
	at  int
	key string
}

// newColumns reads the first row. roles says by role (email, name, first_name,
// last_name, tags, status, or any other word for an attribute's key) which
// column holds it; ignore names columns to leave out.
func newColumns(row []string, roles map[string]string, ignore []string) (*columns, error) {
	if len(row) > maxColumns {
		return nil, fmt.Errorf("the first line has %d columns; at most %d are read", len(row), maxColumns)
	}
	c := &columns{email: -1, name: -1, first: -1, last: -1, tags: -1}
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
	used := make([]bool, len(row))
	// A rejects file of an earlier run, put right, is a file like any other.
	if len(row) > 2 && row[0] == "line" && row[1] == "reason" {
		c.listed, used[0], used[1] = true, true, true
	}
	if err := c.give(heads, used, roles, ignore); err != nil {
		return nil, err
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
	if c.email < 0 {
		return nil, c.noAddress(row)
	}
	if c.headed {
		c.recogniseRest(heads, used)
	}
	taken := make(map[string]bool)
	for _, x := range c.extra {
		taken[x.key] = true
	}
	for i := range row {
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
	return c, nil
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
			c.tellers = append(c.tellers, tellerColumn{at, how, nil})
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
			c.tellers = append(c.tellers, tellerColumn{i, how, nil})
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

// standing says whether the person in the row wants mail, and if not, which
// column says so.
func (c *columns) standing(fields []string) (standing, string) {
	worst, why := wants, ""
	for i := range c.tellers {
		t := &c.tellers[i]
		cell := fields[t.at]
		s, ok := t.known[cell]
		if !ok {
			s = stand(t.how, cell)
			if len(t.known) < 1000 && len(cell) < 100 {
				if t.known == nil {
					t.known = make(map[string]standing)
				}
				t.known[cell] = s
			}
		}
		if s == wants || worst == gone {
			continue
		}
		worst, why = s, c.says(t.at, cell)
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
