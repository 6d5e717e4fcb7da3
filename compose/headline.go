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
	words    []string        // folded, without articles and the labels before a colon
	set      map[string]bool // of words
	names    []string        // words written with a capital inside a title, names of days and months; folded
	numbers  []string        // sorted
	negated  bool            // not, never, without …
	uncased  bool            // in a script without capitals, where names can't be told
	distinct int             // characters in words
}

// readHeadline prepares a title.
func readHeadline(title string) headline {
	h := headline{set: map[string]bool{}}
	title = withoutLabel(norm.NFKC.String(title))
	fold := cases.Fold()
	first, cased := true, false
	for it := words.FromString(title); it.Next(); {
		word := it.Value()
		r, _ := utf8.DecodeRuneInString(word)
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			continue
		}
		folded := strings.ReplaceAll(fold.String(word), "’", "'")
		cased = cased || unicode.IsLower(r) || unicode.IsUpper(r)
		switch number := numberOf(folded); {
		case number != "":
			h.numbers = append(h.numbers, number)
			folded = number
		case isNegation(folded):
			h.negated = true
		case days[folded], unicode.IsUpper(r) && !first:
			h.names = append(h.names, folded)
		}
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

// likeness says how near two headlines are.
type likeness int

const (
	unlike  likeness = iota
	related          // most of the words
	alike            // one has all the words of the other in the same order, in some form, and few more
	same             // the same words
)

// compare says how near two headlines are. Those that differ in a number, a
// name, a date or a negation are unlike, however much they share: "Ferry times,
// 24 November" and "Ferry times, 25 November" are two stories. So are those in
// which one word took another's place ("Bridge opens to lorries", "Bridge
// closes to lorries"), unless they are related and their texts agree.
func compare(a, b headline) likeness {
	if len(a.words) == 0 || len(b.words) == 0 || a.differs(b) {
		return unlike
	}
	if slices.Equal(a.words, b.words) {
		return same
	}
	short, long := a, b
	if len(short.words) > len(long.words) {
		short, long = long, short
	}
	if !a.uncased && 4*len(short.words) >= 3*len(long.words) && inOrder(short.words, long.words) {
		return alike
	}
	shared := 0
	for word := range short.set {
		if long.has(word) {
			shared++
		}
	}
	if 10*2*shared >= 6*(len(short.set)+len(long.set)) {
		return related
	}
	return unlike
}

// differs reports a number, a name or a negation that only one of them has.
func (h headline) differs(other headline) bool {
	return h.negated != other.negated || !slices.Equal(h.numbers, other.numbers) ||
		slices.ContainsFunc(h.names, func(n string) bool { return !other.has(n) }) ||
		slices.ContainsFunc(other.names, func(n string) bool { return !h.has(n) })
}

// has says that a headline has a word, in some form.
func (h headline) has(word string) bool {
	return h.set[word] || slices.ContainsFunc(h.words, func(w string) bool { return sameStem(w, word) })
}

// telling says that a headline has words enough to know a story by; "Weather"
// and "Letters to the editor" have not.
func (h headline) telling() bool {
	return len(h.words) >= 4 && h.distinct >= 16 || h.uncased && len(h.words) >= 8
}

// inOrder says that the words of short stand in long in the same order.
func inOrder(short, long []string) bool {
	i := 0
	for _, word := range long {
		if i < len(short) && sameStem(short[i], word) {
			i++
		}
	}
	return i == len(short)
}

// sameStem says that two folded words are forms of one: they begin alike and
// differ in at most three letters at the end ("sail", "sails", "sailing"). Short
// words and words of different sense with one beginning are kept apart by the
// share that must agree.
func sameStem(a, b string) bool {
	if a == b {
		return true
	}
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n >= 4 && len(a)-n <= 3 && len(b)-n <= 3 && (n == len(a) || n == len(b))
}

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
	label, rest, found := strings.Cut(title, ":")
	if !found {
		label, rest, found = strings.Cut(title, " – ")
	}
	if found && labelWords[strings.ToLower(strings.TrimSpace(label))] && strings.TrimSpace(rest) != "" {
		return rest
	}
	return title
}

var labelWords = setOf("update updated live breaking exclusive video watch pictures photos audio podcast listen analysis opinion comment review " +
	"explainer eilmeldung aktualisiert liveblog liveticker exklusiv analyse kommentar meinung direct vidéo exclusif última directo vídeo exclusiva")

var articles = setOf("the a an der die das den dem des ein eine einen einem einer le la les l un une el los las una o os as um uma il lo gli i het de een en ett det")

func isNegation(word string) bool {
	return strings.HasSuffix(word, "n't") || negations[word]
}

// negations turn a headline round.
var negations = setOf("not no never none nobody nothing without nor neither cannot " +
	"nicht kein keine keinen keinem keiner keines nie niemals ohne niemand nichts weder " +
	"pas non ne jamais aucun aucune sans ni rien " +
	"nunca jamás sin ningún ninguna ninguno nadie nada tampoco " +
	"não nem nenhum nenhuma sem " +
	"mai senza nessun nessuno nessuna né " +
	"niet geen nooit zonder niemand ikke ingen aldri uden uten inte aldrig utan inga inget ei " +
	"nie bez żaden не нет ни без никогда никто ничего " +
	"不 没 沒 無 无 非 未 لا لم لن ليس ليست غير بدون नहीं न बिना לא אין בלי δεν μη χωρίς ")

// numberOf returns the figures of a number, written in figures or as a word;
// empty for other words. One is an article in too many languages to count.
func numberOf(word string) string {
	if strings.ContainsFunc(word, unicode.IsDigit) {
		return word
	}
	return numberWords[word]
}

var numberWords = numbersOf(
	"two zwei deux dos dois due twee", "three drei trois tres três tre drie", "four vier quatre cuatro quatro quattro",
	"five fünf cinq cinco cinque vijf", "six sechs seis sei zes", "seven sieben sept siete sete sette zeven",
	"eight acht huit ocho oito otto", "nine neun neuf nueve nove negen", "ten zehn dix diez dez dieci tien",
	"eleven elf onze once undici", "twelve zwölf douze doce doze dodici twaalf",
)

// numbersOf maps the words for two, three and so on to their figures.
func numbersOf(names ...string) map[string]string {
	figures := map[string]string{}
	for i, of := range names {
		for name := range setOf(of) {
			figures[name] = strconv.Itoa(i + 2)
		}
	}
	return figures
}

// days are the names that date a column, where they stand without a capital or
// at the beginning.
var days = setOf("monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september october november december " +
	"today tomorrow yesterday tonight morning evening weekend heute morgen gestern abend wochenende " +
	"montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag januar februar märz mai juni juli oktober dezember " +
	"lundi mardi mercredi jeudi vendredi samedi dimanche janvier février mars avril juin juillet août septembre octobre novembre décembre " +
	"lunes martes miércoles jueves viernes sábado domingo enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre " +
	"segunda terça quarta quinta sexta janeiro fevereiro março maio junho julho setembro outubro novembro dezembro hoje amanhã ontem " +
	"lunedì martedì mercoledì giovedì venerdì sabato domenica gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre " +
	"maandag dinsdag woensdag donderdag vrijdag zaterdag zondag januari februari maart mei augustus ")
