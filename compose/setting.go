package compose

import (
	"fmt"
	"net/url"
	"strings"

	"lede/templates"
)

// setting lays an edition out for the templates: it puts labels and dates into
// words, drops what can't be linked to, and cleans every text.
type setting struct {
	recipe  Recipe
	edition Edition
	page    *templates.Page
	links   linker
	files   string // what stands before the name of an event's file
}

// addresses are the links of a letter that are not its stories'.
type addresses struct {
	unsubscribe string
	view        string
}

func newSetting(r Recipe, e Edition, web bool) *setting {
	words, _ := templates.WordsFor(r.Language)
	if r.Words != nil {
		words = *r.Words
	}
	page := &templates.Page{Newsletter: clean(r.Name), Lang: lang(r.Language), Dir: "ltr", Web: web, Words: words}
	if templates.RightToLeft(r.Language) {
		page.Dir, page.RTL = "rtl", true
	}
	return &setting{recipe: r, edition: e, page: page, links: newLinker(r, e)}
}

// lang is the language that a letter says it is in; English when the
// configuration says nothing.
func lang(tag string) string {
	if tag = clean(tag); tag == "" {
		return "en"
	}
	return tag
}

func (s *setting) letter(subject, preheader, greeting string, a addresses) *templates.Letter {
	if s.files = a.view; s.files != "" {
		s.files += "/"
	}
	l := &templates.Letter{
		Page: s.page, Subject: subject, Preheader: preheader, Greeting: greeting,
		Dateline: s.dateline(), Place: clean(s.recipe.Place), Date: s.date(), Issue: s.issue(), Lead: s.lead(s.edition.Lead), Footer: s.footer(a),
	}
	for _, section := range s.edition.Sections {
		switch {
		case len(section.Briefs) == 0 && section.Text == "":
		case section.Kind == sectionCorrections:
			l.Above = append(l.Above, s.section(section))
		default:
			l.Sections = append(l.Sections, s.section(section))
		}
	}
	l.Count()
	return l
}

// date is the edition's day in full.
func (s *setting) date() string {
	t := s.edition.Slot
	if s.recipe.Zone != nil {
		t = t.In(s.recipe.Zone)
	}
	return s.page.Words.Date(t)
}

func (s *setting) dateline() string {
	return s.page.Words.Dateline(clean(s.recipe.Place), s.date(), s.issue())
}

// issue is the edition's number in words, empty where none is counted.
func (s *setting) issue() string {
	if s.edition.Number <= 0 {
		return ""
	}
	return s.page.Words.Number(s.edition.Number)
}

func (s *setting) lead(l *Lead) *templates.Lead {
	if l == nil {
		return nil
	}
	out := &templates.Lead{
		Page: s.page, Title: clean(l.Title), URL: s.links.on(link(l.URL)), Kicker: clean(l.Kicker),
		Standfirst: clean(l.Standfirst), Author: clean(l.Author), Publication: clean(l.Publication),
		Picture: s.picture(l.Image), Body: s.blocks(l.Body), Cut: l.Cut, AlsoIn: s.alsoIn(l.AlsoIn),
	}
	out.Label, out.Kicker = s.label(l.Label, out.Kicker)
	out.Opinion = l.Label == "opinion"
	out.StoryLang, out.StoryDir = s.own(l.Lang)
	if out.Title == "" {
		out.URL = "" // "Continue reading" needs to say what
	}
	return out
}

// label returns a label in words and the kicker that is left beside it: there
// is one of the two at most.
func (s *setting) label(label, kicker string) (string, string) {
	if label = clean(label); label != "" {
		return s.page.Words.Label(label), ""
	}
	return "", kicker
}

// own returns a story's language and direction where they are not the
// letter's.
func (s *setting) own(language string) (lang, dir string) {
	if language = clean(language); language == "" || strings.EqualFold(language, s.page.Lang) {
		return "", ""
	}
	switch rtl := templates.RightToLeft(language); {
	case rtl == s.page.RTL:
		return language, ""
	case rtl:
		return language, "rtl"
	}
	return language, "ltr"
}

func (s *setting) picture(f *Figure) *templates.Picture {
	if f == nil || f.Name == "" || f.Width <= 0 || f.Height <= 0 {
		return nil
	}
	width, height := f.Width, f.Height
	if most := s.page.PictureWidth; width > most {
		height = max(1, (height*most+width/2)/width)
		width = most
	}
	caption := clean(f.Caption)
	if credit := clean(f.Credit); credit != "" {
		if !strings.ContainsAny(credit, ":：") {
			credit = s.page.Words.Picture + s.page.Words.Colon + credit
		}
		caption = s.sentence(caption, credit)
	}
	return &templates.Picture{
		URL: s.recipe.BaseURL + "/p/" + url.PathEscape(f.Name), Alt: clean(f.Alt),
		Width: width, Height: height, Caption: caption,
	}
}

// sentence puts a second sentence behind a first, with a full stop between
// them, as the letter's language writes it, where the first has no end of its
// own.
func (s *setting) sentence(first, second string) string {
	stop := s.page.Words.FullStop
	switch {
	case first == "":
		return second
	case second == "":
		return first
	case !endsInStop(first) && !strings.HasSuffix(first, ":"):
		return first + stop + second
	case strings.HasSuffix(stop, " "):
		return first + " " + second
	}
	return first + second
}

// blocks sets running text; entries of a list that follow each other become
// one block.
func (s *setting) blocks(source []Block) []*templates.Block {
	var out []*templates.Block
	for _, b := range source {
		b = s.links.inBlock(b)
		html, text := inline(b.HTML), cleanLines(b.Text)
		if b.Kind == blockPre {
			text = cleanSpaced(b.Text)
		}
		if html == "" && text == "" {
			continue
		}
		kind := b.Kind
		if kind == blockBullet || kind == blockNumber {
			kind += "s"
			if len(out) == 0 || out[len(out)-1].Kind != kind {
				out = append(out, &templates.Block{Page: s.page, Kind: kind, First: len(out) == 0})
			}
			list := out[len(out)-1]
			mark := "- "
			if kind == "numbers" {
				mark = fmt.Sprintf("%d. ", len(list.Items)+1)
			}
			list.Items = append(list.Items, &templates.Item{HTML: html, Text: text, Mark: mark})
			continue
		}
		out = append(out, &templates.Block{Page: s.page, Kind: kind, First: len(out) == 0, HTML: html, Text: text})
	}
	return out
}

func (s *setting) section(source Section) *templates.Section {
	out := &templates.Section{Page: s.page, Title: clean(source.Title), Kind: source.Kind, Text: clean(source.Text)}
	for _, b := range source.Briefs {
		out.Briefs = append(out.Briefs, s.brief(b, source.Kind))
	}
	return out
}

func (s *setting) brief(b Brief, kind string) *templates.Brief {
	out := &templates.Brief{
		Page: s.page, Title: clean(b.Title), URL: s.links.on(link(b.URL)), Text: clean(b.Teaser), Kicker: clean(b.Kicker),
		Opinion: b.Label == "opinion", Correction: b.Label == "correction",
		Sponsored: kind == "sponsor" || b.Label == "sponsored", Publication: together(clean(b.Publication)),
		Author: clean(b.Author), Place: clean(b.Place), Body: s.blocks(b.Body), AlsoIn: s.alsoIn(b.AlsoIn),
		Picture: s.picture(b.Image),
	}
	out.Label, out.Kicker = s.label(b.Label, out.Kicker)
	out.StoryLang, out.StoryDir = s.own(b.Lang)
	out.When = s.when(b)
	if kind == sectionEvents && (s.page.Web || s.files != "") {
		if name := EventFile(b); name != "" {
			out.Calendar = s.files + name // beside the edition's page
		}
	}
	out.Figure = clean(b.Number)
	if !b.Ran.IsZero() {
		out.Kicker, out.Label = "", ""
		if date := s.page.Words.Date(s.local(b.Ran)); out.Publication == "" {
			out.Publication = date
		} else {
			out.Publication += s.page.Words.Comma + date
		}
	}
	if out.Title == "" {
		out.Opening, out.Gap, out.Text = linkWords(clean(b.Opening), out.Text)
		if out.Opening == "" && len(out.Body) == 0 {
			// A link needs words: the last resort is whose it is.
			if out.Opening = out.Publication; out.Opening == "" {
				out.Opening = host(out.URL)
			}
			out.Gap, out.Publication = " ", ""
		}
	}
	switch kind {
	case "events", sectionNumbers:
		out.Text = s.eventText(out)
	case sectionQuotation:
		out.Signature = out.Author
	case "note":
		out.Signature = out.Author
		if editor := clean(s.editor()); out.Signature == "" || out.Signature == editor {
			out.Signature, out.ByEditor = editor, editor != ""
		}
	}
	return out
}

// alsoIn names the other publications that tell a story.
func (s *setting) alsoIn(others []AlsoIn) string {
	var names []string
	for _, o := range others {
		names = append(names, together(clean(o.Publication)))
	}
	return s.page.Words.AlsoIn(names...)
}

func (s *setting) editor() string {
	if s.edition.Editor != "" {
		return s.edition.Editor
	}
	return s.recipe.Editor
}

// linkWords parts a text without a headline into the words that carry the link,
// what stands between, and the rest. Without any given, all of the text is the link.
func linkWords(given, text string) (first, gap, rest string) {
	if given == "" {
		return text, "", ""
	}
	if rest, ok := strings.CutPrefix(text, given); ok {
		rest = strings.TrimLeft(rest, " ")
		return given, text[len(given) : len(text)-len(rest)], rest
	}
	return given, " ", text
}

// eventText joins what follows an event's title to it: ", the Net Loft. Bring
// a chair."
func (s *setting) eventText(b *templates.Brief) string {
	title := b.Title
	if title == "" {
		title = b.Opening
	}
	head := title
	if b.Place != "" && !strings.Contains(title, b.Place) {
		head = strings.TrimRight(title, ".") + s.page.Words.Comma + b.Place
		if strings.HasSuffix(title, ".") { // the title ends itself: a place can't follow in its sentence
			head = title + " " + b.Place
		}
	}
	text := b.Text
	if text == "" {
		for _, block := range b.Body {
			text = s.sentence(text, block.Text)
		}
	}
	whole := s.sentence(head, text)
	if text == "" && head != title {
		whole = strings.TrimRight(head, ".") + strings.TrimSpace(s.page.Words.FullStop)
	}
	return strings.TrimPrefix(whole, title)
}

func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(u.Hostname(), "www.")
}

func (s *setting) footer(a addresses) *templates.Footer {
	f := &templates.Footer{
		Page: s.page, Unsubscribe: a.unsubscribe, View: a.view,
		Imprint: link(s.recipe.Imprint), Privacy: link(s.recipe.Privacy), Address: s.page.Newsletter,
	}
	if !s.page.Web {
		f.Reason = clean(s.recipe.Reason)
		if f.Reason == "" {
			f.Reason = s.page.Words.Reason(s.page.Newsletter)
		}
	}
	var lines []string
	for _, line := range strings.Split(s.recipe.PostalAddress, "\n") {
		if line = strings.TrimRight(clean(line), ","); line != "" {
			lines = append(lines, line)
		}
	}
	if address := strings.Join(lines, s.page.Words.Comma); address != "" {
		f.Address += s.page.Words.Comma + address
	}
	return f
}
