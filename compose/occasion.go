package compose

import "time"

// local is an instant in the newsletter's zone.
func (s *setting) local(t time.Time) time.Time { return inZone(t, s.recipe.Zone) }

// when says when an event takes place: "Fri 27 Nov, 19:00", with its end
// "Fri 27 Nov, 19:00–21:30", "Fri 27 Nov – Sun 29 Nov". Empty for no event.
func (s *setting) when(b Brief) string {
	if b.Starts.IsZero() {
		return ""
	}
	starts, ends := s.local(b.Starts), s.local(b.Ends)
	line := s.page.Words.EventTime(starts, b.AllDay)
	sameDay := dayNumber(starts) == dayNumber(ends)
	switch {
	case b.Ends.IsZero() || !ends.After(starts) || sameDay && b.AllDay:
		return line
	case sameDay:
		return s.page.Words.EventHours(starts, ends)
	}
	return line + " – " + s.page.Words.EventTime(ends, b.AllDay)
}
