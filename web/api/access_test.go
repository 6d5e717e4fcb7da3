package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lede/audience"
	"lede/store"
	"lede/web/api"
)

func TestWithoutTokenThereIsNothing(t *testing.T) {
	o := newOffice(t)
	must(t, o.store.RevokeAPIToken(t.Context(), "shop", o.now))
	for _, what := range []string{"GET /lists", "GET /openapi.json", "DELETE /subscribers/{address} ines@example.org"} {
		o.want(http.StatusNotFound, `"path"`, ask{what: what})
	}
}

func TestTokensThatOpenNothing(t *testing.T) {
	o := newOffice(t)
	o.now = o.now.Add(-24 * time.Hour)
	revoked := o.grant("revoked", api.Scopes()...)
	must(t, o.store.RevokeAPIToken(t.Context(), "revoked", o.now))
	o.now = o.now.Add(-90 * 24 * time.Hour)
	expired := o.grant("expired", api.Scopes()...)
	o.now = o.now.Add(91 * 24 * time.Hour)
	for name, field := range map[string]string{
		"none": "", "no scheme": o.token, "another scheme": "Basic " + o.token, "empty": "Bearer ", "unknown": "Bearer " + api.NewToken(),
		"mistyped": "Bearer " + o.token[:40] + "~", "revoked": "Bearer " + revoked, "expired": "Bearer " + expired,
	} {
		t.Run(name, func(t *testing.T) {
			w := o.want(http.StatusUnauthorized, `"token"`, ask{what: "GET /lists", header: http.Header{"Authorization": {field}}})
			if challenge := w.Header().Get("WWW-Authenticate"); !strings.HasPrefix(challenge, `Bearer realm="lede"`) {
				t.Errorf("challenge %q", challenge)
			}
		})
	}
}

func TestScopes(t *testing.T) {
	o := newOffice(t)
	for _, operation := range api.Operations() {
		lacks := api.ScopeOf(operation)
		var others []string
		for _, s := range api.Scopes() {
			if s != lacks {
				others = append(others, s)
			}
		}
		token := o.grant(strings.NewReplacer(" ", "", "/", ".", "{", "", "}", "").Replace(operation), others...)
		what := strings.Replace(operation, "/api/v1", "", 1)
		if strings.Contains(what, "{address}") {
			what += " ines@example.org"
		} else if strings.Contains(what, "{id}") {
			what += " 1"
		}
		if w := o.want(http.StatusForbidden, "the token lacks the scope "+lacks, ask{what: what, token: token}); !strings.Contains(w.Header().Get("WWW-Authenticate"), "insufficient_scope") {
			t.Errorf("%s: %v", operation, w.Header())
		}
	}
}

func TestOtherMethodsAndPaths(t *testing.T) {
	o := newOffice(t)
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"PUT", "/api/v1/subscribers", 405, "GET, POST"},
		{"DELETE", "/api/v1/lists", 405, "GET"},
		{"HEAD", "/api/v1/lists", 200, ""},
		{"GET", "/api/v1/nothing", 404, ""},
		{"GET", "/api/v1/", 404, ""},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, nil)
		r.Header.Set("Authorization", "Bearer "+o.token)
		w := httptest.NewRecorder()
		o.handler.ServeHTTP(w, r)
		if w.Code != c.status || w.Header().Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, Allow %q", c.method, c.path, w.Code, w.Header().Get("Allow"))
		}
		if w.Code >= 400 && w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %s", c.method, c.path, w.Header().Get("Content-Type"))
		}
	}
}

func TestRateOfEachToken(t *testing.T) {
	o := newOffice(t)
	o.api.Requests = 2
	o.handler = o.api.Handler()
	other := o.grant("other", api.ScopeListsRead)
	o.want(200, "", ask{what: "GET /lists"})
	w := o.want(200, "", ask{what: "GET /lists"})
	if left := w.Header().Get("RateLimit"); left != `"token";r=0;t=60` {
		t.Errorf("RateLimit: %s", left)
	}
	o.now = o.now.Add(20 * time.Second)
	if w := o.want(429, `"rate"`, ask{what: "GET /lists"}); w.Header().Get("Retry-After") != "40" {
		t.Errorf("Retry-After: %s", w.Header().Get("Retry-After"))
	}
	o.want(200, "", ask{what: "GET /lists", token: other})
	o.now = o.now.Add(40 * time.Second)
	o.want(200, "", ask{what: "GET /lists"})
}

func TestTheSameRequestIsDoneOnce(t *testing.T) { each(t, theSameRequestIsDoneOnce) }

func theSameRequestIsDoneOnce(t *testing.T, o *office) {
	post := ask{what: "POST /imports ?list=daily", body: "email\nada@example.org\n", kind: "text/csv", key: "k-1"}
	first := o.want(201, `"new":1`, post)
	again := o.want(201, `"new":1`, post)
	if first.Body.String() != again.Body.String() || again.Header().Get("Location") != "/api/v1/imports/1" {
		t.Errorf("first %s, again %s at %s", first.Body, again.Body, again.Header().Get("Location"))
	}
	if all, err := o.store.Imports(t.Context(), 10); err != nil || len(all) != 1 {
		t.Errorf("%d imports, %v", len(all), err)
	}
	for name, other := range map[string]ask{
		"another body":  {what: post.what, body: "email\nbo@example.org\n", kind: "text/csv", key: "k-1"},
		"another query": {what: "POST /imports ?list=shared", body: post.body, kind: "text/csv", key: "k-1"},
		"another path":  {what: "POST /segments/count", body: `{"where":"plan is set"}`, key: "k-1"},
	} {
		t.Run(name, func(t *testing.T) { o.want(422, `"key"`, other) })
	}
	o.want(201, `"unchanged":1`, ask{what: post.what, body: post.body, kind: "text/csv", key: "k-1", token: o.grant("other", api.Scopes()...)})
	o.want(400, `"field":"Idempotency-Key"`, ask{what: post.what, body: post.body, kind: "text/csv", header: http.Header{"Idempotency-Key": {"a b"}}})

	// A refusal is an answer too; and what tells of somebody goes when they are erased.
	o.want(400, `"list"`, ask{what: "POST /subscribers", body: `{"address":"bo@example.org","list":"new","consent":"c"}`, key: "k-2"})
	o.want(400, `"list"`, ask{what: "POST /subscribers", body: `{"address":"bo@example.org","list":"new","consent":"c"}`, key: "k-2"})
	bo := ask{what: "POST /subscribers", body: `{"address":"bo@example.org","list":"daily","consent":"c"}`, key: "k-3"}
	o.want(201, "bo@example.org", bo)
	o.want(204, "", ask{what: "DELETE /subscribers/{address} bo@example.org"})
	o.want(409, `"left"`, bo)
}

// failing is a store whose suppressions fail, and whose answers are being worked
// on.
type failing struct {
	*store.Store
	fails, busy bool
}

func (f *failing) Suppress(ctx context.Context, s audience.Suppression) error {
	if f.fails {
		return errors.New("disk full at /var/lib")
	}
	return f.Store.Suppress(ctx, s)
}

func (f *failing) BeginAnswer(ctx context.Context, a api.Asked, now, stale time.Time) (api.Answer, bool, error) {
	if f.busy {
		return api.Answer{}, false, api.ErrUnderWay
	}
	return f.Store.BeginAnswer(ctx, a, now, stale)
}

func TestFaultsOfOursAreNotKept(t *testing.T) {
	o := newOffice(t)
	f := &failing{Store: o.store, fails: true}
	o.api.People, o.api.Answers = f, f
	post := ask{what: "POST /subscribers/{address}/suppress ines@example.org", key: "k-1"}
	if w := o.want(500, `"fault"`, post); strings.Contains(w.Body.String(), "disk") {
		t.Errorf("it tells too much: %s", w.Body)
	}
	f.fails, f.busy = false, true
	if w := o.want(409, `"under_way"`, post); w.Header().Get("Retry-After") != "1" {
		t.Errorf("Retry-After: %q", w.Header().Get("Retry-After"))
	}
	f.busy = false
	o.want(200, `"by-hand"`, post)
}

// ImportChunk fails too.
func (f *failing) ImportChunk(ctx context.Context, in audience.Intake, rows []audience.Row, now time.Time) (audience.Result, error) {
	if f.fails {
		return audience.Result{}, errors.New("disk full at /var/lib")
	}
	return f.Store.ImportChunk(ctx, in, rows, now)
}

func TestAFileThatWeFailToStoreIsNotAtFault(t *testing.T) {
	o := newOffice(t)
	f := &failing{Store: o.store, fails: true}
	o.api.Imports = f
	post := ask{what: "POST /imports ?list=daily", body: "email\nada@example.org\n", kind: "text/csv", key: "k-1"}
	if w := o.want(500, `"fault"`, post); strings.Contains(w.Body.String(), "disk") {
		t.Errorf("it tells too much: %s", w.Body)
	}
	f.fails = false
	o.want(201, `"new":1`, post)
}

// slow is a body that comes when it is let.
type slow struct{ begun, come chan struct{} }

func (s slow) Read([]byte) (int, error) {
	s.begun <- struct{}{}
	<-s.come
	return 0, io.EOF
}

func TestFilesAtOnce(t *testing.T) {
	o := newOffice(t)
	body := slow{make(chan struct{}), make(chan struct{})}
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			r := httptest.NewRequestWithContext(t.Context(), "POST", "/api/v1/imports?list=daily", body)
			r.Header.Set("Authorization", "Bearer "+o.token)
			o.handler.ServeHTTP(httptest.NewRecorder(), r)
		})
		<-body.begun
	}
	file := ask{what: "POST /imports ?list=daily", body: "email\nada@example.org\n", kind: "text/csv"}
	if w := o.want(429, `"busy"`, file); w.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	close(body.come)
	all.Wait()
	o.want(201, `"new":1`, file)
}

// TestNobodyComesBack asks in each way for people who left.
func TestNobodyComesBack(t *testing.T) { each(t, nobodyComesBack) }

func nobodyComesBack(t *testing.T, o *office) {
	for _, who := range []string{"list", "newsletter", "all", "suppressed", "erased"} {
		o.want(201, "", ask{what: "POST /subscribers", body: `{"address":"` + who + `@example.org","list":"daily","consent":"c"}`})
	}
	// One by one out of all newsletters of a list, which stays as it is.
	shared := `{"address":"shared@example.org","list":"shared","consent":"c"}`
	o.want(201, "", ask{what: "POST /subscribers", body: shared})
	o.want(200, "", ask{what: "POST /subscribers/{address}/unsubscribe shared@example.org", body: `{"newsletter":"harbour"}`})
	o.want(200, "", ask{what: "POST /subscribers", body: shared})
	o.want(200, "", ask{what: "POST /subscribers/{address}/unsubscribe shared@example.org", body: `{"newsletter":"market"}`})
	o.want(409, `"left"`, ask{what: "POST /subscribers", body: shared})
	o.want(200, "", ask{what: "POST /subscribers/{address}/unsubscribe list@example.org", body: `{"list":"daily"}`})
	o.want(200, "", ask{what: "POST /subscribers/{address}/unsubscribe newsletter@example.org", body: `{"newsletter":"harbour"}`})
	o.want(200, "", ask{what: "POST /subscribers/{address}/unsubscribe all@example.org"})
	o.want(200, "", ask{what: "POST /subscribers/{address}/suppress suppressed@example.org", body: `{"reason":"bounce"}`})
	o.want(200, "", ask{what: "POST /subscribers/{address}/suppress unknown@example.org"})
	o.want(204, "", ask{what: "DELETE /subscribers/{address} erased@example.org"})
	for who, was := range map[string]string{
		"list": "unsubscribed", "newsletter": "unsubscribed", "all": "unsubscribed", "suppressed": "active bounce", "erased": "nobody", "unknown": "nobody",
	} {
		t.Run(who, func(t *testing.T) {
			o.t = t
			address := who + "@example.org"
			if who == "unknown" { // has no subscription, and a suppressed address
				was = o.state(address)
			}
			for _, state := range []string{"", `"state":"active",`, `"state":"pending",`} {
				o.want(409, `"left"`, ask{what: "POST /subscribers", body: `{"address":"` + address + `",` + state + `"list":"daily","consent":"c"}`})
			}
			if who == "all" {
				o.want(409, `"left"`, ask{what: "POST /subscribers", body: `{"address":"` + address + `","list":"shared","consent":"c"}`})
			}
			// Who is asked by mail comes back by the mail, not by having been asked.
			o.want(202, "", ask{what: "POST /subscribers", body: `{"address":"` + address + `","confirm":true,"newsletter":"harbour"}`})
			is := o.state(address)
			if is != was && (who != "erased" || is == "active") {
				t.Errorf("is %q, was %q", is, was)
			}
		})
	}
}

func TestConfirmationIsAsked(t *testing.T) {
	o := newOffice(t)
	o.want(202, "", ask{what: "POST /subscribers", body: `{"address":"noor@example.org","confirm":true,"newsletter":"harbour","consent":"ticked on 2 March"}`})
	if got := o.state("noor@example.org"); got != "pending" {
		t.Errorf("state %q", got)
	}
	mails, err := o.store.ClaimMails(t.Context(), o.now, o.now.Add(time.Hour), 10)
	must(t, err)
	if len(mails) != 1 || mails[0].Kind != audience.MailConfirm || mails[0].Address != "noor@example.org" {
		t.Errorf("mails %+v", mails)
	}
	for name, body := range map[string]string{
		"state": `"state":"active"`, "tags": `"tags":["a"]`, "list": `"list":"spare"`, "timezone": `"timezone":"Mars/North"`,
	} {
		t.Run(name, func(t *testing.T) {
			o.want(400, name, ask{what: "POST /subscribers", body: `{"address":"noor@example.org","confirm":true,"newsletter":"harbour",` + body + `}`})
		})
	}
}

func TestPagesOfPeople(t *testing.T) { each(t, pagesOfPeople) }

func pagesOfPeople(t *testing.T, o *office) {
	var want []string
	for _, who := range []string{"a", "b", "c", "d", "e"} {
		want = append(want, who+"@example.org")
		o.want(201, "", ask{what: "POST /subscribers", body: `{"address":"` + who + `@example.org","list":"daily","consent":"c"}`})
	}
	var got []string
	cursor, first := "", ""
	for range 9 {
		w := o.want(200, "", ask{what: "GET /subscribers ?list=daily&limit=2&cursor=" + cursor})
		var page struct {
			Data []struct{ Address string }
			Next string
		}
		must(t, json.Unmarshal(w.Body.Bytes(), &page))
		for _, p := range page.Data {
			got = append(got, p.Address)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
		first = cursor
	}
	if !slices.Equal(got, want) {
		t.Errorf("pages have %v", got)
	}
	for name, query := range map[string]string{"another query": "list=shared&cursor=" + first, "cut": "list=daily&cursor=" + first[:10], "forged": "list=daily&cursor=" + strings.Repeat("A", 22)} {
		t.Run(name, func(t *testing.T) { o.want(400, `"field":"cursor"`, ask{what: "GET /subscribers ?" + query}) })
	}
	o.want(201, "", ask{what: "POST /subscribers", body: `{"address":"a/b+c@example.org","list":"daily","consent":"c"}`})
	o.want(200, "a/b+c@example.org", ask{what: "GET /subscribers/{address} a/b+c@example.org"})
	o.want(200, "", ask{what: "GET /subscribers ?limit=5&list=daily&where=" + url.QueryEscape(`email contains "example"`)})
}

func TestUseOfATokenIsNoted(t *testing.T) {
	o := newOffice(t)
	o.now = o.now.Add(90 * time.Minute)
	o.want(200, "", ask{what: "GET /lists"})
	tokens, err := o.store.APITokens(t.Context())
	must(t, err)
	if want := o.now.Truncate(time.Hour); !tokens[0].Used.Equal(want) {
		t.Errorf("used %v, want %v", tokens[0].Used, want)
	}
}

// TestListsAreCountedOnce: counts hold for some seconds, but not past a change
// that a program made.
func TestListsAreCountedOnce(t *testing.T) {
	o := newOffice(t)
	person := func(address string) string { return `{"address":"` + address + `","list":"spare","consent":"a card"}` }
	o.want(201, "", ask{what: "POST /subscribers", body: person("ada@example.org")})
	o.want(200, `{"list":"spare","newsletters":[],"active":1,`, ask{what: "GET /lists"})
	_, err := o.store.Add(t.Context(), "spare", audience.Row{Address: "bo@example.org", Key: "bo@example.org", Domain: "example.org"}, "by hand", false, o.now)
	must(t, err)
	o.now = o.now.Add(9 * time.Second)
	o.want(200, `{"list":"spare","newsletters":[],"active":1,`, ask{what: "GET /lists"})
	o.now = o.now.Add(time.Second)
	o.want(200, `{"list":"spare","newsletters":[],"active":2,`, ask{what: "GET /lists"})
	o.want(201, "", ask{what: "POST /subscribers", body: person("cy@example.org")})
	o.want(200, `{"list":"spare","newsletters":[],"active":3,`, ask{what: "GET /lists"})
}
