package compose

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// sentenceEnds returns the byte offsets at which sentences of text end: after
// the stop and the quotation marks and brackets that close with it. Text is one
// line of plain text; lang is its language (BCP 47), empty when not known.
//
// It errs on the side of finding too few: an initial, a common abbreviation, an
// ordinal ("24. November"), a decimal point, an ellipsis and a stop before a
// small letter end no sentence, whatever follows. Whether an end stands inside
// a quotation is not judged here (see quotations).
func sentenceEnds(text, lang string) []int {
	var ends []int
	start := 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if !isStop(r) {
			i += size
			continue
		}
		run := i + size
		for run < len(text) {
			r, size := utf8.DecodeRuneInString(text[run:])
			if !isStop(r) {
				break
			}
			run += size
		}
		end := skipClosers(text, run, isWideStop(r))
		if stopEndsSentence(text, start, i, run, end, lang) {
			ends = append(ends, end)
			start = end
		}
		i = end
	}
	return ends
}

// stopEndsSentence judges the run of stops text[stop:run], after which closing
// marks go on until end. start is where the sentence began.
func stopEndsSentence(text string, start, stop, run, end int, lang string) bool {
	stops, rest := text[stop:run], text[end:]
	if isEllipsis(stops) {
		return false
	}
	next, spaced := afterStop(rest)
	if last, _ := utf8.DecodeLastRuneInString(stops); isWideStop(last) {
		if last == '．' && unicode.IsDigit(next) {
			return false // a decimal point
		}
		// Without spaces between sentences, a closing quotation mark may be
		// followed by the words of who spoke.
		return end == run || next == 0 || spaced
	}
	switch {
	case rest != "" && !spaced:
		return false
	case unicode.IsLower(next) || unicode.Is(unicode.Pd, next):
		return false
	case stops == ".":
		sentence := text[start:stop]
		word := wordBefore(sentence)
		if isDigits(word) && next != 0 && strings.TrimSpace(sentence) == word {
			return false // "1. Buy rope."
		}
		return !isAbbreviation(sentence[:len(sentence)-len(word)], word, rest, lang)
	case end > run && unicode.Is(unicode.Lo, next):
		// Where no letter is small, nothing tells a new sentence from who
		// asked.
		return false
	}
	return true
}

// endsSentence says whether a paragraph ends as a sentence does. An
// abbreviation at its very end counts: nothing follows that it could belong to.
func endsSentence(paragraph string) bool {
	p := strings.TrimRightFunc(paragraph, func(r rune) bool { return unicode.IsSpace(r) || isCloser(r) })
	body := strings.TrimRightFunc(p, isStop)
	return body != p && !isEllipsis(p[len(body):])
}

// isStop reports the marks that can end a sentence in any script.
func isStop(r rune) bool {
	switch r {
	case '.', '!', '?', '…', '‼', '⁇', '⁈', '⁉':
		return true
	case '؟', '۔', '։', '።': // Arabic, Urdu, Armenian, Ethiopic
		return true
	}
	return isWideStop(r)
}

// isWideStop reports stops after which no space is needed.
func isWideStop(r rune) bool {
	switch r {
	case '。', '！', '？', '｡', '．', '।', '॥', '။', '។':
		return true
	}
	return false
}

// isEllipsis reports a run of stops that trails off instead of ending. One with
// another stop behind it ("…?", "……。") ends.
func isEllipsis(stops string) bool {
	if !strings.Contains(stops, "…") && !strings.Contains(stops, "..") {
		return false
	}
	last, _ := utf8.DecodeLastRuneInString(stops)
	return last == '.' || last == '…'
}

// isCloser reports marks that close a quotation or bracket after a stop. The
// marks that open in one language close in another.
func isCloser(r rune) bool {
	switch r {
	case '"', '\'', '”', '’', '“', '‘', '»', '›', '«', '‹', ')', ']', '}', '」', '』', '）', '］', '】', '〉', '》', '״', '׳':
		return true
	}
	return false
}

// skipClosers returns the offset after the closing marks at i. A guillemet may
// stand behind a space, as in French. Behind a wide stop, which no space
// follows, “ and ‘ open the next sentence.
func skipClosers(text string, i int, wide bool) int {
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		if wide && (r == '“' || r == '‘') {
			break
		}
		if isCloser(r) {
			i += size
			continue
		}
		if !unicode.IsSpace(r) {
			break
		}
		mark, width := utf8.DecodeRuneInString(text[i+size:])
		if mark != '»' && mark != '›' {
			break
		}
		if after, _ := utf8.DecodeRuneInString(text[i+size+width:]); unicode.IsLetter(after) || unicode.IsDigit(after) {
			break // it opens, as in Danish
		}
		i += size + width
	}
	return i
}

// afterStop returns the first letter, digit or other mark of rest behind spaces
// and opening marks, 0 at its end, and whether a space comes first.
func afterStop(rest string) (next rune, spaced bool) {
	for i, r := range rest {
		switch {
		case unicode.IsSpace(r):
			if i == 0 {
				spaced = true
			}
		case unicode.In(r, unicode.Ps, unicode.Pi, unicode.Pf), r == '"', r == '\'', r == '¿', r == '¡':
		default:
			return r, spaced
		}
	}
	return 0, spaced
}

// longestAbbreviation bounds how far back the word before a stop is read, in
// bytes.
const longestAbbreviation = 24

// wordBefore returns the last word of text: what stands behind its last space,
// dash or opening mark.
func wordBefore(text string) string {
	from := max(0, len(text)-longestAbbreviation)
	for from > 0 && !utf8.RuneStart(text[from]) {
		from--
	}
	i := strings.LastIndexFunc(text[from:], func(r rune) bool {
		return unicode.IsSpace(r) || r == '—' || r == '–' || r == '"' || r == '\'' || r == '/' ||
			unicode.In(r, unicode.Ps, unicode.Pi, unicode.Pf)
	})
	if i < 0 {
		return text // when longer than what was read, too long for an abbreviation
	}
	_, size := utf8.DecodeRuneInString(text[from+i:])
	return text[from+i+size:]
}
