package compose

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestTeaser(t *testing.T) {
	for _, c := range []struct {
		name, lang, text string
		limit            int
		cut              bool
		want             string
	}{
		{"fits", "en", "The lower beds may be worked from Monday", 40, false, "The lower beds may be worked from Monday"},
		{"white space is folded", "en", "  The lower\n\n beds\treopen.  ", 40, false, "The lower beds reopen."},
		{"back to a sentence", "en", "The lower beds may be worked from Monday. The first baskets go to the school on the hill.", 60, false, "The lower beds may be worked from Monday."},
		{"a sentence that leaves too little", "en", "It rained. The first baskets of the winter go to the school on the hill above the harbour.", 61, false, "It rained. The first baskets of the winter go to the school …"},
		{"no comma before the ellipsis", "en", "The first baskets, said the harbour master, go to the school", 45, false, "The first baskets, said the harbour master …"},
		{"no dash before the ellipsis", "en", "The first baskets of the winter — all nine — go to the school", 37, false, "The first baskets of the winter …"},
		{"no full stop before the ellipsis", "en", "The vote was moved by Councillor and Rep. Oda Farrant of the northern ward", 43, false, "The vote was moved by Councillor and …"},
		{"before a quotation", "en", "The harbour master shook his head and said: “We have run the tables for every tide of the winter.”", 70, false, "The harbour master shook his head and said …"},
		{"inside a quotation", "en", "“We have run the tables for every tide of the winter, and we can’t run habit,” says Tomas Reyl.", 41, false, "“We have run the tables for every tide …”"},
		{"inside a bracket", "en", "(The lamp of 1871 is to be lifted out, cleaned and hung again by four fitters.)", 40, false, "(The lamp of 1871 is to be lifted out …)"},
		{"quotation in a bracket", "en", "(“The lamp of 1871 is to be lifted out, cleaned and hung again by four fitters.”)", 40, false, "(“The lamp of 1871 is to be lifted …”)"},
		{"apostrophes are no quotations", "en", "The chandler’s cat hasn’t moved since the ’90s. It has no plans to do so before the end of the winter.", 60, false, "The chandler’s cat hasn’t moved since the ’90s."},
		{"a sentence inside a quotation is none", "en", "Halla Brandt keeps the shop on the island: “We had eggs. Nobody came. We ate them all ourselves.”", 75, false, "Halla Brandt keeps the shop on the island …"},
		{"a quotation of several paragraphs", "en", "“We had eggs. “Nobody came to buy them.” The island waited eleven days for the next boat to come.", 60, false, "“We had eggs. “Nobody came to buy them.”"},
		{"a mark that never closes", "en", "A pipe of 5\" burst. The cellar of the old customs house filled with water until the morning came.", 30, false, "A pipe of 5\" burst."},
		{"a bracket that never closes", "en", "The old (customs house filled with water. It took until the morning to pump it dry again, said Reyl.", 60, false, "The old (customs house filled with water."},
		{"a link stays whole", "en", "Details are at https://harbour.example/2026/11/24/nine-nights-without-the-light and on the board", 60, false, "Details are at …"},

		{"cut by its source, whole sentences", "en", "The beds reopen. The first baskets go to the school.", 240, true, "The beds reopen. The first baskets go to the school."},
		{"cut by its source, back to a sentence", "en", "The lower beds may be worked from Monday. The first baskets go", 240, true, "The lower beds may be worked from Monday."},
		{"cut by its source, inside a quotation", "en", "“When you see the tables for every tide, that’s", 240, true, "“When you see the tables for every tide …”"},
		{"cut by its source, before a quotation", "en", "The harbour master spoke for an hour to the board: “On the eve of the historic lighting", 240, true, "The harbour master spoke for an hour to the board …"},
		{"cut by its source, perhaps in a word", "en", "The first baskets of the winter go to the scho", 240, true, "The first baskets of the winter go to the …"},
		{"with the mark of its source", "en", "The lower beds may be worked from Monday. The first baskets go …", 240, true, "The lower beds may be worked from Monday."},
		{"with the brackets of its source", "en", "The lower beds may be worked from Monday. The first baskets go [...]", 240, true, "The lower beds may be worked from Monday."},

		{"German", "de", "Die Fähre fährt am 24. November wieder nach Skerrow. Die Karten sind knapp, sagt der Hafenmeister.", 60, false, "Die Fähre fährt am 24. November wieder nach Skerrow."},
		{"German quotation", "de", "„Wir haben die Tafeln für jede Flut gerechnet, aber nicht die Gewohnheit“, sagt Tomas Reyl.", 45, false, "„Wir haben die Tafeln für jede Flut …“"},
		{"French quotation", "fr", "« Nous avons calculé les tables pour chaque marée de l’hiver, sans les habitudes », dit Tomas Reyl.", 45, false, "« Nous avons calculé les tables pour …\u00a0»"},
		{"Japanese", "ja", "船は今朝、北の埠頭を出た。港は静かで、誰も灯台の明かりを見ていなかった。", 40, false, "船は今朝、北の埠頭を出た。"},
		{"Japanese quotation", "ja", "「船は今朝、北の埠頭を出て、島の人々は十一日ぶりに郵便を受け取ったのです」と彼は言った。", 40, false, "「船は今朝、北の埠頭を出て、島の人々…」"},
		{"Hindi", "hi", "नाव आज सुबह उत्तरी घाट से निकली। लोग ग्यारह दिन बाद डाक पाकर बहुत खुश हुए और घाट पर आ गए।", 40, false, "नाव आज सुबह उत्तरी घाट से निकली।"},
		{"Arabic", "ar", "غادر القارب الرصيف الشمالي هذا الصباح. وصلت الرسائل إلى الجزيرة بعد أحد عشر يوما من الانتظار.", 45, false, "غادر القارب الرصيف الشمالي هذا الصباح."},
		{"combined characters", "en", "ééé ééé ééé ééé", 9, false, "ééé ééé …"},
		{"wide characters count twice", "zh", "渡轮今天早上恢复。乘客很多，码头上人山人海，大家都在等候。", 26, false, "渡轮今天早上恢复。"},
		{"an emoji counts twice", "en", "⛵⛵⛵ ⛵⛵⛵ ⛵⛵⛵", 15, false, "⛵⛵⛵ ⛵⛵⛵ …"},
		{"an emoji family is never parted", "en", "👨‍👩‍👧‍👦👨‍👩‍👧‍👦 👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 7, false, "👨‍👩‍👧‍👦👨‍👩‍👧‍👦 …"},
		{"a tower of accents", "en", "a" + strings.Repeat("\u0301", 5000) + " b c d", 20, false, ""},
		{"one endless word", "en", strings.Repeat("a", 50), 20, false, ""},
		{"empty", "en", " \n ", 20, false, ""},
		{"nothing but a mark", "en", "…", 20, true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _ := teaser(c.text, c.lang, c.limit, c.cut)
			if got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestTeaserSaysHow(t *testing.T) {
	text := "The lower beds may be worked from Monday. The first baskets go to the school."
	for limit, want := range map[int]string{200: toldWhole, 60: cutSentence, 30: cutWord} {
		if _, how := teaser(text, "en", limit, false); how != want {
			t.Errorf("limit %d: %q, want %q", limit, how, want)
		}
	}
}

func TestOpening(t *testing.T) {
	for _, c := range []struct{ teaser, want string }{
		{"A brass bell without a name came up in the nets. The museum is looking.", "A brass bell without a name came up in the nets."},
		{"A bell.", "A bell."},
		{"“A bell,” said Halla. It rang.", "“A bell,” said Halla."},
		{"Four fitters will turn the lens by quarter degrees until the brass ring lets go of it, then lower it through the floor …", "Four fitters will turn the lens by quarter"},
		{"Yes, no, maybe, soon, later, today, tomorrow, never, always, and so it goes on and on and on and on and on without end", "Yes, no, maybe, soon, later, today, tomorrow, never"},
		{"船は今朝、北の埠頭を出て、島の人々は十一日ぶりに郵便を受け取った", "船は今朝、北の埠頭を出て、島の人"},
	} {
		got := opening(c.teaser, "en")
		if got != c.want {
			t.Errorf("opening(%q) = %q, want %q", c.teaser, got, c.want)
		}
		if !strings.HasPrefix(c.teaser, got) {
			t.Errorf("%q does not begin with its opening %q", c.teaser, got)
		}
	}
}

// FuzzTeaser holds teasers of any text to what is promised of them.
func FuzzTeaser(f *testing.F) {
	for _, seed := range []string{
		"The lower beds may be worked from Monday. “We had eggs,” said Halla (of the shop), “and nobody came.”",
		"„Wir fahren am 24. November“, z. B. um 9.30 Uhr … oder (vielleicht) nie!",
		"「船は出た。」と彼は言った。港は静かだ。", "नाव चल पड़ी। लोग खुश हैं।", "« Oui », dit-il ; « non ! » Voir https://harbour.example/a,b.",
		"e\u0301e\u0301 👩‍👩‍👧‍👦 🇵🇹🇵🇹 \u200f\u202e", "... … [...] (((((““““", "\"a\" 'b' ‘c’ ‚d‘ »e« ”f” 5\" a\u00a0b", "\xff\xfe\x00 a. B",
	} {
		f.Add(seed, 20, false)
		f.Add(seed, 11, true)
	}
	f.Fuzz(func(t *testing.T, text string, limit int, cut bool) {
		if limit < 1 || limit > 400 || len(text) > 4000 {
			t.Skip()
		}
		checkTeaser(t, text, limit, cut)
	})
}

// TestTeaserProperties builds texts that look like prose, with all that makes
// cutting hard, where a fuzzer finds mostly noise.
func TestTeaserProperties(t *testing.T) {
	word := rapid.SampledFrom([]string{
		"harbour", "lamp", "the", "a", "of", "Halla", "Brandt", "can’t", "U.S.", "Rep.", "z.", "B.", "Dr.", "24.", "November", "No.", "212", "3.5",
		"https://harbour.example/a/b?c=d", "naïve", "e\u0301te\u0301", "👩‍👩‍👧‍👦", "Fähre", "船は出た", "港", "नाव", "القارب", "drive-by", "—", "–", "&", "%", "5\"", "…", "...",
	})
	before := rapid.SampledFrom([]string{"", "", "", "", "“", "„", "«", "« ", "\"", "(", "[", "‘", "「", "(“"})
	after := rapid.SampledFrom([]string{"", "", "", "", "", ",", ".", ".", "!", "?", ":", ";", "”", "“", "»", " »", "\"", ")", "]", "’", "」", ".”", ",”", "?”", "。", "।", "؟"})
	space := rapid.SampledFrom([]string{" ", " ", " ", " ", "\u00a0", "\n\n", ""})
	text := rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		for range rapid.IntRange(0, 40).Draw(t, "words") {
			b.WriteString(before.Draw(t, "before") + word.Draw(t, "word") + after.Draw(t, "after") + space.Draw(t, "space"))
		}
		return b.String()
	})
	rapid.Check(t, func(t *rapid.T) {
		checkTeaser(t, text.Draw(t, "text"), rapid.IntRange(1, 160).Draw(t, "limit"), rapid.Bool().Draw(t, "cut"))
	})
}

type failer interface {
	Errorf(format string, args ...any)
}

func checkTeaser(t failer, text string, limit int, cut bool) {
	line := oneLine(text)
	got, how := teaser(text, "en", limit, cut)
	fail := func(what string) {
		t.Errorf("%s (%s)\nlimit %d, cut by source %v\ntext   %q\nteaser %q", what, how, limit, cut, line, got)
	}
	if !utf8.ValidString(got) {
		fail("invalid UTF-8")
	}
	if displayWidth(got) > limit {
		fail("longer than the limit")
	}
	if again, _ := teaser(got, "en", limit, false); again != got {
		fail("changed when cut again: " + again)
	}
	if got == "" || got == line {
		return
	}
	// What was kept of the text, and what was put behind it.
	kept, tail := got, ""
	if !strings.HasPrefix(line, got) {
		i := strings.LastIndex(got, "…")
		if i < 0 {
			fail("neither the text's beginning nor cut with an ellipsis")
			return
		}
		kept, tail = strings.TrimSuffix(got[:i], " "), got[i:]
		if !strings.HasPrefix(line, kept) {
			fail("says what the text does not")
			return
		}
	}
	if strings.Count(tail, "…") > 1 {
		fail("two ellipses")
	}
	last, _ := utf8.DecodeLastRuneInString(kept)
	if tail != "" && (endsInStop(kept) || strings.ContainsRune(",;:、，", last) || unicode.In(last, unicode.Pd, unicode.Ps)) {
		fail("an ellipsis behind a stop, a comma, a dash or an opening mark")
	}
	if tail == "" && !endsInStop(kept) {
		fail("ends neither a sentence nor with an ellipsis")
	}
	if next := line[len(kept):]; next != "" {
		ends, _ := graphemeEnds(line, len(line))
		if !slices.Contains(ends, len(kept)) {
			fail("inside a combined character")
		}
		after, _ := utf8.DecodeRuneInString(next)
		if isWordRune(last) && isWordRune(after) && !isUnspaced(last) && !isUnspaced(after) {
			fail("inside a word")
		}
	}
	if still := openAt(quotations(line, false), len(kept)); len(still) > 0 && tail == "" {
		fail("leaves a quotation open")
	}
	if still := quotations(got, true); tail != "" && len(openAt(still, len(got))) > len(openAt(quotations(line, true), len(line))) {
		fail("leaves a quotation open behind the ellipsis")
	}
}
