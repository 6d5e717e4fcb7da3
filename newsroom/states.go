package newsroom

import "slices"

// next is the one table of an edition's states: what may follow what.
// docs/architecture.md draws it.
func next() map[State][]State {
	return map[State][]State{
		Assembling: {Waiting, Sending, Skipped, Failed, Cancelled},
		Waiting:    {Sending, Paused, Skipped, Cancelled},
		Sending:    {Done, Paused, Cancelled},
		Paused:     {Sending, Cancelled},
		Done:       {},
		Skipped:    {},
		Cancelled:  {},
		Failed:     {},
	}
}

// CanBecome says whether an edition may go from one state to another.
func CanBecome(from, to State) bool { return slices.Contains(next()[from], to) }

// before lists the states that may turn into to.
func before(to State) []State {
	var states []State
	for from, tos := range next() {
		if slices.Contains(tos, to) {
			states = append(states, from)
		}
	}
	slices.Sort(states)
	return states
}

// Ended says whether nothing more happens to an edition in this state.
func (s State) Ended() bool { return len(next()[s]) == 0 }
