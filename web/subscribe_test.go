package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lede/audience"
	"lede/web"
)

// signUps takes sign-ups and keeps them. Its only token is "good" until it is
// too old; nobody else confirms anything.
type signUps struct {
	mu        sync.Mutex
	keys      *audience.Keyring
	asked     []audience.SignUp
	links     []string
	confirmed int
	over      bool
	fault     error
}

func (s *signUps) SignUp(_ context.Context, newsletter string, u audience.SignUp) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.Newsletter = newsletter
	s.asked = append(s.asked, u)
	return s.fault
}

func (s *signUps) find(token string) (audience.Asked, error) {
	t, err := s.keys.Open(token)
	switch {
	case err != nil || t.Purpose != audience.PurposeConfirm:
		return audience.Asked{}, audience.ErrToken
	case s.over:
		return audience.Asked{}, audience.ErrTokenOver
	}
	return audience.Asked{Newsletter: t.Newsletter, Address: "odile@northpost.example", Done: s.confirmed > 0}, nil
}

func (s *signUps) Asked(_ context.Context, token string) (audience.Asked, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(token)
}

func (s *signUps) Confirm(_ context.Context, token string, _ audience.Way) (audience.Asked, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked, err := s.find(token)
	if err == nil {
		s.confirmed++
	}
	return asked, err
}

func (s *signUps) SendLink(_ context.Context, address string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links = append(s.links, address)
	return s.fault
}

const shop = "https://shop.example"

// openSite is a site whose newsletter takes sign-ups.
func openSite(t *testing.T) (*site, *signUps) {
	t.Helper()
	s := newSite(t)
	fake := &signUps{keys: s.Keys}
	s.SignUps = fake
	s.Newsletters = slices.Clone(newsletters)
	s.Newsletters[0].SignUp = &web.SignUp{
		Title: "The harbour, before breakfast",
		Text:  "One story told at length and a handful told briefly, from Port Averne, every weekday at half past six. Free, and without tracking.",
		Good:  72 * time.Hour, Origins: []string{shop},
	}
	s.Newsletters[0].Next = func(now time.Time) time.Time { return now.Add(24 * time.Hour) }
	s.Now = func() time.Time { return s.clock }
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	s.url = server.URL
	return s, fake
}

var stampField = regexp.MustCompile(`name="stamp" value="([^"]+)"`)

// filled is a form as a person sends it: with the page's stamp, a while later.
func (s *site) filled(t *testing.T, fields ...string) url.Values {
	t.Helper()
	_, _, page := s.do(t, "GET", "/subscribe/harbour", "", "")
	form := url.Values{"stamp": {stampOf(t, page)}, "website": {""}}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	s.clock = s.clock.Add(20 * time.Second)
	return form
}

func stampOf(t *testing.T, page string) string {
	t.Helper()
	m := stampField.FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no stamp in %s", page)
	}
	return m[1]
}

// send posts with headers of its own.
func (s *site) send(t *testing.T, method, path, kind, body string, headers ...string) (int, http.Header, string) {
	t.Helper()
	r := httptest.NewRequest(method, s.url+path, strings.NewReader(body))
	r.RequestURI = ""
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
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

func TestSubscribe(t *testing.T) {
	s, fake := openSite(t)
	status, header, page := s.do(t, "GET", "/subscribe/harbour", "", "")
	if status != 200 {
		t.Fatalf("GET: %d", status)
	}
	contains(t, page, "<h1>The harbour, before breakfast</h1>", "Your mail address", "(if you like)",
		"We send one mail to ask if it is really you. We use your address for this letter only; leave with one press in any of them.")
	if strings.Contains(page, "<script") || !strings.Contains(header.Get("Content-Security-Policy"), "form-action 'self'") || header.Get("Cache-Control") != "no-store" {
		t.Errorf("policy %q, or a script", header.Get("Content-Security-Policy"))
	}
	status, page = s.form(t, "/subscribe/harbour", s.filled(t, "address", " odile@northpost.example", "name", "Odile\u202e\x00 Marsh\r\nX: y").Encode())
	if status != 200 {
		t.Fatalf("POST: %d %s", status, page)
	}
	contains(t, page, "Now check your mail", "odile@northpost.example</bdi>. Press the button in that mail and you are on the list.",
		"Look in your spam folder. The mail is good for 3 days.", "Give the address again")
	if len(fake.asked) != 1 {
		t.Fatalf("%d sign-ups", len(fake.asked))
	}
	got := fake.asked[0]
	if got.Newsletter != "harbour" || got.Address != "odile@northpost.example" || got.Name != "Odile MarshX: y" ||
		got.Way.How != "subscribe page" || got.Way.IP != "127.0.0.1" || !strings.HasPrefix(got.Way.Text, "We send one mail") {
		t.Errorf("%+v", got)
	}
	for _, id := range []string{"tide", "nothing", "harbour/x"} {
		if status, _, _ := s.do(t, "GET", "/subscribe/"+id, "", ""); status != 404 {
			t.Errorf("%s, which takes no sign-ups: %d", id, status)
		}
	}
	_, _, front := s.do(t, "GET", "/", "", "")
	contains(t, front, `<a href="./subscribe/harbour">Subscribe</a>`)
	if strings.Contains(front, "subscribe/tide") {
		t.Error("the front page leads to a newsletter that takes no sign-ups")
	}
}

func TestSubscribeRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		fields []string
		status int
		want   string
		asked  bool
	}{
		{"no address", []string{"address", ""}, 422, "Write your mail address", false},
		{"no at", []string{"address", "odile.northpost"}, 422, "Write your address like name@example.org", false},
		{"long address", []string{"address", strings.Repeat("a", 5000) + "@northpost.example"}, 422, "Write your address like", false},
		{"two lines", []string{"address", "odile@northpost.example, ada@northpost.example"}, 422, "Write your address like", false},
		{"markup", []string{"address", `"><script>x</script>@northpost.example`}, 422, "&#34;&gt;&lt;script&gt;", false},
		{"a slip", []string{"address", "odile@gmial.com"}, 422, "Did you mean gmail.com?", false},
		{"a slip that is none", []string{"address", "odile@gmial.com", "meant", "no"}, 200, "odile@gmial.com", true},
		{"a slip that is one", []string{"address", "odile@gmial.com", "meant", "yes"}, 200, "odile@gmail.com", true},
		{"the trap", []string{"address", "odile@northpost.example", "website", "https://x.example"}, 200, "Now check your mail", false},
		{"a forged stamp", []string{"address", "odile@northpost.example", "stamp", "AAAA"}, 422, "That was quick. Press Subscribe once more.", false},
		{"no stamp", []string{"address", "odile@northpost.example", "stamp", ""}, 422, "That was quick.", false},
		{"a long name", []string{"address", "odile@northpost.example", "name", strings.Repeat("o", 5000)}, 200, "Now check your mail", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, fake := openSite(t)
			status, page := s.form(t, "/subscribe/harbour", s.filled(t, c.fields...).Encode())
			if status != c.status || (len(fake.asked) == 1) != c.asked {
				t.Errorf("status %d, want %d; %d sign-ups", status, c.status, len(fake.asked))
			}
			contains(t, page, c.want)
			if status == 422 {
				contains(t, page, "<title>Error: ", `role="alert"`)
			}
			if len(page) > 20_000 {
				t.Errorf("%d bytes come back", len(page))
			}
			for _, u := range fake.asked {
				if len(u.Name) > 100 {
					t.Errorf("a name of %d bytes", len(u.Name))
				}
			}
		})
	}
	s, fake := openSite(t)
	if status, _ := s.form(t, "/subscribe/harbour", "address="+strings.Repeat("a", 70<<10)); status != 413 || len(fake.asked) > 0 {
		t.Errorf("a long body: %d", status)
	}
}

// Who presses at once is asked to press again, and that goes through.
func TestSubscribeTooQuick(t *testing.T) {
	s, fake := openSite(t)
	_, _, page := s.do(t, "GET", "/subscribe/harbour", "", "")
	form := url.Values{"stamp": {stampOf(t, page)}, "address": {"odile@northpost.example"}, "name": {"Odile"}}
	status, page := s.form(t, "/subscribe/harbour", form.Encode())
	if status != 422 || len(fake.asked) > 0 {
		t.Fatalf("%d, %d sign-ups", status, len(fake.asked))
	}
	contains(t, page, `value="odile@northpost.example"`, `value="Odile"`)
	s.clock = s.clock.Add(3 * time.Second)
	form.Set("stamp", stampOf(t, page))
	if status, _ = s.form(t, "/subscribe/harbour", form.Encode()); status != 200 || len(fake.asked) != 1 {
		t.Errorf("pressed once more: %d, %d sign-ups", status, len(fake.asked))
	}
	s.clock = s.clock.Add(25 * time.Hour)
	if status, _ = s.form(t, "/subscribe/harbour", form.Encode()); status != 422 {
		t.Errorf("with a page of yesterday: %d", status)
	}
	// A stamp opens nothing, and no other token is one.
	if status, _, _ = s.do(t, "GET", "/u/"+stampOf(t, page), "", ""); status != 404 {
		t.Errorf("a stamp opens the page to leave: %d", status)
	}
	s.clock = s.clock.Add(time.Hour)
	form.Set("stamp", s.token(t, 1, audience.PurposeUnsubscribe))
	if status, _ = s.form(t, "/subscribe/harbour", form.Encode()); status != 422 {
		t.Errorf("a token to leave as a stamp: %d", status)
	}
}

// The page is the same to the byte whoever is known, and however often an
// address is given.
func TestSubscribeTellsNothing(t *testing.T) {
	s, fake := openSite(t)
	pages := map[string]bool{}
	for range 9 {
		for _, address := range []string{"odile@northpost.example", "rook_@northpost.example"} {
			status, page := s.form(t, "/subscribe/harbour", s.filled(t, "address", address).Encode())
			if status != 200 {
				t.Fatalf("%d", status)
			}
			pages[strings.ReplaceAll(page, address, "ADDRESS")] = true
			s.clock = s.clock.Add(2 * time.Minute)
		}
	}
	if len(pages) != 1 {
		t.Errorf("%d different pages", len(pages))
	}
	if len(fake.asked) >= 18 {
		t.Errorf("%d of 18 tries reached the newsroom, each with a mail", len(fake.asked))
	}
}

func TestSubscribeLimits(t *testing.T) {
	s, fake := openSite(t)
	s.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	s.clock = s.clock.Add(time.Hour)
	try := func(i int, forwarded string) int {
		status, _, page := s.send(t, "POST", "/subscribe/harbour", "application/x-www-form-urlencoded",
			s.filledAt(t, fmt.Sprintf("p%d@northpost.example", i)), "X-Forwarded-For", forwarded)
		if status == 429 {
			contains(t, page, "Too many tries. Try again in 1 minute.")
		}
		return status
	}
	for i := range 10 {
		// What the visitor wrote in front does not count, nor does our proxy.
		if status := try(i, fmt.Sprintf("192.0.2.%d, 198.51.100.7, 10.1.1.1", i)); status != 200 {
			t.Fatalf("try %d: %d", i, status)
		}
	}
	if status := try(10, "192.0.2.99, 198.51.100.7"); status != 429 {
		t.Errorf("the eleventh try: %d", status)
	}
	if status := try(11, "198.51.100.8"); status != 200 {
		t.Errorf("a neighbour: %d", status)
	}
	for i := range 10 { // all of a /64 are one
		try(20+i, fmt.Sprintf("2001:db8:1:1::%d", i+1))
	}
	if status := try(30, "2001:db8:1:1:ffff::1"); status != 429 {
		t.Errorf("another address of the same /64: %d", status)
	}
	if status := try(31, "2001:db8:1:2::1"); status != 200 {
		t.Errorf("another /64: %d", status)
	}
	if got := fake.asked[0].Way.IP; got != "198.51.100.7" {
		t.Errorf("it came from %s", got)
	}
	s.clock = s.clock.Add(2 * time.Minute)
	if status := try(40, "198.51.100.7"); status != 200 {
		t.Errorf("two minutes later: %d", status)
	}
}

// filledAt is a form with an address, without the clock moving.
func (s *site) filledAt(t *testing.T, address string) string {
	t.Helper()
	old := s.clock
	s.clock = old.Add(-time.Minute)
	_, _, page := s.do(t, "GET", "/subscribe/harbour", "", "")
	s.clock = old
	return url.Values{"stamp": {stampOf(t, page)}, "address": {address}}.Encode()
}

func TestSubscribeFromOtherSites(t *testing.T) {
	const kind = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		name    string
		path    string
		headers []string
		status  int
	}{
		{"own page", "/subscribe/harbour", []string{"Sec-Fetch-Site", "same-origin"}, 422}, // its stamp is missing
		{"a site that is named", "/subscribe/harbour", []string{"Origin", shop, "Sec-Fetch-Site", "cross-site"}, 200},
		{"one that is not", "/subscribe/harbour", []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, 403},
		{"one that looks like it", "/subscribe/harbour", []string{"Origin", shop + ".evil.example", "Sec-Fetch-Site", "cross-site"}, 403},
		{"its plain http", "/subscribe/harbour", []string{"Origin", "http://shop.example", "Sec-Fetch-Site", "cross-site"}, 403},
		{"hidden", "/subscribe/harbour", []string{"Origin", "null", "Sec-Fetch-Site", "cross-site"}, 403},
		{"old browser", "/subscribe/harbour", []string{"Origin", "https://evil.example"}, 403},
		{"link form", "/link", []string{"Origin", shop, "Sec-Fetch-Site", "cross-site"}, 403},
		{"confirm", "/c/x", []string{"Origin", shop, "Sec-Fetch-Site", "cross-site"}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, fake := openSite(t)
			status, _, page := s.send(t, "POST", c.path, kind, "address=odile%40northpost.example", c.headers...)
			if status != c.status || (len(fake.asked) == 1) != (c.status == 200) || len(fake.links) > 0 {
				t.Errorf("%d, want %d; %d sign-ups: %s", status, c.status, len(fake.asked), page)
			}
		})
	}
	// A mail program's one-click POST goes on working, whatever it says of itself.
	s, _ := openSite(t)
	status, _, text := s.send(t, "POST", "/u/"+s.token(t, 1, audience.PurposeUnsubscribe), kind, "List-Unsubscribe=One-Click",
		"Origin", "https://mail.example", "Sec-Fetch-Site", "cross-site")
	if status != 200 || text != "Unsubscribed\n" {
		t.Errorf("one click: %d %s", status, text)
	}
}

func TestSubscribeJSON(t *testing.T) {
	const good = `{"address": "odile@northpost.example", "name": "Odile"}`
	for _, c := range []struct {
		name, path, body string
		status           int
		want             string
		asked            bool
	}{
		{"good", "/subscribe/harbour", good, 202, `{"status":"asked"}`, true},
		{"by its name", "/subscribe/harbour.json", good, 202, `{"status":"asked"}`, true},
		{"the trap", "/subscribe/harbour", `{"address": "odile@northpost.example", "website": "x"}`, 202, `{"status":"asked"}`, false},
		{"no newsletter", "/subscribe/tide.json", good, 404, `"status":404`, false},
		{"bad address", "/subscribe/harbour", `{"address": "odile"}`, 422, `"field":"address"`, false},
		{"a slip", "/subscribe/harbour", `{"address": "odile@gmial.com"}`, 422, `"meant":"odile@gmail.com"`, false},
		{"no slip", "/subscribe/harbour", `{"address": "odile@gmial.com", "sure": true}`, 202, "asked", true},
		{"unknown field", "/subscribe/harbour", `{"adress": "odile@northpost.example"}`, 400, "problem", false},
		{"two objects", "/subscribe/harbour", good + good, 400, "", false},
		{"nothing", "/subscribe/harbour", "", 400, "", false},
		{"not JSON", "/subscribe/harbour", "address=x", 400, "", false},
		{"long", "/subscribe/harbour", `{"address": "` + strings.Repeat("a", 70<<10) + `"}`, 413, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, fake := openSite(t)
			status, header, text := s.send(t, "POST", c.path, "application/json", c.body)
			if status != c.status || (len(fake.asked) == 1) != c.asked || c.want != "problem" && !strings.Contains(text, c.want) {
				t.Errorf("%d, want %d; %d sign-ups: %s", status, c.status, len(fake.asked), text)
			}
			if status >= 400 && header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("a problem as %s", header.Get("Content-Type"))
			}
			if header.Get("Access-Control-Allow-Origin") != "" {
				t.Error("any site may read it")
			}
		})
	}
	s, _ := openSite(t)
	_, header, _ := s.send(t, "OPTIONS", "/subscribe/harbour", "", "", "Origin", shop, "Access-Control-Request-Method", "POST")
	if header.Get("Access-Control-Allow-Origin") != shop || header.Get("Access-Control-Allow-Headers") != "Content-Type" || header.Get("Vary") != "Origin" {
		t.Errorf("a site that is named: %v", header)
	}
	if _, header, _ = s.send(t, "OPTIONS", "/subscribe/harbour", "", "", "Origin", "https://evil.example"); header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("another site: %v", header)
	}
	if status, header, _ := s.send(t, "POST", "/subscribe/harbour", "application/json", good, "Origin", shop, "Sec-Fetch-Site", "cross-site"); status != 202 || header.Get("Access-Control-Allow-Origin") != shop {
		t.Errorf("JSON of a site that is named: %d %v", status, header)
	}
	if status, _, _ := s.send(t, "POST", "/subscribe/harbour", "application/json", good, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"); status != 403 {
		t.Errorf("JSON of another site: %d", status)
	}
	if status, _, _ := s.send(t, "POST", "/subscribe/harbour.json", "text/plain", good); status != 415 {
		t.Errorf("JSON as text: %d", status)
	}
}

func TestConfirm(t *testing.T) {
	s, fake := openSite(t)
	token := s.Keys.Sign(audience.Token{Purpose: audience.PurposeConfirm, Newsletter: "harbour", Edition: "code"})
	for range 3 { // scanners
		status, _, page := s.do(t, "GET", "/c/"+token, "", "")
		if status != 200 || fake.confirmed > 0 {
			t.Fatalf("GET: %d, confirmed %d times", status, fake.confirmed)
		}
		contains(t, page, "<h1>One press, and you are in</h1>", "You asked for The Harbour Letter at", "o•••••@n•••••.example", "Yes, send it to me",
			"It was not you? Close this page. Nothing will come.")
		if strings.Contains(page, "odile") {
			t.Error("the page tells the address")
		}
	}
	if status, _, _ := s.do(t, "HEAD", "/c/"+token, "", ""); status != 200 || fake.confirmed > 0 {
		t.Error("HEAD confirms")
	}
	status, page := s.form(t, "/c/"+token, "")
	if status != 200 || fake.confirmed != 1 {
		t.Fatalf("POST: %d", status)
	}
	contains(t, page, "<h1>You are in</h1>", "The Harbour Letter comes to", "The next letter comes on Wednesday at 06:30.")
	if _, _, page = s.do(t, "GET", "/c/"+token, "", ""); !strings.Contains(page, "You are in") {
		t.Error("the link of somebody who is in")
	}

	fake.over = true
	for _, method := range []string{"GET", "POST"} {
		status, _, page := s.do(t, method, "/c/"+token, "application/x-www-form-urlencoded", "")
		if status != 410 {
			t.Errorf("%s of an old link: %d", method, status)
		}
		contains(t, page, "<h1>This link is too old</h1>", "Give your address again.", `action="../subscribe/harbour"`)
	}
	for name, bad := range map[string]string{
		"forged": token[:len(token)-1] + "A", "cut": token[:20], "foreign": s.token(t, 1, audience.PurposeUnsubscribe), "long": strings.Repeat("a", 5000),
	} {
		for _, method := range []string{"GET", "POST"} {
			status, _, page := s.do(t, method, "/c/"+bad, "application/x-www-form-urlencoded", "")
			if status != 404 || fake.confirmed != 1 {
				t.Errorf("%s, %s: %d", name, method, status)
			}
			contains(t, page, "This link is not complete", "Or give your address here, and we mail you a new link.")
		}
	}
}

func TestMailLink(t *testing.T) {
	s, fake := openSite(t)
	pages := map[string]bool{}
	for _, address := range []string{"odile@northpost.example", "nobody@northpost.example"} {
		_, _, page := s.do(t, "GET", "/u/broken", "", "")
		contains(t, page, `action="../link"`, "Mail me a new link")
		form := url.Values{"stamp": {stampOf(t, page)}, "address": {address}}
		s.clock = s.clock.Add(10 * time.Second)
		status, page := s.form(t, "/link", form.Encode())
		if status != 200 {
			t.Fatalf("%d %s", status, page)
		}
		contains(t, page, "is on one of our lists, a mail with a new link is on its way there.")
		pages[strings.ReplaceAll(page, address, "")] = true
	}
	if len(pages) != 1 || len(fake.links) != 2 || fake.links[0] != "odile@northpost.example" {
		t.Errorf("%d pages, links %q", len(pages), fake.links)
	}
	// The stamp of another form is not this one's.
	if status, _ := s.form(t, "/link", s.filled(t, "address", "odile@northpost.example").Encode()); status != 422 {
		t.Errorf("%d", status)
	}
}

func TestSubscribeOurFault(t *testing.T) {
	s, fake := openSite(t)
	fake.fault = errors.New("disk is gone")
	status, page := s.form(t, "/subscribe/harbour", s.filled(t, "address", "odile@northpost.example").Encode())
	if status != 500 || strings.Contains(page, "disk") {
		t.Errorf("%d %s", status, page)
	}
	if log := s.log.String(); !strings.Contains(log, "disk is gone") || strings.Contains(log, "odile") {
		t.Errorf("the log lacks the cause, or tells the address: %s", log)
	}
}

// The form in each language is whole, and its direction is the language's.
func TestSubscribeSpeaks(t *testing.T) {
	for lang, want := range map[string]string{"de": "Abonnieren", "ar": "اشترك", "he": "הרשמה", "ja": "購読する", "pt-BR": "Inscrever-se", "zh-Hant": "訂閱"} {
		s, _ := openSite(t)
		s.Newsletters[0].Language = lang
		_, _, page := s.do(t, "GET", "/subscribe/harbour", "", "")
		contains(t, page, `<html lang="`+lang+`"`, "<button>"+want+"</button>")
		if rtl := lang == "ar" || lang == "he"; strings.Contains(page, `dir="rtl">`) != rtl {
			t.Errorf("%s: direction", lang)
		}
		status, page := s.form(t, "/subscribe/harbour", s.filled(t, "address", "x").Encode())
		if status != 422 || !strings.Contains(page, "name@example.org") {
			t.Errorf("%s: %d", lang, status)
		}
	}
}

// other serves the embedded form of the newsletter on a site of its own.
func other(t *testing.T, s *site) string {
	t.Helper()
	form, err := web.EmbeddedForm(s.url, s.Newsletters[0])
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, "<!doctype html><html lang=en><title>Shop</title><main><h1>Shop</h1>"+form+"</main></html>")
	}))
	t.Cleanup(server.Close)
	// Another host than the pages': 127.0.0.1 and localhost are two sites.
	return strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
}

// Where nobody is asked by mail, the page does not say that a mail comes.
func TestSubscribeAtOnce(t *testing.T) {
	s, fake := openSite(t)
	s.Newsletters[0].SignUp.AtOnce = true
	status, page := s.form(t, "/subscribe/harbour", s.filled(t, "address", "odile@northpost.example").Encode())
	if status != 200 || len(fake.asked) != 1 {
		t.Fatalf("%d, %d sign-ups", status, len(fake.asked))
	}
	contains(t, page, "<h1>You are in</h1>", "The next letter comes on")
}
