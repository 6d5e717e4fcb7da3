package lint

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"lede/compose"
	"lede/templates"
)

// Gmail cuts a message off after 102 KB of HTML and hides the rest, the
// unsubscribe link with it, behind "View entire message".
const (
	clipWarning = 90 << 10
	clipError   = 100 << 10
)

// Gmail drops a <style> of more than 8,192 characters, and with it the dark
// mode and phone rules.
const styleLimit = 8192

func htmlSize(in letter) []Finding {
	size := len(in.letter.HTML)
	if size == 0 && in.mail != nil {
		return nil // a mail of plain text is a mail
	}
	f := Finding{
		Rule: "html-size", Place: "HTML", Clients: "Gmail",
		Message: fmt.Sprintf("The HTML has %d bytes; Gmail clips a message at 102400 bytes and hides the rest, the unsubscribe link with it.", size),
		Remedy:  "Shorten the lead (lead.length) or take fewer briefs (sections.max).",
	}
	switch {
	case size == 0:
		f.Rule, f.Severity, f.Clients = "html-missing", Error, "all"
		f.Message, f.Remedy = "The letter has no HTML.", "Render the edition again; look at the theme's layout.html."
	case size >= clipError:
		f.Severity = Error
	case size >= clipWarning:
		f.Severity = Warning
	default:
		return nil
	}
	return []Finding{f}
}

func styleSize(in letter) []Finding {
	var out []Finding
	say := func(rule, place, clients, message, remedy string) {
		out = append(out, Finding{Rule: rule, Place: place, Clients: clients, Message: message, Remedy: remedy})
	}
	total, long := 0, false
	for i, b := range in.page.styles {
		total += len(b.text)
		if len(b.text) > styleLimit && !long {
			long = true
			say("style-size", fmt.Sprintf("<style> %d", i+1), "Gmail",
				fmt.Sprintf("The style block has %d bytes; Gmail drops one of more than %d.", len(b.text), styleLimit),
				"Part it into several <style> elements in the theme's layout.html, or write fewer rules.")
		}
		if in.page.elements[b.element].inBody {
			say("style-place", in.page.place(b.element), "Gmail", "The style block stands in the body, where Gmail does not read it.", "Move it into <head>.")
		}
	}
	if total > mostStyles {
		say("style-total", "<style>", "Gmail", fmt.Sprintf("All style blocks together have %d bytes; Gmail reads %d.", total, mostStyles), "Write styles of single elements into their style attribute, and fewer rules.")
	}
	for _, s := range in.sheets {
		if s.nestedAt > 0 {
			say("style-nested", fmt.Sprintf("line %d, <style>", s.nestedAt), "Gmail, Yahoo", "An at-rule stands within an at-rule; Gmail drops the whole block then.", "Write the conditions into one @media (… and …).")
		}
		if s.broken {
			say("style-broken", "<style>", "all", "A brace or a comment in the style block stays open; what follows is lost.", "Close it.")
		}
	}
	return out
}

func leadPicture(in letter) []Finding {
	lead := in.edition.Lead
	if lead == nil || lead.Image == nil || lead.Image.HasAlt {
		return nil
	}
	remedy := "Let the source describe its picture (the alt text of the image), or write `image_alt` in a story file."
	if folder, ok := in.facts.Folders[lead.Source]; ok {
		remedy = "Add image_alt to " + path.Join(folder, lead.Key) + "; `image_alt: \"\"` says that the picture only decorates."
	}
	return []Finding{{
		Rule: "picture-alt", Severity: Warning, Place: "Lead picture", Clients: "all, with images off or a screen reader",
		Message: "The picture has no alternative text; where it is not shown, nothing says what it is.",
		Remedy:  remedy,
	}}
}

func postalAddress(in letter) []Finding {
	if strings.TrimSpace(in.recipe.PostalAddress) != "" {
		return nil
	}
	return []Finding{{
		Rule: "postal-address", Severity: Warning, Place: "Footer", Clients: "all",
		Message: "There is no postal address; CAN-SPAM and several other laws ask for one in every newsletter.",
		Remedy:  "Set the newsletter's `postal_address`.",
	}}
}

func unsubscribe(in letter) []Finding {
	token := tokenOf(in.letter.Fields, compose.FieldUnsubscribe)
	var out []Finding
	missing := func(rule, place, file string) {
		out = append(out, Finding{
			Rule: rule, Severity: Error, Place: place, Clients: "all",
			Message: "There is no unsubscribe link.",
			Remedy:  "Put {{.Unsubscribe}} back into the theme's " + file + ".",
		})
	}
	linked := false
	for _, l := range in.page.links {
		linked = linked || token != "" && l.href == token
	}
	if !linked {
		missing("unsubscribe-html", "HTML", "footer.html")
	}
	if token == "" || !strings.Contains(in.letter.Text, token) {
		missing("unsubscribe-text", "Text part", "text.txt")
	}
	return out
}

func baseURL(in letter) []Finding {
	u, err := url.Parse(in.recipe.BaseURL)
	if err == nil && u.Scheme == "https" && u.Host != "" && !isLoopback(u.Hostname()) {
		return nil
	}
	f := Finding{
		Rule: "base-url", Severity: Error, Place: "base_url", Clients: "all",
		Message: fmt.Sprintf("base_url is %q: pictures and the unsubscribe and browser links of the letter stand on it, and mail programs need https (RFC 8058).", in.recipe.BaseURL),
		Remedy:  "Set `base_url` to the https address at which readers reach these pages.",
	}
	if in.facts.Loopback {
		f.Severity = Note
		f.Message = fmt.Sprintf("base_url is %q; that does for a relay on this machine and for no other.", in.recipe.BaseURL)
	}
	return []Finding{f}
}

func textPart(in letter) []Finding {
	if in.mail != nil && in.mail.Raw == nil {
		return nil // a file of HTML has no text part
	}
	f := Finding{Place: "Text part", Clients: "text readers, watches, spam filters", Severity: Warning}
	words := len(strings.Fields(in.letter.Text))
	switch {
	case words == 0:
		f.Rule, f.Message = "text-missing", "The letter has no text part."
		f.Remedy = "Look at the theme's text.txt: it gives nothing."
	case in.page.words >= 40 && words*2 < in.page.words:
		f.Rule = "text-short"
		f.Message = fmt.Sprintf("The text part has %d words, the HTML %d; filters take such a pair for a disguise.", words, in.page.words)
		f.Remedy = "Let the theme's text.txt tell what the HTML tells."
	default:
		return nil
	}
	return []Finding{f}
}

// tokenForm is the form of every letter's field tokens. Those of one letter
// share their first nonceEnd bytes, which no story can guess: what only looks
// like a token is a story's own text.
var tokenForm = regexp.MustCompile(`LF[0-9a-f]{16}x[0-9]+Z?`)

func fieldsLeft(in letter) []Finding {
	var out []Finding
	for _, part := range []struct{ place, text string }{
		{"Subject", in.letter.Subject}, {"HTML", in.letter.HTML}, {"Text part", in.letter.Text},
	} {
		for _, token := range tokenForm.FindAllString(part.text, -1) {
			if known(in.letter.Fields, token) || !ours(in.letter.Fields, token) {
				continue
			}
			out = append(out, Finding{
				Rule: "field-left", Severity: Error, Place: part.place, Clients: "all",
				Message: "A field's token (" + token + ") would be mailed as it stands.",
				Remedy:  "Render the edition again; if it stays, the theme cuts or changes it.",
			})
			break
		}
	}
	return out
}

func languageKnown(in letter) []Finding {
	if _, ok := templates.WordsFor(in.letter.Language); ok || in.letter.OwnWords {
		return nil
	}
	return []Finding{{
		Rule: "language", Severity: Warning, Place: "language", Clients: "all",
		Message: fmt.Sprintf("There are no fixed words for the language %q; dates and words such as “Unsubscribe” are English.", in.letter.Language),
		Remedy:  "Write the words into a file of that language (`words_dir`), or set `language` to one that Lede has words for.",
	}}
}

// asRead is a text with its fields as one without a name reads it.
func asRead(text string, fields []compose.Field) string {
	for _, f := range fields {
		text = strings.ReplaceAll(text, f.Token, f.Fallback)
	}
	return text
}

func tokenOf(fields []compose.Field, name compose.FieldName) string {
	for _, f := range fields {
		if f.Name == name {
			return f.Token
		}
	}
	return ""
}

func known(fields []compose.Field, token string) bool {
	for _, f := range fields {
		if f.Token == token {
			return true
		}
	}
	return false
}

// nonceEnd is where the nonce of a token ends: LF and 16 digits.
const nonceEnd = 18

// ours says whether a token has the nonce of this letter's fields, as far as
// the letter has any.
func ours(fields []compose.Field, token string) bool {
	return len(fields) == 0 || slices.ContainsFunc(fields, func(f compose.Field) bool {
		return len(f.Token) >= nonceEnd && strings.HasPrefix(token, f.Token[:nonceEnd])
	})
}

func isLoopback(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || strings.HasPrefix(host, "127.") || host == "::1"
}
