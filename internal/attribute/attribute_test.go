package attribute_test

import (
	"strings"
	"testing"

	"lede/internal/attribute"
)

func TestCheck(t *testing.T) {
	many := strings.Split(strings.Repeat("x ", 51), " ")[:51]
	tests := []struct {
		name      string
		attribute string
		values    []string
		want      string // in the error; empty: none
	}{
		{"one value", "plan", []string{"paid"}, ""},
		{"several", "country", []string{"DE", "AT"}, ""},
		{"in another script", "план", []string{"платный"}, ""},
		{"with marks", "पता", []string{"घर"}, ""},
		{"of two words", "favourite_tide", []string{"spring tide"}, ""},
		{"no name", "", []string{"paid"}, "the name of the attribute is missing"},
		{"a template's words", "{{.Title}}", []string{"paid"}, "is no name of an attribute"},
		{"a blank first", " plan", []string{"paid"}, "is no name of an attribute"},
		{"a blank last", "plan ", []string{"paid"}, "is no name of an attribute"},
		{"a line break", "pl\nan", []string{"paid"}, `"pl\nan" is no name of an attribute`},
		{"an endless name", strings.Repeat("a", 1000), []string{"paid"}, "is no name of an attribute"},
		{"no values", "plan", nil, "the values of plan are missing"},
		{"an empty value", "plan", []string{""}, "an empty value of plan"},
		{"a value twice", "plan", []string{"paid", "paid"}, `"paid" stands twice`},
		{"a line break in a value", "plan", []string{"pa\nid"}, "is no value of plan"},
		{"blanks around a value", "plan", []string{"paid "}, "is no value of plan"},
		{"an endless value", "plan", []string{strings.Repeat("a", 201)}, "is no value of plan"},
		{"too many values", "plan", many, "51 values of plan, at most 50"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := attribute.Check(tt.attribute, tt.values)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("got %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}
