package newsroom_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lede/audience"
	"lede/newsroom"
	"lede/send"
	"lede/templates"
)

// box is a relay that keeps the mails of our own whole.
type box struct {
	*sink
	mu    sync.Mutex
	mails []ours
	err   error  // what the next attempts end with; the mail is not taken
	taken func() // called once when a mail was taken; its attempt ends in an error
}

// ours is a mail of our own as it came.
type ours struct {
	to, subject, id, text, html string
	header                      mail.Header
}

// Post implements newsroom.Dispatcher.
func (b *box) Post(_ context.Context, _, _ string, to []string, raw []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	m, err := readOurs(raw)
	if err != nil {
		return err
	}
	m.to = to[0]
	b.mails = append(b.mails, m)
	if taken := b.taken; taken != nil {
		b.taken = nil
		taken()
		return context.Canceled
	}
	return nil
}

func readOurs(raw []byte) (ours, error) {
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return ours{}, err
	}
	m := ours{header: msg.Header, id: msg.Header.Get("Message-Id")}
	if m.subject, err = new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject")); err != nil {
		return m, err
	}
	_, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil {
		return m, err
	}
	parts := multipart.NewReader(msg.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return m, nil
		}
		if err != nil {
			return m, err
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			return m, err
		}
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			m.html = string(body)
		} else {
			m.text = strings.ReplaceAll(string(body), "\r\n", "\n")
		}
	}
}

var linkToken = regexp.MustCompile(`/([csa])/([A-Za-z0-9_-]+)`)

// token is that of the mail's only link of its kind, the same in both parts.
func (m ours) token(t *testing.T, kind string) string {
	t.Helper()
	html, text := linkToken.FindStringSubmatch(m.html), linkToken.FindStringSubmatch(m.text)
	if len(html) != 3 || len(text) != 3 || html[0] != text[0] || html[1] != kind {
		t.Fatalf("the links of %q are %q and %q", m.subject, html, text)
	}
	return html[2]
}

// taken returns what came since it was asked last.
func (b *box) since() []ours {
	b.mu.Lock()
	defer b.mu.Unlock()
	mails := b.mails
	b.mails = nil
	return mails
}

// joinDesk is a desk whose newsletter people can sign up for.
func joinDesk(t *testing.T, file string) (*desk, *box) {
	t.Helper()
	d := newDesk(t, file, "", "UTC")
	d.n.SignUp = newsroom.SignUpRules{
		Open: true, DoubleOptIn: true, TokenLife: 72 * time.Hour, RemindAfter: 24 * time.Hour, MailsADay: 3, Agreement: "Send it to me.",
	}
	b := &box{sink: d.sink}
	other := d.n
	other.ID, other.Name, other.Lists = "evening", "The Evening Letter", []string{"evening"}
	d.PollEvery = 5 * time.Minute
	d.SignUps, d.Newsletters, d.Dispatcher = d.store, []newsroom.Newsletter{d.n, other}, b
	return d, b
}

func (d *desk) signUp(t *testing.T, address string) {
	t.Helper()
	err := d.SignUp(t.Context(), d.n, audience.SignUp{Address: address, Name: "Ines", Way: audience.Way{How: "subscribe page", IP: "192.0.2.7"}})
	if err != nil {
		t.Fatalf("signing %s up: %v", address, err)
	}
}

// state of an address on the newsletter's list, "nobody" for none.
func (d *desk) state(t *testing.T, address string) string {
	t.Helper()
	p, err := d.store.Person(t.Context(), address)
	if errors.Is(err, audience.ErrNobody) {
		return "nobody"
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range p.Subscriptions {
		if s.List == "harbour" {
			return string(s.State)
		}
	}
	return "not on the list"
}

// inBubble runs a test with a clock of its own.
func inBubble(t *testing.T, run func(t *testing.T, d *desk, b *box)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		at(t, "2026-11-24T06:00:00Z")
		d, b := joinDesk(t, filepath.Join(dir, "lede.db"))
		run(t, d, b)
	})
}

const ines = "ines@northpost.example"

func TestSignUpIsConfirmed(t *testing.T) {
	inBubble(t, func(t *testing.T, d *desk, b *box) {
		d.signUp(t, ines)
		if got := d.state(t, ines); got != "pending" {
			t.Errorf("signed up, it is %s", got)
		}
		d.runFor(time.Minute)
		mails := b.since()
		if len(mails) != 1 || mails[0].to != ines || !strings.Contains(mails[0].subject, "The Harbour Letter") {
			t.Fatalf("mails %+v", mails)
		}
		h := mails[0].header
		if h.Get("Auto-Submitted") != "auto-generated" || h.Get("Precedence") != "" {
			t.Errorf("the header is %v", h)
		}
		for name := range h {
			if strings.HasPrefix(name, "List-") {
				t.Errorf("it has %s", name)
			}
		}
		token := mails[0].token(t, "c")
		for range 2 { // a GET, by a scanner too, changes nothing
			a, err := d.Asked(t.Context(), token)
			if err != nil || a.Done || a.Address != ines || a.Newsletter != "harbour" {
				t.Fatalf("asked: %+v, %v", a, err)
			}
		}
		if got := d.state(t, ines); got != "pending" {
			t.Errorf("looked at, it is %s", got)
		}
		a, err := d.Confirm(t.Context(), token, audience.Way{How: "confirmation page", IP: "192.0.2.8"})
		if err != nil || !a.Done || d.state(t, ines) != "active" {
			t.Fatalf("confirmed: %+v, %v, %s", a, err, d.state(t, ines))
		}
		if again, err := d.Confirm(t.Context(), token, audience.Way{How: "confirmation page"}); err != nil || !again.Done || again.Subscriber != a.Subscriber {
			t.Errorf("again: %+v, %v", again, err)
		}
		if err := d.store.Leave(t.Context(), a.Subscriber, "harbour", []string{"harbour"}, "page", d.Now()); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Confirm(t.Context(), token, audience.Way{}); !errors.Is(err, audience.ErrTokenOver) || d.state(t, ines) != "unsubscribed" {
			t.Errorf("replayed after leaving: %v, %s", err, d.state(t, ines))
		}
	})
}

func TestConfirmRefuses(t *testing.T) {
	inBubble(t, func(t *testing.T, d *desk, b *box) {
		d.signUp(t, ines)
		d.runFor(time.Minute)
		token := b.since()[0].token(t, "c")
		opened, err := d.n.Sender.Keys.Open(token)
		if err != nil {
			t.Fatal(err)
		}
		foreign, purpose, nameless, made := opened, opened, opened, opened
		foreign.Newsletter, purpose.Purpose, nameless.Edition, made.Edition = "evening", audience.PurposeUnsubscribe, "", "e0000001"
		p, err := d.store.Person(t.Context(), ines)
		if err != nil {
			t.Fatal(err)
		}
		sign := d.n.Sender.Keys.Sign
		for name, c := range map[string]struct {
			token string
			want  error
		}{
			"nothing":                  {"", audience.ErrToken},
			"cut":                      {token[:len(token)-1], audience.ErrToken},
			"forged":                   {strings.Repeat("A", len(token)), audience.ErrToken},
			"of another newsletter":    {sign(foreign), audience.ErrTokenOver},
			"of another purpose":       {sign(purpose), audience.ErrToken},
			"without a sign-up":        {sign(nameless), audience.ErrToken},
			"of no sign-up":            {sign(made), audience.ErrTokenOver},
			"the person's preferences": {sign(audience.PreferencesToken("harbour", p.Subscriber)), audience.ErrToken},
		} {
			if _, err := d.Asked(t.Context(), c.token); !errors.Is(err, c.want) {
				t.Errorf("%s: asked: %v", name, err)
			}
			if _, err := d.Confirm(t.Context(), c.token, audience.Way{}); !errors.Is(err, c.want) {
				t.Errorf("%s: confirmed: %v", name, err)
			}
			if got := d.state(t, ines); got != "pending" {
				t.Fatalf("%s: it is %s", name, got)
			}
		}
		time.Sleep(72 * time.Hour)
		if _, err := d.Confirm(t.Context(), token, audience.Way{}); !errors.Is(err, audience.ErrTokenOver) || d.state(t, ines) != "pending" {
			t.Errorf("expired: %v, %s", err, d.state(t, ines))
		}
	})
}

// Whoever leaves after asking to come back stays away.
func TestConfirmAfterLeavingRevivesNobody(t *testing.T) {
	inBubble(t, func(t *testing.T, d *desk, b *box) {
		d.subscribe(t, 1)
		const reader = "reader0@northpost.example"
		p, err := d.store.Person(t.Context(), reader)
		if err != nil {
			t.Fatal(err)
		}
		leave := func() {
			time.Sleep(time.Minute)
			if err := d.store.Leave(t.Context(), p.ID, "harbour", []string{"harbour"}, "page", d.Now()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		leave()
		d.signUp(t, reader)
		d.runFor(time.Minute)
		first := b.since()[0].token(t, "c")
		if got := d.state(t, reader); got != "unsubscribed" {
			t.Errorf("asked for, it is %s", got)
		}
		leave() // by the link of an old letter
		if _, err := d.Confirm(t.Context(), first, audience.Way{}); !errors.Is(err, audience.ErrTokenOver) || d.state(t, reader) != "unsubscribed" {
			t.Errorf("confirmed after leaving: %v, %s", err, d.state(t, reader))
		}
		d.signUp(t, reader)
		d.runFor(time.Minute)
		if _, err := d.Confirm(t.Context(), b.since()[0].token(t, "c"), audience.Way{How: "page"}); err != nil || d.state(t, reader) != "active" {
			t.Errorf("asked anew: %v, %s", err, d.state(t, reader))
		}
	})
}

// Nothing is lost between a sign-up and its mail: the relay is out, the daemon
// is killed after the relay took the mail. What comes twice has one Message-ID.
func TestConfirmationIsNotLost(t *testing.T) {
	inBubble(t, func(t *testing.T, d *desk, b *box) {
		b.err = errors.New("connection refused")
		d.signUp(t, ines)
		d.runFor(2 * time.Hour)
		b.mu.Lock()
		b.err = nil
		ctx, cancel := context.WithCancel(context.Background())
		b.taken = cancel // taken by the relay, and not noted: the process ends
		b.mu.Unlock()
		_ = d.Serve(ctx, []newsroom.Newsletter{d.n})
		d.runFor(2 * time.Hour)
		mails := b.since()
		if len(mails) != 2 || mails[0].id == "" || mails[0].id != mails[1].id || mails[0].token(t, "c") != mails[1].token(t, "c") {
			t.Fatalf("mails %+v, want the same one twice", mails)
		}
		d.runFor(2 * time.Hour)
		if more := b.since(); len(more) != 0 {
			t.Errorf("it came again: %+v", more)
		}
		if _, err := d.Confirm(t.Context(), mails[1].token(t, "c"), audience.Way{}); err != nil {
			t.Error(err)
		}
	})
}

func TestOutboxGivesUp(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		wait time.Duration
	}{
		{"refused for good", &send.Refused{Final: true}, time.Hour},
		{"the link is no longer good", errors.New("connection refused"), 73 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, d *desk, b *box) {
				d.Newsletters[0].SignUp.RemindAfter = 0
				b.err = c.err
				d.signUp(t, ines)
				d.runFor(c.wait)
				b.mu.Lock()
				b.err = nil
				b.mu.Unlock()
				d.runFor(2 * time.Hour)
				if mails := b.since(); len(mails) != 0 {
					t.Errorf("still mailed: %+v", mails)
				}
			})
		})
	}
}

// Nobody's mailbox is filled, and the answer tells nobody who is known.
func TestSignUpTellsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, d *desk, b *box) {
		ctx := t.Context()
		d.subscribe(t, 1)
		other := d.n // nobody gets it
		other.ID, other.Name, other.Lists = "tides", "The Tide Table", []string{"tides"}
		if err := d.store.Suppress(ctx, audience.Suppression{Address: "never@northpost.example", Reason: audience.ReasonComplaint, At: d.Now()}); err != nil {
			t.Fatal(err)
		}
		for range 8 {
			for _, address := range []string{ines, "INES@northpost.example", "reader0@northpost.example", "never@northpost.example"} {
				d.signUp(t, address)
				if err := d.SendLink(ctx, []newsroom.Newsletter{other, d.n}, address); err != nil {
					t.Fatal(err)
				}
			}
		}
		d.runFor(time.Minute)
		count := map[string]int{}
		for _, m := range b.since() {
			count[strings.ToLower(m.to)]++
			if strings.HasPrefix(m.to, "reader") {
				m.token(t, "s")
				if strings.Contains(m.text, other.Name) || !strings.Contains(m.text, d.n.Name) {
					t.Errorf("a reader of %s is written to in another's name:\n%s", d.n.Name, m.text)
				}
			}
		}
		if count[ines] != 3 || count["reader0@northpost.example"] != 3 || len(count) != 2 {
			t.Errorf("mails by address: %v", count)
		}
		if d.state(t, "reader0@northpost.example") != "active" || d.state(t, "never@northpost.example") != "nobody" {
			t.Error("a state changed")
		}
		for _, bad := range []audience.SignUp{
			{Address: "no address"},
			{Address: ines, Name: "Ines\r\nBcc: all@example.org"},
			{Address: ines, Timezone: "../../etc/passwd"},
			{Address: ines, Attributes: map[string]string{"plan": strings.Repeat("x", 501)}},
		} {
			if err := d.SignUp(ctx, d.n, bad); !errors.Is(err, newsroom.ErrInput) {
				t.Errorf("%.60v: %v", bad, err)
			}
		}
	})
}

func TestRemindedOnceThenRemoved(t *testing.T) {
	inBubble(t, func(t *testing.T, d *desk, b *box) {
		d.signUp(t, ines)
		d.runFor(23 * time.Hour)
		first := b.since()
		d.runFor(48 * time.Hour)
		reminders := b.since()
		if len(first) != 1 || len(reminders) != 1 || reminders[0].subject == first[0].subject || reminders[0].token(t, "c") != first[0].token(t, "c") {
			t.Fatalf("mails %+v, then %+v", first, reminders)
		}
		d.runFor(24 * time.Hour)
		if got := d.state(t, ines); got != "pending" {
			t.Errorf("a day before its end it is %s", got)
		}
		d.runFor(3 * time.Hour)
		if got := d.state(t, ines); got != "nobody" {
			t.Errorf("afterwards it is %s", got)
		}
	})
}

func TestInvite(t *testing.T) {
	inBubble(t, func(t *testing.T, d *desk, b *box) {
		ctx := t.Context()
		var rows []audience.Row
		for _, name := range []string{"kai", "odile", "tomas"} {
			address := name + "@northpost.example"
			rows = append(rows, audience.Row{Address: address, Key: address, Domain: "northpost.example", State: audience.Pending})
		}
		if _, err := d.store.ImportRows(ctx, "harbour", "import old.csv", rows, false, d.Now()); err != nil {
			t.Fatal(err)
		}
		d.subscribe(t, 2)
		for _, c := range []struct {
			who  []string
			dry  bool
			want int
		}{
			{nil, true, 3},
			{[]string{"Kai@northpost.example", "reader0@northpost.example", "nobody@northpost.example"}, false, 1},
			{nil, false, 2},
			{nil, false, 0},
		} {
			if n, err := d.Invite(ctx, d.n, c.who, c.dry); err != nil || n != c.want {
				t.Errorf("%q: %d asked, %v, want %d", c.who, n, err, c.want)
			}
		}
		d.runFor(time.Minute)
		mails := b.since()
		if len(mails) != 3 {
			t.Fatalf("mails %+v", mails)
		}
		a, err := d.Confirm(ctx, mails[0].token(t, "c"), audience.Way{How: "confirmation page"})
		if err != nil || d.state(t, a.Address) != "active" {
			t.Errorf("confirmed: %+v, %v", a, err)
		}
		d.runFor(120 * time.Hour)
		if got := d.state(t, "tomas@northpost.example"); a.Address != "tomas@northpost.example" && got != "pending" {
			t.Errorf("an imported person who was asked is %s", got)
		}
	})
}

// Each kind of mail in each language and theme: one link, the person's
// language, nothing that is left to fill.
func TestMailsOfOurOwn(t *testing.T) {
	inBubble(t, func(t *testing.T, d *desk, b *box) {
		for _, theme := range templates.Names() {
			for i := range d.Newsletters {
				d.Newsletters[i].Recipe.Theme = theme
				d.Newsletters[i].SignUp.MailsADay = 1000
			}
			for _, language := range templates.Languages() {
				for _, kind := range []string{audience.MailConfirm, audience.MailReminder, audience.MailAlready, audience.MailLink, audience.MailAddress} {
					to := audience.Subscriber{Address: ines, Attributes: map[string]string{audience.AttributeLanguage: language}}
					if err := d.Write(t.Context(), d.Newsletters[0], kind, to, map[string]string{"url": "https://harbour.example/s/TOKEN"}); err != nil {
						t.Fatal(err)
					}
				}
			}
			if _, err := d.PostMails(t.Context()); err != nil {
				t.Fatal(err)
			}
			mails := b.since()
			if want := 5 * len(templates.Languages()); len(mails) != want {
				t.Fatalf("%s: %d mails, want %d", theme, len(mails), want)
			}
			var subjects []string
			for _, m := range mails {
				subjects = append(subjects, m.subject)
				for _, part := range []string{m.html, m.text} {
					if strings.Count(part, "https://harbour.example/s/TOKEN") != 1 || strings.ContainsAny(m.subject, "{}") || strings.Contains(part, "{newsletter}") {
						t.Errorf("%s: %q is not filled", theme, m.subject)
					}
				}
				if strings.Count(m.html, "<table") > 2 || strings.Contains(m.html, "<img") || len(m.html) > 8000 {
					t.Errorf("%s: %q is no plain mail (%d bytes)", theme, m.subject, len(m.html))
				}
				if rtl := strings.ContainsAny(m.subject, "אבגדהוזחטיכלמנסעפצקרשתابتثجحخدذرزسشصضطظعغفقكلمنهوي"); rtl != strings.Contains(m.html, `dir="rtl"`) {
					t.Errorf("%s: %q goes the wrong way", theme, m.subject)
				}
			}
			slices.Sort(subjects)
			if distinct := len(slices.Compact(subjects)); distinct < 5*(len(templates.Languages())-2) { // two regions share words with their language
				t.Errorf("%s: only %d subjects differ", theme, distinct)
			}
		}
	})
}

func TestWriteKnowsItsKinds(t *testing.T) {
	inBubble(t, func(t *testing.T, d *desk, _ *box) {
		if err := d.Write(t.Context(), d.n, "greeting", audience.Subscriber{Address: ines}, nil); err == nil {
			t.Error("a kind that is none was written")
		}
	})
}
