package compose

import (
	"slices"
	"strings"

	"github.com/clipperhouse/uax29/v2/words"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// wording is a text prepared for comparing. In a script without spaces each
// character counts as a word.
type wording struct {
	triples []uint64 // of neighbouring words, as hashes; sorted, each once
	first   []uint64 // those of the first words, likewise; nil where there are fewer
	numbers []string // sorted, each once
	form    []uint64 // of a short text with numbers: the triples of its words with a sign for each number; sorted, each once
	words   int
	whole   string // folded, for texts too short to have triples
}

// shortText is the length, in words, up to which texts that differ in a number
// are two: timetables and tides.
const shortText = 80

func readWording(text string) *wording {
	w := &wording{}
	if !isASCII(text) {
		text = figures(norm.NFKC.String(text))
	}
	fold := cases.Fold()
	var last, form [3]uint64
	var all strings.Builder
	for it := words.FromString(text); it.Next(); {
		word := it.Value()
		if !strings.ContainsFunc(word, isWordRune) {
			continue
		}
		if isASCII(word) {
			word = strings.ToLower(word)
		} else {
			word = plainLetters(fold.String(word))
		}
		w.words++
		number := numberOf(word)
		if number != "" {
			w.numbers = append(w.numbers, number)
			word = number
		}
		last = [3]uint64{last[1], last[2], hashOf(word)}
		if number != "" {
			word = "0"
		}
		form = [3]uint64{form[1], form[2], hashOf(word)}
		if w.words >= 3 && w.words <= shortText {
			w.form = append(w.form, mix(form))
		}
		if w.words >= 3 {
			w.triples = append(w.triples, mix(last))
		} else {
			all.WriteString(word + " ")
		}
	}
	if w.words >= firstWordsRead {
		w.first = slices.Clone(w.triples[:firstWordsRead-2])
		slices.Sort(w.first)
		w.first = slices.Compact(w.first)
	}
	slices.Sort(w.triples)
	w.triples = slices.Compact(w.triples)
	slices.Sort(w.numbers)
	w.numbers = slices.Compact(w.numbers)
	if w.words > shortText || len(w.numbers) == 0 {
		w.form = nil
	}
	slices.Sort(w.form)
	w.form = slices.Compact(w.form)
	w.whole = all.String()
	return w
}

// sum is the same for texts of the same words.
func (w *wording) sum() uint64 {
	sum := uint64(w.words) + hashOf(w.whole)
	for _, triple := range w.triples {
		sum = sum*1099511628211 + triple
	}
	return sum
}

// hashOf is FNV-1a; the same in every run.
func hashOf(word string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(word) {
		h = (h ^ uint64(word[i])) * 1099511628211
	}
	return h
}

// mix makes one hash of three, in their order.
func mix(triple [3]uint64) uint64 {
	h := triple[0]
	for _, next := range triple[1:] {
		h = (h ^ h>>29) * 0xbf58476d1ce4e5b9
		h = (h + next) * 0x94d049bb133111eb
	}
	return h ^ h>>31
}

// near says that two texts are much the same: at least that share of the
// shorter one's triples of words stands in the other too. Short texts of which
// each has a number that the other lacks are two. Two stories without any text
// are the same.
func (w *wording) near(other *wording, share float64) bool {
	short, long := w, other
	if len(short.triples) > len(long.triples) {
		short, long = long, short
	}
	if len(short.triples) == 0 {
		return w.words == other.words && w.whole == other.whole
	}
	if min(w.words, other.words) <= shortText && lacks(w.numbers, other.numbers) && lacks(other.numbers, w.numbers) {
		return false
	}
	return float64(common(short.triples, long.triples)) >= share*float64(len(short.triples))
}

// sameForm says that two short texts have one form that each fills with numbers
// of its own: timetables, catches, the weather.
func (w *wording) sameForm(other *wording) bool {
	n := min(len(w.form), len(other.form))
	return n > 0 && lacks(w.numbers, other.numbers) && lacks(other.numbers, w.numbers) && 4*common(w.form, other.form) >= 3*n
}

// firstWordsRead is how many words at the beginning of two texts make one story
// of them, however they go on.
const firstWordsRead = 50

// beginsIn says that a text's first words stand, that share of them, in the
// other text.
func (w *wording) beginsIn(other *wording, share float64) bool {
	return len(w.first) > 0 && float64(common(w.first, other.triples)) >= share*float64(len(w.first))
}

// common counts the elements that two sorted lists share.
func common(a, b []uint64) int {
	n := 0
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] == b[0]:
			n++
			a, b = a[1:], b[1:]
		case a[0] < b[0]:
			a = a[1:]
		default:
			b = b[1:]
		}
	}
	return n
}
