package compose

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"

	"lede/templates"
)

// noted makes a letter of one brief whose text is given, and a text part
// that is set as a theme would.
func noted(t *testing.T, text, after string) string {
	t.Helper()
	words, _ := templates.WordsFor("en")
	page := &templates.Page{Words: words}
	l := &templates.Letter{
		Page:     page,
		Sections: []*templates.Section{{Page: page, Briefs: []*templates.Brief{{Page: page, Text: text}}}},
		Footer:   &templates.Footer{Page: page, Reason: "Because."},
	}
	f := &footnotes{}
	f.mark(l)
	return f.list(templates.Wrap(l.Sections[0].Briefs[0].Text)+"\n"+after, l)
}

func TestFootnotes(t *testing.T) {
	rule := strings.Repeat("=", 72)
	for _, test := range []struct{ name, text, after, want string }{
		{"none", "No link.", "", "No link.\n"},
		{"inside text", "See the board <https://board.example/a>.", "", "See the board [1].\n\nLinks\n[1] https://board.example/a\n"},
		{"the same twice", "See <https://board.example/a> and <https://board.example/a>.", "", "See [1] and [1].\n\nLinks\n[1] https://board.example/a\n"},
		{"on a line of its own", "A text.", "https://board.example/b\n", "A text. [1]\n\nLinks\n[1] https://board.example/b\n"},
		{"in the order of reading", "A <https://a.example/> text.", "https://b.example/\nMore\nhttps://a.example/\n", "A [1] text. [2]\nMore [1]\n\nLinks\n[1] https://a.example/\n[2] https://b.example/\n"},
		{"what is announced stays", "A text.", "\nImprint:\nhttps://board.example/imprint\n", "A text.\n\nImprint:\nhttps://board.example/imprint\n"},
		{"behind an empty line it stays", "A text.", "\nhttps://board.example/b\n", "A text.\n\nhttps://board.example/b\n"},
		{"a full line gives its last word", strings.Repeat("word ", 14) + "xx", "https://a.example/\n", strings.TrimSpace(strings.Repeat("word ", 14)) + "\nxx [1]\n\nLinks\n[1] https://a.example/\n"},
		{"before the footer and its rule", "See <https://a.example/>.", "\n" + rule + "\nBecause.\n", "See [1].\n\n" + rule + "\nLinks\n[1] https://a.example/\n\n" + rule + "\nBecause.\n"},
		{"before a footer without a rule", "See <https://a.example/>.", "\n\nBecause.\n", "See [1].\n\n\nLinks\n[1] https://a.example/\n\n\nBecause.\n"},
		{"an address of mail stays", "Write to Ines <ines@example.org>.", "", "Write to Ines <ines@example.org>.\n"},
		{"marks in a text are dropped", "A [\ufdd0\ufdd0] <https://a.example/>.", "", "A [] [1].\n\nLinks\n[1] https://a.example/\n"},
		{"a number in a text is a text", "As [7] says.", "", "As [7] says.\n"},
	} {
		if got := noted(t, test.text, test.after); got != test.want {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", test.name, got, test.want)
		}
	}
}

// What has no mark left keeps its address.
func TestFootnotesAreBounded(t *testing.T) {
	got := noted(t, strings.Repeat("<https://a.example/> ", mostMarks)+"<https://b.example/>", "")
	if strings.Count(got, "[1]") != mostMarks+1 || strings.Count(got, "<https://b.example/>") != 1 {
		t.Errorf("%d numbers", strings.Count(got, "[1]"))
	}
}

func TestFromTheRight(t *testing.T) {
	for _, test := range []struct {
		name, line string
		turned     bool
	}{
		{"empty", "", false},
		{"Arabic", "عاد القارب.", false},
		{"Hebrew with a Latin word", "המעבורת Averne שבה", false},
		{"begins with a Latin name", "Holm & Vane لصناعة الأشرعة", true},
		{"begins in Latin behind a mark", "- Holm עברית", true},
		{"a number alone", "19:00", true},
		{"a number before Arabic", "164 درجة", false},
		{"Latin alone", "Holm & Vane, sailmakers", false},
		{"an address", "https://board.example/ع", false},
		{"a rule", strings.Repeat("=", 72), false},
		{"a field", "LF0123456789abcdefx0Z", false},
	} {
		got := fromTheRight(test.line)
		if turned := strings.HasPrefix(got, rightToLeftMark); turned != test.turned || strings.TrimPrefix(got, rightToLeftMark) != test.line {
			t.Errorf("%s: got %q", test.name, got)
		}
	}
}

func TestDisplayWidth(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "harbour": 7, "港": 2, "ﾐﾅﾄ": 3, "ｈ": 2, "e\u0301": 1, "⛵": 2, "👨‍👩‍👧‍👦": 2, "🇵🇹": 2, "항구": 4, "港 port": 7,
		"\u200b": 1, "a" + strings.Repeat("\u0301", 320): 10,
	} {
		if got := displayWidth(text); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

// The boundaries are those of the library, with and without the short way
// through ASCII.
func FuzzEachCluster(f *testing.F) {
	for _, seed := range []string{"", "a", "ab", "e\u0301x", "ab\u0301", "\u0600a b", "a\r\nb", "港ab港", "👩‍👩‍👧x", "\x00a\x7f"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			t.Skip("every text is made valid before it is measured")
		}
		var got, want []int
		eachCluster(text, func(end, _ int) bool {
			got = append(got, end)
			return true
		})
		end := 0
		for it := graphemes.FromString(text); it.Next(); {
			end += len(it.Value())
			want = append(want, end)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	})
}

// Cutting 200 teasers in Latin letters and in Chinese.
func BenchmarkTeaser(b *testing.B) {
	for name, text := range map[string]string{"latin": strings.Repeat("The lamp of 1871 is to be lifted out. ", 40), "chinese": strings.Repeat("渡轮今天早上恢复，乘客很多。", 40)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				for range 200 {
					teaser(text, "en", 240, false)
				}
			}
		})
	}
}
