package web

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"lede/audience"
)

// wantsJSON says whether a request brings JSON.
func wantsJSON(r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return kind == "application/json"
}

// problem answers with a problem (RFC 9457).
func problem(w http.ResponseWriter, status int, detail string, more map[string]any) {
	body := map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": detail}
	maps.Copy(body, more)
	text, _ := json.Marshal(body) // of strings and numbers
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	w.Write(text)
}

// share allows the scripts of a site that the newsletter names to read the
// answer (CORS). Nobody's cookies matter here, so none are allowed.
func share(w http.ResponseWriter, r *http.Request, n Newsletter) bool {
	w.Header().Add("Vary", "Origin")
	if !n.named(r) {
		return false
	}
	w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	return true
}

// preflight answers a browser that asks whether another site's script may send
// JSON here.
func (h site) preflight(w http.ResponseWriter, r *http.Request) {
	n, open := h.joining(strings.TrimSuffix(r.PathValue("newsletter"), ".json"))
	if open && share(w, r, n) {
		w.Header().Set("Access-Control-Allow-Methods", "POST")
		w.Header().Set("Access-Control-Allow-Headers", "Content-Type")
		w.Header().Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}

// tooManyJSON answers who tried too often.
func tooManyJSON(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	problem(w, http.StatusTooManyRequests, "Too many tries. Try again later.", nil)
}

// joinJSON takes a sign-up as JSON: {"address": "…", "name": "…"}. The answer
// is 202 with the status "asked", whoever it is.
func (h site) joinJSON(w http.ResponseWriter, r *http.Request, n Newsletter, open bool) {
	if !open {
		problem(w, http.StatusNotFound, "No newsletter of this name takes sign-ups.", nil)
		return
	}
	share(w, r, n)
	if !h.ownSite(w, r, n) {
		return
	}
	if !wantsJSON(r) {
		problem(w, http.StatusUnsupportedMediaType, "Send application/json.", nil)
		return
	}
	var in struct {
		Address string `json:"address"`
		Name    string `json:"name"`
		Website string `json:"website"` // the field that programs fill in
		Sure    bool   `json:"sure"`    // the domain that looks like a slip is right

		Challenge string `json:"challenge"` // of an earlier answer, with the work that it asks for
		Proof     string `json:"proof"`
		Captcha   string `json:"captcha"` // what the provider's widget wrote
	}
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	body.DisallowUnknownFields()
	err := body.Decode(&in)
	if err == nil && body.More() {
		err = errors.New("more than one value")
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		problem(w, http.StatusRequestEntityTooLarge, "This is too large.", nil)
		return
	case err != nil:
		problem(w, http.StatusBadRequest, `This is not an object with "address" and, if you like, "name".`, nil)
		return
	}
	near, wide := networks(visitor(r, h.Proxies))
	if wait := h.guard.visit(near, wide, h.now()); wait > 0 {
		tooManyJSON(w, wait)
		return
	}
	e := read(url.Values{"address": {in.Address}, "name": {in.Name}})
	if text := e.wrong(n.speech()); text != "" {
		problem(w, http.StatusUnprocessableEntity, text, map[string]any{"field": "address"})
		return
	}
	if meant, domain := audience.Meant(e.address); meant != "" && !in.Sure {
		problem(w, http.StatusUnprocessableEntity, n.speech().Pages.AddressMean.With("domain", domain), map[string]any{"field": "address", "meant": meant})
		return
	}
	if n.guarded() && !h.proveJSON(w, r, n, in.Challenge, in.Proof, in.Captcha) {
		return
	}
	if in.Website == "" {
		if err := h.signUp(r, n, e, howJSON); err != nil {
			h.Log.Error("page", "path", pattern(r), "err", err)
			problem(w, http.StatusInternalServerError, "This did not work, and it is our fault. Nothing was changed.", nil)
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"asked"}`+"\n") // who is gone gets no answer
}
