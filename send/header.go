package send

import (
	"bytes"
	"fmt"
	"net/mail"
	"strings"
)

// longestPlain is the longest word that stands in a header as it is: a longer
// one could not be folded.
const longestPlain = 60

// isPlain says that src, which is clean, may stand in a header as it is, folded
// at its spaces.
func isPlain(src []byte) bool {
	word := 0
	for _, c := range src {
		if c < ' ' || c > '~' {
			return false
		}
		if word++; c == ' ' {
			word = 0
		}
		if word > longestPlain {
			return false
		}
	}
	// What looks like an encoded word would be read as one.
	return !bytes.Contains(src, []byte("=?"))
}

// appendFolded appends plain text, folded at its spaces; after is how many
// characters follow it on its last line.
func appendFolded(dst, src []byte, col, after int) ([]byte, int) {
	for len(src) > 0 {
		n := 1
		for n < len(src) && src[n] != ' ' {
			n++
		}
		width := n
		if n == len(src) {
			width += after
		}
		if src[0] == ' ' && col+width > foldAt && col > 1 {
			dst = append(dst, '\r', '\n')
			col = 0
		}
		dst = append(dst, src[:n]...)
		col += n
		src = src[n:]
	}
	return dst, col
}

// appendText appends the header field name with clean text src.
func appendText(dst []byte, name string, src []byte) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	col := len(name) + 2
	if isPlain(src) {
		dst, _ = appendFolded(dst, src, col, 0)
	} else {
		dst, _ = appendWords(dst, src, col)
	}
	return append(dst, '\r', '\n')
}

// appendPhrase appends a clean display name (RFC 5322, 3.2.5) as a quoted
// string or as encoded words, and a space.
func appendPhrase(dst, name []byte, col int) ([]byte, int) {
	if len(name) == 0 {
		return dst, col
	}
	if !isPlain(name) || bytes.IndexByte(name, '\\') >= 0 {
		dst, col = appendWords(dst, name, col)
		return append(dst, ' '), col + 1
	}
	quotes := bytes.Count(name, []byte{'"'})
	if quotes > 0 {
		dst, col = appendWords(dst, name, col)
		return append(dst, ' '), col + 1
	}
	dst = append(dst, '"')
	dst, col = appendFolded(dst, name, col+1, 1)
	return append(dst, '"', ' '), col + 2
}

// appendAddress appends the header field name with a person: a clean display
// name, or none, and an address that checkAddress passed.
func appendAddress(dst []byte, name string, display []byte, a address) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst, col := appendPhrase(dst, display, len(name)+2)
	if col+len(a.local)+len(a.domain)+3 > foldAt && col > len(name)+2 {
		dst = append(dst[:len(dst)-1], "\r\n "...)
	}
	dst = append(dst, '<')
	dst = a.append(dst)
	return append(dst, '>', '\r', '\n')
}

// appendPerson is appendAddress for one of our own addresses.
func appendPerson(dst []byte, name string, who mail.Address) ([]byte, error) {
	a, err := checkAddress(who.Address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.ToLower(name), err)
	}
	return appendAddress(dst, name, []byte(clean(who.Name, longestName)), a), nil
}
