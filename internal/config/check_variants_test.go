package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestVariants(t *testing.T) {
	values := func(n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf("{kind: note, when: {attribute: plan, is: [v%d]}}", i))
		}
		return "[" + strings.Join(all, ", ") + "]"
	}
	at := "newsletters[0]."
	for _, tt := range []struct{ name, more, want string }{
		{"both", "sections: [{when: {attribute: plan, is: [a], is_not: [b]}}]", at + "sections[0].when.is_not: not together with is"},
		{"neither", "sections: [{when: {attribute: plan}}]", at + "sections[0].when: is or is_not is missing"},
		{"a segment that there is not", "sections: [{when: {segment: regular}}]", at + "sections[0].when.segment: there is no segment \"regular\""},
		{"one to leave out that there is not", "sections: [{when: [{exclude: regular}]}]", at + "sections[0].when[0].exclude: there is no segment"},
		{"a segment with an attribute", "sections: [{when: {segment: a, attribute: plan, is: [a]}}]", at + "sections[0].when: a segment stands alone"},
		{"two segments", "sections: [{when: {segment: a, exclude: b}}]", at + "sections[0].when: a segment stands alone"},
		{"no attribute", "sections: [{when: {is: [a]}}]", at + "sections[0].when.attribute: missing"},
		{"the second of two", "sections: [{when: [{attribute: plan, is: [a]}, {attribute: plan}]}]", at + "sections[0].when[1]: is or is_not is missing"},
		{"a value that is no list", "sections: [{when: {attribute: plan, is: a}}]", "a list of one is written [value]"},
		{"a bad name", "sections: [{when: {attribute: 'a|b', is: [a]}}]", `"a|b" is no name of an attribute`},
		{"a value twice", "sections: [{when: {attribute: plan, is: [a, a]}}]", `"a" stands twice among the values of plan`},
		{"another word", "sections: [{when: {attribute: plan, isnot: [a]}}]", `did you mean "is_not"?`},
		{"too many variants", "sections: " + values(64), "sections[63].when: too many variants: conditions on plan make more than 64"},
		{"a test of nothing", "subject_test: {share: 10}", at + "subject_test: subjects is missing"},
		{"the same subject", `subject_test: {subjects: ["{lead}"]}`, at + `subject_test.subjects[0]: "{lead}" stands there twice`},
		{"a subject twice", `subject_test: {subjects: [One, One]}`, at + `subject_test.subjects[1]: "One" stands there twice`},
		{"an unknown word", `subject_test: {subjects: ["{laed}"]}`, "{laed}: unknown word, did you mean {lead}?"},
		{"an empty subject", `subject_test: {subjects: [" "]}`, "an empty subject"},
		{"too many subjects", "subject_test: {subjects: [a, b, c, d, e, f, g, h]}", "9 subjects with the newsletter's own, at most 8"},
		{"a share of nobody", "subject_test: {subjects: [a], share: 0}", at + "subject_test.share: "},
		{"an endless wait", "subject_test: {subjects: [a], wait: 25h}", at + "subject_test.wait: 25h is more than 24h"},
		{"a wait past its time", "subject_test: {subjects: [a], wait: 3h}\nstale_after: 2h", "wait (3h) is no less than stale_after (2h)"},
		{"otherwise something", "subject_test: {subjects: [a], otherwise: best}", at + "subject_test.otherwise: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(write(t, small+"    "+strings.ReplaceAll(tt.more, "\n", "\n    ")+"\n"), nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
	n := load(t, small+`
    subject_test: {subjects: ["{name|Reader}, {lead}"], share: 50, wait: 90m, otherwise: hold}
    sections:
      - {kind: sponsor, when: {attribute: plan, is_not: [paid, gift]}}
      - {kind: note, when: [{attribute: plan, is: [paid]}, {attribute: place, is: [Holm]}]}
`).Newsletters[0]
	want := SubjectTest{Subjects: []string{"{name|Reader}, {lead}"}, Share: 50, Wait: Duration(90 * time.Minute), Otherwise: "hold"}
	if diff := cmp.Diff(want, n.SubjectTest); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]When{{Attribute: "plan", IsNot: []string{"paid", "gift"}}}, n.Sections[0].When); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]When{{Attribute: "plan", Is: []string{"paid"}}, {Attribute: "place", Is: []string{"Holm"}}}, n.Sections[1].When); diff != "" {
		t.Error(diff)
	}
}
