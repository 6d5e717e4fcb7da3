package newsroom_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"lede/audience"
	"lede/newsroom"
	"lede/store"
)

// receiver is an endpoint that answers as a test wants, and remembers.
type receiver struct {
	mu     sync.Mutex
	answer func(n int, body string) (newsroom.WebhookAnswer, error)
	got    []hook
}

type hook struct {
	at      time.Time
	message string
	header  http.Header
	body    string
}

func (r *receiver) post(_ context.Context, _ newsroom.Webhook, h http.Header, body []byte) (newsroom.WebhookAnswer, error) {
	r.mu.Lock()
	r.got = append(r.got, hook{time.Now(), h.Get("Webhook-Id"), h, string(body)})
	n := len(r.got)
	r.mu.Unlock()
	return r.answer(n, string(body))
}

// kinds are the types of what came, with whom they are about.
func (r *receiver) kinds(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, h := range r.got {
		var told struct {
			Type string
			Data struct{ Subscriber struct{ Address string } }
		}
		if err := json.Unmarshal([]byte(h.body), &told); err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(told.Data.Subscriber.Address, "@")
		all = append(all, told.Type+" "+name)
	}
	return all
}

const hookSecret = "whsec_YSBzZWNyZXQgZm9yIHRoZSBoYXJib3VyIG9mZmljZQ=="

func hookOf(t *testing.T) newsroom.Webhook {
	t.Helper()
	key, err := newsroom.ParseWebhookSecret(hookSecret)
	if err != nil {
		t.Fatal(err)
	}
	return newsroom.Webhook{ID: "crm", URL: "https://crm.example.org/", Secret: key, Events: newsroom.WebhookEvents()}
}

// telling is a store with an endpoint, for a bubble.
type telling struct {
	*store.Store
	*receiver
	hook newsroom.Webhook
}

func newTelling(t *testing.T, file string, answer func(n int, body string) (newsroom.WebhookAnswer, error)) *telling {
	t.Helper()
	st, err := store.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	w := &telling{st, &receiver{answer: answer}, hookOf(t)}
	if err := st.SetWebhooks(t.Context(), []newsroom.Webhook{w.hook}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *telling) join(t *testing.T, name string) int64 {
	t.Helper()
	row := audience.Row{Line: 1, Address: name + "@averne.example", Key: name + "@averne.example", Domain: "averne.example"}
	if _, err := w.ImportRows(t.Context(), "daily", "by hand", []audience.Row{row}, false, time.Now()); err != nil {
		t.Fatal(err)
	}
	p, err := w.Person(t.Context(), row.Key)
	if err != nil {
		t.Fatal(err)
	}
	return p.ID
}

// run tells for a time.
func (w *telling) run(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	c := &newsroom.Courier{Store: w.Store, Post: w.post, Now: time.Now, Look: time.Minute, Log: slog.New(slog.DiscardHandler)}
	if err := c.Run(ctx, []newsroom.Webhook{w.hook}); err != nil {
		t.Fatal(err)
	}
}

func (w *telling) log(t *testing.T) []newsroom.WebhookEvent {
	t.Helper()
	all, err := w.WebhookEvents(t.Context(), newsroom.WebhookFilter{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func taken(int, string) (newsroom.WebhookAnswer, error) {
	return newsroom.WebhookAnswer{Status: 204}, nil
}

// bubble runs a test with a database in fake time.
func bubble(t *testing.T, answer func(n int, body string) (newsroom.WebhookAnswer, error), f func(t *testing.T, w *telling)) {
	file := filepath.Join(t.TempDir(), "lede.db")
	synctest.Test(t, func(t *testing.T) { f(t, newTelling(t, file, answer)) })
}

// TestWebhookSignature checks with the library that receivers use.
func TestWebhookSignature(t *testing.T) {
	check, err := standardwebhooks.NewWebhook(hookSecret)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{answer: taken}
	c := &newsroom.Courier{Post: r.post, Now: time.Now}
	if a := c.Test(t.Context(), hookOf(t), "msg_1"); a.Status != 204 {
		t.Fatalf("got %+v", a)
	}
	got := r.got[0]
	if err := check.Verify([]byte(got.body), got.header); err != nil {
		t.Errorf("%v: %s", err, got.header)
	}
	if err := check.Verify([]byte(got.body+" "), got.header); err == nil {
		t.Error("another body passes")
	}
	got.header.Set("Webhook-Id", "msg_2")
	if err := check.Verify([]byte(got.body), got.header); err == nil {
		t.Error("another id passes")
	}
	if _, err := newsroom.ParseWebhookSecret(newsroom.NewWebhookSecret()); err != nil {
		t.Error(err)
	}
}

// TestWebhookGivenUp follows one event through all its attempts.
func TestWebhookGivenUp(t *testing.T) {
	answers := []func() (newsroom.WebhookAnswer, error){
		func() (newsroom.WebhookAnswer, error) {
			return newsroom.WebhookAnswer{Status: 500, Body: []byte("a secret for the harbour office, ines@averne.example\r\n" + strings.Repeat("x", 4000))}, nil
		},
		func() (newsroom.WebhookAnswer, error) {
			return newsroom.WebhookAnswer{}, errors.New("did not answer in time")
		},
		func() (newsroom.WebhookAnswer, error) { return newsroom.WebhookAnswer{Status: 307}, nil },
		func() (newsroom.WebhookAnswer, error) { return newsroom.WebhookAnswer{}, io.ErrUnexpectedEOF },
	}
	bubble(t, func(n int, _ string) (newsroom.WebhookAnswer, error) { return answers[n%len(answers)]() }, func(t *testing.T, w *telling) {
		id := w.join(t, "ines")
		w.run(t, 5*24*time.Hour)
		if len(w.got) != 10 {
			t.Fatalf("%d attempts", len(w.got))
		}
		want := []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}
		for i, wait := range want {
			if d := w.got[i+1].at.Sub(w.got[i].at); d < wait || d > wait+5*time.Minute {
				t.Errorf("attempt %d after %s, want %s", i+2, d, wait)
			}
			if w.got[i+1].message != w.got[0].message || w.got[i+1].body != w.got[0].body {
				t.Errorf("attempt %d says something else", i+2)
			}
		}
		e := w.log(t)[0]
		if e.Ended != newsroom.HookFailed || len(e.Attempts) != 10 || e.Subscriber != id {
			t.Errorf("got %+v", e)
		}
		for _, a := range e.Attempts {
			if strings.Contains(a.Reply, "secret for") || strings.Contains(a.Reply, "ines@") || len(a.Reply) > 300 || strings.ContainsAny(a.Reply, "\r\n") {
				t.Errorf("kept %q", a.Reply)
			}
		}
		// Told again, it is taken.
		w.answer = taken
		if n, err := w.ReplayWebhooks(t.Context(), newsroom.WebhookFilter{Message: e.Message}); n != 1 || err != nil {
			t.Fatalf("replayed %d, %v", n, err)
		}
		w.run(t, time.Hour)
		if e := w.log(t)[0]; e.Ended != newsroom.HookDelivered || w.got[10].message != e.Message {
			t.Errorf("got %+v", e)
		}
	})
}

// TestWebhookOrder holds that who fails holds up nobody else, and that of one
// person things are told in order.
func TestWebhookOrder(t *testing.T) {
	failing := true
	bubble(t, func(_ int, body string) (newsroom.WebhookAnswer, error) {
		if failing && strings.Contains(body, "ines@") {
			return newsroom.WebhookAnswer{Status: 500}, nil
		}
		return newsroom.WebhookAnswer{Status: 200}, nil
	}, func(t *testing.T, w *telling) {
		ines := w.join(t, "ines")
		if err := w.LeaveList(t.Context(), ines, "daily", "link", time.Now()); err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			w.join(t, "reader"+strconv.Itoa(i))
		}
		w.run(t, 10*time.Second)
		joined := 0
		for _, k := range w.kinds(t) {
			if strings.HasPrefix(k, "subscribed reader") {
				joined++
			}
			if k == "unsubscribed ines" {
				t.Error("told before what came first")
			}
		}
		if joined != 20 {
			t.Errorf("%d others were told", joined)
		}
		failing = false
		w.got = nil
		w.run(t, time.Hour)
		if got := strings.Join(w.kinds(t), ", "); got != "subscribed ines, unsubscribed ines" {
			t.Errorf("got %s", got)
		}
	})
}

// TestWebhookGone holds that 410 ends it.
func TestWebhookGone(t *testing.T) {
	bubble(t, func(int, string) (newsroom.WebhookAnswer, error) { return newsroom.WebhookAnswer{Status: 410}, nil }, func(t *testing.T, w *telling) {
		w.join(t, "ines")
		w.run(t, time.Hour)
		w.join(t, "marit")
		w.run(t, time.Hour)
		states, err := w.WebhookStates(t.Context())
		if err != nil || len(states) != 1 || !strings.HasPrefix(states[0].Disabled, "answered 410 Gone") {
			t.Errorf("got %+v, %v", states, err)
		}
		if len(w.got) != 1 || w.log(t)[0].Ended != newsroom.HookDropped {
			t.Errorf("%d attempts, %+v", len(w.got), w.log(t))
		}
	})
}

// TestWebhookTired holds that an endpoint that is down is not run over, and
// learns everything when it is back.
func TestWebhookTired(t *testing.T) {
	down := true
	bubble(t, func(int, string) (newsroom.WebhookAnswer, error) {
		if down {
			return newsroom.WebhookAnswer{Status: 503, RetryAfter: 2 * time.Minute}, nil
		}
		return newsroom.WebhookAnswer{Status: 200}, nil
	}, func(t *testing.T, w *telling) {
		for i := range 100 {
			w.join(t, "reader"+strconv.Itoa(i))
		}
		w.run(t, time.Hour)
		if n := len(w.got); n > 40 {
			t.Errorf("%d attempts in an hour", n)
		}
		down = false
		w.run(t, 24*time.Hour)
		for _, e := range w.log(t) {
			if e.Ended != newsroom.HookDelivered {
				t.Fatalf("left: %+v", e)
			}
		}
	})
}

// TestWebhookKilled holds that what was on its way is told again, as the same.
func TestWebhookKilled(t *testing.T) {
	bubble(t, taken, func(t *testing.T, w *telling) {
		w.join(t, "ines")
		c := &newsroom.Courier{Store: w.Store, Now: time.Now, Log: slog.New(slog.DiscardHandler), Post: func(ctx context.Context, hook newsroom.Webhook, h http.Header, body []byte) (newsroom.WebhookAnswer, error) {
			_, _ = w.post(ctx, hook, h, body) // it has it, and we do not learn so
			<-ctx.Done()
			return newsroom.WebhookAnswer{}, ctx.Err()
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := c.Run(ctx, []newsroom.Webhook{w.hook}); err != nil {
			t.Fatal(err)
		}
		if e := w.log(t)[0]; e.Ended != "" || e.Attempt != 0 {
			t.Errorf("got %+v", e)
		}
		w.run(t, time.Minute)
		if len(w.got) != 2 || w.got[0].message != w.got[1].message || w.got[0].body != w.got[1].body {
			t.Errorf("got %+v", w.got)
		}
	})
}

// TestWebhookBodyIsBounded holds that no person makes it long.
func TestWebhookBodyIsBounded(t *testing.T) {
	long, err := json.Marshal(map[string]string{"note": strings.Repeat("<", 100<<10)})
	if err != nil {
		t.Fatal(err)
	}
	body, err := newsroom.WebhookEvent{
		Kind: newsroom.HookChanged, Subscriber: 7, Address: "ines@averne.example", Name: strings.Repeat("ü", 90<<10),
		Attributes: string(long), Tags: "[]", Was: `{"address":"","name":"","attributes":{},"tags":[]}`,
	}.Body()
	if err != nil || len(body) > 64<<10 || !strings.Contains(string(body), `"cut":true`) || !json.Valid(body) {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}
