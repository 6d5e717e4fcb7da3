package compose

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
	"github.com/clipperhouse/uax29/v2/words"
)

// oneLine returns text as one line of plain text: valid UTF-8, each run of
// white space one space (a single no-break space stays), without control
// characters and without the marks that turn the direction of what follows.
func oneLine(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	space := rune(0) // waits for the next word
	for _, r := range text {
		switch {
		case r == '\u00a0' || r == '\u202f':
			if space == 0 {
				space = r
			} else {
				space = ' '
			}
			continue
		case unicode.IsSpace(r), unicode.IsControl(r):
			space = ' '
			continue
		case r == '\ufeff', r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			continue
		}
		if space != 0 && b.Len() > 0 {
			b.WriteRune(space)
		}
		space = 0
		b.WriteRune(r)
	}
	return b.String()
}

// displayWidth counts what a text takes on a line, in columns as wide as a Latin
// letter: two for a Chinese, Japanese or Korean character and for an emoji, none
// for what stands over or under a letter. What can't be seen counts as one, and
// a character built of very many parts as more, so that a width bounds a size.
func displayWidth(s string) int {
	width := 0
	eachCluster(s, func(_, w int) bool {
		width += w
		return true
	})
	return width
}

// clusterBytes is more than any character that people write takes.
const clusterBytes = 64

// eachCluster calls visit for each character of s (what a reader takes for one:
// a grapheme cluster) with the offset of its end and its width, until it returns
// false.
func eachCluster(s string, visit func(end, width int) bool) {
	for i := 0; i < len(s); {
		// Between two printable letters of ASCII there is always a boundary (UAX
		// #29, 3.1.1), which spares most texts the tables.
		if isPlainASCII(s, i) && (i+1 == len(s) || isPlainASCII(s, i+1)) {
			i++
			if !visit(i, 1) {
				return
			}
			continue
		}
		to := i + 1
		for to < len(s) && !(isPlainASCII(s, to-1) && isPlainASCII(s, to)) {
			to++
		}
		for it := displaywidth.StringGraphemes(s[i:to]); it.Next(); {
			i += len(it.Value())
			if !visit(i, max(1, it.Width(), len(it.Value())/clusterBytes)) {
				return
			}
		}
	}
}

func isPlainASCII(s string, i int) bool { return s[i] >= ' ' && s[i] <= '~' }

// graphemeEnds returns the byte offsets after the first characters of s, as many
// as limit columns hold, and whether s has no more than these.
func graphemeEnds(s string, limit int) (ends []int, all bool) {
	ends, _, all = graphemeWidths(s, limit)
	return ends, all
}

// graphemeWidths is graphemeEnds with the width of s up to each of the ends.
func graphemeWidths(s string, limit int) (ends, widths []int, all bool) {
	width, all := 0, true
	eachCluster(s, func(end, w int) bool {
		if width += w; width > limit {
			all = false
			return false
		}
		ends, widths = append(ends, end), append(widths, width)
		return true
	})
	return ends, widths, all
}

// wordEnds returns the byte offsets in text at which a line may be cut without
// cutting a word, ascending: before a space, and between the words of a script
// that writes none. A link has neither inside it.
func wordEnds(text string) []int {
	var ends []int
	for it := words.FromString(text); it.Next(); {
		end := it.End()
		before, _ := utf8.DecodeLastRuneInString(text[:end])
		after, size := utf8.DecodeRuneInString(text[end:])
		switch {
		case size == 0 || unicode.IsSpace(before):
		case unicode.IsSpace(after), isUnspaced(before) != isUnspaced(after) && !isJoiner(before) && !isJoiner(after),
			isUnspaced(before) && isUnspaced(after):
			ends = append(ends, end)
		}
	}
	return ends
}

// isUnspaced reports letters of scripts whose words stand without spaces.
func isUnspaced(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) || r == 'ー' || r == '、' || r == '，' || isWideStop(r)
}

// isJoiner reports characters that stand inside links, numbers and compounds.
func isJoiner(r rune) bool {
	return strings.ContainsRune("/:._-?&=#%@+~'’", r)
}

// firstWords returns the start of a line, at most n words, without a comma or
// an opening mark at its end. In scripts without spaces two characters count as
// a word.
func firstWords(line string, n int) string {
	left := 2 * n
	for _, end := range wordEnds(line) {
		left -= 2
		if r, _ := utf8.DecodeLastRuneInString(line[:end]); isUnspaced(r) {
			left++
		}
		if left <= 0 {
			return line[:trimmedEnd(line[:end], nil)]
		}
	}
	return line[:trimmedEnd(line, nil)]
}

func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// isPrefixOf says that a is what b begins with, as words.
func isPrefixOf(a, b []string) bool {
	return len(a) > 0 && len(a) <= len(b) && slices.Equal(a, b[:len(a)])
}
