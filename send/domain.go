package send

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// mostGates is how many domains beside the configured ones are looked
	// after; forgetAfter is how long one is remembered that gets no mail.
	mostGates   = 1000
	forgetAfter = 10 * time.Minute
	// fewestPutOff answers, and a fifth of all, must say that a domain wants
	// less until it gets less.
	fewestPutOff = 3
	leastShare   = 1.0 / 64
	// A domain gets more again after so many mails were taken, and not before
	// this time since it last changed.
	takenToRaise = 5
	raiseEvery   = 10 * time.Second
	longestPause = 10 * time.Minute
	// catchUp is what a rate may make up for, so that it is reached though
	// claims come in bunches.
	catchUp = 500 * time.Millisecond
	// usualLimit is the number of mails in flight that a domain without
	// settings is taken to have had.
	usualLimit = 10
)

// gates are what domains of recipients take: as much as the configuration says,
// and less when their answers show that they want less.
type gates struct {
	log   *slog.Logger
	count atomic.Int32 // gates there are; none: nothing need be asked

	mu     sync.Mutex
	groups map[string]string // the configured group of a domain
	gates  map[string]*gate  // by group, or by domain
}

func newGates(domains []Domain, log *slog.Logger) *gates {
	s := &gates{log: log, groups: map[string]string{}, gates: map[string]*gate{}}
	for _, d := range domains {
		g := &gate{id: d.ID, fixed: true, most: d.Concurrency, share: 1, lines: map[string]*line{}}
		if d.Rate.Count > 0 && d.Rate.Per > 0 {
			g.interval = d.Rate.Per / time.Duration(d.Rate.Count)
		}
		s.gates[d.ID] = g
		for _, name := range d.Domains {
			s.groups[name] = d.ID
		}
	}
	s.count.Store(int32(len(s.gates)))
	return s
}

// name returns the group of a domain, or the domain.
func (s *gates) name(domain string) string {
	if id, ok := s.groups[domain]; ok {
		return id
	}
	return domain
}

// ask asks for leave to send a mail to a domain. With ok it holds a slot if the
// domain has a gate; else until says when to ask again.
func (s *gates) ask(edition, domain string, now time.Time) (held slot, until time.Time, ok bool) {
	if s.count.Load() == 0 {
		return slot{}, time.Time{}, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.gates[s.name(domain)]
	if g == nil {
		return slot{}, time.Time{}, true
	}
	return g.ask(edition, now)
}

// leave gives a slot back. Of a mail that was not sent, nothing is left.
func (s *gates) leave(held slot, sent bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := held.gate
	g.inFlight--
	held.line.inFlight--
	g.used = now
	if sent {
		g.pulse.add(1, now)
	} else {
		g.next = g.next.Add(-held.spacing)
	}
}

// unqueue takes back a place in the line.
func (s *gates) unqueue(held slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if held.line.next.After(held.line.far) {
		held.line.next = held.line.next.Add(-held.spacing)
	} else {
		held.line.far = held.line.far.Add(-held.spacing)
	}
}

// find returns a domain's gate, a new one if it has none; nil when there are
// too many. The gates are locked.
func (s *gates) find(domain string, now time.Time) *gate {
	id := s.name(domain)
	if g := s.gates[id]; g != nil {
		return g
	}
	if len(s.gates) >= mostGates {
		for id, g := range s.gates {
			if g.idle(now) {
				delete(s.gates, id)
			}
		}
	}
	if len(s.gates) >= mostGates || domain == "" {
		return nil
	}
	g := &gate{id: id, share: 1, changed: now, used: now, lines: map[string]*line{}}
	s.gates[id] = g
	s.count.Store(int32(len(s.gates)))
	return g
}

// took notes that a domain took a mail: in time it gets more again.
func (s *gates) took(domain string, now time.Time) {
	if s.count.Load() == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.gates[s.name(domain)]
	if g == nil {
		return
	}
	g.taken++
	g.strikes, g.why = 0, ""
	if g.share >= 1 {
		if g.taken >= 50 { // what was is forgotten in time
			g.taken, g.putOff = g.taken/2, g.putOff/2
		}
		if !g.fixed && g.putOff == 0 && g.inFlight == 0 {
			delete(s.gates, g.id)
			s.count.Store(int32(len(s.gates)))
		}
		return
	}
	if g.taken < takenToRaise || now.Sub(g.changed) < raiseEvery {
		return
	}
	g.share = min(1, g.share*1.5)
	for _, l := range g.lines {
		l.next, l.far = now, now
	}
	g.changed, g.taken, g.putOff = now, 0, 0
	if g.share >= 1 {
		if !g.fixed {
			g.interval = 0
		}
		s.log.Info("domain takes its usual rate again", "domain", g.id)
	}
}

// putOff notes that a domain did not take a mail now. If the answer says that
// it wants less, and that is no single case, it gets half, after a pause that
// grows while such answers go on.
func (s *gates) putOff(d Delivery, about class, answer reply, now time.Time) {
	if about != throttled {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.find(d.Domain, now)
	if g == nil || !g.cut.IsZero() && (d.slot.gate != g || d.slot.at.Before(g.cut)) {
		return // what was under way when it got less says nothing new
	}
	g.used = now
	g.putOff++
	if g.putOff < fewestPutOff && g.share >= 1 || g.putOff*5 < g.taken+g.putOff {
		return
	}
	if g.interval == 0 {
		// Half of what went out until now.
		if seconds := now.Sub(g.changed).Seconds(); seconds > 0.1 && g.share >= 1 {
			rate := float64(g.taken+g.putOff) / seconds
			g.interval = time.Duration(float64(time.Second) / max(rate, 1))
		} else {
			g.interval = 100 * time.Millisecond
		}
	}
	g.share = max(g.share/2, leastShare)
	g.strikes++
	pause := double(time.Second, g.strikes-1, longestPause)
	if told := toldWait(answer.text); told > pause {
		pause = min(told, longestPause)
	}
	g.pause(answer, pause, now)
	s.log.Info("domain slowed", "domain", g.id, "share", g.share, "until", g.until, "reply", g.why)
}

// blocked notes that a domain refuses everything for good and blames us. It is
// left alone for a while; until says for how long.
func (s *gates) blocked(domain string, answer reply, now time.Time) (until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.find(domain, now)
	if g == nil {
		return now.Add(15 * time.Minute)
	}
	g.strikes++
	g.pause(answer, double(15*time.Minute, g.strikes-1, time.Hour), now)
	s.log.Warn("domain refuses every mail", "domain", g.id, "until", g.until, "reply", g.why)
	return g.until
}

// stats returns the gates that hold something back, and fills in what is known
// of others.
func (s *gates) stats(now time.Time, all map[string]*DomainStats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, g := range s.gates {
		held := g.share < 1 || g.until.After(now)
		d := all[id]
		if d == nil {
			if !held && g.inFlight == 0 {
				continue
			}
			d = &DomainStats{ID: id}
			all[id] = d
		}
		d.InFlight = g.inFlight
		if held {
			d.Slowed, d.Why = g.share, g.why
			if g.until.After(now) {
				d.Until = g.until
			}
		}
	}
}
