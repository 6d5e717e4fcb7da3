package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"lede/audience"
)

// What a form has to pass.
const (
	// quick is faster than a person writes an address, and slow the age at which
	// a page that stood open is asked for anew.
	quick = 2 * time.Second
	slow  = 24 * time.Hour

	// purposeForm is of the stamps in forms. It opens no page.
	purposeForm audience.Purpose = 'f'

	trapField = "website" // a field that people don't see, and programs fill in
)

// guard counts who tries what. It lives as long as the pages do.
type guard struct {
	near, wide *limiter // by the networks of the visitor
	address    *limiter // by the mailbox of the address that is given
	// Sign-ups that bring no proof where one is asked for, by the visitor's
	// network and by newsletter.
	unproved, allUnproved *limiter
	spent                 *spent
}

// The limits: one household subscribes a family, one office its people, and no
// address is tried all day. How many mails an address gets is the store's.
func newGuard() *guard {
	return &guard{
		near:    newLimiter(10, 10*time.Minute, 20_000),
		wide:    newLimiter(60, 10*time.Minute, 10_000),
		address: newLimiter(5, time.Hour, 20_000),

		unproved: newLimiter(2, time.Hour, 20_000), allUnproved: newLimiter(30, time.Hour, 1000),
		spent: newSpent(),
	}
}

// visit counts a try of a visitor and returns how long they have to wait.
func (g *guard) visit(near, wide string, now time.Time) time.Duration {
	if wait := g.near.take(near, now); wait > 0 {
		return wait
	}
	return g.wide.take(wide, now)
}

// stamp is the time in a form, signed: who answers faster than a person reads is
// a program, and a form that is not of ours has none.
func (h site) stamp(n Newsletter) string {
	return h.Keys.Sign(audience.Token{
		Purpose: purposeForm, Newsletter: n.ID, Edition: strconv.FormatInt(h.now().Unix(), 36),
	})
}

// stamped says whether a form's stamp is ours and of this newsletter, and old
// enough; one that is not (any more) good is replaced.
func (h site) stamped(n Newsletter, stamp string) (again string, ok bool) {
	t, err := h.Keys.Open(stamp)
	if err != nil || t.Purpose != purposeForm || t.Newsletter != n.ID {
		return h.stamp(n), false
	}
	at, err := strconv.ParseInt(t.Edition, 36, 64)
	age := h.now().Sub(time.Unix(at, 0))
	if err != nil || age > slow || age < 0 {
		return h.stamp(n), false
	}
	return stamp, age >= quick
}

// trapped says whether a form's hidden field was filled in.
func trapped(form url.Values) bool {
	for _, value := range form[trapField] {
		if value != "" {
			return true
		}
	}
	return false
}

// named says whether a request comes from a site that the newsletter's
// configuration names: its forms stand on other pages than ours.
func (n Newsletter) named(r *http.Request) bool {
	from := r.Header.Get("Origin")
	if n.SignUp == nil || from == "" {
		return false
	}
	for _, o := range n.SignUp.Origins {
		if strings.EqualFold(o, from) {
			return true
		}
	}
	return false
}

// ownSite refuses what another site's page sends, by http.CrossOriginProtection;
// sites that the newsletter names may. It answers the request itself then.
func (h site) ownSite(w http.ResponseWriter, r *http.Request, n Newsletter) bool {
	protection := http.NewCrossOriginProtection()
	if n.SignUp != nil {
		for _, o := range n.SignUp.Origins {
			if err := protection.AddTrustedOrigin(o); err != nil {
				h.Log.Warn("an origin of signup is none", "newsletter", n.ID, "origin", o, "err", err)
			}
		}
	}
	if err := protection.Check(r); err != nil {
		if wantsJSON(r) {
			problem(w, http.StatusForbidden, "Another site's page sent this, and the newsletter does not name that site.", nil)
			return false
		}
		plain(w, http.StatusForbidden, "Another site sent this form, and this newsletter does not name that site. Nothing was changed.")
		return false
	}
	return true
}

// sendBack lets a page's form tell its own origin, and nothing to other sites:
// browsers that don't send Sec-Fetch-Site prove by it where a form stood.
func sendBack(w http.ResponseWriter) { w.Header().Set("Referrer-Policy", "same-origin") }
