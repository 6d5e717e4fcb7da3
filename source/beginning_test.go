package source

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestTitlesAreCutBetweenCharacters: a long title ends behind a whole character,
// as readers see it, in whatever it was written.
func TestTitlesAreCutBetweenCharacters(t *testing.T) {
	const (
		family = "👩‍👩‍👧‍👦" // seven code points
		flag   = "🇵🇹"
		accent = "e\u0301"
		naa    = "ना"
	)
	for _, tt := range []struct{ name, char string }{
		{"a family", family}, {"a flag", flag}, {"an accent of its own", accent}, {"devanagari", naa}, {"plain", "x"}, {"a skin tone", "👋🏽"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			long := strings.Repeat(tt.char, maxTitle+1)
			for pad := range 8 { // the cut meets each part of the character
				title := strings.Repeat("a", pad) + long
				for what, got := range map[string]string{"feed": oneLine(title, maxTitle), "story file": oneLineOf(title)} {
					text, found := strings.CutSuffix(got, "…")
					rest := strings.TrimPrefix(text, strings.Repeat("a", pad))
					size := utf8.RuneCountInString(tt.char)
					if !found || strings.ReplaceAll(rest, tt.char, "") != "" || utf8.RuneCountInString(got) > maxTitle || utf8.RuneCountInString(got) < maxTitle-size {
						t.Errorf("%s, %d before: ends in %+q, %d code points", what, pad, text[max(0, len(text)-12):], utf8.RuneCountInString(got))
					}
				}
			}
		})
	}
}

// A letter under thousands of marks is bounded all the same.
func TestTitleOfOneCharacter(t *testing.T) {
	title := "a" + strings.Repeat("\u0301", 5000)
	for _, got := range []string{oneLine(title, maxTitle), oneLineOf(title)} {
		if n := utf8.RuneCountInString(got); n > maxTitle || !utf8.ValidString(got) {
			t.Errorf("%d code points", n)
		}
	}
	if short := "Märchen"; oneLineOf(short) != short {
		t.Error(oneLineOf(short))
	}
}
