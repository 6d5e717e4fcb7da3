package audience

import "strings"

// What may be odd about an address. Such an address is taken all the same: the
// person who imports decides.
const (
	FlagRole       = "role"       // of an office, not of a person: info@
	FlagDisposable = "disposable" // of a service that gives addresses for minutes
	FlagMistyped   = "mistyped"   // its domain is one slip away from a large provider's
)

// flag is what is odd about an address.
type flag struct {
	Kind string
	Text string // for people
}

// roles are local parts that several people read, or nobody.
var roles = set(
	"abuse", "admin", "administrator", "billing", "contact", "enquiries", "help", "helpdesk", "hello", "hostmaster", "hr", "info", "jobs",
	"kontakt", "mail", "mailer-daemon", "marketing", "no-reply", "noc", "noreply", "office", "postmaster", "press", "root", "sales", "security",
	"service", "spam", "staff", "support", "team", "webmaster",
)

// disposable are domains of services that give addresses for minutes; also what
// is under them.
var disposable = set(
	"10minutemail.com", "dispostable.com", "emailondeck.com", "fakeinbox.com", "getairmail.com", "getnada.com", "grr.la", "guerrillamail.com",
	"guerrillamail.info", "guerrillamail.net", "guerrillamail.org", "guerrillamailblock.com", "mailcatch.com", "maildrop.cc", "mailinator.com",
	"mailnesia.com", "mintemail.com", "mohmal.com", "mytemp.email", "sharklasers.com", "spam4.me", "spamgourmet.com", "temp-mail.org",
	"tempmail.com", "tempmailo.com", "throwawaymail.com", "trashmail.com", "trashmail.de", "wegwerfemail.de", "yopmail.com", "yopmail.fr", "yopmail.net",
)

// providers are the domains that most people's addresses are at.
var providers = []string{
	"gmail.com", "googlemail.com", "yahoo.com", "hotmail.com", "outlook.com", "icloud.com", "live.com", "aol.com", "msn.com",
	"protonmail.com", "yandex.com", "comcast.net", "verizon.net", "hotmail.co.uk", "yahoo.co.uk", "btinternet.com",
	"gmx.de", "gmx.net", "web.de", "t-online.de", "freenet.de", "orange.fr", "wanadoo.fr", "free.fr", "laposte.net", "libero.it", "mail.ru",
}

// neighbours are real domains that look like slips.
var neighbours = set("mail.com", "gmx.com", "gmx.at", "gmx.ch", "email.com", "ymail.com", "rocketmail.com", "me.com", "mac.com", "yahoo.ca", "yahoo.co", "yandex.ru", "live.ca", "hotmail.ca", "outlook.co", "fre.fr", "hey.com")

func set(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}

// flags says what is odd about an address. slips remembers domains.
func (s slips) flags(row *Row) []flag {
	var all []flag
	local := row.Key[:len(row.Key)-len(row.Domain)-1]
	if roles[local] {
		all = append(all, flag{FlagRole, "is an office's, not a person's"})
	}
	for d := row.Domain; d != ""; _, d, _ = strings.Cut(d, ".") {
		if disposable[d] {
			all = append(all, flag{FlagDisposable, "is of a service for throw-away addresses"})
			break
		}
	}
	near, ok := s[row.Domain]
	if !ok {
		near = slip(row.Domain)
		if len(s) < 100_000 {
			s[row.Domain] = near
		}
	}
	if near != "" {
		all = append(all, flag{FlagMistyped, "may be meant for " + near})
	}
	return all
}

// slips are domains with the provider's that was probably meant; empty for none.
type slips map[string]string

// slip returns the provider's domain that a domain is one slip away from: a
// letter too many, too few, another one, or two that changed places.
func slip(domain string) string {
	if neighbours[domain] || len(domain) > 20 {
		return ""
	}
	for _, p := range providers {
		if domain == p {
			return ""
		}
	}
	for _, p := range providers {
		// Short names have real neighbours everywhere.
		if len(p) >= 8 && oneSlip(domain, p) {
			return p
		}
	}
	return ""
}

// oneSlip says whether a becomes b by one slip.
func oneSlip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	switch {
	case i == len(a):
		return false
	case a[i+1:] == b[i+1:]:
		return true
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}
