package compose

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/words"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// headline is a title prepared for comparing.
type headline struct {
	words    []string        // folded, without articles, the labels before a colon and the site's name at the end
	set      map[string]bool // of words
	names    []string        // words written with a capital inside a title, names of days and months; folded
	numbers  []string        // sorted
	negated  bool            // not, never, without …
	uncased  bool            // in a script without capitals, where names can't be told
	unspaced bool            // in a script without spaces: each character is a word
	distinct int             // characters in words
	bare     *headline       // without what may be a site's name at the end; nil where nothing may
}

// readHeadline prepares a title of that publication's.
func readHeadline(title, publication string) headline {
	title, bare := withoutSite(norm.NFKC.String(title), publication)
	h := readWords(withoutLabel(title))
	if bare != "" {
		if short := readWords(withoutLabel(bare)); short.telling() {
			h.bare = &short
		}
	}
	return h
}

func readWords(title string) headline {
	h := headline{set: map[string]bool{}}
	fold := cases.Fold()
	first, cased := true, false
	for it := words.FromString(figures(title)); it.Next(); {
		word := it.Value()
		r, _ := utf8.DecodeRuneInString(word)
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			continue
		}
		folded := plainLetters(fold.String(word))
		cased = cased || unicode.IsLower(r) || unicode.IsUpper(r)
		h.unspaced = h.unspaced || isUnspaced(r) || unicode.In(r, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
		switch number := numberOf(folded); {
		case number != "":
			h.numbers = append(h.numbers, number)
			folded = number
		case isNegation(folded):
			h.negated = true
		case days[folded], unicode.IsUpper(r) && !first:
			h.names = append(h.names, folded)
		}
		folded = withoutArticle(folded)
		if !articles[folded] {
			// The first word has its capital in any case, and may yet be a name.
			if first && unicode.IsUpper(r) {
				h.names = append(h.names, folded)
			}
			h.words = append(h.words, folded)
			h.set[folded] = true
			h.distinct += utf8.RuneCountInString(folded)
		}
		first = false
	}
	slices.Sort(h.numbers)
	h.uncased = !cased
	return h
}

// plainLetters returns a folded word as it is compared: without the vowel points
// of Arabic and Hebrew, which few write, with one alef and without the dots that
// tell the i's of Turkish apart, which capitals lose.
func plainLetters(word string) string {
	if isASCII(word) {
		return word
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '’':
			return '\''
		case r == 'ı':
			return 'i'
		case r == 'أ', r == 'إ', r == 'آ', r == 'ٱ':
			return 'ا'
		case r == 'ى':
			return 'ي'
		case r == '\u0307', r == 'ـ', r >= '\u0591' && r <= '\u05c7', r >= '\u064b' && r <= '\u0655', r == '\u0670':
			return -1
		}
		return r
	}, word)
}

// withoutArticle takes off the articles of Hebrew and Arabic, which are written
// with the word. It takes off as much of words that merely begin so, which
// changes nothing between two headlines.
func withoutArticle(word string) string {
	for _, article := range []string{"ה", "ال"} {
		if rest, ok := strings.CutPrefix(word, article); ok && utf8.RuneCountInString(rest) >= 3 {
			return rest
		}
	}
	return word
}

// figures writes the numbers of a Chinese or Japanese text in figures: 十一 is
// 11. It does so wherever such a sign stands, in 一般 too, which changes nothing
// between two texts that both have it.
func figures(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return hanNumber(r) >= 0 }) {
		return text
	}
	var b strings.Builder
	total, digit, open := 0, -1, false
	write := func() {
		if open {
			b.WriteString(strconv.Itoa(total + max(digit, 0)))
		}
		total, digit, open = 0, -1, false
	}
	for _, r := range text {
		switch n := hanNumber(r); {
		case n < 0:
			write()
			b.WriteRune(r)
		case n >= 10 && total < 1e9:
			total += n * max(digit, 1) // 百十: a hundred and ten
			digit, open = -1, true
		default:
			if digit >= 0 && digit < 1e6 { // 二〇二六: one figure after the other
				n += 10 * digit
			}
			digit, open = n, true
		}
	}
	write()
	return b.String()
}

// hanNumber returns the value of a sign for a number, -1 for other characters.
func hanNumber(r rune) int {
	switch r {
	case '〇', '零':
		return 0
	case '十':
		return 10
	case '百':
		return 100
	case '千':
		return 1000
	}
	const upToNine = "一二三四五六七八九"
	if i := strings.IndexRune(upToNine, r); i >= 0 {
		return i/len("一") + 1
	}
	if r == '两' || r == '兩' {
		return 2
	}
	return -1
}

// likeness says how near two headlines are.
type likeness int

const (
	unlike   likeness = iota
	contrary          // one pattern, and another number, name, day or sense in it: two stories, whatever their texts
	related           // most of the words
	alike             // one has all the words of the other in the same order, in some form, and few more
	same              // the same words
)

// compare says how near two headlines are. Those of one pattern that differ in a
// number, a name, a date or a negation are contrary: "Ferry times, 24 November"
// and "Ferry times, 25 November" are two stories. Those in which one word took
// another's place ("Bridge opens to lorries", "Bridge closes to lorries") are
// related at most, and their texts must agree. What stands behind a dash at the
// end of one of them alone may be a site's name and is left aside.
func compare(a, b headline) likeness {
	near := compareWords(a, b)
	switch {
	case near >= alike:
	case a.bare != nil && b.bare == nil:
		near = max(near, compareWords(*a.bare, b))
	case b.bare != nil && a.bare == nil:
		near = max(near, compareWords(a, *b.bare))
	}
	return near
}

func compareWords(a, b headline) likeness {
	if len(a.words) == 0 || len(b.words) == 0 {
		return unlike
	}
	if slices.Equal(a.words, b.words) {
		return same
	}
	shared := 0
	for word := range a.set {
		if b.has(word) {
			shared++
		}
	}
	all := len(a.set) + len(b.set)
	if a.negated != b.negated || !slices.Equal(a.numbers, b.numbers) || a.misses(b) || b.misses(a) {
		if 2*2*shared >= all && a.contradicts(b) {
			return contrary
		}
		return unlike
	}
	short, long := a, b
	if len(short.words) > len(long.words) {
		short, long = long, short
	}
	if !a.uncased && 4*len(short.words) >= 3*len(long.words) && inOrder(short.words, long.words) {
		return alike
	}
	if 10*2*shared >= 6*all {
		return related
	}
	return unlike
}

// misses reports a name that only the other one has.
func (h headline) misses(other headline) bool {
	return slices.ContainsFunc(other.names, func(n string) bool { return !h.has(n) })
}

// contradicts reports a negation that only one of them has, or numbers or names
// of which each has one that the other lacks. One that merely says more does
// not contradict.
func (h headline) contradicts(other headline) bool {
	return h.negated != other.negated || h.misses(other) && other.misses(h) || lacks(h.numbers, other.numbers) && lacks(other.numbers, h.numbers)
}

// lacks reports an element of b that a has not.
func lacks(a, b []string) bool {
	return slices.ContainsFunc(b, func(n string) bool { return !slices.Contains(a, n) })
}

// has says that a headline has a word, in some form.
func (h headline) has(word string) bool {
	if h.set[word] {
		return true
	}
	for _, w := range h.words {
		if w[0] == word[0] && sameStem(w, word) { // most are told by their first byte
			return true
		}
	}
	return false
}

// telling says that a headline has words enough to know a story by; "Weather"
// and "Letters to the editor" have not.
func (h headline) telling() bool {
	if h.unspaced {
		return len(h.words) >= 8
	}
	return len(h.words) >= 4 && h.distinct >= 16
}

// inOrder says that the words of short stand in long in the same order.
func inOrder(short, long []string) bool {
	i := 0
	for _, word := range long {
		if i < len(short) && (sameStem(short[i], word) || inflected(short[i], word)) {
			i++
		}
	}
	return i == len(short)
}

// sameStem says that two folded words are forms of one: one of them is the
// other with at most three letters more ("sail", "sails", "sailing"). Short
// words and words of different sense with one beginning are kept apart by the
// share that must agree.
func sameStem(a, b string) bool {
	if a == b {
		return true
	}
	if len(a) > len(b) {
		a, b = b, a
	}
	return len(a) >= 4 && len(b)-len(a) <= 3*utf8.UTFMax && strings.HasPrefix(b, a) &&
		utf8.RuneCountInString(a) >= 3 && utf8.RuneCountInString(b[len(a):]) <= 3
}

// inflected says that two folded words are likely forms of one ("keeps" and
// "keeping", "latarnia" and "latarnię"): they part near their ends. It is for
// words in the same place of two headlines, and not for names.
func inflected(a, b string) bool {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	for n > 0 && n < len(a) && !utf8.RuneStart(a[n]) {
		n--
	}
	if n < 4 || utf8.RuneCountInString(a[:n]) < 4 {
		return false
	}
	x, y := a[n:], b[n:]
	if endings[x] && endings[y] {
		return true
	}
	return utf8.RuneCountInString(a[:n]) >= 5 && utf8.RuneCountInString(x) <= 2 && utf8.RuneCountInString(y) <= 2
}

// endings are those of English verbs.
var endings = map[string]bool{"": true, "s": true, "es": true, "d": true, "ed": true, "ing": true}

// pairs returns what a headline is looked up by: its neighbouring words, and
// the whole of it.
func (h headline) pairs() []string {
	keys := []string{strings.Join(h.words, " ")}
	for i := 1; i < len(h.words); i++ {
		keys = append(keys, h.words[i-1]+" "+h.words[i])
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// withoutLabel takes off what marks a title and does not belong to it:
// "Update: …", "Live – …".
func withoutLabel(title string) string {
	for _, mark := range []string{":", " – ", " | "} {
		label, rest, found := strings.Cut(title, mark)
		if !found || len(label) > 40 || strings.TrimSpace(rest) == "" {
			continue
		}
		if label = strings.ToLower(strings.TrimSpace(label)); labelWords[label] || labelPhrases[label] {
			return rest
		}
	}
	return title
}

// siteMarks stand before a site's name at the end of a title.
var siteMarks = []string{" | ", " - ", " – ", " — ", " · ", " » "}

// withoutSite takes off a title what is surely a site's name or its section:
// what stands behind an upright stroke, and the publication's own name. bare is
// the title without what else may be one, a few words behind a dash; empty where
// there are none.
func withoutSite(title, publication string) (rest, bare string) {
	publication = strings.TrimSpace(publication)
	for range 3 {
		at, size := -1, 0
		for _, mark := range siteMarks {
			if i := strings.LastIndex(title, mark); i > at {
				at, size = i, len(mark)
			}
		}
		if at < 0 {
			return title, ""
		}
		head, tail := title[:at], strings.TrimSpace(title[at+size:])
		own := publication != "" && strings.EqualFold(tail, publication)
		switch {
		case !own && !mayBeSite(tail):
			return title, ""
		case own, strings.TrimSpace(title[at:at+size]) == "|" && countWords(head) >= 3:
			title = head
		default:
			return title, head
		}
	}
	return title, ""
}

// mayBeSite says that words at the end of a title may be a site's name: one to
// five of them, each with a capital where there are capitals, and no number.
func mayBeSite(tail string) bool {
	if n := countWords(tail); n < 1 || n > 5 || len(tail) > 60 {
		return false
	}
	for word := range strings.FieldsSeq(tail) {
		lower := strings.ContainsFunc(word, unicode.IsLower) && !strings.ContainsFunc(word, unicode.IsUpper)
		if strings.ContainsFunc(word, unicode.IsDigit) || lower && utf8.RuneCountInString(word) > 3 {
			return false
		}
	}
	return true
}
