package web

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"lede/compose"
	"lede/compose/lint"
	"lede/web/tool"
)

// numbered are findings in the order in which the page numbers them: what
// matters first, notes last.
func numbered(findings []lint.Finding) []lint.Finding {
	var first, notes []lint.Finding
	for _, f := range findings {
		if f.Severity == lint.Error || f.Severity == lint.Warning {
			first = append(first, f)
		} else {
			notes = append(notes, f)
		}
	}
	return slices.Concat(first, notes)
}

// placeForm is how a finding names an element of the letter.
var placeForm = regexp.MustCompile(`^line (\d{1,9}), <([a-z0-9]{1,20})>$`)

// pinOf puts a finding's number where it is in the letter: at the element that
// it names, at the lead's picture, or at the story whose headline it quotes.
// One that is about the subject, a header or the letter as a whole has no place
// in it.
func pinOf(f lint.Finding, number int, e compose.Edition) (tool.Pin, bool) {
	pin := tool.Pin{Number: number, Color: map[string]string{lint.Error: "#b02318", lint.Warning: "#855000"}[f.Severity]}
	if pin.Color == "" {
		pin.Color = "#59626a"
	}
	if m := placeForm.FindStringSubmatch(f.Place); m != nil {
		line, err := strconv.Atoi(m[1])
		pin.Line, pin.Tag = line, m[2]
		return pin, err == nil && line > 0 && !slices.Contains([]string{"html", "head", "body", "style", "title", "meta", "link"}, pin.Tag)
	}
	if f.Place == "Lead picture" && e.Lead != nil && e.Lead.Image != nil {
		pin.Tag = "img"
		return pin, true
	}
	_, quoted, found := strings.Cut(f.Place, "“")
	if title, _, closed := strings.Cut(quoted, "”"); found && closed && title != "" {
		for i, s := range stories(e) {
			if strings.HasPrefix(s.Title, strings.TrimSuffix(title, "…")) {
				pin.Anchor = i + 1
				return pin, true
			}
		}
	}
	return tool.Pin{}, false
}
