package web

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"html/template"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"lede/compose"
	"lede/compose/lint"
	"lede/web/tool"
)

// Gmail cuts a letter off behind this many bytes of HTML; from the mark on the
// size's bar on, the checks warn.
const (
	gmailCut  = 102 << 10
	gmailWarn = 90 << 10
)

// leftOutShown of the stories that were left out stand open; the rest unfold.
const leftOutShown = 4

// previewView is what the page's template gets.
type previewView struct {
	Request
	Name       string
	Others     []tab // the other newsletters
	Slot       string
	Zone       string
	View       string
	Views      []tab
	Made       []string // made-up readers to choose from
	Marks      bool     // pins stand in the letter
	Toggle     tab
	Difference *differenceView // in the view difference
	Last       tab             // the address of that view, by the name of the last edition
	Letters    letters
	Side       *sideView // in the view variants
	Found      []tab     // subscribers that what was typed may mean
	ProofTo    string
	Notices    []notice

	Good     bool
	Trouble  string
	Broken   bool
	DrawnAt  string
	Took     int64 // milliseconds
	Version  int64
	Frame    string // address
	Scheme   string
	About    string // what the view only approximates; empty: nothing
	Sandbox  string
	Text     string
	Source   string
	Headers  []headerField
	Groups   []group
	InLetter int
	All      int
	LeftOut  []compose.LeftOut
	More     []compose.LeftOut // of those, behind the first
	OutCount int
	Failed   []compose.SourceReport
	Verdict  verdict
	Checks   []check
	Notes    []check
	Counts   string
	Inbox    inboxView
	Size     size
}

type tab struct {
	Name, Link, Key string
	Current, Last   bool
}

type headerField struct{ Name, Value string }

// group is a section as the left column lists it.
type group struct {
	Title   string
	Count   string
	Lead    bool
	Stories []story
}

// story is one line of the left column.
type story struct {
	ID, Title, URL, Source, Why, Link string
}

type verdict struct {
	Shape, Tone, Title, Text, Late string
}

type check struct {
	lint.Finding
	Number int
	Link   string // to its pin in the frame; empty: it has none
}

type size struct {
	Words       string
	Width, Mark float64 // of 100
	Tone        string
}

// made are the made-up readers that the page offers. Any other name does too.
var made = []string{"Odile", "Maximiliane-Theodora Featherstonehaugh", "李小龙"}

// views are the ways to look at a letter, in the order of their keys.
var views = []struct{ name, title string }{
	{"desktop", "Desktop"},
	{"phone", "Phone"},
	{"dark", "Dark"},
	{"inverted", "Inverted"},
	{"noimages", "No images"},
	{"nostyle", "No style"},
	{"word", "Word"},
	{"text", "Text"},
	{"source", "Source"},
	{"headers", "Headers"},
}

// layOut fills the page for a drawing.
func (p *preview) layOut(q Request, s shown, wanted string, marks bool) previewView {
	v := previewView{
		Request: q, View: "desktop", Made: made, Good: s.Good, Trouble: s.Trouble, Broken: s.Broken,
		Version: s.Version, Sandbox: tool.SandboxScrolled, Scheme: "light",
	}
	var more url.Values
	v.Marks = marks
	if !marks {
		more = url.Values{"marks": {"off"}}
	}
	for i, known := range views {
		if wanted == known.name {
			v.View = known.name
		}
		v.Views = append(v.Views, tab{Name: known.title, Key: strconv.Itoa((i + 1) % 10), Link: address(q, known.name, more), Last: known.name == "word"})
	}
	if wanted == "difference" || wanted == variantsView {
		v.View = wanted
	}
	for i, known := range views {
		v.Views[i].Current = known.name == v.View
	}
	if v.View == "dark" {
		v.Scheme = "dark"
	}
	v.About = map[string]string{
		"inverted": "as programs turn colours over that know no dark letter: Gmail on an iPhone, Outlook for Windows.",
		"word":     "as Outlook for Windows lays it out, whose engine is Word. VML is not drawn.",
	}[v.View]
	for _, n := range p.Newsletters() {
		if n.ID == q.Newsletter {
			v.Name = n.Name
		} else {
			v.Others = append(v.Others, tab{Name: n.Name, Link: address(Request{Newsletter: n.ID, Variant: Own}, v.View, nil)})
		}
	}
	if !s.Good {
		return v
	}
	if s.Earlier != nil {
		v.Last = tab{Name: lastDay(s.Earlier.Slot, s.Drawn), Link: address(q, "difference", nil), Current: v.View == "difference"}
		if v.View == "difference" {
			d := differenceOf(*s.Earlier, s.Edition)
			v.Difference = &d
		}
	}
	if !s.Slot.IsZero() {
		v.Slot, v.Zone = s.Slot.Format("Monday 2 January, 15:04"), zoneName(s.Slot)
	}
	v.DrawnAt, v.Took = s.Drawn.Format("15:04:05"), s.Took.Milliseconds()
	v.Text, v.Source = s.Text, strings.ToValidUTF8(string(s.Source), "\ufffd")
	v.Headers = headerFields(s.Source)
	v.Letters = lettersOf(q, s, v.View)
	v.Frame = frameAddress(q, s, v.View, marks)
	v.Groups, v.InLetter = groups(s.Edition, v.Frame)
	v.All = v.InLetter + len(s.Edition.LeftOut)
	v.LeftOut, v.OutCount = s.Edition.LeftOut, len(s.Edition.LeftOut)
	if len(v.LeftOut) > leftOutShown+1 {
		v.LeftOut, v.More = v.LeftOut[:leftOutShown], v.LeftOut[leftOutShown:]
	}
	for _, report := range s.Edition.Sources {
		if report.Error != "" {
			v.Failed = append(v.Failed, report)
		}
	}
	if marks {
		v.Toggle = tab{Name: "Marks off", Link: address(q, v.View, url.Values{"marks": {"off"}})}
	} else {
		v.Toggle = tab{Name: "Marks on", Link: address(q, v.View, nil)}
	}
	v.checks(s)
	if marks && v.View != "word" {
		for _, list := range [][]check{v.Checks, v.Notes} {
			for i, c := range list {
				if pin, placed := pinOf(c.Finding, c.Number, s.Edition); placed {
					list[i].Link = v.Frame + "#" + pin.ID()
				}
			}
		}
	}
	v.Inbox = inboxOf(s.Proof)
	v.Size = sizeOf(len(s.HTML))
	return v
}

// hash tells letters apart, and where they have pins: one that goes or comes
// changes the frame too.
func (s shown) hash() string {
	letter := fnv.New64a()
	_, _ = io.WriteString(letter, s.HTML) // a hash takes everything
	for _, f := range s.Findings {
		_, _ = io.WriteString(letter, f.Place+f.Severity)
	}
	return strconv.FormatUint(letter.Sum64(), 36)
}

// lastDay names the last edition by its day: "Monday’s" within a week.
func lastDay(slot, now time.Time) string {
	if now.Sub(slot) < 6*24*time.Hour {
		return slot.Format("Monday") + "’s"
	}
	return slot.Format("2 January") + "’s"
}

// stories lists what is in a letter, in its order, with the fragments that
// their places in the frame get.
func stories(e compose.Edition) []story {
	var all []story
	add := func(s story) {
		s.ID = "story-" + strconv.Itoa(len(all)+1)
		// The page names the source before the reason, once.
		s.Why = strings.TrimPrefix(s.Why, s.Source+": ")
		all = append(all, s)
	}
	if e.Lead != nil {
		add(story{Title: e.Lead.Title, URL: e.Lead.URL, Source: e.Lead.Source, Why: e.Lead.Why})
	}
	for _, section := range e.Sections {
		for _, b := range section.Briefs {
			s := story{Title: b.Title, URL: b.URL, Source: b.Source, Why: b.Why}
			if s.Title == "" {
				s.Title = b.Opening
			}
			if s.Title == "" {
				s.Title = "(no headline)"
			}
			add(s)
		}
	}
	return all
}

// groups arranges the stories under lead and sections, and counts them.
func groups(e compose.Edition, frame string) ([]group, int) {
	all := stories(e)
	for i := range all {
		all[i].Link = frame + "#" + all[i].ID
	}
	count, rest := len(all), all
	var out []group
	if e.Lead != nil {
		out = append(out, group{Title: "Lead", Lead: true, Stories: rest[:1]})
		rest = rest[1:]
	}
	for _, section := range e.Sections {
		g := group{Title: section.Title, Stories: rest[:len(section.Briefs)]}
		rest = rest[len(section.Briefs):]
		if g.Title == "" {
			g.Title = map[string]string{"sponsor": "Sponsor", "events": "Events", "note": "Note"}[section.Kind]
		}
		if g.Title == "" {
			g.Title = "Briefs"
		}
		if n := len(g.Stories); n > 1 {
			g.Count = strconv.Itoa(n)
		}
		out = append(out, g)
	}
	return out, count
}

// checks sorts the findings and says what they come to.
func (v *previewView) checks(s shown) {
	errors, warnings, notes := 0, 0, 0
	for _, f := range s.Findings {
		switch f.Severity {
		case lint.Error:
			errors++
		case lint.Warning:
			warnings++
		default:
			notes++
			v.Notes = append(v.Notes, check{Finding: f})
			continue
		}
		v.Checks = append(v.Checks, check{Finding: f, Number: len(v.Checks) + 1})
	}
	for i := range v.Notes {
		v.Notes[i].Number = len(v.Checks) + i + 1
	}
	v.Counts = counted(warnings, "warning", "warnings") + ", " + counted(notes, "note", "notes")
	if errors > 0 {
		v.Counts = counted(errors, "error", "errors") + ", " + v.Counts
	}
	sums := upper(counted(errors, "error", "errors")) + ", " + counted(warnings, "warning", "warnings") + ", " + counted(notes, "note", "notes") + "."
	switch {
	case s.Edition.Empty != "":
		v.Verdict = verdict{Shape: "triangle", Tone: "warn", Title: "Nothing to send", Text: upper(s.Edition.Empty) + "."}
		if n := storiesOf(s.Edition); n < s.Min {
			v.Verdict.Title = fmt.Sprintf("Nothing to send: %s, at least %d wanted", counted(n, "story", "stories"), s.Min)
		}
		return
	case errors > 0:
		v.Verdict = verdict{Shape: "cross", Tone: "bad", Title: upper(counted(errors, "error", "errors")) + " " + plural(errors, "stops", "stop") + " this letter"}
	default:
		v.Verdict = verdict{Shape: "tick", Tone: "ok", Title: "Nothing stops this letter"}
	}
	if s.Variants != nil {
		sums += " " + upper(counted(len(s.Variants), "variant", "variants")) + "."
	}
	v.Verdict.Text = sums + " To " + grouped(s.Audience) + " " + plural(s.Audience, "reader", "readers")
	if s.Slot.IsZero() {
		v.Verdict.Text += "; no slot is planned."
		return
	}
	v.Verdict.Text += " " + day(s.Slot, s.Drawn) + " at " + s.Slot.Format("15:04")
	if late := s.Drawn.Sub(s.Slot); late > 0 {
		v.Verdict.Text += ","
		v.Verdict.Late = "late by " + span(late)
		return
	}
	v.Verdict.Text += ", in " + longSpan(s.Slot.Sub(s.Drawn)) + "."
}

// storiesOf counts what min counts: lead and briefs.
func storiesOf(e compose.Edition) int {
	n := 0
	if e.Lead != nil {
		n++
	}
	for _, s := range e.Sections {
		if s.Kind == "briefs" {
			n += len(s.Briefs)
		}
	}
	return n
}

func sizeOf(bytes int) size {
	s := size{
		Words: strconv.FormatFloat(float64(bytes)/1024, 'f', 1, 64) + " of 102 KB",
		Width: min(100, float64(bytes)/gmailCut*100), Mark: float64(gmailWarn) / gmailCut * 100, Tone: "sent",
	}
	switch {
	case bytes >= gmailCut:
		s.Tone = "failed"
	case bytes >= gmailWarn:
		s.Tone = "deferred"
	}
	return s
}

// headerFields lists a mail's header, unfolded.
func headerFields(mail []byte) []headerField {
	head, _, _ := bytes.Cut(mail, []byte("\r\n\r\n"))
	var fields []headerField
	for line := range strings.SplitSeq(strings.ToValidUTF8(string(head), "\ufffd"), "\r\n") {
		if strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") {
			if n := len(fields); n > 0 {
				fields[n-1].Value += " " + strings.TrimSpace(line)
			}
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		fields = append(fields, headerField{name, strings.TrimSpace(value)})
	}
	return fields
}

// code sets what stands between backticks in the type of code.
func code(text string) template.HTML {
	var out strings.Builder
	parts := strings.Split(text, "`")
	for i, part := range parts {
		if i%2 == 1 && i < len(parts)-1 {
			out.WriteString("<code>" + template.HTMLEscapeString(part) + "</code>")
			continue
		}
		if i%2 == 1 {
			out.WriteString("`")
		}
		out.WriteString(template.HTMLEscapeString(part))
	}
	return template.HTML(out.String())
}

// zoneName is the city of a zone: "Lisbon" of Europe/Lisbon.
func zoneName(t time.Time) string {
	name := t.Location().String()
	return strings.ReplaceAll(name[strings.LastIndexByte(name, '/')+1:], "_", " ")
}

// day says when a slot is, as seen from now.
func day(slot, now time.Time) string {
	now = now.In(slot.Location())
	y, m, d := now.Date()
	switch slot.Format(time.DateOnly) {
	case now.Format(time.DateOnly):
		return "today"
	case time.Date(y, m, d+1, 12, 0, 0, 0, slot.Location()).Format(time.DateOnly):
		return "tomorrow"
	}
	return "on " + slot.Format("Monday 2 January")
}

// longSpan writes a time to wait for in one unit, rounded down to it.
func longSpan(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "less than a minute"
	case d < 2*time.Hour:
		return counted(int(d/time.Minute), "minute", "minutes")
	case d < 48*time.Hour:
		return counted(int(d/time.Hour), "hour", "hours")
	}
	return counted(int(d/(24*time.Hour)), "day", "days")
}

func span(d time.Duration) string {
	if d < 2*time.Hour {
		return strconv.Itoa(max(1, int(d/time.Minute))) + " min"
	}
	return longSpan(d)
}

// counted writes a number of things: "no errors", "1 error", "4,218 errors".
func counted(n int, one, many string) string {
	if n == 0 {
		return "no " + many
	}
	return grouped(n) + " " + plural(n, one, many)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// grouped writes a number with commas between thousands.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
