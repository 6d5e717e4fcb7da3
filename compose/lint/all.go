package lint

import (
	"fmt"
	"slices"
	"strings"

	"lede/compose"
)

// CheckAll examines all letters of an edition as Check does one: those of its
// variants, and each subject of a test. What not all variants have says in its
// place which ones do.
func CheckAll(r compose.Recipe, e compose.Edition, all compose.Rendered, f Facts) []Finding {
	out := Check(r, e.Variant(all.Split, 0), all.Letter, f)
	if len(all.Variants) > 0 {
		out = checkVariants(r, e, all, f, out)
	}
	for i, text := range all.Subjects {
		if i == 0 {
			continue // Check has seen it
		}
		l := all.Letter
		l.Subject = text
		in := letter{recipe: r, edition: e, letter: l, facts: f}
		out = append(out, placed(in.judged(subject(in)), fmt.Sprintf("subject %d of the test", i+1))...)
	}
	if n := len(e.Subjects); n > 0 && n < 1+len(r.SubjectTest) {
		in := letter{facts: f}
		out = append(out, in.judged([]Finding{{
			Rule: "subject-test", Place: "Subject", Clients: "all",
			Message: fmt.Sprintf("%s of the test’s subjects %s the same as another one in this edition; it is tried with %d.", number(1+len(r.SubjectTest)-n), isOrAre(1+len(r.SubjectTest)-n), n),
			Remedy:  "Let each of `subject_test` name something else.",
		}})...)
	}
	return sorted(out)
}

func number(n int) string {
	if n == 1 {
		return "One"
	}
	return fmt.Sprint(n)
}

func isOrAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// checkVariants examines the letters of the variants, each text once, and joins
// what several of them have. first is what variant 0 has.
func checkVariants(r compose.Recipe, e compose.Edition, all compose.Rendered, f Facts, first []Finding) []Finding {
	f.Spam = nil // that was asked about variant 0
	type text struct{ html, text string }
	seen := map[text][]Finding{{all.Letter.HTML, all.Letter.Text}: first}
	var order []Finding
	by := map[Finding][]int{} // the variants that have it
	note := func(variant int, findings []Finding) {
		for _, finding := range findings {
			if _, known := by[finding]; !known {
				order = append(order, finding)
			}
			if !slices.Contains(by[finding], variant) {
				by[finding] = append(by[finding], variant)
			}
		}
	}
	note(0, first)
	for i, l := range all.Variants {
		id := text{l.HTML, l.Text}
		findings, known := seen[id]
		if !known {
			findings = Check(r, e.Variant(all.Split, i+1), l, f)
			seen[id] = findings
		}
		note(i+1, findings)
	}
	var out []Finding
	for _, finding := range order {
		have := by[finding]
		if len(have) < all.Split.Count() && finding.Rule != "spam" {
			out = append(out, placed([]Finding{finding}, "the letter for "+named(all.Split, have))...)
			continue
		}
		out = append(out, finding)
	}
	return out
}

// named names some variants, not more than three of them.
func named(s compose.Split, variants []int) string {
	var names []string
	for _, v := range variants[:min(3, len(variants))] {
		names = append(names, s.Name(v))
	}
	if more := len(variants) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, "; ")
}

// placed says of findings in what they are found.
func placed(findings []Finding, in string) []Finding {
	out := slices.Clone(findings)
	for i := range out {
		out[i].Place = plain(out[i].Place + ", " + in)
	}
	return out
}
