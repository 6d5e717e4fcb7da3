package segment

import (
	"fmt"
	"time"
)

// Day is a day: one of the calendar, or one counted from today.
type Day struct {
	Date   string // "2026-03-01"; empty: counted from today
	Offset int    // before today when negative
	Unit   string // day, week, month or year; a day when Offset is 0
}

// limits of an offset by unit: years stay positive and of four digits.
var offsets = map[string]int{"day": 99_999, "week": 9999, "month": 5000, "year": 500}

// in returns the day as text, with today given.
func (d Day) in(today time.Time) string {
	if d.Date != "" {
		return d.Date
	}
	return d.from(today).Format(time.DateOnly)
}

func (d Day) from(today time.Time) time.Time {
	y, m, day := today.UTC().Date()
	t := time.Date(y, m, day, 0, 0, 0, 0, time.UTC)
	switch d.Unit {
	case "week":
		return t.AddDate(0, 0, 7*d.Offset)
	case "month":
		return months(t, d.Offset)
	case "year":
		return months(t, 12*d.Offset)
	}
	return t.AddDate(0, 0, d.Offset)
}

// months adds months; where a month is shorter, its last day is meant.
func months(t time.Time, n int) time.Time {
	moved := t.AddDate(0, n, 0)
	if moved.Day() != t.Day() {
		return moved.AddDate(0, 0, -moved.Day())
	}
	return moved
}

// String is the day as an expression has it.
func (d Day) String() string {
	switch {
	case d.Date != "":
		return d.Date
	case d.Offset == 0:
		return "today"
	case d.Unit == "day" && d.Offset == -1:
		return "yesterday"
	case d.Unit == "day" && d.Offset == 1:
		return "tomorrow"
	case d.Offset < 0:
		return d.length() + " ago"
	}
	return d.length() + " from now"
}

// length is how far the day is from today: "30 days".
func (d Day) length() string {
	n := max(d.Offset, -d.Offset)
	if n == 1 {
		return "1 " + d.Unit
	}
	return fmt.Sprintf("%d %ss", n, d.Unit)
}

// Range returns the days of a date condition as texts like 2026-03-01: from the
// first, which is in it, to the second, which is not. Empty: there is no limit.
// Texts that begin with a day compare with them as they stand.
func (c Date) Range(today time.Time) (from, to string) {
	day := c.Day.in(today)
	after := func(day string) string {
		t, err := time.Parse(time.DateOnly, day)
		if err != nil { // the parser lets none pass
			return day
		}
		return t.AddDate(0, 0, 1).Format(time.DateOnly)
	}
	switch c.Op {
	case Before:
		return "", day
	case Until:
		return "", after(day)
	case Since:
		return day, ""
	case After:
		return after(day), ""
	case On:
		return day, after(day)
	case Last:
		return day, after(Day{}.in(today))
	}
	return Day{}.in(today), after(day)
}
