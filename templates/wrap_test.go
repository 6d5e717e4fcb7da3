package templates

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
)

func TestWrap(t *testing.T) {
	ten := strings.Repeat("ninechars ", 7) // 70 columns with its last space
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", ""},
		{"short", "One line.", "One line."},
		{"exactly 72", ten + "xx", ten + "xx"},
		{"one more", ten + "xxx", strings.TrimSpace(ten) + "\nxxx"},
		{"spaces", "  a   b  ", "a b"},
		{"lines stay", "a\nb", "a\nb"},
		{"a no-break space does not break", strings.Repeat("x", 70) + " a\u00a0b", strings.Repeat("x", 70) + "\na\u00a0b"},
		{"a long word", strings.Repeat("x", 100), strings.Repeat("x", 72) + "\n" + strings.Repeat("x", 28)},
		{"a long address", "See https://example.org/" + strings.Repeat("a/", 40) + " now", "See\nhttps://example.org/" + strings.Repeat("a/", 40) + "\nnow"},
		{"an address in brackets", "See <https://example.org/" + strings.Repeat("a-", 30) + ">.", "See\n<https://example.org/" + strings.Repeat("a-", 30) + ">."},
		{"wide", strings.Repeat("港", 40), strings.Repeat("港", 36) + "\n" + strings.Repeat("港", 4)},
		{"no full stop begins a line", strings.Repeat("港", 36) + "。港", strings.Repeat("港", 35) + "\n港。港"},
		{"no bracket ends a line", strings.Repeat("港", 35) + "「港」", strings.Repeat("港", 35) + "\n「港」"},
		{"combining marks take no column", strings.Repeat("e\u0301", 72), strings.Repeat("e\u0301", 72)},
		{"an emoji family is one", strings.Repeat("👨‍👩‍👧", 37), strings.Repeat("👨‍👩‍👧", 36) + "\n👨‍👩‍👧"},
	} {
		if got := Wrap(test.text); got != test.want {
			t.Errorf("%s:\ngot  %q\nwant %q", test.name, got, test.want)
		}
	}
}

func TestHang(t *testing.T) {
	got := hang("10. ", "    ", strings.Repeat("word ", 20))
	want := "10. " + strings.TrimSpace(strings.Repeat("word ", 13)) + "\n    " + strings.TrimSpace(strings.Repeat("word ", 7))
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// FuzzWrap: no line is wider than 72 columns but for an address, nothing is
// lost, and nothing but spaces changes.
func FuzzWrap(f *testing.F) {
	for _, seed := range []string{"", "One line.", strings.Repeat("港「町」。", 30), "a\tb\nc", "x https://example.org/" + strings.Repeat("y", 90) + " z", "👩‍👩‍👧‍👦\u200d\u0301"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && unicode.IsControl(r) }) {
			t.Skip("every text is cleaned before it is set")
		}
		got := Wrap(text)
		for _, line := range strings.Split(got, "\n") {
			if displaywidth.String(line) > columns && !strings.Contains(line, "://") {
				t.Errorf("%d columns: %q", displaywidth.String(line), line)
			}
		}
		bare := func(s string) string {
			return strings.Map(func(r rune) rune {
				if r == ' ' || r == '\t' || r == '\n' {
					return -1
				}
				return r
			}, s)
		}
		if bare(got) != bare(text) {
			t.Errorf("%q became %q", text, got)
		}
	})
}
