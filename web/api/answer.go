package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"

	"lede/audience"
	"lede/audience/segment"
	"lede/newsroom"
)

// reply is what an operation answers.
type reply struct {
	status   int
	location string
	body     any    // nil: none
	about    string // the key of the person of whom it tells
}

// problem is a fault as it is answered (RFC 9457). Its type is about:blank; Code
// tells programs which it is.
type problem struct {
	Title    string    `json:"title"`
	Status   int       `json:"status"`
	Code     string    `json:"code"`
	Detail   string    `json:"detail,omitempty"`
	Field    string    `json:"field,omitempty"`    // of the body or query, that is wrong
	Position *position `json:"position,omitempty"` // in it

	challenge string // of WWW-Authenticate
}

// position is a place in an expression, in characters from 0; To is behind it.
type position struct {
	From int    `json:"from"`
	To   int    `json:"to"`
	Hint string `json:"hint,omitempty"`
}

func (p *problem) Error() string { return p.Detail }

func errNoSuchPath() *problem {
	return &problem{Status: http.StatusNotFound, Code: "path", Detail: "there is nothing here"}
}

// wrong is a fault of what a request says in a field.
func wrong(field, detail string) *problem {
	return &problem{Status: http.StatusBadRequest, Code: "input", Field: field, Detail: detail}
}

// conflict is a fault of a request that what is known forbids.
func conflict(code, detail string) *problem {
	return &problem{Status: http.StatusConflict, Code: code, Detail: detail}
}

// wrongExpression is a fault of an expression of segments.
func wrongExpression(field string, err error) error {
	e, ok := errors.AsType[*segment.Error](err)
	if !ok {
		return err
	}
	p := wrong(field, e.Error())
	p.Code = "expression"
	p.Position = &position{From: len([]rune(e.Source[:e.From])), To: len([]rune(e.Source[:max(e.From, min(e.To, len(e.Source)))])), Hint: e.Hint}
	return p
}

// problemOf says what a fault is to the caller; nil: it is ours.
func (a *API) problemOf(err error) *problem {
	p, ok := errors.AsType[*problem](err)
	switch {
	case ok:
		return p
	case errors.Is(err, audience.ErrNobody):
		return &problem{Status: http.StatusNotFound, Code: "subscriber", Detail: audience.ErrNobody.Error()}
	case errors.Is(err, audience.ErrNoImport):
		return &problem{Status: http.StatusNotFound, Code: "import", Detail: audience.ErrNoImport.Error()}
	case errors.Is(err, newsroom.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return &problem{Status: http.StatusNotFound, Code: "edition", Detail: "there is no such edition"}
	case a.BadInput != nil && errors.Is(err, a.BadInput):
		return wrong("", err.Error())
	}
	return nil
}

// failed is the answer to a request that could not be done; what is ours goes
// to the log.
func (a *API) failed(c *call, err error, head http.Header) Answer {
	p := a.problemOf(err)
	if p == nil {
		if !errors.Is(err, context.Canceled) {
			a.Log.Error("api", "method", c.r.Method, "path", c.r.Pattern, "token", c.token.Name, "err", err)
		}
		p = &problem{Status: http.StatusInternalServerError, Code: "fault", Detail: "this did not work, and it is our fault; try again"}
	}
	if p.challenge != "" {
		head.Set("WWW-Authenticate", p.challenge)
	}
	if p.Code == codeUnderWay {
		head.Set("Retry-After", "1")
	}
	return answerOf(reply{}, p)
}

// answerOf writes out a reply, or in its place a problem.
func answerOf(r reply, p *problem) Answer {
	answer := Answer{Status: r.status, Location: r.location}
	body := r.body
	if p != nil {
		told := *p
		told.Title = http.StatusText(p.Status)
		answer.Status, answer.Type, body = p.Status, "application/problem+json", told
	} else if body != nil {
		answer.Type = "application/json"
	}
	if body == nil {
		return answer
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		return answerOf(reply{}, &problem{Status: http.StatusInternalServerError, Code: "fault", Detail: "the answer could not be written"})
	}
	answer.Body = out.String()
	return answer
}

// write sends an answer.
func (a *API) write(w http.ResponseWriter, _ *http.Request, answer Answer) {
	head := w.Header()
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	if answer.Location != "" {
		head.Set("Location", answer.Location)
	}
	if answer.Type != "" {
		head.Set("Content-Type", answer.Type)
	}
	w.WriteHeader(answer.Status)
	_, _ = w.Write([]byte(answer.Body)) // who asked is gone
}
