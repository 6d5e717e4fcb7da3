package audience

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
)

// Purpose is what a token may be used for. A token made for one purpose opens
// nothing else.
type Purpose byte

// The purposes.
const (
	PurposeUnsubscribe Purpose = 'u'
	PurposeView        Purpose = 'v' // to read one edition on the web
	PurposeProof       Purpose = 'p' // in previews and proofs: its pages work and change nothing
	PurposePreferences Purpose = 's' // to choose what comes, when and how: PreferencesToken
	PurposeData        Purpose = 'd' // to see, move and erase what is kept of a person, for a while: DataToken
	PurposeAddress     Purpose = 'a' // to confirm a new address, once
	PurposeConfirm     Purpose = 'c' // to confirm a sign-up, once: its code is the token's Edition
)

// Token says who may do what.
type Token struct {
	Purpose    Purpose
	Newsletter string
	Subscriber int64
	Salt       uint32
	Edition    string
}

// ErrToken says that a token is not one of ours, or not whole.
var ErrToken = errors.New("token is damaged or not ours")

// Keyring holds the keys that sign tokens. Tokens never expire; old keys stay
// for reading after a rotation.
type Keyring struct {
	Keys    map[uint32][]byte // by key id
	Current uint32
}

// A signed token is, in base64url without padding (RFC 4648 section 5):
//
//	version     1 byte, tokenVersion
//	key id      varint
//	purpose     1 byte
//	subscriber  varint
//	salt        4 bytes, big-endian
//	newsletter  varint length, bytes
//	edition     the bytes that are left
//	MAC         16 bytes: HMAC-SHA256 over tokenLabel and all of the above, cut
//
// It stands in every mail, so it is kept short: 16 bytes of MAC are far beyond
// guessing, and most of the rest is two ids.
const (
	tokenVersion = 1
	macSize      = 16
	maxToken     = 1024 // characters; more is not ours, and not worth decoding
)

// The labels keep the uses of a key apart: no answer is ever a token, and no
// token a return address.
const (
	tokenLabel  = "lede token\x00"
	answerLabel = "lede instance\x00"
)

// strict refuses stray bits after the last whole byte, which would be a second
// spelling of the same token.
var strict = base64.RawURLEncoding.Strict()

// Sign writes t as text for a link, signed with the current key. Newsletter and
// edition must fit into a token (together at most 700 bytes). A keyring without
// its current key can't sign: that is a programming error, and Sign panics
// rather than sign with an empty key.
func (k *Keyring) Sign(t Token) string {
	return string(k.Signer().AppendToken(nil, t))
}

// Open reads a token that any key of the ring signed. Every fault is ErrToken:
// who tries tokens learns nothing from the answer. Whether the purpose fits is
// for the caller to check.
func (k *Keyring) Open(s string) (Token, error) {
	if len(s) > maxToken {
		return Token{}, ErrToken
	}
	b, err := strict.DecodeString(s)
	// The decoder passes over line breaks, so the length is compared too.
	if err != nil || strict.EncodedLen(len(b)) != len(s) || len(b) < macSize {
		return Token{}, ErrToken
	}
	body, sum := b[:len(b)-macSize], b[len(b)-macSize:]
	rest := reader{b: body}
	version, id := rest.byte(), rest.varint()
	if rest.short || version != tokenVersion || id > 1<<32-1 {
		return Token{}, ErrToken
	}
	key := k.Keys[uint32(id)]
	if len(key) == 0 || !hmac.Equal(sum, mac(key, tokenLabel, body)[:macSize]) {
		return Token{}, ErrToken
	}
	t := Token{
		Purpose:    Purpose(rest.byte()),
		Subscriber: int64(rest.varint()),
		Salt:       rest.uint32(),
	}
	t.Newsletter = rest.text(rest.varint())
	t.Edition = string(rest.b)
	if rest.short {
		return Token{}, ErrToken
	}
	return t, nil
}

// Answer answers a nonce so that the asker, holding the same keys, knows that
// both processes stand on one store. It is in hex, and no token.
func (k *Keyring) Answer(nonce string) string {
	return hex.EncodeToString(mac(k.current(), answerLabel, []byte(nonce)))
}

// current returns the key that signs.
func (k *Keyring) current() []byte {
	key := k.Keys[k.Current]
	if len(key) == 0 {
		panic(fmt.Sprintf("audience: keyring without its current key %d", k.Current))
	}
	return key
}

// mac is HMAC-SHA256 over label and b.
func mac(key []byte, label string, b []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(label))
	h.Write(b)
	return h.Sum(nil)
}

// reader takes a token's parts off the front of b. Once it runs out, short is
// set and everything it returns is zero.
type reader struct {
	b     []byte
	short bool
}

func (r *reader) take(n int) []byte {
	if r.short || n > len(r.b) {
		r.short, r.b = true, nil
		return nil
	}
	part := r.b[:n]
	r.b = r.b[n:]
	return part
}

func (r *reader) byte() byte {
	if p := r.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if p := r.take(4); p != nil {
		return binary.BigEndian.Uint32(p)
	}
	return 0
}

func (r *reader) varint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.short, r.b = true, nil
		return 0
	}
	r.take(n)
	return v
}

func (r *reader) text(n uint64) string {
	if n > uint64(len(r.b)) {
		r.short, r.b = true, nil
		return ""
	}
	return string(r.take(int(n)))
}
