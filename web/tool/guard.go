package tool

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// PageCSP is the Content-Security-Policy of the tool's own pages: scripts,
// styles and frames come from the page's own server, nothing from elsewhere.
const PageCSP = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Guard stands before pages that are served on loopback without a login.
//
// A page of another site must not act through the editor's browser: requests
// that change something are refused when they come from elsewhere
// (http.CrossOriginProtection), and so is every request whose Host is neither
// an IP address, localhost nor one of names. The second keeps out a name that
// its owner points at 127.0.0.1 after the browser has loaded a page from it
// (DNS rebinding), which would make that page one of the same origin.
func Guard(next http.Handler, names ...string) http.Handler {
	checked := http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", PageCSP)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "SAMEORIGIN") // for browsers without frame-ancestors
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !knownHost(r.Host, names) {
			http.Error(w, "This page is reached by its address (127.0.0.1) or as localhost.", http.StatusMisdirectedRequest)
			return
		}
		checked.ServeHTTP(w, r)
	})
}

// knownHost says whether a Host header names this machine in a way that
// nobody else's DNS can bring about.
func knownHost(hostport string, names []string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") || slices.Contains(names, host) {
		return true
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}
