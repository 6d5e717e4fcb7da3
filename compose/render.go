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

// verify holds a letter against what must be true of each one; page says that
// it has a web page.
func verify(l Letter, fields *fieldSet, page bool) error {
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
	type part struct{ name, html string }
	pages := []part{{"the HTML", l.HTML}}
	if page {
		pages = append(pages, part{"the web page", l.Web})
	}
	for _, page := range pages {
		if strings.Contains(page.html, "ZgotmplZ") {
			return fmt.Errorf("%s has a value in a place where it can't be made safe (ZgotmplZ): mend the theme", page.name)
		}
		if err := templates.WellFormed(page.html); err != nil {
			return fmt.Errorf("%s: %w", page.name, err)
		}
	}
	if strings.TrimSpace(l.Text) == "" {
		return errNoText
	}
	return nil
}
