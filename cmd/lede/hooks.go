package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"lede/internal/config"
	"lede/internal/fetch"
	"lede/newsroom"
)

// hookTimeout is how long a webhook may take to answer.
const hookTimeout = 15 * time.Second

// courier tells webhooks by guarded requests of its own connections.
func (a *app) courier(cfg *config.Config) *newsroom.Courier {
	client := fetch.New(fetch.Options{Version: version, About: cfg.BaseURL, Timeout: hookTimeout})
	return &newsroom.Courier{
		Now: a.now, Log: a.logger(cfg),
		Post: func(ctx context.Context, w newsroom.Webhook, header http.Header, body []byte) (newsroom.WebhookAnswer, error) {
			answer, err := client.Post(ctx, w.URL, body, fetch.PostOptions{Private: w.Private, Header: header})
			if errors.Is(err, fetch.ErrRefused) {
				return newsroom.WebhookAnswer{}, errors.New("not asked: its address or port is not public; one in your own network needs private: true")
			}
			if err != nil {
				// Its path may be a secret too.
				return newsroom.WebhookAnswer{}, errors.New(strings.TrimPrefix(err.Error(), fetch.Redact(w.URL)+": "))
			}
			return newsroom.WebhookAnswer{Status: answer.Status, Body: answer.Body, RetryAfter: answer.RetryAfter}, nil
		},
	}
}

// tellWebhooks tells the webhooks of the configuration until ctx ends; it calls
// failed when it can't. What it returns waits for that.
func (h *house) tellWebhooks(ctx context.Context, failed func(error)) (wait func()) {
	courier := h.app.courier(h.cfg)
	courier.Store, courier.Log = h.store, h.log
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := courier.Run(ctx, h.cfg.Hooks()); err != nil && ctx.Err() == nil {
			failed(err)
		}
	}()
	return func() { <-done }
}
