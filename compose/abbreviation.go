package compose

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// isAbbreviation says whether the full stop after word belongs to the word and
// ends no sentence. rest is what follows the stop, lang the text's language.
//
// It knows initials ("J. K."), letters with stops between them ("U.S.",
// "z.B."), party and state ("R-Ga."), numbers that count or date, and the lists
// below.
func isAbbreviation(word, rest, lang string) bool {
	if word == "" || len(word) > longestAbbreviation {
		return false
	}
	if isDigits(word) {
		return isOrdinal(word, rest, lang)
	}
	if isInitial(word) || isDotted(word) || isPartyAndState(word) {
		return true
	}
	lower := strings.ToLower(word)
	if abbreviations[lower] {
		return true
	}
	return beforeNumbers[lower] && startsWithDigit(rest)
}

// isInitial reports a single letter of a script that writes initials with a
// stop.
func isInitial(word string) bool {
	r, size := utf8.DecodeRuneInString(word)
	return size == len(word) && unicode.In(r, unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Armenian)
}

// isDotted reports short groups of letters joined by stops or by stops and
// hyphens: U.S, a.m, Ph.D, D-N.Y.
func isDotted(word string) bool {
	if !strings.Contains(word, ".") {
		return false
	}
	for part := range strings.FieldsFuncSeq(word, func(r rune) bool { return r == '.' || r == '-' }) {
		if utf8.RuneCountInString(part) > 3 || strings.ContainsFunc(part, func(r rune) bool { return !unicode.IsLetter(r) }) {
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
// Jahrhundert"). It does so before the name of a month, and before anything in
// the languages that write ordinals with a stop.
func isOrdinal(word, rest, lang string) bool {
	if len(word) > 2 {
		return false
	}
	base, _, _ := strings.Cut(strings.ToLower(lang), "-")
	if ordinalLanguages[base] {
		return true
	}
	next := strings.TrimLeftFunc(rest, unicode.IsSpace)
	end := strings.IndexFunc(next, func(r rune) bool { return !unicode.IsLetter(r) })
	if end < 0 {
		end = len(next)
	}
	return months[strings.ToLower(next[:end])]
}

func isDigits(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

func startsWithDigit(s string) bool {
	r, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(s, unicode.IsSpace))
	return unicode.IsDigit(r)
}

// abbreviations end no sentence, whatever follows. Words that also stand alone
// ("no", "art", "sat", "mar") are in beforeNumbers.
var abbreviations = setOf("" +
	// titles and ranks
	"mr mrs ms mx dr drs prof rep reps sen sens gov govs gen adm col maj capt cmdr lt sgt cpl pvt st ste rev revd fr hon pres supt insp messrs " +
	"mme mmes mlle mm me mgr hr fr frl sr sra srta dra dña sig sigra dott ing dipl mag mrs atty jr esq phd dhr mevr " +
	"г-н г-жа проф акад им ул стр рис тыс млн млрд руб коп см др гг вв " +
	// words
	"vs approx dept dist est misc univ assn bros inc ltd corp co etc al ca cf viz resp incl excl tel " +
	"bzw ca evtl ggf inkl exkl vgl usw usf sog bspw zzgl abzgl mio mrd std tsd allg insb jhdt jh " +
	"ex env cie éd apr av boul ss " +
	"pág págs aprox avda ee uu ud uds vd vds " +
	"bijv enz nl mln mld ong " +
	// places
	"ave blvd hwy apt sq mt mtn ft calif mass conn fla tenn minn wis okla ariz colo nev ore " +
	// months
	"jan feb sept oct nov okt dez janv févr juil déc ene ago ")

// beforeNumbers end no sentence when a number follows.
var beforeNumbers = setOf("" +
	"no nos nr nrn n° nº núm num art arts abs s pp p vol vols fig figs ch chap sec sect kap bd str par para pt ver v rm mar jun jul aug dec sat sun abr set dic mag giu lug gen " +
	"№ гл п пп ст д кв ")

// ordinalLanguages write 24. for 24th.
var ordinalLanguages = setOf("de da nb nn no fi cs sk hu hr sr bs sl et lv pl tr is fo lb")

// months are the names before which a number is a date, in the languages that
// write a stop after it, for texts whose language is not known.
var months = setOf("" +
	"januar jänner februar feber märz april mai juni juli august september oktober november dezember jahrhundert " +
	"marts maj december january february march may june july october " +
	"tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta marraskuuta joulukuuta " +
	"ledna února března dubna května června července srpna září října listopadu prosince " +
	"január február marec apríl máj jún júl október " +
	"stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października grudnia ")

// setOf makes a set of the words of a text.
func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		set[word] = true
	}
	return set
}
