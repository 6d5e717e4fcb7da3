package web

import (
	"errors"
	"net/http"

	"lede/audience"
)

const howConfirm = "confirmation page"

// askToConfirm shows the page behind the link of a confirmation mail. It
// changes nothing: mail scanners come here first.
func (h site) askToConfirm(w http.ResponseWriter, r *http.Request) {
	if h.SignUps == nil {
		h.brokenLink(w, r)
		return
	}
	asked, err := h.SignUps.Asked(r.Context(), r.PathValue("token"))
	if err != nil {
		h.notConfirmed(w, r, err)
		return
	}
	if asked.Done {
		h.confirmed(w, r, asked)
		return
	}
	v := h.askedView(r, asked)
	v.Title, v.Confirms = v.Words.Pages.ConfirmTitle, true
	sendBack(w)
	h.show(w, http.StatusOK, "confirm", v)
}

// confirm takes the press of the page's button.
func (h site) confirm(w http.ResponseWriter, r *http.Request) {
	if h.SignUps == nil {
		h.brokenLink(w, r)
		return
	}
	if !h.ownSite(w, r, Newsletter{}) || !readForm(w, r) {
		return
	}
	asked, err := h.SignUps.Confirm(r.Context(), r.PathValue("token"), h.way(r, h.of(r), howConfirm))
	if err != nil {
		h.notConfirmed(w, r, err)
		return
	}
	h.Log.Info("a sign-up was confirmed", "newsletter", asked.Newsletter, "subscriber", asked.Subscriber)
	h.confirmed(w, r, asked)
}

// of is the newsletter that a whole token belongs to.
func (h site) of(r *http.Request) Newsletter {
	t, err := h.Keys.Open(r.PathValue("token"))
	if err != nil || t.Purpose != audience.PurposeConfirm {
		return Newsletter{}
	}
	return h.newsletter(t.Newsletter)
}

func (h site) askedView(r *http.Request, asked audience.Asked) view {
	n := h.newsletter(asked.Newsletter)
	v := view{Words: n.speech(), Home: home(r), Newsletter: n, Reader: asked.Address}
	v.Newsletter.Name = v.Words.name(n)
	v.Action = v.Home + "c/" + r.PathValue("token")
	return v
}

// confirmed says when the next letter comes.
func (h site) confirmed(w http.ResponseWriter, r *http.Request, asked audience.Asked) {
	v := h.askedView(r, asked)
	v.Title = v.Words.Pages.InTitle
	if n := v.Newsletter; n.Next != nil {
		if now, next := h.Now(), n.Next(h.Now()); !next.IsZero() {
			at := next.In(n.zone())
			v.Text = v.Words.Pages.InNext.With("day", v.Words.FirstDay(at, next.Sub(now) <= soon), "time", at.Format(v.Words.Clock))
		}
	}
	h.show(w, http.StatusOK, "in", v)
}

// notConfirmed answers a link that confirms nothing: with the way to a new one,
// where the newsletter is known and takes sign-ups.
func (h site) notConfirmed(w http.ResponseWriter, r *http.Request, err error) {
	n := h.of(r)
	switch {
	case errors.Is(err, audience.ErrTokenOver) && h.open(n):
		v := h.joinView(r, n)
		v.Title, v.Heading, v.Text = v.Words.Pages.OldTitle, v.Words.Pages.OldTitle, v.Words.Pages.Old
		v.Form.WithName, v.Form.Stamp = false, h.stamp(n)
		h.showForm(w, r, http.StatusGone, "old", v)
	case errors.Is(err, audience.ErrTokenOver), errors.Is(err, audience.ErrToken):
		h.brokenLink(w, r)
	default:
		h.ourFault(w, r, n, err)
	}
}
