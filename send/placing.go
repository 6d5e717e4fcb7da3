package send

import (
	"slices"
	"time"
)

const (
	// soon is how long a delivery waits for a relay that is being connected to.
	soon = 250 * time.Millisecond
	// silence is how long the other relays of a group wait for one that does not
	// answer, so that each gets its share: less than linger, after which their
	// lanes leave.
	silence = 2 * time.Second
	// A delivery whose relays are all closed is looked at again within this.
	longestWait = 5 * time.Minute
)

// placing decides, for one try of a claim, which relay takes each delivery that
// is due, or when it is looked at again. What it reserves is given back when
// the claim fails.
type placing struct {
	chart  *chart
	now    time.Time
	berths []berth
	credit map[*group][]int // as it was
	taken  []reservation
	queued []slot
	passed int // deliveries that have to wait
	wanted []*gateway
	why    *Trouble // why a delivery waits for all its relays
}

// berth is a relay during one claim.
type berth struct {
	g       *gateway
	present bool      // lanes of it can send
	usable  bool      // it works, and its day is not full
	room    int       // deliveries that it can still get
	began   time.Time // when its lanes began to connect
	line    *line
	before  line // as it was
	spacing time.Duration
}

// reservation is what one delivery that was placed holds.
type reservation struct {
	slot  slot
	quota *quota
}

// limit trims what the rounds wish for to what may be claimed now, and returns
// the sum. The desk is locked.
func (k *desk) limit(now time.Time) (want int) {
	usable := false
	for _, r := range k.rounds {
		if r.room > 0 {
			k.trim(r, r.g.quota.left(now))
		}
	}
	if len(k.windows) > 0 && !k.dry {
		for _, g := range k.chart.relays {
			_, _, spent := g.spent(now)
			usable = usable || !spent
		}
		if !usable {
			// No day has room for another mail: the rest goes tomorrow.
			k.dry = true
			k.endIfDry()
		}
	}
	if only := k.chart.only(); only != nil && len(k.chart.relays) > 1 {
		k.share(only)
	}
	for _, r := range k.rounds {
		want += r.room
	}
	return want
}

// share trims the rounds of a group so that each gets its share, and none more
// because it is faster; failover relays get nothing while a member works.
func (k *desk) share(only *group) {
	present, left := map[*gateway]bool{}, map[*gateway]int{}
	for _, r := range k.rounds {
		if slices.Contains(only.members, r.g) && r.joining(k) {
			for _, r := range k.rounds {
				k.trim(r, 0)
			}
			return
		}
		if slices.Contains(only.members, r.g) && r.present(k) && !r.silent(k) {
			if t, _ := r.g.closed(time.Now()); t == nil {
				present[r.g], left[r.g] = true, r.room
			}
		}
	}
	if len(present) == 0 {
		return
	}
	may := func(g *gateway) bool { return present[g] }
	only.mu.Lock()
	credit := slices.Clone(only.credit)
	only.mu.Unlock()
	got := map[*gateway]int{}
	for {
		i := only.turn(credit, may)
		if left[only.members[i]] == 0 {
			break
		}
		only.take(credit, i, may)
		left[only.members[i]]--
		got[only.members[i]]++
	}
	for _, r := range k.rounds {
		k.trim(r, got[r.g])
	}
}

// trim lets a round wish for no more than most. The desk is locked.
func (k *desk) trim(r *round, most int) {
	for _, w := range k.windows {
		if r.room <= most {
			return
		}
		if w.round == r {
			less := min(w.wished, r.room-most)
			w.wished -= less
			r.room -= less
		}
	}
}

// present says that a lane of the round can send. The desk is locked.
func (r *round) present(k *desk) bool {
	here := !r.stopping && !r.ended && slices.ContainsFunc(k.windows, func(w *window) bool { return w.round == r && (w.taking || w.held > 0) && !w.gone })
	r.joined = r.joined || here
	return here
}

// joining says that the round's first lane is still connecting, and not for
// long. The desk is locked.
func (r *round) joining(k *desk) bool {
	return !r.joined && !r.stopping && !r.present(k) && r.manned(k) && time.Since(r.began) < silence
}

// silent says that all lanes of the round wait for answers that take too long.
// The desk is locked.
func (r *round) silent(k *desk) bool {
	silent := false
	for _, w := range k.windows {
		if w.round != r || w.gone || !w.taking && w.held == 0 {
			continue
		}
		if w.busy.IsZero() || time.Since(w.busy) <= silence {
			return false
		}
		silent = true
	}
	return silent
}

// manned says that the round has lanes. The desk is locked.
func (r *round) manned(k *desk) bool {
	return slices.ContainsFunc(k.windows, func(w *window) bool { return w.round == r && !w.gone })
}

// placing begins a claim; nil when every delivery can go at once.
func (k *desk) placing(now time.Time, scout bool) *placing {
	c := k.chart
	if len(c.relays) == 1 && !c.relays[0].quota.limited() && c.gates.count.Load() == 0 {
		return nil
	}
	p := &placing{chart: c, now: now, credit: map[*group][]int{}}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, g := range c.relays {
		b := berth{g: g}
		t, _ := g.closed(now)
		b.usable = t == nil
		b.line = &line{}
		b.spacing = soon
		for _, r := range k.rounds {
			if r.g != g {
				continue
			}
			b.usable = b.usable && !(r.stopping && r.manned(k))
			b.began = r.began
			b.present = !scout && r.present(k)
			b.room = r.room
			b.line, b.before = &r.line, r.line
			b.spacing = r.pulse.spacing(50*time.Millisecond) * 2 / 3
		}
		p.berths = append(p.berths, b)
	}
	return p
}

// place is Claim.Place.
func (p *placing) place(d *Delivery) (until time.Time, ok bool) {
	held, until, ok := p.chart.gates.ask(p.chart.edition, d.Domain, p.now)
	if !ok {
		p.queued = append(p.queued, held)
		p.passed++
		return until, false
	}
	b, until := p.berth(p.chart.route(d), d)
	if b == nil || b.g.quota.limited() && !b.g.quota.take(p.now) {
		if held.gate != nil {
			p.chart.gates.leave(held, false, p.now)
		}
		p.passed++
		if b != nil {
			until = p.now.Add(soon)
		}
		return until, false
	}
	b.room--
	took := reservation{slot: held}
	d.Relay, d.slot = b.g.relay.ID, held
	if b.g.quota.limited() {
		took.quota, d.counted = &b.g.quota, true
	}
	if took != (reservation{}) {
		p.taken = append(p.taken, took)
	}
	return time.Time{}, true
}

// berth finds the relay for a delivery, or until when it waits.
func (p *placing) berth(g *group, d *Delivery) (b *berth, until time.Time) {
	// Who was put off stays with the relay: for the receiver's greylisting
	// another one would be another stranger.
	if d.LastRelay != "" && d.Attempt > 1 {
		if b := p.find(d.LastRelay); b != nil && b.usable && g.has(b.g) {
			switch {
			case b.present && b.room > 0:
				return b, time.Time{}
			case b.present && slices.Contains(g.members, b.g):
				return nil, b.wait(p.now)
			case !b.present && (b.began.IsZero() || p.now.Sub(b.began) < linger):
				p.want(b.g)
				return nil, b.connecting(p.now)
			}
		}
	}
	usable := time.Time{} // when a member may be there
	for _, m := range g.members {
		b := p.of(m)
		if b.usable && !b.present {
			p.want(m)
			if at := b.connecting(p.now); usable.IsZero() || at.Before(usable) {
				usable = at
			}
		}
	}
	if i, b := p.turn(g); b != nil {
		if b.room > 0 {
			p.take(g, i)
			return b, time.Time{}
		}
		return nil, b.wait(p.now)
	}
	// No member can take it now.
	for _, m := range g.failover {
		b := p.of(m)
		switch {
		case !b.usable:
		case b.present && b.room > 0:
			return b, time.Time{}
		case !usable.IsZero(): // a member is being tried
		case b.present:
			return nil, b.wait(p.now)
		default:
			p.want(m)
			return nil, b.connecting(p.now)
		}
	}
	if !usable.IsZero() {
		return nil, usable
	}
	why, at := resume(slices.Concat(g.members, g.failover), p.now)
	if why == nil { // a lane of it has just given up
		return nil, p.now.Add(soon)
	}
	p.why = why
	// All come back at the same time, so that they are looked at together.
	round := p.now.Truncate(longestWait / 2).Add(longestWait)
	return nil, earlier(later(at, p.now.Add(soon)), round)
}

// turn returns the member whose turn it is. In a chart with one group, the
// rounds were trimmed to their shares, and a member with room takes what
// another has none for.
func (p *placing) turn(g *group) (int, *berth) {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := g.turn(g.credit, p.may)
	if i < 0 {
		return i, nil
	}
	b := p.of(g.members[i])
	if b.room == 0 && p.chart.only() != nil {
		for j, m := range g.members {
			if other := p.of(m); p.may(m) && other.room > 0 {
				return j, other
			}
		}
	}
	return i, b
}

func (p *placing) take(g *group, i int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, ok := p.credit[g]; !ok {
		p.credit[g] = slices.Clone(g.credit)
	}
	g.take(g.credit, i, p.may)
}

func (p *placing) may(g *gateway) bool {
	b := p.of(g)
	return b.usable && b.present
}

func (p *placing) of(g *gateway) *berth {
	i := slices.IndexFunc(p.berths, func(b berth) bool { return b.g == g })
	return &p.berths[i]
}

func (p *placing) find(relay string) *berth {
	i := slices.IndexFunc(p.berths, func(b berth) bool { return b.g.relay.ID == relay })
	if i < 0 {
		return nil
	}
	return &p.berths[i]
}

func (p *placing) want(g *gateway) {
	if !slices.Contains(p.wanted, g) {
		p.wanted = append(p.wanted, g)
	}
}

// wait returns when a relay without room will have some.
func (b *berth) wait(now time.Time) time.Time {
	return b.line.after(now, now.Add(b.spacing), b.spacing)
}

// connecting returns when to look again for a relay that is being connected to:
// the later, the longer that takes.
func (b *berth) connecting(now time.Time) time.Time {
	if b.began.IsZero() {
		return now.Add(soon)
	}
	return now.Add(min(max(now.Sub(b.began), soon), 5*time.Second))
}

// needs returns the relays of which deliveries wait for a lane.
func (p *placing) needs() []*gateway {
	if p == nil {
		return nil
	}
	return p.wanted
}

// undo gives back what was reserved: the claim failed.
func (p *placing) undo() {
	if p == nil {
		return
	}
	for _, t := range p.taken {
		t.giveBack(p.chart.gates, p.now)
	}
	for _, held := range p.queued {
		p.chart.gates.unqueue(held)
	}
	for g, credit := range p.credit {
		g.mu.Lock()
		copy(g.credit, credit)
		g.mu.Unlock()
	}
	for _, b := range p.berths {
		*b.line = b.before
	}
}

func (t reservation) giveBack(gates *gates, now time.Time) {
	if t.slot.gate != nil {
		gates.leave(t.slot, false, now)
	}
	if t.quota != nil {
		t.quota.settle(false, now)
	}
}

// settle ends what a delivery holds while it is in flight.
func (c *chart) settle(g *gateway, d Delivery, o Outcome) {
	if d.slot.gate != nil {
		c.gates.leave(d.slot, o.State != Pending || o.Code != 0, o.At)
	}
	switch taken := o.State == Sent || o.Doubt; {
	case d.counted:
		g.quota.settle(taken, o.At)
	case taken:
		g.quota.took(o.At)
	}
}

func (g *group) has(m *gateway) bool {
	return slices.Contains(g.members, m) || slices.Contains(g.failover, m)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
