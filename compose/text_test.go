package compose

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"plain", "plain"},
		{" a  b ", "a b"},
		{"a\nb\r\nc\td\u2028e\u2029f\vg", "a b c d e f g"},
		{"Averne\u00a0Courier", "Averne\u00a0Courier"},
		{"\ufeffa\x00\x1b\x7f\u0085b", "a b"},
		{"\u202eabc", "\u202eabc\u202c"},
		{"\u202a\u2067abc", "\u202a\u2067abc\u2069\u202c"},
		{"\u2067a\u202cb\u2069", "\u2067ab\u2069"},
		{"broken\xff", "broken\ufffd"},
		{"e\u0301 👩‍👩‍👧 \u200bx", "e\u0301 👩‍👩‍👧 \u200bx"},
	} {
		if got := clean(test.text); got != test.want {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, seed := range []string{"", " a  b ", "\u202e\u2067x\u202c", "a\x00\r\nb\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := clean(text)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) || strings.Contains(got, "  ") || strings.TrimSpace(got) != got && !strings.ContainsAny(got, "\u00a0\u202f") {
			t.Errorf("%q: got %q", text, got)
		}
		if again := clean(got); again != got {
			t.Errorf("%q: got %q, and cleaned again %q", text, got, again)
		}
		if closeDirections(got) != got {
			t.Errorf("%q: %q leaves a direction open", text, got)
		}
	})
}

func TestCleanLines(t *testing.T) {
	if got, want := cleanLines("\n a  b \r\n\n c\x00 \n\n"), "a b\n\nc"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := cleanSpaced("a  b \n\tc\x1b  d\n\n"), "a  b\n    c  d"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTogether(t *testing.T) {
	if got := together("Averne Courier"); got != "Averne\u00a0Courier" {
		t.Errorf("got %q", got)
	}
	if long := "The Averne and Carrow Head Courier"; together(long) != long {
		t.Error("a long name can't break")
	}
}

func TestSentence(t *testing.T) {
	for _, test := range []struct{ lang, first, second, want string }{
		{"en", "", "", ""},
		{"en", "A", "", "A"},
		{"en", "", "B", "B"},
		{"en", "A", "B", "A. B"},
		{"en", "A.", "B", "A. B"},
		{"en", "A?", "B", "A? B"},
		{"en", "A …", "B", "A … B"},
		{"en", "“A.”", "B", "“A.” B"},
		{"en", "A:", "B", "A: B"},
		{"ja", "船が出た", "港は静かだ", "船が出た。港は静かだ"},
		{"ja", "船が出た。", "港は静かだ", "船が出た。港は静かだ"},
		{"zh", "船开了！", "码头很静", "船开了！码头很静"},
		{"hi", "नाव चली", "लोग खुश हैं", "नाव चली। लोग खुश हैं"},
		{"ar", "هل أبحر؟", "نعم", "هل أبحر؟ نعم"},
	} {
		s := newSetting(Recipe{Language: test.lang}, Edition{}, false)
		if got := s.sentence(test.first, test.second); got != test.want {
			t.Errorf("%s, %q, %q: got %q, want %q", test.lang, test.first, test.second, got, test.want)
		}
	}
}

func TestEventText(t *testing.T) {
	for _, test := range []struct{ title, place, text, want string }{
		{"Knots", "", "", ""},
		{"Knots", "the Net Loft", "", ", the Net Loft."},
		{"Knots", "", "Free.", ". Free."},
		{"Knots", "the Net Loft", "Free.", ", the Net Loft. Free."},
		{"Knots at the Net Loft", "the Net Loft", "Free.", ". Free."},
		{"Knots!", "", "Free.", " Free."},
		{"Knots.", "The Net Loft", "Free.", " The Net Loft. Free."},
	} {
		s := newSetting(Recipe{}, Edition{}, false)
		b := s.brief(Brief{Title: test.title, Place: test.place, Teaser: test.text}, "events")
		if b.Text != test.want {
			t.Errorf("%q, %q, %q: got %q, want %q", test.title, test.place, test.text, b.Text, test.want)
		}
	}
}
