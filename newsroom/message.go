package newsroom

import (
	"fmt"
	"maps"

	"lede/audience"
	"lede/compose"
	"lede/send"
	"lede/templates"
)

// wording is what a kind of mail of our own says.
type wording struct {
	path          string // of the page behind its link
	subject, text templates.Phrase
	button        string
	ends          bool // its link is good until a time, and may have come to somebody else's mailbox
}

// mailOf returns the words of a kind of mail.
func mailOf(w templates.Words, kind string) (wording, bool) {
	m := w.Mails
	switch kind {
	case audience.MailConfirm:
		return wording{"/c/", m.ConfirmSubject, m.Confirm, m.ConfirmButton, true}, true
	case audience.MailReminder:
		return wording{"/c/", m.RemindSubject, m.Remind, m.ConfirmButton, true}, true
	case audience.MailAlready:
		return wording{"/s/", m.AlreadySubject, m.Already, m.SettingsButton, false}, true
	case audience.MailLink:
		return wording{"/s/", m.LinkSubject, m.Link, m.SettingsButton, true}, true
	case audience.MailAddress:
		return wording{"/a/", m.AddressSubject, m.Address, m.AddressButton, true}, true
	}
	return wording{}, false
}

// mailOfOurs sets a mail of our own in the newsletter's theme, in the language
// of the person or else of the newsletter. Set again it has the same Date and
// Message-ID.
func (r *Room) mailOfOurs(n Newsletter, m audience.Outgoing) ([]byte, error) {
	words, tag, err := n.wordsIn(m.Language)
	if err != nil {
		return nil, err
	}
	says, known := mailOf(words, m.Kind)
	if !known {
		return nil, fmt.Errorf("there is no kind of mail %q", m.Kind)
	}
	url := m.Fill["url"]
	if m.Token != "" {
		url = n.Recipe.BaseURL + says.path + m.Token
	}
	fills := map[string]string{"newsletter": n.Name, "address": m.Address}
	maps.Copy(fills, m.Fill)
	var pairs []string
	for name, value := range fills {
		pairs = append(pairs, name, value)
	}
	until := m.Until
	if zone := n.Recipe.Zone; zone != nil {
		until = until.In(zone)
	}
	p := compose.Personal{
		Language: tag, Words: words, Subject: says.subject.With(pairs...), Text: says.text.With(pairs...),
		Button: says.button, URL: url,
	}
	if says.ends {
		p.After = []string{words.Mails.Until.With("when", words.EventTime(until, false)), words.Mails.NotYou}
	}
	theme, err := r.theme(n)
	if err != nil {
		return nil, err
	}
	html, text, err := compose.RenderPersonal(n.Recipe, p, theme)
	if err != nil {
		return nil, err
	}
	return send.Personal(n.Sender, m.Address, p.Subject, text, html, m.At, m.ID)
}

// wordsIn returns the fixed words of a mail in a language, and their tag. A
// language that has none of a mail is left for the newsletter's, and that for
// English.
func (n Newsletter) wordsIn(tag string) (templates.Words, string, error) {
	english, _ := templates.WordsFor("en")
	if tag != "" {
		find := templates.WordsFor
		if n.WordsDir != "" {
			book, err := templates.LoadWords(n.WordsDir)
			if err != nil {
				return english, "en", err
			}
			find = book.For
		}
		if w, known := find(tag); known && len(w.MailsLack()) == 0 {
			return w, w.Language(), nil
		}
	}
	words, known := templates.WordsFor(n.Recipe.Language)
	if n.Recipe.Words != nil {
		words, known = *n.Recipe.Words, true
	}
	if !known || len(words.MailsLack()) > 0 {
		return english, "en", nil
	}
	return words, n.Recipe.Language, nil
}
