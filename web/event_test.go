package web_test

import (
	"net/http"
	"net/mail"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"lede/audience"
	"lede/web"
)

// The link to an event's file leads from the page to the file, which says when
// and where, and may be kept.
func TestEventFile(t *testing.T) {
	s := shelf(t)
	s.Newsletters[0].From = mail.Address{Name: "The Harbour Letter", Address: "letter@example.org"}
	at := "/e/edition7"
	_, header, page := s.do(t, "GET", at, "", "")
	if !strings.Contains(header.Get("Content-Security-Policy"), "allow-downloads") {
		t.Error("the page's sandbox keeps the file from being loaded")
	}
	to := calendarLink(t, page)
	here, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	address, err := here.Parse(to)
	if err != nil || address.Path != "/e/edition7/"+eventOf {
		t.Fatalf("the link %q leads to %v, %v", to, address, err)
	}
	status, header, file := s.do(t, "GET", address.Path, "", "")
	if status != http.StatusOK || header.Get("Content-Type") != "text/calendar; charset=utf-8; method=PUBLISH" ||
		header.Get("Cache-Control") != "public, max-age=86400" || header.Get("Etag") == "" || header.Get("Content-Disposition") != `inline; filename="`+eventOf+`"` {
		t.Errorf("%d %v", status, header)
	}
	contains(t, file, "BEGIN:VCALENDAR", "METHOD:PUBLISH", "SUMMARY:Net mending", "DTSTART:20261126T190000Z", "LOCATION:Sail Loft",
		"DTSTAMP:20261124T063000Z", "@harbour.example.org", "ORGANIZER;CN=\"The Harbour Letter\":mailto:letter@example.org")
	r, err := http.NewRequest("GET", s.url+address.Path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("If-None-Match", header.Get("Etag"))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusNotModified {
		t.Errorf("who has it already gets %d", res.StatusCode)
	}
	for _, not := range []string{"/e/edition7/event-00000000.ics", "/e/edition7/index.html", "/e/unsent1/" + eventOf, "/e/edit/" + eventOf, "/e/edition7/" + eventOf + "/x", "/e/edition7/..%2f" + eventOf} {
		if status, header, _ := s.do(t, "GET", not, "", ""); status != http.StatusNotFound || strings.Contains(header.Get("Content-Type"), "calendar") {
			t.Errorf("%s: %d", not, status)
		}
	}
}

// An event's file is where its edition's page is: of a newsletter that is not
// on the web, behind each reader's own address.
func TestEventFileVisibility(t *testing.T) {
	for visibility, status := range map[web.Visibility]int{web.Public: 200, web.Unlisted: 200, web.Off: 404} {
		t.Run(string(visibility), func(t *testing.T) {
			s := shelf(t)
			s.Newsletters[0].Visibility = visibility
			if got, header, _ := s.do(t, "GET", "/e/edition7/"+eventOf, "", ""); got != status || header.Get("X-Robots-Tag") == "" {
				t.Errorf("by the edition's id: %d, %v", got, header)
			}
			token := audience.Token{Purpose: audience.PurposeView, Newsletter: "harbour", Subscriber: 1, Salt: s.person(t, 1).Salt, Edition: "edition7"}
			own := s.Keys.Sign(token)
			_, _, page := s.do(t, "GET", "/e/"+own, "", "")
			if to := calendarLink(t, page); to != own+"/"+eventOf {
				t.Errorf("a reader's own page links to %q", to)
			}
			if got, header, _ := s.do(t, "GET", "/e/"+own+"/"+eventOf, "", ""); got != 200 || header.Get("Cache-Control") != "private, no-store" {
				t.Errorf("by a reader's own address: %d, %v", got, header)
			}
			token.Salt++
			if got, _, _ := s.do(t, "GET", "/e/"+s.Keys.Sign(token)+"/"+eventOf, "", ""); got != 404 {
				t.Errorf("by somebody else's: %d", got)
			}
			token.Purpose = audience.PurposeProof
			if _, header, page := s.do(t, "GET", "/e/"+s.Keys.Sign(token)+"/"+eventOf, "", ""); !strings.Contains(page, "This is a proof") || strings.Contains(header.Get("Content-Type"), "calendar") {
				t.Error("a proof's link gives a file")
			}
		})
	}
}

// calendarLink is where a page's link to its event's file leads.
func calendarLink(t *testing.T, page string) string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Data == "a" && strings.Contains(attr(n, "href"), ".ics") {
			return attr(n, "href")
		}
	}
	t.Fatal("the page has no link to a calendar file")
	return ""
}
