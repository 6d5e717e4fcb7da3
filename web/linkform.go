package web

import "net/http"

// linkForm is the form of the page behind a broken link: whoever gets our
// letters is mailed a new one.
func (h site) linkForm(r *http.Request, words speech) *formView {
	if h.SignUps == nil || len(h.Newsletters) == 0 {
		return nil
	}
	return &formView{Action: home(r) + "link", Stamp: h.stamp(Newsletter{}), Button: words.Pages.BrokenButton}
}

// mailLink mails a new link to whoever is known by an address. The answer is the
// same for everybody.
func (h site) mailLink(w http.ResponseWriter, r *http.Request) {
	words := h.speech(w, r, Newsletter{})
	form := h.linkForm(r, words)
	if form == nil {
		h.noEdition(w, r)
		return
	}
	if !h.ownSite(w, r, Newsletter{}) || !readForm(w, r) {
		return
	}
	v := view{Title: words.Pages.BrokenTitle, Home: home(r), Words: words, Form: form}
	e := read(r.PostForm)
	if status, ok := h.pass(w, r, &v, &e, false); !ok {
		h.showForm(w, r, status, "broken", v)
		return
	}
	if !trapped(r.PostForm) && h.mayWrite(e.address) {
		if err := h.SignUps.SendLink(r.Context(), e.address); err != nil {
			h.ourFault(w, r, Newsletter{}, err)
			return
		}
	}
	h.show(w, http.StatusOK, "linksent", view{Title: words.Pages.CheckTitle, Home: home(r), Words: words, Plain: e.address})
}
