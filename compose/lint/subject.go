package lint

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/clipperhouse/displaywidth"
)

// How wide a subject and a preheader are shown, in columns; a character of
// Chinese, Japanese or Korean takes two.
const (
	subjectLimit   = 60 // a list of mails on a desktop
	phoneLimit     = 35 // a phone held upright: lists show 33 (Gmail on Android) to 48 (Apple Mail)
	phoneWords     = 9  // as many as a glance takes in
	preheaderLimit = 140
	preheaderLeast = 20
)

// rememberedSubjects is with how many earlier editions a subject is compared.
const rememberedSubjects = 7

func subject(in letter) []Finding {
	if in.mail != nil && in.mail.Raw == nil {
		return nil // a file of HTML has no subject
	}
	shown := asRead(in.letter.Subject, in.letter.Fields)
	trimmed := strings.TrimSpace(shown)
	if !wordy(trimmed) {
		return []Finding{{
			Rule: "subject-empty", Severity: Error, Place: "Subject", Clients: "all",
			Message: "The subject is empty.",
			Remedy:  "Set the newsletter's `subject`, or give the lead a headline.",
		}}
	}
	var out []Finding
	say := func(rule, clients, message, remedy string) {
		out = append(out, Finding{Rule: rule, Place: "Subject", Clients: clients, Message: message, Remedy: remedy})
	}
	if columns := displaywidth.String(trimmed); columns > subjectLimit {
		say("subject-length", "all", fmt.Sprintf("The subject is %d characters wide; most lists cut it at about %d: “%s…”.", columns, subjectLimit, firstColumns(trimmed, subjectLimit)),
			"Put what matters first, or shorten it.")
	} else if words := len(strings.Fields(trimmed)); columns > phoneLimit || words > phoneWords {
		say("subject-phone", "phones", fmt.Sprintf("The subject is %d characters wide and has %d words; a phone held upright shows about %d: “%s”.", columns, words, phoneLimit, firstColumns(trimmed, phoneLimit)),
			"See that its beginning says what matters.")
	}
	for i, earlier := range in.facts.Subjects[:min(rememberedSubjects, len(in.facts.Subjects))] {
		if strings.EqualFold(trimmed, strings.TrimSpace(earlier)) {
			which := "The last edition"
			if i > 0 {
				which = "One of the last seven editions"
			}
			say("subject-repeated", "Gmail, Apple Mail, Outlook", which+" had the same subject; mail programs put the two into one conversation and hide one of them.",
				"Let `subject` name the lead or the date: \"{lead}\" or \"{newsletter}, {date}\".")
			break
		}
	}
	if shouts(trimmed) {
		say("subject-shouting", "spam filters", "The subject shouts: capitals all through, or marks in a row.", "Write it as a sentence.")
	}
	if !strings.ContainsFunc(trimmed, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }) {
		say("subject-wordless", "all, screen readers", "The subject has no word: read aloud it says nothing, and filters count it.", "Say with words what the letter holds.")
	}
	if i := strings.IndexFunc(trimmed, unseen); i >= 0 {
		say("subject-control", "all", fmt.Sprintf("The subject holds %U, which nobody sees and filters count.", []rune(trimmed[i:])[0]), "Take it out.")
	}
	return out
}

// unseen says whether a character is made to hide or turn text: controls,
// direction overrides, zero-width characters. Joiners within Arabic, Indic and
// emoji belong to the text.
func unseen(r rune) bool {
	return unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200b || r == 0x2060 || r == 0xfeff || r == 0xad
}

// firstColumns is the beginning of a text that fits into so many columns.
func firstColumns(text string, most int) string {
	width := 0
	var b strings.Builder
	for g := displaywidth.StringGraphemes(text); g.Next(); {
		if width += g.Width(); width > most {
			break
		}
		b.WriteString(g.Value())
	}
	return strings.TrimSpace(b.String())
}

// shouts says whether a text is all capitals, or has exclamation marks in a row.
func shouts(text string) bool {
	upper, lower := 0, 0
	for _, r := range text {
		switch {
		case unicode.IsUpper(r):
			upper++
		case unicode.IsLower(r):
			lower++
		}
	}
	return upper >= 10 && upper > 4*lower || strings.Contains(text, "!!") || strings.Contains(text, "?!?") || strings.Contains(text, "$$")
}

func preheader(in letter) []Finding {
	if in.letter.HTML == "" && in.mail != nil {
		return nil
	}
	text := strings.TrimSpace(in.letter.Preheader)
	f := Finding{Place: "Preheader", Clients: "all"}
	columns := displaywidth.String(text)
	switch {
	case !wordy(text):
		f.Rule, f.Message = "preheader-empty", "There is no preheader; the list of mails shows the masthead beside the subject."
		f.Remedy = "Give the lead a first sentence, or a brief a headline."
	case in.letter.Subject != "" && strings.EqualFold(text, strings.TrimSpace(asRead(in.letter.Subject, in.letter.Fields))):
		f.Rule, f.Message = "preheader-repeats-subject", "The preheader says the subject again."
		f.Remedy = "Give the lead a first sentence that says more than its headline."
	case viewOnline(text):
		f.Rule, f.Message = "preheader-view", fmt.Sprintf("The list of mails shows “%s” beside the subject.", cut(text, 60))
		f.Remedy = "Begin the body with a hidden sentence about the letter; put “view in browser” into the footer."
	case columns > preheaderLimit:
		f.Rule, f.Message = "preheader-length", fmt.Sprintf("The preheader is %d characters wide; lists show about %d at most.", columns, preheaderLimit)
		f.Remedy = "Put what matters first."
	case columns < preheaderLeast:
		f.Rule, f.Message = "preheader-length", fmt.Sprintf("The preheader is only %d characters wide; lists fill it up with what stands next in the letter.", columns)
		f.Remedy = "Write a whole sentence."
	default:
		return nil
	}
	return []Finding{f}
}

// viewOnline says whether a preheader is the link to the page.
func viewOnline(text string) bool {
	lower := strings.ToLower(text)
	return len(lower) < 120 && slices.ContainsFunc([]string{
		"view in browser", "view this email", "view online", "read online", "im browser", "webversion", "web version",
		"dans votre navigateur", "version en ligne", "en el navegador", "nel browser", "no navegador",
	}, func(words string) bool { return strings.Contains(lower, words) })
}
