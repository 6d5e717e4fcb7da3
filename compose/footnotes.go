package compose

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/clipperhouse/displaywidth"

	"lede/templates"
)

// linksFootnotes is the Recipe.TextLinks that puts addresses at the end of the
// text part; any other leaves them where they belong.
const linksFootnotes = "footnotes"

// textColumns is the width of the text part, as templates.Wrap sets it.
const textColumns = 72

// footnotes takes the addresses out of a text part: where a link stands it
// leaves a number in square brackets, and at the end, before the footer, it lists
// the addresses. The same address has the same number. Addresses behind an
// announcement ("Unsubscribe:") stay where they are: that is what a reader
// looks for there.
//
// It works in two steps, since text is wrapped in between. Before the templates
// run, mark puts a mark as wide as a number in the place of each address inside
// running text and behind each headline; afterwards list numbers the marks and
// the addresses that still have a line of their own, in the order in which they
// are read.
type footnotes struct {
	marked  []string       // addresses, by their mark
	numbers map[string]int // by address
	listed  []string       // addresses, in the order of their numbers
}

// A mark is two digits in brackets, as wide as most numbers. The digits are
// noncharacters (Unicode 23.7), which no text may hold: mark drops those that
// one does. What finds no mark left stays where it is.
const (
	firstDigit = '\ufdd0'
	markBase   = 32
	mostMarks  = markBase * markBase
)

var (
	addressInText = regexp.MustCompile(`<(https?://[^\s<>]+)>`)
	markInText    = regexp.MustCompile(`\[([\x{FDD0}-\x{FDEF}]{2})\]`)
	addressAlone  = regexp.MustCompile(`^( *)(https?://\S+)$`)
)

// mark puts marks into the texts of a letter that is made for this alone.
func (f *footnotes) mark(l *templates.Letter) {
	if l.Lead != nil {
		f.markBlocks(l.Lead.Body)
	}
	for _, sections := range [][]*templates.Section{l.Above, l.Sections} {
		for _, section := range sections {
			for _, brief := range section.Briefs {
				f.markHeadline(brief)
				brief.Text = f.markText(brief.Text)
				f.markBlocks(brief.Body)
			}
		}
	}
}

// markHeadline moves a brief's own address into its headline, or into the words
// that stand for one: that is the link in the HTML too.
func (f *footnotes) markHeadline(b *templates.Brief) {
	words := &b.Title
	if b.Title == "" {
		words = &b.Opening
	}
	if *words == "" || !strings.HasPrefix(b.URL, "http") {
		return
	}
	if marked := f.markText(" <" + b.URL + ">"); strings.HasPrefix(marked, " [") {
		*words += marked
		b.URL = ""
	}
}

func (f *footnotes) markBlocks(blocks []*templates.Block) {
	for _, b := range blocks {
		b.Text = f.markText(b.Text)
		for _, item := range b.Items {
			item.Text = f.markText(item.Text)
		}
	}
}

func (f *footnotes) markText(text string) string {
	text = strings.Map(func(r rune) rune {
		if r >= firstDigit && r < firstDigit+markBase {
			return -1
		}
		return r
	}, text)
	return addressInText.ReplaceAllStringFunc(text, func(found string) string {
		n := len(f.marked)
		if n >= mostMarks {
			return found
		}
		f.marked = append(f.marked, found[1:len(found)-1])
		return "[" + string([]rune{firstDigit + rune(n/markBase), firstDigit + rune(n%markBase)}) + "]"
	})
}

// list numbers what stands in the text part and puts the list of addresses in
// front of the footer, under its heading.
func (f *footnotes) list(text string, l *templates.Letter) string {
	f.numbers = map[string]int{}
	var lines []string
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		line = markInText.ReplaceAllStringFunc(line, func(mark string) string {
			digits := []rune(mark)
			if n := int(digits[1]-firstDigit)*markBase + int(digits[2]-firstDigit); n < len(f.marked) {
				return f.number(f.marked[n])
			}
			return ""
		})
		if alone := addressAlone.FindStringSubmatch(line); alone != nil && len(lines) > 0 && !announces(lines[len(lines)-1]) {
			lines = append(lines[:len(lines)-1], withNote(lines[len(lines)-1], f.number(alone[2]))...)
			continue
		}
		lines = append(lines, line)
	}
	if len(f.listed) == 0 {
		return text
	}
	at, rule := footerStart(lines, l)
	list := []string{l.Words.Links}
	for i, address := range f.listed {
		list = append(list, "["+strconv.Itoa(i+1)+"] "+address)
	}
	switch {
	case at == len(lines):
		list = append([]string{""}, list...)
	case rule != "":
		list = append(append([]string{rule}, list...), "")
	default:
		list = append(list, "", "")
	}
	return strings.Join(slices.Insert(lines, at, list...), "\n") + "\n"
}

// number returns an address's number in brackets.
func (f *footnotes) number(address string) string {
	n, known := f.numbers[address]
	if !known {
		f.listed = append(f.listed, address)
		n = len(f.listed)
		f.numbers[address] = n
	}
	return "[" + strconv.Itoa(n) + "]"
}

// announces says that a line is one behind which an address is to be read, or
// none that could carry a number.
func announces(line string) bool {
	return line == "" || strings.HasSuffix(line, ":") || strings.HasSuffix(line, "：") || isRule(line) || addressAlone.MatchString(line)
}

// withNote puts a number behind a line; where it does not fit, the last word
// goes down with it.
func withNote(line, number string) []string {
	if displaywidth.String(line)+1+len(number) <= textColumns {
		return []string{line + " " + number}
	}
	indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
	if at := strings.LastIndex(line, " "); at > len(indent) {
		return []string{strings.TrimRight(line[:at], " "), indent + line[at+1:] + " " + number}
	}
	return []string{line, indent + number}
}

// footerStart returns the line before which the footer begins, its rule
// included, and that rule; the end where there is no footer.
func footerStart(lines []string, l *templates.Letter) (at int, rule string) {
	first := ""
	if l.Footer != nil {
		if first = l.Footer.Reason; first == "" && l.Footer.Unsubscribe != "" {
			first = l.Footer.Words.Unsubscribe + ":"
		}
	}
	if first == "" {
		return len(lines), ""
	}
	first, _, _ = strings.Cut(templates.Wrap(first), "\n")
	for at = len(lines) - 1; at >= 0 && strings.TrimSpace(lines[at]) != first; at-- {
	}
	if at < 0 {
		return len(lines), ""
	}
	above := at
	for above > 0 && lines[above-1] == "" {
		above--
	}
	if above > 0 && isRule(lines[above-1]) {
		return above - 1, lines[above-1]
	}
	return at, ""
}

// isRule reports a line that is drawn across the page.
func isRule(line string) bool {
	line = strings.TrimSpace(line)
	return len(line) >= 8 && strings.Trim(line, line[:1]) == "" && strings.ContainsAny(line[:1], "=-*_~")
}
