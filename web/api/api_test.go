package api_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"lede/audience"
	"lede/audience/segment"
	"lede/internal/pgtest"
	"lede/newsroom"
	"lede/send"
	"lede/store"
	"lede/web/api"
)

// office is an API over a store of its own, with the description that its
// answers are held to.
type office struct {
	t       *testing.T
	store   *store.Store
	api     *api.API
	handler http.Handler
	now     time.Time
	token   string
	doc     *openapi3.T
	seen    map[string][]int // statuses by operation
}

// editions is what the newsroom says of editions.
type editions struct{}

var report = newsroom.Report{Edition: "e1e1e1e1e1e1e1e1", Newsletter: "harbour", State: newsroom.Done, Slot: time.Date(2026, 3, 2, 6, 30, 0, 0, time.UTC)}

func (editions) Report(_ context.Context, id string) (newsroom.Report, error) {
	if !strings.HasPrefix(report.Edition, id) {
		return newsroom.Report{}, newsroom.ErrNotFound
	}
	return report, nil
}

func (editions) Reports(context.Context, string, int) ([]newsroom.Report, error) {
	return []newsroom.Report{report}, nil
}

func newOffice(t *testing.T) *office { return newOfficeAt(t, filepath.Join(t.TempDir(), "lede.db")) }

// server is the PostgreSQL of these tests.
var server = new(pgtest.Server)

func TestMain(m *testing.M) {
	code := m.Run()
	server.Remove()
	os.Exit(code)
}

// each runs a test at an office over each engine.
func each(t *testing.T, f func(t *testing.T, o *office)) {
	t.Run("sqlite", func(t *testing.T) { f(t, newOffice(t)) })
	t.Run("postgres", func(t *testing.T) { f(t, newOfficeAt(t, server.Database(t))) })
}

// newOfficeAt is an office over the empty database that dsn names.
func newOfficeAt(t *testing.T, dsn string) *office {
	t.Helper()
	st, err := store.Open(t.Context(), dsn)
	must(t, err)
	t.Cleanup(func() { st.Close() })
	o := &office{t: t, store: st, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), seen: map[string][]int{}}
	keys, err := st.Keyring(t.Context())
	must(t, err)
	clock := func() time.Time { return o.now }
	ids := 0
	room := &newsroom.Room{SignUps: st, Now: clock, NewID: func() string { ids++; return fmt.Sprintf("id%d", ids) }}
	letter := newsroom.Newsletter{
		ID: "harbour", Lists: []string{"daily", "shared"}, Sender: send.Sender{Keys: keys},
		SignUp: newsroom.SignUpRules{DoubleOptIn: true, TokenLife: 48 * time.Hour, MailsADay: 3, Agreement: "Yes, send me The Harbour Letter."},
	}
	regulars, err := segment.Parse(`plan = "paid"`)
	must(t, err)
	o.api = &api.API{
		Tokens: st, Answers: st, People: st, Lists: st, Imports: st, Counts: st, Reports: editions{}, BadInput: newsroom.ErrInput,
		SignUp: func(ctx context.Context, _ string, s audience.SignUp) error {
			return room.SignUp(ctx, letter, s)
		},
		Newsletters: []api.Newsletter{{ID: "harbour", Lists: []string{"daily", "shared"}, Own: []string{"daily"}}, {ID: "market", Lists: []string{"shared"}}},
		Segments:    []api.Segment{{ID: "regulars", Name: "Regulars", Where: regulars}},
		Attributes: audience.Attributes{
			{Name: "age", Type: audience.TypeNumber}, {Name: "member", Type: audience.TypeYesNo}, {Name: "rank", Type: audience.TypeChoice, Values: []string{"Mate", "Master"}},
		},
		MoreLists: []string{"spare"}, Now: clock, Log: slog.New(slog.DiscardHandler),
	}
	o.handler = o.api.Handler()
	o.token = o.grant("shop", api.Scopes()...)
	o.doc, err = openapi3.NewLoader().LoadFromData(api.Document())
	must(t, err)
	return o
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// grant makes a token.
func (o *office) grant(name string, scopes ...string) string {
	o.t.Helper()
	text := api.NewToken()
	hash, err := api.HashToken(text)
	must(o.t, err)
	must(o.t, o.store.AddAPIToken(o.t.Context(), api.Token{Name: name, Scopes: scopes, By: "ines", Created: o.now, Expires: o.now.Add(90 * 24 * time.Hour)}, hash))
	return text
}

// ask is a request: a method and a path of the document, filled from the third
// word on, with what may come behind a question mark.
type ask struct {
	what   string // "GET /subscribers/{address} ines@example.org ?limit=1"
	body   string
	kind   string // of the body; empty: JSON
	key    string // Idempotency-Key
	token  string // empty: one that may all
	header http.Header
}

// do sends a request, and checks the answer by the document.
func (o *office) do(a ask) *httptest.ResponseRecorder {
	o.t.Helper()
	words := strings.Fields(a.what)
	method, path := words[0], words[1]
	item := o.doc.Paths.Value(path)
	if item == nil || item.GetOperation(method) == nil {
		o.t.Fatalf("%s %s is not in the document", method, path)
	}
	params, query, target := map[string]string{}, "", "/api/v1"+path
	for _, word := range words[2:] {
		if strings.HasPrefix(word, "?") {
			query = word
			continue
		}
		from, to := strings.IndexByte(target, '{'), strings.IndexByte(target, '}')
		params[target[from+1:to]] = word
		target = target[:from] + url.PathEscape(word) + target[to+1:]
	}
	request := func() *http.Request {
		r := httptest.NewRequestWithContext(o.t.Context(), method, target+query, strings.NewReader(a.body))
		if a.kind == "" {
			a.kind = "application/json"
		}
		if a.body != "" {
			r.Header.Set("Content-Type", a.kind)
		}
		if a.key != "" {
			r.Header.Set("Idempotency-Key", a.key)
		}
		token := a.token
		if token == "" {
			token = o.token
		}
		r.Header.Set("Authorization", "Bearer "+token)
		for name, values := range a.header {
			r.Header[name] = values
		}
		return r
	}
	w := httptest.NewRecorder()
	o.handler.ServeHTTP(w, request())
	op := item.GetOperation(method)
	o.seen[op.OperationID] = append(o.seen[op.OperationID], w.Code)

	in := &openapi3filter.RequestValidationInput{
		Request: request(), PathParams: params,
		Route:   &routers.Route{Spec: o.doc, Path: path, PathItem: item, Method: method, Operation: op},
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, ExcludeRequestBody: strings.Contains(a.kind, "jsonl")},
	}
	if w.Code < 300 {
		if err := openapi3filter.ValidateRequest(o.t.Context(), in); err != nil {
			o.t.Errorf("%s was taken, but is wrong by the document: %v", a.what, err)
		}
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: w.Code, Header: w.Header(), Options: in.Options, Body: io.NopCloser(bytes.NewReader(w.Body.Bytes()))}
	if err := openapi3filter.ValidateResponse(o.t.Context(), out); err != nil {
		o.t.Errorf("%s: %d is wrong by the document: %v\n%s", a.what, w.Code, err, w.Body)
	}
	return w
}

// want sends a request and checks status and what the answer holds.
func (o *office) want(status int, holds string, a ask) *httptest.ResponseRecorder {
	o.t.Helper()
	w := o.do(a)
	if w.Code != status || !strings.Contains(w.Body.String(), holds) {
		o.t.Errorf("%s %s: %d %s, want %d and %q", a.what, a.body, w.Code, w.Body, status, holds)
	}
	return w
}

// state is a person's state on the list daily.
func (o *office) state(address string) string {
	o.t.Helper()
	_, key, _, err := audience.ParseAddress(address)
	must(o.t, err)
	p, err := o.store.Person(o.t.Context(), key)
	if errors.Is(err, audience.ErrNobody) {
		return "nobody"
	}
	must(o.t, err)
	for _, s := range p.Subscriptions {
		if s.List == "daily" {
			return strings.TrimSpace(string(s.State) + " " + p.Suppressed)
		}
	}
	return strings.TrimSpace("none " + p.Suppressed)
}

func TestDocumentIsValid(t *testing.T) {
	must(t, newOffice(t).doc.Validate(t.Context()))
}

// TestDocumentHasEveryRoute also asks for what the document has: it must be there.
func TestDocumentHasEveryRoute(t *testing.T) {
	o := newOffice(t)
	var described []string
	for path, item := range o.doc.Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" /api/v1"+path)
			r := httptest.NewRequestWithContext(t.Context(), method, "/api/v1"+strings.NewReplacer("{address}", "ines@example.org", "{id}", "7").Replace(path), nil)
			r.Header.Set("Authorization", "Bearer "+o.token)
			w := httptest.NewRecorder()
			o.handler.ServeHTTP(w, r)
			if w.Code == http.StatusMethodNotAllowed || strings.Contains(w.Body.String(), `"code":"path"`) {
				t.Errorf("%s %s is described and not there: %d %s", method, path, w.Code, w.Body)
			}
		}
	}
	routed := append(api.Operations(), "GET /api/v1/openapi.json")
	slices.Sort(routed)
	slices.Sort(described)
	if !slices.Equal(routed, described) {
		t.Errorf("routes\n%s\ndocument\n%s", strings.Join(routed, "\n"), strings.Join(described, "\n"))
	}
}

// TestEveryOperation does each operation as it is meant and as it is not, on each
// engine.
func TestEveryOperation(t *testing.T) { each(t, everyOperation) }

func everyOperation(t *testing.T, o *office) {
	const csv = "email,name,plan\nada@example.org,Ada,paid\nbo@example.org,Bo,\nnot an address,X,\n"
	for _, c := range []struct {
		status int
		holds  string
		ask
	}{
		{201, `"consent":"API, shop: Till at Quay 1, 2 March"`, ask{what: "POST /subscribers", body: `{"address":"ines@example.org","name":"Ines Okafor","list":"daily","consent":"Till at Quay 1, 2 March","ip":"192.0.2.7","attributes":{"plan":"paid"},"tags":["press"]}`}},
		{200, `"tags":["press","early"]`, ask{what: "POST /subscribers", body: `{"address":"INES@example.org","list":"shared","consent":"again","tags":["early","press"]}`}},
		{201, `"state":"pending"`, ask{what: "POST /subscribers", body: `{"address":"kai@example.org","list":"daily","state":"pending","consent":"a card"}`}},
		{202, `is asked`, ask{what: "POST /subscribers", body: `{"address":"noor@example.org","confirm":true,"newsletter":"harbour","name":"Noor","timezone":"Europe/Lisbon"}`}},
		{400, `"field":"consent"`, ask{what: "POST /subscribers", body: `{"address":"x@example.org","list":"daily"}`}},
		{400, `"field":"list"`, ask{what: "POST /subscribers", body: `{"address":"x@example.org","list":"dayly","consent":"c"}`}},
		{400, `"field":"address"`, ask{what: "POST /subscribers", body: `{"address":"x","list":"daily","consent":"c"}`}},
		{400, `"field":"name"`, ask{what: "POST /subscribers", body: `{"address":"x@example.org","name":"a\nb","list":"daily","consent":"c"}`}},
		{400, `"field":"tags.1"`, ask{what: "POST /subscribers", body: `{"address":"x@example.org","tags":["a","b\u0000"],"list":"daily","consent":"c"}`}},
		{400, `"field":"state"`, ask{what: "POST /subscribers", body: `{"address":"x@example.org","state":"unsubscribed","list":"daily","consent":"c"}`}},
		{400, `"field":"ip"`, ask{what: "POST /subscribers", body: `{"address":"x@example.org","ip":"here","list":"daily","consent":"c"}`}},
		{400, `"field":"newsletter"`, ask{what: "POST /subscribers", body: `{"address":"x@example.org","confirm":true}`}},
		{400, `unknown field`, ask{what: "POST /subscribers", body: `{"adress":"x@example.org"}`}},
		{400, `not the JSON`, ask{what: "POST /subscribers", body: `{"address":"x@example.org"} {}`}},
		{400, `not the JSON`, ask{what: "POST /subscribers", body: `null`}},
		{400, `"field":"tags"`, ask{what: "POST /subscribers", body: `{"address":"x@example.org","tags":"a"}`}},
		{415, `"type"`, ask{what: "POST /subscribers", body: `address=x`, kind: "application/x-www-form-urlencoded"}},
		{413, `"too_long"`, ask{what: "POST /subscribers", body: `{"name":"` + strings.Repeat("a", 65<<10) + `"}`}},

		{200, `"name":"Ines Okafor"`, ask{what: "GET /subscribers/{address} ines@example.org"}},
		{404, `"subscriber"`, ask{what: "GET /subscribers/{address} nobody@example.org"}},
		{400, `"field":"address"`, ask{what: "GET /subscribers/{address} nobody"}},
		{400, `"field":"fields"`, ask{what: "GET /subscribers/{address} ines@example.org ?fields=all"}},

		{200, `"plan":"free"`, ask{what: "PATCH /subscribers/{address} ines@example.org", body: `{"attributes":{"plan":"free","berth":"4"}}`}},
		{200, `"attributes":{"plan":"free"},"tags":["late"]`, ask{what: "PATCH /subscribers/{address} ines@example.org", body: `{"name":"Ines","attributes":{"berth":null},"tags":["late","late"]}`, kind: "application/merge-patch+json"}},
		{404, `"subscriber"`, ask{what: "PATCH /subscribers/{address} nobody@example.org", body: `{}`}},
		{400, `"field":"attributes.town"`, ask{what: "PATCH /subscribers/{address} ines@example.org", body: `{"attributes":{"town":"a\nb"}}`}},

		{200, `"attributes":{"age":"30","member":"yes","plan":"free","rank":"Master"}`, ask{what: "PATCH /subscribers/{address} ines@example.org", body: `{"attributes":{"age":"030.0","member":"True","rank":"MASTER"}}`}},
		{400, `"field":"attributes.rank"`, ask{what: "PATCH /subscribers/{address} ines@example.org", body: `{"attributes":{"rank":"cook"}}`}},
		{400, `is no number: write it like 30`, ask{what: "POST /subscribers", body: `{"address":"x@example.org","list":"daily","consent":"c","attributes":{"age":"old"}}`}},
		{400, `"field":"attributes.age"`, ask{what: "POST /subscribers", body: `{"address":"x@example.org","confirm":true,"newsletter":"harbour","attributes":{"age":"old"}}`}},
		{200, `"address":"ines@example.org"`, ask{what: "GET /subscribers ?where=" + url.QueryEscape(`age >= 18 and rank = "Master" and member = "yes"`)}},
		{400, `"field":"where","position":{"from":6,"to":11,"hint":"for instance age`, ask{what: "GET /subscribers ?where=" + url.QueryEscape(`age = "old"`)}},
		{400, `there is no attribute \"plann\""`, ask{what: "GET /subscribers ?where=" + url.QueryEscape(`list "daily" and plann is set`)}},
		{400, `"position":{"from":17,"to":22,"hint":"did you mean plan?"}`, ask{what: "GET /subscribers ?where=" + url.QueryEscape(`list "daily" and plann is set`)}},
		{400, `"position":{"from":5,"to":12,"hint":"did you mean daily?"}`, ask{what: "POST /segments/count", body: `{"where":"list \"dayly\""}`}},
		{400, `"position":{"from":5,"to":13,"hint":"did you mean harbour?"}`, ask{what: "POST /segments/count", body: `{"where":"left \"harbor\" "}`}},
		{200, `"count":0`, ask{what: "POST /segments/count", body: `{"where":"list \"spare\" or tag \"nobody has it\""}`}},

		{200, `"address":"ines@example.org"`, ask{what: "GET /subscribers ?list=daily&state=active&tag=late&where=" + url.QueryEscape(`plan = "free"`)}},
		{200, `{"data":[]}`, ask{what: "GET /subscribers ?tag=nobody"}},
		{400, `"position":{"from":7,`, ask{what: "GET /subscribers ?where=" + url.QueryEscape(`plan = `)}},
		{400, `"field":"state"`, ask{what: "GET /subscribers ?state=gone"}},
		{400, `"field":"limit"`, ask{what: "GET /subscribers ?limit=201"}},
		{400, `"field":"cursor"`, ask{what: "GET /subscribers ?cursor=abc"}},
		{400, `more than once`, ask{what: "GET /subscribers ?list=a&list=b"}},

		{200, `"how":"API, shop: Till at Quay 1, 2 March"`, ask{what: "GET /subscribers/{address}/history ines@example.org"}},
		{404, `"subscriber"`, ask{what: "GET /subscribers/{address}/history nobody@example.org"}},

		{200, `{"list":"daily","newsletters":["harbour"],"active":1,"pending":2,`, ask{what: "GET /lists"}},
		{400, `"field":"x"`, ask{what: "GET /lists ?x=1"}},
		{200, `"id":"regulars"`, ask{what: "GET /segments"}},
		{400, `"field":"x"`, ask{what: "GET /segments ?x=1"}},
		{200, `"count":1`, ask{what: "POST /segments/count", body: `{"where":"plan = \"free\"","list":"daily"}`}},
		{400, `"expression"`, ask{what: "POST /segments/count", body: `{"where":"plan = = 3"}`}},
		{400, `"expression"`, ask{what: "POST /segments/count", body: `{"where":""}`}},
		{400, `"field":"list"`, ask{what: "POST /segments/count", body: `{"where":"plan is set","list":"dayly"}`}},

		{200, `"state":"dry_run"`, ask{what: "POST /imports ?list=daily&dry_run=true&name=people.csv", body: csv, kind: "text/csv"}},
		{201, `"new":2,"updated":0,"unchanged":0,"kept_out":0,"rejected":1`, ask{what: "POST /imports ?list=daily&name=people.csv", body: csv, kind: "text/csv; charset=utf-8"}},
		{201, `"new":1`, ask{what: "POST /imports ?list=daily&state=pending", body: `{"email":"cy@example.org","name":"Cy"}` + "\n", kind: "application/jsonl"}},
		{422, `"file"`, ask{what: "POST /imports ?list=daily", body: "name,town\nAda,Averne\n", kind: "text/csv"}},
		{400, `"field":"list"`, ask{what: "POST /imports ?list=dayly", body: csv, kind: "text/csv"}},
		{400, `"field":"format"`, ask{what: "POST /imports ?list=daily&format=doc", body: csv, kind: "text/csv"}},
		{400, `"field":"name"`, ask{what: "POST /imports ?list=daily&name=../people.csv", body: csv, kind: "text/csv"}},
		{415, `"type"`, ask{what: "POST /imports ?list=daily", body: csv, kind: "text/plain"}},
		{200, `"file":"people.csv"`, ask{what: "GET /imports"}},
		{400, `"field":"cursor"`, ask{what: "GET /imports ?cursor=AAAAAAAAAAAAAAAAAAAAAA"}},
		{200, `"reason":`, ask{what: "GET /imports/{id} 1"}},
		{404, `"import"`, ask{what: "GET /imports/{id} 99"}},
		{200, `"removed":2`, ask{what: "POST /imports/{id}/undo 1"}},
		{409, `"undone"`, ask{what: "POST /imports/{id}/undo 1"}},
		{404, `"import"`, ask{what: "POST /imports/{id}/undo 99"}},

		{200, `"left":["harbour"]`, ask{what: "POST /subscribers/{address}/unsubscribe ines@example.org", body: `{"newsletter":"harbour"}`}},
		{200, `"list":"shared","state":"unsubscribed"`, ask{what: "POST /subscribers/{address}/unsubscribe ines@example.org", body: `{"list":"shared"}`}},
		{200, `"left":["harbour","market"]`, ask{what: "POST /subscribers/{address}/unsubscribe kai@example.org"}},
		{404, `"subscriber"`, ask{what: "POST /subscribers/{address}/unsubscribe nobody@example.org"}},
		{400, `"field":"newsletter"`, ask{what: "POST /subscribers/{address}/unsubscribe ines@example.org", body: `{"newsletter":"harbor"}`}},
		{400, `not both`, ask{what: "POST /subscribers/{address}/unsubscribe ines@example.org", body: `{"newsletter":"harbour","list":"daily"}`}},
		{200, `"suppressed":"complaint"`, ask{what: "POST /subscribers/{address}/suppress never@example.org", body: `{"reason":"complaint","note":"by letter"}`}},
		{200, `"suppressed":"by-hand"`, ask{what: "POST /subscribers/{address}/suppress cy@example.org"}},
		{400, `"field":"reason"`, ask{what: "POST /subscribers/{address}/suppress ines@example.org", body: `{"reason":"because"}`}},

		{200, `"edition":"e1e1e1e1e1e1e1e1"`, ask{what: "GET /editions ?newsletter=harbour&limit=3"}},
		{400, `"field":"newsletter"`, ask{what: "GET /editions ?newsletter=harbor"}},
		{200, `"edition":"e1e1e1e1e1e1e1e1"`, ask{what: "GET /editions/{id} e1e1e1e1e1e1e1e1"}},
		{404, `"edition"`, ask{what: "GET /editions/{id} e1e1"}},

		{204, ``, ask{what: "DELETE /subscribers/{address} ines@example.org"}},
		{404, `"subscriber"`, ask{what: "DELETE /subscribers/{address} ines@example.org"}},
		{200, `"openapi": "3.1.0"`, ask{what: "GET /openapi.json"}},
	} {
		o.want(c.status, c.holds, c.ask)
	}
	for path, item := range o.doc.Paths.Map() {
		for method, op := range item.Operations() {
			good := slices.ContainsFunc(o.seen[op.OperationID], func(s int) bool { return s < 300 })
			bad := slices.ContainsFunc(o.seen[op.OperationID], func(s int) bool { return s >= 400 && s < 500 })
			if !good || !bad && path != "/openapi.json" {
				t.Errorf("%s %s was not tried both ways: %v", method, path, o.seen[op.OperationID])
			}
		}
	}
}
