package audience

import (
	"strings"
	"unicode/utf8"
)

// dots stand for what Mask hides: always five, so that they tell no length.
const dots = "•••••"

// Mask hides an address so that its owner still knows it and nobody else learns
// it: "ona@news.example" becomes "o•••••@n•••••.example". What is no address
// becomes dots alone.
func Mask(address string) string {
	l, d, ok := Initials(address)
	if !ok {
		return dots
	}
	return l + dots + "@" + d + dots + address[strings.LastIndexByte(address, '.'):]
}

// Initials returns what Mask leaves of an address, for a screen reader, which
// would read the dots aloud: the first character of its local part and of its
// domain; false when it lacks one of them or a dotted domain.
func Initials(address string) (local, domain string, ok bool) {
	at := strings.LastIndexByte(address, '@')
	if at <= 0 {
		return "", "", false
	}
	local, domain = address[:at], address[at+1:]
	if dot := strings.LastIndexByte(domain, '.'); dot <= 0 || dot == len(domain)-1 {
		return "", "", false
	}
	return first(local), first(domain), true
}

// first returns the first character of s.
func first(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return s[:n]
}
