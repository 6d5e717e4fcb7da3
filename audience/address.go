package audience

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// The lengths that RFC 5321 sections 4.5.3.1.1 and 4.5.3.1.3 (with erratum
// 1690) allow, in octets.
const (
	maxAddress = 254
	maxLocal   = 64
)

// ParseAddress checks that s is the address of one mailbox, as far as mail in
// the open internet uses them, and returns it in three forms:
//
//   - address, as it is mailed: the local part as written, the domain in lower
//     case and Unicode;
//   - key, its identity: all in lower case and NFC, the domain in ASCII. Two
//     spellings of an address that differ only in case have one key. (RFC 5321
//     lets a server tell them apart; no server that people use does.);
//   - domain, in lower case and ASCII.
//
// Blanks around the address, "mailto:" and the angle brackets of "<a@b.example>"
// are taken off. Local parts are dot-atoms, also with letters beyond ASCII (RFC
// 6531). Refused are quoted local parts, comments, address literals, domains of
// one label, and all that does not show: control, zero-width and bidirectional
// characters. The error is one reason without the address, made to stand behind
// it: "has no @".
func ParseAddress(s string) (address, key, domain string, err error) {
	s = bare(s)
	// Lengths come first: nothing below ever sees more than a line.
	switch {
	case s == "":
		return "", "", "", errors.New("is empty")
	case len(s) > maxAddress:
		return "", "", "", fmt.Errorf("is longer than %d bytes", maxAddress)
	case !utf8.ValidString(s):
		return "", "", "", errors.New("is not valid UTF-8")
	}
	if err := visible(s); err != nil {
		return "", "", "", err
	}
	local, host, found := strings.Cut(s, "@")
	switch {
	case strings.ContainsAny(s, "<>"):
		return "", "", "", errors.New("has angle brackets: an address alone is wanted")
	case strings.Contains(s, `"`):
		return "", "", "", errors.New("has a quoted part, which hardly any server takes")
	case strings.ContainsAny(s, "()"):
		return "", "", "", errors.New("has a comment in brackets")
	case !found:
		return "", "", "", errors.New("has no @")
	case strings.Contains(host, "@"):
		return "", "", "", errors.New("has more than one @")
	case local == "":
		return "", "", "", errors.New("has nothing before the @")
	case host == "":
		return "", "", "", errors.New("has no domain after the @")
	}
	if err := checkLocal(local); err != nil {
		return "", "", "", err
	}
	display, domain, err := parseDomain(host)
	if err != nil {
		return "", "", "", err
	}
	address = local + "@" + display
	key = foldCase(local) + "@" + domain
	// A domain may be longer in one form than in the other.
	if max(len(address), len(local)+1+len(domain), len(key)) > maxAddress {
		return "", "", "", fmt.Errorf("is longer than %d bytes", maxAddress)
	}
	return address, key, domain, nil
}

// bare takes off what people and programs put around an address.
func bare(s string) string {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "<") && strings.HasSuffix(s, ">") {
		s = strings.TrimSpace(s[1 : len(s)-1])
	}
	if len(s) >= 7 && strings.EqualFold(s[:7], "mailto:") {
		s = strings.TrimSpace(s[7:])
	}
	return s
}

// visible refuses blanks, and characters that change a line or hide in it: CR
// and LF smuggle headers, zero-width and bidirectional ones make two addresses
// look alike.
func visible(s string) error {
	for _, r := range s {
		switch {
		case r < 0x20 || r == 0x7f || unicode.Is(unicode.Cc, r):
			return fmt.Errorf("has a control character (%U)", r)
		case unicode.IsSpace(r) || unicode.Is(unicode.Z, r):
			return errors.New("has a blank in it")
		case invisible(r):
			return fmt.Errorf("has an invisible character (%U)", r)
		}
	}
	return nil
}

// invisible says whether r shows nothing: format characters (zero-width,
// bidirectional, soft hyphen), fillers, variation selectors.
func invisible(r rune) bool {
	if r < 0x80 {
		return false
	}
	return unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// checkLocal checks a local part: a dot-atom of RFC 5321 section 4.1.2, with
// letters, marks and digits beyond ASCII (RFC 6531 section 3.3).
func checkLocal(local string) error {
	if len(local) > maxLocal {
		return fmt.Errorf("has more than %d bytes before the @", maxLocal)
	}
	ascii := true
	for _, r := range local {
		switch {
		case r >= 0x80:
			ascii = false
			if !unicode.In(r, unicode.L, unicode.M, unicode.N) {
				return fmt.Errorf("has %q before the @", r)
			}
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		case strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", r):
		default:
			return fmt.Errorf("has %q before the @", r)
		}
	}
	switch {
	case local[0] == '.' || local[len(local)-1] == '.':
		return errors.New("has a dot at an end of the part before the @")
	case strings.Contains(local, ".."):
		return errors.New("has two dots in a row")
	// Wide, ligature and other compatibility forms look like another address.
	case !ascii && norm.NFKC.String(local) != norm.NFC.String(local):
		return errors.New("has look-alike characters before the @")
	}
	return nil
}

// parseDomain returns a domain for people (Unicode) and for the DNS (ASCII),
// both in lower case.
func parseDomain(host string) (display, ascii string, err error) {
	switch {
	case host[0] == '[':
		return "", "", errors.New("has an address literal for a domain")
	case host[0] == '.' || host[len(host)-1] == '.':
		return "", "", errors.New("has a dot at an end of its domain")
	case strings.Contains(host, ".."):
		return "", "", errors.New("has two dots in a row")
	}
	ascii = strings.ToLower(host)
	display = ascii
	// Only names with non-ASCII or encoded labels need the tables.
	if !isASCII(host) || strings.Contains(ascii, "xn--") {
		profile := idna.New(
			idna.MapForLookup(),
			idna.Transitional(false),
			idna.BidiRule(),
			idna.CheckHyphens(false), // names like "r3--sn.example" exist
		)
		ascii, err = profile.ToASCII(host)
		if err != nil {
			return "", "", errors.New("has a domain that is not a valid international name")
		}
		if display, err = profile.ToUnicode(ascii); err != nil {
			return "", "", errors.New("has a domain that is not a valid international name")
		}
		// One that doesn't come back as itself is shown encoded.
		if again, err := profile.ToASCII(display); err != nil || again != ascii {
			display = ascii
		}
	}
	if err := checkHost(ascii); err != nil {
		return "", "", err
	}
	return display, ascii, nil
}

// checkHost checks a domain in ASCII: at least two labels of letters, digits
// and inner hyphens (RFC 1123 section 2.1), the last not all digits, which
// would be an IP address.
func checkHost(host string) error {
	labels := strings.Split(host, ".")
	if len(labels) < 2 {
		return errors.New("has a domain without a dot")
	}
	for _, label := range labels {
		if label == "" {
			return errors.New("has two dots in a row")
		}
		if len(label) > 63 {
			return errors.New("has a part of its domain longer than 63 bytes")
		}
		for _, c := range []byte(label) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return fmt.Errorf("has %q in its domain", c)
			}
		}
		if label[0] == '-' || label[len(label)-1] == '-' {
			return errors.New("has a hyphen at an end of a part of its domain")
		}
	}
	if strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return errors.New("has an IP address for a domain")
	}
	return nil
}

// foldCase folds case by Unicode's simple folding, in which Σ, σ and ς are one
// letter, but İ is not i and ß is not ss: those may be two mailboxes.
func foldCase(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	return norm.NFC.String(strings.Map(foldRune, norm.NFC.String(s)))
}

// foldRune returns the lower case of r, if that differs from r only in case.
func foldRune(r rune) rune {
	lower := unicode.ToLower(unicode.ToUpper(r)) // by the upper case, ς too becomes σ
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		if next == lower {
			return lower
		}
	}
	return r
}

// isASCII says whether s has only ASCII bytes.
func isASCII[T string | []byte](s T) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
