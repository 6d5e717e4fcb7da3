package lint

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"lede/compose"
)

// How much of the HTML's words the text part may lack before it is said.
const (
	missingShare = 0.1
	missingLeast = 5
)

// textParity compares the words and links of the text part with the HTML's.
func textParity(in letter) []Finding {
	if in.letter.HTML == "" || in.letter.Text == "" || len(textPart(in)) > 0 {
		return nil // there is nothing to compare, or textPart says so
	}
	var out []Finding
	there := map[string]bool{}
	for _, w := range words(in.letter.Text) {
		there[w] = true
	}
	var missing []string
	seen := map[string]bool{}
	for _, w := range words(in.page.shown()) {
		if seen[w] {
			continue
		}
		seen[w] = true
		if !there[w] {
			missing = append(missing, w)
		}
	}
	if n := len(missing); n >= missingLeast && float64(n) > missingShare*float64(len(seen)) {
		out = append(out, Finding{
			Rule: "text-differs", Place: "Text part", Clients: "text readers, watches, spam filters",
			Message: fmt.Sprintf("The text part lacks %d of the HTML's %d words: %s …", n, len(seen), strings.Join(missing[:min(n, 6)], ", ")),
			Remedy:  "Let the text part tell what the HTML tells.",
		})
	}
	var lost []string
	for _, a := range in.page.links {
		href := strings.TrimSpace(a.href)
		if href == tokenOf(in.letter.Fields, compose.FieldUnsubscribe) {
			continue // unsubscribe says so
		}
		web := strings.HasPrefix(href, "https://") || strings.HasPrefix(href, "http://") || known(in.letter.Fields, href)
		if web && !strings.Contains(in.letter.Text, href) && !strings.Contains(in.letter.Text, unescaped(href)) && !slices.Contains(lost, href) {
			lost = append(lost, href)
		}
		if len(lost) == 200 {
			break
		}
	}
	if len(lost) > 0 {
		out = append(out, Finding{
			Rule: "text-links", Place: "Text part", Clients: "text readers, watches",
			Message: fmt.Sprintf("The text part lacks %s of the HTML: %s", counted(len(lost), "link", "links"), cut(strings.Join(lost[:min(3, len(lost))], ", "), 200)),
			Remedy:  "Write each address into the text part.",
		})
	}
	return out
}

func unescaped(href string) string {
	if out, err := url.PathUnescape(href); err == nil {
		return out
	}
	return href
}

// words are the words of a text as they are compared: letters and digits, lower
// case. A run in a script without spaces counts as one.
func words(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r)
	})
}

// placeholder is what mail programs of all makers leave where a field was not
// filled in.
var placeholder = regexp.MustCompile(`\{(?:name|first_?name|last_?name|email|unsubscribe|view)(?:\|[^{}\n]{0,60})?\}|\{\{[^{}\n]{1,80}\}\}|\{%[^{}\n]{1,80}%\}|\*\|[A-Za-z0-9_:]{1,40}\|\*|%%[A-Za-z0-9_ ]{2,40}%%|\[\[[A-Za-z0-9_ .]{2,40}\]\]|\$\{[A-Za-z0-9_.]{2,40}\}|%\([a-z_]{2,30}\)s|\[(?:FIRSTNAME|FNAME|NAME|EMAIL|UNSUBSCRIBE)\]`)

// placeholders finds fields that nobody filled in.
func placeholders(in letter) []Finding {
	var out []Finding
	add := func(place, text string) {
		if len(out) == 5 || !strings.ContainsAny(text, "{[%*") { // one of these begins each
			return
		}
		m := placeholder.FindString(text)
		if m == "" {
			return
		}
		out = append(out, Finding{
			Rule: "placeholder-left", Place: place, Clients: "all",
			Message: fmt.Sprintf("%s looks like a field that was not filled in.", cut(m, 80)),
			Remedy:  "Write it as the sending program wants it, with a word for those who have none; a story that means it so may stay.",
		})
	}
	add("Subject", in.letter.Subject)
	for _, r := range in.page.runs {
		if in.page.seen(r.element) {
			add(in.page.placeOf(r), r.text)
		}
	}
	for _, a := range in.page.links {
		add(in.page.place(a.element), a.href)
	}
	add("Text part", in.letter.Text)
	return out
}

// leaving are the words by which a link to unsubscribe is known, in the
// languages of the fixed words.
var leaving = []string{
	"unsubscribe", "opt out", "opt-out", "optout", "email preferences", "manage preferences", "abmelden", "abbestellen", "austragen",
	"désabonner", "désinscri", "desinscri", "darse de baja", "darme de baja", "cancelar suscripción", "cancelar a subscrição", "cancelar inscrição",
	"descadastrar", "disiscri", "cancella iscrizione", "cancellati", "uitschrijven", "afmelden", "wypisz", "anuluj subskrypcję", "zrezygnuj",
	"abonelikten", "إلغاء الاشتراك", "הסרה", "ביטול המינוי", "सदस्यता", "配信停止", "登録解除", "購読", "退订", "取消订阅", "取消訂閱",
}

// theirFooter looks for what every newsletter must have, in a mail of which
// nothing but itself is known.
func theirFooter(in letter) []Finding {
	if in.letter.HTML == "" && in.letter.Text == "" {
		return nil
	}
	var out []Finding
	header := in.headers.get("List-Unsubscribe")
	leaves := func(text string) bool {
		lower := strings.ToLower(text)
		return slices.ContainsFunc(leaving, func(w string) bool { return strings.Contains(lower, w) })
	}
	found := in.letter.HTML == "" && leaves(in.letter.Text)
	for _, a := range in.page.links {
		found = found || leaves(a.text) || leaves(a.href) || header != "" && a.href != "" && strings.Contains(header, a.href)
	}
	if !found {
		out = append(out, Finding{
			Rule: "unsubscribe-missing", Place: "Footer", Clients: "all",
			Message: "No link to unsubscribe was found; the law asks for one in every newsletter, and who finds none presses “spam”.",
			Remedy:  "Write a link that says “Unsubscribe” into the footer.",
		})
	}
	shown := in.page.shown()
	if in.letter.HTML == "" {
		shown = in.letter.Text
	}
	if !looksLikeAddress(shown[max(0, len(shown)-3000):]) {
		out = append(out, Finding{
			Rule: "postal-address", Severity: Note, Place: "Footer", Clients: "all",
			Message: "No postal address was recognised; CAN-SPAM and several other laws ask for one in every newsletter.",
			Remedy:  "Write it into the footer.",
		})
	}
	return out
}

// postal are the forms of a street with a number, a postal code with a town, a
// box.
var postal = regexp.MustCompile(`(?i)\bp\.?\s?o\.?\s?box\b|\bpostfach\b|\b\d{1,5}[a-z]?\s+[\p{L}.'-]+\s+(?:street|st|road|rd|row|lane|ln|avenue|ave|boulevard|blvd|drive|dr|way|quay|square|place|court)\b|[\p{L}]+(?:straße|strasse|str\.|gasse|weg|platz|straat|laan)\s+\d|\b(?:rue|avenue|calle|avenida|rua|via|viale|piazza|ulica|ul\.)\s+[\p{L}]|\b\d{4,5}\s+\p{Lu}\p{L}{2,}|\b[A-Z]{2}\s+\d{5}\b|\b[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}\b|〒\s?\d{3}|\d{3}-\d{4}|\d+,\s+\p{Lu}`)

func looksLikeAddress(text string) bool { return postal.MatchString(strings.ToValidUTF8(text, "")) }

// spam tells what SpamAssassin says.
func spam(in letter) []Finding {
	s := in.facts.Spam
	if s == nil {
		return nil
	}
	f := Finding{Rule: "spam-score", Place: "mail", Clients: "servers with SpamAssassin"}
	if s.Err != "" {
		f.Rule, f.Severity = "spam-unknown", Warning
		f.Message, f.Remedy = "spamd gave no verdict: "+cut(s.Err, 200)+".", "See `spamd` in the configuration, and that spamd runs."
		return []Finding{f}
	}
	var rules []string
	slices.SortStableFunc(s.Rules, func(a, b SpamRule) int {
		switch {
		case a.Score > b.Score:
			return -1
		case a.Score < b.Score:
			return 1
		}
		return 0
	})
	for _, r := range s.Rules {
		if r.Score > 0 && len(rules) < 12 {
			rules = append(rules, fmt.Sprintf("%.1f %s (%s)", r.Score, r.Name, cut(r.About, 80)))
		}
	}
	switch {
	case s.Score >= s.Required:
		f.Severity = Error
	case s.Score >= s.Required/2:
		f.Severity = Warning
	case s.Score > 0:
		f.Severity = Note
	default:
		return nil
	}
	f.Message = fmt.Sprintf("SpamAssassin gives %.1f points; from %.1f on a mail is spam: %s.", s.Score, s.Required, strings.Join(rules, "; "))
	f.Remedy = "Mend what the rules with the most points name."
	return []Finding{f}
}
