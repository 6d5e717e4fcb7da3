package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"lede/audience"
	"lede/store"
	"lede/web/api"
)

var apiTime = time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)

// token stores a token and returns it as it is found by its hash.
func token(t *testing.T, s *store.Store, name string) api.Token {
	t.Helper()
	must(t, s.AddAPIToken(ctx(), api.Token{Name: name, Scopes: []string{api.ScopeListsRead}, By: "ines", Created: apiTime, Expires: apiTime.Add(time.Hour)}, "hash-"+name))
	found, kept, err := s.APIToken(ctx(), "hash-"+name)
	must(t, err)
	if kept != "hash-"+name {
		t.Fatalf("kept hash %q", kept)
	}
	return found
}

func TestAPITokens(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		if has, err := s.HasAPITokens(ctx(), apiTime); err != nil || has {
			t.Fatalf("before there is any: %v %v", has, err)
		}
		shop := token(t, s, "shop")
		if !shop.May(api.ScopeListsRead) || shop.May(api.ScopeSubscribersRead) || !shop.Valid(apiTime) || shop.Valid(apiTime.Add(time.Hour)) {
			t.Errorf("found %+v", shop)
		}
		for _, at := range []struct {
			now  time.Time
			want bool
		}{{apiTime, true}, {apiTime.Add(time.Hour), false}} {
			if has, err := s.HasAPITokens(ctx(), at.now); err != nil || has != at.want {
				t.Errorf("HasAPITokens at %s: %v %v", at.now, has, err)
			}
		}
		if err := s.AddAPIToken(ctx(), api.Token{Name: "shop", Created: apiTime}, "other"); !errors.Is(err, api.ErrTokenName) {
			t.Errorf("a second of the name: %v", err)
		}
		must(t, s.UsedAPIToken(ctx(), shop.ID, apiTime))
		must(t, s.RevokeAPIToken(ctx(), "shop", apiTime))
		if err := s.RevokeAPIToken(ctx(), "shop", apiTime); !errors.Is(err, api.ErrNoToken) {
			t.Errorf("revoked twice: %v", err)
		}
		again, _, err := s.APIToken(ctx(), "hash-shop")
		must(t, err)
		if again.Valid(apiTime) || !again.Used.Equal(apiTime.Truncate(time.Hour)) {
			t.Errorf("after the end: %+v", again)
		}
		must(t, s.AddAPIToken(ctx(), api.Token{Name: "shop", Created: apiTime}, "new"))
		if all, err := s.APITokens(ctx()); err != nil || len(all) != 2 {
			t.Errorf("all: %+v %v", all, err)
		}
		if _, _, err := s.APIToken(ctx(), "nobody's"); !errors.Is(err, api.ErrNoToken) {
			t.Errorf("an unknown hash: %v", err)
		}
	})
}

func TestAnswersOfRequests(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		asked := api.Asked{Token: token(t, s, "shop").ID, Key: "k1", Hash: "h1"}
		begin := func(a api.Asked, now, stale time.Time) (api.Answer, bool, error) {
			return s.BeginAnswer(ctx(), a, now, stale)
		}
		if _, found, err := begin(asked, apiTime, apiTime.Add(-time.Minute)); err != nil || found {
			t.Fatalf("first: %v %v", found, err)
		}
		if _, _, err := begin(asked, apiTime, apiTime.Add(-time.Minute)); !errors.Is(err, api.ErrUnderWay) {
			t.Errorf("while it is worked on: %v", err)
		}
		if _, found, err := begin(asked, apiTime, apiTime.Add(time.Minute)); err != nil || found {
			t.Errorf("begun by a process that was killed: %v %v", found, err)
		}
		other := asked
		other.Hash = "h2"
		if _, _, err := begin(other, apiTime, apiTime.Add(-time.Minute)); !errors.Is(err, api.ErrOtherRequest) {
			t.Errorf("another request: %v", err)
		}
		_, key, _, err := audience.ParseAddress(reader(1).Address)
		must(t, err)
		subscribe(t, s, "daily", reader(1))
		want := api.Answer{Status: 201, Location: "/api/v1/subscribers/1", Type: "application/json", Body: `{"id":1}`}
		must(t, s.KeepAnswer(ctx(), asked, want, key))
		if got, found, err := begin(asked, apiTime, apiTime); err != nil || !found || got != want {
			t.Errorf("answered: %+v %v %v", got, found, err)
		}
		must(t, s.DropAnswer(ctx(), asked))
		if _, found, _ := begin(asked, apiTime, apiTime); !found {
			t.Error("an answer that was given was dropped")
		}
		must(t, s.Forget(ctx(), key, apiTime))
		if _, found, err := begin(asked, apiTime, apiTime); err != nil || found {
			t.Errorf("the answer stayed after its person was erased: %v %v", found, err)
		}
		must(t, s.KeepAnswer(ctx(), asked, want, ""))
		must(t, s.ForgetAnswers(ctx(), apiTime.Add(time.Second)))
		if _, found, _ := begin(asked, apiTime, apiTime); found {
			t.Error("an old answer is still there")
		}
	})
}

func TestDirectoryPages(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		rows := readers(0, 5)
		rows[1].Tags = []string{"press"}
		subscribe(t, s, "daily", rows...)
		subscribe(t, s, "weekly", rows[2])
		must(t, s.LeaveList(ctx(), id(t, s, rows[3].Key), "daily", "test", apiTime))
		must(t, s.Suppress(ctx(), audience.Suppression{Address: rows[4].Address, Reason: audience.ReasonByHand, At: apiTime}))
		for name, c := range map[string]struct {
			filter api.Filter
			want   []int
		}{
			"all":          {api.Filter{Limit: 9}, []int{0, 1, 2, 3, 4}},
			"first two":    {api.Filter{Limit: 2}, []int{0, 1}},
			"after":        {api.Filter{Limit: 2, After: id(t, s, rows[1].Key)}, []int{2, 3}},
			"list":         {api.Filter{Limit: 9, List: "weekly"}, []int{2}},
			"unsubscribed": {api.Filter{Limit: 9, List: "daily", State: "unsubscribed"}, []int{3}},
			"suppressed":   {api.Filter{Limit: 9, State: api.StateSuppressed}, []int{4}},
			"tag":          {api.Filter{Limit: 9, Tag: "press"}, []int{1}},
			"nobody":       {api.Filter{Limit: 9, List: "none"}, nil},
		} {
			people, err := s.People(ctx(), c.filter)
			must(t, err)
			var got []string
			for _, p := range people {
				got = append(got, p.Address)
				whole, err := s.PersonByID(ctx(), p.ID)
				must(t, err)
				if fmt.Sprintf("%+v", whole) != fmt.Sprintf("%+v", p) {
					t.Errorf("%s: a page has\n%+v, alone it is\n%+v", name, p, whole)
				}
			}
			var want []string
			for _, i := range c.want {
				want = append(want, rows[i].Address)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		}
		states, err := s.ListStates(ctx())
		must(t, err)
		want := []api.ListStates{{List: "daily", Active: 4, Unsubscribed: 1, Suppressed: 1}, {List: "weekly", Active: 1}}
		if fmt.Sprint(states) != fmt.Sprint(want) {
			t.Errorf("lists: %+v", states)
		}
	})
}

func TestChangeProfile(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		row := reader(1)
		row.Tags = []string{"press"}
		subscribe(t, s, "daily", row)
		p, err := s.ChangeProfile(ctx(), row.Key, func(was audience.Person) (audience.Subscriber, error) {
			to := was.Subscriber
			to.Name, to.Tags, to.Attributes = "Ines", []string{"harbour"}, map[string]string{"plan": "paid"}
			return to, nil
		})
		must(t, err)
		if p.Name != "Ines" || fmt.Sprint(p.Tags, p.Attributes) != "[harbour] map[plan:paid]" {
			t.Errorf("changed: %+v", p)
		}
		for tag, want := range map[string]int{"press": 0, "harbour": 1} {
			if got, err := s.People(ctx(), api.Filter{Tag: tag, Limit: 9}); err != nil || len(got) != want {
				t.Errorf("tag %s: %v %v", tag, got, err)
			}
		}
		stop := errors.New("stop")
		if _, err := s.ChangeProfile(ctx(), row.Key, func(audience.Person) (audience.Subscriber, error) { return audience.Subscriber{}, stop }); !errors.Is(err, stop) {
			t.Errorf("a change that is refused: %v", err)
		}
		if _, err := s.ChangeProfile(ctx(), "nobody@example.org", nil); !errors.Is(err, audience.ErrNobody) {
			t.Errorf("nobody: %v", err)
		}
	})
}
