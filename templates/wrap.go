package templates

import (
	"strings"
	"unicode"

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
			w := displaywidth.String(piece)
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
// Wide characters (Chinese, Japanese, Korean) may part anywhere but before a
// closing and after an opening mark; another word only where it is wider than
// the line.
func pieces(word string, width int) []string {
	if strings.Contains(word, "://") {
		return []string{word}
	}
	var out []string
	var current strings.Builder
	used, breakable := 0, false
	for clusters := displaywidth.StringGraphemes(word); clusters.Next(); {
		cluster, w := clusters.Value(), clusters.Width()
		wide := w > 1
		if used > 0 && (breakable && wide && !closes(cluster) || used+w > width) {
			out = append(out, current.String())
			current.Reset()
			used = 0
		}
		current.WriteString(cluster)
		used += w
		breakable = (wide || breakable && closes(cluster)) && !opens(cluster)
	}
	return append(out, current.String())
}

func opens(cluster string) bool {
	for _, r := range cluster {
		return unicode.In(r, unicode.Ps, unicode.Pi)
	}
	return false
}

func closes(cluster string) bool {
	for _, r := range cluster {
		return unicode.In(r, unicode.Pe, unicode.Pf, unicode.Po) || strings.ContainsRune("ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々", r)
	}
	return false
}
