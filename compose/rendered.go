package compose

import (
	"errors"
	"fmt"
	"slices"

	"lede/templates"
)

// Rendered is an edition as letters: one, or one for each variant of its Split.
// All of them share one set of fields.
type Rendered struct {
	Letter   Letter   `json:"letter"`             // variant 0: that of recipients of whom nothing is known
	Variants []Letter `json:"variants,omitempty"` // those of variants 1 and up, in order, without Web: the web page is Letter's. None without conditions
	Split    Split    `json:"split"`
	Subjects []string `json:"subjects,omitempty"` // those of a test, with field tokens; the first is Letter.Subject. None without a test
}

// Variant returns the letter of a variant of the Split.
func (r Rendered) Variant(n int) Letter {
	if n == 0 {
		return r.Letter
	}
	return r.Variants[n-1]
}

// Render sets an edition as a letter with the theme: HTML, text part and web
// page from the same data. Where there are conditions it is the letter of
// recipients of whom nothing is known. The nonce, 16 random hexadecimal digits,
// is what tells this letter's field tokens from anything that a story could say.
//
// A letter that can't be sent as it is comes back as an error: one in which a
// field's token was lost or changed, whose HTML is not well-formed, or that
// asks for a field that does not exist.
func Render(r Recipe, e Edition, t *templates.Theme, nonce string) (Letter, error) {
	all, err := RenderAll(r, e, t, nonce)
	return all.Letter, err
}

// RenderAll sets an edition as its letters: one for each variant that the
// conditions of the edition and of the theme ask for. Nonce and errors are
// Render's; more than MostVariants letters, the subjects of a test counted in,
// are an error that names the attributes that make them.
//
// What a theme asks is known only when its templates have been carried out.
// Where one asks what the variants do not tell apart, they are made anew, so
// that every letter answers truly; each round makes more variants, which bounds
// them.
func RenderAll(r Recipe, e Edition, t *templates.Theme, nonce string) (Rendered, error) {
	set, err := newRendering(r, e, t, nonce)
	if err != nil {
		return Rendered{}, err
	}
	conditions := e.Conditions()
	for {
		split, err := NewSplit(conditions)
		if err != nil {
			return Rendered{}, fmt.Errorf("%w; ask about fewer attributes or values", err)
		}
		if n := len(set.subjects); n > 0 && n*split.Count() > MostVariants {
			return Rendered{}, fmt.Errorf("%w: %d by %s, each with %d subjects, make more than %d letters; ask about less, or try fewer subjects",
				errVariants, split.Count(), split.asked(), n, MostVariants)
		}
		all, asked, err := set.all(split)
		if err != nil {
			return Rendered{}, err
		}
		if len(asked) == 0 {
			return all, nil
		}
		conditions = append(conditions, asked...)
	}
}

// rendering is an edition while its letters are made.
type rendering struct {
	recipe      Recipe
	edition     Edition
	theme       *templates.Theme
	fields      *fieldSet
	subject     string
	greeting    string
	webSubject  string
	webGreeting string
	subjects    []string
}

// newRendering fills in what is the same in all letters.
func newRendering(r Recipe, e Edition, t *templates.Theme, nonce string) (*rendering, error) {
	fields, err := newFieldSet(nonce)
	if err != nil {
		return nil, err
	}
	s := &rendering{recipe: r, edition: e, theme: t, fields: fields}
	date, common := newSetting(r, e, false).date(), e.common()
	known := values(r, common, date)
	if s.subject, err = subjectOf(r, common, date, fields.name); err != nil {
		return nil, fmt.Errorf("subject: %w", err)
	}
	if s.webSubject, err = subjectOf(r, common, date, readable); err != nil {
		return nil, fmt.Errorf("subject: %w", err)
	}
	if s.greeting, err = Expand(e.Greeting, known, fields.name); err != nil {
		return nil, fmt.Errorf("greeting: %w", err)
	}
	if s.webGreeting, err = Expand(e.Greeting, known, readable); err != nil {
		return nil, fmt.Errorf("greeting: %w", err)
	}
	if s.subjects, err = testSubjects(r, common, s.subject, date, fields); err != nil {
		return nil, fmt.Errorf("subject_test: %w", err)
	}
	return s, nil
}

// testSubjects returns the subjects of an edition's test with their fields, the
// newsletter's own first; none without a test. The edition holds them as they
// are read; of each the template that gives it is filled in again.
func testSubjects(r Recipe, e Edition, own, date string, fields *fieldSet) ([]string, error) {
	if len(e.Subjects) < 2 {
		return nil, nil
	}
	all := []string{own}
	for _, asRead := range e.Subjects[1:] {
		subject := clean(asRead)
		for _, template := range r.SubjectTest {
			of := r
			of.Subject, e.Subject = template, asRead
			filled, err := subjectOf(of, e, date, fields.name)
			if err != nil {
				return nil, err
			}
			if filled != subject {
				subject = filled
				break
			}
		}
		if slices.Contains(all, subject) {
			return nil, fmt.Errorf("%q stands there twice", short(asRead))
		}
		all = append(all, subject)
	}
	return all, nil
}

// all makes the letters of a split. Where templates ask what it does not tell,
// there are no letters but what they asked.
func (s *rendering) all(split Split) (Rendered, []Condition, error) {
	out := Rendered{Split: split, Subjects: s.subjects}
	if split.Count() == 1 {
		out.Split = Split{}
	}
	for variant := range split.Count() {
		letter, asked, err := s.variant(split, variant)
		switch {
		case err != nil && variant > 0:
			return Rendered{}, nil, fmt.Errorf("for %s: %w", split.Name(variant), err)
		case err != nil:
			return Rendered{}, nil, err
		case len(asked) > 0:
			return Rendered{}, asked, nil
		case variant == 0:
			out.Letter = letter
		default:
			for _, other := range append([]Letter{out.Letter}, out.Variants...) { // the same text is kept once
				if other.HTML == letter.HTML && other.Text == letter.Text {
					letter.HTML, letter.Text = other.HTML, other.Text
					break
				}
			}
			out.Variants = append(out.Variants, letter)
		}
	}
	out.Letter.Fields = s.fields.fields
	for i := range out.Variants {
		out.Variants[i].Fields = s.fields.fields
	}
	return out, nil, nil
}

// variant makes the letter of one variant, with its web page if it is the first.
func (s *rendering) variant(split Split, variant int) (Letter, []Condition, error) {
	r, t := s.recipe, s.theme
	e := s.edition.Variant(split, variant)
	mail := newSetting(r, e, false)
	mail.page.Look = t.Look
	var asked []Condition
	mail.page.AskRecipient(func(attribute string, values []string) bool {
		c := Condition{Attribute: attribute, Values: values}
		if split.tells(c) {
			return split.Meets(variant, c)
		}
		asked = append(asked, c)
		return false
	})
	letter := Letter{Subject: s.subject, Preheader: clean(e.Preheader), Language: mail.page.Lang, OwnWords: r.Words != nil}
	view := mail.letter(s.subject, letter.Preheader, clean(s.greeting), addresses{
		unsubscribe: s.fields.token(FieldUnsubscribe, ""), view: s.fields.token(FieldView, ""),
	})
	var err error
	if letter.HTML, err = execute(t.HTML.ExecuteTemplate, "layout", view); err != nil {
		return Letter{}, nil, fmt.Errorf("rendering the HTML: %w", err)
	}
	if letter.Text, err = textPart(r, e, t, view); err != nil {
		return Letter{}, nil, fmt.Errorf("rendering the text part: %w", err)
	}
	if len(asked) > 0 {
		return Letter{}, asked, nil
	}
	if variant == 0 {
		web := newSetting(r, e, true)
		web.page.Look = t.Look
		page := web.letter(s.webSubject, letter.Preheader, clean(s.webGreeting), addresses{})
		if letter.Web, err = execute(t.HTML.ExecuteTemplate, "layout", page); err != nil {
			return Letter{}, nil, fmt.Errorf("rendering the web page: %w", err)
		}
	}
	if err := verify(letter, s.fields, variant == 0); err != nil {
		return Letter{}, nil, fmt.Errorf("the rendered letter is not sent: %w", err)
	}
	return letter, nil, nil
}

// errNoText is a letter whose text part says nothing.
var errNoText = errors.New("the text part is empty: the theme's text.txt gives nothing")
