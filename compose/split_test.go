package compose_test

import (
	"maps"
	"slices"
	"testing"

	"lede/compose"
)

// all are the people of every combination.
func all(values map[string][]string) []map[string]string {
	people := []map[string]string{{}}
	for name, of := range values {
		var more []map[string]string
		for _, p := range people {
			for _, v := range of {
				one := maps.Clone(p)
				one[name] = v
				more = append(more, one)
			}
		}
		people = more
	}
	return people
}

// A variant's recipients all meet a condition, or none does.
func TestSplit(t *testing.T) {
	conditions := []compose.Condition{
		{Attribute: "plan", Values: []string{"paid"}},
		{Attribute: "country", Values: []string{"DE", "AT", "CH"}},
		{Attribute: "country", Values: []string{"CH", "FR"}, Not: true},
		{Attribute: "plan", Values: []string{"trial", "paid"}},
		{Segment: "regulars", Where: "opened"},
		{Segment: "regulars", Where: "opened", Not: true},
		{Attribute: "regulars", Values: []string{"regulars"}},
	}
	s, err := compose.NewSplit(conditions)
	if err != nil {
		t.Fatal(err)
	}
	if n := s.Count(); n != 3*4*2*2 {
		t.Errorf("%d variants, want 48", n)
	}
	for _, who := range all(map[string][]string{
		"plan": {"", "paid", "trial", "free"}, "country": {"", "DE", "AT", "CH", "FR", "NL"}, "regulars": {"", "regulars"}, "opened": {"", "yes"},
	}) {
		v := s.Variant(func(attribute string) string { return who[attribute] }, func(where string) bool { return who[where] == "yes" })
		for _, c := range conditions {
			want := slices.Contains(c.Values, who[c.Attribute]) != c.Not
			if c.Segment != "" {
				want = (who["opened"] == "yes") != c.Not
			}
			if s.Meets(v, c) != want {
				t.Errorf("%v: variant %d (%s) meets %v: %t", who, v, s.Name(v), c, !want)
			}
		}
	}
	if name := s.Name(3 * 4); name != "segment regulars" {
		t.Errorf("variant 12 is %q", name)
	}
	if name := s.Name(0); name != "everybody else" {
		t.Errorf("variant 0 is %q", name)
	}
	var many []compose.Condition
	for _, a := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		many = append(many, compose.Condition{Attribute: a, Values: []string{"1"}})
	}
	if _, err := compose.NewSplit(many[:6]); err != nil {
		t.Errorf("64 variants: %v", err)
	}
	if _, err := compose.NewSplit(many); err == nil {
		t.Error("128 variants are no error")
	}
}
