package config

import (
	"fmt"
	"slices"
	"strings"

	"lede/compose"
)

// condition checks for whom something is: attribute and either is or is_not, or
// one segment.
func (c *checker) condition(at string, w When) {
	if !c.soundCondition(at) {
		return
	}
	ofAttribute := w.Attribute != "" || len(w.Is) > 0 || len(w.IsNot) > 0
	switch {
	case w.Segment != "" && w.Exclude != "" || ofAttribute && (w.Segment != "" || w.Exclude != ""):
		c.complain(at, "make two conditions of it, [{…}, {…}]: both must hold", "a segment stands alone: attribute, segment and exclude are not together in one condition")
	case w.Segment != "" || w.Exclude != "": // whether there is such a segment, choice checks
	case w.Attribute == "":
		c.complain(at+".attribute", "when: {attribute: plan, is: [paid]}, or {segment: regulars}, or {exclude: press}", "missing")
	case len(w.Is) == 0 && len(w.IsNot) == 0:
		c.complain(at, "when: {attribute: plan, is: [paid]}", "is or is_not is missing: the values")
	case len(w.Is) > 0 && len(w.IsNot) > 0:
		c.complain(at+".is_not", "make two conditions of it, [{…}, {…}]: both must hold", "not together with is")
	default:
		if err := w.Condition().Check(); err != nil {
			c.complain(at, "", "%v", err)
			return
		}
		key := "is"
		if len(w.IsNot) > 0 {
			key = "is_not"
		}
		c.typed(at, key, w.Condition())
	}
}

// soundCondition says that all of a condition could be read.
func (c *checker) soundCondition(at string) bool {
	return !slices.ContainsFunc([]string{"", ".attribute", ".is", ".is_not", ".segment", ".exclude"}, func(key string) bool { return !c.sound(at + key) })
}

// whenPath is the path of a section's j-th condition.
func (c *checker) whenPath(at string, i, j int) string {
	path := fmt.Sprintf("%s.sections[%d].when", at, i)
	if one := fmt.Sprintf("%s[%d]", path, j); c.given(one) {
		return one
	}
	return path // written without a list
}

// conditions checks for whom the sections are, and that all of them together
// do not make too many variants.
func (c *checker) conditions(at string, sections []Section) {
	var all []compose.Condition
	for i, section := range sections {
		for j, w := range section.When {
			one := c.whenPath(at, i, j)
			before := len(c.problems)
			c.condition(one, w)
			if len(c.problems) > before || !c.soundCondition(one) {
				continue
			}
			all = append(all, w.Condition())
			if _, err := compose.NewSplit(all); err != nil {
				c.complain(one, "each reader has one variant, and each is a letter of its own", "%v", err)
				return
			}
		}
	}
}

// subjectTest checks the subjects that editions are tried with.
func (c *checker) subjectTest(at string, n *Newsletter) {
	path := at + ".subject_test"
	reader := func(string, string) string { return "" }
	known := []string{strings.TrimSpace(n.Subject)}
	for i, subject := range n.SubjectTest.Subjects {
		one := fmt.Sprintf("%s.subjects[%d]", path, i)
		c.words(one, subject, compose.SubjectWords(), reader)
		switch text := strings.TrimSpace(subject); {
		case !c.given(one):
		case text == "":
			c.complain(one, "", "an empty subject")
		case slices.Contains(known, text):
			c.complain(one, "the newsletter's own subject is the first of the test", "%q stands there twice", text)
		default:
			known = append(known, text)
		}
	}
	switch {
	case len(n.SubjectTest.Subjects) == 0:
		if c.given(path) && c.sound(path+".subjects") {
			c.complain(path, `subject_test: {subjects: ["{newsletter}: {lead}"]}`, "subjects is missing: what is tried beside the newsletter's own subject")
		}
	case len(known) > mostSubjects && c.sound(path+".subjects"):
		c.complain(path+".subjects", "", "%d subjects with the newsletter's own, at most %d", len(known), mostSubjects)
	case c.given(path+".wait") && n.SubjectTest.Wait > longestProof:
		c.complain(path+".wait", "", "%s is more than 24h", n.SubjectTest.Wait)
	case n.StaleAfter > 0 && n.SubjectTest.Wait >= n.StaleAfter && c.sound(path+".wait") && c.sound(at+".stale_after"):
		c.complain(c.oneGiven(path+".wait", at+".stale_after"), "", "wait (%s) is no less than stale_after (%s): the rest would be old news", n.SubjectTest.Wait, n.StaleAfter)
	}
}

// mostSubjects is how many subjects a test may have, the newsletter's own
// counted in: with more each gets too few readers to tell anything.
const mostSubjects = 8
