package compose

import (
	"fmt"

	"lede/templates"
)

// Personal is a mail of our own to one person: a few words and one thing to do.
type Personal struct {
	Language string // BCP 47
	Words    templates.Words
	Subject  string // also its headline
	Text     string
	Button   string
	URL      string   // behind the button
	After    []string // small: what else there is to know
}

// RenderPersonal sets a mail to one person in the newsletter's theme, as HTML
// and as text. It has no fields: what stands in it is for this person alone.
func RenderPersonal(r Recipe, p Personal, t *templates.Theme) (html, text string, err error) {
	r.Language, r.Words = p.Language, &p.Words
	s := newSetting(r, Edition{}, false)
	footer := s.footer(addresses{})
	m := &templates.Message{
		Page: s.page, Subject: clean(p.Subject), Title: clean(p.Subject), Paragraphs: []string{clean(p.Text)},
		Button: clean(p.Button), URL: link(p.URL),
		Imprint: footer.Imprint, Privacy: footer.Privacy, Address: footer.Address,
	}
	for _, line := range p.After {
		m.After = append(m.After, clean(line))
	}
	if m.URL == "" {
		return "", "", fmt.Errorf("%q is no address that a mail can link to", p.URL)
	}
	return t.Message(m)
}
