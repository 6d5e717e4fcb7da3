package compose

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// isAbbreviation says whether the full stop after word belongs to the word and
// ends no sentence. before is what the sentence has before the word, rest what
// follows the stop, lang the text's language.
//
// It knows initials ("J. K."), letters with stops between them ("U.S.",
// "z.B."), party and state ("R-Ga."), numbers that count or date, and the lists
// of abbreviations. Where one may well close a sentence ("at 9 p.m.", "etc."),
// the word that follows decides.
func isAbbreviation(before, word, rest, lang string) bool {
	if word == "" || len(word) > longestAbbreviation {
		return false
	}
	base, _, _ := strings.Cut(strings.ToLower(lang), "-")
	lower := strings.ToLower(word)
	switch {
	case isDigits(word):
		return isOrdinal(before, word, rest, base)
	case ordinalLanguages[base] && isRoman(word):
		return true
	case listEnds[lower]:
		next, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(rest, unicode.IsSpace))
		return !unicode.IsUpper(next) && !unicode.Is(unicode.Lo, next)
	case isInitial(word), isDotted(word):
		return !opensSentence(rest, base) || neverLast[lower]
	case isPartyAndState(word), abbreviations[lower], abbreviationsOf[base][lower], (base == "en" || base == "fr" || base == "") && nameAbbreviations[word]:
		return !mayBeLast[lower] || !opensSentence(rest, base)
	}
	return startsWithDigit(rest) &&
		(beforeNumbers[lower] || beforeNumbersOf[base][lower] || base == "de" && strings.HasSuffix(lower, "str"))
}

// opensSentence says that rest begins with a word that, with a capital, opens a
// sentence and hardly ever a name. It is known for English alone.
func opensSentence(rest, base string) bool {
	if base != "en" {
		return false
	}
	next := strings.TrimLeftFunc(rest, unicode.IsSpace)
	end := strings.IndexFunc(next, func(r rune) bool { return !unicode.IsLetter(r) })
	if end < 0 {
		end = len(next)
	}
	return openingWords[next[:end]]
}

// isInitial reports a single letter of a script that writes initials with a
// stop.
func isInitial(word string) bool {
	r, size := utf8.DecodeRuneInString(word)
	return size == len(word) && unicode.In(r, unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Arabic)
}

// isRoman reports a Roman number: "XIV", as in "Ludwig XIV."
func isRoman(word string) bool {
	return len(word) <= 6 && !strings.ContainsFunc(word, func(r rune) bool { return !strings.ContainsRune("IVXLC", r) })
}

// isDotted reports short groups of letters joined by stops or by stops and
// hyphens: U.S, a.m, Ph.D, D-N.Y.
func isDotted(word string) bool {
	if !strings.Contains(word, ".") {
		return false
	}
	for part := range strings.FieldsFuncSeq(word, func(r rune) bool { return r == '.' || r == '-' }) {
		if utf8.RuneCountInString(part) > 3 || strings.ContainsFunc(part, func(r rune) bool { return !unicode.In(r, unicode.L, unicode.M) }) {
			return false
		}
	}
	return true
}

// isPartyAndState reports a letter, a hyphen and a short name: R-Ga, D-Calif.
func isPartyAndState(word string) bool {
	party, state, found := strings.Cut(word, "-")
	r, size := utf8.DecodeRuneInString(party)
	return found && size > 0 && size == len(party) && unicode.IsUpper(r) && len(state) > 0 && len(state) <= 5
}

// isOrdinal reports a number whose stop counts ("24. November", "im 19.
// Jahrhundert"). It does so before the name of a month; before a small letter no
// sentence ends anyhow. Where every noun has a capital, or names are counted
// ("2. Dünya Savaşı"), it does so before anything, unless what stands before the
// number says that it is one of a page or a house.
func isOrdinal(before, word, rest, base string) bool {
	if len(word) > 2 {
		return false
	}
	next := strings.TrimLeftFunc(rest, unicode.IsSpace)
	end := strings.IndexFunc(next, func(r rune) bool { return !unicode.IsLetter(r) })
	if end < 0 {
		end = len(next)
	}
	if months[strings.ToLower(next[:end])] {
		return true
	}
	return countsNames[base] && !strings.HasSuffix(strings.TrimRightFunc(before, unicode.IsSpace), ".")
}

func isDigits(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

func startsWithDigit(s string) bool {
	r, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(s, unicode.IsSpace))
	return unicode.IsDigit(r)
}
