package web_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lede/audience"
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

func newSite(t testing.TB) *site {
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

func (s *site) person(t testing.TB, id int64) audience.Person {
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
	return stateOf(s.person(t, id))
}

func stateOf(p audience.Person) string {
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
