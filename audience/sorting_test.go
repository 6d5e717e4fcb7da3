package audience

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestSorter holds the sorter to a stable sort in memory, with all in one run,
// with runs of some rows, and with a run for each.
func TestSorter(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var rows []Row
	for line := range 500 {
		key := fmt.Sprintf("%s%d@news.example", []string{"a", "reader", "reader-of-"}[random.IntN(3)], random.IntN(150))
		rows = append(rows, Row{Key: key, Address: key, Line: line + 2})
	}
	want := slices.Clone(rows)
	slices.SortStableFunc(want, func(a, b Row) int { return cmp.Compare(a.Key, b.Key) })
	for _, room := range []int{1, 1000, 1 << 20} {
		t.Run(fmt.Sprint(room), func(t *testing.T) {
			s := newSorter(room)
			defer s.close()
			for i := range rows {
				if err := s.add(&rows[i]); err != nil {
					t.Fatal(err)
				}
			}
			if inFile := s.file != nil; inFile != (room < 1<<20) {
				t.Errorf("in a file: %v", inFile)
			}
			var got []Row
			for row, err := range s.sorted() {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, row)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%d rows are not in order", len(got))
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		for row, err := range newSorter(1).sorted() {
			t.Errorf("got %v %v", row, err)
		}
	})
}

// TestSorterSaysWhatFailed: a folder of temporary files that is not there.
func TestSorterSaysWhatFailed(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()+"/none")
	s := newSorter(1)
	err := s.add(&Row{Key: "a@news.example"})
	if err == nil {
		err = s.add(&Row{Key: "b@news.example"})
	}
	if err == nil || !strings.Contains(err.Error(), "TMPDIR names another") {
		t.Errorf("got %v", err)
	}
}

func TestRowCodec(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		when := rapid.Custom(func(t *rapid.T) time.Time {
			if rapid.Bool().Draw(t, "none") {
				return time.Time{}
			}
			return time.Unix(rapid.Int64Range(-1<<33, 1<<33).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).UTC()
		})
		row := Row{
			File: text.Draw(t, "file"), Line: rapid.IntRange(0, 1<<40).Draw(t, "line"), Address: text.Draw(t, "address"), Key: text.Draw(t, "key"), Domain: text.Draw(t, "domain"),
			Name: text.Draw(t, "name"), State: SubscriptionState(text.Draw(t, "state")), Suppress: text.Draw(t, "suppress"),
			Created: when.Draw(t, "created"), Joined: when.Draw(t, "joined"), Left: when.Draw(t, "left"),
			Reason: text.Draw(t, "reason"), Consent: text.Draw(t, "consent"), IP: text.Draw(t, "ip"),
		}
		if attributes := rapid.MapOfN(text, text, 0, 5).Draw(t, "attributes"); len(attributes) > 0 {
			row.Attributes = attributes
		}
		for _, texts := range []*[]string{&row.Tags, &row.OptedOut} {
			if drawn := rapid.SliceOfN(text, 0, 5).Draw(t, "texts"); len(drawn) > 0 {
				*texts = drawn
			}
		}
		b := appendRow(nil, &row)
		got, err := readRow(string(b))
		if err != nil || !reflect.DeepEqual(got, row) {
			t.Fatalf("got %+v %v, want %+v", got, err, row)
		}
		if _, err := readRow(string(b[:len(b)-1])); err == nil {
			t.Fatal("a row cut short is taken")
		}
	})
}

// TestRowCodecIsWhole: a field that is added to a row is not lost on the way.
func TestRowCodecIsWhole(t *testing.T) {
	var row Row
	v := reflect.ValueOf(&row).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Interface().(type) {
		case map[string]string:
			f.Set(reflect.ValueOf(map[string]string{"town": "Port Averne"}))
		case []string:
			f.Set(reflect.ValueOf([]string{"a"}))
		case time.Time:
			f.Set(reflect.ValueOf(time.Unix(1, 0).UTC()))
		case int:
			f.SetInt(1)
		default:
			f.SetString("a")
		}
	}
	if got, err := readRow(string(appendRow(nil, &row))); err != nil || !reflect.DeepEqual(got, row) {
		t.Errorf("got %+v %v, want %+v", got, err, row)
	}
}
