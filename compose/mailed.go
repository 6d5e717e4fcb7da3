package compose

import "lede/source"

// A correction that is mailed to the readers of the edition that was wrong
// (Input.Correction) is not told with that: whoever read the wrong edition on
// the web or over somebody's shoulder, and whoever came since, reads it in the
// next edition. So the mail uses it up under a version below 0, which counts for
// mails of that kind alone.

// mailings are the mails in which corrections went ahead, by source and key: the
// newest of each, and how many there were.
func mailings(used []Used) map[[2]string]*mailing {
	all := map[[2]string]*mailing{}
	for _, u := range used { // newest first
		if u.Version >= 0 {
			continue
		}
		id := [2]string{u.Source, u.Key}
		if all[id] == nil {
			all[id] = &mailing{Used: u}
		}
		all[id].lowest = min(all[id].lowest, u.Version)
	}
	return all
}

type mailing struct {
	Used
	lowest int
}

// isMailedAhead says that a story is a correction that goes to the readers of
// the edition that was wrong.
func (a *assembly) isMailedAhead(c *candidate) bool {
	return a.in.Correction && c.Kind == source.KindCorrection
}

// mailedBefore says why a correction is not mailed to those readers, empty when
// it is: the same words went to them before, or everybody had it in an edition.
func (a *assembly) mailedBefore(c *candidate) string {
	before := a.mailed[[2]string{c.Source, c.Key}]
	why, _ := a.ranBefore(c, SourceRule{})
	c.version = -1
	if before != nil {
		c.version = before.lowest - 1
	}
	switch {
	case c.Repeat:
		c.reason = "goes every time (repeat: true)"
		return ""
	case before != nil && readWording(before.Text).near(entryOf(c).wording(), 0.5):
		return "was mailed on " + a.day(before.Slot) + ", text unchanged"
	}
	return why
}

// sayMailed adds to a correction's reason that some readers had it ahead.
func (a *assembly) sayMailed(c *candidate) {
	before := a.mailed[[2]string{c.Source, c.Key}]
	if before == nil || c.Kind != source.KindCorrection || a.bulletin {
		return
	}
	if c.reason != "" {
		c.reason += "; "
	}
	c.reason += "mailed on " + a.day(before.Slot) + " to those who got the edition that it corrects"
}
