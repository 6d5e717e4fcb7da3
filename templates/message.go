package templates

import (
	"fmt"
	"strings"
)

// Message sets a mail of our own to one person in the theme: its HTML and its
// text part. The message's Look is the theme's from then on.
func (t *Theme) Message(m *Message) (html, text string, err error) {
	m.Look = t.Look
	var h, p strings.Builder
	if err := t.HTML.ExecuteTemplate(&h, "message", m); err != nil {
		return "", "", fmt.Errorf("theme %s: %w", t.Name, err)
	}
	if err := t.Text.ExecuteTemplate(&p, "message", m); err != nil {
		return "", "", fmt.Errorf("theme %s: %w", t.Name, err)
	}
	return h.String(), strings.TrimSpace(p.String()), nil
}
