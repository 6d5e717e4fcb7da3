package newsroom

import (
	"context"
	"fmt"
	"time"

	"lede/compose"
)

// Report tells what became of an edition. The audience is the sum of pending,
// sent, deferred, failed, in doubt and skipped.
type Report struct {
	Edition    string `json:"edition"`
	Newsletter string `json:"newsletter"`
	State      State  `json:"state"`
	Sums
	Started  *time.Time             `json:"started"`
	Finished *time.Time             `json:"finished"`
	Next     *time.Time             `json:"next,omitempty"` // when the earliest of the pending mails is due
	Last     *time.Time             `json:"last,omitempty"` // when the latest of them is
	At       time.Time              `json:"at"`             // when this was counted
	Slot     time.Time              `json:"slot"`
	ByHand   bool                   `json:"by_hand"`
	Subject  string                 `json:"subject,omitempty"`
	Why      string                 `json:"why,omitempty"`
	Reasons  []Reason               `json:"reasons,omitempty"`
	Changes  []Change               `json:"changes,omitempty"`
	Sources  []compose.SourceReport `json:"sources,omitempty"`
	Variants []VariantSums          `json:"variants,omitempty"` // none where all get the same letter
	Test     *TestReport            `json:"test,omitempty"`     // of subjects
}

// Left says whether something of the edition is not done: mails to come, or
// mails that were refused or are in doubt.
func (r Report) Left() bool {
	return r.Pending+r.Deferred+r.Failed+r.InDoubt > 0
}

// Report counts an edition.
func (r *Room) Report(ctx context.Context, id string) (Report, error) {
	rec, err := r.Editions.Edition(ctx, id)
	if err != nil {
		return Report{}, err
	}
	report, err := r.summary(ctx, rec)
	if err != nil {
		return Report{}, err
	}
	if report.Reasons, err = r.Editions.Undelivered(ctx, rec.ID); err != nil {
		return Report{}, fmt.Errorf("edition %s: reading reasons: %w", rec.ID, err)
	}
	if report.Changes, err = r.Editions.History(ctx, rec.ID); err != nil {
		return Report{}, fmt.Errorf("edition %s: reading its history: %w", rec.ID, err)
	}
	if report.Variants, report.Test, err = r.GroupsOf(ctx, rec); err != nil {
		return Report{}, err
	}
	if rec.Content != nil {
		report.Subject, report.Sources = rec.Content.Subject, rec.Content.Sources
	}
	return report, nil
}

// Reports lists editions, newest slot first; of all newsletters when newsletter
// is empty, at most limit when that is positive.
func (r *Room) Reports(ctx context.Context, newsletter string, limit int) ([]Report, error) {
	recs, err := r.Editions.List(ctx, newsletter, limit)
	if err != nil {
		return nil, fmt.Errorf("listing editions: %w", err)
	}
	reports := make([]Report, 0, len(recs))
	for _, rec := range recs {
		report, err := r.summary(ctx, rec)
		if err != nil {
			return nil, err
		}
		reports = append(reports, report)
	}
	return reports, nil
}

func (r *Room) summary(ctx context.Context, rec Record) (Report, error) {
	sums, err := r.Editions.Sums(ctx, rec.ID)
	if err != nil {
		return Report{}, fmt.Errorf("edition %s: counting: %w", rec.ID, err)
	}
	var ahead Ahead
	if sums.Pending > 0 {
		if ahead, err = r.ahead(ctx, rec.ID); err != nil {
			return Report{}, err
		}
	}
	return Report{
		At: r.Now(), Next: timePtr(ahead.Next), Last: timePtr(ahead.Last),
		Edition: rec.ID, Newsletter: rec.Newsletter, State: rec.State, Sums: sums,
		Started: timePtr(rec.Started), Finished: timePtr(rec.Finished), Slot: rec.Slot, ByHand: rec.ByHand, Why: rec.Why,
	}, nil
}

func timePtr(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
