package store

import (
	"testing"
	"time"
)

func TestStamp(t *testing.T) {
	lisbon := time.FixedZone("", 3600)
	times := []time.Time{ // in order
		time.Date(1999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
		time.Date(2027, 3, 1, 0, 30, 0, 0, lisbon),
		time.Date(2027, 3, 1, 0, 0, 0, 1000, time.UTC),
		time.Date(2027, 3, 1, 1, 0, 0, 100_000_000, lisbon),
	}
	before := ""
	for _, want := range times {
		v, err := stamp(want).Value()
		if err != nil {
			t.Fatal(err)
		}
		text, _ := v.(string)
		if text <= before || len(text) != len(layout) {
			t.Errorf("%s does not come after %s", text, before)
		}
		before = text
		var got stamp
		if err := got.Scan(text); err != nil || !time.Time(got).Equal(want.Truncate(time.Microsecond)) || time.Time(got).Location() != time.UTC {
			t.Errorf("%s came back as %s, %v", want, time.Time(got), err)
		}
	}
	if v, err := (stamp{}).Value(); v != nil || err != nil || (stamp{}).text() != nil {
		t.Errorf("no time is %v, %v", v, err)
	}
	got := stamp(time.Now())
	if err := got.Scan(nil); err != nil || !time.Time(got).IsZero() {
		t.Errorf("NULL is %v, %v", time.Time(got), err)
	}
	for _, bad := range []any{"", "yesterday", int64(4)} {
		if err := got.Scan(bad); err == nil {
			t.Errorf("%v was taken for a time", bad)
		}
	}
}
