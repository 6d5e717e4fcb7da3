package web

import (
	"bytes"
	"context"
	"html/template"
	"strings"
	"time"

	"lede/newsroom"
)

// correctionView is a correction as the page of the edition that was wrong
// shows it.
type correctionView struct {
	Label, Date, Link string
	Title             string
	Text              template.HTML
}

// corrected is what later editions corrected of one, as HTML to stand above its
// letter, and when the last of them went out. The letter itself stays as it was
// sent.
func (h site) corrected(ctx context.Context, n Newsletter, record newsroom.Record, l links) (string, time.Time, error) {
	if h.Corrections == nil {
		return "", time.Time{}, nil
	}
	all, err := h.Corrections(ctx, record.ID)
	if err != nil || len(all) == 0 {
		return "", time.Time{}, err
	}
	words := n.letterWords()
	view := struct {
		Label string
		All   []correctionView
	}{Label: words.Label("correction")}
	var last time.Time
	for _, c := range all {
		one := correctionView{
			Label: view.Label, Date: words.Date(c.Slot.In(n.zone())), Title: c.Brief.Title, Text: blocksHTML(c.Brief.Body),
			Link: l.edition(c.Edition),
		}
		if text := strings.TrimSpace(c.Brief.Teaser); len(c.Brief.Body) == 0 && text != "" {
			one.Text = template.HTML("<p>" + template.HTMLEscapeString(text) + "</p>") //nolint:gosec // escaped
		}
		view.All = append(view.All, one)
		if c.Slot.After(last) {
			last = c.Slot
		}
	}
	var out bytes.Buffer
	if err := h.page.ExecuteTemplate(&out, "corrections", view); err != nil {
		return "", time.Time{}, err
	}
	return out.String(), last, nil
}
