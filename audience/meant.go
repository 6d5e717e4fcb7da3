package audience

import "strings"

// Meant returns the address that was probably meant when the domain of one is a
// slip away from a large provider's: ona@gmail.com for ona@gmial.com. The second
// result is that domain alone. Both are empty when nothing is odd, or when
// address is none.
func Meant(address string) (meant, domain string) {
	written, _, ascii, err := ParseAddress(address)
	if err != nil {
		return "", ""
	}
	near := slip(ascii)
	if near == "" {
		return "", ""
	}
	return written[:strings.LastIndexByte(written, '@')+1] + near, near
}
