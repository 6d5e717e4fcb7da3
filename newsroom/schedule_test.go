package newsroom

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func zone(t rapid.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func schedule(t rapid.TB, spec string) Schedule {
	t.Helper()
	s, err := ParseSchedule(spec)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParseScheduleRefuses(t *testing.T) {
	for spec, want := range map[string]string{
		"":                        `"": expected 5 fields, found none`,
		"7am":                     `"7am": expected 5 fields, found 1`,
		"0 7 * *":                 `"0 7 * *": expected 5 fields, found 4`,
		"0 0 7 * * MON":           `"0 0 7 * * MON": expected 5 fields, found 6`,
		"@daily":                  `"@daily": words like @daily are not understood`,
		"@every 1h":               `"@every 1h": words like @daily are not understood`,
		"TZ=UTC 0 7 * * *":        `"TZ=UTC 0 7 * * *": a time zone does not belong here`,
		"CRON_TZ=Asia 0 7 * * *":  `"CRON_TZ=Asia 0 7 * * *": a time zone does not belong here`,
		"TZ=UTC":                  `"TZ=UTC": a time zone does not belong here`,
		"0 0 31 2 *":              `"0 0 31 2 *": never fires: no such day exists`,
		"0 0 30 FEB *":            `"0 0 30 FEB *": never fires: no such day exists`,
		"0 0 31 4,6,9,11 *":       `"0 0 31 4,6,9,11 *": never fires: no such day exists`,
		"0 24 * * *":              `"0 24 * * *": hour: end of range (24) above maximum (23): 24`,
		"60 7 * * *":              `"60 7 * * *": minute: end of range (60) above maximum (59): 60`,
		"0 7 0 * *":               `"0 7 0 * *": day of month: beginning of range (0) below minimum (1): 0`,
		"0 7 * 13 *":              `"0 7 * 13 *": month: end of range (13) above maximum (12): 13`,
		"0 7 * * 8":               `"0 7 * * 8": day of week: end of range (8) above maximum (6): 8`,
		"0 7 * * FRI-MON":         `"0 7 * * FRI-MON": day of week: beginning of range (5) beyond end of range (1): FRI-MON`,
		"0 7 * * someday":         `"0 7 * * someday": day of week: "someday" is neither a number nor a known name`,
		"0 7 * * MON-SUN/0":       `"0 7 * * MON-SUN/0": day of week: step of range should be a positive number: MON-6/0`,
		"0 7 * * 1-7/x":           `"0 7 * * 1-7/x": day of week: "x" is neither a number nor a known name`,
		"0, 7 * * *":              `"0, 7 * * *": minute "0,": an item of the list is empty`,
		", 7 * * *":               `", 7 * * *": minute ",": an item of the list is empty`,
		"*-5 7 * * *":             `"*-5 7 * * *": minute "*-5": a range starts with a number or a name`,
		"+5 7 * * *":              `"+5 7 * * *": minute "+5": "+" means nothing here`,
		"*/0 7 * * *":             `"*/0 7 * * *": minute: step of range should be a positive number: */0`,
		"0 7 * * MON-TUE-WED-SUN": `"0 7 * * MON-TUE-WED-SUN": day of week: too many hyphens: MON-TUE-WED-SUN`,
		"0 7 * * someday-SUN":     `"0 7 * * someday-SUN": day of week: "someday" is neither a number nor a known name`,
	} {
		t.Run(spec, func(t *testing.T) {
			_, err := ParseSchedule(spec)
			var se *ScheduleError
			if !errors.As(err, &se) {
				t.Fatalf("error %v, want a *ScheduleError", err)
			}
			if err.Error() != want {
				t.Errorf("got  %s\nwant %s", err, want)
			}
			if se.Hint == "" {
				t.Error("no hint")
			}
		})
	}
}

func TestSundays(t *testing.T) {
	// The days of the week that a field stands for, 0 is Sunday.
	for field, want := range map[string]string{
		"*": "0123456", "?": "0123456", "0": "0", "7": "0", "SUN": "0", "sun": "0", "MON-FRI": "12345",
		"5-7": "056", "FRI-SUN": "056", "fri-sun": "056", "1-7": "0123456", "0-7": "0123456", "SUN-7": "0123456",
		"SUN-SUN": "0", "7-7": "0", "7-2": "012", "1-7/2": "0135", "MON-SUN/3": "014", "7/2": "0",
		"2,7": "02", "7,2": "02", "6-7,3": "036", "*/2": "0246", "MON/2": "135", "SUN-TUE": "012",
	} {
		t.Run(field, func(t *testing.T) {
			s := schedule(t, "0 7 * * "+field)
			var got string
			start := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC) // a Sunday
			for day := range 7 {
				due := start.AddDate(0, 0, day).Add(7 * time.Hour)
				if s.Next(due.Add(-time.Second)).Equal(due) {
					got += strconv.Itoa(day)
				}
			}
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestCheckDay(t *testing.T) {
	for _, day := range []string{"12-25", "02-29", "2027-03-26", "2028-02-29"} {
		if err := CheckDay(day); err != nil {
			t.Errorf("%s: %v", day, err)
		}
	}
	for _, day := range []string{"", "25-12", "13-01", "02-30", "2027-02-29", "1-1", "12/25", "2027-3-26", "Friday"} {
		if CheckDay(day) == nil {
			t.Errorf("%q passes", day)
		}
	}
}

// TestSlots walks the days on which clocks change. Times are written as local
// time with its offset.
func TestSlots(t *testing.T) {
	tests := map[string]struct {
		zone, spec, from, to string
		notOn                []string
		want                 []string
	}{
		"weekdays": {
			zone: "Europe/Lisbon", spec: "30 6 * * MON-FRI", from: "2026-11-19T06:30:00Z", to: "2026-11-23T06:30:00Z",
			want: []string{"2026-11-20T06:30:00Z", "2026-11-23T06:30:00Z"},
		},
		"an hour away from the change": {
			zone: "Europe/Lisbon", spec: "30 6 * * *", from: "2027-03-27T00:00:00Z", to: "2027-03-29T12:00:00Z",
			want: []string{"2027-03-27T06:30:00Z", "2027-03-28T06:30:00+01:00", "2027-03-29T06:30:00+01:00"},
		},
		"in the gap, Lisbon": { // 01:00 becomes 02:00
			zone: "Europe/Lisbon", spec: "30 1 * * *", from: "2027-03-27T00:00:00Z", to: "2027-03-29T12:00:00Z",
			want: []string{"2027-03-27T01:30:00Z", "2027-03-28T02:00:00+01:00", "2027-03-29T01:30:00+01:00"},
		},
		"in the gap, New York": { // 02:00 becomes 03:00
			zone: "America/New_York", spec: "30 2 * * *", from: "2027-03-13T00:00:00Z", to: "2027-03-15T12:00:00Z",
			want: []string{"2027-03-13T02:30:00-05:00", "2027-03-14T03:00:00-04:00", "2027-03-15T02:30:00-04:00"},
		},
		"in the gap and at its end are one": {
			zone: "America/New_York", spec: "15,45 2,3 14 3 *", from: "2027-03-14T00:00:00Z", to: "2027-03-15T12:00:00Z",
			want: []string{"2027-03-14T03:00:00-04:00", "2027-03-14T03:15:00-04:00", "2027-03-14T03:45:00-04:00"},
		},
		"every quarter over the gap": {
			zone: "America/New_York", spec: "*/15 * * * *", from: "2027-03-14T06:30:00Z", to: "2027-03-14T07:30:00Z",
			want: []string{"2027-03-14T01:45:00-05:00", "2027-03-14T03:00:00-04:00", "2027-03-14T03:15:00-04:00", "2027-03-14T03:30:00-04:00"},
		},
		"in the fold, Lisbon": { // 02:00 becomes 01:00
			zone: "Europe/Lisbon", spec: "30 1 * * *", from: "2026-10-24T12:00:00Z", to: "2026-10-26T12:00:00Z",
			want: []string{"2026-10-25T01:30:00+01:00", "2026-10-26T01:30:00Z"},
		},
		"in the fold, New York": {
			zone: "America/New_York", spec: "30 1 * * *", from: "2026-10-31T12:00:00Z", to: "2026-11-02T12:00:00Z",
			want: []string{"2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"},
		},
		"started between the two": {
			zone: "America/New_York", spec: "30 1 * * *", from: "2026-11-01T06:10:00Z", to: "2026-11-02T12:00:00Z",
			want: []string{"2026-11-02T01:30:00-05:00"},
		},
		"every quarter over the fold": { // the second hour is not run again
			zone: "America/New_York", spec: "*/15 * * * *", from: "2026-11-01T05:15:00Z", to: "2026-11-01T07:15:00Z",
			want: []string{"2026-11-01T01:30:00-04:00", "2026-11-01T01:45:00-04:00", "2026-11-01T02:00:00-05:00", "2026-11-01T02:15:00-05:00"},
		},
		"half an hour's gap": { // 02:00 becomes 02:30
			zone: "Australia/Lord_Howe", spec: "*/20 2 * * *", from: "2026-10-03T12:00:00Z", to: "2026-10-03T16:00:00Z",
			want: []string{"2026-10-04T02:30:00+11:00", "2026-10-04T02:40:00+11:00"},
		},
		"half an hour's fold": { // 02:00 becomes 01:30
			zone: "Australia/Lord_Howe", spec: "*/20 1,2 * * *", from: "2027-04-03T13:50:00Z", to: "2027-04-03T16:00:00Z",
			want: []string{"2027-04-04T01:00:00+11:00", "2027-04-04T01:20:00+11:00", "2027-04-04T01:40:00+11:00", "2027-04-04T02:00:00+10:30", "2027-04-04T02:20:00+10:30"},
		},
		"no midnight, Sao Paulo": {
			zone: "America/Sao_Paulo", spec: "0 0 * * *", from: "2017-10-14T12:00:00Z", to: "2017-10-16T12:00:00Z",
			want: []string{"2017-10-15T01:00:00-02:00", "2017-10-16T00:00:00-02:00"},
		},
		"no midnight, Beirut": {
			zone: "Asia/Beirut", spec: "0 0 * * SUN", from: "2026-03-23T00:00:00Z", to: "2026-04-05T12:00:00Z",
			want: []string{"2026-03-29T01:00:00+03:00", "2026-04-05T00:00:00+03:00"},
		},
		"a day that never was": { // Samoa went over the date line
			zone: "Pacific/Apia", spec: "0 7 * * *", from: "2011-12-29T00:00:00Z", to: "2012-01-01T00:00:00Z",
			want: []string{"2011-12-29T07:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T07:00:00+14:00", "2012-01-01T07:00:00+14:00"},
		},
		"leap day": {
			zone: "Europe/Lisbon", spec: "0 7 29 2 *", from: "2027-01-01T00:00:00Z", to: "2032-12-31T00:00:00Z",
			want: []string{"2028-02-29T07:00:00Z", "2032-02-29T07:00:00Z"},
		},
		"days off": {
			zone: "Europe/Lisbon", spec: "0 7 * * *", from: "2026-12-23T12:00:00Z", to: "2026-12-28T00:00:00Z",
			notOn: []string{"12-25", "2026-12-26", "2027-12-27"},
			want:  []string{"2026-12-24T07:00:00Z", "2026-12-27T07:00:00Z"},
		},
		"a gap into a day off": { // Nuuk's clock goes from Saturday 23:00 to Sunday 00:00
			zone: "America/Nuuk", spec: "30 23 * * *", from: "2027-03-27T12:00:00Z", to: "2027-03-29T12:00:00Z",
			notOn: []string{"2027-03-28"},
			want:  nil,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			from, err1 := time.Parse(time.RFC3339, tc.from)
			to, err2 := time.Parse(time.RFC3339, tc.to)
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			z, s := zone(t, tc.zone), schedule(t, tc.spec)
			var got []string
			for _, slot := range Slots(s, from, to, z, tc.notOn) {
				got = append(got, slot.Format(time.RFC3339))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestNoSlot(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	s := schedule(t, "0 7 25 12 *")
	if got := NextSlot(s, now, time.UTC, []string{"12-25"}); !got.IsZero() {
		t.Errorf("NextSlot %s on a day off", got)
	}
	var everyDay []string
	for day := time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() == 2028; day = day.AddDate(0, 0, 1) {
		everyDay = append(everyDay, day.Format("01-02"))
	}
	if got := NextSlot(schedule(t, "* * * * *"), now, time.UTC, everyDay); !got.IsZero() {
		t.Errorf("NextSlot %s with every day off", got)
	}
}

// once fires at one time of the wall clock.
type once time.Time

func (o once) Next(t time.Time) time.Time {
	if at := time.Time(o); at.After(t) {
		return at
	}
	return time.Time{}
}

// stuck is a schedule that does not go forward.
type stuck struct{}

func (stuck) Next(t time.Time) time.Time { return t }

func TestAnySchedule(t *testing.T) {
	z := zone(t, "America/New_York")
	start := time.Date(2026, 11, 23, 7, 0, 0, 250e6, z)
	s := once(floating(start).Add(3 * time.Second))
	slot := NextSlot(s, start, z, nil)
	if want := start.Add(3 * time.Second); !slot.Equal(want) {
		t.Errorf("slot %s, want %s", slot, want)
	}
	if next := NextSlot(s, slot, z, nil); !next.IsZero() {
		t.Errorf("a second slot %s", next)
	}
	if next := NextSlot(stuck{}, start, z, nil); !next.IsZero() {
		t.Errorf("slot %s of a schedule that stands still", next)
	}
}

// TestEveryMinute compares a schedule of every minute with the minutes that
// the zone's clock shows, over both changes.
func TestEveryMinute(t *testing.T) {
	s := schedule(t, "* * * * *")
	for _, name := range []string{"Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Beirut"} {
		z := zone(t, name)
		changed := 0
		for at := time.Date(2017, 1, 1, 0, 0, 0, 0, z); at.Year() < 2018; {
			_, end := at.ZoneBounds()
			if end.IsZero() || end.Year() >= 2018 {
				break
			}
			changed++
			from, to := end.Add(-3*time.Hour), end.Add(3*time.Hour)
			if diff := cmp.Diff(brute(s, from, to, z, nil), Slots(s, from, to, z, nil)); diff != "" {
				t.Errorf("%s, change of %s: -want +got\n%s", name, end, diff)
			}
			at = end
		}
		if changed != 2 {
			t.Errorf("%s: %d changes in 2017, want 2", name, changed)
		}
	}
}

// brute finds slots without NextSlot's arithmetic: it walks over the instants
// minute by minute and looks which wall-clock minutes the zone's clock has
// newly reached or gone past. One that it reaches a second time is not new.
func brute(s Schedule, from, to time.Time, z *time.Location, notOn []string) []time.Time {
	local := func(t time.Time) time.Time {
		y, m, d := t.In(z).Date()
		return time.Date(y, m, d, t.In(z).Hour(), t.In(z).Minute(), 0, 0, time.UTC)
	}
	var slots []time.Time
	at := from.Add(-48 * time.Hour).Truncate(time.Minute)
	for reached := local(at); !at.After(to); at = at.Add(time.Minute) {
		due := false
		for reached.Before(local(at)) {
			reached = reached.Add(time.Minute)
			if s.Next(reached.Add(-time.Second)).Equal(reached) && !off(reached, notOn) {
				due = true
			}
		}
		if due && at.After(from) && !off(local(at), notOn) {
			slots = append(slots, at.In(z))
		}
	}
	return slots
}

func TestSlotsLikeBruteForce(t *testing.T) {
	zones := []string{"Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Beirut", "Pacific/Apia", "Africa/Casablanca", "Asia/Kathmandu", "Antarctica/Troll", "UTC"}
	rapid.Check(t, func(t *rapid.T) {
		z := zone(t, rapid.SampledFrom(zones).Draw(t, "zone"))
		// Half of the time beside a change of the clock.
		from := time.Unix(rapid.Int64Range(1.2e9, 2e9).Draw(t, "from"), 0)
		if _, end := from.In(z).ZoneBounds(); !end.IsZero() && rapid.Bool().Draw(t, "change") {
			from = end.Add(-time.Duration(rapid.IntRange(0, 50).Draw(t, "hours")) * time.Hour)
		}
		to := from.Add(time.Duration(rapid.IntRange(1, 80).Draw(t, "span")) * time.Hour)
		minute := rapid.SampledFrom([]string{"*", "*/15", "0", "30", "7-50/9", "59"}).Draw(t, "minute")
		hour := rapid.SampledFrom([]string{"*", "0", "1", "2", "3", "23", "6", "*/2"}).Draw(t, "hour")
		dom := rapid.SampledFrom([]string{"*", "1-15", "29", "30,31"}).Draw(t, "dom")
		dow := rapid.SampledFrom([]string{"*", "MON-FRI", "6-7", "SUN"}).Draw(t, "dow")
		s := schedule(t, strings.Join([]string{minute, hour, dom, "*", dow}, " "))
		var notOn []string
		if rapid.Bool().Draw(t, "off") {
			notOn = []string{from.In(z).AddDate(0, 0, 1).Format("01-02"), to.In(z).Format(time.DateOnly)}
		}

		got := Slots(s, from, to, z, notOn)
		if !slices.IsSortedFunc(got, func(a, b time.Time) int {
			if a.Before(b) {
				return -1
			}
			return 1 // equal instants count as disorder
		}) {
			t.Fatalf("not strictly increasing: %s", got)
		}
		if diff := cmp.Diff(brute(s, from, to, z, notOn), got); diff != "" {
			t.Fatalf("-want +got\n%s", diff)
		}
	})
}

// TestLeapYearsEnd: on the last day of leap years from 2040 on, Go's ZoneBounds
// gives an end that is over.
func TestLeapYearsEnd(t *testing.T) {
	schedule, err := ParseSchedule("30 1 * * *")
	if err != nil {
		t.Fatal(err)
	}
	for _, zone := range []string{"Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "UTC"} {
		location, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		slot := time.Date(2040, 12, 28, 12, 0, 0, 0, location)
		for day := 29; day <= 34; day++ {
			slot = NextSlot(schedule, slot, location, nil)
			if want := time.Date(2040, 12, day, 1, 30, 0, 0, location); !slot.Equal(want) {
				t.Fatalf("%s: %s, want %s", zone, slot, want)
			}
		}
	}
}
