package audience

import (
	"strings"
	"time"
)

// Headings of the columns that say when and how a person came or left.
var (
	joinedHeads = []string{
		"optin time", "opt in time", "opt in date", "optin date", "subscription time", "subscription date", "subscribe date", "subscribed at", "subscribed on", "date subscribed",
		"signup date", "sign up date", "signed up at", "date added", "added at", "added on", "created at", "created on", "creation date", "created", "entered", "date created", "subscribed",
	}
	joinedIPHeads    = []string{"optin ip", "opt in ip", "subscription ip", "signup ip", "sign up ip", "subscribed ip", "ip address"}
	confirmedHeads   = []string{"confirm time", "confirmation time", "confirmed at", "confirmed on", "confirmation date", "double opt in date"}
	confirmedIPHeads = []string{"confirm ip", "confirmation ip", "confirmed ip"}
	leftHeads        = []string{
		"unsub time", "unsubscribed at", "unsubscribed on", "unsubscribe date", "unsubscribed date", "unsubscription date", "unsubscription time", "unsubscribe time", "date unsubscribed",
		"clean time", "cleaned at", "deleted at", "removed at", "bounced at", "complained at", "opted out at",
	}
	reasonHeads = []string{"unsub reason", "unsubscribe reason", "unsubscription reason", "reason"}
)

// layouts are how services write times; a time without a zone is taken as UTC.
var layouts = []string{
	time.RFC3339Nano,
	"2006-01-02 15:04:05",
	"2006-01-02 15:04:05 MST",
	"2006-01-02 15:04:05.999999999 -0700 MST", // Go's own
	"2006-01-02 15:04:05.999999999 -0700",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04",
	"2006-01-02",
	"2006/01/02 15:04:05",
	"2006/01/02",
}

// parseTime reads a time as services write it. What could be read in two ways
// (03/04/2024) is no time.
func parseTime(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	if len(s) < 10 || len(s) > 60 || s[0] < '1' || s[0] > '2' {
		return time.Time{}, false
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1970 {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// moments are the columns that say when and how a person came or left; -1 for
// none.
type moments struct {
	joined, joinedIP, confirmed, confirmedIP, left, reason int
}

// findMoments recognises them. A column of the state may be the time as well.
func (c *columns) findMoments(heads []string, used []bool) {
	find := func(ranked []string) int {
		best, at := len(ranked), -1
		for i, h := range heads {
			if n := rank(ranked, h); n >= 0 && n < best && (!used[i] || c.telling(i)) {
				best, at = n, i
			}
		}
		if at >= 0 {
			used[at] = true
		}
		return at
	}
	c.when = moments{find(joinedHeads), find(joinedIPHeads), find(confirmedHeads), find(confirmedIPHeads), find(leftHeads), find(reasonHeads)}
	if c.service == nil && c.when.left < 0 && c.when.reason >= 0 {
		// "reason" alone may be anything.
		used[c.when.reason], c.when.reason = false, -1
	}
}

// telling says whether a column tells who wants mail.
func (c *columns) telling(at int) bool {
	for i := range c.tellers {
		if c.tellers[i].at == at {
			return true
		}
	}
	return false
}

// record writes into a row when and how its person came or left, in one line.
func (m *moments) record(row *Row, fields []string) {
	cell := func(i int) string {
		if i < 0 {
			return ""
		}
		return cut(cleanValue(fields[i]), 100)
	}
	joined, confirmed := cell(m.joined), cell(m.confirmed)
	if t, ok := parseTime(joined); ok {
		row.Joined = t
	} else if t, ok := parseTime(confirmed); ok {
		row.Joined = t
	}
	if t, ok := parseTime(cell(m.left)); ok {
		row.Left = t
	}
	row.Reason = cell(m.reason)
	if row.IP = cell(m.confirmedIP); row.IP == "" {
		row.IP = cell(m.joinedIP)
	}
	var parts []string
	say := func(what, when, ip string) {
		if when == "" && ip == "" {
			return
		}
		if when != "" {
			what += " " + when
		}
		if ip != "" {
			what += " from " + ip
		}
		parts = append(parts, what)
	}
	say("subscribed", joined, cell(m.joinedIP))
	say("confirmed", confirmed, cell(m.confirmedIP))
	row.Consent = strings.Join(parts, "; ")
}
