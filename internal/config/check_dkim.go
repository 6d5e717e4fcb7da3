package config

import (
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
)

// The kinds of a DKIM key. What is none of them is complained of when it is
// loaded.
const (
	keyRSA     = "rsa"
	keyEd25519 = "ed25519"
)

// dkim checks the signing identities of a newsletter, each alone and then
// together.
func (c *checker) dkim(at string, n *Newsletter) {
	c.notEmpty(at, len(n.DKIM))
	if !c.sound(at) {
		return
	}
	var names, kinds []string
	complete, fits, path := true, false, ""
	for i := range n.DKIM {
		d := &n.DKIM[i]
		path = at
		if _, list := c.places[at+"[0]"]; list {
			path = fmt.Sprintf("%s[%d]", at, i)
		}
		kind, ok := c.identity(path, d)
		complete = complete && ok
		if kind != keyEd25519 && aligned(d.Domain, n.From.Domain()) {
			fits = true
		}
		name := d.Selector + "._domainkey." + d.Domain
		if ok && slices.Contains(names, name) {
			c.complain(path, "another key needs another selector", "%s is the key of another identity too", name)
		}
		names, kinds = append(names, name), append(kinds, kind)
	}
	rsa := slices.ContainsFunc(kinds, func(kind string) bool { return kind != keyEd25519 })
	const dmarc = "DMARC wants a signature by the domain that readers see"
	switch {
	case n.From.Address == "" || len(names) == 0:
	case !rsa && complete:
		c.complain(at, "put an identity with an RSA key beside it (openssl genrsa -out dkim.pem 2048)", "an Ed25519 key alone: many receivers know RSA only")
	case !fits && len(names) == 1 && c.given(path+".domain"):
		c.complain(path+".domain", dmarc, "%q does not belong to %q of from", n.DKIM[0].Domain, n.From.Domain())
	case !fits && complete:
		c.complain(at, dmarc, "no identity with an RSA key belongs to %q of from", n.From.Domain())
	}
}

// identity checks one signing identity and says of what kind its key is. Its
// domain is in lower case then. ok is false when something is wrong with it.
func (c *checker) identity(at string, d *DKIM) (kind string, ok bool) {
	before := len(c.problems)
	d.Domain = strings.ToLower(d.Domain)
	if path := at + ".domain"; c.given(path) && !hostName(d.Domain) {
		c.complain(path, "", "%q is no domain", d.Domain)
	}
	if path := at + ".selector"; c.given(path) && !hostName(d.Selector) {
		c.complain(path, "", "%q is no selector: write it like lede", d.Selector)
	}
	if path := at + ".key"; c.given(path) {
		d.Key = c.path(d.Key)
		if text, ok := c.file(path, d.Key, "DKIM key file", true); ok {
			kind = kindOfKey(text)
		}
	}
	return kind, len(c.problems) == before && c.given(at+".domain") && c.given(at+".selector") && c.given(at+".key")
}

// kindOfKey says of what kind a private key in PEM is, or nothing.
func kindOfKey(text []byte) string {
	block, _ := pem.Decode(text)
	if block == nil {
		return ""
	}
	if _, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return keyRSA
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return ""
	}
	switch key.(type) {
	case *rsa.PrivateKey:
		return keyRSA
	case ed25519.PrivateKey:
		return keyEd25519
	}
	return ""
}

// aligned says whether one domain is the other or lies within it, as DMARC's
// relaxed alignment has it for the domains of one sender (RFC 7489, section
// 3.1.1).
func aligned(a, b string) bool {
	return a == b || strings.HasSuffix(a, "."+b) || strings.HasSuffix(b, "."+a)
}
