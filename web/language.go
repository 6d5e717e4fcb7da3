package web

import (
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/unicode/bidi"

	"lede/templates"
)

// speech is the language that a page is written in, with its words.
type speech struct {
	templates.Words
	Lang, Dir string // of the page; Dir is "ltr" or "rtl"
}

func speechIn(words templates.Words, lang string) speech {
	return speech{Words: words, Lang: lang, Dir: direction(lang)}
}

func direction(lang string) string {
	if templates.RightToLeft(lang) {
		return "rtl"
	}
	return "ltr"
}

// speech is how a newsletter's pages speak. A language without words, or with
// words for letters alone, has English pages.
func (n Newsletter) speech() speech {
	_, known := templates.WordsFor(n.language())
	words := n.letterWords()
	if !known && n.Words == nil || len(words.PagesLack()) > 0 {
		english, _ := templates.WordsFor("en")
		return speechIn(english, "en")
	}
	return speechIn(words, n.language())
}

// language is that of the newsletter's letters.
func (n Newsletter) language() string {
	if n.Language == "" {
		return "en"
	}
	return n.Language
}

// letterWords are the words of the newsletter's letters, for what stands beside
// one or is told of it.
func (n Newsletter) letterWords() templates.Words {
	if n.Words != nil {
		return *n.Words
	}
	words, _ := templates.WordsFor(n.language())
	return words
}

// speech is how a page answers that belongs to a newsletter: in its language. A
// page that belongs to none answers in the language that the browser asks for,
// if there are words for it.
func (h site) speech(w http.ResponseWriter, r *http.Request, n Newsletter) speech {
	if h.known(n.ID) {
		return n.speech()
	}
	w.Header().Add("Vary", "Accept-Language")
	return h.asked(r.Header.Get("Accept-Language"))
}

// longestAsked bounds an Accept-Language header, in bytes; browsers send less
// than a hundred.
const longestAsked = 500

// asked returns the first of the languages in an Accept-Language header that
// there are words for, a newsletter's own ones before the built-in; when there
// is none, how the first newsletter speaks.
func (h site) asked(header string) speech {
	tags, weights, err := language.ParseAcceptLanguage(header[:min(len(header), longestAsked)])
	if err != nil {
		tags = nil
	}
	for i, tag := range tags {
		if weights[i] <= 0 {
			continue
		}
		for _, n := range h.Newsletters {
			if s := n.speech(); n.Words != nil && strings.EqualFold(s.Lang, tag.String()) {
				return s
			}
		}
		if words, known := templates.WordsFor(tag.String()); known {
			return speechIn(words, words.Language())
		}
	}
	if len(h.Newsletters) > 0 {
		return h.Newsletters[0].speech()
	}
	return Newsletter{}.speech()
}

// name is how a page calls a newsletter; one that is not published any more has
// no name.
func (s speech) name(n Newsletter) string {
	if n.Name == "" {
		return s.Pages.ThisNewsletter
	}
	return n.Name
}

// Fill puts values into a phrase for a page: text as text, template.HTML as it
// is. A text of the other direction is set apart, so that the marks beside it
// stay on their side. It fails when a place is left, or a value has no place.
func (s speech) Fill(p templates.Phrase, pairs ...any) (template.HTML, error) {
	page := template.HTMLEscapeString(string(p))
	var fills []string
	for i := 0; i+1 < len(pairs); i += 2 {
		name := fmt.Sprint(pairs[i])
		if !strings.Contains(page, "{"+name+"}") {
			return "", fmt.Errorf("%q has no place for %q", p, name)
		}
		value, ready := pairs[i+1].(template.HTML)
		if !ready {
			value = s.apart(fmt.Sprint(pairs[i+1]))
		}
		fills = append(fills, name, string(value))
	}
	if places := strings.Count(page, "{"); places > len(fills)/2 || len(pairs)%2 != 0 {
		return "", fmt.Errorf("%q: %d of its places are filled", p, len(fills)/2)
	}
	return template.HTML(templates.Phrase(page).With(fills...)), nil //nolint:gosec // every part is escaped
}

// apart writes a text as HTML, isolated where it holds letters of the direction
// that the page does not have.
func (s speech) apart(text string) template.HTML {
	safe := template.HTMLEscapeString(text)
	other := strings.ContainsFunc(text, func(r rune) bool {
		p, _ := bidi.LookupRune(r)
		switch p.Class() {
		case bidi.R, bidi.AL:
			return s.Dir == "ltr"
		case bidi.L:
			return s.Dir == "rtl"
		}
		return false
	})
	if other {
		safe = "<bdi>" + safe + "</bdi>"
	}
	return template.HTML(safe) //nolint:gosec // escaped
}

// Apart is a text within the page's; see Fill.
func (s speech) Apart(text string) template.HTML { return s.apart(text) }

// locale is a language as the Open Graph protocol writes it, language_TERRITORY
// (ogp.me). A language without a region has that of its words, or else the one
// where most of its speakers are.
func locale(lang string) string {
	tag := language.Make(lang)
	base, _ := tag.Base()
	region, sure := tag.Region()
	if sure != language.Exact {
		switch base.String() {
		case "en":
			return "en_GB"
		case "pt":
			return "pt_PT"
		}
	}
	return base.String() + "_" + region.String()
}
