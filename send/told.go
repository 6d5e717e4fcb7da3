package send

import (
	"strconv"
	"strings"
	"time"
)

// mostTold is the longest that a receiver's word is taken for.
const mostTold = time.Hour

// told is later, but if the answer says when to come again, then then: a
// greylisting that wants five minutes gets them, and not a try every minute.
func (r Retry) told(d Delivery, answer reply, now time.Time) Outcome {
	out := r.later(d, answer, now)
	if out.State != Deferred {
		return out
	}
	wait := toldWait(answer.text)
	if wait <= 0 {
		return out
	}
	// A little later than told, so that clocks need not agree, and apart.
	wait = min(wait, mostTold, max(r.Longest, time.Minute))
	due := now.Add(wait + time.Second + jitter(wait/20))
	if end := d.First.Add(r.GiveUpAfter); !d.First.IsZero() && due.After(end) {
		due = end
	}
	out.Due = due
	return out
}

// toldWait reads how long an answer wants us to wait: "try again in 300
// seconds", "greylisted for 5 minutes", "retry after 00:04:59". Zero: it does
// not say.
func toldWait(text string) time.Duration {
	words := strings.FieldsFunc(strings.ToLower(text), func(c rune) bool {
		return c == ' ' || c == ',' || c == ';' || c == '(' || c == ')' || c == '=' || c == '/'
	})
	for i, word := range words {
		word = strings.TrimRight(word, ".!")
		if clock := clockWait(word); clock > 0 && i > 0 {
			return clock
		}
		digits := len(word) - len(strings.TrimLeft(word, "0123456789"))
		if digits == 0 || digits > 6 {
			continue
		}
		n, _ := strconv.Atoi(word[:digits])
		unit := word[digits:]
		if unit == "" && i+1 < len(words) {
			unit = strings.TrimRight(words[i+1], ".!:")
		} else if unit == "" || !comesAgain(words[:i]) && len(unit) == 1 {
			continue
		}
		switch unit {
		case "s", "sec", "secs", "second", "seconds":
			return time.Duration(n) * time.Second
		case "m", "min", "mins", "minute", "minutes":
			return time.Duration(n) * time.Minute
		case "h", "hour", "hours":
			return time.Duration(n) * time.Hour
		}
	}
	return 0
}

// comesAgain says that the words before a number make it a time to wait.
func comesAgain(words []string) bool {
	if len(words) == 0 {
		return false
	}
	switch words[len(words)-1] {
	case "in", "after", "for", "within", "least", "wait":
		return true
	}
	return false
}

// clockWait reads hours, minutes and seconds, or minutes and seconds.
func clockWait(word string) time.Duration {
	parts := strings.Split(word, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return 0
	}
	total := 0
	for _, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || len(p) != 2 || n < 0 || n > 59 {
			return 0
		}
		total = total*60 + n
	}
	return time.Duration(total) * time.Second
}
