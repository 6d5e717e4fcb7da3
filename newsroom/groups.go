package newsroom

import (
	"context"
	"fmt"
	"time"
)

// VariantSums is one variant of an edition and what became of its letters.
type VariantSums struct {
	Variant int    `json:"variant"`
	Name    string `json:"name"` // for whom it is
	Sums
}

// TestReport tells how the test of an edition's subjects stands.
type TestReport struct {
	Share     int           `json:"share"` // percent of the readers
	Until     *time.Time    `json:"until"` // when the wait for a choice is over
	Otherwise string        `json:"otherwise"`
	Chosen    int           `json:"chosen"` // from 1; 0: nobody chose yet
	Subjects  []SubjectSums `json:"subjects"`
	Rest      Sums          `json:"rest"` // of those who get the one that is chosen
}

// SubjectSums is one of the subjects that are tested and what became of its
// letters in the test.
type SubjectSums struct {
	Number  int    `json:"number"`
	Subject string `json:"subject"`
	Sums
}

// addTo adds a group's sums.
func (s Sums) addTo(all *Sums) {
	all.Audience += s.Audience
	all.Pending += s.Pending
	all.Sent += s.Sent
	all.Deferred += s.Deferred
	all.Failed += s.Failed
	all.InDoubt += s.InDoubt
	all.Skipped += s.Skipped
}

// GroupsOf counts an edition's letters by variant and by subject; both are nil
// where there is one letter for all. Subjects stand as they are read, without
// the tokens of fields.
func (r *Room) GroupsOf(ctx context.Context, rec Record) ([]VariantSums, *TestReport, error) {
	v := rec.Variants
	if v == nil {
		return nil, nil, nil
	}
	groups, err := r.Editions.Groups(ctx, rec.ID)
	if err != nil {
		return nil, nil, fmt.Errorf("edition %s: counting variants: %w", rec.ID, err)
	}
	var variants []VariantSums
	if v.Split.Count() > 1 {
		for i := range v.Split.Count() {
			variants = append(variants, VariantSums{Variant: i, Name: v.Split.Name(i)})
		}
	}
	var test *TestReport
	if v.Test != nil {
		test = &TestReport{Share: v.Test.Share, Until: timePtr(v.Test.Until), Otherwise: v.Test.Otherwise, Chosen: rec.Chosen}
		for i := range v.Subjects {
			test.Subjects = append(test.Subjects, SubjectSums{Number: i + 1, Subject: rec.SubjectAsRead(i + 1)})
		}
	}
	for _, g := range groups {
		if g.Variant < len(variants) {
			g.addTo(&variants[g.Variant].Sums)
		}
		switch {
		case test == nil || g.Subject > len(test.Subjects):
		case g.Subject == 0:
			g.addTo(&test.Rest)
		default:
			g.addTo(&test.Subjects[g.Subject-1].Sums)
		}
	}
	return variants, test, nil
}

// SubjectAsRead is a subject of an edition's test (from 1) without the tokens of
// fields.
func (r Record) SubjectAsRead(n int) string {
	if r.Content != nil && n <= len(r.Content.Subjects) {
		return r.Content.Subjects[n-1]
	}
	return r.Variants.Subjects[n-1]
}
