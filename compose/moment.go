package compose

import (
	"fmt"
	"strings"
	"time"
)

// moment writes an instant for a reason: "24 Nov 09:00" in the newsletter's
// zone, with the year where it is another.
func (a *assembly) moment(t time.Time) string {
	t = t.In(a.recipe.Zone)
	if t.Year() != a.slot.Year() {
		return t.Format("2 Jan 2006 15:04")
	}
	return t.Format("2 Jan 15:04")
}

// clock is moment without the day when it is the slot's.
func (a *assembly) clock(t time.Time) string {
	if t = t.In(a.recipe.Zone); dayNumber(t) == dayNumber(a.slot) {
		return t.Format("15:04")
	}
	return a.moment(t)
}

// day writes a day for a reason: "20 Nov".
func (a *assembly) day(t time.Time) string {
	t = t.In(a.recipe.Zone)
	if t.Year() != a.slot.Year() {
		return t.Format("2 Jan 2006")
	}
	return t.Format("2 Jan")
}

// span writes a duration for a reason: "72 hours", "14 days".
func span(d time.Duration) string {
	switch {
	case d > 96*time.Hour && d%(24*time.Hour) == 0:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d == time.Hour:
		return "1 hour"
	case d%time.Hour == 0:
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return d.String()
}

// splitID parts the source from the key in an entry of Input.Only.
func splitID(id string) (src, key string) {
	src, key, found := strings.Cut(id, "\x00")
	if !found {
		return "", id
	}
	return src, key
}
