package audience

import (
	"crypto/hmac"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// A return token stands in the envelope sender of a mail and says, when the
// mail comes back, which edition it was of and whom it was for. It is in
// lower-case base32 without padding (RFC 4648 section 6), since local parts are
// lower-cased on the way, and holds
//
//	form        1 byte: returnText or returnHex
//	key id      varint
//	subscriber  varint
//	edition     the bytes that are left; with returnHex half as many, as the id
//	            is in lower-case hexadecimal
//	MAC         10 bytes: HMAC-SHA256 over returnLabel and all of the above, cut
//
// A local part has room for 64 characters, so the MAC is shorter than a link's:
// who guesses it could have one address taken for dead.
const (
	returnText    = 1
	returnHex     = 2
	returnMAC     = 10
	returnLabel   = "lede return\x00"
	longestReturn = 64 // characters; a local part holds no more (RFC 5321, 4.5.3.1.1)
)

var lower32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// AppendReturn appends the return token of an edition's mail to a subscriber.
func (s *Signer) AppendReturn(dst []byte, edition string, subscriber int64) []byte {
	d := s.desks.Get().(*desk)
	b := append(d.raw[:0], returnLabel...)
	form := byte(returnText)
	if isHex(edition) {
		form = returnHex
	}
	b = append(b, form)
	b = binary.AppendUvarint(b, uint64(s.id))
	b = binary.AppendUvarint(b, uint64(subscriber))
	if form == returnHex {
		for i := 0; i < len(edition); i += 2 {
			b = append(b, nibble(edition[i])<<4|nibble(edition[i+1]))
		}
	} else {
		b = append(b, edition...)
	}
	b = d.sign(b, returnMAC)
	dst = lower32.AppendEncode(dst, b[len(returnLabel):])
	d.raw = b
	s.desks.Put(d)
	return dst
}

// OpenReturn reads a return token, in capitals or not, that any key of the ring
// signed. Every fault is ErrToken.
func (k *Keyring) OpenReturn(token string) (edition string, subscriber int64, err error) {
	if len(token) > longestReturn {
		return "", 0, ErrToken
	}
	token = strings.ToLower(token)
	b, err := lower32.DecodeString(token)
	// The decoder passes over line breaks and stray bits, which would be a
	// second spelling of the same token.
	if err != nil || len(b) < returnMAC || lower32.EncodeToString(b) != token {
		return "", 0, ErrToken
	}
	body, sum := b[:len(b)-returnMAC], b[len(b)-returnMAC:]
	rest := reader{b: body}
	form, id := rest.byte(), rest.varint()
	subscriber = int64(rest.varint())
	if rest.short || id > 1<<32-1 {
		return "", 0, ErrToken
	}
	key := k.Keys[uint32(id)]
	if len(key) == 0 || !hmac.Equal(sum, mac(key, returnLabel, body)[:returnMAC]) {
		return "", 0, ErrToken
	}
	switch form {
	case returnText:
		return string(rest.b), subscriber, nil
	case returnHex:
		return hex.EncodeToString(rest.b), subscriber, nil
	}
	return "", 0, ErrToken
}

// isHex says that s is whole bytes in lower-case hexadecimal.
func isHex(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(s)%2 == 0
}

// nibble is the value of a lower-case hexadecimal digit.
func nibble(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c - 'a' + 10
}
