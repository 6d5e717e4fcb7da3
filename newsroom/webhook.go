package newsroom

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
)

// What a webhook tells of. Each is written by the store in the transaction of
// the change that it tells of.
const (
	HookSubscribed   = "subscribed"   // came to a list or a newsletter: pending or active
	HookConfirmed    = "confirmed"    // was pending on a list, and is active
	HookChanged      = "changed"      // address, name, attributes or tags
	HookUnsubscribed = "unsubscribed" // left a list, a newsletter or everything
	HookSuppressed   = "suppressed"   // gets no mail whatever any list says
	HookUnsuppressed = "unsuppressed" // a suppression was lifted
	HookErased       = "erased"       // nothing is kept of the person any more
	HookImported     = "imported"     // an import of many people ended, or was undone
	hookTest         = "test"         // of `lede webhooks test`, never stored
)

// WebhookEvents are all events that a webhook may ask for.
func WebhookEvents() []string {
	return []string{HookSubscribed, HookConfirmed, HookChanged, HookUnsubscribed, HookSuppressed, HookUnsuppressed, HookErased, HookImported}
}

// Webhook is an endpoint that is told of events.
type Webhook struct {
	ID          string
	URL         string
	Secret      []byte   // the key of its signatures
	Events      []string // of WebhookEvents
	Lists       []string // with Newsletters empty as well: of all
	Newsletters []string
	Private     bool // may be at an address that is not public
}

// How an event ended for an endpoint.
const (
	HookDelivered = "delivered"
	HookFailed    = "failed"  // was given up
	HookDropped   = "dropped" // the endpoint is gone or disabled
	HookForgotten = "erased"  // the person was erased before or after it was told
)

// WebhookEvent is an event for one endpoint, with its own copy of the person.
type WebhookEvent struct {
	ID         int64
	Message    string // the webhook-id
	Endpoint   string
	Kind       string
	Subscriber int64 // 0: it is about nobody
	List       string
	Newsletter string
	State      string
	Was        string // the state before; of changed the person before, of imported the counts, as JSON
	How        string
	Address    string
	Name       string
	Attributes string // a JSON object
	Tags       string // a JSON array
	At         time.Time
	Due        time.Time // of an open one: when it is tried next; zero: at once
	Attempt    int       // attempts so far
	Ended      string    // empty: it is open
	Attempts   []WebhookAttempt
}

// WebhookAttempt is one attempt to tell an event.
type WebhookAttempt struct {
	At     time.Time
	Took   time.Duration
	Status int    // of the answer; 0: none came
	Reply  string // its beginning, or what was wrong
}

// mostTold bounds the body of a webhook, in bytes.
const mostTold = 64 << 10

// toldPerson is the person of an event.
type toldPerson struct {
	ID         int64           `json:"id"`
	Address    string          `json:"address,omitempty"`
	Name       string          `json:"name,omitempty"`
	Attributes json.RawMessage `json:"attributes,omitempty"`
	Tags       json.RawMessage `json:"tags,omitempty"`
	Cut        bool            `json:"cut,omitempty"` // attributes and tags were too long to tell
}

type toldData struct {
	Subscriber *toldPerson     `json:"subscriber,omitempty"`
	List       string          `json:"list,omitempty"`
	Newsletter string          `json:"newsletter,omitempty"`
	State      string          `json:"state,omitempty"`
	Was        json.RawMessage `json:"was,omitempty"`
	How        string          `json:"how,omitempty"`
	Import     json.RawMessage `json:"import,omitempty"`
}

type told struct {
	Type      string   `json:"type"`
	Timestamp string   `json:"timestamp"`
	Data      toldData `json:"data"`
}

// Body is what is sent: the same bytes at each attempt, at most 64 KiB.
// Attributes and tags that would make it longer are left out and "cut" says so.
func (e WebhookEvent) Body() ([]byte, error) {
	t := told{Type: e.Kind, Timestamp: e.At.UTC().Format(time.RFC3339Nano), Data: toldData{
		List: e.List, Newsletter: e.Newsletter, State: e.State, How: cutText(e.How, 1000),
	}}
	if e.Subscriber != 0 {
		t.Data.Subscriber = &toldPerson{
			ID: e.Subscriber, Address: e.Address, Name: e.Name,
			Attributes: unlessEmpty(e.Attributes, "{}"), Tags: unlessEmpty(e.Tags, "[]"),
		}
	}
	switch {
	case e.Was == "":
	case e.Kind == HookImported:
		t.Data.Import = json.RawMessage(e.Was)
	case e.Kind == HookChanged:
		was, err := e.before()
		if err != nil {
			return nil, err
		}
		t.Data.Was = was
	default:
		was, err := plainJSON(e.Was)
		if err != nil {
			return nil, err
		}
		t.Data.Was = was
	}
	body, err := plainJSON(t)
	if err != nil || len(body) <= mostTold || t.Data.Subscriber == nil {
		return body, err
	}
	p := t.Data.Subscriber
	p.Attributes, p.Tags, p.Cut, t.Data.Was = nil, nil, true, nil
	p.Name, p.Address = cutText(p.Name, 1000), cutText(p.Address, 1000)
	return plainJSON(t)
}

// before is what was different of a person before it changed.
func (e WebhookEvent) before() (json.RawMessage, error) {
	var was map[string]json.RawMessage
	if err := json.Unmarshal([]byte(e.Was), &was); err != nil {
		return nil, err
	}
	for key, is := range map[string]any{
		"address": e.Address, "name": e.Name, "attributes": json.RawMessage(e.Attributes), "tags": json.RawMessage(e.Tags),
	} {
		now, err := plainJSON(is)
		if err != nil {
			return nil, err
		}
		then, err := plainJSON(was[key])
		if err != nil {
			return nil, err
		}
		if bytes.Equal(now, then) {
			delete(was, key)
		}
	}
	return plainJSON(was)
}

// plainJSON is JSON in one line that leaves <, > and & as they are.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

func unlessEmpty(text, empty string) json.RawMessage {
	if text == "" || text == empty {
		return nil
	}
	return json.RawMessage(text)
}

// cutText cuts a text to at most n bytes, at a character.
func cutText(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "…"
}

// The headers of a webhook, and how it is signed, are those of Standard Webhooks
// (www.standardwebhooks.com), so that a receiver can check them with a library.

// SignWebhook returns the value of webhook-signature.
func SignWebhook(secret []byte, message string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(message + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

const secretPrefix = "whsec_"

// NewWebhookSecret makes a secret as it stands in a configuration: 32 random
// bytes in base64 behind whsec_.
func NewWebhookSecret() string {
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails
	return secretPrefix + base64.StdEncoding.EncodeToString(key[:])
}

// ParseWebhookSecret reads a secret. Its error does not hold it.
func ParseWebhookSecret(text string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, secretPrefix))
	if err != nil || !strings.HasPrefix(text, secretPrefix) || len(key) < 24 || len(key) > 64 {
		return nil, errors.New("is no secret: whsec_ and 24 to 64 bytes in base64")
	}
	return key, nil
}
