package newsroom

import (
	"context"
	"log/slog"
	"time"

	"lede/compose"
	"lede/send"
	"lede/source"
)

// Gatherer reads sources.
type Gatherer interface {
	Gather(ctx context.Context, specs []source.Spec, zone *time.Location) []source.Reading
	Picture(ctx context.Context, spec source.Spec, img source.Image) (source.Picture, error)
}

// Dispatcher delivers through relays.
type Dispatcher interface {
	Deliver(ctx context.Context, j send.Job) (send.Status, error)
	Post(ctx context.Context, relay, from string, to []string, mail []byte) error
}

// Recoverer deals with what a dead sender left behind.
type Recoverer interface {
	Recover(ctx context.Context, edition string, hold bool, now time.Time) (int, error)
}

// Room is where editions are made. Its fields are set once, before use.
type Room struct {
	Editions   Editions
	Memory     Memory
	Pictures   Pictures
	Agenda     Agenda
	Ledger     Recoverer
	Gatherer   Gatherer
	Dispatcher Dispatcher
	LocalRelay map[string]bool // ids of the relays on loopback, for which no page need be reachable
	Render     func(n Newsletter, e compose.Edition) (compose.Letter, error)
	Reachable  func(ctx context.Context, n Newsletter) error // whether the pages that mails link to answer as ours; nil: not asked
	NewID      func() string                                 // random edition ids
	Now        func() time.Time
	By         string // who is at work, for the record: "daemon", "send"
	Log        *slog.Logger
	Progress   func(Sums)    // told now and then while delivering; nil for nobody
	PollEvery  time.Duration // how often the daemon looks for editions that others stored; 0: a second
}

// memoryTime is how long the whole text of a story that ran is compared.
const memoryTime = 180 * 24 * time.Hour

// staleAt is the instant from which an edition goes on only by hand: the
// newsletter's stale_after, else its next slot, and never later than a day. A
// slot so soon after an edition by hand that it will be skipped does not count.
func staleAt(n Newsletter, o Order) time.Time {
	day := o.Slot.Add(24 * time.Hour)
	if n.StaleAfter > 0 {
		return earlier(o.Slot.Add(n.StaleAfter), day)
	}
	if n.Schedule == nil {
		return day
	}
	from := o.Slot
	if o.ByHand {
		from = from.Add(n.MinGap)
	}
	following := NextSlot(n.Schedule, from, n.Recipe.Zone, n.NotOn)
	if following.IsZero() {
		return day
	}
	return earlier(following, day)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
