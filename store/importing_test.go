package store_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lede/audience"
	"lede/store"
)

func TestImport(t *testing.T) {
	row := func(i int, name string, attributes ...string) audience.Row {
		r := reader(i)
		r.Name = name
		for j := 0; j+1 < len(attributes); j += 2 {
			if r.Attributes == nil {
				r.Attributes = map[string]string{}
			}
			r.Attributes[attributes[j]] = attributes[j+1]
		}
		return r
	}
	type results = []audience.Result
	cases := []struct {
		name string
		rows [][]audience.Row // one call each, and all once more at the end, which must change nothing
		want results
		then []string // name and attributes afterwards
	}{
		{
			"new",
			[][]audience.Row{{row(1, "Ines"), row(2, "")}},
			results{{New: 2}},
			[]string{"Ines map[]", " map[]"},
		},
		{
			"the same again",
			[][]audience.Row{{row(1, "Ines", "town", "Averne")}, {row(1, "Ines", "town", "Averne")}},
			results{{New: 1}, {Unchanged: 1}},
			[]string{"Ines map[town:Averne]"},
		},
		{
			"a name stays",
			[][]audience.Row{{row(1, "Ines")}, {row(1, "Inês")}},
			results{{New: 1}, {Unchanged: 1}},
			[]string{"Ines map[]"},
		},
		{
			"blanks are filled",
			[][]audience.Row{{row(1, "")}, {row(1, "Ines", "town", "Averne")}},
			results{{New: 1}, {Updated: 1}},
			[]string{"Ines map[town:Averne]"},
		},
		{
			"nothing is blanked",
			[][]audience.Row{{row(1, "Ines", "town", "Averne")}, {row(1, "", "town", "")}},
			results{{New: 1}, {Unchanged: 1}},
			[]string{"Ines map[town:Averne]"},
		},
		{
			"attributes are taken over",
			[][]audience.Row{{row(1, "Ines", "town", "Averne", "berth", "4")}, {row(1, "Ines", "town", "Sandhaven")}},
			results{{New: 1}, {Updated: 1}},
			[]string{"Ines map[berth:4 town:Sandhaven]"},
		},
		{
			"a person twice in a file",
			[][]audience.Row{{row(1, "", "town", "Averne"), row(1, "Ines", "town", "Sandhaven", "berth", "4")}},
			results{{New: 1, Unchanged: 1}},
			[]string{"Ines map[berth:4 town:Averne]"},
		},
		{
			"a known person twice in a file",
			[][]audience.Row{{row(1, "")}, {row(1, "", "town", "Averne"), row(1, "Ines", "town", "Sandhaven")}},
			results{{New: 1}, {Updated: 1, Unchanged: 1}},
			[]string{"Ines map[town:Averne]"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, db database) {
				s := db.open(t)
				for i, rows := range c.rows {
					tried, err := s.ImportRows(ctx(), "harbour", "import", rows, true, now)
					must(t, err)
					got, err := s.ImportRows(ctx(), "harbour", "import", rows, false, now)
					must(t, err)
					if got != c.want[i] || tried != got {
						t.Errorf("call %d: %+v, and dry %+v, want %+v", i, got, tried, c.want[i])
					}
				}
				last := c.rows[len(c.rows)-1]
				again, err := s.ImportRows(ctx(), "harbour", "import", last, false, now.Add(time.Hour))
				must(t, err)
				if again.Unchanged != len(last) {
					t.Errorf("the same file again: %+v", again)
				}
				for i, want := range c.then {
					p, err := s.Person(ctx(), reader(i+1).Key)
					must(t, err)
					if p.Attributes == nil {
						p.Attributes = map[string]string{}
					}
					if got := fmt.Sprintf("%s %v", p.Name, p.Attributes); got != want {
						t.Errorf("person %d: %s, want %s", i+1, got, want)
					}
				}
			})
		})
	}
}

// Nobody is brought back by a file.
func TestImportKeepsOut(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 3)...)
		must(t, s.LeaveList(ctx(), id(t, s, reader(0).Key), "harbour", "button", now))
		must(t, s.Suppress(ctx(), audience.Suppression{Address: reader(1).Address, Reason: "unknown-user", At: now}))
		must(t, s.Suppress(ctx(), audience.Suppression{Address: reader(3).Address, Reason: "complaint", At: now}))
		rows := readers(0, 5)
		for i := range rows {
			rows[i].Attributes = map[string]string{"town": "Averne"}
		}
		rows = append(rows, rows[0], rows[3])
		got, err := s.ImportRows(ctx(), "harbour", "import", rows, false, now)
		must(t, err)
		if want := (audience.Result{New: 1, Updated: 1, KeptOut: 5}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		for _, i := range []int{0, 1} {
			p, err := s.Person(ctx(), reader(i).Key)
			must(t, err)
			if len(p.Attributes) > 0 {
				t.Errorf("reader %d was kept out and changed", i)
			}
		}
		if _, err := s.Person(ctx(), reader(3).Key); err == nil {
			t.Error("a suppressed stranger was stored")
		}
		if n, err := s.Audience(ctx(), "harbour", []string{"harbour"}); err != nil || n != 2 {
			t.Errorf("audience %d, want 2; %v", n, err)
		}
	})
}

func TestImportOnASecondList(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 2)...)
		got, err := s.ImportRows(ctx(), "market", "import", readers(1, 3), false, now)
		must(t, err)
		if want := (audience.Result{New: 1, Updated: 1}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

// Any rows whatever: the count is that of the rows, a dry run counts the same
// and the same call again changes nothing.
func TestImportTwiceIsOnce(t *testing.T) {
	s := database{dsn: engines["sqlite"](t)}.open(t)
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		list := fmt.Sprint("list", n%3)
		rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) audience.Row {
			r := reader(rapid.IntRange(0, 12).Draw(t, "who"))
			r.Name = rapid.SampledFrom([]string{"", "A", "B"}).Draw(t, "name")
			r.Attributes = rapid.MapOfN(rapid.SampledFrom([]string{"x", "y"}), rapid.SampledFrom([]string{"", "1", "2", `"\u0000'`}), 0, 2).Draw(t, "attributes")
			r.Tags = rapid.SliceOfN(rapid.SampledFrom([]string{"t", "u"}), 0, 2).Draw(t, "tags")
			return r
		}), 1, 20).Draw(t, "rows")
		dry := importAll(t, s, list, rows, true)
		got := importAll(t, s, list, rows, false)
		if dry != got || got.New+got.Updated+got.Unchanged+got.KeptOut != len(rows) {
			t.Fatalf("%d rows: %+v, dry %+v", len(rows), got, dry)
		}
		before := everybody(t, s)
		if again := importAll(t, s, list, rows, false); again.Unchanged+again.KeptOut != len(rows) {
			t.Fatalf("again: %+v", again)
		}
		if diff := cmp.Diff(before, everybody(t, s)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func importAll(t *rapid.T, s *store.Store, list string, rows []audience.Row, dry bool) audience.Result {
	kept := make([]map[string]string, len(rows))
	for i, r := range rows {
		kept[i] = maps.Clone(r.Attributes)
	}
	result, err := s.ImportRows(ctx(), list, "import", rows, dry, now)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.EqualFunc(rows, kept, func(r audience.Row, m map[string]string) bool { return maps.Equal(r.Attributes, m) }) {
		t.Fatal("the caller's rows were changed")
	}
	return result
}

func everybody(t *rapid.T, s *store.Store) []audience.Person {
	var people []audience.Person
	for i := range 13 {
		p, err := s.Person(ctx(), reader(i).Key)
		if err == nil {
			people = append(people, p)
		}
	}
	return people
}
