package lint_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"lede/compose"
	"lede/compose/lint"
)

func TestCheckAll(t *testing.T) {
	split, err := compose.NewSplit([]compose.Condition{{Attribute: "plan", Values: []string{"paid"}}, {Attribute: "plan", Values: []string{"gift"}}})
	if err != nil {
		t.Fatal(err)
	}
	big := func(l *compose.Letter) {
		l.HTML = strings.Replace(l.HTML, "<p>", "<p title='"+strings.Repeat("x", 101_000)+"'>", 1)
	}
	tests := []struct {
		name     string
		variants [3]func(*compose.Letter)
		subjects []string // as read, of the edition and of the letters
		tested   int      // the newsletter's further subjects
		want     []string // severity rule place
	}{
		{"sound", [3]func(*compose.Letter){}, nil, 0, nil},
		{"one variant", [3]func(*compose.Letter){1: func(l *compose.Letter) { l.HTML = strings.Replace(l.HTML, ` lang="en"`, "", 1) }}, nil, 0, []string{"html-lang … the letter for plan paid"}},
		{"two variants", [3]func(*compose.Letter){1: big, 2: big}, nil, 0, []string{"html-size … the letter for plan paid; plan gift"}},
		{"all variants", [3]func(*compose.Letter){big, big, big}, nil, 0, []string{"html-size …"}},
		{"a subject of the test", [3]func(*compose.Letter){}, []string{"Nine nights", "STORM OVER THE HARBOUR"}, 1, []string{"subject-shouting … subject 2 of the test"}},
		{"a subject that ran", [3]func(*compose.Letter){}, []string{"Nine nights", "Oyster beds reopen"}, 1, []string{"subject-repeated … subject 2 of the test"}},
		{"subjects that read the same", [3]func(*compose.Letter){}, []string{"Nine nights", "Storm"}, 2, []string{"subject-test …"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, e, l, f := sound()
			all := compose.Rendered{Split: split}
			for i, change := range tt.variants {
				v := l
				if change != nil {
					change(&v)
				}
				if i == 0 {
					all.Letter = v
				} else {
					all.Variants = append(all.Variants, v)
				}
			}
			if len(tt.subjects) > 0 {
				all.Subjects, e.Subjects, all.Letter.Subject = tt.subjects, tt.subjects, tt.subjects[0]
				r.SubjectTest = make([]string, tt.tested)
			}
			var got []string
			for _, finding := range lint.CheckAll(r, e, all, f) {
				_, in, found := strings.Cut(finding.Place, ", ")
				line := finding.Rule + " …"
				if found && (strings.HasPrefix(in, "the letter") || strings.HasPrefix(in, "subject")) {
					line += " " + in
				}
				got = append(got, line)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	r, e, l, f := sound()
	if got, want := fmt.Sprint(lint.CheckAll(r, e, compose.Rendered{Letter: l}, f)), fmt.Sprint(lint.Check(r, e, l, f)); got != want {
		t.Errorf("of one letter CheckAll says %s, Check %s", got, want)
	}
}
