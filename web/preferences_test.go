package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"lede/audience"
	"lede/store"
	"lede/templates"
	"lede/web"
)

// keeper is the store as the page of preferences uses it.
type keeper struct{ *store.Store }

func (k keeper) Document(ctx context.Context, id int64) ([]byte, error) {
	p, err := k.PersonByID(ctx, id)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]string{"address": p.Address})
}

// chooses is a site with a page of preferences: harbour and tide take sign-ups,
// council too, which nobody gets yet, and desk does not.
func chooses(t testing.TB) *site {
	s := newSite(t)
	s.Choices = keeper{s.store}
	s.SignUps = &signUps{keys: s.Keys}
	open := &web.SignUp{}
	s.Newsletters = []web.Newsletter{newsletters[0], newsletters[1], {ID: "council", Name: "Council Watch", Lists: []string{"council"}}, {ID: "desk", Name: "The Desk", Lists: []string{"desk"}}}
	for i := range s.Newsletters[:3] {
		s.Newsletters[i].SignUp, s.Newsletters[i].LocalTime = open, true
	}
	return s
}

// choices is the path of a person's preferences by the link in a letter.
func (s *site) choices(t testing.TB, id int64) string {
	t.Helper()
	return "/s/" + s.Keys.Sign(audience.PreferencesToken("harbour", s.person(t, id).Subscriber))
}

// mailed is the path of the same by the link that is mailed for it.
func (s *site) mailed(t *testing.T, id int64) string {
	t.Helper()
	return "/s/" + s.Keys.Sign(audience.DataToken("harbour", s.person(t, id).Subscriber, s.clock.Add(time.Hour)))
}

// posts are all mails of our own that wait.
func (s *site) posts(t *testing.T) []audience.Outgoing {
	t.Helper()
	mails, err := s.store.ClaimMails(context.Background(), s.clock, s.clock.Add(time.Hour), 50)
	if err != nil {
		t.Fatal(err)
	}
	return mails
}

const allOffered = "offered=harbour&offered=tide&offered=council"

func TestPreferences(t *testing.T) {
	s := chooses(t)
	path := s.choices(t, 1)
	status, header, page := s.do(t, "GET", path, "", "")
	if status != 200 || header.Get("Cache-Control") != "no-store" {
		t.Fatalf("GET: %d %v", status, header)
	}
	contains(t, page, "<h1>Your preferences</h1>", "For", "o•••••@n•••••.example", `value="harbour" checked`, `value="tide" checked`, `value="council">`,
		"Your time zone", "Pause", "Language of these pages", "Mail me the link", "Leave all letters")
	for _, not := range []string{"odile", "<script", `value="desk"`, "/erase", "/download", `name="name"`} {
		if strings.Contains(page, not) {
			t.Errorf("the page has %q:\n%s", not, page)
		}
	}
	status, page = s.form(t, path, allOffered+"&get=tide&get=council&get=desk&timezone=Atlantic/Azores&pause=2&until=&language=de&name=Mallory")
	if status != 200 {
		t.Fatalf("POST: %d %s", status, page)
	}
	contains(t, page, `<html lang="de" dir="ltr">`, "Gespeichert um 05:30.", "Bis 8. Dezember 2026", `value="Atlantic/Azores"`)
	p := s.person(t, 1)
	contains(t, page, "Council Watch: Wir haben an", "Drücken Sie in dieser E-Mail auf den Knopf", `value="council">`)
	if got, want := s.state(t, 1), "harbour unsubscribed, tide active; out of harbour"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if p.Name != "" || p.Attributes["timezone"] != "Atlantic/Azores" || p.Attributes["language"] != "de" || p.Paused.Sub(s.clock.Add(14*24*time.Hour)).Abs() > time.Minute {
		t.Errorf("%+v", p)
	}
	// The pages to leave speak that language too, and lead here.
	_, _, page = s.do(t, "GET", "/u/"+s.Keys.Sign(audience.Token{Purpose: 'u', Newsletter: "tide", Subscriber: 1, Salt: p.Salt}), "", "")
	contains(t, page, `<html lang="de"`, "Pausieren oder auswählen, welche Newsletter Sie bekommen")
	// The pause is kept, and ended.
	s.form(t, path, allOffered+"&get=tide&get=council&get=harbour&timezone=&pause=kept&language=en")
	if now := s.person(t, 1); !now.Paused.Equal(p.Paused) || now.Attributes["timezone"] != "" {
		t.Errorf("%+v", now)
	}
	s.form(t, path, allOffered+"&get=tide&get=council&get=harbour&pause=")
	if now := s.person(t, 1); !now.Paused.IsZero() || now.Attributes["language"] != "en" {
		t.Errorf("%+v", now)
	}
	// Until a day: its midnight where the person is.
	s.form(t, path, "timezone=Asia/Tokyo&pause=")
	s.form(t, path, "pause=until&until=2026-12-24")
	if got, want := s.person(t, 1).Paused, time.Date(2026, 12, 23, 15, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("paused until %s, want %s", got, want)
	}
	if got, want := s.state(t, 1), "harbour unsubscribed, tide active; out of harbour"; got != want {
		t.Errorf("newsletters that were not on the form: %s, want %s", got, want)
	}
}

// By a link that stands in letters, which are passed on, nothing comes that did
// not: a mail asks, in the reader's language. By a link that was mailed to the
// reader just now it comes at once.
func TestJoiningByPreferences(t *testing.T) {
	s := chooses(t)
	fake := s.SignUps.(*signUps)
	before := s.state(t, 1)
	for _, body := range []string{"&get=harbour&get=tide&get=council&language=de", "&get=harbour&get=tide&get=desk"} {
		if status, page := s.form(t, s.choices(t, 1), allOffered+"&offered=desk"+body); status != 200 || strings.Contains(page, `value="council" checked`) {
			t.Errorf("%d:\n%s", status, page)
		}
	}
	if got := s.state(t, 1); got != before {
		t.Errorf("%s, want %s", got, before)
	}
	if len(fake.asked) != 1 {
		t.Fatalf("asked by mail: %+v", fake.asked)
	}
	if u := fake.asked[0]; u.Newsletter != "council" || u.Address != "odile@northpost.example" || u.Language != "de" || u.Name != "" || !strings.Contains(u.Way.How, "link in a letter") || u.Way.Text == "" {
		t.Errorf("asked by mail: %+v", u)
	}
	// Who left everything comes back by no ticks either.
	s.form(t, s.choices(t, 3), allOffered+"&get=harbour&get=tide")
	if got, want := s.state(t, 3), "harbour unsubscribed; out of harbour tide"; got != want || len(fake.asked) != 3 {
		t.Errorf("%s, want %s; asked by mail: %+v", got, want, fake.asked)
	}
	s.form(t, s.mailed(t, 1), allOffered+"&get=harbour&get=tide&get=council")
	if got, want := s.state(t, 1), "council active, harbour active, tide active; out of "; got != want || len(fake.asked) != 3 {
		t.Errorf("%s, want %s; asked by mail: %+v", got, want, fake.asked)
	}
	fake.fault = errors.New("the disk is full")
	if status, _ := s.form(t, s.choices(t, 2), allOffered+"&get=harbour&get=council"); status != 500 {
		t.Errorf("a fault: %d", status)
	}
}

func TestWrongPreferences(t *testing.T) {
	for _, c := range []struct{ name, body, says string }{
		{"a zone of nowhere", "timezone=Port/Averne", "Choose a time zone from the list, such as Europe/Lisbon."},
		{"a zone that is a path", "timezone=../../etc/passwd", "Choose a time zone"},
		{"the machine's zone", "timezone=Local", "Choose a time zone"},
		{"no day", "pause=until&until=", "Choose a day within the next year."},
		{"a day that was", "pause=until&until=2026-11-01", "Choose a day"},
		{"a day far off", "pause=until&until=2029-01-01", "Choose a day"},
		{"no such day", "pause=until&until=2026-13-44", "Choose a day"},
		{"weeks without end", "pause=900", "Choose a day"},
		{"minus weeks", "pause=-3", "Choose a day"},
		{"hostile", "timezone=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "Choose a time zone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := chooses(t)
			before := s.person(t, 1)
			status, page := s.form(t, s.choices(t, 1), allOffered+"&get=harbour&"+c.body)
			if status != 422 || strings.Contains(page, "<script") {
				t.Errorf("%d:\n%s", status, page)
			}
			contains(t, page, c.says, "<title>Error: Your preferences", `value="tide">`, "aria-invalid")
			if after := s.person(t, 1); !reflect.DeepEqual(before, after) {
				t.Errorf("a wrong form changed %+v to %+v", before, after)
			}
		})
	}
}

// A link that stands in letters, which are passed on, shows no address and no
// name, and opens nothing that is kept.
func TestLinkOfLettersOpensNoData(t *testing.T) {
	s := chooses(t)
	if err := s.store.SetPreferences(context.Background(), 1, audience.Preferences{Name: "Odile Verne"}, audience.Way{How: "test"}, s.clock); err != nil {
		t.Fatal(err)
	}
	path := s.choices(t, 1)
	before := s.person(t, 1)
	for _, sub := range []string{"/address", "/download", "/erase"} {
		for _, method := range []string{"GET", "POST"} {
			status, _, page := s.do(t, method, path+sub, "application/x-www-form-urlencoded", "word=ERASE&address=mallory@example.org")
			if status != 404 && status != 405 || strings.Contains(page, "Odile") || strings.Contains(page, "odile") {
				t.Errorf("%s %s: %d", method, sub, status)
			}
		}
	}
	if _, _, page := s.do(t, "GET", path, "", ""); strings.Contains(page, "Odile") {
		t.Error("the page tells the name")
	}
	if after := s.person(t, 1); !reflect.DeepEqual(before, after) || len(s.posts(t)) > 0 {
		t.Errorf("changed %+v to %+v", before, after)
	}
	// It mails the link that does, to the person alone and not without end.
	for range 9 {
		status, page := s.form(t, path+"/link", "address=mallory@example.org")
		if status != 200 {
			t.Fatalf("%d", status)
		}
		contains(t, page, "Now check your mail", "o•••••@n•••••.example")
	}
	mails := s.posts(t)
	if len(mails) != 5 {
		t.Fatalf("%d mails in a day, want 5", len(mails))
	}
	if m := mails[0]; m.Address != "odile@northpost.example" || m.Kind != audience.MailLink {
		t.Errorf("%+v", m)
	}
	mailed := "/s/" + mails[0].Token
	_, _, page := s.do(t, "GET", mailed, "", "")
	contains(t, page, `value="Odile Verne"`, mailed[3:]+"/erase", mailed[3:]+"/address")
	s.form(t, mailed, "name=Odile+V.")
	if got := s.person(t, 1).Name; got != "Odile V." {
		t.Errorf("name %q", got)
	}
	s.clock = s.clock.Add(3 * time.Hour)
	for _, sub := range []string{"", "/address", "/erase", "/leave"} {
		status, _, page := s.do(t, "GET", mailed+sub, "", "")
		if status != http.StatusGone || strings.Contains(page, "Odile") {
			t.Errorf("%s after three hours: %d", sub, status)
		}
	}
	for _, sub := range []string{"", "/address", "/erase", "/download", "/link"} {
		if status, _ := s.form(t, mailed+sub, "word=ERASE&name=x&address=x@example.org"); status != http.StatusGone {
			t.Errorf("POST %s after three hours: %d", sub, status)
		}
	}
	isNew := func(m audience.Outgoing) bool {
		return !slices.ContainsFunc(mails, func(old audience.Outgoing) bool { return old.ID == m.ID })
	}
	if slices.ContainsFunc(s.posts(t), isNew) || s.person(t, 1).Name != "Odile V." {
		t.Error("an old link changed something")
	}
}

func TestChangeOfAddress(t *testing.T) {
	s := chooses(t)
	path := s.mailed(t, 1) + "/address"
	_, _, page := s.do(t, "GET", path, "", "")
	contains(t, page, "Change my address", "the old one stays until you press the button there")
	status, page := s.form(t, path, "address=odile")
	if status != 422 || !strings.Contains(page, `value="odile"`) {
		t.Errorf("%d:\n%s", status, page)
	}
	// The same answer for an address that is new, known, or suppressed.
	if err := s.store.Suppress(context.Background(), audience.Suppression{Address: "gone@northpost.example", Reason: "complaint", At: s.clock}); err != nil {
		t.Fatal(err)
	}
	answers := map[string]bool{}
	for _, address := range []string{"gone@northpost.example", "ada@northpost.example", "nova@northpost.example"} {
		status, page := s.form(t, path, "address="+url.QueryEscape(address))
		answers[strings.ReplaceAll(page, address, "…")] = status == 200
	}
	if len(answers) != 1 {
		t.Errorf("the answers tell addresses apart: %v", answers)
	}
	mails := s.posts(t)
	if len(mails) != 2 || mails[1].Address != "nova@northpost.example" || mails[1].Kind != audience.MailAddress {
		t.Fatalf("%+v", mails)
	}
	replaced, good := "/a/"+mails[0].Token, "/a/"+mails[1].Token
	_, _, page = s.do(t, "GET", good, "", "")
	contains(t, page, "Change your address?", "o•••••@n•••••.example", "n•••••@n•••••.example", "Yes, change it")
	if s.person(t, 1).Address != "odile@northpost.example" {
		t.Error("looking at the page changed the address")
	}
	if status, _ := s.form(t, replaced, ""); status != http.StatusGone {
		t.Errorf("a change that another one replaced: %d", status)
	}
	foreign := s.Keys.Sign(audience.Token{Purpose: audience.PurposeAddress, Newsletter: "harbour", Subscriber: 2, Salt: s.person(t, 2).Salt, Edition: code(t, s, mails[1].Token)})
	if status, _ := s.form(t, "/a/"+foreign, ""); status != http.StatusGone || s.person(t, 2).Address != "ada@northpost.example" {
		t.Errorf("somebody else's code: %d", status)
	}
	status, page = s.form(t, good, "")
	contains(t, page, "Your address is changed")
	if got := s.person(t, 1).Address; status != 200 || got != "nova@northpost.example" {
		t.Errorf("%d: %s", status, got)
	}
	if status, _ := s.form(t, good, ""); status != http.StatusGone {
		t.Errorf("the same link again: %d", status)
	}
	if got := s.state(t, 1); got != "harbour active, tide active; out of " {
		t.Errorf("%s", got)
	}
	// Links in letters that went to the old address stay good.
	if status, _, _ := s.do(t, "GET", "/u/"+s.token(t, 1, 'u'), "", ""); status != 200 {
		t.Errorf("%d", status)
	}
}

func code(t *testing.T, s *site, token string) string {
	t.Helper()
	opened, err := s.Keys.Open(token)
	if err != nil {
		t.Fatal(err)
	}
	return opened.Edition
}

func TestDownloadAndErase(t *testing.T) {
	s := chooses(t)
	path := s.mailed(t, 1)
	status, header, body := s.do(t, "POST", path+"/download", "application/x-www-form-urlencoded", "")
	if status != 200 || !strings.Contains(body, "odile@northpost.example") || header.Get("Content-Disposition") != `attachment; filename="my-data.json"` {
		t.Errorf("%d %v %s", status, header, body)
	}
	entries, err := s.store.PersonHistory(context.Background(), "odile@northpost.example")
	if err != nil || !slices.ContainsFunc(entries, func(e audience.Entry) bool { return e.What == audience.EntryDownload }) {
		t.Errorf("the download is not in the history: %v, %v", entries, err)
	}
	_, _, page := s.do(t, "GET", path+"/erase", "", "")
	contains(t, page, "Erase everything about me", "Write ERASE to go on.", "can&#39;t be undone")
	for _, word := range []string{"", "word=", "word=ERAS", "word=ERASE+ME", "word=ERASE&word=ERASE"} {
		if status, _ := s.form(t, path+"/erase", word); status != 422 {
			t.Errorf("%q: %d", word, status)
		}
	}
	s.person(t, 1)
	status, page = s.form(t, path+"/erase", "word=+erase+")
	contains(t, page, "Everything about you is erased")
	if _, err := s.store.PersonByID(context.Background(), 1); status != 200 || !errors.Is(err, audience.ErrNobody) {
		t.Errorf("%d, %v", status, err)
	}
	row := audience.Row{Address: "odile@northpost.example", Key: "odile@northpost.example", Domain: "northpost.example"}
	if found, err := s.store.Add(context.Background(), "harbour", row, "import", false, s.clock); err != nil || found != "erased" {
		t.Errorf("an import brings the person back: %s, %v", found, err)
	}
	for _, sub := range []string{"", "/erase", "/download"} {
		if status, _ := s.form(t, path+sub, "word=ERASE"); status != 404 {
			t.Errorf("%s of an erased person: %d", sub, status)
		}
	}
}

// In every language the word that it asks for is taken.
func TestEraseWords(t *testing.T) {
	for _, lang := range templates.Languages() {
		words, _ := templates.WordsFor(lang)
		for _, word := range []string{words.Pages.EraseWord, strings.ToLower(words.Pages.EraseWord), "ERASE"} {
			s := chooses(t)
			s.speaks(lang)
			if status, page := s.form(t, s.mailed(t, 1)+"/erase", "word="+url.QueryEscape(word)); status != 200 {
				t.Errorf("%s: %q: %d %s", lang, word, status, page)
			}
		}
	}
}

func TestLeaveAllByPreferences(t *testing.T) {
	s := chooses(t)
	_, _, page := s.do(t, "GET", s.choices(t, 1)+"/leave", "", "")
	contains(t, page, "<h1>Leave all letters</h1>", "We write to you again only if you sign up anew.")
	_, action, _ := strings.Cut(page, `action="../../`)
	action, _, _ = strings.Cut(action, `"`)
	_, page = s.form(t, "/"+action, "scope=all")
	contains(t, page, "Undo")
	if got, want := s.state(t, 1), "harbour unsubscribed, tide unsubscribed; out of council desk harbour tide"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Whatever stands in a link that is not whole or not ours, nothing changes, and
// every answer is the same. Nor do GET and HEAD change anything, nor a form that
// another site sent.
func TestPreferencesAreGuarded(t *testing.T) {
	s := chooses(t)
	good, mailed := s.choices(t, 1), s.mailed(t, 1)
	salt := s.person(t, 1).Salt
	sign := func(purpose audience.Purpose, id int64, salt uint32, edition string) string {
		return "/s/" + s.Keys.Sign(audience.Token{Purpose: purpose, Newsletter: "harbour", Subscriber: id, Salt: salt, Edition: edition})
	}
	before := s.person(t, 1)
	foreign := (&audience.Keyring{Keys: map[uint32][]byte{1: []byte("0123456789abcdef0123456789abcdef")}, Current: 1}).
		Sign(audience.PreferencesToken("harbour", before.Subscriber))
	for name, path := range map[string]string{
		"cut": good[:len(good)-2], "one bit": "/s/" + flip(good[3:]), "to leave": sign('u', 1, salt, ""), "to view": sign('v', 1, salt, ""),
		"to confirm an address": sign('a', 1, salt, "x"), "wrong salt": sign('s', 1, salt+1, ""), "nobody": sign('s', 99, salt, ""), "other keys": "/s/" + foreign,
		"data without an end": sign('d', 1, salt, ""), "data with an odd end": sign('d', 1, salt, "-!"), "rubbish": "/s/%3Cscript%3E",
	} {
		want := 404
		if strings.HasPrefix(name, "data") {
			want = http.StatusGone
		}
		for _, sub := range []string{"", "/link", "/leave", "/address", "/download", "/erase"} {
			status, _, _ := s.do(t, "GET", path+sub, "", "")
			if status != want && status != 404 && status != 405 {
				t.Errorf("%s, GET %s: %d", name, sub, status)
			}
			if status, _ := s.form(t, path+sub, allOffered+"&pause=4&word=ERASE&address=m@example.org"); status != want && status != 404 && status != 405 {
				t.Errorf("%s, POST %s: %d", name, sub, status)
			}
		}
	}
	for _, path := range []string{good, mailed} {
		for _, sub := range []string{"", "/link", "/leave", "/address", "/download", "/erase"} {
			for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE"} {
				s.do(t, method, path+sub+"?pause=4&word=ERASE&"+allOffered, "application/x-www-form-urlencoded", "pause=4&word=ERASE&address=m@example.org")
			}
			for _, head := range [][2]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
				r, _ := http.NewRequest("POST", s.url+path+sub, strings.NewReader("pause=4&word=ERASE&address=m@example.org&"+allOffered))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Header.Set(head[0], head[1])
				res, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				res.Body.Close()
				if want := 403; res.StatusCode != want && sub != "/leave" {
					t.Errorf("POST %s by %v: %d", sub, head, res.StatusCode)
				}
			}
		}
	}
	if after := s.person(t, 1); !reflect.DeepEqual(before, after) || len(s.posts(t)) > 0 {
		t.Errorf("changed %+v to %+v", before, after)
	}
}

func TestProofOfPreferences(t *testing.T) {
	s := chooses(t)
	before := s.person(t, 1)
	path := "/s/" + s.token(t, 1, audience.PurposeProof)
	for _, page := range []string{"", "/leave"} {
		_, _, page := s.do(t, "GET", path+page, "", "")
		contains(t, page, "This is a proof. The page works, and changes nothing.")
	}
	for _, sub := range []string{"", "/link"} {
		status, page := s.form(t, path+sub, allOffered+"&pause=4")
		if status != 200 {
			t.Errorf("POST %s: %d", sub, status)
		}
		contains(t, page, "This is a proof")
	}
	if after := s.person(t, 1); !reflect.DeepEqual(before, after) || len(s.posts(t)) > 0 {
		t.Errorf("a proof changed %+v to %+v", before, after)
	}
}
