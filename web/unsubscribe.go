package web

import (
	"errors"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"lede/audience"
)

const (
	maxBody = 64 << 10 // of a form; a mail program's is 26 bytes

	// Why a person left, as kept with its opt-out. Return finds what the page
	// did by this and the time.
	whyPage     = "unsubscribe page"
	whyOneClick = "one-click unsubscribe"
)

// asker is who stands behind a link.
type asker struct {
	token      audience.Token
	person     audience.Person
	newsletter Newsletter
	proof      bool // nobody is: the link is of a proof
}

var errLink = errors.New("no such link")

// asker finds who a link is for. A damaged token, one of another purpose, a
// person that is gone and an id that is somebody else's by now are errLink all
// the same, after the same look-up.
func (h site) asker(r *http.Request) (asker, error) {
	return h.askerFor(r, audience.PurposeUnsubscribe)
}

// askerFor is asker for links of some purposes.
func (h site) askerFor(r *http.Request, purposes ...audience.Purpose) (asker, error) {
	token, err := h.Keys.Open(r.PathValue("token"))
	if err == nil && token.Purpose == audience.PurposeProof {
		return asker{token: token, newsletter: h.newsletter(token.Newsletter), proof: true}, nil
	}
	good := err == nil && slices.Contains(purposes, token.Purpose)
	if !good {
		token = audience.Token{}
	}
	person, err := h.People.PersonByID(r.Context(), token.Subscriber)
	if err != nil && !errors.Is(err, audience.ErrNobody) {
		return asker{}, err
	}
	if !good || err != nil || person.Salt != token.Salt {
		return asker{}, errLink
	}
	return asker{token: token, person: person, newsletter: h.newsletter(token.Newsletter)}, nil
}

// newsletter returns the newsletter of an id. One that is not published any
// more can still be left; it has no name.
func (h site) newsletter(id string) Newsletter {
	for _, n := range h.Newsletters {
		if n.ID == id {
			return n
		}
	}
	return Newsletter{ID: id}
}

// ownLists are the newsletter's lists that no other newsletter goes to: the
// ones that leaving it ends.
func (h site) ownLists(n Newsletter) []string {
	var own []string
	for _, list := range n.Lists {
		shared := slices.ContainsFunc(h.Newsletters, func(o Newsletter) bool {
			return o.ID != n.ID && slices.Contains(o.Lists, list)
		})
		if !shared {
			own = append(own, list)
		}
	}
	return own
}

// gets says whether the person is subscribed to a newsletter.
func gets(p audience.Person, n Newsletter) bool {
	if slices.Contains(p.OptedOut, n.ID) {
		return false
	}
	return n.Lists == nil || slices.ContainsFunc(p.Subscriptions, func(s audience.Subscription) bool {
		return s.State == audience.Active && slices.Contains(n.Lists, s.List)
	})
}

// view fills what the pages of an asker share.
func (h site) view(w http.ResponseWriter, r *http.Request, a asker) view {
	v := view{Home: home(r), Newsletter: a.newsletter, Proof: a.proof, Action: home(r) + "u/" + r.PathValue("token"), Words: h.personalSpeech(a, h.speech(w, r, a.newsletter))}
	v.Newsletter.Name = v.Words.name(a.newsletter)
	if a.proof {
		v.Reader = "reader@example.org"
		return v
	}
	v.Reader = a.person.Address
	var others []string
	for _, n := range h.Newsletters {
		if n.ID != a.newsletter.ID && gets(a.person, n) {
			others = append(others, n.Name)
		}
	}
	v.Others = v.Words.Join(others)
	return v
}

// askToLeave shows the page that a person reaches from a letter.
func (h site) askToLeave(w http.ResponseWriter, r *http.Request) {
	a, err := h.asker(r)
	switch {
	case errors.Is(err, errLink):
		h.brokenLink(w, r)
	case err != nil:
		h.ourFault(w, r, Newsletter{}, err)
	case !a.proof && !gets(a.person, a.newsletter):
		h.left(w, r, a, false, time.Time{})
	default:
		v := h.view(w, r, a)
		v.Title, v.ToChoices = v.Words.Pages.LeaveTitle.With("newsletter", v.Newsletter.Name), h.toChoices(r, a)
		h.show(w, http.StatusOK, "leave", v)
	}
}

// left shows the page after leaving; at is when, for an exact undo, or zero
// for an earlier leaving.
func (h site) left(w http.ResponseWriter, r *http.Request, a asker, all bool, at time.Time) {
	v := h.view(w, r, a)
	v.Title = v.Words.Pages.LeftTitle.With("newsletter", v.Newsletter.Name)
	v.All, v.Undo = all, !at.IsZero() || h.mayAsk(a)
	if all {
		v.Others = ""
	}
	if !at.IsZero() {
		v.At = strconv.FormatInt(at.UnixMicro(), 10)
	}
	h.show(w, http.StatusOK, "left", v)
}

func (h site) brokenLink(w http.ResponseWriter, r *http.Request) {
	words := h.speech(w, r, Newsletter{})
	v := view{Title: words.Pages.BrokenTitle, Home: home(r), Words: words, Form: h.linkForm(r, words)}
	if v.Form != nil {
		sendBack(w)
	}
	h.show(w, http.StatusNotFound, "broken", v)
}

// leave takes both POSTs to a letter's unsubscribe address: that of a mail
// program (RFC 8058), which gets a plain answer without redirect, cookie or
// session, and that of the page's own button. The token is the right to do
// it, so neither needs a session. Any other body changes nothing.
func (h site) leave(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		return
	}
	if isOneClick(r) {
		h.oneClick(w, r)
		return
	}
	scope := r.PostForm["scope"]
	if len(scope) != 1 || scope[0] != "one" && scope[0] != "all" {
		plain(w, http.StatusBadRequest, "This is neither List-Unsubscribe=One-Click nor the form of this page. Nothing was changed.")
		return
	}
	a, err := h.asker(r)
	if errors.Is(err, errLink) {
		h.brokenLink(w, r)
		return
	}
	if err != nil {
		h.ourFault(w, r, Newsletter{}, err)
		return
	}
	now, all := h.now(), scope[0] == "all"
	if !all && !a.proof && slices.Contains(a.person.OptedOut, a.newsletter.ID) {
		h.left(w, r, a, false, time.Time{}) // by an earlier act, which is not this one's to undo
		return
	}
	if !a.proof {
		if all {
			err = h.People.LeaveAll(r.Context(), a.person.ID, h.ids(a), whyPage, now)
		} else {
			err = h.People.Leave(r.Context(), a.person.ID, a.newsletter.ID, h.ownLists(a.newsletter), whyPage, now)
		}
		if err != nil {
			h.ourFault(w, r, a.newsletter, err)
			return
		}
		h.Log.Info("left by the page", "newsletter", a.newsletter.ID, "all", all, "subscriber", a.person.ID)
	}
	h.left(w, r, a, all, now)
}

// ids are the newsletters that "all" leaves: those that are published, and the
// one of the link even if it is not any more.
func (h site) ids(a asker) []string {
	ids := []string{a.newsletter.ID}
	for _, n := range h.Newsletters {
		if n.ID != a.newsletter.ID {
			ids = append(ids, n.ID)
		}
	}
	return ids
}

// isOneClick says whether a POST is a mail program's: its only parameter that
// counts is List-Unsubscribe=One-Click, in whatever order and company.
func isOneClick(r *http.Request) bool {
	for _, value := range r.PostForm["List-Unsubscribe"] {
		if strings.TrimSpace(value) == "One-Click" {
			return true
		}
	}
	return false
}

// oneClick ends the newsletter for the token's person. Twice is once.
func (h site) oneClick(w http.ResponseWriter, r *http.Request) {
	a, err := h.asker(r)
	if errors.Is(err, errLink) {
		plain(w, http.StatusNotFound, "This link is not complete.")
		return
	}
	if err == nil && !a.proof && !slices.Contains(a.person.OptedOut, a.newsletter.ID) {
		err = h.People.Leave(r.Context(), a.person.ID, a.newsletter.ID, h.ownLists(a.newsletter), whyOneClick, h.now())
		if err == nil {
			h.Log.Info("left by one click", "newsletter", a.newsletter.ID, "subscriber", a.person.ID)
		}
	}
	if err != nil {
		h.Log.Error("page", "path", pattern(r), "err", err)
		plain(w, http.StatusInternalServerError, "This did not work, and it is our fault. Nothing was changed.")
		return
	}
	plain(w, http.StatusOK, "Unsubscribed")
}

// undo brings back what leaving took, no more and no less: the act that the form
// names by its time, which only the page that did it knows.
func (h site) undo(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		return
	}
	a, err := h.asker(r)
	if errors.Is(err, errLink) {
		h.brokenLink(w, r)
		return
	}
	if err != nil {
		h.ourFault(w, r, Newsletter{}, err)
		return
	}
	if !a.proof {
		at, err := strconv.ParseInt(r.PostForm.Get("at"), 10, 64)
		switch {
		case err == nil:
			err = h.People.Return(r.Context(), a.person.ID, a.newsletter.ID, whyPage, time.UnixMicro(at).UTC(), h.now())
			if err != nil {
				h.ourFault(w, r, a.newsletter, err)
				return
			}
		case !gets(a.person, a.newsletter):
			h.askBack(w, r, a)
			return
		}
		if a.person, err = h.People.PersonByID(r.Context(), a.person.ID); err != nil {
			h.ourFault(w, r, a.newsletter, err)
			return
		}
		if !gets(a.person, a.newsletter) {
			// Somebody else took the person off the list itself: an undo of
			// what the reader did does not reach so far.
			h.left(w, r, a, false, time.Time{})
			return
		}
		h.Log.Info("came back by the page", "newsletter", a.newsletter.ID, "subscriber", a.person.ID)
	}
	v := h.view(w, r, a)
	v.Title = v.Words.Pages.BackTitle
	h.show(w, http.StatusOK, "back", v)
}

// mayAsk says whether a person can be asked by mail whether they want the
// newsletter of their link.
func (h site) mayAsk(a asker) bool {
	return h.SignUps != nil && !a.proof && a.newsletter.Name != "" && len(a.newsletter.Lists) > 0
}

// askBack asks by mail whether a person who left before, by a mail program or on
// another visit, wants the newsletter again. The link alone does not bring them
// back: letters are passed on.
func (h site) askBack(w http.ResponseWriter, r *http.Request, a asker) {
	if !h.mayAsk(a) {
		h.left(w, r, a, false, time.Time{})
		return
	}
	if err := h.askByMail(r, a, a.newsletter, whyPage); err != nil {
		h.ourFault(w, r, a.newsletter, err)
		return
	}
	v := h.view(w, r, a)
	v.Title = v.Words.Pages.CheckTitle
	h.show(w, http.StatusOK, "joinmailed", v)
}

// now is the time as the store keeps it.
func (h site) now() time.Time { return h.Now().UTC().Truncate(time.Microsecond) }

// readForm reads a form's body into r.PostForm, within limits, and answers the
// request itself when it can't.
func readForm(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var err error
	switch kind {
	case "multipart/form-data":
		err = r.ParseMultipartForm(maxBody)
		if r.MultipartForm != nil {
			defer func() { _ = r.MultipartForm.RemoveAll() }()
		}
	case "application/x-www-form-urlencoded":
		err = r.ParseForm()
	default:
		plain(w, http.StatusBadRequest, "This address takes forms only. Nothing was changed.")
		return false
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		plain(w, http.StatusRequestEntityTooLarge, "This is too large. Nothing was changed.")
	case err != nil:
		plain(w, http.StatusBadRequest, "This form could not be read. Nothing was changed.")
	default:
		return true
	}
	return false
}
