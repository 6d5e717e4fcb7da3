package api

import (
	"context"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"lede/audience"
	"lede/audience/segment"
)

// API is the HTTP API for programs, version 1; openapi.json describes it.
type API struct {
	Tokens   Tokens
	Answers  Answers
	People   People
	Lists    Lists
	Imports  Imports
	Counts   Segments
	Reports  Reports
	SignUp   func(ctx context.Context, newsletter string, s audience.SignUp) error // see newsroom.Room.SignUp
	BadInput error                                                                 // what SignUp's error is when the input is at fault

	Newsletters []Newsletter
	Segments    []Segment           // of the configuration
	Attributes  audience.Attributes // that are declared
	MoreLists   []string            // that are known though no newsletter goes to them
	Requests    int                 // that a token may make in a minute; 0: 600
	Now         func() time.Time
	Log         *slog.Logger
}

// Newsletter is what the API knows of a newsletter.
type Newsletter struct {
	ID    string
	Lists []string // that it goes to
	Own   []string // those of them that no other newsletter goes to
}

// Segment is a named condition.
type Segment struct {
	ID, Name string
	Where    *segment.Expression
}

// Bounds of requests, in bytes.
const (
	maxBody   = 64 << 10
	maxImport = 64 << 20
)

// filesAtOnce is how many files are imported at a time: each takes memory.
const filesAtOnce = 2

// requestsAMinute is how many requests a token may make unless told otherwise.
const requestsAMinute = 600

// prefix stands before every path; its number changes when a program that was
// written for an earlier one would fail.
const prefix = "/api/v1"

// route is an operation: what it wants and what does it.
type route struct {
	method, path string
	scope        string
	query        []string // the parameters that it takes
	file         bool     // its body is a file to import
	do           func(*call) (reply, error)
}

// routes are all operations of the document.
func routes() []route {
	person := prefix + "/subscribers/{address}"
	return []route{
		{method: "GET", path: prefix + "/subscribers", scope: ScopeSubscribersRead, query: []string{"list", "state", "tag", "where", "cursor", "limit"}, do: listSubscribers},
		{method: "POST", path: prefix + "/subscribers", scope: ScopeSubscribersWrite, do: putSubscriber},
		{method: "GET", path: person, scope: ScopeSubscribersRead, do: getSubscriber},
		{method: "PATCH", path: person, scope: ScopeSubscribersWrite, do: changeSubscriber},
		{method: "DELETE", path: person, scope: ScopeSubscribersErase, do: eraseSubscriber},
		{method: "POST", path: person + "/unsubscribe", scope: ScopeSubscribersWrite, do: unsubscribe},
		{method: "POST", path: person + "/suppress", scope: ScopeSubscribersWrite, do: suppress},
		{method: "GET", path: person + "/history", scope: ScopeSubscribersRead, do: historyOf},
		{method: "GET", path: prefix + "/lists", scope: ScopeListsRead, do: listLists},
		{method: "GET", path: prefix + "/segments", scope: ScopeSegmentsRead, do: listSegments},
		{method: "POST", path: prefix + "/segments/count", scope: ScopeSegmentsRead, do: countSegment},
		{method: "GET", path: prefix + "/imports", scope: ScopeImportsRead, query: []string{"cursor", "limit"}, do: listImports},
		{method: "POST", path: prefix + "/imports", scope: ScopeImportsWrite, query: []string{"list", "dry_run", "format", "state", "name"}, file: true, do: makeImport},
		{method: "GET", path: prefix + "/imports/{id}", scope: ScopeImportsRead, do: getImport},
		{method: "POST", path: prefix + "/imports/{id}/undo", scope: ScopeImportsWrite, do: undoImport},
		{method: "GET", path: prefix + "/editions", scope: ScopeEditionsRead, query: []string{"newsletter", "limit"}, do: listEditions},
		{method: "GET", path: prefix + "/editions/{id}", scope: ScopeEditionsRead, do: getEdition},
	}
}

// Handler serves all below /api/v1/. While there is no valid token it answers
// as if there was nothing.
func (a *API) Handler() http.Handler {
	limits := &limits{most: a.Requests, spent: map[int64]int{}, files: make(chan struct{}, filesAtOnce)}
	counted := new(countedLists)
	if limits.most <= 0 {
		limits.most = requestsAMinute
	}
	methods := map[string]map[string]route{}
	for _, r := range routes() {
		if methods[r.path] == nil {
			methods[r.path] = map[string]route{}
		}
		methods[r.path][r.method] = r
	}
	mux := http.NewServeMux()
	for path, of := range methods {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, of, limits, counted) })
	}
	mux.HandleFunc("GET "+prefix+"/openapi.json", a.document)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { a.write(w, nil, answerOf(reply{}, errNoSuchPath())) })
	return mux
}

// serve answers one request.
func (a *API) serve(w http.ResponseWriter, r *http.Request, of map[string]route, limits *limits, counted *countedLists) {
	c := &call{API: a, ctx: r.Context(), r: r, now: a.Now(), counted: counted}
	answer, err := a.attend(w, c, of, limits)
	if err != nil {
		answer = a.failed(c, err, w.Header())
	}
	c.close()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if r.Pattern != prefix+"/segments/count" { // all others of these methods change something
			counted.forget()
		}
		a.Log.Info("api", "method", r.Method, "path", r.Pattern, "status", answer.Status, "token", c.token.Name)
	}
	a.write(w, r, answer)
}

// attend checks a request and does it.
func (a *API) attend(w http.ResponseWriter, c *call, of map[string]route, limits *limits) (Answer, error) {
	if err := a.authenticate(c); err != nil {
		return Answer{}, err
	}
	if err := limits.count(w.Header(), c.token.ID, c.now); err != nil {
		return Answer{}, err
	}
	method := c.r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	op, known := of[method]
	if !known {
		var allowed []string
		for m := range of {
			allowed = append(allowed, m)
		}
		slices.Sort(allowed)
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		return Answer{}, &problem{Status: http.StatusMethodNotAllowed, Code: "method", Detail: "this resource takes " + strings.Join(allowed, ", ")}
	}
	if !c.token.May(op.scope) {
		return Answer{}, &problem{
			Status: http.StatusForbidden, Code: "scope", Detail: "the token lacks the scope " + op.scope,
			challenge: `Bearer realm="lede", error="insufficient_scope", scope="` + op.scope + `"`,
		}
	}
	if err := c.readQuery(op.query); err != nil {
		return Answer{}, err
	}
	if op.file {
		select {
		case limits.files <- struct{}{}:
			defer func() { <-limits.files }()
		default:
			w.Header().Set("Retry-After", "10")
			return Answer{}, &problem{Status: http.StatusTooManyRequests, Code: "busy", Detail: "other files are being imported; try again"}
		}
	}
	if err := c.readBody(w, op.file); err != nil {
		return Answer{}, err
	}
	return a.once(c, op)
}

// authenticate finds the token of a request (RFC 6750, section 2.1).
func (a *API) authenticate(c *call) error {
	scheme, text, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	hash, err := HashToken(strings.TrimSpace(text))
	if err == nil && strings.EqualFold(scheme, "Bearer") {
		var kept string
		c.token, kept, err = a.Tokens.APIToken(c.ctx, hash)
		if err == nil && subtle.ConstantTimeCompare([]byte(hash), []byte(kept)) == 1 && c.token.Valid(c.now) {
			if c.token.Used.Before(c.now.Truncate(time.Hour)) {
				if err := a.Tokens.UsedAPIToken(c.ctx, c.token.ID, c.now); err != nil {
					a.Log.Warn("api", "err", err)
				}
			}
			return nil
		}
		if err != nil && !errors.Is(err, ErrNoToken) {
			return err
		}
	}
	c.token = Token{}
	open, err := a.Tokens.HasAPITokens(c.ctx, c.now)
	if err != nil {
		return err
	}
	if !open {
		return errNoSuchPath()
	}
	p := &problem{Status: http.StatusUnauthorized, Code: "token", Detail: "send a token: Authorization: Bearer lede_…", challenge: `Bearer realm="lede"`}
	if text != "" {
		p.Detail, p.challenge = "the token is not known, expired or revoked", `Bearer realm="lede", error="invalid_token"`
	}
	return p
}

// limits counts the requests of each token in the minute that runs, and the
// files that are being imported.
type limits struct {
	most  int
	files chan struct{}

	mu    sync.Mutex
	began time.Time
	spent map[int64]int // by token
}

// count counts a request and says in the header what is left
// (draft-ietf-httpapi-ratelimit-headers-10).
func (l *limits) count(head http.Header, token int64, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if passed := now.Sub(l.began); passed >= time.Minute || passed < 0 {
		l.began = now
		clear(l.spent)
	}
	wait := strconv.Itoa(max(1, int((l.began.Add(time.Minute).Sub(now)+time.Second-1)/time.Second)))
	head.Set("RateLimit-Policy", `"token";q=`+strconv.Itoa(l.most)+`;w=60`)
	if l.spent[token] >= l.most {
		head.Set("RateLimit", `"token";r=0;t=`+wait)
		head.Set("Retry-After", wait)
		return &problem{Status: http.StatusTooManyRequests, Code: "rate", Detail: "too many requests; go on in " + wait + " s"}
	}
	l.spent[token]++
	head.Set("RateLimit", `"token";r=`+strconv.Itoa(l.most-l.spent[token])+`;t=`+wait)
	return nil
}
