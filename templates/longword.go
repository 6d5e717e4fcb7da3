package templates

import (
	"regexp"
	"slices"
	"unicode"

	"github.com/clipperhouse/displaywidth"
)

// From how many columns on a word may be wider than a phone: in the largest
// headlines, and in all other text.
const (
	longHeadline = 16
	longWord     = 26
)

// LongWord says whether the letter has a word that may be wider than a phone:
// only then the layout lets words be broken, which Yahoo and Outlook don't know.
func (l *Letter) LongWord() bool {
	headlines, texts := []string{l.Newsletter}, []string{l.Greeting}
	if l.Lead != nil {
		headlines = append(headlines, l.Lead.Title)
		texts = append(texts, l.Lead.Standfirst, l.Lead.Kicker, l.Lead.Author, l.Lead.Publication)
		texts = append(texts, ofBlocks(l.Lead.Body)...)
		if p := l.Lead.Picture; p != nil {
			texts = append(texts, p.Caption)
		}
	}
	for _, s := range append(l.Above[:len(l.Above):len(l.Above)], l.Sections...) {
		texts = append(texts, s.Title, s.Text)
		for _, b := range s.Briefs {
			headlines = append(headlines, b.Figure)
			texts = append(texts, b.Title, b.Opening, b.Text, b.Kicker, b.Publication, b.Author)
			texts = append(texts, ofBlocks(b.Body)...)
		}
	}
	return slices.ContainsFunc(headlines, func(text string) bool { return tooWide(text, longHeadline) }) ||
		slices.ContainsFunc(texts, func(text string) bool { return tooWide(text, longWord) })
}

// ofBlocks is the text that a reader sees of blocks: without the addresses of
// links, which stand in angle brackets.
func ofBlocks(blocks []*Block) []string {
	var out []string
	for _, b := range blocks {
		out = append(out, addressPart.ReplaceAllString(b.Text, ""))
		for _, item := range b.Items {
			out = append(out, addressPart.ReplaceAllString(item.Text, ""))
		}
	}
	return out
}

var addressPart = regexp.MustCompile(`<[a-z]+:[^<>\s]*>`)

// tooWide looks for a run of most columns without a place where a line may end:
// a space or a hyphen, or a character that is two columns wide, at which lines of
// Chinese and Japanese end.
func tooWide(text string, most int) bool {
	width := 0
	for _, r := range text {
		w := displaywidth.Rune(r)
		if unicode.IsSpace(r) && r != 0xa0 || r == '-' || w > 1 {
			width = 0
			continue
		}
		if width += w; width >= most {
			return true
		}
	}
	return false
}
