package newsroom

import (
	"context"
	"log/slog"
	"time"
)

// retainEvery is how often the daemon removes what is past its time. The first
// time is a while after its start, when what was unfinished has begun.
const (
	retainEvery = 24 * time.Hour
	retainFirst = 5 * time.Minute
)

// keepRetention removes once a day, by the room's clock, what is past its time.
func (r *Room) keepRetention(ctx context.Context) {
	due := r.Now().Add(retainFirst)
	for sleep(ctx, min(max(due.Sub(r.Now()), time.Millisecond), lookUp)) {
		// A clock that was set back does not put it off for longer than a day.
		if now := r.Now(); !now.Before(due) || due.Sub(now) > retainEvery {
			r.retain(ctx)
			due = r.Now().Add(retainEvery)
		}
	}
}

// retain removes what is past its time now.
func (r *Room) retain(ctx context.Context) {
	gone, err := r.Retention.Remove(ctx, r.Retainer, r.Now())
	counts := []any{
		slog.Int("unsubscribed", gone.Unsubscribed), slog.Int("deliveries", gone.Deliveries), slog.Int("ip", gone.IP),
	}
	if gone.Unsubscribed+gone.Deliveries+gone.IP > 0 {
		r.Log.Info("removed what is past its time", counts...)
	}
	if err != nil && ctx.Err() == nil {
		r.Log.Error("removing what is past its time", "err", err)
	}
}
