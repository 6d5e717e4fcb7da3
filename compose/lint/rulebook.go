package lint

import "slices"

// Rule is one thing that lint looks for.
type Rule struct {
	Name     string
	Severity string // of its findings, where they have none of their own; the first of several
	Why      string
	Remedy   string
}

// Rules lists all rules in the order in which they are told; docs/lint.md is
// held to it by a test.
func Rules() []Rule { return slices.Clone(rulebook) }

func severityOf(name string) string {
	for _, r := range rulebook {
		if r.Name == name {
			return r.Severity
		}
	}
	return Warning
}

var rulebook = []Rule{
	// The mail as a whole.
	{"mime-structure", Warning, "Parts that can't be told apart, or are nested without end, show as one heap of signs or not at all.", "Send one multipart/alternative with a text and an HTML part, pictures beside it."},
	{"mime-encoding", Error, "A part that is not encoded as it says is cut off or shows as signs.", "Encode it anew as quoted-printable or base64."},
	{"mime-charset", Error, "Where the character set is wrong or not said, letters with accents and whole scripts show as marks.", "Write UTF-8 and say charset=utf-8."},
	{"header-from", Error, "A mail without an author's address is refused.", "Write one address, with a name."},
	{"header-date", Warning, "Without a date that can be read, a mail sorts anywhere, and filters count it.", "Write the date as RFC 5322 has it."},
	{"header-message-id", Warning, "Without an id of its own a mail can't be answered in its conversation, and filters count it.", "Set one in a domain of yours."},
	{"header-mime", Warning, "Without MIME-Version the rest of the MIME header counts for nothing.", "Add MIME-Version: 1.0."},
	{"header-repeated", Error, "Of a field that may stand once programs choose one or the other; Gmail refuses such mail.", "Leave one."},
	{"header-raw", Warning, "Raw letters beyond ASCII in a header need SMTPUTF8 all the way.", "Encode them as RFC 2047 has it."},
	{"line-length", Error, "SMTP carries lines of 998 bytes; what is longer is broken or refused, and a broken line breaks a tag or a signature.", "Encode the part; fold the header."},
	{"list-unsubscribe", Warning, "Gmail and Yahoo want newsletters to have the header by which their button unsubscribes.", "Add List-Unsubscribe with an https address."},
	{"list-unsubscribe-post", Warning, "Without it the button opens a page instead of unsubscribing (RFC 8058).", "Add List-Unsubscribe-Post: List-Unsubscribe=One-Click."},

	// The HTML's size and frame.
	{"html-missing", Error, "A letter of ours has an HTML part.", "Render the edition again; look at the theme's layout.html."},
	{"html-size", Error, "Gmail clips a message at 102,400 bytes of HTML and hides the rest, the unsubscribe link with it. From 92,160 bytes on it is a warning.", "Shorten the lead, take fewer briefs."},
	{"mail-size", Warning, "Each recipient gets all of a mail, its pictures too: 300 kB to 10,000 people are 3 GB. From 10 MB on it is an error, since many servers take no more.", "Link pictures instead of attaching them, or take smaller ones."},
	{"html-depth", Warning, "Programs cut what is nested without end, each in its own way.", "Close what is open."},
	{"html-lang", Warning, "A screen reader reads a letter aloud in the language that it names.", "Write lang on <html> and <body>."},
	{"html-dir", Warning, "Text that runs from right to left needs to say so: marks and numbers stand on the wrong side else.", `Write dir="rtl" on <html>, <body> and the first element.`},
	{"html-title", Note, "The title is what a browser's tab and some screen readers call the letter.", "Write the subject into <title>."},
	{"table-role", Warning, "A screen reader reads out rows and columns of a table that only lays out.", `Write role="presentation" on it.`},
	{"tables-nested", Warning, "Outlook for Windows draws gaps and breaks widths in tables within tables within tables.", "Lay out by rows of one table."},
	{"style-size", Warning, "Gmail drops a style block of more than 8,192 characters, with the dark mode and phone rules in it.", "Part it, or write fewer rules."},
	{"style-total", Warning, "Gmail reads 16 kB of style in all.", "Write fewer rules."},
	{"style-nested", Warning, "Gmail drops a style block in which an at-rule stands within an at-rule.", "Write the conditions into one @media."},
	{"style-place", Note, "Gmail reads style blocks in <head> alone.", "Move it there."},
	{"style-broken", Warning, "What follows an open brace is lost.", "Close it."},

	// Subject and preheader.
	{"subject-empty", Error, "A mail without a subject is not opened, and often not taken.", "Set the newsletter's `subject`."},
	{"subject-length", Note, "Lists of mails cut a subject at about 60 columns; a Chinese or Japanese character takes two.", "Put what matters first."},
	{"subject-phone", Note, "A phone held upright shows about 35 columns of a subject, and a glance takes in about nine words.", "Let its beginning say what matters."},
	{"subject-test", Warning, "Two subjects that read the same test nothing.", "Let each of `subject_test` name something else."},
	{"subject-repeated", Warning, "Mail programs put mails of one subject into one conversation and hide one of them. The last seven editions are compared.", "Let it name the lead or the date."},
	{"subject-shouting", Warning, "Capitals all through and marks in a row are what filters and readers know spam by.", "Write a sentence."},
	{"subject-wordless", Warning, "Emoji alone say nothing aloud.", "Write words."},
	{"subject-control", Warning, "Characters that nobody sees, or that turn the text around, are a thief's tools.", "Take them out."},
	{"preheader-empty", Warning, "Where there is none, lists show whatever stands first in the letter.", "Give the lead a first sentence."},
	{"preheader-repeats-subject", Warning, "What stands beside the subject can say more than the subject.", "Write a sentence that does."},
	{"preheader-view", Note, "“View in browser” beside every subject is a place lost.", "Put it into the footer."},
	{"preheader-length", Note, "Under 20 columns lists fill up with what stands next; over 140 nothing is shown.", "Write one sentence."},

	// What the law and our own pages need.
	{"picture-alt", Warning, "Where the lead's picture is not shown, nothing says what it is.", "Add image_alt to the story."},
	{"picture-missing", Warning, "A picture that can't be had, or is none, is left out of the letter, which then stands without a hole.", "See that its address or file is a JPEG, PNG, GIF or WebP picture."},
	{"postal-address", Warning, "CAN-SPAM and several other laws ask for one in every newsletter. In mail of others it is a note: an address is guessed by its form.", "Set the newsletter's `postal_address`."},
	{"unsubscribe-missing", Warning, "Who finds no way to leave presses “spam”, and the law asks for one.", "Write a link that says so into the footer."},
	{"unsubscribe-html", Error, "A letter of ours must have its unsubscribe link as a link.", "Put {{.Unsubscribe}} back into footer.html."},
	{"unsubscribe-text", Error, "The text part must have it too.", "Put {{.Unsubscribe}} back into text.txt."},
	{"base-url", Error, "Pictures and the unsubscribe and browser links stand on base_url, and programs need https (RFC 8058). For a relay on this machine it is a note.", "Set `base_url` to the https address of the pages."},

	// Links.
	{"dead-link", Error, "A link that is empty or runs a script leads nowhere.", "Write it only where there is an address."},
	{"link-scheme", Error, "A mail has no site that an address without https:// could belong to.", "Write whole addresses."},
	{"http-link", Note, "Some programs warn before they open what is not encrypted.", "Use https where the site has it."},
	{"link-address", Warning, "Bare IP addresses and passwords in addresses are signs of fraud.", "Use a name, without a login."},
	{"link-shortened", Warning, "A shortener hides where its links lead; filters judge all by the worst.", "Write the address itself."},
	{"link-lookalike", Warning, "Letters of other scripts make a host look like another one.", "See that it is the site that is meant."},
	{"link-mismatch", Warning, "A text that shows one site and leads to another is how passwords are stolen; programs warn.", "Show where it leads, or words."},
	{"link-text", Note, "Screen readers list links without what stands around: “here” says nothing. A link without any text is a warning.", "Link the words that name the page."},
	{"link-broken", Error, "The page is not there. What gives no answer, or answers with a fault of its own, is a warning. Asked with `--links` alone.", "Mend the address."},
	{"link-redirects", Note, "Each redirect costs time and may break; one to another site is a warning. Asked with `--links` alone.", "Link the page that it ends at."},
	{"link-unsure", Note, "Some sites answer programs otherwise than browsers. Asked with `--links` alone.", "Open it yourself."},

	// The text part, fields, languages.
	{"text-missing", Warning, "Watches, text readers and filters look at the text part.", "Let the theme's text.txt tell what the HTML tells."},
	{"text-short", Warning, "A text part with less than half of the HTML's words looks like a disguise.", "Let it tell what the HTML tells."},
	{"text-differs", Warning, "What the HTML says and the text part does not, some readers never hear.", "Let it tell what the HTML tells."},
	{"text-links", Warning, "A link that the text part lacks can't be followed there.", "Write each address into the text part."},
	{"field-left", Error, "A field's token would be mailed as it stands.", "Render again; else the theme cuts or changes it."},
	{"placeholder-left", Warning, "{name}, {{…}}, *|…|* and their like are fields that nobody filled in.", "Write them as the sending program wants it."},
	{"language", Warning, "Without fixed words for the language dates and words such as “Unsubscribe” are English.", "Choose another language, or write the words."},

	// Pictures.
	{"image-alt", Warning, "Where pictures are off nothing stands there, and a screen reader reads the file's name.", `Write alt; alt="" for what only decorates.`},
	{"image-width", Note, "Outlook for Windows shows a picture in the file's own size unless width says another.", "Write width in pixels."},
	{"image-address", Warning, "A picture without an address that programs load is a hole.", "Serve it by https, or attach it."},
	{"image-heavy", Warning, "On a phone a letter stands empty until heavy pictures are there: 200 kB each and 1 MB together are the limits.", "Scale them to what is shown."},
	{"image-only", Warning, "With images off there is no letter, and filters take it for a disguise.", "Write it as text."},

	// How it looks.
	{"contrast-light", Warning, "Text under a contrast of 4.5 (3 for large) is hard to read (WCAG 2.2, 1.4.3).", "Choose a darker text or a lighter ground."},
	{"contrast-dark", Warning, "The same by the letter's own rules for dark mode.", "Choose colours for dark mode by class."},
	{"contrast-inverted", Warning, "Gmail and Outlook turn light and dark around by themselves, all colours or light grounds and dark text alone; under 3 nothing is left to read.", "Take colours far from the middle."},
	{"contrast-unknown", Note, "Pictures, gradients, variables and selectors that are not understood keep a contrast from being known.", "Set a plain colour under them, and look."},
	{"font-size", Note, "Under 14 px text is hard to read on a phone; under 11 it is a warning.", "16 px for reading, 14 for small print."},
	{"active-content", Warning, "Scripts, forms and frames are removed everywhere, and filters count them.", "Link to a page that does it."},
	{"client-support", Note, "What a program does not support it leaves out (data of caniemail.com). Where a reader then gets something else it is a warning.", "See that the letter is right without it."},

	// Filters.
	{"spam-score", Error, "SpamAssassin's own rules and points, asked of spamd. From the limit on (5) it is an error, from half of it a warning, else a note.", "Mend what the rules with the most points name."},
	{"spam-unknown", Warning, "spamd was asked and gave no verdict.", "See `spamd`, and that it runs."},
}
