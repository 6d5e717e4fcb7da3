package templates

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
)

// columns is how wide the text part is set. Mail readers of all ages show 72
// columns without wrapping them again, even when quoted (RFC 3676, 4.2).
const columns = 72

// Wrap sets text in lines of at most 72 columns, counted as a terminal shows
// them: East Asian characters take two. Line breaks in the text stay. An
// address is never broken: one that is wider stands alone on its line.
func Wrap(text string) string { return hang("", "", text) }

// hang wraps text with first before its first line and rest before the others.
func hang(first, rest, text string) string {
	var lines []string
	prefix := first
	for _, line := range strings.Split(text, "\n") {
		for _, part := range fold(line, columns-displaywidth.String(prefix)) {
			lines = append(lines, strings.TrimRight(prefix+part, " "))
			prefix = rest
		}
	}
	return strings.Join(lines, "\n")
}

// fold breaks one line into lines of at most width columns.
func fold(line string, width int) []string {
	width = max(width, 8)
	var lines []string
	var current strings.Builder
	used := 0
	flush := func() {
		lines = append(lines, current.String())
		current.Reset()
		used = 0
	}
	for _, word := range strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' }) {
		space := 1
		if used == 0 {
			space = 0
		}
		for _, piece := range pieces(word, width) {
			w := widthOf(piece)
			if used > 0 && used+space+w > width {
				flush()
				space = 0
			}
			current.WriteString(strings.Repeat(" ", space) + piece)
			used += space + w
			space = 0 // the pieces of one word stand together
		}
	}
	flush()
	return lines
}

// pieces cuts a word where a line may end inside it. An address stays whole.
// Chinese and Japanese characters may part from each other and from the words
// of other scripts beside them, but for the marks that begin and end no line
// (kinsoku shori, JIS X 4051). Another word is cut only where it is wider than
// the line, never inside a character.
func pieces(word string, width int) []string {
	if plainWord(word) && len(word) <= width || strings.Contains(word, "://") {
		return []string{word}
	}
	var out []string
	start, end, used := 0, 0, 0
	previous := ""
	for clusters := displaywidth.StringGraphemes(word); clusters.Next(); {
		cluster, w := clusters.Value(), clusters.Width()
		if end > start && (mayPart(previous, cluster) || used+w > width) {
			out = append(out, word[start:end])
			start, used = end, 0
		}
		end += len(cluster)
		used += w
		previous = cluster
	}
	return append(out, word[start:end])
}

// plainWord says that a word is of ASCII alone, as most are.
func plainWord(word string) bool {
	for i := range len(word) {
		if word[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// widthOf is the width of a word; one of printable ASCII has as many columns as
// letters.
func widthOf(word string) int {
	if plainWord(word) && !strings.ContainsFunc(word, unicode.IsControl) {
		return len(word)
	}
	return displaywidth.String(word)
}

// mayPart says whether a line may end between two characters of a word.
func mayPart(before, after string) bool {
	b, _ := utf8.DecodeRuneInString(before)
	a, _ := utf8.DecodeRuneInString(after)
	if !isIdeographic(b) && !isIdeographic(a) || endsNoLine(b) || beginsNoLine(a) {
		return false
	}
	// Dashes and ellipses of two characters stay together, and a number stays
	// with what it counts or measures.
	return (b != a || !strings.ContainsRune("—―…‥", a)) && !unicode.IsDigit(b)
}

// isIdeographic reports characters of the scripts that are written without
// spaces, their punctuation and their wide forms. Korean is written with spaces
// and breaks at them.
func isIdeographic(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo, unicode.Yi) ||
		r >= '\u3000' && r <= '\u303f' || r >= '\uff01' && r <= '\uff65' || strings.ContainsRune("ー…‥—―“”‘’", r)
}

// endsNoLine reports marks after which no line ends: opening brackets and
// quotation marks, and signs of currency before a number.
func endsNoLine(r rune) bool {
	return unicode.In(r, unicode.Ps, unicode.Pi, unicode.Sc) || strings.ContainsRune("〝＃#＠@", r)
}

// beginsNoLine reports marks with which no line begins: closing brackets and
// quotation marks, stops, commas, small kana, marks of repetition and of length,
// and units behind a number.
func beginsNoLine(r rune) bool {
	if unicode.In(r, unicode.Pe, unicode.Pf, unicode.Po) && !strings.ContainsRune("＃＠＆＊#@&*", r) {
		return true
	}
	return strings.ContainsRune("ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿ"+
		"ー々〻ゝゞヽヾ゛゜〜～‐゠–〟℃°％‰", r)
}
