package newsroom

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
)

const (
	webhookWidth = 8                   // events that are being told to one endpoint at a time
	webhookLook  = 2 * time.Second     // between looks for what is due
	webhookKeep  = 30 * 24 * time.Hour // the log
	webhookSweep = time.Hour           // between looks for what is too old
	webhookTired = 5                   // failures in a row after which an endpoint is told one event at a time
	longestRest  = 5 * time.Minute     // of such an endpoint, between two attempts
	longestAsked = 24 * time.Hour      // of what a Retry-After is followed for one event
	mostReply    = 200                 // bytes of an answer that are kept
)

// webhookWaits are the waits before the second attempt and those after it: the
// schedule that Standard Webhooks proposes, ten attempts in about three days.
func webhookWaits() []time.Duration {
	const h = time.Hour
	return []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * h, 5 * h, 10 * h, 14 * h, 20 * h, 24 * h}
}

// WebhookAnswer is what an endpoint answered.
type WebhookAnswer struct {
	Status     int
	Body       []byte        // its beginning
	RetryAfter time.Duration // what it asked for; 0: nothing
}

// Courier tells webhooks of events: each at least once, under one webhook-id. Of
// a person an endpoint learns in order, and an event that fails holds up nobody
// else's.
type Courier struct {
	Store Webhooks
	// Post sends a body to an endpoint, without following redirects, and ends by
	// itself. Its error does not hold the endpoint's address.
	Post func(ctx context.Context, w Webhook, header http.Header, body []byte) (WebhookAnswer, error)
	Now  func() time.Time
	Look time.Duration // between looks for what is due; 0: two seconds
	Log  *slog.Logger
}

// Run tells endpoints until ctx ends. Only the one sender of the store may call
// it. What is on its way when ctx ends is told again at the next start.
func (c *Courier) Run(ctx context.Context, all []Webhook) error {
	if err := c.Store.SetWebhooks(ctx, all); err != nil {
		return err
	}
	var wg sync.WaitGroup
	for _, w := range all {
		wg.Go(func() { (&round{Courier: c, to: w, flying: map[int64]bool{}, landed: make(chan attempt)}).run(ctx) })
	}
	wg.Go(func() {
		for {
			if err := c.Store.SweepWebhooks(ctx, c.Now().Add(-webhookKeep)); err != nil && ctx.Err() == nil {
				c.Log.Error("webhooks", "err", err)
			}
			if !sleep(ctx, webhookSweep) {
				return
			}
		}
	})
	wg.Wait()
	return nil
}

// Test tells an endpoint a test event, once, and keeps nothing of it.
func (c *Courier) Test(ctx context.Context, w Webhook, message string) WebhookAttempt {
	return c.tell(ctx, w, WebhookEvent{Message: message, Endpoint: w.ID, Kind: hookTest, At: c.Now()}).WebhookAttempt
}

// round is the telling of one endpoint.
type round struct {
	*Courier
	to       Webhook
	flying   map[int64]bool // events on their way
	landed   chan attempt
	failures int       // in a row
	rest     time.Time // nothing is told before
}

// attempt is one that came back.
type attempt struct {
	WebhookAttempt
	of    WebhookEvent
	after time.Duration // what the endpoint asked for
}

func (a attempt) taken() bool { return a.Status >= 200 && a.Status <= 299 }

func (r *round) run(ctx context.Context) {
	look := r.Look
	if look == 0 {
		look = webhookLook
	}
	defer func() {
		for len(r.flying) > 0 {
			r.land(context.WithoutCancel(ctx), <-r.landed, ctx.Err() != nil)
		}
	}()
	for ctx.Err() == nil {
		if err := r.fill(ctx); err != nil && ctx.Err() == nil {
			r.Log.Error("webhooks", "webhook", r.to.ID, "err", err)
		}
		timer := time.NewTimer(look)
		select {
		case a := <-r.landed:
			r.land(context.WithoutCancel(ctx), a, ctx.Err() != nil)
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// fill sends what is due as far as there is room.
func (r *round) fill(ctx context.Context) error {
	width := webhookWidth
	if r.failures >= webhookTired {
		width = 1
	}
	now := r.Now()
	if len(r.flying) >= width || now.Before(r.rest) {
		return nil
	}
	due, err := r.Store.DueWebhooks(ctx, r.to.ID, now, width+len(r.flying))
	if err != nil {
		return err
	}
	for _, e := range due {
		if len(r.flying) >= width {
			return nil
		}
		if r.flying[e.ID] {
			continue
		}
		r.flying[e.ID] = true
		go func() { r.landed <- r.tell(ctx, r.to, e) }() // run waits for it
	}
	return nil
}

// tell makes one attempt.
func (c *Courier) tell(ctx context.Context, w Webhook, e WebhookEvent) attempt {
	a := attempt{of: e}
	a.At = c.Now()
	body, err := e.Body()
	if err == nil {
		header := http.Header{}
		header.Set("Content-Type", "application/json")
		header.Set("Webhook-Id", e.Message)
		header.Set("Webhook-Timestamp", strconv.FormatInt(a.At.Unix(), 10))
		header.Set("Webhook-Signature", SignWebhook(w.Secret, e.Message, a.At, body))
		var answer WebhookAnswer
		answer, err = c.Post(ctx, w, header, body)
		a.Status, a.after, a.Reply = answer.Status, answer.RetryAfter, string(answer.Body)
	}
	if err != nil {
		a.Reply = err.Error()
	}
	a.Took = c.Now().Sub(a.At)
	a.Reply = w.fit(a.Reply, e)
	return a
}

// fit makes an answer fit for the log: one line, short, and without the secret
// or the person's address, should the endpoint have sent them back.
func (w Webhook) fit(reply string, e WebhookEvent) string {
	reply = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(reply, "\uFFFD"), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	for _, hidden := range []string{
		base64.StdEncoding.EncodeToString(w.Secret), hex.EncodeToString(w.Secret), string(w.Secret), w.URL, e.Address, e.Name,
	} {
		if len(hidden) > 2 {
			reply = strings.ReplaceAll(reply, hidden, "…")
		}
	}
	return cutText(reply, mostReply)
}

// land keeps what became of an attempt. One that the end of the daemon cut short
// does not count.
func (r *round) land(ctx context.Context, a attempt, ending bool) {
	delete(r.flying, a.of.ID)
	if ending && a.Status == 0 {
		return
	}
	now := r.Now()
	e := a.of
	e.Attempt++
	waits := webhookWaits()
	switch {
	case a.taken():
		e.Ended = HookDelivered
	case a.Status == http.StatusGone:
		e.Ended = HookDropped
	case e.Attempt > len(waits):
		e.Ended = HookFailed
		r.Log.Warn("webhook given up", "webhook", r.to.ID, "message", e.Message, "event", e.Kind, "attempts", e.Attempt, "answer", a.said())
	default:
		e.Due = now.Add(max(waits[e.Attempt-1], min(a.after, longestAsked)))
	}
	r.judge(a, now)
	if err := r.Store.NoteWebhook(ctx, e, a.WebhookAttempt); err != nil {
		// It is told again, under the same webhook-id, when the store is back.
		r.Log.Error("webhooks", "webhook", r.to.ID, "err", err)
		r.rest = now.Add(busyWait)
		return
	}
	if a.Status == http.StatusGone {
		r.gone(ctx, now)
	}
}

// gone disables an endpoint that does not want to be told anything any more.
func (r *round) gone(ctx context.Context, now time.Time) {
	why := "answered 410 Gone on " + now.UTC().Format("2006-01-02 15:04 UTC")
	if err := r.Store.DisableWebhook(ctx, r.to.ID, why); err != nil {
		r.Log.Error("webhooks", "webhook", r.to.ID, "err", err)
		return
	}
	r.Log.Warn("webhook disabled", "webhook", r.to.ID, "why", why, "remedy", "lede webhooks enable "+r.to.ID)
}

// judge slows down for an endpoint that fails whatever it is told, and for one
// that asks for it.
func (r *round) judge(a attempt, now time.Time) {
	if a.taken() {
		if r.failures >= webhookTired {
			r.Log.Info("webhook works again", "webhook", r.to.ID)
		}
		r.failures, r.rest = 0, time.Time{}
		return
	}
	r.failures++
	if tired := r.failures - webhookTired; tired >= 0 {
		if tired == 0 {
			r.Log.Warn("webhook fails", "webhook", r.to.ID, "answer", a.said(), "in_a_row", r.failures)
		}
		r.rest = now.Add(min(longestRest, 5*time.Second<<min(tired, 10)))
	}
	if a.Status == http.StatusTooManyRequests || a.Status == http.StatusServiceUnavailable {
		if until := now.Add(min(a.after, time.Hour)); until.After(r.rest) {
			r.rest = until
		}
	}
}

// said is an answer in a few words.
func (a WebhookAttempt) said() string {
	if a.Status == 0 {
		return a.Reply
	}
	return fmt.Sprintf("%d %s", a.Status, http.StatusText(a.Status))
}
