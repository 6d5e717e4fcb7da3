package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"lede/audience"
	"lede/store"
)

var harbourLists = []string{"harbour"}

// ask signs somebody up and returns the codes of the mails that are due since.
func ask(t *testing.T, s *store.Store, address string, at time.Time, change ...func(*audience.SignUp, *audience.Asking)) []audience.Outgoing {
	t.Helper()
	u := audience.SignUp{
		Newsletter: "harbour", Lists: harbourLists, Address: address, Name: "Ines", Language: "de",
		Way: audience.Way{How: "subscribe page", IP: "192.0.2.7", Text: "We send one mail."},
	}
	a := audience.Asking{Code: fmt.Sprintf("code-%s-%d", address, at.UnixNano()), Mail: fmt.Sprintf("mail-%s-%d", address, at.UnixNano()), Known: harbourLists, Until: 72 * time.Hour, Most: 3}
	for _, c := range change {
		c(&u, &a)
	}
	must(t, s.AskSignUp(ctx(), u, a, signTest, at))
	due, err := s.ClaimMails(ctx(), at, at, 100)
	must(t, err)
	for _, m := range due {
		must(t, s.MailSent(ctx(), m.ID, ""))
	}
	return due
}

func signTest(kind, code string, p audience.Subscriber) string {
	return fmt.Sprintf("%s %s %d", kind, code, p.ID)
}

// stands says how an address stands: "pending harbour", "active harbour, opted
// out of harbour".
func stands(t *testing.T, s *store.Store, address string) string {
	t.Helper()
	_, key, _, err := audience.ParseAddress(address)
	must(t, err)
	p, err := s.Person(ctx(), key)
	if errors.Is(err, audience.ErrNobody) {
		return "nobody"
	}
	must(t, err)
	var all []string
	for _, sub := range p.Subscriptions {
		all = append(all, string(sub.State)+" "+sub.List)
	}
	for _, n := range p.OptedOut {
		all = append(all, "left "+n)
	}
	return strings.Join(all, ", ")
}

func TestSignUp(t *testing.T) {
	confirmWay := audience.Way{How: "confirmed on the page", IP: "192.0.2.8"}
	lists := []string{"harbour"}
	each(t, func(t *testing.T, db database) {
		people := 0
		for _, tt := range []struct {
			name   string
			before func(t *testing.T, s *store.Store, address, key string)
			mail   string // kind; empty for none
			asked  string // how the address stands when it was asked
			after  string // and once it was confirmed; empty: ErrTokenOver
		}{
			{"nobody", func(*testing.T, *store.Store, string, string) {}, audience.MailConfirm, "pending harbour", "active harbour"},
			{"pending by an import", func(t *testing.T, s *store.Store, address, key string) {
				_, err := s.ImportRows(ctx(), "harbour", "import", []audience.Row{{Address: address, Key: key, Domain: "northpost.example", State: audience.Pending}}, false, now)
				must(t, err)
			}, audience.MailConfirm, "pending harbour", "active harbour"},
			{"active", func(t *testing.T, s *store.Store, address, key string) { add(t, s, address) }, audience.MailAlready, "active harbour", ""},
			{"left the newsletter", func(t *testing.T, s *store.Store, address, key string) {
				must(t, s.Leave(ctx(), add(t, s, address), "harbour", lists, "unsubscribe page", now))
			}, audience.MailConfirm, "unsubscribed harbour, left harbour", "active harbour"},
			{"left everything", func(t *testing.T, s *store.Store, address, key string) {
				must(t, s.LeaveAll(ctx(), add(t, s, address), []string{"harbour", "evening"}, "unsubscribe page", now))
			}, audience.MailConfirm, "unsubscribed harbour, left evening, left harbour", "active harbour, left evening"},
			{"opted out, still on the list", func(t *testing.T, s *store.Store, address, key string) {
				must(t, s.Leave(ctx(), add(t, s, address), "harbour", nil, "unsubscribe page", now))
			}, audience.MailConfirm, "active harbour, left harbour", "active harbour"},
			{"on another list", func(t *testing.T, s *store.Store, address, key string) {
				_, err := s.Add(ctx(), "evening", audience.Row{Address: address, Key: key, Domain: "northpost.example"}, "test", false, now)
				must(t, err)
			}, audience.MailConfirm, "active evening", "active evening, active harbour"},
			{"suppressed", func(t *testing.T, s *store.Store, address, key string) {
				add(t, s, address)
				must(t, s.Suppress(ctx(), audience.Suppression{Address: address, Reason: audience.ReasonComplaint, At: now}))
			}, "", "active harbour", ""},
			{"suppressed and nobody's", func(t *testing.T, s *store.Store, address, key string) {
				must(t, s.Suppress(ctx(), audience.Suppression{Address: address, Reason: audience.ReasonBounce, At: now}))
			}, "", "nobody", ""},
			{"erased", func(t *testing.T, s *store.Store, address, key string) {
				add(t, s, address)
				must(t, s.Forget(ctx(), key, now))
			}, audience.MailConfirm, "nobody", "active harbour"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				s := db.open(t)
				people++
				address := fmt.Sprintf("Ines%d@northpost.example", people)
				key := strings.ToLower(address)
				tt.before(t, s, address, key)
				later := now.Add(time.Duration(people) * time.Hour)
				mails := ask(t, s, address, later)
				kind, code := "", ""
				if len(mails) > 0 {
					kind = mails[0].Kind
					code = strings.Fields(mails[0].Token)[1]
				}
				if kind != tt.mail || len(mails) > 1 {
					t.Fatalf("mails %+v, want %q", mails, tt.mail)
				}
				if got := stands(t, s, address); got != tt.asked {
					t.Errorf("asked, it is %q, want %q", got, tt.asked)
				}
				if kind != audience.MailConfirm {
					return
				}
				if _, err := s.ConfirmSignUp(ctx(), "harbour", code+"x", confirmWay, later); !errors.Is(err, audience.ErrTokenOver) {
					t.Errorf("a code that is not ours: %v", err)
				}
				asked, err := s.AskedSignUp(ctx(), "harbour", code, later)
				if err != nil || asked.Done || asked.Language != "de" {
					t.Errorf("asked: %+v, %v", asked, err)
				}
				if _, err := s.ConfirmSignUp(ctx(), "harbour", code, confirmWay, later.Add(73*time.Hour)); !errors.Is(err, audience.ErrTokenOver) {
					t.Errorf("after its time: %v", err)
				}
				done, err := s.ConfirmSignUp(ctx(), "harbour", code, confirmWay, later.Add(time.Minute))
				if err != nil || !done.Done {
					t.Fatalf("confirmed: %+v, %v", done, err)
				}
				if got := stands(t, s, address); got != tt.after {
					t.Errorf("confirmed, it is %q, want %q", got, tt.after)
				}
				history, err := s.PersonHistory(ctx(), key)
				must(t, err)
				last := history[len(history)-1]
				for _, e := range history {
					if e.About == "harbour" && e.Ended.IsZero() && e.What == audience.EntrySubscription {
						last = e
					}
				}
				if last.IP != "192.0.2.8" || last.Text != "We send one mail." || !strings.Contains(last.How, "subscribe page, asked for at 2") || !strings.Contains(last.How, "from 192.0.2.7; confirmed on the page") {
					t.Errorf("the consent is %+v", last)
				}

				// replayed: nothing changes; and whoever left since is not brought back
				before := stands(t, s, address)
				again, err := s.ConfirmSignUp(ctx(), "harbour", code, confirmWay, later.Add(2*time.Minute))
				if err != nil || !again.Done || stands(t, s, address) != before {
					t.Errorf("again: %+v, %v, %q", again, err, stands(t, s, address))
				}
				must(t, s.Leave(ctx(), done.Subscriber, "harbour", lists, "unsubscribe page", later.Add(3*time.Minute)))
				left := stands(t, s, address)
				if _, err := s.ConfirmSignUp(ctx(), "harbour", code, confirmWay, later.Add(4*time.Minute)); !errors.Is(err, audience.ErrTokenOver) || stands(t, s, address) != left {
					t.Errorf("after leaving: %v, %q", err, stands(t, s, address))
				}
			})
		}
	})
}

// add makes a person who is active on harbour, and returns the id.
func add(t *testing.T, s *store.Store, address string) int64 {
	t.Helper()
	written, key, domain, err := audience.ParseAddress(address)
	must(t, err)
	_, err = s.Add(ctx(), "harbour", audience.Row{Address: written, Key: key, Domain: domain}, "test", false, now)
	must(t, err)
	p, err := s.Person(ctx(), key)
	must(t, err)
	return p.ID
}

// Nobody's mailbox is filled, and each of several mails works.
func TestSignUpsOfOne(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		codes := map[string]bool{}
		mails := 0
		for i := range 6 {
			for _, m := range ask(t, s, "ines@northpost.example", now.Add(time.Duration(i)*time.Minute)) {
				codes[m.Token] = true
				mails++
			}
		}
		if mails != 3 || len(codes) != 1 {
			t.Errorf("%d mails, %d codes: want 3 mails, all with one", mails, len(codes))
		}
		if n := len(ask(t, s, "ines@northpost.example", now.Add(25*time.Hour))); n != 1 {
			t.Errorf("the day after: %d mails", n)
		}
		if wrote, err := s.WriteMail(ctx(), audience.Outgoing{ID: "x", Kind: audience.MailLink, Newsletter: "harbour", Address: "INES@northpost.example", At: now.Add(25 * time.Hour), Until: now.Add(48 * time.Hour)}, 1); wrote || err != nil {
			t.Errorf("one too many was written: %t, %v", wrote, err)
		}
	})
}

// Whoever fills one person's address into forms in many spellings fills no
// mailbox: the limit is the mailbox's.
func TestSignUpsOfOneMailbox(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		mails := 0
		for i, address := range []string{"ines+1@gmail.com", "i.nes@gmail.com", "ines@googlemail.com", "ines@gmail.com", "in.es+2@gmail.com", "INES+3@gmail.com"} {
			mails += len(ask(t, s, address, now.Add(time.Duration(i)*time.Minute)))
		}
		if mails != 3 {
			t.Errorf("%d mails to one mailbox: want 3", mails)
		}
		if got := stands(t, s, "ines+3@gmail.com"); got != "nobody" {
			t.Errorf("one that was not asked is kept: %s", got)
		}
		if n := len(ask(t, s, "ines@northpost.example", now.Add(10*time.Minute))); n != 1 {
			t.Errorf("another mailbox got %d mails", n)
		}
	})
}

// One reminder, and then whoever confirmed nothing is forgotten; whoever was
// known before stays.
func TestSignUpsEnd(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		add(t, s, "kai@northpost.example")
		must(t, s.Leave(ctx(), add(t, s, "kai@northpost.example"), "harbour", harbourLists, "page", now))
		for i, address := range []string{"ines@northpost.example", "kai@northpost.example", "odile@northpost.example"} {
			mails := ask(t, s, address, now.Add(time.Duration(i)*time.Second))
			if address == "odile@northpost.example" {
				_, err := s.ConfirmSignUp(ctx(), "harbour", strings.Fields(mails[0].Token)[1], audience.Way{How: "page"}, now.Add(time.Minute))
				must(t, err)
			}
		}
		ids := 0
		remind := func(at time.Time) int {
			n, err := s.RemindSignUps(ctx(), "harbour", at.Add(-24*time.Hour), 100, func() string { ids++; return fmt.Sprint("r", ids) }, signTest, at)
			must(t, err)
			return n
		}
		if n := remind(now.Add(23 * time.Hour)); n != 0 {
			t.Errorf("%d were reminded too early", n)
		}
		if n := remind(now.Add(25 * time.Hour)); n != 2 {
			t.Errorf("%d were reminded, want 2", n)
		}
		if n := remind(now.Add(26 * time.Hour)); n != 0 {
			t.Errorf("%d were reminded again", n)
		}
		due, err := s.ClaimMails(ctx(), now.Add(26*time.Hour), now.Add(26*time.Hour), 10)
		must(t, err)
		if len(due) != 2 || due[0].Kind != audience.MailReminder || !due[0].Until.After(now.Add(70*time.Hour)) {
			t.Errorf("the reminders are %+v", due)
		}
		must(t, s.MailPutOff(ctx(), due[0].ID, "451 later", now.Add(27*time.Hour)))
		if due, err := s.ClaimMails(ctx(), now.Add(26*time.Hour), now.Add(26*time.Hour), 10); err != nil || len(due) != 1 {
			t.Errorf("one was put off: %+v, %v", due, err)
		}
		for _, c := range []struct {
			at   time.Duration
			want int
		}{{71 * time.Hour, 0}, {80 * time.Hour, 1}, {90 * time.Hour, 0}} {
			if n, err := s.ForgetSignUps(ctx(), now.Add(c.at)); err != nil || n != c.want {
				t.Errorf("after %s %d were forgotten, want %d: %v", c.at, n, c.want, err)
			}
		}
		for address, want := range map[string]string{
			"ines@northpost.example": "nobody", "kai@northpost.example": "unsubscribed harbour, left harbour", "odile@northpost.example": "active harbour",
		} {
			if got := stands(t, s, address); got != want {
				t.Errorf("%s is %q, want %q", address, got, want)
			}
		}
		if due, err := s.ClaimMails(ctx(), now.Add(100*time.Hour), now.Add(100*time.Hour), 10); err != nil || len(due) != 0 {
			t.Errorf("mails of no use are left: %+v, %v", due, err)
		}
	})
}

// Where it is set so, who is new gets the newsletter at once; who had left is
// asked all the same.
func TestSignUpAtOnce(t *testing.T) {
	atOnce := func(_ *audience.SignUp, a *audience.Asking) { a.AtOnce = true }
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		if mails := ask(t, s, "ines@northpost.example", now, atOnce); len(mails) != 0 || stands(t, s, "ines@northpost.example") != "active harbour" {
			t.Errorf("new: %+v, %q", mails, stands(t, s, "ines@northpost.example"))
		}
		must(t, s.Leave(ctx(), add(t, s, "kai@northpost.example"), "harbour", harbourLists, "page", now))
		if mails := ask(t, s, "kai@northpost.example", now, atOnce); len(mails) != 1 || stands(t, s, "kai@northpost.example") != "unsubscribed harbour, left harbour" {
			t.Errorf("had left: %+v, %q", mails, stands(t, s, "kai@northpost.example"))
		}
	})
}

// What was kept of a sign-up goes with the person.
func TestForgetSignUp(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		mails := ask(t, s, "ines@northpost.example", now)
		must(t, s.Forget(ctx(), "ines@northpost.example", now))
		if _, err := s.AskedSignUp(ctx(), "harbour", strings.Fields(mails[0].Token)[1], now); !errors.Is(err, audience.ErrTokenOver) {
			t.Errorf("the sign-up is still there: %v", err)
		}
		conn := db.raw(t)
		defer conn.Close()
		for _, table := range []string{"sign_up", "outbox"} {
			var n int
			must(t, conn.QueryRow(`SELECT count(*) FROM `+table).Scan(&n))
			if n != 0 {
				t.Errorf("%d rows in %s", n, table)
			}
		}
	})
}

// Who left after asking, or was suppressed, is not brought back; an address that
// asks for several lists comes to all, with what it said of itself.
func TestConfirmSignUpRefuses(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		way := audience.Way{How: "page"}
		for _, c := range []struct {
			name  string
			after func(t *testing.T, address string, id int64)
		}{
			{"left since", func(t *testing.T, _ string, id int64) {
				must(t, s.Leave(ctx(), id, "harbour", harbourLists, "page", now.Add(2*time.Minute)))
			}},
			{"left everything since", func(t *testing.T, _ string, id int64) {
				must(t, s.LeaveAll(ctx(), id, []string{"harbour"}, "page", now.Add(2*time.Minute)))
			}},
			{"left the list since", func(t *testing.T, _ string, id int64) {
				must(t, s.LeaveList(ctx(), id, "harbour", "page", now.Add(2*time.Minute)))
			}},
			{"suppressed since", func(t *testing.T, address string, _ int64) {
				must(t, s.Suppress(ctx(), audience.Suppression{Address: address, Reason: audience.ReasonComplaint, At: now.Add(2 * time.Minute)}))
			}},
		} {
			t.Run(c.name, func(t *testing.T) {
				address := strings.ReplaceAll(c.name, " ", "-") + "@northpost.example"
				code := strings.Fields(ask(t, s, address, now.Add(time.Minute))[0].Token)[1]
				p, err := s.Person(ctx(), address)
				must(t, err)
				c.after(t, address, p.ID)
				before := stands(t, s, address)
				if _, err := s.AskedSignUp(ctx(), "harbour", code, now.Add(3*time.Minute)); !errors.Is(err, audience.ErrTokenOver) {
					t.Errorf("asked: %v", err)
				}
				if _, err := s.ConfirmSignUp(ctx(), "harbour", code, way, now.Add(3*time.Minute)); !errors.Is(err, audience.ErrTokenOver) || stands(t, s, address) != before {
					t.Errorf("confirmed: %v, %q, was %q", err, stands(t, s, address), before)
				}
			})
		}
		two := func(u *audience.SignUp, a *audience.Asking) {
			u.Lists, u.Attributes = []string{"harbour", "evening", "harbour"}, map[string]string{"timezone": "Europe/Lisbon"}
		}
		mails := ask(t, s, "two@northpost.example", now, two)
		code := strings.Fields(mails[0].Token)[1]
		if got := stands(t, s, "two@northpost.example"); got != "pending evening, pending harbour" {
			t.Errorf("asked for two lists, it is %q", got)
		}
		if _, err := s.ConfirmSignUp(ctx(), "evening", code, way, now); !errors.Is(err, audience.ErrTokenOver) {
			t.Errorf("a code of another newsletter: %v", err)
		}
		_, err := s.ConfirmSignUp(ctx(), "harbour", code, way, now)
		must(t, err)
		p, err := s.Person(ctx(), "two@northpost.example")
		must(t, err)
		if got := stands(t, s, "two@northpost.example"); got != "active evening, active harbour" || p.Attributes["timezone"] != "Europe/Lisbon" {
			t.Errorf("confirmed, it is %q with %v", got, p.Attributes)
		}
	})
}

// Two daemons post no mail both.
func TestClaimMails(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		for i := range 5 {
			wrote, err := s.WriteMail(ctx(), audience.Outgoing{
				ID: fmt.Sprint("m", i), Kind: audience.MailLink, Newsletter: "harbour", Address: fmt.Sprintf("r%d@northpost.example", i),
				Fill: map[string]string{"url": "https://harbour.example/"}, At: now.Add(time.Duration(i) * time.Second), Until: now.Add(time.Hour),
			}, 3)
			if err != nil || !wrote {
				t.Fatal(wrote, err)
			}
		}
		later := now.Add(time.Minute)
		seen := map[string]int{}
		claim := func(at time.Time, limit int) int {
			due, err := s.ClaimMails(ctx(), at, at.Add(2*time.Minute), limit)
			must(t, err)
			for _, m := range due {
				seen[m.ID]++
				if m.Fill["url"] != "https://harbour.example/" {
					t.Errorf("mail %+v", m)
				}
			}
			return len(due)
		}
		if a, b, c := claim(later, 2), claim(later, 10), claim(later, 10); a != 2 || b != 3 || c != 0 || len(seen) != 5 {
			t.Errorf("claimed %d, %d and %d mails: %v", a, b, c, seen)
		}
		must(t, s.MailSent(ctx(), "m0", ""))
		if n := claim(later.Add(2*time.Minute), 10); n != 4 {
			t.Errorf("after a kill %d are due again, want 4", n)
		}
	})
}
