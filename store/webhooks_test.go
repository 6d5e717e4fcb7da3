package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"lede/audience"
	"lede/newsroom"
	"lede/store"
)

// crm is an endpoint that is told everything.
func crm() newsroom.Webhook {
	return newsroom.Webhook{ID: "crm", URL: "https://crm.example.org/", Events: newsroom.WebhookEvents()}
}

// events are what is in the log of an endpoint, the oldest first.
func events(t *testing.T, s *store.Store, endpoint string) []newsroom.WebhookEvent {
	t.Helper()
	all, err := s.WebhookEvents(ctx(), newsroom.WebhookFilter{Endpoint: endpoint}, 1000)
	must(t, err)
	slices.Reverse(all)
	return all
}

// lines are events in a line each.
func lines(all []newsroom.WebhookEvent) []string {
	var l []string
	for _, e := range all {
		l = append(l, strings.Join([]string{e.Kind, e.List + "/" + e.Newsletter, e.State, e.Was, e.Address}, " "))
	}
	return l
}

func wantLines(t *testing.T, all []newsroom.WebhookEvent, want ...string) {
	t.Helper()
	if got := lines(all); !slices.Equal(got, want) {
		t.Errorf("events\n got %q\nwant %q", got, want)
	}
}

// addTo puts the i-th reader on a list and returns its id.
func addTo(t *testing.T, s *store.Store, list string, i int, state audience.SubscriptionState) int64 {
	t.Helper()
	row := reader(i)
	row.State = state
	_, err := s.ImportRows(ctx(), list, "by hand", []audience.Row{row}, false, now)
	must(t, err)
	p, err := s.Person(ctx(), row.Key)
	must(t, err)
	return p.ID
}

func TestWebhooksAreTold(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		addTo(t, s, "daily", 0, audience.Active)
		must(t, s.SetWebhooks(ctx(), []newsroom.Webhook{crm()}))
		if got := events(t, s, ""); len(got) != 0 {
			t.Fatalf("before there was anybody to tell: %q", lines(got))
		}

		id := addTo(t, s, "daily", 1, audience.Pending)
		addTo(t, s, "daily", 1, audience.Active)
		must(t, s.Leave(ctx(), id, "harbour", []string{"daily"}, "unsubscribe link", now))
		must(t, s.Return(ctx(), id, "harbour", "unsubscribe link", now, now.Add(time.Minute)))
		must(t, s.Suppress(ctx(), audience.Suppression{Address: reader(1).Address, Reason: audience.ReasonByHand, At: now}))
		const who = "reader1@averne.example"
		wantLines(t, events(t, s, ""),
			"subscribed daily/ pending  "+who,
			"confirmed daily/ active pending "+who,
			"unsubscribed /harbour opted out  "+who,
			"unsubscribed daily/ unsubscribed active "+who,
			"subscribed /harbour  opted out "+who,
			"subscribed daily/ active unsubscribed "+who,
			"suppressed / "+audience.ReasonByHand+"  "+who,
		)
		for _, e := range events(t, s, "") {
			if e.Subscriber != id || e.Name != "Reader 1" || !strings.HasPrefix(e.Message, "msg_") {
				t.Errorf("got %+v", e)
			}
		}
	})
}

func TestWebhookOfAChange(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		must(t, s.SetWebhooks(ctx(), []newsroom.Webhook{crm()}))
		id := addTo(t, s, "daily", 1, audience.Active)
		must(t, s.SetPreferences(ctx(), id, audience.Preferences{Name: "Marit <Sele>"}, audience.Way{How: "preferences"}, now))
		got := events(t, s, "")
		if len(got) != 2 || got[1].Kind != newsroom.HookChanged {
			t.Fatalf("got %q", lines(got))
		}
		body, err := got[1].Body()
		must(t, err)
		for _, want := range []string{`"type":"changed"`, `"name":"Marit <Sele>"`, `"was":{"name":"Reader 1"}`, `"address":"reader1@averne.example"`} {
			if !strings.Contains(string(body), want) {
				t.Errorf("%s is not in %s", want, body)
			}
		}
	})
}

func TestWebhooksOfLists(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		weekly := newsroom.Webhook{ID: "weekly", URL: "https://weekly.example/", Events: []string{newsroom.HookSubscribed, newsroom.HookSuppressed, newsroom.HookUnsubscribed}, Lists: []string{"weekly"}, Newsletters: []string{"gazette"}}
		must(t, s.SetWebhooks(ctx(), []newsroom.Webhook{crm(), weekly}))
		one, two := addTo(t, s, "daily", 1, audience.Active), addTo(t, s, "weekly", 2, audience.Active)
		for i, id := range []int64{one, two} {
			must(t, s.Leave(ctx(), id, "gazette", nil, "link", now))
			must(t, s.Leave(ctx(), id, "harbour", nil, "link", now))
			must(t, s.Suppress(ctx(), audience.Suppression{Address: reader(i + 1).Address, Reason: audience.ReasonByHand, At: now}))
		}
		wantLines(t, events(t, s, "weekly"),
			"subscribed weekly/ active  reader2@averne.example",
			"unsubscribed /gazette opted out  reader1@averne.example",
			"unsubscribed /gazette opted out  reader2@averne.example",
			"suppressed / "+audience.ReasonByHand+"  reader2@averne.example",
		)
		if n := len(events(t, s, "crm")); n != 8 {
			t.Errorf("the one that wants all was told %d", n)
		}
		// Gone from the configuration: what was open is dropped, nothing new is written.
		must(t, s.SetWebhooks(ctx(), []newsroom.Webhook{crm()}))
		addTo(t, s, "weekly", 3, audience.Active)
		for _, e := range events(t, s, "weekly") {
			if e.Ended != newsroom.HookDropped || e.Subscriber == 0 {
				t.Errorf("got %+v", e)
			}
		}
	})
}

func TestWebhookOfAnImport(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		must(t, s.SetWebhooks(ctx(), []newsroom.Webhook{crm()}))
		addTo(t, s, "daily", 1, audience.Active)
		var rows []audience.Row
		for i := range 50 {
			row := reader(i)
			row.Tags = []string{"quay"}
			rows = append(rows, row)
		}
		e := audience.ImportEntry{List: "daily", File: "readers.csv", By: "test", Started: now}
		var err error
		e.ID, err = s.BeginImport(ctx(), e)
		must(t, err)
		e.Result, err = s.ImportChunk(ctx(), audience.Intake{List: "daily", Consent: "import", Entry: e.ID}, rows, now)
		must(t, err)
		e.State, e.Finished = audience.ImportDone, now
		must(t, s.EndImport(ctx(), e))
		got := events(t, s, "")
		if len(got) != 2 || got[1].Kind != newsroom.HookImported || got[1].State != "done" || got[1].Subscriber != 0 {
			t.Fatalf("got %q", lines(got))
		}
		body, err := got[1].Body()
		must(t, err)
		if !strings.Contains(string(body), `"new":49`) || strings.Contains(string(body), "subscriber\"") {
			t.Errorf("got %s", body)
		}
		_, err = s.UndoImport(ctx(), e.ID, "test", now)
		must(t, err)
		if got := events(t, s, ""); len(got) != 3 || got[2].State != "undone" {
			t.Errorf("undone: %q", lines(got))
		}
		// What an import set is a person's own from its next change on.
		p, err := s.Person(ctx(), reader(1).Key)
		must(t, err)
		must(t, s.LeaveList(ctx(), p.ID, "daily", "by hand", now))
		if got := events(t, s, ""); len(got) != 4 || got[3].Kind != newsroom.HookUnsubscribed {
			t.Errorf("after it: %q", lines(got))
		}
	})
}

func TestWebhooksOfErasedPeople(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		must(t, s.SetWebhooks(ctx(), []newsroom.Webhook{crm()}))
		id := addTo(t, s, "daily", 1, audience.Active)
		must(t, s.LeaveList(ctx(), id, "daily", "reader1@averne.example asked", now))
		told := events(t, s, "")[0]
		told.Ended, told.Attempt = newsroom.HookDelivered, 1
		must(t, s.NoteWebhook(ctx(), told, newsroom.WebhookAttempt{At: now, Status: 200, Reply: "hello reader1"}))
		must(t, s.Forget(ctx(), reader(1).Key, now))

		all := events(t, s, "")
		wantLines(t, all, "subscribed daily/ active  ", "unsubscribed daily/ unsubscribed  ", "erased /   ")
		for _, e := range all {
			if e.Name != "" || e.How != "" || e.Subscriber != id {
				t.Errorf("kept %+v", e)
			}
			for _, a := range e.Attempts {
				if a.Reply != "" {
					t.Errorf("kept the answer %q", a.Reply)
				}
			}
		}
		due, err := s.DueWebhooks(ctx(), "crm", now, 10)
		must(t, err)
		if len(due) != 1 || due[0].Kind != newsroom.HookErased {
			t.Fatalf("still told: %q", lines(due))
		}
		body, err := due[0].Body()
		must(t, err)
		if strings.Contains(string(body), "reader1") {
			t.Errorf("got %s", body)
		}
		if n, err := s.ReplayWebhooks(ctx(), newsroom.WebhookFilter{}); err != nil || n != 1 {
			t.Errorf("told again: %d, %v", n, err)
		}
		// An answer that comes later leaves nothing behind either.
		told.Due, told.Ended = now, ""
		must(t, s.NoteWebhook(ctx(), told, newsroom.WebhookAttempt{At: now, Status: 500, Reply: "reader1 again"}))
		for _, a := range events(t, s, "")[0].Attempts {
			if a.Reply != "" {
				t.Errorf("kept the answer %q", a.Reply)
			}
		}
	})
}

func TestWebhooksInOrder(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		must(t, s.SetWebhooks(ctx(), []newsroom.Webhook{crm()}))
		id := addTo(t, s, "daily", 1, audience.Active)
		must(t, s.LeaveList(ctx(), id, "daily", "link", now))
		addTo(t, s, "daily", 2, audience.Active)
		due := func(at time.Time) []newsroom.WebhookEvent {
			t.Helper()
			d, err := s.DueWebhooks(ctx(), "crm", at, 10)
			must(t, err)
			return d
		}
		first := due(now)
		wantLines(t, first, "subscribed daily/ active  reader1@averne.example", "subscribed daily/ active  reader2@averne.example")
		e := first[0]
		e.Attempt, e.Due = 1, now.Add(time.Minute)
		must(t, s.NoteWebhook(ctx(), e, newsroom.WebhookAttempt{At: now, Status: 500}))
		wantLines(t, due(now), "subscribed daily/ active  reader2@averne.example")
		later := due(now.Add(time.Minute))
		e.Attempt, e.Ended = 2, newsroom.HookDelivered
		must(t, s.NoteWebhook(ctx(), e, newsroom.WebhookAttempt{At: now, Status: 200}))
		if len(later) != 2 || later[1].Message != e.Message {
			t.Errorf("later: %q", lines(later))
		}
		wantLines(t, due(now.Add(time.Minute)), "subscribed daily/ active  reader2@averne.example", "unsubscribed daily/ unsubscribed active reader1@averne.example")

		// Disabled: all is dropped, nothing is written, until it is enabled.
		must(t, s.DisableWebhook(ctx(), "crm", "gone"))
		addTo(t, s, "daily", 3, audience.Active)
		must(t, s.SetWebhooks(ctx(), []newsroom.Webhook{crm()}))
		if got := append(due(now.Add(time.Hour)), events(t, s, "")[3:]...); len(got) != 0 {
			t.Errorf("disabled, and told %q", lines(got))
		}
		if n, err := s.ReplayWebhooks(ctx(), newsroom.WebhookFilter{Failed: true}); err != nil || n != 0 {
			t.Errorf("told again though disabled: %d, %v", n, err)
		}
		was, err := s.EnableWebhook(ctx(), "crm")
		must(t, err)
		n, err := s.ReplayWebhooks(ctx(), newsroom.WebhookFilter{Failed: true})
		must(t, err)
		if !was || n != 2 || len(due(now)) != 2 {
			t.Errorf("enabled %t, told again %d", was, n)
		}
		// Another address is another endpoint.
		must(t, s.DisableWebhook(ctx(), "crm", "gone"))
		moved := crm()
		moved.URL = "https://crm.example.org/new"
		must(t, s.SetWebhooks(ctx(), []newsroom.Webhook{moved}))
		if states, err := s.WebhookStates(ctx()); err != nil || len(states) != 1 || states[0].Disabled != "" {
			t.Errorf("moved: %+v, %v", states, err)
		}
		must(t, s.SweepWebhooks(ctx(), time.Now().Add(100*365*24*time.Hour)))
		if left := events(t, s, ""); len(left) != 0 {
			t.Errorf("swept: %q", lines(left))
		}
	})
}

// TestWebhooksOfWhatDidNotHappen holds that what is rolled back is not told.
func TestWebhooksOfWhatDidNotHappen(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		must(t, s.SetWebhooks(ctx(), []newsroom.Webhook{crm()}))
		id := addTo(t, s, "daily", 1, audience.Active)
		err := s.SetPreferences(ctx(), id, audience.Preferences{
			Name: "Reader 1", Leave: []audience.Letters{{Newsletter: "harbour", Lists: []string{"daily"}}}, Join: []audience.Letters{{Newsletter: "gazette"}},
		}, audience.Way{How: "preferences"}, now)
		if err == nil {
			t.Fatal("a newsletter that goes to no list was joined")
		}
		wantLines(t, events(t, s, ""), "subscribed daily/ active  reader1@averne.example")
	})
}
