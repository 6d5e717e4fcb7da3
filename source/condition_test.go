package source

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWhen(t *testing.T) {
	paid := Condition{Attribute: "plan", Values: []string{"paid"}}
	tests := []struct {
		name  string
		front string // of the file, from its second line on
		want  []Condition
		err   string
	}{
		{"none", "title: x", nil, ""},
		{"empty", "when:", nil, ""},
		{"one", "when: {attribute: plan, is: [paid]}", []Condition{paid}, ""},
		{"one value without brackets", "when: {attribute: plan, is: paid}", []Condition{paid}, ""},
		{"not", "when: {attribute: country, is_not: [DE, AT]}", []Condition{{Attribute: "country", Values: []string{"DE", "AT"}, Not: true}}, ""},
		{"a segment", "when: {segment: regulars}", []Condition{{Segment: "regulars"}}, ""},
		{"all but a segment", "when: [{exclude: press}]", []Condition{{Segment: "press", Not: true}}, ""},
		{"a segment with more", "when: {segment: regulars, attribute: plan, is: paid}", nil, "segment or exclude stands alone"},
		{"a segment without a name", "when: {segment: ''}", nil, "the id of the segment is missing"},
		{"several", "when:\n  - attribute: plan\n    is: [paid]\n  - {attribute: age, is: 7}", []Condition{paid, {Attribute: "age", Values: []string{"7"}}}, ""},
		{"a text", "when: paid", nil, "a.md:2: when: wants a condition, such as {attribute: plan, is: [paid]}"},
		{"without values", "title: x\nwhen: {attribute: plan}", nil, "a.md:3: when: is or is_not is missing"},
		{"with no values", "when: {attribute: plan, is: []}", nil, "the values of plan are missing"},
		{"without an attribute", "when: {is: [paid]}", nil, "the name of the attribute is missing"},
		{"both", "when: {attribute: plan, is: [a], is_not: [b]}", nil, "is and is_not together"},
		{"twice the same", "when: {attribute: plan, attribute: place, is: [a]}", nil, "attribute stands there twice"},
		{"another key", "when: {attribute: plan, isnt: [a]}", nil, "isnt is unknown here"},
		{"a list of lists", "when: [[a]]", nil, "wants a condition"},
		{"values of values", "when: {attribute: plan, is: [[a]]}", nil, "wants one value"},
		{"a bad name", "when: {attribute: '{{x}}', is: [a]}", nil, "is no name of an attribute"},
		{"too many", "when: [" + strings.Repeat("{attribute: a, is: b},", 11) + "]", nil, "more than 10 conditions"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := &folder{root: noFiles(t), path: "stories", zone: time.UTC}
			s, err := f.story("a.md", []byte("---\n"+tt.front+"\n---\n# Head\n\nText."), time.Unix(0, 0))
			switch {
			case tt.err == "" && err != nil:
				t.Fatal(err)
			case tt.err == "":
				if diff := cmp.Diff(tt.want, s.When); diff != "" {
					t.Error(diff)
				}
			case err == nil || !strings.Contains(err.Error(), tt.err):
				t.Errorf("got %v, want %q in it", err, tt.err)
			}
		})
	}
}
