package compose

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// testdata/sentences.txt marks with a bar each place where a sentence must end;
// elsewhere none may.
func TestSentenceEnds(t *testing.T) {
	data, err := os.ReadFile("testdata/sentences.txt")
	if err != nil {
		t.Fatal(err)
	}
	cases, languages := 0, map[string]int{}
	for number, line := range strings.Split(string(data), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		lang, marked, _ := strings.Cut(line, " ")
		cases++
		languages[lang]++
		if lang == "-" {
			lang = ""
		}
		var text []byte
		var want []int
		for _, b := range []byte(marked) {
			if b == '|' {
				want = append(want, len(text))
				continue
			}
			text = append(text, b)
		}
		got := sentenceEnds(string(text), lang)
		if !slices.Equal(got, want) {
			shown := string(text)
			for _, end := range slices.Backward(got) {
				shown = shown[:end] + "|" + shown[end:]
			}
			t.Errorf("testdata/sentences.txt:%d: got\n%s %s", number+1, lang, shown)
		}
	}
	if cases < 150 {
		t.Errorf("%d cases, want 150 or more", cases)
	}
	for _, lang := range []string{"en", "de", "fr", "es", "pt", "it", "nl", "pl", "tr"} {
		if languages[lang] < 12 {
			t.Errorf("%s: %d cases, want 12 or more", lang, languages[lang])
		}
	}
}

func TestEndsSentence(t *testing.T) {
	for text, want := range map[string]bool{
		"The boat left.":             true,
		"The boat left at 9 p.m.":    true,
		"“The boat left.”":           true,
		"Is it gone?)":               true,
		"船は出た。":                      true,
		"She read out the list:":     false,
		"The boat left …":            false,
		"The boat left...":           false,
		"The boat left":              false,
		"“The boat left,”":           false,
		"":                           false,
		"By Tomas Wren, Carrow Head": false,
	} {
		if got := endsSentence(text); got != want {
			t.Errorf("endsSentence(%q) = %v, want %v", text, got, want)
		}
	}
}
