package newsroom

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"lede/audience"
)

// SignUpRules say how people come to a newsletter by themselves.
type SignUpRules struct {
	Open        bool          // its subscribe page takes people
	DoubleOptIn bool          // whoever is new confirms by mail first; false: they get it at once
	TokenLife   time.Duration // how long a sign-up can be confirmed
	RemindAfter time.Duration // when those who confirmed nothing are reminded, once; 0: never
	MailsADay   int           // how many mails of this kind an address gets in 24 hours, of all newsletters together
	List        string        // that they come to
	Agreement   string        // the text that they agree to; it is kept with their consent
}

// SignUp takes somebody's wish to get the newsletter: whoever is new is pending
// and gets the mail that asks whether it was them. Who gets it already is told
// so by mail, with a link to their settings; whoever had left or was erased is
// asked, and comes back only by confirming. A suppressed address, and one that
// had its mails of today, gets nothing. To whom which of this happened the
// caller does not learn. Only faults of ours or of the input are errors; the
// latter are ErrInput.
//
// The mail is stored with the sign-up and leaves by itself: the daemon posts it.
func (r *Room) SignUp(ctx context.Context, n Newsletter, s audience.SignUp) error {
	s, err := s.Clean()
	if err != nil {
		return inputError{err}
	}
	s.Newsletter = n.ID
	if len(s.Lists) == 0 {
		s.Lists = []string{n.comeTo()}
	}
	if s.Way.Text == "" {
		s.Way.Text = n.SignUp.Agreement
	}
	return r.SignUps.AskSignUp(ctx, s, r.asking(n), r.signer(n), r.Now())
}

// invitePage is how many people an invitation reads at a time.
const invitePage = 500

// Invite asks those by mail who are pending for the newsletter, by an import
// maybe, and were not asked yet: each who, or with nobody named all of them. It
// returns how many; dry only counts. The mails are stored, and posted by the
// daemon. Done again it asks nobody twice while the first mail can still be
// answered.
func (r *Room) Invite(ctx context.Context, n Newsletter, who []string, dry bool) (int, error) {
	named := map[string]bool{}
	for _, address := range who {
		_, key, _, err := audience.ParseAddress(address)
		if err != nil {
			return 0, inputError{fmt.Errorf("%s: %w", address, err)}
		}
		named[key] = true
	}
	asked, after := 0, int64(0)
	for {
		page, err := r.SignUps.NotAsked(ctx, n.ID, n.Lists, r.Now(), after, invitePage)
		if err != nil {
			return asked, err
		}
		for _, p := range page {
			after = p.ID
			if _, key, _, err := audience.ParseAddress(p.Address); err != nil || len(named) > 0 && !named[key] {
				continue
			}
			asked++
			if dry {
				continue
			}
			s := audience.SignUp{Newsletter: n.ID, Lists: []string{p.List}, Address: p.Address, Way: audience.Way{How: "invited by hand", Text: n.SignUp.Agreement}}
			a := r.asking(n)
			a.AtOnce = false
			if err := r.SignUps.AskSignUp(ctx, s, a, r.signer(n), r.Now()); err != nil {
				return asked - 1, err
			}
		}
		if len(page) < invitePage {
			return asked, nil
		}
	}
}

// ErrInput says that what a person wrote can't be taken: the address, the name.
var ErrInput = errors.New("what was written can't be taken")

// inputError is a fault of what a person wrote, and is ErrInput.
type inputError struct{ error }

func (e inputError) Unwrap() []error { return []error{e.error, ErrInput} }

// comeTo is the list that people come to.
func (n Newsletter) comeTo() string {
	if n.SignUp.List != "" || len(n.Lists) == 0 {
		return n.SignUp.List
	}
	return n.Lists[0]
}

func (r *Room) asking(n Newsletter) audience.Asking {
	return audience.Asking{
		Code: r.NewID(), Mail: r.NewID(), Known: n.Lists,
		Until: n.SignUp.TokenLife, Most: n.SignUp.MailsADay, AtOnce: !n.SignUp.DoubleOptIn,
	}
}

// signer makes the tokens of the links in mails of our own.
func (r *Room) signer(n Newsletter) func(kind, code string, person audience.Subscriber) string {
	return func(kind, code string, person audience.Subscriber) string {
		if code == "" {
			return n.Sender.Keys.Sign(audience.PreferencesToken(n.ID, person))
		}
		return n.Sender.Keys.Sign(audience.Token{Purpose: audience.PurposeConfirm, Newsletter: n.ID, Edition: code})
	}
}

// linkLife is how long a link is good by which a person's data can be seen and
// erased. It was asked for just now.
const linkLife = 3 * time.Hour

// signUpOf opens the token of a confirmation link.
func (r *Room) signUpOf(token string) (Newsletter, string, error) {
	for _, n := range r.Newsletters {
		t, err := n.Sender.Keys.Open(token)
		if err != nil || t.Purpose != audience.PurposeConfirm || t.Edition == "" {
			return Newsletter{}, "", audience.ErrToken
		}
		if t.Newsletter == n.ID {
			return n, t.Edition, nil
		}
	}
	return Newsletter{}, "", audience.ErrToken
}

// Asked says whom and what a confirmation link would confirm, and changes
// nothing. Errors: audience.ErrToken for what is no such link of ours,
// audience.ErrTokenOver for one that is too old, or whose person left since.
func (r *Room) Asked(ctx context.Context, token string) (audience.Asked, error) {
	n, code, err := r.signUpOf(token)
	if err != nil {
		return audience.Asked{}, err
	}
	return r.SignUps.AskedSignUp(ctx, n.ID, code, r.Now())
}

// Confirm makes the person of a confirmation link active, and keeps the way of
// it with the consent. Done again it changes nothing, and says the same. Errors
// as with Asked.
func (r *Room) Confirm(ctx context.Context, token string, way audience.Way) (audience.Asked, error) {
	n, code, err := r.signUpOf(token)
	if err != nil {
		return audience.Asked{}, err
	}
	return r.SignUps.ConfirmSignUp(ctx, n.ID, code, way, r.Now())
}

// SendLink mails whoever is known by the address a link, good for three hours,
// to what they get and what is kept of them, as one of the newsletters that they
// get. An address that is not known, is suppressed or had its mails of today gets
// nothing; the caller does not learn which.
func (r *Room) SendLink(ctx context.Context, of []Newsletter, address string) error {
	_, key, _, err := audience.ParseAddress(address)
	if err != nil {
		return inputError{err}
	}
	p, err := r.SignUps.Person(ctx, key)
	if errors.Is(err, audience.ErrNobody) || err == nil && p.Suppressed != "" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for who asks for a link: %w", err)
	}
	n, until := gotten(of, p), r.Now().Add(linkLife)
	return r.write(ctx, n, audience.Outgoing{
		Kind: audience.MailLink, Address: p.Address, Language: p.Attributes[audience.AttributeLanguage],
		Token: n.Sender.Keys.Sign(audience.DataToken(n.ID, p.Subscriber, until)), Until: until,
	})
}

// gotten is the first of the newsletters that a person gets; or asked for; or the
// first.
func gotten(of []Newsletter, p audience.Person) Newsletter {
	for _, state := range []audience.SubscriptionState{audience.Active, audience.Pending} {
		for _, n := range of {
			on := func(t audience.Subscription) bool { return t.State == state && slices.Contains(n.Lists, t.List) }
			if slices.ContainsFunc(p.Subscriptions, on) && !slices.Contains(p.OptedOut, n.ID) {
				return n
			}
		}
	}
	return of[0]
}
