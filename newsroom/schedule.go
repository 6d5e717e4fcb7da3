package newsroom

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Schedule says when editions are due, on a floating wall clock: a local time
// is given and taken as if it were UTC. Next returns the first time strictly
// after t, or the zero time when there is none within five years.
//
// Schedules know nothing of time zones, since robfig/cron with a Location
// skips a day at each gap and fires twice in a fold. NextSlot maps wall-clock
// times to instants.
type Schedule interface {
	Next(t time.Time) time.Time
}

// horizon is how far ahead slots are looked for.
const horizon = 5 * 366 * 24 * time.Hour

// ScheduleError says what is wrong with a schedule and how to write it.
type ScheduleError struct {
	Spec string
	What string
	Hint string
}

// Error returns the schedule in quotation marks and what is wrong with it.
func (e *ScheduleError) Error() string { return fmt.Sprintf("%q: %s", e.Spec, e.What) }

const hintWeekdays = `every weekday at seven is "0 7 * * MON-FRI"`

// ParseSchedule reads a schedule of exactly five cron fields: minute, hour,
// day of month, month, day of week. Lists, ranges, steps and the English names
// of months and days are understood; Sunday is 0, 7 or SUN, also at the end of
// a range. Where both days are restricted, either will do, as cron has it.
//
// Descriptors ("@daily") and time zones ("TZ=…") are refused, and so is a
// schedule that never fires ("0 0 31 2 *"). Errors are of type *ScheduleError.
func ParseSchedule(spec string) (Schedule, error) {
	fail := func(what, hint string) (Schedule, error) {
		return nil, &ScheduleError{Spec: spec, What: what, Hint: hint}
	}
	fields := strings.Fields(spec)
	switch {
	case len(fields) == 0:
		return fail("expected 5 fields, found none", hintWeekdays)
	case strings.HasPrefix(fields[0], "@"):
		return fail("words like @daily are not understood", "write the five fields: every day at seven is \"0 7 * * *\"")
	case strings.HasPrefix(fields[0], "TZ="), strings.HasPrefix(fields[0], "CRON_TZ="):
		return fail("a time zone does not belong here", "the newsletter's timezone says in which zone its schedule is read")
	case len(fields) != 5:
		return fail(fmt.Sprintf("expected 5 fields, found %d", len(fields)), hintWeekdays)
	}
	names := [5]string{"minute", "hour", "day of month", "month", "day of week"}
	for i := range fields {
		if why := malformed(fields[i]); why != "" {
			return fail(fmt.Sprintf("%s %q: %s", names[i], fields[i], why), hintWeekdays)
		}
	}
	fields[4] = sundays(fields[4])

	// One field at a time, so that the complaint can name it.
	parser := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	for i := range fields {
		alone := [5]string{"*", "*", "*", "*", "*"}
		alone[i] = fields[i]
		if _, err := parser.Parse(strings.Join(alone[:], " ")); err != nil {
			return fail(names[i]+": "+plain(err), hintWeekdays)
		}
	}
	parsed, err := parser.Parse(strings.Join(fields, " "))
	if err != nil {
		return fail(plain(err), hintWeekdays)
	}
	// 2000 was a leap year: what does not fire within five years of it never does.
	if parsed.Next(time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC)).IsZero() {
		return fail("never fires: no such day exists", "the last day on which every month has an edition is the 28th")
	}
	return parsed, nil
}

// malformed says what is wrong with a field that cron's parser would read as
// something that its author did not mean.
func malformed(field string) string {
	for item := range strings.SplitSeq(field, ",") {
		switch {
		case item == "":
			return "an item of the list is empty"
		case strings.HasPrefix(item, "*-"), strings.HasPrefix(item, "?-"):
			return "a range starts with a number or a name"
		case strings.Contains(item, "+"):
			return `"+" means nothing here`
		}
	}
	return ""
}

// plain is what cron's parser complains of, without the functions it called.
func plain(err error) string {
	what, _, _ := strings.Cut(err.Error(), ": strconv.")
	if word, ok := strings.CutPrefix(what, "failed to parse int from "); ok {
		return fmt.Sprintf("%q is neither a number nor a known name", word)
	}
	return what
}

// sundays rewrites a day-of-week field for cron's parser, which knows Sunday
// only as 0, the first day: 7 becomes 0 and a range that ends on Sunday the
// list of its days. What it does not understand it leaves for the parser to
// refuse.
func sundays(field string) string {
	items := strings.Split(field, ",")
	for i, item := range items {
		days, step, stepped := strings.Cut(item, "/")
		low, high, ranged := strings.Cut(days, "-")
		if !ranged {
			if low == "7" {
				items[i] = "0" // 7/2 is Sunday alone: the week ends with it
			}
			continue
		}
		first, every := weekday(low), 1
		if high != "7" && !strings.EqualFold(high, "SUN") {
			if low == "7" {
				items[i] = "0" + item[1:]
			}
			continue
		}
		if stepped {
			every, _ = strconv.Atoi(step) // 0 for what is no number
		}
		if first < 0 || every < 1 {
			items[i] = low + "-6/" + step // without the Sunday, so that it is refused for its real fault
			continue
		}
		if low == "7" || first == 0 && high != "7" { // SUN-SUN is one day, 0-7 all
			first = 7
		}
		var list []string
		for day := first; day <= 7; day += every {
			list = append(list, strconv.Itoa(day%7))
		}
		items[i] = strings.Join(list, ",")
	}
	return strings.Join(items, ",")
}

// weekday returns the number of a day of the week as cron writes it, 0 for
// Sunday (7 too), or -1.
func weekday(s string) int {
	for day := range 7 {
		if s == strconv.Itoa(day) || day == 0 && s == "7" || strings.EqualFold(s, time.Weekday(day).String()[:3]) {
			return day
		}
	}
	return -1
}

// CheckDay says whether a day of not_on is written as a day of every year
// ("12-25") or of one ("2027-03-26").
func CheckDay(day string) error {
	full := day
	if len(day) == len("12-25") {
		full = "2000-" + day // a leap year: 02-29 is a day
	}
	if _, err := time.Parse(time.DateOnly, full); err != nil {
		return fmt.Errorf("%q is no day: expected MM-DD for every year or YYYY-MM-DD", day)
	}
	return nil
}

// off says whether not_on names t's day.
func off(t time.Time, notOn []string) bool {
	for _, day := range notOn {
		if day == t.Format("01-02") || day == t.Format(time.DateOnly) {
			return true
		}
	}
	return false
}

// NextSlot returns the first slot of s strictly after the given instant, in
// zone's time; zero when there is none within five years. notOn are days
// ("12-25" of every year, "2027-03-26") without a slot.
//
// A wall-clock time that the zone skips has its slot at the end of the gap, one
// that comes twice at the first; times that fall on the same instant are one
// slot.
func NextSlot(s Schedule, after time.Time, zone *time.Location, notOn []string) time.Time {
	wall := floating(after.In(zone))
	limit := wall.Add(horizon)
	for {
		next := s.Next(wall)
		if !next.After(wall) || next.After(limit) { // the zero time is after nothing
			return time.Time{}
		}
		wall = next
		if off(wall, notOn) {
			wall = endOfDay(wall)
			continue
		}
		// In the second pass of a fold the wall clock is behind the slots that
		// were due in the first.
		slot := instant(wall, zone)
		if slot.After(after) && !off(slot, notOn) {
			return slot
		}
	}
}

// Slots returns the slots after from, up to and including to, in zone's time.
func Slots(s Schedule, from, to time.Time, zone *time.Location, notOn []string) []time.Time {
	var slots []time.Time
	for slot := NextSlot(s, from, zone, notOn); !slot.IsZero() && !slot.After(to); slot = NextSlot(s, slot, zone, notOn) {
		slots = append(slots, slot)
	}
	return slots
}

// floating returns t's wall clock as if it were UTC.
func floating(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// endOfDay returns the last moment of t's day.
func endOfDay(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, time.UTC).Add(-1)
}

// instant returns the first instant at which zone's clock shows wall or later:
// the end of the gap for a time that is skipped, the first of two for a time
// that comes twice. It never goes back when wall goes forward.
func instant(wall time.Time, zone *time.Location) time.Time {
	// No zone was ever 26 hours ahead: here its clock still shows less.
	span := wall.Add(-26 * time.Hour).In(zone)
	for {
		start, end := span.ZoneBounds() // between two changes of the clock
		_, offset := span.Zone()
		at := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		if at.Before(start) {
			return start.In(zone)
		}
		// On the last day of leap years from 2040 on, Go's end is that day's
		// beginning: no change is near then.
		if end.IsZero() || at.Before(end) || !end.After(span) {
			return at
		}
		span = end
	}
}
