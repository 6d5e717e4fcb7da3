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
		{"no comma begins a line", strings.Repeat("港", 36) + "、港", strings.Repeat("港", 35) + "\n港、港"},
		{"no closing bracket begins a line", strings.Repeat("港", 35) + "「港」", strings.Repeat("港", 35) + "\n「港」"},
		{"two closing marks stay together", strings.Repeat("港", 35) + "港。」港", strings.Repeat("港", 35) + "\n港。」港"},
		{"no small kana begins a line", strings.Repeat("港", 35) + "チャー", strings.Repeat("港", 35) + "\nチャー"},
		{"no mark of length begins a line", strings.Repeat("港", 36) + "ー港", strings.Repeat("港", 35) + "\n港ー港"},
		{"no mark of repetition begins a line", strings.Repeat("人", 35) + "人々港", strings.Repeat("人", 35) + "\n人々港"},
		{"an exclamation stays", strings.Repeat("港", 36) + "！？", strings.Repeat("港", 35) + "\n港！？"},
		{"a Chinese quotation", strings.Repeat("港", 35) + "“谁付钱？”", strings.Repeat("港", 35) + "\n“谁付钱？”"},
		{"two ellipses stay together", strings.Repeat("港", 35) + "……港", strings.Repeat("港", 35) + "……\n港"},
		{"a word inside Japanese stays whole", strings.Repeat("港", 34) + "Averne港", strings.Repeat("港", 34) + "\nAverne港"},
		{"Japanese breaks behind a word", strings.Repeat("x", 70) + "港町", strings.Repeat("x", 70) + "港\n町"},
		{"a number keeps its unit", strings.Repeat("港", 34) + "2026年", strings.Repeat("港", 34) + "\n2026年"},
		{"a price keeps its sign", strings.Repeat("港", 35) + "￥350", strings.Repeat("港", 35) + "\n￥350"},
		{"a per cent sign stays", strings.Repeat("港", 35) + "７％", strings.Repeat("港", 35) + "\n７％"},
		{"Korean breaks at spaces", strings.Repeat("항구 ", 14) + "항구도시", strings.TrimSpace(strings.Repeat("항구 ", 14)) + "\n항구도시"},
		{"an emoji at the end goes down whole", strings.Repeat("x", 70) + " 👨‍👩‍👧", strings.Repeat("x", 70) + "\n👨‍👩‍👧"},
		{"Hindi breaks at spaces, not in a syllable", strings.Repeat("क्षि", 80), ""},
		{"combining marks take no column", strings.Repeat("e\u0301", 72), strings.Repeat("e\u0301", 72)},
		{"an emoji family is one", strings.Repeat("👨‍👩‍👧", 37), strings.Repeat("👨‍👩‍👧", 36) + "\n👨‍👩‍👧"},
	} {
		if test.want == "" && test.text != "" {
			// Only that no character is cut: its width is the terminal's own
			// affair.
			for line := range strings.SplitSeq(Wrap(test.text), "\n") {
				if strings.Trim(line, "क्षि") != "" || !strings.HasPrefix(line, "क्षि") || !strings.HasSuffix(line, "क्षि") {
					t.Errorf("%s: %q", test.name, line)
				}
			}
			continue
		}
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

// The text of a whole edition in Latin letters and in Chinese.
func BenchmarkWrap(b *testing.B) {
	for name, text := range map[string]string{"latin": strings.Repeat("The lamp of 1871 is to be lifted out. ", 200), "chinese": strings.Repeat("渡轮今天早上恢复，乘客很多。", 200)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				Wrap(text)
			}
		})
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
