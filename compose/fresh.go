package compose

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"lede/source"
)

// eventsAhead is how many days ahead of the slot an event is told.
const eventsAhead = 7

// gather reads what the sources gave and offers what is news.
//
// The first reading of a source offers everything whatever its date, so that a
// new newsletter has a first edition; afterwards a story is news when neither
// its key nor its link was there at an earlier edition and it is no older than
// the source's MaxAge. A story without a date, or with one in the future (a
// feed's clock), is as new as the slot. Events are news until they are over,
// from seven days ahead, and sponsors until they ran: they wait for room. An embargoed story, an event too far ahead and one
// that has no words yet are not remembered as seen: their time comes.
func (a *assembly) gather() {
	found := map[string]bool{}
	for _, reading := range a.in.Readings {
		report := SourceReport{ID: reading.Source, Stories: len(reading.Stories)}
		if reading.Err != nil {
			report.Error = reading.Err.Error()
		}
		a.edition.Sources = append(a.edition.Sources, report)
		if !a.bulletin {
			for i, p := range reading.Passed {
				a.left = append(a.left, omission{
					LeftOut{Title: cmp.Or(oneLine(p.Title), p.File), Source: reading.Source, Why: p.Why},
					a.rank(reading.Source), len(reading.Stories) + i, "",
				})
			}
		}
		shared := sharedLinks(reading.Stories)
		from := len(a.offered)
		for _, s := range reading.Stories {
			s.Source = reading.Source
			if s.Kind == "" {
				s.Kind = source.KindStory
			}
			if shared[s.Canonical] {
				s.Canonical = "" // it tells nothing apart
			}
			if a.bulletin {
				id := s.Source + "\x00" + s.Key
				if _, asked := a.only[id]; !asked {
					continue
				}
				found[id] = true
			}
			a.consider(s)
		}
		keepOrder(a.offered[from:])
	}
	for _, id := range a.in.Only {
		if !found[id] {
			found[id] = true
			src, key := splitID(id)
			a.left = append(a.left, omission{LeftOut{Title: key, Source: src, Why: "is not in its source"}, a.rank(src), 0, key})
		}
	}
}

// consider offers a story, or leaves it out with the reason.
func (a *assembly) consider(s source.Story) {
	rule := a.rules[s.Source]
	first := !a.in.Memory.Read[s.Source]
	switch {
	case s.From.After(a.in.Slot):
		a.leave(s, "EMBARGOED until "+a.moment(s.From))
		return
	case s.Kind == source.KindEvent && !a.bulletin && a.isFarAhead(s):
		a.leave(s, fmt.Sprintf("more than %d days ahead", eventsAhead))
		return
	case !hasWords(s):
		a.leave(s, "has neither headline nor text")
		return
	case a.unknownSegment(s) != "":
		a.leave(s, fmt.Sprintf("is for segment %s, and the configuration has none of that name", a.unknownSegment(s)))
		return
	}
	a.see(s)
	c := &candidate{
		Story: s, rank: a.rank(s.Source), asGiven: rule.AsGiven, first: first && !a.bulletin,
		when: s.Published,
	}
	if c.when.IsZero() || c.when.After(a.in.Slot) {
		c.when = a.in.Slot
	}
	if s.Until.IsZero() || a.in.Slot.Before(s.Until) {
		if a.isRanked(c) {
			a.ranked = append(a.ranked, c)
			if !a.canPlace(c) {
				return // mostRead tells what becomes of it
			}
		}
	}
	switch {
	case !s.Until.IsZero() && !a.in.Slot.Before(s.Until):
		a.leave(s, "ran out on "+a.moment(s.Until))
	case s.Kind == source.KindEvent && !a.bulletin && a.isOver(s):
		a.leave(s, "is over")
	case !a.bulletin && !a.canPlace(c):
		a.leave(s, a.whyNoSection(c))
	default:
		if why := a.notNews(c, rule); why != "" {
			a.leave(s, why)
			return
		}
		if s.Stub != "" {
			if c.reason != "" {
				c.reason += "; "
			}
			c.reason += "only what the feed gives (full: " + s.Stub + ")"
		}
		a.sayMailed(c)
		a.offered = append(a.offered, c)
	}
}

// notNews says why a story is no news, empty when it is. It marks a story that
// ran before and changed much as an update.
func (a *assembly) notNews(c *candidate, rule SourceRule) string {
	if a.isMailedAhead(c) {
		return a.mailedBefore(c)
	}
	if c.Repeat {
		c.reason = "runs every time (repeat: true)"
		e := entryOf(c)
		known := a.used.identical(e)
		if known == nil {
			return ""
		}
		c.version = known.version + 1
		if c.stale = e.title == known.title && e.text() == known.text(); c.stale {
			c.reason += ", unchanged since " + a.day(known.when)
		}
		return ""
	}
	if why, ran := a.ranBefore(c, rule); why != "" {
		return why
	} else if a.bulletin {
		return ""
	} else if !ran && !c.first && !c.waits() && a.wasSeen(c.Story) {
		if rule.Leftovers != "keep" {
			return "was there before and not chosen (leftovers: drop)"
		}
		c.reason = "left over from before"
	}
	if c.first || c.Kind == source.KindEvent || c.Kind == source.KindCorrection || rule.MaxAge <= 0 {
		return ""
	}
	if c.when.Before(a.in.Slot.Add(-rule.MaxAge)) {
		return "older than " + span(rule.MaxAge)
	}
	return ""
}

// waits says that a story that found no room is still wanted: an event until it
// is over, a sponsor and a correction until they have run.
func (c *candidate) waits() bool {
	return c.Kind == source.KindEvent || c.Kind == source.KindSponsor || c.Kind == source.KindCorrection
}

// see remembers that a story was there. A bulletin remembers nothing: what
// else the sources had is news for the next edition.
func (a *assembly) see(s source.Story) {
	if a.bulletin {
		return
	}
	for _, key := range seenKeys(s) {
		seen := Seen{Source: s.Source, Key: key}
		if !a.seen[seen] {
			a.seen[seen] = true
			a.edition.Seen = append(a.edition.Seen, seen)
		}
	}
}

func (a *assembly) wasSeen(s source.Story) bool {
	known := a.in.Memory.Seen[s.Source]
	return slices.ContainsFunc(seenKeys(s), func(key string) bool { return known[key] })
}

// seenKeys are what a story is known by. A sponsor's, an event's or a note's
// link leads to a page that others link to as well, and is none.
func seenKeys(s source.Story) []string {
	if s.Kind == source.KindStory && s.Canonical != "" {
		return []string{s.Key, "link:" + s.Canonical}
	}
	return []string{s.Key}
}

func (a *assembly) isOver(s source.Story) bool {
	end := s.Starts
	if !s.Ends.IsZero() {
		end = s.Ends
	}
	switch {
	case end.IsZero():
		return false
	case s.AllDay:
		return dayNumber(end.In(a.recipe.Zone)) < dayNumber(a.slot)
	}
	return end.Before(a.in.Slot)
}

func (a *assembly) isFarAhead(s source.Story) bool {
	if s.AllDay {
		return dayNumber(s.Starts.In(a.recipe.Zone)) > dayNumber(a.slot.AddDate(0, 0, eventsAhead))
	}
	return s.Starts.After(a.slot.AddDate(0, 0, eventsAhead))
}

// dayNumber orders the days of one zone.
func dayNumber(t time.Time) int {
	year, month, day := t.Date()
	return year*10000 + int(month)*100 + day
}

// sharedLinks returns the links that three stories or more of a reading have in
// common, such as a front page: these tell no story from another.
func sharedLinks(stories []source.Story) map[string]bool {
	keys := map[string]map[string]bool{}
	for _, s := range stories {
		if s.Canonical == "" {
			continue
		}
		if keys[s.Canonical] == nil {
			keys[s.Canonical] = map[string]bool{}
		}
		keys[s.Canonical][s.Key] = true
	}
	shared := map[string]bool{}
	for link, of := range keys {
		if len(of) >= 3 {
			shared[link] = true
		}
	}
	return shared
}

// keepOrder sets how new the stories of one source count. Where its order is an
// editor's choice, the first counts as the newest and none as newer than the
// one before; else each counts as new as it is.
func keepOrder(of []*candidate) {
	newest := time.Time{}
	for _, c := range of {
		c.counts = c.when
		if c.when.After(newest) {
			newest = c.when
		}
	}
	given := slices.Clone(of)
	slices.SortStableFunc(given, func(x, y *candidate) int { return x.Order - y.Order })
	for _, c := range given {
		if !c.asGiven {
			return
		}
		if c.when.Before(newest) && c != given[0] {
			newest = c.when
		}
		c.counts = newest
	}
}
