package audience

import "strings"

// Mailbox is the mailbox that a key of ParseAddress most likely leads to: what
// stands behind a + in the local part only sorts mail there (RFC 5233), and
// Gmail passes over dots and has two names. Two people may share one by it, so
// it serves for limits alone, and never says who somebody is.
func Mailbox(key string) string {
	at := strings.LastIndexByte(key, '@')
	if at < 0 {
		return key
	}
	local, domain := key[:at], key[at+1:]
	if tag := strings.IndexByte(local, '+'); tag > 0 {
		local = local[:tag]
	}
	if domain == "gmail.com" || domain == "googlemail.com" {
		local, domain = strings.ReplaceAll(local, ".", ""), "gmail.com"
	}
	return local + "@" + domain
}
