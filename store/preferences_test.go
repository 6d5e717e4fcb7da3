package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lede/audience"
	"lede/newsroom"
	"lede/store"
)

const day = 24 * time.Hour

// prefer changes a person's preferences as a page does: what is not changed is
// handed back.
func prefer(t *testing.T, s *store.Store, id int64, at time.Time, change func(*audience.Preferences)) {
	t.Helper()
	p, err := s.PersonByID(ctx(), id)
	must(t, err)
	prefs := audience.Preferences{
		Name: p.Name, Paused: p.Paused,
		Timezone: p.Attributes[audience.AttributeTimezone], Language: p.Attributes[audience.AttributeLanguage],
	}
	change(&prefs)
	must(t, s.SetPreferences(ctx(), id, prefs, audience.Way{How: "preferences page", IP: "192.0.2.7", Text: "Letters you get"}, at))
}

// Who paused gets nothing that is claimed before the pause ends, whether it
// began before the snapshot or after it, and what was put off neither.
func TestPausedPeopleArePassedOver(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 6)...)
		who := func(i int) int64 { return id(t, s, reader(i).Key) }
		hold := func(i int, until time.Time) {
			prefer(t, s, who(i), now, func(p *audience.Preferences) { p.Paused = until })
		}
		hold(0, now.Add(day))         // before the snapshot
		hold(1, now)                  // ends with the mails' time
		hold(2, now.Add(-time.Hour))  // over already
		hold(3, now.Add(7*day))       // and ended again
		hold(3, time.Time{})          //
		publish(t, s, "ed1", now)     //
		hold(4, now.Add(time.Minute)) // after it
		c := claim(t, s, "ed1", 10, now)
		if diff := cmp.Diff([]int64{2, 3, 4, 6}, positions(c)); diff != "" {
			t.Errorf("claimed: %s", diff)
		}
		if got := sums(t, s, "ed1"); got != (newsroom.Sums{Audience: 6, Pending: 4, Skipped: 2}) {
			t.Errorf("%+v", got)
		}
		reasons, err := s.Undelivered(ctx(), "ed1")
		must(t, err)
		if diff := cmp.Diff([]newsroom.Reason{{State: "skipped", Why: "paused by the reader", Count: 2}}, reasons); diff != "" {
			t.Error(diff)
		}
		last := c.Deliveries[3]
		hold(5, now.Add(2*day))
		report(t, s, "ed1", outcome(last, "deferred"))
		if c := claim(t, s, "ed1", 1, now.Add(time.Hour)); len(c.Deliveries) > 0 {
			t.Error("a retry went to somebody who paused meanwhile")
		}
		// A pause ends by itself.
		publish(t, s, "ed2", now.Add(3*day))
		if c := claim(t, s, "ed2", 10, now.Add(3*day)); len(c.Deliveries) != 6 {
			t.Errorf("after their pauses %d of 6 get the next letter", len(c.Deliveries))
		}
	})
}

func TestPreferences(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 1)...)
		who := id(t, s, reader(0).Key)
		until := now.Add(14 * day)
		prefer(t, s, who, now, func(p *audience.Preferences) {
			p.Name, p.Timezone, p.Language, p.Paused = "Odile", "Atlantic/Azores", "pt", until
			p.Leave = []audience.Letters{{Newsletter: "harbour", Lists: []string{"harbour"}}}
			p.Join = []audience.Letters{{Newsletter: "tide", Lists: []string{"tide", "town"}}}
		})
		p, err := s.PersonByID(ctx(), who)
		must(t, err)
		if p.Name != "Odile" || p.Attributes["timezone"] != "Atlantic/Azores" || p.Attributes["language"] != "pt" || !p.Paused.Equal(until) {
			t.Errorf("%+v", p)
		}
		states := map[string]audience.SubscriptionState{}
		for _, l := range p.Subscriptions {
			states[l.List] = l.State
		}
		if diff := cmp.Diff(map[string]audience.SubscriptionState{"harbour": audience.Unsubscribed, "tide": audience.Active}, states); diff != "" {
			t.Error(diff)
		}
		entries, err := s.PersonHistory(ctx(), reader(0).Key)
		must(t, err)
		said, agreed := "", ""
		for _, e := range entries {
			if e.What == audience.EntryPreferences {
				said = e.State + " from " + e.IP
			}
			if e.About == "tide" {
				agreed = e.Text
			}
		}
		if want := "left harbour, joined tide, name, timezone Atlantic/Azores, language pt, pause until " + until.Format("2006-01-02 15:04") + " from 192.0.2.7"; said != want {
			t.Errorf("history says %q, want %q", said, want)
		}
		if agreed != "Letters you get" {
			t.Errorf("joined with the text %q", agreed)
		}
		n := len(entries)
		prefer(t, s, who, now.Add(time.Hour), func(*audience.Preferences) {}) // nothing new
		if entries, err = s.PersonHistory(ctx(), reader(0).Key); err != nil || len(entries) != n {
			t.Errorf("saving the same again wrote history: %d lines, were %d", len(entries), n)
		}
		// Who left everything comes back to one newsletter, not to all.
		must(t, s.LeaveAll(ctx(), who, []string{"harbour", "tide"}, "page", now.Add(2*time.Hour)))
		prefer(t, s, who, now.Add(3*time.Hour), func(p *audience.Preferences) {
			p.Join = []audience.Letters{{Newsletter: "harbour", Lists: []string{"harbour"}}}
		})
		p, err = s.PersonByID(ctx(), who)
		must(t, err)
		if diff := cmp.Diff([]string{"tide"}, p.OptedOut); diff != "" {
			t.Errorf("still out of: %s", diff)
		}
	})
}

func newAddress(code, address string) audience.AddressChange {
	return audience.AddressChange{Code: code, Most: 2, Mail: audience.Outgoing{
		ID: "mail-" + code, Kind: audience.MailAddress, Newsletter: "harbour", Address: address, Token: code, At: now, Until: now.Add(day),
	}}
}

func TestChangeOfAddress(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 3)...)
		subscribe(t, s, "tide", readers(0, 1)...)
		who, other := id(t, s, reader(0).Key), id(t, s, reader(1).Key)
		way := audience.Way{How: "page"}
		must(t, s.AskAddress(ctx(), who, newAddress("one", "Odile.New@averne.example"), way, now))
		must(t, s.AskAddress(ctx(), who, newAddress("two", "odile.newer@averne.example"), way, now))
		must(t, s.AskAddress(ctx(), who, newAddress("three", "third@averne.example"), way, now)) // too many in a day
		mails, err := s.ClaimMails(ctx(), now, now.Add(time.Hour), 10)
		must(t, err)
		if len(mails) != 2 {
			t.Errorf("%d mails wait, want 2", len(mails))
		}
		for _, code := range []string{"one", "three", "", "TWO"} {
			if _, err := s.AskedAddress(ctx(), who, code, now); !errors.Is(err, audience.ErrAddressChange) {
				t.Errorf("code %q: %v", code, err)
			}
		}
		if err := s.ChangeAddress(ctx(), other, "two", way, now); !errors.Is(err, audience.ErrAddressChange) {
			t.Errorf("somebody else's code: %v", err)
		}
		if err := s.ChangeAddress(ctx(), who, "two", way, now.Add(day)); !errors.Is(err, audience.ErrAddressChange) {
			t.Errorf("an old code: %v", err)
		}
		p, err := s.PersonByID(ctx(), who)
		must(t, err)
		if p.Address != reader(0).Address {
			t.Errorf("the address changed to %s without its code", p.Address)
		}
		must(t, s.ChangeAddress(ctx(), who, "two", way, now.Add(time.Hour)))
		if err := s.ChangeAddress(ctx(), who, "two", way, now.Add(time.Hour)); !errors.Is(err, audience.ErrAddressChange) {
			t.Errorf("the same code again: %v", err)
		}
		if p, err = s.PersonByID(ctx(), who); err != nil || p.Address != "odile.newer@averne.example" {
			t.Errorf("%s, %v", p.Address, err)
		}

		// To the address of somebody else, who is the same person by now.
		must(t, s.LeaveList(ctx(), other, "harbour", "page", now))
		must(t, s.AskAddress(ctx(), who, newAddress("four", reader(1).Address), way, now.Add(2*day)))
		must(t, s.ChangeAddress(ctx(), who, "four", way, now.Add(3*time.Hour)))
		got := map[string]audience.SubscriptionState{}
		if p, err = s.PersonByID(ctx(), other); err != nil {
			t.Fatal(err)
		}
		for _, l := range p.Subscriptions {
			got[l.List] = l.State
		}
		if diff := cmp.Diff(map[string]audience.SubscriptionState{"harbour": audience.Unsubscribed, "tide": audience.Active}, got); diff != "" {
			t.Errorf("what it left itself came back, or the rest did not come: %s", diff)
		}
		if p, err = s.PersonByID(ctx(), who); err != nil || p.Subscriptions[0].State == audience.Active || p.Subscriptions[1].State == audience.Active {
			t.Errorf("the old address still gets something: %+v", p.Subscriptions)
		}
		// To a suppressed address nothing is written.
		must(t, s.Suppress(ctx(), audience.Suppression{Address: "gone@averne.example", Reason: "complaint", At: now}))
		must(t, s.AskAddress(ctx(), id(t, s, reader(2).Key), newAddress("five", "gone@averne.example"), way, now))
		if _, err := s.AskedAddress(ctx(), id(t, s, reader(2).Key), "five", now); !errors.Is(err, audience.ErrAddressChange) {
			t.Errorf("a suppressed address: %v", err)
		}
	})
}
