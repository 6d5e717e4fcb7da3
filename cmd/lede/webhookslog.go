package main

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"lede/audience"
	"lede/newsroom"
)

// loggedWebhook is an event as `webhooks log` shows it.
type loggedWebhook struct {
	Message    string           `json:"message"`
	Webhook    string           `json:"webhook"`
	Event      string           `json:"event"`
	State      string           `json:"state"` // open, delivered, failed, dropped or erased
	At         time.Time        `json:"at"`
	Subscriber string           `json:"subscriber,omitempty"` // its number, and its address masked
	List       string           `json:"list,omitempty"`
	Newsletter string           `json:"newsletter,omitempty"`
	Next       *time.Time       `json:"next,omitempty"` // attempt of an open one; none: at once
	Attempts   []webhookAttempt `json:"attempts"`
}

type webhookAttempt struct {
	At     time.Time `json:"at"`
	TookMS int64     `json:"took_ms"`
	Status int       `json:"status"` // 0: no answer
	Reply  string    `json:"reply"`
}

func attemptOf(t newsroom.WebhookAttempt) webhookAttempt {
	return webhookAttempt{t.At.UTC(), t.Took.Milliseconds(), t.Status, t.Reply}
}

func loggedOf(e newsroom.WebhookEvent) loggedWebhook {
	l := loggedWebhook{
		Message: e.Message, Webhook: e.Endpoint, Event: e.Kind, State: e.Ended, At: e.At.UTC(),
		List: e.List, Newsletter: e.Newsletter, Attempts: []webhookAttempt{},
	}
	if e.Ended == "" {
		l.State = "open"
		if !e.Due.IsZero() {
			due := e.Due.UTC()
			l.Next = &due
		}
	}
	if e.Subscriber != 0 {
		l.Subscriber = "#" + strconv.FormatInt(e.Subscriber, 10)
		if e.Address != "" {
			l.Subscriber += " " + audience.Mask(e.Address)
		}
	}
	for _, t := range e.Attempts {
		l.Attempts = append(l.Attempts, attemptOf(t))
	}
	return l
}

// answerOf is what came of an attempt, in a line.
func answerOf(t newsroom.WebhookAttempt) string {
	line := t.Reply
	if t.Status != 0 {
		line = fmt.Sprintf("%d %s", t.Status, http.StatusText(t.Status))
		if t.Reply != "" {
			line += ": " + t.Reply
		}
	}
	return fmt.Sprintf("%s (%s)", line, t.Took.Round(time.Millisecond))
}
