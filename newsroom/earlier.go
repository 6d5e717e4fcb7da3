package newsroom

import (
	"context"
	"fmt"
	"time"

	"lede/compose"
)

// earlier returns the editions that the newsletter's sections of kind archive
// tell of: for each the one that ran nearest to as long ago as it says, of those
// that were sent.
func (r *Room) earlier(ctx context.Context, n Newsletter, slot time.Time) ([]compose.Edition, error) {
	var records []Record
	var slots []time.Time
	var editions []compose.Edition
	for _, rule := range n.Recipe.Sections {
		if rule.Kind != compose.ArchiveKind {
			continue
		}
		if records == nil {
			var err error
			if records, err = r.Editions.List(ctx, n.ID, 0, Done); err != nil {
				return nil, fmt.Errorf("newsletter %s: listing earlier editions: %w", n.ID, err)
			}
			for _, record := range records {
				slots = append(slots, record.Slot)
			}
		}
		i := rule.Ago.Nearest(slot, slots)
		if i < 0 {
			continue
		}
		record, err := r.Editions.Edition(ctx, records[i].ID)
		if err != nil {
			return nil, fmt.Errorf("newsletter %s: reading edition %s for the archive: %w", n.ID, records[i].ID, err)
		}
		if record.Content != nil {
			editions = append(editions, *record.Content)
		}
	}
	return editions, nil
}
