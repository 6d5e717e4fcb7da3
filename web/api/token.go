package api

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"time"
)

// Token is the right of a program to use the API. The text that the program
// shows is kept nowhere: only its Hash.
type Token struct {
	ID      int64
	Name    string // of the program, for people
	Scopes  []string
	By      string // who made it
	Created time.Time
	Expires time.Time // zero: never
	Used    time.Time // the hour in which it was used last; zero: never
	Revoked time.Time // zero: it was not
}

// Scopes of tokens: what they may do.
const (
	ScopeSubscribersRead  = "subscribers:read"
	ScopeSubscribersWrite = "subscribers:write"
	ScopeSubscribersErase = "subscribers:erase"
	ScopeListsRead        = "lists:read"
	ScopeImportsRead      = "imports:read"
	ScopeImportsWrite     = "imports:write"
	ScopeSegmentsRead     = "segments:read"
	ScopeEditionsRead     = "editions:read"
)

// Scopes returns all scopes that there are.
func Scopes() []string {
	return []string{
		ScopeSubscribersRead, ScopeSubscribersWrite, ScopeSubscribersErase, ScopeListsRead,
		ScopeImportsRead, ScopeImportsWrite, ScopeSegmentsRead, ScopeEditionsRead,
	}
}

// Faults of tokens.
var (
	ErrNoToken   = errors.New("no such token")
	ErrTokenName = errors.New("there is a token of this name")
)

// Valid says whether the token may be used at a time.
func (t Token) Valid(now time.Time) bool {
	return t.Revoked.IsZero() && (t.Expires.IsZero() || now.Before(t.Expires))
}

// May says whether the token has a scope.
func (t Token) May(scope string) bool { return slices.Contains(t.Scopes, scope) }

// A token is tokenPrefix, tokenRandom characters of chance (178 bits) and
// tokenSum characters of a CRC-32 over both, so that programs which look for
// secrets in code find tokens and are not misled, and a mistyped one is refused
// without a look into the store.
const (
	tokenPrefix = "lede_"
	tokenRandom = 30
	tokenSum    = 6
	base62      = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// NewToken makes the text of a token.
func NewToken() string {
	text := []byte(tokenPrefix)
	var b [1]byte
	for len(text) < len(tokenPrefix)+tokenRandom {
		_, _ = rand.Read(b[:]) // never fails since Go 1.24
		if b[0] < 4*len62 {    // else the first characters would come more often
			text = append(text, base62[b[0]%len62])
		}
	}
	return string(text) + checksum(string(text))
}

const len62 = byte(len(base62))

// checksum is the end of a token.
func checksum(text string) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	out := make([]byte, tokenSum)
	for i := tokenSum - 1; i >= 0; i-- {
		out[i] = base62[sum%uint32(len62)]
		sum /= uint32(len62)
	}
	return string(out)
}

// HashToken returns by what a token is known, in hexadecimal; ErrNoToken for
// what never was one.
func HashToken(text string) (string, error) {
	rest, found := strings.CutPrefix(text, tokenPrefix)
	if !found || len(rest) != tokenRandom+tokenSum || strings.Trim(rest, base62) != "" {
		return "", ErrNoToken
	}
	if end := len(text) - tokenSum; checksum(text[:end]) != text[end:] {
		return "", ErrNoToken
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:]), nil
}

// CheckTokenName checks the name of a token: it stands in the histories of
// people and in logs.
func CheckTokenName(name string) error {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	if name == "" || len(name) > 60 || strings.Trim(name, letters) != "" {
		return fmt.Errorf("%q: a token's name is made of up to 60 letters, digits, dashes, dots and underscores", name)
	}
	return nil
}
