package source

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

// Parameters that say where a reader came from and not what is read. Names are
// compared in lower case.
var (
	trackingPrefixes = []string{"utm_", "at_", "wt_", "mc_", "mtm_", "matomo_", "pk_", "hsa_", "_hs", "__hs"}
	trackingNames    = map[string]bool{
		"fbclid": true, "gclid": true, "gclsrc": true, "dclid": true, "gbraid": true, "wbraid": true,
		"msclkid": true, "yclid": true, "twclid": true, "ttclid": true, "igshid": true, "igsh": true,
		"ref_src": true, "ref_url": true, "cmp": true, "cmpid": true, "ito": true, "icid": true,
		"ncid": true, "ocid": true, "smid": true, "s_cid": true, "xtor": true, "spm": true,
		"_ga": true, "_gl": true, "mkt_tok": true, "vero_id": true, "oly_enc_id": true, "guccounter": true,
	}
)

// Canonical returns an address as it is compared: two addresses of the same
// story give the same text. The scheme becomes https; www, the default port,
// the fragment, tracking parameters and a trailing slash go; what is left of
// the query is sorted. It is empty for what is no http(s) address.
func Canonical(address string) string {
	u := webURL(address, nil)
	if u == nil {
		return ""
	}
	host := strings.Trim(strings.ToLower(u.Hostname()), ".")
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		host = ascii
	}
	for {
		rest, ok := strings.CutPrefix(host, "www.")
		if rest = strings.Trim(rest, "."); !ok || !strings.Contains(rest, ".") {
			break
		}
		host = rest
	}
	if host == "" {
		return ""
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := u.Port(); port != "" && port != "80" && port != "443" {
		host += ":" + port
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	out := "https://" + host + path
	if query := canonicalQuery(u.RawQuery); query != "" {
		out += "?" + query
	}
	return out
}

func canonicalQuery(raw string) string {
	var kept []string
	for part := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(part, "=")
		if part == "" || tracking(name, value) {
			continue
		}
		kept = append(kept, part)
	}
	slices.Sort(kept)
	return strings.Join(kept, "&")
}

func tracking(name, value string) bool {
	name = strings.ToLower(name)
	if trackingNames[name] || (name == "rss" && value == "1") || (name == "source" && strings.HasPrefix(value, "rss")) {
		return true
	}
	return slices.ContainsFunc(trackingPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// webURL reads an http(s) address, relative to base if there is one, and
// returns nil for everything else. Credentials are taken out: in a link they
// serve only to deceive.
func webURL(address string, base *url.URL) *url.URL {
	u := parseURL(address, base)
	if u == nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.Opaque != "" {
		return nil
	}
	u.User = nil
	return u
}

// absolute is webURL for callers that want text.
func absolute(address string, base *url.URL) string {
	if u := webURL(address, base); u != nil {
		return u.String()
	}
	return ""
}

// parseURL reads an address as browsers do: without the spaces and control
// characters around it, and without line breaks and tabs inside.
func parseURL(address string, base *url.URL) *url.URL {
	address = strings.TrimFunc(address, func(r rune) bool { return r <= ' ' })
	address = strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' {
			return -1
		}
		return r
	}, address)
	if address == "" || len(address) > 4096 {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	if base != nil {
		u = base.ResolveReference(u)
	}
	u.RawQuery = escapeQuery(u.RawQuery)
	return u
}

// escapeQuery escapes what a query may not hold as it is; net/url leaves it.
func escapeQuery(q string) string {
	if strings.IndexFunc(q, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"<>'`, r) }) < 0 {
		return q
	}
	var b strings.Builder
	for i := range len(q) {
		if c := q[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`"<>'`, c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// unescapePath is the file path that a relative address names.
func unescapePath(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil {
		return "", err
	}
	return u.Path, nil
}
