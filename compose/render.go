package compose

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"lede/templates"
)

// Render sets an edition as a letter with the theme: HTML, text part and web
// page from the same data. The nonce, 16 random hexadecimal digits, is what
// tells this letter's field tokens from anything that a story could say.
//
// A letter that can't be sent as it is comes back as an error: one in which a
// field's token was lost or changed, whose HTML is not well-formed, or that
// asks for a field that does not exist.
func Render(r Recipe, e Edition, t *templates.Theme, nonce string) (Letter, error) {
	fields, err := newFieldSet(nonce)
	if err != nil {
		return Letter{}, err
	}
	mail, web := newSetting(r, e, false), newSetting(r, e, true)
	mail.page.Look, web.page.Look = t.Look, t.Look

	subject, err := subjectOf(r, e, mail.date(), fields.name)
	if err != nil {
		return Letter{}, fmt.Errorf("subject: %w", err)
	}
	webSubject, err := subjectOf(r, e, mail.date(), readable)
	if err != nil {
		return Letter{}, fmt.Errorf("subject: %w", err)
	}
	greeting, err := Expand(e.Greeting, values(r, e, mail.date()), fields.name)
	if err != nil {
		return Letter{}, fmt.Errorf("greeting: %w", err)
	}
	webGreeting, err := Expand(e.Greeting, values(r, e, mail.date()), readable)
	if err != nil {
		return Letter{}, fmt.Errorf("greeting: %w", err)
	}

	letter := Letter{Subject: subject, Preheader: clean(e.Preheader), Language: mail.page.Lang, OwnWords: r.Words != nil}
	view := mail.letter(subject, letter.Preheader, clean(greeting), addresses{
		unsubscribe: fields.token(FieldUnsubscribe, ""), view: fields.token(FieldView, ""),
	})
	webView := web.letter(webSubject, letter.Preheader, clean(webGreeting), addresses{})
	if letter.HTML, err = execute(t.HTML.ExecuteTemplate, "layout", view); err != nil {
		return Letter{}, fmt.Errorf("rendering the HTML: %w", err)
	}
	if letter.Text, err = textPart(r, e, t, view); err != nil {
		return Letter{}, fmt.Errorf("rendering the text part: %w", err)
	}
	if letter.Web, err = execute(t.HTML.ExecuteTemplate, "layout", webView); err != nil {
		return Letter{}, fmt.Errorf("rendering the web page: %w", err)
	}
	letter.Fields = fields.fields
	if err := verify(letter, fields); err != nil {
		return Letter{}, fmt.Errorf("the rendered letter is not sent: %w", err)
	}
	return letter, nil
}

// readable is what stands for a field where nobody is addressed.
func readable(_, fallback string) string { return fallback }

// values are the words that subject and greeting may name. In an edition
// without a lead, the first brief stands for it, and at last the newsletter.
func values(r Recipe, e Edition, date string) map[string]string {
	v := map[string]string{"newsletter": clean(r.Name), "date": date, "lead": clean(r.Name), "number": ""}
	if e.Number > 0 {
		v["number"] = strconv.Itoa(e.Number)
	}
	if e.Lead != nil && e.Lead.Title != "" {
		v["lead"] = clean(e.Lead.Title)
		return v
	}
	for _, section := range e.Sections {
		for _, b := range section.Briefs {
			if title := clean(cmp.Or(b.Title, b.Opening)); title != "" && tellsNews(section.Kind) {
				v["lead"] = title
				return v
			}
		}
	}
	return v
}

// subjectOf returns the edition's subject with its fields as the function
// gives them. The edition holds it as it is read. Where the newsletter's
// template addresses the reader and gives that same text, the template is
// filled in again, now with fields; a subject that came about otherwise (one
// changed by hand, one that was too long) is taken as it stands.
func subjectOf(r Recipe, e Edition, date string, fields func(name, fallback string) string) (string, error) {
	asRead, err := Expand(cmp.Or(r.Subject, "{lead}"), values(r, e, date), readable)
	if err != nil {
		return "", err
	}
	if e.Subject != "" && clean(asRead) != clean(e.Subject) {
		return clean(e.Subject), nil
	}
	subject, err := Expand(cmp.Or(r.Subject, "{lead}"), values(r, e, date), fields)
	if err != nil {
		return "", err
	}
	return clean(subject), nil
}

func execute(run func(w io.Writer, name string, data any) error, entry string, view *templates.Letter) (string, error) {
	var out bytes.Buffer
	if err := run(&out, entry, view); err != nil {
		return "", err
	}
	return out.String(), nil
}

// verify holds a letter against what must be true of each one.
func verify(l Letter, fields *fieldSet) error {
	for _, part := range []struct{ name, text string }{
		{"the subject", l.Subject}, {"the HTML", l.HTML}, {"the text part", l.Text}, {"the web page", l.Web},
	} {
		if err := fields.verify(part.name, part.text); err != nil {
			return err
		}
	}
	if strings.Contains(l.Web, "LF"+fields.nonce) {
		return errors.New("the web page holds a field that differs by recipient")
	}
	for _, page := range []struct{ name, html string }{{"the HTML", l.HTML}, {"the web page", l.Web}} {
		if strings.Contains(page.html, "ZgotmplZ") {
			return fmt.Errorf("%s has a value in a place where it can't be made safe (ZgotmplZ): mend the theme", page.name)
		}
		if err := templates.WellFormed(page.html); err != nil {
			return fmt.Errorf("%s: %w", page.name, err)
		}
	}
	if strings.TrimSpace(l.Text) == "" {
		return errors.New("the text part is empty: the theme's text.txt gives nothing")
	}
	return nil
}
