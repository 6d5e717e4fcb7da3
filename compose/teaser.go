package compose

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// defaultTeaser is the length of a teaser, in columns (displayWidth), where a
// recipe says none.
const defaultTeaser = 240

// How a teaser came to its end.
const (
	toldWhole   = ""
	cutSentence = "teaser cut after a sentence"
	cutWord     = "teaser cut at a word"
)

// teaser shortens text to at most limit columns (displayWidth) and says how it
// came to its end. No character is cut in two.
//
// A text that fits stays whole, unless its source cut it. Else it goes back to
// the last whole sentence outside any quotation or bracket, without an
// ellipsis, if at least 40 % of the wanted length remains; the wanted length is
// the limit, or the text's where that is less. Else it ends at a word before
// the quotation that is open there, or, where too little stands before it,
// inside it, and the quotation is closed: `… word …”`. The one ellipsis never
// follows a full stop, a comma, a dash or an opening mark.
//
// Empty when not even the first word fits.
func teaser(text, lang string, limit int, wasCut bool) (string, string) {
	text = oneLine(text)
	if limit <= 0 {
		limit = defaultTeaser
	}
	ends, widths, fits := graphemeWidths(text, limit)
	if fits && !wasCut {
		return text, toldWhole
	}
	if fits && wasCut {
		text = withoutCutMark(text)
		ends, widths, fits = graphemeWidths(text, limit)
	}
	c := cutting{text: text, lang: lang, limit: limit, ends: ends, widths: widths}
	// Quotations are looked for a good way beyond the limit, to tell those that
	// close there from an opening mark that never closes.
	scope := text
	if len(ends) > 0 && ends[len(ends)-1]+quotationReach < len(text) {
		scope = text[:ends[len(ends)-1]+quotationReach]
	}
	c.quotes = slices.DeleteFunc(quotations(scope, wasCut || len(scope) < len(text)), func(q quotation) bool {
		return len(ends) == 0 || q.open >= ends[len(ends)-1]
	})
	if cut := c.atSentence(0.4); cut != "" {
		if cut == text {
			return cut, toldWhole
		}
		return cut, cutSentence
	}
	if cut := c.atWord(fits && wasCut); cut != "" {
		return cut, cutWord
	}
	return c.atSentence(0), cutSentence
}

// quotationReach is how far behind the limit a quotation may close, in bytes.
const quotationReach = 4096

// cutting is a text on its way to becoming a teaser.
type cutting struct {
	text   string
	lang   string
	limit  int   // columns
	ends   []int // of the characters that fit into limit
	widths []int // of the text up to each of ends, in columns
	quotes []quotation
}

// length returns how wide text[:end] is, and whether end stands between two
// characters.
func (c *cutting) length(end int) (int, bool) {
	i, found := slices.BinarySearch(c.ends, end)
	if !found {
		return 0, false
	}
	return c.widths[i], true
}

// wanted is the length that the teaser would best have.
func (c *cutting) wanted() float64 {
	if len(c.widths) == 0 {
		return 0
	}
	return float64(c.widths[len(c.widths)-1])
}

// atSentence returns the text up to its last sentence within the limit that
// ends outside of quotations and leaves at least share of the wanted length.
func (c *cutting) atSentence(share float64) string {
	if len(c.ends) == 0 {
		return ""
	}
	// What follows the limit tells a stop that ends a sentence from one that
	// doesn't.
	last := c.ends[len(c.ends)-1]
	scope := c.text[:min(len(c.text), last+longestAbbreviation)]
	for _, end := range slices.Backward(sentenceEnds(scope, c.lang)) {
		n, found := c.length(end)
		if !found || len(openAt(c.quotes, end)) > 0 {
			continue
		}
		if float64(n) < share*c.wanted() {
			return ""
		}
		return c.text[:end]
	}
	return ""
}

// atWord returns the text up to a word, with an ellipsis. When brokenOff, the
// text's own last word may be half a word.
func (c *cutting) atWord(brokenOff bool) string {
	if len(c.ends) == 0 {
		return ""
	}
	scope := c.text[:c.ends[len(c.ends)-1]]
	places := wordEnds(scope)
	if len(scope) == len(c.text) {
		if !brokenOff || len(places) == 0 {
			places = append(places, len(scope))
		}
	} else if next, _ := utf8.DecodeRuneInString(c.text[len(scope):]); unicode.IsSpace(next) {
		places = append(places, len(scope))
	}
	end := len(c.text) + 1
	for _, place := range slices.Backward(places) {
		if place >= end {
			continue // trimmed off already
		}
		if end = trimmedEnd(c.text[:place], c.quotes); end == 0 {
			break
		}
		if _, between := c.length(end); !between || endsInStop(c.text[:end]) {
			continue
		}
		open := openAt(c.quotes, end)
		if len(open) > 0 {
			before := trimmedEnd(c.text[:open[0].open], c.quotes)
			if n, between := c.length(before); between && float64(n) >= 0.4*c.wanted() && !endsInStop(c.text[:before]) {
				if cut := c.close(before, nil); cut != "" {
					return cut
				}
			}
		}
		if cut := c.close(end, open); cut != "" {
			return cut
		}
	}
	return ""
}

// close returns text[:end] with an ellipsis and the closing marks of what is
// open there; empty when that is longer than the limit.
func (c *cutting) close(end int, open []quotation) string {
	var b strings.Builder
	b.WriteString(c.text[:end])
	if r, _ := utf8.DecodeLastRuneInString(c.text[:end]); !isUnspaced(r) {
		b.WriteByte(' ')
	}
	b.WriteString("…")
	for _, q := range slices.Backward(open) {
		b.WriteString(q.closer)
	}
	cut := b.String()
	if displayWidth(cut) > c.limit {
		return ""
	}
	return cut
}

// trimmedEnd returns where s ends without the spaces, commas, dashes, ellipses,
// opening marks and lone signs at its end.
func trimmedEnd(s string, quotes []quotation) int {
	end := len(s)
	for end > 0 {
		r, size := utf8.DecodeLastRuneInString(s[:end])
		at := end - size
		switch {
		case unicode.IsSpace(r), strings.ContainsRune(",;:،؛、，；：·•|/\\", r), unicode.Is(unicode.Pd, r):
		case r == '…', r == '.' && strings.HasSuffix(s[:at], "."):
		case r == '.' && strings.HasSuffix(s[end:], "."): // the first of several
		case isOpeningMark(s, at, r, quotes):
		case isLoneSign(s[:at], r):
		default:
			return end
		}
		end = at
	}
	return end
}

// isOpeningMark reports a mark at that opens something.
func isOpeningMark(s string, at int, r rune, quotes []quotation) bool {
	if r == '¿' || r == '¡' || unicode.Is(unicode.Ps, r) {
		return true
	}
	for _, q := range quotes {
		if q.close == at {
			return false
		}
		if q.open == at {
			return true
		}
	}
	if unicode.Is(unicode.Pi, r) {
		// Some of them close in other languages, behind a word.
		before, _ := utf8.DecodeLastRuneInString(s[:at])
		return at == 0 || unicode.IsSpace(before)
	}
	return false
}

// isLoneSign reports a sign that stands by itself, such as "&" between words.
func isLoneSign(before string, r rune) bool {
	if unicode.In(r, unicode.L, unicode.N, unicode.M, unicode.So, unicode.Cf) || isCloser(r) || isStop(r) {
		return false
	}
	last, _ := utf8.DecodeLastRuneInString(before)
	return before == "" || unicode.IsSpace(last)
}

// endsInStop says that s ends in a stop, or in closing marks behind one.
func endsInStop(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(strings.TrimRightFunc(s, func(r rune) bool { return isCloser(r) || unicode.IsSpace(r) }))
	return isStop(r)
}

// withoutCutMark takes off the ellipsis with which a source cut a text, and the
// closing mark that it put behind.
func withoutCutMark(text string) string {
	bare := strings.TrimRightFunc(text, func(r rune) bool { return unicode.IsSpace(r) || isCloser(r) })
	cut := strings.TrimRightFunc(bare, func(r rune) bool { return r == '…' || r == '.' })
	if !isEllipsis(bare[len(cut):]) {
		return text
	}
	cut = strings.TrimRightFunc(cut, unicode.IsSpace)
	if open := strings.TrimRight(cut, "[("); open != cut {
		cut = strings.TrimRightFunc(open, unicode.IsSpace) // [...]
	}
	return cut
}

// longestOpening is the longest first sentence, in columns, that a brief
// without a headline has as its link.
const longestOpening = 90

// opening returns the words of a teaser that stand for a missing headline: its
// first sentence if that is short, else its first words. The teaser begins with
// them.
func opening(teaser, lang string) string {
	quotes := quotations(teaser, false)
	for _, end := range sentenceEnds(teaser, lang) {
		if len(openAt(quotes, end)) > 0 {
			continue
		}
		if displayWidth(teaser[:end]) <= longestOpening {
			return teaser[:end]
		}
		break
	}
	words := firstWords(teaser, 8)
	if ends, all := graphemeEnds(words, longestOpening); !all {
		// Long words, or a script without spaces: as many as fit.
		fits := 0
		if len(ends) > 0 {
			fits = ends[len(ends)-1]
		}
		words = words[:fits]
		if places := wordEnds(words); len(places) > 0 {
			words = words[:trimmedEnd(words[:places[len(places)-1]], nil)]
		}
	}
	if words == "" {
		return teaser
	}
	return words
}
