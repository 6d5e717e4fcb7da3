package web

import (
	"net/http"
	"strings"
	"time"

	"lede/audience"
)

// How somebody signed up, as kept with the consent.
const (
	howPage = "subscribe page"
	howForm = "form on another site"
	howJSON = "subscribe endpoint"
)

// joining finds the newsletter that a path asks for, if it takes sign-ups.
func (h site) joining(id string) (Newsletter, bool) {
	n := h.newsletter(id)
	return n, n.Name != "" && h.open(n)
}

// askToJoin shows the page on which people sign up.
func (h site) askToJoin(w http.ResponseWriter, r *http.Request) {
	n, open := h.joining(r.PathValue("newsletter"))
	if !open {
		h.noEdition(w, r)
		return
	}
	v := h.joinView(r, n)
	v.Form.Stamp = h.stamp(n)
	h.showForm(w, r, http.StatusOK, "subscribe", v)
}

// joinView is the subscribe page with an empty form.
func (h site) joinView(r *http.Request, n Newsletter) view {
	words := n.speech()
	v := view{Words: words, Home: home(r), Newsletter: n, Heading: n.SignUp.Title, Text: n.SignUp.Text}
	if v.Heading == "" {
		v.Heading = words.Pages.SubscribeTitle.With("newsletter", n.Name)
	}
	if v.Text == "" {
		v.Text = n.Line
	}
	v.Title = words.Pages.SubscribeTitle.With("newsletter", n.Name)
	v.Form = &formView{Action: v.Home + "subscribe/" + n.ID, WithName: true, OfNewsletter: true, Button: words.Pages.Subscribe}
	return v
}

// showForm shows a page with a form; one that says what is wrong says so in its
// title too.
func (h site) showForm(w http.ResponseWriter, r *http.Request, status int, page string, v view) {
	if v.Form.Error != "" {
		v.Title = v.Words.Pages.ErrorTitle.With("title", v.Title)
	}
	if v.Form.Challenge == "" && v.Form.OfNewsletter {
		h.equip(v.Newsletter, v.Form, stepFirst, v.Form.answered)
	}
	w.Header().Set("Content-Security-Policy", v.Form.policy())
	if page == "subscribe" {
		v.Read = h.readFirst(r, v.Newsletter)
	}
	sendBack(w)
	h.show(w, status, page, v)
}

// readFirst is the newest letters of a newsletter, for who wants to see one
// before. That they can't be had is no reason to have no form.
func (h site) readFirst(r *http.Request, n Newsletter) []letterLine {
	if n.Visibility != Public || h.Archive == nil {
		return nil
	}
	found, err := h.Archive.Published(r.Context(), n.ID, time.Time{}, time.Time{}, 3)
	if err != nil {
		h.Log.Warn("the newest letters", "newsletter", n.ID, "err", err)
		return nil
	}
	var all []letterLine
	for _, m := range h.archiveView(n, links{home: home(r)}, found).Archive.Months {
		all = append(all, m.Letters...)
	}
	return all
}

// join takes a sign-up: the form of the page, that of another site which the
// newsletter names, or JSON.
func (h site) join(w http.ResponseWriter, r *http.Request) {
	id, asJSON := strings.CutSuffix(r.PathValue("newsletter"), ".json")
	n, open := h.joining(id)
	if asJSON || wantsJSON(r) {
		h.joinJSON(w, r, n, open)
		return
	}
	if !open {
		h.noEdition(w, r)
		return
	}
	if !h.ownSite(w, r, n) || !readForm(w, r) {
		return
	}
	v := h.joinView(r, n)
	e := read(r.PostForm)
	a := h.answerOf(n, r.PostForm)
	v.Form.answered = a
	status, ok := h.pass(w, r, &v, &e, hasty(r, n, a))
	if !ok && a.id != "" && a.step != stepFirst && !v.Form.OfField {
		h.again(w, r, v, e, a, status, v.Form.Error)
		return
	}
	if !ok {
		h.showForm(w, r, status, "subscribe", v)
		return
	}
	if n.guarded() && !h.prove(w, r, v, e, a) {
		return
	}
	if !trapped(r.PostForm) {
		how := howPage
		if n.named(r) || a.step == stepForeign {
			how = howForm
		}
		if err := h.signUp(r, n, e, how); err != nil {
			h.ourFault(w, r, n, err)
			return
		}
	}
	h.checkMail(w, r, n, e.address)
}

// pass holds a form against all that it has to pass. It fills in the view what
// the page then says; a hasty form may come back at once.
func (h site) pass(w http.ResponseWriter, r *http.Request, v *view, e *entered, hasty bool) (status int, ok bool) {
	f, words := v.Form, v.Words
	again, inTime := h.stamped(v.Newsletter, r.PostForm.Get("stamp"))
	f.Stamp = again
	near, wide := networks(visitor(r, h.Proxies))
	wait := h.guard.visit(near, wide, h.now())
	switch r.PostForm.Get("meant") {
	case "yes":
		if meant, _ := audience.Meant(e.address); meant != "" {
			e.address = meant
		}
	case "no":
	default:
		_, f.Meant = audience.Meant(e.address)
	}
	wrong := e.wrong(words)
	shown := e.shown()
	f.Address, f.Name = shown.address, shown.name
	switch {
	case wait > 0:
		f.Meant = ""
		f.Error = tooMany(w, words, wait)
		return http.StatusTooManyRequests, false
	case wrong != "":
		f.Error, f.OfField = wrong, true
		return http.StatusUnprocessableEntity, false
	case f.Meant != "":
		f.Error, f.OfField = words.Pages.AddressMean.With("domain", f.Meant), true
		return http.StatusUnprocessableEntity, false
	case !inTime && !hasty:
		f.Error = words.Pages.TooQuick.With("button", f.Button)
		return http.StatusUnprocessableEntity, false
	}
	return 0, true
}

// signUp passes a sign-up on unless the address was given too often, which is
// told to nobody: the page is the same.
func (h site) signUp(r *http.Request, n Newsletter, e entered, how string) error {
	if !h.mayWrite(e.address) {
		return nil
	}
	err := h.SignUps.SignUp(r.Context(), n.ID, audience.SignUp{
		Newsletter: n.ID, Address: e.address, Name: e.name, Way: h.way(r, n, how),
	})
	if err == nil {
		h.Log.Info("somebody signed up", "newsletter", n.ID, "how", how)
	}
	return err
}

// mayWrite counts an address that was given, in whatever spelling of its mailbox.
func (h site) mayWrite(address string) bool {
	_, key, _, err := audience.ParseAddress(address)
	return err == nil && h.guard.address.take(audience.Mailbox(key), h.now()) == 0
}

// way is how a person acts here: what they read and agreed to, and from where.
func (h site) way(r *http.Request, n Newsletter, how string) audience.Way {
	way := audience.Way{How: how, Text: n.speech().Pages.Promise}
	if n.SignUp != nil && n.SignUp.Agreement != "" {
		way.Text = n.SignUp.Agreement
	}
	if at := visitor(r, h.Proxies); at.IsValid() {
		way.IP = at.String()
	}
	return way
}

// checkMail says that a mail is on its way, to everybody in the same words.
func (h site) checkMail(w http.ResponseWriter, r *http.Request, n Newsletter, address string) {
	if n.SignUp.AtOnce {
		h.confirmed(w, r, audience.Asked{Newsletter: n.ID, Address: address})
		return
	}
	words := n.speech()
	v := view{Title: words.Pages.CheckTitle, Words: words, Home: home(r), Newsletter: n, Plain: address}
	v.Action = v.Home + "subscribe/" + n.ID
	if days := int(n.SignUp.Good / (24 * time.Hour)); days > 0 {
		v.Text = words.CheckDays(days)
	}
	h.show(w, http.StatusOK, "check", v)
}
