package send

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// errRecipient says that a mail cannot be written for this recipient, whatever
// the relay. It concerns nobody else.
var errRecipient = errors.New("address cannot be mailed")

// How many octets a path may have without its angle brackets, and its local part
// (RFC 5321, 4.5.3.1).
const (
	longestAddress = 254
	longestLocal   = 64
)

var errTooLong = fmt.Errorf("%w: it is too long (RFC 5321, 4.5.3.1)", errRecipient)

// address is a checked mail address.
type address struct {
	local  string
	domain string // ASCII: an IDN as A-labels
	utf8   bool   // its local part needs SMTPUTF8 (RFC 6531)
}

func (a address) append(dst []byte) []byte {
	dst = append(dst, a.local...)
	dst = append(dst, '@')
	return append(dst, a.domain...)
}

func (a address) String() string { return a.local + "@" + a.domain }

// checkAddress parts an address into local part and domain and makes sure that
// it can stand in a header and in an SMTP command without meaning anything
// else there. The errors wrap errRecipient and do not repeat the address.
func checkAddress(s string) (address, error) {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at == len(s)-1 {
		return address{}, fmt.Errorf("%w: it has no local part or no domain", errRecipient)
	}
	a := address{local: s[:at], domain: s[at+1:]}
	if len(s) > longestAddress {
		return address{}, errTooLong
	}
	if err := a.checkLocal(); err != nil {
		return address{}, err
	}
	var err error
	if a.domain, err = asciiDomain(a.domain); err != nil {
		return address{}, fmt.Errorf("%w: its domain %w", errRecipient, err)
	}
	if len(a.local) > longestLocal || len(a.local)+1+len(a.domain) > longestAddress {
		return address{}, errTooLong
	}
	return a, nil
}

// checkLocal accepts a dot-atom, or a quoted string without escapes; both may
// hold UTF-8.
func (a *address) checkLocal() error {
	local := a.local
	quoted := len(local) > 2 && local[0] == '"' && local[len(local)-1] == '"'
	if quoted {
		local = local[1 : len(local)-1]
	} else if local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, "..") {
		return fmt.Errorf("%w: a full stop stands at the wrong place", errRecipient)
	}
	if !utf8.ValidString(local) {
		return fmt.Errorf("%w: it is not UTF-8", errRecipient)
	}
	for _, r := range local {
		ok := false
		switch {
		case r >= utf8.RuneSelf:
			a.utf8 = true
			ok = unicode.IsGraphic(r) && !unicode.IsSpace(r) && !turns(r)
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			ok = true
		case strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", r):
			ok = true
		case quoted:
			ok = r > ' ' && r < 0x7f && !strings.ContainsRune(`"\<>`, r)
		}
		if !ok {
			return fmt.Errorf("%w: it holds the character %q", errRecipient, r)
		}
	}
	return nil
}

// asciiDomain returns a domain as it stands in DNS: an IDN as A-labels (RFC
// 5890).
func asciiDomain(domain string) (string, error) {
	if !isASCII(domain) {
		ascii, err := idna.Lookup.ToASCII(domain)
		if err != nil {
			return "", errors.New("has no ASCII form")
		}
		domain = ascii
	}
	if !isDomain(domain) {
		return "", errors.New("is not a name")
	}
	return domain, nil
}

// isDomain says that s is made of labels of letters, digits, hyphens and
// underscores. Nobody has a newsletter sent to an address literal.
func isDomain(s string) bool {
	if len(s) > 253 {
		return false
	}
	label := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '.':
			if label == 0 {
				return false
			}
			label = 0
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
			if label++; label > 63 {
				return false
			}
		default:
			return false
		}
	}
	return label > 0
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
