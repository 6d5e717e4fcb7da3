package templates

import (
	"fmt"
	"html"
	"html/template"
	"regexp"
	"strings"
	texttemplate "text/template"

	"github.com/clipperhouse/displaywidth"
	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// htmlFuncs are the functions of the .html templates beside Go's own.
func htmlFuncs() template.FuncMap {
	return template.FuncMap{
		"links":       links,
		"conditional": conditional,
		"lower":       lower,
		recipientFunc: (*Page)(nil).Recipient,
	}
}

// textFuncs are the functions of text.txt beside Go's own.
func textFuncs() texttemplate.FuncMap {
	return texttemplate.FuncMap{
		"wrap":  Wrap,
		"hang":  func(mark, text string) string { return hang(mark, strings.Repeat(" ", len([]rune(mark))), text) },
		"quote": func(text string) string { return hang("> ", "> ", text) },
		"rule":  func(mark string) string { return strings.Repeat(mark, columns) },
		"strip": strip,
		"upper": upper,
		"pre":   preformatted,

		recipientFunc: (*Page)(nil).Recipient,
	}
}

// preformatted keeps the spaces of lines that fit and folds the others.
func preformatted(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if displaywidth.String(line) > columns {
			lines[i] = Wrap(line)
		}
	}
	return strings.Join(lines, "\n")
}

// links gives the links of a block's HTML a class and a style. The HTML is
// ours, so `<a href=` begins each of its links and stands nowhere else.
func links(class, style string, block template.HTML) template.HTML {
	opening := fmt.Sprintf(`<a class="%s" style="%s" href=`, html.EscapeString(class), html.EscapeString(style))
	return template.HTML(strings.ReplaceAll(string(block), "<a href=", opening)) // only attributes are added, and these are escaped
}

// upper sets a text in capitals, as the language does it.
func upper(lang, text string) string {
	tag, err := language.Parse(lang)
	if err != nil {
		tag = language.Und
	}
	return cases.Upper(tag).String(text)
}

// lower sets a text in small letters, as the language does it.
func lower(lang, text string) string {
	tag, err := language.Parse(lang)
	if err != nil {
		tag = language.Und
	}
	return cases.Lower(tag).String(text)
}

// strip is a section's title inside a rule of 72 columns: "-- Harbour -----".
func strip(title string) string {
	line := "-- " + Wrap(title) + " "
	return line + strings.Repeat("-", max(2, columns-displaywidth.String(line)))
}

// The opening markers are <!--[if mso]>, <!--[if !mso]><!-->, <!--[if !mso]>-->
// and <![if !mso]>; the closing ones <![endif]-->, <!--<![endif]--> and
// <![endif]>.
var conditionalMarker = regexp.MustCompile(
	`<!--\[if [A-Za-z0-9 .()&|!]+\]>(?:[ \t]*<!-->|[ \t]*<!---->|[ \t]*-->)?` +
		`|<!--[ \t]*<!\[endif\]-->` +
		`|<!\[if [A-Za-z0-9 .()&|!]+\]>` +
		`|<!\[endif\](?:--)?>`)

// keepConditionals turns the markers of Outlook's conditional comments into
// actions that give them back: html/template would drop them with all that
// stands between. What is between stays a template like any other, escaped.
// Lines stay where they are.
func keepConditionals(source string) string {
	return conditionalMarker.ReplaceAllStringFunc(source, func(marker string) string {
		return "{{conditional `" + marker + "`}}"
	})
}

// conditional lets a conditional comment's marker through, and nothing else.
func conditional(marker string) (template.HTML, error) {
	if conditionalMarker.FindString(marker) != marker {
		return "", fmt.Errorf("%q is not the marker of a conditional comment", marker)
	}
	return template.HTML(marker), nil // checked just above
}
