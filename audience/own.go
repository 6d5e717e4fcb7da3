package audience

import (
	"slices"
	"strings"
)

// ownColumns are those of our own exports that no other file has; -1 for none.
// Of such a file every column is known by its heading to the letter, and each
// other is the attribute of that name.
type ownColumns struct {
	created, subscribed, left, reason, ip, agreed, consent, suppressed, list, optedOut int
}

func noOwnColumns() ownColumns { return ownColumns{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1} }

// isOwn says whether the file is an export of ours.
func (c *columns) isOwn() bool { return c.service != nil && c.service.name == "lede" }

// recogniseOwn takes the columns of our own exports. Headings are compared to the
// letter: an attribute may be called nearly so.
func (c *columns) recogniseOwn(row []string, used []bool, packed []string) {
	for i, head := range row {
		if used[i] {
			continue
		}
		used[i] = true
		switch head = strings.TrimSpace(head); head {
		case ledeEmail:
			setOnce(&c.email, i)
		case ledeName:
			setOnce(&c.name, i)
		case ledeStatus:
			c.tell(i, byWord, head)
		case ledeTags:
			setOnce(&c.tags, i)
		case ledeCreated:
			setOnce(&c.own.created, i)
		case ledeSubscribed:
			setOnce(&c.own.subscribed, i)
		case ledeLeft:
			setOnce(&c.own.left, i)
		case ledeReason:
			setOnce(&c.own.reason, i)
		case ledeIP:
			setOnce(&c.own.ip, i)
		case ledeAgreed:
			setOnce(&c.own.agreed, i)
		case ledeRecord:
			setOnce(&c.own.consent, i)
		case ledeSuppressed:
			setOnce(&c.own.suppressed, i)
		case ledeList:
			setOnce(&c.own.list, i)
		case ledeOptedOut:
			setOnce(&c.own.optedOut, i)
		case ledeSuppressedAt:
		default:
			if head == ledeAttributes || slices.Contains(packed, row[i]) {
				c.packed = append(c.packed, i)
				continue
			}
			used[i] = false
		}
	}
}

// setOnce sets a column that has no place yet.
func setOnce(at *int, i int) {
	if *at < 0 {
		*at = i
	}
}

// leftOnes are the newsletters that a row of our own export says were left. all
// says that they are everything, as far as is known here: then the person has
// left the list.
func (c *columns) leftOnes(fields []string) (ones []string, all bool) {
	if c.own.optedOut < 0 {
		return nil, false
	}
	cell := strings.TrimSpace(fields[c.own.optedOut])
	if cell == "" || cell == "[]" {
		return nil, false
	}
	ones, ok := listedTags(cell)
	if !ok || len(ones) == 0 {
		return nil, true
	}
	for _, n := range ones {
		if !slices.Contains(c.newsletters, n) {
			return nil, true // "*", or one that has another name here
		}
	}
	return ones, !slices.ContainsFunc(c.newsletters, func(n string) bool { return !slices.Contains(ones, n) })
}

// decideLede reads the columns of our own exports together. Who is on another
// list than the one that people come to is passed over, as is who was on none;
// whoever is suppressed and on none has left, and so has who left newsletters
// that are not known here, or all that go to the list.
func decideLede(c *columns, fields []string, s standing) standing {
	if c.own.list >= 0 && strings.TrimSpace(undefuse(fields[c.own.list])) != c.into {
		return never
	}
	for _, t := range c.tellers {
		if strings.TrimSpace(fields[t.at]) != "" {
			continue
		}
		if c.own.suppressed >= 0 && strings.TrimSpace(fields[c.own.suppressed]) != "" {
			return gone
		}
		return never
	}
	if _, all := c.leftOnes(fields); all {
		return max(s, gone)
	}
	return s
}

// maxRecordText is how much of a consent record and of words agreed to is kept,
// in characters.
const maxRecordText = 4000

// record writes into a row when and how its person came or left.
func (o *ownColumns) record(row *Row, fields []string) {
	cell := func(i int) string {
		if i < 0 || fields[i] == "" {
			return ""
		}
		return cut(cleanValue(fields[i]), maxRecordText)
	}
	row.Created, _ = parseTime(cell(o.created))
	row.Joined, _ = parseTime(cell(o.subscribed))
	row.Left, _ = parseTime(cell(o.left))
	row.Reason, row.IP, row.Consent = cell(o.reason), cut(cell(o.ip), 100), cell(o.consent)
	if agreed := cell(o.agreed); agreed != "" {
		row.Consent += "; agreed to: " + agreed
	}
}

// suppress takes over why the address is suppressed: of a file of ours beside
// the state of the subscription.
func (o *ownColumns) suppress(row *Row, fields []string) {
	if o.suppressed < 0 {
		return
	}
	reason := strings.TrimSpace(fields[o.suppressed])
	switch reason {
	case "":
	case ReasonBounce, ReasonComplaint, ReasonByHand, reasonUnknownUser:
		row.Suppress = reason
	default:
		row.Suppress = ReasonByHand
	}
}
