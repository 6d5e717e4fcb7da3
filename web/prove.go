package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"lede/newsroom"
)

// Captcha is the check by somebody else that a form asks for.
type Captcha struct {
	Script  string // address of the widget's script
	Class   string // of the element that becomes the widget
	Field   string // that the widget writes into the form
	SiteKey string
	// Scripts, Frames, Styles and Calls are the sources that the page's policy
	// allows beside its own, for script-src, frame-src, style-src and connect-src.
	Scripts, Frames, Styles, Calls []string
	// Check asks about what the widget wrote: newsroom.ErrCaptcha,
	// newsroom.ErrCaptchaDown.
	Check func(ctx context.Context, response, ip string) error
	// TakeWhenDown takes sign-ups, few, when the provider can't be asked.
	TakeWhenDown bool
}

// guarded says whether sign-ups have to prove something.
func (n Newsletter) guarded() bool {
	return n.SignUp != nil && (n.SignUp.ProofOfWork > 0 || n.SignUp.Captcha != nil)
}

// equip puts into a form what has to be done before it is taken. Work that was
// done already is not asked for again.
func (h site) equip(n Newsletter, f *formView, at step, a answered) {
	if !n.guarded() {
		return
	}
	f.Captcha, f.Bits = n.SignUp.Captcha, n.SignUp.ProofOfWork
	switch {
	case f.Bits > 0 && a.id != "" && a.solved && a.step == at && !h.guard.spent.has(a.id):
		f.Challenge, f.Proof = a.text, a.proof
	case f.Bits > 0 || at != stepFirst:
		f.Challenge = h.challenge(n, at)
	}
}

// policy is the Content-Security-Policy of a page with a form: that of all pages
// and, where the form needs them, our script or those of the provider.
func (f *formView) policy() string {
	if f.Bits == 0 && f.Captcha == nil {
		return readerCSP
	}
	sources := map[string][]string{"script-src": {}}
	if f.Bits > 0 {
		sources["script-src"] = []string{"'self'"}
	}
	styles := []string{"'self'"}
	if c := f.Captcha; c != nil {
		sources["script-src"] = append(sources["script-src"], c.Scripts...)
		sources["frame-src"], sources["connect-src"] = c.Frames, c.Calls
		styles = append(styles, c.Styles...)
	}
	policy := strings.Replace(readerCSP, "style-src 'self'", "style-src "+strings.Join(styles, " "), 1)
	for _, directive := range []string{"script-src", "frame-src", "connect-src"} {
		if all := sources[directive]; len(all) > 0 {
			policy += "; " + directive + " " + strings.Join(slices.Compact(all), " ")
		}
	}
	return policy
}

// hasty says whether a form may come back faster than a person writes: one that
// stood on a site that the newsletter names has no stamp, and one more press of
// the button takes no time where a browser worked or a provider looked.
func hasty(r *http.Request, n Newsletter, a answered) bool {
	if n.named(r) && r.PostForm.Get("stamp") == "" {
		return true
	}
	proved := n.SignUp.ProofOfWork > 0 && a.solved ||
		n.SignUp.Captcha != nil && r.PostForm.Get(n.SignUp.Captcha.Field) != ""
	return a.id != "" && a.step != stepFirst && proved
}

// prove holds a sign-up against the proof of work and the captcha, and answers
// what does not pass with a page that asks for one more press. There a browser
// without script passes too, but few do: a program that leaves the work out
// finds the way narrow.
func (h site) prove(w http.ResponseWriter, r *http.Request, v view, e entered, a answered) bool {
	n := v.Newsletter
	rules := n.SignUp
	whole := a.id != "" && !h.guard.spent.has(a.id)
	unproved := false
	if rules.ProofOfWork > 0 && (!whole || !a.solved) {
		if !whole || a.step == stepFirst || rules.Captcha != nil {
			h.again(w, r, v, e, a, http.StatusOK, "")
			return false
		}
		unproved = true
	}
	if c := rules.Captcha; c != nil {
		response := r.PostForm.Get(c.Field)
		if response == "" && a.step == stepFirst {
			h.again(w, r, v, e, a, http.StatusOK, "")
			return false
		}
		switch err := h.checkCaptcha(r, n, response); {
		case errors.Is(err, newsroom.ErrCaptcha):
			h.again(w, r, v, e, a, http.StatusUnprocessableEntity, v.Words.Pages.CaptchaFailed)
			return false
		case err != nil && !c.TakeWhenDown:
			h.again(w, r, v, e, a, http.StatusServiceUnavailable, v.Words.Pages.CaptchaDown)
			return false
		case err != nil:
			unproved = true
		}
	}
	if unproved {
		if wait := h.unproved(r, n); wait > 0 {
			h.again(w, r, v, e, a, http.StatusTooManyRequests, tooMany(w, v.Words, wait))
			return false
		}
	}
	if a.id != "" && !h.guard.spent.take(a.id, h.now()) { // sent twice at once
		h.again(w, r, v, e, a, http.StatusOK, "")
		return false
	}
	return true
}

// checkCaptcha asks the provider. That it can't be asked goes to the log.
func (h site) checkCaptcha(r *http.Request, n Newsletter, response string) error {
	ip := ""
	if at := visitor(r, h.Proxies); at.IsValid() {
		ip = at.String()
	}
	err := n.SignUp.Captcha.Check(r.Context(), response, ip)
	if err != nil && !errors.Is(err, newsroom.ErrCaptcha) {
		h.Log.Error("signing up", "newsletter", n.ID, "err", err)
	}
	return err
}

// unproved counts a sign-up without proof, and returns how long it has to wait.
func (h site) unproved(r *http.Request, n Newsletter) time.Duration {
	near, _ := networks(visitor(r, h.Proxies))
	if wait := h.guard.unproved.take(near, h.now()); wait > 0 {
		return wait
	}
	return h.guard.allUnproved.take(n.ID, h.now())
}

// again shows the page that asks for one more press, with what was written.
func (h site) again(w http.ResponseWriter, r *http.Request, v view, e entered, a answered, status int, wrong string) {
	at := stepAgain
	if v.Newsletter.named(r) || a.step == stepForeign {
		at = stepForeign
	}
	v.Title, v.Plain = v.Words.Pages.OneMoreTitle, e.address
	v.Form.Again, v.Form.Error, v.Form.Sure = true, wrong, r.PostForm.Get("meant") == "no"
	v.Form.Stamp = h.stamp(v.Newsletter)
	h.equip(v.Newsletter, v.Form, at, a)
	h.showForm(w, r, status, "again", v)
}

// proveJSON is prove for programs: what is missing is told in the problem.
func (h site) proveJSON(w http.ResponseWriter, r *http.Request, n Newsletter, challenge, proof, response string) bool {
	rules, words := n.SignUp, n.speech().Pages
	a := h.answer(n, challenge, proof, rules.ProofOfWork)
	if rules.ProofOfWork > 0 && (a.id == "" || !a.solved || h.guard.spent.has(a.id)) {
		problem(w, http.StatusUnprocessableEntity, "Do the work and send the same again with \"challenge\" and \"proof\".", map[string]any{
			"field": "proof", "challenge": h.challenge(n, stepFirst), "bits": rules.ProofOfWork,
		})
		return false
	}
	if rules.Captcha != nil {
		err := h.checkCaptcha(r, n, response)
		switch down := err != nil && !errors.Is(err, newsroom.ErrCaptcha); {
		case down && rules.Captcha.TakeWhenDown:
			if wait := h.unproved(r, n); wait > 0 {
				tooManyJSON(w, wait)
				return false
			}
		case down:
			problem(w, http.StatusServiceUnavailable, words.CaptchaDown, map[string]any{"field": "captcha"})
			return false
		case err != nil:
			problem(w, http.StatusUnprocessableEntity, words.CaptchaFailed, map[string]any{"field": "captcha"})
			return false
		}
	}
	if rules.ProofOfWork > 0 && !h.guard.spent.take(a.id, h.now()) {
		problem(w, http.StatusConflict, "This challenge was answered already.", nil)
		return false
	}
	return true
}
