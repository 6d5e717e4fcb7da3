package compose_test

import (
	"slices"
	"testing"

	"lede/compose"
)

// A variant's recipients all meet a condition, or none does.
func TestSplit(t *testing.T) {
	conditions := []compose.Condition{
		{Attribute: "plan", Values: []string{"paid"}},
		{Attribute: "country", Values: []string{"DE", "AT", "CH"}},
		{Attribute: "country", Values: []string{"CH", "FR"}, Not: true},
		{Attribute: "plan", Values: []string{"trial", "paid"}},
	}
	s, err := compose.NewSplit(conditions)
	if err != nil {
		t.Fatal(err)
	}
	if n := s.Count(); n != 3*4 {
		t.Errorf("%d variants, want 12", n)
	}
	for _, plan := range []string{"", "paid", "trial", "free"} {
		for _, country := range []string{"", "DE", "AT", "CH", "FR", "NL"} {
			of := func(attribute string) string { return map[string]string{"plan": plan, "country": country}[attribute] }
			v := s.Variant(of)
			for _, c := range conditions {
				if want := slices.Contains(c.Values, of(c.Attribute)) != c.Not; s.Meets(v, c) != want {
					t.Errorf("plan %q, country %q: variant %d (%s) meets %v: %t", plan, country, v, s.Name(v), c, !want)
				}
			}
		}
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
