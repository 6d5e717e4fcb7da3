package newsroom

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Timing is when the mails of an edition leave. The zero Timing: all at once.
type Timing struct {
	Spread    time.Duration // evenly over this time; at most a day
	LocalTime bool          // at the slot's time on each reader's own clock; not together with Spread
}

const (
	// lastGrace is how long an edition goes on by itself after its last mail
	// was due, for those that are put off.
	lastGrace = 2 * time.Hour
	// quiet is a pause between mails after which the desk is told how it went
	// so far.
	quiet = 15 * time.Minute
	// soon is what is as good as due: a mail that only waits for its turn.
	soon = time.Minute
)

// timing is how the mails of an ordered edition leave. A send by hand means
// now, whatever the newsletter's slots do.
func (o Order) timing(n Newsletter) Timing {
	if o.ByHand {
		return o.Timing
	}
	return n.Timing
}

// Window returns when the first mails of an edition are due that begins at now,
// and the time after which none is due for the first time.
func (t Timing) Window(slot, now time.Time, zone *time.Location) (start, last time.Time) {
	switch {
	case t.LocalTime:
		// Nowhere is it earlier than twelve hours behind UTC.
		return slot, later(slot, instant(floating(slot.In(zone)), time.FixedZone("", -12*60*60)))
	case t.Spread > 0:
		// A slot that begins late has its whole window.
		start = later(slot, now)
		return start, start.Add(t.Spread)
	}
	return slot, slot
}

// local returns when somebody in a zone is due: when the clock there shows what
// the newsletter's shows at the slot, and never before the slot. A zone that
// is not known is the newsletter's.
func local(slot time.Time, zone *time.Location) func(string) time.Time {
	wall := floating(slot.In(zone))
	return func(name string) time.Time {
		name = strings.TrimSpace(name)
		there, err := time.LoadLocation(name)
		if err != nil || name == "" || name == "Local" {
			return slot
		}
		return later(slot, instant(wall, there).UTC())
	}
}

// due sets when the mails of an edition leave.
func (t Timing) due(c *Content, slot, now time.Time, zone *time.Location) {
	c.Start, _ = t.Window(slot, now, zone)
	c.Spread = t.Spread
	if t.LocalTime {
		c.Local = local(slot, zone)
	}
}

// staleAt is the instant from which an edition goes on only by hand: the
// newsletter's stale_after, else its next slot, and never later than a day. A
// slot so soon after an edition by hand that it will be skipped does not count.
// While mails are due for the first time, and a while after, none is stale.
func staleAt(n Newsletter, o Order, now time.Time) time.Time {
	at := o.Slot.Add(24 * time.Hour)
	if n.StaleAfter > 0 {
		at = earlier(o.Slot.Add(n.StaleAfter), at)
	} else if n.Schedule != nil {
		from := o.Slot
		if o.ByHand {
			from = from.Add(n.MinGap)
		}
		if following := NextSlot(n.Schedule, from, n.Recipe.Zone, n.NotOn); !following.IsZero() {
			at = earlier(following, at)
		}
	}
	if t := o.timing(n); t != (Timing{}) {
		_, last := t.Window(o.Slot, now, n.Recipe.Zone)
		at = later(at, last.Add(lastGrace))
	}
	if len(n.Recipe.SubjectTest) > 0 {
		_, last := o.timing(n).Window(o.Slot, now, n.Recipe.Zone)
		at = later(at, last.Add(n.SubjectTest.Wait+lastGrace))
	}
	return at
}

// ahead tells when the edition's pending mails are due.
func (r *Room) ahead(ctx context.Context, id string) (Ahead, error) {
	ahead, err := r.Editions.Ahead(ctx, id, r.Now())
	if err != nil {
		return Ahead{}, fmt.Errorf("edition %s: looking when its mails are due: %w", id, err)
	}
	return ahead, nil
}

// Within says whether a mail is due within span from now.
func (a Ahead) Within(span time.Duration, now time.Time) bool {
	return !a.Next.IsZero() && !a.Next.After(now.Add(span))
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
