package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lede/audience"
)

func TestPerson(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		row := reader(1)
		row.Address, row.Attributes, row.Tags = "Reader1@averne.example", map[string]string{"town": "Port Averne"}, []string{"friend"}
		subscribe(t, s, "harbour", row)
		got, err := s.Person(ctx(), row.Key)
		must(t, err)
		if got.Salt == 0 {
			t.Error("a person without a salt")
		}
		want := audience.Person{
			Subscriber: audience.Subscriber{
				ID: got.ID, Salt: got.Salt, Address: "Reader1@averne.example", Name: "Reader 1",
				Attributes: map[string]string{"town": "Port Averne"}, Tags: []string{"friend"}, Created: now,
			},
			Subscriptions: []audience.Subscription{{List: "harbour", State: audience.Active, Changed: now, Consent: "import readers.csv, line 3"}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		byID, err := s.PersonByID(ctx(), got.ID)
		must(t, err)
		if diff := cmp.Diff(got, byID); diff != "" {
			t.Error(diff)
		}
		must(t, s.Suppress(ctx(), audience.Suppression{Address: "READER1@averne.example", Reason: "complaint", At: now}))
		must(t, s.Suppress(ctx(), audience.Suppression{Address: "nobody@averne.example", Reason: "by-hand", Note: "asked by letter", At: now}))
		if got, err = s.Person(ctx(), row.Key); err != nil || got.Suppressed != "complaint" {
			t.Errorf("%+v, %v", got, err)
		}
		got, err = s.Person(ctx(), "nobody@averne.example")
		if !errors.Is(err, audience.ErrNobody) || got.Suppressed != "by-hand" {
			t.Errorf("a stranger who is suppressed: %+v, %v", got, err)
		}
		if _, err = s.PersonByID(ctx(), 4711); !errors.Is(err, audience.ErrNobody) {
			t.Error(err)
		}
		if err := s.Suppress(ctx(), audience.Suppression{Address: "no address", At: now}); err == nil {
			t.Error("no address was suppressed")
		}
	})
}

func TestAdd(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		add := func(list string, revive bool) string {
			t.Helper()
			found, err := s.Add(ctx(), list, reader(1), "by hand", revive, now)
			must(t, err)
			return found
		}
		check := func(what, got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("%s: %q, want %q", what, got, want)
			}
		}
		check("new", add("harbour", false), "added")
		check("again", add("harbour", false), "already active")
		check("another list", add("market", false), "added")
		who := id(t, s, reader(1).Key)
		must(t, s.Leave(ctx(), who, "harbour", []string{"harbour"}, "button", now.Add(time.Minute)))
		must(t, s.Leave(ctx(), who, "gazette", nil, "button", now.Add(time.Hour)))
		check("left", add("harbour", false), "left before")
		check("revived", add("harbour", true), "added")
		p, err := s.PersonByID(ctx(), who)
		must(t, err)
		if diff := cmp.Diff([]string{"gazette"}, p.OptedOut); diff != "" || p.Subscriptions[0].State != audience.Active {
			t.Errorf("revived on harbour alone: %+v", p)
		}
		must(t, s.Suppress(ctx(), audience.Suppression{Address: reader(1).Address, Reason: "complaint", At: now}))
		check("suppressed", add("harbour", true), "suppressed")
	})
}

func TestLeavingAndReturning(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		rows := readers(1, 2)
		for _, list := range []string{"harbour", "market", "shared"} {
			subscribe(t, s, list, rows...)
		}
		who := id(t, s, reader(1).Key)
		at := func(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }
		check := func(what, active string, optedOut ...string) {
			t.Helper()
			p, err := s.PersonByID(ctx(), who)
			must(t, err)
			got := ""
			for _, sub := range p.Subscriptions {
				if sub.State == audience.Active {
					got += sub.List + " "
				}
			}
			if got != active {
				t.Errorf("%s: active on %q, want %q", what, got, active)
			}
			if diff := cmp.Diff(optedOut, p.OptedOut); diff != "" {
				t.Errorf("%s: %s", what, diff)
			}
		}
		own := []string{"harbour"}
		must(t, s.Leave(ctx(), who, "harbour", own, "button", at(1)))
		check("left", "market shared ", "harbour")
		must(t, s.Return(ctx(), who, "harbour", "button", at(2), at(9)))
		check("another time", "market shared ", "harbour")
		must(t, s.Return(ctx(), who, "harbour", "page", at(1), at(9)))
		check("another why", "market shared ", "harbour")
		must(t, s.Return(ctx(), who, "harbour", "button", at(1), at(9)))
		check("returned", "harbour market shared ")

		must(t, s.LeaveList(ctx(), who, "market", "desk", at(3)))
		must(t, s.LeaveAll(ctx(), who, []string{"harbour", "market"}, "page", at(4)))
		check("left all", "", "harbour", "market")
		must(t, s.Return(ctx(), who, "harbour", "page", at(4), at(9)))
		check("what was left before stays left", "harbour shared ")

		must(t, s.Leave(ctx(), who, "harbour", own, "button", at(5)))
		must(t, s.Leave(ctx(), who, "harbour", own, "page", at(6)))
		must(t, s.Return(ctx(), who, "harbour", "page", at(6), at(9)))
		check("left twice, returned once", "harbour shared ")

		for _, err := range []error{
			s.Leave(ctx(), 4711, "harbour", own, "button", now),
			s.LeaveList(ctx(), 4711, "harbour", "button", now),
			s.LeaveAll(ctx(), 4711, own, "button", now),
			s.Return(ctx(), 4711, "harbour", "button", now, now),
		} {
			if !errors.Is(err, audience.ErrNobody) {
				t.Errorf("nobody: %v", err)
			}
		}
		lists, err := s.Lists(ctx())
		must(t, err)
		want := []audience.ListCount{{List: "harbour", Active: 1}, {List: "market"}, {List: "shared", Active: 1}}
		if diff := cmp.Diff(want, lists); diff != "" {
			t.Error(diff)
		}
	})
}

// TestLeftEverything: a file for another list brings nobody back who left
// everything, nor does a newsletter that came later; signing up anew does.
func TestLeftEverything(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		rows := readers(0, 2)
		subscribe(t, s, "harbour", rows...)
		p, err := s.Person(ctx(), rows[0].Key)
		must(t, err)
		must(t, s.LeaveAll(ctx(), p.ID, []string{"harbour"}, "page", now))
		got, err := s.ImportRows(ctx(), "market", "a file", rows, false, now)
		must(t, err)
		if want := (audience.Result{KeptOut: 1, Updated: 1}); got != want {
			t.Errorf("import into another list: %+v, want %+v", got, want)
		}
		if n, err := s.Audience(ctx(), "later", []string{"market"}); err != nil || n != 1 {
			t.Errorf("%d readers of a later newsletter, %v; want 1", n, err)
		}
		found, err := s.Add(ctx(), "market", rows[0], "by hand", false, now)
		if must(t, err); found != "left before" {
			t.Errorf("added without asking: %s", found)
		}
		found, err = s.Add(ctx(), "market", rows[0], "asked for it", true, now)
		if must(t, err); found != "added" {
			t.Errorf("signed up anew: %s", found)
		}
		if n, err := s.Audience(ctx(), "later", []string{"market"}); err != nil || n != 2 {
			t.Errorf("%d readers after signing up anew, %v; want 2", n, err)
		}
	})
}

func TestDeliveries(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 1)...)
		publish(t, s, "ed1", now)
		d := claim(t, s, "ed1", 1, now).Deliveries[0]
		report(t, s, "ed1", sent(d))
		publish(t, s, "ed2", now.Add(24*time.Hour))
		got, err := s.Deliveries(ctx(), d.Subscriber, 0)
		must(t, err)
		if len(got) != 2 || got[0].Edition != "ed2" || got[0].State != "pending" || !got[0].At.IsZero() {
			t.Errorf("%+v", got)
		}
		if got[1].Relay != "main" || got[1].Code != 250 || got[1].Attempts != 1 || got[1].Subject != "Boats" || got[0].Attempts != 0 {
			t.Errorf("%+v", got)
		}
		if got[1].Reply != "2.0.0 ok" || !got[1].At.Equal(now) || !got[1].Slot.Equal(now) || got[1].Newsletter != "harbour" {
			t.Errorf("%+v", got[1])
		}
		if got, err = s.Deliveries(ctx(), d.Subscriber, 1); err != nil || len(got) != 1 {
			t.Errorf("%d records, %v", len(got), err)
		}
	})
}
