package send_test

import (
	"net/mail"
	"strings"
	"testing"
	"time"

	"lede/audience"
)

// A public newsletter's mails name its archive (RFC 2369); no other's do.
func TestListArchive(t *testing.T) {
	for _, c := range []struct{ name, archive string }{{"public", "https://news.example.org/archive/harbour/"}, {"none", ""}} {
		t.Run(c.name, func(t *testing.T) {
			s := testSender()
			s.Archive = c.archive
			raw, err := compile(t, testLetter(), s).Append(nil, delivery("Odile", "odile@northpost.example"), time.Unix(1_800_000_000, 0).UTC())
			if err != nil {
				t.Fatal(err)
			}
			m, err := mail.ReadMessage(strings.NewReader(string(raw)))
			if err != nil {
				t.Fatal(err)
			}
			want := ""
			if c.archive != "" {
				want = "<" + c.archive + ">"
			}
			if got := m.Header.Get("List-Archive"); got != want {
				t.Errorf("List-Archive: %q, want %q", got, want)
			}
		})
	}
}

func before(link string) string {
	link, _, _ = strings.Cut(link, `"`)
	return link
}

// With OwnView each reader's link to the web page opens it for them alone; a
// proof's still changes nothing.
func TestOwnView(t *testing.T) {
	s := testSender()
	s.OwnView = true
	m := compile(t, testLetter(), s)
	d := delivery("Odile", "odile@northpost.example")
	text := m.HTML(d, false)
	_, link, found := strings.Cut(text, s.BaseURL+"/e/")
	if !found {
		t.Fatalf("no link to the web page in %s", text)
	}
	token, err := s.Keys.Open(before(link))
	if err != nil {
		t.Fatal(err)
	}
	want := audience.Token{Purpose: audience.PurposeView, Newsletter: s.Newsletter, Subscriber: d.Subscriber, Salt: d.Salt, Edition: d.Edition}
	if token != want {
		t.Errorf("token %+v, want %+v", token, want)
	}
	_, link, _ = strings.Cut(m.HTML(d, true), s.BaseURL+"/e/")
	if token, err := s.Keys.Open(before(link)); err != nil || token.Purpose != audience.PurposeProof {
		t.Errorf("a proof's link: %+v %v", token, err)
	}
}
