package newsroom

import (
	"strings"

	"lede/audience/segment"
)

// Aim says whom an edition goes to: of the active subscribers on any of the
// lists, who neither opted out nor is suppressed, each once.
type Aim struct {
	Newsletter   string // an id
	Lists        []string
	Choice       segment.Choice // of those on the lists
	CorrectionOf string         // id of the edition whose readers alone get it: sent, or in doubt; empty: everybody
}

// Aim is whom an order's edition goes to. A correction goes to whoever got what
// it corrects, in a segment or not.
func (n Newsletter) Aim(o Order) Aim {
	a := Aim{Newsletter: n.ID, Lists: n.Lists, Choice: n.Choice, CorrectionOf: o.CorrectionOf}
	if a.CorrectionOf != "" {
		a.Choice = segment.Choice{}
	}
	return a
}

// String says it for people: "harbour, of them segment regulars, without press".
func (a Aim) String() string {
	to := strings.Join(a.Lists, ", ")
	switch {
	case a.CorrectionOf != "":
		return to + ", of them the readers of edition " + a.CorrectionOf
	case a.Choice.Segment != "":
		return to + ", of them " + a.Choice.String()
	case a.Choice.Where != "":
		return to + ", " + a.Choice.String()
	}
	return to
}
