package source

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// houseStyle cleans the titles of a publisher's own feed for print: it takes off
// the site's name and lowers capitals. Others' titles stay as they are.
type houseStyle struct {
	names map[string]bool // of the site, as plainName gives them
}

// newHouseStyle learns the site's names: the feed's title and its parts, the
// host, and what stands behind a mark at the end of half the titles.
func newHouseStyle(feedTitle string, titles, addresses []string) houseStyle {
	h := houseStyle{names: map[string]bool{}}
	h.add(feedTitle)
	for part := feedTitle; ; {
		head, tail, found := cutTail(part)
		if !found {
			h.add(part)
			break
		}
		h.add(tail)
		part = head
	}
	for _, address := range addresses {
		if u, err := url.Parse(address); err == nil && u.Hostname() != "" {
			host := strings.TrimPrefix(u.Hostname(), "www.")
			h.add(host)
			label, _, _ := strings.Cut(host, ".")
			if utf8.RuneCountInString(label) >= 4 {
				h.add(label)
			}
			break // a feed's own stories stand on one site
		}
	}
	count := map[string]int{}
	for _, title := range titles {
		if _, tail, found := cutTail(title); found {
			count[plainName(tail)]++
		}
	}
	for name, n := range count {
		if n >= 3 && 2*n >= len(titles) {
			h.names[name] = true
		}
	}
	delete(h.names, "")
	return h
}

func (h houseStyle) add(name string) { h.names[plainName(name)] = true }

// title returns a title as it is printed. text is the story's own, which knows
// how its names are written.
func (h houseStyle) title(title string, tags []string, lang, text string) string {
	return lowered(h.withoutSite(title, tags), lang, text)
}

// withoutSite takes the site's name off a title's end, and with it a section's
// name that is one of the story's tags.
func (h houseStyle) withoutSite(title string, tags []string) string {
	off := false
	for range 3 {
		head, tail, found := cutTail(title)
		if !found || !tells(head) {
			break
		}
		name := plainName(tail)
		isTag := off && slices.ContainsFunc(tags, func(t string) bool { return plainName(t) == name })
		if !h.names[name] && !isTag {
			break
		}
		title, off = head, true
	}
	return title
}

// tells says that a title has words enough to stand alone.
func tells(title string) bool {
	return strings.Contains(strings.TrimSpace(title), " ") || len(title) >= 8 && !isPlainASCII(title)
}

// titleMarks stand before the site's name.
var titleMarks = []string{" | ", " - ", " – ", " — ", " · ", " • ", " :: ", " » ", " › ", "｜", " / "}

// cutTail parts a title at its last mark.
func cutTail(title string) (head, tail string, found bool) {
	at, size := -1, 0
	for _, mark := range titleMarks {
		if i := strings.LastIndex(title, mark); i > at {
			at, size = i, len(mark)
		}
	}
	if at <= 0 {
		return title, "", false
	}
	return strings.TrimSpace(title[:at]), strings.TrimSpace(title[at+size:]), true
}

// plainName returns the letters and figures of a name, by which it is known.
func plainName(name string) string {
	name = strings.ToLower(name)
	name = strings.TrimPrefix(name, "the ")
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) {
			return r
		}
		return -1
	}, name)
}

// lowered returns a title that is all in capitals in small letters, if that is
// safe: where the story's own text shows how most of the words are written, so
// that names and abbreviations keep their capitals. In German, where every noun
// has one, the text must show them all.
func lowered(title, lang, text string) string {
	if !shouts(title) {
		return title
	}
	tag := language.Make(lang)
	lower := cases.Lower(tag)
	written := spellings(text, lower)
	known, long := 0, 0
	words := strings.Fields(title)
	for i, word := range words {
		bare := strings.TrimFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		if bare == "" || strings.ContainsFunc(bare, unicode.IsDigit) || strings.Contains(bare, ".") {
			continue // A40, U.S.
		}
		small := lower.String(bare)
		form, found := written[small]
		if utf8.RuneCountInString(bare) >= 4 {
			long++
			if found {
				known++
			}
		}
		if !found {
			form = small
		}
		words[i] = strings.Replace(word, bare, form, 1)
	}
	base, _ := tag.Base()
	if long == 0 || 2*known < long || base.String() == "de" && known < long {
		return title
	}
	// Each sentence begins with a capital.
	upper := cases.Upper(tag)
	begins := true
	for i, word := range words {
		if begins {
			at := strings.IndexFunc(word, unicode.IsLetter)
			if at >= 0 && !strings.ContainsFunc(word[:at], unicode.IsDigit) {
				_, size := utf8.DecodeRuneInString(word[at:])
				words[i] = word[:at] + upper.String(word[at:at+size]) + word[at+size:]
			}
		}
		begins = strings.ContainsAny(word[len(word)-1:], ".?!")
	}
	return strings.Join(words, " ")
}

// shouts says that a title of several words is all in capitals.
func shouts(title string) bool {
	letters, words := 0, 0
	for word := range strings.FieldsSeq(title) {
		n := 0
		for _, r := range word {
			switch {
			case unicode.IsLower(r):
				return false
			case unicode.IsUpper(r):
				n++
			}
		}
		letters += n
		if n >= 2 {
			words++
		}
	}
	return words >= 2 && letters >= 8
}

// spellings maps the words of a text, in small letters, to how they are written
// inside a sentence. The first words of sentences, which have their capital in
// any case, count only where no other place shows the word.
func spellings(text string, lower cases.Caser) map[string]string {
	written := map[string]string{}
	starts := true
	for word := range strings.FieldsSeq(firstBytes(text, 20_000)) {
		bare := strings.TrimFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		if bare != "" && !(shouts(bare+" "+bare) && utf8.RuneCountInString(bare) > 6) {
			small := lower.String(bare)
			if _, known := written[small]; !known || !starts {
				form := bare
				if starts && !strings.ContainsFunc(bare[1:], unicode.IsUpper) {
					form = small
				}
				written[small] = form
			}
		}
		starts = strings.ContainsFunc(lastRunes(word), func(r rune) bool { return strings.ContainsRune(".?!:", r) })
	}
	return written
}

// lastRunes is a word's end, in which a stop may stand behind or before a quote.
func lastRunes(word string) string {
	at := len(word)
	for range 2 {
		_, size := utf8.DecodeLastRuneInString(word[:at])
		at -= size
	}
	return word[at:]
}

// firstBytes returns at most n bytes of a text, whole characters.
func firstBytes(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "")
}
