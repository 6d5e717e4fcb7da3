package inbox

import (
	"net"
	"net/url"
	"strings"
)

// Unsubscribe says whether a mail can be left with one press in the reader's
// mail program (RFC 8058).
type Unsubscribe struct {
	OneClick bool   // an http(s) address and List-Unsubscribe-Post are there
	Words    string // "One-click, https", or what is missing
	URL      string // the http(s) address, or empty
	Listed   bool   // there is a List-Unsubscribe field
}

// unsubscribe reads List-Unsubscribe (RFC 2369) and List-Unsubscribe-Post.
func unsubscribe(p *Parsed) Unsubscribe {
	field := p.field("List-Unsubscribe")
	if field == "" {
		return Unsubscribe{Words: "No List-Unsubscribe: right for a notice, wrong for a newsletter"}
	}
	u := Unsubscribe{Listed: true}
	for item := range strings.SplitSeq(field, ",") {
		address := strings.Trim(strings.TrimSpace(item), "<>")
		if scheme, _, _ := strings.Cut(strings.ToLower(address), ":"); scheme == "https" || scheme == "http" {
			u.URL = address
			break
		}
	}
	post := p.field("List-Unsubscribe-Post")
	parsed, err := url.Parse(u.URL)
	switch {
	case u.URL == "":
		u.Words = "Not one-click: no https address, only mail"
	case err != nil || parsed.Host == "":
		u.URL = ""
		u.Words = "Not one-click: the address is broken"
	case post == "":
		u.Words = "Not one-click: no List-Unsubscribe-Post"
	case !strings.EqualFold(post, "List-Unsubscribe=One-Click"):
		u.Words = "Not one-click: List-Unsubscribe-Post must be List-Unsubscribe=One-Click"
	case parsed.Scheme == "https":
		u.OneClick, u.Words = true, "One-click, https"
	case loopback(parsed.Hostname()):
		u.OneClick, u.Words = true, "One-click, http on this machine"
	default:
		u.Words = "Not one-click: the address must be https"
	}
	return u
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
