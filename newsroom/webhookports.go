package newsroom

import (
	"context"
	"time"
)

// Webhooks keeps whom to tell of what, and what is still to be told.
type Webhooks interface {
	// SetWebhooks makes these endpoints all that there are: events are written for
	// them from now on. What was open for others is dropped. A disabled one stays
	// so unless its address changed.
	SetWebhooks(ctx context.Context, all []Webhook) error
	// DueWebhooks returns what an endpoint is to be told now, at most so many: of
	// each person the oldest open event alone, if it is due.
	DueWebhooks(ctx context.Context, endpoint string, now time.Time, most int) ([]WebhookEvent, error)
	// NoteWebhook keeps an attempt and what became of the event: its Due, Attempt
	// and Ended.
	NoteWebhook(ctx context.Context, e WebhookEvent, a WebhookAttempt) error
	// DisableWebhook tells an endpoint nothing more, and says why.
	DisableWebhook(ctx context.Context, endpoint, why string) error
	// SweepWebhooks forgets what ended and is of a time before.
	SweepWebhooks(ctx context.Context, before time.Time) error
}

// WebhookLog is what people see of it, and do.
type WebhookLog interface {
	// WebhookStates are the endpoints that events are written for, by id.
	WebhookStates(ctx context.Context) ([]WebhookState, error)
	// WebhookEvents are the latest events first, with their attempts.
	WebhookEvents(ctx context.Context, f WebhookFilter, most int) ([]WebhookEvent, error)
	// ReplayWebhooks makes events due again under the same webhook-id, and says how
	// many. Events of people who were erased are not among them.
	ReplayWebhooks(ctx context.Context, f WebhookFilter) (int, error)
	// EnableWebhook tells an endpoint again that was disabled; false: there was
	// none.
	EnableWebhook(ctx context.Context, endpoint string) (bool, error)
}

// WebhookState is how an endpoint is doing.
type WebhookState struct {
	ID        string
	Disabled  string // why it is told nothing; empty: it is told
	Open      int    // events that are still to be told
	Delivered int    // of those in the log
	Failed    int    // given up or dropped
}

// WebhookFilter chooses events of the log; its zero value chooses all.
type WebhookFilter struct {
	Endpoint string
	Message  string // the webhook-id
	Since    time.Time
	Failed   bool // only those that were given up, dropped, or tried in vain so far
}
