package main

import (
	"context"
	"encoding/json"
	"fmt"
	htmltemplate "html/template"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"text/template"
	"time"

	"github.com/wneessen/go-mail"
)

// letter is what a plain sender makes its mails of: Lede's own letter, with the
// reader's name and link in it.
type letter struct {
	Subject string `json:"subject"`
	HTML    string `json:"html"` // a file with a template
	Text    string `json:"text"`
}

// goMail is what one writes with go-mail on an afternoon: the letter rendered
// from its templates for each recipient, one client a worker, its connection
// kept.
type goMail struct {
	self   string
	letter string // a file with a letter
}

func (goMail) name() string { return "go-mail, plain" }

func (g goMail) command(ctx context.Context, n, port int) (*exec.Cmd, func() error, error) {
	return exec.CommandContext(ctx, g.self, "gomail", g.letter, strconv.Itoa(n), strconv.Itoa(port)), nil, nil
}

// recipient is what the templates are filled with.
type recipient struct {
	Name, Address, Leave string
}

// runGoMail sends N letters.
func runGoMail(ctx context.Context, args []string, _ io.Writer) error {
	if len(args) != 3 {
		return fmt.Errorf("gomail LETTER N PORT")
	}
	data, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	var l letter
	if err := json.Unmarshal(data, &l); err != nil {
		return err
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	html, err := htmltemplate.ParseFiles(filepath.Join(filepath.Dir(args[0]), l.HTML))
	if err != nil {
		return err
	}
	text, err := template.ParseFiles(filepath.Join(filepath.Dir(args[0]), l.Text))
	if err != nil {
		return err
	}

	recipients := make(chan recipient)
	errs := make(chan error, connections)
	var wg sync.WaitGroup
	for range connections {
		wg.Go(func() {
			if err := sendAll(ctx, port, l.Subject, html, text, recipients); err != nil {
				errs <- err
			}
		})
	}
feed:
	for i := range n {
		r := recipient{
			Name:    fmt.Sprintf("Reader %d", i),
			Address: fmt.Sprintf("reader%07d@northpost.example", i),
			Leave:   fmt.Sprintf("http://127.0.0.1:9/u/%032x", i),
		}
		select {
		case recipients <- r:
		case err = <-errs:
			break feed
		}
	}
	close(recipients)
	wg.Wait()
	close(errs)
	for e := range errs {
		err = e
	}
	return err
}

// sendAll is one worker.
func sendAll(ctx context.Context, port int, subject string, html *htmltemplate.Template, text *template.Template, recipients <-chan recipient) error {
	client, err := mail.NewClient("127.0.0.1", mail.WithPort(port), mail.WithTLSPolicy(mail.NoTLS), mail.WithHELO("bench.example"))
	if err != nil {
		return err
	}
	if err := client.DialWithContext(ctx); err != nil {
		return err
	}
	for r := range recipients {
		m := mail.NewMsg()
		if err := m.FromFormat("The Harbour Letter", "letter@example.org"); err != nil {
			return err
		}
		if err := m.AddToFormat(r.Name, r.Address); err != nil {
			return err
		}
		m.Subject(subject)
		m.SetDateWithValue(time.Now())
		m.SetMessageID()
		m.SetGenHeader("List-Id", "<harbour.example.org>")
		m.SetGenHeader("List-Unsubscribe", "<"+r.Leave+">")
		m.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
		if err := m.SetBodyTextTemplate(text, r); err != nil {
			return err
		}
		if err := m.AddAlternativeHTMLTemplate(html, r); err != nil {
			return err
		}
		if err := client.Send(m); err != nil {
			return err
		}
	}
	return client.Close()
}
