package newsroom

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lede/audience"
	"lede/send"
	"lede/templates"
)

// SignUps keeps sign-ups and the mails of our own.
type SignUps interface {
	audience.SignUps
	Person(ctx context.Context, key string) (audience.Person, error)
	PersonByID(ctx context.Context, id int64) (audience.Person, error)
}

// Pauses between the attempts to have a mail of our own taken.
const (
	firstPause   = time.Minute
	longestPause = time.Hour
	postLimit    = 30 * time.Second // bounds one attempt
	claimTime    = 2 * time.Minute  // for which mails are claimed: after a kill they are due again
	mailsAtOnce  = 10               // that are claimed in one go
	tidyEvery    = 10 * time.Minute
	remindAtOnce = 200
	// keepOver is how long sign-ups that are over stay, and mails that were sent:
	// by them it is counted how many an address got in a day.
	keepOver = 24 * time.Hour
)

// Write mails a person something of our own: a mail of a kind, in the
// newsletter's theme and the person's language, with one link. fill has what
// its words need, and as "url" the address of the link; the others by kind:
// MailAddress "old", the address that is left. The mail is stored, and posted
// by the daemon until a relay took it. An address that had its mails of today
// gets none, which is no error: the page that asked for it says the same.
func (r *Room) Write(ctx context.Context, n Newsletter, kind string, to audience.Subscriber, fill map[string]string) error {
	return r.write(ctx, n, audience.Outgoing{
		Kind: kind, Address: to.Address, Language: to.Attributes[audience.AttributeLanguage], Fill: fill,
	})
}

func (r *Room) write(ctx context.Context, n Newsletter, m audience.Outgoing) error {
	if _, known := mailOf(templates.Words{}, m.Kind); !known {
		return fmt.Errorf("writing a mail: there is no kind %q", m.Kind)
	}
	m.ID, m.Newsletter, m.At = r.NewID(), n.ID, r.Now()
	if m.Until.IsZero() {
		m.Until = m.At.Add(n.SignUp.TokenLife)
	}
	wrote, err := r.SignUps.WriteMail(ctx, m, n.SignUp.MailsADay)
	if err == nil && !wrote {
		r.Log.Info("not mailed: the address had its mails of today", "newsletter", n.ID, "kind", m.Kind, "address", audience.Mask(m.Address))
	}
	return err
}

// keepWriting posts the mails of our own that are due, reminds who confirmed
// nothing, and removes what is over.
func (r *Room) keepWriting(ctx context.Context) {
	poll := r.PollEvery
	if poll == 0 {
		poll = time.Second
	}
	var tidied time.Time
	for {
		if now := r.Now(); tidied.IsZero() || now.Sub(tidied) >= tidyEvery || now.Before(tidied) {
			r.tidySignUps(ctx)
			tidied = now
		}
		if _, err := r.PostMails(ctx); err != nil && ctx.Err() == nil {
			r.Log.Error("mails of our own", "err", err)
		}
		if !sleep(ctx, poll) {
			return
		}
	}
}

// PostMails posts the mails of our own that are due now, and returns how many a
// relay took. Only faults of the store are errors.
func (r *Room) PostMails(ctx context.Context) (int, error) {
	took := 0
	for ctx.Err() == nil {
		claimed := r.Now().Add(claimTime)
		due, err := r.SignUps.ClaimMails(ctx, r.Now(), claimed, mailsAtOnce)
		if err != nil {
			return took, err
		}
		for _, m := range due {
			if r.Now().After(claimed.Add(-postLimit)) {
				break // a slow relay: the others come again
			}
			sent, err := r.postMail(ctx, m)
			if err != nil {
				return took, err
			}
			if sent {
				took++
			}
		}
		if len(due) < mailsAtOnce {
			break
		}
	}
	return took, ctx.Err()
}

// postMail makes one attempt. What it came to is noted in any case; a mail that
// was taken by the relay but not noted goes out again with the same Message-ID.
func (r *Room) postMail(ctx context.Context, m audience.Outgoing) (bool, error) {
	now := r.Now()
	if !now.Before(m.Until) {
		r.Log.Warn("a mail of our own was given up", "newsletter", m.Newsletter, "kind", m.Kind, "address", audience.Mask(m.Address))
		return false, r.SignUps.MailSent(ctx, m.ID, "given up: its link is no longer good")
	}
	n, known := r.newsletterOf(m.Newsletter)
	if !known {
		return false, r.SignUps.MailPutOff(ctx, m.ID, "the newsletter is not in the configuration", now.Add(longestPause))
	}
	err := r.post(ctx, n, m)
	if err == nil {
		return true, r.SignUps.MailSent(context.WithoutCancel(ctx), m.ID, "")
	}
	if ctx.Err() != nil { // stopped meanwhile: the next start goes on at once
		return false, r.SignUps.MailPutOff(context.WithoutCancel(ctx), m.ID, "stopped", now)
	}
	if refused := new(send.Refused); errors.As(err, &refused) && refused.Final {
		r.Log.Warn("a mail of our own was refused", "newsletter", n.ID, "kind", m.Kind, "address", audience.Mask(m.Address), "err", err)
		return false, r.SignUps.MailSent(ctx, m.ID, err.Error())
	}
	pause := min(firstPause<<min(m.Attempt, 10), longestPause)
	r.Log.Warn("a mail of our own was not taken; trying again", "newsletter", n.ID, "kind", m.Kind, "address", audience.Mask(m.Address), "in", Span(pause), "err", err)
	return false, r.SignUps.MailPutOff(ctx, m.ID, err.Error(), now.Add(pause))
}

func (r *Room) post(ctx context.Context, n Newsletter, m audience.Outgoing) error {
	mail, err := r.mailOfOurs(n, m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, postLimit)
	defer cancel()
	return r.Dispatcher.Post(ctx, n.Relay, n.Sender.Envelope(), []string{m.Address}, mail)
}

func (r *Room) newsletterOf(id string) (Newsletter, bool) {
	for _, n := range r.Newsletters {
		if n.ID == id {
			return n, true
		}
	}
	return Newsletter{}, false
}

// tidySignUps reminds those who confirmed nothing, once, and removes sign-ups
// that are over.
func (r *Room) tidySignUps(ctx context.Context) {
	for _, n := range r.Newsletters {
		after := n.SignUp.RemindAfter
		for count := remindAtOnce; after > 0 && count == remindAtOnce; {
			var err error
			now := r.Now()
			count, err = r.SignUps.RemindSignUps(ctx, n.ID, now.Add(-after), remindAtOnce, r.NewID, r.signer(n), now)
			if err != nil && ctx.Err() == nil {
				r.Log.Error("reminding who signed up", "newsletter", n.ID, "err", err)
			}
			if err != nil {
				break
			}
		}
	}
	gone, err := r.SignUps.ForgetSignUps(ctx, r.Now().Add(-keepOver))
	switch {
	case err != nil && ctx.Err() == nil:
		r.Log.Error("removing old sign-ups", "err", err)
	case gone > 0:
		r.Log.Info("removed who signed up and never confirmed it", "people", gone)
	}
}
