package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"lede/audience"
	"lede/compose"
	"lede/newsroom"
	"lede/source"
	"lede/store"
	"lede/web"
)

// site is a site on a real store with three readers: 1 gets both newsletters,
// 2 gets harbour alone, 3 gets nothing any more.
type site struct {
	*web.Site
	store *store.Store
	url   string
	clock time.Time
	log   *bytes.Buffer
}

var newsletters = []web.Newsletter{
	{
		ID: "harbour", Name: "The Harbour Letter", Line: "Port Averne, weekdays at half past six",
		PostalAddress: "14 Chandler Row, Port Averne", Privacy: "https://example.org/privacy", Imprint: "https://example.org/imprint",
		Lists: []string{"harbour", "town"},
	},
	{ID: "tide", Name: "The Tide Table", PostalAddress: "14 Chandler Row, Port Averne", Lists: []string{"tide", "town"}},
}

func newSite(t *testing.T) *site {
	t.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, filepath.Join(t.TempDir(), "lede.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	keys, err := st.Keyring(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{store: st, clock: time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC), log: &bytes.Buffer{}}
	for _, p := range []struct{ name, lists string }{{"odile", "harbour tide"}, {"ada", "harbour town"}, {"rook", ""}} {
		row := audience.Row{Address: p.name + "@northpost.example", Key: p.name + "@northpost.example", Domain: "northpost.example"}
		for _, list := range strings.Fields(p.lists + " harbour")[:max(1, len(strings.Fields(p.lists)))] {
			if _, err := st.Add(ctx, list, row, "test", false, s.clock); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := st.LeaveAll(ctx, 3, []string{"harbour", "tide"}, "by hand", s.clock); err != nil {
		t.Fatal(err)
	}
	s.Site = &web.Site{
		BaseURL: "https://news.example.org", Newsletters: newsletters, People: st, Editions: st, Archive: st, Pictures: st, Keys: keys,
		Ready: func(context.Context) error { return nil },
		Now:   func() time.Time { s.clock = s.clock.Add(time.Second); return s.clock },
		Log:   slog.New(slog.NewTextHandler(s.log, nil)),
	}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *site) person(t *testing.T, id int64) audience.Person {
	t.Helper()
	p, err := s.store.PersonByID(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// token signs a link of a person.
func (s *site) token(t *testing.T, id int64, purpose audience.Purpose) string {
	t.Helper()
	return s.Keys.Sign(audience.Token{Purpose: purpose, Newsletter: "harbour", Subscriber: id, Salt: s.person(t, id).Salt, Edition: "ed1"})
}

func (s *site) do(t *testing.T, method, path, kind, body string) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(text)
}

func (s *site) form(t *testing.T, path, body string) (int, string) {
	t.Helper()
	status, _, text := s.do(t, "POST", path, "application/x-www-form-urlencoded", body)
	return status, text
}

// state is what leaving and coming back change, for comparing.
func (s *site) state(t *testing.T, id int64) string {
	p := s.person(t, id)
	var parts []string
	for _, sub := range p.Subscriptions {
		parts = append(parts, sub.List+" "+string(sub.State))
	}
	return strings.Join(parts, ", ") + "; out of " + strings.Join(p.OptedOut, " ")
}

func contains(t *testing.T, page string, wants ...string) {
	t.Helper()
	flat := strings.Join(strings.Fields(page), " ")
	for _, want := range wants {
		if !strings.Contains(flat, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}

func TestLeaveAndComeBack(t *testing.T) {
	s := newSite(t)
	path := "/u/" + s.token(t, 1, audience.PurposeUnsubscribe)
	before := s.state(t, 1)

	status, header, page := s.do(t, "GET", path, "", "")
	if status != 200 {
		t.Fatalf("GET: %d", status)
	}
	contains(t, page, "<h1 id=\"leave\">Leave The Harbour Letter?</h1>", "o•••••@n•••••.example", "beginning with o, at a domain beginning with n",
		"You will get no more of it from the moment you press the button.", "Only The Harbour Letter", "You keep The Tide Table.",
		"All our newsletters", "We write to you again only if you sign up anew.", "Unsubscribe", "You can undo this on the next page.",
		"The Harbour Letter, 14 Chandler Row, Port Averne", `href="https://example.org/privacy"`)
	if strings.Contains(page, "odile") || strings.Contains(page, "<script") {
		t.Error("the page tells the address, or has a script")
	}
	for name, want := range map[string]string{
		"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"X-Robots-Tag": "noindex, nofollow", "Cache-Control": "no-store",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if csp := header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "script-src") {
		t.Errorf("policy: %s", csp)
	}

	status, page = s.form(t, path, "scope=one")
	if status != 200 {
		t.Fatalf("POST: %d", status)
	}
	contains(t, page, "You have left The Harbour Letter", "No more of it comes to", "We send no mail to confirm this.",
		"You still get The Tide Table.", "Undo: send me The Harbour Letter")
	if got, want := s.state(t, 1), "harbour unsubscribed, tide active; out of harbour"; got != want {
		t.Errorf("after leaving: %s, want %s", got, want)
	}
	status, page = s.form(t, path+"/undo", undoBody(t, page))
	if status != 200 {
		t.Fatalf("undo: %d", status)
	}
	contains(t, page, "You are back", "The Harbour Letter comes to")
	if got := s.state(t, 1); got != before {
		t.Errorf("after undo: %s, want %s", got, before)
	}
}

var atField = regexp.MustCompile(`name="at" value="(\d+)"`)

func undoBody(t *testing.T, page string) string {
	t.Helper()
	m := atField.FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no time for the undo in %s", page)
	}
	return "at=" + m[1]
}

func TestLeaveAll(t *testing.T) {
	s := newSite(t)
	path := "/u/" + s.token(t, 1, audience.PurposeUnsubscribe)
	before := s.state(t, 1)
	_, page := s.form(t, path, "scope=all")
	if got, want := s.state(t, 1), "harbour unsubscribed, tide unsubscribed; out of harbour tide"; got != want {
		t.Errorf("after leaving all: %s, want %s", got, want)
	}
	if strings.Contains(page, "You still get") {
		t.Error("the page says that other letters still come")
	}
	s.form(t, path+"/undo", undoBody(t, page))
	if got := s.state(t, 1); got != before {
		t.Errorf("after undo: %s, want %s", got, before)
	}
}

func TestSharedListStays(t *testing.T) {
	s := newSite(t)
	s.form(t, "/u/"+s.token(t, 2, audience.PurposeUnsubscribe), "scope=one")
	if got, want := s.state(t, 2), "harbour unsubscribed, town active; out of harbour"; got != want {
		t.Errorf("%s, want %s: town is the tide table's list too", got, want)
	}
}

// A reader who presses the mail program's button by mistake finds the way back
// behind the link in the letter.
func TestComeBackAfterOneClick(t *testing.T) {
	s := newSite(t)
	path := "/u/" + s.token(t, 1, audience.PurposeUnsubscribe)
	before := s.state(t, 1)
	s.form(t, path, "List-Unsubscribe=One-Click")
	_, _, page := s.do(t, "GET", path, "", "")
	contains(t, page, "You have left The Harbour Letter", "Undo: send me The Harbour Letter")
	_, page = s.form(t, path+"/undo", "")
	contains(t, page, "You are back")
	if got := s.state(t, 1); got != before {
		t.Errorf("%s, want %s", got, before)
	}
	if _, page = s.form(t, path+"/undo", ""); !strings.Contains(page, "You are back") || s.state(t, 1) != before {
		t.Error("pressing undo twice is not the same as once")
	}
	for _, at := range []string{"at=17", "at=" + fmt.Sprint(s.clock.UnixMicro()), "at=x", "at=-9223372036854775808"} {
		if s.form(t, path+"/undo", at); s.state(t, 1) != before {
			t.Errorf("an undo of nothing (%s) changed the person: %s", at, s.state(t, 1))
		}
	}
}

func multipartBody(fields ...string) (kind, body string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		w.WriteField(fields[i], fields[i+1])
	}
	w.Close()
	return w.FormDataContentType(), b.String()
}

func TestOneClick(t *testing.T) {
	const urlencoded = "application/x-www-form-urlencoded"
	multi, multiBody := multipartBody("List-Unsubscribe", "One-Click")
	multiMore, multiMoreBody := multipartBody("a", "b", "List-Unsubscribe", "One-Click", "c", "d")
	multiOther, multiOtherBody := multipartBody("List-Unsubscribe", "Two-Click")
	huge, hugeBody := multipartBody("x", strings.Repeat("x", 70<<10), "List-Unsubscribe", "One-Click")
	for _, c := range []struct {
		name, kind, body string
		status           int
		leaves           bool
	}{
		{"urlencoded", urlencoded, "List-Unsubscribe=One-Click", 200, true},
		{"with a charset", urlencoded + "; charset=UTF-8", "List-Unsubscribe=One-Click", 200, true},
		{"with a line end", urlencoded, "List-Unsubscribe=One-Click\r\n", 200, true},
		{"others before", urlencoded, "a=b&List-Unsubscribe=One-Click", 200, true},
		{"others after", urlencoded, "List-Unsubscribe=One-Click&a=b", 200, true},
		{"multipart", multi, multiBody, 200, true},
		{"multipart among others", multiMore, multiMoreBody, 200, true},
		{"empty", urlencoded, "", 400, false},
		{"no type", "", "List-Unsubscribe=One-Click", 400, false},
		{"text", "text/plain", "List-Unsubscribe=One-Click", 400, false},
		{"JSON", "application/json", `{"List-Unsubscribe":"One-Click"}`, 400, false},
		{"other value", urlencoded, "List-Unsubscribe=Two-Click", 400, false},
		{"other multipart value", multiOther, multiOtherBody, 400, false},
		{"other name", urlencoded, "List-unsubscribe=One-Click", 400, false},
		{"broken escape", urlencoded, "List-Unsubscribe=One-Click&%zz=1", 400, false},
		{"broken multipart", "multipart/form-data", multiBody, 400, false},
		{"unknown scope", urlencoded, "scope=everything", 400, false},
		{"two scopes", urlencoded, "scope=one&scope=all", 400, false},
		{"large", urlencoded, strings.Repeat("a", 70<<10), 413, false},
		{"large multipart", huge, hugeBody, 413, false},
		{"many keys", urlencoded, strings.Repeat("a=&", 1<<18), 413, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			before := s.state(t, 1)
			path := "/u/" + s.token(t, 1, audience.PurposeUnsubscribe)
			for range 2 { // twice is the same
				status, header, text := s.do(t, "POST", path, c.kind, c.body)
				if status != c.status {
					t.Errorf("status %d, want %d: %s", status, c.status, text)
				}
				if c.leaves && (text != "Unsubscribed\n" || header.Get("Set-Cookie") != "" || header.Get("Location") != "") {
					t.Errorf("answer %q with %v", text, header)
				}
			}
			want := before
			if c.leaves {
				want = "harbour unsubscribed, tide active; out of harbour"
			}
			if got := s.state(t, 1); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
	t.Run("in the address only", func(t *testing.T) {
		s := newSite(t)
		before := s.state(t, 1)
		path := "/u/" + s.token(t, 1, audience.PurposeUnsubscribe) + "?List-Unsubscribe=One-Click&scope=one"
		if status, _ := s.form(t, path, ""); status != 400 || s.state(t, 1) != before {
			t.Errorf("status %d, %s", status, s.state(t, 1))
		}
	})
	t.Run("HTTP/1.0", func(t *testing.T) {
		s := newSite(t)
		c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "POST /u/%s HTTP/1.0\r\nContent-Type: %s\r\nContent-Length: 26\r\n\r\nList-Unsubscribe=One-Click", s.token(t, 1, 'u'), urlencoded)
		answer, _ := io.ReadAll(c)
		if !strings.HasPrefix(string(answer), "HTTP/1.0 200") || !slices.Contains(s.person(t, 1).OptedOut, "harbour") {
			t.Errorf("answer: %s", answer)
		}
	})
}

func TestGETAndHEADChangeNothing(t *testing.T) {
	s := newSite(t)
	token := s.token(t, 1, audience.PurposeUnsubscribe)
	before := s.person(t, 1)
	for _, path := range []string{"/u/" + token, "/u/" + token + "/undo", "/u/" + token + "?scope=one", "/e/" + token, "/p/" + token, "/", "/u/", "/e/", "/healthz", "/readyz"} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE"} {
			s.do(t, method, path, "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click")
		}
	}
	if after := s.person(t, 1); !reflect.DeepEqual(before, after) {
		t.Errorf("changed from %+v to %+v", before, after)
	}
}

func TestBrokenLinks(t *testing.T) {
	s := newSite(t)
	good := s.token(t, 1, audience.PurposeUnsubscribe)
	sign := func(token audience.Token) string { return s.Keys.Sign(token) }
	links := map[string]string{
		"cut":            good[:len(good)-3],
		"first letter":   "a",
		"one bit":        flip(good),
		"wrong salt":     sign(audience.Token{Purpose: 'u', Newsletter: "harbour", Subscriber: 1, Salt: s.person(t, 1).Salt + 1}),
		"gone person":    sign(audience.Token{Purpose: 'u', Newsletter: "harbour", Subscriber: 99, Salt: 5}),
		"other purpose":  sign(audience.Token{Purpose: 'c', Newsletter: "harbour", Subscriber: 1, Salt: s.person(t, 1).Salt}),
		"not a token":    "%3Cscript%3E",
		"long":           strings.Repeat("A", 4000),
		"other keyring":  (&audience.Keyring{Keys: map[uint32][]byte{1: []byte("0123456789abcdef0123456789abcdef")}, Current: 1}).Sign(audience.Token{Purpose: 'u', Newsletter: "harbour", Subscriber: 1, Salt: s.person(t, 1).Salt}),
		"negative sub":   sign(audience.Token{Purpose: 'u', Newsletter: "harbour", Subscriber: -1}),
		"with a newline": good[:10] + "%0a" + good[10:],
	}
	_, _, want := s.do(t, "GET", "/u/"+links["cut"], "", "")
	contains(t, want, "This link is not complete", "Mail programs sometimes cut long links in two. Go back to the mail and press the link itself, or copy all of it.")
	before := s.state(t, 1)
	for name, link := range links {
		t.Run(name, func(t *testing.T) {
			status, _, page := s.do(t, "GET", "/u/"+link, "", "")
			if status != 404 || page != want {
				t.Errorf("GET: %d, not the page of a broken link", status)
			}
			for _, path := range []string{"/u/" + link, "/u/" + link + "/undo"} {
				for _, body := range []string{"List-Unsubscribe=One-Click", "scope=all", "at=1"} {
					if status, _ := s.form(t, path, body); status != 404 && status != 400 {
						t.Errorf("POST %s: %d", body, status)
					}
				}
			}
		})
	}
	if got := s.state(t, 1); got != before {
		t.Errorf("a broken link changed the person: %s", got)
	}
}

// flip changes one bit of a token.
func flip(token string) string {
	b := []byte(token)
	if b[8] == 'A' {
		b[8] = 'B'
	} else {
		b[8] = 'A'
	}
	return string(b)
}

func TestProofsChangeNothing(t *testing.T) {
	s := newSite(t)
	before := s.person(t, 1)
	path := "/u/" + s.token(t, 1, audience.PurposeProof)
	const words = "This is a proof. The page works, and changes nothing."
	_, _, page := s.do(t, "GET", path, "", "")
	contains(t, page, words, "Leave The Harbour Letter?")
	if status, text := s.form(t, path, "List-Unsubscribe=One-Click"); status != 200 || text != "Unsubscribed\n" {
		t.Errorf("one-click: %d %s", status, text)
	}
	for _, scope := range []string{"scope=one", "scope=all"} {
		_, page = s.form(t, path, scope)
		contains(t, page, words, "You have left The Harbour Letter")
	}
	_, page = s.form(t, path+"/undo", undoBody(t, page))
	contains(t, page, words, "You are back")
	status, _, page := s.do(t, "GET", "/e/"+s.token(t, 1, audience.PurposeProof), "", "")
	if status != 200 {
		t.Errorf("/e/ of a proof: %d", status)
	}
	contains(t, page, "This is a proof", "The page works, and changes nothing.")
	if after := s.person(t, 1); !reflect.DeepEqual(before, after) {
		t.Errorf("a proof changed %+v to %+v", before, after)
	}
}

// failing is people behind a store that is down.
type failing struct{ web.People }

func (failing) PersonByID(context.Context, int64) (audience.Person, error) {
	return audience.Person{}, errors.New("disk is gone")
}

func TestOurFault(t *testing.T) {
	s := newSite(t)
	token := s.token(t, 1, audience.PurposeUnsubscribe)
	s.People = failing{}
	status, _, page := s.do(t, "GET", "/u/"+token, "", "")
	if status != 500 {
		t.Errorf("status %d", status)
	}
	contains(t, page, "This did not work, and it is our fault. Nothing was changed.")
	if status, text := s.form(t, "/u/"+token, "List-Unsubscribe=One-Click"); status != 500 || strings.Contains(text, "disk") {
		t.Errorf("one-click: %d %s", status, text)
	}
	if log := s.log.String(); !strings.Contains(log, "disk is gone") || strings.Contains(log, token) {
		t.Errorf("the log lacks the cause, or tells the token: %s", log)
	}
}

// editions is the store's with one edition in any state.
type editions struct {
	record newsroom.Record
	sums   newsroom.Sums
}

func (e *editions) Edition(_ context.Context, id string) (newsroom.Record, error) {
	if len(id) < 4 || !strings.HasPrefix(e.record.ID, id) {
		return newsroom.Record{}, newsroom.ErrNotFound
	}
	return e.record, nil
}

func (e *editions) Sums(context.Context, string) (newsroom.Sums, error) { return e.sums, nil }

func TestEdition(t *testing.T) {
	s := newSite(t)
	letter := &compose.Letter{Web: "<!doctype html><title>x</title><p>Eel traps</p>"}
	for _, c := range []struct {
		name   string
		state  newsroom.State
		sums   newsroom.Sums
		letter *compose.Letter
		id     string
		status int
	}{
		{"done", newsroom.Done, newsroom.Sums{}, letter, "0123456789abcdef", 200},
		{"sending", newsroom.Sending, newsroom.Sums{}, letter, "0123456789abcdef", 200},
		{"paused", newsroom.Paused, newsroom.Sums{}, letter, "0123456789abcdef", 200},
		{"only the start of its id", newsroom.Done, newsroom.Sums{}, letter, "01234567", 404},
		{"assembling", newsroom.Assembling, newsroom.Sums{}, nil, "0123456789abcdef", 404},
		{"waiting for approval", newsroom.Waiting, newsroom.Sums{}, letter, "0123456789abcdef", 404},
		{"skipped", newsroom.Skipped, newsroom.Sums{}, letter, "0123456789abcdef", 404},
		{"cancelled before the first mail", newsroom.Cancelled, newsroom.Sums{Skipped: 9}, letter, "0123456789abcdef", 404},
		{"cancelled after the first mail", newsroom.Cancelled, newsroom.Sums{Sent: 1, Skipped: 8}, letter, "0123456789abcdef", 200},
		{"unknown", newsroom.Done, newsroom.Sums{}, letter, "fedcba9876543210", 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.Editions = &editions{newsroom.Record{ID: "0123456789abcdef", State: c.state, Letter: c.letter}, c.sums}
			status, header, page := s.do(t, "GET", "/e/"+c.id, "", "")
			if status != c.status {
				t.Fatalf("status %d, want %d", status, c.status)
			}
			if status != 200 {
				if strings.Contains(page, "Eel traps") {
					t.Error("the letter is shown")
				}
				return
			}
			csp := header.Get("Content-Security-Policy")
			if page != letter.Web || !strings.Contains(csp, "sandbox allow-popups") || strings.Contains(csp, "allow-scripts") ||
				!strings.Contains(csp, "img-src 'self' data: https://news.example.org;") {
				t.Errorf("policy %s, page %s", csp, page)
			}
		})
	}
}

func TestPicture(t *testing.T) {
	s := newSite(t)
	name := "0123456789abcdef0123456789abcdef.png"
	if err := s.store.SavePicture(context.Background(), source.Picture{Name: name, Type: "image/png", Width: 1, Height: 1, Data: []byte("pixels")}); err != nil {
		t.Fatal(err)
	}
	status, header, body := s.do(t, "GET", "/p/"+name, "", "")
	if status != 200 || body != "pixels" || header.Get("Content-Type") != "image/png" || !strings.Contains(header.Get("Cache-Control"), "immutable") ||
		header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %v %q", status, header, body)
	}
	r, _ := http.NewRequest("GET", s.url+"/p/"+name, nil)
	r.Header.Set("If-None-Match", header.Get("ETag"))
	if res, err := http.DefaultClient.Do(r); err != nil || res.StatusCode != http.StatusNotModified {
		t.Errorf("a known picture is sent again: %v", err)
	}
	for _, bad := range []string{"x.png", name + "x", "..%2flede.db", strings.ToUpper(name), strings.Repeat("0", 32) + ".svg", strings.Repeat("0", 32) + ".jpg"} {
		if status, _, _ := s.do(t, "GET", "/p/"+bad, "", ""); status != 404 {
			t.Errorf("/p/%s: %d", bad, status)
		}
	}
}

func TestSmallPages(t *testing.T) {
	s := newSite(t)
	status, _, page := s.do(t, "GET", "/", "", "")
	if status != 200 {
		t.Errorf("/: %d", status)
	}
	contains(t, page, "The Harbour Letter", "The Tide Table")
	nonce := strings.Repeat("0a", 16)
	if _, _, answer := s.do(t, "GET", "/instance/"+nonce, "", ""); strings.TrimSpace(answer) != s.Keys.Answer(nonce) {
		t.Errorf("/instance: %s", answer)
	}
	for _, bad := range []string{"a", strings.Repeat("A", 32), strings.Repeat("0", 33)} {
		if status, _, _ := s.do(t, "GET", "/instance/"+bad, "", ""); status != 404 {
			t.Errorf("/instance/%s: %d", bad, status)
		}
	}
	if status, _, _ := s.do(t, "GET", "/healthz", "", ""); status != 200 {
		t.Errorf("/healthz: %d", status)
	}
	s.Ready = func(context.Context) error { return errors.New("password of the database") }
	if status, _, text := s.do(t, "GET", "/readyz", "", ""); status != 503 || strings.Contains(text, "password") {
		t.Errorf("/readyz: %d %s", status, text)
	}
	if status, _, _ := s.do(t, "GET", "/nowhere", "", ""); status != 404 {
		t.Errorf("/nowhere: %d", status)
	}
}

// A client that never ends its header is cut off.
func TestServerCutsSlowHeaders(t *testing.T) {
	server := web.NewServer("127.0.0.1:0", http.NotFoundHandler())
	if server.ReadHeaderTimeout <= 0 || server.ReadTimeout <= 0 || server.WriteTimeout <= 0 || server.IdleTimeout <= 0 || server.MaxHeaderBytes > 64<<10 {
		t.Errorf("a limit is missing: %+v", server)
	}
	server.ReadHeaderTimeout = 50 * time.Millisecond
	ln, err := net.Listen("tcp", server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(ln)
	defer server.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.ReadAll(c); err != nil {
		t.Errorf("the connection is still open: %v", err)
	}
}

func FuzzOneClickBody(f *testing.F) {
	f.Add("application/x-www-form-urlencoded", "List-Unsubscribe=One-Click")
	kind, body := multipartBody("List-Unsubscribe", "One-Click")
	f.Add(kind, body)
	f.Add("multipart/form-data; boundary=x", "--x\r\n\r\n--x--")
	f.Add("application/x-www-form-urlencoded", "scope=all")
	keys := &audience.Keyring{Keys: map[uint32][]byte{1: []byte("0123456789abcdef0123456789abcdef")}, Current: 1}
	token := keys.Sign(audience.Token{Purpose: audience.PurposeProof, Newsletter: "harbour"})
	handler := (&web.Site{Newsletters: newsletters, Keys: keys, Now: time.Now, Log: slog.New(slog.DiscardHandler)}).Handler()
	f.Fuzz(func(t *testing.T, kind, body string) {
		r := httptest.NewRequest("POST", "/u/"+token, strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		said := w.Code == 200
		meant := strings.Contains(body, "One-Click") || strings.Contains(body, "one") || strings.Contains(body, "all") || strings.Contains(body, "%")
		if said && !meant {
			t.Errorf("%q as %q was taken for an unsubscribe", body, kind)
		}
	})
}
