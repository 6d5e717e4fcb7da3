package compose

import (
	"cmp"
	"slices"
	"strings"

	"github.com/clipperhouse/uax29/v2/words"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// The longest subject and preheader, in columns (displayWidth). Inboxes show
// less; what is longer than this is a mistake or an attack.
const (
	longestSubject   = 200
	longestPreheader = 140
)

// address sets what the inbox shows of the edition: subject and preheader.
// They are the same for all and tell nothing that only some get.
func (a *assembly) address() {
	whole := a.edition
	a.edition = whole.common()
	a.edition.Subject = a.subject(a.recipe.Subject)
	a.edition.Subjects = a.testedSubjects()
	a.edition.Preheader = a.preheader()
	whole.Subject, whole.Subjects, whole.Preheader = a.edition.Subject, a.edition.Subjects, a.edition.Preheader
	a.edition = whole
}

// testedSubjects are the subjects that the edition is tried with, its own
// first and each once: one that is left alone tests nothing. A bulletin goes to
// all at once.
func (a *assembly) testedSubjects() []string {
	if a.bulletin || len(a.recipe.SubjectTest) == 0 {
		return nil
	}
	all := []string{a.edition.Subject}
	for _, template := range a.recipe.SubjectTest {
		if s := a.subject(template); !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// subject expands a subject's template, the lead's headline by default. Where
// there is no lead, the first brief's headline takes its place, else the
// newsletter's name. It is written as it is read by someone without a name;
// Render sets the fields.
func (a *assembly) subject(template string) string {
	e := a.edition
	lead := clean(a.recipe.Name)
	if titles := a.headlines(); e.Lead != nil && e.Lead.Title != "" {
		lead = clean(e.Lead.Title)
	} else if len(titles) > 0 {
		lead = clean(titles[0])
	}
	known := values(a.recipe, e, a.date())
	known["lead"] = lead
	text, err := Expand(cmp.Or(template, "{lead}"), known, readable)
	if err != nil {
		// Rendering says what is wrong with the template; the edition can be
		// read all the same.
		text = lead
	}
	return shortened(clean(text), longestSubject)
}

// retestSubject puts a subject changed by hand first among those of a test.
func (a *assembly) retestSubject() {
	own, tested := a.edition.Subject, a.edition.Subjects
	if len(tested) == 0 {
		return
	}
	others := slices.DeleteFunc(slices.Clone(tested[1:]), func(s string) bool { return s == own })
	a.edition.Subjects = append([]string{own}, others...)
}

// shortened cuts a line at a word where it is too long.
func shortened(line string, limit int) string {
	ends, fits := graphemeEnds(line, limit)
	if fits {
		return line
	}
	cut, _ := teaser(line, "", limit, false)
	if cut == "" && len(ends) > 0 {
		cut = line[:ends[len(ends)-1]] // one endless word
	}
	return cut
}

// headlines returns the briefs' headlines, or what stands for them, in the
// letter's order.
func (a *assembly) headlines() []string {
	var all []string
	for _, section := range a.edition.Sections {
		if !tellsNews(section.Kind) {
			continue
		}
		for _, b := range section.Briefs {
			if title := cmp.Or(b.Title, b.Opening); title != "" {
				all = append(all, title)
			}
		}
	}
	return all
}

// preheader returns what an inbox shows behind the subject: what the recipe's
// template gives, else the lead's first sentence, else its standfirst, else the
// next headlines, and at last the greeting, or name and date. It never is empty
// and never the subject again.
func (a *assembly) preheader() string {
	subject := foldedWords(a.edition.Subject)
	says := func(text string) string {
		line := shortened(clean(text), longestPreheader)
		if len(foldedWords(line)) == 0 && !isVisible(line) || saysAgain(foldedWords(line), subject) {
			return ""
		}
		for _, other := range a.edition.Subjects {
			if saysAgain(foldedWords(line), foldedWords(other)) {
				return ""
			}
		}
		return line
	}
	if a.recipe.Preheader != "" {
		// Its words are checked with the configuration; one that can't be filled
		// in leaves what stands without a template.
		if text, err := Expand(a.recipe.Preheader, a.preheaderWords(), nil); err == nil && says(text) != "" {
			return says(text)
		}
	}
	teaser := ""
	if l := a.edition.Lead; l != nil {
		teaser = cmp.Or(says(a.firstSentence(l)), says(l.Standfirst))
	}
	greeting, err := Expand(a.edition.Greeting, values(a.recipe, a.edition, a.date()), readable)
	if err != nil {
		greeting = ""
	}
	return cmp.Or(
		teaser, a.nextHeadlines(subject), says(greeting),
		says(a.recipe.Name+" · "+a.date()), says(a.date()), clean(a.recipe.Name)+" · "+a.date(),
	)
}

// PreheaderWords are the words that a preheader's template may hold.
func PreheaderWords() []string {
	return append(SubjectWords(), "lead_teaser", "headlines")
}

// SubjectWords are the words that a subject's template and a greeting may hold
// beside {name}.
func SubjectWords() []string { return []string{"lead", "newsletter", "date", "number"} }

// preheaderWords are the values of PreheaderWords.
func (a *assembly) preheaderWords() map[string]string {
	v := values(a.recipe, a.edition, a.date())
	v["headlines"] = a.nextHeadlines(foldedWords(a.edition.Subject))
	v["lead_teaser"] = ""
	if l := a.edition.Lead; l != nil {
		v["lead_teaser"] = cmp.Or(clean(l.Standfirst), clean(a.firstSentence(l)))
	}
	return v
}

// date is the edition's day in full.
func (a *assembly) date() string { return newSetting(a.recipe, a.edition, false).date() }

// nextHeadlines returns the briefs' headlines as far as they fit into a
// preheader, without one that is the subject.
func (a *assembly) nextHeadlines(subject []string) string {
	line := ""
	for _, title := range a.headlines() {
		if saysAgain(foldedWords(title), subject) {
			continue
		}
		longer := title
		if line != "" {
			longer = line + " · " + title
		}
		if displayWidth(longer) > longestPreheader {
			if line == "" {
				line = shortened(title, longestPreheader)
			}
			break
		}
		line = longer
	}
	return line
}

// firstSentence returns the first sentence of a lead's text, all of the
// paragraph where none ends.
func (a *assembly) firstSentence(l *Lead) string {
	for _, block := range l.Body {
		if block.Kind != blockParagraph {
			continue
		}
		passages := blocks(block.HTML)
		if len(passages) == 0 {
			continue
		}
		text := oneLine(passages[0].plain)
		lang := cmp.Or(l.Lang, a.recipe.Language)
		quotes := quotations(text, false)
		for _, end := range sentenceEnds(text, lang) {
			if len(openAt(quotes, end)) == 0 {
				return text[:end]
			}
		}
		return text
	}
	return ""
}

// saysAgain says that a line is the subject again, or begins with it, or is its
// beginning.
func saysAgain(line, subject []string) bool {
	return isPrefixOf(line, subject) || isPrefixOf(subject, line)
}

// foldedWords returns the words of a text as they are compared: in one case
// and one form of Unicode, without punctuation.
func foldedWords(text string) []string {
	var all []string
	fold := cases.Fold()
	for it := words.FromString(norm.NFKC.String(text)); it.Next(); {
		if strings.ContainsFunc(it.Value(), isWordRune) {
			all = append(all, fold.String(it.Value()))
		}
	}
	return slices.Clip(all)
}
