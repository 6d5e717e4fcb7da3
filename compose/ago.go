package compose

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Ago is how long ago something was, in the calendar: "1y", "6m", "2w", "10d".
// The zero Ago is a year.
type Ago struct {
	Years, Months, Days int
}

// UnmarshalText reads a number with its unit: y, m, w or d; at most ten years.
func (g *Ago) UnmarshalText(text []byte) error {
	written := string(text)
	n, err := strconv.Atoi(strings.TrimRight(written, "ymwd"))
	unit := strings.TrimLeft(written, "0123456789")
	days, known := map[string]int{"y": 366, "m": 31, "w": 7, "d": 1}[unit]
	if err != nil || !known || n < 1 || n*days > 3660 {
		return fmt.Errorf("%q is no time in the past: write it like 1y, 6m, 2w or 10d", written)
	}
	*g = Ago{}
	switch unit {
	case "y":
		g.Years = n
	case "m":
		g.Months = n
	case "w":
		g.Days = 7 * n
	default:
		g.Days = n
	}
	return nil
}

// String writes it as it is read.
func (g Ago) String() string {
	switch {
	case g.Years > 0:
		return strconv.Itoa(g.Years) + "y"
	case g.Months > 0:
		return strconv.Itoa(g.Months) + "m"
	case g.Days > 0 && g.Days%7 == 0:
		return strconv.Itoa(g.Days/7) + "w"
	case g.Days > 0:
		return strconv.Itoa(g.Days) + "d"
	}
	return "1y"
}

// Before returns the instant that is so long before t.
func (g Ago) Before(t time.Time) time.Time {
	if g == (Ago{}) {
		g.Years = 1
	}
	return t.AddDate(-g.Years, -g.Months, -g.Days)
}

// farthestFrom is how far from the wanted day an edition may be to stand for
// it: half a month, so that monthly letters have one.
const farthestFrom = 16 * 24 * time.Hour

// Nearest returns the place of the slot that is nearest to so long before t, -1
// when none is near enough: no farther than 16 days, nor than a quarter of the
// time gone by.
func (g Ago) Nearest(t time.Time, slots []time.Time) int {
	want := g.Before(t)
	reach := min(farthestFrom, t.Sub(want)/4)
	nearest := -1
	for i, slot := range slots {
		if away := slot.Sub(want).Abs(); away <= reach {
			nearest, reach = i, away
		}
	}
	return nearest
}
