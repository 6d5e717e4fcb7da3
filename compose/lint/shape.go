package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/language"

	"lede/templates"
)

// Limits of what a letter's frame may be.
const (
	mostTables   = 5 // tables in tables, as Outlook sees them
	smallestText = 14
	tiniestText  = 11
	mostStyles   = 16 << 10 // bytes of all style blocks together
)

// shape judges the frame: language, direction, title, tables, nesting.
func shape(in letter) []Finding {
	p := &in.page
	if strings.TrimSpace(in.letter.HTML) == "" {
		return nil
	}
	var out []Finding
	say := func(rule, place, clients, message, remedy string) {
		out = append(out, Finding{Rule: rule, Place: place, Clients: clients, Message: message, Remedy: remedy})
	}
	if p.cut {
		say("html-depth", "HTML", "all", fmt.Sprintf("The HTML has more than %d elements; the rest was not looked at.", maxElements), "Write a letter, not a book.")
	}
	if p.deep > 0 {
		say("html-depth", fmt.Sprintf("line %d", p.deep), "all", fmt.Sprintf("Elements are nested more than %d deep; programs cut that, each in its own way.", maxDepth), "Close what is open; see what nests so deep.")
	}
	lang, dir, title := "", "", false
	for i := range p.elements {
		e := &p.elements[i]
		if e.tag == "html" || e.tag == "body" || e.inBody && lang == "" && i < 40 {
			if v := e.value("lang"); v != "" && lang == "" {
				lang = v
			}
			if v := e.value("dir"); v != "" && dir == "" {
				dir = strings.ToLower(v)
			}
		}
	}
	for _, r := range p.runs {
		title = title || p.in(r.element, "title") && wordy(r.text)
	}
	tag, err := language.Parse(lang)
	switch {
	case lang == "":
		say("html-lang", "<html>", "screen readers, translators", "Nothing says in which language the letter is: it is read aloud in the listener's own.", `Write <html lang="en"> with the letter's language, and on <body> too: some programs drop <html>.`)
	case err != nil:
		say("html-lang", "<html>", "screen readers, translators", fmt.Sprintf("lang=%q is no language tag (BCP 47).", cut(lang, 40)), `Write one such as "en" or "pt-BR".`)
	case templates.RightToLeft(tag.String()) && dir != "rtl":
		say("html-dir", "<html>", "all", fmt.Sprintf("The language %s runs from right to left and nothing says so (dir).", lang), `Write dir="rtl" on <html>, <body> and the first element within.`)
	}
	if !title {
		say("html-title", "<head>", "screen readers, the browser's tab", "There is no <title>.", "Write the subject into <title>.")
	}
	return append(out, tables(in)...)
}

// tables judges the roles of layout tables and their nesting in Outlook's view.
func tables(in letter) []Finding {
	p := &in.page
	data := map[int]bool{} // tables with a header cell or a caption
	for i := range p.elements {
		if tag := p.elements[i].tag; tag == "th" || tag == "caption" {
			for at := p.elements[i].parent; at >= 0; at = p.elements[at].parent {
				if p.elements[at].tag == "table" {
					data[at] = true
					break
				}
			}
		}
	}
	var out []Finding
	first, count := -1, 0
	for i := range p.elements {
		e := &p.elements[i]
		if role := e.value("role"); e.tag == "table" && !data[i] && role != "presentation" && role != "none" {
			if count++; first < 0 {
				first = i
			}
		}
	}
	if count > 0 {
		out = append(out, Finding{
			Rule: "table-role", Place: p.place(first), Clients: "screen readers",
			Message: fmt.Sprintf("%s for layout without role=\"presentation\": a screen reader reads out rows and columns.", counted(count, "table is", "tables are")),
			Remedy:  `Write role="presentation" on each table that only lays out.`,
		})
	}
	if depth, line := TableDepth(in.letter.HTML); depth > mostTables {
		out = append(out, Finding{
			Rule: "tables-nested", Place: fmt.Sprintf("line %d, <table>", line), Clients: "Outlook (Windows)",
			Message: fmt.Sprintf("Tables stand %d deep in Outlook's view (its conditional comments counted); it draws gaps and breaks widths in what is deeper than %d.", depth, mostTables),
			Remedy:  "Lay out by rows of one table; use padding of cells instead of tables around them.",
		})
	}
	return out
}

// TableDepth is how deep tables are nested in what Outlook for Windows reads:
// with what is in comments for it, without what is in comments against it. line
// is where the deepest begins.
func TableDepth(html string) (depth, line int) {
	p := readPage(outlookView(html))
	depths := make([]int, len(p.elements))
	for i := range p.elements {
		e := &p.elements[i]
		if e.parent >= 0 {
			depths[i] = depths[e.parent]
		}
		if e.tag == "table" {
			depths[i]++
		}
		if depths[i] > depth {
			depth, line = depths[i], e.line
		}
	}
	return depth, line
}

var conditional = regexp.MustCompile(`(?i)^<!--\[if ([^\]]{1,200})\]>`)

// outlookView resolves conditional comments as Word does: what is for it stands,
// what is against it goes, in as many bytes and lines as before. It reads from
// front to end once.
func outlookView(html string) string {
	var b strings.Builder
	for {
		at := strings.Index(html, "<!")
		if at < 0 {
			b.WriteString(html)
			return b.String()
		}
		b.WriteString(html[:at])
		html = html[at:]
		m := conditional.FindStringSubmatch(html)
		switch {
		case m == nil && strings.HasPrefix(html, "<!--"):
			end := strings.Index(html[4:], "-->")
			if end < 0 {
				return b.String()
			}
			b.WriteString(html[:end+7])
			html = html[end+7:]
		case m == nil:
			b.WriteString("<!")
			html = html[2:]
		default:
			end := indexFold(html, "<![endif]")
			if end < 0 {
				end = len(html)
			}
			inside := html[len(m[0]):end]
			if forOutlook(m[1]) {
				b.WriteString(strings.TrimPrefix(inside, "<!-->"))
			} else {
				b.WriteString(strings.Repeat("\n", strings.Count(inside, "\n")))
			}
			html = html[min(len(html), end+len("<![endif]")):]
			if strings.HasPrefix(html, "-->") {
				html = html[3:]
			} else if strings.HasPrefix(html, ">") {
				html = html[1:]
			}
		}
	}
}

// indexFold finds the marker in either case of its letters, without making a
// copy of all that follows.
func indexFold(text, marker string) int {
	for at := 0; ; {
		i := strings.Index(text[at:], marker[:3])
		if i < 0 {
			return -1
		}
		at += i
		if len(text)-at >= len(marker) && strings.EqualFold(text[at:at+len(marker)], marker) {
			return at
		}
		at++
	}
}

// forOutlook says whether a condition holds in Outlook of today (mso 16).
func forOutlook(condition string) bool {
	c := strings.ToLower(strings.ReplaceAll(condition, " ", ""))
	if strings.Contains(c, "!mso") || strings.Contains(c, "!(mso") || strings.HasPrefix(c, "lt") && !strings.HasPrefix(c, "ltemso16") {
		return false
	}
	return strings.Contains(c, "mso") || c == "true" || c == "vml"
}

// sizes judges how large text is set.
func sizes(in letter) []Finding {
	looks, ok := cascade(&in.page, in.sheets, lightScheme)
	if !ok {
		return nil // contrastRule says so
	}
	var smallest run
	least, count := float64(smallestText), 0
	for _, r := range in.page.runs {
		if !in.page.seen(r.element) || !wordy(r.text) {
			continue
		}
		l := looks[r.element]
		if l.hidden || l.size < 2 || l.size >= smallestText-0.01 {
			continue
		}
		if count++; l.size < least {
			least, smallest = l.size, r
		}
	}
	if count == 0 {
		return nil
	}
	f := Finding{
		Rule: "font-size", Severity: Note, Place: in.page.placeOf(smallest), Clients: "phones",
		Message: fmt.Sprintf("%s smaller than %d px, the smallest of %.3g px: “%s”.", counted(count, "text is", "texts are"), smallestText, least, cut(smallest.text, 40)),
		Remedy:  "Set reading text in 16 px or more and small print in 14.",
	}
	if least < tiniestText {
		f.Severity = Warning
	}
	return []Finding{f}
}

// activeTags run something or take something in: programs remove them, and
// filters count them.
var activeTags = []string{"script", "iframe", "object", "embed", "applet", "form", "frame", "frameset", "meta-refresh"}

// active judges what would run in a browser.
func active(in letter) []Finding {
	var out []Finding
	said := map[string]bool{}
	for i := range in.page.elements {
		e := &in.page.elements[i]
		what := ""
		switch {
		case slices.Contains(activeTags, e.tag):
			what = "<" + e.tag + ">"
		case e.tag == "meta" && strings.EqualFold(e.value("http-equiv"), "refresh"):
			what = "<meta http-equiv=refresh>"
		}
		for _, a := range e.attrs {
			if strings.HasPrefix(a.Key, "on") && len(a.Key) > 3 {
				what = a.Key
			}
		}
		if what == "" || said[what] {
			continue
		}
		said[what] = true
		out = append(out, Finding{
			Rule: "active-content", Place: in.page.place(i), Clients: "all",
			Message: what + " is active content: mail programs remove it, and spam filters count it.",
			Remedy:  "Take it out; link to a page that does it.",
		})
	}
	return out
}
