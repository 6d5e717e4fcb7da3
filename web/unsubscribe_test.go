package web_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"lede/audience"
	"lede/web"
)

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
// behind the link in the letter: a mail that asks. Letters are passed on, so their
// link alone brings nobody back, however it is used.
func TestComeBackAfterOneClick(t *testing.T) {
	s, fake := openSite(t)
	path := "/u/" + s.token(t, 1, audience.PurposeUnsubscribe)
	s.form(t, path, "List-Unsubscribe=One-Click")
	left := s.state(t, 1)
	_, _, page := s.do(t, "GET", path, "", "")
	contains(t, page, "You have left The Harbour Letter", "Undo: send me The Harbour Letter")
	// Leaving again is not a leaving that can be undone.
	_, page = s.form(t, path, "scope=one")
	contains(t, page, "You have left The Harbour Letter", "Undo: send me The Harbour Letter")
	if strings.Contains(page, `name="at"`) {
		t.Error("an earlier leaving can be undone")
	}
	// What was left is not undone with what is left now.
	_, page = s.form(t, path, "scope=all")
	s.form(t, path+"/undo", undoBody(t, page))
	if got := s.state(t, 1); got != left {
		t.Errorf("%s, want %s", got, left)
	}
	for _, at := range []string{"at=17", "at=" + fmt.Sprint(s.clock.UnixMicro()), "at=-9223372036854775808"} {
		if s.form(t, path+"/undo", at); s.state(t, 1) != left {
			t.Errorf("an undo of nothing (%s) changed the person: %s", at, s.state(t, 1))
		}
	}
	if len(fake.asked) > 0 {
		t.Errorf("asked by mail: %+v", fake.asked)
	}
	for _, body := range []string{"", "at=x"} {
		_, page = s.form(t, path+"/undo", body)
		contains(t, page, "Now check your mail", "o•••••@n•••••.example", "Press the button in that mail")
	}
	if got := s.state(t, 1); got != left {
		t.Errorf("%s, want %s", got, left)
	}
	if len(fake.asked) != 2 || fake.asked[0].Address != "odile@northpost.example" || fake.asked[0].Newsletter != "harbour" || !slices.Equal(fake.asked[0].Lists, []string{"harbour"}) {
		t.Errorf("asked by mail: %+v", fake.asked)
	}
	// Who gets it is asked nothing.
	if _, page = s.form(t, "/u/"+s.token(t, 2, audience.PurposeUnsubscribe)+"/undo", ""); !strings.Contains(page, "You are back") || len(fake.asked) != 2 {
		t.Errorf("asked by mail: %+v", fake.asked)
	}
}

// Where nobody can be asked by mail, there is no way back by the link alone.
func TestNoWayBackWithoutMail(t *testing.T) {
	s := newSite(t)
	path := "/u/" + s.token(t, 1, audience.PurposeUnsubscribe)
	s.form(t, path, "List-Unsubscribe=One-Click")
	left := s.state(t, 1)
	for _, method := range []string{"GET", "POST"} {
		sub := map[string]string{"GET": "", "POST": "/undo"}[method]
		_, _, page := s.do(t, method, path+sub, "application/x-www-form-urlencoded", "")
		if !strings.Contains(page, "You have left") || strings.Contains(page, "Undo") || s.state(t, 1) != left {
			t.Errorf("%s: %s\n%s", method, s.state(t, 1), page)
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
