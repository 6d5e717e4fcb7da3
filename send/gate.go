package send

import (
	"time"
)

// gate is one domain, or a configured group of them. It is locked with gates.
type gate struct {
	id       string
	fixed    bool          // configured
	most     int           // in flight; 0: no limit
	interval time.Duration // between mails; 0: no limit

	share    float64   // the part of these that it gets, 1 for all
	until    time.Time // nothing goes before
	why      string
	strikes  int       // pauses in a row
	cut      time.Time // when it last got less
	changed  time.Time // when it last got less or more
	taken    int       // answers since then
	putOff   int
	inFlight int
	next     time.Time // when the rate allows the next mail
	pulse    meter
	lines    map[string]*line // by edition
	used     time.Time
}

// line is where deliveries of one edition queue. Those that are near get a time
// each; the others are looked at again when about half of their way is over, as
// the pace may have changed by then.
type line struct {
	next     time.Time // of those that are near
	far      time.Time // how far the others reach
	share    time.Time // when it may have the next mail, if others wait too
	inFlight int
	refused  time.Time // when one was last sent to the end
}

// near is how far ahead deliveries get a time of their own.
const near = 15 * time.Second

// after returns when the next in line may come, spacing apart and not before
// from.
func (l *line) after(now, from time.Time, spacing time.Duration) time.Time {
	l.refused = now
	if l.next.Before(from) {
		l.next = from
	}
	end := from.Add(near)
	if at := l.next; at.Before(end) {
		l.next = at.Add(spacing)
		return at
	}
	if l.far.Before(end) {
		l.far = end
	}
	at := end.Add(min(l.far.Sub(end)/2, longestPause))
	l.far = l.far.Add(spacing)
	return at
}

// slot is what a delivery holds of a gate while it is in flight, or its place
// in the line.
type slot struct {
	gate    *gate
	line    *line
	spacing time.Duration
	at      time.Time // since when
}

func (g *gate) ask(edition string, now time.Time) (slot, time.Time, bool) {
	g.used = now
	l := g.lines[edition]
	if l == nil {
		l = &line{}
		g.lines[edition] = l
	}
	interval := g.spacing()
	others := 1
	contended := false
	for name, other := range g.lines {
		switch {
		case other == l:
		case other.inFlight > 0 || now.Sub(other.refused) < linger:
			others++
			contended = contended || now.Sub(other.refused) < linger
		case now.Sub(other.refused) > forgetAfter && now.After(other.next):
			delete(g.lines, name)
		}
	}
	wait := func(from time.Time, spacing time.Duration) (slot, time.Time, bool) {
		held := slot{g, l, spacing * time.Duration(others), now}
		return held, l.after(now, from, held.spacing), false
	}
	if g.until.After(now) {
		return wait(g.until, max(interval, g.pulse.spacing(50*time.Millisecond)))
	}
	if limit := g.limit(); limit > 0 {
		fair := limit
		if contended {
			fair = max(1, (limit+others-1)/others)
		}
		if g.inFlight >= limit || l.inFlight >= fair {
			// Faster than measured, as what is measured is what this lets pass.
			spacing := max(interval, min(g.pulse.spacing(50*time.Millisecond)/3, 100*time.Millisecond))
			return wait(now.Add(spacing), spacing)
		}
	}
	if interval > 0 {
		if g.next.After(now.Add(interval / 2)) {
			return wait(g.next, interval)
		}
		if contended && l.share.After(now.Add(interval/2)) {
			return wait(l.share, interval)
		}
		l.share = later(l.share, now.Add(-catchUp)).Add(interval * time.Duration(others))
		if earliest := now.Add(-catchUp); g.next.Before(earliest) {
			g.next = earliest
			if interval > catchUp {
				g.next = now
			}
		}
		g.next = g.next.Add(interval)
	}
	g.inFlight++
	l.inFlight++
	return slot{g, l, interval, now}, time.Time{}, true
}

// limit is how many mails may be in flight; 0 for any number.
func (g *gate) limit() int {
	most := g.most
	if g.share < 1 && most == 0 {
		most = usualLimit
	}
	if most == 0 {
		return 0
	}
	return max(1, int(float64(most)*g.share))
}

// spacing is the time between two mails, as the rate and the share say.
func (g *gate) spacing() time.Duration {
	if g.share >= 1 {
		return g.interval
	}
	return time.Duration(float64(g.interval) / g.share)
}

// idle says that a gate may be forgotten.
func (g *gate) idle(now time.Time) bool {
	return !g.fixed && g.inFlight == 0 && now.Sub(g.used) > forgetAfter && now.After(g.until)
}

func (g *gate) pause(answer reply, pause time.Duration, now time.Time) {
	g.until = now.Add(jitter(pause))
	g.why = answer.nameless()
	g.cut, g.changed, g.used = now, now, now
	g.taken, g.putOff = 0, 0
	g.next = g.until
}

// meter measures how many there are in a second.
type meter struct {
	n     int
	since time.Time
	rate  float64
}

func (m *meter) add(n int, now time.Time) {
	if m.since.IsZero() {
		m.since = now
	}
	m.n += n
	if t := now.Sub(m.since); t >= time.Second {
		rate := float64(m.n) / t.Seconds()
		if m.rate > 0 {
			rate = (rate + m.rate) / 2
		}
		m.rate, m.n, m.since = rate, 0, now
	}
}

// spacing is the time between two, usual if that is not known.
func (m *meter) spacing(usual time.Duration) time.Duration {
	if m.rate <= 0 {
		return usual
	}
	return min(time.Duration(float64(time.Second)/m.rate), 10*time.Second)
}
