package web

import (
	"errors"
	"net/http"

	"lede/audience"
	"lede/newsroom"
	"lede/web/tool"
)

// edition serves an edition as its readers got it, nobody's links in it. Its
// HTML was made of other people's stories, so it stands under a policy without
// script, form and origin.
func (h site) edition(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if token, err := h.Keys.Open(id); err == nil && token.Purpose == audience.PurposeProof {
		h.show(w, http.StatusOK, "proof", view{Title: "This is a proof", Home: home(r), Newsletter: h.newsletter(token.Newsletter)})
		return
	}
	record, err := h.Editions.Edition(r.Context(), id)
	switch {
	case errors.Is(err, newsroom.ErrNotFound):
		h.noEdition(w, r)
		return
	case err != nil:
		h.ourFault(w, r, Newsletter{}, err)
		return
	}
	public, err := h.public(r, record, id)
	if err != nil {
		h.ourFault(w, r, Newsletter{}, err)
		return
	}
	if !public {
		h.noEdition(w, r)
		return
	}
	images := "'self' data:"
	if o := origin(h.BaseURL); o != "" {
		images += " " + o
	}
	head := w.Header()
	head.Set("Content-Security-Policy", "sandbox "+tool.Sandbox+"; default-src 'none'; style-src 'unsafe-inline'; img-src "+images+
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	head.Set("Cache-Control", "public, max-age=60")
	head.Set("Content-Type", "text/html; charset=utf-8")
	w.Write([]byte(record.Letter.Web))
}

// public says whether an edition may be read by who has its address: it is on
// its way or was sent, to anybody at all. The store finds editions by the
// start of their id too, which would make them guessable; here it must be all
// of it.
func (h site) public(r *http.Request, record newsroom.Record, id string) (bool, error) {
	if record.ID != id || record.Letter == nil || record.Letter.Web == "" {
		return false, nil
	}
	switch record.State {
	case newsroom.Sending, newsroom.Paused, newsroom.Done:
		return true, nil
	case newsroom.Cancelled, newsroom.Failed:
		sums, err := h.Editions.Sums(r.Context(), id)
		return sums.Sent+sums.InDoubt > 0, err
	}
	return false, nil
}

func (h site) noEdition(w http.ResponseWriter, r *http.Request) {
	h.show(w, http.StatusNotFound, "gone", view{Title: "There is no such letter", Home: home(r)})
}
