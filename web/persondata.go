package web

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"time"

	"lede/audience"
)

const (
	dataLinkGood = 3 * time.Hour  // the page says so in words
	addressGood  = 24 * time.Hour // a new address can be confirmed

	// mailsADay is how many mails of ours an address gets in a day where the
	// configuration does not say.
	mailsADay = 5
)

func (h site) mostMails() int {
	if h.MailsADay > 0 {
		return h.MailsADay
	}
	return mailsADay
}

// mailDataLink mails a link by which the person's data can be seen, moved and
// erased, to the person's own mailbox and nowhere else.
func (h site) mailDataLink(w http.ResponseWriter, r *http.Request) {
	a, ok := h.posted(w, r)
	if !ok {
		return
	}
	v := h.view(w, r, a)
	if !a.proof && a.person.Suppressed == "" {
		now := h.now()
		until := now.Add(dataLinkGood)
		_, err := h.Choices.WriteMail(r.Context(), audience.Outgoing{
			ID: rand.Text(), Kind: audience.MailLink, Newsletter: a.newsletter.ID, Address: a.person.Address, Language: h.languageOf(a),
			Token: h.Keys.Sign(audience.DataToken(a.newsletter.ID, a.person.Subscriber, until)), At: now, Until: until,
		}, h.mostMails())
		if err != nil {
			h.ourFault(w, r, a.newsletter, err)
			return
		}
		h.Log.Info("a link to a person's data is mailed", "newsletter", a.newsletter.ID, "subscriber", a.person.ID)
	}
	v.Title = v.Words.Pages.CheckTitle
	h.show(w, http.StatusOK, "datalink", v)
}

// ofData is chooser for pages that a link in a letter does not open.
func (h site) ofData(w http.ResponseWriter, r *http.Request) (asker, bool) {
	a, ok := h.chooser(w, r)
	if ok && !a.data() {
		h.brokenLink(w, r)
		return a, false
	}
	return a, ok
}

func (h site) postedData(w http.ResponseWriter, r *http.Request) (asker, bool) {
	if !h.ownSite(w, r, Newsletter{}) || !readForm(w, r) {
		return asker{}, false
	}
	return h.ofData(w, r)
}

// askAddress shows the form for a new address.
func (h site) askAddress(w http.ResponseWriter, r *http.Request) {
	if a, ok := h.ofData(w, r); ok {
		v := h.choicesView(w, r, a)
		v.Title = v.Words.Pages.ChangeAddress
		sendBack(w)
		h.show(w, http.StatusOK, "address", v)
	}
}

// writeToAddress writes to the new address. The answer is the same whether or
// not that address is known, suppressed, or was written to too often.
func (h site) writeToAddress(w http.ResponseWriter, r *http.Request) {
	a, ok := h.postedData(w, r)
	if !ok {
		return
	}
	v := h.choicesView(w, r, a)
	v.Title = v.Words.Pages.ChangeAddress
	e := entered{address: one(r.PostForm, "address")}.shown()
	if wrong := e.wrong(v.Words); wrong != "" {
		v.Choices.Wrong, v.Choices.Typed = wrong, e.address
		v.Title = v.Words.Pages.ErrorTitle.With("title", v.Title)
		sendBack(w)
		h.show(w, http.StatusUnprocessableEntity, "address", v)
		return
	}
	now, code := h.now(), rand.Text()
	token := audience.Token{
		Purpose: audience.PurposeAddress, Newsletter: a.newsletter.ID, Subscriber: a.person.ID, Salt: a.person.Salt, Edition: code,
	}
	err := h.Choices.AskAddress(r.Context(), a.person.ID, audience.AddressChange{
		Code: code, Most: h.mostMails(),
		Mail: audience.Outgoing{
			ID: rand.Text(), Kind: audience.MailAddress, Newsletter: a.newsletter.ID, Address: e.address, Language: h.languageOf(a),
			Token: h.Keys.Sign(token), At: now, Until: now.Add(addressGood),
		},
	}, h.way(r, a.newsletter, howPreferences), now)
	if err != nil {
		h.ourFault(w, r, a.newsletter, err)
		return
	}
	h.Log.Info("a new address was asked for", "newsletter", a.newsletter.ID, "subscriber", a.person.ID)
	v.Title, v.Plain = v.Words.Pages.CheckTitle, e.address
	h.show(w, http.StatusOK, "addressasked", v)
}

// mover finds who stands behind the link in the mail to a new address, and that
// address. It answers the request itself when it is over.
func (h site) mover(w http.ResponseWriter, r *http.Request) (asker, string, bool) {
	if h.Choices == nil {
		h.brokenLink(w, r)
		return asker{}, "", false
	}
	a, err := h.askerFor(r, audience.PurposeAddress)
	address := ""
	if err == nil && a.proof {
		err = errLink
	}
	if err == nil {
		address, err = h.Choices.AskedAddress(r.Context(), a.person.ID, a.token.Edition, h.now())
	}
	switch {
	case errors.Is(err, errLink):
		h.brokenLink(w, r)
	case errors.Is(err, audience.ErrAddressChange):
		h.over(w, r, a)
	case err != nil:
		h.ourFault(w, r, Newsletter{}, err)
	default:
		return a, address, true
	}
	return a, "", false
}

// askToMove shows the page behind the link in the mail to a new address.
func (h site) askToMove(w http.ResponseWriter, r *http.Request) {
	a, address, ok := h.mover(w, r)
	if !ok {
		return
	}
	v := h.view(w, r, a)
	v.Title, v.Confirms, v.Action = v.Words.Pages.ConfirmAddress, true, v.Home+"a/"+r.PathValue("token")
	v.Former, v.Reader = a.person.Address, address
	sendBack(w)
	h.show(w, http.StatusOK, "moving", v)
}

// move puts the new address in place of the old one.
func (h site) move(w http.ResponseWriter, r *http.Request) {
	if !h.ownSite(w, r, Newsletter{}) || !readForm(w, r) {
		return
	}
	a, address, ok := h.mover(w, r)
	if !ok {
		return
	}
	err := h.Choices.ChangeAddress(r.Context(), a.person.ID, a.token.Edition, h.way(r, a.newsletter, "mail to the new address"), h.now())
	switch {
	case errors.Is(err, audience.ErrAddressChange): // somebody pressed at the same time
		h.over(w, r, a)
		return
	case err != nil:
		h.ourFault(w, r, a.newsletter, err)
		return
	}
	h.Log.Info("an address was changed", "newsletter", a.newsletter.ID, "subscriber", a.person.ID)
	v := h.view(w, r, a)
	v.Title, v.Reader = v.Words.Pages.AddressChanged, address
	h.show(w, http.StatusOK, "moved", v)
}

// download hands a person all that is kept of them, and notes that it did.
func (h site) download(w http.ResponseWriter, r *http.Request) {
	a, ok := h.postedData(w, r)
	if !ok {
		return
	}
	way := h.way(r, a.newsletter, howPreferences)
	err := h.Choices.NoteAct(r.Context(), a.person.ID, audience.Act{At: h.now(), What: audience.EntryDownload, How: way.How, IP: way.IP})
	var document []byte
	if err == nil {
		document, err = h.Choices.Document(r.Context(), a.person.ID)
	}
	if err != nil {
		h.ourFault(w, r, a.newsletter, err)
		return
	}
	h.Log.Info("a person's data were downloaded", "newsletter", a.newsletter.ID, "subscriber", a.person.ID)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="my-data.json"`)
	_, _ = w.Write(document)
}

// askToErase shows the page on which everything is erased.
func (h site) askToErase(w http.ResponseWriter, r *http.Request) {
	if a, ok := h.ofData(w, r); ok {
		h.showErase(w, http.StatusOK, h.choicesView(w, r, a))
	}
}

func (h site) showErase(w http.ResponseWriter, status int, v view) {
	if v.Title = v.Words.Pages.Erase; v.Choices.Wrong != "" {
		v.Title = v.Words.Pages.ErrorTitle.With("title", v.Title)
	}
	sendBack(w)
	h.show(w, status, "erase", v)
}

// erase erases a person who wrote the word.
func (h site) erase(w http.ResponseWriter, r *http.Request) {
	a, ok := h.postedData(w, r)
	if !ok {
		return
	}
	v := h.choicesView(w, r, a)
	if !sameWord(one(r.PostForm, "word"), v.Words.Pages.EraseWord) && !sameWord(one(r.PostForm, "word"), "ERASE") {
		v.Choices.Wrong = v.Words.Pages.EraseHint.With("word", v.Words.Pages.EraseWord)
		h.showErase(w, http.StatusUnprocessableEntity, v)
		return
	}
	_, key, _, err := audience.ParseAddress(a.person.Address)
	if err == nil {
		err = h.Choices.Forget(r.Context(), key, h.now())
	}
	if err != nil {
		h.ourFault(w, r, a.newsletter, err)
		return
	}
	h.Log.Info("a person had everything erased", "newsletter", a.newsletter.ID)
	v.Title = v.Words.Pages.ErasedTitle
	h.show(w, http.StatusOK, "erased", v)
}

// sameWord compares what was typed with a word, whatever its case; Turkish has
// an i of its own.
func sameWord(typed, word string) bool {
	plain := strings.NewReplacer("İ", "i", "ı", "i", "I", "i")
	return strings.EqualFold(plain.Replace(typed), plain.Replace(word))
}
