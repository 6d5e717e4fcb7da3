package web

import (
	"strings"
	"time"

	"github.com/clipperhouse/uax29/v2/words"

	"lede/compose"
)

// Earlier is the last edition that readers got, to hold the next one against.
type Earlier struct {
	Edition compose.Edition
	Slot    time.Time // in the newsletter's zone
}

// differenceView is what the next edition says that the last one did not, and
// the other way round, block by block.
type differenceView struct {
	Day            string // of the last edition: "Monday 23 November"
	Blocks         []blockChange
	Same           int // blocks that are the same
	Added, Removed int // words
}

type blockChange struct {
	Place string // "Lead, text"
	Runs  []run
}

// run is text that stands in both editions, or in one.
type run struct {
	Kind string // same | added | removed
	Text string
}

// part is one block of an edition as it is compared: by its key.
type part struct{ group, key, place, text string }

// differenceOf holds an edition against the last one.
func differenceOf(last Earlier, next compose.Edition) differenceView {
	v := differenceView{Day: last.Slot.Format("Monday 2 January")}
	old, now := partsOf(last.Edition), partsOf(next)
	before := map[string]part{}
	for _, p := range old {
		before[p.key] = p
	}
	there := map[string]bool{}
	for _, p := range now {
		there[p.key] = true
	}
	told := map[string]bool{}
	// gone tells what the last edition had in a group and the next has not.
	gone := func(group string) {
		if told[group] {
			return
		}
		told[group] = true
		for _, p := range old {
			if p.group == group && !there[p.key] {
				v.change(p.place, p.text, "")
			}
		}
	}
	for i, p := range now {
		v.change(p.place, before[p.key].text, p.text)
		if i+1 == len(now) || now[i+1].group != p.group {
			gone(p.group)
		}
	}
	for _, p := range old {
		gone(p.group)
	}
	return v
}

// change compares one block.
func (v *differenceView) change(place, old, now string) {
	if old == now {
		v.Same++
		return
	}
	runs := runsOf(old, now)
	for _, r := range runs {
		switch r.Kind {
		case "added":
			v.Added += len(strings.Fields(r.Text))
		case "removed":
			v.Removed += len(strings.Fields(r.Text))
		}
	}
	v.Blocks = append(v.Blocks, blockChange{place, runs})
}

// partsOf takes an edition apart into what a reader sees, in its order. A key
// that comes again is no key: only the first is compared.
func partsOf(e compose.Edition) []part {
	var all []part
	seen := map[string]bool{}
	add := func(group, key, place, text string) {
		key = group + "\x00" + key
		if text = strings.TrimSpace(text); text == "" || seen[key] {
			return
		}
		seen[key] = true
		all = append(all, part{group, key, place, text})
	}
	add("", "subject", "Subject", e.Subject)
	add("", "preheader", "Preheader", e.Preheader)
	add("", "greeting", "Greeting", e.Greeting)
	if l := e.Lead; l != nil {
		add("lead", "title", "Lead, headline", l.Title)
		add("lead", "standfirst", "Lead, standfirst", l.Standfirst)
		add("lead", "text", "Lead, text", textOf(l.Body))
	}
	for _, s := range e.Sections {
		place := s.Title
		if place == "" {
			place = upper(s.Kind)
		}
		for _, b := range s.Briefs {
			lines := []string{b.Title, b.Teaser}
			if len(b.Body) > 0 {
				lines[1] = textOf(b.Body)
			}
			if b.Place != "" {
				lines = append(lines, b.Place)
			}
			key := b.Source + "\x00" + b.Key
			if b.Key == "" {
				key = b.Title
			}
			add("section "+s.Kind+" "+s.Title, key, place, strings.TrimSpace(strings.Join(lines, "\n")))
		}
	}
	return all
}

func textOf(body []compose.Block) string {
	var lines []string
	for _, b := range body {
		lines = append(lines, b.Text)
	}
	return strings.Join(lines, "\n")
}

// maxTable bounds the work of comparing two texts: their words multiplied.
// Longer ones are told as wholly changed.
const maxTable = 4 << 20

// runsOf compares two texts word by word: what the longest common sequence of
// their words leaves is added or removed.
func runsOf(old, now string) []run {
	a, b := wordsOf(old), wordsOf(now)
	var runs []run
	say := func(kind string, words ...string) {
		if len(words) == 0 {
			return
		}
		text := strings.Join(words, "")
		if n := len(runs); n > 0 && runs[n-1].Kind == kind {
			runs[n-1].Text += text
			return
		}
		runs = append(runs, run{kind, text})
	}
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	say("same", a[:head]...)
	x, y := a[head:len(a)-tail], b[head:len(b)-tail]
	if len(x)*len(y) > maxTable {
		say("removed", x...)
		say("added", y...)
	} else {
		common(x, y, say)
	}
	say("same", a[len(a)-tail:]...)
	return folded(runs)
}

// folded puts changes together that only a space parts: "is late" became "sails
// again", not "is" "sails" and "late" "again".
func folded(runs []run) []run {
	var out []run
	removed, added := "", ""
	flush := func() {
		if removed != "" {
			out = append(out, run{"removed", removed})
		}
		if added != "" {
			out = append(out, run{"added", added})
		}
		removed, added = "", ""
	}
	for i, r := range runs {
		switch {
		case r.Kind == "removed":
			removed += r.Text
		case r.Kind == "added":
			added += r.Text
		case strings.TrimSpace(r.Text) == "" && removed != "" && added != "" && i+1 < len(runs):
			removed, added = removed+r.Text, added+r.Text
		default:
			flush()
			out = append(out, r)
		}
	}
	flush()
	return out
}

// common tells two lists of words by their longest common sequence.
func common(x, y []string, say func(kind string, words ...string)) {
	width := len(y) + 1
	length := make([]int32, (len(x)+1)*width) // of the common sequence of what is left of both
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if x[i] == y[j] {
				length[i*width+j] = length[(i+1)*width+j+1] + 1
			} else {
				length[i*width+j] = max(length[(i+1)*width+j], length[i*width+j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(x) && j < len(y) {
		switch {
		case x[i] == y[j]:
			say("same", x[i])
			i++
			j++
		case length[(i+1)*width+j] >= length[i*width+j+1]:
			say("removed", x[i])
			i++
		default:
			say("added", y[j])
			j++
		}
	}
	say("removed", x[i:]...)
	say("added", y[j:]...)
}

// wordsOf parts a text into words and what stands between them, in any script
// (Unicode Standard Annex 29).
func wordsOf(text string) []string {
	var all []string
	for tokens := words.FromString(text); tokens.Next(); {
		all = append(all, tokens.Value())
	}
	return all
}
