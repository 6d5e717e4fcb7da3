package newsroom

import "strings"

// To says for people whom the newsletter goes to: "harbour, of them segment
// regulars, without press".
func (n Newsletter) To() string {
	to := strings.Join(n.Lists, ", ")
	switch {
	case n.Choice.Segment != "":
		return to + ", of them " + n.Choice.String()
	case n.Choice.Where != "":
		return to + ", " + n.Choice.String()
	}
	return to
}
