package fetch

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
)

// checkURL refuses what is no plain web address before a name is looked up.
func checkURL(u *url.URL) error {
	switch u.Scheme {
	case "http", "https":
	case "":
		return errors.New("is not a web address; it starts with https:// or http://")
	default:
		return errors.New("only http and https addresses are read")
	}
	host := u.Hostname()
	if host == "" {
		return errors.New("names no host")
	}
	// Resolvers disagree about 127.1, 0x7f000001 and 2130706433, so what ends
	// in a number has to be a plain address.
	if _, err := netip.ParseAddr(host); err != nil && endsInNumber(host) {
		return errors.New("is an unusual spelling of an IP address")
	}
	return nil
}

// endsInNumber is the URL Standard's "ends in a number checker".
func endsInNumber(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := strings.ToLower(host[strings.LastIndexByte(host, '.')+1:])
	if last == "" {
		return false
	}
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}

// bare is an address without credentials and fragment.
func bare(u *url.URL) string {
	c := *u
	c.User, c.Fragment, c.RawFragment = nil, "", ""
	return c.String()
}

// show is an address for messages: without credentials, and without its query,
// which may hold a token.
func show(u *url.URL) string {
	c := *u
	c.User, c.Fragment, c.RawFragment = nil, "", ""
	if c.RawQuery != "" {
		c.RawQuery = "…"
	}
	return c.String()
}

// Redact returns an address as it may be shown in a message: without
// credentials and query.
func Redact(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		before, _, _ := strings.Cut(address, "?")
		if at := strings.LastIndexByte(before, '@'); at >= 0 {
			before = before[at+1:]
		}
		return before
	}
	return show(u)
}
